# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""One pass over the gradients (p, H) of all held-out sets: which columns come near their thresholds, and what the dual objective loses.

A gradient pulls column j of set h to the right where it is positive and the column may go up, to the left where it is
negative and the column may go down; it must exceed l1 times the column's threshold before it counts.
"""

from libc.math cimport INFINITY, fabs


cdef extern from "_survey.h" nogil:
    double pull_of "fw_open_pull"(double g, signed char sides)
    void fw_survey(Py_ssize_t m, const Py_ssize_t *picks, Py_ssize_t sets, const double *products, Py_ssize_t width,
                   const double *share, const double *threshold, const signed char *sides, const signed char *plain,
                   double *gradient, double *reach, double *most)


def spread(const double[:, ::1] products, const Py_ssize_t[::1] picks, const Py_ssize_t[::1] sets,
           const double[::1] total, double[:, ::1] gradient):
    """Put products (m, at least len(sets)) over the totals (H,) into the gradients (p, H) of the picked columns and sets."""
    cdef Py_ssize_t i, k, h, j
    with nogil:
        for i in range(picks.shape[0]):
            j = picks[i]
            for k in range(sets.shape[0]):
                h = sets[k]
                gradient[j, h] = products[i, k] / total[h]


def survey(const double[:, ::1] products, const Py_ssize_t[::1] picks, const double[::1] share,
           const double[:, ::1] threshold, const signed char[:, ::1] sides, const signed char[::1] plain,
           double[:, ::1] gradient, double[::1] reach, double[::1] most):
    """Put products (m, at least H) of the picked columns, or of all p, times their share (H,) into the gradients (p, H).

    `reach` (p,) becomes the largest l1 at which some held-out set wants the column, infinite where it is free of charge;
    `most` (H,) is raised to the largest at which a set wants some column that is not. A column is `plain` (p,) where both
    sides are open and charged for in all sets.
    """
    cdef Py_ssize_t m = gradient.shape[0] if picks is None else picks.shape[0], sets = gradient.shape[1]
    cdef const Py_ssize_t *chosen = NULL
    if m == 0:
        return
    if picks is not None:
        chosen = &picks[0]
    with nogil:
        fw_survey(m, chosen, sets, &products[0, 0], products.shape[1], &share[0], &threshold[0, 0], &sides[0, 0], &plain[0],
                  &gradient[0, 0], &reach[0], &most[0])


def unrest(const Py_ssize_t[::1] index, const double[:, ::1] coef, const double[:, ::1] gradient,
           const double[:, ::1] threshold, const double[:, ::1] square, const double[:, ::1] rounding,
           const signed char[:, ::1] inside, double l1, double l2, double share, double roundings, double[::1] worst):
    """How far (H,) the supports' own equations are from holding: in units of the larger of a share of a column's own
    threshold and some roundings of its gradient.
    """
    cdef Py_ssize_t sets = gradient.shape[1], i, j, h
    cdef double b, slope, off, allowed
    with nogil:
        for h in range(sets):
            worst[h] = 0.0
        for i in range(index.shape[0]):
            j = index[i]
            for h in range(sets):
                if not inside[j, h]:
                    continue
                b, slope = coef[i, h], l1 * threshold[j, h]
                off = gradient[j, h] - l2 * square[j, h] * b
                off = fabs(off - slope if b > 0.0 else (off + slope if b < 0.0 else off))
                allowed = max(roundings * rounding[j, h], share * slope)
                if off > allowed and off > worst[h] * allowed:
                    worst[h] = off / allowed if allowed > 0.0 else INFINITY


def dual_scales(const double[:, ::1] gradient, const double[:, ::1] threshold, const signed char[:, ::1] sides,
                double l1, const double[::1] lower, const double[::1] upper, double[::1] needed, double[::1] full):
    """Lower both (H,) to where scaled gradients are within their thresholds, thresholds of zero aside.

    `full` counts every column, `needed` those that no bound keeps finite.
    """
    cdef Py_ssize_t p = gradient.shape[0], sets = gradient.shape[1], j, h
    cdef double slope, pull
    with nogil:
        for j in range(p):
            for h in range(sets):
                slope = l1 * threshold[j, h]
                pull = pull_of(gradient[j, h], sides[j, h])
                if pull > slope and slope > 0.0:
                    full[h] = min(full[h], slope / pull)
                    if (upper[j] if gradient[j, h] > 0.0 else -lower[j]) == INFINITY:
                        needed[h] = min(needed[h], slope / pull)


def conjugates(const double[:, ::1] gradient, const double[:, ::1] threshold, const signed char[:, ::1] sides,
               double l1, double l2, const double[:, ::1] square, const double[::1] lower, const double[::1] upper,
               const double[:, ::1] box, const Py_ssize_t[::1] place, const double[:, ::1] coef,
               const double[::1] scale, double[::1] total):
    """Add to total (H,) the sum over columns of sup_b u b - l1 t |b| - l2 s b^2 / 2 within the bounds, u the scaled gradient.

    A coefficient that nothing bounds is taken to lie within 2 |b| plus its box.
    """
    cdef Py_ssize_t p = gradient.shape[0], sets = gradient.shape[1], j, h
    cdef double excess, limit, curvature, best
    with nogil:
        for j in range(p):
            for h in range(sets):
                excess = scale[h] * pull_of(gradient[j, h], sides[j, h]) - l1 * threshold[j, h]
                if excess <= 0.0:
                    continue
                limit = upper[j] if gradient[j, h] > 0.0 else -lower[j]
                if limit == INFINITY:
                    limit = box[j, h]
                    if place[j] >= 0:
                        limit += 2.0 * fabs(coef[place[j], h])
                curvature = l2 * square[j, h]
                best = limit
                if curvature > 0.0 and excess < curvature * limit:
                    best = excess / curvature
                total[h] += best * (excess - 0.5 * curvature * best)
