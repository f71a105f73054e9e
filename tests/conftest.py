"""Fixtures shared by all tests."""

import signal
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference tables and certified values beside the checkout; tests that want it skip without it."""
    folder = Path(__file__).resolve().parents[1].parent / "shared"
    if not (folder / "truth").is_dir():
        pytest.skip(f"reference data are not at {folder}")
    return folder


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """A shell that starts the tests in the background has them ignore Ctrl-C, and what they start as well."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def cluster():
    """A client of a Dask cluster of two processes, for all tests: starting one takes seconds."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as started,
        distributed.Client(started) as client,
    ):
        yield client
