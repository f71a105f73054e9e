"""Members checked and laid out before the first step: what `train` and the searches work on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.nets.annealing import check_annealing
from foldwise.nets.backend import keras
from foldwise.nets.export import plain_model
from foldwise.nets.flat import split
from foldwise.nets.jobs import make_jobs
from foldwise.nets.losses import check_loss, read_loss
from foldwise.nets.member import Member, checked_rows
from foldwise.nets.order import batches
from foldwise.nets.parts import check_model, describe
from foldwise.nets.perceptron import perceptron
from foldwise.nets.pool import Pool
from foldwise.nets.program import Program, program_of
from foldwise.nets.starts import start, uses
from foldwise.nets.step import Method
from foldwise.nets.tables import Rows, pad, read_importance, read_rows, read_targets
from foldwise.nets.trained import Trained, finish
from foldwise.nets.updates import Updates, read_optimizer
from foldwise.parameters.checks import choice, flag, whole

Trainer = Literal["gradient", "annealing"]


class Prepared:
    """Everything checked and laid out, no step taken: what `train` and the searches work on."""

    def __init__(
        self,
        model: Any,
        X: Any,
        y: Any,
        members: Iterable[Member],
        *,
        sample_weight: Any,
        trainer: Trainer,
        loss: Any,
        batch_size: int,
        standardize: bool,
        standardize_target: bool | None,
        exact_zeros: bool,
    ) -> None:
        self.model = _as_model(model, X, y)
        check_model(self.model)
        self.members = checked_members(members)
        annealed = choice("trainer", trainer, ("gradient", "annealing")) == "annealing"
        self.batch_size = 1 if annealed else whole("batch_size", batch_size, 1)
        if annealed:
            check_annealing(self.model, self.members)
        self.loss = read_loss(self._compiled_loss() if loss is None else loss)
        self.rows: Rows = read_rows(self.model, X)
        self.targets = read_targets(y, self.loss, self.rows.n, self._width())
        check_loss(self.loss, self._width())
        self.importance = read_importance(sample_weight, self.rows.n)
        if self.importance is not None:
            self.members = [of_positive_rows(each, self.importance) for each in self.members]
        for at, member in enumerate(self.members):
            if member.label_smoothing and self.loss.targets == "numbers":
                own = f"{member.label_smoothing} for member {at}"
                raise InputError(f"label_smoothing must be 0 where y are numbers, got {own}")
        updates, rate, decay = Updates(), 0.001, 0.0
        if self.model.compiled and not annealed:
            updates, rate, decay = read_optimizer(self.model.optimizer)
        description = describe(self.model)
        program = program_of(description, Method(self.loss, updates, frozenset(), exact_zeros))
        used = uses(program.parts, self.members, decay)
        used |= {name for name, is_so in (("annealing", annealed), ("weighted", self.importance is not None)) if is_so}
        self._refuse(used, program)
        program = program_of(description, Method(self.loss, updates, used | {"ragged"}, exact_zeros))
        if standardize_target is None:
            standardize_target = self.loss.targets == "numbers" and is_linear(self.model)
        self.frozen = _frozen_values(self.model, program)
        self.jobs = make_jobs(
            program, self.members, self.rows, self.targets, batch_size=self.batch_size,
            standardize=flag("standardize", standardize), importance=self.importance,
            standardize_target=standardize_target, learning_rate=rate, weight_decay=decay, frozen=self.frozen,
        )  # fmt: skip
        if len({job.n_steps for job in self.jobs}) == 1:
            program = program_of(description, Method(self.loss, updates, used, exact_zeros))
        self.program: Program = program

    def pool(self, *, workers: int | None = None, slots: int | None = None) -> Pool:
        """Workers for the jobs."""
        for name, value in (("workers", workers), ("slots", slots)):
            if value is not None:
                whole(name, value, 1)
        targets: tuple[Any, ...] = Rows((self.targets,)).padded()[0]
        if self.importance is not None:
            targets = (*targets, pad(self.importance.astype(np.float32)))
        return Pool(self.program, self.rows.padded(), targets, batch_size=self.batch_size, workers=workers, slots=slots)

    def trained(self, done: Sequence[int]) -> Trained:
        """The jobs that are done as trained members."""
        members = []
        for at in done:
            job = self.jobs[at]
            own = Rows(tuple(each[job.fit] for each in self.rows.inputs)).scaled(job.scalings)
            targets = job.target_scaling.apply(self.targets[job.fit])
            members.append(finish(self.program.description, self.program.method, job, own, targets))
        return Trained(self.model, self.program.description, members, list(done))

    def _compiled_loss(self) -> Any:
        return self.model.loss if self.model.compiled else None

    def _width(self) -> int:
        if len(self.model.outputs) != 1 or len(self.model.output_shape) != 2:
            raise InputError(f"the model must have one output of shape (rows, T), got {self.model.output_shape}")
        return int(self.model.output_shape[-1])

    def _refuse(self, used: frozenset[str], program: Program) -> None:
        codes = any(each.dtype.kind == "i" for each in self.rows.inputs)
        for name in ("mixup", "input_noise"):
            if name in used and codes:
                raise InputError(f"{name} must be 0 for a model with codes of categories among its inputs")
        if "group_lasso" in used and program.parts.first is None:
            raise InputError("group_lasso needs a model with one input, which feeds one Dense layer")
        if "mixup" in used and "weighted" in used:
            raise InputError("mixup must be 0 with sample_weight")
        if self.batch_size == 1 and _normalizes_batches(self.model):
            raise InputError("batch_size must be at least 2 for a model with batch normalization, got 1")


def checked_members(members: Any) -> list[Member]:
    """The members as a list, at least one."""
    found = list(members)
    if not found or not all(isinstance(member, Member) for member in found):
        raise InputError("members must be one or more Member")
    return found


def unbatched(model: Any) -> str:
    """Why a Keras model can't be trained as a batch; "" where it can, or where it is none."""
    if not isinstance(model, keras.Model):
        return ""
    try:
        check_model(model)
        if model.compiled:
            read_optimizer(model.optimizer)
    except InputError as error:
        return str(error)
    return ""


def of_positive_rows(member: Member, importance: NDArray[np.float64]) -> Member:
    """The member without rows of weight 0, which would take part in batch normalization and in scales."""
    n = len(importance)
    rows = np.arange(n) if member.rows is None else checked_rows("rows", member.rows, n)
    rows = rows[importance[rows] > 0]
    if not len(rows):
        raise InputError("sample_weight must be > 0 for some row of each member, got 0 for all of one")
    return replace(member, rows=rows)


def _as_model(model: Any, X: Any, y: Any) -> Any:
    if not isinstance(model, tuple | list):
        if isinstance(model, keras.Sequential) and not model.built and np.ndim(X) == 2:
            model.build((None, np.shape(X)[1]))
        return model
    if np.ndim(X) != 2:
        raise InputError(f"X must have shape (rows, columns), got {np.shape(X)}")
    return perceptron(np.shape(X)[1], model, 1 if np.ndim(y) < 2 else np.shape(y)[1])


def is_linear(model: Any) -> bool:
    """Whether a model's last layer is linear."""
    return getattr(model.layers[-1], "activation", None) is keras.activations.linear


def _normalizes_batches(model: Any) -> bool:
    return any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)


def _frozen_values(model: Any, program: Program) -> list[Any]:
    """The values of the model's own weights that don't train; fresh statistics of batch normalization."""
    twin = program.parts.twin
    fixed = twin.non_trainable_variables
    values = []
    for at in program.parts.frozen:
        path = fixed[at].path.split("/", 1)[-1]
        fresh = path.rsplit("/", 1)[-1] in {"moving_mean", "moving_variance"}
        own = [fixed[at]] if fresh else [w for layer in model.layers for w in layer.weights if w.path.endswith(path)]
        values.append(np.asarray(own[0].value))
    return values


def single_run(prepared: Prepared, at: int) -> tuple[Any, Callable[[int], Any]]:
    """Member number `at` for Keras itself: its model before the first step, and the rows of each epoch's batches.

    The model takes scaled rows. Its penalties and dropout rates are the member's; compile it to train it. With the same
    rows in the same order Keras arrives at the same weights.
    """
    job, parts = prepared.jobs[at], prepared.program.parts
    state = start(parts, prepared.program.method, job.member, prepared.frozen)
    model = plain_model(prepared.model, parts, job.member, split(state["weights"], parts.shapes), state["fixed"])
    drawing = [layer for layer in parts.twin.layers if hasattr(layer, "seed_generator")]
    for layer, place in zip(drawing, parts.seeds, strict=True):
        own = model.get_layer(layer.name)
        if hasattr(own, "seed_generator"):
            own.seed_generator.state.assign(state["fixed"][place])
    return model, lambda epoch: batches(job.member.seed, job.fit, prepared.batch_size, epoch)
