/* A family's loss and slopes for many cells (a row under a held-out set) at once, and sparse rows times thin matrices.

   Arrays of cells have a width that is a multiple of 8, one lane for each held-out set; lanes are done eight at a time. */
#ifndef FOLDWISE_CELLS_H
#define FOLDWISE_CELLS_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
#define FW_MANY __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define FW_INLINE static inline __attribute__((always_inline))
#pragma GCC diagnostic ignored "-Wpsabi"
#else
#define FW_MANY
#define FW_INLINE static inline
#endif

enum { FW_LANES = 8, FW_LOGIT = 0, FW_POISSON = 1, FW_GAMMA = 2 };
typedef double fw_cells __attribute__((vector_size(64), aligned(8)));
typedef int64_t fw_bits __attribute__((vector_size(64), aligned(8)));

#define FW_LOAD(p) (*(const fw_cells *)(p))
#define FW_STORE(p, v) (*(fw_cells *)(p) = (v))

FW_INLINE fw_cells fw_pick(fw_bits which, fw_cells yes, fw_cells no) {
    return (fw_cells)((which & (fw_bits)yes) | (~which & (fw_bits)no));
}
FW_INLINE fw_cells fw_least(fw_cells a, fw_cells b) { return fw_pick(a < b, a, b); }
FW_INLINE fw_cells fw_most(fw_cells a, fw_cells b) { return fw_pick(a > b, a, b); }
FW_INLINE fw_cells fw_size(fw_cells a) { return (fw_cells)((fw_bits)a & INT64_MAX); }

/* exp for |x| up to 600, beyond as at 600: x = n log 2 + r, |r| <= log(2) / 2, and the series of exp(r). */
FW_INLINE fw_cells fw_exp(fw_cells x) {
    const fw_cells zero = {0};
    x = fw_least(fw_most(x, zero - 600.0), zero + 600.0);
    const fw_cells shifted = x * 1.4426950408889634 + 0x1.8p52, n = shifted - 0x1.8p52;
    const fw_cells r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
    const fw_cells r2 = r * r, r4 = r2 * r2;
    const fw_cells a = (1.0 + r) + (0.5 + 1.6666666666666666e-01 * r) * r2;
    const fw_cells b = (4.1666666666666664e-02 + 8.333333333333333e-03 * r) +
                       (1.388888888888889e-03 + 1.984126984126984e-04 * r) * r2;
    const fw_cells c = (2.48015873015873e-05 + 2.7557319223985893e-06 * r) +
                       (2.755731922398589e-07 + 2.505210838544172e-08 * r) * r2;
    const fw_cells d = 2.08767569878681e-09 + 1.6059043836821613e-10 * r;
    const fw_cells p = (a + b * r4) + (c + d * r4) * (r4 * r4);
    return (fw_cells)((fw_bits)p + ((fw_bits)shifted << 52));
}

/* log(1 + e) for 0 <= e <= 1: 2 artanh(z), after halving 1 + e where it is far from 1. */
FW_INLINE fw_cells fw_log1p(fw_cells e) {
    const fw_cells zero = {0};
    const fw_bits far = e > 0.41421356237309503;
    const fw_cells z = fw_pick(far, e - 1.0, e) / fw_pick(far, e + 3.0, e + 2.0), s = z * z;
    const fw_cells s2 = s * s, s4 = s2 * s2;
    const fw_cells low = (1.0 + s * (1.0 / 3.0)) + (1.0 / 5.0 + s * (1.0 / 7.0)) * s2;
    const fw_cells high = (1.0 / 9.0 + s * (1.0 / 11.0)) + (1.0 / 13.0 + s * (1.0 / 15.0)) * s2;
    const fw_cells p = low + (high + (1.0 / 17.0 + s * (1.0 / 19.0)) * s4) * s4;
    return 2.0 * z * p + fw_pick(far, zero + 0.6931471805599453, zero);
}

/* Loss, gradient and curvature at eta for a target y: what the families' Python files compute, in the same way. */
FW_INLINE void fw_terms(int family, fw_cells eta, double y, fw_cells *loss, fw_cells *slope, fw_cells *bend) {
    const fw_cells zero = {0};
    if (family == FW_LOGIT) {
        const fw_cells e = fw_exp(-fw_size(eta)), inverse = 1.0 / (1.0 + e), small = e * inverse;
        *loss = fw_most(eta, zero) + fw_log1p(e) - y * eta;
        *slope = fw_pick(eta >= 0.0, 1.0 - small, small) - y;
        *bend = fw_most(small * inverse, zero + DBL_MIN);
    } else if (family == FW_POISSON) {
        const fw_cells mean = fw_exp(eta);
        *loss = mean - y * eta;
        *slope = mean - y;
        *bend = mean;
    } else {
        const fw_cells ratio = y * fw_exp(-eta);
        *loss = ratio + eta;
        *slope = 1.0 - ratio;
        *bend = ratio;
    }
}

FW_INLINE fw_cells fw_slope(int family, fw_cells eta, double y) {
    if (family == FW_LOGIT) {
        const fw_cells e = fw_exp(-fw_size(eta)), small = e / (1.0 + e);
        return fw_pick(eta >= 0.0, 1.0 - small, small) - y;
    }
    if (family == FW_POISSON) return fw_exp(eta) - y;
    return 1.0 - y * fw_exp(-eta);
}

/* One pass over cells (rows, width): losses summed by fold, pulls w l' of the rows that a set keeps, the misfit of the
   dual point that a step from `old` makes, and what was taken off it; see passes.py. `keep` is 1 or 0 for each fold. */
FW_INLINE void fw_look(int family, ptrdiff_t rows, ptrdiff_t width, ptrdiff_t ld, const double *arrived,
                       const double *old, const double *y, const double *weight, const double *omega,
                       ptrdiff_t omega_width, const ptrdiff_t *label, const double *keep, double *pull,
                       double *fold_loss, double *misfit, double *spill) {
    const fw_cells zero = {0};
    for (ptrdiff_t i = 0; i < rows; i++) {
        const ptrdiff_t fold = label[i] * width;
        for (ptrdiff_t h = 0; h < width; h += FW_LANES) {
            const fw_cells eta = FW_LOAD(arrived + i * ld + h), w = weight[i] * FW_LOAD(keep + fold + h);
            const fw_bits counts = w > 0.0;
            fw_cells loss, slope, bend;
            fw_terms(family, eta, y[i], &loss, &slope, &bend);
            FW_STORE(fold_loss + fold + h, FW_LOAD(fold_loss + fold + h) + weight[i] * loss);
            FW_STORE(pull + i * width + h, fw_pick(counts, w * slope, zero));
            if (old) {
                const fw_cells before = FW_LOAD(old + i * ld + h);
                const fw_cells bent = omega_width ? FW_LOAD(omega + i * omega_width + h) : zero + omega[i];
                const fw_cells away = fw_slope(family, before, y[i]) + bent * (eta - before) - slope;
                const fw_cells near = fw_least(fw_size(away), 0.5 * bend);
                const fw_cells bound = 0.5 * near * (near / (bend - near));
                FW_STORE(misfit + h, FW_LOAD(misfit + h) + fw_pick(counts, w * bound, zero));
                FW_STORE(spill + h, FW_LOAD(spill + h) + fw_pick(counts, w * (fw_size(away) - near), zero));
            }
        }
    }
}

#define FW_LOOK(NAME, FAMILY)                                                                                          \
    FW_MANY static void NAME(ptrdiff_t rows, ptrdiff_t width, ptrdiff_t ld, const double *arrived, const double *old,  \
                             const double *y, const double *weight, const double *omega, ptrdiff_t omega_width,        \
                             const ptrdiff_t *label, const double *keep, double *pull, double *fold_loss,              \
                             double *misfit, double *spill) {                                                          \
        fw_look(FAMILY, rows, width, ld, arrived, old, y, weight, omega, omega_width, label, keep, pull, fold_loss,    \
                misfit, spill);                                                                                        \
    }
FW_LOOK(fw_look_logit, FW_LOGIT)
FW_LOOK(fw_look_poisson, FW_POISSON)
FW_LOOK(fw_look_gamma, FW_GAMMA)

#define FW_BEND(NAME, FAMILY)                                                                                          \
    FW_MANY static void NAME(ptrdiff_t rows, ptrdiff_t width, const double *eta, const double *y, double *out) {       \
        for (ptrdiff_t i = 0; i < rows; i++)                                                                           \
            for (ptrdiff_t h = 0; h < width; h += FW_LANES) {                                                          \
                fw_cells loss, slope, bend;                                                                            \
                fw_terms(FAMILY, FW_LOAD(eta + i * width + h), y[i], &loss, &slope, &bend);                            \
                FW_STORE(out + i * width + h, bend);                                                                   \
            }                                                                                                          \
    }
FW_BEND(fw_bend_logit, FW_LOGIT)
FW_BEND(fw_bend_poisson, FW_POISSON)
FW_BEND(fw_bend_gamma, FW_GAMMA)

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
