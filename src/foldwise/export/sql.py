"""A fitted line as one SQL expression: ANSI, quoted names, CASE for levels and missing values, the link's inverse."""

from collections import Counter
from collections.abc import Sequence

from foldwise.errors import InputError
from foldwise.export.formula import Formula, LevelTerm, NumberTerm
from foldwise.study.measure import Label

BLOCK = 50
"""Terms that are added up in one pair of parentheses: databases limit how deep an expression may be."""
PLUS = "\n  + "


def sql_expression(formula: Formula) -> str:
    """The prediction of a row.

    Raises
    ------
    InputError
        For the probit link, which needs a function that SQL lacks, and for names and levels that it can't hold.

    Examples
    --------
    >>> from foldwise.families import Gaussian
    >>> from foldwise.study.measure import Modelled
    >>> print(sql_expression(Formula(1.0, (NumberTerm('an "x" here', 2.0, 6.0),), (), Modelled(Gaussian(), "y", ""))))
    1.0E0
      + COALESCE(2.0E0 * "an ""x"" here", 6.0E0)
    """
    _check_names(formula.sources)
    terms = [_number(term) if isinstance(term, NumberTerm) else _levels(term) for term in formula.terms]
    while len(terms) > BLOCK:
        blocks = [terms[at : at + BLOCK] for at in range(0, len(terms), BLOCK)]
        terms = [f"({PLUS.join(block)})" for block in blocks]
    eta = PLUS.join([literal(formula.intercept), *terms])
    if formula.link == "identity":
        return eta
    inverse = {
        "log": "EXP({eta})",
        "logit": "1.0E0 / (1.0E0 + EXP(-({eta})))",
        "cloglog": "1.0E0 - EXP(-EXP({eta}))",
    }.get(formula.link)
    if inverse is None:
        raise InputError(
            f"SQL has no function for the {formula.link} link of family {formula.modelled.family.name!r}: export to "
            "Python, or fit another family"
        )
    return inverse.replace("{eta}", eta)


def sql_text(formula: Formula) -> str:
    """The whole file: what it is, how to use it, the expression."""
    head = (
        f"-- {formula.subject}, fitted by foldwise: one expression, such as for a view with all of a table's columns:"
    )
    return f"{head}\n-- SELECT t.*, (expression) AS prediction FROM t\n{sql_expression(formula)}\n"  # noqa: S608


def identifier(name: str) -> str:
    """A column's name in quotes.

    Examples
    --------
    >>> identifier('an "x" here')
    '"an ""x"" here"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: Label) -> str:
    """A constant; numbers that are not whole codes in the notation of approximate numbers.

    Examples
    --------
    >>> literal(0.5), literal(1e-30), literal(3), literal("it's")
    ('0.5E0', '1e-30', '3', "'it''s'")
    """
    if isinstance(value, str):
        if "\0" in value:
            raise InputError(f"SQL can't hold the level {value!a}, which has a zero character")
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, int):
        return str(value)
    return repr(value) if "e" in repr(value) else f"{value!r}E0"


def _number(term: NumberTerm) -> str:
    name = identifier(term.source)
    if term.is_boolean:
        missing = literal(term.missing)
        return f"CASE WHEN {name} THEN {literal(term.weight)} WHEN NOT {name} THEN 0.0E0 ELSE {missing} END"
    return f"COALESCE({literal(term.weight)} * {name}, {literal(term.missing)})"


def _levels(term: LevelTerm) -> str:
    name = identifier(term.source)
    if term.held == "boolean":  # without the words TRUE and FALSE, which a column may be called
        cases = "".join(f" WHEN {'' if level else 'NOT '}{name} THEN {literal(w)}" for level, w in term.weights)
        case = f"CASE{cases} ELSE 0.0E0 END" if cases else "0.0E0"
    else:
        cases = "".join(f" WHEN {literal(level)} THEN {literal(weight)}" for level, weight in term.weights)
        case = f"CASE {name}{cases} ELSE 0.0E0 END" if cases else "0.0E0"
    if term.missing == 0.0:
        return case
    return f"CASE WHEN {name} IS NULL THEN {literal(term.missing)} ELSE {case} END"


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not name or "\0" in name:
            raise InputError(f"SQL can't hold the column name {name!a}: rename it")
    for folded, count in Counter(name.casefold() for name in names).items():
        if count > 1:
            twins = [name for name in names if name.casefold() == folded]
            raise InputError(f"columns {twins[0]!r} and {twins[1]!r} differ in case alone, which few databases see")
