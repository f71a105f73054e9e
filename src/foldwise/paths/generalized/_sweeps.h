/* Passes over dense and sparse rows that do cells on the way, and products of rows. */
#ifndef FOLDWISE_SWEEPS_H
#define FOLDWISE_SWEEPS_H

#include "_cells.h"

enum { FW_BLOCK = 32 };  /* dense rows done together: their cells stay in a core's first cache */

/* Row i once its predictors (lanes,) are there; pull (width,) is for its gradient. */
FW_INLINE void fw_arrive(int family, const fw_pass *p, ptrdiff_t i, const double *eta, double *pull) {
    const double *before = p->before ? p->before + i * p->before_ld : p->lanes > p->width ? eta + p->width : NULL;
    fw_row(family, p, i, eta, before, p->before && p->sloped ? p->sloped + i * p->before_ld : NULL, pull);
    if (p->eta)
        for (ptrdiff_t h = 0; h < p->width; h += FW_LANES) FW_STORE(p->eta + i * p->width + h, FW_LOAD(eta + h));
    for (ptrdiff_t h = 0; h < p->width; h += FW_LANES)
        FW_STORE(p->gradient + h, FW_LOAD(p->gradient + h) + FW_LOAD(pull + h));
}

/* A tile of R rows (from x, q apart) times V vectors of B (q, ld), added to eta. */
FW_INLINE void fw_tile(int R, int V, const double *x, ptrdiff_t q, const double *B, ptrdiff_t ld, double *eta) {
    fw_cells sum[4][2];
#pragma GCC unroll 4
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) sum[r][v] = FW_LOAD(eta + r * ld + v * FW_LANES);
    for (ptrdiff_t k = 0; k < q; k++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) {
            const fw_cells b = FW_LOAD(B + k * ld + v * FW_LANES);
#pragma GCC unroll 4
            for (int r = 0; r < R; r++) sum[r][v] += x[r * q + k] * b;
        }
#pragma GCC unroll 4
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) FW_STORE(eta + r * ld + v * FW_LANES, sum[r][v]);
}

/* A tile of C columns (from x, q apart) of some rows, transposed, times V vectors of pulls (rows, ld), added to out. */
FW_INLINE void fw_back(int C, int V, ptrdiff_t rows, const double *x, ptrdiff_t q, const double *pull, ptrdiff_t ld,
                       double *out) {
    fw_cells sum[4][2];
#pragma GCC unroll 4
    for (int c = 0; c < C; c++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) sum[c][v] = FW_LOAD(out + c * ld + v * FW_LANES);
    for (ptrdiff_t i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) {
            const fw_cells b = FW_LOAD(pull + i * ld + v * FW_LANES);
#pragma GCC unroll 4
            for (int c = 0; c < C; c++) sum[c][v] += x[i * q + c] * b;
        }
#pragma GCC unroll 4
    for (int c = 0; c < C; c++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) FW_STORE(out + c * ld + v * FW_LANES, sum[c][v]);
}

/* A pass over dense rows X (rows, q), some of them at a time: predictors, cells and gradient while they are in a cache.
   `room` is for FW_BLOCK (lanes + width) numbers. */
FW_INLINE void fw_dense(int family, const fw_pass *p, const double *X, double *room) {
    const ptrdiff_t q = p->q, width = p->width, lanes = p->lanes;
    double *eta = room, *pull = room + FW_BLOCK * lanes;
    for (ptrdiff_t start = 0; start < p->rows; start += FW_BLOCK) {
        const ptrdiff_t rows = p->rows - start < FW_BLOCK ? p->rows - start : FW_BLOCK;
        const double *x = X + start * q;
        for (ptrdiff_t i = 0; i < rows; i++) {
            const double more = p->offset ? p->offset[start + i] : 0.0;
            for (ptrdiff_t h = 0; h < lanes; h += FW_LANES)
                FW_STORE(eta + i * lanes + h, more + FW_LOAD(p->intercept + h));
        }
        for (ptrdiff_t h = 0; h < lanes; h += 2 * FW_LANES) {
            ptrdiff_t i = 0;
            if (h + FW_LANES < lanes) {
                for (; i + 4 <= rows; i += 4) fw_tile(4, 2, x + i * q, q, p->inner + h, lanes, eta + i * lanes + h);
                for (; i < rows; i++) fw_tile(1, 2, x + i * q, q, p->inner + h, lanes, eta + i * lanes + h);
            } else {
                for (; i + 4 <= rows; i += 4) fw_tile(4, 1, x + i * q, q, p->inner + h, lanes, eta + i * lanes + h);
                for (; i < rows; i++) fw_tile(1, 1, x + i * q, q, p->inner + h, lanes, eta + i * lanes + h);
            }
        }
        for (ptrdiff_t i = 0; i < rows; i++) fw_arrive(family, p, start + i, eta + i * lanes, pull + i * width);
        double *out = p->gradient + width;
        for (ptrdiff_t h = 0; h < width; h += 2 * FW_LANES) {
            ptrdiff_t k = 0;
            if (h + FW_LANES < width) {
                for (; k + 4 <= q; k += 4) fw_back(4, 2, rows, x + k, q, pull + h, width, out + k * width + h);
                for (; k < q; k++) fw_back(1, 2, rows, x + k, q, pull + h, width, out + k * width + h);
            } else {
                for (; k + 4 <= q; k += 4) fw_back(4, 1, rows, x + k, q, pull + h, width, out + k * width + h);
                for (; k < q; k++) fw_back(1, 1, rows, x + k, q, pull + h, width, out + k * width + h);
            }
        }
    }
}

/* out (q, ld) += X' W X of dense rows X (rows, q), on and above its diagonal and some cells below; ld is the next multiple
   of 8 after q, and out[j, q] becomes the weighted sum of column j. `room` is for FW_BLOCK ld numbers. */
FW_MANY static void fw_dense_cross(ptrdiff_t rows, ptrdiff_t q, const double *X, const double *weight, ptrdiff_t ld,
                                   double *out, double *room) {
    for (ptrdiff_t start = 0; start < rows; start += FW_BLOCK) {
        const ptrdiff_t some = rows - start < FW_BLOCK ? rows - start : FW_BLOCK;
        const double *x = X + start * q;
        for (ptrdiff_t i = 0; i < some; i++) {
            for (ptrdiff_t k = 0; k < q; k++) room[i * ld + k] = weight[start + i] * x[i * q + k];
            room[i * ld + q] = weight[start + i];
            for (ptrdiff_t k = q + 1; k < ld; k++) room[i * ld + k] = 0.0;
        }
        for (ptrdiff_t h = 0; h < ld; h += 2 * FW_LANES) {
            const ptrdiff_t last = h + 2 * FW_LANES < q ? h + 2 * FW_LANES : q;
            ptrdiff_t k = 0;
            if (h + FW_LANES < ld) {
                for (; k + 4 <= last; k += 4) fw_back(4, 2, some, x + k, q, room + h, ld, out + k * ld + h);
                for (; k < last; k++) fw_back(1, 2, some, x + k, q, room + h, ld, out + k * ld + h);
            } else {
                for (; k + 4 <= last; k += 4) fw_back(4, 1, some, x + k, q, room + h, ld, out + k * ld + h);
                for (; k < last; k++) fw_back(1, 1, some, x + k, q, room + h, ld, out + k * ld + h);
            }
        }
    }
}

/* A sparse row of `count` cells times V vectors of B (q, ld), added to eta; its transpose times pulls, to out (q, ld). */
FW_INLINE void fw_gather(int V, ptrdiff_t count, const int32_t *columns, const double *values, const double *B,
                         ptrdiff_t ld, double *eta) {
    fw_cells sum[2];
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) sum[v] = FW_LOAD(eta + v * FW_LANES);
    for (ptrdiff_t k = 0; k < count; k++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) sum[v] += values[k] * FW_LOAD(B + columns[k] * ld + v * FW_LANES);
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) FW_STORE(eta + v * FW_LANES, sum[v]);
}
FW_INLINE void fw_scatter(int V, ptrdiff_t count, const int32_t *columns, const double *values, const double *pull,
                          ptrdiff_t ld, double *out) {
    fw_cells r[2];
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) r[v] = FW_LOAD(pull + v * FW_LANES);
    for (ptrdiff_t k = 0; k < count; k++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) {
            double *target = out + columns[k] * ld + v * FW_LANES;
            FW_STORE(target, FW_LOAD(target) + values[k] * r[v]);
        }
}

/* A pass over sparse rows, one at a time. `room` is for lanes + width numbers. */
FW_INLINE void fw_sparse(int family, const fw_pass *p, const int32_t *starts, const int32_t *columns,
                         const double *values, double *room) {
    const ptrdiff_t width = p->width, lanes = p->lanes;
    double *eta = room, *pull = room + lanes, *out = p->gradient + width;
    for (ptrdiff_t i = 0; i < p->rows; i++) {
        const double more = p->offset ? p->offset[i] : 0.0;
        const ptrdiff_t count = starts[i + 1] - starts[i];
        const int32_t *column = columns + starts[i];
        const double *value = values + starts[i];
        for (ptrdiff_t h = 0; h < lanes; h += FW_LANES) FW_STORE(eta + h, more + FW_LOAD(p->intercept + h));
        ptrdiff_t h = 0;
        const double *B = p->inner;
        for (; h + FW_LANES < lanes; h += 2 * FW_LANES) fw_gather(2, count, column, value, B + h, lanes, eta + h);
        if (h < lanes) fw_gather(1, count, column, value, B + h, lanes, eta + h);
        fw_arrive(family, p, i, eta, pull);
        for (h = 0; h + FW_LANES < width; h += 2 * FW_LANES)
            fw_scatter(2, count, column, value, pull + h, width, out + h);
        if (h < width) fw_scatter(1, count, column, value, pull + h, width, out + h);
    }
}

#define FW_PASSES(NAME, FAMILY)                                                                                        \
    FW_MANY static void fw_dense_##NAME(const fw_pass *p, const double *X, double *room) {                             \
        fw_dense(FAMILY, p, X, room);                                                                                  \
    }                                                                                                                  \
    FW_MANY static void fw_sparse_##NAME(const fw_pass *p, const int32_t *starts, const int32_t *columns,              \
                                         const double *values, double *room) {                                         \
        fw_sparse(FAMILY, p, starts, columns, values, room);                                                           \
    }
FW_PASSES(logit, FW_LOGIT)
FW_PASSES(poisson, FW_POISSON)
FW_PASSES(gamma, FW_GAMMA)

/* out (rows, width) += sparse rows times B (q, width). */
FW_MANY static void fw_rows_times(ptrdiff_t rows, const int32_t *starts, const int32_t *columns, const double *values,
                                  ptrdiff_t width, const double *B, double *out) {
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t h = 0; h < width; h += FW_LANES) {
            fw_cells total = FW_LOAD(out + i * width + h);
            for (int32_t k = starts[i]; k < starts[i + 1]; k++)
                total += values[k] * FW_LOAD(B + columns[k] * width + h);
            FW_STORE(out + i * width + h, total);
        }
}

/* out (q, width) += transposed sparse rows times R (rows, width). */
FW_MANY static void fw_columns_times(ptrdiff_t rows, const int32_t *starts, const int32_t *columns,
                                     const double *values, ptrdiff_t width, const double *R, double *out) {
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t h = 0; h < width; h += FW_LANES) {
            const fw_cells r = FW_LOAD(R + i * width + h);
            for (int32_t k = starts[i]; k < starts[i + 1]; k++) {
                double *target = out + columns[k] * width + h;
                FW_STORE(target, FW_LOAD(target) + values[k] * r);
            }
        }
}

/* M (q + 1, q + 1) += sum over sparse rows of weight [1, x] [1, x]', its lower triangle; columns ascend in each row. */
static void fw_cross(ptrdiff_t rows, const int32_t *starts, const int32_t *columns, const double *values,
                     const double *weight, ptrdiff_t q, double *M) {
    for (ptrdiff_t i = 0; i < rows; i++) {
        M[0] += weight[i];
        for (int32_t k = starts[i]; k < starts[i + 1]; k++) {
            double *row = M + (columns[k] + 1) * (q + 1);
            const double scaled = weight[i] * values[k];
            row[0] += scaled;
            for (int32_t l = starts[i]; l <= k; l++) row[columns[l] + 1] += scaled * values[l];
        }
    }
}

#endif
