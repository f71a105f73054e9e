# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled half of the lockstep walk: which columns a held-out set wants, and one round of each set's support."""

from libc.math cimport fabs
from libc.stdlib cimport free, malloc

import numpy as np

cdef extern from "_advance.h" nogil:
    ctypedef struct fw_support:
        Py_ssize_t s
        Py_ssize_t room
        double *A
        double *Q
        int *member
        double *b
        double *left
        double *right
        double *sign
        double *rest
        double *target

    ctypedef struct fw_task:
        Py_ssize_t n
        Py_ssize_t sets
        Py_ssize_t h
        const double *rows
        const int *start
        const int *at
        const double *value
        const Py_ssize_t *index
        double *coef
        const double *weight
        const double *mean
        const double *centre
        double total
        const double *gradient
        const double *threshold
        const double *square
        const signed char *sides
        signed char *inside
        const double *lower
        const double *upper
        double l1
        double l2
        int careful

    double fw_pull(double g, double b, double lower, double upper, double slope, double *side, double *sign)
    int fw_reserve(fw_support *support, Py_ssize_t s)
    Py_ssize_t fw_advance(fw_support *support, const fw_task *task, const int *picked, Py_ssize_t m)
    void fw_close(fw_support *support)


cdef class Support:
    """The free coordinates of one held-out set, and the inverse of their matrix.

    Parameters
    ----------
    ridge : bool
        Whether there is a ridge term: the matrix itself is kept as well then, for another strength needs another inverse.
    """

    cdef fw_support state
    cdef public double l2

    def __cinit__(self, bint ridge):
        self.l2 = 0.0
        self.state.s = self.state.room = 0
        self.state.A = self.state.Q = NULL
        self.state.member = NULL
        self.state.b = self.state.left = self.state.right = self.state.sign = NULL
        self.state.rest = self.state.target = NULL
        if ridge:
            self.state.Q = <double *> malloc(sizeof(double))
        if not fw_reserve(&self.state, 16):
            raise MemoryError

    def __dealloc__(self):
        fw_close(&self.state)

    def __len__(self):
        return self.state.s

    def members(self):
        """Working columns on the support: array (s,)."""
        return np.asarray(<int[:self.state.s]> self.state.member).copy() if self.state.s else np.empty(0, dtype=np.intc)

    def fill(self, const int[::1] members, const double[::1] sign, const double[::1] left, const double[::1] right,
             const double[:, ::1] matrix):
        """Start with these members (s,), whose matrix (s, s) without ridge term is given; `set_inverse` must follow."""
        cdef Py_ssize_t i, j, s = members.shape[0]
        if not fw_reserve(&self.state, s):
            raise MemoryError
        self.state.s = s
        for i in range(s):
            self.state.member[i], self.state.sign[i] = members[i], sign[i]
            self.state.left[i], self.state.right[i] = left[i], right[i]
            if self.state.Q != NULL:
                for j in range(i + 1):
                    self.state.Q[i * (i + 1) // 2 + j] = matrix[i, j]

    def renumber(self, const int[::1] to):
        """Working column i is number to[i] from now on."""
        cdef Py_ssize_t i
        for i in range(self.state.s):
            self.state.member[i] = to[self.state.member[i]]

    def matrix(self):
        """The support's matrix (s, s) without its ridge term, where it is kept."""
        cdef Py_ssize_t i, j
        cdef double[:, ::1] out
        dense = np.empty((self.state.s, self.state.s))
        out = dense
        for i in range(self.state.s):
            for j in range(i + 1):
                out[i, j] = out[j, i] = self.state.Q[i * (i + 1) // 2 + j]
        return dense

    def set_inverse(self, const double[:, ::1] inverse):
        """Take the lower triangle of `inverse` (s, s) for the inverse."""
        cdef Py_ssize_t i, j
        for i in range(self.state.s):
            for j in range(i + 1):
                self.state.A[i * (i + 1) // 2 + j] = inverse[i, j]


def choose(const Py_ssize_t[::1] among, const double[:, ::1] gradient, const double[:, ::1] threshold,
           const double[:, ::1] square, const signed char[:, ::1] sides, const double[:, ::1] rounding,
           const signed char[:, ::1] inside, const double[::1] lower, const double[::1] upper,
           const double[:, ::1] heft, const Py_ssize_t[::1] place, const double[:, ::1] coef, double l1, double l2,
           double slack, list supports, int[:, ::1] picked, int[::1] count):
    """Put into picked[h] (H, most) the columns outside support h that pull hardest beyond their thresholds.

    Hardest: excess slope times `heft`, the reciprocal of the column's scale. The larger the support, the more of them;
    count (H,) says how many. Releases the GIL.
    """
    cdef Py_ssize_t sets = gradient.shape[1], i, j, h, most = picked.shape[1], at, child, n
    cdef double slope, allowed, b, pull, side, sign, low, high, weight
    cdef double *hefts = <double *> malloc(max(sets * most, 1) * sizeof(double))
    cdef double *heap
    cdef int *names
    cdef Py_ssize_t *limit = <Py_ssize_t *> malloc(max(sets, 1) * sizeof(Py_ssize_t))
    if hefts == NULL or limit == NULL:
        free(hefts)
        free(limit)
        raise MemoryError
    for h in range(sets):
        limit[h] = min(16 + (<Support> supports[h]).state.s // 4, most)
    with nogil:
        for h in range(sets):
            count[h] = 0
        for i in range(among.shape[0]):
            j = among[i]
            for h in range(sets):
                if inside[j, h] or not sides[j, h]:
                    continue
                slope = l1 * threshold[j, h]
                b = coef[place[j], h] if place[j] >= 0 else 0.0
                if b == 0.0 and sides[j, h] == 3:
                    pull = fabs(gradient[j, h]) - slope
                elif b == 0.0:
                    if gradient[j, h] > 0.0:
                        pull = (gradient[j, h] if sides[j, h] & 1 else 0.0) - slope
                    else:
                        pull = (-gradient[j, h] if sides[j, h] & 2 else 0.0) - slope
                else:
                    pull = fw_pull(gradient[j, h] - l2 * square[j, h] * b, b, lower[j], upper[j], slope, &side, &sign)
                allowed = slack * slope
                if allowed < rounding[j, h]:
                    allowed = rounding[j, h]
                if not pull > allowed:
                    continue
                weight = pull * heft[j, h]
                heap, names, n = hefts + h * most, &picked[h, 0], count[h]
                if n < limit[h]:
                    at = n
                    count[h] = <int> (n + 1)
                    while at > 0 and heap[(at - 1) // 2] > weight:
                        heap[at], names[at] = heap[(at - 1) // 2], names[(at - 1) // 2]
                        at = (at - 1) // 2
                elif n and weight > heap[0]:
                    at = 0
                    while True:
                        child = 2 * at + 1
                        if child >= n:
                            break
                        if child + 1 < n and heap[child + 1] < heap[child]:
                            child += 1
                        if heap[child] >= weight:
                            break
                        heap[at], names[at] = heap[child], names[child]
                        at = child
                else:
                    continue
                heap[at], names[at] = weight, <int> j
        free(hefts)
        free(limit)


def advance(list supports, const Py_ssize_t[::1] sets, const double[:, ::1] rows, const int[::1] start,
            const int[::1] at, const double[::1] value, const Py_ssize_t[::1] index, const Py_ssize_t[::1] place,
            double[:, ::1] coef, const double[:, ::1] weight, const double[:, ::1] mean, const double[::1] centre,
            const double[::1] total, const double[:, ::1] gradient, const double[:, ::1] threshold,
            const double[:, ::1] square, const signed char[:, ::1] sides, signed char[:, ::1] inside,
            const double[::1] lower, const double[::1] upper, double l1, double l2, const signed char[::1] careful,
            const int[:, ::1] picked, const int[::1] count, Py_ssize_t[::1] steps):
    """One round for each of some held-out sets: fills their coefficients in `coef` (working columns, H). Releases the GIL.

    The working columns are dense, `rows` (q, n), or sparse by columns: `start`, `at`, `value`. `picked` (H, most) are
    columns of the table.
    """
    cdef Py_ssize_t i, k, h, m, most = picked.shape[1], outcome = 0
    cdef fw_task task
    cdef fw_support **states = <fw_support **> malloc(max(sets.shape[0], 1) * sizeof(fw_support *))
    cdef int *places = <int *> malloc(max(most, 1) * sizeof(int))
    cdef Support support
    if states == NULL or places == NULL:
        free(states)
        free(places)
        raise MemoryError
    for i in range(sets.shape[0]):
        support = supports[sets[i]]
        states[i] = &support.state
    task.n, task.sets = weight.shape[1], coef.shape[1]
    task.rows = NULL
    task.start = task.at = NULL
    task.value = NULL
    if rows is not None:
        task.rows = &rows[0, 0] if rows.shape[0] else NULL
    else:
        task.start = &start[0]
        task.at = &at[0] if at.shape[0] else NULL
        task.value = &value[0] if value.shape[0] else NULL
    task.index, task.coef = &index[0], &coef[0, 0]
    task.centre, task.gradient, task.threshold = &centre[0], &gradient[0, 0], &threshold[0, 0]
    task.square, task.sides, task.inside = &square[0, 0], &sides[0, 0], &inside[0, 0]
    task.lower, task.upper, task.l1, task.l2 = &lower[0], &upper[0], l1, l2
    with nogil:
        for i in range(sets.shape[0]):
            h = sets[i]
            task.h, task.weight, task.mean, task.total = h, &weight[h, 0], &mean[h, 0], total[h]
            task.careful = careful[h]
            m = count[h]
            for k in range(m):
                places[k] = <int> place[picked[h, k]]
            outcome = fw_advance(states[i], &task, places, m)
            if outcome < 0:
                break
            steps[h] += outcome
        free(states)
        free(places)
    if outcome < 0:
        raise MemoryError("the inverse of the support's matrix does not fit in memory")
