"""Forecasts that wait for the thread of forecasts at the same time are made together, in one pass of the kernels.

Nobody waits for company: while one pass runs, the next ones gather.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

from gatecast.server.problems import ProblemError

__all__ = ["Batcher"]

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_BATCH = 64
"""Forecasts in a pass, at most: others wait no longer than for these."""


class Batcher(Generic[Item, Result]):
    """Hands what gathers to a function in a thread.

    Args:
        run: Returns a result or an error for each item.
        executor: Of one thread.
        max_waiting: Items that wait, at most; others are refused.
        observe: Is called with the number of items of each pass.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        executor: Executor,
        max_waiting: int,
        observe: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._run, self._executor, self._max_waiting, self._observe = run, executor, max_waiting, observe
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def n_waiting(self) -> int:
        """Items that wait."""
        return len(self._waiting)

    async def submit(self, item: Item) -> Result:
        """Return the result of an item.

        Raises:
            ProblemError: Too many items wait.
            Exception: What went wrong with this item.
        """
        if len(self._waiting) >= self._max_waiting:
            raise ProblemError(
                429,
                "busy",
                "Too many forecasts wait",
                got=f"{len(self._waiting):,}",
                expected=f"at most {self._max_waiting:,}",
                fix="Try again in a second.",
                headers={"Retry-After": "1"},
            )
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await future

    async def drain(self) -> None:
        """Wait until nothing is left to do."""
        while self._task is not None:
            await self._task

    async def _work(self) -> None:
        """Make passes until nothing waits."""
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
                # A caller that has left needs no answer.
                batch = [(item, future) for item, future in batch if not future.done()]
                if batch:
                    await self._pass(batch)
        finally:
            self._task = None

    async def _pass(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        """Make one pass, and hand out what it gives."""
        self._observe(len(batch))
        items = [item for item, _ in batch]
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._executor, self._run, items)
        except Exception as error:
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
