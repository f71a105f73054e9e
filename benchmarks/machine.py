"""The machine that measured, in words: processor, cores, linear algebra, versions. No names, no paths."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from threadpoolctl import threadpool_info

PACKAGES = ("foldwise", "numpy", "scipy", "scikit-learn")


def describe() -> list[str]:
    """Return one line per fact."""
    blas = [
        f"{library['internal_api']} {library['version']} ({library['num_threads']} threads)"
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    return [
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {_memory_gib():.0f} GiB memory, {platform.system()}",
        f"load average before the first run: {os.getloadavg()[0]:.1f}",
        "linear algebra: " + ", ".join(sorted(set(blas))),
        f"Python {platform.python_version()}, " + ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    ]


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return platform.processor() or platform.machine()
    lines = information.read_text(encoding="utf-8").splitlines()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = facts.get("model name", platform.machine())
    widest = next((word for word in ("avx512f", "avx2", "avx") if word in facts.get("flags", "").split()), "no AVX")
    family = f"family {facts['cpu family']} model {facts['model']}, " if "cpu family" in facts else ""
    return f"{name} ({family}{widest})"


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _version(package: str) -> str:
    if package == "foldwise":
        import foldwise

        return foldwise.__version__
    return version(package)
