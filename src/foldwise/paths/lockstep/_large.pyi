from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]
Numbers: TypeAlias = NDArray[np.intc]

def training_entries(
    start: Numbers,
    at: Numbers,
    value: Floats,
    picks: Ints,
    row: Numbers,
    root: Floats,
    begin: Ints,
    to: Numbers,
    entry: Floats,
) -> None: ...
def settle(
    start: Ints,
    at: Numbers,
    value: Floats,
    of_column: Floats,
    total: float,
    coef: Floats,
    residual: Floats,
    way: Floats,
    close: float,
    budget: int,
) -> int: ...
