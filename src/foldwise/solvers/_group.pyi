import numpy as np
from numpy.typing import NDArray

def solve_path(
    Q: NDArray[np.float64],
    c: NDArray[np.float64],
    scale: float,
    l1: NDArray[np.float64],
    l2: NDArray[np.float64],
    start: NDArray[np.intp],
    values: NDArray[np.float64],
    vectors: NDArray[np.float64],
    place: NDArray[np.intp],
    norm_weight: NDArray[np.float64],
    ridge_weight: NDArray[np.float64],
    weight: NDArray[np.float64],
    slack: float,
    max_rounds: int,
    coef: NDArray[np.float64],
    n_iter: NDArray[np.intp],
    status: NDArray[np.int8],
) -> None: ...
