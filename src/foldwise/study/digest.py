"""Digests of values and code: the same for the same, in any process; what has none says so."""

import hashlib
import inspect
from typing import Any

import numpy as np


class Digest:
    """A SHA-256 that takes arrays, texts and plain values, each with its kind and length.

    Examples
    --------
    >>> Digest().add("a", "bc").hexdigest() == Digest().add("ab", "c").hexdigest()
    False
    """

    def __init__(self) -> None:
        self._sum = hashlib.sha256()

    def add(self, *values: Any) -> "Digest":
        """Take values in."""
        for value in values:
            if isinstance(value, np.ndarray):
                plain = np.ascontiguousarray(value)
                self._take(f"{plain.dtype.str} {plain.shape}", plain.tobytes())
            else:
                self._take(type(value).__name__, (value if isinstance(value, str) else repr(value)).encode())
        return self

    def hexdigest(self) -> str:
        """The digest so far."""
        return self._sum.hexdigest()

    def _take(self, kind: str, content: bytes) -> None:
        self._sum.update(f"{kind} {len(content)}:".encode())
        self._sum.update(content)


def source_of(code: Any) -> str:
    """The source of a class or function; its name where there is none to be read.

    Examples
    --------
    >>> source_of(source_of).splitlines()[0]
    'def source_of(code: Any) -> str:'
    >>> source_of(len)
    '<built-in function len>'
    """
    try:
        return inspect.getsource(code)
    except (OSError, TypeError):
        return repr(code)


def in_words(value: Any) -> str | None:
    """A parameter as text that is the same in another process; None where there is no such text.

    Examples
    --------
    >>> in_words(0.1), in_words(lambda x: x), in_words(object())
    ('0.1', None, None)
    """
    if isinstance(value, np.ndarray):
        return Digest().add(value).hexdigest() if value.dtype != object else None
    if inspect.isroutine(value) or inspect.isclass(value):
        name = f"{value.__module__}.{value.__qualname__}"
        return None if "<" in name else f"{name} {source_of(value)}"
    text = repr(value)
    return None if " at 0x" in text else text
