"""The page: report.html, one file that opens with the verdict and refits in the reader's browser."""

from foldwise.report.page.packing import pack
from foldwise.report.page.render import page

__all__ = ["pack", "page"]
