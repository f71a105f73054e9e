"""Tables and numbers as Markdown that also reads well in a terminal."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table with aligned columns: names to the left, numbers to the right."""
    widths = [max(len(line[column]) for line in (header, *rows)) for column in range(len(header))]
    rule = [("-" * width if column == 0 else "-" * (width - 1) + ":") for column, width in enumerate(widths)]
    return "\n".join(f"| {' | '.join(_aligned(line, widths))} |" for line in (header, rule, *rows))


def duration(took: float) -> str:
    """Return seconds in the unit that reads best, three digits."""
    return f"{took:.3g} s" if took >= 1 else f"{took * 1e3:.3g} ms"


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = zip(line, widths, strict=True)
    return [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
