"""report.html: one file that loads nothing, from the content of report.json and what the figures need."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from foldwise import __version__
from foldwise.report.page.data import explorer_data
from foldwise.report.page.reproduction import command_of, conditions_of
from foldwise.report.page.ties import leaks_of, ties_of
from foldwise.report.page.words import words_of
from foldwise.report.sure import floor_missing, statements
from foldwise.study.along import Along
from foldwise.study.wording import number, share, with_unit

if TYPE_CHECKING:
    from foldwise.moments import FoldMoments

SCRIPTS = ("format", "draw", "moments", "solver", "live", "charts", "features", "main", "surface")
"""In the order in which one needs the others."""
_COMMENT = re.compile(r"^\s*/\*\*.*\*/$|(^|\s)//(\s.*)?$")
"""They stay in the project's files: a page is shorter without."""
NAMES = {"rmse": ("RMSE", "r2", "R²"), "deviance": ("Deviance", "d2", "D²")}


def page(
    plain: Mapping[str, Any],
    *,
    moments: "FoldMoments | None" = None,
    alongs: Mapping[str, Along] | None = None,
    run: Mapping[str, Any] | None = None,
) -> str:
    """The whole page.

    Parameters
    ----------
    plain : dict
        The content of report.json.
    moments : FoldMoments, optional
        Of the table and of the target divided by its scale: with them, the page refits.
    alongs : dict of Along, optional
        Paths by the names of their candidates, for what the page can't refit.
    run : dict, optional
        The content of run.json.

    Returns
    -------
    str
        HTML with a policy that lets nothing be loaded and nothing run but its own script.
    """
    import jinja2
    from markupsafe import Markup

    key = next(name for name in NAMES if name in plain["candidates"][0])
    name, explained_key, explained = NAMES[key]
    unit = plain["target"]["unit"] if key == "rmse" else None
    data = explorer_data(plain, key, moments, alongs or {})
    style, script = _style(), _script()
    environment = jinja2.Environment(
        autoescape=True, loader=jinja2.PackageLoader("foldwise.report", "page"), undefined=jinja2.StrictUndefined
    )
    environment.trim_blocks = environment.lstrip_blocks = True
    subject = _subject(plain)
    ties = ties_of(plain, key, explained_key)
    ties["baseline"]["name"] = _without(plain)
    explorer = (
        "every step refits all folds, here in your browser"
        if data.get("moments")
        else "from the paths of the comparison"
    )
    return environment.get_template("page.html.j2").render(
        policy="; ".join(
            [
                "default-src 'none'",
                f"script-src '{_hash(script)}'",
                f"style-src '{_hash(style)}'",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            ]
        ),
        # The project's own files, and JSON in which no tag can begin: everything else is escaped.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        data=Markup(_embedded(data)),  # noqa: S704
        target=plain["target"]["name"],
        subject=subject,
        unit=unit,
        scale=plain["target"]["unit"] or subject if key == "rmse" else _scale(plain),
        facts=_facts(plain),
        verdict=_verdict(plain["verdict"]),
        measure={"name": name, "explained": explained},
        notes=plain["notes"],
        leaks=leaks_of(plain),
        statements=statements(plain),
        missing=floor_missing(plain.get("noise_floor")),
        command=command_of(dict(plain)),
        reproduction=conditions_of(dict(plain), dict(run) if run else None),
        sensitivity=_sensitivity(plain, unit),
        explorer=explorer if data.get("start") else "",
        words=words_of(dict(plain)),
        version=__version__,
        term=_term,
        **ties,
    )


def _term(word: str, text: str, _: str = "") -> Any:
    from markupsafe import Markup

    return Markup('<button type="button" class="term" data-word="{}">{}</button>').format(word, text)


def _style() -> str:
    written = files("foldwise.report.page").joinpath("page.css").read_text(encoding="utf-8")
    return re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"/\*.*?\*/", "", written).replace(": ", ":")).strip()


def _script() -> str:
    folder = files("foldwise.report.page")
    parts = [folder.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    lines = [_COMMENT.sub("", line).strip() for line in "\n".join(parts).splitlines()]
    return re.sub(r"(?<=[{},])\n", "", "\n".join(['"use strict";', *filter(None, lines)]))


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode("ascii")


def _embedded(data: Any) -> str:
    r"""JSON that no text in it can break out of: neither a tag nor a comment can begin without this sign.

    Examples
    --------
    >>> _embedded("</script>")
    '"\\u003c/script>"'
    """
    written = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _verdict(sentences: Sequence[str]) -> dict[str, Any]:
    """The claim, which is the headline; what it rests on; and the other sentences.

    Examples
    --------
    >>> _verdict(["Lasso predicts mpg best, with an error of 3 on unseen rows.", "Others are worse."])
    {'claim': 'Lasso predicts mpg best', 'lead': 'With an error of 3 on unseen rows.', 'others': ['Others are worse.']}
    """
    first, *others = sentences
    for sign, kept in ((", with ", "With "), (": ", "")):
        claim, found, rest = first.partition(sign)
        if found:
            lead = kept + rest if kept else rest[:1].upper() + rest[1:]
            return {"claim": claim, "lead": lead, "others": others}
    return {"claim": first, "lead": "", "others": others}


def _facts(plain: Mapping[str, Any]) -> str:
    folds, p = plain["folds"], len(plain["features"])
    repeats = f" \u00d7 {folds['repeats']} repeats" if folds["repeats"] > 1 else ""
    family = "" if plain["family"]["name"] == "gaussian" else f" · {plain['family']['name']}"
    offset = plain["settings"].get("offset")
    added = f" · offset {offset}" if offset else ""
    sizes = f"{plain['rows']:,} rows · {p:,} feature{'s' if p != 1 else ''} · {folds['folds']} folds"
    return f"{sizes}{repeats}{family}{added}"


def _sensitivity(plain: Mapping[str, Any], unit: str | None) -> str:
    """What could have been seen, and how easily the first two change places."""
    best = plain["candidates"][0]["name"]
    versus = [d for d in plain["differences"] if d["first"] == best]
    if not versus:
        return ""
    smallest = with_unit(number(max(d["detectable"] for d in versus)), unit)
    told = f"A true difference of {smallest} would have shown with {share(plain['tests']['power'])} probability."
    second = plain["candidates"][1]["name"]
    flip = next((d.get("flip") for d in versus if d["second"] == second), None)
    if flip is None:
        return told
    return f"{told} Odds that another such table puts {second} before {best}: {share(flip)}."


def _subject(plain: Mapping[str, Any]) -> str:
    """What a feature raises or lowers."""
    classes = plain["family"]["classes"]
    if plain["family"]["name"] == "cox":
        return "the risk"
    if not classes:
        return str(plain["target"]["name"])
    return f"the chance of {classes[1]}" if len(classes) == 2 else "the chance of the class"


def _without(plain: Mapping[str, Any]) -> str:
    """What predicts without features."""
    if plain["settings"].get("offset"):
        return "the offset alone"
    if plain["family"]["classes"]:
        return "the base rate"
    return {"cox": "the same risk for all", "huber": "one number"}.get(plain["family"]["name"], "the mean")


def _scale(plain: Mapping[str, Any]) -> str:
    """In what coefficients are changes."""
    if plain["family"]["name"] == "cox":
        return "log hazard"
    link = str(plain["family"]["link"])
    return {"logit": "log odds", "softmax": "log odds", "log": "logarithm", "identity": "change"}.get(link, link)
