"""`train` on rows that are not in memory."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import DataWarning, InputError
from foldwise.nets.backend import keras
from foldwise.nets.buffers import buffer_rows
from foldwise.nets.closing import ended
from foldwise.nets.losses import read_loss
from foldwise.nets.member import Member
from foldwise.nets.opened import Dealer
from foldwise.nets.prepared import checked_members
from foldwise.nets.progress import Progress, Standing
from foldwise.nets.streamed import TableRoles, features, is_table, open_array, open_table, plan_of, targets_like
from foldwise.nets.streaming import Stream
from foldwise.nets.survey import survey
from foldwise.nets.trained import Trained
from foldwise.parameters.checks import flag, whole


class TrainedInBlocks(Trained):
    """Members whose rows were read in blocks; predicts rows in memory, on disk and of tables."""

    plan: Any = None

    def predict(self, X: Any, members: Sequence[int] | None = None) -> NDArray[np.float64]:
        """Predictions (M, n, T) of all members, or of some, in the targets' units, or as the model's outputs."""
        if not is_table(X) and (self.plan is None or isinstance(X, np.ndarray)):
            return super().predict(X, members)
        width = int(self.model.input_shape[-1])
        parts = features(X, self.plan, width, buffer_rows(width))
        return np.concatenate([super(TrainedInBlocks, self).predict(part, members) for part in parts], axis=1)


def train_in_blocks(
    model: Any,
    X: Any,
    y: Any,
    members: Iterable[Member],
    *,
    sample_weight: Any,
    trainer: str,
    loss: Any,
    batch_size: int,
    standardize: bool,
    standardize_target: bool | None,
    exact_zeros: bool,
    roles: dict[str, Any],
    order_seed: int,
    tell: Callable[[Standing], Any] | None,
) -> Trained:
    """See `train`."""
    if trainer != "gradient":
        raise InputError(f"trainer must be 'gradient' for rows that are read in blocks, got {trainer!r}")
    given, plan, source = checked_members(members), None, None
    if is_table(X):
        if not isinstance(y, str):
            raise InputError(f"target must name the column of the table to be predicted, got {type(y).__name__}")
        source, plan, _ = plan_of(X, TableRoles(y, _name("sample_weight", sample_weight), **roles))
        width = len(plan.columns)
    else:
        if named := next((name for name, value in roles.items() if value not in (None, ())), None):
            raise InputError(f"{named} names columns, and an array on disk has none")
        width = int(X.shape[1])
    size = buffer_rows(width + 1)
    if not hasattr(model, "compiled"):
        n_targets, kind = 1 if plan is not None or np.ndim(y) < 2 else int(np.shape(y)[1]), read_loss("mse")
    else:
        if isinstance(model, keras.Sequential) and not model.built:
            model.build((None, width))
        _check_inputs(model, width)
        n_targets, kind = int(model.output_shape[-1]), read_loss(model.loss if loss is None else loss)
    targets = targets_like(kind, n_targets)
    if plan is None:
        blocks = open_array(X, y, targets, n_targets=n_targets, weights=sample_weight, size=size)
    else:
        blocks = open_table(source, plan, targets, n_targets=n_targets, size=size)
    dealt = Dealer(blocks).of(given)
    stream = Stream(
        model, survey(blocks, [training for _, training in dealt]), dealt, loss=loss,
        batch_size=whole("batch_size", batch_size, 1), standardize=flag("standardize", standardize),
        standardize_target=standardize_target, exact_zeros=exact_zeros, order_seed=order_seed, size=size,
    )  # fmt: skip
    whole_run = stream.train(stream.jobs, Progress(tell))
    done = [at for at, job in enumerate(stream.jobs) if not job.epochs_left]
    if not whole_run:
        if not done:
            raise KeyboardInterrupt
        message = f"Stopped by the keyboard: {len(done)} of {len(stream.jobs)} networks were finished and are kept"
        warnings.warn(message, DataWarning, stacklevel=3)
    found = TrainedInBlocks(
        stream.model, stream.program.description, ended(stream, [stream.jobs[at] for at in done]), done
    )
    found.plan = plan
    return found


def _name(argument: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InputError(f"{argument} must name a column of the table, got {type(value).__name__}")


def _check_inputs(model: Any, width: int) -> None:
    if len(model.inputs) != 1 or model.input_shape[-1] != width:
        raise InputError(
            f"model must have one input of {width} columns where rows are read in blocks, got {model.input_shape}"
        )
