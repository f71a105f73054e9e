"""The store: a study goes on where it was cut off, never with pieces of another one, and says where it can't."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

import foldwise as fw
from foldwise.cli import main
from foldwise.errors import InputError
from foldwise.report import to_json
from foldwise.study import Candidate, Piece
from foldwise.study.candidates.estimator import EstimatorCandidate
from foldwise.study.candidates.path_candidate import PathCandidate
from foldwise.study.store import ABANDONED, Store

ROOT = Path(__file__).resolve().parents[1]
TREE = DecisionTreeRegressor(max_depth=2, random_state=0)
ASKED = {"target": "y", "folds": 3, "repeats": 2, "alphas": 6, "candidates": ["lasso", ("tree", TREE)]}


def make_table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    return {f"x{j}": x[:, j] for j in range(3)} | {"y": x[:, 0] + 0.5 * rng.normal(size=60)}


@pytest.fixture
def runs(monkeypatch):
    """The names of the candidates that were run, one for each repeat."""
    found = []
    for kind in (PathCandidate, EstimatorCandidate):

        def counted(self, task, run=kind.run):
            found.append(self.name)
            return run(self, task)

        monkeypatch.setattr(kind, "run", counted)
    return found


def test_the_same_call_runs_nothing_again_and_says_the_same(tmp_path, runs):
    plain = to_json(fw.compare(make_table(), **ASKED))
    assert len(runs) == 4
    assert to_json(fw.compare(make_table(), **ASKED, keep=tmp_path)) == plain
    assert len(runs) == 8
    again = fw.compare(make_table(), **ASKED, keep=tmp_path)
    assert len(runs) == 8
    assert to_json(again) == plain
    fw.compare(make_table(), **ASKED | {"repeats": 3}, keep=tmp_path)
    assert len(runs) == 10  # those of the third repeat


def test_leaks_are_kept_too(tmp_path, runs):
    """Two leaky tables for the lasso, in two repeats; the tree has none. Other tables never meet their pieces."""
    asked = ASKED | {"leaks": True}
    plain = to_json(fw.compare(make_table(), **asked))
    assert len(runs) == 8
    assert to_json(fw.compare(make_table(), **asked, keep=tmp_path)) == plain
    runs.clear()
    assert to_json(fw.compare(make_table(), **asked, keep=tmp_path)) == plain
    assert runs == []
    fw.compare(make_table(), **ASKED, keep=tmp_path)
    assert runs == []  # honest pieces are those of before
    fw.compare(make_table(), **asked | {"fill": "mean"}, keep=tmp_path)
    assert len(runs) == 8


def changed(name, row, value):
    table = make_table()
    column = np.array(table[name], dtype=object if isinstance(value, str) else float)
    column[row] = value
    return table | {name: column}


CHANGES = [
    (changed("x2", 7, 0.25), {}, 4),
    (changed("y", 59, 0.25), {}, 4),
    ({"x9": make_table()["x0"]} | {key: value for key, value in make_table().items() if key != "x0"}, {}, 4),
    (make_table(), {"seed": 1}, 4),
    (make_table(), {"folds": 4}, 4),
    (make_table(), {"rule": "1se"}, 4),
    (make_table(), {"alphas": 7}, 4),
    (make_table(), {"target_scale": 2.0}, 4),
    (make_table(), {"drop": ["x2"]}, 4),
    (make_table(), {"sample_weight": np.arange(60) % 2 + 1.0}, 4),
    (make_table(), {"offset": np.arange(60) % 2 * 1.0, "candidates": ["lasso"]}, 2),
    (make_table(), {"fill": "mean"}, 4),
    (make_table(), {"family": "huber", "candidates": ["lasso"]}, 2),
    (pd.DataFrame(make_table()), {}, 4),  # what an estimator is given differs
    (make_table(), {"candidates": ["lasso", ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]}, 2),
    (make_table(), {"candidates": ["lasso", ("stump", TREE)]}, 2),
    (make_table(), {"candidates": ["lasso", "ridge"]}, 2),
    (make_table(), {"folds": fw.Folds.kfold(60, 3, repeats=2)}, 0),  # the same folds by another way
    (make_table(), {"units": {"x0": "m"}}, 4),
]


@pytest.mark.parametrize(("table", "options", "new"), CHANGES)
def test_another_table_or_setting_never_meets_the_same_pieces(tmp_path, runs, table, options, new):
    fw.compare(make_table(), **ASKED, keep=tmp_path)
    runs.clear()
    asked = ASKED | options
    if not isinstance(asked["folds"], int):
        asked.pop("repeats")
    found = fw.compare(table, **asked, keep=tmp_path)
    assert len(runs) == new
    assert to_json(found) == to_json(fw.compare(table, **asked))


def test_a_candidate_that_no_text_describes_is_run_again(tmp_path, runs):
    odd = FunctionTransformer(lambda x: x)
    model = Ridge().set_params(alpha=1.0)
    from sklearn.pipeline import make_pipeline

    asked = ASKED | {"candidates": [("odd", make_pipeline(odd, model))]}
    for _ in range(2):
        fw.compare(make_table(), **asked, keep=tmp_path)
    assert len(runs) == 4
    assert list((tmp_path / "pieces").iterdir()) == []


def test_code_of_the_users_own_is_part_of_the_name(tmp_path):
    def median(shift):
        source = f"""
import numpy as np
from foldwise.study import Candidate, Piece
class Median(Candidate):
    name, tunes, drops_features = "median", False, False
    def run(self, task):
        ran.append(1)
        return Piece(predictions=np.zeros(task.rows.n) + {shift})
"""
        path = tmp_path / f"own{shift}.py"
        path.write_text(source)
        space = {"ran": [], "__name__": "own"}
        exec(compile(source, str(path), "exec"), space)  # noqa: S102 - a file that changes, as users' files do
        return space

    assert issubclass(median(0)["Median"], Candidate)
    assert Piece(np.zeros(1)).seconds == 0.0
    for shift, times in ((0, 2), (0, 0), (1, 2)):
        space = median(shift)
        sys.modules["own"] = type(sys)("own")
        sys.modules["own"].__file__ = str(tmp_path / f"own{shift}.py")
        try:
            fw.compare(make_table(), **ASKED | {"candidates": [space["Median"]()]}, keep=tmp_path / "kept")
        finally:
            del sys.modules["own"]
        assert len(space["ran"]) == times


def test_what_cannot_be_read_is_made_again(tmp_path, runs):
    plain = to_json(fw.compare(make_table(), **ASKED, keep=tmp_path))
    files = sorted((tmp_path / "pieces").iterdir())
    files[0].write_bytes(files[0].read_bytes()[:-20])
    files[1].write_bytes(b"")
    damaged = bytearray(files[2].read_bytes())
    damaged[len(damaged) // 2] ^= 255
    files[2].write_bytes(bytes(damaged))
    runs.clear()
    assert to_json(fw.compare(make_table(), **ASKED, keep=tmp_path)) == plain
    assert len(runs) == 3


def test_pieces_come_back_as_they_were(tmp_path):
    store = Store.at(tmp_path)
    piece = Piece(
        predictions=np.arange(6.0).reshape(3, 2) / 7.0,
        eta=np.arange(6.0).reshape(3, 2) / 3.0,
        score=0.1,
        arrays={"path": np.array([1.0, np.nan])},
        notes=("déjà vu",),
        seconds=0.3,
    )
    store.put("name", piece)
    found = store.get("name")
    np.testing.assert_array_equal(found.predictions, piece.predictions)
    np.testing.assert_array_equal(found.eta, piece.eta)
    np.testing.assert_array_equal(found.arrays["path"], piece.arrays["path"])
    assert (found.everywhere, found.score, found.notes, found.seconds) == (None, 0.1, ("déjà vu",), 0.3)


def test_drafts_of_killed_processes_are_removed_and_those_of_living_ones_stay(tmp_path):
    folder = tmp_path / "pieces"
    folder.mkdir()
    for name, age in ((".draft-old", ABANDONED + 60.0), (".draft-new", 1.0)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    Store.at(tmp_path)
    assert [path.name for path in folder.iterdir()] == [".draft-new"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_study_killed_at_random_moments_goes_on_to_the_same_report(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "kill_and_resume.py"), str(tmp_path), "20"],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    killed, *left = map(int, done.stdout.split())
    assert killed >= 5  # the others were done before
    assert len(left) == 20


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (
            errno.ENOSPC,
            "the disk of '.*' is full: what is finished is kept there; make room, and give the same command",
        ),
        (errno.EROFS, r"directory must be one that can be written, got '.*' \(Read-only file system\)"),
        (errno.EACCES, r"directory must be one that can be written, got '.*' \(Permission denied\)"),
    ],
)
def test_a_disk_that_takes_nothing_more_gives_one_clear_error_and_loses_nothing(
    tmp_path, monkeypatch, runs, number, message
):
    plain = to_json(fw.compare(make_table(), **ASKED))
    runs.clear()
    real, written = os.fsync, []

    def full(descriptor):
        written.append(descriptor)
        if len(written) > 4:  # a file and its folder for each of two pieces
            raise OSError(number, os.strerror(number))
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(InputError, match=message):
            fw.compare(make_table(), **ASKED, keep=tmp_path)
    assert len(runs) == 3
    assert len(list((tmp_path / "pieces").iterdir())) == 2
    assert to_json(fw.compare(make_table(), **ASKED, keep=tmp_path)) == plain
    assert len(runs) == 5


def test_a_place_that_is_no_directory_is_refused_before_anything_is_fitted(tmp_path, runs):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(InputError, match=r"directory must be one that can be written, got '.*taken'"):
        fw.compare(make_table(), **ASKED, keep=tmp_path / "taken")
    if os.geteuid() != 0:  # root may write anywhere
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(InputError, match="Permission denied"):
            fw.compare(make_table(), **ASKED, keep=tmp_path / "locked")
    assert runs == []


def test_the_command_line_keeps_pieces_with_its_report(tmp_path, capsys, runs):
    pd.DataFrame(make_table()).to_csv(tmp_path / "t.csv", index=False)
    command = ["compare", str(tmp_path / "t.csv"), "--target", "y", "--repeats", "1", "--out", str(tmp_path / "out")]
    reports = []
    for _ in range(2):
        with pytest.raises(SystemExit) as caught:
            main(command)
        assert caught.value.code == 0
        reports.append((tmp_path / "out" / "report.json").read_bytes())
        capsys.readouterr()
    assert reports[0] == reports[1]
    assert len(runs) == 4
    (tmp_path / "t.csv").write_text((tmp_path / "t.csv").read_text().replace("0.", "1.", 1))
    with pytest.raises(SystemExit):
        main(command)
    assert len(runs) == 8
    capsys.readouterr()
