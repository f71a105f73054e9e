"""The penalized objective of a trained network on its training rows: what `train` minimizes."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise.nets.losses import Loss
from foldwise.nets.member import Member
from foldwise.nets.parts import Parts
from foldwise.nets.starts import strengths


def penalized_loss(
    parts: Parts, loss: Loss, member: Member, weights: list[Any], targets: Any, outputs: Any, importance: Any
) -> float:
    """Mean loss plus l1 sum |w|, l2 sum w^2 and the group lasso; dropout, noise and mixup play no part in it.

    Targets and outputs are (n, T) on the scale of training, importance is (n,) or None.
    """
    losses: NDArray[np.float32] = np.asarray(loss.rows(targets.astype(np.float32), outputs.astype(np.float32)))
    total = float(np.average(losses.astype(np.float64), weights=importance))
    l1, l2 = strengths(parts, member)
    for at, a, b in zip(parts.kernels, l1, l2, strict=True):
        kernel = weights[at].astype(np.float64)
        total += a * float(np.abs(kernel).sum()) + b * float((kernel**2).sum())
    if member.group_lasso and parts.first is not None:
        rows = weights[parts.kernels[parts.first]].astype(np.float64)
        total += member.group_lasso * math.sqrt(rows.shape[1]) * float(np.linalg.norm(rows, axis=1).sum())
    return total
