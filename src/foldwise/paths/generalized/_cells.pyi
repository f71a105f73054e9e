import numpy as np
from numpy.typing import NDArray

def look(
    family: int,
    eta: NDArray[np.float64],
    y: NDArray[np.float64],
    weight: NDArray[np.float64],
    omega: NDArray[np.float64],
    label: NDArray[np.intp],
    keep: NDArray[np.float64],
    pull: NDArray[np.float64],
    fold_loss: NDArray[np.float64],
    misfit: NDArray[np.float64],
    spill: NDArray[np.float64],
) -> None: ...

class Sweep:
    def __init__(
        self,
        family: int,
        inner: NDArray[np.float64],
        intercept: NDArray[np.float64],
        offset: NDArray[np.float64] | None,
        y: NDArray[np.float64],
        weight: NDArray[np.float64],
        label: NDArray[np.intp],
        keep: NDArray[np.float64],
        before: NDArray[np.float64] | None,
        sloped: NDArray[np.float64] | None,
        omega: NDArray[np.float64] | None,
        eta: NDArray[np.float64] | None,
        slope: NDArray[np.float64] | None,
    ) -> None: ...
    def dense(
        self,
        start: int,
        stop: int,
        X: NDArray[np.float64],
        fold_loss: NDArray[np.float64],
        sums: NDArray[np.float64],
        gradient: NDArray[np.float64],
    ) -> None: ...
    def sparse(
        self,
        start: int,
        stop: int,
        starts: NDArray[np.int32],
        columns: NDArray[np.int32],
        values: NDArray[np.float64],
        fold_loss: NDArray[np.float64],
        sums: NDArray[np.float64],
        gradient: NDArray[np.float64],
    ) -> None: ...

def bend(family: int, eta: NDArray[np.float64], y: NDArray[np.float64], out: NDArray[np.float64]) -> None: ...
def rows_times(
    starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: NDArray[np.float64],
    B: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None: ...
def columns_times(
    starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: NDArray[np.float64],
    R: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None: ...
def cross(
    starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: NDArray[np.float64],
    weight: NDArray[np.float64],
    M: NDArray[np.float64],
) -> None: ...
def dense_cross(X: NDArray[np.float64], weight: NDArray[np.float64], M: NDArray[np.float64]) -> None: ...
