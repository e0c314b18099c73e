"""The pretrained network of high frequency as a graph of ONNX, run by onnxruntime: choices, forecasts, whole models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from onnx_runs import assert_close, run, session_of

from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.onnx_files.hf import Limits, hf_quantiles
from gatecast.forecasting.onnx_files.models import model_quantiles
from gatecast.forecasting.onnx_files.network_choice import choose_networks, low_seasons, season_pairs
from gatecast.forecasting.onnx_files.series import SeriesInput
from gatecast.forecasting.pretrained.choice import choose_networks as expected_choice
from gatecast.forecasting.pretrained.choice import low_frequency
from gatecast.forecasting.pretrained.hf.predict import predict_quantiles
from gatecast.forecasting.pretrained.model import Pretrained
from gatecast.forecasting.pretrained.released import WEIGHTS, load_released
from gatecast.nn.onnx_files.builder import Builder
from gatecast.nn.onnx_files.proto import write_onnx

N_SERIES = 14


def panel(m, T, seed=5):
    """Return series of many kinds: short, with gaps, ending in a gap, negative, constant, empty, counts, rare, tiny."""
    rng = np.random.default_rng(seed)
    values = 100 + np.cumsum(rng.normal(0.02, 1, (N_SERIES, T)), axis=1)
    week = 1 + 0.5 * (np.arange(T) // m % 7 == 5)
    values += 30 * np.sin(np.arange(T) * 2 * np.pi / m) * week
    values[2] = 50 + 20 * np.sin(np.arange(T) * 2 * np.pi / (1.5 * m)) + rng.normal(0, 0.1, T)
    values[3:5] -= values[3:5].mean(axis=1, keepdims=True)
    values[8], values[10] = rng.poisson(0.6, T), -values[0]
    values[9] = 2.0**29 * (rng.random(T) < 0.5 / m)
    values[4, : T // 2] *= 1e-40
    for row in values[11:]:
        row[: rng.integers(0, T - 3)] = np.nan
    values[rng.random(values.shape) < 0.05] = np.nan
    values[5], values[6], values[7] = np.nan, 7.0, 0.0
    values[1, -20:] = np.nan
    return values


def released_high():
    """Return layers and weights of the network of high frequency."""
    released = load_released(WEIGHTS["hf"])
    return released.network, released.weights


@pytest.fixture(scope="module")
def high(tmp_path_factory):
    """Return what runs the network of high frequency with any of many pairs of seasons."""
    builder = Builder(17)
    season, long = (builder.input(name, np.int64, (1,)) for name in ("season", "long"))
    limits = Limits.of([(5, 0), (7, 365), (48, 336), (96, 672), (1440, 0)], HORIZON)
    values = SeriesInput.of(builder).values
    quantiles = hf_quantiles(released_high(), values, season, long, HORIZON, limits)
    builder.output("quantiles", quantiles, ("batch", HORIZON, 13))
    path = tmp_path_factory.mktemp("hf") / "x.onnx"
    write_onnx(path, builder, "model", "", {})
    return session_of(path)


HORIZON = 30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("season", "long", "T"),
    [(5, 0, 90), (7, 0, 300), (7, 365, 900), (24, 168, 700), (30, 168, 300), (48, 336, 900), (96, 672, 2500)],
)
def test_quantiles_in_onnxruntime_are_those_of_predict_for_any_pair_of_seasons(high, season, long, T):
    values = panel(season, T)
    released = load_released(WEIGHTS["hf"])
    observed = np.isfinite(values)
    length = observed.any(axis=1) * (T - observed.argmax(axis=1))
    values = values[length >= 2 * season]
    for part in (values, values[:, -T // 2 :][[0, 1, 3]], values[:1]):
        expected = predict_quantiles(released.network, released.weights, part, HORIZON, season, long)
        assert_close(run(high, values=part, season=[season], long=[long])["quantiles"], expected)


@pytest.mark.parametrize(
    "task",
    [
        Task(24, 24, seasons=(24, 168)),
        Task(9, 96),
        Task(9, 7, seasons=(7, 365)),
        Task(9, 365),
        Task(9, 60, seasons=(60, 1440)),
        Task(9, 12, seasons=(4, 12)),
        Task(9, 168),
        Task(9, calendar_season=7),
        Task(9, calendar_season=48),
    ],
    ids=str,
)
@pytest.mark.parametrize("only_low", [False, True])
def test_choice_in_onnxruntime_is_that_of_each_series(task, only_low, tmp_path):
    builder = Builder(17)
    choice = choose_networks(SeriesInput.of(builder), task, only_low=only_low)
    for name, part in zip(choice._fields, choice, strict=True):
        builder.output(name, part, ("batch",))
    write_onnx(tmp_path / "x.onnx", builder, "choice", "", {})
    session = session_of(tmp_path / "x.onnx")
    values = panel(min(task.season_length, 24), 1700)
    values[13, -760:-1] = values[13, :759]
    seen = set()
    for part in (values, *(values[:, -n:] for n in (600, 97, 60, 49, 47, 40, 3))):
        expected = low_frequency(part, task) if only_low else expected_choice(part, task)
        found = run(session, values=part)
        for name, wanted in zip(expected._fields, expected, strict=True):
            np.testing.assert_array_equal(found[name], wanted, err_msg=name)
        seen |= set(zip(*(column.tolist() for column in expected), strict=True))
    # What the graph of a model is made for is all that series choose.
    assert {(m, long) for is_hf, m, long in seen if is_hf} <= set(season_pairs(task))
    assert {m for is_hf, m, _ in seen if not is_hf} <= set(low_seasons(task, only_low=only_low))


@pytest.mark.slow
@pytest.mark.parametrize(("seasons", "T", "is_tuned"), [((7, 365), 800, False), ((96, 672), 700, True)])
def test_model_in_onnxruntime_has_the_network_that_each_series_chooses(seasons, T, is_tuned, tmp_path):
    values, task = panel(seasons[0], T), Task(20, seasons[0], seasons=seasons)
    released = Pretrained().fit(PanelContext.from_values(values), task)
    tuned = {"lf": 0.97 * released.low[1].vector, "hf": 0.97 * released.high[1].vector} if is_tuned else {}
    model = replace(released, tuned=tuned)
    builder = Builder(17)
    quantiles = model_quantiles(model, SeriesInput.of(builder))
    builder.output("quantiles", quantiles, ("batch", 20, 5))
    write_onnx(tmp_path / "x.onnx", builder, "model", "", {})
    session = session_of(tmp_path / "x.onnx")
    assert len(set(expected_choice(values, task).is_hf)) == 2
    for part in (values, values[:, -150:], values[:, -9:], values[5:6], values[:, -1:]):
        expected = model.predict_quantiles(PanelContext.from_values(part))
        assert_close(run(session, values=part)["quantiles"], expected)
