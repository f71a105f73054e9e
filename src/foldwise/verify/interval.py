"""The interval of one candidate's error by nested cross-validation, from its definition in docs/how-sure.md."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from foldwise.verify.rows import Rows

Floats = NDArray[np.float64]

NESTED = "nested cross-validation"


def nested(rows: Rows, losses: Floats, inner: Floats, cost: float) -> tuple[float, float]:
    """Both ends, in units of the losses.

    Parameters
    ----------
    rows : Rows
    losses : (R, n) array
        Of each row under the fit without its fold.
    inner : (J, K) array
        [i, k]: mean loss on fold k of the fit without i and k.
    cost : float
        Mean inner over mean outer error at the final strength.
    """
    folds = rows.folds
    count, n = folds.n_folds, int(np.count_nonzero(rows.weight))
    a, b, outer, inside, total = [], [], [], [], []
    for i in range(folds.n_repeats * count):
        test = folds.test_rows(i)
        test = test[rows.weight[test] > 0.0]
        others = [j for j in range(count) if j != i % count]
        weights = [float(rows.weight[folds.test_rows(i - i % count + j)].sum()) for j in others]
        inside.append(float(np.average(inner[i, others], weights=weights)))
        here, w = losses[i // count, test], rows.weight[test]
        outer.append(float(np.average(here, weights=w)))
        a.append((inside[-1] - outer[-1]) ** 2)
        b.append(_squared_error(here, w))
        total.append(float(w.sum()))
    mean, most = float(np.average(outer, weights=total)), float(np.mean(inside))
    if min(mean, most) <= 0.0:
        return mean, mean
    use = rows.weight > 0.0
    naive = float(np.sqrt(np.mean([_squared_error(each[use], rows.weight[use]) for each in losses]))) / mean
    wanted = float(np.sqrt(max(float(np.mean(a) - np.mean(b)), 0.0) * (count - 1) / count)) / most
    relative = float(np.clip(wanted, naive, np.sqrt(count) * naive))
    centre = np.log(mean) - ((count - 2) / count) ** 1.5 * np.log(cost)
    half = stats.t.ppf(0.975, n - 1) * relative
    return float(np.exp(centre - half)), float(np.exp(centre + half))


def _squared_error(losses: Floats, w: Floats) -> float:
    """The squared standard error of a weighted mean of independent losses."""
    mean = np.average(losses, weights=w)
    return float(np.sum((w * (losses - mean)) ** 2) / w.sum() ** 2 * len(w) / (len(w) - 1))
