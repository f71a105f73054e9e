"""Composed: constructors put together from those of the base classes, every parameter written down once."""

import inspect
from typing import Any


class Composed:
    """A class whose constructor takes its own keyword parameters and those of its bases.

    Each `__init__` names its own parameters and hands the others on with `**rest`. The signature that scikit-learn and
    `help` see has all of them, a class's own before those of its bases.

    Examples
    --------
    >>> class Shape(Composed):
    ...     def __init__(self, *, color="red"):
    ...         self.color = color
    >>> class Circle(Shape):
    ...     def __init__(self, *, radius=1.0, **rest):
    ...         super().__init__(**rest)
    ...         self.radius = radius
    >>> inspect.signature(Circle)
    <Signature (*, radius=1.0, color='red')>
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class a constructor of its own with the whole signature."""
        super().__init_subclass__(**kwargs)
        if "__init__" not in vars(cls):

            def __init__(self: Any, **given: Any) -> None:  # noqa: N807 - it becomes the method
                super(cls, self).__init__(**given)

            __init__.__qualname__ = f"{cls.__qualname__}.__init__"
            cls.__init__ = __init__  # type: ignore[method-assign]
        found: dict[str, inspect.Parameter] = {}
        for part in cls.__mro__:
            if "__init__" in vars(part) and part is not object:
                for name, parameter in inspect.signature(vars(part)["__init__"]).parameters.items():
                    if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                        found.setdefault(name, parameter)
        itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        constructor: Any = vars(cls)["__init__"]
        constructor.__signature__ = inspect.Signature([itself, *found.values()])
