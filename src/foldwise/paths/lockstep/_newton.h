/* A Newton step of one training set: conjugate gradients on the coordinates that are free, cut off at zero.

   Along the way from where the set stands to where it is cut off no sign turns, so the objective is a parabola there and
   the lowest point of the way is known: no step raises the objective. */
#ifndef FOLDWISE_NEWTON_H
#define FOLDWISE_NEWTON_H

#include "_sweep.h"
#include <stdlib.h>

/* Share of what is off that conjugate gradients leave, signs being likely to turn; and their products at most. */
#define FW_SHARE 0.1
enum { FW_PRODUCTS = 1000 };

typedef struct {
    double *rest, *v, *r, *p, *q, *scale;         /* (m) each */
    double *T;                                    /* (n) */
} fw_scratch;

/* The columns that are free, and what keeps their own equations from holding; how far at most, in their units. Returns
   how many they are. */
static ptrdiff_t fw_rests(const fw_set *S, const int *used, ptrdiff_t m, int *unbound, double *rest, double *worst) {
    ptrdiff_t count = 0;
    *worst = 0.0;
    for (ptrdiff_t i = 0; i < m; i++) {
        const ptrdiff_t k = used[i];
        const double b = S->b[k];
        if (!(b > S->lower[k] && b < S->upper[k])) continue;
        const double g = fw_gradient(S, k, S->r, S->aside) - S->ridge[k] * b - (b > 0.0 ? S->slope[k] : -S->slope[k]);
        *worst = fmax(*worst, fabs(g) / S->unit[k]);
        rest[count] = g;
        unbound[count++] = (int)k;
    }
    return count;
}

/* Conjugate gradients on the equations of some columns, until their rests are `close` units: the way to go into v. Returns
   the products taken. */
static ptrdiff_t fw_conjugate(const fw_set *S, const int *among, ptrdiff_t m, double close, ptrdiff_t most,
                              const fw_scratch *X) {
    double rz = 0.0;
    ptrdiff_t turn = 0;
    for (ptrdiff_t i = 0; i < m; i++) {
        X->scale[i] = 1.0 / (S->square[among[i]] + S->ridge[among[i]]);
        X->r[i] = X->rest[i], X->p[i] = X->rest[i] * X->scale[i], X->v[i] = 0.0;
        rz += X->r[i] * X->p[i];
    }
    while (turn < most && rz > 0.0) {
        const double aside = fw_forth(S, among, m, X->p, X->T);
        double pq = 0.0, next = 0.0, far = 0.0;
        turn++;
        for (ptrdiff_t i = 0; i < m; i++) {
            X->q[i] = fw_gradient(S, among[i], X->T, -aside) + S->ridge[among[i]] * X->p[i];
            pq += X->p[i] * X->q[i];
        }
        if (!(pq > 0.0)) break;
        const double step = rz / pq;
        for (ptrdiff_t i = 0; i < m; i++) {
            X->v[i] += step * X->p[i];
            X->r[i] -= step * X->q[i];
            X->q[i] = X->r[i] * X->scale[i];
            next += X->r[i] * X->q[i];
            far = fmax(far, fabs(X->r[i]) / S->unit[among[i]]);
        }
        if (far <= close) break;
        for (ptrdiff_t i = 0; i < m; i++) X->p[i] = X->q[i] + next / rz * X->p[i];
        rz = next;
    }
    return turn;
}

/* Step along v, cut off at zero and the bounds, to the lowest point of that way. */
static void fw_step(fw_set *S, const int *among, ptrdiff_t m, const fw_scratch *X) {
    double fall = 0.0, bend = 0.0, squares = 0.0;
    for (ptrdiff_t i = 0; i < m; i++) {
        const ptrdiff_t k = among[i];
        const double b = S->b[k];
        const int kinked = S->slope[k] > 0.0;
        const double least = kinked && b > 0.0 && S->lower[k] < 0.0 ? 0.0 : S->lower[k];
        const double most = kinked && b < 0.0 && S->upper[k] > 0.0 ? 0.0 : S->upper[k];
        const double to = b + X->v[i];
        X->v[i] = (to < least ? least : to > most ? most : to) - b;
        fall += X->v[i] * X->rest[i];
        bend += S->ridge[k] * X->v[i] * X->v[i];
    }
    const double aside = fw_forth(S, among, m, X->v, X->T);
    for (ptrdiff_t i = 0; i < S->n; i++) squares += X->T[i] * X->T[i];
    bend += squares / S->total - aside * aside;
    const double far = fall > 0.0 ? (fall < bend ? fall / bend : 1.0) : 0.0;
    for (ptrdiff_t i = 0; i < m; i++) S->b[among[i]] += far * X->v[i];
    for (ptrdiff_t i = 0; i < S->n; i++) S->r[i] -= far * X->T[i];
    S->aside += far * aside;
}

/* Go to where no gradient is off by more than `close` units, beginning with a step along `way` (m), the best guess there is.
   Returns the products taken, `budget` or more where it has not come there, -1 where memory is out. */
static ptrdiff_t fw_settle_set(fw_set *S, const double *way, double close, ptrdiff_t budget) {
    const size_t m = (size_t)S->m;
    double *room = malloc((6 * m + (size_t)S->n) * sizeof(double));
    int *used = malloc(2 * m * sizeof(int)), *unbound = used + m;
    ptrdiff_t spent = 0, count = 0;
    double worst;
    if (!room || !used) {
        free(room);
        free(used);
        return -1;
    }
    fw_scratch X = {room, room + m, room + 2 * m, room + 3 * m, room + 4 * m, room + 5 * m, room + 6 * m};
    for (ptrdiff_t k = 0; k < S->m; k++)
        if (S->b[k] != 0.0) used[count++] = (int)k;
    count = fw_rests(S, used, count, unbound, X.rest, &worst);
    for (ptrdiff_t i = 0; i < count; i++) X.v[i] = way[unbound[i]];
    fw_step(S, unbound, count, &X);
    while (spent < budget) {
        count = fw_sweep(S, NULL, S->m, &worst, used);
        spent++;
        if (worst <= close) break;
        count = fw_sweep(S, used, count, &worst, used);
        count = fw_rests(S, used, count, unbound, X.rest, &worst);
        spent += 2 + fw_conjugate(S, unbound, count, fmax(FW_SHARE * worst, 0.3 * close), FW_PRODUCTS, &X);
        fw_step(S, unbound, count, &X);
    }
    free(room);
    free(used);
    return spent;
}

#endif
