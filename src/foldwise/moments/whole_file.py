"""Arrays written to a .npz file whole or not at all: a temporary file beside the goal, then one rename."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write to a temporary file beside the goal, then put it in place.

    Raises
    ------
    InputError
        Where the folder can't be written to, or the disk is full.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    except OSError as error:
        message = f"can't write {path}: {error.strerror}"
        raise InputError(message) from error
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
        Path(temporary).replace(path)
    except OSError as error:
        message = f"can't write {path}: {error.strerror}"
        raise InputError(message) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
