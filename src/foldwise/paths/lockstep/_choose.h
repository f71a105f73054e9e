/* Which columns outside its support a held-out set wants most, all sets in one pass over the gradients. */
#ifndef FOLDWISE_CHOOSE_H
#define FOLDWISE_CHOOSE_H

#include "_support.h"

typedef struct {
    ptrdiff_t most;                               /* room for each set */
    const ptrdiff_t *limit;                       /* (sets): how many each may have */
    const ptrdiff_t *place;                       /* (p): which working column, or -1 */
    const double *rounding, *heft;                /* (p, sets) */
    double slack;
    int unbounded;                                /* a column outside every support stands at zero */
    int *picked, *count;                          /* (sets, most), (sets) */
    double *weight;                               /* (sets, most): heaps, the lightest on top */
} fw_choice;

/* Put a column into the heap of one set, in place of its lightest where there is no room left. */
static void fw_offer(const fw_choice *c, ptrdiff_t h, int name, double weight) {
    double *heap = c->weight + h * c->most;
    int *names = c->picked + h * c->most;
    const ptrdiff_t n = c->count[h];
    ptrdiff_t at = 0;
    if (n < c->limit[h]) {
        c->count[h]++;
        for (at = n; at > 0 && heap[(at - 1) / 2] > weight; at = (at - 1) / 2)
            heap[at] = heap[(at - 1) / 2], names[at] = names[(at - 1) / 2];
    } else {
        if (!n || !(weight > heap[0])) return;
        for (ptrdiff_t child; (child = 2 * at + 1) < n; at = child) {
            if (child + 1 < n && heap[child + 1] < heap[child]) child++;
            if (heap[child] >= weight) break;
            heap[at] = heap[child], names[at] = names[child];
        }
    }
    heap[at] = weight, names[at] = name;
}

/* Whether the gradient of any set exceeds its slope. */
FW_MANY static int fw_any_beyond(ptrdiff_t sets, const double *gradient, const double *threshold, double l1) {
    int beyond = 0;
#pragma omp simd reduction(| : beyond)
    for (ptrdiff_t h = 0; h < sets; h++) beyond |= fabs(gradient[h]) > l1 * threshold[h];
    return beyond;
}

/* Among m columns those that pull beyond their thresholds, the hardest of each set: excess slope times heft. */
static void fw_choose(const fw_choice *c, const fw_task *t, const ptrdiff_t *among, ptrdiff_t m) {
    const ptrdiff_t sets = t->sets;
    memset(c->count, 0, (size_t)sets * sizeof(int));
    for (ptrdiff_t i = 0; i < m; i++) {
        const ptrdiff_t j = among[i], row = j * sets;
        if (c->unbounded && !fw_any_beyond(sets, t->gradient + row, t->threshold + row, t->l1)) continue;
        for (ptrdiff_t h = 0; h < sets; h++) {
            const ptrdiff_t cell = row + h;
            if (t->inside[cell] || !t->sides[cell]) continue;
            const double g = t->gradient[cell], slope = t->l1 * t->threshold[cell];
            const double b = c->place[j] >= 0 ? t->coef[c->place[j] * sets + h] : 0.0;
            double pull, side, sign;
            if (b != 0.0)
                pull = fw_pull(g - t->l2 * t->square[cell] * b, b, t->lower[j], t->upper[j], slope, &side, &sign);
            else
                pull = (t->sides[cell] == 3 ? fabs(g) : g > 0.0 ? (t->sides[cell] & 1 ? g : 0.0)
                                                                : (t->sides[cell] & 2 ? -g : 0.0)) - slope;
            const double allowed = fmax(c->slack * slope, c->rounding[cell]);
            if (pull > allowed) fw_offer(c, h, (int)j, pull * c->heft[cell]);
        }
    }
}

#endif
