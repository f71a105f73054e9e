# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The face of the compiled passes: sweeps over rows, looks at cells, products of sparse rows. All release the GIL."""

from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

cdef extern from "_sweeps.h" nogil:
    enum:
        FW_BLOCK
    ctypedef struct fw_pass:
        Py_ssize_t rows, q, width
        const double *inner
        const double *intercept
        Py_ssize_t lanes
        const double *offset
        const double *y
        const double *weight
        const Py_ssize_t *label
        const double *keep
        const double *before
        const double *sloped
        Py_ssize_t before_ld
        const double *omega
        Py_ssize_t omega_width
        double *eta
        double *slope
        double *fold_loss
        double *misfit
        double *spill
        double *gradient
    void fw_look_logit(const fw_pass *p, const double *eta, Py_ssize_t ld, double *pull)
    void fw_look_poisson(const fw_pass *p, const double *eta, Py_ssize_t ld, double *pull)
    void fw_look_gamma(const fw_pass *p, const double *eta, Py_ssize_t ld, double *pull)
    void fw_dense_logit(const fw_pass *p, const double *X, double *room)
    void fw_dense_poisson(const fw_pass *p, const double *X, double *room)
    void fw_dense_gamma(const fw_pass *p, const double *X, double *room)
    void fw_sparse_logit(const fw_pass *p, const int32_t *starts, const int32_t *columns, const double *values,
                         double *room)
    void fw_sparse_poisson(const fw_pass *p, const int32_t *starts, const int32_t *columns, const double *values,
                           double *room)
    void fw_sparse_gamma(const fw_pass *p, const int32_t *starts, const int32_t *columns, const double *values,
                         double *room)
    void fw_dense_cross(Py_ssize_t rows, Py_ssize_t q, const double *X, const double *weight, Py_ssize_t ld,
                        double *out, double *room)
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
    cdef fw_pass p
    memset(&p, 0, sizeof(fw_pass))
    p.rows, p.width = eta.shape[0], pull.shape[1]
    if p.rows == 0:
        return
    if p.width % 8 or keep.shape[1] != p.width or eta.shape[1] < p.width:
        raise ValueError("cells must be as wide as keep and pull, by a multiple of 8")
    p.y, p.weight, p.omega, p.label, p.keep = &y[0], &weight[0], &omega[0, 0], &label[0], &keep[0, 0]
    p.omega_width = 0 if omega.shape[1] == 1 else omega.shape[1]
    p.fold_loss, p.misfit, p.spill = &fold_loss[0, 0], &misfit[0], &spill[0]
    with nogil:
        if family == 0:
            fw_look_logit(&p, &eta[0, 0], eta.shape[1], &pull[0, 0])
        elif family == 1:
            fw_look_poisson(&p, &eta[0, 0], eta.shape[1], &pull[0, 0])
        else:
            fw_look_gamma(&p, &eta[0, 0], eta.shape[1], &pull[0, 0])


cdef class Sweep:
    """One pass over all rows for family 0 (logit), 1 (Poisson) or 2 (gamma), in as many parts as there are threads.

    `inner` (q, L) and `intercept` (L,) are coefficients, L the width or twice that with those before a step behind;
    `before` and `sloped` (n, width) are predictors and slopes at the base of the step's model where they are kept,
    `omega` (n, 1) or (n, width) its curvature; `eta` and `slope` (n, width) are filled. All three pairs may be None.
    """

    cdef fw_pass shared
    cdef int family
    cdef object held

    def __cinit__(self, int family, const double[:, ::1] inner, const double[::1] intercept, const double[::1] offset,
                  const double[::1] y, const double[::1] weight, const Py_ssize_t[::1] label,
                  const double[:, ::1] keep, const double[:, ::1] before, const double[:, ::1] sloped,
                  const double[:, ::1] omega, double[:, ::1] eta, double[:, ::1] slope):
        """Take what all parts read, and what they fill row by row."""
        cdef Py_ssize_t width = keep.shape[1], n = y.shape[0]
        self.held = (inner, intercept, offset, y, weight, label, keep, before, sloped, omega, eta, slope)
        self.family = family
        memset(&self.shared, 0, sizeof(fw_pass))
        self.shared.rows, self.shared.q = n, inner.shape[0]
        self.shared.width, self.shared.lanes = width, inner.shape[1]
        if width % 8 or inner.shape[1] not in (width, 2 * width) or intercept.shape[0] != inner.shape[1]:
            raise ValueError("coefficients must be as wide as keep, by a multiple of 8, or twice that")
        for cells in (*self.held[7:9], *self.held[10:12]):
            if cells is not None and tuple(cells.shape)[:2] != (n, width):
                raise ValueError("predictors and slopes must be as wide as keep")
        if omega is None and (before is not None or inner.shape[1] > width):
            raise ValueError("a step needs its curvature")
        self.shared.inner = &inner[0, 0] if inner.shape[0] else NULL
        self.shared.intercept, self.shared.y, self.shared.weight = &intercept[0], &y[0], &weight[0]
        self.shared.label, self.shared.keep = &label[0], &keep[0, 0]
        self.shared.offset = NULL if offset is None else &offset[0]
        self.shared.before = NULL if before is None else &before[0, 0]
        self.shared.sloped = NULL if sloped is None else &sloped[0, 0]
        self.shared.before_ld = width
        if omega is not None:
            self.shared.omega = &omega[0, 0]
            self.shared.omega_width = 0 if omega.shape[1] == 1 else omega.shape[1]
        self.shared.eta = NULL if eta is None else &eta[0, 0]
        self.shared.slope = NULL if slope is None else &slope[0, 0]

    cdef int part(self, fw_pass *p, Py_ssize_t start, Py_ssize_t stop, double[:, ::1] fold_loss, double[:, ::1] sums,
                  double[:, ::1] gradient) except -1:
        """The pass over rows from start to stop."""
        cdef Py_ssize_t width = self.shared.width
        if not 0 <= start <= stop <= self.shared.rows:
            raise ValueError("a part must be of rows that there are")
        if gradient.shape[0] != self.shared.q + 1 or gradient.shape[1] != width or fold_loss.shape[1] != width:
            raise ValueError("sums must be as wide as keep")
        p[0] = self.shared
        p.rows = stop - start
        p.y, p.weight, p.label = p.y + start, p.weight + start, p.label + start
        p.offset = p.offset + start if p.offset != NULL else NULL
        p.before = p.before + start * width if p.before != NULL else NULL
        p.sloped = p.sloped + start * width if p.sloped != NULL else NULL
        if p.omega != NULL:
            p.omega = p.omega + start * (p.omega_width if p.omega_width else 1)
        p.eta = p.eta + start * width if p.eta != NULL else NULL
        p.slope = p.slope + start * width if p.slope != NULL else NULL
        p.fold_loss, p.misfit, p.spill = &fold_loss[0, 0], &sums[0, 0], &sums[1, 0]
        p.gradient = &gradient[0, 0]
        return 0

    def dense(self, Py_ssize_t start, Py_ssize_t stop, const double[:, ::1] X, double[:, ::1] fold_loss,
              double[:, ::1] sums, double[:, ::1] gradient):
        """Rows X (stop - start, q); adds to fold losses (K, width), misfit and spill (2, width), gradient."""
        cdef fw_pass p
        cdef double *room
        self.part(&p, start, stop, fold_loss, sums, gradient)
        if p.rows == 0:
            return
        if X.shape[0] != p.rows or X.shape[1] != p.q:
            raise ValueError("rows must be those of the part")
        room = <double *> malloc(FW_BLOCK * (p.lanes + p.width) * sizeof(double))
        if room == NULL:
            raise MemoryError
        with nogil:
            if self.family == 0:
                fw_dense_logit(&p, &X[0, 0] if p.q else NULL, room)
            elif self.family == 1:
                fw_dense_poisson(&p, &X[0, 0] if p.q else NULL, room)
            else:
                fw_dense_gamma(&p, &X[0, 0] if p.q else NULL, room)
            free(room)

    def sparse(self, Py_ssize_t start, Py_ssize_t stop, const int32_t[::1] starts, const int32_t[::1] columns,
               const double[::1] values, double[:, ::1] fold_loss, double[:, ::1] sums, double[:, ::1] gradient):
        """Rows of a sparse table, whose `starts` are of all rows; adds to the same sums."""
        cdef fw_pass p
        cdef double *room
        cdef const int32_t *column = &columns[0] if columns.shape[0] else NULL
        cdef const double *value = &values[0] if values.shape[0] else NULL
        self.part(&p, start, stop, fold_loss, sums, gradient)
        if p.rows == 0:
            return
        if starts.shape[0] != self.shared.rows + 1:
            raise ValueError("starts must be of all rows")
        room = <double *> malloc((p.lanes + p.width) * sizeof(double))
        if room == NULL:
            raise MemoryError
        with nogil:
            if self.family == 0:
                fw_sparse_logit(&p, &starts[start], column, value, room)
            elif self.family == 1:
                fw_sparse_poisson(&p, &starts[start], column, value, room)
            else:
                fw_sparse_gamma(&p, &starts[start], column, value, room)
            free(room)


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


def dense_cross(const double[:, ::1] X, const double[::1] weight, double[:, ::1] M):
    """Add the weighted products of [1, x] with itself to M (q + 1, q + 1), for dense rows X (rows, q)."""
    cdef Py_ssize_t rows = X.shape[0], q = X.shape[1], ld = 8 * (q // 8 + 1), j, k
    cdef double *room
    cdef double *out
    cdef double total = 0.0
    if weight.shape[0] != rows or M.shape[0] != q + 1 or M.shape[1] != q + 1:
        raise ValueError("weights must be as many as rows, and products those of [1, x]")
    if rows == 0:
        return
    room = <double *> malloc((FW_BLOCK + q) * ld * sizeof(double))
    if room == NULL:
        raise MemoryError
    out = room + FW_BLOCK * ld
    memset(out, 0, q * ld * sizeof(double))
    with nogil:
        fw_dense_cross(rows, q, &X[0, 0] if q else NULL, &weight[0], ld, out, room)
        for j in range(rows):
            total += weight[j]
        M[0, 0] += total
        for j in range(q):
            M[j + 1, 0] += out[j * ld + q]
            M[0, j + 1] += out[j * ld + q]
            M[j + 1, j + 1] += out[j * ld + j]
            for k in range(j + 1, q):
                M[j + 1, k + 1] += out[j * ld + k]
                M[k + 1, j + 1] += out[j * ld + k]
        free(room)
