"""The verdict: at most four plain sentences that say what a comparison shows, and what it cannot."""

from typing import TYPE_CHECKING

import numpy as np

from foldwise.study.differences import LEVEL, POWER
from foldwise.study.wording import listed, number, p_value, share, with_unit

if TYPE_CHECKING:
    from foldwise.study.comparison import Comparison
    from foldwise.study.result import CandidateResult

STEADY = 0.9
"""A feature is steady that at least this share of fits keeps, with one sign in at least this share of those."""
EXACT = 1e-6
"""An error below this share of the target's spread is none."""
NAMED = 4
"""At most so many features of each sign are named."""


def sentences(comparison: "Comparison") -> tuple[str, ...]:
    """Who predicts best or is tied; the differences; the smallest one that could have been shown; the features."""
    if comparison.baseline_difference.p >= LEVEL or comparison.baseline_difference.difference <= 0.0:
        return _nothing_learned(comparison)
    if comparison.best.error <= EXACT * comparison.baseline_error:
        return tuple(part for part in (_exact(comparison), _features(comparison)) if part)
    parts = [_error(comparison), _differences(comparison), _detectable(comparison), _features(comparison)]
    return tuple(part for part in parts if part)


def _nothing_learned(comparison: "Comparison") -> tuple[str, ...]:
    best = comparison.best
    rmse = with_unit(number(best.error), comparison.error_unit)
    mean = number(comparison.baseline_error)
    p = p_value(comparison.baseline_difference.p)
    without, measure = comparison.modelled.without, comparison.measure
    its = without.replace("the mean", "its mean")
    opening = f"No candidate is shown to predict {comparison.modelled.target} better than {its}"
    errors = (
        f"the best, {best.name}, errs by {rmse} on unseen rows ({measure.name}), {_plain(without)} by {mean} (p = {p})"
    )
    smallest = with_unit(number(comparison.baseline_difference.detectable), comparison.error_unit)
    return (
        f"{opening}: {errors}.",
        f"A gain of {smallest} over {_plain(without)} would have shown with {share(POWER)} probability.",
        *(["Features that such a model keeps are no findings."] if comparison.explained else []),
    )


def _exact(comparison: "Comparison") -> str:
    name, target = _start(comparison.best.name), comparison.modelled.target
    return f"{name} predicts {target} on unseen rows without error: does a feature say what {target} is (a leak)?"


def _error(comparison: "Comparison") -> str:
    best, tied, target = comparison.best, comparison.tied, comparison.modelled.target
    rmse, measure = with_unit(number(best.error), comparison.error_unit), comparison.measure
    interval = f"{number(best.interval[0])} to {number(best.interval[1])}"
    without = comparison.modelled.without
    mean = f"{_known(comparison)}always predicting {without} errs by {number(comparison.baseline_error)}"
    kind = "an error" if measure.is_root else "a mean deviance"
    told = f"{measure.name}, " if measure.is_root else ""
    if len(tied) == 1:
        how = "" if len(comparison.results) == 1 else " best"
        opening = f"{_start(best.name)} predicts {target}{how}, with {kind} of {rmse}"
        return f"{opening} on unseen rows ({told}95 % interval {interval}); {mean}."
    worst = number(max(result.error for result in tied))
    error = (
        rmse if worst == number(best.error) else f"{number(best.error)} to {with_unit(worst, comparison.error_unit)}"
    )
    opening = f"{_start(listed([r.name for r in tied]))} are tied at predicting {target}, with {kind} of {error}"
    return f"{opening} on unseen rows ({told}95 % interval of the smallest {interval}); {mean}."


def _known(comparison: "Comparison") -> str:
    """What people know of the best predictions of classes, and of risks."""
    scores = comparison.best.scores
    if "concordance" in scores:
        return f"of two rows the one at higher risk comes first in {share(scores['concordance'])} (concordance); "
    if "accuracy" not in scores:
        return ""
    right, base = (f"{found['accuracy']:.1%}".replace("%", " %") for found in (scores, comparison.baseline_scores))
    common = "commoner" if len(comparison.modelled.classes) == 2 else "commonest"
    return f"{right} are classified rightly (the {common} class alone: {base}), AUC {scores['auc']:.3f}; "


def _plain(without: str) -> str:
    """What predicts without features, as a thing that errs."""
    return "predicting " + without if without != "the mean" else without


def _differences(comparison: "Comparison") -> str:
    best, tied = comparison.best, comparison.tied
    if len(comparison.results) == 1:
        return ""
    versus = {r.name: comparison.difference(best.name, r.name) for r in comparison.results[1:]}
    beaten = [r for r in comparison.results if r not in tied]
    clauses = []
    if len(tied) > 1:
        widest = max((versus[r.name] for r in tied if r is not best), key=lambda d: d.difference)
        amount = with_unit(number(widest.difference), comparison.error_unit)
        clauses.append(f"the tied differ by at most {amount}, which chance can explain (p = {p_value(widest.p_holm)})")
    if beaten:
        largest = p_value(max(versus[r.name].p_holm for r in beaten))
        p = f"p {largest}" if largest.startswith("<") else f"p = {largest}" + (" at most" if len(beaten) > 1 else "")
        amounts = listed([with_unit(number(versus[r.name].difference), comparison.error_unit) for r in beaten])
        who = f"{listed([r.name for r in beaten])} {'are' if len(beaten) > 1 else 'is'} worse than {best.name}"
        clauses.append(f"{who} by {amounts} ({p})")
    return f"{_start('; '.join(clauses))}."


def _detectable(comparison: "Comparison") -> str:
    versus = [comparison.difference(comparison.best.name, r.name) for r in comparison.tied[1:]]
    if not versus:
        return ""
    smallest = with_unit(number(max(difference.detectable for difference in versus)), comparison.error_unit)
    shown = f"A difference of {smallest} would have shown with {share(POWER)} probability"
    return f"{shown}; these data cannot reliably tell smaller ones."


def _features(comparison: "Comparison") -> str:
    result = comparison.explained
    if result is None:
        return ""
    spoken = _spoken(comparison, result)
    if result in comparison.tied:
        return spoken
    return f"{_start(comparison.best.name)} has no coefficients. {spoken}"


def _spoken(comparison: "Comparison", result: "CandidateResult") -> str:
    several = result.coef.ndim == 2
    strength, agreement = abs(result.coef_per_sd), np.nan_to_num(result.agreement)
    if several:  # the class on which a feature bears most
        most = np.arange(len(strength)), strength.argmax(axis=1)
        strength, agreement = strength[most], agreement[most]
    sure = [
        j
        for j in range(len(comparison.columns))
        if result.survival[j] >= STEADY and agreement[j] >= STEADY and strength[j] != 0.0
    ]
    sure.sort(key=lambda j: -strength[j])
    name, target, p = result.name, comparison.modelled.subject, len(comparison.columns)
    if not sure:
        return f"No feature has a coefficient of the same sign in {share(STEADY)} of the {name} fits."
    if several:
        effects = f"{target} depends on {_named(comparison, sure)}"
    else:
        rises = _named(comparison, [j for j in sure if result.coef[j] > 0.0])
        falls = _named(comparison, [j for j in sure if result.coef[j] < 0.0])
        effects = ", and ".join(f"{verb} with {names}" for verb, names in (("rises", rises), ("falls", falls)) if names)
        effects = f"{target} {effects}"
    if result.drops_features:
        opening = (
            f"In at least {share(STEADY)} of its fits the {name} keeps {len(sure)} of {p} features with the same sign"
        )
    else:
        have = "has" if len(sure) == 1 else "have"
        opening = f"In at least {share(STEADY)} of the {name} fits {len(sure)} of {p} features {have} the same sign"
    return f"{opening}: {effects}."


def _named(comparison: "Comparison", features: list[int]) -> str:
    names = [comparison.columns[j].name for j in features]
    if len(names) > NAMED + 1:
        names = [*names[:NAMED], f"{len(names) - NAMED} more"]
    return listed(names)


def _start(words: str) -> str:
    return words[:1].upper() + words[1:]
