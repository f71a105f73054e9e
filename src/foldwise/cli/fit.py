"""`foldwise fit`: one model of one table, its test error and its coefficients."""

import sys
from pathlib import Path
from typing import Any

from rich.text import Text

from foldwise.cli.coefficient_lines import coefficient_lines
from foldwise.cli.export import check_export_goals, write_exports
from foldwise.cli.files import check_goal
from foldwise.cli.model_file import SavedModel, model_text, write_model
from foldwise.cli.terminal import encodable, notes_shown, output_console, waiting
from foldwise.cli.trained import Trained
from foldwise.cli.training import FOLDS, train
from foldwise.report.tables import NAMES
from foldwise.tables import read_table

_NAMES = {"ols": "least squares", "ridge": "ridge", "lasso": "lasso", "elastic-net": "elastic net"}


def show_fit(
    table: Path, kind: str, *, save: Path | None, exports: tuple[Path, ...], as_json: bool, **options: Any
) -> None:
    """Fit, print the summary or the model's JSON, and save and export where asked."""
    if save is not None:
        check_goal(save, "--save", (".json",))
    check_export_goals(exports, "--export")
    with notes_shown(), waiting(f"fitting {_NAMES[kind]}") as tell:
        rows = read_table(table)
        trained = train(rows, kind, progress=tell, **options)
    model = SavedModel.of(trained, seed=options["seed"], test_size=options["test_size"])
    exported = write_exports(model, rows, exports)
    if save is not None:
        write_model(save, model)
    if as_json:
        sys.stdout.write(model_text(model))
        return
    console = output_console()
    lines = [
        *_summary(trained, table.name, **options),
        Text(),
        *coefficient_lines(trained, width=console.width),
    ]
    if save is not None:
        lines += [Text(), Text(f"saved: {save}; use it with  foldwise predict {save} TABLE")]
    lines += [Text(), *map(Text, exported)] if exported else []
    for line in encodable(lines):
        console.print(line, soft_wrap=True)


def _summary(trained: Trained, table: str, *, test_size: float, seed: int, **_: Any) -> list[Text]:
    unit = f" {trained.target_unit}" if trained.target_unit else ""
    p, gaussian = int((trained.scale > 0).sum()), trained.modelled.family.name == "gaussian"
    columns = f"{p} column{'s' if p > 1 else ''}"
    lines = [
        Text(f"{_name(trained)} of {trained.target_name} on {columns} of {table}", style="bold"),
        *map(Text, _strength(trained)),
        *([] if gaussian else [Text(trained.modelled.line)]),
        Text(),
    ]
    measure = trained.modelled.measure.name
    width = len(f"training {measure}")
    if trained.test_error is None:
        rows = f"({trained.training_rows} rows, no test rows)"
        return [*lines, Text(f"training {measure}  {trained.training_error:.6g}{unit}  {rows}")]
    rows = f"({trained.test_rows} rows: test size {test_size:g}, seed {seed})"
    without = trained.modelled.without if not gaussian else "the training mean"
    mean = f"(test {measure} of always predicting {without})"
    label = "mean only" if gaussian else "no features"
    return [
        *lines,
        Text(f"{f'test {measure}':<{width}}  {trained.test_error:.6g}{unit}  {rows}", style="bold"),
        Text(f"training {measure}  {trained.training_error:.6g}{unit}  ({trained.training_rows} rows)"),
        Text(f"{label:<{width}}  {trained.test_error_of_mean:.6g}{unit}  {mean}"),
        *([Text(_other_scores(trained), style="bold")] if trained.scores else []),
    ]


def _name(trained: Trained) -> str:
    if trained.modelled.family.name == "gaussian":
        return _NAMES[trained.kind]
    return (
        f"unpenalized {trained.modelled.family.name} model"
        if trained.kind == "ols"
        else (f"{_NAMES[trained.kind]} ({trained.modelled.family.name})")
    )


def _other_scores(trained: Trained) -> str:
    """The test rows in other scores."""
    found = trained.scores
    told = [
        f"{NAMES[name]} {found[name]:.1%}" if name == "accuracy" else f"{NAMES[name]} {found[name]:.4g}"
        for name in found
    ]
    return "on the test rows: " + ", ".join(told)


def _strength(trained: Trained) -> list[str]:
    strength = trained.strength
    if strength.alpha is None:
        return []
    ratio = "" if strength.l1_ratio is None else f" and l1_ratio {strength.l1_ratio:.4g}"
    scale = "on standardized columns" if strength.standardize else "on the columns as given"
    if not strength.chosen:
        return [f"alpha {strength.alpha:g}{ratio}, {scale}"]
    again = f"--alpha {strength.alpha:.6g}"
    if strength.l1_ratio is not None:
        again += f" --l1-ratio {strength.l1_ratio:g}"
    again += " --standardize" if strength.standardize else ""
    return [
        f"alpha {strength.alpha:.4g}{ratio}, {scale}",
        f"  chosen by {FOLDS}-fold cross-validation of the training rows",
        f"  to fit it again: {again}",
    ]
