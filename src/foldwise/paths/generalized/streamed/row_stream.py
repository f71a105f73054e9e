"""RowStream: a table that is read again and again, its fold moments, and the family that its target is modelled by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from foldwise.errors import InputError
from foldwise.families import Family, family_of
from foldwise.moments import FoldMoments
from foldwise.moments.streaming.passing import Passage
from foldwise.moments.streaming.scan import plan_of
from foldwise.moments.streaming.sources import is_dask, open_source
from foldwise.moments.whole import one_repeat
from foldwise.tables.target import read_target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foldwise.paths.generalized.streamed.starting import Drawn
    from foldwise.paths.paths import Paths

    Ints = NDArray[np.intp]

Tell = Callable[[str, int, float | None], object]
HEAD = 10_000
FITS = ("binomial", "probit", "cloglog", "poisson", "gamma", "tweedie", "negative binomial")
MOST_COLUMNS = 500


@dataclass(frozen=True, eq=False, repr=False)
class RowStream:
    """Rows of a generalized linear model that need not fit in memory; `fit_paths` takes one in the place of X and y.

    Parameters
    ----------
    passage : Passage
        The table, and how it is passed over.
    moments : FoldMoments
        From the first pass.
    family : Family
        One with a loss for each row and one linear predictor: two classes, counts, amounts.
    reason : str
        Why that family.
    tell : callable, optional
        Is told (what is going on, rows done, share of the rows done or None) now and then.
    first_repeat : int
        Which of the table's partitions the moments begin with.
    drawn, ready : dicts
        What passes have found that later fits ask for again: the sample, and paths.

    Examples
    --------
    >>> import pyarrow as pa
    >>> import foldwise as fw
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(2000, 3))
    >>> visits = rng.poisson(np.exp(0.5 * x[:, 1]))
    >>> table = pa.table({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "visits": visits})
    >>> stream = fw.RowStream.scan(table, "visits", folds=5)
    >>> stream
    RowStream(2,000 rows, 3 columns, 5 folds, family='poisson')
    >>> paths = fw.fit_paths(stream)
    >>> paths.coef[paths.index(), paths.choose("1se")].round(1).tolist()
    [0.0, 0.3, 0.0]
    """

    passage: Passage
    moments: FoldMoments
    family: Family
    reason: str = "as asked for"
    tell: Tell | None = field(default=None)
    first_repeat: int = 0
    drawn: dict[tuple[int, bool], Drawn] = field(default_factory=dict)
    ready: dict[tuple[object, ...], Paths] = field(default_factory=dict)

    @classmethod
    def scan(
        cls,
        source: Any,
        target: str,
        folds: int | None = None,
        *,
        family: str | Family | None = None,
        tell: Tell | None = None,
        **options: Any,
    ) -> Self:
        """Make the first pass, which finds means, scales, levels and folds.

        Parameters
        ----------
        source
            A table as `FoldMoments.scan` takes it that can be read again: no reader, iterator or Dask frame.
        target : str
            Numbers, or two values of any kind.
        folds : int, optional
        family : str or foldwise.families.Family, optional
            The one that the first rows of the target suggest where it is left out.
        tell : callable, optional
            As the attribute.
        **options
            As in `FoldMoments.scan`: sample_weight, key, drop, categories, indicators, repeats, seed, skip_bad, ...

        Raises
        ------
        InputError
            Besides what the scan raises: a table that comes only once, or a family whose loss is no sum over rows.
        """
        if options.get("dask") is not None:
            message = "dask must be left out for classes, counts and amounts, whose rows are read again and again here"
            raise InputError(message)
        opened = None if is_dask(source) else open_source(source)
        if opened is None or opened.is_stream:
            what = "of a Dask frame" if opened is None else "that come only once"
            message = f"rows {what} can't be passed over again, as this model must; give files, or read it into memory"
            raise InputError(message)
        head = opened.head(HEAD, skip_bad=bool(options.get("skip_bad")))
        known = None if family is None else family_of(family)
        reason = "as asked for"
        if target in head.schema.names:  # where not, the scan says so, with what there is
            found = read_target(target, head.column(target), None if known is None else known.name)
            known, reason = known or family_of(found.family), found.reason
            _refuse(known, reason)
            if len(found.classes) == 2 and repr(found.classes) != "(0, 1)":  # False equals 0
                options.setdefault("classes", found.classes)
        progress = None if tell is None else lambda rows, share: tell("pass 1, moments", rows, share)
        moments = FoldMoments.scan(source, target, folds, **({"progress": progress} | options))
        assert known is not None  # noqa: S101 - a scan whose target is not there has failed
        return cls._of(opened.files, moments, known, reason, tell, options)

    @classmethod
    def of(
        cls,
        moments: FoldMoments,
        source: Any,
        family: str | Family,
        *,
        skip_bad: bool = False,
        tell: Tell | None = None,
    ) -> Self:
        """From fold moments that were scanned from the same table before."""
        opened = open_source(source)
        if opened.is_stream:
            message = "rows that come only once can't be passed over again, as this model must"
            raise InputError(message)
        known = family_of(family)
        _refuse(known, "as asked for")
        return cls._of(opened.files, moments, known, "as asked for", tell, {"skip_bad": skip_bad})

    @classmethod
    def _of(
        cls, files: Any, moments: FoldMoments, family: Family, reason: str, tell: Tell | None, options: Any
    ) -> Self:
        if moments.origin is None:
            message = "moments must be of a table whose target was named, got moments of arrays"
            raise InputError(message)
        if moments.n_features > MOST_COLUMNS:
            message = (
                f"family={family.name!r} takes at most {MOST_COLUMNS} columns where rows are read in passes, got "
                f"{moments.n_features}: drop some, or read the table into memory"
            )
            raise InputError(message)
        plan = plan_of(moments.origin, moments.n_folds, moments.n_repeats, moments.min_level_count)
        passage = Passage(files, plan, bool(options.get("skip_bad")), options.get("workers"))
        return cls(passage, moments, family, reason, tell)

    def repeat(self, at: int) -> FoldMoments:
        """The moments of one repeat's folds."""
        return one_repeat(self.moments, at)

    def only(self, repeat: int) -> RowStream:
        """The folds of one repeat alone."""
        return replace(self, moments=self.repeat(repeat), first_repeat=self.first_repeat + repeat, drawn={}, ready={})

    def without_folds(self) -> RowStream:
        """The same rows in one block, for fits that need no folds."""
        plan = replace(self.passage.plan, n_folds=1, n_repeats=1)
        moments = self.moments.without_folds()
        passage = replace(self.passage, plan=plan)
        return replace(self, passage=passage, moments=moments, first_repeat=0, drawn={}, ready={})

    @property
    def n_features(self) -> int:
        """Columns of a fitted design."""
        return self.moments.n_features

    @property
    def n_folds(self) -> int:
        """K; 1 without folds."""
        return self.moments.n_folds

    @property
    def offset(self) -> None:
        """There is none."""
        return

    @property
    def n_outputs(self) -> int:
        """Linear predictors of a row."""
        return 1

    def __repr__(self) -> str:
        """Sizes and family."""
        n, p, k = self.moments.n_rows, self.n_features, self.n_folds
        return f"RowStream({n:,} rows, {p} columns, {k} folds, family={self.family.name!r})"


def _refuse(family: Family, reason: str) -> None:
    if family.name == "gaussian":
        message = f"{reason}: squared errors are fitted from FoldMoments alone, without further passes"
    elif family.name not in FITS:
        message = (
            f"family must be one of {', '.join(FITS)} where rows are read in passes, got {family.name!r}: {reason}"
        )
    else:
        return
    raise InputError(message)
