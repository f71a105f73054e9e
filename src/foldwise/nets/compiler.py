"""How programs are compiled: without what takes half of the time and makes a processor's program no faster."""

from functools import lru_cache

import jax

_LESS = {"xla_cpu_use_fusion_emitters": False}


@lru_cache(maxsize=1)
def options() -> dict[str, bool]:
    """The compiler's options; none on a graphics card, and none where a version of the compiler does not know them."""
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda x: x + 1, compiler_options=_LESS).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return {}
    return _LESS
