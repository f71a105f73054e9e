"""A fitted model as a JSON file: what is in it, written whole, read with every doubt named."""

import json
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foldwise import __version__
from foldwise.cli.files import write_whole
from foldwise.cli.trained import Trained
from foldwise.errors import InputError
from foldwise.export import exported
from foldwise.families import FAMILIES, Gaussian
from foldwise.study.measure import Modelled
from foldwise.tables import Recipe
from foldwise.tables.frames import columns_of
from foldwise.tables.values import kind_of, numbers

FORMAT = "foldwise-model"
VERSION = 1
OF_FAMILIES = 2
"""The version of files that a reader of version 1 would misread: their line is not the mean itself."""
OF_CLASSES = 3
"""The version of files with a line for each of three classes or more."""
OF_OFFSETS = 4
"""The version of files whose line has a column added to it."""
_KEYS = ("model", "target", "intercept", "coefficients", "recipe", "training")


@dataclass(frozen=True)
class SavedModel:
    """A model that can predict: recipe, coefficients (p,) in units of the target per unit of their column, intercept.

    For C classes, three or more, each coefficient is a tuple of C numbers, and so is the intercept. `offset` names a
    column that is added to the line.

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
    coef: tuple[Any, ...]
    intercept: Any
    training: dict[str, Any]
    modelled: Modelled = field(default_factory=lambda: Modelled(Gaussian(), "", ""))
    offset: str | None = None

    def __post_init__(self) -> None:
        """The target's name stands in one place."""
        object.__setattr__(self, "modelled", replace(self.modelled, target=self.target_name))

    @classmethod
    def of(cls, trained: Trained, *, seed: int, test_size: float) -> Self:
        """What is kept of a trained model."""
        measure = trained.modelled.measure
        return cls(
            trained.kind,
            trained.target_name,
            trained.target_unit,
            trained.recipe,
            _frozen(trained.coef),
            trained.intercept if trained.coef.ndim == 1 else _frozen(trained.intercept),
            {
                **asdict(trained.strength),
                "rows": trained.training_rows,
                measure.key: trained.training_error,
                "test_rows": trained.test_rows,
                f"test_{measure.key}": trained.test_error,
                **({} if measure.is_root else {"test_scores": trained.scores}),
                "test_size": test_size,
                "seed": seed,
            },
            trained.modelled,
        )

    def predict(self, table: Any) -> NDArray[np.float64]:
        """Predict the rows of a table: (n,) means in units of the target, or probabilities of the second class.

        For three classes and more (n, C) probabilities of each; of times to an event the relative hazard.
        """
        encoded = self.recipe.encode_table(table)
        eta: NDArray[np.float64] = encoded @ np.asarray(self.coef) + np.asarray(self.intercept)
        if self.offset is not None:
            eta += offset_of(table, self.offset)
        return self.modelled.family.mean(eta)

    def columns(self, table: Any) -> dict[str, list[Any]]:
        """The predictions of the rows of a table as columns: for classes the class, and the probability of each.

        Examples
        --------
        >>> from foldwise.families import Binomial
        >>> from foldwise.tables import make_design
        >>> recipe = Recipe.learn(make_design({"x": [1.0, 3.0, 5.0]}))
        >>> modelled = Modelled(Binomial(), "ill", "", ("no", "yes"))
        >>> model = SavedModel("lasso", "ill", None, recipe, (1.0,), 0.0, {}, modelled)
        >>> model.columns({"x": [0.0, 1.0]})["prediction"]
        ['no', 'yes']
        """
        mean, classes = self.predict(table), self.modelled.classes
        if not classes:
            return {"prediction": mean.tolist()}
        if mean.ndim == 2:
            most = [classes[int(at)] for at in mean.argmax(axis=1)]
            chances = {f"probability_{label}": mean[:, c].tolist() for c, label in enumerate(classes)}
            return {"prediction": most, **chances}
        return {
            "prediction": [classes[int(chance > 0.5)] for chance in mean.tolist()],
            f"probability_{classes[0]}": (1.0 - mean).tolist(),
            f"probability_{classes[1]}": mean.tolist(),
        }

    def exported(self, suffix: str, table: Any) -> bytes:
        """The content of an ``.onnx``, ``.sql`` or ``.py`` file, checked on a table; see `foldwise.export`."""
        offset = self.offset
        return exported(suffix, self.recipe, self.coef, self.intercept, self.modelled, table, offset=offset)

    def to_dict(self) -> dict[str, Any]:
        """The model as plain data; the schema is in docs/model-file.md."""
        return {
            "format": FORMAT,
            "version": self._version,
            "foldwise": __version__,
            "model": self.kind,
            "target": {"name": self.target_name, "unit": self.target_unit},
            "family": self.modelled.to_dict(),
            "intercept": self.intercept,
            "coefficients": dict(zip(self.recipe.names, self.coef, strict=True)),
            **({} if self.offset is None else {"offset": self.offset}),
            "recipe": self.recipe.to_dict(),
            "training": self.training,
        }

    @property
    def _version(self) -> int:
        if self.offset is not None:
            return OF_OFFSETS
        if isinstance(self.intercept, tuple):
            return OF_CLASSES
        return VERSION if self.modelled.family.name == "gaussian" else OF_FAMILIES

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
        if plain.get("version") not in {VERSION, OF_FAMILIES, OF_CLASSES, OF_OFFSETS}:
            found = f"its format has version {plain.get('version')!r}"
            raise InputError(f"{found}; this foldwise reads versions {VERSION} to {OF_OFFSETS}")
        missing = [key for key in _KEYS if key not in plain]
        if missing:
            raise InputError(f"it has no {missing[0]!r}")
        recipe = Recipe.from_dict(plain["recipe"])
        coefficients, target = plain["coefficients"], plain["target"]
        if not isinstance(coefficients, dict) or set(coefficients) != set(recipe.names):
            raise InputError("its coefficients are not those of the columns of its recipe")
        needed = plain["version"] != VERSION
        modelled = _modelled(plain.get("family"), str(target), needed=needed)
        outputs = len(modelled.classes) if plain["version"] == OF_CLASSES else None
        values = {name: _value(name, value, outputs) for name, value in coefficients.items()}
        if not isinstance(target, dict) or not isinstance(target.get("name"), str):
            raise InputError("its target has no name")
        offset = plain.get("offset")
        if plain["version"] == OF_OFFSETS and not isinstance(offset, str):
            raise InputError("its offset has no name")
        return cls(
            str(plain["model"]),
            target["name"],
            target.get("unit"),
            recipe,
            tuple(values[name] for name in recipe.names),
            _value("intercept", plain["intercept"], outputs),
            dict(plain["training"]) if isinstance(plain["training"], dict) else {},
            replace(modelled, target=target["name"]),
            offset if plain["version"] == OF_OFFSETS else None,
        )


def offset_of(table: Any, name: str) -> NDArray[np.float64]:
    """The column (n,) that is added to a line.

    Raises
    ------
    InputError
        If there is none, or a row lacks it: a prediction needs it.
    """
    columns = columns_of(table)
    if name not in columns:
        raise InputError(f"table: column {name!r} is missing, the offset that is added to every prediction's line")
    column = columns[name]
    kind = kind_of(name, column)
    if kind not in {"number", "nothing"}:
        raise InputError(f"column {name!r}, the offset, must hold numbers, got {kind}")
    values = np.full(len(column), np.nan) if kind == "nothing" else numbers(name, column)
    missing = np.flatnonzero(np.isnan(values))
    if missing.size:
        count = f"{missing.size} of {values.size} rows, first at row {missing[0] + 1}"
        raise InputError(f"column {name!r}, the offset, is missing in {count}: nothing can be predicted without it")
    return values


def _frozen(array: Any) -> tuple[Any, ...]:
    return tuple(tuple(row) if isinstance(row, list) else row for row in array.tolist())


def _value(name: str, value: Any, outputs: int | None) -> Any:
    """A number, or a tuple of one for each class."""
    if outputs is None:
        if not _is_number(value):
            raise InputError(f"its coefficient of {name!r} is not a number")
        return float(value)
    if not isinstance(value, list) or len(value) != outputs or not all(map(_is_number, value)):
        raise InputError(f"its coefficient of {name!r} is not {outputs} numbers")
    return tuple(map(float, value))


def _modelled(family: Any, target: str, *, needed: bool) -> Modelled:
    """The family of a file; files from before there were several have none."""
    if family is None and not needed:
        return Modelled(Gaussian(), target, "")
    try:
        made = FAMILIES[family["name"]](**family["parameters"])
        classes, reason = tuple(family["classes"]), str(family["reason"])
    except (KeyError, TypeError, InputError) as error:
        raise InputError(f"its family can't be read: {type(error).__name__} at {error}") from error
    several = made.name == "multinomial"
    if len(classes) != 2 * made.is_two_class and not (several and len(classes) > 1):
        raise InputError(f"its family has {len(classes)} classes")
    return Modelled(made, target, reason, classes)


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
