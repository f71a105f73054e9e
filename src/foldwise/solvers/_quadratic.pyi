import numpy as np
from numpy.typing import NDArray

class ActiveSet:
    def __init__(self, p: int) -> None: ...
    def solve(
        self,
        Q: NDArray[np.float64],
        c: NDArray[np.float64],
        yy: float,
        l1: NDArray[np.float64],
        l2: NDArray[np.float64],
        w1: NDArray[np.float64],
        w2: NDArray[np.float64],
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
        tol: float,
        max_steps: int,
        start: NDArray[np.float64],
        coef: NDArray[np.float64],
        gap: NDArray[np.float64],
        n_iter: NDArray[np.intp],
        status: NDArray[np.int8],
    ) -> None: ...
