"""Forecasts made of plain numbers, so that what is drawn of one can be tested without training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gatecast.data.panel import ColumnNames
from gatecast.data.panel_builder import build_panel
from gatecast.results import Evaluation, Forecast, HistoryData, Score

SEASON, TEST = 12, 24


def told(values, levels, model="LSTM"):
    """A model's columns: its values, and intervals that get wider."""
    spread = 5.0 + np.arange(len(values))
    table = {model: values}
    for place, level in enumerate(levels, 1):
        table |= {f"{model}-lo-{level}": values - place * spread, f"{model}-hi-{level}": values + place * spread}
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
):
    """Ten years of months with a trend and a season, of each name; the forecast goes on with both.

    The model is off by k + 1 in the test part of series k, seasonal naive by 8.
    """
    S, t = len(names), np.arange(n + h)
    y = [200.0 + t + 40 * np.sin(2 * np.pi * t / SEASON) + 10 * k for k in range(S)]
    times = (np.datetime64(first, "M") + t).astype("datetime64[us]") if dated else t
    id_col = None if names == ("",) else "unique_id"
    ids = None if id_col is None else np.repeat(np.array(names, object), n)
    panel, _ = build_panel(
        np.tile(times[:n], S), np.concatenate([one[:n] for one in y]), ids, columns=ColumnNames(id_col, "ds", target)
    )
    past, ahead = slice(n - test, n), slice(n, n + h)
    order = [list(names).index(one) for one in panel.ids] if id_col else [0]

    def columns(part, **beside):
        """The rows of all series."""
        own = {} if id_col is None else {id_col: np.repeat(panel.ids, part.stop - part.start)}
        return own | {"ds": np.tile(times[part], S)} | beside

    many = [told(y[k][past] + k + 1, levels) for k in order]
    simple = {"SeasonalNaive": np.concatenate([y[k][past] - 8 for k in order])}
    table = columns(past, **{target: np.concatenate([y[k][past] for k in order])})
    table |= {name: np.concatenate([one[name] for one in many]) for name in many[0]} | simple
    scores = (
        Score("LSTM", 4.0, 5.0, 0.5, 50.0, dict.fromkeys(levels, 87.5), 0),
        Score("SeasonalNaive", 8.0, 10.0, 1.0, 0.0, {}),
    )
    sizes = (n - 2 * test, test, test)
    verdict = "On the last 24 rows the LSTM's mean absolute error is 50 % smaller than seasonal naive's (season 12)."
    evaluation = Evaluation(times[n - test - 1], sizes, SEASON, h, scores, table, verdict)
    ends = [told(y[k][ahead], levels) for k in order]
    whole = columns(ahead, **{name: np.concatenate([one[name] for one in ends]) for name in ends[0]})
    return Forecast(
        whole, id_col, "ds", target, "LSTM", levels, past=HistoryData(panel, SEASON, evaluation if evaluated else None)
    )


def with_values(forecast, values):
    """The same with another past of its only series."""
    panel = replace(forecast.past.panel, values=np.asarray(values, float))
    return replace(forecast, past=forecast.past._replace(panel=panel))
