# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Quadratic problems with a penalty made of pieces (MCP, SCAD) along a path: coordinate descent and exact steps.

For each strength, with Q (p, p), find a stationary point of

    1/2 b'Qb - c'b + sum_j P(|b_j|; l1 w_j) + 1/2 l2 w_j b_j^2,    lower <= b <= upper,

P' being level_k l1 w + slope_k t on piece k. Every single coefficient's problem is convex, so that coordinate descent
lowers the objective to a coordinatewise minimum, which for these penalties is a local one. While every coefficient stays
on its piece the conditions are linear equations; where their matrix is positive definite, a step towards their solution,
shortened until the objective falls, ends what coordinate descent would creep to.
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

# A pivot at or below this means that the objective is not convex on the support's pieces.
cdef double FLOOR = 1e-10
# Sweeps over the support in place of an exact step that could not be made.
cdef int SWEEPS = 10

cdef struct Problem:
    Py_ssize_t p
    Py_ssize_t m                 # pieces
    const double *Q
    const double *c
    const double *weight
    const double *lower
    const double *upper
    const double *start          # (m,)
    const double *level
    const double *slope
    double scale                 # sqrt(yy)
    double l1
    double l2
    double floor                 # what a coefficient that is zero may exceed its threshold by

cdef struct State:
    double *b
    double *u          # (p,) c - Qb
    double *d          # (p,) room
    double *move       # (p,) of the support
    double *pushed     # (p,) Q times the move
    int *support       # (p,)
    int *at            # (p,) piece of each coefficient of the support
    double *R
    Py_ssize_t s
    Py_ssize_t capacity


cdef inline int piece_of(Problem *q, double t, double lam) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(q.m - 1, 0, -1):
        if t >= lam * q.start[k]:
            return <int> k
    return 0


cdef inline double minimizer(Problem *q, double z, double curvature, double lam) noexcept nogil:
    """The b that minimizes 1/2 curvature b^2 - z b + P(|b|)."""
    cdef double size = fabs(z), t, best = 0.0
    cdef Py_ssize_t k
    for k in range(q.m):
        t = (size - lam * q.level[k]) / (curvature + q.slope[k])
        if t >= lam * q.start[k] and t > 0.0:
            best = t
    return best if z > 0.0 else -best


cdef inline bint step(Problem *q, State *state, int j) noexcept nogil:
    """Coordinate j to its own minimizer; whether it moved."""
    cdef double ridge = q.l2 * q.weight[j], diagonal = q.Q[j * q.p + j], new, moved
    if diagonal <= 0.0 or q.lower[j] == q.upper[j]:
        return False
    new = state.u[j] + diagonal * state.b[j]
    if q.l1 * q.weight[j] > 0.0 and fabs(new) <= q.l1 * q.weight[j] + q.floor:
        new = 0.0
    else:
        new = minimizer(q, new, diagonal + ridge, q.l1 * q.weight[j])
    new = min(max(new, q.lower[j]), q.upper[j])
    moved = new - state.b[j]
    if moved == 0.0:
        return False
    state.b[j] = new
    fw_subtract_rows(q.p, 1, &j, &moved, q.Q, q.p, state.u)
    return True


cdef void find_support(Problem *q, State *state) noexcept nogil:
    cdef int j
    state.s = 0
    for j in range(q.p):
        if state.b[j] != 0.0:
            state.support[state.s] = j
            state.s += 1


cdef double residual_at(Problem *q, State *state, int j) noexcept nogil:
    """How far coordinate j is from stationary."""
    cdef double b = state.b[j], lam = q.l1 * q.weight[j], net, slope, up = 0.0, down = 0.0
    cdef int k = piece_of(q, fabs(b), lam)
    if q.Q[j * q.p + j] <= 0.0:
        return 0.0
    net = state.u[j] - q.l2 * q.weight[j] * b
    slope = lam * q.level[k] + q.slope[k] * fabs(b)
    if b < q.upper[j]:
        up = net - (slope if b >= 0.0 else -slope)
    if b > q.lower[j]:
        down = -net - (slope if b <= 0.0 else -slope)
    return max(max(up, down), 0.0)


cdef double value_of(Problem *q, double t, double lam) noexcept nogil:
    """P(t)."""
    cdef double total = 0.0, left, right
    cdef Py_ssize_t k
    for k in range(q.m):
        left = min(t, lam * q.start[k])
        right = min(t, lam * q.start[k + 1]) if k + 1 < q.m else t
        total += (right - left) * (q.level[k] * lam + 0.5 * q.slope[k] * (right + left))
    return total


cdef double change_of(Problem *q, State *state) noexcept nogil:
    """By how much the objective changes if the support moves by state.move, whose product with Q is in state.pushed."""
    cdef double total = 0.0, lam, b, moved
    cdef Py_ssize_t i
    cdef int j
    for i in range(state.s):
        j = state.support[i]
        lam, b, moved = q.l1 * q.weight[j], state.b[j], state.move[i]
        total += moved * (0.5 * state.pushed[j] - state.u[j] + q.l2 * q.weight[j] * (b + 0.5 * moved))
        total += value_of(q, fabs(b + moved), lam) - value_of(q, fabs(b), lam)
    return total


cdef bint walk(Problem *q, State *state, double slope) noexcept nogil:
    """Move the support along state.d, no further than kinks and bounds, so that the objective falls; whether it did."""
    cdef double length = 1.0, target, noise = 64.0 * DBL_EPSILON * q.scale * q.scale
    cdef Py_ssize_t i
    cdef int j, turn
    for turn in range(20):
        memset(state.pushed, 0, q.p * sizeof(double))
        for i in range(state.s):
            j = state.support[i]
            target = min(max(state.b[j] + length * state.d[i], q.lower[j]), q.upper[j])
            if q.l1 * q.weight[j] > 0.0 and target * state.b[j] <= 0.0:
                target = 0.0
            state.move[i] = target - state.b[j]
        fw_subtract_rows(q.p, state.s, state.support, state.move, q.Q, q.p, state.pushed)
        for i in range(q.p):
            state.pushed[i] = -state.pushed[i]
        for i in range(state.s):
            state.move[i] = -state.move[i]
        if change_of(q, state) <= (-1e-4 * length * slope if slope > noise else noise):
            for i in range(state.s):
                j = state.support[i]
                target = min(max(state.b[j] + length * state.d[i], q.lower[j]), q.upper[j])
                state.b[j] = 0.0 if q.l1 * q.weight[j] > 0.0 and target * state.b[j] <= 0.0 else target
            for i in range(q.p):
                state.u[i] -= state.pushed[i]
            return True
        length *= 0.5
    return False


cdef int exact_step(Problem *q, State *state) noexcept nogil:
    """Towards the solution of the equations on the support's pieces: 1 moved, 0 not convex there, -1 out of memory."""
    cdef Py_ssize_t i, k, n = 0
    cdef int j
    cdef double lam, sign, slope = 0.0
    cdef double *row
    find_support(q, state)
    for i in range(state.s):             # coefficients at a bound stay there
        j = state.support[i]
        if q.lower[j] < state.b[j] < q.upper[j]:
            state.support[n] = j
            n += 1
    state.s = n
    if n == 0:
        return 1
    if n > state.capacity:
        free(state.R)
        state.capacity = max(n, min(2 * state.capacity, 4096))
        state.R = <double *> malloc(state.capacity * state.capacity * sizeof(double))
        if state.R == NULL:
            return -1
    for i in range(n):
        j = state.support[i]
        lam = q.l1 * q.weight[j]
        state.at[i] = piece_of(q, fabs(state.b[j]), lam)
        sign = 1.0 if state.b[j] > 0.0 else -1.0
        row = state.R + i * state.capacity
        for k in range(i + 1, n):
            row[k] = q.Q[j * q.p + state.support[k]]
        row[i] = q.Q[j * q.p + j] + q.l2 * q.weight[j] + q.slope[state.at[i]]
        state.d[i] = state.u[j] - q.l2 * q.weight[j] * state.b[j]
        state.d[i] -= lam * q.level[state.at[i]] * sign + q.slope[state.at[i]] * state.b[j]
    fw_factor(state.R, state.capacity, n, FLOOR)
    for i in range(n):
        if state.R[i * state.capacity + i] <= 1.0001 * sqrt(FLOOR):
            return 0
    memcpy(state.move, state.d, n * sizeof(double))
    fw_solve_transposed(state.R, state.capacity, n, state.d)
    fw_solve_upper(state.R, state.capacity, n, state.d)
    for i in range(n):
        slope += state.d[i] * state.move[i]
    return walk(q, state, slope)


cdef void gradient(Problem *q, State *state) noexcept nogil:
    """u = c - Qb from scratch."""
    cdef Py_ssize_t i
    find_support(q, state)
    memcpy(state.u, q.c, q.p * sizeof(double))
    for i in range(state.s):
        state.d[i] = state.b[state.support[i]]
    fw_subtract_rows(q.p, state.s, state.support, state.d, q.Q, q.p, state.u)


cdef int drop_dust(Problem *q, State *state) noexcept nogil:
    """Take out coefficients that entered on the way and have come back to zero but for rounding; how many."""
    cdef Py_ssize_t i
    cdef int j, dropped = 0
    cdef double lam
    for i in range(state.s):
        j = state.support[i]
        lam = q.l1 * q.weight[j]
        if lam > 0.0 and fabs(state.u[j] + q.Q[j * q.p + j] * state.b[j]) <= lam + q.floor:
            dropped += step(q, state, j)
    return dropped


cdef int solve_point(Problem *q, State *state, double slack, Py_ssize_t max_sweeps, double *residual,
                     Py_ssize_t *sweeps) noexcept nogil:
    """One strength from the solution of the last. 0: stationary; 1: max_sweeps reached; 2: rounding; -1: no memory."""
    cdef double total, largest, last = INFINITY
    cdef int j, done, idle = 0, turn
    cdef Py_ssize_t i
    cdef bint moved
    sweeps[0] = 0
    q.floor = 4.0 * DBL_EPSILON * q.scale + slack * q.l1
    while True:
        sweeps[0] += 1
        moved = False
        for j in range(q.p):             # the gradient of all is in hand: a coordinate that stays costs nothing
            if state.b[j] != 0.0 or fabs(state.u[j]) > q.l1 * q.weight[j] + q.floor:
                moved |= step(q, state, j)
        if moved:
            done = exact_step(q, state)
            if done < 0:
                return -1
            if not done:
                find_support(q, state)
                for turn in range(SWEEPS):
                    for i in range(state.s):
                        step(q, state, state.support[i])
                sweeps[0] += SWEEPS
        gradient(q, state)
        total, largest = 0.0, 0.0
        for j in range(q.p):
            total += fabs(state.b[j])
            largest = max(largest, residual_at(q, state, j))
        residual[0] = largest
        q.floor = 4.0 * DBL_EPSILON * (q.scale + total) + slack * q.l1
        if largest <= 2.0 * q.floor:
            if sweeps[0] >= max_sweeps or not drop_dust(q, state):
                return 0
            continue
        idle = idle + 1 if largest > 0.99999 * last and largest <= 1e-9 * q.scale else 0
        last = largest
        if idle >= 20 or not moved:
            return 2
        if sweeps[0] >= max_sweeps:
            return 1


def solve_path(const double[:, ::1] Q, const double[::1] c, double scale, const double[::1] l1, const double[::1] l2,
               const double[::1] weight, const double[::1] lower, const double[::1] upper, const double[::1] start,
               const double[::1] level, const double[::1] slope, double slack, Py_ssize_t max_sweeps,
               double[:, ::1] coef, double[::1] residual, Py_ssize_t[::1] n_iter, signed char[::1] status):
    """Solve for every strength in turn, each from the last, the first from what coef[0] holds; fill coef (A, p),
    residual, n_iter and status (A,). Without the GIL."""
    cdef Py_ssize_t p = Q.shape[0], points = l1.shape[0], a, sweeps = 0
    cdef Problem q
    cdef State state
    cdef int outcome = 0
    if p == 0 or points == 0:
        return
    q.p, q.m, q.Q, q.c, q.scale = p, start.shape[0], &Q[0, 0], &c[0], scale
    q.weight, q.lower, q.upper = &weight[0], &lower[0], &upper[0]
    q.start, q.level, q.slope = &start[0], &level[0], &slope[0]
    with nogil:
        state.b = <double *> malloc(5 * p * sizeof(double))
        state.support = <int *> malloc(2 * p * sizeof(int))
        state.s, state.capacity = 0, min(p, 32)
        state.R = <double *> malloc(state.capacity * state.capacity * sizeof(double))
        if state.b == NULL or state.support == NULL or state.R == NULL:
            outcome = -1
        else:
            state.u, state.d, state.at = state.b + p, state.b + 2 * p, state.support + p
            state.move, state.pushed = state.b + 3 * p, state.b + 4 * p
            memcpy(state.b, &coef[0, 0], p * sizeof(double))
            gradient(&q, &state)
            for a in range(points):
                q.l1, q.l2 = l1[a], l2[a]
                outcome = solve_point(&q, &state, slack, max_sweeps, &residual[a], &sweeps)
                if outcome < 0:
                    break
                memcpy(&coef[a, 0], state.b, p * sizeof(double))
                status[a], n_iter[a] = outcome, sweeps
        free(state.b)
        free(state.support)
        free(state.R)
    if outcome < 0:
        raise MemoryError("the equations of the support do not fit in memory")
