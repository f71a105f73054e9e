"""A study spread over a Dask cluster says what it says on one machine, also where a worker dies midway."""

import os
import signal
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeRegressor

import foldwise as fw
from foldwise.cli import main
from foldwise.errors import DataWarning, InputError
from foldwise.moments.streaming import cluster as cluster_module
from foldwise.report import to_json
from foldwise.study import Piece
from foldwise.study.candidates.estimator import EstimatorCandidate
from foldwise.study.stopping import Stopping

pytest.importorskip("distributed", reason="Dask is not installed")

# The cluster's own threads and sockets are closed by its fixture; what Dask warns of on the way is not ours.
pytestmark = pytest.mark.filterwarnings("default")
ASKED = {"target": "y", "folds": 3, "repeats": 3, "alphas": 6}


class Odd(RegressorMixin, BaseEstimator):
    """Predicts the mean: slowly, with a warning, or not at all."""

    def __init__(self, seconds=0.0, *, warns=False, fails=False):
        self.seconds, self.warns, self.fails = seconds, warns, fails

    def fit(self, _, y):
        time.sleep(self.seconds)
        if self.warns:
            warnings.warn("the mean was not sure", DataWarning, stacklevel=2)
        if self.fails and len(y) == 41:
            raise ValueError("no mean of 41 rows")
        self.mean_ = y.mean()
        return self

    def predict(self, rows):
        return np.full(len(rows), self.mean_)


def make_table(n=60):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2))
    kind = rng.choice(["a", "b"], size=n)
    return pd.DataFrame({"x0": x[:, 0], "x1": x[:, 1], "kind": kind, "y": x[:, 0] + 0.5 * rng.normal(size=n)})


def test_a_killed_worker_changes_no_byte_and_what_is_kept_is_not_made_again(cluster, tmp_path):
    candidates = ["lasso", "ridge", ("slow", Odd(seconds=0.06))]
    asked = ASKED | {"candidates": candidates}
    alone = to_json(fw.compare(make_table(), **asked, keep=tmp_path / "alone"))
    pids, killed, told = list(cluster.run(os.getpid).values()), [], []

    def kill_one(done, total, _):
        told.append((done, total))
        if done and not killed:
            killed.append(pids[0])
            os.kill(pids[0], signal.SIGKILL)

    spread = fw.compare(make_table(), **asked, dask=cluster, keep=tmp_path / "spread", progress=kill_one)
    assert killed
    assert to_json(spread) == alone
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert spread.run.candidate_seconds["slow"] > 0.5  # three folds of three repeats
    kept = [sorted(path.name for path in (tmp_path / each / "pieces").iterdir()) for each in ("alone", "spread")]
    assert kept[0] == kept[1]
    assert len(kept[1]) == 9
    again = fw.compare(make_table(), **asked, dask=cluster, keep=tmp_path / "spread")
    assert to_json(again) == alone
    assert again.run.candidate_seconds == spread.run.candidate_seconds


def test_what_fails_or_warns_there_is_heard_here_by_the_candidate_s_name(cluster):
    asked = ASKED | {"folds": fw.Folds.from_labels(np.arange(60) % 3 * (np.arange(60) < 58)), "repeats": None}
    with pytest.raises(InputError, match="candidate 'odd', fold 1 of repeat 0: ValueError: no mean of 41 rows") as here:
        fw.compare(make_table(), **asked, candidates=["ridge", ("odd", Odd(fails=True))])
    with pytest.raises(InputError) as there:
        fw.compare(make_table(), **asked, candidates=["ridge", ("odd", Odd(fails=True))], dask=cluster)
    assert str(there.value) == str(here.value)
    with pytest.warns(DataWarning, match="the mean was not sure"):
        fw.compare(make_table(), **asked, candidates=[("odd", Odd(warns=True))], dask=cluster)
    candidate = EstimatorCandidate("locked", Ridge())
    object.__setattr__(candidate, "lock", threading.Lock())  # it can't travel
    with pytest.raises(InputError, match="candidate 'locked' can't be sent to the workers"):
        fw.compare(make_table(), **asked, candidates=[candidate], dask=cluster)


def test_ctrl_c_keeps_what_is_finished_and_the_same_call_goes_on(cluster, tmp_path):
    tree = DecisionTreeRegressor(max_depth=2, random_state=0)
    asked = ASKED | {"drop": ["kind"], "candidates": ["lasso", ("tree", tree)]}

    def stop(done, total, _):
        if done >= total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fw.compare(make_table(), **asked, dask=cluster, keep=tmp_path, progress=stop)
    kept = len(list((tmp_path / "pieces").iterdir()))
    assert 0 < kept < 6
    assert to_json(fw.compare(make_table(), **asked, dask=cluster, keep=tmp_path)) == to_json(
        fw.compare(make_table(), **asked)
    )


def test_a_budget_counts_what_is_made_side_by_side(cluster):
    asked = ASKED | {"candidates": [("the mean", Odd())], "repeats": 40, "budget": 1e6}
    alone, spread = fw.compare(make_table(), **asked), fw.compare(make_table(), **asked, dask=cluster)
    assert spread.stopped.reason == "settled"
    assert to_json(spread) == to_json(alone)
    piece = Piece(np.zeros(3), seconds=1.0)
    assert Stopping(1.5).after([None], [[piece]], of=9).reason == "budget"
    assert Stopping(1.5, abreast=2).after([None], [[piece]], of=9) is None


def test_on_the_command_line(cluster, tmp_path, capsys):
    table = tmp_path / "table.csv"
    make_table().to_csv(table, index=False)
    asked = ["--target", "y", "--folds", "3", "--repeats", "2", "--candidates", "ols,lasso", "--json"]
    said = []
    for more in ([], ["--dask", cluster.scheduler.address], ["--stream", "--dask", cluster.scheduler.address]):
        with pytest.raises(SystemExit) as end:
            main(["compare", str(table), *asked, *more])
        assert end.value.code == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert "read in one pass: as asked for" in said[2]


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(InputError, match=r"needs dask and distributed: pip install 'foldwise\[dask\]'"):
        fw.compare(make_table(), **ASKED, dask="local")
    with pytest.raises(InputError, match="dask can't be given with FoldMoments"):
        fw.compare(fw.FoldMoments.scan(make_table(), "y", 3), dask="local")


def test_processes_of_a_local_cluster_are_started_deaf_to_ctrl_c():
    before = signal.getsignal(signal.SIGINT)
    with cluster_module._deaf():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is before
