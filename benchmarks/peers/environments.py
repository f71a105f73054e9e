"""Where each peer lives: its virtual environment, or Rscript; how it is started, and why it can't be."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import foldwise

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "FOLDWISE_BENCHMARK_CACHE"
MARK = "installed.txt"


@dataclass(frozen=True)
class Library:
    """How a library runs: a module of `benchmarks.workers` or an R script, and what pip installs for it."""

    worker: str
    requirements: tuple[str, ...] = ()
    modes: tuple[str, ...] = ("default", "tight")
    families: tuple[str, ...] = ("gaussian",)


OURS = Library("with_foldwise", modes=())
PEERS: Mapping[str, Library] = {
    "scikit-learn": Library("with_sklearn", families=("gaussian", "binomial")),
    "celer": Library("with_celer", ("celer==0.7.4", "scikit-learn<1.9")),  # it passes n_alphas, which 1.9 dropped
    "adelie": Library("with_adelie", ("adelie==1.1.52",), families=("gaussian", "binomial", "poisson")),
    "skglm": Library("with_skglm", ("skglm==0.5",)),
    "skein-glm": Library("with_skein", ("skein-glm==1.0.0",)),
    "glmnet": Library("glmnet.R", families=("gaussian", "binomial", "poisson")),
}


class NotInstalledError(Exception):
    """A peer that is not there; the text says how it would be."""


@dataclass(frozen=True)
class Environments:
    """The folder of the peers' virtual environments."""

    folder: Path = field(
        default_factory=lambda: Path(os.environ.get(VARIABLE) or Path.home() / ".cache" / "foldwise-benchmarks")
    )

    def python(self, name: str) -> Path:
        """Return the interpreter of a peer, there or not."""
        return self.folder / name / ("Scripts" if os.name == "nt" else "bin") / "python"

    def is_installed(self, name: str) -> bool:
        """Whether a peer's environment is complete, with today's requirements."""
        mark = self.folder / name / MARK
        return mark.is_file() and mark.read_text(encoding="utf-8").split("\n") == list(PEERS[name].requirements)

    def install(self, name: str) -> str:
        """Make a peer's environment unless it is there; return what happened."""
        library = PEERS[name]
        if not library.requirements:
            owner = "R" if library.worker.endswith(".R") else "foldwise"
            return f"nothing to install: it is {owner}'s own"
        if self.is_installed(name):
            return f"there already: {', '.join(library.requirements)}"
        venv.create(self.folder / name, with_pip=True, clear=True)
        pip = [str(self.python(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*pip, *library.requirements], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr[-300:]]
            return f"could not be installed: {lines[0]}"
        (self.folder / name / MARK).write_text("\n".join(library.requirements), encoding="utf-8")
        return f"installed: {', '.join(library.requirements)}"

    def command(self, name: str) -> list[str]:
        """Return the command that serves a library, foldwise's own included."""
        library = OURS if name == "foldwise" else PEERS[name]
        if library.worker.endswith(".R"):
            script = shutil.which("Rscript")
            if script is None:
                message = "Rscript is not on the path"
                raise NotInstalledError(message)
            return [script, "--vanilla", str(ROOT / "benchmarks" / "workers" / library.worker)]
        interpreter = sys.executable
        if library.requirements:
            if not self.is_installed(name):
                message = f"not installed in {VARIABLE}: python -m benchmarks.peers install {name}"
                raise NotInstalledError(message)
            interpreter = str(self.python(name))
        return [interpreter, "-m", "benchmarks.workers.serve", library.worker]

    def variables(self, name: str, cores: int) -> dict[str, str]:
        """Return the environment variables of a library's process: the same number of threads for all."""
        paths = [str(ROOT)]
        if name == "foldwise":
            paths.append(str(Path(foldwise.__file__).parents[1]))
        threads = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "BENCHMARK_CORES": str(cores),
            **{f"{library}_NUM_THREADS": str(cores) for library in threads},
        }
