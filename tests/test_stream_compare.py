"""Comparing what is read once: the errors of the same folds in memory, without a row."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

import foldwise as fw
from foldwise import report
from foldwise.cli import main
from foldwise.errors import DataWarning, InputError
from foldwise.moments.streaming.dealing import by_row, deal, number_of
from foldwise.study import streamed

N = 3000


def make(seed=0):
    rng = np.random.default_rng(seed)
    x = {f"x{j}": rng.normal(size=N) * 10.0 ** (j - 2) for j in range(6)}
    x["x1"] = np.where(rng.random(N) < 0.1, np.nan, x["x1"])
    x["town"] = rng.choice(["a", "b", "c"], size=N)
    return pa.table(x | {"y": 3.0 * x["x0"] + x["x3"] + (x["town"] == "b") + rng.normal(size=N)})


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "t.parquet"
    pq.write_table(make(), path, row_group_size=512)
    return path


def folds(repeats=1):
    return fw.Folds(deal(by_row(number_of("t.parquet"), np.arange(N)), 5, repeats, 0).astype(int))


@pytest.mark.parametrize("rule", ["min", "1se"])
def test_nested_errors_choices_and_features_are_those_of_the_rows(path, rule):
    told = []
    once = fw.compare(path, target="y", stream=True, repeats=2, rule=rule, progress=lambda *step: told.append(step))
    rows = fw.compare(make(), target="y", folds=folds(2), fill="mean", rule=rule)
    assert [r.name for r in once.results] == [r.name for r in rows.results]
    for mine, theirs in zip(once.results, rows.results, strict=True):
        assert mine.error == pytest.approx(theirs.error, rel=1e-9)
        # By folds' errors here; by single rows' there, which nobody kept here.
        assert mine.interval_by == "corrected resampled t"
        assert mine.interval == pytest.approx(theirs.interval, rel=0.02)
        np.testing.assert_allclose(mine.fold_error, theirs.fold_error, rtol=1e-8)
        np.testing.assert_allclose(mine.coef, theirs.coef, atol=1e-7)
        np.testing.assert_allclose(mine.survival, theirs.survival)
        assert mine.optimism == pytest.approx(theirs.optimism, abs=1e-8)
        assert mine.letters == theirs.letters
    assert once.baseline_error == pytest.approx(rows.baseline_error, rel=1e-10)
    assert once.columns == rows.columns
    assert once.sentences[1:] == rows.sentences[1:]
    assert any("rows/s" in step[2] for step in told)
    assert any("lasso" in step[2] for step in told)


def test_moments_alone_can_be_compared(path, tmp_path):
    moments = fw.FoldMoments.scan(path, "y", 5)
    moments.save(tmp_path / "m.npz")
    found = fw.compare(fw.FoldMoments.load(tmp_path / "m.npz"), candidates=["ridge", "lasso"])
    expected = fw.compare(path, target="y", stream=True, candidates=["ridge", "lasso"])
    assert found.to_dict()["candidates"] == expected.to_dict()["candidates"]
    assert found.table().num_rows == 2
    assert "the rows were read once" in " ".join(found.notes)
    with pytest.raises(InputError, match="no out-of-fold predictions"):
        found.predictions("lasso")
    for name, value in {"folds": 3, "fill": "mean", "target": "x0", "seed": 1, "time": "x0"}.items():
        with pytest.raises(InputError, match=f"{name} can't be given with FoldMoments"):
            fw.compare(moments, **{name: value})
    plain = fw.FoldMoments.scan(np.random.default_rng(0).normal(size=(60, 2)), np.arange(60.0), 3)
    assert [column.name for column in fw.compare(plain, candidates=["lasso"]).columns] == ["x1", "x2"]


def test_the_report_is_written_from_moments(path, tmp_path):
    comparison = fw.compare(path, target="y", stream=True, candidates=["lasso"])
    comparison.report(tmp_path / "report")
    plain = json.loads((tmp_path / "report" / "report.json").read_text())
    assert plain["rows"] == N
    assert fw.FoldMoments.load(tmp_path / "report" / "moments.npz").origin.target == "y"
    assert "read in one pass: as asked for" in report.text(comparison)
    report.rebuild(tmp_path / "report")


def test_what_is_read_once_is_chosen_by_what_it_is_and_by_size(path, monkeypatch):
    why = streamed.why_streamed
    assert why(path) is None
    assert why(path, stream=True) == "as asked for"
    assert why(path.parent) == "a folder of files"
    assert why(str(path.parent / "*.parquet")) == "a pattern of files"
    assert why([path]) == "a list of files"
    assert why(pa.dataset.dataset(path)) == "a pyarrow data set or reader"
    assert why(make()) is None
    assert why("nowhere.csv") is None
    monkeypatch.setattr(streamed, "_free_bytes", lambda: 1_000_000)
    assert why(path) == "0.0 GB of numbers, several times over, beside 0.0 GB of free memory"
    assert why(path, stream=False) is None


def test_what_needs_rows_is_refused(path, tmp_path):
    for options, match in (
        ({"target": "y", "stratify": True}, "stratify can't be given with a table that is read once"),
        ({"target": None}, "target must name a column"),
        ({"target": "y", "family": "poisson"}, "target 'y' must be 0 or more in every row for the poisson family"),
        ({"target": "town"}, "town has 3 classes, 'a', 'b', 'c'"),
        ({"target": "y", "candidates": ["group lasso", "x"]}, "candidate"),
        ({"target": "y", "folds": 2}, "folds must be at least 3"),
    ):
        with pytest.raises(InputError, match=match):
            fw.compare(path, stream=True, **options)
    rows = make().append_column("won", pa.array([0, 1] * (N // 2)))
    pq.write_table(rows, tmp_path / "t.parquet")
    with pytest.raises(InputError, match="rows that come only once can't be passed over again"):
        fw.compare(pa.dataset.dataset(tmp_path / "t.parquet").scanner().to_reader(), target="won", family="binomial")
    linear = make().append_column("z", pa.array(2.0 * make()["y"].to_numpy() + 1.0))
    pq.write_table(linear, tmp_path / "t.parquet")
    with pytest.warns(DataWarning, match="'z' is an exact linear function of the target 'y'"):
        found = fw.compare(tmp_path, target="y", candidates=["ridge"])
    assert any("a leak?" in note for note in found.notes)


def run(capsys, *typed):
    with pytest.raises(SystemExit) as ended:
        main(["compare", *map(str, typed)])
    return ended.value.code, *capsys.readouterr()


def test_the_command_reads_patterns_in_one_pass_and_says_so(path, tmp_path, capsys):
    pattern = path.parent / "*.parquet"
    code, out, err = run(capsys, pattern, "--target", "y", "--candidates", "ridge,lasso", "--out", tmp_path / "report")
    assert code == 0
    assert "note: the table is read in one pass: a pattern of files" in err
    assert "3,000 rows, 9 features; 5 folds, seed 0" in out
    assert "Note: read in one pass: a pattern of files." in out
    assert (tmp_path / "report" / "report.html").exists()
    code, again, _ = run(capsys, path, "--target", "y", "--candidates", "ridge,lasso", "--stream")
    assert code == 0
    assert again.splitlines()[:3] == out.splitlines()[:3]
    code, _, err = run(capsys, path, "--target", "y", "--in-memory", "--key", "town")
    assert code == 2
    assert "ask for one pass, which --in-memory rules out" in " ".join(err.split())


def test_the_command_skips_what_is_bad_and_goes_on_from_its_state(path, tmp_path, capsys):
    for at in range(2):
        (tmp_path / f"{at}.parquet").write_bytes(path.read_bytes())
    (tmp_path / "2.parquet").write_bytes(path.read_bytes()[:-9])
    ask = (tmp_path, "--target", "y", "--drop", "town", "--candidates", "ridge", "--state", tmp_path / "scan.state")
    code, _, err = run(capsys, *ask)
    assert code == 2
    assert "2.parquet: not a whole Parquet file" in err
    assert (tmp_path / "scan.state").exists()
    code, out, err = run(capsys, *ask, "--skip-bad")
    assert code == 0
    assert "note: skipped 2.parquet" in err
    assert "6,000 rows" in out
    assert "1 part of the table was skipped" in " ".join(out.split())
    assert not (tmp_path / "scan.state").exists()
