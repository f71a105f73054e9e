/* A family's loss and slopes for many cells (a row under a held-out set) at once.

   Arrays of cells have a width that is a multiple of 8, one lane for each held-out set; eight lanes are done at once. */
#ifndef FOLDWISE_CELLS_H
#define FOLDWISE_CELLS_H

#include <float.h>
#include <math.h>
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

/* What a pass reads of its rows and adds up: weights, targets, folds; `keep` (K, width) is 1 where a set trains on a
   fold. A step is known by the predictors and slopes it was modelled at, and by the model's curvature; see passes.py. */
typedef struct {
    ptrdiff_t rows, q, width;
    const double *inner;            /* (q, width), or (q, 2 width) with the coefficients before the step behind */
    const double *intercept;        /* one row of it */
    ptrdiff_t lanes;                /* width or 2 width */
    const double *offset, *y, *weight;
    const ptrdiff_t *label;
    const double *keep;
    const double *before, *sloped;  /* (rows, before_ld): predictors and slopes at the model's base; or NULL */
    ptrdiff_t before_ld;
    const double *omega;            /* (rows,) or (rows, omega_width); NULL without a step */
    ptrdiff_t omega_width;
    double *eta, *slope;            /* (rows, width): to be filled; or NULL */
    double *fold_loss, *misfit, *spill; /* added to */
    double *gradient;                   /* the same: (q + 1, width), the intercept's first */
} fw_pass;

FW_INLINE int fw_any(fw_bits which) {
    int64_t some = 0;
    for (int lane = 0; lane < FW_LANES; lane++) some |= which[lane];
    return some != 0;
}

/* The misfit of a dual point `away` from the slope at eta by its closed form: the loss's divergence between the means
   there, from the curvature at eta. Negative, or no number, where there is none. */
static double fw_divergence(int family, double eta, double bend, double away) {
    double found;
    if (family == FW_LOGIT) {
        const double e = exp(fabs(eta) < 600.0 ? -fabs(eta) : -600.0), small = e / (1.0 + e), large = 1.0 / (1.0 + e);
        const double one = eta >= 0.0 ? large : small, none = eta >= 0.0 ? small : large;
        const double a = one + away, b = none - away;
        if (a < 0.0 || b < 0.0) return -1.0;
        found = (a > 0.0 ? a * log(a / one) : 0.0) + (b > 0.0 ? b * log(b / none) : 0.0);
    } else {
        const double a = family == FW_POISSON ? bend + away : bend - away;
        if (a < 0.0) return -1.0;
        found = (a > 0.0 ? a * log(a / bend) : 0.0) - a + bend;
    }
    return found < 0.0 ? 0.0 : found;
}

/* Dual points of row i that are further from the slope than half the curvature, where the quick bound ends: the closed
   form, or what is left of them nearer. They are few. */
static __attribute__((noinline)) void fw_strays(int family, const fw_pass *p, ptrdiff_t i, const double *arrived,
                                                const double *before, const double *sloped) {
    const double *keep = p->keep + p->label[i] * p->width, y = p->y[i];
    for (ptrdiff_t h = 0; h < p->width; h++) {
        const double w = p->weight[i] * keep[h];
        if (!(w > 0.0)) continue;
        fw_cells loss, slope, bend;
        fw_terms(family, (fw_cells){0} + arrived[h], y, &loss, &slope, &bend);
        const double base = sloped ? sloped[h] : fw_slope(family, (fw_cells){0} + before[h], y)[0];
        const double bent = p->omega_width ? p->omega[i * p->omega_width + h] : p->omega[i];
        const double away = base + bent * (arrived[h] - before[h]) - slope[0], half = 0.5 * bend[0];
        if (!(fabs(away) > half)) continue;
        const double found = fw_divergence(family, arrived[h], bend[0], away);
        if (found >= 0.0) p->misfit[h] += w * (found - 0.5 * half);
        else p->spill[h] += w * (fabs(away) - half);
    }
}

/* The cells of row i, at predictors eta: losses by fold, the pulls w l' of the sets that keep the row, the misfit of
   the dual point that a step makes, and what was taken off it. The base's slopes are computed where not at hand. */
FW_INLINE void fw_row(int family, const fw_pass *p, ptrdiff_t i, const double *arrived, const double *before,
                      const double *sloped, double *pull) {
    const fw_cells zero = {0};
    const ptrdiff_t fold = p->label[i] * p->width;
    const double weight = p->weight[i], y = p->y[i];
    fw_cells strayed = zero;
    for (ptrdiff_t h = 0; h < p->width; h += FW_LANES) {
        const fw_cells eta = FW_LOAD(arrived + h), w = weight * FW_LOAD(p->keep + fold + h);
        const fw_bits counts = w > 0.0;
        fw_cells loss, slope, bend;
        fw_terms(family, eta, y, &loss, &slope, &bend);
        FW_STORE(p->fold_loss + fold + h, FW_LOAD(p->fold_loss + fold + h) + weight * loss);
        FW_STORE(pull + h, fw_pick(counts, w * slope, zero));
        if (p->slope) FW_STORE(p->slope + i * p->width + h, slope);
        if (before) {
            const fw_cells old = FW_LOAD(before + h);
            const fw_cells bent = p->omega_width ? FW_LOAD(p->omega + i * p->omega_width + h) : zero + p->omega[i];
            const fw_cells base = sloped ? FW_LOAD(sloped + h) : fw_slope(family, old, y);
            const fw_cells away = base + bent * (eta - old) - slope;
            const fw_cells near = fw_least(fw_size(away), 0.5 * bend);
            const fw_cells bound = 0.5 * near * (near / (bend - near));
            FW_STORE(p->misfit + h, FW_LOAD(p->misfit + h) + fw_pick(counts, w * bound, zero));
            strayed += fw_pick(counts, fw_size(away) - near, zero);
        }
    }
    if (before && fw_any((fw_bits)strayed)) fw_strays(family, p, i, arrived, before, sloped);
}

/* Cells whose predictors are given (rows, ld), those before a step behind them where ld is larger; and their pulls. */
FW_INLINE void fw_look(int family, const fw_pass *p, const double *eta, ptrdiff_t ld, double *pull) {
    for (ptrdiff_t i = 0; i < p->rows; i++) {
        const double *here = eta + i * ld;
        fw_row(family, p, i, here, ld > p->width ? here + p->width : NULL, NULL, pull + i * p->width);
    }
}

#define FW_LOOK(NAME, FAMILY)                                                                                          \
    FW_MANY static void fw_look_##NAME(const fw_pass *p, const double *eta, ptrdiff_t ld, double *pull) {              \
        fw_look(FAMILY, p, eta, ld, pull);                                                                             \
    }
FW_LOOK(logit, FW_LOGIT)
FW_LOOK(poisson, FW_POISSON)
FW_LOOK(gamma, FW_GAMMA)

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

#endif
