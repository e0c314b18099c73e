"""Trainings that know nothing of each other, side by side in threads: each on its share of the processors.

The kernels release Python's lock, so trainings on one thread each wait for nobody: several small trainings are done
sooner than by splitting every batch over all threads. Results do not depend on it, to the bit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from gatecast.forecasting.base import StepCallback
from gatecast.kernels.runtime import get_num_threads, sharing_threads
from gatecast.nn.training import StepRecord

__all__ = ["Training", "in_background", "train_side_by_side"]

Model = TypeVar("Model")
Result = TypeVar("Result")

Training = Callable[[StepCallback | None], Model]
"""Trains a model, and calls what it is given after every update."""


class _StoppedError(Exception):
    """Ends a training whose result nobody waits for."""


def train_side_by_side(trainings: Sequence[Training[Model]], on_step: StepCallback | None = None) -> list[Model]:
    """Make several trainings, at most as many at a time as the kernels have threads.

    Args:
        trainings: What is to be done, in an order in which it also may be done one after the other.
        on_step: Is called with the records of all trainings, in the thread of the caller. What it raises, such as
            KeyboardInterrupt, ends all trainings.

    Returns:
        The results, in the order of the trainings.

    Raises:
        Exception: What the first training raised that failed; the others then end too.

    Example:
        >>> train_side_by_side([lambda report: 1, lambda report: 2])
        [1, 2]
    """
    n_threads = min(len(trainings), get_num_threads())
    if n_threads < 2:
        return [training(on_step) for training in trainings]
    stop, records = threading.Event(), SimpleQueue[StepRecord | Future[Model]]()

    def report(step: StepRecord) -> None:
        """Pass a record on to the caller's thread."""
        if stop.is_set():
            raise _StoppedError
        if on_step is not None:
            records.put(step)

    with ThreadPoolExecutor(n_threads, "gatecast-training") as executor:
        try:
            futures = [executor.submit(copy_context().run, partial(_share, item, report)) for item in trainings]
            for future in futures:
                future.add_done_callback(records.put)
            _wait(records, len(futures), on_step)
            return [future.result() for future in futures]
        finally:
            stop.set()
            executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def in_background(work: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Do some work in a thread while the caller trains: of few trainings one outlasts the others, on one processor.

    Args:
        work: Does not depend on the trainings. It cannot be stopped: where the caller raises an error, such as
            KeyboardInterrupt, nobody waits for it.

    Yields:
        What returns the result when it is there.

    Raises:
        Exception: What the work raised, at the end of the block at the latest.

    Example:
        >>> with in_background(lambda: 1) as result:
        ...     two = 2
        >>> result() + two
        3
    """
    future: Future[Result] = Future()
    run = partial(copy_context().run, _fulfil, future, work)
    # Python waits for the threads of an executor at its end, for this one it does not.
    threading.Thread(target=run, name="gatecast-background", daemon=True).start()
    yield future.result
    future.result()


def _fulfil(future: Future[Result], work: Callable[[], Result]) -> None:
    """Do some work, and keep its result or its error."""
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


def _share(training: Training[Model], report: StepCallback) -> Model:
    """Make a training on its share of the threads."""
    with sharing_threads():
        return training(report)


def _wait(records: SimpleQueue[StepRecord | Future[Model]], n_left: int, on_step: StepCallback | None) -> None:
    """Pass records on until all trainings are done, or one has failed: its error is raised."""
    while n_left:
        item = records.get()
        if isinstance(item, Future):
            item.result()
            n_left -= 1
        elif on_step is not None:
            on_step(item)
