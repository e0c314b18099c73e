"""Values that are computed when they are first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar, cast

__all__ = ["Deferred"]

T = TypeVar("T")
R = TypeVar("R")


class Deferred(Generic[T]):
    """A value that is computed when it is first asked for, and then kept.

    What it is computed from is released with that. Pickles and copies have the value. Threads that ask at the same
    time wait for one computation; after an error the next one computes again.

    Args:
        compute: Returns the value.

    Example:
        >>> deferred = Deferred(lambda: print("computed") or 42)
        >>> deferred.value, deferred.value
        computed
        (42, 42)
    """

    def __init__(self, compute: Callable[[], T]) -> None:
        self._compute: Callable[[], T] | None = compute
        self._value: T | None = None
        self._lock = threading.Lock()

    @classmethod
    def known(cls, value: T) -> Deferred[T]:
        """Return one whose value is there."""
        deferred = cls(lambda: value)
        deferred._compute, deferred._value = None, value
        return deferred

    @property
    def value(self) -> T:
        """The value."""
        self.compute()
        return cast(T, self._value)

    def compute(self) -> None:
        """Compute the value now, unless it is there."""
        with self._lock:
            if self._compute is not None:
                self._value, self._compute = self._compute(), None

    def then(self, change: Callable[[T], R]) -> Deferred[R]:
        """Return what a function makes of the value, as deferred as the value is."""
        return Deferred(lambda: change(self.value))

    def __reduce__(self) -> tuple[Callable[[T], Deferred[T]], tuple[T]]:
        return type(self).known, (self.value,)

    def __repr__(self) -> str:
        return "Deferred(not computed yet)" if self._compute is not None else f"Deferred({self._value!r})"
