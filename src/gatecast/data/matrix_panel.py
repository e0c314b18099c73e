"""Build a panel from a matrix: a row of values for each series, all with the same times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray
from gatecast.data.frequency import Freq, Times
from gatecast.data.panel import ColumnNames, Panel
from gatecast.data.panel_builder import build_panel, note_constant_series
from gatecast.data.panel_checks import check_finite, check_values

__all__ = ["build_matrix_panel"]


def build_matrix_panel(
    times: Times,
    values: FloatArray,
    ids: npt.NDArray[Any],
    *,
    freq: Freq | None,
    columns: ColumnNames,
    describe_cell: Callable[[int, int], str],
    trim_ends: bool = False,
) -> tuple[Panel, tuple[str, ...]]:
    """Build a panel of series that share their times; a series begins at its first value.

    Args:
        times: Times without NaT in any order, shape (n_times,).
        values: Values, shape (n_series, n_times); NaN is missing.
        ids: Ids of the series, shape (n_series,).
        freq: Frequency; inferred if None.
        columns: Names of the columns.
        describe_cell: Returns how messages refer to a series and a time.
        trim_ends: Whether a series ends at its last value, rather than at the last time of all.

    Returns:
        The panel, and notes on the data, one sentence each.

    Raises:
        DataError: As `build_panel`.

    >>> x = np.array([[np.nan, 2.0, 3.0], [4.0, np.nan, 6.0]])
    >>> names = ColumnNames("shop")
    >>> panel, _ = build_matrix_panel(np.arange(3), x, np.array(["a", "b"], object), freq=None, columns=names,
    ...     describe_cell="{} {}".format)
    >>> panel.lengths.tolist(), panel.start.tolist(), panel.series(0).tolist()
    ([2, 3], [1, 0], [2.0, 3.0])
    """
    n_times = len(times)
    _check_matrix(times, values, columns, describe_cell)
    # The times of a single series of column numbers show where each column comes to lie on the grid.
    template, notes = build_panel(times, np.arange(float(n_times)), freq=freq, columns=replace(columns, id=None))
    position = template.values
    grid = np.full((len(values), len(position)), np.nan)
    filled = np.flatnonzero(np.isfinite(position))
    grid[:, filled] = values[:, position[filled].astype(np.int64)]
    present = np.isfinite(grid)
    first = np.where(present.any(axis=1), present.argmax(axis=1), 0)
    stop = np.full(len(grid), grid.shape[1])
    if trim_ends:
        stop = np.where(present.any(axis=1), stop - present[:, ::-1].argmax(axis=1), stop)
    steps = np.arange(grid.shape[1])
    inside = (steps >= first[:, None]) & (steps < stop[:, None])
    panel = Panel(
        grid[inside],
        np.concatenate(([0], np.cumsum(stop - first))),
        ids,
        template.freq.at(np.repeat(template.start, len(grid)), first),
        template.freq,
        columns,
    )
    return panel, (*notes, *_note_missing(panel), *note_constant_series(panel))


def _check_matrix(
    times: Times, values: FloatArray, columns: ColumnNames, describe_cell: Callable[[int, int], str]
) -> None:
    """Check that there are two times, finite values, and one value at least."""
    n_times = len(times)

    def describe(i: int) -> str:
        """Refer to a cell by its position in the flat matrix."""
        return describe_cell(i // n_times, i % n_times)

    if n_times < 2 or not np.isfinite(values).any():
        check_values(times, values.ravel()[: max(n_times, 1)], columns, describe)
    if np.isinf(values).any() or np.nanmax(np.abs(values)) > 1e149:
        check_finite(np.tile(times, len(values)), values.ravel(), columns.target, describe)


def _note_missing(panel: Panel) -> Sequence[str]:
    """How many values are missing after the first of each series."""
    n_missing = int(np.isnan(panel.values).sum())
    verb = "is" if n_missing == 1 else "are"
    return (f"{n_missing} of {len(panel.values)} values {verb} missing.",) if n_missing else ()
