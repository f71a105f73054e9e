"""The machine that measured, in words: processor, cores, linear algebra, versions. No names, no paths."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

PACKAGES = ("foldwise", "numpy", "scipy", "scikit-learn")


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def facts() -> dict[str, Any]:
    """Return the machine as plain data, with the load before the first run."""
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    return {"processor": _processor(), "cores": cores(), "system": platform.system(), "load": load}


def describe() -> list[str]:
    """Return one line per fact."""
    blas = [
        f"{library['internal_api']} {library['version']} ({library['num_threads']} threads)"
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    found = facts()
    return [
        f"{found['processor']}, {found['cores']} cores, {found['system']}",
        f"load average before the first run: {found['load']}",
        "linear algebra: " + ", ".join(sorted(set(blas))),
        f"Python {platform.python_version()}, " + ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    ]


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return platform.processor() or platform.machine()
    lines = information.read_text(encoding="utf-8").splitlines()
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = found.get("model name", platform.machine())
    widest = next((word for word in ("avx512f", "avx2", "avx") if word in found.get("flags", "").split()), "no AVX")
    family = f"family {found['cpu family']} model {found['model']}, " if "cpu family" in found else ""
    return f"{name} ({family}{widest})"


def _version(package: str) -> str:
    if package == "foldwise":
        import foldwise

        return foldwise.__version__
    return version(package)
