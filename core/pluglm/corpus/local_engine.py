"""The processes of this machine that do the tasks of a corpus."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import connection

from pluglm.corpus.tasks import Task
from pluglm.errors import PluglmError
from pluglm.forkserver import unimportable_main

TOKENIZERS = "transformers.tokenization_utils_tokenizers"
PRELOADED = ["pluglm.corpus.tasks", "pluglm.batching.encode_documents", "pyarrow", TOKENIZERS]
"""What the processes share that are forked from one another, so that not each of them imports it."""


class LocalEngine:
    """`workers` processes on this machine, of which this is one; the others are started for the first tasks that are
    more than one."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def run(self, tasks: Sequence[Task], done: Callable[[int], None]) -> None:
        """Do them, as many at a time as there are workers."""
        others = min(self.workers, len(tasks)) - 1
        queue = _Queue(tasks, done)
        handing = threading.Thread(target=self._hand_out, args=(queue, others), daemon=True)
        if others > 0:
            handing.start()
        try:
            for number, task in queue:
                with queue.reporting(number):
                    queue.done(task.run())
        except BaseException:
            queue.close()
            raise
        finally:
            if others > 0:
                handing.join()
        queue.check()

    def _hand_out(self, queue: _Queue, others: int) -> None:
        with queue.reporting(-1):
            self._let_take(queue, others)

    def _let_take(self, queue: _Queue, others: int) -> None:
        """Let the other processes take tasks until there are none."""
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(PRELOADED)
            self._pool = ProcessPoolExecutor(self.workers - 1, context, _prepare_worker)
        running: dict[Future[int], int] = {}
        while True:
            while len(running) < others and (found := queue.next()) is not None:
                with queue.reporting(found[0]), unimportable_main(), without_interrupts():
                    running[self._pool.submit(found[1].run)] = found[0]
            if not running:
                return
            # What this process needs to encode texts takes half a second the first time, which all processes share now.
            import_module(TOKENIZERS)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                with queue.reporting(running.pop(future)):
                    queue.done(future.result())

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


class _Queue:
    """Tasks that are taken one by one, in their order, by several threads; the first failure ends it."""

    def __init__(self, tasks: Sequence[Task], done: Callable[[int], None]) -> None:
        self._waiting = deque(enumerate(tasks))
        self._failed: dict[int, Exception] = {}
        self._done, self._lock = done, threading.Lock()

    def next(self) -> tuple[int, Task] | None:
        """The next task and its number, or None."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def __iter__(self) -> Iterator[tuple[int, Task]]:
        return iter(self.next, None)

    def done(self, count: int) -> None:
        """Say that a task is done that was about so many documents."""
        with self._lock:
            self._done(count)

    def close(self) -> None:
        """Give out no more."""
        self._waiting.clear()

    @contextmanager
    def reporting(self, number: int) -> Iterator[None]:
        """Keep what a task fails with."""
        try:
            yield
        except Exception as error:
            self._failed[number] = error
            self.close()

    def check(self) -> None:
        """Raises:
        PluglmError: what the first of the tasks, in their order, failed with: all before it were begun, and are over.
        """
        if not self._failed:
            return
        error = self._failed[min(self._failed)]
        if isinstance(error, BrokenProcessPool):
            raise PluglmError(
                "a worker process was killed (out of memory? then with fewer data.workers, or a smaller "
                "data.shard_megabytes); what is done is kept: run it again"
            ) from None
        raise error


@contextmanager
def without_interrupts() -> Iterator[None]:
    """While active, processes that are started never get a Ctrl-C, which the terminal sends to all: it is for this one
    to end them. It gets its own when this is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker() -> None:
    # The tasks are parallel; libraries that were as well would take each other's cores.
    os.environ |= {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent(sentinel: int = parent.sentinel) -> None:
        connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
