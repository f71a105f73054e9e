# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Quadratic problems with the sparse group penalty along a path of strengths: block descent, then Newton's method.

For each strength, with Q (p, p) whose columns stand group by group,

    minimize over b   1/2 b'Qb - c'b + l1 (sum_g v_g |b_g|_2 + sum_j w_j |b_j|) + 1/2 l2 sum_g r_g |b_g|_2^2.

One round: a sweep of block steps over the groups that are in or want in, which decides which are (exact where the
group has no l1 term: its eigenvectors and a one-dimensional equation for its length; else a few proximal steps); then
Newton steps on the nonzero coefficients, where the objective is smooth, each ending at zero where it would pass through
it, and shortened until the objective falls. The gradient of all coefficients is in hand throughout, so a group that wants in is seen
at once and no screening rule has to guess it.
"""

from libc.float cimport DBL_EPSILON
from libc.math cimport INFINITY, fabs, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

cdef extern from "_vector.h" nogil:
    void fw_subtract_rows(Py_ssize_t p, Py_ssize_t s, const int *rows, double *scale, const double *Q, Py_ssize_t ld,
                          double *y)
    void fw_solve_transposed(const double *R, Py_ssize_t ld, Py_ssize_t s, double *b)
    void fw_solve_upper(const double *R, Py_ssize_t ld, Py_ssize_t s, double *b)
    void fw_factor(double *R, Py_ssize_t ld, Py_ssize_t s, double floor)

cdef double JITTER = 1e-13
# An eigenvalue below this share of its group's largest is rounding: nothing is fitted along its direction.
cdef double FLAT = 1e-13
cdef int INNER = 10
cdef int NEWTON = 12
# Rounds without progress after which rounding is taken to be the reason.
cdef int PATIENCE = 8

cdef struct Problem:
    Py_ssize_t p
    Py_ssize_t groups
    const double *Q
    const double *c
    const Py_ssize_t *start      # (G + 1,)
    const double *values         # (p,) eigenvalues of every group's own block
    const double *vectors        # eigenvectors, group after group, each (k, k) by rows
    const Py_ssize_t *place      # (G,) where a group's eigenvectors begin
    const double *norm_weight    # (G,)
    const double *ridge_weight   # (G,)
    const double *weight         # (p,)
    double scale                 # sqrt(yy)
    double l1
    double l2
    double floor                 # what a group that is zero may exceed its threshold by

cdef struct State:
    double *b
    double *u          # (p,) c - Qb
    double *z          # (p,) room
    double *a          # (p,) room
    double *d          # (p,) Newton's step, then the move
    double *move       # (p,) the move by coordinate, zero elsewhere
    double *pushed     # (p,) Q times the move
    int *support       # (s,)
    int *moved         # (p,)
    double *R          # (capacity, capacity)
    Py_ssize_t s
    Py_ssize_t capacity


cdef inline double soft(double z, double t) noexcept nogil:
    return z - t if z > t else (z + t if z < -t else 0.0)


cdef inline double group_norm(const double *b, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
    cdef double total = 0.0
    cdef Py_ssize_t j
    for j in range(start, end):
        total += b[j] * b[j]
    return sqrt(total)


cdef double length_of(const double *z, const double *values, Py_ssize_t k, double ridge, double norm) noexcept nogil:
    """The t > 0 with |(values + ridge + norm / t)^-1 z| = t, by Newton's method on the inverse of a norm.

    With h(t) = |z / ((values + ridge) t + norm)|, solve 1 / h(t) = 1: concave and increasing, nearly straight, and
    started left of the root.
    """
    cdef double t = 0.0, h, slope, denominator, step
    cdef Py_ssize_t i
    cdef int turn
    for turn in range(100):
        h, slope = 0.0, 0.0
        for i in range(k):
            if z[i] != 0.0:
                denominator = (values[i] + ridge) * t + norm
                step = z[i] / denominator
                h += step * step
                slope += step * step * (values[i] + ridge) / denominator
        if slope <= 0.0:
            return t
        h = sqrt(h)
        # d(1/h)/dt = slope / h^3
        step = (1.0 - 1.0 / h) * h * h * h / slope
        if t + step <= 0.0:
            t *= 0.5
            continue
        t += step
        if fabs(step) <= 4.0 * DBL_EPSILON * t:
            return t
    return t


cdef void exact_block(Problem *q, State *state, Py_ssize_t g) noexcept nogil:
    """The group's own minimizer into state.z, the others held; for a group without single weights."""
    cdef Py_ssize_t first = q.start[g], k = q.start[g + 1] - first, i, m
    cdef const double *V = q.vectors + q.place[g]
    cdef const double *values = q.values + first
    cdef double *turned = state.a
    cdef double ridge = q.l2 * q.ridge_weight[g], norm = q.l1 * q.norm_weight[g], total = 0.0, t, value, top = values[k - 1]
    memset(turned, 0, k * sizeof(double))
    for i in range(k):
        for m in range(k):
            turned[m] += V[i * k + m] * state.u[first + i]
    for m in range(k):
        value = 0.0
        for i in range(k):
            value += V[i * k + m] * state.b[first + i]
        turned[m] = turned[m] + values[m] * value if values[m] > FLAT * top else 0.0
        total += turned[m] * turned[m]
    memset(state.z + first, 0, k * sizeof(double))
    if total == 0.0 or (norm > 0.0 and sqrt(total) <= norm + q.floor):
        return
    t = length_of(turned, values, k, ridge, norm) if norm > 0.0 else INFINITY
    for m in range(k):
        if turned[m] != 0.0:
            value = turned[m] / (values[m] + ridge + (norm / t if norm > 0.0 else 0.0))
            for i in range(k):
                if q.Q[(first + i) * q.p + first + i] > 0.0:
                    state.z[first + i] += V[i * k + m] * value


cdef void proximal_block(Problem *q, State *state, Py_ssize_t g) noexcept nogil:
    """A few proximal steps on the group into state.z, the others held."""
    cdef Py_ssize_t first = q.start[g], end = q.start[g + 1], j, m
    cdef double top = q.values[end - 1], ridge = q.l2 * q.ridge_weight[g], norm = q.l1 * q.norm_weight[g]
    cdef double length, share, change, largest, value
    cdef int turn
    cdef const double *row
    memcpy(state.z + first, state.b + first, (end - first) * sizeof(double))
    memcpy(state.a + first, state.u + first, (end - first) * sizeof(double))
    for turn in range(INNER):
        for j in range(first, end):
            state.d[j] = soft(state.z[j] * top + state.a[j], q.l1 * q.weight[j])
        length = group_norm(state.d, first, end)
        share = (1.0 - norm / length) / (top + ridge) if length > norm + (q.floor if norm > 0.0 else 0.0) else 0.0
        change, largest = 0.0, 0.0
        for j in range(first, end):
            value = share * state.d[j]
            state.d[j] = value - state.z[j]
            change = max(change, fabs(state.d[j]))
            largest = max(largest, fabs(value))
            state.z[j] = value
        if change <= 1e-3 * largest or change == 0.0:
            return
        for j in range(first, end):
            if state.d[j] != 0.0:
                row = q.Q + j * q.p
                for m in range(first, end):
                    state.a[m] -= row[m] * state.d[j]


cdef double excess(Problem *q, State *state, Py_ssize_t g) noexcept nogil:
    """By how much the pull of a group that is zero exceeds what holds it there."""
    cdef double total = 0.0, part
    cdef Py_ssize_t j
    for j in range(q.start[g], q.start[g + 1]):
        part = fabs(state.u[j]) - q.l1 * q.weight[j]
        if part > 0.0:
            total += part * part
    return sqrt(total) - q.l1 * q.norm_weight[g]


cdef bint has_single_weights(Problem *q, Py_ssize_t g) noexcept nogil:
    return q.weight[q.start[g]] * q.l1 > 0.0


cdef int sweep(Problem *q, State *state) noexcept nogil:
    """One block step on every group that is in or wants in; how many entered or left."""
    cdef Py_ssize_t g, j, first, end
    cdef int n, changes = 0
    cdef bint before, after
    for g in range(q.groups):
        first, end = q.start[g], q.start[g + 1]
        before = group_norm(state.b, first, end) > 0.0
        if q.values[end - 1] <= 0.0 or (not before and excess(q, state, g) <= q.floor):
            continue
        if has_single_weights(q, g):
            proximal_block(q, state, g)
        else:
            exact_block(q, state, g)
        n, after = 0, False
        for j in range(first, end):
            if state.z[j] != state.b[j]:
                state.moved[n] = <int> j
                state.d[n] = state.z[j] - state.b[j]
                state.b[j] = state.z[j]
                n += 1
            if state.z[j] != 0.0:
                after = True
        changes += before != after
        fw_subtract_rows(q.p, n, state.moved, state.d, q.Q, q.p, state.u)
    return changes


cdef int reserve(State *state) noexcept nogil:
    """Room for the support's matrix; 0 when memory is out."""
    if state.s <= state.capacity:
        return 1
    free(state.R)
    state.capacity = max(state.s, min(2 * state.capacity, 4096))
    state.R = <double *> malloc(state.capacity * state.capacity * sizeof(double))
    return state.R != NULL


cdef double find_support(Problem *q, State *state) noexcept nogil:
    """Coordinates along which the objective is smooth, with minus the gradient there in state.z; its largest entry."""
    cdef Py_ssize_t g, j, first, end
    cdef double length, ridge, norm, worst = 0.0
    cdef bint single
    state.s = 0
    for g in range(q.groups):
        first, end = q.start[g], q.start[g + 1]
        length = group_norm(state.b, first, end)
        norm, single, ridge = q.l1 * q.norm_weight[g], has_single_weights(q, g), q.l2 * q.ridge_weight[g]
        if length == 0.0 and (norm > 0.0 or single):
            continue
        for j in range(first, end):
            if q.Q[j * q.p + j] <= 0.0 or (single and state.b[j] == 0.0):
                continue
            state.z[j] = state.u[j] - ridge * state.b[j] - (norm * state.b[j] / length if norm > 0.0 else 0.0)
            if single:
                state.z[j] -= q.l1 * q.weight[j] * (1.0 if state.b[j] > 0.0 else -1.0)
            state.support[state.s] = <int> j
            state.s += 1
            worst = max(worst, fabs(state.z[j]))
    return worst


cdef void factor_support(Problem *q, State *state) noexcept nogil:
    """Cholesky factor of the objective's second derivatives on the support, and Newton's step into state.d."""
    cdef Py_ssize_t i, k, g = 0, s = state.s
    cdef int j, m
    cdef double length = 0.0, norm = 0.0, ridge = 0.0
    cdef double *target
    cdef Py_ssize_t current = -1
    for i in range(s):
        j = state.support[i]
        while j >= q.start[g + 1]:
            g += 1
        if g != current:
            current = g
            length = group_norm(state.b, q.start[g], q.start[g + 1])
            norm, ridge = q.l1 * q.norm_weight[g], q.l2 * q.ridge_weight[g]
        target = state.R + i * state.capacity
        for k in range(i, s):
            m = state.support[k]
            target[k] = q.Q[j * q.p + m]
            if norm > 0.0 and m < q.start[g + 1]:
                target[k] -= norm * (state.b[j] / length) * (state.b[m] / length) / length
        target[i] = (target[i] + ridge + (norm / length if norm > 0.0 else 0.0)) * (1.0 + JITTER)
        state.d[i] = state.z[j]
    fw_factor(state.R, state.capacity, s, JITTER)
    fw_solve_transposed(state.R, state.capacity, s, state.d)
    fw_solve_upper(state.R, state.capacity, s, state.d)


cdef double change_of(Problem *q, State *state) noexcept nogil:
    """By how much the objective changes if b moves by state.move, whose product with Q is in state.pushed."""
    cdef Py_ssize_t g, j, first, end
    cdef double total = 0.0, before, after, shift
    for g in range(q.groups):
        first, end = q.start[g], q.start[g + 1]
        before, after, shift = 0.0, 0.0, 0.0
        for j in range(first, end):
            if state.b[j] != 0.0 or state.move[j] != 0.0:
                before += state.b[j] * state.b[j]
                after += (state.b[j] + state.move[j]) * (state.b[j] + state.move[j])
                shift += state.move[j] * (2.0 * state.b[j] + state.move[j])
                total += state.move[j] * (0.5 * state.pushed[j] - state.u[j])
                total += q.l1 * q.weight[j] * (fabs(state.b[j] + state.move[j]) - fabs(state.b[j]))
        if shift != 0.0:
            total += q.l1 * q.norm_weight[g] * shift / (sqrt(before) + sqrt(after))
            total += 0.5 * q.l2 * q.ridge_weight[g] * shift
    return total


cdef void set_move(Problem *q, State *state, double length) noexcept nogil:
    """The move of this length along Newton's step into state.move: what would pass through zero ends there.

    A single coefficient passes through zero with its sign, a group with the half-space that it points into.
    """
    cdef Py_ssize_t i, j, g = 0, first = 0
    cdef double target, along
    for i in range(state.s):
        j = state.support[i]
        target = state.b[j] + length * state.d[i]
        if q.l1 * q.weight[j] > 0.0 and target * state.b[j] <= 0.0:
            target = 0.0
        state.move[j] = target - state.b[j]
    for i in range(state.s):
        j = state.support[i]
        while j >= q.start[g + 1]:
            g += 1
        if i > 0 and state.support[i - 1] >= q.start[g]:
            continue
        if q.l1 * q.norm_weight[g] > 0.0:
            along = 0.0
            for first in range(q.start[g], q.start[g + 1]):
                along += state.b[first] * (state.b[first] + state.move[first])
            if along <= 0.0:
                for first in range(q.start[g], q.start[g + 1]):
                    state.move[first] = -state.b[first]


cdef bint newton_step(Problem *q, State *state) noexcept nogil:
    """One Newton step on the support, whose gradient is in state.z; False where no length of it helps."""
    cdef Py_ssize_t i
    cdef int j, turn, n
    cdef double slope = 0.0, length = 1.0, noise
    factor_support(q, state)
    for i in range(state.s):
        slope += state.d[i] * state.z[state.support[i]]
    memset(state.move, 0, q.p * sizeof(double))
    # Below what rounding lets the objective show, Newton's step is trusted: its residual decides in the end.
    noise = 64.0 * DBL_EPSILON * q.scale * q.scale
    for turn in range(40):
        memset(state.pushed, 0, q.p * sizeof(double))
        n = 0
        set_move(q, state, length)
        for i in range(state.s):
            j = state.support[i]
            state.a[n] = -state.move[j]
            state.moved[n] = j
            n += 1
        fw_subtract_rows(q.p, n, state.moved, state.a, q.Q, q.p, state.pushed)
        if change_of(q, state) <= (-1e-4 * length * slope if slope > noise else noise):
            for i in range(q.p):         # a group that leaves takes its idle columns along
                if state.move[i] != 0.0:
                    state.b[i] = 0.0 if state.move[i] == -state.b[i] else state.b[i] + state.move[i]
                state.u[i] -= state.pushed[i]
            return True
        length *= 0.5
    return False


cdef void gradient(Problem *q, State *state) noexcept nogil:
    """u = c - Qb from scratch."""
    cdef Py_ssize_t j
    cdef int n = 0
    memcpy(state.u, q.c, q.p * sizeof(double))
    for j in range(q.p):
        if state.b[j] != 0.0:
            state.moved[n] = <int> j
            state.a[n] = state.b[j]
            n += 1
    fw_subtract_rows(q.p, n, state.moved, state.a, q.Q, q.p, state.u)


cdef double violation(Problem *q, State *state) noexcept nogil:
    """The largest violation of the optimality conditions at b, whose gradient is fresh."""
    cdef double worst = find_support(q, state), length
    cdef Py_ssize_t g, j, first, end
    for g in range(q.groups):
        first, end = q.start[g], q.start[g + 1]
        if q.values[end - 1] <= 0.0:
            continue
        length = group_norm(state.b, first, end)
        if length == 0.0:
            worst = max(worst, excess(q, state, g))
        elif has_single_weights(q, g):
            for j in range(first, end):
                if state.b[j] == 0.0:
                    worst = max(worst, fabs(state.u[j]) - q.l1 * q.weight[j])
    return worst


cdef int solve_point(Problem *q, State *state, double slack, Py_ssize_t max_rounds, Py_ssize_t *rounds) noexcept nogil:
    """One strength from the solution of the last. 0: solved; 1: max_rounds reached; 2: rounding; -1: out of memory."""
    cdef double worst, best = INFINITY, total, rest, last
    cdef int turn, idle = 0
    cdef Py_ssize_t j
    rounds[0] = 0
    while True:
        rounds[0] += 1
        total = 0.0
        for j in range(q.p):
            total += fabs(state.b[j])
        q.floor = 4.0 * DBL_EPSILON * (q.scale + total) + slack * q.l1
        for turn in range(4):
            if sweep(q, state) == 0 and turn >= 1:
                break
        last = INFINITY
        for turn in range(NEWTON):
            rest = find_support(q, state)
            if state.s == 0 or rest <= q.floor or rest > 0.99 * last and turn > 3:
                break
            last = rest
            if not reserve(state):
                return -1
            if not newton_step(q, state):
                break
        gradient(q, state)
        worst = violation(q, state)
        if worst <= 2.0 * q.floor:
            return 0
        if worst > 0.9 * best:
            idle += 1
            if idle >= PATIENCE and worst <= 1e-7 * q.scale:
                return 2
        else:
            idle = 0
        best = min(best, worst)
        if rounds[0] >= max_rounds:
            return 1


def solve_path(const double[:, ::1] Q, const double[::1] c, double scale, const double[::1] l1, const double[::1] l2,
               const Py_ssize_t[::1] start, const double[::1] values, const double[::1] vectors,
               const Py_ssize_t[::1] place, const double[::1] norm_weight, const double[::1] ridge_weight,
               const double[::1] weight, double slack, Py_ssize_t max_rounds, double[:, ::1] coef,
               Py_ssize_t[::1] n_iter, signed char[::1] status):
    """Solve for every strength in turn, each from the last, the first from what coef[0] holds; fill coef (A, p), n_iter
    and status (A,). Without the GIL."""
    cdef Py_ssize_t p = Q.shape[0], points = l1.shape[0], a, rounds = 0
    cdef Problem q
    cdef State state
    cdef double *memory = NULL
    cdef int outcome = 0
    if p == 0 or points == 0:
        return
    q.p, q.groups, q.Q, q.c, q.scale = p, norm_weight.shape[0], &Q[0, 0], &c[0], scale
    q.start, q.values, q.vectors, q.place = &start[0], &values[0], &vectors[0], &place[0]
    q.norm_weight, q.ridge_weight, q.weight = &norm_weight[0], &ridge_weight[0], &weight[0]
    with nogil:
        memory = <double *> malloc((7 * p) * sizeof(double))
        state.support, state.moved = <int *> malloc(p * sizeof(int)), <int *> malloc(p * sizeof(int))
        state.s, state.capacity = 0, min(p, 32)
        state.R = <double *> malloc(state.capacity * state.capacity * sizeof(double))
        if memory == NULL or state.support == NULL or state.moved == NULL or state.R == NULL:
            outcome = -1
        else:
            state.b, state.u, state.z, state.a = memory, memory + p, memory + 2 * p, memory + 3 * p
            state.d, state.move, state.pushed = memory + 4 * p, memory + 5 * p, memory + 6 * p
            memcpy(state.b, &coef[0, 0], p * sizeof(double))
            gradient(&q, &state)
            for a in range(points):
                q.l1, q.l2 = l1[a], l2[a]
                outcome = solve_point(&q, &state, slack, max_rounds, &rounds)
                if outcome < 0:
                    break
                memcpy(&coef[a, 0], state.b, p * sizeof(double))
                status[a], n_iter[a] = outcome, rounds
        free(memory)
        free(state.support)
        free(state.moved)
        free(state.R)
    if outcome < 0:
        raise MemoryError("the second derivatives of the support do not fit in memory")
