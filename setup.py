"""The compiled part of the build; everything else is in pyproject.toml."""

import sys

from setuptools import Extension, setup

# Contraction to fused multiply-add is left on: every result carries its own certificate.
FLAGS = [] if sys.platform == "win32" else ["-O3", "-fno-math-errno", "-fopenmp-simd"]

setup(
    ext_modules=[
        Extension(
            "foldwise.solvers._quadratic",
            ["src/foldwise/solvers/_quadratic.pyx"],
            depends=["src/foldwise/solvers/_vector.h", "src/foldwise/solvers/_active_set.pxi"],
            extra_compile_args=FLAGS,
        ),
        Extension(
            "foldwise.solvers._group",
            ["src/foldwise/solvers/_group.pyx"],
            depends=["src/foldwise/solvers/_vector.h"],
            extra_compile_args=FLAGS,
        ),
    ]
)
