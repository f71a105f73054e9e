# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Columns times a thin matrix: the gradient of all held-out sets in one pass over a table, dense or sparse."""

ctypedef fused number:
    float
    double

cdef extern from "_product.h" nogil:
    void fw_rows_times_double(Py_ssize_t rows, const Py_ssize_t *picks, Py_ssize_t n, const double *A, Py_ssize_t lda,
                              const double *R, Py_ssize_t width, double *out)
    void fw_rows_times_float(Py_ssize_t rows, const Py_ssize_t *picks, Py_ssize_t n, const float *A, Py_ssize_t lda,
                             const double *R, Py_ssize_t width, double *out)
    void fw_fold_moments_double(Py_ssize_t m, Py_ssize_t n, const double *A, Py_ssize_t lda, const int *fold,
                                const double *weight, const double *total, Py_ssize_t folds, double *mean,
                                double *squares, Py_ssize_t ld)
    void fw_fold_moments_float(Py_ssize_t m, Py_ssize_t n, const float *A, Py_ssize_t lda, const int *fold,
                               const double *weight, const double *total, Py_ssize_t folds, double *mean,
                               double *squares, Py_ssize_t ld)
    void fw_csc_times(Py_ssize_t columns, const Py_ssize_t *picks, const int *start, const int *at, const double *value,
                      const double *R, Py_ssize_t width, double *out)


def rows_times(const number[:, :] A, const double[:, ::1] R, double[:, ::1] out, const Py_ssize_t[::1] picks=None):
    """Add A (m, n) R (n, width), or the picked rows of A times R, to out (m, width). Releases the GIL.

    Rows of A must be contiguous; width a multiple of 8.
    """
    cdef Py_ssize_t rows = A.shape[0] if picks is None else picks.shape[0], n = A.shape[1]
    cdef const Py_ssize_t *chosen = NULL
    if rows == 0 or n == 0:
        return
    if A.strides[1] != sizeof(number) or R.shape[1] % 8 or out.shape[1] != R.shape[1] or out.shape[0] != rows:
        raise ValueError("rows of A must be contiguous, and R and out equally wide, by a multiple of 8")
    if picks is not None:
        chosen = &picks[0]
    with nogil:
        if number is double:
            fw_rows_times_double(rows, chosen, n, &A[0, 0], A.strides[0] // sizeof(double), &R[0, 0], R.shape[1], &out[0, 0])
        else:
            fw_rows_times_float(rows, chosen, n, &A[0, 0], A.strides[0] // sizeof(float), &R[0, 0], R.shape[1], &out[0, 0])


def csc_times(const int[::1] start, const int[::1] at, const double[::1] value, const double[:, ::1] R,
              double[:, ::1] out, const Py_ssize_t[::1] picks=None):
    """Put the columns of a sparse matrix (n, p) stored by columns, or the picked ones, times R (n, width) into out.

    Width must be a multiple of 8. Releases the GIL.
    """
    cdef Py_ssize_t columns = start.shape[0] - 1 if picks is None else picks.shape[0]
    cdef const Py_ssize_t *chosen = NULL
    if columns == 0 or R.shape[0] == 0:
        return
    if R.shape[1] % 8 or out.shape[1] != R.shape[1] or out.shape[0] != columns:
        raise ValueError("R and out must be equally wide, by a multiple of 8")
    if picks is not None:
        chosen = &picks[0]
    with nogil:
        fw_csc_times(columns, chosen, &start[0], &at[0] if at.shape[0] else NULL, &value[0] if value.shape[0] else NULL,
                     &R[0, 0], R.shape[1], &out[0, 0])


def fold_moments(const number[:, :] A, const int[::1] fold, const double[::1] weight, const double[::1] total,
                 double[:, :] mean, double[:, :] squares):
    """Weighted mean and sum of squares about it (K, m) of each fold (n,) of the rows of A (m, n). Releases the GIL.

    Rows of A, and of mean and squares, must be contiguous.
    """
    cdef Py_ssize_t m = A.shape[0], n = A.shape[1], folds = total.shape[0]
    if m == 0 or n == 0:
        return
    if A.strides[1] != sizeof(number) or mean.strides[1] != sizeof(double) or squares.strides[0] != mean.strides[0]:
        raise ValueError("rows of A, mean and squares must be contiguous, and mean and squares laid out alike")
    with nogil:
        if number is double:
            fw_fold_moments_double(m, n, &A[0, 0], A.strides[0] // sizeof(double), &fold[0], &weight[0], &total[0], folds,
                                   &mean[0, 0], &squares[0, 0], mean.strides[0] // sizeof(double))
        else:
            fw_fold_moments_float(m, n, &A[0, 0], A.strides[0] // sizeof(float), &fold[0], &weight[0], &total[0], folds,
                                  &mean[0, 0], &squares[0, 0], mean.strides[0] // sizeof(double))
