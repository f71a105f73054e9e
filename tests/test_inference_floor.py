"""The error floor: what rows that agree in their features still differ by, against definitions and known noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from foldwise.errors import InputError
from foldwise.inference import neighbour_floor, replicated_floor


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 4), min_size=4, max_size=30), st.integers(0, 9))
def test_replicates_are_the_variances_of_their_groups(groups, seed):
    codes, y = np.array(groups), np.random.default_rng(seed).normal(size=len(groups))
    found = replicated_floor(y, codes)
    twins = [y[codes == code] for code in set(groups) if groups.count(code) > 1]
    if not twins:
        assert found is None
        return
    sizes = [len(each) for each in twins]
    assert found.rows == sum(sizes)
    assert found.variance == pytest.approx(np.average([each.var(ddof=1) for each in twins], weights=sizes))
    assert found.interval[0] <= found.variance <= found.interval[1]


@pytest.mark.parametrize("size", [2, 5, 150])
def test_the_floor_by_replicates_is_covered(size):
    """Pairs, small groups and a few large ones: 95 % of 400 tables, give or take three standard errors of that."""
    rng = np.random.default_rng(size)
    groups = np.repeat(np.arange(max(300 // size, 1)), size)
    held = 0
    for _ in range(400):
        found = replicated_floor(np.sin(groups) * 3.0 + rng.normal(size=len(groups)), groups)
        held += found.interval[0] <= 1.0 <= found.interval[1]
    assert 0.917 <= held / 400 <= 0.983


def test_classes_differ_by_twice_their_chance_to_be_one_or_the_other():
    """Half the squared difference of two independent draws is p (1 - p): the Brier score of knowing p."""
    rng = np.random.default_rng(0)
    chance = np.repeat(rng.uniform(size=4000), 2)
    found = replicated_floor((rng.random(8000) < chance).astype(float), np.repeat(np.arange(4000), 2))
    expected = np.mean(chance * (1.0 - chance))
    assert found.variance == pytest.approx(expected, abs=4.0 * found.standard_error)
    assert found.standard_error < 0.03 * expected


def test_near_rows_are_those_of_scikit_learn_and_the_floor_the_line_at_zero():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 3)) * [1.0, 10.0, 0.1]
    y = np.column_stack([x[:, 0] ** 2 + rng.normal(size=200), rng.normal(size=200)])
    found = neighbour_floor(y, x, neighbours=6)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    far, near = NearestNeighbors(n_neighbors=7).fit(z).kneighbors(z)
    delta = np.mean(far[:, 1:] ** 2, axis=0) / 6.0
    gamma = np.mean(np.sum((y[:, None] - y[near[:, 1:]]) ** 2, axis=2), axis=0) / 2.0
    assert found.variance == pytest.approx(np.polyfit(delta, gamma, 1)[1], rel=1e-9)
    assert found.distance == pytest.approx(delta[0])
    assert found.rows == 200


def test_the_floor_by_near_rows_is_the_noise_whatever_the_smooth_truth():
    rng = np.random.default_rng(2)
    held, found = 0, []
    for _ in range(60):
        x = rng.normal(size=(300, 2))
        y = np.sin(x[:, 0]) + x[:, 0] * x[:, 1] + 0.7 * rng.normal(size=300)
        found.append(neighbour_floor(y, x))
        held += found[-1].interval[0] <= 0.49 <= found[-1].interval[1]
    assert held >= 54  # 57 are 95 %; two standard errors below
    assert np.mean([each.variance for each in found]) == pytest.approx(0.49, rel=0.1)


def test_rows_of_weight_count_by_it():
    rng = np.random.default_rng(3)
    x, noise = rng.normal(size=(400, 1)), rng.normal(size=400)
    quiet = np.arange(400) < 200
    x[~quiet] += 100.0
    y = np.where(quiet, 1.0, 3.0) * noise
    weights = np.where(quiet, 1.0, 1e-6)
    assert neighbour_floor(y, x, weights=weights).variance == pytest.approx(1.0, abs=0.3)
    assert replicated_floor(y, np.arange(400) // 2, weights=weights).variance == pytest.approx(1.0, abs=0.3)


def test_rows_that_depend_on_each_other_are_no_neighbours():
    """Pairs that share their features and a part of their noise: their difference would be too small."""
    rng = np.random.default_rng(4)
    x = np.repeat(rng.normal(size=(300, 1)), 2, axis=0)
    y = np.repeat(rng.normal(size=300), 2) + 0.3 * rng.normal(size=600)
    together = neighbour_floor(y, x).variance
    apart = neighbour_floor(y, x, apart=np.repeat(np.arange(300) % 5, 2)).variance
    assert together < 0.8
    assert apart > 0.95


def test_what_is_not_near_is_refused_with_its_distance():
    rng = np.random.default_rng(5)
    found = neighbour_floor(rng.normal(size=200), rng.normal(size=(200, 30)))
    assert isinstance(found, float)
    assert 0.1 < found < 1.0
    assert neighbour_floor(rng.normal(size=40), rng.normal(size=(40, 1))) is None
    assert neighbour_floor(rng.normal(size=80), np.ones((80, 2))) is None
    assert replicated_floor(np.arange(5.0), np.arange(5)) is None


def test_of_many_rows_a_thousand_are_asked():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(21_000, 1))
    found = neighbour_floor(2.0 * x[:, 0] + rng.normal(size=21_000), x)
    assert found.rows == 1_000
    assert found.interval[0] < 1.0 < found.interval[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: replicated_floor([1.0, np.nan], [0, 0]), r"values must be finite, of shape \(rows,\) or"),
        (lambda: replicated_floor([1.0, 2.0], [0]), "groups must have one number for each of 2 rows, got 1"),
        (lambda: replicated_floor([1.0, 2.0], [0, 0], weights=[1.0, 0.0]), "weights must be > 0, one for each of 2"),
        (lambda: neighbour_floor(np.ones(60), np.ones((50, 1))), r"columns must be finite, of shape \(60, columns\)"),
        (lambda: neighbour_floor(np.ones(60), np.ones((60, 1)), apart=[1]), "apart must have one number for each"),
        (lambda: neighbour_floor(np.ones(60), np.ones((60, 1)), neighbours=1), "neighbours must be >= 2 and farthest"),
    ],
)
def test_what_cannot_be_used_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
