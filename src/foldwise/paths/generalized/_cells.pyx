# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The face of the compiled passes: one look at many cells, and products of sparse rows. All release the GIL."""

from libc.stdint cimport int32_t

cdef extern from "_cells.h" nogil:
    void fw_look_logit(Py_ssize_t rows, Py_ssize_t width, Py_ssize_t ld, const double *arrived, const double *old,
                       const double *y, const double *weight, const double *omega, Py_ssize_t omega_width,
                       const Py_ssize_t *label, const double *keep, double *pull, double *fold_loss, double *misfit,
                       double *spill)
    void fw_look_poisson(Py_ssize_t rows, Py_ssize_t width, Py_ssize_t ld, const double *arrived, const double *old,
                         const double *y, const double *weight, const double *omega, Py_ssize_t omega_width,
                         const Py_ssize_t *label, const double *keep, double *pull, double *fold_loss, double *misfit,
                         double *spill)
    void fw_look_gamma(Py_ssize_t rows, Py_ssize_t width, Py_ssize_t ld, const double *arrived, const double *old,
                       const double *y, const double *weight, const double *omega, Py_ssize_t omega_width,
                       const Py_ssize_t *label, const double *keep, double *pull, double *fold_loss, double *misfit,
                       double *spill)
    void fw_bend_logit(Py_ssize_t rows, Py_ssize_t width, const double *eta, const double *y, double *out)
    void fw_bend_poisson(Py_ssize_t rows, Py_ssize_t width, const double *eta, const double *y, double *out)
    void fw_bend_gamma(Py_ssize_t rows, Py_ssize_t width, const double *eta, const double *y, double *out)
    void fw_rows_times(Py_ssize_t rows, const int32_t *starts, const int32_t *columns, const double *values,
                       Py_ssize_t width, const double *B, double *out)
    void fw_columns_times(Py_ssize_t rows, const int32_t *starts, const int32_t *columns, const double *values,
                          Py_ssize_t width, const double *R, double *out)
    void fw_cross(Py_ssize_t rows, const int32_t *starts, const int32_t *columns, const double *values,
                  const double *weight, Py_ssize_t q, double *M)


def look(int family, double[:, ::1] eta, const double[::1] y, const double[::1] weight, const double[:, ::1] omega,
         const Py_ssize_t[::1] label, const double[:, ::1] keep, double[:, ::1] pull, double[:, ::1] fold_loss,
         double[::1] misfit, double[::1] spill):
    """One pass over a chunk for family 0 (logit), 1 (Poisson) or 2 (gamma).

    eta (rows, width) holds the predictors arrived at, or (rows, 2 width) with the ones before the step behind them;
    omega is (rows, 1) or (rows, width), keep (K, width), pull (rows, width); fold_loss (K, width), misfit and spill
    (width,) are added to. The width is a multiple of 8.
    """
    cdef Py_ssize_t rows = eta.shape[0], width = pull.shape[1], ld = eta.shape[1]
    cdef Py_ssize_t bent = 0 if omega.shape[1] == 1 else omega.shape[1]
    if rows == 0:
        return
    if width % 8 or keep.shape[1] != width or ld < width:
        raise ValueError("cells must be as wide as keep and pull, by a multiple of 8")
    cdef const double *old = &eta[0, width] if ld > width else NULL
    with nogil:
        if family == 0:
            fw_look_logit(rows, width, ld, &eta[0, 0], old, &y[0], &weight[0], &omega[0, 0], bent, &label[0],
                          &keep[0, 0], &pull[0, 0], &fold_loss[0, 0], &misfit[0], &spill[0])
        elif family == 1:
            fw_look_poisson(rows, width, ld, &eta[0, 0], old, &y[0], &weight[0], &omega[0, 0], bent, &label[0],
                            &keep[0, 0], &pull[0, 0], &fold_loss[0, 0], &misfit[0], &spill[0])
        else:
            fw_look_gamma(rows, width, ld, &eta[0, 0], old, &y[0], &weight[0], &omega[0, 0], bent, &label[0],
                          &keep[0, 0], &pull[0, 0], &fold_loss[0, 0], &misfit[0], &spill[0])


def bend(int family, const double[:, ::1] eta, const double[::1] y, double[:, ::1] out):
    """Put the curvatures at predictors (rows, width) into out, for the families of `look`; the width a multiple of 8."""
    if eta.shape[1] % 8 or out.shape[0] != eta.shape[0] or out.shape[1] != eta.shape[1]:
        raise ValueError("predictors and curvatures must be as wide as each other, by a multiple of 8")
    if eta.shape[0] and eta.shape[1]:
        with nogil:
            if family == 0:
                fw_bend_logit(eta.shape[0], eta.shape[1], &eta[0, 0], &y[0], &out[0, 0])
            elif family == 1:
                fw_bend_poisson(eta.shape[0], eta.shape[1], &eta[0, 0], &y[0], &out[0, 0])
            else:
                fw_bend_gamma(eta.shape[0], eta.shape[1], &eta[0, 0], &y[0], &out[0, 0])


def rows_times(const int32_t[::1] starts, const int32_t[::1] columns, const double[::1] values,
               const double[:, ::1] B, double[:, ::1] out):
    """Add sparse rows times B (q, width) to out (rows, width)."""
    if out.shape[0] and columns.shape[0]:
        with nogil:
            fw_rows_times(out.shape[0], &starts[0], &columns[0], &values[0], B.shape[1], &B[0, 0], &out[0, 0])


def columns_times(const int32_t[::1] starts, const int32_t[::1] columns, const double[::1] values,
                  const double[:, ::1] R, double[:, ::1] out):
    """Add transposed sparse rows times R (rows, width) to out (q, width)."""
    if R.shape[0] and columns.shape[0]:
        with nogil:
            fw_columns_times(R.shape[0], &starts[0], &columns[0], &values[0], R.shape[1], &R[0, 0], &out[0, 0])


def cross(const int32_t[::1] starts, const int32_t[::1] columns, const double[::1] values, const double[::1] weight,
          double[:, ::1] M):
    """Add the weighted products of [1, x] with itself to the lower triangle of M (q + 1, q + 1)."""
    if weight.shape[0]:
        with nogil:
            fw_cross(weight.shape[0], &starts[0], &columns[0] if columns.shape[0] else NULL,
                     &values[0] if columns.shape[0] else NULL, &weight[0], M.shape[0] - 1, &M[0, 0])
