"""The command as a process: quick help, exit codes, one-line errors, notes, pipes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from foldwise import __version__
from foldwise.cli import main
from foldwise.datasets import auto_mpg

COMMAND = [sys.executable, "-m", "foldwise.cli"]


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command with its output piped."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        check=False,
        timeout=120,
    )


@pytest.fixture
def cars(tmp_path) -> Path:
    """The auto-mpg table with a column that is left out, and one that looks like an identifier."""
    path = tmp_path / "cars.csv"
    table = auto_mpg("pandas")
    table.assign(name=[f"car {i}" for i in range(398)], car_id=[i * i for i in range(398)]).to_csv(path, index=False)
    return path


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from foldwise.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as stop:\n    assert stop.code == 0\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'pyarrow', 'narwhals', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)
    seconds = []
    for _ in range(5):
        before = os.times()
        run("--help")
        after = os.times()  # the command's own work: what else the machine does is not its fault
        seconds.append(after.children_user - before.children_user + after.children_system - before.children_system)
    assert min(seconds) < 0.3


@pytest.mark.parametrize("command", [[], ["demo"], ["compare"], ["fit"], ["predict"]])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    out, err = capsys.readouterr()
    assert "Usage: foldwise" in out
    assert err == ""
    assert "\x1b" not in out


def test_a_mistake_at_the_shell():
    done = run("explain")
    assert done.returncode == 2
    assert done.stderr == "error: No such command 'explain'. (see foldwise --help)\n"


def test_version():
    assert run("--version").stdout == f"foldwise {__version__}\n"


def test_results_and_notes_go_to_different_streams(cars):
    done = run("fit", cars, "--target", "mpg", "--model", "ols")
    assert done.returncode == 0
    assert done.stdout.startswith("least squares of mpg on 8 columns of cars.csv\n")
    notes = done.stderr.splitlines()
    assert notes[0] == "note: column 'name' left out: text that differs in every row (an identifier?)"
    assert notes[1].startswith("note: column 'car_id' looks like an identifier")
    assert len(notes) == 2
    assert "\x1b" not in done.stdout + done.stderr


MISTAKES = [
    (["explain"], "No such command 'explain'"),
    (["fit", "{cars}"], "Missing option '--model'"),
    (["fit", "{cars}", "--model", "ols"], "target must name a column of the table"),
    (["fit", "{cars}", "--target", "mpg", "--model", "ols", "--colour"], "No such option"),
    (["fit", "none.csv", "--target", "mpg", "--model", "ols"], "there is no file 'none.csv'"),
    (["fit", "{cars}", "--target", "mgp", "--model", "ols"], "the table has no column 'mgp'; did you mean 'mpg'?"),
    (
        ["fit", "{cars}", "--target", "name", "--model", "ols"],
        "target 'name' must be a number or have at most 20 classes",
    ),
    (["compare", "{cars}", "--target", "mgp"], "the table has no column 'mgp'; did you mean 'mpg'?"),
    (["compare", "{cars}", "--target", "mpg", "--folds", "2"], "2 is not in the range x>=3"),
    (["compare", "{cars}", "--target", "mpg", "--folds", "399"], "398"),
    (["compare", "{cars}", "--target", "mpg", "--out", "{cars}"], "--out must name a folder, 'cars.csv' is a file"),
    (["predict", "{cars}", "{cars}"], "'cars.csv' is not JSON"),
    (["predict", "none.json", "{cars}"], "there is no file 'none.json'"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(line) for line, _ in MISTAKES])
def test_a_mistake_is_one_line_and_exit_code_2(arguments, message, cars, capsys):
    with pytest.raises(SystemExit) as caught:
        main([argument.format(cars=cars) for argument in arguments])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    errors = [line for line in err.splitlines() if not line.startswith("note: ")]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert message in errors[0]
    assert list(cars.parent.iterdir()) == [cars]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "'t.csv' is empty"),
        ("t.csv", b"x,mpg\n", "the table has no rows"),
        ("t.csv", b"mpg,mpg\n1,2\n", "more than one column named 'mpg'"),
        ("t.csv", b"x,mpg\n1,2\n2,\n3,4\n", "target 'mpg' is missing in 1 of 3 rows, first at row 2"),
        ("t.csv", b"x,mpg\n1,2\n2,2\n", "target 'mpg' is 2 in every row"),
        ("t.csv", b"x,mpg\n1,2\n2,inf\n", "column 'mpg' has 1 infinite value, first at row 2"),
        ("t.csv", b"x,mpg\n,2\n,3\n", "column 'x' is missing in every row"),
        ("t.csv", b"x,mpg\n1,2\n2,3\n$3,4\n", "column 'x' has 1 non-numeric value, first at row 3: '$3'"),
        ("t.csv", b"x,mpg\n\xe9,2\n", "'t.csv' is not UTF-8 text: line 2"),
        ("t.parquet", b"PAR1", "'t.parquet' is not a whole Parquet file"),
        ("t.pdf", b"%PDF", "'t.pdf' is not a table"),
    ],
)
@pytest.mark.parametrize(
    "command", [["compare"], ["fit", "--model", "ols", "--save", "m.json"]], ids=["compare", "fit"]
)
def test_a_table_that_cannot_be_used(command, name, content, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    out = ["--out", "report"] if command == ["compare"] else []
    with pytest.raises(SystemExit) as caught:
        main([*command, name, "--target", "mpg", *out])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_reader_that_has_seen_enough_is_no_error(cars, tmp_path):
    """`foldwise predict ... | head -1` ends quietly."""
    run("fit", cars, "--target", "mpg", "--model", "ols", "--save", tmp_path / "m.json")
    command = [*COMMAND, "predict", str(tmp_path / "m.json"), str(cars)]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert b"rror" not in done.stderr


def test_an_error_of_foldwise_itself_is_no_mistake_of_the_user(tmp_path):
    """Anything but InputError keeps its traceback, and the exit code says whose fault it is."""
    code = (
        "import foldwise.tables as tables\n"
        "def fail(path):\n    raise RuntimeError('bug')\n"
        "tables.read_table = fail\n"
        "from foldwise.cli import main\n"
        f"main(['fit', {str(tmp_path)!r}, '--target', 'y', '--model', 'ols'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"RuntimeError: bug" in done.stderr


def test_names_are_printed_as_they_are_and_poor_encodings_get_plain_bars(tmp_path):
    table = auto_mpg("pandas").rename(columns={"weight": "gr\u00f6\u00dfe [bold] :smile:", "mpg": "mpg [mi/gal]"})
    table.to_csv(tmp_path / "names.csv", index=False)
    arguments = ["fit", tmp_path / "names.csv", "--target", "mpg [mi/gal]", "--model", "ols"]
    rich = run(*arguments, PYTHONIOENCODING="utf-8")
    assert "gr\u00f6\u00dfe [bold] :smile:" in rich.stdout
    assert "least squares of mpg [mi/gal] on" in rich.stdout
    assert "\u2588" in rich.stdout
    poor = run(*arguments, PYTHONIOENCODING="ascii")
    assert poor.returncode == 0
    assert "gr??e [bold] :smile:" in poor.stdout
    assert "####|" in poor.stdout


def test_nothing_typed_shows_the_help(capsys):
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 0
    assert "Usage: foldwise" in capsys.readouterr().out


def test_no_colour_where_none_is_wanted(cars):
    """Colours are for terminals only, and NO_COLOR switches them off there."""
    shown = {}
    for name, environment in (("colour", {}), ("plain", {"NO_COLOR": "1"})):
        shown[name] = in_terminal([*COMMAND, "fit", str(cars), "--target", "mpg", "--model", "ols"], environment)
    assert "\x1b[38;" in shown["colour"]
    assert "\x1b[38;" not in shown["plain"]
    assert "\x1b[31" not in shown["plain"]


def in_terminal(command: list[str], environment: dict[str, str]) -> str:
    """What a command writes to a terminal of 80 columns."""
    pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    ours, theirs = pty.openpty()
    settings = {"TERM": "xterm-256color", "COLUMNS": "80", **environment}
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env={**clean, **settings}) as process:
        os.close(theirs)
        pieces = []
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux's way of saying that the other end is closed
                break
            if not piece:
                break
            pieces.append(piece)
        os.close(ours)
        assert process.wait(timeout=60) == 0
    return b"".join(pieces).decode("utf-8")
