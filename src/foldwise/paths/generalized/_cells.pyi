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
