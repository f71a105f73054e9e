"""A fitted line in other languages: ONNX, SQL, Python; each checked against the original before it is handed out."""

from foldwise.export.checked import SUFFIXES, exported
from foldwise.export.formula import Formula

__all__ = ["SUFFIXES", "Formula", "exported"]
