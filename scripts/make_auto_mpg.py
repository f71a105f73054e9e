"""Make src/foldwise/datasets/auto_mpg.csv from the package vega_datasets 0.9.0.

Run it as `python scripts/make_auto_mpg.py [FILE]`; the extra `dev` brings vega_datasets. The package's table of cars
has the rows of UCI Auto MPG in UCI's order, plus 8 rows without mpg.
"""

import argparse
import csv
import json
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

SOURCE_VERSION = "0.9.0"
TARGET = Path(__file__).resolve().parents[1] / "src" / "foldwise" / "datasets" / "auto_mpg.csv"
COLUMNS = ("mpg", "cylinders", "displacement", "horsepower", "weight", "acceleration", "year", "origin")
ORIGINS = {"USA": 1, "Europe": 2, "Japan": 3}

# The package codes the model years 1981 and 1982 both as 1982; UCI's order has the 29 cars of 1981 first.
CARS_OF_1981 = 29
CARS_OF_1981_AND_1982 = 60


def read_cars() -> list[dict[str, object]]:
    """Return the package's table of cars, one mapping per row."""
    found = version("vega_datasets")
    if found != SOURCE_VERSION:
        message = f"vega_datasets must be version {SOURCE_VERSION}, got {found}"
        raise SystemExit(message)
    return json.loads((files("vega_datasets") / "_data" / "cars.json").read_text(encoding="utf-8"))


def model_years(cars: list[dict[str, object]]) -> list[int]:
    """Return each car's model year as UCI has it: 70 to 82."""
    years = [int(str(car["Year"])[2:4]) for car in cars]
    late = [row for row, year in enumerate(years) if year == 82]
    if len(late) != CARS_OF_1981_AND_1982:
        message = f"{CARS_OF_1981_AND_1982} cars must be coded 1982, got {len(late)}"
        raise SystemExit(message)
    for row in late[:CARS_OF_1981]:
        years[row] = 81
    return years


def make_rows() -> list[tuple[object, ...]]:
    """Return the table's rows in UCI's order, missing horsepower as an empty text."""
    cars = [car for car in read_cars() if car["Miles_per_Gallon"] is not None]
    return [
        (
            car["Miles_per_Gallon"],
            car["Cylinders"],
            car["Displacement"],
            "" if car["Horsepower"] is None else car["Horsepower"],
            car["Weight_in_lbs"],
            car["Acceleration"],
            year,
            ORIGINS[str(car["Origin"])],
        )
        for car, year in zip(cars, model_years(cars), strict=True)
    ]


def main() -> None:
    """Write the table and say how many rows it has."""
    parser = argparse.ArgumentParser(description="Make the auto-mpg table.")
    parser.add_argument("file", nargs="?", type=Path, default=TARGET, help="where to write it (default: %(default)s)")
    file = parser.parse_args().file
    rows = make_rows()
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    print(f"{file.name}: {len(rows)} rows, {sum(row[3] == '' for row in rows)} without horsepower")


if __name__ == "__main__":
    main()
