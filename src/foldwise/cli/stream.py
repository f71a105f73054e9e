"""Tables that `foldwise compare` reads in one pass: what is said of it, where a stopped scan goes on, and on what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from foldwise.cli.terminal import say_note
from foldwise.errors import InputError
from foldwise.moments import FoldMoments
from foldwise.study.streamed import family_of_stream, scan_for_study, why_streamed

if TYPE_CHECKING:
    from foldwise.cli.request import Request
    from foldwise.cli.terminal import Step
    from foldwise.paths import RowStream


def why_one_pass(request: Request) -> str | None:
    """Why the table is read in one pass, said to the user too; None where it is read whole.

    Raises
    ------
    InputError
        Where what is asked of a pass does not go with what is asked of the comparison.
    """
    how = request.one_pass
    rows_only = next((name for name in ("time", "event", "offset", "leaks") if getattr(request, name)), None)
    if how.is_asked_for and (rows_only or how.stream is False or request.target is None):
        given = f"--{rows_only}" if rows_only else "--in-memory" if how.stream is False else "no --target"
        raise InputError(f"--stream, --key, --skip-bad and --state ask for one pass, which {given} rules out")
    if rows_only or request.target is None or not isinstance(request.table, Path):
        return None
    why = why_streamed(request.table, stream=True if how.is_asked_for else how.stream)
    if why is not None:
        family = family_of_stream(request.table, request.target, request.family, skip_bad=how.skip_bad)
        say_note(f"the table is read in {'one pass' if family == 'gaussian' else 'a few passes'}: {why}")
    return why


def scanned(request: Request, step: Step) -> FoldMoments | RowStream:
    """The table's moments, in one pass, or a stream of its rows where its target wants several."""
    how = request.one_pass
    options: dict[str, Any] = {"key": how.key, "skip_bad": how.skip_bad, "state": how.state, "dask": how.dask}
    try:
        return scan_for_study(
            request.table,
            target=str(request.target),
            family=request.family,
            progress=step,
            folds=request.folds,
            repeats=request.repeats or 1,
            seed=request.seed,
            drop=request.drop,
            categories=request.categories,
            units=dict(request.units),
            **options,
        )
    except KeyboardInterrupt:
        if how.state is not None and how.state.exists():
            say_note(f"how far the pass was is in {str(how.state)!r}: the same command goes on from there")
        raise


def skipped_of(found: FoldMoments | RowStream) -> list[str]:
    """Every part that was skipped, by name; the report tells how many, and the first."""
    origin = (found if isinstance(found, FoldMoments) else found.moments).origin
    return [f"skipped {where}: {reason}" for where, reason, _ in (() if origin is None else origin.skipped)]
