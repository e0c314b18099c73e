"""Tables of texts: scores, forecasts, which terminal and page only lay out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.formatting import format_times, number_formatter
from gatecast.plotting.charts import BASELINES, ForecastSeries
from gatecast.results import Evaluation

__all__ = ["TextTable", "forecast_grid", "number", "score_grid"]


class TextTable(NamedTuple):
    """A table of texts; the first column is flush left, the others flush right."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def score_grid(evaluation: Evaluation) -> TextTable:
    """Errors on the test part, a row a model."""
    scores = evaluation.scores
    levels = sorted({level for score in scores for level in score.coverage})
    columns = [number_formatter(np.array([getattr(score, name) for score in scores])) for name in ("mae", "rmse")]
    several = any(score.n_worse > 1 for score in scores)
    header = ("model", "MAE", "RMSE", "MASE", "skill", *(f"in {level:g} %" for level in levels))
    header += ("loses on",) * several
    rows = []
    for score in scores:
        cells = [write(value) for write, value in zip(columns, (score.mae, score.rmse), strict=True)]
        cells += [
            number(score.mase, "{:.3f}"),
            number(score.skill, "{:+.1f} %" if score.skill else "{:.0f} %"),
        ]
        cells += [number(score.coverage.get(level, np.nan), "{:.0f} %") for level in levels]
        cells += [f"{score.n_worse:,}"] * several
        rows.append((BASELINES.get(score.model, score.model), *cells))
    return TextTable(header, rows)


def forecast_grid(said: ForecastSeries, unit: str = "") -> TextTable:
    """A forecast with its intervals, a row a step.

    Args:
        said: The forecast of one series.
        unit: How fine times are written; see `texts.time_texts`.

    >>> table = {"ds": np.arange(1), "LSTM": np.ones(1), "LSTM-lo-80": np.zeros(1), "LSTM-hi-80": np.full(1, 2.0)}
    >>> forecast_grid(Said(table, "LSTM", (80,), "ds", 1)).take
    [('0', '1.000', '0.000 to 2.000')]
    """
    mean = said.table[said.model]
    sides = [
        (said.table[f"{said.model}-lo-{level:g}"], said.table[f"{said.model}-hi-{level:g}"]) for level in said.levels
    ]
    write = number_formatter(np.concatenate([mean, *(bound for pair in sides for bound in pair)]))
    columns = [format_times(said.times, unit=unit), [write(value) for value in mean]]
    for low, high in sides:
        columns.append([f"{write(a)} to {write(b)}" for a, b in zip(low, high, strict=True)])
    header = (said.time_col, said.model, *(f"{level:g} %" for level in said.levels))
    return TextTable(header, list(zip(*columns, strict=True)))


def number(value: float, form: str) -> str:
    """A number in a form, or a dash.

    >>> number(0.5, "{:.1f}"), number(float("nan"), "{:.1f}")
    ('0.5', '-')
    """
    return form.format(value) if np.isfinite(value) else "-"
