"""Install the peers: `python -m benchmarks.peers install [NAME ...] [--cache DIR]`; `list` says which are there."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.environments import PEERS, VARIABLE, Environments, NotInstalledError


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, install or list."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="The libraries to compare with.")
    parser.add_argument("action", choices=("install", "list"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(PEERS)} (default: all)")
    parser.add_argument(
        "--cache", type=Path, help=f"their folder (default: ${VARIABLE} or ~/.cache/foldwise-benchmarks)"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in PEERS]
    if unknown:
        parser.error(f"unknown peer {unknown[0]!r}; there are {', '.join(PEERS)}")
    environments = Environments(options.cache) if options.cache else Environments()
    for name in options.names or PEERS:
        if options.action == "install":
            print(f"{name}: {environments.install(name)}", flush=True)
        else:
            print(f"{name}: {_state(environments, name)}")


def _state(environments: Environments, name: str) -> str:
    try:
        environments.command(name)
    except NotInstalledError as missing:
        return str(missing)
    return "there"


if __name__ == "__main__":
    main()
