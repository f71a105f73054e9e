"""`foldwise compare` and `foldwise demo`: the comparison of the linear candidates, on the terminal and in files."""

import sys
import warnings
from dataclasses import replace
from pathlib import Path

from foldwise import report
from foldwise.cli.files import check_folder
from foldwise.cli.request import Request
from foldwise.cli.stream import scanned, skipped_of, why_one_pass
from foldwise.cli.terminal import Step, notes_kept, progress_bar, say_note
from foldwise.errors import DataWarning, InputError
from foldwise.study import Comparison
from foldwise.study import compare as run_comparison
from foldwise.study.candidates.network import NETWORKS
from foldwise.study.compare import DEFAULT_CANDIDATES, DEFAULT_L1_RATIOS
from foldwise.study.from_moments import compare_moments
from foldwise.study.streamed import how_read
from foldwise.tables import read_table

_WHAT = """\
The table: {rows} cars of 1970 to 1982, and how far each goes on a gallon (mpg).
The question: which regularization predicts mpg best, and from which features?
Every error below comes from cars that the fit, its scaling, its filling of gaps
and its choice of strength have not seen.

"""
_NEXT = """
Next, with a table of your own (CSV, TSV, Parquet, Feather or JSON lines):

  foldwise compare TABLE --target COLUMN --out report
  foldwise fit TABLE --target COLUMN --model lasso --save model.json
  foldwise predict model.json TABLE
"""


def show_comparison(request: Request, *, out: Path | None = None, as_json: bool = False, moments: bool = True) -> None:
    """Compare, print the report or its JSON, and write the files where asked."""
    if out is not None:
        check_folder(out, "--out")
    comparison = _compared(request, keep=out)
    if out is not None:
        report.write(comparison, out, moments=moments)
    if as_json:
        sys.stdout.write(report.to_json(comparison))
        return
    sys.stdout.write(report.text(comparison))
    if out is not None:
        sys.stdout.write(f"\nwritten to {out}: report.html to look at, report.json, report.txt, run.json\n")


def show_demo(*, networks: bool = False) -> None:
    """Compare on the auto-mpg table, with networks if asked (in three repeats: they take longer); say what's next."""
    from foldwise.datasets import UNITS, auto_mpg

    cars = auto_mpg()
    sys.stdout.write(_WHAT.format(rows=cars.num_rows))
    sys.stdout.flush()
    request = Request(cars, "mpg", units=UNITS)
    if networks:
        request = replace(request, candidates=(*DEFAULT_CANDIDATES, *(each.name for each in NETWORKS)), repeats=3)
    sys.stdout.write(report.text(_compared(request)))
    sys.stdout.write(_NEXT)


def _compared(request: Request, *, keep: Path | None = None) -> Comparison:
    why = why_one_pass(request)
    with notes_kept() as notes, progress_bar("comparing") as step:
        comparison = _in_memory(request, step, keep) if why is None else _once(why, request, step)
    for note in notes:
        if note not in comparison.notes:  # those are in the report
            say_note(note)
    return comparison


def _once(why: str, request: Request, step: Step) -> Comparison:
    if request.budget is not None:
        raise InputError("--budget must be left out for a table that is read in one pass, with its folds")
    found = scanned(request, step)
    for note in skipped_of(found):
        warnings.warn(note, DataWarning, stacklevel=1)
    return compare_moments(
        found,
        (how_read(found, why),),
        candidates=request.candidates or DEFAULT_CANDIDATES,
        l1_ratios=DEFAULT_L1_RATIOS,
        rope=request.rope,
        progress=step,
    )


def _in_memory(request: Request, step: Step, keep: Path | None) -> Comparison:
    table = read_table(request.table) if isinstance(request.table, Path) else request.table
    return run_comparison(
        table,
        target=request.target,
        time=request.time,
        event=request.event,
        family=request.family,
        offset=request.offset,
        candidates=request.candidates or DEFAULT_CANDIDATES,
        folds=request.folds,
        repeats=request.repeats,
        budget=request.budget,
        keep=keep,
        seed=request.seed,
        rope=request.rope,
        drop=request.drop,
        categories=request.categories,
        units=request.units,
        leaks=request.leaks,
        stream=False if isinstance(request.table, Path) else None,
        dask=request.one_pass.dask,
        progress=step,
    )
