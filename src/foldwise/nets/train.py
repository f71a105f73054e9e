"""Train many networks as one batch: the front door of the batch trainer."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from foldwise.errors import DataWarning, InputError
from foldwise.nets.backend import keras
from foldwise.nets.export import plain_model
from foldwise.nets.flat import split
from foldwise.nets.jobs import make_jobs
from foldwise.nets.losses import read_loss
from foldwise.nets.member import Member
from foldwise.nets.order import batches
from foldwise.nets.parts import check_model, describe
from foldwise.nets.perceptron import perceptron
from foldwise.nets.pool import Pool
from foldwise.nets.program import Program, program_of
from foldwise.nets.progress import Progress, Standing, on_terminal
from foldwise.nets.starts import start, uses
from foldwise.nets.step import Method
from foldwise.nets.tables import Rows, read_rows, read_targets
from foldwise.nets.trained import Trained, finish
from foldwise.nets.updates import Updates, read_optimizer
from foldwise.parameters.checks import whole


def train(
    model: Any,
    X: Any,
    y: Any,
    members: Iterable[Member],
    *,
    loss: Any = None,
    batch_size: int = 32,
    standardize: bool = True,
    standardize_target: bool | None = None,
    exact_zeros: bool = True,
    progress: bool | Callable[[Standing], Any] = False,
    workers: int | None = None,
    slots: int | None = None,
) -> Trained:
    """Train all members of a model as one compiled program.

    Each member minimizes the mean loss of its own training rows plus its own penalties, from its own initial weights,
    in its own row order, on its own scale; it comes out as if it had been trained alone. Rows are looked up by number,
    so that nothing of the rows held out of a member reaches it.

    Parameters
    ----------
    model : keras.Model or widths of hidden layers
        Sequential or functional, of layers that can be batched (others are refused by name). Its compiled loss and
        optimizer (Adam, AdamW or SGD), its kernel regularizers and dropout rates are what members have where they say
        nothing else. Its weights are not used (but for those of frozen layers) and not changed. Widths such as (64, 32)
        stand for a `perceptron` for numbers.
    X : (n, p) numbers, NaN where missing, or a list or dict of such for a model of several inputs
        Inputs that feed an Embedding are codes 0, 1, ...
    y : (n,) or (n, T) numbers; for classes also their codes (n,) or one-hot rows (n, C)
    members : Members
    loss : Keras loss or its name, default the compiled one
    batch_size : rows per step, at most the smallest member's number of training rows
    standardize : whether inputs are scaled, by means and standard deviations of each member's own training rows
    standardize_target : the same for y. By default where y are numbers and the last layer is linear. Predictions come
        back in the units of y.
    exact_zeros : whether l1 is a proximal step, which gives exact zeros, or part of the loss as in Keras: no zeros
    progress : True for a line on the terminal, or a function that is told a `Standing` about twice a second
    workers, slots : programs side by side, and members in each; by default what cores and memory allow

    Returns
    -------
    Trained
        The members in order. Where the keyboard interrupts, those that were finished, with a DataWarning.

    Raises
    ------
    InputError
        For anything that can't be trained, before any training starts.

    Examples
    --------
    >>> import numpy as np
    >>> from foldwise.nets import Member, train
    >>> X = np.random.default_rng(0).normal(size=(64, 3))
    >>> trained = train((4,), X, X[:, 0], [Member(seed=s, epochs=5, l1=0.01) for s in range(2)], batch_size=16)
    >>> trained, trained.predict(X).shape
    (Trained(2 finished), (2, 64, 1))
    """
    prepared = Prepared(
        model, X, y, members, loss=loss, batch_size=batch_size, standardize=standardize,
        standardize_target=standardize_target, exact_zeros=exact_zeros,
    )  # fmt: skip
    pool = prepared.pool(workers=workers, slots=slots)
    tell = on_terminal if progress is True else progress or None
    whole_run = pool.train(prepared.jobs, Progress(tell))
    done = [at for at, job in enumerate(prepared.jobs) if not job.epochs_left]
    if not whole_run:
        if not done:
            raise KeyboardInterrupt
        message = f"Stopped by the keyboard: {len(done)} of {len(prepared.jobs)} networks were finished and are kept"
        warnings.warn(message, DataWarning, stacklevel=2)
    return prepared.trained(done)


class Prepared:
    """Everything checked and laid out, no step taken: what `train` and the searches work on."""

    def __init__(
        self,
        model: Any,
        X: Any,
        y: Any,
        members: Iterable[Member],
        *,
        loss: Any,
        batch_size: int,
        standardize: bool,
        standardize_target: bool | None,
        exact_zeros: bool,
    ) -> None:
        self.model = _as_model(model, X, y)
        check_model(self.model)
        self.members = list(members)
        if not self.members or not all(isinstance(member, Member) for member in self.members):
            raise InputError("members must be one or more Member")
        self.batch_size = whole("batch_size", batch_size, 1)
        self.loss = read_loss(self._compiled_loss() if loss is None else loss)
        self.rows: Rows = read_rows(self.model, X)
        self.targets = read_targets(y, self.loss, self.rows.n, self._width())
        for at, member in enumerate(self.members):
            if member.label_smoothing and self.loss.targets == "numbers":
                own = f"{member.label_smoothing} for member {at}"
                raise InputError(f"label_smoothing must be 0 where y are numbers, got {own}")
        updates, rate, decay = read_optimizer(self.model.optimizer) if self.model.compiled else (Updates(), 0.001, 0.0)
        description = describe(self.model)
        program = program_of(description, Method(self.loss, updates, frozenset(), exact_zeros))
        used = uses(program.parts, self.members, decay)
        self._refuse(used, program)
        program = program_of(description, Method(self.loss, updates, used | {"ragged"}, exact_zeros))
        if standardize_target is None:
            standardize_target = self.loss.targets == "numbers" and _is_linear(self.model)
        self.frozen = _frozen_values(self.model, program)
        self.jobs = make_jobs(
            program, self.members, self.rows, self.targets, batch_size=self.batch_size, standardize=standardize,
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
        targets = Rows((self.targets,)).padded()[0]
        return Pool(self.program, self.rows.padded(), targets, batch_size=self.batch_size, workers=workers, slots=slots)

    def trained(self, done: Sequence[int]) -> Trained:
        """The jobs that are done as trained members."""
        members = []
        for at in done:
            job = self.jobs[at]
            own = Rows(tuple(each[job.fit] for each in self.rows.inputs)).scaled(job.scalings)
            members.append(finish(self.program.description, self.program.method, job, own))
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
        if self.batch_size == 1 and _normalizes_batches(self.model):
            raise InputError("batch_size must be at least 2 for a model with batch normalization, got 1")


def _as_model(model: Any, X: Any, y: Any) -> Any:
    if not isinstance(model, tuple | list):
        if isinstance(model, keras.Sequential) and not model.built and np.ndim(X) == 2:
            model.build((None, np.shape(X)[1]))
        return model
    if np.ndim(X) != 2:
        raise InputError(f"X must have shape (rows, columns), got {np.shape(X)}")
    return perceptron(np.shape(X)[1], model, 1 if np.ndim(y) < 2 else np.shape(y)[1])


def _is_linear(model: Any) -> bool:
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
