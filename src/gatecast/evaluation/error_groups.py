"""Errors of groups of series or of values: how large they are compared with a simple forecast's, and how one-sided.

Shapes: N rows of a test part, S series, G groups.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.panel import Panel
from gatecast.forecasting.scaling import to_matrix
from gatecast.metrics.scale import seasonal_naive_scale
from gatecast.results import Evaluation

__all__ = ["GroupErrors", "RowErrors", "group_errors", "row_errors", "series_groups", "thirds"]

MAX_GROUPS = 30
"""Groups of a column, at most: more are no summary."""

MAX_NUMBERS = 10
"""Different numbers of a static column that are groups."""


class RowErrors(NamedTuple):
    """Forecasts and actual values of the test part, row by row.

    Args:
        error: Forecast less actual value [N]; NaN where unknown.
        baseline: The same of the baseline [N].
        actual: Actual values [N].
        unit: Mean absolute seasonal change of the series before the test part [N]; NaN for constants.
        series: Series of each row [N].
        step: Steps ahead of each row, from 0 [N].
    """

    error: FloatArray
    baseline: FloatArray
    actual: FloatArray
    unit: FloatArray
    series: IntArray
    step: IntArray


class GroupErrors(NamedTuple):
    """Errors of groups, one value each; NaN where unknown.

    Args:
        n: Rows with a known error [G].
        mae: Mean absolute error [G].
        mase: The same in units of the series [G].
        skill: ``100 (1 - error / error of the baseline)``, in units of the series where these are known [G].
        bias: Sum of the errors in percent of that of the absolute values [G]: positive where forecasts are too high.
    """

    n: IntArray
    mae: FloatArray
    mase: FloatArray
    skill: FloatArray
    bias: FloatArray


def row_errors(panel: Panel, evaluation: Evaluation) -> RowErrors:
    """Return the errors of the test part.

    Args:
        panel: The series, test part included.
        evaluation: Evaluation of all of them.
    """
    n_test, rows = evaluation.split_sizes[2], evaluation.series()
    lengths = np.minimum(panel.lengths, n_test)
    series = np.repeat(np.arange(len(panel)), lengths)
    starts = np.cumsum(lengths) - lengths
    position = np.arange(len(series)) - np.repeat(starts, lengths) + np.repeat(n_test - lengths, lengths)
    actual = np.asarray(rows.table[rows.target_col], float)
    unit = seasonal_naive_scale(to_matrix(panel)[:, :-n_test], evaluation.season_length)
    baseline = rows.baseline()
    simple = np.asarray(rows.table[baseline], float) - actual if baseline else np.full(len(actual), np.nan)
    error = np.asarray(rows.table[rows.model], float) - actual
    return RowErrors(error, simple, actual, unit[series], series, position % evaluation.horizon)


def group_errors(rows: RowErrors, group: IntArray, n_groups: int) -> GroupErrors:
    """Return the errors of groups of rows.

    Args:
        rows: Errors.
        group: Group of each row, from 0; -1 for none [N].
        n_groups: Number of groups.

    Example:
        >>> ones = np.ones(4)
        >>> rows = RowErrors(ones * [1, 1, -2, -2], 2 * ones, 10 * ones, ones, np.arange(4), np.zeros(4, int))
        >>> errors = group_errors(rows, np.array([0, 0, 1, 1]), 2)
        >>> errors.mae.tolist(), errors.skill.tolist(), errors.bias.tolist()
        ([1.0, 2.0], [50.0, 0.0], [10.0, -20.0])
    """
    known = np.isfinite(rows.error) & (group >= 0)
    scaled = known & np.isfinite(rows.unit) & (rows.unit > 0)

    def total(values: FloatArray, mask: BoolArray) -> FloatArray:
        """Return the sums of some values by group."""
        return np.bincount(group[mask], values[mask], n_groups).astype(np.float64)

    n, n_scaled = (np.bincount(group[mask], minlength=n_groups) for mask in (known, scaled))
    absolute, simple = np.abs(rows.error), np.abs(rows.baseline)
    unit = np.where(scaled, rows.unit, 1.0)
    compared, in_units = known & np.isfinite(simple), scaled & np.isfinite(simple)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = total(absolute / unit, in_units) / total(simple / unit, in_units)
        plain = total(absolute, compared) / total(simple, compared)
        return GroupErrors(
            n,
            total(absolute, known) / n,
            total(absolute / unit, scaled) / n_scaled,
            100 * (1 - np.where(np.isfinite(ratio), ratio, plain)),
            100 * total(rows.error, known) / total(np.abs(rows.actual), known),
        )


def thirds(values: FloatArray) -> IntArray:
    """Return the third of each value: 0 small, 1 medium, 2 large; -1 for NaN.

    Example:
        >>> thirds(np.array([5.0, 1.0, 3.0, np.nan])).tolist()
        [2, 0, 1, -1]
    """
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), -1)
    edges = np.quantile(values[known], [1 / 3, 2 / 3])
    return np.where(known, np.searchsorted(edges, np.where(known, values, 0.0), side="left"), -1)


def series_groups(panel: Panel) -> dict[str, tuple[list[str], IntArray]]:
    """Return the groups of series that the data names: values of id columns and of static columns.

    Columns that tell no series apart, or nearly all of them, are left out.

    Returns:
        By column: names of the groups, and the group of each series [S]; -1 for none.

    Example:
        >>> from dataclasses import replace
        >>> from gatecast.data.panel_builder import build_panel
        >>> ids = np.array(["a", "a", "b", "b", "c", "c"], object)
        >>> panel, _ = build_panel(np.tile(np.arange(2), 3), np.ones(6), ids)
        >>> series_groups(replace(panel, stat_exog={"size": np.array([1.0, 1.0, 2.0])}))
        {'size': (['1', '2'], array([0, 0, 1]))}
    """
    columns: dict[str, list[str]] = {name: [str(v) for v in column.tolist()] for name, column in panel.keys.items()}
    for name, column in panel.stat_exog.items():
        known = np.isfinite(column)
        categories = panel.categories.get(name)
        if categories is None and len(np.unique(column[known])) > MAX_NUMBERS:
            continue
        write = "{:g}".format if categories is None else lambda k, of=categories: of[int(k)]
        columns[name] = [write(value) if ok else "" for value, ok in zip(column.tolist(), known.tolist(), strict=True)]
    groups = {}
    for name, texts in columns.items():
        names = sorted({text for text in texts if text})
        if 1 < len(names) <= MAX_GROUPS and 2 * len(names) <= len(texts) + 1:
            place = {text: k for k, text in enumerate(names)} | {"": -1}
            groups[name] = (names, np.array([place[text] for text in texts]))
    return groups
