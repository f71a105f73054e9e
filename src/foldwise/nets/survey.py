"""What one pass over blocks finds for every member: moments of its training rows, and the rows that it watches."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.nets.blocks import Block, Blocks, check_block, in_order
from foldwise.nets.dealt import ChosenWatch, HashWatch, Partition, TrainingRows
from foldwise.nets.scaling import Scaling
from foldwise.nets.tables import LARGEST

Floats = NDArray[np.float64]
Watch = HashWatch | ChosenWatch


class Cells:
    """Moments of the known values of [x, targets] in each of C cells; blocks are merged about their own means.

    Attributes
    ----------
    rows, total : (C,) rows, and the sum of their weights
    weight, mean, spread : (C, k) weight, mean and weighted squared deviations of the known values
    levels : (C, q) rows of each level
    """

    def __init__(self, n_cells: int, k: int, levels: NDArray[np.intp]) -> None:
        self.rows, self.total = np.zeros(n_cells), np.zeros(n_cells)
        self.weight, self.mean, self.spread = (np.zeros((n_cells, k)) for _ in range(3))
        self.levels, self._places = np.zeros((n_cells, len(levels))), levels

    def add(self, values: Floats, weights: Floats | None, cells: NDArray[np.intp]) -> None:
        """Add rows (m, k), each to its cell (m,)."""
        for cell in np.unique(cells):
            some = np.flatnonzero(cells == cell)
            own = values if len(some) == len(values) else values[some]
            mine = np.ones(len(some)) if weights is None else weights[some]
            self.rows[cell] += len(some)
            self.total[cell] += mine.sum()
            self.levels[cell] += own[:, self._places].sum(axis=0)
            self._merge(int(cell), *_moments(own, mine))

    def _merge(self, cell: int, weight: Floats, mean: Floats, spread: Floats) -> None:
        merged = _merged((self.weight[cell], self.mean[cell], self.spread[cell]), (weight, mean, spread))
        self.weight[cell], self.mean[cell], self.spread[cell] = merged

    def of(self, cells: list[int]) -> tuple[Floats, Floats, Floats]:
        """Weight, mean and spread (k,) of some cells together; nothing is ever subtracted."""
        found = (np.zeros_like(self.mean[0]),) * 3
        for cell in cells:
            found = _merged(found, (self.weight[cell], self.mean[cell], self.spread[cell]))
        return found


def _moments(values: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    known = ~np.isnan(values)
    whole = known.all()
    weight = np.full(values.shape[1], weights.sum()) if whole else weights @ known
    size = np.where(weight > 0, weight, 1.0)
    mean = (weights @ (values if whole else np.where(known, values, 0.0))) / size
    away = values - mean
    if not whole:
        away[~known] = 0.0
    mean = mean + (weights @ away) / size  # what rounding left
    away = values - mean
    if not whole:
        away[~known] = 0.0
    return weight, mean, weights @ np.square(away)


def _merged(
    first: tuple[Floats, Floats, Floats], second: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    total = first[0] + second[0]
    share = second[0] / np.where(total > 0, total, 1.0)
    away = second[1] - first[1]
    return total, first[1] + away * share, first[2] + second[2] + np.square(away) * first[0] * share


@dataclass(frozen=True, eq=False)
class Survey:
    """What a pass found.

    Attributes
    ----------
    n_columns : int
    cells : moments by partition and inner split
    watched : rows of each inner split
    """

    blocks: Blocks
    cells: dict[tuple[Partition, Watch | None], Cells]
    watched: dict[Watch, Block]

    def n_fit(self, training: TrainingRows) -> int:
        """How many rows are trained on."""
        return int(self._cells(training).rows[training.trained_cells].sum())

    def mean_weight(self, training: TrainingRows) -> float:
        """Of the rows that are trained on."""
        cells = self._cells(training)
        some = training.trained_cells
        return float(cells.total[some].sum() / cells.rows[some].sum())

    def scalings(self, training: TrainingRows, *, standardize: bool, targets: bool) -> tuple[Scaling, Scaling]:
        """The scale of inputs and of targets in the rows that are trained on; too rare levels are not seen."""
        cells, p = self._cells(training), self.blocks.width
        weight, mean, spread = cells.of(training.trained_cells)
        inputs = _scaling(weight[:p], mean[:p], spread[:p], standardize=standardize)
        rare = cells.levels[training.trained_cells].sum(axis=0) < self.blocks.min_level_count
        if rare.any():
            inputs = inputs.seeing(np.setdiff1d(np.arange(p), self.blocks.levels[rare]))
        return inputs, _scaling(weight[p:], mean[p:], spread[p:], standardize=targets)

    def target_sums(self, training: TrainingRows) -> Floats:
        """Weighted sums (T,) of the targets in the rows that are trained on."""
        weight, mean, _ = self._cells(training).of(training.trained_cells)
        return np.asarray((weight * mean)[self.blocks.width :])

    def watch_rows(self, training: TrainingRows) -> Block | None:
        """The inner split of a member's rows."""
        if training.watch is None:
            return None
        found = self.watched[training.watch]
        own = found.at(training.own(found))
        if not len(own):
            raise InputError("early stopping needs rows to watch, got none among a member's training rows")
        return own

    def _cells(self, training: TrainingRows) -> Cells:
        return self.cells[training.partition, training.watch]


def survey(blocks: Blocks, trainings: Iterable[TrainingRows]) -> Survey:
    """Go through all rows once, and refuse what can't be trained on.

    Raises
    ------
    InputError
        For a number that is infinite or too large, a target that is missing, a negative weight.
    """
    k = blocks.width + blocks.n_targets
    kinds = dict.fromkeys((training.partition, training.watch) for training in trainings)
    cells = {key: Cells(key[0].n_cells, k, blocks.levels) for key in kinds}
    splits = [watch for _, watch in kinds if watch is not None]
    watched: dict[Watch, list[Block]] = {watch: [] for watch in splits}
    for block in in_order(blocks):
        check_block(blocks, block, LARGEST)
        masks = {split: split.of(block) for split in watched}
        for split, mask in masks.items():
            watched[split].append(block.at(mask))
        values = np.hstack([block.values, block.targets]).astype(np.float64, copy=False)
        counted = np.ones(len(block), dtype=bool) if block.weights is None else block.weights > 0
        for (partition, watch), made in cells.items():
            own = counted if watch is None else counted & ~masks[watch]
            where = partition.cells(block).astype(np.intp)
            if own.all():
                made.add(values, block.weights, where)
            else:
                made.add(values[own], None if block.weights is None else block.weights[own], where[own])
    return Survey(blocks, cells, {watch: Block.joined(parts) for watch, parts in watched.items()})


def _scaling(weight: Floats, mean: Floats, spread: Floats, *, standardize: bool) -> Scaling:
    """As `Scaling.of` has it."""
    if not standardize:
        return Scaling(np.zeros_like(mean), np.ones_like(mean), mean)
    deviation = np.sqrt(spread / np.where(weight > 0, weight, 1.0))
    constant = deviation <= 4 * np.finfo(float).eps * np.abs(mean)
    return Scaling(mean, np.where(constant, 1.0, deviation), np.zeros_like(mean))
