"""Where a network's error varies from: which rows it was given, its initial weights, the order of its batches."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from foldwise.errors import InputError


@dataclass(frozen=True)
class VarianceSplit:
    """Components of the variance of a network's error, in squared units of the error.

    Attributes
    ----------
    data : between random splits of the rows
    weights : between initial weights, for given rows
    order : between orders of batches (and draws of dropout, noise and the inner split), for given rows
    rest : what weights and order do only together

    Examples
    --------
    >>> from foldwise.nets import VarianceSplit
    >>> print(VarianceSplit(data=3.0, weights=1.0, order=0.5, rest=0.5))
    60 % data, 20 % initial weights, 10 % batch order, 10 % both together
    """

    data: float
    weights: float
    order: float
    rest: float

    @property
    def total(self) -> float:
        """The variance of the error of one network on one split."""
        return self.data + self.weights + self.order + self.rest

    def __str__(self) -> str:
        """Shares of the total."""
        parts = (self.data, self.weights, self.order, self.rest)
        shares = [100 * part / self.total if self.total else 0.0 for part in parts]
        names = ("data", "initial weights", "batch order", "both together")
        return ", ".join(f"{share:.0f} % {name}" for share, name in zip(shares, names, strict=True))


def split_variance(errors: ArrayLike) -> VarianceSplit:
    """Estimate the components from a balanced design: W initial weights crossed with B orders within each of D splits.

    The analysis of variance of error = mean + data_d + weights_dw + order_db + rest_dwb, all random: mean squares are
    set to what they are expected to be. An estimate below zero is told as zero.

    Parameters
    ----------
    errors : (D, W, B), each at least 2

    References
    ----------
    Searle, Casella & McCulloch (1992), Variance components, chapter 4. Bouthillier et al. (2021), Accounting for
    variance in machine learning benchmarks, MLSys, on why to look.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.nets.variance import split_variance
    >>> split_variance(np.arange(3.0)[:, None, None] * np.ones((3, 2, 2)))
    VarianceSplit(data=1.0, weights=0.0, order=0.0, rest=0.0)
    """
    error = np.asarray(errors, dtype=np.float64)
    if error.ndim != 3 or min(error.shape) < 2 or not np.isfinite(error).all():
        raise InputError(f"errors must be finite, of shape (splits, weights, orders), each >= 2, got {error.shape}")
    D, W, B = error.shape
    cell, by_weight, by_order = error.mean(axis=(1, 2)), error.mean(axis=2), error.mean(axis=1)
    left = error - by_weight[:, :, None] - by_order[:, None, :] + cell[:, None, None]
    rest = float((left**2).sum() / (D * (W - 1) * (B - 1)))
    weights = float(B * ((by_weight - cell[:, None]) ** 2).sum() / (D * (W - 1)))
    order = float(W * ((by_order - cell[:, None]) ** 2).sum() / (D * (B - 1)))
    data = float(W * B * ((cell - cell.mean()) ** 2).sum() / (D - 1))
    return VarianceSplit(
        data=max((data - weights - order + rest) / (W * B), 0.0),
        weights=max((weights - rest) / B, 0.0),
        order=max((order - rest) / W, 0.0),
        rest=rest,
    )
