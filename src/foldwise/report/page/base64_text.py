"""Arrays as base64 text, which a page's script reads back."""

from base64 import b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray


def base64_text(values: NDArray[Any]) -> str:
    """The bytes of an array.

    Examples
    --------
    >>> base64_text(np.array([1.0], dtype="<f8"))
    'AAAAAAAA8D8='
    """
    return b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def whole_numbers(shares: NDArray[np.float64], width: int) -> NDArray[np.uint8]:
    """Numbers in [-1, 1] as signed little-endian integers of so many bytes.

    Examples
    --------
    >>> whole_numbers(np.array([1.0, -1.0]), 4).tolist()
    [[255, 255, 255, 127], [1, 0, 0, 128]]
    """
    whole = np.rint(shares.ravel() * (2.0 ** (8 * width - 1) - 1.0)).astype("<i8")
    return np.ascontiguousarray(whole.view(np.uint8).reshape(-1, 8)[:, :width])
