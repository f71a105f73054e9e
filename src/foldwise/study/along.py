"""Along: one candidate's path over the strengths, as a reader explores it: error, coefficients and survival at each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foldwise.errors import InputError
from foldwise.inference import one_standard_error
from foldwise.inference.one_se import error_curve

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Along:
    """A path at the final l1_ratio, A strengths in descending order; errors as they are told.

    A model without coefficients has none of p: arrays (A, 0).

    Attributes
    ----------
    alphas : (A,) array
        In the target's unit.
    error, low, high : (A,) arrays
        Ordinary cross-validated error, and the band of one standard error around it.
    least, simplest : int
        Positions of the smallest error, and of the strongest penalty within one standard error of it.
    coef_per_sd : (A, p) or (A, p, C) array
        Of the model fitted to all rows.
    survival : (A, p) array
        The share of fits that keep the feature.
    sd : (p,) array
        Standard deviations of the columns: per unit is per SD over these.
    strength : str
        What the strengths are: alpha, or a network's own.
    """

    alphas: Floats
    error: Floats
    low: Floats
    high: Floats
    least: int
    simplest: int
    coef_per_sd: Floats
    survival: Floats
    sd: Floats
    strength: str = "alpha"

    @classmethod
    def of(
        cls,
        alphas: Floats,
        errors: Floats,
        weights: Floats,
        repeats: int,
        *,
        is_root: bool,
        coef_per_sd: Floats | None = None,
        survival: Floats | None = None,
        sd: Floats | None = None,
        strength: str = "alpha",
    ) -> Self:
        """From the errors (R*K, A) of folds: mean squared ones whose roots are told, or deviances."""
        mean, standard_error = error_curve(errors, weights=weights, repeats=repeats)
        chosen = one_standard_error(errors, alphas, weights=weights, repeats=repeats)
        told = np.sqrt if is_root else np.asarray
        low = mean - standard_error
        return cls(
            alphas=alphas,
            error=told(mean),
            low=told(np.maximum(low, 0.0) if is_root else low),
            high=told(mean + standard_error),
            least=chosen.index_min,
            simplest=chosen.index_1se,
            coef_per_sd=np.zeros((len(alphas), 0)) if coef_per_sd is None else coef_per_sd,
            survival=np.zeros((len(alphas), 0)) if survival is None else survival,
            sd=np.zeros(0) if sd is None else sd,
            strength=strength,
        )


def save_alongs(path: Path, alongs: Mapping[str, Along]) -> None:
    """Write paths by the names of their candidates: a .npz file of plain arrays."""
    arrays: dict[str, Any] = {"names": np.array(json.dumps(list(alongs)))}
    for number, along in enumerate(alongs.values()):
        arrays |= {f"{number}.{field.name}": np.asarray(getattr(along, field.name)) for field in fields(along)}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def load_alongs(path: Path) -> dict[str, Along]:
    """Read what `save_alongs` wrote.

    Raises
    ------
    InputError
        Where the file is another.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            names = json.loads(str(file["names"]))
            found = {
                name: {field.name: file[f"{number}.{field.name}"] for field in fields(Along)}
                for number, name in enumerate(names)
            }
    except (KeyError, ValueError, EOFError, OSError) as error:
        raise InputError(f"{str(path)!r} is not a file of paths: {error}") from error
    return {name: _of_plain(parts) for name, parts in found.items()}


def _of_plain(parts: dict[str, Any]) -> Along:
    own = {"least": int(parts["least"]), "simplest": int(parts["simplest"]), "strength": str(parts["strength"])}
    return Along(**{**parts, **own})
