/* One round of the lockstep walk for one held-out set: its free coordinates to where their signs hold, newcomers let in.

   The candidates that a round offers are judged together: coordinate descent among themselves first, with the support
   held still; those that move then once more with the support following, for which the Schur complement of the support
   is the curvature. So correlated columns do not all come in to be thrown out again. */
#ifndef FOLDWISE_ADVANCE_H
#define FOLDWISE_ADVANCE_H

#include "_product.h"
#include "_support.h"

/* Share of a column's own curvature that must be left once the support has followed for it to come in beside others. */
#define FW_APART 1e-7
/* Added to a newcomer's curvature, as a share of it, so that nothing is singular; fresh gradients take it out again. */
#define FW_JITTER 1e-11
enum { FW_SWEEPS = 60 };

typedef struct {
    ptrdiff_t m, width;                           /* how many, and that padded */
    int *pick;                                    /* working columns */
    double *slope, *lower, *upper, *ridge, *start;
    double *r, *x;                                /* descent: slope of the smooth part, and where it has got to */
    char *skip;
    double *R;                                    /* weighted columns; scratch once products are made */
    double *Q, *C, *L;                            /* (m, m) second moments, curvature, factor */
    double *cross, *U, *V;                        /* (s, width) moments with the support, A times them; (m, s) scratch */
    double *block, *inverse, *floor;
    int *order, *chosen;
} fw_candidates;

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

/* Weighted sums of products of some working columns with the candidates: out (count, width). */
static void fw_cross(const fw_candidates *c, const fw_task *t, const int *left, ptrdiff_t count, double *out) {
    const ptrdiff_t n = t->n, width = c->width;
    memset(out, 0, (size_t)(count * width) * sizeof(double));
    if (t->rows) {
        memset(c->R, 0, (size_t)(n * width) * sizeof(double));
        for (ptrdiff_t k = 0; k < c->m; k++) {
            const double *z = t->rows + (ptrdiff_t)c->pick[k] * n;
            for (ptrdiff_t i = 0; i < n; i++) c->R[i * width + k] = t->weight[i] * z[i];
        }
        fw_picked_rows_times(count, left, n, t->rows, c->R, width, out);
        return;
    }
    memset(c->R, 0, (size_t)n * sizeof(double));
    for (ptrdiff_t k = 0; k < c->m; k++) {        /* one candidate at a time is spread out over the rows */
        const int from = t->start[c->pick[k]], to = t->start[c->pick[k] + 1];
        for (int e = from; e < to; e++) c->R[t->at[e]] = t->weight[t->at[e]] * t->value[e];
        for (ptrdiff_t q = 0; q < count; q++) {
            double total = 0.0;
            for (int e = t->start[left[q]]; e < t->start[left[q] + 1]; e++) total += t->value[e] * c->R[t->at[e]];
            out[q * width + k] = total;
        }
        for (int e = from; e < to; e++) c->R[t->at[e]] = 0.0;
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

static void fw_dismiss(fw_candidates *c) {
    free(c->slope);
    free(c->R);
    free(c->cross);
    free(c->V);
    free(c->pick);
    free(c->skip);
}

/* The candidates by themselves: their second moments, and room for all that follows. 0 when memory is out. */
static int fw_gather(fw_candidates *c, const fw_support *S, const fw_task *t, const int *picked, ptrdiff_t m) {
    const ptrdiff_t width = fw_padded(m), s = S->s;
    memset(c, 0, sizeof *c);
    c->m = m, c->width = width;
    c->slope = malloc((size_t)(8 * m + 5 * m * width) * sizeof(double));
    c->R = malloc((size_t)(t->rows ? t->n * width : t->n > m ? t->n : m) * sizeof(double));
    c->cross = malloc((size_t)(2 * s * width + 1) * sizeof(double));
    c->V = malloc((size_t)(m * (s + 1)) * sizeof(double));
    c->pick = malloc((size_t)(3 * m) * sizeof(int));
    c->skip = malloc((size_t)m);
    if (!c->slope || !c->R || !c->cross || !c->V || !c->pick || !c->skip) return 0;
    c->lower = c->slope + m, c->upper = c->lower + m, c->ridge = c->upper + m, c->start = c->ridge + m;
    c->r = c->start + m, c->x = c->r + m, c->floor = c->x + m;
    c->Q = c->floor + m, c->C = c->Q + m * width, c->L = c->C + m * width, c->block = c->L + m * width;
    c->inverse = c->block + m * width, c->U = c->cross + s * width;
    c->order = c->pick + m, c->chosen = c->order + m;
    memcpy(c->pick, picked, (size_t)m * sizeof(int));
    fw_cross(c, t, picked, m, c->Q);
    fw_centre(t, picked, m, picked, m, width, c->Q);
    for (ptrdiff_t k = 0; k < m; k++) {
        const ptrdiff_t j = t->index[picked[k]], cell = j * t->sets + t->h;
        c->slope[k] = t->l1 * t->threshold[cell], c->ridge[k] = t->l2 * t->square[cell];
        c->lower[k] = t->sides[cell] & 2 ? t->lower[j] : fmax(t->lower[j], 0.0);
        c->upper[k] = t->sides[cell] & 1 ? t->upper[j] : fmin(t->upper[j], 0.0);
        c->start[k] = t->coef[picked[k] * t->sets + t->h];
    }
    return 1;
}

/* Coordinate descent among the candidates, the support held still; only those that move stay candidates. */
static void fw_sift(fw_candidates *c, const fw_task *t) {
    const ptrdiff_t m = c->m, width = c->width;
    for (ptrdiff_t k = 0; k < m; k++) {
        memcpy(c->C + k * width, c->Q + k * width, (size_t)width * sizeof(double));
        c->C[k * width + k] = (c->Q[k * width + k] + c->ridge[k]) * (1.0 + FW_JITTER);
        c->skip[k] = !(c->C[k * width + k] > 0.0);
        c->r[k] = fw_fall(t, c->pick[k]), c->x[k] = c->start[k];
    }
    fw_descend(c->C, m, width, c->slope, c->lower, c->upper, c->skip, c->r, c->x);
    ptrdiff_t few = 0;
    for (ptrdiff_t k = 0; k < m; k++) {
        if (c->x[k] == c->start[k]) continue;
        c->order[few] = (int)k, c->pick[few] = c->pick[k], c->slope[few] = c->slope[k], c->lower[few] = c->lower[k];
        c->upper[few] = c->upper[k], c->ridge[few] = c->ridge[k], c->start[few] = c->start[k];
        few++;
    }
    for (ptrdiff_t k = 0; k < few; k++)           /* entries move up and to the left only: in order, in place */
        for (ptrdiff_t q = 0; q < few; q++) c->Q[k * few + q] = c->Q[c->order[k] * width + c->order[q]];
    c->m = few, c->width = fw_padded(few);
}

/* The candidates' curvature when the support follows. How many of them are apart from the support; 0 is for none. */
static ptrdiff_t fw_follow(fw_candidates *c, const fw_support *S, const fw_task *t) {
    const ptrdiff_t m = c->m, width = c->width, s = S->s;
    ptrdiff_t apart = 0;
    fw_cross(c, t, S->member, s, c->cross);
    fw_centre(t, S->member, s, c->pick, m, width, c->cross);
    fw_times_thin(S->A, s, c->cross, width, c->U);
    memset(c->C, 0, (size_t)(m * m) * sizeof(double));
    for (ptrdiff_t i = 0; i < s; i++)
        for (ptrdiff_t k = 0; k < m; k++)
            for (ptrdiff_t q = 0; q <= k; q++) c->C[k * m + q] += c->cross[i * width + k] * c->U[i * width + q];
    for (ptrdiff_t k = 0; k < m; k++) {
        const double own = c->Q[k * m + k] + c->ridge[k];
        for (ptrdiff_t q = 0; q <= k; q++) {
            const double here = c->Q[k * m + q] + (k == q ? c->ridge[k] + FW_JITTER * own : 0.0) - c->C[k * m + q];
            c->C[k * m + q] = c->C[q * m + k] = here;
        }
        c->floor[k] = FW_APART * own;
        c->skip[k] = !(c->C[k * m + k] > c->floor[k]);
        apart += !c->skip[k];
        c->r[k] = fw_fall(t, c->pick[k]), c->x[k] = c->start[k];
    }
    return apart;
}

/* Which candidates come in: those that descent moves, the furthest first, as far as they are apart from each other; their
   factor is left in L. */
static ptrdiff_t fw_elect(fw_candidates *c, const fw_task *t) {
    const ptrdiff_t m = c->m;
    double *far = c->R;
    ptrdiff_t count = 0;
    fw_descend(c->C, m, m, c->slope, c->lower, c->upper, c->skip, c->r, c->x);
    for (ptrdiff_t k = 0; k < m; k++) {
        if (c->x[k] == c->start[k]) continue;
        const double reach = fabs(c->x[k] - c->start[k]) * sqrt(c->C[k * m + k]);
        ptrdiff_t at = count++;
        for (; at > 0 && far[at - 1] < reach; at--) far[at] = far[at - 1], c->order[at] = c->order[at - 1];
        far[at] = reach, c->order[at] = (int)k;
    }
    if (t->careful && count > 1) count = 1;
    for (int attempt = 0; attempt < 2; attempt++) {
        for (ptrdiff_t a = 0; a < count; a++) {
            far[a] = attempt ? 0.0 : c->floor[c->order[a]];
            for (ptrdiff_t b = 0; b <= a; b++) c->L[a * count + b] = c->C[c->order[a] * m + c->order[b]];
        }
        if (fw_cholesky(c->L, count, far) == count) return count;
        ptrdiff_t good = 0;
        for (ptrdiff_t a = 0; a < count; a++)
            if (c->L[a * count + a] > 0.0) c->order[good++] = c->order[a];
        count = good;
    }
    return 0;
}

/* Let those elected in, and go to where the support's own equations hold. 0 when memory is out. */
static int fw_join(fw_candidates *c, fw_support *S, const fw_task *t, ptrdiff_t count, ptrdiff_t *steps) {
    const ptrdiff_t m = c->m, s = S->s;
    double *step = c->r;
    for (ptrdiff_t a = 0; a < count; a++) {
        const ptrdiff_t k = c->order[a];
        c->chosen[a] = c->pick[k];
        c->floor[a] = fw_fall(t, c->pick[k]) - c->slope[k] * fw_side(c->x[k], c->start[k]);
        for (ptrdiff_t i = 0; i < s; i++) c->V[a * s + i] = c->U[i * c->width + k];
        for (ptrdiff_t b = 0; b < count; b++) c->block[a * count + b] = c->Q[k * m + c->order[b]];
    }
    memcpy(step, c->floor, (size_t)count * sizeof(double));
    fw_forward(c->L, count, step, 1);
    fw_backward(c->L, count, step, 1);
    memcpy(S->target, S->b, (size_t)s * sizeof(double));
    for (ptrdiff_t a = 0; a < count; a++)
        for (ptrdiff_t i = 0; i < s; i++) S->target[i] -= step[a] * c->V[a * s + i];
    if (!fw_append_all(S, t, c->chosen, count, c->L, c->V, c->cross, c->width, c->order, c->block, c->inverse)) return 0;
    for (ptrdiff_t a = 0; a < count; a++) {
        const ptrdiff_t k = c->order[a];
        S->b[s + a] = c->start[k], S->target[s + a] = c->start[k] + step[a];
        fw_set_piece(S, s + a, fw_side(c->x[k], c->start[k]), c->slope[k], c->lower[k], c->upper[k]);
    }
    return fw_settle(S, t, steps);
}

/* All candidates lie in the span of the support: the one that pulls most changes places with the first member to meet its
   kink or bound when the rest give way. 0 when memory is out. */
static int fw_swap(fw_candidates *c, fw_support *S, const fw_task *t) {
    const ptrdiff_t m = c->m, width = c->width;
    ptrdiff_t best = 0, first = -1;
    double most = -1.0, side = 0.0, sign = 0.0;
    for (ptrdiff_t k = 0; k < m; k++) {
        double to, its;
        const double pull = fw_pull(c->r[k], c->start[k], c->lower[k], c->upper[k], c->slope[k], &to, &its);
        if (pull / sqrt(c->Q[k * m + k]) > most) most = pull / sqrt(c->Q[k * m + k]), best = k, side = to, sign = its;
    }
    if (most <= 0.0) return 1;
    double length = side < 0.0 ? c->start[best] - c->lower[best] : c->upper[best] - c->start[best];
    for (ptrdiff_t i = 0; i < S->s; i++) {
        const double slide = -side * c->U[i * width + best];
        if (slide == 0.0) continue;
        const double reach = ((slide > 0.0 ? S->right[i] : S->left[i]) - S->b[i]) / slide;
        if (reach < length) length = reach < 0.0 ? 0.0 : reach, first = i;
    }
    if (!isfinite(length)) return 1;
    const double to = c->start[best] + side * length;
    for (ptrdiff_t i = 0; i < S->s; i++) S->target[i] = S->b[i] -= side * length * c->U[i * width + best];
    t->coef[c->pick[best] * t->sets + t->h] = to;
    if (first < 0) return 1;                      /* it has reached its own bound and is held there */
    const int out = (int)first, place = (int)best;
    const double held = side * c->U[first * width + best] < 0.0 ? S->right[first] : S->left[first];
    S->target[first] = S->b[first] = held;
    if (!fw_take_out(S, t, &out, &held, 1)) return 0;
    memmove(c->cross + first * width, c->cross + (first + 1) * width, (size_t)((S->s - first) * width) * sizeof(double));
    fw_times_thin(S->A, S->s, c->cross, width, c->U);
    const double own = c->Q[best * m + best] + c->ridge[best];
    double left = own;
    for (ptrdiff_t i = 0; i < S->s; i++) {
        c->V[i] = c->U[i * width + best];
        left -= c->cross[i * width + best] * c->V[i];
    }
    c->L[0] = sqrt(fmax(left, FW_JITTER * own));
    if (!fw_append_all(S, t, c->pick + best, 1, c->L, c->V, c->cross, width, &place, c->Q + best * m + best, c->inverse))
        return 0;
    S->b[S->s - 1] = S->target[S->s - 1] = to;
    fw_set_piece(S, S->s - 1, sign, c->slope[best], c->lower[best], c->upper[best]);
    return 1;
}

/* Let the best of the candidates in; 0 when memory is out. */
static int fw_let_in(fw_support *S, const fw_task *t, const int *picked, ptrdiff_t m, ptrdiff_t *steps) {
    fw_candidates c;
    int done = fw_gather(&c, S, t, picked, m);
    if (done) {
        fw_sift(&c, t);
        if (c.m && fw_follow(&c, S, t)) {
            const ptrdiff_t count = fw_elect(&c, t);
            done = !count || fw_join(&c, S, t, count, steps);
        } else if (c.m)
            done = fw_swap(&c, S, t);
    }
    fw_dismiss(&c);
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

/* How far the support's own equations are from holding: in units of the larger of a share of a column's own threshold and
   some roundings of its gradient. */
static double fw_unrest(const fw_support *S, const fw_task *t, const double *rounding, double share, double roundings) {
    double worst = 0.0;
    for (ptrdiff_t i = 0; i < S->s; i++) {
        const ptrdiff_t cell = t->index[S->member[i]] * t->sets + t->h;
        const double b = t->coef[S->member[i] * t->sets + t->h], slope = t->l1 * t->threshold[cell];
        const double g = t->gradient[cell] - t->l2 * t->square[cell] * b;
        const double off = fabs(b > 0.0 ? g - slope : b < 0.0 ? g + slope : g);
        const double allowed = fmax(roundings * rounding[cell], share * slope);
        if (off > allowed && off > worst * allowed) worst = allowed > 0.0 ? off / allowed : INFINITY;
    }
    return worst;
}

#endif
