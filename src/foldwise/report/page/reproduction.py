"""How to get a report again: the command or the call that made it, and with which versions."""

import re
import shlex
from typing import Any

from foldwise.families import FAMILIES
from foldwise.study.wording import listed

DEFAULTS = {
    "stratify": None,
    "groups": None,
    "sample_weight": None,
    "offset": None,
    "fill": "median",
    "indicators": False,
    "min_level_count": 10,
    "alphas": 100,
    "l1_ratios": [0.1, 0.3, 0.5, 0.7, 0.9],
    "rule": "min",
    "rope": 0.0,
}
"""What `compare` takes where nothing is said; None where it is not told in the call."""
_CALL = re.compile(r"\w+\(")
"""How an estimator is told: as the call that makes it. What the study calls its own is told in words."""
EXACT = 1e-6
"""A certificate (relative duality gap, or optimality residual) up to which a fit counts as exact."""
GIVEN = "given as values"


def command_of(plain: dict[str, Any]) -> str:
    """The command line where it can say everything, else the Python call.

    Examples
    --------
    >>> settings = {**DEFAULTS, "seed": 0, "drop": ["car name"], "stratify": False}
    >>> plain = {"target": {"name": "mpg"}, "folds": {"folds": 5, "repeats": 10}, "settings": settings}
    >>> plain |= {"family": {"name": "gaussian"}, "candidates": [{"name": "lasso"}, {"name": "elastic net"}]}
    >>> print(command_of(plain))
    foldwise compare TABLE --target mpg --folds 5 --repeats 10 --seed 0 --candidates lasso,elastic-net --drop 'car name'
    """
    settings, folds = plain["settings"], plain["folds"]
    names = [candidate["name"] for candidate in plain["candidates"]]
    given_as = {c["name"]: c["about"] for c in plain["candidates"] if _CALL.match(c.get("about") or "")}
    special = {
        name: settings[name]
        for name, usual in DEFAULTS.items()
        if usual is not None and settings.get(name, usual) != usual
    } | {name: settings[name] for name in ("groups", "sample_weight", "offset") if settings.get(name)}
    target, event = plain["target"]["name"], plain["target"].get("event")
    family, is_plain = _family(plain)
    told = {"target": target} if event is None else {"time": target, "event": event}
    told |= {"family": family} if family and is_plain else {}
    typed = {name: special[name] for name in special if name == "offset" and special[name] != GIVEN}
    if not given_as and special == typed and is_plain and not plain.get("leaks") and settings["seed"] is not None:
        words = ["foldwise", "compare", "TABLE"]
        for name, value in (told | typed).items():
            words += [f"--{name}", value]
        words += ["--folds", str(folds["folds"]), "--repeats", str(folds["repeats"]), "--seed", str(settings["seed"])]
        words += ["--candidates", ",".join(name.replace(" ", "-") for name in names)]
        for column in settings["drop"]:
            words += ["--drop", column]
        return shlex.join(words)
    others = ", ".join(given_as.get(name, repr(name)) for name in names)
    given = [f"candidates=[{others}]"] + (["folds=FOLDS"] if settings["seed"] is None else [])
    given += [] if is_plain else [f"family={family}"]
    if settings["seed"] is not None:
        told |= {"folds": folds["folds"], "repeats": folds["repeats"], "seed": settings["seed"]}
    if settings["drop"]:
        told["drop"] = settings["drop"]
    given += [f"{name}=VALUES" for name, value in special.items() if value == GIVEN]
    told |= {name: value for name, value in special.items() if value != GIVEN}
    told |= {"leaks": True} if plain.get("leaks") else {}
    spread = settings.get("stratify") and event is None and not plain["family"].get("classes")
    told |= {"stratify": True} if spread else {}
    arguments = ", ".join([f"{name}={value!r}" for name, value in told.items()] + given)
    return f"foldwise.compare(TABLE, {arguments})"


def _family(plain: dict[str, Any]) -> tuple[str, bool]:
    """The family where the target does not suggest it, and whether its name says all."""
    name, classes = plain["family"]["name"], plain["family"].get("classes", [])
    parameters = plain["family"].get("parameters", {})
    usual = FAMILIES[name]() if name in FAMILIES else None
    if usual is not None and parameters and parameters != {key: getattr(usual, key) for key in vars(usual)}:
        options = ", ".join(f"{key}={value!r}" for key, value in parameters.items())
        return f"foldwise.families.{type(usual).__name__}({options})", False
    suggested = "binomial" if len(classes) == 2 else "multinomial" if classes and isinstance(classes[0], str) else ""
    asked = name != suggested if classes else plain["family"].get("reason") == "as asked for"
    return name if asked else "", True


def conditions_of(plain: dict[str, Any], run: dict[str, Any] | None) -> str:
    """How exact the fits are, with which versions they were made, and which files say more."""
    gaps = [candidate["gap"] for candidate in plain["candidates"] if candidate.get("gap") is not None]
    sentences = ["The same table, settings and seed give the same report.json."]
    if gaps and max(gaps) <= EXACT:
        sentences.append(f"The largest certificate of all fits is {max(gaps):.0e}: they are as exact as that.")
    elif gaps:
        names = [c["name"] for c in plain["candidates"] if c.get("gap") is not None and c["gap"] > EXACT]
        sentences.append(f"Not all fits of {listed(names)} converged: the largest certificate is {max(gaps):.1g}.")
    if run:
        versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
        sentences.append(f"Made in {run['seconds']:.1f} s with Python {run['python']}, {versions}; {run['machine']}.")
    return " ".join(sentences)
