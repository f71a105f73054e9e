# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Rows times a thin matrix, for float32 and float64 rows: the gradient of all held-out sets in one pass over a table."""

ctypedef fused number:
    float
    double

cdef extern from "_product.h" nogil:
    void fw_rows_times_double(Py_ssize_t rows, Py_ssize_t n, const double *A, Py_ssize_t lda, const double *R,
                              Py_ssize_t width, double *out)
    void fw_rows_times_float(Py_ssize_t rows, Py_ssize_t n, const float *A, Py_ssize_t lda, const double *R,
                             Py_ssize_t width, double *out)


def rows_times(const number[:, :] A, const double[:, ::1] R, double[:, ::1] out):
    """Add A (m, n) R (n, width) to out (m, width). Rows of A must be contiguous; width a multiple of 8. Releases the GIL."""
    cdef Py_ssize_t rows = A.shape[0], n = A.shape[1]
    if rows == 0 or n == 0:
        return
    if A.strides[1] != sizeof(number) or R.shape[1] % 8 or out.shape[1] != R.shape[1]:
        raise ValueError("rows of A must be contiguous, and R and out equally wide, by a multiple of 8")
    with nogil:
        if number is double:
            fw_rows_times_double(rows, n, &A[0, 0], A.strides[0] // sizeof(double), &R[0, 0], R.shape[1], &out[0, 0])
        else:
            fw_rows_times_float(rows, n, &A[0, 0], A.strides[0] // sizeof(float), &R[0, 0], R.shape[1], &out[0, 0])
