/* Some sparse columns of one training set: products with them, and sweeps of coordinate descent.

   The entries are those of the training rows alone, times the root of the row's weight. Columns are centred in the
   algebra: what all their steps take from the rows alike is kept aside as one number. */
#ifndef FOLDWISE_SWEEP_H
#define FOLDWISE_SWEEP_H

#include <math.h>
#include <stddef.h>
#include <string.h>

typedef struct {
    ptrdiff_t n, m;                               /* training rows, columns */
    const ptrdiff_t *start;                       /* (m + 1) */
    const int *at;
    const double *value;
    const double *mean, *square, *slope, *ridge, *lower, *upper; /* (m) */
    const double *unit;                           /* (m): what a gradient is off by is counted in these */
    double total;                                 /* sum of the weights */
    double *b, *r;                                /* (m) coefficients; (n) residuals */
    double aside;                                 /* what residuals are above r, in units of the root of a weight */
} fw_set;

/* The slope of the smooth part without its ridge, at residuals r: downhill to the right where positive. */
static inline double fw_gradient(const fw_set *S, ptrdiff_t k, const double *r, double aside) {
    double sum = 0.0;
    for (ptrdiff_t e = S->start[k]; e < S->start[k + 1]; e++) sum += S->value[e] * r[S->at[e]];
    return sum / S->total + aside * S->mean[k];
}

/* One sweep over some of the columns, or all. `worst`: how far a gradient was off when its column came, in its
   units. Returns how many of the columns are in use afterwards; which they are is left in `used`. */
static ptrdiff_t fw_sweep(fw_set *S, const int *among, ptrdiff_t m, double *worst, int *used) {
    ptrdiff_t count = 0;
    *worst = 0.0;
    for (ptrdiff_t i = 0; i < m; i++) {
        const ptrdiff_t k = among ? among[i] : i;
        const double b = S->b[k], slope = S->slope[k], curvature = S->square[k] + S->ridge[k];
        const double z = fw_gradient(S, k, S->r, S->aside) + S->square[k] * b;
        double to = z > slope ? (z - slope) / curvature : z < -slope ? (z + slope) / curvature : 0.0;
        to = to < S->lower[k] ? S->lower[k] : to > S->upper[k] ? S->upper[k] : to;
        if (to != 0.0) used[count++] = (int)k;
        if (to == b) continue;
        const double moved = to - b, off = fabs(moved) * curvature / S->unit[k];
        *worst = off > *worst ? off : *worst;
        S->b[k] = to;
        S->aside += moved * S->mean[k];
        for (ptrdiff_t e = S->start[k]; e < S->start[k + 1]; e++) S->r[S->at[e]] -= S->value[e] * moved;
    }
    return count;
}

/* T (n) = some columns times v (m); returns what is to be taken from it for the columns' means. */
static double fw_forth(const fw_set *S, const int *among, ptrdiff_t m, const double *v, double *T) {
    double aside = 0.0;
    memset(T, 0, (size_t)S->n * sizeof(double));
    for (ptrdiff_t i = 0; i < m; i++) {
        const ptrdiff_t k = among[i];
        const double x = v[i];
        aside += x * S->mean[k];
        for (ptrdiff_t e = S->start[k]; e < S->start[k + 1]; e++) T[S->at[e]] += S->value[e] * x;
    }
    return aside;
}

#endif
