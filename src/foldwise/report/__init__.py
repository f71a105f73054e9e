"""The page, text tables and report.json: reads a Comparison, never fits anything."""

from foldwise.report.text import render, text
from foldwise.report.write import rebuild, to_json, write

__all__ = ["rebuild", "render", "text", "to_json", "write"]
