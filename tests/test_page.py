"""The page as Python writes it: its size, what it holds and what it leaves out."""

import json
import re
from dataclasses import fields

import numpy as np
import pytest

import foldwise as fw
from foldwise.cli import main
from foldwise.errors import InputError
from foldwise.report import rebuild
from foldwise.report.page import pack, page
from foldwise.report.page.keeping import pack_alongs
from foldwise.report.page.packing import MOST, Room
from foldwise.report.page.reproduction import DEFAULTS, command_of
from foldwise.study.along import Along, load_alongs, save_alongs
from foldwise.tables import Column


def moments_of(x, y, *, folds, repeats=1):
    return fw.FoldMoments.scan(x, target=y, folds=fw.Folds.kfold(len(y), folds, repeats=repeats, seed=0))


def columns_of(p):
    return tuple(Column(f"feature number {j}", f"feature number {j}", "number") for j in range(p))


@pytest.fixture(scope="module")
def fifty():
    """A comparison of fifty features, and its rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 50))
    y = x[:, :4].sum(axis=1) + rng.normal(size=200)
    table = {column.name: x[:, j] for j, column in enumerate(columns_of(50))} | {"y": y}
    comparison = fw.compare(table, target="y", folds=5, repeats=2, alphas=20, l1_ratios=[0.5])
    return comparison, x, y / comparison.settings.target_scale


@pytest.mark.parametrize(("folds", "repeats"), [(5, 1), (5, 10), (10, 10)])
def test_fifty_features_take_at_most_150_kilobytes(fifty, folds, repeats):
    comparison, x, y = fifty
    content = page(comparison.to_dict(), moments=moments_of(x, y, folds=folds, repeats=repeats), run=None)
    assert len(content.encode()) <= 150_000


@pytest.mark.parametrize("p", [100, 200, 240])
def test_no_page_takes_a_megabyte(p):
    rng = np.random.default_rng(0)
    packed = pack(moments_of(rng.normal(size=(60, p)), rng.normal(size=60), folds=5), columns_of(p), target_scale=1.0)
    assert len(json.dumps(packed)) <= MOST
    assert packed["repeats"] == 1


def test_moments_that_are_too_many_are_left_out():
    assert Room.of(500, 5, 1) is None


def test_few_columns_keep_all_repeats_and_many_the_first():
    assert Room.of(8, 5, 10) == Room(10, 6)
    assert Room.of(51, 5, 10).repeats == 1


def test_no_row_is_in_it(fifty):
    """Neither a target nor a value of a row can be read off: only sums over folds of forty rows are there."""
    comparison, x, y = fifty
    packed = pack(moments_of(x, y, folds=5), comparison.columns, target_scale=1.0)
    numbers = 5 * (51 * 50 // 2)
    assert len(packed["correlation"]) == -(-numbers * packed["width"] // 3) * 4
    assert set(packed) == {
        *(
            "variables",
            "folds",
            "repeats",
            "repeats_in_all",
            "width",
            "gaps",
            "indicators",
            "weight",
            "mean",
            "root",
            "farthest",
        ),
        *("correlation", "rules", "centre", "spread", "target_centre", "target_scale"),
    }


def test_without_moments_there_is_nothing_to_refit_from(fifty):
    content = page(fifty[0].to_dict())
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', content).group(1)
    assert "correlation" not in data
    assert "all 50" not in content


def test_the_same_comparison_gives_the_same_bytes(fifty):
    comparison, x, y = fifty
    plain, moments = comparison.to_dict(), moments_of(x, y, folds=5)
    assert page(plain, moments=moments) == page(json.loads(json.dumps(plain)), moments=moments)


def test_the_page_is_made_again_from_what_is_kept(fifty, tmp_path):
    comparison = fifty[0]
    comparison.report(tmp_path)
    first = (tmp_path / "report.html").read_bytes()
    (tmp_path / "report.html").unlink()
    assert rebuild(tmp_path) == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_bytes() == first


def test_private_moments_stay_out_of_the_folder_too(fifty, tmp_path):
    comparison = fifty[0]
    comparison.report(tmp_path)
    assert b"correlation" in (tmp_path / "report.html").read_bytes()
    comparison.report(tmp_path, moments=False)
    assert not (tmp_path / "moments.npz").exists()
    for file in (tmp_path / "report.html", rebuild(tmp_path)):
        assert b'"correlation"' not in file.read_bytes()
        assert b'"survival"' in file.read_bytes()  # the paths are there


def test_a_folder_without_a_report_is_named(tmp_path):
    with pytest.raises(InputError, match=r"must hold a report, and there is no report\.json"):
        rebuild(tmp_path)
    (tmp_path / "report.json").write_text("[]")
    with pytest.raises(InputError, match=r"is not the report\.json of a report"):
        rebuild(tmp_path)
    (tmp_path / "report.json").write_text('{"schema": 0}')
    with pytest.raises(InputError, match="has layout 0; this foldwise reads"):
        rebuild(tmp_path)


def test_broken_files_are_named(fifty, tmp_path):
    fifty[0].report(tmp_path)
    (tmp_path / "paths.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="is not a file of paths"):
        rebuild(tmp_path)


def test_the_command_writes_the_page_again(fifty, tmp_path, capsys):
    fifty[0].report(tmp_path)
    with pytest.raises(SystemExit) as done:
        main(["report", str(tmp_path), "--no-moments"])
    assert done.value.code == 0
    assert "report.html (" in capsys.readouterr().out
    assert b'"correlation"' not in (tmp_path / "report.html").read_bytes()


def test_what_can_be_repeated_by_a_command_is_told_as_one(fifty):
    assert command_of(fifty[0].to_dict()).startswith("foldwise.compare(TABLE, target='y', folds=5")


def told_as(family, target, **settings):
    given = {**DEFAULTS, "seed": 3, "drop": [], "stratify": False} | settings
    plain = {"target": target, "folds": {"folds": 5, "repeats": 10}, "settings": given, "family": family}
    return command_of(plain | {"candidates": [{"name": "lasso"}]})


def test_times_offsets_and_families_are_told_too():
    end = "--folds 5 --repeats 10 --seed 3 --candidates lasso"
    cox = {"name": "cox", "classes": [], "parameters": {"ties": "breslow"}, "reason": "days is a time"}
    days = {"name": "days", "event": "it died"}
    assert told_as(cox, days, stratify=True) == f"foldwise compare TABLE --time days --event 'it died' {end}"
    efron = told_as(cox | {"parameters": {"ties": "efron"}}, days, stratify=True)
    assert "time='days', event='it died'" in efron
    assert efron.endswith("family=foldwise.families.Cox(ties='efron'))")
    counts = {"name": "poisson", "classes": [], "parameters": {}, "reason": "as asked for"}
    y = {"name": "y", "event": None}
    assert told_as(counts, y, offset="z") == f"foldwise compare TABLE --target y --family poisson --offset z {end}"
    assert told_as(counts | {"reason": "y holds counts"}, y) == f"foldwise compare TABLE --target y {end}"
    assert "offset=VALUES" in told_as(counts, y, offset="given as values")
    codes = {"name": "multinomial", "classes": [1, 2, 3], "parameters": {}, "reason": "y has 3 classes"}
    assert told_as(codes, y) == f"foldwise compare TABLE --target y --family multinomial {end}"
    assert told_as(codes | {"classes": ["a", "b", "c"]}, y) == f"foldwise compare TABLE --target y {end}"


def test_an_estimator_is_told_with_its_settings():
    plain = {
        "target": {"name": "y"},
        "folds": {"folds": 5, "repeats": 10},
        "family": {"name": "gaussian", "classes": []},
        "settings": {**DEFAULTS, "seed": 3, "drop": ["id"]},
        "candidates": [{"name": "SVR", "about": "SVR(C=2.0)"}, {"name": "lasso"}],
    }
    assert command_of(plain) == (
        "foldwise.compare(TABLE, target='y', folds=5, repeats=10, seed=3, drop=['id'], "
        "candidates=[SVR(C=2.0), 'lasso'])"
    )


def test_scripts_are_short_files():
    from importlib.resources import files

    scripts = [file for file in files("foldwise.report.page").iterdir() if file.name.endswith(".js")]
    assert len(scripts) > 5
    assert [file.name for file in scripts if len(file.read_text(encoding="utf-8").splitlines()) > 400] == []


def test_networks_share_one_drawing_without_coefficients():
    strengths = np.array([0.1, 0.01])
    errors = np.array([[4.0, 1.0], [9.0, 4.0]])
    along = Along.of(strengths, errors, np.ones(2), 1, is_root=True, strength="dropout")
    packed = pack_alongs({"network dropout": along})["network dropout"]
    assert packed["strength"] == "dropout"
    assert packed["count"] is None
    assert packed["columns"] == []
    assert packed["error"] == pytest.approx(np.sqrt([6.5, 2.5]), rel=1e-6)
    assert packed["least"] == 1


def test_paths_are_kept_as_they_are(tmp_path):
    one = np.array([2.0, 1.0])
    along = Along(one, one, one, one, 1, 0, np.ones((2, 3)), np.ones((2, 3)), np.ones(3), "l1")
    save_alongs(tmp_path / "paths.npz", {"a </b>": along})
    found = load_alongs(tmp_path / "paths.npz")["a </b>"]
    for field in fields(Along):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(along, field.name))
