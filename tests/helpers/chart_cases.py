"""Forecasts made of plain numbers, to test charts and reports without training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gatecast._utils.deferred import Deferred
from gatecast.data.panel import ColumnNames
from gatecast.data.panel_builder import build_panel
from gatecast.forecasting.baselines import seasonal_naive
from gatecast.results import Evaluation, Forecast, HistoryData, Score

SEASON, TEST = 12, 24


def model_columns(values, levels, model="LSTM"):
    """Return the columns of a model: its values, and intervals that widen."""
    spread = 5.0 + np.arange(len(values))
    table = {model: values}
    for k, level in enumerate(levels, 1):
        table |= {f"{model}-lo-{level}": values - k * spread, f"{model}-hi-{level}": values + k * spread}
    return table


def make_forecast(
    h=12,
    levels=(80, 95),
    target="Passengers",
    names=("",),
    evaluated=True,
    dated=True,
    n=120,
    first="1951-01",
    test=TEST,
    id_col="unique_id",
):
    """Return a forecast of monthly series with a trend and a season, one per name.

    In the test part the error of the model is k + 1 for series k, the error of seasonal naive is 8.
    """
    S, t = len(names), np.arange(n + h)
    y = [200.0 + t + 40 * np.sin(2 * np.pi * t / SEASON) + 10 * k for k in range(S)]
    times = (np.datetime64(first, "M") + t).astype("datetime64[us]") if dated else t
    columns = ColumnNames(None if names == ("",) else id_col, "ds", target)
    ids = None if columns.id is None else np.repeat(np.array(names, object), n)
    values = np.concatenate([series[:n] for series in y])
    panel, _ = build_panel(np.tile(times[:n], S), values, ids, columns=columns)
    order = [0] if columns.id is None else [list(names).index(name) for name in panel.ids]

    def to_table(rows, **others):
        """Return the rows of all series."""
        table = {} if columns.id is None else {columns.id: np.repeat(panel.ids, rows.stop - rows.start)}
        return table | {"ds": np.tile(times[rows], S)} | others

    def concatenate(tables):
        """Return the columns of all series."""
        return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}

    past, future = slice(n - test, n), slice(n, n + h)
    table = to_table(past, **{target: np.concatenate([y[k][past] for k in order])})
    table |= concatenate([model_columns(y[k][past] + k + 1, levels) for k in order])
    table |= {"SeasonalNaive": np.concatenate([y[k][past] - 8 for k in order])}
    scores = (
        Score("LSTM", 4.0, 5.0, 0.5, 50.0, dict.fromkeys(levels, 87.5), 0),
        Score("SeasonalNaive", 8.0, 10.0, 1.0, 0.0, {}),
    )
    sizes = (n - 2 * test, test, test)
    verdict = "On the last 24 rows the LSTM's mean absolute error is 50 % smaller than seasonal naive's (season 12)."
    evaluation = Evaluation(times[n - test - 1], sizes, SEASON, h, scores, table, verdict, columns)
    baseline = {"SeasonalNaive": seasonal_naive(np.stack([y[k][:n] for k in order]), h, SEASON)}
    return Forecast(
        to_table(future, **concatenate([model_columns(y[k][future], levels) for k in order])),
        columns.id,
        "ds",
        target,
        "LSTM",
        levels,
        past=HistoryData(panel, SEASON, Deferred.known(evaluation) if evaluated else None, baseline),
    )


def with_values(forecast, values):
    """Return the forecast with other values of its history."""
    panel = replace(forecast.past.panel, values=np.asarray(values, float))
    return replace(forecast, past=forecast.past._replace(panel=panel))
