"""A fitted line as a Python file without dependencies: two dictionaries and a function of some lines."""

from typing import Any

from foldwise.export.formula import Formula

_INVERSE = {
    "identity": "eta",
    "log": "math.exp(eta) if eta < 709.0 else math.inf",
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
    >>> exec(python_text(Formula(1.0, (NumberTerm("x", 2.0, 6.0),), (), Modelled(Gaussian(), "y", ""))), space)
    >>> space["predict"]({"x": 4.0}), space["predict"]({"x": None})
    (9.0, 7.0)
    """
    two = bool(formula.modelled.classes)
    numbers = {term.source: (term.weight, term.missing) for term in formula.numbers}
    levels = {term.source: {**dict(term.weights), None: term.missing} for term in formula.categories}
    what = "mean" if not two else "chance"
    lines = [
        f"# {formula.subject}, fitted by foldwise: {'probability' if two else 'predict'}(row) of a row's columns.",
        *([] if formula.link == "identity" else ["import math", ""]),
        f"INTERCEPT = {formula.intercept!r}",
        _dictionary("NUMBERS", numbers, "column: (coefficient, what a missing value adds)"),
        _dictionary("LEVELS", levels, "column: what each level adds; None is a missing value"),
        *([f"CLASSES = {tuple(formula.modelled.classes)!a}"] if two else []),
        "",
        "",
        f"def {'probability' if two else 'predict'}(row):",
        f'    """The {what} of a row, a dictionary of its columns; None and nan are missing values."""',
        "    eta = INTERCEPT",
        "    for name, (coef, missing) in NUMBERS.items():",
        "        x = row[name]",
        "        eta += missing if x is None or x != x else coef * x",
        "    for name, adds in LEVELS.items():",
        "        x = row[name]",
        "        eta += adds.get(None if x is None or x != x else x, 0.0)",
        f"    return {_INVERSE[formula.link]}",
        *(_CLASS if two else []),
    ]
    return "\n".join(lines) + "\n"


_CLASS = [
    "",
    "",
    "def predict(row):",
    '    """The more probable class of a row."""',
    "    return CLASSES[probability(row) > 0.5]",
]


def _dictionary(name: str, entries: dict[Any, Any], comment: str) -> str:
    if not entries:
        return f"{name} = {{}}"
    inside = "".join(f"    {key!a}: {value!a},\n" for key, value in entries.items())
    return f"{name} = {{  # {comment}\n{inside}}}"
