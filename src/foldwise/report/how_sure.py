"""How sure a comparison is, in a few lines: what its intervals are by, and would the first two change places."""

from foldwise.study import Comparison
from foldwise.study.wording import listed, number, share, with_unit


def intervals_by(comparison: Comparison) -> str:
    """What the intervals are by, in one line; candidates of another method are named."""
    methods = dict.fromkeys(r.interval_by for r in comparison.results)
    first, *others = methods
    exceptions = [
        f"of {listed([r.name for r in comparison.results if r.interval_by == method])} by {method}" for method in others
    ]
    return f"95 % interval: of the fitted model's error, by {'; '.join([first, *exceptions])}."


def order_of_the_first_two(comparison: Comparison) -> list[str]:
    """The odds that another table puts the second first; and where a region of equivalence was given, its own."""
    if len(comparison.results) < 2:
        return []
    first, second = (result.name for result in comparison.results[:2])
    found = comparison.difference(first, second)
    lines = [f"Odds that another such table puts {second} before {first}: {share(found.flip)}."]
    rope = comparison.settings.rope
    if rope > 0.0:
        within = with_unit(number(rope), comparison.error_unit)
        lines.append(f"Probability that these two differ by at most {within}: {share(found.equivalent)}.")
    return lines
