from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bytes: TypeAlias = NDArray[np.int8]

def go_to(weight: Floats, residual: Floats, share: Floats, seen: Floats, moved: Floats) -> float: ...
def within_reach(
    base: Floats,
    pace: Floats,
    way: float,
    l1: float,
    also: NDArray[np.intp],
    marked: Bytes,
    picks: NDArray[np.intp],
) -> int: ...
def survey(
    products: Floats,
    picks: NDArray[np.intp] | None,
    share: Floats,
    threshold: Floats,
    sides: Bytes,
    plain: Bytes,
    gradient: Floats,
    reach: Floats,
    most: Floats,
) -> None: ...
def primal(
    weight: Floats,
    residual: Floats,
    target: Floats,
    total: Floats,
    index: NDArray[np.intp],
    coef: Floats,
    threshold: Floats,
    square: Floats,
    l1: float,
    l2: float,
    out: Floats,
) -> None: ...
def dual_scales(
    gradient: Floats,
    threshold: Floats,
    sides: Bytes,
    l1: float,
    lower: Floats,
    upper: Floats,
    needed: Floats,
    full: Floats,
) -> None: ...
def conjugates(
    gradient: Floats,
    threshold: Floats,
    sides: Bytes,
    l1: float,
    l2: float,
    square: Floats,
    lower: Floats,
    upper: Floats,
    box: Floats,
    place: NDArray[np.intp],
    coef: Floats,
    scale: Floats,
    total: Floats,
) -> None: ...
