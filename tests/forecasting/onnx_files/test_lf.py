"""The pretrained network of low frequency as a graph of ONNX, run by onnxruntime: forecasts, streams, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_runs import assert_close, run, session_of, zero_states

from gatecast.errors import ConfigError
from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.onnx_files.models import check_exported, model_quantiles
from gatecast.forecasting.onnx_files.pretrained import carries_state
from gatecast.forecasting.onnx_files.series import SeriesInput
from gatecast.forecasting.pretrained.model import Pretrained, PretrainedLF
from gatecast.nn.onnx_files.builder import Builder
from gatecast.nn.onnx_files.proto import write_onnx


def panel(m, n, T, seed=5):
    """Return series of many kinds: short, with gaps, negative, constant, empty, counts, with a season of m steps."""
    rng = np.random.default_rng(seed)
    values = 100 + np.cumsum(rng.normal(0.2, 1, (n, T)), axis=1)
    values *= np.exp(0.3 * np.sin(np.arange(T) * 2 * np.pi / max(m, 2)))
    values[3:5] -= values[3:5].mean(axis=1, keepdims=True)
    values[8:11], values[11] = rng.poisson(0.6, (3, T)), rng.poisson(3, T) * 1.5
    values[9, : T - 40] = values[2, : T - 20] = 0.0  # not begun
    for row in values[12:]:
        row[: rng.integers(0, T - 3)] = np.nan
    values[rng.random(values.shape) < 0.05] = np.nan
    values[5], values[6], values[7] = np.nan, 7.0, 0.0
    return values


def exported(model, path, horizon, *, state=False):
    """Write the graph of a model; return what runs it."""
    builder = Builder(17)
    quantiles = model_quantiles(model, SeriesInput.of(builder, carries_state=state))
    builder.output("quantiles", quantiles, ("batch", horizon, 5))
    write_onnx(path, builder, "model", "", {})
    return session_of(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "m", "horizon"),
    [
        (Pretrained(), 1, 5),
        (Pretrained(), 12, 12),
        (Pretrained(), 4, 30),
        (Pretrained(), 52, 50),
        (Pretrained(), 12, 100),
        (PretrainedLF(), 7, 3),
        (PretrainedLF(), 365, 3),
    ],
)
def test_quantiles_in_onnxruntime_are_those_of_predict(config, m, horizon, tmp_path):
    values = panel(m, 20, 200)
    model = config.fit(PanelContext.from_values(values), Task(horizon, m))
    session = exported(model, tmp_path / "x.onnx", horizon)
    for part in (values, values[:, -30:], values[:1, -150:], values[:, -1:]):
        expected = model.predict_quantiles(PanelContext.from_values(part))
        assert_close(run(session, values=part)["quantiles"], expected)


@pytest.mark.slow
@pytest.mark.parametrize(("m", "horizon"), [(12, 12), (1, 30), (4, 60)])
def test_steps_in_onnxruntime_are_those_of_a_stream(m, horizon, tmp_path):
    values = panel(m, 14, 203)
    values[13, :195] = np.nan  # begins within the stream
    model = Pretrained().fit(PanelContext.from_values(values), Task(horizon, m))
    session = exported(model, tmp_path / "x.onnx", horizon, state=True)
    state, carried = zero_states(session, len(values)), None
    for t in range(190, 203):
        expected, carried = model.step_quantiles(PanelContext.from_values(values[:, :t]), carried)
        outputs = run(session, values=values[:, :t][:, -176:], **state)
        assert_close(outputs.pop("quantiles"), expected)
        state = {name.removesuffix(".next"): value for name, value in outputs.items()}
        for name in ("length", "limit"):
            np.testing.assert_array_equal(state[name], carried[name])


@pytest.mark.parametrize(
    ("config", "task", "carries"),
    [
        (Pretrained(), Task(3, 12), True),
        (PretrainedLF(), Task(3, 7), True),
        (Pretrained(), Task(3, 7), False),
        (PretrainedLF(), Task(3, 24), False),
        (PretrainedLF(), Task(3, 12, seasons=(4, 12)), False),
    ],
)
def test_state_is_carried_where_all_series_have_low_frequency_and_one_season(config, task, carries):
    model = config.fit(PanelContext.from_values(np.ones((1, 5))), task)
    assert carries_state(model) == carries
    if not carries:
        with pytest.raises(ConfigError, match=r"reads the past anew at every step for these series. Leave state=True"):
            check_exported(model, config.name, state=True)
    else:
        check_exported(model, config.name, state=True)
