"""Series of similar lengths together, for models that are fitted to each series by itself; batches in threads.

Shapes: n_series rows, T columns, h steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import FloatArray, IntArray
from gatecast.kernels.runtime import get_num_threads, sharing_threads

__all__ = ["batches_by_length", "forecast_batches"]

Batch = tuple[IntArray, FloatArray]
"""Positions of rows, and their values without empty columns."""


def batches_by_length(values: FloatArray, size: int) -> list[Batch]:
    """Return rows of similar lengths and their values without empty columns; rows without a value are left out.

    Args:
        values: Series aligned at their ends, [n_series, T].
        size: Rows of a batch, at most.

    Example:
        >>> [(rows.tolist(), x.shape) for rows, x in batches_by_length(np.array([[1.0, 2.0], [np.nan, 1.0]]), 1)]
        [([1], (1, 1)), ([0], (1, 2))]
    """
    n, T = history_lengths(values), values.shape[1]
    order = np.argsort(n, kind="stable")
    order = order[n[order] > 0]
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    return [(rows, values[rows, T - int(n[rows].max()) :]) for rows in parts]


def forecast_batches(
    batches: Sequence[Batch], forecast: Callable[[IntArray, FloatArray], FloatArray], shape: tuple[int, int, int]
) -> FloatArray:
    """Forecast batch by batch, as many of them at a time as the kernels have threads.

    NumPy and the kernels release Python's lock in their loops. Results do not depend on the number of threads, to the
    bit: batches are the same, and each is computed by itself.

    Args:
        batches: Of `batches_by_length`.
        forecast: Returns the quantiles of the rows at these positions with these values, [len(rows), h, Q].
        shape: Of the result, (n_series, h, Q).

    Returns:
        NaN for rows that are in no batch.

    Raises:
        Exception: What the first batch raised that failed.

    Example:
        >>> batches = batches_by_length(np.array([[1.0, 2.0], [np.nan, 1.0], [np.nan, np.nan]]), 1)
        >>> forecast_batches(batches, lambda rows, values: values[:, -1:, None], (3, 1, 1)).ravel().tolist()
        [2.0, 1.0, nan]
    """
    forecasts = np.full(shape, np.nan)
    n_threads = min(len(batches), get_num_threads())
    if n_threads < 2:
        for rows, values in batches:
            forecasts[rows] = forecast(rows, values)
        return forecasts

    def share(batch: Batch) -> FloatArray:
        """Forecast a batch on its share of the threads."""
        with sharing_threads():
            return forecast(*batch)

    executor = ThreadPoolExecutor(n_threads, "gatecast-batches")
    try:
        futures = [executor.submit(copy_context().run, share, batch) for batch in batches]
        for (rows, _), future in zip(batches, futures, strict=True):
            forecasts[rows] = future.result()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    return forecasts
