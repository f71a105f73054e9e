# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Newton models of held-out sets on the working columns of a wide table; how far its other columns reach."""

from libc.math cimport INFINITY, fabs
from libc.stdlib cimport free, malloc
from libc.string cimport memset

cdef extern from "_models.h" nogil:
    ctypedef struct fw_model:
        Py_ssize_t s, room, n
        int *member
        double *R
        double *omega
        double total
    ctypedef struct fw_task:
        Py_ssize_t n, m
        const double *rows
        const int *start
        const int *at
        const double *value
        const double *w1
        const double *w2
        const double *lower
        const double *upper
        const double *size
        double l1, l2, slack, null, shift
        int centred
        const double *g
        double *b
        double *v
        double *u
        double *pull
        double *t
        char *is_free
        int *near
        int *all
    int fw_rebuild(fw_model *M, fw_task *t)
    int fw_solve(fw_model *M, fw_task *t, Py_ssize_t max_steps, Py_ssize_t *steps, double *value, double *gap)
    void fw_close(fw_model *M)

cdef Py_ssize_t MAX_STEPS = 100000


cdef class NewtonModel:
    """One set's support and factor, from one solution to the next."""

    cdef fw_model model

    def __cinit__(self, Py_ssize_t n):
        """Without a support; n rows."""
        memset(&self.model, 0, sizeof(fw_model))
        self.model.n = n
        self.model.omega = <double *> malloc((n + 1) * sizeof(double))
        if self.model.omega == NULL:
            raise MemoryError

    def __dealloc__(self):
        fw_close(&self.model)

    def __len__(self):
        """How many coordinates are free."""
        return self.model.s


def solve(list models, const Py_ssize_t[::1] sets, const double[:, ::1] rows, const int[::1] start, const int[::1] at,
          const double[::1] value, Py_ssize_t m, const double[:, ::1] weight, const double[:, ::1] pulls,
          const double[:, ::1] bend, const signed char[::1] renew, const double[:, ::1] w1, const double[:, ::1] w2,
          const double[:, ::1] lower, const double[:, ::1] upper, const double[:, ::1] size, const double[::1] l1,
          const double[::1] l2, double slack, const double[::1] null, bint centred, const double[::1] total,
          double[:, ::1] target, double[::1] shift, double[:, ::1] move, double[:, ::1] dual, double[::1] penalty,
          double[::1] gap, Py_ssize_t[::1] steps):
    """Solve the models of some sets. Releases the GIL.

    Working columns are `rows` (room, n), of which m count, or sparse by (start, at, value). For each set h: row weights
    over their sum weight[h] (n,), slopes pulls[:, h] weighted by row and by nothing else, curvatures bend[:, h], taken
    where renew[h]; penalty weights and boxes w1..size[h] (room,), strengths l1[h], l2[h]. target[h] (room,) holds where
    the set stands and then the solution; shift[h], move[:, h], dual[:, h], penalty[h], gap[h], steps[h] are found.
    """
    cdef Py_ssize_t n = weight.shape[1], k, h, i, longest = max(n, m)
    cdef fw_task t
    cdef fw_model *M
    cdef double *room = <double *> malloc((4 * n + 2 * longest + 1) * sizeof(double))
    cdef char *flags = <char *> malloc(m + 1)
    cdef int *numbers = <int *> malloc((2 * m + 1) * sizeof(int))
    cdef int status = 0
    cdef double w, sum_of
    cdef NewtonModel one
    if room == NULL or flags == NULL or numbers == NULL:
        free(room)
        free(flags)
        free(numbers)
        raise MemoryError
    t.n, t.m, t.slack, t.centred = n, m, slack, centred
    t.rows, t.start, t.at, t.value = NULL, NULL, NULL, NULL
    if rows is not None:
        t.rows = &rows[0, 0]
    else:
        t.start, t.at, t.value = &start[0], &at[0], &value[0]
    t.v, t.u, t.pull, t.t = room + n, room + 2 * n, room + 3 * n, room + 3 * n + longest
    t.g, t.is_free, t.near, t.all = room, flags, numbers, numbers + m
    for i in range(m):
        t.all[i] = i
    for k in range(sets.shape[0]):
        h = sets[k]
        one = models[h]
        M = &one.model
        t.w1, t.w2, t.lower, t.upper, t.size = &w1[h, 0], &w2[h, 0], &lower[h, 0], &upper[h, 0], &size[h, 0]
        t.l1, t.l2, t.null, t.b = l1[h], l2[h], null[h], &target[h, 0]
        with nogil:
            for i in range(n):
                room[i] = pulls[i, h] / total[h]
            if renew[h]:
                sum_of = 0.0
                for i in range(n):
                    w = weight[h, i]
                    M.omega[i] = w * bend[i, h] if w > 0.0 else 0.0
                    sum_of += M.omega[i]
                M.total = max(sum_of, 1e-300)
                status = 0 if fw_rebuild(M, &t) else -1
            steps[h] = 0
            if status >= 0:
                status = fw_solve(M, &t, MAX_STEPS, &steps[h], &penalty[h], &gap[h])
            if status >= 0:
                shift[h] = t.shift
                for i in range(n):
                    move[i, h] = t.v[i]
                    dual[i, h] = t.u[i]
        if status < 0:
            break
    free(room)
    free(flags)
    free(numbers)
    if status < 0:
        raise MemoryError("the Cholesky factor of the support does not fit in memory")


def survey(const double[:, ::1] products, const Py_ssize_t[::1] picks, const double[:, ::1] inverse,
           const signed char[::1] sides, double[::1] reach, double[::1] most):
    """How far columns reach, from products (m, at least H) of the picked ones with the sets' dual points.

    `reach` (p,) becomes the largest over the sets of a column's pull to an open side (bit 1 up, bit 2 down) times
    `inverse` (p, H); `most` (H,) is raised to the sets' own largest.
    """
    cdef Py_ssize_t i, j, h, sets = inverse.shape[1]
    cdef double pull, furthest
    with nogil:
        for i in range(picks.shape[0]):
            j = picks[i]
            furthest = 0.0
            for h in range(sets):
                pull = -products[i, h]
                if sides[j] != 3:
                    pull = (pull if sides[j] & 1 else 0.0) if pull > 0.0 else (pull if sides[j] & 2 else 0.0)
                pull = fabs(pull) * inverse[j, h]
                most[h] = max(most[h], pull)
                furthest = max(furthest, pull)
            reach[j] = furthest
