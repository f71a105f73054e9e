"""The page, text tables and report.json: reads a Comparison, never fits anything."""

from foldwise.report.figures import save_figures
from foldwise.report.notebook import to_html
from foldwise.report.text import render, text
from foldwise.report.write import rebuild, rebuild_figures, to_json, write

__all__ = ["rebuild", "rebuild_figures", "render", "save_figures", "text", "to_html", "to_json", "write"]
