# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""One pass over the gradients (p, H) of all held-out sets: which columns come near their thresholds, and what the dual objective loses.

A gradient pulls column j of set h to the right where it is positive and the column may go up, to the left where it is
negative and the column may go down; it must exceed l1 times the column's threshold before it counts.
"""

from libc.math cimport INFINITY, fabs


cdef inline double pull_of(double g, signed char sides) noexcept nogil:
    """How strongly a gradient pulls into a side that is open: bit 1 up, bit 2 down."""
    if g > 0.0:
        return g if sides & 1 else 0.0
    return -g if sides & 2 else 0.0


def strong(const double[:, ::1] gradient, const double[:, ::1] threshold, const signed char[:, ::1] sides,
           double l1, Py_ssize_t[::1] found):
    """Put into `found` the columns whose pull exceeds l1 times their threshold in some set; how many they are."""
    cdef Py_ssize_t p = gradient.shape[0], sets = gradient.shape[1], j, h, count = 0
    with nogil:
        for j in range(p):
            for h in range(sets):
                if pull_of(gradient[j, h], sides[j, h]) > l1 * threshold[j, h]:
                    found[count] = j
                    count += 1
                    break
    return count


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
