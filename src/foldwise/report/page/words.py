"""What the page's words mean, in one or two plain sentences each."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Word:
    """A term, what it is called here, and what it means."""

    key: str
    name: str
    text: str


def words_of(plain: dict[str, Any]) -> tuple[Word, ...]:
    """The words that a report needs, by its measure of error and its settings.

    Parameters
    ----------
    plain : dict
        The content of report.json.

    Examples
    --------
    >>> plain = {"family": {"name": "gaussian"}, "folds": {"folds": 5, "repeats": 10}, "tests": {"comparisons": 6}}
    >>> [word.name for word in words_of(plain)][:2]
    ['RMSE', '95 % interval']
    """
    is_root = plain["family"]["name"] == "gaussian"
    folds, repeats = plain["folds"]["folds"], plain["folds"]["repeats"]
    fits = f"{folds * repeats} fits: {folds} folds" + (f" in {repeats} repeats" if repeats > 1 else "")
    error = (
        Word(
            "error",
            "RMSE",
            "Root mean squared error on held-out rows: the typical size of a miss, in the target's unit.",
        )
        if is_root
        else Word(
            "error",
            "Deviance",
            "Twice what a fold's rows add to the log partial likelihood that is lacking, for each of their events."
            if plain["family"]["name"] == "cox"
            else "Mean deviance on held-out rows: twice the log likelihood that a prediction lacks to a perfect one.",
        )
    )
    explained = (
        Word("explained", "R²", "The share of the mean's squared error that a candidate explains; 1 is everything.")
        if is_root
        else Word(
            "explained", "D²", "The share of the deviance without features that a candidate explains; 1 is everything."
        )
    )
    return (
        error,
        Word(
            "interval",
            "95 % interval",
            "Where the final model's error on new rows of this kind plausibly lies: by nested cross-validation, or the "
            "corrected resampled t where that can't be had. Both allow for training sets that overlap.",
        ),
        Word(
            "tie",
            "Tie",
            "Candidates that share a letter do not differ by more than chance can explain (5 % level, Holm over "
            f"{plain['tests']['comparisons']} pairs).",
        ),
        Word(
            "worse",
            "Worse by",
            "The difference in error to the best candidate on the same folds, which is known much better than each "
            "error by itself.",
        ),
        Word(
            "p",
            "p",
            "How often chance alone would show such a difference: corrected resampled t, adjusted by Holm for the "
            "number of pairs.",
        ),
        explained,
        Word(
            "optimism",
            "Optimism",
            "By how much an ordinary cross-validation flatters, since it scores a strength on the rows that chose it.",
        ),
        Word("kept", "Features", "How many features the final model, fitted to all rows, uses."),
        Word(
            "alpha",
            "alpha",
            "The strength of the penalty: the larger, the smaller the coefficients or a network's weights.",
        ),
        Word(
            "curve",
            "Cross-validated error",
            "The mean over folds of the error on rows held out, at each strength; the band is one standard error of "
            "it. A strength picked from it looks a little better than it is; the table of ties is free of that.",
        ),
        Word(
            "simplest",
            "1 SE",
            "The strongest penalty whose error is within one standard error of the lowest: simpler, and hardly worse.",
        ),
        Word(
            "path",
            "Coefficients",
            "The change of the prediction when a feature rises by one standard deviation, at each strength.",
        ),
        Word("per-sd", "per SD", "For one standard deviation of the feature, so that features can be compared."),
        Word(
            "survival",
            "kept in",
            f"The share of fits that keep the feature at this strength; the comparison made {fits}. What stays by "
            "chance seldom stays often.",
        ),
        Word(
            "ratio",
            "l1_ratio",
            "The mixture: 1 is the lasso, which drops features; 0 is ridge, which shrinks all of them.",
        ),
    )
