/* One held-out set's Newton model on the working columns of a wide table, and its exact solution.

   The model: with slopes g and curvatures omega of the rows, b where the set stands and z_j the columns,
       minimize g'v + v'diag(omega)v / 2 + penalty(b + d)   over d, d0, with v = d0 + sum_j d_j z_j.
   Columns are taken about their means under omega, so that the intercept follows by itself. The dual point u = g + omega v
   then sums to zero, and a column's pull is -z_j'u. Coordinates that move freely are the support; its Cholesky factor
   stays from one model to the next as long as the curvature does. */
#ifndef FOLDWISE_MODELS_H
#define FOLDWISE_MODELS_H

#include "../../solvers/_vector.h"

#include <float.h>
#include <stdlib.h>

/* Added to a support's diagonal, as a share of what it was before centring, whose rounding it must exceed, so that
   collinear columns still give a descent direction. */
#define FW_JITTER 1e-13
/* Columns whose pull is at least this share of their threshold are looked at in every round, the others at the end. */
#define FW_NEAR 0.8
/* What rounding makes of a pull, in units of the column's size times the sizes of u. */
#define FW_ROUNDING (8.0 * DBL_EPSILON)
enum { FW_LET_IN = 8 };

typedef struct {
    ptrdiff_t s, room, n;
    int *member;                              /* working columns, in the order of the factor */
    double *R;                                /* (room, room), upper triangle by rows */
    double *mean, *sign, *left, *right, *rest, *step;  /* (room): column means; slopes of |b|; pieces; scratch */
    double *omega, total;                     /* (n) weighted curvatures, and their sum */
} fw_model;

typedef struct {
    ptrdiff_t n, m;
    const double *rows;                       /* (m, n), or NULL where columns are sparse */
    const int *start, *at;
    const double *value;
    const double *w1, *w2, *lower, *upper, *size;  /* (m) of this set */
    double l1, l2, slack, null;
    int centred;
    const double *g;
    double *b, *v, *u, *pull, *t;             /* (m), (n), (n), (m); the last is scratch as long as either */
    double shift;                             /* what the intercept moves by */
    char *is_free;                            /* (m) */
    int *near, *all;                          /* (m); the second counts from 0 */
} fw_task;

/* out = z_j'x for some columns. */
FW_MANY static void fw_dots(const fw_task *t, const int *picks, ptrdiff_t count, const double *x, double *out) {
    const ptrdiff_t n = t->n;
    ptrdiff_t k = 0;
    if (!t->rows) {
        for (; k < count; k++) {
            double total = 0.0;
            for (int e = t->start[picks[k]]; e < t->start[picks[k] + 1]; e++) total += t->value[e] * x[t->at[e]];
            out[k] = total;
        }
        return;
    }
    for (; k + 4 <= count; k += 4) {
        const double *a = t->rows + picks[k] * n, *b = t->rows + picks[k + 1] * n;
        const double *c = t->rows + picks[k + 2] * n, *d = t->rows + picks[k + 3] * n;
        double p = 0.0, q = 0.0, r = 0.0, s = 0.0;
#pragma omp simd reduction(+ : p, q, r, s)
        for (ptrdiff_t i = 0; i < n; i++) {
            p += a[i] * x[i];
            q += b[i] * x[i];
            r += c[i] * x[i];
            s += d[i] * x[i];
        }
        out[k] = p, out[k + 1] = q, out[k + 2] = r, out[k + 3] = s;
    }
    for (; k < count; k++) out[k] = fw_dot(n, t->rows + picks[k] * n, x);
}

/* y += a (z_j - mean). */
FW_MANY static void fw_add(const fw_task *t, int j, double a, double mean, double *y) {
    if (t->rows) {
        const double *restrict z = t->rows + j * t->n;
#pragma omp simd
        for (ptrdiff_t i = 0; i < t->n; i++) y[i] += a * (z[i] - mean);
        return;
    }
    if (mean != 0.0)
        for (ptrdiff_t i = 0; i < t->n; i++) y[i] -= a * mean;
    for (int e = t->start[j]; e < t->start[j + 1]; e++) y[t->at[e]] += a * t->value[e];
}

/* out = omega (z_j - mean) and the mean under omega; the curvature that is left, and what is to be added to it. */
FW_MANY static double fw_weigh(const fw_model *M, const fw_task *t, int j, double *mean, double *out, double *jitter) {
    double own = 0.0, sum = 0.0;
    const double *restrict omega = M->omega;
    *mean = 0.0;
    if (t->centred) {
        fw_dots(t, &j, 1, omega, &sum);
        *mean = sum / M->total;
    }
    const double middle = *mean;
    if (t->rows) {
        const double *restrict z = t->rows + j * t->n;
#pragma omp simd reduction(+ : own)
        for (ptrdiff_t i = 0; i < t->n; i++) {
            const double away = z[i] - middle;
            out[i] = omega[i] * away;
            own += out[i] * away;
        }
    } else {
        double others = M->total;
        for (ptrdiff_t i = 0; i < t->n; i++) out[i] = -omega[i] * middle;
        for (int e = t->start[j]; e < t->start[j + 1]; e++) {
            const double away = t->value[e] - middle, weighed = omega[t->at[e]] * away;
            own += weighed * away;
            others -= omega[t->at[e]];
            out[t->at[e]] = weighed;
        }
        own += middle * middle * (others > 0.0 ? others : 0.0);
    }
    *jitter = FW_JITTER * (own + M->total * middle * middle) + DBL_MIN;
    return own > *jitter ? own : *jitter;
}

FW_MANY static void fw_renew_dual(const fw_model *M, fw_task *t) {
#pragma omp simd
    for (ptrdiff_t i = 0; i < t->n; i++) t->u[i] = t->g[i] + M->omega[i] * t->v[i];
}

static int fw_reserve(fw_model *M, ptrdiff_t s) {
    if (s <= M->room) return 1;
    ptrdiff_t room = 2 * M->room > s ? 2 * M->room : s;
    room = room < 16 ? 16 : room;
    double *R = malloc((size_t)(room * room) * sizeof(double)), *parts = malloc((size_t)(6 * room) * sizeof(double));
    int *member = malloc((size_t)room * sizeof(int));
    if (!R || !parts || !member) {
        free(R);
        free(parts);
        free(member);
        return 0;
    }
    double **of[6] = {&M->mean, &M->sign, &M->left, &M->right, &M->rest, &M->step};
    for (int k = 0; k < 6; k++)
        if (M->s) memcpy(parts + k * room, *of[k], (size_t)M->s * sizeof(double));
    for (ptrdiff_t i = 0; i < M->s; i++)
        memcpy(R + i * room + i, M->R + i * M->room + i, (size_t)(M->s - i) * sizeof(double));
    if (M->s) memcpy(member, M->member, (size_t)M->s * sizeof(int));
    free(M->R);
    free(M->mean);                            /* the first of the parts */
    free(M->member);
    for (int k = 0; k < 6; k++) *of[k] = parts + k * room;
    M->R = R, M->member = member, M->room = room;
    return 1;
}

static void fw_close(fw_model *M) {
    free(M->R);
    free(M->mean);
    free(M->member);
    free(M->omega);
}

/* The piece in which a coordinate moves when |b| has slope sign there. */
static void fw_set_piece(fw_model *M, ptrdiff_t i, const fw_task *t, int j, double sign) {
    const int kinked = t->l1 * t->w1[j] > 0.0;
    M->sign[i] = sign;
    M->left[i] = kinked && sign > 0.0 && t->lower[j] < 0.0 ? 0.0 : t->lower[j];
    M->right[i] = kinked && sign < 0.0 && t->upper[j] > 0.0 ? 0.0 : t->upper[j];
}

/* The support anew from where the set stands, and its factor. 0 when memory is out. */
static int fw_rebuild(fw_model *M, fw_task *t) {
    M->s = 0;
    for (int j = 0; j < t->m; j++) {
        const double b = t->b[j];
        if (!(t->lower[j] < b && b < t->upper[j]) || (b == 0.0 && t->l1 * t->w1[j] > 0.0)) continue;
        if (!fw_reserve(M, M->s + 1)) return 0;
        M->member[M->s] = j;
        fw_set_piece(M, M->s, t, j, b >= 0.0 ? 1.0 : -1.0);
        M->s++;
    }
    const ptrdiff_t s = M->s, room = M->room;
    for (ptrdiff_t i = 0; i < s; i++) {
        double *row = M->R + i * room;
        const int j = M->member[i];
        double jitter;
        const double own = fw_weigh(M, t, j, M->mean + i, t->t, &jitter);
        fw_dots(t, M->member + i + 1, s - i - 1, t->t, row + i + 1);
        row[i] = own + t->l2 * t->w2[j] + jitter;
        M->step[i] = sqrt(row[i]);
    }
    for (ptrdiff_t i = 0; i < s; i++)
        for (ptrdiff_t k = i; k < s; k++) {   /* rounding may not make more than a correlation of it */
            const double share = M->R[i * room + k] / (M->step[i] * M->step[k]);
            M->R[i * room + k] = k == i ? 1.0 : share > 1.0 ? 1.0 : share < -1.0 ? -1.0 : share;
        }
    fw_factor(M->R, room, s, FW_JITTER);
    for (ptrdiff_t i = 0; i < s; i++)
        for (ptrdiff_t k = i; k < s; k++) M->R[i * room + k] *= M->step[k];
    return 1;
}

static void fw_take_out(fw_model *M, fw_task *t, ptrdiff_t i) {
    fw_remove(M->R, M->room, M->s, i);
    t->is_free[M->member[i]] = 0;
    M->s--;
    const size_t left = (size_t)(M->s - i);
    memmove(M->member + i, M->member + i + 1, left * sizeof(int));
    double *parts[5] = {M->mean, M->sign, M->left, M->right, M->rest};
    for (int k = 0; k < 5; k++) memmove(parts[k] + i, parts[k] + i + 1, left * sizeof(double));
}

/* What each member's own equation is off by, and the largest of that in units of rounding. */
static double fw_measure(fw_model *M, fw_task *t, double noise) {
    double off = 0.0;
    fw_dots(t, M->member, M->s, t->u, M->rest);
    for (ptrdiff_t i = 0; i < M->s; i++) {
        const int j = M->member[i];
        M->rest[i] = -M->rest[i] - t->l2 * t->w2[j] * t->b[j] - t->l1 * t->w1[j] * M->sign[i];
        const double here = fabs(M->rest[i]) / (FW_ROUNDING * t->size[j] * noise + DBL_MIN);
        off = here > off ? here : off;
    }
    return off;
}

/* Minimize on the support: equality steps, each cut at the first kink or bound, until one is taken whole. */
static void fw_settle(fw_model *M, fw_task *t, ptrdiff_t *steps) {
    while (M->s > 0) {
        ++*steps;
        memcpy(M->step, M->rest, (size_t)M->s * sizeof(double));
        fw_solve_transposed(M->R, M->room, M->s, M->step);
        fw_solve_upper(M->R, M->room, M->s, M->step);
        double length = 1.0;
        ptrdiff_t out = -1;
        for (ptrdiff_t i = 0; i < M->s; i++) {
            const double b = t->b[M->member[i]], to = b + M->step[i];
            if (to > M->left[i] && to < M->right[i]) continue;
            const double edge = to <= M->left[i] ? M->left[i] : M->right[i];
            const double meets = M->step[i] != 0.0 ? (edge - b) / M->step[i] : 0.0;
            if (meets < length || out < 0) length = meets < length ? meets : length, out = i;
        }
        for (ptrdiff_t i = 0; i < M->s; i++) {
            const int j = M->member[i];
            double to = t->b[j] + length * M->step[i];
            to = to < M->left[i] ? M->left[i] : to > M->right[i] ? M->right[i] : to;
            if (i == out) to = M->step[i] < 0.0 ? M->left[i] : M->right[i];
            const double moved = to - t->b[j];
            t->b[j] = to;
            fw_add(t, j, moved, M->mean[i], t->v);
            t->shift -= moved * M->mean[i];
            M->rest[i] *= 1.0 - length;
        }
        if (out < 0) break;
        fw_take_out(M, t, out);
    }
    fw_renew_dual(M, t);
}

/* How steeply the objective falls if coordinate j, held at a kink or bound, moves; the slope of |b_j| there. */
static double fw_strength(const fw_task *t, int j, double pull, double *sign) {
    const double b = t->b[j], slope = t->l1 * t->w1[j], net = pull - t->l2 * t->w2[j] * b;
    const double right = b < t->upper[j] ? net - (b >= 0.0 ? slope : -slope) : -INFINITY;
    const double left = b > t->lower[j] ? -net + (b > 0.0 ? slope : -slope) : -INFINITY;
    *sign = right >= left ? (b >= 0.0 ? 1.0 : -1.0) : (b > 0.0 ? 1.0 : -1.0);
    return right >= left ? right : left;
}

static double fw_allowed(const fw_task *t, int j, double noise) {
    const double share = t->slack * t->l1 * t->w1[j], rounding = FW_ROUNDING * t->size[j] * noise;
    return share > rounding ? share : rounding;
}

/* A step of coordinate j alone, which then joins the support unless it ends at a kink or bound. 0 when memory is out. */
static int fw_let_in(fw_model *M, fw_task *t, int j, double noise) {
    double pull, sign, mean, jitter;
    fw_dots(t, &j, 1, t->u, &pull);
    pull = -pull;
    if (fw_strength(t, j, pull, &sign) <= fw_allowed(t, j, noise)) return 1;
    if (!fw_reserve(M, M->s + 1)) return 0;
    const ptrdiff_t s = M->s, room = M->room;
    const double diagonal = fw_weigh(M, t, j, &mean, t->t, &jitter) + t->l2 * t->w2[j], b = t->b[j];
    fw_set_piece(M, s, t, j, sign);
    double to = b + (pull - t->l2 * t->w2[j] * b - t->l1 * t->w1[j] * sign) / diagonal;
    to = to < M->left[s] ? M->left[s] : to > M->right[s] ? M->right[s] : to;
    t->b[j] = to;
    fw_add(t, j, to - b, mean, t->v);
    t->shift -= (to - b) * mean;
    fw_renew_dual(M, t);
    if (!(M->left[s] < to && to < M->right[s])) return 1;
    double pivot = diagonal + jitter;
    fw_dots(t, M->member, s, t->t, M->step);
    fw_solve_transposed(M->R, room, s, M->step);
    for (ptrdiff_t i = 0; i < s; i++) {
        pivot -= M->step[i] * M->step[i];
        M->R[i * room + s] = M->step[i];
    }
    M->R[s * room + s] = sqrt(pivot > jitter ? pivot : jitter);
    M->member[s] = j, M->mean[s] = mean;
    t->is_free[j] = 1;
    M->s = s + 1;
    return 1;
}

/* What a column's conjugate adds to the duality gap; where nothing bounds it, for coefficients up to 2 |b| and a bit. */
static double fw_gap_of(const fw_model *M, const fw_task *t, int j) {
    const double b = t->b[j], slope = t->l1 * t->w1[j], curvature = t->l2 * t->w2[j], pull = t->pull[j];
    const double value = slope * fabs(b) + 0.5 * curvature * b * b, excess = fabs(pull) - slope;
    double limit = pull > 0.0 ? t->upper[j] : -t->lower[j], best, mean, jitter, conjugate = 0.0;
    if (excess > 0.0 && limit > 0.0) {
        if (limit == INFINITY && curvature == 0.0)
            limit = 2.0 * fabs(b) + sqrt(2.0 * t->null / fw_weigh(M, t, j, &mean, t->t, &jitter));
        best = curvature > 0.0 && excess / curvature < limit ? excess / curvature : limit;
        conjugate = best * (excess - 0.5 * curvature * best);
    }
    const double gap = value + conjugate - pull * b;
    return gap > 0.0 ? gap : 0.0;
}

/* The coordinates among some that are furthest from where they should be held, at most FW_LET_IN of them. */
static ptrdiff_t fw_elect(const fw_task *t, ptrdiff_t near, double noise, int *best) {
    double most[FW_LET_IN], sign;
    ptrdiff_t count = 0;
    for (ptrdiff_t k = 0; k < near; k++) {
        const int j = t->near[k];
        if (t->is_free[j]) continue;
        double strength = fw_strength(t, j, t->pull[j], &sign);
        if (strength <= fw_allowed(t, j, noise)) continue;
        strength /= t->size[j];
        if (count == FW_LET_IN && most[count - 1] >= strength) continue;
        ptrdiff_t at = count < FW_LET_IN ? count++ : FW_LET_IN - 1;
        for (; at > 0 && most[at - 1] < strength; at--) most[at] = most[at - 1], best[at] = best[at - 1];
        most[at] = strength, best[at] = j;
    }
    return count;
}

/* Pulls of all columns, and which of them are near their thresholds. */
static ptrdiff_t fw_look_around(fw_task *t) {
    ptrdiff_t near = 0;
    fw_dots(t, t->all, t->m, t->u, t->pull);
    for (int j = 0; j < t->m; j++) {
        t->pull[j] = -t->pull[j];
        const int held = !t->is_free[j] && t->lower[j] < t->upper[j];
        if (held && (t->b[j] != 0.0 || fabs(t->pull[j]) >= FW_NEAR * t->l1 * t->w1[j])) t->near[near++] = j;
    }
    return near;
}

/* The model's solution into b, v, u, shift, with the penalty's value and its share of the gap. 0: solved; 1: max_steps
   reached; -1: memory is out. */
static int fw_solve(fw_model *M, fw_task *t, ptrdiff_t max_steps, ptrdiff_t *steps, double *value, double *gap) {
    double last = INFINITY, noise = 0.0, start = 0.0;
    ptrdiff_t near = 0;
    int full = 1, status = 0, best[FW_LET_IN];
    for (ptrdiff_t i = 0; i < t->n; i++) noise += fabs(t->g[i]), start -= t->g[i];
    t->shift = t->centred ? start / M->total : 0.0;
    for (ptrdiff_t i = 0; i < t->n; i++) t->v[i] = t->shift;
    fw_renew_dual(M, t);
    memset(t->is_free, 0, (size_t)t->m);
    for (ptrdiff_t i = 0; i < M->s; i++) t->is_free[M->member[i]] = 1;
    fw_measure(M, t, noise);
    for (;;) {
        if (++*steps > max_steps) status = 1;
        fw_settle(M, t, steps);
        const double off = fw_measure(M, t, noise);
        /* Once more while it helps: the jitter and rounding are taken out this way. */
        const int refine = off > 8.0 && off < 0.5 * last && !status;
        last = off;
        if (refine) continue;
        if (full || status) {
            near = fw_look_around(t);
        } else {
            fw_dots(t, t->near, near, t->u, t->t);
            for (ptrdiff_t k = 0; k < near; k++) t->pull[t->near[k]] = -t->t[k];
        }
        if (status) break;
        const ptrdiff_t count = fw_elect(t, near, noise, best);
        if (!count && full) break;
        for (ptrdiff_t k = 0; k < count; k++)
            if (!fw_let_in(M, t, best[k], noise)) return -1;
        if (count) fw_measure(M, t, noise), last = INFINITY;
        full = !count;
    }
    *value = *gap = 0.0;
    for (int j = 0; j < t->m; j++) {
        *gap += fw_gap_of(M, t, j);
        *value += t->l1 * t->w1[j] * fabs(t->b[j]) + 0.5 * t->l2 * t->w2[j] * t->b[j] * t->b[j];
    }
    return status;
}

#endif
