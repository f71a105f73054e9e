"""A fitted line as a Python file without dependencies: two dictionaries and a function of some lines."""

from typing import Any

from foldwise.export.formula import Formula, Line

_INVERSE = {
    "identity": "eta",
    "log": "math.inf if eta > 709.0 else math.exp(eta)",
    "logit": "1.0 / (1.0 + math.exp(-eta)) if eta > -700.0 else math.exp(eta)",
    "probit": "0.5 * math.erfc(-eta / math.sqrt(2.0))",
    "cloglog": "-math.expm1(-math.exp(min(eta, 700.0)))",
}


def python_text(formula: Formula) -> str:
    """The whole file. Names and levels stand in it as escaped literals.

    Examples
    --------
    >>> from foldwise.export.formula import NumberTerm
    >>> from foldwise.families import Gaussian
    >>> from foldwise.study.measure import Modelled
    >>> space = {}
    >>> line = Line(1.0, (NumberTerm("x", 2.0, 6.0),), ())
    >>> exec(python_text(Formula((line,), Modelled(Gaussian(), "y", ""))), space)
    >>> space["predict"]({"x": 4.0}), space["predict"]({"x": None})
    (9.0, 7.0)
    """
    lines = _of_classes(formula) if formula.has_several else _of_one(formula)
    return "\n".join(
        [f"# {formula.subject}, fitted by foldwise: {function_of(formula)}(row) of a row's columns.", *lines, ""]
    )


def function_of(formula: Formula) -> str:
    """The name of the file's function."""
    return "predict" if formula.outcome == "prediction" else formula.outcome


def _of_one(formula: Formula) -> list[str]:
    line, two = formula.lines[0], bool(formula.modelled.classes)
    what = "log hazard ratio" if formula.modelled.is_risk else "chance" if two else "mean"
    numbers, levels = _entries(line)
    return [
        *([] if formula.link == "identity" else ["import math", ""]),
        f"INTERCEPT = {line.intercept!r}",
        _dictionary("NUMBERS", numbers, "column: (coefficient, what a missing value adds)"),
        _dictionary("LEVELS", levels, "column: what each level adds; None is a missing value"),
        *([f"CLASSES = {tuple(formula.modelled.classes)!a}"] if two else []),
        "",
        "",
        f"def {function_of(formula)}(row):",
        f'    """The {what} of a row, a dictionary of its columns; None and nan are missing values."""',
        *_eta("INTERCEPT", "NUMBERS", "LEVELS", "    "),
        *_offset(formula),
        f"    return {_INVERSE[formula.link]}",
        *([*_CLASS, _CHOSEN if formula.offset is None else _CHOSEN_IF_KNOWN] if two else []),
    ]


def _of_classes(formula: Formula) -> list[str]:
    """A line for each class, and all of them through the softmax."""
    lines = ["import math", "", f"CLASSES = {tuple(formula.modelled.classes)!a}", "LINES = (  # of each class"]
    for line in formula.lines:
        numbers, levels = _entries(line)
        lines += [
            f"    ({line.intercept!r}, {{  # column: (coefficient, what a missing value adds)",
            *_inside(numbers, "        "),
            "    }, {  # column: what each level adds; None is a missing value",
            *_inside(levels, "        "),
            "    }),",
        ]
    return [
        *lines,
        ")",
        "",
        "",
        "def probabilities(row):",
        '    """The chance of each of CLASSES for a row, a dictionary of its columns; None and nan are missing."""',
        "    etas = []",
        "    for intercept, numbers, levels in LINES:",
        *_eta("intercept", "numbers", "levels", "        "),
        "        etas.append(eta)",
        "    top = max(etas)  # without which large ones would overflow",
        "    odds = [math.exp(eta - top) for eta in etas]",
        "    return tuple(each / sum(odds) for each in odds)",
        "",
        "",
        "def predict(row):",
        '    """The most probable class of a row."""',
        "    chances = probabilities(row)",
        "    return CLASSES[chances.index(max(chances))]",
    ]


def _entries(line: Line) -> tuple[dict[Any, Any], dict[Any, Any]]:
    numbers = {term.source: (term.weight, term.missing) for term in line.numbers}
    return numbers, {term.source: {**dict(term.weights), None: term.missing} for term in line.categories}


def _eta(intercept: str, numbers: str, levels: str, indent: str) -> list[str]:
    """The statements that add up one line."""
    return [
        f"{indent}{statement}"
        for statement in (
            f"eta = {intercept}",
            f"for name, (coef, missing) in {numbers}.items():",
            "    x = row[name]",
            "    eta += missing if x is None or x != x else coef * x",
            f"for name, adds in {levels}.items():",
            "    x = row[name]",
            "    eta += adds.get(None if x is None or x != x else x, 0.0)",
        )
    ]


def _offset(formula: Formula) -> list[str]:
    if formula.offset is None:
        return []
    return [
        f"    x = row[{formula.offset!a}]  # the offset, which must be known",
        '    eta += float("nan") if x is None else x',
    ]


_CLASS = [
    "",
    "",
    "def predict(row):",
    '    """The more probable class of a row."""',
    "    chance = probability(row)",
]
_CHOSEN = "    return CLASSES[chance > 0.5]"
_CHOSEN_IF_KNOWN = "    return CLASSES[chance > 0.5] if chance == chance else None"


def _dictionary(name: str, entries: dict[Any, Any], comment: str) -> str:
    if not entries:
        return f"{name} = {{}}"
    return "\n".join([f"{name} = {{  # {comment}", *_inside(entries, "    "), "}"])


def _inside(entries: dict[Any, Any], indent: str) -> list[str]:
    return [f"{indent}{key!a}: {value!a}," for key, value in entries.items()]
