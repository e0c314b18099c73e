"""Numbers that metrics of users accumulate, with the methods that Keras' variables have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

__all__ = ["MetricVariable"]


class MetricVariable(NDArrayOperatorsMixin):
    """A number or an array of a metric, in float64.

    Args:
        value: Its value, also after a reset.
        name: Its name.

    >>> total = MetricVariable(0.0, "total")
    >>> total.assign_add(3.0)
    >>> total / 2, float(total)
    (np.float64(1.5), 3.0)
    """

    def __init__(self, value: Any, name: str = "") -> None:
        self.initial = np.array(value, np.float64)
        self.value: npt.NDArray[np.float64] = self.initial.copy()
        self.name = name

    def assign(self, value: Any) -> None:
        """Set the value."""
        self.value = np.broadcast_to(np.asarray(value, np.float64), self.value.shape).copy()

    def assign_add(self, value: Any) -> None:
        """Add to the value."""
        self.assign(self.value + np.asarray(value))

    def assign_sub(self, value: Any) -> None:
        """Subtract from the value."""
        self.assign(self.value - np.asarray(value))

    def numpy(self) -> npt.NDArray[np.float64]:
        """Return the value."""
        return self.value

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.value, dtype) if copy or dtype is not None else self.value

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        values = [value.value if isinstance(value, MetricVariable) else value for value in inputs]
        if isinstance(target := (options.pop("out", None) or (None,))[0], MetricVariable):
            target.assign(getattr(ufunc, method)(*values, **options))
            return target
        return getattr(ufunc, method)(*values, **options)

    def __getitem__(self, index: Any) -> Any:
        return self.value[index]

    def __len__(self) -> int:
        return len(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __format__(self, spec: str) -> str:
        return format(float(self.value), spec) if self.value.ndim == 0 else format(self.value, spec)

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        return f"<MetricVariable {self.name} {self.value}>"
