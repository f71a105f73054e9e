"""The table of candidates: errors and differences as numbers and as intervals on common axes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from foldwise.report.numbers import same_decimals, ticks
from foldwise.report.sure import worst_leak
from foldwise.study.wording import p_value

NONE = "\u2013"
FAR = 12.0
"""Times as wide as the others: an interval beyond is not drawn."""
FINEST = 2.5e-3
"""Differences below this share of the baseline's error get no more digits."""


def ties_of(plain: Mapping[str, Any], key: str, explained: str) -> dict[str, Any]:
    """Rows, axes and the baseline, ready for the template.

    Parameters
    ----------
    plain : dict
        The content of report.json.
    key, explained : str
        What error and explained share are called there.
    """
    candidates, base = plain["candidates"], plain["baseline"]
    best = candidates[0]
    versus = {d["second"]: d for d in plain["differences"] if d["first"] == best["name"]}
    error = same_decimals(max(best[key], 10 * FINEST * base[key]))
    errors = [d["standard_error"] for d in versus.values() if d["standard_error"] > 0.0]
    change = same_decimals(max(min(errors, default=best[key]), FINEST * base[key]), 2)
    across = _Axis.of([(*c["interval"], c[key]) for c in candidates])
    apart = _Axis.of([(0.0,), *((0.0, *d["interval"]) for d in versus.values())])
    rows = []
    for candidate in candidates:
        d = versus.get(candidate["name"])
        low, high = candidate["interval"]
        rows.append(
            {
                "name": candidate["name"],
                "about": candidate.get("about", ""),
                "letters": candidate["letters"],
                "tied": candidate["name"] in plain["tied"],
                "error": error(candidate[key]),
                "interval": f"{error(low)} to {error(high)}",
                "error_plot": across.interval(low, candidate[key], high),
                "worse": NONE if d is None else _plus_minus(d, change),
                "worse_plot": apart.interval(0.0, 0.0, 0.0, zero=True)
                if d is None
                else apart.interval(d["interval"][0], d["difference"], d["interval"][1], zero=True),
                "p": NONE if d is None else p_value(d["p_holm"]),
                "explained": f"{candidate[explained]:.3f}",
                "optimism": NONE if candidate.get("optimism") is None else change(candidate["optimism"]),
                "kept": NONE if candidate.get("features_kept") is None else f"{candidate['features_kept']:,}",
            }
        )
    return {
        "rows": rows,
        "error_axis": across.ticks(),
        "worse_axis": apart.ticks(),
        "baseline": {
            "error": error(base[key]),
            "worse": change(base[key] - best[key]),
            "p": p_value(base["p"]),
        },
    }


def leaks_of(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Each candidate's honest error, and what rows that judge would have made of it; no rows where not asked for.

    Examples
    --------
    >>> leak = {"candidate": "lasso", "honest": 3.0, "tuned": None, "prepared": 2.9, "selected": 2.0}
    >>> leaks_of({"leaks": [leak], "target": {"unit": None}})["rows"]
    [['lasso', '3.00', '\u2013', '2.90', '2.00']]
    """
    leaks = plain.get("leaks") or []
    write = same_decimals(max((leak["honest"] for leak in leaks), default=1.0))
    kinds = {"honest": "honest", "tuned": "best score", "prepared": "prepared", "selected": "selected"}
    if any(leak.get("stopped") is not None for leak in leaks):
        kinds["stopped"] = "stopped"
    unit = plain["target"]["unit"] if leaks and "rmse" in plain.get("candidates", [{"rmse": 0}])[0] else None
    return {
        "headers": list(kinds.values()),
        "rows": [
            [leak["candidate"], *(NONE if leak.get(kind) is None else write(leak[kind]) for kind in kinds)]
            for leak in leaks
        ],
        "worst": worst_leak(leaks, unit) if leaks else "",
        "stops": "stopped" in kinds,
    }


def _plus_minus(d: Mapping[str, Any], change: Callable[[float], str]) -> str:
    return f"{change(d['difference'])} ± {change(d['interval'][1] - d['difference'])}"


class _Axis:
    """Numbers to places in percent of a cell's width; a cell has no other unit, so that it fits every screen."""

    def __init__(self, low: float, high: float, marks: list[float]) -> None:
        margin = 0.06 * (high - low) or 1.0
        self.low, self.high, self.marks = low - margin, high + margin, marks

    @classmethod
    def of(cls, ranges: Sequence[tuple[float, ...]]) -> "_Axis":
        """Room for all, but for what is so far off that nothing else could be told apart: that is cut at the end."""
        low, high = min(ranges[0]), max(ranges[0])
        for one in sorted(ranges, key=max):
            if max(one) - low <= FAR * (high - low) or high == low:
                low, high = min(low, *one), max(high, *one)
        return cls(low, high, ticks(low, high, 3, closest=0.75))

    def at(self, value: float) -> str:
        return f"{100.0 * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low):.2f}%"

    def interval(self, low: float, middle: float, high: float, *, zero: bool = False) -> Markup:
        if middle > self.high:
            return Markup(
                '<svg aria-hidden="true"><text x="100%" y="80%" text-anchor="end">far off \u2192</text></svg>'
            )
        zero_line = (
            Markup('<line class="zero" x1="{0}" x2="{0}" y1="-60%" y2="160%"/>').format(self.at(0.0)) if zero else ""
        )
        return Markup(
            '<svg aria-hidden="true">{}<line class="line" x1="{}" x2="{}" y1="50%" y2="50%"/>'
            '<circle class="dot" cx="{}" cy="50%" r="4"/></svg>'
        ).format(zero_line, self.at(low), self.at(high), self.at(middle))

    def ticks(self) -> Markup:
        write = same_decimals((self.marks[1] - self.marks[0]) if len(self.marks) > 1 else 1.0, 1)
        texts = [
            Markup('<text x="{}" y="85%" text-anchor="middle">{}</text>').format(self.at(mark), write(mark))
            for mark in self.marks
        ]
        return Markup('<svg aria-hidden="true">{}</svg>').format(Markup("").join(texts))
