"""What a comparison says of the best candidate beyond its error: the pick, the noise floor, features that stand in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foldwise.study.wording import number, share, with_unit

Plain = Mapping[str, Any]

MOST_PAIRS = 3
"""Of those that are told in sentences; report.json has more."""
LEAKS = {
    "tuned": "reporting the best score",
    "prepared": "preparing by all rows",
    "selected": "selecting by all rows",
    "stopped": "stopping by the rows that score",
}


@dataclass(frozen=True)
class Said:
    """A statement, what it is called, and where it does not hold."""

    title: str
    text: str
    limit: str


def statements(plain: Plain) -> list[Said]:
    """All that there are, of the content of report.json."""
    unit = plain["target"]["unit"] if plain["family"]["name"] == "gaussian" else None
    found = [
        picked_said(plain.get("picked"), unit),
        floor_said(plain.get("noise_floor"), plain["target"]["unit"]),
        pairs_said(plain.get("co_selection")),
    ]
    return [each for each in found if each is not None]


def picked_said(picked: Plain | None, unit: str | None) -> Said | None:
    """What to expect of the best of several for having been picked.

    Examples
    --------
    >>> picked = {"candidate": "lasso", "of": 4, "error": 3.4, "expected": 3.412, "again": 0.56}
    >>> print(picked_said(picked, "mi/gal").text)
    Expect 3.41 rather than 3.40 mi/gal; 56 % of resamples agree.
    """
    if picked is None:
        return None
    told, expected = (number(picked[key]) for key in ("error", "expected"))
    expect = f"Expect {expected} rather than {with_unit(told, unit)}" if told != expected else "That flatters little"
    text = f"{expect}; {share(picked['again'])} of resamples agree."
    return Said(
        f"Picked best of {picked['of']}",
        text,
        "By bootstrapping the pick (BBC-CV). It knows these candidates alone, not what was tried before them.",
    )


def floor_said(floor: Plain | None, unit: str | None) -> Said | None:
    """How near the best is to what can be explained at all; None where that can't be told.

    Examples
    --------
    >>> floor = {"method": "near rows", "score": "rmse", "error": 2.29, "interval": [1.71, 2.75], "best": 3.4}
    >>> print(floor_said(floor | {"explained": 0.887}, "mi/gal").text)  # doctest: +NORMALIZE_WHITESPACE
    2.29 mi/gal (95 % interval 1.71 to 2.75): rows nearly alike in all features differ so much, and no model of these
    features errs by less. The best explains 89 % of what can be explained.
    """
    if floor is None or floor["method"] is None:
        return None
    near = floor["method"] == "near rows"
    low, high = (number(end) for end in floor["interval"])
    error = with_unit(number(floor["error"]), unit if floor["score"] == "rmse" else None)
    kind = "" if floor["score"] == "rmse" else "a Brier score of "
    text = (
        f"{kind}{error} (95 % interval {low} to {high}): rows {'nearly ' if near else ''}alike in all features differ "
        "so much, and no model of these features errs by less."
    )
    if floor["best"] <= floor["interval"][1]:
        text += f" The best ({number(floor['best'])}) may be as good as any."
    elif floor["explained"] is not None:
        at = "" if floor["score"] == "rmse" else f" ({number(floor['best'])})"
        text += f" The best{at} explains {share(floor['explained'])} of what can be explained."
    limit = (
        "Supposes that the truth changes smoothly between near rows; where it bends or jumps, the floor is too high."
        if near
        else "Supposes that rows alike are independent and stand for the others; one thing taken down twice makes the "
        "floor too low."
    )
    return Said("Noise floor", text, limit)


def floor_missing(floor: Plain | None) -> str | None:
    """Why the noise floor is not told, in a line."""
    if floor is None or floor["method"] is not None:
        return None
    return f"Noise floor: not told, for {floor['why_not']}."


def pairs_said(selected: Plain | None) -> Said | None:
    """Which features stand in for each other in a candidate's fits, and which come together; None where none do."""
    if selected is None or not selected["pairs"]:
        return None
    return Said(
        f"Features of the {selected['candidate']} that go by pairs",
        " ".join(pair_said(pair, selected["fits"]) for pair in told_pairs(selected)),
        "More than dealing other folds would do by chance (5 %, all pairs at once); it says what these rows do, not "
        "another table.",
    )


def told_pairs(selected: Plain) -> list[Plain]:
    """Those that are told: stand-ins first."""
    return sorted(selected["pairs"], key=lambda pair: pair["phi"] >= 0.0)[:MOST_PAIRS]


def pair_said(pair: Plain, fits: int) -> str:
    """One pair.

    Examples
    --------
    >>> pair = {"feature": "x3", "other": "x7", "both": 2, "only_feature": 20, "only_other": 26, "phi": -0.9}
    >>> pair_said(pair, 50)
    'Either x3 or x7: one alone in 46 of 50 fits, both in 2.'
    """
    one, names = pair["only_feature"] + pair["only_other"], (pair["feature"], pair["other"])
    if pair["phi"] < 0.0:
        return f"Either {names[0]} or {names[1]}: one alone in {one} of {fits} fits, both in {pair['both']}."
    return f"{names[0]} together with {names[1]}: both in {pair['both']} of {fits} fits, one alone in {one}."


def worst_leak(leaks: list[Plain], unit: str | None) -> str:
    """By how much the worst leak flatters.

    Examples
    --------
    >>> leaks = [{"candidate": "lasso", "honest": 3.0, "tuned": 2.9, "prepared": 3.0, "selected": 2.5, "stopped": None}]
    >>> worst_leak(leaks, "mi/gal")
    'Worst: selecting by all rows makes the lasso look better by 0.500 mi/gal.'
    """
    tried = [
        (each["honest"] - each[key], each["candidate"], what)
        for each in leaks
        for key, what in LEAKS.items()
        if each.get(key) is not None
    ]
    by, candidate, what = max(tried, default=(0.0, "", ""))
    if by <= 0.0:
        return "No leak flatters here."
    return f"Worst: {what} makes the {candidate} look better by {with_unit(number(by), unit)}."
