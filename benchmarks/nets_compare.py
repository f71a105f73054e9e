"""Networks beside the elastic net, strengths chosen inside: `python -m benchmarks.nets_compare [table ...]`.

Every procedure is measured on the same held-out folds; differences have the interval of the corrected resampled t.
"""

import json
import sys
import time
import warnings

import pandas as pd

import foldwise as fw
from benchmarks.machine import describe
from benchmarks.markdown import table
from benchmarks.tasks import data_folder
from foldwise.study.candidates.network import NetworkCandidate

TABLES = ("heaton_reg_30_spring_2018", "bnn_energy", "bnn_yacht", "kadra_credit_g", "kadra_phoneme")
FOLDS, REPEATS = 5, 2
PLAIN = NetworkCandidate("network unregularized", "l2", (0.0,))
REGULARIZED = ("network l2", "network dropout", "network early stopping")


def compared(name: str) -> fw.Comparison:
    """The comparison on one table."""
    about = json.loads((data_folder() / "index.json").read_text(encoding="utf-8"))[name]
    frame = pd.read_csv(data_folder() / about["file"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pooled levels and the like
        return fw.compare(
            frame,
            target=about["target"][0],
            candidates=["elastic net", PLAIN, *REGULARIZED],
            drop=about["drop"],
            categories=about["categorical"],
            folds=FOLDS,
            repeats=REPEATS,
        )


def main(names: tuple[str, ...]) -> None:
    """Measure and print tables."""
    print("\n".join(describe()), "", sep="\n")
    print(
        f"{FOLDS} folds, {REPEATS} repeats; errors are RMSEs, for classes deviances. less by: how much less the error"
    )
    print("is than that of the unregularized network and of the elastic net, with 95 % intervals of one comparison\n")
    for name in names:
        start = time.perf_counter()
        found = compared(name)
        seconds = time.perf_counter() - start
        rows = []
        for result in found.results:
            cells = []
            for other in (PLAIN.name, "elastic net"):
                if other == result.name or result.name not in REGULARIZED:
                    cells.append("")
                    continue
                less = found.difference(other, result.name)
                sign = 1 if less.second == other else -1  # it is told as the worse one minus the better one
                low, high = sorted(sign * end for end in less.interval)
                cells.append(f"{sign * less.difference:.3g} ({low:.3g} to {high:.3g})")
            rows.append((result.name, f"{result.error:.4g}", *cells))
        print(f"**{name}**, {found.predictions('elastic net').shape[1]} rows, {seconds:.0f} s\n")
        print(
            table(("procedure", "error", "less by than unregularized", "less by than elastic net"), rows),
            "\n",
            flush=True,
        )


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or TABLES)
