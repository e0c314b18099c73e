"""A SegRNN as a graph of ONNX, run by onnxruntime: the quantiles of `predict_quantiles` for series of any length."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_runs import assert_close, run, session_of

from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.onnx_files.models import model_quantiles
from gatecast.forecasting.onnx_files.series import SeriesInput
from gatecast.forecasting.segrnn.model import SegRNNConfig, train
from gatecast.nn.onnx_files.builder import Builder
from gatecast.nn.onnx_files.proto import write_onnx


@pytest.mark.parametrize(
    ("config", "horizon"),
    [
        (SegRNNConfig(40, segment_length=6, season_length=6, units=5, level_window=3, max_steps=3), 14),
        (SegRNNConfig(20, segment_length=12, cell="gru", units=5, max_steps=3), 5),
    ],
    ids=["lstm", "gru"],
)
def test_quantiles_in_onnxruntime_are_those_of_predict(config, horizon, tmp_path):
    rng = np.random.default_rng(0)
    values = 50 + np.cumsum(rng.normal(0.1, 1, (8, 200)), axis=1) + 9 * np.sin(np.arange(200) * np.pi / 3)
    values[1, :190], values[2], values[3], values[5] = np.nan, np.nan, values[3] - 60, 4.0
    values[4, rng.random(200) < 0.2] = np.nan
    model = train(PanelContext.from_values(values), Task(horizon, config.season_length), config)
    builder = Builder(17)
    quantiles = model_quantiles(model, SeriesInput.of(builder))
    builder.output("quantiles", quantiles, ("batch", horizon, 5))
    write_onnx(tmp_path / "x.onnx", builder, "model", "", {})
    session = session_of(tmp_path / "x.onnx")
    for part in (values, values[:, -25:], values[:1, -3:]):
        assert_close(run(session, values=part)["quantiles"], model.predict_quantiles(PanelContext.from_values(part)))
