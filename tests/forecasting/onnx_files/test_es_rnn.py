"""ES-RNNs as graphs of ONNX, run by onnxruntime: the quantiles of `predict_quantiles`."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_runs import assert_close, odd_panel, run, session_of

from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.es_rnn.model import ESRNNConfig, train
from gatecast.forecasting.onnx_files.models import model_quantiles
from gatecast.forecasting.onnx_files.series import SeriesInput
from gatecast.nn.onnx_files.builder import Builder
from gatecast.nn.onnx_files.proto import write_onnx

EARLIER = 10
"""Columns that are held back in training."""


def exported(model, path):
    """Write the graph of a model; return what runs it."""
    builder = Builder(17)
    quantiles = model_quantiles(model, SeriesInput.of(builder, with_positions=True))
    builder.output("quantiles", quantiles, ("batch", model.horizon, 5))
    write_onnx(path, builder, "model", "", {})
    return session_of(path)


def small(**settings):
    """Return a small network that is hardly trained."""
    return ESRNNConfig(5, **{"units": 6, "n_origins": 24, "max_steps": 4, "batch_size": 16} | settings)


def context_of(values, series, since_fit):
    """Return series that are those of a panel at other times, or are not of it."""
    past = PanelContext.from_values(values)
    n = len(values)
    return PanelContext(
        values=values,
        series=np.broadcast_to(series, n),
        end=np.broadcast_to(since_fit, n),
        last_step=past.last_step,
        futr_exog=past.futr_exog,
        hist_exog=past.hist_exog,
        stat_exog=past.stat_exog,
    )


@pytest.mark.parametrize(
    ("m", "horizon", "settings"),
    [
        (12, 6, {"dilations": (1, 3, 6)}),
        (1, 5, {}),
        (4, 5, {"level_penalty": 0.1}),
        (24, 30, {"dilations": (1, 4, 24)}),
    ],
)
def test_quantiles_in_onnxruntime_are_those_of_predict(m, horizon, settings, tmp_path):
    values = odd_panel(m)
    past = PanelContext.from_values(values[:, :-EARLIER])
    model = train(past, Task(horizon, m), small(**settings))
    session = exported(model, tmp_path / "x.onnx")
    n = len(values)
    rng = np.random.default_rng(1)
    cases = [
        (values[:, :-EARLIER], np.arange(n), 0),
        (values, rng.permutation(n), EARLIER),
        (values[:, -45:], np.full(n, -1), rng.integers(-3, 30, n)),
        (values[:, -7:], rng.integers(-1, n, n), rng.integers(0, 99, n)),
        (values[:1], np.array([3]), 1),
        (values[:, -1:], np.arange(n), EARLIER),
    ]
    for part, series, since_fit in cases:
        context = context_of(part, np.asarray(series), np.asarray(since_fit))
        found = run(session, values=part, series=context.series, since_fit=context.end)["quantiles"]
        assert_close(found, model.predict_quantiles(context))


def test_series_without_a_value_has_no_forecast(tmp_path):
    values = odd_panel(1)
    model = train(PanelContext.from_values(values), Task(3), small())
    found = run(exported(model, tmp_path / "x.onnx"), values=np.full((1, 30), np.nan), series=[-1], since_fit=[0])
    assert np.isnan(found["quantiles"]).all()
