/* The support of one held-out set: its free coordinates and the inverse of their matrix, stepped to where signs hold. */
#ifndef FOLDWISE_SUPPORT_H
#define FOLDWISE_SUPPORT_H

#include "../../solvers/_inverse.h"
#include <float.h>
#include <stdlib.h>

enum { FW_AT_ONCE = 32 };

typedef struct {
    ptrdiff_t s, room;
    double *A;                                    /* inverse of the support's matrix; see _inverse.h */
    double *Q;                                    /* the matrix itself without ridge term; NULL where there is none */
    int *member;                                  /* working columns on the support */
    double *b, *left, *right, *sign, *rest, *target;
} fw_support;

typedef struct {
    ptrdiff_t n, sets, h;
    const double *rows;                           /* working columns, dense, or NULL: then CSC */
    const int *start, *at;
    const double *value;
    const ptrdiff_t *index;                       /* which column of the table a working column is */
    double *coef;                                 /* (working columns, sets) */
    const double *weight, *mean, *centre;         /* (n) of this set; (p) of this set; (p) */
    double total;
    const double *gradient, *threshold, *square;  /* (p, sets) */
    const signed char *sides;
    signed char *inside;
    const double *lower, *upper;                  /* (p) */
    double l1, l2;
    int careful;
} fw_task;

static ptrdiff_t fw_padded(ptrdiff_t m) { return (m + FW_LANES - 1) / FW_LANES * FW_LANES; }

/* How steeply the objective falls per unit when a coordinate leaves its kink or bound b, and to which side. */
static double fw_pull(double g, double b, double lower, double upper, double slope, double *side, double *sign) {
    const double right = b < upper ? g - (b >= 0.0 ? slope : -slope) : -INFINITY;
    const double left = b > lower ? -g + (b > 0.0 ? slope : -slope) : -INFINITY;
    if (right >= left) {
        *side = 1.0, *sign = b >= 0.0 ? 1.0 : -1.0;
        return right;
    }
    *side = -1.0, *sign = b > 0.0 ? 1.0 : -1.0;
    return left;
}

static int fw_reserve(fw_support *S, ptrdiff_t s) {
    if (s <= S->room) return 1;
    ptrdiff_t room = S->room + S->room / 2 > s ? S->room + S->room / 2 : s;
    room = room < 16 ? 16 : room;
    double *A = realloc(S->A, (size_t)(room * (room + 1) / 2) * sizeof(double));
    if (!A) return 0;
    S->A = A;
    if (S->Q) {
        double *Q = realloc(S->Q, (size_t)(room * (room + 1) / 2) * sizeof(double));
        if (!Q) return 0;
        S->Q = Q;
    }
    int *member = realloc(S->member, (size_t)room * sizeof(int));
    if (!member) return 0;
    S->member = member;
    double **parts[6] = {&S->b, &S->left, &S->right, &S->sign, &S->rest, &S->target};
    for (int k = 0; k < 6; k++) {
        double *part = realloc(*parts[k], (size_t)room * sizeof(double));
        if (!part) return 0;
        *parts[k] = part;
    }
    S->room = room;
    return 1;
}

/* Take entries out[0..m) of the support, in increasing order, to the values they are held at: the others' target moves
   along the plane where they are. Returns 0 when memory is out. */
static int fw_take_out(fw_support *S, const fw_task *t, const int *out, const double *held, ptrdiff_t m) {
    const ptrdiff_t s = S->s;
    double *V = malloc((size_t)(m * s + m * m + 2 * m) * sizeof(double));
    if (!V) return 0;
    double *L = V + m * s, *x = L + m * m, *floor = x + m;
    for (ptrdiff_t k = 0; k < m; k++) fw_symmetric_row(S->A, s, out[k], V + k * s);
    for (ptrdiff_t k = 0; k < m; k++) {
        for (ptrdiff_t q = 0; q < m; q++) L[k * m + q] = V[k * s + out[q]];
        floor[k] = 1e-14 * L[k * m + k];
        x[k] = S->target[out[k]] - held[k];
    }
    if (fw_cholesky(L, m, floor) < m) {           /* rounding: one at a time is always sound */
        m = 1;
        L[0] = sqrt(fmax(V[out[0]], DBL_MIN));
    }
    fw_forward(L, m, x, 1);
    fw_forward(L, m, V, s);
    for (ptrdiff_t k = 0; k < m; k++)
        for (ptrdiff_t i = 0; i < s; i++) S->target[i] -= x[k] * V[k * s + i];
    fw_update(S->A, s, V, m, -1.0);
    free(V);
    fw_leave_out(S->A, s, out, m);
    if (S->Q) fw_leave_out(S->Q, s, out, m);
    ptrdiff_t to = 0, gone = 0;
    for (ptrdiff_t i = 0; i < s; i++) {
        if (gone < m && out[gone] == i) {
            t->coef[S->member[i] * t->sets + t->h] = held[gone++];
            t->inside[t->index[S->member[i]] * t->sets + t->h] = 0;
            continue;
        }
        S->member[to] = S->member[i], S->b[to] = S->b[i], S->left[to] = S->left[i], S->right[to] = S->right[i];
        S->sign[to] = S->sign[i], S->target[to] = S->target[i];
        to++;
    }
    S->s = to;
    return 1;
}

/* Go to the target; coordinates that would cross a kink or bound leave the support there, many at a time. In careful
   mode only the first one met, so that no step raises the objective. */
static int fw_settle(fw_support *S, const fw_task *t, ptrdiff_t *steps) {
    int out[FW_AT_ONCE];
    double held[FW_AT_ONCE];
    for (;;) {
        ptrdiff_t m = 0;
        double length = 1.0;
        ++*steps;
        for (ptrdiff_t i = 0; i < S->s; i++) {
            const double target = S->target[i];
            if (target > S->left[i] && target < S->right[i]) continue;
            const double edge = target <= S->left[i] ? S->left[i] : S->right[i];
            if (t->careful) {
                const double step = target - S->b[i], meets = step != 0.0 ? (edge - S->b[i]) / step : 0.0;
                if (m && meets >= length) continue;
                length = meets, m = 0;
            } else if (m == FW_AT_ONCE)
                break;
            out[m] = (int)i, held[m++] = edge;
        }
        if (t->careful && m) {
            length = length < 0.0 ? 0.0 : length > 1.0 ? 1.0 : length;
            for (ptrdiff_t i = 0; i < S->s; i++) S->b[i] += length * (S->target[i] - S->b[i]);
        }
        if (!m) {
            memcpy(S->b, S->target, (size_t)S->s * sizeof(double));
            return 1;
        }
        if (!fw_take_out(S, t, out, held, m)) return 0;
    }
}

/* Append m newcomers with Cholesky factor L of their Schur complement, U' (m, s), and Q rows (s, width), block (m, m). */
static int fw_append_all(fw_support *S, const fw_task *t, const int *picks, ptrdiff_t m, const double *L, double *V,
                         const double *QSN, ptrdiff_t width, const int *column, const double *block, double *inverse) {
    const ptrdiff_t s = S->s;
    if (!fw_reserve(S, s + m)) return 0;
    for (ptrdiff_t k = 0; k < m; k++)
        for (ptrdiff_t q = 0; q < m; q++) inverse[k * m + q] = k == q;
    fw_forward(L, m, inverse, m);
    fw_backward(L, m, inverse, m);
    fw_forward(L, m, V, s);
    fw_update(S->A, s, V, m, 1.0);
    fw_backward(L, m, V, s);
    for (ptrdiff_t i = 0; i < m * s; i++) V[i] = -V[i];
    fw_append(S->A, s, V, inverse, m);
    if (S->Q) {
        for (ptrdiff_t k = 0; k < m; k++)
            for (ptrdiff_t i = 0; i < s; i++) V[k * s + i] = QSN[i * width + column[k]];
        fw_append(S->Q, s, V, block, m);
    }
    for (ptrdiff_t k = 0; k < m; k++) {
        S->member[s + k] = picks[k];
        t->inside[t->index[picks[k]] * t->sets + t->h] = 1;
    }
    S->s = s + m;
    return 1;
}

static void fw_set_piece(fw_support *S, ptrdiff_t i, double sign, double slope, double lower, double upper) {
    S->sign[i] = sign;
    S->left[i] = slope > 0.0 && sign > 0.0 && lower < 0.0 ? 0.0 : lower;
    S->right[i] = slope > 0.0 && sign < 0.0 && upper > 0.0 ? 0.0 : upper;
}

static void fw_close(fw_support *S) {
    free(S->A);
    free(S->Q);
    free(S->member);
    free(S->b);
    free(S->left);
    free(S->right);
    free(S->sign);
    free(S->rest);
    free(S->target);
}

#endif
