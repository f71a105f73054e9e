"""What the network estimators share: reading rows, the members they ask for, predictions, history, the Keras model."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from foldwise.errors import InputError
from foldwise.moments.streaming.plan import ScanPlan
from foldwise.nets.buffers import buffer_rows
from foldwise.nets.export import as_keras
from foldwise.nets.fit_blocks import in_blocks, open_for, opening, trained_on
from foldwise.nets.member import Member
from foldwise.nets.opened import Dealer
from foldwise.nets.order import fit_and_watch
from foldwise.nets.parts import describe, parts_of
from foldwise.nets.perceptron import Normalization, perceptron
from foldwise.nets.pool import Pool
from foldwise.nets.prepared import Prepared, Trainer, of_positive_rows
from foldwise.nets.progress import Progress
from foldwise.nets.prune import Pruned, prune
from foldwise.nets.streamed import features
from foldwise.nets.streaming import Stream
from foldwise.nets.survey import survey
from foldwise.nets.tables import Rows, read_importance
from foldwise.nets.trained import TrainedMember, predicted
from foldwise.parameters.checks import flag, share, whole
from foldwise.parameters.composed import Composed

Array = NDArray[np.float64]
_LEARNING_RATE = 0.003  # of the built-in network
STRENGTHS = (
    "learning_rate", "l1", "l2", "group_lasso", "dropout", "weight_decay", "max_norm", "input_noise", "mixup",
    "label_smoothing", "ema",
)  # fmt: skip  # what members can differ in


class Net(Composed, BaseEstimator):  # type: ignore[misc]
    """A regularized network as an estimator; the subclasses say what y is."""

    member_: TrainedMember
    _plan: ScanPlan | None = None

    def __init__(
        self,
        hidden: Any = (64, 32),
        *,
        activation: str = "relu",
        l1: float | None = None,
        l2: float | None = None,
        group_lasso: float = 0.0,
        dropout: Any = None,
        weight_decay: float | None = None,
        max_norm: float | None = None,
        input_noise: float = 0.0,
        mixup: float = 0.0,
        ema: float = 0.0,
        normalization: Normalization | None = None,
        learning_rate: float | None = None,
        epochs: int = 200,
        batch_size: int = 32,
        early_stopping: bool = False,
        patience: int = 20,
        validation_fraction: float = 0.1,
        standardize: bool = True,
        model: Any = None,
        trainer: Trainer = "gradient",
        random_state: Any = 0,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.l1 = l1
        self.l2 = l2
        self.group_lasso = group_lasso
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.max_norm = max_norm
        self.input_noise = input_noise
        self.mixup = mixup
        self.ema = ema
        self.normalization = normalization
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.standardize = standardize
        self.model = model
        self.trainer = trainer
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    # What y is -------------------------------------------------------------------------------------------------------

    def _read_y(self, y: Any) -> Array:
        """Targets as the network learns them."""
        raise NotImplementedError

    def _y_in_parts(self, n_outputs: int, classes: Callable[[], Any]) -> Callable[[Any], Any]:
        """What makes targets of some of y (n,), or (n, T) where there are `n_outputs`; `classes` looks for them."""
        raise NotImplementedError

    def _task(self) -> tuple[Any, int]:
        """The built-in network's task and number of outputs."""
        raise NotImplementedError

    # Fitting ---------------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, *, target: Any = None, **table: Any) -> Self:
        """Train on X (n, p) and y: numbers (n,) or (n, T), or classes (n,).

        `sample_weight` (n,) is what the loss of each row counts; a row of weight 0 is left out.

        X may also be an array on disk (`np.load(mmap_mode="r")`), or a table of files whose target, and weights, are
        named: `fit("data/*.parquet", target="y")`, with `key`, `drop` and `categories` as `FoldMoments.scan` has them.
        Both are read in blocks, again in every epoch; see "Rows that do not fit" in docs/networks.md.
        """
        if in_blocks(X, target):
            found = opening(self, X, y, sample_weight, target, table)
            blocks = open_for(self, found)
            member, dealer = Member(seed=self._seed(), **self._settings()), Dealer(blocks)
            surveyed = survey(blocks, [dealer.training(member)])
            return self._keep(*trained_on(self, surveyed, dealer, member, found.size))
        if table:
            raise InputError(f"{next(iter(table))} is for tables whose target is named")
        X, y = self._read(X, y)
        importance = read_importance(sample_weight, len(X))
        if importance is not None:
            X, y, importance = (each[importance > 0] for each in (X, y, importance))
            if len(X) < 2:
                raise InputError(f"sample_weight must be more than zero in at least two rows, got {len(X)} such rows")
        prepared = self._prepared(X, y, [Member(seed=self._seed(), **self._settings())], importance)
        return self._keep(prepared, self._train(prepared)[0])

    def _read(self, X: Any, y: Any) -> tuple[Array, Array]:
        try:
            X, y = validate_data(
                self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", multi_output=True, ensure_min_samples=2
            )
        except ValueError as error:
            if "Input y contains" in str(error) and (row := _first_gap(y)) is not None:
                raise InputError(f"{error} First in row {row}") from error
            raise
        self._plan = None
        return X, self._read_y(y)

    def _settings(self) -> dict[str, Any]:
        """What all members have in common, checked; strengths that are None are the model's own."""
        found = {name: getattr(self, name) for name in STRENGTHS if getattr(self, name, None) is not None}
        stops_early = flag("early_stopping", self.early_stopping)
        patience = whole("patience", self.patience, 1) if stops_early else None
        watch = share("validation_fraction", self.validation_fraction)
        if watch == 0.0:
            raise InputError(f"validation_fraction must be a number > 0 and < 1, got {self.validation_fraction!r}")
        epochs = whole("epochs", self.epochs, 1)
        return {**found, "patience": patience, "watch": watch, "epochs": epochs}

    def _seed(self) -> int:
        """The seed that random_state stands for."""
        if isinstance(self.random_state, int | np.integer):
            return whole("random_state", self.random_state, 0)
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

    def _modelled(self, members: list[Member]) -> tuple[list[Member], Any, Any]:
        """Members, the model that they are made of, and its loss where it is not compiled."""
        with_dropout = any(np.any(np.asarray(member.dropout or 0.0) > 0) for member in members)
        if not with_dropout and self.model is None:
            members = [replace(member, dropout=None) for member in members]
        template = self._template(with_dropout=with_dropout)
        return members, template, None if getattr(template, "compiled", False) else self._loss(template)

    def _prepared(self, X: Array, y: Array, members: list[Member], importance: Array | None = None) -> Prepared:
        members, template, loss = self._modelled(members)
        if importance is not None:
            members = [of_positive_rows(member, importance) for member in members]
        smallest = min(len(fit_and_watch(member, len(X))[0]) for member in members)
        batch_size = min(whole("batch_size", self.batch_size, 1), smallest)
        return Prepared(
            template, X, y, members, loss=loss, batch_size=batch_size, standardize=self.standardize,
            standardize_target=None, exact_zeros=True, sample_weight=importance, trainer=self.trainer,
        )  # fmt: skip

    def _loss(self, template: Any) -> str:
        """The loss of a model that is not compiled."""
        raise NotImplementedError

    def _train(self, prepared: Prepared, pool: Pool | None = None) -> list[TrainedMember]:
        if not (pool or prepared.pool()).train(prepared.jobs, Progress()):
            raise KeyboardInterrupt
        return prepared.trained(range(len(prepared.jobs))).members

    def _keep(self, prepared: Prepared | Stream, member: TrainedMember) -> Self:
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
        own = self.member_ if member is None else member
        if in_blocks(X, None) or (self._plan is not None and not isinstance(X, np.ndarray)):
            parts = features(X, self._plan, self.n_features_in_, buffer_rows(self.n_features_in_ + 1))
            said = [predicted(self.description_, own, Rows((part,)).scaled(own.scalings)) for part in parts]
            return np.concatenate(said)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
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


def _first_gap(y: Any) -> int | None:
    """The first row whose targets are not finite numbers."""
    try:
        odd = np.flatnonzero(~np.isfinite(np.asarray(y, dtype=np.float64)).reshape(len(y), -1).all(axis=1))
    except (TypeError, ValueError):
        return None
    return int(odd[0]) if odd.size else None
