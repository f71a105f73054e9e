"""Trains jobs in slots: as many at once as memory and cores allow; a slot that is done takes the next job."""

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any

import jax
import numpy as np

from foldwise.moments.threads import cores
from foldwise.nets.jobs import Job
from foldwise.nets.memory import room
from foldwise.nets.program import Program, padded
from foldwise.nets.progress import Progress

_STEPS = 256  # go to the device at once, at least
_SLOTS = 8  # members of one worker of a processor: as many as its cache takes
_GPU_SLOTS = 1024
_SECONDS = 0.5  # between two looks at the clock, about


class Pool:
    """Workers with slots, all running one program on one table."""

    def __init__(
        self, program: Program, inputs: Any, targets: Any, *, batch_size: int, workers: int | None, slots: int | None
    ) -> None:
        self.program = program
        self.inputs = jax.tree.map(jax.numpy.asarray, inputs)
        self.targets = jax.tree.map(jax.numpy.asarray, targets)
        self.batch_size = batch_size
        self._on_processor = jax.devices()[0].platform == "cpu"
        self._workers = workers or (cores() if self._on_processor else 1)
        self._slots = slots

    def train(self, jobs: list[Job], progress: Progress) -> bool:
        """Train every job until it is done; False where the keyboard stopped it: jobs may then be unfinished."""
        pending = [job for job in jobs if job.epochs_left]
        if not pending:
            return True
        n_steps = max(job.n_steps for job in pending)
        most = _SLOTS if self._on_processor else _GPU_SLOTS
        slots = self._slots or padded(min(most, -(-len(pending) // self._workers)), 1)
        slots, compiled = self._fitting(pending[0], slots, n_steps)
        workers = min(self._workers, -(-len(pending) // slots))
        queue, halt = deque(pending), Event()
        progress.begin(pending)
        with ThreadPoolExecutor(workers) as threads:
            work = [
                threads.submit(_Worker(self, compiled, slots, n_steps).run, queue, halt, progress)
                for _ in range(workers)
            ]
            try:
                _until_done(work, progress)
            except KeyboardInterrupt:
                halt.set()
                wait(work)
            except BaseException:
                halt.set()
                raise
        progress.end()
        return not halt.is_set()

    def _fitting(self, job: Job, slots: int, n_steps: int) -> tuple[int, Any]:
        """The program for as many slots as fit into memory, by what the compiler says that it holds."""
        bound = room(self._workers)
        while True:
            compiled = self.program.compile(*_Worker(self, None, slots, n_steps).arguments([job] * slots))
            analysis = compiled.memory_analysis()
            held = 0 if analysis is None else analysis.temp_size_in_bytes + analysis.output_size_in_bytes
            if held <= bound or slots == 1:
                return slots, compiled
            slots //= 2


def _until_done(work: list[Future[None]], progress: Progress) -> None:
    while True:
        done, rest = wait(work, timeout=0.1)
        for future in done:
            future.result()
        progress.show()
        if not rest:
            return


class _Worker:
    """Slots side by side in one call of the program."""

    def __init__(self, pool: Pool, compiled: Any, slots: int, n_steps: int) -> None:
        self._pool = pool
        self._compiled = compiled
        self._n_steps = n_steps
        self._cap = padded(n_steps, _STEPS)
        self._slots: list[Job | None] = [None] * slots
        self._epochs = 1

    def arguments(self, jobs: list[Job]) -> tuple[Any, ...]:
        """What the program takes, for jobs in all slots and no epoch at all."""
        state = _stack([job.state for job in jobs])
        hyper = _stack([job.hyper for job in jobs])
        order, mix = self._orders(jobs, 0)
        return (state, hyper, order, mix, self._pool.inputs, self._pool.targets, np.int32(0), np.int32(self._n_steps))

    def run(self, queue: deque[Job], halt: Event, progress: Progress) -> None:
        """Train jobs from the queue until none is left."""
        state: Any = None
        hyper: Any = None
        while not halt.is_set():
            refilled = self._refill(queue)
            if not any(self._slots):
                return
            if refilled:
                state, hyper = self._placed(state, hyper, refilled)
            started = time.perf_counter()
            jobs = [job for job in self._slots if job is not None]
            epochs = min(self._epochs, max(job.epochs_left for job in jobs))
            order, mix = self._orders(self._slots, epochs)
            tables = self._pool.inputs, self._pool.targets
            state, history = self._compiled(
                state, hyper, order, mix, *tables, np.int32(epochs), np.int32(self._n_steps)
            )
            self._collect(state, np.asarray(history), progress)
            per_epoch = (time.perf_counter() - started) / epochs
            self._epochs = max(1, min(self._cap // self._n_steps, int(_SECONDS / per_epoch)))

    def _refill(self, queue: deque[Job]) -> list[int]:
        """Give the next jobs to empty slots; return which slots."""
        filled = []
        for slot, job in enumerate(self._slots):
            if job is None and queue:
                try:
                    self._slots[slot] = queue.popleft()
                except IndexError:  # another worker was faster
                    break
                filled.append(slot)
        return filled

    def _placed(self, state: Any, hyper: Any, slots: list[int]) -> tuple[Any, Any]:
        """State and numbers of all slots with the new jobs' in theirs; a slot that never had a job stands still."""
        if state is None:
            spare = next(job for job in self._slots if job is not None)
            still = {**spare.state, "going": np.zeros((), dtype=bool)}
            state = _stack([still if job is None else job.state for job in self._slots])
            hyper = _stack([(job or spare).hyper for job in self._slots])
            return jax.tree.map(jax.numpy.asarray, state), jax.tree.map(jax.numpy.asarray, hyper)

        def put(stacked: Any, *own: Any) -> Any:
            array = np.array(stacked)
            array[slots] = np.stack(own)
            return jax.numpy.asarray(array)

        jobs = [job for job in (self._slots[slot] for slot in slots) if job is not None]
        new_state = jax.tree.map(put, state, *[job.state for job in jobs])
        return new_state, jax.tree.map(put, hyper, *[job.hyper for job in jobs])

    def _orders(self, jobs: list[Any], epochs: int) -> tuple[Any, Any]:
        """Row numbers (slots, cap, batch) and mixes (slots, cap) of the next epochs."""
        order = np.zeros((len(self._slots), self._cap, self._pool.batch_size), dtype=np.int32)
        mix = np.ones((len(self._slots), self._cap), dtype=np.float32)
        for slot, job in enumerate(jobs):
            if job is None:
                continue
            now = int(job.state["epoch"])
            for ahead in range(epochs):
                place = slice(ahead * self._n_steps, ahead * self._n_steps + job.n_steps)
                order[slot, place], mix[slot, place] = job.orders(now + ahead, self._pool.batch_size)
        return order, mix

    def _collect(self, state: Any, history: Any, progress: Progress) -> None:
        """Note what happened; free the slots of jobs that are done."""
        epochs, going = np.asarray(state["epoch"]), np.asarray(state["going"])
        done = [slot for slot, job in enumerate(self._slots) if job is not None and not going[slot]]
        whole = jax.tree.map(np.asarray, state) if done else None
        for slot, job in enumerate(self._slots):
            if job is None:
                continue
            gone = int(epochs[slot]) - int(job.state["epoch"])
            job.history.extend((float(loss), float(watched)) for loss, watched in history[slot, :gone])
            progress.went(gone * job.n_steps)
            job.state["epoch"] = epochs[slot]
            if slot in done:
                saved = (int(job.hyper["limit"]) - int(epochs[slot])) * job.n_steps
                job.state = jax.tree.map(lambda leaf, at=slot: np.array(leaf[at]), whole)
                self._slots[slot] = None
                progress.finished(saved)


def _stack(trees: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)
