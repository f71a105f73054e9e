"""The benchmark beside other libraries: it needs none of them, names what did not run, and measures what did."""

import json
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from benchmarks import cv, growth, page, tasks
from benchmarks.gap import relative_gaps
from benchmarks.peers import __main__ as peers
from benchmarks.peers import environments
from benchmarks.peers.environments import Environments, Library, NotInstalledError
from benchmarks.process import FailedError, OverLimitError, Process
from benchmarks.rounds import Side, measure
from benchmarks.workers.problem import Problem, load, save

FAKE = """
import json, sys, time
print(json.dumps({"ok": True}), flush=True)
for line in sys.stdin:
    command = line.split("\\t")[0].strip()
    if command == "run" and BEHAVIOUR == "sleep":
        time.sleep(60)
    if command == "run" and BEHAVIOUR == "die":
        raise SystemExit("segmentation of the mind")
    if command == "run" and BEHAVIOUR == "refuse":
        print(json.dumps({"ok": False, "reason": "ValueError: no"}), flush=True)
        continue
    print(json.dumps({"ok": True, "versions": {}, "threads": "1", "seconds": 1.0, "memory": None, "curve": [1.0],
                      "points": 0}), flush=True)
"""


def small(n=120, p=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    X = (X - X.mean(0)) / X.std(0)
    return np.asfortranarray(X), pd.Series(X[:, :3].sum(1) + rng.normal(size=n))


def small_sparse():
    return tasks.sparse_problem(100, 150, 10)


@pytest.fixture
def small_tasks(monkeypatch):
    monkeypatch.setattr(tasks, "BUILDERS", {"small": small, "small sparse": small_sparse})
    monkeypatch.setattr(page, "BUILDERS", tasks.BUILDERS)


@pytest.fixture
def fake(tmp_path):
    """Return a maker of processes that speak the protocol and misbehave as told."""
    started = []

    def make(behaviour, limit=20.0):
        script = tmp_path / f"{behaviour}.py"
        script.write_text(f"BEHAVIOUR = {behaviour!r}\n{FAKE}", encoding="utf-8")
        started.append(Process([sys.executable, str(script)], {}, limit, tmp_path))
        return started[-1]

    yield make
    for process in started:
        process.end()


# --- files and gaps


@pytest.mark.parametrize("build", [small, small_sparse])
def test_a_problem_comes_back_from_its_files(tmp_path, build):
    X, y = build()
    task = tasks.make("any", X, y.to_numpy())
    save(task, tmp_path)
    problem = load(tmp_path)
    assert problem.is_sparse == sparse.issparse(X)
    difference = problem.X - X
    assert abs(difference).max() == 0
    for name in ("y", "labels", "alphas"):
        np.testing.assert_array_equal(getattr(problem, name), getattr(task, name))


def test_a_mapped_table_is_a_map_of_its_own_shape(tmp_path):
    # joblib hands a map that was reshaped to its processes with rows and columns mixed up
    save(tasks.make("any", small()[0], small()[1].to_numpy()), tmp_path)
    X = load(tmp_path).X
    assert isinstance(X.base, np.memmap)
    assert X.base.shape == X.shape
    assert X.flags.f_contiguous


def test_the_sparse_task_has_exactly_its_entries():
    X, y = tasks.sparse_problem(1000, 300, 20)
    assert X.nnz == 6000
    assert X.has_canonical_format
    assert len(y) == 1000


def test_gaps_of_a_sparse_table_are_those_of_the_dense_one():
    X, y = small_sparse()
    rng = np.random.default_rng(1)
    coef = rng.normal(size=(3, X.shape[1])) * (rng.random((3, X.shape[1])) < 0.1)
    arguments = (y.to_numpy(), coef, np.array([0.1, 0.2, 0.3]), np.array([0.3, 0.2, 0.1]), 1.0)
    np.testing.assert_allclose(relative_gaps(X, *arguments), relative_gaps(X.toarray(), *arguments), rtol=1e-12)


def test_errors_count_every_row_alike():
    labels = np.array([0, 0, 0, 1], np.int32)
    problem = Problem(np.zeros((4, 1)), np.zeros(4), labels, np.ones(1))
    np.testing.assert_allclose(problem.mean_error(np.array([[1.0], [5.0]])), [2.0])
    assert problem.training([1]).tolist() == [0, 1, 2]


# --- processes that misbehave


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [("sleep", "over 1 s"), ("die", "segmentation of the mind"), ("refuse", "ValueError: no")],
)
def test_a_side_that_fails_is_named_and_the_others_go_on(tmp_path, fake, behaviour, reason):
    X, y = small()
    task = tasks.make("small", X, y.to_numpy())
    save(task, tmp_path / "task")
    sides = [Side("bad", held_out=()), Side("absent", held_out=()), Side("good", held_out=())]
    processes = {"bad": fake(behaviour, 1.0), "absent": "not installed", "good": fake("behave")}
    records = measure(task, tmp_path / "task", sides, processes, repeat=2, budget=90.0)
    facts = [record.summary([1.0]) for record in records]
    assert [fact["status"] for fact in facts] == ["not run", "not run", "ran"]
    assert reason in facts[0]["reason"]
    assert facts[1]["reason"] == "not installed"
    assert facts[2]["seconds"] == [1.0, 1.0]


def test_a_budget_ends_the_rounds_of_a_side(tmp_path, fake):
    X, y = small()
    task = tasks.make("small", X, y.to_numpy())
    save(task, tmp_path / "task")
    sides = [Side("good", held_out=())]
    (record,) = measure(task, tmp_path / "task", sides, {"good": fake("behave")}, repeat=5, budget=2.0)
    assert record.seconds == [1.0, 1.0]


def test_a_side_may_have_less_time_and_fewer_rounds(tmp_path, fake):
    X, y = small()
    task = tasks.make("small", X, y.to_numpy())
    save(task, tmp_path / "task")
    sides = [Side("slow", held_out=(), limit=0.5), Side("good", held_out=(), repeat=1)]
    kept = []
    processes = {"slow": fake("sleep"), "good": fake("behave")}
    measure(
        task,
        tmp_path / "task",
        sides,
        processes,
        repeat=2,
        budget=90.0,
        keep=lambda records: kept.append([len(record.seconds) for record in records]),
    )
    assert kept == [[0, 0], [0, 1]]


def test_a_process_over_its_limit_is_ended_and_starts_again(tmp_path, fake):
    process = fake("sleep", 1.0)
    process.load(tmp_path)
    with pytest.raises(OverLimitError, match="over 1 s"):
        process.ask("run", "default")
    assert process.ask("warm", "default")["threads"] == "1"


def test_a_command_that_is_not_there_is_a_reason(tmp_path):
    with pytest.raises(FailedError, match="could not be started"):
        Process([str(tmp_path / "nothing")], {}, 1.0, tmp_path).ask("run")


# --- the command line, on tiny problems


def run_cv(tmp_path, *words):
    out = tmp_path / "cv.json"
    cv.main([*words, "--alphas", "12", "--repeat", "1", "--cache", str(tmp_path / "no peers"), "--out", str(out)])
    return json.loads(out.read_text(encoding="utf-8"))


def by_name(task):
    return {side["name"]: side for side in task["sides"]}


@pytest.mark.usefixtures("small_tasks")
def test_a_run_without_peers_measures_foldwise_and_names_the_others(tmp_path):
    results = run_cv(tmp_path, "small", "--peers", "scikit-learn", "celer", "--tight")
    sides = by_name(results["small"])
    ours, theirs = sides["foldwise"], sides["scikit-learn, tight"]
    assert ours["gap_points"] == 11 * 12
    assert ours["gap_worst"] < 1e-12
    assert theirs["gap_worst"] < 1e-8  # it was asked for 1e-10 of a measure twice as large
    assert theirs["curve_difference"] < 1e-6
    assert sides["foldwise, nested"]["gap_worst"] < 1e-12
    assert sides["celer"]["status"] == "not run"
    assert "python -m benchmarks.peers install celer" in sides["celer"]["reason"]

    page.main(["--results", str(tmp_path), "--docs", str(tmp_path / "docs")])
    text = (tmp_path / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert "### small: 120 rows, 12 columns" in text
    assert "- celer: not run: not installed" in text
    assert str(tmp_path) not in text
    assert "What folds cost foldwise" in text
    assert (tmp_path / "docs" / "images" / "time_against_gap.png").stat().st_size > 1000


@pytest.mark.usefixtures("small_tasks")
def test_a_sparse_wide_table_is_the_same_problem_for_both(tmp_path):
    words = ("small sparse", "--peers", "scikit-learn", "--tight", "--contest", "lasso", "turned")
    sides = by_name(run_cv(tmp_path, *words)["small sparse"])
    assert sides["foldwise"]["gap_worst"] < 1e-9
    assert sides["scikit-learn, tight"]["gap_worst"] < 1e-8
    assert sides["scikit-learn, tight"]["curve_difference"] < 1e-5
    assert sides["foldwise, until turned"]["points"] <= 12


@pytest.mark.usefixtures("small_tasks")
def test_glmnet_solves_the_same_problem(tmp_path):
    if shutil.which("Rscript") is None:
        pytest.skip("needs Rscript")
    words = ("small", "--peers", "glmnet", "--tight", "--contest", "lasso")
    tight = by_name(run_cv(tmp_path, *words)["small"])["glmnet, tight"]
    if "no package glmnet" in tight.get("reason", ""):
        pytest.skip("needs R's package glmnet")
    assert tight["gap_points"] == 3 * 12  # the final model and two folds
    # its tolerance is of squared changes of the coefficients: 1e-14 leaves about 1e-7 in them
    assert tight["gap_worst"] < 1e-6
    assert tight["curve_difference"] < 1e-5


@pytest.mark.usefixtures("small_tasks")
def test_results_of_other_tasks_stay(tmp_path):
    (tmp_path / "cv.json").write_text('{"earlier": {"n": 1}}', encoding="utf-8")
    results = run_cv(tmp_path, "small", "--peers", "--contest", "lasso")
    assert list(results) == ["earlier", "small"]


def test_missing_tables_are_named_and_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FOLDWISE_DATA", str(tmp_path / "nowhere"))
    cv.main(["cal3", "--out", str(tmp_path / "cv.json")])
    assert "cal3: not run: the tables of the standard tasks" in capsys.readouterr().out
    assert not (tmp_path / "cv.json").exists()


@pytest.mark.parametrize("words", [["nothing"], ["--repeat", "0"], ["--alphas", "1"], ["--peers", "lars"]])
def test_a_wrong_word_is_refused(words, capsys):
    with pytest.raises(SystemExit):
        cv.parse(words)
    assert words[-1] in capsys.readouterr().err


# --- installing


def test_installing_is_done_once_and_a_failure_is_named(tmp_path, monkeypatch):
    calls, status = [], 1

    def run(command, **_options):
        calls.append(command)
        return types.SimpleNamespace(returncode=status, stderr="WARNING: slow\nERROR: no such thing\n")

    monkeypatch.setattr(environments.venv, "create", lambda folder, **_options: Path(folder).mkdir(parents=True))
    monkeypatch.setattr(environments.subprocess, "run", run)
    monkeypatch.setattr(environments, "PEERS", {"thing": Library("with_thing", ("thing==1",))})
    here = Environments(tmp_path / "first")
    assert here.install("thing") == "could not be installed: ERROR: no such thing"
    with pytest.raises(NotInstalledError, match="install thing"):
        here.command("thing")
    status, here = 0, Environments(tmp_path / "second")
    assert here.install("thing").startswith("installed")
    assert here.install("thing").startswith("there already")
    assert len(calls) == 2
    assert calls[-1][-1] == "thing==1"
    assert here.command("thing")[1:] == ["-m", "benchmarks.workers.serve", "with_thing"]


def test_the_list_names_what_is_missing(tmp_path, capsys):
    peers.main(["list", "celer", "scikit-learn", "--cache", str(tmp_path)])
    missing, there = capsys.readouterr().out.splitlines()
    assert "not installed" in missing
    assert there == "scikit-learn: there"


def test_workers_import_neither_foldwise_nor_pandas():
    code = "import sys; import benchmarks.workers.serve; print([m for m in ('foldwise', 'pandas') if m in sys.modules])"
    root = Path(cv.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"


# --- growth


def test_slopes_are_the_powers():
    sizes = (1, 2, 4, 8, 16)
    found = growth.slopes(sizes, [size**2.0 if size > 2 else 4.0 for size in sizes])
    assert found["last"] == pytest.approx(2.0)
    assert found["all"] < 2.0
    assert growth.slopes(sizes, [1.0, None, None, None, None]) == {"all": None, "last": None}


def test_a_sweep_has_its_sizes():
    task = growth.problem(growth.Sizes(n=60, p=7, folds=3, alphas=9))
    assert task.X.shape == (60, 7)
    assert sorted(set(task.labels)) == [0, 1, 2]
    assert len(task.alphas) == 9


def test_growth_is_measured_and_drawn(tmp_path, monkeypatch):
    sweep = growth.Sweep("folds", growth.Sizes(80, 5, alphas=10), (3, 4, 5))
    monkeypatch.setattr(growth, "SWEEPS", {"folds": sweep})
    growth.main(["folds", "--libraries", "foldwise", "--repeat", "1", "--out", str(tmp_path / "growth.json")])
    measured = json.loads((tmp_path / "growth.json").read_text(encoding="utf-8"))["folds"]
    assert all(took > 0 for took in measured["seconds"]["foldwise"])
    assert isinstance(measured["slopes"]["foldwise"]["all"], float)
    page.main(["--results", str(tmp_path), "--docs", str(tmp_path)])
    assert "### Folds (80 rows, 5 columns, 10 penalties)" in (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert (tmp_path / "images" / "growth.png").stat().st_size > 1000


def test_a_library_that_gets_slow_is_left_out_of_larger_sizes():
    assert growth._expected([1.0, 2.0]) == 4.0
    assert growth._expected([0.5, None]) == 0.5
    assert growth._expected([]) == 0.0
