import numpy as np
from numpy.typing import NDArray

def solve_path(
    Q: NDArray[np.float64],
    c: NDArray[np.float64],
    scale: float,
    l1: NDArray[np.float64],
    l2: NDArray[np.float64],
    weight: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    start: NDArray[np.float64],
    level: NDArray[np.float64],
    slope: NDArray[np.float64],
    slack: float,
    max_sweeps: int,
    coef: NDArray[np.float64],
    residual: NDArray[np.float64],
    n_iter: NDArray[np.intp],
    status: NDArray[np.int8],
) -> None: ...
