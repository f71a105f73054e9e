"""Fixtures shared by all tests."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference tables and certified values beside the checkout; tests that want it skip without it."""
    folder = Path(__file__).resolve().parents[1].parent / "shared"
    if not (folder / "truth").is_dir():
        pytest.skip(f"reference data are not at {folder}")
    return folder
