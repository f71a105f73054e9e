"""A fitted model as a JSON file: what is in it, written whole, read with every doubt named."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foldwise import __version__
from foldwise.cli.files import write_whole
from foldwise.cli.trained import Trained
from foldwise.errors import InputError
from foldwise.tables import Recipe

FORMAT = "foldwise-model"
VERSION = 1
_KEYS = ("model", "target", "intercept", "coefficients", "recipe", "training")


@dataclass(frozen=True)
class SavedModel:
    """A model that can predict: recipe, coefficients (p,) in units of the target per unit of their column, intercept.

    Examples
    --------
    >>> from foldwise.tables import make_design
    >>> recipe = Recipe.learn(make_design({"x": [1.0, 3.0, 5.0]}))
    >>> model = SavedModel("lasso", "y", None, recipe, (2.0,), 1.0, {})
    >>> model.predict({"x": [10.0]})
    array([21.])
    >>> SavedModel.from_dict(model.to_dict()) == model
    True
    """

    kind: str
    target_name: str
    target_unit: str | None
    recipe: Recipe
    coef: tuple[float, ...]
    intercept: float
    training: dict[str, Any]

    @classmethod
    def of(cls, trained: Trained, *, seed: int, test_size: float) -> Self:
        """What is kept of a trained model."""
        return cls(
            trained.kind,
            trained.target_name,
            trained.target_unit,
            trained.recipe,
            tuple(trained.coef.tolist()),
            trained.intercept,
            {
                **asdict(trained.strength),
                "rows": trained.training_rows,
                "rmse": trained.training_rmse,
                "test_rows": trained.test_rows,
                "test_rmse": trained.test_rmse,
                "test_size": test_size,
                "seed": seed,
            },
        )

    def predict(self, table: Any) -> NDArray[np.float64]:
        """Predict the rows of a table; (n,) in units of the target."""
        encoded = self.recipe.encode_table(table)
        predicted: NDArray[np.float64] = encoded @ np.asarray(self.coef) + self.intercept
        return predicted

    def to_dict(self) -> dict[str, Any]:
        """The model as plain data; the schema is in docs/model-file.md."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "foldwise": __version__,
            "model": self.kind,
            "target": {"name": self.target_name, "unit": self.target_unit},
            "intercept": self.intercept,
            "coefficients": dict(zip(self.recipe.names, self.coef, strict=True)),
            "recipe": self.recipe.to_dict(),
            "training": self.training,
        }

    @classmethod
    def from_dict(cls, plain: Any) -> Self:
        """Read what `to_dict` gave.

        Raises
        ------
        InputError
            If the format, its version, a key or a value is not as it should be.
        """
        if not isinstance(plain, dict) or plain.get("format") != FORMAT:
            raise InputError("it is not a model that `foldwise fit --save` wrote")
        if plain.get("version") != VERSION:
            raise InputError(f"its format has version {plain.get('version')!r}; this foldwise reads version {VERSION}")
        missing = [key for key in _KEYS if key not in plain]
        if missing:
            raise InputError(f"it has no {missing[0]!r}")
        recipe = Recipe.from_dict(plain["recipe"])
        coefficients, target = plain["coefficients"], plain["target"]
        if not isinstance(coefficients, dict) or set(coefficients) != set(recipe.names):
            raise InputError("its coefficients are not those of the columns of its recipe")
        for name, value in [*coefficients.items(), ("intercept", plain["intercept"])]:
            if not _is_number(value):
                raise InputError(f"its coefficient of {name!r} is not a number")
        if not isinstance(target, dict) or not isinstance(target.get("name"), str):
            raise InputError("its target has no name")
        return cls(
            str(plain["model"]),
            target["name"],
            target.get("unit"),
            recipe,
            tuple(float(coefficients[name]) for name in recipe.names),
            float(plain["intercept"]),
            dict(plain["training"]) if isinstance(plain["training"], dict) else {},
        )


def model_text(model: SavedModel) -> str:
    """The text of a model file."""
    return json.dumps(model.to_dict(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def write_model(path: Path, model: SavedModel) -> None:
    """Write a model file, whole or not at all."""
    write_whole(path, lambda draft: draft.write_text(model_text(model), encoding="utf-8"))


def read_model(path: Path) -> SavedModel:
    """Read a model file.

    Raises
    ------
    InputError
        If there is none, it is not JSON, or `SavedModel.from_dict` refuses it; the message says which.

    Examples
    --------
    >>> read_model(Path("no-such-model.json"))
    Traceback (most recent call last):
    foldwise.errors.InputError: there is no file 'no-such-model.json'
    """
    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}")
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name!r} can't be read: {error}") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path.name!r} is not JSON: line {error.lineno}: {error.msg}") from error
    try:
        return SavedModel.from_dict(plain)
    except InputError as error:
        raise InputError(f"{path.name!r} can't be used: {error}") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
