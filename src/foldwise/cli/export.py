"""`foldwise export`: a saved model as ONNX, SQL or Python, checked on a table before it is written."""

import sys
from pathlib import Path
from typing import Any

from foldwise.cli.files import check_goal, write_whole
from foldwise.cli.model_file import SavedModel, read_model
from foldwise.cli.terminal import notes_shown
from foldwise.export import SUFFIXES
from foldwise.tables import read_table


def show_export(model: Path, table: Path, goals: tuple[Path, ...]) -> None:
    """Write the files and say so; none is written if one would predict otherwise than the model."""
    check_export_goals(goals, "--out")
    with notes_shown():
        written = write_exports(read_model(model), read_table(table), goals)
    sys.stdout.write("".join(f"{line}\n" for line in written))


def check_export_goals(goals: tuple[Path, ...], argument: str) -> None:
    """Refuse files that can't be written, or in no known language, before any work is done."""
    for goal in goals:
        check_goal(goal, argument, tuple(SUFFIXES))


def write_exports(model: SavedModel, table: Any, goals: tuple[Path, ...]) -> list[str]:
    """Write a model in the languages of the files' suffixes; give a line for each."""
    contents = [model.exported(goal.suffix.lower(), table) for goal in goals]
    for goal, content in zip(goals, contents, strict=True):
        write_whole(goal, lambda draft, content=content: draft.write_bytes(content))  # type: ignore[misc]
    return [f"exported: {goal}; it predicts every row of the table as the model does" for goal in goals]
