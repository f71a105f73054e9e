import numpy as np
from numpy.typing import NDArray

def rows_times(A: NDArray[np.floating], R: NDArray[np.float64], out: NDArray[np.float64]) -> None: ...
