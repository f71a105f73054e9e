"""The auto-mpg table: 398 cars of 1970 to 1982, their fuel economy and seven features."""

from collections.abc import Mapping
from importlib.resources import as_file, files
from types import MappingProxyType
from typing import Any, Literal

from foldwise.errors import InputError

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "mpg": "mi/gal",
        "cylinders": "cylinders",
        "displacement": "cu in",
        "horsepower": "hp",
        "weight": "lb",
        "acceleration": "s",
        "year": "years",
    }
)
"""The unit of each column of `auto_mpg`; origin is a code and has none."""

_DECIMALS = ("mpg", "displacement", "horsepower", "acceleration")
_WHOLE = ("cylinders", "weight", "year", "origin")


def auto_mpg(backend: Literal["pyarrow", "pandas", "polars"] = "pyarrow") -> Any:
    """Return the auto-mpg table: what does a car's fuel economy depend on?

    Parameters
    ----------
    backend : {"pyarrow", "pandas", "polars"}, default "pyarrow"
        The kind of dataframe; pandas and polars must be installed.

    Returns
    -------
    dataframe, n = 398 rows and 8 columns, in UCI's row order
        mpg
            fuel economy, in miles per US gallon: the target
        cylinders
            3 to 8
        displacement
            of the engine, in cubic inches
        horsepower
            missing for 6 cars
        weight
            in pounds
        acceleration
            time from 0 to 60 miles per hour, in seconds
        year
            of the model, 70 (1970) to 82
        origin
            1 USA, 2 Europe, 3 Japan

    Raises
    ------
    InputError
        Where the backend is not one of the three, or is not installed.

    References
    ----------
    R. Quinlan (1993). Auto MPG. UCI Machine Learning Repository, https://doi.org/10.24432/C5859H, CC BY 4.0. The
    licence and the changes made stand in auto_mpg_license.txt beside the table.

    Examples
    --------
    >>> import foldwise as fw
    >>> cars = fw.datasets.auto_mpg()
    >>> cars.shape
    (398, 8)
    >>> cars["horsepower"].null_count
    6
    """
    if backend not in ("pyarrow", "pandas", "polars"):
        raise InputError(f"backend must be 'pyarrow', 'pandas' or 'polars', got {backend!r}")
    table = _read()
    if backend == "pyarrow":
        return table
    import narwhals as nw

    frame = nw.from_native(table, eager_only=True)
    try:
        return frame.to_pandas() if backend == "pandas" else frame.to_polars()
    except ModuleNotFoundError as error:
        raise InputError(
            f"backend={backend!r} needs the package {backend}, which is not installed: "
            f"install it, or use backend='pyarrow'"
        ) from error


def _read() -> Any:
    import pyarrow as pa
    from pyarrow import csv

    types = {column: pa.float64() for column in _DECIMALS} | {column: pa.int64() for column in _WHOLE}
    with as_file(files("foldwise.datasets") / "auto_mpg.csv") as file:
        return csv.read_csv(file, convert_options=csv.ConvertOptions(column_types=types))
