# cython: language_level=3
# The active-set method of the quadratic solver, in plain C types; included by _quadratic.pyx, which says what is solved.

from libc.float cimport DBL_EPSILON
from libc.math cimport INFINITY, fabs, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove

cdef extern from "_vector.h" nogil:
    void fw_subtract_rows(Py_ssize_t p, Py_ssize_t s, const int *rows, double *scale, const double *Q, Py_ssize_t ld,
                          double *y)
    void fw_solve_transposed(const double *R, Py_ssize_t ld, Py_ssize_t s, double *b)
    void fw_solve_upper(const double *R, Py_ssize_t ld, Py_ssize_t s, double *b)
    void fw_remove(double *R, Py_ssize_t ld, Py_ssize_t s, Py_ssize_t i)
    void fw_factor(double *R, Py_ssize_t ld, Py_ssize_t s, double floor)

# A support's matrix gets this much of its diagonal added, so that collinear columns still give a descent direction;
# fresh gradients take its effect out of the answer.
cdef double JITTER = 1e-13
# Coordinates let in per round: more saves gradients, too many overshoot and must leave again.
cdef int LET_IN = 8

cdef struct Problem:
    Py_ssize_t p
    Py_ssize_t ld      # leading dimension of Q
    const double *Q
    const double *c
    const double *w1
    const double *w2
    const double *lower
    const double *upper
    double yy
    double slack       # share of its own threshold that a held coordinate's pull may exceed it by
    double l1
    double l2

cdef struct State:
    double *b          # (p,) coefficients
    double *g          # (p,) c - Qb - l2 w2 b
    double *left       # (p,) the piece a free coordinate lies in
    double *right
    double *sign       # (p,) slope of |b_j| there
    char *is_free      # (p,)
    int *support       # (s,) free coordinates in the order of the factor
    double *step       # (s,)
    double *rest       # (s,) g - slope on the support
    Py_ssize_t s
    Py_ssize_t capacity
    double *R          # (capacity, capacity)


cdef int grow(State *state) noexcept nogil:
    """Double the room of the factor; 0 when memory is out."""
    cdef Py_ssize_t capacity = 2 * state.capacity, i
    cdef double *R = <double *> malloc(capacity * capacity * sizeof(double))
    if R == NULL:
        return 0
    for i in range(state.s):
        memcpy(R + i * capacity + i, state.R + i * state.capacity + i, (state.s - i) * sizeof(double))
    free(state.R)
    state.R = R
    state.capacity = capacity
    return 1


cdef int insert(Problem *q, State *state, int j) noexcept nogil:
    """Put coordinate j at the end of the support and of its factor."""
    cdef Py_ssize_t i, s = state.s
    cdef double pivot, diagonal
    cdef const double *row = q.Q + j * q.ld
    if s == state.capacity and not grow(state):
        return 0
    for i in range(s):
        state.step[i] = row[state.support[i]]
    fw_solve_transposed(state.R, state.capacity, s, state.step)
    diagonal = row[j] + q.l2 * q.w2[j]
    pivot = diagonal * (1.0 + JITTER)
    for i in range(s):
        pivot -= state.step[i] * state.step[i]
        state.R[i * state.capacity + s] = state.step[i]
    state.R[s * state.capacity + s] = sqrt(max(pivot, JITTER * diagonal))
    state.support[s] = j
    state.is_free[j] = 1
    state.s = s + 1
    return 1


cdef void take_out(State *state, Py_ssize_t i) noexcept nogil:
    """Take entry i of the support out of it, of its factor and of the rest."""
    fw_remove(state.R, state.capacity, state.s, i)
    state.is_free[state.support[i]] = 0
    state.s -= 1
    memmove(state.support + i, state.support + i + 1, (state.s - i) * sizeof(int))
    memmove(state.rest + i, state.rest + i + 1, (state.s - i) * sizeof(double))


cdef void refactor(Problem *q, State *state) noexcept nogil:
    """Factor the support's matrix anew, after l2 has changed."""
    cdef Py_ssize_t i, k, s = state.s
    cdef const double *row
    cdef double *target
    for i in range(s):
        row = q.Q + state.support[i] * q.ld
        target = state.R + i * state.capacity
        for k in range(i + 1, s):
            target[k] = row[state.support[k]]
        target[i] = (row[state.support[i]] + q.l2 * q.w2[state.support[i]]) * (1.0 + JITTER)
    fw_factor(state.R, state.capacity, s, JITTER)


cdef void settle(Problem *q, State *state, Py_ssize_t *steps) noexcept nogil:
    """Minimize on the support: equality steps, each cut at the first kink or bound, until one is taken whole."""
    cdef Py_ssize_t i, at
    cdef int j
    cdef double length, here, target, meets
    for i in range(state.s):
        j = state.support[i]
        state.rest[i] = state.g[j] - q.l1 * q.w1[j] * state.sign[j]
    while state.s > 0:
        steps[0] += 1
        memcpy(state.step, state.rest, state.s * sizeof(double))
        fw_solve_transposed(state.R, state.capacity, state.s, state.step)
        fw_solve_upper(state.R, state.capacity, state.s, state.step)
        length, at = 1.0, -1
        for i in range(state.s):
            j = state.support[i]
            target = state.b[j] + state.step[i]
            if target <= state.left[j] or target >= state.right[j]:
                here = (state.left[j] if target <= state.left[j] else state.right[j]) - state.b[j]
                meets = here / state.step[i] if state.step[i] != 0.0 else 0.0
                if meets < length or at < 0:
                    length, at = min(meets, length), i
        for i in range(state.s):
            j = state.support[i]
            target = state.b[j] + length * state.step[i]
            state.b[j] = min(max(target, state.left[j]), state.right[j])
            state.rest[i] *= 1.0 - length
        if at < 0:
            return
        j = state.support[at]
        state.b[j] = state.left[j] if state.step[at] < 0.0 else state.right[j]
        take_out(state, at)


cdef void gradient(Problem *q, State *state) noexcept nogil:
    """g = c - Qb - l2 w2 b from scratch: the support's rows, and those of coordinates held at a bound."""
    cdef Py_ssize_t i, n = 0
    cdef int j
    memcpy(state.g, q.c, q.p * sizeof(double))
    for i in range(state.s):
        state.step[i] = state.b[state.support[i]]
    fw_subtract_rows(q.p, state.s, state.support, state.step, q.Q, q.ld, state.g)
    for j in range(q.p):
        if state.b[j] != 0.0:
            if not state.is_free[j]:
                state.step[0] = state.b[j]
                fw_subtract_rows(q.p, 1, &j, state.step, q.Q, q.ld, state.g)
    if q.l2 > 0.0:
        for j in range(q.p):
            state.g[j] -= q.l2 * q.w2[j] * state.b[j]


cdef double pull(Problem *q, State *state, int j, double *sign) noexcept nogil:
    """How steeply the objective falls if coordinate j, held at a kink or bound, moves; and the slope of |b_j| there."""
    cdef double b = state.b[j], to_right, to_left, slope = q.l1 * q.w1[j]
    to_right = state.g[j] - (slope if b >= 0.0 else -slope) if b < q.upper[j] else -INFINITY
    to_left = -state.g[j] + (slope if b > 0.0 else -slope) if b > q.lower[j] else -INFINITY
    if to_right >= to_left:
        sign[0] = 1.0 if b >= 0.0 else -1.0
        return to_right
    sign[0] = 1.0 if b > 0.0 else -1.0
    return to_left


cdef void set_piece(Problem *q, State *state, int j, double sign) noexcept nogil:
    """The piece in which coordinate j moves when |b_j| has slope `sign`."""
    if q.w1[j] > 0.0 and q.l1 > 0.0:
        state.left[j] = max(q.lower[j], 0.0) if sign > 0.0 else q.lower[j]
        state.right[j] = q.upper[j] if sign > 0.0 else min(q.upper[j], 0.0)
    else:
        state.left[j], state.right[j] = q.lower[j], q.upper[j]
    state.sign[j] = sign


cdef int let_in(Problem *q, State *state, int j, double sign) noexcept nogil:
    """One coordinate-descent step on j, which then joins the support unless the step ends at a kink or bound."""
    cdef double curvature = q.Q[j * q.ld + j] + q.l2 * q.w2[j], old = state.b[j], new, moved
    set_piece(q, state, j, sign)
    new = old + (state.g[j] - q.l1 * q.w1[j] * sign) / curvature
    new = min(max(new, state.left[j]), state.right[j])
    moved = new - old
    state.b[j] = new
    fw_subtract_rows(q.p, 1, &j, &moved, q.Q, q.ld, state.g)
    state.g[j] += moved * q.l2 * q.w2[j]     # moved is negated by now
    if state.left[j] < new < state.right[j]:
        return insert(q, state, j)
    return 1


cdef double conjugate(Problem *q, State *state, int j, double u) noexcept nogil:
    """sup over b in [lower, upper] of u b - l1 w1 |b| - 1/2 l2 w2 b^2."""
    cdef double slope = q.l1 * q.w1[j], curvature = q.l2 * q.w2[j], excess, b
    cdef double limit = q.upper[j] if u > 0.0 else -q.lower[j]
    excess = fabs(u) - slope
    if excess <= 0.0 or limit == 0.0:
        return 0.0
    if curvature > 0.0:
        b = min(excess / curvature, limit)
        return b * (excess - 0.5 * curvature * b)
    if limit == INFINITY:
        # Nothing bounds an unpenalized coefficient: the certificate is for coefficients at most this large. The same
        # stands in where scaling has left the threshold exceeded by rounding.
        limit = 2.0 * fabs(state.b[j]) + sqrt(q.yy / q.Q[j * q.ld + j])
    return excess * limit


cdef double duality_gap(Problem *q, State *state) noexcept nogil:
    """Primal minus dual objective at b, the dual point being the residual scaled into the dual's domain.

    Only coordinates that neither a box nor a ridge term bounds need the scaling; scaling for all of them may still be
    better. The larger dual objective counts.
    """
    cdef double cb = 0.0, gb = 0.0, penalty = 0.0, needed = 1.0, full = 1.0, rr, ry, primal, best = -INFINITY
    cdef double dual, u, slope, scale, share, limit
    cdef int j, attempt
    for j in range(q.p):
        u = state.g[j] + q.l2 * q.w2[j] * state.b[j]
        slope = q.l1 * q.w1[j]
        if state.b[j] != 0.0:
            cb += q.c[j] * state.b[j]
            gb += u * state.b[j]
            penalty += slope * fabs(state.b[j]) + 0.5 * q.l2 * q.w2[j] * state.b[j] * state.b[j]
        limit = q.upper[j] if u > 0.0 else -q.lower[j]
        if fabs(u) > slope > 0.0 and limit > 0.0:
            share = slope / fabs(u)
            full = min(full, share)
            if limit == INFINITY and q.l2 * q.w2[j] == 0.0:
                needed = min(needed, share)
    ry = q.yy - cb
    rr = ry - gb
    primal = 0.5 * rr + penalty
    for attempt in range(2):
        scale = full if attempt else needed
        dual = scale * ry - 0.5 * scale * scale * rr
        for j in range(q.p):
            dual -= conjugate(q, state, j, scale * (state.g[j] + q.l2 * q.w2[j] * state.b[j]))
        best = max(best, dual)
    return primal - best


cdef double l1_norm(Problem *q, State *state) noexcept nogil:
    cdef double total = 0.0
    cdef int j
    for j in range(q.p):
        total += fabs(state.b[j])
    return total


cdef int solve_point(Problem *q, State *state, double tol, Py_ssize_t max_steps, double *gap,
                     Py_ssize_t *steps) noexcept nogil:
    """One strength, from the state of the last. 0: certified; 1: max_steps reached; 2: rounding; -1: out of memory.

    Without `gap` no certificate is made, and 0 says that the optimality conditions hold.
    """
    cdef double floor, worst, strength, sign, best_sign = 0.0, rest, last = INFINITY
    cdef int j, best, entered
    cdef Py_ssize_t i
    cdef double scale = sqrt(q.yy)
    steps[0] = 0
    while True:
        settle(q, state, steps)
        gradient(q, state)
        floor = 4.0 * DBL_EPSILON * (scale + l1_norm(q, state))
        entered = 0
        while entered < LET_IN:
            worst, best = 0.0, -1
            for j in range(q.p):
                if state.is_free[j] or q.lower[j] == q.upper[j]:
                    continue
                strength = pull(q, state, j, &sign)
                if strength > worst and strength > max(q.slack * q.l1 * q.w1[j], floor):
                    worst, best, best_sign = strength, j, sign
            if best < 0:
                break
            if not let_in(q, state, best, best_sign):
                return -1
            entered += 1
        if entered == 0:
            rest = 0.0
            for i in range(state.s):
                j = state.support[i]
                rest = max(rest, fabs(state.g[j] - q.l1 * q.w1[j] * state.sign[j]))
            # A refinement step more while it helps: the jitter and rounding are taken out this way.
            if rest <= 8.0 * floor or rest > 0.5 * last:
                if gap == NULL:
                    return 0
                gap[0] = duality_gap(q, state) / (0.5 * q.yy) if q.yy > 0.0 else 0.0
                return 0 if gap[0] <= tol else 2
            last = rest
        else:
            last = INFINITY
        if steps[0] >= max_steps:
            if gap == NULL:
                return 1
            gradient(q, state)
            gap[0] = duality_gap(q, state) / (0.5 * q.yy) if q.yy > 0.0 else 0.0
            return 0 if gap[0] <= tol else 1


cdef int open_state(State *state, Py_ssize_t p) noexcept nogil:
    """Memory for p coordinates, all at zero; 0 when there is none. `close_state` gives it back either way."""
    cdef Py_ssize_t j
    cdef double *memory = <double *> malloc((7 * p + 1) * sizeof(double))
    state.b = memory
    state.capacity, state.s = 16 if p < 16 else (p if p < 64 else 64), 0
    state.R = <double *> malloc(state.capacity * state.capacity * sizeof(double))
    state.support = <int *> malloc((p + 1) * sizeof(int))
    state.is_free = <char *> malloc(p)
    if memory == NULL or state.R == NULL or state.support == NULL or state.is_free == NULL:
        return 0
    state.g, state.left, state.right = memory + p, memory + 2 * p, memory + 3 * p
    state.sign, state.step, state.rest = memory + 4 * p, memory + 5 * p, memory + 6 * p
    for j in range(p):
        state.b[j] = 0.0
        state.is_free[j] = 0
    return 1


cdef void close_state(State *state) noexcept nogil:
    free(state.b)
    free(state.R)
    free(state.support)
    free(state.is_free)
