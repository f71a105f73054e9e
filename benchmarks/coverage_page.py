"""docs/coverage.md and its picture, from what the simulation found: `python -m benchmarks.coverage_page`."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.markdown import table

RESULTS = Path(__file__).parent / "results" / "coverage.json"
DOCS = Path(__file__).parents[1] / "docs"
LOWEST, HIGHEST = 0.93, 0.97
SIZE = 0.06

INTRODUCTION = """# What the intervals cover

Made by `python -m benchmarks.coverage` ({seconds:.0f} seconds of one core) and `python -m benchmarks.coverage_page`.

An interval that says 95 % should hold the truth in 95 of 100 tables. Here tables are drawn from worlds whose truth is
known, cross-validated by foldwise ({folds} folds, {gaussian} repeats, {binomial} for classes), and what was stated is
held against it. The ± beside a share is the Monte Carlo standard error of the simulation; shares in
**bold** lie outside 93 to 97 % by more than two of them.

**Two truths.** *The model's error* is that of the very model that was fitted to the table, on rows that nobody has
seen. *The procedure's error* is the mean of that over all tables of the same size: what the recipe achieves, not what
this model does. Both are exact here: for normal features the squared error is known in closed form and the deviance by
a one-dimensional integral (a test holds them to 200,000 fresh rows). Roots of both ends cover the root, so shares for
squared errors are shares for RMSEs.

**The worlds**: {worlds}. Ten standard normal features, slopes 1, 0.5, -0.5, 0.25, 0, twice over.

**The procedures**: *least squares* on all ten; *tuned*, the lasso with its strength chosen among 15 by cross-validation
(for classes ridge, among 6).

**The intervals**

- *naive*: the best cross-validated error ± 1.96 s/√n. It takes the losses of different rows to be independent, and for
  a tuned procedure it takes the winner's score as it is.
- *corrected t*: the corrected resampled t on the nested errors of the folds
  ([`corrected_resampled_t`](how-sure.md#the-difference-of-two-candidates-corrected-resampled-t)).
- *nested*: nested cross-validation, on the logarithm ([`nested_interval`](how-sure.md#the-interval-of-an-error)).
  This is the one that comparisons quote.
- *BBC-CV*: percentiles of the bootstrap-bias-corrected score ([`bbc_cv`](how-sure.md#bbc-cv)), for tuned procedures.
"""

READING = """## How to read it

- The **nested** interval holds the model's error in {lowest} to {highest} of tables: within 93 to 97 % in {inside} of
  {cells} cells, the naive one in {naive_inside}, the corrected t in {corrected_inside}.
- What it promises, it keeps for squared errors with normal noise at every size, and in all worlds from 200 rows on (to
  the simulation's own error). **With 50 or 100 rows it falls short for classes, and with 50 for a tuned strength and
  heavy tails**, as all do: few rows say little of rare large losses, and the error of a model of so few rows varies
  itself. There an interval is an order of magnitude, not a promise.
- It is meant for the model's error, and mostly holds the procedure's as well; from 500 rows on the two hardly differ.
- It is on the wide side where repeats are few: its width comes from {fits} pairs of errors here ({of_classes} for
  classes), and it is never let below the naive one's. Comparisons have ten repeats unless they are told otherwise.
- The **corrected t** was made for differences, where it keeps its level (below). For the error of one candidate it is
  near 95 % where noise is normal, and falls short with heavy tails.
- **BBC-CV**'s percentiles are those of the third of the rows that a sample leaves out: too wide from a few hundred rows
  on.
"""

WHERE_NOT = """## Where 95 % is not 95 %

All places where the share of tables whose interval holds the model's error is below 93 % or above 97 %; in bold where
that is by more than two standard errors.
"""

NULL = """## Tests of models that are equally good

Ridge on the first five features against ridge on the last five, which are worth as much: any difference is chance. The
share of tables in which each test claims a difference at the level 5 %; *Bayes*: in which the probability that one of
the two is better exceeds 95 % (with a region of practical equivalence of 0: two sides of 5 %, so 10 % in the long run).
*Flips*: how often the order of the two is another one on a second table, beside the odds that were stated for it.

{table}

{verdict} The paired t without correction is wrong in up to {worst} of the tables. Stated odds of a flip are too low
here, as their flat prior makes them where two models are equally good: the truth is one half.
"""


def tables(found: Mapping[str, Any]) -> list[str]:
    """The coverage tables, one for each world and procedure, with a heading."""
    parts = []
    kinds = dict.fromkeys((cell["world"], cell["procedure"]) for cell in found["cells"])
    for world, procedure in kinds:
        cells = [cell for cell in found["cells"] if (cell["world"], cell["procedure"]) == (world, procedure)]
        names = list(cells[0]["intervals"])
        header = ("rows", "truth", *names, *(f"width, {name}" for name in names), "tables")
        rows = []
        for cell in cells:
            width = [f"{cell['intervals'][name]['width']:.2f}" for name in names]
            for truth, told in (("model", f"{cell['n']:,}"), ("procedure", "")):
                shares = [_judged(cell["intervals"][name][truth]) for name in names]
                last = (*width, f"{cell['tables']:,}") if told else ("",) * (len(names) + 1)
                rows.append((told, truth, *shares, *last))
        parts.append(f"### {world[0].upper()}{world[1:]}, {procedure}\n\n{table(header, rows)}\n")
    return parts


def null_table(found: Mapping[str, Any]) -> str:
    """Sizes of the tests and odds of a flip."""
    header = ("world", "rows", "corrected t", "paired t", "Bayes", "flips stated", "flips seen", "tables")
    rows = [
        (
            cell["world"],
            f"{cell['n']:,}",
            _percent(cell["corrected"]),
            _percent(cell["naive"]),
            _percent(cell["surest"]),
            f"{cell['flip_stated']:.1%}",
            _percent(cell["flip_seen"]),
            f"{cell['tables']:,}",
        )
        for cell in found["nulls"]
    ]
    return table(header, rows)


def outside(found: Mapping[str, Any]) -> list[str]:
    """One line for each interval: where its share of the model's error is outside 93 to 97 %."""
    lines = []
    for name in dict.fromkeys(name for cell in found["cells"] for name in cell["intervals"]):
        places = []
        for cell in found["cells"]:
            share = cell["intervals"].get(name, {}).get("model")
            if share is not None and not LOWEST <= share[0] <= HIGHEST:
                place = f"{cell['world']}, {cell['procedure']}, {cell['n']:,} rows: {share[0]:.1%}"
                places.append(f"**{place}**" if _is_outside(share) else place)
        lines.append(f"- *{name}*: {'; '.join(places) if places else 'nowhere'}")
    return lines


def page(found: Mapping[str, Any]) -> str:
    """Return the whole page."""
    corrected = [cell["corrected"] for cell in found["nulls"]]
    above = [share for share in corrected if share[0] > SIZE + 2.0 * share[1]]
    largest = max(corrected)
    kept = "keeps" if not above else "does not always keep"
    verdict = (
        f"The corrected test {kept} its level: at most {_percent(largest)}, on average over all cells "
        f"{sum(share for share, _ in corrected) / len(corrected):.1%}."
    )
    words = "; ".join(f"*{name}*: {told}" for name, told in found["worlds"].items())
    parts = [
        INTRODUCTION.format(seconds=found["seconds"], folds=found["folds"], worlds=words, **found["repeats"]).rstrip(),
        "![Coverage of the model's error against the number of rows](images/coverage.png)",
        READING.format(
            inside=_inside(found, "nested"),
            naive_inside=_inside(found, "naive"),
            corrected_inside=_inside(found, "corrected t"),
            cells=len(found["cells"]),
            lowest=f"{min(_of_model(found, 'nested')):.1%}",
            highest=f"{max(_of_model(found, 'nested')):.1%}",
            fits=found["folds"] * found["repeats"]["gaussian"],
            of_classes=found["folds"] * found["repeats"]["binomial"],
        ).rstrip(),
        WHERE_NOT + "\n" + "\n".join(outside(found)),
        "## Coverage\n\nWidths are relative to the procedure's error.\n\n" + "\n".join(tables(found)).rstrip(),
        NULL.format(
            table=null_table(found),
            verdict=verdict,
            worst=f"{max(cell['naive'] for cell in found['nulls'])[0]:.0%}",
        ).rstrip(),
    ]
    return "\n\n".join(parts) + "\n"


def _of_model(found: Mapping[str, Any], name: str) -> list[float]:
    return [cell["intervals"][name]["model"][0] for cell in found["cells"]]


def _inside(found: Mapping[str, Any], name: str) -> int:
    return sum(LOWEST <= share <= HIGHEST for share in _of_model(found, name))


def _judged(share: Sequence[float]) -> str:
    return f"**{_percent(share)}**" if _is_outside(share) else _percent(share)


def _percent(share: Sequence[float]) -> str:
    return f"{share[0]:.1%} ± {100 * share[1]:.1f}"


def _is_outside(share: Sequence[float]) -> bool:
    return not LOWEST - 2.0 * share[1] <= share[0] <= HIGHEST + 2.0 * share[1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page and its picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage_page", description="Write docs/coverage.md.")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file of what was simulated")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder to write to")
    options = parser.parse_args(arguments)
    found = json.loads(options.results.read_text(encoding="utf-8"))
    options.docs.mkdir(parents=True, exist_ok=True)
    (options.docs / "coverage.md").write_text(page(found), encoding="utf-8")
    from benchmarks.coverage_plot import picture

    picture(found, options.docs / "images" / "coverage.png")
    print(f"wrote {options.docs / 'coverage.md'}")


if __name__ == "__main__":
    main()
