/* The inner loops of the quadratic solver: plain C, compiled once for each instruction set and chosen when loaded.

   A factor R is upper triangular, stored by rows with leading dimension ld, and R'R is the support's own matrix. */
#ifndef FOLDWISE_VECTOR_H
#define FOLDWISE_VECTOR_H

#include <math.h>
#include <stddef.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
#define FW_MANY __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define FW_INLINE static inline __attribute__((always_inline))
#else
#define FW_MANY
#define FW_INLINE static inline
#endif

FW_INLINE void fw_axpy(ptrdiff_t n, double a, const double *restrict x, double *restrict y) {
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) y[i] += a * x[i];
}

FW_INLINE double fw_dot(ptrdiff_t n, const double *x, const double *y) {
    double total = 0.0;
#pragma omp simd reduction(+ : total)
    for (ptrdiff_t i = 0; i < n; i++) total += x[i] * y[i];
    return total;
}

FW_INLINE void fw_axpy4(ptrdiff_t n, const double *a, const double *restrict x0, const double *restrict x1,
                        const double *restrict x2, const double *restrict x3, double *restrict y) {
    const double a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) y[i] += (a0 * x0[i] + a1 * x1[i]) + (a2 * x2[i] + a3 * x3[i]);
}

/* y -= sum over a of scale[a] * Q[rows[a], :]; scale is overwritten by its negative. */
FW_MANY static void fw_subtract_rows(ptrdiff_t p, ptrdiff_t s, const int *rows, double *scale, const double *Q,
                                     ptrdiff_t ld, double *y) {
    ptrdiff_t a = 0;
    for (ptrdiff_t i = 0; i < s; i++) scale[i] = -scale[i];
    for (; a + 4 <= s; a += 4)
        fw_axpy4(p, scale + a, Q + rows[a] * ld, Q + rows[a + 1] * ld, Q + rows[a + 2] * ld, Q + rows[a + 3] * ld, y);
    for (; a < s; a++) fw_axpy(p, scale[a], Q + rows[a] * ld, y);
}

/* Solve R'z = b in place. */
FW_MANY static void fw_solve_transposed(const double *R, ptrdiff_t ld, ptrdiff_t s, double *b) {
    for (ptrdiff_t k = 0; k < s; k++) {
        b[k] /= R[k * ld + k];
        fw_axpy(s - k - 1, -b[k], R + k * ld + k + 1, b + k + 1);
    }
}

/* Solve R z = b in place. */
FW_MANY static void fw_solve_upper(const double *R, ptrdiff_t ld, ptrdiff_t s, double *b) {
    for (ptrdiff_t k = s - 1; k >= 0; k--)
        b[k] = (b[k] - fw_dot(s - k - 1, R + k * ld + k + 1, b + k + 1)) / R[k * ld + k];
}

/* Remove row and column i from R'R: shift the columns, then rotate the subdiagonal away. */
FW_MANY static void fw_remove(double *R, ptrdiff_t ld, ptrdiff_t s, ptrdiff_t i) {
    for (ptrdiff_t r = 0; r < s; r++) {
        ptrdiff_t from = r > i ? r : i + 1;
        memmove(R + r * ld + from - 1, R + r * ld + from, (size_t)(s - from) * sizeof(double));
    }
    for (ptrdiff_t k = i; k < s - 1; k++) {
        double *restrict top = R + k * ld, *restrict low = R + (k + 1) * ld;
        double h = hypot(top[k], low[k]), c = top[k] / h, d = low[k] / h;
        top[k] = h;
#pragma omp simd
        for (ptrdiff_t j = k + 1; j < s - 1; j++) {
            double t = c * top[j] + d * low[j];
            low[j] = c * low[j] - d * top[j];
            top[j] = t;
        }
    }
}

/* Cholesky in place of the upper triangle held in R, four rows at a time; a pivot is never below floor. */
FW_MANY static void fw_factor(double *R, ptrdiff_t ld, ptrdiff_t s, double floor) {
    for (ptrdiff_t k = 0; k < s; k += 4) {
        ptrdiff_t end = k + 4 < s ? k + 4 : s;
        for (ptrdiff_t i = k; i < end; i++) {
            double *row = R + i * ld;
            for (ptrdiff_t h = k; h < i; h++) fw_axpy(s - i, -R[h * ld + i], R + h * ld + i, row + i);
            double pivot = sqrt(row[i] > floor ? row[i] : floor);
            row[i] = pivot;
            for (ptrdiff_t j = i + 1; j < s; j++) row[j] /= pivot;
        }
        if (end - k < 4) return;
        for (ptrdiff_t r = end; r < s; r++) {
            const double *panel = R + k * ld + r;
            const double a[4] = {-panel[0], -panel[ld], -panel[2 * ld], -panel[3 * ld]};
            fw_axpy4(s - r, a, panel, panel + ld, panel + 2 * ld, panel + 3 * ld, R + r * ld + r);
        }
    }
}

#endif
