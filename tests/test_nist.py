"""NIST's Statistical Reference Datasets through the estimators: correct digits, none fewer than LAPACK's QR reaches."""

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy.linalg import solve_triangular

import foldwise as fw

NAMES = (
    "Norris",
    "Pontius",
    "NoInt1",
    "NoInt2",
    "Filip",
    "Longley",
    "Wampler1",
    "Wampler2",
    "Wampler3",
    "Wampler4",
    "Wampler5",
)
MOST = 15.95  # a double has no more


def digits(estimate, exact):
    """Correct significant digits of the worst coefficient (NIST's LRE)."""
    errors = [abs(Fraction(float(e)) - x) / (abs(x) if x else 1) for e, x in zip(estimate, exact, strict=True)]
    worst = float(max(errors))
    return MOST if worst == 0 else min(MOST, -np.log10(worst))


def load(shared, name):
    data = json.loads((shared / "truth" / "nist" / "nist_strd_linear.json").read_text())[name]
    x = np.array(data["x"], float)
    X = np.column_stack([x[:, 0] ** k for k in range(1, data["degree"] + 1)]) if data["degree"] else x
    return X, np.array(data["y"], float), data


def exact_solution(A, y, ridge=None):
    """The rational solution for the numbers as they stand in memory, by Gauss-Jordan on the normal equations."""
    rows, target = [[Fraction(v) for v in row] for row in A.tolist()], [Fraction(v) for v in y.tolist()]
    p = A.shape[1]
    system = [
        [sum(r[i] * r[j] for r in rows) for j in range(p)] + [sum(r[i] * t for r, t in zip(rows, target, strict=True))]
        for i in range(p)
    ]
    for j, penalty in enumerate([] if ridge is None else ridge):
        system[j][j] += penalty
    for i in range(p):
        for k in range(p):
            if k != i and system[k][i]:
                share = system[k][i] / system[i][i]
                system[k] = [a - share * b for a, b in zip(system[k], system[i], strict=True)]
    return [system[i][p] / system[i][i] for i in range(p)]


def lapack_qr(A, y):
    Q, R = np.linalg.qr(A)
    return solve_triangular(R, Q.T @ y)


def coefficients_of(model):
    return np.append(model.intercept_, model.coef_) if model.fit_intercept else model.coef_


@pytest.mark.parametrize("name", NAMES)
def test_least_squares(shared, name, record_property):
    X, y, data = load(shared, name)
    A = np.column_stack([np.ones(len(y)), X]) if data["intercept"] else X
    model = fw.LinearRegression(fit_intercept=data["intercept"]).fit(X, y)
    ours, lapack = coefficients_of(model), lapack_qr(A, y)
    certified = [Fraction(Decimal(value)) for value in data["exact_coef_40digits"]]
    # Powers of x are rounded when the columns are made, before any solver sees them: no solver of these columns can be
    # sure of more certified digits than their exact solution has.
    of_columns = exact_solution(A, y)
    ceiling = digits([float(value) for value in of_columns], certified)
    reached = {
        "certified digits": digits(ours, certified),
        "of LAPACK QR": digits(lapack, certified),
        "of the columns' exact solution": ceiling,
        "digits of the columns' exact solution": digits(ours, of_columns),
        "the same of LAPACK QR": digits(lapack, of_columns),
    }
    for label, value in reached.items():
        record_property(label, round(float(value), 1))
    print(f"{name:9s}", *(f"{label} {value:.1f};" for label, value in reached.items()))  # noqa: T201 - the figures
    assert model.rank_ == X.shape[1]
    assert digits(ours, of_columns) >= digits(lapack, of_columns)
    assert digits(ours, certified) >= min(digits(lapack, certified), ceiling - 0.1)


@pytest.mark.parametrize("alpha", ["1e-6", "1e-3", "1", "1000"])
@pytest.mark.parametrize("name", NAMES)
def test_ridge(shared, name, alpha):
    X, y, data = load(shared, name)
    exact = [Fraction(Decimal(value)) for value in data["exact_ridge"]["coef_40digits"][alpha]]
    model = fw.Ridge(alpha=float(alpha), fit_intercept=data["intercept"]).fit(X, y)
    A = np.column_stack([np.ones(len(y)), X]) if data["intercept"] else X
    penalty = np.sqrt(float(alpha)) * np.eye(A.shape[1])[int(data["intercept"]) :]
    lapack = lapack_qr(np.vstack([A, penalty]), np.append(y, np.zeros(len(penalty))))
    ours = coefficients_of(model)
    of_columns = exact_solution(A, y, [0] * int(data["intercept"]) + [Fraction(Decimal(alpha))] * X.shape[1])
    ceiling = digits([float(value) for value in of_columns], exact)
    print(f"{name:9s} alpha {alpha}: {digits(ours, exact):.1f} digits, LAPACK QR {digits(lapack, exact):.1f}")  # noqa: T201
    assert digits(ours, of_columns) >= min(digits(lapack, of_columns), 15.5)  # 15.5: within two roundings
    assert digits(ours, exact) >= min(digits(lapack, exact), ceiling - 0.1, 15.5)


def test_filip_has_the_rank_that_lapack_lstsq_denies_it(shared):
    X, y, _ = load(shared, "Filip")
    assert np.linalg.lstsq(np.column_stack([np.ones(len(y)), X]), y, rcond=None)[2] == 10
    assert fw.LinearRegression().fit(X, y).rank_ == 10  # of ten columns, after the intercept
