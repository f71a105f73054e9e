/* Columns of a table, dense or sparse, times something: what is fitted, what is left, and gradients from that. */
#ifndef FOLDWISE_RESIDUAL_H
#define FOLDWISE_RESIDUAL_H

#include "_product.h"
#include <string.h>

typedef struct {
    ptrdiff_t n, lda;
    const double *rows;                           /* a column in each row; or in single precision; or CSC */
    const float *single;
    const int *start, *at;
    const double *value;
} fw_cells;

/* out (m, width) = products of the picked columns, or of the first m, with R (n, width). */
static void fw_cells_times(const fw_cells *c, ptrdiff_t m, const ptrdiff_t *picks, const double *R, ptrdiff_t width,
                           double *out) {
    if (c->start) {
        fw_csc_times(m, picks, c->start, c->at, c->value, R, width, out);
        return;
    }
    memset(out, 0, (size_t)(m * width) * sizeof(double));
    if (c->single)
        fw_rows_times_float(m, picks, c->n, c->single, c->lda, R, width, out);
    else
        fw_rows_times_double(m, picks, c->n, c->rows, c->lda, R, width, out);
}

/* out (n, width), its rows from..to where columns are dense, = the picked columns times C (m, width). */
static void fw_cells_combine(const fw_cells *c, ptrdiff_t m, const ptrdiff_t *picks, const double *C, ptrdiff_t width,
                             double *out, ptrdiff_t from, ptrdiff_t to) {
    memset(out + from * width, 0, (size_t)((to - from) * width) * sizeof(double));
    if (c->start)
        fw_csc_combine(m, picks, c->start, c->at, c->value, C, width, out);
    else
        fw_combine(m, picks, c->n, c->rows, C, width, out, from, to);
}

/* Coefficients (size, sets) of some sets, of the working columns that one of them uses: packed (m, width); returns m. */
static ptrdiff_t fw_pack(const double *coef, ptrdiff_t size, ptrdiff_t sets, const ptrdiff_t *which, ptrdiff_t some,
                         ptrdiff_t width, ptrdiff_t *picks, double *packed) {
    ptrdiff_t m = 0;
    for (ptrdiff_t q = 0; q < size; q++) {
        double *to = packed + m * width;
        int used = 0;
        for (ptrdiff_t k = 0; k < some; k++) {
            to[k] = coef[q * sets + which[k]];
            used |= to[k] != 0.0;
        }
        if (!used) continue;
        memset(to + some, 0, (size_t)(width - some) * sizeof(double));
        picks[m++] = q;
    }
    return m;
}

/* What is left of the targets (n, sets), about its weighted mean where there is an intercept, into the residuals; and what
   is fitted (n, width) becomes R: weighted residuals, in the table's own order of rows. */
static void fw_leave(ptrdiff_t n, ptrdiff_t sets, const ptrdiff_t *which, ptrdiff_t some, ptrdiff_t width,
                     const double *fitted, const double *target, const double *weight, const double *total, int intercept,
                     const ptrdiff_t *own, double *mean, double *residual, double *R) {
    for (ptrdiff_t k = 0; k < some; k++) mean[k] = 0.0;
    for (ptrdiff_t i = 0; intercept && i < n; i++)
        for (ptrdiff_t k = 0; k < some; k++) mean[k] += weight[i * sets + which[k]] * fitted[i * width + k];
    for (ptrdiff_t k = 0; k < some; k++) mean[k] /= total[which[k]];
    for (ptrdiff_t i = 0; i < n; i++) {
        double *to = R + own[i] * width;
        for (ptrdiff_t k = 0; k < some; k++) {
            const ptrdiff_t cell = i * sets + which[k];
            const double left = target[cell] - (fitted[i * width + k] - mean[k]);
            residual[cell] = left;
            to[k] = weight[cell] * left;
        }
        for (ptrdiff_t k = some; k < width; k++) to[k] = 0.0;
    }
}

/* Products (m, width) over the totals into the gradients (p, sets) of these columns. */
static void fw_spread(ptrdiff_t m, const ptrdiff_t *columns, ptrdiff_t sets, const ptrdiff_t *which, ptrdiff_t some,
                      ptrdiff_t width, const double *products, const double *total, double *gradient) {
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t k = 0; k < some; k++)
            gradient[columns[i] * sets + which[k]] = products[i * width + k] / total[which[k]];
}

#endif
