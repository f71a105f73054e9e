from typing import Self

import numpy as np
from numpy.typing import NDArray

class WarmProblem:
    def __new__(
        cls,
        w1: NDArray[np.float64],
        w2: NDArray[np.float64],
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
        before: WarmProblem | None = None,
    ) -> Self: ...
    def renew(self, Q: NDArray[np.float64]) -> None: ...
    def solve(
        self, c: NDArray[np.float64], l1: float, l2: float, slack: float, max_steps: int, out: NDArray[np.float64]
    ) -> tuple[int, int]: ...
