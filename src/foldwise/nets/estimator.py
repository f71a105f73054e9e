"""What the network estimators share: reading rows, the members they ask for, predictions, history, the Keras model."""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from foldwise.errors import InputError
from foldwise.nets.checks import number, whole
from foldwise.nets.export import as_keras
from foldwise.nets.member import Member
from foldwise.nets.order import fit_and_watch
from foldwise.nets.parts import describe, parts_of
from foldwise.nets.perceptron import perceptron
from foldwise.nets.pool import Pool
from foldwise.nets.progress import Progress
from foldwise.nets.prune import Pruned, prune
from foldwise.nets.tables import Rows
from foldwise.nets.train import Prepared
from foldwise.nets.trained import TrainedMember, predicted

Array = NDArray[np.float64]
_LEARNING_RATE = 0.003  # of the built-in network
STRENGTHS = (
    "learning_rate", "l1", "l2", "group_lasso", "dropout", "weight_decay", "max_norm", "input_noise", "mixup",
    "label_smoothing", "ema",
)  # fmt: skip  # what members can differ in


class Net(BaseEstimator):  # type: ignore[misc]
    """A regularized network as an estimator; the subclasses say what y is."""

    hidden: Any
    activation: Any
    normalization: Any
    early_stopping: Any
    patience: Any
    validation_fraction: Any
    epochs: Any
    batch_size: Any
    standardize: Any
    model: Any
    random_state: Any
    member_: TrainedMember

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    # What y is -------------------------------------------------------------------------------------------------------

    def _read_y(self, y: Any) -> Array:
        """Targets as the network learns them."""
        raise NotImplementedError

    def _task(self) -> tuple[Any, int]:
        """The built-in network's task and number of outputs."""
        raise NotImplementedError

    # Fitting ---------------------------------------------------------------------------------------------------------

    def _read(self, X: Any, y: Any) -> tuple[Array, Array]:
        X, y = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", multi_output=True, ensure_min_samples=2
        )
        return X, self._read_y(y)

    def _settings(self) -> dict[str, Any]:
        """What all members have in common, checked; strengths that are None are the model's own."""
        found = {name: getattr(self, name) for name in STRENGTHS if getattr(self, name, None) is not None}
        if isinstance(self.early_stopping, bool | np.bool_):
            patience = whole("patience", self.patience, 1) if self.early_stopping else None
        else:
            raise InputError(f"early_stopping must be True or False, got {self.early_stopping!r}")
        watch = number("validation_fraction", self.validation_fraction, above=True)
        epochs = whole("epochs", self.epochs, 1)
        return {**found, "patience": patience, "watch": watch, "epochs": epochs}

    def _seed(self) -> int:
        """The seed that random_state stands for."""
        if isinstance(self.random_state, int | np.integer) and self.random_state >= 0:
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))

    def _template(self, *, with_dropout: bool) -> Any:
        """The model that members are made of."""
        if self.model is not None:
            return self.model
        task, n_outputs = self._task()
        try:
            hidden = tuple(self.hidden)
        except TypeError as error:
            raise InputError(f"hidden must be the widths of hidden layers, got {self.hidden!r}") from error
        return perceptron(
            self.n_features_in_, hidden, n_outputs, task=task, activation=self.activation, learning_rate=_LEARNING_RATE,
            dropout=0.0 if with_dropout else None, normalization=self.normalization,
        )  # fmt: skip

    def _prepared(self, X: Array, y: Array, members: list[Member]) -> Prepared:
        with_dropout = any(np.any(np.asarray(member.dropout or 0.0) > 0) for member in members)
        if not with_dropout and self.model is None:
            members = [_without_dropout(member) for member in members]
        smallest = min(len(fit_and_watch(member, len(X))[0]) for member in members)
        batch_size = min(whole("batch_size", self.batch_size, 1), smallest)
        template = self._template(with_dropout=with_dropout)
        loss = None if getattr(template, "compiled", False) else self._loss(template)
        return Prepared(template, X, y, members, loss=loss, batch_size=batch_size, standardize=self.standardize)

    def _loss(self, template: Any) -> str:
        """The loss of a model that is not compiled."""
        raise NotImplementedError

    def _train(self, prepared: Prepared, pool: Pool | None = None) -> list[TrainedMember]:
        if not (pool or prepared.pool()).train(prepared.jobs, Progress()):
            raise KeyboardInterrupt
        return prepared.trained(range(len(prepared.jobs))).members

    def _keep(self, prepared: Prepared, member: TrainedMember) -> Self:
        self.description_ = prepared.program.description
        self.member_ = member
        self.history_ = {"loss": member.loss, "val_loss": member.watch_loss}
        self.n_epochs_, self.best_epoch_ = member.last_epoch, member.best_epoch
        if member.status == "diverged":
            message = (
                f"The network diverged in epoch {member.last_epoch}: its loss is no longer a number. "
                "Use a smaller learning_rate, or look for extreme values in X and y"
            )
            warnings.warn(message, ConvergenceWarning, stacklevel=3)
        return self

    # Predicting ------------------------------------------------------------------------------------------------------

    def _outputs(self, X: Any, member: TrainedMember | None = None) -> Array:
        """Outputs (n, T) of a member in the targets' units."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        own = self.member_ if member is None else member
        return predicted(self.description_, own, Rows((X,)).scaled(own.scalings))

    @property
    def model_(self) -> Any:
        """The network as an ordinary compiled Keras model of unscaled rows; `.save("x.keras")` works."""
        template = self._described()
        return as_keras(template, parts_of(self.description_), self.member_)

    def _described(self) -> Any:
        """The model that the member was made of."""
        check_is_fitted(self)
        template = self._template(with_dropout=bool(parts_of(self.description_).dropouts))
        if describe(template) != self.description_:
            raise InputError("the parameters must be those of the last fit, but were changed: fit again")
        return template

    def prune(self, threshold: float = 0.0) -> Pruned:
        """The network without weights of at most `threshold` in size, and without what then does nothing."""
        template = self._described()
        return prune(template, parts_of(self.description_), self.member_, threshold)


def _without_dropout(member: Member) -> Member:
    from dataclasses import replace

    return replace(member, dropout=None)
