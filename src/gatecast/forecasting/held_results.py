"""What models compute once for several forecasts: held while one call fits, scores and forecasts the same series.

A model may read the whole series ahead and answer for its earlier origins from that, where what it knows at a step
depends on the values up to it alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, runtime_checkable

from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext

__all__ = ["ReadsAhead", "held_results", "holding_results"]

_HELD: ContextVar[dict[Hashable, Any] | None] = ContextVar("held_results", default=None)


@runtime_checkable
class ReadsAhead(Protocol):
    """A config of a model that answers for earlier origins of a series from what it read of the whole."""

    def read_ahead(self, context: PanelContext, task: Task) -> None:
        """Add to `held_results` what later forecasts of these series, and from their earlier origins, need."""


@contextmanager
def holding_results() -> Iterator[None]:
    """Hold results until the outermost of such blocks ends.

    Example:
        >>> with holding_results():
        ...     held_results()["a"] = 1
        ...     with holding_results():
        ...         print(held_results())
        {'a': 1}
        >>> held_results() is None
        True
    """
    if _HELD.get() is not None:
        yield
        return
    token = _HELD.set({})
    try:
        yield
    finally:
        _HELD.reset(token)


def held_results() -> dict[Hashable, Any] | None:
    """Return what is held, to read and to add to; None outside of `holding_results`."""
    return _HELD.get()
