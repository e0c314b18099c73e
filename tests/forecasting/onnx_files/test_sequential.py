"""A user's network that forecasts, as a graph of ONNX run by onnxruntime: the quantiles of `predict_quantiles`."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_runs import assert_close, run, session_of

from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.onnx_files.models import model_quantiles
from gatecast.forecasting.onnx_files.series import SeriesInput
from gatecast.forecasting.sequential_model.model import SequentialConfig, train
from gatecast.layers import LSTM, Dense, Input, QuantileHead
from gatecast.models import Sequential
from gatecast.nn.onnx_files.builder import Builder
from gatecast.nn.onnx_files.proto import write_onnx


@pytest.mark.parametrize(
    ("layers", "T"),
    [
        ([LSTM(4), Dense(3)], 60),
        ([Input((8, 1)), LSTM(4), Dense(15), QuantileHead(5)], 60),
        ([Input((16,)), Dense(4, "relu"), Dense(3)], 60),
        ([LSTM(4), Dense(15), QuantileHead(5)], 3),  # no target of the third step
    ],
    ids=["points", "quantiles", "flat", "short"],
)
def test_quantiles_in_onnxruntime_are_those_of_predict(layers, T, tmp_path):
    rng = np.random.default_rng(0)
    values = 50 + np.cumsum(rng.normal(0.1, 1, (6, T)), axis=1) + 9 * np.sin(np.arange(T) * np.pi / 2)
    values[1, : T - 2], values[2], values[3] = np.nan, np.nan, values[3] - 60
    values[4, rng.random(T) < 0.2] = np.nan
    config = SequentialConfig(Sequential(layers), 8, season_length=4, max_steps=3, batch_size=16)
    model = train(values, Task(3, 4), config)
    builder = Builder(17)
    quantiles = model_quantiles(model, SeriesInput.of(builder))
    builder.output("quantiles", quantiles, ("batch", 3, 5))
    write_onnx(tmp_path / "x.onnx", builder, "model", "", {})
    session = session_of(tmp_path / "x.onnx")
    for part in (values, values[:, -10:], values[:1, -1:]):
        assert_close(run(session, values=part)["quantiles"], model.predict_quantiles(PanelContext.from_values(part)))
