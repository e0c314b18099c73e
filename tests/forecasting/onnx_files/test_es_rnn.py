"""ES-RNNs as graphs of ONNX, run by onnxruntime: the quantiles of `predict_quantiles`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from onnx_cases import N_SERIES, panel
from onnx_runs import assert_close, run, session_of

from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.es_rnn.model import ESRNNConfig, train
from gatecast.forecasting.median import FittedMedian, MedianOf
from gatecast.forecasting.onnx_files.models import model_quantiles
from gatecast.forecasting.onnx_files.series import SeriesInput
from gatecast.nn.onnx_files.builder import Builder
from gatecast.nn.onnx_files.proto import write_onnx


def exported(model, path, horizon):
    """Write the graph of a model; return what runs it."""
    builder = Builder(17)
    quantiles = model_quantiles(model, SeriesInput.of(builder, with_rows=True, with_ends=True))
    builder.output("quantiles", quantiles, ("batch", horizon, 5))
    write_onnx(path, builder, "model", "", {})
    return session_of(path)


def small(**settings):
    """Return a small network that is hardly trained, with smoothing that is."""
    sizes = {"units": 8, "n_origins": 24, "max_steps": 6, "batch_size": 16, "smoothing_learning_rate": 0.3}
    return ESRNNConfig(6, **sizes | settings)


def assert_predicts(session, model, context):
    """Check that a graph gives the quantiles of a model."""
    inputs = {name: getattr(context, name) for name in ("values", "series", "end")}
    assert_close(run(session, **inputs)["quantiles"], model.predict_quantiles(context))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("m", "horizon", "settings"),
    [
        (12, 6, {}),
        (1, 5, {"dilations": (1, 6)}),
        (4, 5, {"n_origins": 200}),
        (5, 60, {}),
        (12, 3, {"median_quantile": 0.45}),
    ],
)
def test_quantiles_in_onnxruntime_are_those_of_predict(m, horizon, settings, tmp_path):
    values = panel(m)
    past = PanelContext.from_values(values)
    model = train(past, Task(horizon, m), small(**settings))
    assert np.ptp(model.smoothing[:, 0]) > 0.01  # series have weights of their own
    session = exported(model, tmp_path / "x.onnx", horizon)
    for n in (150, 60, 30, 7, 2, 1):
        assert_predicts(session, model, past.keep_last(n))
        assert_predicts(session, model, past.drop_last(3).keep_last(n))
    assert_predicts(session, model, past.take(slice(1)))


@pytest.mark.slow
def test_rows_are_smoothed_with_the_parameters_of_their_series_or_the_median_ones(tmp_path):
    values = panel(12)
    past = PanelContext.from_values(values)
    model = train(past, Task(3, 12), small())
    session = exported(model, tmp_path / "x.onnx", 3)
    shuffled = past.take(np.random.default_rng(0).permutation(N_SERIES))
    others = replace(past, series=np.full(N_SERIES, -1))
    later = replace(past, end=past.end + np.arange(N_SERIES))
    for context in (shuffled, others, later):
        assert_predicts(session, model, context)
    assert not np.allclose(model.predict_quantiles(others), model.predict_quantiles(past), equal_nan=True)
    assert not np.allclose(model.predict_quantiles(later), model.predict_quantiles(past), equal_nan=True)


@pytest.mark.slow
def test_median_of_members_in_onnxruntime_is_that_of_predict(tmp_path):
    past = PanelContext.from_values(panel(4))
    members = tuple(train(past, Task(3, 4, seed=k), small()) for k in range(3))
    model = FittedMedian(MedianOf((small(),) * 3), members)
    assert_predicts(exported(model, tmp_path / "x.onnx", 3), model, past)
