"""A fitted line as one SQL expression: ANSI, quoted names, CASE for levels and missing values, the link's inverse."""

from collections import Counter
from collections.abc import Sequence

from foldwise.errors import InputError
from foldwise.export.formula import Formula, LevelTerm, Line, NumberTerm
from foldwise.study.measure import Label

BLOCK = 50
"""Terms that are added up in one pair of parentheses: databases limit how deep an expression may be."""
PLUS = "\n  + "


def sql_expression(formula: Formula) -> str:
    """The prediction of a row, where there are not several classes.

    Raises
    ------
    InputError
        For the probit link, which needs a function that SQL lacks, and for names and levels that it can't hold.

    Examples
    --------
    >>> from foldwise.families import Gaussian
    >>> from foldwise.study.measure import Modelled
    >>> line = Line(1.0, (NumberTerm('an "x" here', 2.0, 6.0),), ())
    >>> print(sql_expression(Formula((line,), Modelled(Gaussian(), "y", ""))))
    1.0E0
      + COALESCE(2.0E0 * "an ""x"" here", 6.0E0)
    """
    eta = _line(formula.lines[0], formula.offset)
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


def sql_query(formula: Formula) -> str:
    """The chance of each class, and the class: a query of a table t, for each line and the largest stand in it once.

    The largest is subtracted before `EXP`, so that nothing overflows.
    """
    C, own = len(formula.lines), inner_names(formula)
    etas, top = own[:C], own[C]
    lines = ",\n".join(
        f"(\n{_line(line, formula.offset)}\n) AS {eta}" for line, eta in zip(formula.lines, etas, strict=True)
    )
    largest = " ".join(
        f"WHEN {' AND '.join(f'{eta} >= {other}' for other in etas if other != eta)} THEN {eta}" for eta in etas[:-1]
    )
    odds = [f"EXP({eta} - {top})" for eta in etas]
    chances = ",\n".join(
        f"{each} / ({' + '.join(odds)}) AS {identifier(name)}"
        for each, name in zip(odds, chance_names(formula), strict=True)
    )
    classes = " ".join(
        f"WHEN {eta} = {top} THEN {literal(label)}"
        for eta, label in zip(etas[:-1], formula.modelled.classes[:-1], strict=True)
    )
    chosen = f"CASE {classes} ELSE {literal(formula.modelled.classes[-1])} END AS {identifier('prediction')}"
    return (
        f"SELECT s.*,\n{chosen},\n{chances}\nFROM (\nSELECT e.*,\n"
        f"CASE {largest} ELSE {etas[-1]} END AS {top}\n"
        f"FROM (\nSELECT t.*,\n{lines}\nFROM t AS t\n) AS e\n) AS s"
    )


def inner_names(formula: Formula) -> list[str]:
    """What the query calls each class' line, and the largest of them; no column that counts is called so."""
    taken = [name.casefold() for name in formula.sources]
    tail = next("_" * k for k in range(len(taken) + 1) if not any(f"foldwise{'_' * k}_line" in name for name in taken))
    return [f"foldwise{tail}_line_{each}" for each in (*range(1, len(formula.lines) + 1), "largest")]


def chance_names(formula: Formula) -> list[str]:
    """The columns of the classes' chances."""
    names = [f"probability_{label}" for label in formula.modelled.classes]
    _check_names(names)
    return names


def _line(line: Line, offset: str | None) -> str:
    _check_names([*(term.source for term in line.terms), *([] if offset is None else [offset])])
    terms = [_number(term) if isinstance(term, NumberTerm) else _levels(term) for term in line.terms]
    while len(terms) > BLOCK:
        blocks = [terms[at : at + BLOCK] for at in range(0, len(terms), BLOCK)]
        terms = [f"({PLUS.join(block)})" for block in blocks]
    return PLUS.join([literal(line.intercept), *terms, *([] if offset is None else [identifier(offset)])])


def sql_text(formula: Formula) -> str:
    """The whole file: what it is, how to use it, the expression or, for several classes, the query."""
    subject = f"-- {formula.subject}, fitted by foldwise:"
    if formula.has_several:
        head = f"{subject} a query, such as for a view, with all columns of a table t; for another,"
        more = "-- write its name in FROM t AS t. Each chance is a column, and prediction is the most probable class"
        return f"{head}\n{more}\n{sql_query(formula)}\n"
    head = f"{subject} one expression, such as for a view with all of a table's columns:"
    usage = f"-- SELECT t.*, (expression) AS {formula.outcome} FROM t"  # noqa: S608 - a comment
    return f"{head}\n{usage}\n{sql_expression(formula)}\n"


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
