"""The compiled part of the build; everything else is in pyproject.toml."""

import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

# Contraction to fused multiply-add is left on: every result carries its own certificate.
FLAGS = [] if sys.platform == "win32" else ["-O3", "-fno-math-errno", "-fopenmp-simd"]


def compiled(name: str, *depends: str) -> Extension:
    """One extension module, beside its .pyx file."""
    source = f"src/{name.replace('.', '/')}.pyx"
    return Extension(name, [source], depends=list(depends), extra_compile_args=FLAGS)


# What all of Cython's modules need for typed arrays is compiled once, not in each of them.
SHARED = "foldwise._cyutility"
SOLVERS = "src/foldwise/solvers"
LOCKSTEP = "src/foldwise/paths/lockstep"
GENERALIZED = "src/foldwise/paths/generalized"
setup(
    ext_modules=cythonize(
        [
            Extension(SHARED, ["src/foldwise/_cyutility.c"]),
            compiled("foldwise.solvers._quadratic", f"{SOLVERS}/_vector.h", f"{SOLVERS}/_active_set.pxi"),
            compiled("foldwise.solvers._warm", f"{SOLVERS}/_vector.h", f"{SOLVERS}/_active_set.pxi"),
            compiled("foldwise.solvers._group", f"{SOLVERS}/_vector.h"),
            compiled("foldwise.solvers._nonconvex", f"{SOLVERS}/_vector.h"),
            compiled("foldwise.paths.lockstep._product", f"{LOCKSTEP}/_product.h"),
            compiled("foldwise.paths.generalized._cells", f"{GENERALIZED}/_cells.h", f"{GENERALIZED}/_sweeps.h"),
            compiled("foldwise.paths.generalized._models", f"{GENERALIZED}/_models.h", f"{SOLVERS}/_vector.h"),
            compiled("foldwise.paths.lockstep._screen", f"{LOCKSTEP}/_survey.h"),
            compiled("foldwise.paths.lockstep._large", f"{LOCKSTEP}/_sweep.h", f"{LOCKSTEP}/_newton.h"),
            compiled("foldwise.paths.lockstep._support", f"{LOCKSTEP}/_support.h", f"{SOLVERS}/_inverse.h"),
            compiled(
                "foldwise.paths.lockstep._rounds",
                *(f"{LOCKSTEP}/_{name}.h" for name in ("advance", "choose", "residual", "support", "product")),
                f"{LOCKSTEP}/_support.pxd",
                f"{SOLVERS}/_inverse.h",
            ),
        ],
        shared_utility_qualified_name=SHARED,
        language_level=3,
    ),
    options={"build_ext": {"parallel": os.cpu_count()}},
)
