"""The study against a naive double loop of scikit-learn fits over rows: choices, nested errors, predictions."""

import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, LinearRegression, Ridge

import foldwise as fw

ALPHAS = (2.0, 0.7, 0.25, 0.08, 0.02)
L1_RATIOS = (0.3, 0.9)
RARE = 6


@dataclass
class Data:
    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    folds: fw.Folds
    fill: str = "median"
    indicators: bool = False
    tree: np.ndarray | None = None

    @property
    def table(self) -> dict[str, np.ndarray]:
        columns = {f"x{j}": self.X[:, j] for j in range(self.X.shape[1])} | {"y": self.y}
        return columns if self.tree is None else columns | {"tree": self.tree}


def make_data(kind: str) -> Data:
    rng = np.random.default_rng(7)
    n, p = 61, 4
    X = rng.normal(size=(n, p)) * [1.0, 20.0, 0.1, 3.0] + [0.0, 50.0, 0.0, -4.0]
    X[:, 3] += X[:, 0]
    y = 2.0 * X[:, 0] - 0.05 * X[:, 1] + rng.normal(size=n) + 10.0
    weights = rng.uniform(0.2, 3.0, size=n) if kind == "weights" else None
    folds = fw.Folds.kfold(n, 4, repeats=2, seed=1)
    if kind in {"gaps", "indicators"}:
        X[rng.random(size=(n, p)) < 0.08] = np.nan
        return Data(X, y, weights, folds, "mean" if kind == "gaps" else "median", indicators=kind == "indicators")
    if kind == "unequal folds":
        return Data(X, y, weights, fw.Folds.from_labels(rng.choice([0, 0, 0, 1, 2], size=(2, n))))
    if kind == "rare levels":
        tree = rng.permutation(np.repeat(["ash", "oak", "elm", "fir"], [25, 20, 9, 7]))
        return Data(X, y + 2.0 * (tree == "elm") - (tree == "fir"), weights, folds, tree=tree)
    return Data(X, y, weights, folds)


def levels(data: Data, training: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A column per level on at least `RARE` training rows, and one for all other rows."""
    names = [name for name in np.unique(data.tree) if np.count_nonzero(data.tree[training] == name) >= RARE]
    own = np.column_stack([data.tree[rows] == name for name in names]).astype(float)
    return np.column_stack([own, 1.0 - own.sum(axis=1)])


def encode(data: Data, training: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Fill from the training rows, add indicators, and bring to the training rows' mean 0 and standard deviation 1."""
    w = np.ones(len(data.y)) if data.weights is None else data.weights

    def filled(which: np.ndarray) -> np.ndarray:
        out = data.X[which].copy()
        for j in range(out.shape[1]):
            known = training[~np.isnan(data.X[training, j])]
            value = (
                np.median(data.X[known, j]) if data.fill == "median" else np.average(data.X[known, j], weights=w[known])
            )
            out[np.isnan(out[:, j]), j] = value
        if data.tree is not None:
            out = np.hstack([out, levels(data, training, which)])
        gaps = np.flatnonzero(np.isnan(data.X).any(axis=0))
        return np.hstack([out, np.isnan(data.X[which][:, gaps])]) if data.indicators else out

    base = filled(training)
    mean = np.average(base, axis=0, weights=w[training])
    sd = np.sqrt(np.average((base - mean) ** 2, axis=0, weights=w[training]))
    return (filled(rows) - mean) / np.where(sd > 0.0, sd, 1.0)


def group_lasso(X: np.ndarray, y: np.ndarray, labels: np.ndarray, alpha: float) -> np.ndarray:
    """Accelerated proximal gradient, begun again whenever it overshoots, until nothing moves."""
    n, live = len(y), X.any(axis=0)
    threshold = {g: alpha * np.sqrt(np.count_nonzero(live[labels == g])) for g in np.unique(labels)}
    step = n / np.linalg.eigvalsh(X.T @ X)[-1]
    coef = ahead = np.zeros(X.shape[1])
    momentum = 1.0
    for _ in range(100_000):
        target = ahead + step * X.T @ (y - y.mean() - X @ ahead) / n
        new = np.zeros_like(coef)
        for g, strength in threshold.items():
            length = np.linalg.norm(target[labels == g])
            if length > step * strength:
                new[labels == g] = (1.0 - step * strength / length) * target[labels == g]
        if np.dot(ahead - new, new - coef) > 0.0:
            momentum = 1.0
        following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        ahead = new + (momentum - 1.0) / following * (new - coef)
        moved, coef, momentum = np.abs(new - coef).max(), new, following
        if moved < 1e-13:
            break
    return coef


def predict(data: Data, training: np.ndarray, rows: np.ndarray, name: str, alpha: float, l1_ratio: float):
    w = np.ones(len(training)) if data.weights is None else data.weights[training]
    X, y = encode(data, training, training), data.y[training]
    if name == "group lasso":
        coef = group_lasso(X, y, np.r_[0, 1, 2, 3, np.full(X.shape[1] - 4, 4)], alpha)
        return y.mean() + encode(data, training, rows) @ coef
    if name == "least squares":
        model = LinearRegression()
    elif name == "ridge":
        model = Ridge(alpha=alpha * w.sum(), solver="cholesky")
    else:
        model = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-13, max_iter=100_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a gap tolerance of 1e-13 can be out of reach; the comparison will tell
        return model.fit(X, y, sample_weight=w).predict(encode(data, training, rows))


def points(name: str) -> list[tuple[float, float]]:
    ratios = {"least squares": (), "ridge": (0.0,), "lasso": (1.0,), "elastic net": L1_RATIOS, "group lasso": (1.0,)}[
        name
    ]
    return [(alpha, ratio) for ratio in ratios for alpha in ALPHAS] or [(0.0, 1.0)]


def one_se_point(errors: np.ndarray, weights: np.ndarray, grid: list[tuple[float, float]]) -> int:
    mean = np.average(errors, axis=0, weights=weights)
    best = int(mean.argmin())
    spread = np.average((errors[:, best] - mean[best]) ** 2, weights=weights)
    allowed = mean[best] + np.sqrt(spread / (len(weights) - 1))
    near = [g for g in range(len(grid)) if grid[g][1] == grid[best][1] and mean[g] <= allowed]
    return max(near, key=lambda g: grid[g][0])


def naive(data: Data, name: str, rule: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(chosen points (R*K, 2), nested mean squared errors (R*K,), predictions (R, n)) by loops over rows."""
    grid, folds = points(name), data.folds
    w = np.ones(len(data.y)) if data.weights is None else data.weights
    chosen, errors, predictions = [], [], np.empty(folds.labels.shape)
    for i in range(folds.n_repeats * folds.n_folds):
        r, k = divmod(i, folds.n_folds)
        inner = [r * folds.n_folds + j for j in range(folds.n_folds) if j != k]
        table, inner_weights = np.empty((len(inner), len(grid))), []
        for at, j in enumerate(inner):
            training, rows = folds.training_rows({i, j}), folds.test_rows(j)
            inner_weights.append(w[rows].sum())
            for g, (alpha, ratio) in enumerate(grid):
                predicted = predict(data, training, rows, name, alpha, ratio)
                table[at, g] = np.average((data.y[rows] - predicted) ** 2, weights=w[rows])
        best = int(np.average(table, axis=0, weights=inner_weights).argmin())
        if rule == "1se":
            best = one_se_point(table, np.array(inner_weights), grid)
        rows = folds.test_rows(i)
        predictions[r, rows] = predict(data, folds.training_rows({i}), rows, name, *grid[best])
        chosen.append(grid[best])
        errors.append(np.average((data.y[rows] - predictions[r, rows]) ** 2, weights=w[rows]))
    return np.array(chosen), np.array(errors), predictions


KINDS = ["plain", "weights", "gaps", "indicators", "unequal folds", "rare levels"]


@pytest.mark.parametrize(
    ("kind", "rule", "name"),
    [
        *((kind, "min", name) for kind in KINDS for name in ("least squares", "ridge", "lasso", "elastic net")),
        *(("plain", "1se", name) for name in ("ridge", "lasso", "elastic net")),
        *(("rare levels", rule, "group lasso") for rule in ("min", "1se")),
    ],
)
def test_choices_errors_and_predictions_equal_the_naive_double_loop(kind, rule, name):
    data = make_data(kind)
    comparison = fw.compare(
        data.table,
        target="y",
        min_level_count=RARE,
        target_scale=1.0,
        candidates=[name],
        folds=data.folds,
        fill=data.fill,
        indicators=data.indicators,
        alphas=ALPHAS,
        l1_ratios=L1_RATIOS,
        rule=rule,
        sample_weight=data.weights,
    )
    result = comparison.best
    chosen, errors, predictions = naive(data, name, rule)
    assert np.array_equal(np.column_stack([result.chosen_alpha, result.chosen_l1_ratio]), chosen)
    assert result.fold_mse == pytest.approx(errors, rel=1e-8)
    assert result.predictions == pytest.approx(predictions, rel=1e-8)
    fold_weight = [data.folds.test_rows(i).size for i in range(len(errors))]
    if data.weights is not None:
        fold_weight = [data.weights[data.folds.test_rows(i)].sum() for i in range(len(errors))]
    assert result.rmse == pytest.approx(np.sqrt(np.average(errors, weights=fold_weight)), rel=1e-8)


@pytest.mark.parametrize("name", ["ridge", "lasso", "elastic net"])
def test_the_final_model_is_the_naive_fit_at_the_strength_with_the_smallest_error(name):
    data = make_data("plain")
    comparison = fw.compare(
        data.table,
        target="y",
        target_scale=1.0,
        candidates=[name],
        folds=data.folds,
        alphas=ALPHAS,
        l1_ratios=L1_RATIOS,
    )
    result, grid = comparison.best, points(name)
    everything = np.arange(len(data.y))
    errors = []
    for alpha, ratio in grid:
        squares = []
        for i in range(data.folds.get_n_splits()):
            rows = data.folds.test_rows(i)
            predicted = predict(data, data.folds.training_rows({i}), rows, name, alpha, ratio)
            squares.append(np.sum((data.y[rows] - predicted) ** 2))
        errors.append(np.sum(squares) / data.folds.n_repeats / len(data.y))
    best = int(np.argmin(errors))
    assert (result.alpha, result.l1_ratio) == grid[best]
    assert result.score == pytest.approx(np.sqrt(errors[best]), rel=1e-8)
    fitted = data.X @ result.coef + result.intercept
    assert fitted == pytest.approx(predict(data, everything, everything, name, *grid[best]), rel=1e-8)
    assert result.coef_per_sd == pytest.approx(result.coef * data.X.std(axis=0), rel=1e-8)


@pytest.mark.parametrize("name", ["least squares", "ridge", "lasso", "elastic net"])
def test_what_a_fold_holds_never_reaches_the_fit_and_the_choice_that_score_it(name):
    """Shift the targets of fold 0 by 1e6: its own choice and its predictions stay."""
    data = make_data("plain")
    shifted = data.y.copy()
    rows = data.folds.test_rows(0)
    shifted[rows] += 1e6
    results = [
        fw.compare(
            {f"x{j}": data.X[:, j] for j in range(4)} | {"y": y},
            target="y",
            target_scale=1.0,
            candidates=[name],
            folds=data.folds,
            alphas=ALPHAS,
            l1_ratios=L1_RATIOS,
        ).best
        for y in (data.y, shifted)
    ]
    assert results[0].chosen_alpha[0] == results[1].chosen_alpha[0]
    assert results[1].predictions[0, rows] == pytest.approx(results[0].predictions[0, rows], rel=1e-10)
    assert abs(results[1].predictions[1, rows] - results[0].predictions[1, rows]).max() > 1.0
