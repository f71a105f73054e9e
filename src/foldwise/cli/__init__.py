"""The `foldwise` command: parse, call, print."""

from foldwise.cli.app import main

__all__ = ["main"]
