"""`python -m foldwise.cli` is the `foldwise` command."""

from foldwise.cli import main

main()
