/* Many long rows times a thin matrix: each row is read once for all of its columns, and nothing is packed or copied. */
#ifndef FOLDWISE_PRODUCT_H
#define FOLDWISE_PRODUCT_H

#include <stddef.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
#define FW_MANY __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FW_MANY
#endif

enum { FW_WIDE = 8, FW_ROWS = 8, FW_TILE = 2048, FW_SHEET = 256 };
typedef double fw_wide __attribute__((vector_size(8 * FW_WIDE), aligned(8)));

/* out (rows, width) += A (rows, n) R (n, width), of the rows `picks` of A where it is given; width is a multiple of 8.
   Sums are in double whatever A is. */
#define FW_ROWS_TIMES(NAME, TYPE, INT)                                                                                 \
    FW_MANY static void NAME(ptrdiff_t rows, const INT *picks, ptrdiff_t n, const TYPE *A, ptrdiff_t lda,              \
                             const double *R, ptrdiff_t width, double *out) {                                          \
        for (ptrdiff_t from = 0; from < n; from += FW_TILE) {                                                          \
            const ptrdiff_t to = from + FW_TILE < n ? from + FW_TILE : n;                                              \
            for (ptrdiff_t j = 0; j < rows; j += FW_ROWS) {                                                            \
                const TYPE *a[FW_ROWS];                                                                                \
                for (int k = 0; k < FW_ROWS; k++) {                                                                    \
                    const ptrdiff_t row = j + k < rows ? j + k : rows - 1;                                             \
                    a[k] = A + (picks ? (ptrdiff_t)picks[row] : row) * lda;                                            \
                }                                                                                                      \
                for (ptrdiff_t h = 0; h < width; h += FW_WIDE) {                                                       \
                    fw_wide s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, s4 = {0}, s5 = {0}, s6 = {0}, s7 = {0};            \
                    for (ptrdiff_t i = from; i < to; i++) {                                                            \
                        const fw_wide r = *(const fw_wide *)(R + i * width + h);                                       \
                        s0 += (double)a[0][i] * r;                                                                     \
                        s1 += (double)a[1][i] * r;                                                                     \
                        s2 += (double)a[2][i] * r;                                                                     \
                        s3 += (double)a[3][i] * r;                                                                     \
                        s4 += (double)a[4][i] * r;                                                                     \
                        s5 += (double)a[5][i] * r;                                                                     \
                        s6 += (double)a[6][i] * r;                                                                     \
                        s7 += (double)a[7][i] * r;                                                                     \
                    }                                                                                                  \
                    const fw_wide s[FW_ROWS] = {s0, s1, s2, s3, s4, s5, s6, s7};                                       \
                    for (int k = 0; k < FW_ROWS && j + k < rows; k++)                                                  \
                        *(fw_wide *)(out + (j + k) * width + h) += s[k];                                               \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

FW_ROWS_TIMES(fw_rows_times_double, double, ptrdiff_t)
FW_ROWS_TIMES(fw_rows_times_float, float, ptrdiff_t)
FW_ROWS_TIMES(fw_picked_rows, double, int)

/* Weighted mean and sum of squares about it of each fold of every row of A (m, n): mean, squares (folds, m), weight being
   the rows' and total the folds'. */
#define FW_FOLD_MOMENTS(NAME, TYPE)                                                                                    \
    static void NAME(ptrdiff_t m, ptrdiff_t n, const TYPE *A, ptrdiff_t lda, const int *fold, const double *weight,    \
                     const double *total, ptrdiff_t folds, double *mean, double *squares, ptrdiff_t ld) {              \
        for (ptrdiff_t j = 0; j < m; j++) {                                                                            \
            const TYPE *a = A + j * lda;                                                                               \
            for (ptrdiff_t k = 0; k < folds; k++) mean[k * ld + j] = squares[k * ld + j] = 0.0;                        \
            for (ptrdiff_t i = 0; i < n; i++) mean[fold[i] * ld + j] += weight[i] * (double)a[i];                      \
            for (ptrdiff_t k = 0; k < folds; k++) mean[k * ld + j] /= total[k];                                        \
            for (ptrdiff_t i = 0; i < n; i++) {                                                                        \
                const double off = (double)a[i] - mean[fold[i] * ld + j];                                              \
                squares[fold[i] * ld + j] += weight[i] * off * off;                                                    \
            }                                                                                                          \
        }                                                                                                              \
    }

FW_FOLD_MOMENTS(fw_fold_moments_double, double)
FW_FOLD_MOMENTS(fw_fold_moments_float, float)

/* out[from..to) (n, width) += sum over the picked rows a of A (.., n) of a' times its row of C (count, width). */
FW_MANY static void fw_combine(ptrdiff_t count, const ptrdiff_t *picks, ptrdiff_t n, const double *A, const double *C,
                               ptrdiff_t width, double *out, ptrdiff_t from, ptrdiff_t to) {
    for (ptrdiff_t start = from; start < to; start += FW_SHEET) {
        const ptrdiff_t stop = start + FW_SHEET < to ? start + FW_SHEET : to;
        for (ptrdiff_t h = 0; h < width; h += FW_WIDE)
            for (ptrdiff_t q = 0; q < count; q += 4) {
                const double *a[4];
                fw_wide c[4];
                for (int k = 0; k < 4; k++) {
                    const ptrdiff_t row = q + k < count ? q + k : q;
                    a[k] = A + picks[row] * n;
                    c[k] = q + k < count ? *(const fw_wide *)(C + row * width + h) : (fw_wide){0};
                }
                for (ptrdiff_t i = start; i < stop; i++) {
                    fw_wide *o = (fw_wide *)(out + i * width + h);
                    *o += (a[0][i] * c[0] + a[1][i] * c[1]) + (a[2][i] * c[2] + a[3][i] * c[3]);
                }
            }
    }
}

/* out (columns, width) = A'R for A stored by columns, all of them or those picked. */
FW_MANY static void fw_csc_times(ptrdiff_t columns, const ptrdiff_t *picks, const int *start, const int *at,
                                 const double *value, const double *R, ptrdiff_t width, double *out) {
    for (ptrdiff_t q = 0; q < columns; q++) {
        const ptrdiff_t j = picks ? picks[q] : q;
        for (ptrdiff_t h = 0; h < width; h += FW_WIDE) {
            fw_wide total = {0};
            for (ptrdiff_t e = start[j]; e < start[j + 1]; e++)
                total += value[e] * *(const fw_wide *)(R + (ptrdiff_t)at[e] * width + h);
            *(fw_wide *)(out + q * width + h) = total;
        }
    }
}

/* out (n, width) += the picked columns of A, stored by columns, times C (count, width). */
FW_MANY static void fw_csc_combine(ptrdiff_t count, const ptrdiff_t *picks, const int *start, const int *at,
                                   const double *value, const double *C, ptrdiff_t width, double *out) {
    for (ptrdiff_t q = 0; q < count; q++)
        for (ptrdiff_t h = 0; h < width; h += FW_WIDE) {
            const fw_wide c = *(const fw_wide *)(C + q * width + h);
            for (ptrdiff_t e = start[picks[q]]; e < start[picks[q] + 1]; e++)
                *(fw_wide *)(out + (ptrdiff_t)at[e] * width + h) += value[e] * c;
        }
}

static inline void fw_picked_rows_times(ptrdiff_t rows, const int *picks, ptrdiff_t n, const double *A,
                                        const double *R, ptrdiff_t width, double *out) {
    fw_picked_rows(rows, picks, n, A, n, R, width, out);
}

#endif
