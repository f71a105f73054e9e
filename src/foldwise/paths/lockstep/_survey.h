/* From products to gradients, and how far those reach: the strongest penalty at which a column would still be wanted. */
#ifndef FOLDWISE_SURVEY_H
#define FOLDWISE_SURVEY_H

#include <math.h>
#include <stddef.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
#define FW_MANY __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FW_MANY
#endif

/* How strongly a gradient pulls into a side that is open: bit 1 up, bit 2 down. */
static inline double fw_open_pull(double g, signed char sides) {
    return g > 0.0 ? (sides & 1 ? g : 0.0) : (sides & 2 ? -g : 0.0);
}

/* Products (m, width) of the picked columns, or of the first m, over the totals -> gradient (p, sets); reach (p) over all
   sets, infinite where a column is free of charge; most (sets), which is only raised, over all columns that are not.
   A column is plain where both its sides are open and charged for in all sets: nearly all are, and no processor can guess
   the sign of a gradient. */
FW_MANY static void fw_survey(ptrdiff_t m, const ptrdiff_t *picks, ptrdiff_t sets, const double *products, ptrdiff_t width,
                              const double *share, const double *threshold, const signed char *sides,
                              const signed char *plain, double *gradient, double *reach, double *most) {
    for (ptrdiff_t i = 0; i < m; i++) {
        const ptrdiff_t j = picks ? picks[i] : i;
        const double *restrict x = products + i * width, *restrict t = threshold + j * sets;
        double *restrict g = gradient + j * sets;
        double furthest = 0.0;
        if (plain[j]) {
#pragma omp simd reduction(max : furthest)
            for (ptrdiff_t h = 0; h < sets; h++) {
                g[h] = x[h] * share[h];
                const double pull = fabs(g[h]) / t[h];
                most[h] = pull > most[h] ? pull : most[h];
                furthest = pull > furthest ? pull : furthest;
            }
        } else
            for (ptrdiff_t h = 0; h < sets; h++) {
                const signed char open = sides[j * sets + h];
                g[h] = x[h] * share[h];
                if (t[h] == 0.0) {
                    furthest = open ? INFINITY : furthest;
                    continue;
                }
                const double pull = fw_open_pull(g[h], open) / t[h];
                most[h] = pull > most[h] ? pull : most[h];
                furthest = pull > furthest ? pull : furthest;
            }
        reach[j] = furthest;
    }
}

#endif
