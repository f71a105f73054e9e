"""The two pictures of a path: its coefficients, and its cross-validated error."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.errors import InputError
from foldwise.inference.one_se import error_curve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foldwise.paths.paths import Paths

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Okabe & Ito's colours, told apart with every kind of colour vision; yellow left out, which is too faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, FAINT = "#333333", "#C4C4C4"
LABELLED = 12
_KINDS = {"group": "Group lasso", "sparse group": "Sparse group lasso", "mcp": "MCP", "scad": "SCAD"}
_LONGEST = 30  # characters of a name
_APART = 0.045  # least distance of two labels, as a share of the axis


def pyplot() -> Any:
    """matplotlib.pyplot, or an ImportError that says how to get it."""
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise ImportError('Plots need matplotlib: pip install "foldwise[plot]"') from error
    return plt


def short(name: str) -> str:
    """The name, or both of its ends: levels of one category differ in the last one."""
    return name if len(name) <= _LONGEST else f"{name[:14].rstrip()}\N{HORIZONTAL ELLIPSIS}{name[-14:].lstrip()}"


def plot_paths(paths: Paths, names: Sequence[str] | None = None, ax: Any = None, *, per_sd: bool = True) -> Any:
    """Draw the final model's coefficients against alpha; see Paths.plot."""
    names = _names(names, paths.n_features)
    plt = pyplot()
    points = _drawn(paths)
    h = paths.index()
    where = np.arange(paths.n_features) if paths.columns is None else paths.columns
    coef, scaled = paths.kept[h][points], (paths.kept[h] * paths.scale[h, where])[points]
    drawn = scaled if per_sd else coef
    ever = np.flatnonzero(coef.any(axis=0))
    order = ever[np.argsort(-np.abs(scaled[-1, ever]), kind="stable")]
    strongest = order[:LABELLED][scaled[-1, order[:LABELLED]] != 0.0]
    if ax is None:
        _, ax = plt.subplots(figsize=(8.0, 5.0), layout="constrained")
    _alpha_axis(ax, paths, points)
    ax.axhline(0.0, color=INK, linewidth=0.8)
    alphas = paths.alphas[points]
    for column in order[::-1]:
        if column not in strongest:
            ax.plot(alphas, _where_kept(drawn[:, column]), color=FAINT, linewidth=0.8)
    for rank in range(len(strongest) - 1, -1, -1):
        line = _where_kept(drawn[:, strongest[rank]])
        ax.plot(alphas, line, color=_colour(rank), linewidth=1.6, linestyle=_style(rank))
    _mark_choices(ax, paths)
    _label_ends(ax, alphas[-1], drawn[-1, strongest], [short(names[where[j]]) for j in strongest])
    unit = "standard deviation" if per_sd else "unit"
    ax.set_ylabel(f"coefficient per {unit} of the feature")
    ax.set_title(f"{_kind(paths)} path of {paths.n_features} features, fitted to all rows", loc="left")
    return ax


def plot_cv(paths: Paths, ax: Any = None) -> Any:
    """Draw the cross-validated error against alpha; see Paths.plot_cv."""
    both = paths.one_standard_error()
    plt = pyplot()
    points = _drawn(paths)
    mean, standard_error = error_curve(paths.cv_error, weights=paths.fold_weight, repeats=paths.n_repeats)
    if ax is None:
        _, ax = plt.subplots(figsize=(8.0, 5.0), layout="constrained")
    _alpha_axis(ax, paths, points)
    alphas, middle, half = paths.alphas[points], mean[points], standard_error[points]
    ax.fill_between(alphas, middle - half, middle + half, color=COLOURS[0], alpha=0.16, linewidth=0.0)
    ax.plot(alphas, middle, color=COLOURS[0], linewidth=1.8)
    limit = both.error + both.standard_error
    ax.axhline(limit, color=INK, linewidth=0.8, linestyle=":")
    for at in {both.index_1se, both.index_min} & set(points.tolist()):
        ax.plot(paths.alphas[at], mean[at], "o", color=COLOURS[1], markersize=6, zorder=3, clip_on=False)
    _mark_choices(ax, paths)
    ax.annotate(
        "smallest error + 1 SE",
        (1.0, limit),
        xycoords=("axes fraction", "data"),
        xytext=(-3, 3),
        textcoords="offset points",
        ha="right",
        fontsize="small",
        color=INK,
    )
    ax.set_ylabel("cross-validated mean squared error")
    ax.set_xlabel("\n".join([ax.get_xlabel(), *textwrap.wrap(f"band: one {both.which}", 80)]))
    kept = np.count_nonzero(paths.kept[paths.index()], axis=1)
    found = f"{kept[both.index_min]} features at the smallest error, {kept[both.index_1se]} by the 1-SE rule"
    ax.set_title(f"{_kind(paths)}: {found}", loc="left")
    return ax


def _where_kept(values: Floats) -> Floats:
    """NaN along the zero line, except where a line leaves it or comes back."""
    on = values != 0.0
    near = on.copy()
    near[:-1] |= on[1:]
    near[1:] |= on[:-1]
    return np.where(near, values, np.nan)


def _kind(paths: Paths) -> str:
    if paths.penalty in _KINDS:
        return _KINDS[paths.penalty]
    if paths.l1_ratio in (0.0, 1.0):
        return "Lasso" if paths.l1_ratio else "Ridge"
    return f"Elastic net (l1_ratio {paths.l1_ratio:g})"


def _names(names: Sequence[str] | None, p: int) -> list[str]:
    listed = [f"x{j}" for j in range(p)] if names is None else [str(name) for name in names]
    if len(listed) != p:
        message = f"names must be {p}, one for each feature, got {len(listed)}"
        raise InputError(message)
    return listed


def _drawn(paths: Paths) -> Ints:
    """Points that have a place on a logarithmic axis."""
    points = np.flatnonzero(paths.alphas > 0.0)
    if len(points) < 2:
        message = f"paths must have two or more alphas > 0 to be drawn, got {len(points)}"
        raise InputError(message)
    return points


def _alpha_axis(ax: Any, paths: Paths, points: Ints) -> None:
    """Alpha from strong to weak, and above it how many features are kept."""
    from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

    alphas = paths.alphas[points]
    ax.set_xscale("log")
    ax.set_xlim(alphas[0], alphas[-1])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("alpha, from strong to weak (logarithmic)")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(colors=INK)
    kept = np.count_nonzero(paths.kept[paths.index()], axis=1)[points]
    wanted = np.geomspace(alphas[0], alphas[-1], 9)
    at = np.unique([int(np.argmin(np.abs(np.log(alphas / each)))) for each in wanted])
    top = ax.secondary_xaxis("top")
    top.set_xticks(alphas[at], [str(count) for count in kept[at]])
    top.xaxis.set_minor_locator(NullLocator())
    top.set_xlabel("features kept", fontsize="small", color=INK, labelpad=7)
    top.spines["top"].set_visible(False)
    top.tick_params(length=0, colors=INK)


def _mark_choices(ax: Any, paths: Paths) -> None:
    """Vertical lines at the two choices, where there are folds to choose by."""
    if not len(paths.cv_error):
        return
    both = paths.one_standard_error()
    same = both.index_min == both.index_1se
    marks = [(both.index_min, "min = 1-SE" if same else "min", 1)]
    marks += [] if same else [(both.index_1se, "1-SE", -1)]
    strong, weak = np.log(ax.get_xlim())
    for at, text, outward in marks:
        if paths.alphas[at] > 0.0:
            share = (np.log(paths.alphas[at]) - strong) / (weak - strong)
            side = "left" if (outward > 0 or share < _APART) and share < 1.0 - 2.0 * _APART else "right"
            ax.axvline(paths.alphas[at], color=INK, linewidth=0.8, linestyle="--")
            ax.annotate(
                text,
                (paths.alphas[at], 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(4 if side == "left" else -4, -2),
                textcoords="offset points",
                ha=side,
                va="top",
                fontsize="small",
                color=INK,
            )


def _label_ends(ax: Any, alpha: float, ends: Floats, names: list[str]) -> None:
    """Names at the right end of their lines, moved apart where they would overlap."""
    if not len(ends):
        return
    bottom, top = ax.get_ylim()
    places = apart(ends, _APART * (top - bottom))
    for rank, (end, place, name) in enumerate(zip(ends, places, names, strict=True)):
        ax.annotate(
            name,
            (alpha, end),
            xytext=(1.03, (place - bottom) / (top - bottom)),
            textcoords="axes fraction",
            va="center",
            fontsize="small",
            color=INK,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": _colour(rank), "linewidth": 0.8, "shrinkA": 1, "shrinkB": 0},
        )


def apart(values: Floats, least: float) -> Floats:
    """Places near some values, in their order and at least so far apart, moved as little as least squares can.

    Examples
    --------
    >>> import numpy as np
    >>> apart(np.array([1.0, 1.0, 5.0]), 1.0)
    array([0.5, 1.5, 5. ])
    """
    order = np.argsort(values, kind="stable")
    # Pools of neighbours in contact: each stands where the mean of its members' own wishes is.
    pools: list[list[float]] = []
    for rank, value in enumerate(values[order]):
        pools.append([float(value) - rank * least, 1.0])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (wish, count), (before, many) = pools.pop(), pools.pop()
            pools.append([(wish * count + before * many) / (count + many), count + many])
    level = np.concatenate([np.full(int(count), wish) for wish, count in pools])
    places = np.empty(len(values))
    places[order] = level + np.arange(len(values)) * least
    return places


def _colour(rank: int) -> str:
    return COLOURS[rank % len(COLOURS)]


def _style(rank: int) -> str:
    return "-" if rank < len(COLOURS) else (0, (4, 1.5))  # type: ignore[return-value]
