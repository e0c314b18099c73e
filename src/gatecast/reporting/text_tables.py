"""Tables of texts, which the terminal and the report lay out: scores and forecasts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.formatting import format_times, number_formatter
from gatecast.plotting.charts import ForecastSeries
from gatecast.results import Evaluation, score_rows

__all__ = ["TextTable", "forecast_table", "score_table"]


class TextTable(NamedTuple):
    """A table of texts; the first column is left-aligned, the others are right-aligned."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def score_table(evaluation: Evaluation) -> TextTable:
    """Return the errors on the test part, one row per model."""
    return TextTable(*score_rows(evaluation.scores))


def forecast_table(forecast: ForecastSeries, time_unit: str = "") -> TextTable:
    """Return a forecast with its intervals, one row per step.

    Args:
        forecast: Forecast of one series.
        time_unit: Resolution of the times; see `format_times`.

    Example:
        >>> columns = {"ds": np.arange(1), "LSTM": np.ones(1), "LSTM-lo-80": np.zeros(1), "LSTM-hi-80": np.full(1, 2.0)}
        >>> forecast_table(ForecastSeries(columns, "LSTM", (80,), "ds", 1)).rows
        [('0', '1.000', '0.000 to 2.000')]
    """
    table, model = forecast.table, forecast.model
    bounds = [(table[f"{model}-lo-{level:g}"], table[f"{model}-hi-{level:g}"]) for level in forecast.levels]
    to_text = number_formatter(np.concatenate([table[model], *(side for pair in bounds for side in pair)]))
    columns = [format_times(forecast.times, unit=time_unit), [to_text(value) for value in table[model]]]
    columns += [[f"{to_text(a)} to {to_text(b)}" for a, b in zip(low, high, strict=True)] for low, high in bounds]
    header = (forecast.time_col, model, *(f"{level:g} %" for level in forecast.levels))
    return TextTable(header, list(zip(*columns, strict=True)))
