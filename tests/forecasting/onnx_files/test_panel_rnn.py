"""Panel RNNs as graphs of ONNX, run by onnxruntime: the quantiles of `predict_quantiles`."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import panel
from onnx_runs import assert_close, run, session_of

from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.median import FittedMedian, MedianOf
from gatecast.forecasting.onnx_files.models import model_quantiles
from gatecast.forecasting.onnx_files.series import SeriesInput
from gatecast.forecasting.panel_rnn.model import CELLS, LSTMConfig, train
from gatecast.nn.onnx_files.builder import Builder
from gatecast.nn.onnx_files.proto import write_onnx


def exported(model, path, horizon, calendar=None):
    """Write the graph of a model; return what runs it."""
    builder = Builder(17)
    quantiles = model_quantiles(model, SeriesInput.of(builder, calendar=calendar))
    builder.output("quantiles", quantiles, ("batch", horizon, 5))
    write_onnx(path, builder, "model", "", {})
    return session_of(path)


def small(config, m, **settings):
    """Return a small network that is hardly trained."""
    sizes = {"units": 8, "n_origins": 24, "max_steps": 4, "batch_size": 16, "season_length": m}
    return config(6, **sizes | {"level_window": 3, "level_position_weight": 1.0} | settings)


@pytest.mark.parametrize(
    ("config", "m", "stride", "horizon"),
    [
        *((config, 12, 1, 6) for config in CELLS.values()),
        (LSTMConfig, 1, 1, 5),
        (LSTMConfig, 4, 2, 5),
        (LSTMConfig, 5, 3, 60),
        (LSTMConfig, 56, 1, 3),
    ],
)
def test_quantiles_in_onnxruntime_are_those_of_predict(config, m, stride, horizon, tmp_path):
    values = panel(m)
    model = train(PanelContext.from_values(values), Task(horizon, m), small(config, m, stride=stride))
    session = exported(model, tmp_path / "x.onnx", horizon)
    for part in (values, values[:, -30:], values[:, -7:], values[:1], values[:, -1:]):
        expected = model.predict_quantiles(PanelContext.from_values(part))
        assert_close(run(session, values=part)["quantiles"], expected)


@pytest.mark.parametrize("n_members", [2, 3])
def test_median_of_members_in_onnxruntime_is_that_of_predict(n_members, tmp_path):
    past = PanelContext.from_values(panel(4))
    config = small(LSTMConfig, 4)
    members = tuple(train(past, Task(3, 4, seed=k), config) for k in range(n_members))
    model = FittedMedian(MedianOf((config,) * n_members), members)
    session = exported(model, tmp_path / "x.onnx", 3)
    assert_close(run(session, values=past.values)["quantiles"], model.predict_quantiles(past))


@pytest.mark.parametrize(("days", "first"), [(7, "2016-12-25"), (1, "2016-03-03")])
def test_season_that_is_counted_by_dates_reads_the_date_of_the_newest_value(days, first, tmp_path):
    rng = np.random.default_rng(0)
    m, n = (52, 280) if days == 7 else (365, 1200)
    values = np.exp(4 + 0.3 * np.sin(np.arange(n) * 2 * np.pi * days / 365.25) + rng.normal(0, 0.05, (3, n)))
    values[1, 50:70] = np.nan
    last = np.datetime64(first) + days * np.array([n, n + 3, n - 9])
    calendar = SeasonCalendar(last, days)
    past = PanelContext.from_values(values)
    past = PanelContext(**{name: getattr(past, name) for name in FIELDS}, calendar=calendar)
    model = train(past, Task(8, m), small(LSTMConfig, m))
    session = exported(model, tmp_path / "x.onnx", 8, calendar)
    dates = last.astype("M8[D]").astype(np.int64)
    assert_close(run(session, values=values, last_date=dates)["quantiles"], model.predict_quantiles(past))


FIELDS = ("values", "series", "end", "last_step", "futr_exog", "hist_exog", "stat_exog")


def test_series_without_value_among_those_that_are_read_has_no_forecast(tmp_path):
    past = panel(1)
    config = small(LSTMConfig, 1)
    model = train(PanelContext.from_values(past), Task(3), config)
    values = np.full((1, 200), np.nan)
    values[0, :5] = 3.0
    assert np.isnan(model.predict_quantiles(PanelContext.from_values(values))).all()
    assert np.isnan(run(exported(model, tmp_path / "x.onnx", 3), values=values)["quantiles"]).all()
