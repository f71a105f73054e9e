from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bytes: TypeAlias = NDArray[np.int8]
Numbers: TypeAlias = NDArray[np.intc]
Ints: TypeAlias = NDArray[np.intp]

class NewtonModel:
    def __init__(self, n: int) -> None: ...
    def __len__(self) -> int: ...

def solve(
    models: list[NewtonModel],
    sets: Ints,
    rows: Floats | None,
    start: Numbers | None,
    at: Numbers | None,
    value: Floats | None,
    m: int,
    weight: Floats,
    pulls: Floats,
    bend: Floats,
    renew: Bytes,
    w1: Floats,
    w2: Floats,
    lower: Floats,
    upper: Floats,
    size: Floats,
    l1: Floats,
    l2: Floats,
    slack: float,
    null: Floats,
    centred: bool,
    total: Floats,
    target: Floats,
    shift: Floats,
    move: Floats,
    dual: Floats,
    penalty: Floats,
    gap: Floats,
    steps: Ints,
) -> None: ...
def survey(products: Floats, picks: Ints, inverse: Floats, sides: Bytes, reach: Floats, most: Floats) -> None: ...
