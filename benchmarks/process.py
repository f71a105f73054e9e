"""A library's process: started when first asked, ended when over its time limit, started again when asked again."""

import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self


class FailedError(Exception):
    """The library can't do what it was asked; the text says why."""


class OverLimitError(Exception):
    """The library took longer than it may."""


class Process:
    """One library's process and the problem it has loaded."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str], limit: float, folder: Path) -> None:
        self.command, self.variables, self.limit = list(command), dict(variables), limit
        self.folder: Path | None = None
        self.versions: dict[str, str] = {}
        self._cwd = folder
        self._running: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._unread = b""

    def __enter__(self) -> Self:
        """Nothing is started yet."""
        return self

    def __exit__(self, *problem: object) -> None:
        """End the process."""
        self.end()

    def load(self, folder: Path) -> None:
        """Say which problem the next questions are about; read when the first is asked."""
        self.folder = folder
        if self._running is not None:
            self._load()

    def ask(self, *words: str, limit: float = float("inf")) -> dict[str, Any]:
        """Return the answer to a command; raise FailedError, or OverLimitError after `limit` or the own limit."""
        if self._running is None:
            self._start()
        return self._ask(*words, limit=limit)

    def end(self) -> None:
        """End the process and what it started."""
        if self._running is None:
            return
        if self._running.poll() is None:
            os.killpg(self._running.pid, signal.SIGKILL)  # its own group, by start_new_session
        self._running.wait()
        for stream in (self._running.stdin, self._running.stdout, self._errors):
            if stream is not None:
                stream.close()
        self._running, self._unread = None, b""

    def _start(self) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        try:
            self._running = subprocess.Popen(  # noqa: S603
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=self.variables,
                cwd=self._cwd,
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            message = f"could not be started: {error}"
            raise FailedError(message) from error
        try:
            self._take(self._answer())
            self._load()
        except FailedError:
            self.end()
            raise

    def _load(self) -> None:
        if self.folder is not None:
            self.versions = self._ask("load", str(self.folder)).get("versions", {})

    def _ask(self, *words: str, limit: float = float("inf")) -> dict[str, Any]:
        assert self._running is not None  # noqa: S101 - _start has set it
        assert self._running.stdin is not None  # noqa: S101
        try:
            self._running.stdin.write(("\t".join(words) + "\n").encode())
            self._running.stdin.flush()
        except OSError:
            self._fail_ended()
        return self._take(self._answer(limit))

    def _take(self, answer: dict[str, Any]) -> dict[str, Any]:
        if not answer.pop("ok"):
            raise FailedError(str(answer["reason"]))
        return answer

    def _answer(self, limit: float = float("inf")) -> dict[str, Any]:
        assert self._running is not None  # noqa: S101
        assert self._running.stdout is not None  # noqa: S101
        limit = min(limit, self.limit)
        stop = time.monotonic() + limit
        with selectors.DefaultSelector() as selector:
            selector.register(self._running.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, stop - time.monotonic())):
                    self.end()
                    message = f"over {limit:g} s"
                    raise OverLimitError(message)
                part = os.read(self._running.stdout.fileno(), 1 << 20)
                if not part:
                    self._fail_ended()
                self._unread += part
        line, self._unread = self._unread.split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _fail_ended(self) -> None:
        assert self._running is not None  # noqa: S101
        assert self._errors is not None  # noqa: S101
        status = self._running.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        self.end()
        message = f"its process ended with status {status}: {lines[-1] if lines else 'no message'}"
        raise FailedError(message)
