from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bytes: TypeAlias = NDArray[np.int8]

def spread(
    products: Floats, picks: NDArray[np.intp], sets: NDArray[np.intp], total: Floats, gradient: Floats
) -> None: ...
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
def unrest(
    index: NDArray[np.intp],
    coef: Floats,
    gradient: Floats,
    threshold: Floats,
    square: Floats,
    rounding: Floats,
    inside: Bytes,
    l1: float,
    l2: float,
    share: float,
    roundings: float,
    worst: Floats,
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
