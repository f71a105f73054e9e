# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The large support of one training set of a sparse table: brought to where its optimality conditions hold.

Sweeps of coordinate descent find the signs; a Newton step by conjugate gradients, which needs no matrix of the support,
then goes to where the equations of those signs hold.
"""

cdef extern from "_newton.h" nogil:
    ctypedef struct fw_set:
        Py_ssize_t n
        Py_ssize_t m
        const Py_ssize_t *start
        const int *at
        const double *value
        const double *mean
        const double *square
        const double *slope
        const double *ridge
        const double *lower
        const double *upper
        const double *unit
        double total
        double *b
        double *r
        double aside

    Py_ssize_t fw_settle_set(fw_set *S, const double *way, double close, Py_ssize_t budget)


def training_entries(const int[::1] start, const int[::1] at, const double[::1] value, const Py_ssize_t[::1] picks,
                     const int[::1] row, const double[::1] root, Py_ssize_t[::1] begin, int[::1] to, double[::1] entry):
    """Copy picked columns' entries in the rows that are trained on, times the root (n,) of the row's weight.

    `row` (n,) is a row's number among those, or -1; `begin` (m + 1,) where each column begins in `to` and `entry`. Releases
    the GIL.
    """
    cdef Py_ssize_t i, e, count = 0
    with nogil:
        for i in range(picks.shape[0]):
            begin[i] = count
            for e in range(start[picks[i]], start[picks[i] + 1]):
                if row[at[e]] >= 0:
                    to[count], entry[count] = row[at[e]], value[e] * root[at[e]]
                    count += 1
        begin[picks.shape[0]] = count


def settle(const Py_ssize_t[::1] start, const int[::1] at, const double[::1] value, const double[:, ::1] of_column,
           double total, double[::1] coef, double[::1] residual, const double[::1] way, double close, Py_ssize_t budget):
    """Bring the coefficients (m,) of some columns to where no gradient is off by more than `close` units; the products taken.

    `of_column` (7, m) has mean, mean square about it, slope of the penalty, ridge, lower and upper bound, and a gradient's
    unit; `residual` (n,), times the roots of the weights, is left wherever it gets to; `way` (m,) is a guess at the way to
    go. It has not come there where the products are `budget` or more. Releases the GIL.
    """
    cdef fw_set S
    cdef Py_ssize_t spent
    if not coef.shape[0]:
        return 0
    S.n, S.m, S.start, S.at, S.value = residual.shape[0], coef.shape[0], &start[0], &at[0], &value[0]
    S.mean, S.square, S.slope, S.ridge = &of_column[0, 0], &of_column[1, 0], &of_column[2, 0], &of_column[3, 0]
    S.lower, S.upper, S.unit = &of_column[4, 0], &of_column[5, 0], &of_column[6, 0]
    S.total, S.b, S.r, S.aside = total, &coef[0], &residual[0], 0.0
    with nogil:
        spent = fw_settle_set(&S, &way[0], close, budget)
    if spent < 0:
        raise MemoryError
    return spent
