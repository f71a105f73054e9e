"""The auto-mpg table is UCI's, in every kind of dataframe, and gives the published fits."""

import builtins
import csv
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge
from sklearn.model_selection import train_test_split

from foldwise.datasets import UNITS, auto_mpg
from foldwise.errors import InputError

FEATURES = ["cylinders", "displacement", "horsepower", "weight", "acceleration", "year", "origin"]
ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("backend", "kind"), [("pyarrow", pa.Table), ("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test_every_backend_holds_the_same_table(backend, kind):
    cars = auto_mpg(backend)
    assert isinstance(cars, kind)
    frame = cars if backend == "pandas" else cars.to_pandas()
    pd.testing.assert_frame_equal(frame, auto_mpg("pandas"))
    assert list(frame.columns) == ["mpg", *FEATURES]
    assert frame.shape == (398, 8)
    assert frame.isna().sum().to_dict() == {**dict.fromkeys(["mpg", *FEATURES], 0), "horsepower": 6}


def test_unknown_backend_is_named():
    with pytest.raises(InputError, match="backend must be 'pyarrow', 'pandas' or 'polars', got 'dask'"):
        auto_mpg("dask")


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_backend_that_is_not_installed_is_named(backend, monkeypatch):
    real_import = builtins.__import__

    def without_backend(name, *args, **kwargs):
        if name.split(".")[0] == backend:
            raise ModuleNotFoundError(name=backend)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_backend)
    with pytest.raises(InputError, match=f"needs the package {backend}, which is not installed"):
        auto_mpg(backend)


def test_units_name_columns_in_order():
    columns = auto_mpg().column_names
    assert list(UNITS) == [column for column in columns if column != "origin"]


def test_table_equals_the_one_from_uci(shared):
    uci = pd.read_csv(shared / "data" / "auto_mpg.csv").drop(columns="name")
    pd.testing.assert_frame_equal(auto_mpg("pandas"), uci, check_exact=True)


def test_year_and_origin_counts_are_those_uci_publishes():
    cars = auto_mpg("pandas")
    counts = dict(zip(range(70, 83), [29, 28, 28, 40, 27, 30, 34, 28, 36, 29, 29, 29, 31], strict=True))
    assert cars["year"].value_counts().sort_index().to_dict() == counts
    assert cars["year"].is_monotonic_increasing
    assert cars["origin"].value_counts().to_dict() == {1: 249, 2: 70, 3: 79}


def test_script_makes_the_table(tmp_path):
    made = tmp_path / "auto_mpg.csv"
    subprocess.run([sys.executable, ROOT / "scripts" / "make_auto_mpg.py", made], check=True, capture_output=True)
    assert made.read_bytes() == (files("foldwise.datasets") / "auto_mpg.csv").read_bytes()


def test_licence_stands_beside_the_table():
    text = (files("foldwise.datasets") / "auto_mpg_license.txt").read_text(encoding="utf-8")
    assert "CC BY 4.0" in text
    header = next(csv.reader((files("foldwise.datasets") / "auto_mpg.csv").read_text(encoding="utf-8").splitlines()))
    assert header == ["mpg", *FEATURES]


# Published with scikit-learn's default tolerance; the fit is the same computation, so the digits are too.
@pytest.mark.parametrize(
    ("model", "rmse", "intercept"),
    [
        (LinearRegression(), 3.0019345985860784, -19.101231042200112),
        (Lasso(alpha=0.1), 3.0604021904033303, -18.506677982383252),
        (Ridge(alpha=1), 3.0036496535815025, -19.07980074425469),
        (ElasticNet(alpha=0.1, l1_ratio=0.1), 3.0450899960775013, -18.389355690429767),
    ],
    ids=["least squares", "lasso", "ridge", "elastic net"],
)
def test_published_fits_with_scikit_learn(model, rmse, intercept):
    cars = auto_mpg("pandas")
    X = cars[FEATURES].fillna({"horsepower": cars["horsepower"].median()})
    X_train, X_test, y_train, y_test = train_test_split(X, cars["mpg"], test_size=0.25, random_state=45)
    error = y_test - model.fit(X_train, y_train).predict(X_test)
    assert np.sqrt(np.mean(error**2)) == pytest.approx(rmse, abs=1e-9)
    assert model.intercept_ == pytest.approx(intercept, abs=1e-9)
