"""Groups: a partition of the coefficients into blocks that enter and leave a model together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Groups:
    """G groups of p coefficients, numbered by their first appearance.

    Parameters
    ----------
    index : array (p,)
        Each coefficient's group.
    order : array (p,)
        The coefficients, group by group.
    start : array (G,)
        Where each group begins in `order`.
    size : array (G,)

    Examples
    --------
    >>> import numpy as np
    >>> groups = Groups.of(["age", "city", "age", "city", "city"])
    >>> groups.size
    array([2, 3])
    >>> groups.norm(np.array([3.0, 1.0, 4.0, 2.0, 2.0]))
    array([5., 3.])
    """

    index: Ints
    order: Ints
    start: Ints
    size: Ints

    @classmethod
    def of(cls, labels: Any) -> Groups:
        """From one label for each coefficient: numbers or texts, in any order."""
        array = np.asarray(labels)
        if array.ndim != 1:
            message = f"groups must be one label for each column, got shape {array.shape}"
            raise InputError(message)
        if array.dtype.kind == "f" and np.isnan(array).any():
            at = int(np.flatnonzero(np.isnan(array))[0])
            message = f"groups must have a label for every column, got nan for column {at}"
            raise InputError(message)
        try:
            _, first, inverse = np.unique(array, return_index=True, return_inverse=True)
        except TypeError as error:
            message = f"groups must be labels of one kind, numbers or texts: {error}"
            raise InputError(message) from error
        rank = np.empty(len(first), dtype=np.intp)
        rank[np.argsort(first)] = np.arange(len(first))
        index = rank[inverse]
        size = np.bincount(index, minlength=len(first)).astype(np.intp)
        start = np.concatenate([[0], np.cumsum(size)[:-1]]).astype(np.intp) if len(size) else size
        return cls(index=index, order=np.argsort(index, kind="stable"), start=start, size=size)

    def total(self, values: Floats) -> Floats:
        """Sum (..., G) over each group's coefficients (..., p)."""
        if not len(self.start):
            return np.zeros(values.shape)
        return np.asarray(np.add.reduceat(values[..., self.order], self.start, axis=-1))

    def norm(self, b: Floats) -> Floats:
        """Euclidean length (..., G) of each group's coefficients (..., p)."""
        return np.asarray(np.sqrt(self.total(b * b)))

    def kept(self, live: NDArray[np.bool_]) -> tuple[Groups, Ints]:
        """The groups of the coefficients that are kept, and which of the old groups they are."""
        old, index = np.unique(self.index[live], return_inverse=True)
        return Groups.of(index), _by_appearance(old, index)


def _by_appearance(old: Ints, index: Ints) -> Ints:
    _, first = np.unique(index, return_index=True)
    return np.asarray(old[np.argsort(first)], dtype=np.intp)
