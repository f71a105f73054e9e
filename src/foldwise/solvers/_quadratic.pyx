# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Penalized quadratic problems along a path of strengths, solved exactly by an active set.

For each strength, with Q (p, p) symmetric and usually a correlation matrix,

    minimize over b   1/2 b'Qb - c'b + 1/2 yy + sum_j  l1 w1_j |b_j| + 1/2 l2 w2_j b_j^2,    lower <= b <= upper.

On a *piece* (between two kinks or bounds of every coordinate) this is a smooth quadratic. The free coordinates, those
inside their piece, are the support; its Cholesky factor R is kept through insertions and deletions. One round:
the equality step on the support, cut at the first kink or bound it meets, which takes that coordinate out; when no
more are met, a fresh gradient shows the coordinates that want in, and one coordinate-descent step brings each of them
in. Every move lowers the objective, so that no support comes twice; rounds are bounded all the same.
"""

include "_active_set.pxi"


cdef class ActiveSet:
    """The active set of one problem of p coordinates, kept from one stretch of its path to the next.

    `foldwise.solvers.quadratic.PathSolver` is the face of this with checks and names. The problem itself is handed over
    anew for each stretch, so that it need not be kept.
    """

    cdef State state
    cdef Py_ssize_t p
    cdef double l2

    def __cinit__(self, Py_ssize_t p):
        self.p, self.l2 = p, 0.0
        if not open_state(&self.state, max(p, 1)):
            raise MemoryError("the Cholesky factor of the support does not fit in memory")

    def __dealloc__(self):
        close_state(&self.state)

    def solve(self, const double[:, ::1] Q, const double[::1] c, double yy, const double[::1] l1, const double[::1] l2,
              const double[::1] w1, const double[::1] w2, const double[::1] lower, const double[::1] upper,
              double tol, Py_ssize_t max_steps, const double[::1] start, double[:, ::1] coef, double[::1] gap,
              Py_ssize_t[::1] n_iter, signed char[::1] status):
        """Solve for every strength (l1[i], l2[i]) in turn, each from the last; fill coef (A, p), gap, n_iter, status (A,).

        With `start` (p,) the first is solved from there; with none (0,) from where the last stretch ended, or from zero.
        Releases the GIL.
        """
        cdef Py_ssize_t p = self.p, points = l1.shape[0], a, steps = 0
        cdef Problem q
        cdef State *state = &self.state
        cdef int outcome = 0
        if p == 0 or points == 0:
            return
        q.p, q.ld, q.Q, q.c, q.yy, q.slack = p, p, &Q[0, 0], &c[0], yy, min(0.1 * tol, 1e-12)
        q.w1, q.w2, q.lower, q.upper = &w1[0], &w2[0], &lower[0], &upper[0]
        q.l1, q.l2 = l1[0], self.l2
        with nogil:
            if start.shape[0] == p:
                q.l2 = l2[0]
                outcome = begin_at(&q, state, &start[0])
            gradient(&q, state)
            for a in range(points):
                if outcome < 0:
                    break
                q.l1 = l1[a]
                if q.l2 != l2[a]:
                    q.l2 = l2[a]
                    refactor(&q, state)
                    gradient(&q, state)
                outcome = solve_point(&q, state, tol, max_steps, &gap[a], &steps)
                memcpy(&coef[a, 0], state.b, p * sizeof(double))
                status[a], n_iter[a] = max(outcome, 0), steps
        self.l2 = q.l2
        if outcome < 0:
            raise MemoryError("the Cholesky factor of the support does not fit in memory")


cdef int begin_at(Problem *q, State *state, const double *start) noexcept nogil:
    """Put the coefficients where `start` has them, and those inside their piece into the support; -1: out of memory."""
    cdef int j
    state.s = 0
    for j in range(q.p):
        state.b[j] = min(max(start[j], q.lower[j]), q.upper[j])
        state.is_free[j] = 0
        if state.b[j] == 0.0:
            continue
        set_piece(q, state, j, 1.0 if state.b[j] > 0.0 else -1.0)
        if state.left[j] < state.b[j] < state.right[j]:
            if state.s == state.capacity and not grow(state):
                return -1
            state.support[state.s] = j
            state.is_free[j] = 1
            state.s += 1
    refactor(q, state)
    return 0
