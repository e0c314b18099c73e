"""SegRNN: its forecasts in float64, what it learns, what must not matter, and what it gives away of itself."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast import Forecaster
from gatecast.config import TrainingConfig
from gatecast.errors import ConfigError
from gatecast.forecasting.base import Overrides, PanelSummary, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.segrnn.model import CELLS, SegRNN, SegRNNConfig, make_inputs, make_network, train
from gatecast.forecasting.segrnn.presets import members, segment_length
from gatecast.kernels import runtime
from gatecast.kernels.packing import pack, unpack
from gatecast.nn.network import forward
from gatecast.nn.training import ValidationErrors

SMALL = SegRNNConfig(24, segment_length=6, units=8, max_steps=60, batch_size=32)
TASK, MID = Task(20, 12, seed=3), 2


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(5)
    t = np.arange(160)
    values = np.stack([10 + k + np.sin(2 * np.pi * (t + k) / 12) + rng.normal(0, 0.1, 160) for k in range(4)])
    values[1, :60] = np.nan
    values[2, 100:103] = np.nan
    return PanelContext.from_values(values)


@pytest.fixture(scope="module")
def fitted(panel):
    return train(panel, TASK, SMALL)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(p, x, h, c):
    a = x @ p["layer.Wx"] + h @ p["layer.Wh"] + p["layer.b"]
    i, f, o, g = np.split(a, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def quantiles(r):
    """Quantiles of the raw outputs, [..., 5]."""
    up = np.exp(np.minimum(r, 0)) + np.maximum(r, 0)
    above, below = np.cumsum(up[..., 3:], axis=-1), np.cumsum(up[..., 1::-1], axis=-1)[..., ::-1]
    middle = r[..., 2:3]
    return np.concatenate([middle - below, middle, middle + above], axis=-1)


def test_forecast_equals_the_equations_in_float64(fitted, panel):
    dense, decoder, _, head, _ = [
        {name: value.astype(np.float64) for name, value in views.items()} for views in fitted.weights.views
    ]
    inputs = make_inputs(panel, SMALL)
    x = np.maximum(inputs.x.astype(np.float64) @ dense["W"] + dense["b"], 0)
    h = c = np.zeros((len(x), SMALL.units))
    for t in range(x.shape[1]):
        h, c = lstm_step(decoder, x[:, t], h, c)
    steps = [lstm_step(decoder, position[None], h, c)[0] @ head["W"] + head["b"] for position in decoder["positions"]]
    z = quantiles(np.stack(steps, axis=1).reshape(len(x), -1, 5))[:, : TASK.horizon]
    z = (z + inputs.level[:, None, None]) * inputs.scale[:, None, None] + inputs.last[:, None, None]
    np.testing.assert_allclose(fitted.predict_quantiles(panel), inputs.scaler.inverse_transform(z), rtol=1e-5)


@pytest.mark.parametrize("cell", list(CELLS))
def test_training_finds_a_season_and_its_noise(panel, cell):
    model = train(panel.drop_last(20), TASK, replace(SMALL, cell=cell, units=16, max_steps=150, dropout=0.0))
    forecast = model.predict_quantiles(panel.drop_last(20))
    actual = panel.values[:, -20:]
    assert np.abs(forecast[..., MID] - actual).mean() < 0.2  # the noise alone has 0.08, the last value 0.7
    assert (np.diff(forecast, axis=2) > 0).all()


@pytest.mark.slow
def test_same_seed_same_bits_for_any_number_of_threads(fitted, panel):
    before = runtime.get_num_threads()
    try:
        for threads in (1, 3):
            runtime.set_num_threads(threads)
            assert train(panel, TASK, SMALL).weights.vector.tobytes() == fitted.weights.vector.tobytes()
    finally:
        runtime.set_num_threads(before)
    other = train(panel, TASK._replace(seed=4), SMALL)
    assert other.weights.vector.tobytes() != fitted.weights.vector.tobytes()


def test_values_beyond_the_look_back_matter_by_the_scale_alone(fitted):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1, 72))
    shuffled = values.copy()
    shuffled[0, :24] = values[0, 23::-1]  # the same deviation within its span
    one, other = (fitted.predict_quantiles(PanelContext.from_values(y)) for y in (values, shuffled))
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_forecast_from_a_past_origin_is_that_of_the_series_as_it_was(fitted, panel):
    past, _ = panel.rolling_origins(np.array([40, 0]), TASK.horizon)
    together = fitted.predict_quantiles(past)
    np.testing.assert_allclose(together[: len(panel)], fitted.predict_quantiles(panel.drop_last(40)), rtol=1e-6)


def test_unit_of_the_series_does_not_matter(fitted, panel):
    one = fitted.predict_quantiles(panel)
    other = fitted.predict_quantiles(replace(panel, values=1e4 * panel.values))
    np.testing.assert_allclose(other, 1e4 * one, rtol=1e-3)


def test_insample_forecasts_are_those_of_each_origin(fitted, panel):
    insample = fitted.predict_insample(panel)
    assert insample.shape == panel.values.shape
    assert np.isnan(insample[1, :61]).all()
    assert np.isfinite(insample[1, 61:]).all()
    # Their scale is that of the full series, which one value less hardly changes.
    newest = fitted.predict_quantiles(panel.drop_last(1))[:, 0, MID]
    np.testing.assert_allclose(insample[:, -1], newest, rtol=2e-3)


def test_training_stops_where_validation_was_clearly_better(panel):
    errors = iter([ValidationErrors(1.0, 1.0), *(ValidationErrors(e, e) for e in (0.9, 0.5, *[0.8] * 8))])
    model = train(panel, TASK, replace(SMALL, max_steps=10), measure=lambda _: next(errors))
    assert model.config.max_steps == 2
    assert model.weights.vector.tobytes() != train(panel, TASK, replace(SMALL, max_steps=10)).weights.vector.tobytes()


def test_training_continues_from_a_fitted_network(fitted, panel):
    continued = train(panel, TASK, replace(SMALL, max_steps=1, learning_rate=1e-6), init=fitted)
    np.testing.assert_allclose(continued.weights.vector, fitted.weights.vector, atol=1e-4)


def test_view_of_the_network_ends_where_the_horizon_begins(fitted, panel):
    (view,) = fitted.networks()
    x = view.inputs(panel.take([0]))
    assert x.shape == (1, 4, 6)
    state, _ = forward(view.network, view.weights, pack(x))
    assert unpack(state, 1).shape == (1, 1, SMALL.units)
    assert view.n_parameters == fitted.weights.vector.size


def test_first_forecast_is_that_of_the_targets(panel):
    untrained = train(panel, TASK, replace(SMALL, max_steps=1, learning_rate=1e-9))
    inside = untrained.predict_quantiles(panel)
    spread = inside[..., -1] - inside[..., 0]
    assert (spread > 1).all()
    assert (spread < 6).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_size": 0}, "input_size"),
        ({"segment_length": 0}, "segment_length"),
        ({"cell": "rnn"}, "Unknown cell: got 'rnn', expected 'lstm' or 'gru'|Unknown cell"),
    ],
)
def test_config_refuses(settings, message):
    with pytest.raises(ConfigError, match=message):
        SegRNNConfig(**{"input_size": 24} | settings)


def test_restored_network_continues_and_forecasts_alike(fitted, panel):
    restored = SegRNNConfig.from_state(fitted.to_state(), TASK)
    assert isinstance(restored, SegRNN)
    assert restored.config == fitted.config
    np.testing.assert_array_equal(restored.predict_quantiles(panel), fitted.predict_quantiles(panel))


def test_network_has_a_position_for_each_segment_of_the_horizon():
    network, weights = make_network(20, SMALL)
    assert network.shapes[0] == (4, 6)
    assert weights.views[1]["positions"].shape == (4, SMALL.units)


def test_members_differ_in_their_level_and_follow_the_user(panel):
    task = Task(96, 168, seasons=(24, 168))
    settings = members(PanelSummary(np.full(7, 11520)), task, Overrides(training=TrainingConfig(n_members=3)))
    assert [member["level_window"] for member in settings] == [1, 24, 1]
    short = members(PanelSummary(np.full(7, 60)), task, Overrides())
    assert all(member["input_size"] < 60 for member in short)


@pytest.mark.parametrize(
    ("seasons", "length"), [((24, 168), 24), ((48, 336), 48), ((7,), 14), ((12,), 12), ((1,), 24), ((96, 672), 24)]
)
def test_segment_is_a_season_where_it_is_long_enough(seasons, length):
    assert segment_length(Task(10, seasons[-1], seasons=seasons)) == length


def test_forecaster_fits_saves_and_updates_a_segrnn(tmp_path):
    rng = np.random.default_rng(0)
    t = np.arange(600)
    y = 20 + 3 * np.sin(2 * np.pi * t / 24) + rng.normal(0, 0.3, 600)
    table = {"ds": np.datetime64("2024-01-01T00") + t, "y": y}
    forecaster = Forecaster(48, model="segrnn", training=TrainingConfig(max_steps=60, n_members=2)).fit(table)
    forecast = forecaster.predict()
    expected = 20 + 3 * np.sin(2 * np.pi * np.arange(600, 648) / 24)
    assert np.abs(forecast["SegRNN"] - expected).mean() < 0.5
    forecaster.save(tmp_path / "m.gatecast")
    np.testing.assert_array_equal(Forecaster.load(tmp_path / "m.gatecast").predict()["SegRNN"], forecast["SegRNN"])
    newer = {"ds": np.datetime64("2024-01-01T00") + np.arange(600, 648), "y": expected}
    assert len(forecaster.update(newer).predict()["SegRNN"]) == 48
