"""The whole benchmark by one command: `python -m benchmarks [--sparse]` installs, measures and writes the page."""

import argparse
from collections.abc import Sequence

from benchmarks import cv, growth, page
from benchmarks.peers import __main__ as peers


def main(arguments: Sequence[str] | None = None) -> None:
    """Run every part in turn; each writes its results when it has them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Everything on docs/benchmarks.md.")
    parser.add_argument("--sparse", action="store_true", help="also the sparse 20,000 x 200,000 table; long")
    parser.add_argument("--repeat", type=int, default=5, help="rounds (default: %(default)s)")
    options = parser.parse_args(arguments)
    peers.main(["install"])
    repeat = ["--repeat", str(options.repeat)]
    cv.main([*cv.STANDARD, "--tight", *repeat])
    cv.main(["--contest", "families", "--limit", "600", *repeat])
    if options.sparse:
        cv.main([*cv.LONG, "--repeat", "1"])
    growth.main(repeat)
    page.main([])


if __name__ == "__main__":
    main()
