"""A forecast made of plain numbers, so that what is said about one can be tested without training."""

import numpy as np
import pytest

from gatecast.cli.forecast_view import Result
from gatecast.results import Evaluation, Forecast, Score

SEASON, TEST = 12, 24


def _table(values, levels):
    spread = 5.0 + np.arange(len(values))
    table = {"LSTM": values}
    for place, level in enumerate(levels, 1):
        table |= {f"LSTM-lo-{level}": values - place * spread, f"LSTM-hi-{level}": values + place * spread}
    return table


@pytest.fixture
def make_result():
    """Ten years of months with a trend and a season; the forecast goes on with both."""

    def make(h=12, levels=(80, 95), target="Passengers", evaluated=True, dated=True, n=120):
        t = np.arange(n + h)
        y = 200.0 + t + 40 * np.sin(2 * np.pi * t / SEASON)
        months = np.datetime64("1951-01") + t
        times = months.astype("datetime64[us]") if dated else t
        naive = y[n - SEASON : n][np.arange(h) % SEASON]
        past = slice(n - TEST, n)
        forecast = Forecast(
            {"unique_id": np.array(["series"] * h, object), "ds": times[n:], **_table(y[n:], levels)},
            time_col="ds",
            target_col=target,
            id_col="unique_id",
            levels=levels,
        )
        scores = (
            Score("LSTM", 4.0, 5.0, 0.5, 50.0, dict.fromkeys(levels, 87.5)),
            Score("SeasonalNaive", 8.0, 10.0, 1.0, 0.0, {}),
        )
        table = {"ds": times[past], "y": y[past], **_table(y[past] + 1, levels), "SeasonalNaive": y[past] - 8}
        evaluation = Evaluation(
            times[n - TEST - 1],
            (n - 2 * TEST, TEST, TEST),
            SEASON,
            h,
            scores,
            table,
            "On the last 24 months the LSTM's error is 50 % smaller than seasonal naive's.",
        )
        return Result(
            file="air.csv",
            unique_id="series",
            freq="MS" if dated else "1",
            times=times[:n],
            values=y[:n],
            season=SEASON,
            forecast=forecast,
            evaluation=evaluation if evaluated else None,
            naive=naive,
            findings=("time column: 'ds', target: 'y'.", "one finding"),
            seed=0,
            seconds=1.25,
        )

    return make
