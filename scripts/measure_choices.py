"""Measure how the ways of choosing do on simulated tables: the figures in docs/choosing.md.

100 rows, 50 features that are correlated with their neighbours (0.5 to the power of their distance), 5 of them real, at
two ratios of signal to noise variance. Risk is the error of prediction beyond what nothing can predict, as a share of
the noise variance: (b - beta)' Sigma (b - beta) / sigma^2.

    python scripts/measure_choices.py [tables]
"""

import sys

import numpy as np

import foldwise as fw
from foldwise.paths import stability_selection

N, P, REAL = 100, 50, (4, 14, 24, 34, 44)
SIGMA = 0.5 ** np.abs(np.subtract.outer(np.arange(P), np.arange(P)))


def main(tables: int) -> None:
    """Print one table of means for each ratio."""
    for ratio in (0.5, 2.0):
        found: dict[str, list[tuple[float, int, int]]] = {}
        for seed in range(tables):
            one_table(ratio, seed, found)
        print(f"\nsignal / noise = {ratio:g}, {tables} tables\n")
        print("| choice | risk | real ones of 5 | false ones |\n|---|---|---|---|")
        for name, rows in found.items():
            risk, real, false = np.mean(rows, axis=0)
            print(f"| {name} | {risk:.3f} | {real:.1f} | {false:.1f} |")


def one_table(ratio: float, seed: int, found: dict[str, list[tuple[float, int, int]]]) -> None:
    """Simulate a table, choose in every way, and note how far each is from the truth."""
    rng = np.random.default_rng([seed, int(10 * ratio)])
    beta = np.zeros(P)
    beta[list(REAL)] = (1.0, -1.0, 1.0, -1.0, 1.0)
    noise = beta @ SIGMA @ beta / ratio
    X = rng.normal(size=(N, P)) @ np.linalg.cholesky(SIGMA).T
    y = X @ beta + np.sqrt(noise) * rng.normal(size=N)

    def note(name: str, coef: np.ndarray) -> None:
        risk = (coef - beta) @ SIGMA @ (coef - beta) / noise
        kept = set(np.flatnonzero(coef).tolist())
        found.setdefault(name, []).append((float(risk), len(kept & set(REAL)), len(kept - set(REAL))))

    moments = fw.FoldMoments.scan(X, y, fw.Folds.kfold(N, n_folds=10, seed=seed))
    paths = fw.fit_paths(moments)
    note("cross-validation, min", paths.model(at=paths.choose("min"))[0])
    note("cross-validation, 1-SE", paths.model(at=paths.choose("1se"))[0])
    blends = paths.relaxed(moments)
    note("relaxed, min", blends.coef(*blends.choose("min")))
    note("relaxed, 1-SE", blends.coef(*blends.choose("1se")))
    for criterion in ("aic", "aicc", "bic", "ebic"):
        note(criterion.upper().replace("CC", "Cc"), paths.model(at=paths.information(moments, criterion).index)[0])
    for assumption in ("none", "r-concave"):
        chosen = stability_selection(X, y, assumption=assumption, seed=seed).selected
        coef = np.zeros(P)
        if len(chosen):
            centred = X[:, chosen] - X[:, chosen].mean(axis=0)
            coef[chosen] = np.linalg.lstsq(centred, y - y.mean(), rcond=None)[0]
        note(f"stability selection, {assumption}, then least squares", coef)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
