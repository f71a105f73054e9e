from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bytes: TypeAlias = NDArray[np.int8]
Numbers: TypeAlias = NDArray[np.intc]
Ints: TypeAlias = NDArray[np.intp]

class Support:
    l2: float
    def __init__(self, ridge: bool) -> None: ...
    def __len__(self) -> int: ...
    def members(self) -> Numbers: ...
    def fill(self, members: Numbers, sign: Floats, left: Floats, right: Floats, matrix: Floats) -> None: ...
    def renumber(self, to: Numbers) -> None: ...
    def matrix(self) -> Floats: ...
    def set_inverse(self, inverse: Floats) -> None: ...

def choose(
    among: Ints,
    gradient: Floats,
    threshold: Floats,
    square: Floats,
    sides: Bytes,
    rounding: Floats,
    inside: Bytes,
    lower: Floats,
    upper: Floats,
    heft: Floats,
    place: Ints,
    coef: Floats,
    l1: float,
    l2: float,
    slack: float,
    supports: list[Support],
    picked: Numbers,
    count: Numbers,
) -> None: ...
def advance(
    supports: list[Support],
    sets: Ints,
    rows: Floats | None,
    start: Numbers | None,
    at: Numbers | None,
    value: Floats | None,
    index: Ints,
    place: Ints,
    coef: Floats,
    weight: Floats,
    mean: Floats,
    centre: Floats,
    total: Floats,
    gradient: Floats,
    threshold: Floats,
    square: Floats,
    sides: Bytes,
    inside: Bytes,
    lower: Floats,
    upper: Floats,
    l1: float,
    l2: float,
    careful: Bytes,
    picked: Numbers,
    count: Numbers,
    steps: Ints,
) -> None: ...
