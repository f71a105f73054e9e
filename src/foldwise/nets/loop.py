"""Members of a model that can't be batched, trained by Keras one after the other."""

import random
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import DataWarning, InputError
from foldwise.nets.backend import keras
from foldwise.nets.export import with_scales
from foldwise.nets.losses import Loss, read_loss
from foldwise.nets.member import Member
from foldwise.nets.order import fit_and_watch
from foldwise.nets.progress import Standing
from foldwise.nets.scaling import Scaling
from foldwise.nets.tables import Rows, read_rows, read_targets
from foldwise.nets.trained import Trained, TrainedMember, status_of

Array = NDArray[np.float64]
_USED = ("rows", "seed", "epochs", "learning_rate", "patience", "min_delta", "watch")


class Looped(Trained):
    """Members that Keras trained one after the other; `models` are their Keras models of scaled rows."""

    def __init__(self, model: Any, members: list[TrainedMember], models: list[Any]) -> None:
        super().__init__(model, "", members, list(range(len(members))))
        self.models = models

    def predict(self, X: Any, members: Sequence[int] | None = None) -> Array:
        """Predictions (M, n, T) of all members, or of some, in the targets' units, or as the model's outputs."""
        rows = read_rows(self.model, X)
        chosen = range(len(self)) if members is None else members
        return np.stack(
            [self[at].target_scaling.undo(_outputs(self.models[at], rows.scaled(self[at].scalings))) for at in chosen]
        )

    def keras_model(self, at: int) -> Any:
        """Member number `at` as an ordinary compiled Keras model that takes X and gives y in their own units."""
        return with_scales(self.model, self.models[at], self[at].scalings, self[at].target_scaling)


def train_in_a_loop(
    model: Any,
    X: Any,
    y: Any,
    members: list[Member],
    *,
    loss: Any,
    batch_size: int,
    standardize: bool,
    standardize_target: bool | None,
    tell: Callable[[Standing], Any] | None,
) -> Looped:
    """Each member by `keras.Model.fit`: on its own rows and scale, from its own seed, stopped by its own inner split.

    Raises
    ------
    InputError
        For a model that is not compiled, carries statistics of all rows, or can't be made again from its config; for
        what Keras would have to be told in the model.
    """
    _check(model, members)
    own_loss: Loss = read_loss(model.loss if loss is None else loss)
    rows = read_rows(model, X)
    targets = read_targets(y, own_loss, rows.n, int(model.output_shape[-1]))
    if standardize_target is None:
        last = getattr(model.layers[-1], "activation", None)
        standardize_target = own_loss.targets == "numbers" and last is keras.activations.linear
    found: list[TrainedMember] = []
    models: list[Any] = []
    start = time.perf_counter()
    try:
        for member in members:
            fit, watch = fit_and_watch(member, rows.n)
            scales = rows.scalings(fit, standardize=standardize, importance=None)
            scale = Scaling.of(targets[fit], standardize=standardize_target)
            trained, own = _trained(model, member, rows, targets, (fit, watch), (scales, scale), own_loss, batch_size)
            found.append(trained)
            models.append(own)
            if tell is not None:
                seconds = time.perf_counter() - start
                left = seconds * (len(members) / len(found) - 1)
                tell(Standing(len(found), len(members), seconds, left))
    except KeyboardInterrupt:
        if not found:
            raise
        message = f"Stopped by the keyboard: {len(found)} of {len(members)} networks were finished and are kept"
        warnings.warn(message, DataWarning, stacklevel=3)
    return Looped(model, found, models)


def _check(model: Any, members: list[Member]) -> None:
    if not isinstance(model, keras.Model) or not model.inputs:
        raise InputError(f"model must be Sequential or functional (layers called on keras.Input), got {model!r}")
    if not model.compiled:
        raise InputError("model must be compiled to be trained in a loop")
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            raise InputError(
                f"layer '{layer.name}' (Normalization) carries the means of all rows it was adapted to into every "
                "member: remove it, each member scales by its own training rows"
            )
    plain = Member()
    for at, member in enumerate(members):
        for name in vars(plain):
            value = getattr(member, name)
            if name not in _USED and value is not None and value != getattr(plain, name):
                raise InputError(f"{name} must be part of the model where loop=True trains it, got it for member {at}")


def _trained(
    model: Any,
    member: Member,
    rows: Rows,
    targets: Array,
    split: tuple[NDArray[np.intp], NDArray[np.intp]],
    scales: tuple[tuple[Scaling | None, ...], Scaling],
    loss: Loss,
    batch_size: int,
) -> tuple[TrainedMember, Any]:
    scalings, target_scaling = scales
    inputs, wanted = rows.scaled(scalings), target_scaling.apply(targets).astype(np.float32)
    if loss.name.startswith("sparse"):
        wanted = wanted.argmax(axis=1)

    def of(some: NDArray[np.intp]) -> tuple[Any, Any]:
        own = [each[some] for each in inputs]
        return own if len(own) > 1 else own[0], wanted[some]

    fit, watch = split
    with _seeded(member.seed):
        own = _anew(model)
        if member.learning_rate is not None:
            own.optimizer.learning_rate = member.learning_rate
        stopper = []
        if member.patience is not None:
            stopper.append(
                keras.callbacks.EarlyStopping(
                    patience=member.patience, min_delta=member.min_delta, restore_best_weights=True
                )
            )
        history = own.fit(
            *of(fit),
            batch_size=min(batch_size, len(fit)),
            epochs=member.epochs,
            verbose=0,
            validation_data=of(watch) if len(watch) else None,
            callbacks=stopper,
        ).history
    losses = np.array(history["loss"], dtype=np.float64)
    watched = np.array(history.get("val_loss", np.full(len(losses), np.nan)), dtype=np.float64)
    said = _outputs(own, [each[fit] for each in inputs])
    early = len(losses) < member.epochs
    return TrainedMember(
        member=member,
        fit_rows=fit,
        watch_rows=watch,
        weights=[np.asarray(each.value) for each in own.trainable_variables],
        fixed=[np.asarray(each.value) for each in own.non_trainable_variables],
        scalings=scalings,
        target_scaling=target_scaling,
        loss=losses,
        watch_loss=watched,
        last_epoch=len(losses),
        best_epoch=int(np.nanargmin(watched)) + 1 if stopper and np.isfinite(watched).any() else len(losses),
        status=status_of(said, diverged=not np.isfinite(losses[-1]), stopped=early),
    ), own


def _anew(model: Any) -> Any:
    """The model with fresh weights and optimizer, compiled as it is."""
    try:
        own = type(model).from_config(model.get_config())
        with warnings.catch_warnings():  # Keras reads its learning rate in a way that NumPy 2 warns of
            warnings.simplefilter("ignore", DeprecationWarning)
            own.compile_from_config(model.get_compile_config())
    except (TypeError, ValueError, NotImplementedError) as error:
        raise InputError(f"model must be one that Keras can make again from its config: {error}") from error
    return own


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Keras draws from the seed; Python's and NumPy's own random numbers are left as they were."""
    before = random.getstate(), np.random.get_state()  # noqa: NPY002 - what Keras' seeding changes
    keras.utils.set_random_seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002 - as above


def _outputs(model: Any, inputs: list[Any]) -> Array:
    return np.asarray(model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0), dtype=np.float64)
