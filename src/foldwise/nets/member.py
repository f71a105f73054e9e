"""A member: one network of a batch, told by its training rows, its seed and how it is regularized."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import InputError
from foldwise.nets.dealt import Dealt
from foldwise.parameters.checks import number, share, whole


@dataclass(frozen=True, eq=False, kw_only=True)
class Member:
    """What one network is trained on and with. Whatever is None is the model's own.

    Strengths of l1 and l2 are Keras': the loss is the mean over a batch of the loss per row, plus
    l1 * sum |w| + l2 * sum w^2 over the weights of dense layers. Biases, and the offsets and slopes of normalization
    layers, are never penalized.

    Parameters
    ----------
    rows : (n_train,) whole numbers, or None for all rows
        Training rows. Means, scales and fill values are theirs alone. Of rows that are read in blocks also `Dealt`.
    inputs : whole numbers, default None: all
        Numbers of the columns that it sees, of a model with one input of numbers; it never hears of the others.
    seed : int >= 0
        Decides initial weights, row order, dropout, noise and the inner split.
    weight_seed : int >= 0, default `seed`
        Decides the initial weights instead.
    epochs : int >= 1
        How often the training rows are gone through, at most.
    learning_rate : float > 0
    l1, l2 : float >= 0
        Instead of the strengths of the model's own kernel regularizers. l1 gives exact zeros (a proximal step).
    group_lasso : float >= 0
        Strength of sqrt(width) * ||w_j||_2 over the first layer's weights w_j of each input j: drops whole inputs.
    weight_decay : float >= 0
        Decoupled: each step takes learning_rate * weight_decay of every weight away.
    dropout : float in [0, 1), or one for each dropout layer
    label_smoothing : float in [0, 1)
        Classes only: the share of each target that is spread evenly over the classes.
    input_noise : float >= 0
        Standard deviation of Gaussian noise on the (scaled) inputs in training.
    max_norm : float > 0
        Largest norm of the weights into a unit; infinity for no limit.
    mixup : float >= 0
        Alpha of the Beta distribution of the mix of two rows and their targets; 0 mixes nothing.
    ema : float in [0, 1)
        Momentum of the running average of the weights that becomes the model; 0 averages nothing.
    swa_start : float in [0, 1]
        The model is the average of the weights after the epochs from this share of `epochs` on; 1 averages nothing.
    patience : int >= 1, or None for no early stopping
        Epochs without a better loss on the inner split before training stops; the best epoch's weights are restored.
    min_delta : float >= 0
        What counts as better.
    watch : float in (0, 1), or (n_watch,) rows
        The inner split: a share of the training rows, drawn by the seed, or which of them. Not trained on.
        Used only with patience.

    Examples
    --------
    >>> from foldwise.nets import Member
    >>> Member(rows=[0, 1, 2], l1=0.01, dropout=1.0)
    Traceback (most recent call last):
    foldwise.errors.InputError: dropout must be a number >= 0 and < 1, got 1.0
    """

    rows: ArrayLike | Dealt | None = None
    inputs: ArrayLike | None = None
    seed: int = 0
    weight_seed: int | None = None
    epochs: int = 100
    learning_rate: float | None = None
    l1: float | None = None
    l2: float | None = None
    group_lasso: float = 0.0
    weight_decay: float | None = None
    dropout: float | tuple[float, ...] | None = None
    label_smoothing: float = 0.0
    input_noise: float = 0.0
    max_norm: float = math.inf
    mixup: float = 0.0
    ema: float = 0.0
    swa_start: float = 1.0
    patience: int | None = None
    min_delta: float = 0.0
    watch: float | ArrayLike = 0.1

    def __post_init__(self) -> None:
        """Check every number."""
        self._check_penalties()
        whole("seed", self.seed, 0)
        if self.weight_seed is not None:
            whole("weight_seed", self.weight_seed, 0)
        whole("epochs", self.epochs, 1)
        if self.learning_rate is not None:
            number("learning_rate", self.learning_rate, above=True)
        for rate in self.dropout if isinstance(self.dropout, tuple | list) else (self.dropout,):
            if rate is not None:
                share("dropout", rate)
        share("label_smoothing", self.label_smoothing)
        share("ema", self.ema)
        number("swa_start", self.swa_start, high=1.0)
        if self.max_norm != math.inf:
            number("max_norm", self.max_norm, above=True)
        if self.patience is not None:
            whole("patience", self.patience, 1)
        if self.ema and self.swa_start < 1:
            raise InputError(f"ema and swa_start can't both average the weights, got {self.ema} and {self.swa_start}")
        if np.ndim(self.watch) == 0 and share("watch", self.watch) == 0.0:
            raise InputError(f"watch must be a share > 0 and < 1 or rows, got {self.watch!r}")

    def _check_penalties(self) -> None:
        for name in ("l1", "l2", "weight_decay"):
            if getattr(self, name) is not None:
                number(name, getattr(self, name))
        for name in ("group_lasso", "input_noise", "mixup", "min_delta"):
            number(name, getattr(self, name))


def checked_rows(name: str, rows: Any, n: int) -> NDArray[np.intp]:
    """Row numbers 0..n-1, at least one; a boolean mask (n,) is taken as well."""
    array = np.asarray(rows)
    if array.dtype == bool and array.shape == (n,):
        array = np.flatnonzero(array)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iu":
        raise InputError(f"{name} must be row numbers, got {array.dtype} of shape {array.shape}")
    if array.min() < 0 or array.max() >= n:
        odd = array.min() if array.min() < 0 else array.max()
        raise InputError(f"{name} must be row numbers from 0 to {n - 1}, got {odd}")
    return array.astype(np.intp)
