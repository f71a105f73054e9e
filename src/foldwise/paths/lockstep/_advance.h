/* One round of the lockstep walk for one held-out set: its free coordinates to where their signs hold, newcomers let in.

   The candidates that a round offers are judged together: coordinate descent among themselves first, with the support
   held still; those that move then once more with the support following, for which the Schur complement of the support
   is the curvature. So correlated columns do not all come in to be thrown out again. */
#ifndef FOLDWISE_ADVANCE_H
#define FOLDWISE_ADVANCE_H

#include "../../solvers/_inverse.h"
#include "_product.h"
#include <float.h>
#include <stdlib.h>

/* Share of a column's own curvature that must be left once the support has followed for it to come in beside others. */
#define FW_APART 1e-7
/* Added to a newcomer's curvature, as a share of it, so that nothing is singular; fresh gradients take it out again. */
#define FW_JITTER 1e-11
enum { FW_AT_ONCE = 32, FW_SWEEPS = 60, FW_STEPS = 1000 };

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

/* Coordinate descent on r'x - x'C x / 2 - l1 w1 |x| within the bounds, from x = start, r being the slope there. */
static void fw_descend(const double *C, ptrdiff_t m, ptrdiff_t width, const double *slope, const double *lower,
                       const double *upper, const char *skip, double *r, double *x) {
    for (int sweep = 0; sweep < FW_SWEEPS; sweep++) {
        double most = 0.0;
        for (ptrdiff_t j = 0; j < m; j++) {
            if (skip && skip[j]) continue;
            const double curvature = C[j * width + j], z = r[j] + curvature * x[j];
            const double limit = slope[j] * (1.0 + 1e-12);
            double to = z > limit ? (z - limit) / curvature : z < -limit ? (z + limit) / curvature : 0.0;
            to = to < lower[j] ? lower[j] : to > upper[j] ? upper[j] : to;
            const double moved = to - x[j];
            if (moved == 0.0) continue;
            for (ptrdiff_t k = 0; k < m; k++) r[k] -= moved * C[j * width + k];
            x[j] = to;
            const double size = fabs(moved) * sqrt(curvature);
            most = size > most ? size : most;
        }
        double scale = 0.0;
        for (ptrdiff_t j = 0; j < m; j++) {
            const double size = fabs(x[j]) * sqrt(C[j * width + j]);
            scale = size > scale ? size : scale;
        }
        if (most <= 1e-4 * scale) return;
    }
}

/* Products of working columns picks[0..count) with R (n, width): out (count, width). */
static void fw_cross(const fw_task *t, const int *picks, ptrdiff_t count, const double *R, ptrdiff_t width,
                     double *out) {
    memset(out, 0, (size_t)(count * width) * sizeof(double));
    if (t->rows) {
        fw_picked_rows_times(count, picks, t->n, t->rows, R, width, out);
        return;
    }
    for (ptrdiff_t q = 0; q < count; q++)
        for (ptrdiff_t e = t->start[picks[q]]; e < t->start[picks[q] + 1]; e++) {
            const double value = t->value[e], *r = R + (ptrdiff_t)t->at[e] * width;
            for (ptrdiff_t c = 0; c < width; c++) out[q * width + c] += value * r[c];
        }
}

/* Weighted candidates side by side: R (n, width). */
static void fw_lay_out(const fw_task *t, const int *picks, ptrdiff_t m, ptrdiff_t width, double *R) {
    memset(R, 0, (size_t)(t->n * width) * sizeof(double));
    for (ptrdiff_t c = 0; c < m; c++) {
        if (t->rows) {
            const double *z = t->rows + (ptrdiff_t)picks[c] * t->n;
            for (ptrdiff_t i = 0; i < t->n; i++) R[i * width + c] = t->weight[i] * z[i];
        } else
            for (ptrdiff_t e = t->start[picks[c]]; e < t->start[picks[c] + 1]; e++)
                R[(ptrdiff_t)t->at[e] * width + c] = t->weight[t->at[e]] * t->value[e];
    }
}

static double fw_offset(const fw_task *t, int pick) {
    const ptrdiff_t j = t->index[pick];
    return t->mean[j] - t->centre[j];
}

/* The slope of the smooth part at a working column, downhill to the right where positive. */
static double fw_fall(const fw_task *t, int pick) {
    const ptrdiff_t cell = t->index[pick] * t->sets + t->h;
    return t->gradient[cell] - t->l2 * t->square[cell] * t->coef[pick * t->sets + t->h];
}

/* The side of zero a newcomer is on: where it goes, or where it comes from. */
static double fw_side(double to, double from) { return to > 0.0 || (to == 0.0 && from > 0.0) ? 1.0 : -1.0; }

/* Sums of products -> centred second moments. */
static void fw_centre(const fw_task *t, const int *left, ptrdiff_t count, const int *right, ptrdiff_t m,
                      ptrdiff_t width, double *out) {
    for (ptrdiff_t q = 0; q < count; q++) {
        const double off = fw_offset(t, left[q]);
        for (ptrdiff_t c = 0; c < m; c++)
            out[q * width + c] = out[q * width + c] / t->total - off * fw_offset(t, right[c]);
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

/* Let the best of the candidates in; 0 when memory is out. */
static int fw_let_in(fw_support *S, const fw_task *t, const int *picked, ptrdiff_t m, ptrdiff_t *steps) {
    const ptrdiff_t width = fw_padded(m), n = t->n;
    int done = 0;
    const ptrdiff_t scratch = n * width > m * (m + 3) ? n * width : m * (m + 3);
    double *R = malloc((size_t)(scratch + 3 * m * width + 8 * m) * sizeof(double));
    double *QSN = NULL, *U = NULL, *V = NULL;
    int *few = malloc((size_t)(2 * m) * sizeof(int));
    char *skip = malloc((size_t)m);
    if (!R || !few || !skip) goto end;
    double *QNN = R + scratch, *C = QNN + m * width, *L = C + m * width;
    double *slope = L + m * width, *lower = slope + m, *upper = lower + m, *r = upper + m, *x = r + m, *start = x + m;
    double *ridge = start + m, *floor = ridge + m;
    int *column = few + m;
    fw_lay_out(t, picked, m, width, R);
    fw_cross(t, picked, m, R, width, QNN);
    fw_centre(t, picked, m, picked, m, width, QNN);
    for (ptrdiff_t k = 0; k < m; k++) {
        const ptrdiff_t j = t->index[picked[k]], cell = j * t->sets + t->h;
        slope[k] = t->l1 * t->threshold[cell], lower[k] = t->lower[j], upper[k] = t->upper[j];
        if (!(t->sides[cell] & 1)) upper[k] = fmin(upper[k], 0.0);
        if (!(t->sides[cell] & 2)) lower[k] = fmax(lower[k], 0.0);
        r[k] = fw_fall(t, picked[k]), x[k] = start[k] = t->coef[picked[k] * t->sets + t->h];
        ridge[k] = t->l2 * t->square[cell];
        memcpy(C + k * width, QNN + k * width, (size_t)width * sizeof(double));
        C[k * width + k] = (QNN[k * width + k] + ridge[k]) * (1.0 + FW_JITTER);
        skip[k] = !(C[k * width + k] > 0.0);
    }
    fw_descend(C, m, width, slope, lower, upper, skip, r, x);
    ptrdiff_t m1 = 0;
    for (ptrdiff_t k = 0; k < m; k++)
        if (x[k] != start[k]) {
            few[m1] = picked[k], column[m1] = (int)k;
            slope[m1] = slope[k], lower[m1] = lower[k], upper[m1] = upper[k], start[m1] = start[k], ridge[m1] = ridge[k];
            m1++;
        }
    done = 1;
    if (!m1) goto end;
    done = 0;
    const ptrdiff_t w1 = fw_padded(m1), s = S->s;
    QSN = malloc((size_t)(2 * s * w1 + 8) * sizeof(double));
    V = malloc((size_t)(m1 * (s + m1) + m1 * m1 + 8) * sizeof(double));
    if (!QSN || !V) goto end;
    U = QSN + s * w1;
    for (ptrdiff_t k = 0; k < m1; k++)
        for (ptrdiff_t q = 0; q < m1; q++) QNN[k * m1 + q] = QNN[column[k] * width + column[q]];   /* moves up, rows in order */
    fw_lay_out(t, few, m1, w1, R);
    fw_cross(t, S->member, s, R, w1, QSN);
    fw_centre(t, S->member, s, few, m1, w1, QSN);
    fw_times_thin(S->A, s, QSN, w1, U);
    memset(C, 0, (size_t)(m1 * m1) * sizeof(double));
    for (ptrdiff_t i = 0; i < s; i++)
        for (ptrdiff_t k = 0; k < m1; k++)
            for (ptrdiff_t q = 0; q <= k; q++) C[k * m1 + q] += QSN[i * w1 + k] * U[i * w1 + q];
    ptrdiff_t apart = 0;
    for (ptrdiff_t k = 0; k < m1; k++) {
        const double own = QNN[k * m1 + k] + ridge[k];
        for (ptrdiff_t q = 0; q <= k; q++) {
            C[k * m1 + q] = QNN[k * m1 + q] + (k == q ? ridge[k] + FW_JITTER * own : 0.0) - C[k * m1 + q];
            C[q * m1 + k] = C[k * m1 + q];
        }
        floor[k] = FW_APART * own;
        skip[k] = !(C[k * m1 + k] > floor[k]);
        apart += !skip[k];
        r[k] = fw_fall(t, few[k]), x[k] = start[k];
    }
    if (apart) {
        fw_descend(C, m1, m1, slope, lower, upper, skip, r, x);
        /* Those that moved, the furthest first, as far as they are apart from each other. */
        ptrdiff_t m2 = 0;
        double *far = R;
        int *pick = malloc((size_t)(2 * m1) * sizeof(int));
        if (!pick) goto end;
        for (ptrdiff_t k = 0; k < m1; k++) {
            if (x[k] == start[k]) continue;
            const double reach = fabs(x[k] - start[k]) * sqrt(C[k * m1 + k]);
            ptrdiff_t at = m2++;
            for (; at > 0 && far[at - 1] < reach; at--) far[at] = far[at - 1], pick[at] = pick[at - 1];
            far[at] = reach, pick[at] = (int)k;
        }
        if (t->careful && m2 > 1) m2 = 1;
        for (ptrdiff_t a = 0; a < m2; a++) {
            far[a] = floor[pick[a]];
            for (ptrdiff_t b = 0; b <= a; b++) L[a * m2 + b] = C[pick[a] * m1 + pick[b]];
        }
        if (fw_cholesky(L, m2, far) < m2) {
            ptrdiff_t good = 0;
            for (ptrdiff_t a = 0; a < m2; a++)
                if (L[a * m2 + a] > 0.0) pick[good++] = pick[a];
            m2 = good;
            for (ptrdiff_t a = 0; a < m2; a++) {
                far[a] = 0.0;
                for (ptrdiff_t b = 0; b <= a; b++) L[a * m2 + b] = C[pick[a] * m1 + pick[b]];
            }
            if (fw_cholesky(L, m2, far) < m2) m2 = m2 ? 1 : 0;
        }
        if (m2) {
            double *step = R + m2;
            int *chosen = pick + m1;
            double *block = V + m1 * (s + m1);
            for (ptrdiff_t a = 0; a < m2; a++) {
                const ptrdiff_t k = pick[a];
                chosen[a] = few[k];
                step[a] = fw_fall(t, few[k]) - slope[k] * fw_side(x[k], start[k]);
                for (ptrdiff_t i = 0; i < s; i++) V[a * s + i] = U[i * w1 + k];
                for (ptrdiff_t b = 0; b < m2; b++) block[a * m2 + b] = QNN[k * m1 + pick[b]];
            }
            fw_forward(L, m2, step, 1);
            fw_backward(L, m2, step, 1);
            for (ptrdiff_t i = 0; i < s; i++) S->target[i] = S->b[i];
            for (ptrdiff_t a = 0; a < m2; a++)
                for (ptrdiff_t i = 0; i < s; i++) S->target[i] -= step[a] * V[a * s + i];
            if (!fw_append_all(S, t, chosen, m2, L, V, QSN, w1, pick, block, R + 2 * m2)) {
                free(pick);
                goto end;
            }
            for (ptrdiff_t a = 0; a < m2; a++) {
                const ptrdiff_t k = pick[a];
                S->b[s + a] = start[k], S->target[s + a] = start[k] + step[a];
                fw_set_piece(S, s + a, fw_side(x[k], start[k]), slope[k], lower[k], upper[k]);
            }
            free(pick);
            done = fw_settle(S, t, steps);
            goto end;
        }
        free(pick);
        done = 1;
        goto end;
    }
    /* All of them lie in the span of the support: the one that pulls most changes places with the first member to meet
       its kink or bound when the rest give way. */
    ptrdiff_t best = 0;
    double most = -1.0, side = 0.0, sign = 0.0;
    for (ptrdiff_t k = 0; k < m1; k++) {
        double to, its;
        const double pull = fw_pull(r[k], start[k], lower[k], upper[k], slope[k], &to, &its) / sqrt(QNN[k * m1 + k]);
        if (pull > most) most = pull, best = k, side = to, sign = its;
    }
    done = 1;
    if (most <= 0.0) goto end;
    double length = upper[best] - start[best];
    if (side < 0.0) length = start[best] - lower[best];
    ptrdiff_t first = -1;
    for (ptrdiff_t i = 0; i < s; i++) {
        const double slide = -side * U[i * w1 + best];
        if (slide == 0.0) continue;
        const double reach = ((slide > 0.0 ? S->right[i] : S->left[i]) - S->b[i]) / slide;
        if (reach < length) length = reach < 0.0 ? 0.0 : reach, first = i;
    }
    if (!isfinite(length)) goto end;
    const double to = start[best] + side * length;
    for (ptrdiff_t i = 0; i < s; i++) S->target[i] = S->b[i] = S->b[i] - side * length * U[i * w1 + best];
    t->coef[few[best] * t->sets + t->h] = to;
    if (first < 0) goto end;                      /* it reached its own bound and stays there */
    done = 0;
    const int out = (int)first;
    const double held = -side * U[first * w1 + best] > 0.0 ? S->right[first] : S->left[first];
    S->target[first] = S->b[first] = held;
    if (!fw_take_out(S, t, &out, &held, 1)) goto end;
    for (ptrdiff_t i = first; i < S->s; i++) memcpy(QSN + i * w1, QSN + (i + 1) * w1, (size_t)w1 * sizeof(double));
    fw_times_thin(S->A, S->s, QSN, w1, U);
    double left = QNN[best * m1 + best] + ridge[best];
    const double own = left;
    for (ptrdiff_t i = 0; i < S->s; i++) left -= QSN[i * w1 + best] * U[i * w1 + best], V[i] = U[i * w1 + best];
    L[0] = sqrt(fmax(left, FW_JITTER * own));
    const int place = (int)best;
    if (!fw_append_all(S, t, few + best, 1, L, V, QSN, w1, &place, QNN + best * m1 + best, R)) goto end;
    S->b[S->s - 1] = S->target[S->s - 1] = to;
    fw_set_piece(S, S->s - 1, sign, slope[best], lower[best], upper[best]);
    done = 1;
end:
    free(R);
    free(QSN);
    free(V);
    free(few);
    free(skip);
    return done;
}

/* One round: an equality step of the support from the gradient at hand, then the candidates. Returns the equality
   steps taken, or -1 when memory is out. */
static ptrdiff_t fw_advance(fw_support *S, const fw_task *t, const int *picked, ptrdiff_t m) {
    ptrdiff_t steps = 0;
    for (ptrdiff_t i = 0; i < S->s; i++) {
        const ptrdiff_t cell = t->index[S->member[i]] * t->sets + t->h;
        S->b[i] = t->coef[S->member[i] * t->sets + t->h];
        S->rest[i] = t->gradient[cell] - t->l2 * t->square[cell] * S->b[i] - t->l1 * t->threshold[cell] * S->sign[i];
    }
    if (S->s) {
        fw_times_vector(S->A, S->s, S->rest, S->target);
        for (ptrdiff_t i = 0; i < S->s; i++) S->target[i] += S->b[i];
        if (!fw_settle(S, t, &steps)) return -1;
    }
    if (m && !fw_let_in(S, t, picked, m, &steps)) return -1;
    for (ptrdiff_t i = 0; i < S->s; i++) t->coef[S->member[i] * t->sets + t->h] = S->b[i];
    return steps + 1;
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
