"""The house keeps its rules: imports run downward, the front door is light, every file is one documented thought."""

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import foldwise as fw

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src" / "foldwise").rglob("*.py"))
HEAVY = ("numpy", "scipy", "sklearn", "pyarrow", "narwhals", "pandas", "polars", "matplotlib", "keras", "jax")
COMMANDS = ("demo", "compare", "fit", "predict", "export", "verify")
LONGEST_FILE = 400


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "80"},
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def loaded_after(code: str) -> list[str]:
    """Heavy packages that `code` loads in a fresh interpreter; they are named on the last line of its output."""
    report = f"import sys; print(); print(*[name for name in {HEAVY} if name in sys.modules])"
    return run_python(f"{code}\n{report}").splitlines()[-1].split()


def test_imports_run_downward_only():
    run_python("from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))")


def test_import_loads_nothing_heavy():
    assert loaded_after("import foldwise") == []


def test_loading_is_noticed():
    assert loaded_after("import foldwise; foldwise.datasets.auto_mpg()") != []


HELP = (
    "import sys; from foldwise.cli import main; sys.argv = ['foldwise', '--help']\ntry: main()\nexcept SystemExit: pass"
)


def test_help_loads_nothing_heavy():
    assert loaded_after(HELP) == []


def test_help_names_every_command():
    text = run_python(HELP)
    assert [command for command in COMMANDS if command not in text] == []


@pytest.mark.parametrize("name", sorted(fw.__all__))
def test_public_name_has_a_docstring_with_an_example(name):
    public = getattr(fw, name)
    if inspect.ismodule(public):
        assert public.__doc__
        for inner in public.__all__:
            member = getattr(public, inner)
            assert not callable(member) or ">>>" in (member.__doc__ or ""), inner
        return
    assert ">>>" in (public.__doc__ or "")


def test_every_public_name_can_be_found():
    assert set(fw.__all__) <= set(dir(fw))
    with pytest.raises(AttributeError, match="no attribute 'Lars'"):
        fw.Lars  # noqa: B018 - asking for it is the test


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT / "src")))
def test_file_is_one_documented_thought(file):
    text = file.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "the first line says which thought the file is"
    assert len(text.splitlines()) <= LONGEST_FILE


def block(page: str, language: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.search(rf"```{language}\n(.*?)```", text, re.DOTALL).group(1)


def test_readme_example_runs():
    assert "features kept" in run_python(block("README.md", "python"))


def test_candidate_of_the_contributing_page_joins_a_comparison():
    join = """
import foldwise as fw
from foldwise.study import candidates
candidates.CANDIDATES += (NONNEGATIVE_LASSO,)
cars = fw.datasets.auto_mpg()
print(fw.compare(cars, target="mpg", candidates=["lasso", "nonnegative lasso"], repeats=1).verdict)
"""
    assert "Nonnegative lasso is worse than lasso" in run_python(block("CONTRIBUTING.md", "python") + join)


def test_readme_shows_what_the_demo_prints():
    # Up to the errors; below them stand seconds and a gap at the level of rounding, which differ between machines.
    demo = "import sys; from foldwise.cli import main; sys.argv = ['foldwise', 'demo']; main()"
    printed = run_python(demo).partition("\nWhat was chosen")[0]
    assert len(printed.splitlines()) > 10
    assert block("README.md", "text").partition("\nWhat was chosen")[0] == printed


@pytest.mark.parametrize("name", ["py.typed", "datasets/auto_mpg.csv", "datasets/auto_mpg_license.txt"])
def test_package_carries_its_data(name):
    assert (Path(fw.__file__).parent / name).is_file()


def test_every_page_of_the_documentation_can_be_reached():
    pages = {str(path.relative_to(ROOT / "docs").with_suffix("")) for path in (ROOT / "docs").rglob("*.md")}
    listed = {"index"}
    for path in (ROOT / "docs").rglob("*.md"):
        for tree in re.findall(r"```\{toctree\}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            folder = path.parent.relative_to(ROOT / "docs")
            listed |= {str(folder / line) for line in tree.split() if not line.startswith(":")}
    assert pages - listed == set(), "name these pages in docs/howto.md or docs/background.md"
