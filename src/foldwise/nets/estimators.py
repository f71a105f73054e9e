"""A regularized network for numbers, and one for classes, as scikit-learn estimators."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from foldwise.errors import InputError
from foldwise.nets.backend import keras
from foldwise.nets.estimator import Array, Net
from foldwise.nets.streamed import codes_of


class Numbers(MultiOutputMixin, RegressorMixin, Net):  # type: ignore[misc]
    """Networks whose y are numbers."""

    def _read_y(self, y: Any) -> Array:
        try:
            numbers: Array = np.asarray(y, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"y must be numbers, got {np.asarray(y).dtype}. NetClassifier takes names") from error
        self.n_outputs_ = 1 if numbers.ndim == 1 else numbers.shape[1]
        self._flat = numbers.ndim == 1
        return numbers

    def _y_in_parts(self, n_outputs: int, classes: Any) -> Any:  # noqa: ARG002 - classes look for them
        self._flat, self.n_outputs_ = n_outputs == 0, max(n_outputs, 1)
        return lambda part: part

    def _task(self) -> tuple[Any, int]:
        return "numbers", self.n_outputs_

    def _loss(self, template: Any) -> str:  # noqa: ARG002 - classes look at it
        return "mean_squared_error"

    def predict(self, X: Any) -> Array:
        """Predict y, (n,) or (n, T), for the rows of X (n, p)."""
        predictions = self._outputs(X)
        said: Array = predictions[:, 0] if self._flat else predictions
        return said


class Classes(ClassifierMixin, Net):  # type: ignore[misc]
    """Networks whose y are classes of any kind."""

    classes_: NDArray[Any]

    def _read_y(self, y: Any) -> Array:
        y = column_or_1d(y, warn=True)
        gaps = np.flatnonzero([label is None or label != label for label in y.tolist()])  # noqa: PLR0124 - NaN is not itself
        if gaps.size:
            raise InputError(f"y must be a class in every row, got {y[gaps[0]]} in row {gaps[0]}")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(f"y must have at least two classes, got only one class: {self.classes_.tolist()[0]!r}")
        return codes.astype(np.float64)

    def _y_in_parts(self, n_outputs: int, classes: Any) -> Any:
        if n_outputs:
            raise InputError(f"y must be classes (n,), got {n_outputs} columns")
        self.classes_ = classes()
        if len(self.classes_) < 2:
            raise InputError(f"y must have at least two classes, got only one class: {self.classes_.tolist()[0]!r}")
        return codes_of(self.classes_)

    def _task(self) -> tuple[Any, int]:
        return "classes", len(self.classes_)

    def _loss(self, template: Any) -> Any:
        linear = getattr(template.layers[-1], "activation", None) is keras.activations.linear
        if template.output_shape[-1] == 1:
            return keras.losses.BinaryCrossentropy(from_logits=linear)
        return keras.losses.CategoricalCrossentropy(from_logits=linear)

    def _probabilities(self, outputs: Array) -> Array:
        """Outputs (n, C) or, of two classes, (n, 1) as probabilities (n, C)."""
        logits = (
            self.model is not None and getattr(self.model.layers[-1], "activation", None) is keras.activations.linear
        )
        if outputs.shape[1] == 1:
            yes = 1 / (1 + np.exp(-outputs)) if logits else outputs
            return np.asarray(np.hstack([1 - yes, yes]))
        if logits:
            outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(outputs / outputs.sum(axis=1, keepdims=True))

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (n, C), in the order of `classes_`."""
        return self._probabilities(self._outputs(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row, (n,)."""
        check_is_fitted(self)
        likeliest: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return likeliest


class NetRegressor(Numbers):
    """A multilayer perceptron, or a Keras model, for numbers, regularized in any of the ways of `nets.Member`.

    Minimizes the mean squared error of y in standard deviations + l1 sum |w| + l2 sum w^2 over the weights of its
    layers, never their biases. Inputs and y are scaled by the training rows' own means and standard deviations;
    missing numbers (NaN) stand for the mean. l1 gives exact zeros.

    Parameters
    ----------
    hidden : widths of the hidden layers, default (64, 32)
    activation : Keras' name of their activation, default "relu"
    l1, l2 : float >= 0, default None: none, or those of `model`'s own layers
    group_lasso : float >= 0, default 0
        Strength of the penalty that drops whole inputs.
    dropout : float in [0, 1), default None: none, or `model`'s own rates
    weight_decay : float >= 0, default None: none, or that of `model`'s optimizer
    max_norm : float > 0, default None
        The largest norm of the weights into a unit.
    input_noise, mixup, ema : as in `nets.Member`, default 0
    normalization : None, "batch" or "layer"
    learning_rate : float > 0, default None: 0.003, or that of `model`'s optimizer
    epochs : int, default 200
    batch_size : int, default 32; all rows where there are fewer
    early_stopping : bool, default False
        Whether to stop after `patience` epochs without a better loss on an inner split, `validation_fraction` of the
        training rows, and to restore the best epoch's weights.
    patience : int, default 20
    validation_fraction : float in (0, 1), default 0.1
    standardize : bool, default True
    model : keras.Model, default None
        Instead of the built-in network; it is not changed. Its own compiled loss and optimizer are used.
    trainer : "gradient" (default) or "annealing"
        Simulated annealing, for small networks and losses without a gradient; see `nets.train`.
    random_state : int, RandomState or None, default 0

    Attributes
    ----------
    model_ : keras.Model
        The network as an ordinary compiled Keras model of rows and targets in their own units.
    history_ : dict of "loss" and "val_loss", each (epochs,)
    n_epochs_, best_epoch_ : int, epochs trained, and the one whose weights these are
    member_ : nets.TrainedMember
        Weights, scale and how training ended.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import foldwise as fw
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(64, 3))
    >>> net = fw.NetRegressor(hidden=(8,), l2=1e-3, epochs=100).fit(X, X[:, 0] - X[:, 1])
    >>> bool(net.score(X, X[:, 0] - X[:, 1]) > 0.95)
    True
    """


class NetClassifier(Classes):
    """A multilayer perceptron, or a Keras model, for classes, regularized in any of the ways of `nets.Member`.

    Minimizes the mean cross-entropy plus penalties. Parameters and attributes are NetRegressor's, and

    Parameters
    ----------
    label_smoothing : float in [0, 1), default 0
        The share of each target that is spread evenly over the classes.

    Attributes
    ----------
    classes_ : (C,)

    Examples
    --------
    >>> import foldwise as fw
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(64, 3))
    >>> y = np.where(X[:, 0] > 0, "yes", "no")
    >>> net = fw.NetClassifier(hidden=(8,), dropout=0.1, epochs=100).fit(X, y)
    >>> net.predict_proba(X).shape, bool(net.score(X, y) > 0.9)
    ((64, 2), True)
    """

    def __init__(self, *given: Any, label_smoothing: float = 0.0, **rest: Any) -> None:
        super().__init__(*given, **rest)
        self.label_smoothing = label_smoothing
