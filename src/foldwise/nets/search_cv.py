"""Networks whose strengths are chosen by cross-validation, as estimators: one batch for the whole search."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_is_fitted

from foldwise.errors import InputError
from foldwise.nets.dealt import partitions_of
from foldwise.nets.estimator import STRENGTHS, Array
from foldwise.nets.estimators import NetClassifier, NetRegressor
from foldwise.nets.fit_blocks import Opening, in_blocks, open_for, opening, stream_of, trained_on
from foldwise.nets.member import Member
from foldwise.nets.opened import Dealer
from foldwise.nets.prune import Pruned
from foldwise.nets.search import Searched, candidates_of, run_search
from foldwise.nets.streamed_search import run_streamed_search
from foldwise.nets.survey import survey
from foldwise.nets.tables import read_importance
from foldwise.nets.trained import TrainedMember
from foldwise.parameters.checks import flag
from foldwise.resampling import Folds

_WAYS = ("refit", "ensemble", "best")
_SEARCH = {"l2": (0.0, 1e-4, 1e-3, 1e-2)}


class _Search(BaseEstimator):  # type: ignore[misc]
    """What the two searches share."""

    net_: Any
    refit_: TrainedMember
    members_: list[TrainedMember]

    def __init__(
        self,
        search: Any = None,
        *,
        net: Any = None,
        cv: Any = 5,
        draws: int | None = None,
        halving: bool = False,
        predict_with: str = "refit",
        random_state: Any = 0,
    ) -> None:
        self.search = search
        self.net = net
        self.cv = cv
        self.draws = draws
        self.halving = halving
        self.predict_with = predict_with
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _blank(self) -> Any:
        """The network without strengths of its own choice."""
        raise NotImplementedError

    def _folds(self, X: Array, y: Array, seed: int) -> Folds:
        """The folds that cv stands for."""
        raise NotImplementedError

    def _row_errors(self, y: Array, predictions: Array) -> Array:
        """An error (n,) for each row."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, *, target: Any = None, **table: Any) -> Self:
        """Choose the strengths on X (n, p) and y, and train the chosen network on all rows.

        `sample_weight` (n,) is what the loss of each row counts, in training and in the errors that choose. A row of
        weight 0 is in no batch and chooses nothing; it has an out-of-fold prediction all the same.

        X may also be on disk, as in the `fit` of `net`; `cv` is then a number, for folds dealt by a hash, or Folds.
        """
        if self.predict_with not in _WAYS:
            raise InputError(f"predict_with must be one of {', '.join(map(repr, _WAYS))}, got {self.predict_with!r}")
        net = self._blank().set_params(random_state=self.random_state)
        if flag("halving", self.halving) and net.trainer != "gradient":
            raise InputError("halving must be False with trainer='annealing', which cools over all epochs")
        if in_blocks(X, target):
            return self._fit_in_blocks(net, opening(net, X, y, sample_weight, target, table))
        if table:
            raise InputError(f"{next(iter(table))} is for tables whose target is named")
        X, y = net._read(X, y)  # noqa: SLF001 - the same room
        self.n_features_in_ = net.n_features_in_
        if hasattr(net, "feature_names_in_"):
            self.feature_names_in_ = net.feature_names_in_
        settings, seed = net._settings(), net._seed()  # noqa: SLF001
        names = (*(name for name in STRENGTHS if hasattr(net, name)), "epochs")
        found = candidates_of(_SEARCH if self.search is None else self.search, self.draws, seed, names)
        importance = read_importance(sample_weight, len(X))
        folds = self._folds(X, y, seed)
        weights = np.ones(len(X)) if importance is None else importance
        self._check_folds(folds, y, weights)
        members = [
            Member(rows=folds.training_rows({fold}), seed=seed + fold // folds.n_folds, **{**settings, **own})
            for own in found
            for fold in range(folds.get_n_splits())
        ]
        prepared = net._prepared(X, y, members, importance)  # noqa: SLF001
        searched = run_search(
            prepared, folds, len(found), lambda said, rows: self._row_errors(y[rows], said), weights,
            halving=self.halving,
        )  # fmt: skip
        self._note(searched, found, folds)
        own = {**settings, **self.best_params_, "epochs": self.best_epochs_, "patience": None}
        final = net._prepared(X, y, [Member(seed=seed, **own)], importance)  # noqa: SLF001
        self.refit_ = net._train(final)[0]  # noqa: SLF001
        net._keep(final, self.refit_)  # noqa: SLF001
        self.net_, self.fold_description_ = net, prepared.program.description
        return self

    def _check_folds(self, folds: Folds, y: Array, weights: Array) -> None:  # noqa: ARG002 - classes look at y
        """Refuse folds that can't be trained on or scored."""
        for fold in range(folds.get_n_splits()):
            for rows, part in ((folds.test_rows(fold), "held-out"), (folds.training_rows({fold}), "training")):
                if not (weights[rows] > 0).any():
                    raise InputError(
                        f"sample_weight must be > 0 in some {part} row of every fold, got 0 in fold {fold}"
                    )

    def _fit_in_blocks(self, net: Any, opened: Opening) -> Self:
        blocks = open_for(net, opened)
        settings, seed = net._settings(), net._seed()  # noqa: SLF001 - the same room
        names = (*(name for name in STRENGTHS if hasattr(net, name)), "epochs")
        found = candidates_of(_SEARCH if self.search is None else self.search, self.draws, seed, names)
        partitions = partitions_of(self.cv, blocks.n_rows, seed)
        dealer = Dealer(blocks)
        dealt = [
            (member, dealer.training(member, partition, fold))
            for own in found
            for repeat, partition in enumerate(partitions)
            for fold in range(partition.n_cells)
            for member in [Member(seed=seed + repeat, **{**settings, **own})]
        ]
        final = Member(seed=seed, **{**settings, "patience": None})
        surveyed = survey(blocks, [*(training for _, training in dealt), dealer.training(final)])
        stream = stream_of(net, surveyed, dealt, opened.size)
        searched = run_streamed_search(
            stream, len(found), len(partitions), lambda targets, said: self._row_errors(self._as_read(targets), said),
            halving=self.halving,
        )  # fmt: skip
        self._note(searched, found, self.cv if isinstance(self.cv, Folds) else None)
        own = {**settings, **self.best_params_, "epochs": self.best_epochs_, "patience": None}
        made, self.refit_ = trained_on(net, surveyed, dealer, Member(seed=seed, **own), opened.size)
        net._keep(made, self.refit_)  # noqa: SLF001
        self.net_, self.fold_description_ = net, stream.program.description
        self.n_features_in_ = net.n_features_in_
        if hasattr(net, "feature_names_in_"):
            self.feature_names_in_ = net.feature_names_in_
        return self

    def _as_read(self, targets: Array) -> Array:
        """Targets (n, T) of the network as y was read."""
        return targets

    def _note(self, searched: Searched, found: list[dict[str, Any]], folds: Folds | None) -> None:
        rank = np.empty(len(found), dtype=int)
        # Those that were trained longer come first: the errors of others are not of whole trainings.
        rank[np.lexsort((searched.error, -searched.epochs))] = np.arange(1, len(found) + 1)
        self.cv_results_ = {
            "params": found,
            "fold_errors": searched.errors,
            "mean_error": searched.error,
            "epochs": searched.epochs,
            "rank": rank,
        }
        self.best_index_ = searched.best
        self.best_params_ = found[searched.best]
        self.best_error_ = float(searched.error[searched.best])
        self.members_ = searched.members
        self.folds_ = folds
        self.best_epochs_ = max(1, round(float(np.mean([member.best_epoch for member in searched.members]))))
        self._out_of_fold = searched.out_of_fold.mean(axis=0)
        self._best_fold = int(np.argmin(searched.errors[searched.best]))

    def _outputs(self, X: Any) -> Array:
        """Outputs (n, T), in the way that predict_with says."""
        check_is_fitted(self)
        net = self.net_
        if self.predict_with == "refit":
            return np.asarray(net._outputs(X))  # noqa: SLF001
        chosen = self.members_ if self.predict_with == "ensemble" else [self.members_[self._best_fold]]
        kept, net.description_ = net.description_, self.fold_description_
        try:
            said = [self._meaning(net._outputs(X, member)) for member in chosen]  # noqa: SLF001
        finally:
            net.description_ = kept
        return np.asarray(np.mean(said, axis=0))

    def _meaning(self, outputs: Array) -> Array:
        """Outputs as what can be averaged."""
        return outputs

    @property
    def model_(self) -> Any:
        """The network that was trained on all rows as an ordinary compiled Keras model."""
        check_is_fitted(self)
        return self.net_.model_

    def prune(self, threshold: float = 0.0) -> Pruned:
        """The network that was trained on all rows, pruned."""
        check_is_fitted(self)
        pruned: Pruned = self.net_.prune(threshold)
        return pruned

    @property
    def history_(self) -> Any:
        """The history of the network that was trained on all rows."""
        check_is_fitted(self)
        return self.net_.history_


class NetRegressorCV(MultiOutputMixin, RegressorMixin, _Search):  # type: ignore[misc]
    """A network for numbers whose strengths are chosen by cross-validation, all folds and strengths as one batch.

    Every candidate is trained on the same folds from the same initial weights; the one of the least mean squared error
    over the rows held out is chosen and trained again on all rows, for as many epochs as its fold members took (their
    best epochs' mean, with early stopping). `best_error_` is the least of many and therefore optimistic.

    Parameters
    ----------
    search : dict, default {"l2": (0, 0.0001, 0.001, 0.01)}
        Values to try for learning_rate, l1, l2, group_lasso, dropout, weight_decay, max_norm, input_noise, mixup, ema,
        (label_smoothing) or epochs: lists; with `draws` also distributions such as scipy.stats.loguniform(1e-5, 1).
    net : NetRegressor, default None: a NetRegressor() as it is
        Everything that is not searched.
    cv : int, Folds or splitter, default 5
    draws : int, default None
        Random draws instead of every combination.
    halving : bool, default False
        Whether to train in rounds: the better third of the candidates is trained on, three times as long.
    predict_with : "refit" (default), "ensemble" (the mean of the chosen candidate's fold members) or "best"
        May be changed after fit. "best" is the fold member of the least error on the rows held out of it.
    random_state : int, RandomState or None, default 0

    Attributes
    ----------
    best_params_, best_index_, best_error_, best_epochs_
    cv_results_ : dict of params, fold_errors (C, J), mean_error (C,), epochs (C,), rank (C,)
    oof_predictions_ : (n,) or (n, T)
        For each row the prediction of the member it was held out of, in row order; the mean over repeats.
    members_, refit_ : the chosen candidate's fold members, and the one of all rows
    folds_ : Folds; None where rows were dealt to `cv` folds by a hash, as `FoldMoments.scan` does
    model_, history_, n_features_in_, feature_names_in_

    Examples
    --------
    >>> import foldwise as fw
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> net = fw.NetRegressor(hidden=(8,), epochs=60)
    >>> search = fw.NetRegressorCV({"l2": [0.001, 1.0]}, net=net, cv=3).fit(X, X[:, 0])
    >>> search.best_params_, search.oof_predictions_.shape
    ({'l2': 0.001}, (60,))
    """

    def _blank(self) -> Any:
        return NetRegressor() if self.net is None else _copy(self.net, NetRegressor)

    def _folds(self, X: Array, y: Array, seed: int) -> Folds:
        return _read_folds(self.cv, X, y, lambda k: Folds.kfold(len(X), k, seed=seed))

    def _row_errors(self, y: Array, predictions: Array) -> Array:
        return np.asarray(((y.reshape(len(y), -1) - predictions) ** 2).mean(axis=1))

    @property
    def oof_predictions_(self) -> Array:
        """Out-of-fold predictions in row order."""
        check_is_fitted(self)
        found: Array = self._out_of_fold[:, 0] if self.net_._flat else self._out_of_fold  # noqa: SLF001
        return found

    def predict(self, X: Any) -> Array:
        """Predict y, (n,) or (n, T), for the rows of X (n, p)."""
        predictions = self._outputs(X)
        return predictions[:, 0] if self.net_._flat else predictions  # noqa: SLF001


class NetClassifierCV(ClassifierMixin, _Search):  # type: ignore[misc]
    """A network for classes whose strengths are chosen by cross-validation, all folds and strengths as one batch.

    The least mean log loss over the rows held out decides. Parameters and attributes are NetRegressorCV's, with
    `oof_predictions_` (n, C) probabilities; folds have about the same share of each class.

    Examples
    --------
    >>> import foldwise as fw
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> net = fw.NetClassifier(hidden=(8,), epochs=60)
    >>> search = fw.NetClassifierCV({"l2": [0.001, 1.0]}, net=net, cv=3).fit(X, X[:, 0] > 0)
    >>> search.best_params_, search.oof_predictions_.shape
    ({'l2': 0.001}, (60, 2))
    """

    def _blank(self) -> Any:
        return NetClassifier() if self.net is None else _copy(self.net, NetClassifier)

    def _folds(self, X: Array, y: Array, seed: int) -> Folds:
        return _read_folds(self.cv, X, y, lambda k: Folds.stratified(y, k, seed=seed))

    def _check_folds(self, folds: Folds, y: Array, weights: Array) -> None:
        super()._check_folds(folds, y, weights)
        for fold in range(folds.get_n_splits()):
            training = folds.training_rows({fold})
            absent = np.setdiff1d(y[weights > 0], y[training[weights[training] > 0]])
            if absent.size:
                raise InputError(
                    f"y must have every class in the training rows of every fold, got class number {int(absent[0])} "
                    f"in fold {fold} alone: use fewer classes or stratified folds"
                )

    def _row_errors(self, y: Array, predictions: Array) -> Array:
        likely = self._blank_probabilities(predictions)[np.arange(len(y)), y.astype(int)]
        return np.asarray(-np.log(np.clip(likely, np.finfo(np.float32).tiny, 1.0)))

    def _blank_probabilities(self, outputs: Array) -> Array:
        net = self._blank() if not hasattr(self, "net_") else self.net_
        return np.asarray(net._probabilities(outputs))  # noqa: SLF001

    def _as_read(self, targets: Array) -> Array:
        return targets[:, 0] if targets.shape[1] == 1 else targets.argmax(axis=1).astype(np.float64)

    def _meaning(self, outputs: Array) -> Array:
        return np.asarray(self.net_._probabilities(outputs))  # noqa: SLF001

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes (C,)."""
        check_is_fitted(self)
        found: NDArray[Any] = self.net_.classes_
        return found

    @property
    def oof_predictions_(self) -> Array:
        """Out-of-fold probabilities (n, C) in row order."""
        check_is_fitted(self)
        return np.asarray(self.net_._probabilities(self._out_of_fold))  # noqa: SLF001

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (n, C)."""
        outputs = self._outputs(X)
        return np.asarray(self._meaning(outputs)) if self.predict_with == "refit" else outputs

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row, (n,)."""
        likeliest: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return likeliest


def _copy(net: Any, kind: Any) -> Any:
    """An unfitted network of the same parameters; a Keras model among them is shared, since it is never changed."""
    if not isinstance(net, kind):
        raise InputError(f"net must be a {kind.__name__}, got {type(net).__name__}")
    return type(net)(**net.get_params(deep=False))


def _read_folds(cv: Any, X: Array, y: Array, deal: Any) -> Folds:
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        try:
            folds: Folds = deal(int(cv))
        except InputError as error:
            raise InputError(f"cv={cv!r} can't be used: {error}") from error
        return folds
    if isinstance(cv, Folds):
        if cv.n_rows != len(X):
            raise InputError(f"cv must have one label for each of the {len(X)} rows, got Folds of {cv.n_rows}")
        return cv
    try:
        return Folds.from_splitter(check_cv(cv), X, y)
    except ValueError as error:
        raise InputError(
            f"cv must be a number of folds, Folds, or a splitter that partitions the rows: {error}"
        ) from error
