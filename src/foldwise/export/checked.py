"""Exports are handed out once they predict what the original predicts, on every row of a table and on odd ones."""

import json
import sqlite3
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from decimal import Decimal
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from foldwise.errors import DataWarning, InputError
from foldwise.export.formula import Formula, LevelTerm, told_of
from foldwise.export.onnx_graph import onnx_bytes, output_names
from foldwise.export.python_code import function_of, python_text
from foldwise.export.sql import chance_names, identifier, sql_text
from foldwise.study.measure import Modelled
from foldwise.tables import Recipe
from foldwise.tables.frames import Columns, columns_of
from foldwise.tables.values import numbers

Floats = NDArray[np.float64]

SLACK = 1e-12
"""What the order of additions may change, as a share of the terms' sizes."""
_RUN = (
    "import json, sys; space = {}; exec(open(sys.argv[1], encoding='utf-8').read(), space); "
    "f = space[sys.argv[2]]; print(json.dumps([f(r) for r in json.load(sys.stdin)]))"
)


def exported(
    suffix: str,
    recipe: Recipe,
    coef: ArrayLike,
    intercept: ArrayLike,
    modelled: Modelled,
    table: Any,
    *,
    offset: str | None = None,
) -> bytes:
    """The file of a fitted line in the language of a suffix, ``.onnx``, ``.sql`` or ``.py``.

    Parameters
    ----------
    suffix : str
    recipe : Recipe
    coef : (p,), or (p, C) for C classes, three or more
        Coefficients of the recipe's columns.
    intercept : float, or (C,)
    modelled : Modelled
        With the family whose link's inverse gives the mean.
    table : Any
        What it is checked on; its columns must hold what those hold that it will be used on.
    offset : str, optional
        A column of the table that is added to the line.

    Raises
    ------
    InputError
        If the language can't hold the model, or what was written predicts otherwise than the model.
    """
    columns = _with_odd_rows(columns_of(table), recipe, offset)
    formula = Formula.of(recipe, coef, intercept, modelled, columns, offset)
    write, run = SUFFIXES[suffix]
    content = write(formula)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # of the levels that the odd rows have
        encoded = recipe.encode_table(pa.table(columns))
    added = np.zeros(len(encoded)) if offset is None else numbers(offset, columns[offset])
    weights = np.asarray(coef, dtype=np.float64).reshape(len(recipe.names), -1)
    eta = encoded @ weights + np.asarray(intercept) + added[:, None]
    room = SLACK * (np.abs(encoded) @ np.abs(weights) + np.abs(intercept) + np.abs(added)[:, None])
    _refuse_differences(suffix, run(content, formula, columns).reshape(eta.shape), formula, eta, room)
    return content


def _with_odd_rows(columns: Columns, recipe: Recipe, offset: str | None) -> Columns:
    """The columns that count, a row without any value and a row of texts that no fit has seen below them."""
    found: Columns = {}
    sources = [column.source for column in recipe.design_columns] + ([] if offset is None else [offset])
    for source in dict.fromkeys(sources):
        if source not in columns:
            raise InputError(f"table: column {source!r} is missing")
        column = columns[source]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        odd = pa.array([None, 'no such level, it\'s\n"odd"' if is_text else None], column.type)
        found[source] = pa.concat_arrays([column, odd])
    return found


def _refuse_differences(suffix: str, theirs: Floats, formula: Formula, eta: Floats, room: Floats) -> None:
    """Compare what comes out, (n, 1) or (n, C), with what does at predictors that may be off by some room."""
    ours = told_of(formula, eta)
    if formula.has_several:  # a chance moves by at most twice the chance times what the lines do
        low, high = (
            ours * (1.0 - 2.0 * room.max(axis=1, keepdims=True)),
            ours * (1.0 + 2.0 * room.max(axis=1, keepdims=True)),
        )
    else:
        low, high = told_of(formula, eta - room), told_of(formula, eta + room)
    beside = 16.0 * np.finfo(float).eps * (1.0 if formula.modelled.classes else np.abs(ours))
    with np.errstate(invalid="ignore"):
        alike = (theirs == ours) | ((theirs >= low - beside) & (theirs <= high + beside))
    alike |= np.isnan(theirs) & np.isnan(ours)  # where the offset is missing
    wrong = np.flatnonzero(~alike.all(axis=1))
    if len(wrong):
        at = int(wrong[0])
        c = int(np.flatnonzero(~alike[at])[0])
        rows = len(eta) - 2
        where = f"row {at + 1}" if at < rows else "a row without values" if at == rows else "a row of unseen levels"
        of = f" of class {formula.modelled.classes[c]!r}" if formula.has_several else ""
        raise InputError(
            f"the {suffix} file is not written: it predicts {float(theirs[at, c])!r}{of} for {where} where the model "
            f"predicts {float(ours[at, c])!r} ({len(wrong)} of {rows} rows differ). Please report this"
        )


def _values(formula: Formula, columns: Columns) -> dict[str, list[Any]]:
    """Columns as Python values, None where missing."""
    found = {}
    for term in formula.inputs:
        column = columns[term.source]
        if isinstance(term, LevelTerm) or term.is_boolean:
            values = [float(value) if isinstance(value, Decimal) else value for value in column.to_pylist()]
        else:
            values = numbers(term.source, column).tolist()
        found[term.source] = [None if value is None or value != value else value for value in values]  # noqa: PLR0124
    return found


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _run_sql(content: bytes, formula: Formula, columns: Columns) -> Floats:
    values = _values(formula, columns)
    base = sqlite3.connect(":memory:")
    try:
        base.create_function("EXP", 1, _exp)  # some builds of SQLite lack it
        names = ["row", *(identifier(name) for name in values)]
        own = "row" if not any(name.casefold() == "row" for name in values) else "the row's place"
        names[0] = identifier(own)
        base.execute(f"CREATE TABLE t ({', '.join(names)})")
        marks = ", ".join("?" * len(names))
        base.executemany(f"INSERT INTO t VALUES ({marks})", zip(range(_rows(columns)), *values.values(), strict=True))  # noqa: S608
        text, told = (
            content.decode(),
            [identifier(name) for name in chance_names(formula)] if formula.has_several else [],
        )
        query = f"SELECT {', '.join(told)} FROM (\n{text}\n)" if told else f"SELECT (\n{text}\n) FROM t"  # noqa: S608
        return np.array(base.execute(f"{query} ORDER BY {names[0]}").fetchall(), dtype=np.float64)
    except (sqlite3.Error, OverflowError) as error:
        raise InputError(f"the .sql file is not written: SQLite refuses it: {error}") from error
    finally:
        base.close()


def _exp(x: float | None) -> float | None:
    return None if x is None else exp(x) if x < 709.0 else float("inf")


def _run_python(content: bytes, formula: Formula, columns: Columns) -> Floats:
    values = _values(formula, columns)
    rows = [{name: value[at] for name, value in values.items()} for at in range(_rows(columns))]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.py"
        file.write_bytes(content)
        command = [sys.executable, "-I", "-c", _RUN, str(file), function_of(formula)]
        done = subprocess.run(command, input=json.dumps(rows).encode(), capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise InputError(f"the .py file is not written: it does not run: {' '.join(last)}")
    return np.array(json.loads(done.stdout), dtype=np.float64)


def _run_onnx(content: bytes, formula: Formula, columns: Columns) -> Floats:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError("checking an ONNX file needs onnxruntime: pip install foldwise[onnx]") from error
    given: dict[str, Any] = {}
    for term in formula.inputs:
        column = columns[term.source]
        if isinstance(term, LevelTerm) and term.held == "text":
            given[term.source] = np.array(
                [term.gap if text is None else text for text in column.to_pylist()], dtype=object
            )
        else:
            given[term.source] = numbers(term.source, column)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (found,) = session.run([output_names(formula)[1]], {source: values[:, None] for source, values in given.items()})
    return np.asarray(found, dtype=np.float64)


def _encoded(write: Callable[[Formula], str]) -> Callable[[Formula], bytes]:
    return lambda formula: write(formula).encode()


SUFFIXES: dict[str, tuple[Callable[[Formula], bytes], Callable[[bytes, Formula, Columns], Floats]]] = {
    ".onnx": (onnx_bytes, _run_onnx),
    ".sql": (_encoded(sql_text), _run_sql),
    ".py": (_encoded(python_text), _run_python),
}
"""How a language's file is written, and run."""
