"""What `foldwise compare` is asked for, as its parts hand it to each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class OnePass:
    """What can be asked of a pass: whether there is to be one, the key of folds, bad parts, a state; and a cluster."""

    stream: bool | None = None
    key: str | None = None
    skip_bad: bool = False
    state: Path | None = None
    dask: str | None = None

    @property
    def is_asked_for(self) -> bool:
        """Whether something is given that only a pass understands."""
        return bool(self.stream or self.key or self.skip_bad or self.state)


@dataclass(frozen=True)
class Request:
    """What to compare on: a table (a path, or a table at hand), its target, how the folds are dealt, and what."""

    table: Any
    target: str | None = None
    folds: int = 5
    repeats: int | None = None
    seed: int = 0
    drop: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    candidates: tuple[str, ...] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    family: str | None = None
    time: str | None = None
    event: str | None = None
    offset: str | None = None
    leaks: bool = False
    rope: float = 0.0
    one_pass: OnePass = field(default_factory=OnePass)
    budget: float | None = None
