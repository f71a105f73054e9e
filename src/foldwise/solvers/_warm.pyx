# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""One penalized quadratic problem that is solved again and again while its matrix, its slopes and its size change.

What Newton's method asks for: the support that one step found is nearly the next step's, so each solve starts from
where the last one ended. The active set itself is `_active_set.pxi`.
"""

include "_active_set.pxi"


cdef class WarmProblem:
    """1/2 b'Qb - c'b + sum_j l1 w1_j |b_j| + 1/2 l2 w2_j b_j^2 with lower <= b <= upper, from the last solution."""

    cdef Problem q
    cdef State state
    cdef object held            # the arrays that q points into
    cdef bint stale             # whether the factor is of another matrix

    def __cinit__(self, const double[::1] w1, const double[::1] w2, const double[::1] lower,
                  const double[::1] upper, WarmProblem before=None):
        """Weights and box (p,); with `before`, its solution is where the first columns start."""
        cdef Py_ssize_t p = w1.shape[0], i, old
        if not open_state(&self.state, max(p, 1)):
            raise MemoryError
        self.held = [w1, w2, lower, upper, None]
        self.q.p, self.q.ld, self.q.yy, self.q.l1, self.q.l2 = p, p, 0.0, INFINITY, 0.0
        self.q.w1, self.q.w2, self.q.lower, self.q.upper = NULL, NULL, NULL, NULL
        if p:
            self.q.w1, self.q.w2, self.q.lower, self.q.upper = &w1[0], &w2[0], &lower[0], &upper[0]
        self.stale = True
        if before is None:
            return
        old = before.q.p
        while self.state.capacity < before.state.s:
            if not grow(&self.state):
                raise MemoryError
        memcpy(self.state.b, before.state.b, old * sizeof(double))
        memcpy(self.state.left, before.state.left, old * sizeof(double))
        memcpy(self.state.right, before.state.right, old * sizeof(double))
        memcpy(self.state.sign, before.state.sign, old * sizeof(double))
        memcpy(self.state.is_free, before.state.is_free, old)
        memcpy(self.state.support, before.state.support, before.state.s * sizeof(int))
        self.state.s = before.state.s

    def __dealloc__(self):
        close_state(&self.state)

    def renew(self, const double[:, ::1] Q):
        """Take another matrix (p, p)."""
        self.held[4] = Q
        self.q.Q = &Q[0, 0] if Q.shape[0] else NULL
        self.stale = True

    def solve(self, const double[::1] c, double l1, double l2, double slack, Py_ssize_t max_steps, double[::1] out):
        """Solve for slopes c (p,) and one strength into out (p,); equality steps and status. Without the GIL."""
        cdef int outcome = 0
        cdef Py_ssize_t steps = 0, p = self.q.p, j
        cdef double size = 0.0
        if p == 0:
            return 0, 0
        with nogil:
            for j in range(p):
                size = max(size, fabs(c[j]))
            self.q.c, self.q.yy, self.q.slack = &c[0], size * size, slack
            self.q.l1 = l1
            if self.stale or self.q.l2 != l2:
                self.q.l2 = l2
                refactor(&self.q, &self.state)
                self.stale = False
            gradient(&self.q, &self.state)
            outcome = solve_point(&self.q, &self.state, slack, max_steps, NULL, &steps)
            memcpy(&out[0], self.state.b, p * sizeof(double))
        if outcome < 0:
            raise MemoryError("the Cholesky factor of the support does not fit in memory")
        return steps, outcome
