"""`foldwise export`: a saved model, or a report's winner, as ONNX, SQL or Python, checked before it is written."""

import sys
from pathlib import Path
from typing import Any

from foldwise.cli.files import check_goal, write_whole
from foldwise.cli.model_file import SavedModel, model_text, read_model
from foldwise.cli.terminal import notes_shown
from foldwise.cli.verify import read_report
from foldwise.cli.winner import winner_of
from foldwise.errors import InputError
from foldwise.export import SUFFIXES
from foldwise.tables import read_table


def show_export(source: Path, table: Path, goals: tuple[Path, ...], *, candidate: str | None = None) -> None:
    """Write the files and say so; none is written if one would predict otherwise than the model."""
    check_export_goals(goals, "--out")
    with notes_shown():
        rows = read_table(table)
        if source.is_dir() or source.name == "report.json":
            report = read_report(source)
            model, name = winner_of(report, rows, candidate)
            sys.stdout.write(f"{name} of the {len(report['candidates'])} candidates of {source}\n")
        elif candidate is not None:
            raise InputError(f"--candidate is for a report, and {str(source)!r} is none")
        else:
            model = read_model(source)
        written = write_exports(model, rows, goals)
    sys.stdout.write("".join(f"{line}\n" for line in written))


def check_export_goals(goals: tuple[Path, ...], argument: str) -> None:
    """Refuse files that can't be written, or in no known language, before any work is done."""
    for goal in goals:
        check_goal(goal, argument, (*SUFFIXES, ".json"))


def write_exports(model: SavedModel, table: Any, goals: tuple[Path, ...]) -> list[str]:
    """Write a model in the languages of the files' suffixes; give a line for each."""
    contents = [
        model_text(model).encode() if goal.suffix.lower() == ".json" else model.exported(goal.suffix.lower(), table)
        for goal in goals
    ]
    for goal, content in zip(goals, contents, strict=True):
        write_whole(goal, lambda draft, content=content: draft.write_bytes(content))  # type: ignore[misc]
    checked = "; it predicts every row of the table as the model does"
    return [f"exported: {goal}{'' if goal.suffix.lower() == '.json' else checked}" for goal in goals]
