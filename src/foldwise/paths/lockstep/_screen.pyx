# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Passes over the gradients (p, H) of all held-out sets: which columns come near their thresholds, and both objectives.

A gradient pulls column j of set h to the right where it is positive and the column may go up, to the left where it is
negative and the column may go down; it must exceed l1 times the column's threshold before it counts.
"""

from libc.math cimport INFINITY, fabs, sqrt


cdef extern from "_survey.h" nogil:
    double pull_of "fw_open_pull"(double g, signed char sides)
    void fw_survey(Py_ssize_t m, const Py_ssize_t *picks, Py_ssize_t sets, const double *products, Py_ssize_t width,
                   const double *share, const double *threshold, const signed char *sides, const signed char *plain,
                   double *gradient, double *reach, double *most)


def go_to(const double[:, ::1] weight, const double[:, ::1] residual, const double[::1] share, double[:, ::1] seen,
          double[::1] moved):
    """How far the residuals (n, H) are from those seen last, which they become: the longest way of any set.

    As a weighted root mean square; share (H,) is one over the sum of a set's weights. `moved` (H,) is scratch.
    """
    cdef Py_ssize_t sets = residual.shape[1], i, h
    cdef double step, furthest = 0.0
    with nogil:
        moved[:] = 0.0
        for i in range(residual.shape[0]):
            for h in range(sets):
                step = residual[i, h] - seen[i, h]
                moved[h] += weight[i, h] * step * step
                seen[i, h] = residual[i, h]
        for h in range(sets):
            furthest = max(furthest, moved[h] * share[h])
    return sqrt(furthest)


def within_reach(const double[::1] base, const double[::1] pace, double way, double l1, const Py_ssize_t[::1] also,
                 signed char[::1] marked, Py_ssize_t[::1] picks):
    """Put into `picks` (p + 1,) the columns that may reach l1 after so long a way, and some others; how many they are.

    `marked` (p,) is zero, and left so.
    """
    cdef Py_ssize_t j, count = 0
    with nogil:
        for j in range(also.shape[0]):
            marked[also[j]] = 1
        for j in range(base.shape[0]):
            picks[count] = j
            count += marked[j] | (base[j] + pace[j] * way > l1)
        for j in range(also.shape[0]):
            marked[also[j]] = 0
    return count


def survey(const double[:, ::1] products, const Py_ssize_t[::1] picks, const double[::1] share,
           const double[:, ::1] threshold, const signed char[:, ::1] sides, const signed char[::1] plain,
           double[:, ::1] gradient, double[::1] reach, double[::1] most):
    """Put products (m, at least H) of the picked columns, or of all p, times their share (H,) into the gradients (p, H).

    `reach` (p,) becomes the largest l1 at which some held-out set wants the column, infinite where it is free of charge;
    `most` (H,) the largest at which a set wants one of these columns, free ones aside. A column is `plain` (p,) where both
    sides are open and charged for in all sets.
    """
    cdef Py_ssize_t m = gradient.shape[0] if picks is None else picks.shape[0], sets = gradient.shape[1]
    cdef const Py_ssize_t *chosen = NULL
    most[:] = 0.0
    if m == 0:
        return
    if picks is not None:
        chosen = &picks[0]
    with nogil:
        fw_survey(m, chosen, sets, &products[0, 0], products.shape[1], &share[0], &threshold[0, 0], &sides[0, 0], &plain[0],
                  &gradient[0, 0], &reach[0], &most[0])


def primal(const double[:, ::1] weight, const double[:, ::1] residual, const double[:, ::1] target,
           const double[::1] total, const Py_ssize_t[::1] index, const double[:, ::1] coef, const double[:, ::1] threshold,
           const double[:, ::1] square, double l1, double l2, double[:, ::1] out):
    """Put weighted means (H,) of squared residuals and of residuals times targets, and the penalties, into out (3, H)."""
    cdef Py_ssize_t sets = residual.shape[1], i, j, h
    cdef double b, w
    with nogil:
        out[:, :] = 0.0
        for i in range(residual.shape[0]):
            for h in range(sets):
                w = weight[i, h] * residual[i, h]
                out[0, h] += w * residual[i, h]
                out[1, h] += w * target[i, h]
        for h in range(sets):
            out[0, h] /= total[h]
            out[1, h] /= total[h]
        for i in range(index.shape[0]):
            j = index[i]
            for h in range(sets):
                b = coef[i, h]
                if b != 0.0:
                    out[2, h] += l1 * threshold[j, h] * fabs(b) + 0.5 * l2 * square[j, h] * b * b


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
