"""Composed: constructors put together from those of the base classes, every parameter written down once."""

import inspect
from typing import Any

_KINDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Composed:
    """A class whose constructor takes its own parameters and those of its bases.

    Each `__init__` names its own parameters and hands the others on, with `*given` where a base takes some by position,
    and with `**rest`. The signature that scikit-learn and `help` see has all of them: those by position first, then a
    class's own before those of its bases.

    Examples
    --------
    >>> class Shape(Composed):
    ...     def __init__(self, size=1.0, *, color="red"):
    ...         self.size, self.color = size, color
    >>> class Circle(Shape):
    ...     def __init__(self, *given, filled=True, **rest):
    ...         super().__init__(*given, **rest)
    ...         self.filled = filled
    >>> inspect.signature(Circle)
    <Signature (size=1.0, *, filled=True, color='red')>
    >>> Circle(2.0, color="blue").size
    2.0
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class a constructor of its own with the whole signature."""
        super().__init_subclass__(**kwargs)
        if "__init__" not in vars(cls):

            def __init__(self: Any, *given: Any, **named: Any) -> None:  # noqa: N807 - it becomes the method
                super(cls, self).__init__(*given, **named)

            __init__.__qualname__ = f"{cls.__qualname__}.__init__"
            cls.__init__ = __init__  # type: ignore[method-assign]
        found: dict[str, inspect.Parameter] = {}
        for part in cls.__mro__:
            if "__init__" in vars(part) and part is not object:
                own = list(inspect.signature(vars(part)["__init__"]).parameters.values())
                found |= {each.name: each for each in own[1:] if each.kind in _KINDS and each.name not in found}
        itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        ordered = sorted(found.values(), key=lambda parameter: parameter.kind)
        constructor: Any = vars(cls)["__init__"]
        constructor.__signature__ = inspect.Signature([itself, *ordered])
