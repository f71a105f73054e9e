/* The inverse of a support's matrix, kept through insertions and deletions of many coordinates at a time.

   Symmetric, of which the lower triangle is stored by rows: row i has i + 1 entries and begins at i (i + 1) / 2. A solve
   is one pass over it, and so is letting in or taking out a whole block of coordinates. Thin matrices have a width that
   is a multiple of 8. Plain C, compiled once for each instruction set and chosen when loaded. */
#ifndef FOLDWISE_INVERSE_H
#define FOLDWISE_INVERSE_H

#include <math.h>
#include <stddef.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
#define FW_MANY __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FW_MANY
#endif

enum { FW_LANES = 8 };
typedef double fw_lanes __attribute__((vector_size(8 * FW_LANES), aligned(8)));

#define FW_ROW(A, i) ((A) + ((ptrdiff_t)(i) * ((i) + 1)) / 2)

/* y = A x. */
FW_MANY static void fw_times_vector(const double *A, ptrdiff_t s, const double *restrict x, double *restrict y) {
    memset(y, 0, (size_t)s * sizeof(double));
    for (ptrdiff_t i = 0; i < s; i++) {
        const double *restrict a = FW_ROW(A, i);
        const double own = x[i];
        double total = 0.0;
#pragma omp simd reduction(+ : total)
        for (ptrdiff_t j = 0; j < i; j++) {
            total += a[j] * x[j];
            y[j] += a[j] * own;
        }
        y[i] += total + a[i] * own;
    }
}

/* Y = A X for X (s, width), four rows of A at a time. */
FW_MANY static void fw_times_thin(const double *A, ptrdiff_t s, const double *X, ptrdiff_t width, double *Y) {
    memset(Y, 0, (size_t)(s * width) * sizeof(double));
    for (ptrdiff_t i = 0; i < s; i += 4) {
        const ptrdiff_t rows = s - i < 4 ? s - i : 4;
        const double *a[4];
        for (ptrdiff_t r = 0; r < 4; r++) a[r] = FW_ROW(A, i + (r < rows ? r : 0));
        for (ptrdiff_t c = 0; c < width; c += FW_LANES) {
            fw_lanes own[4], sum[4];
            for (ptrdiff_t r = 0; r < 4; r++) {
                sum[r] = (fw_lanes){0};
                own[r] = r < rows ? *(const fw_lanes *)(X + (i + r) * width + c) : (fw_lanes){0};
            }
            for (ptrdiff_t j = 0; j < i; j++) {
                const fw_lanes x = *(const fw_lanes *)(X + j * width + c);
                fw_lanes *y = (fw_lanes *)(Y + j * width + c);
                sum[0] += a[0][j] * x;
                sum[1] += a[1][j] * x;
                sum[2] += a[2][j] * x;
                sum[3] += a[3][j] * x;
                *y += (a[0][j] * own[0] + a[1][j] * own[1]) + (a[2][j] * own[2] + a[3][j] * own[3]);
            }
            for (ptrdiff_t r = 0; r < rows; r++) {
                for (ptrdiff_t j = i; j < i + r; j++) {
                    sum[r] += a[r][j] * own[j - i];
                    sum[j - i] += a[r][j] * own[r];
                }
                sum[r] += a[r][i + r] * own[r];
            }
            for (ptrdiff_t r = 0; r < rows; r++) *(fw_lanes *)(Y + (i + r) * width + c) += sum[r];
        }
    }
}

/* A += sign V'V for V (m, s), four rows of A at a time. */
FW_MANY static void fw_update(double *A, ptrdiff_t s, const double *V, ptrdiff_t m, double sign) {
    for (ptrdiff_t i = 0; i < s; i += 4) {
        const ptrdiff_t rows = s - i < 4 ? s - i : 4;
        double *a[4];
        for (ptrdiff_t r = 0; r < 4; r++) a[r] = FW_ROW(A, i + (r < rows ? r : 0));
        ptrdiff_t j = 0;
        if (rows == 4)
            for (; j + FW_LANES <= i; j += FW_LANES) {
                fw_lanes s0 = *(fw_lanes *)(a[0] + j), s1 = *(fw_lanes *)(a[1] + j);
                fw_lanes s2 = *(fw_lanes *)(a[2] + j), s3 = *(fw_lanes *)(a[3] + j);
                for (ptrdiff_t k = 0; k < m; k++) {
                    const double *v = V + k * s;
                    const fw_lanes across = sign * *(const fw_lanes *)(v + j);
                    s0 += v[i] * across;
                    s1 += v[i + 1] * across;
                    s2 += v[i + 2] * across;
                    s3 += v[i + 3] * across;
                }
                *(fw_lanes *)(a[0] + j) = s0, *(fw_lanes *)(a[1] + j) = s1;
                *(fw_lanes *)(a[2] + j) = s2, *(fw_lanes *)(a[3] + j) = s3;
            }
        for (ptrdiff_t r = 0; r < rows; r++)
            for (ptrdiff_t q = j; q <= i + r; q++) {
                double total = 0.0;
                for (ptrdiff_t k = 0; k < m; k++) total += V[k * s + i + r] * V[k * s + q];
                a[r][q] += sign * total;
            }
    }
}

/* Lower Cholesky factor of the symmetric M (m, m), in place in its lower triangle. A pivot below floor[i] makes row i
   useless: it is marked by 0 on the diagonal and zeros left of it. Returns how many rows are of use. */
static ptrdiff_t fw_cholesky(double *M, ptrdiff_t m, const double *floor) {
    ptrdiff_t good = 0;
    for (ptrdiff_t i = 0; i < m; i++) {
        for (ptrdiff_t j = 0; j < i; j++) {
            double total = M[i * m + j];
            for (ptrdiff_t k = 0; k < j; k++) total -= M[i * m + k] * M[j * m + k];
            M[i * m + j] = M[j * m + j] > 0.0 ? total / M[j * m + j] : 0.0;
        }
        double pivot = M[i * m + i];
        for (ptrdiff_t k = 0; k < i; k++) pivot -= M[i * m + k] * M[i * m + k];
        M[i * m + i] = pivot > floor[i] ? sqrt(pivot) : 0.0;
        good += pivot > floor[i];
        if (!(pivot > floor[i])) memset(M + i * m, 0, (size_t)i * sizeof(double));
    }
    return good;
}

/* Solve L V = V in place for V (m, s), rows being contiguous; no pivot may be 0. */
FW_MANY static void fw_forward(const double *L, ptrdiff_t m, double *V, ptrdiff_t s) {
    for (ptrdiff_t i = 0; i < m; i++) {
        double *restrict v = V + i * s;
        for (ptrdiff_t k = 0; k < i; k++) {
            const double l = L[i * m + k], *restrict other = V + k * s;
#pragma omp simd
            for (ptrdiff_t j = 0; j < s; j++) v[j] -= l * other[j];
        }
        const double pivot = 1.0 / L[i * m + i];
#pragma omp simd
        for (ptrdiff_t j = 0; j < s; j++) v[j] *= pivot;
    }
}

/* Solve L'V = V in place. */
FW_MANY static void fw_backward(const double *L, ptrdiff_t m, double *V, ptrdiff_t s) {
    for (ptrdiff_t i = m - 1; i >= 0; i--) {
        double *restrict v = V + i * s;
        for (ptrdiff_t k = i + 1; k < m; k++) {
            const double l = L[k * m + i], *restrict other = V + k * s;
#pragma omp simd
            for (ptrdiff_t j = 0; j < s; j++) v[j] -= l * other[j];
        }
        const double pivot = 1.0 / L[i * m + i];
#pragma omp simd
        for (ptrdiff_t j = 0; j < s; j++) v[j] *= pivot;
    }
}

/* Append m rows to A (s, s): rows (m, s) against the old ones and block (m, m), of which the lower triangle counts. */
static void fw_append(double *A, ptrdiff_t s, const double *rows, const double *block, ptrdiff_t m) {
    for (ptrdiff_t k = 0; k < m; k++) {
        double *a = FW_ROW(A, s + k);
        memcpy(a, rows + k * s, (size_t)s * sizeof(double));
        memcpy(a + s, block + k * m, (size_t)(k + 1) * sizeof(double));
    }
}

/* Leave rows and columns out[0..m), in increasing order, out of A (s, s): what stays moves up. */
static void fw_leave_out(double *A, ptrdiff_t s, const int *out, ptrdiff_t m) {
    double *to = A;
    ptrdiff_t gone = 0;
    for (ptrdiff_t i = 0; i < s; i++) {
        if (gone < m && out[gone] == i) {
            gone++;
            continue;
        }
        const double *from = FW_ROW(A, i);
        ptrdiff_t start = 0;
        for (ptrdiff_t g = 0; g < gone; g++) {
            memmove(to, from + start, (size_t)(out[g] - start) * sizeof(double));
            to += out[g] - start;
            start = out[g] + 1;
        }
        memmove(to, from + start, (size_t)(i + 1 - start) * sizeof(double));
        to += i + 1 - start;
    }
}

/* Row i of the symmetric A into out (s). */
static void fw_symmetric_row(const double *A, ptrdiff_t s, ptrdiff_t i, double *out) {
    memcpy(out, FW_ROW(A, i), (size_t)(i + 1) * sizeof(double));
    for (ptrdiff_t j = i + 1; j < s; j++) out[j] = FW_ROW(A, j)[i];
}

#endif
