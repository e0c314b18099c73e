"""A user's own network on a panel: it is trained as it is compiled, reads no future, and comes back from its state."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from gatecast import Sequential, optim, optimizers
from gatecast.data import synthetic
from gatecast.errors import ConfigError, DataError, GatecastError
from gatecast.forecasting.base import ModelState, PanelSummary, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.sequential_model import model as sequential_model
from gatecast.forecasting.sequential_model.model import SequentialConfig, default_settings, train
from gatecast.kernels import runtime
from gatecast.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dropout,
    Input,
    LayerNormalization,
    QuantileHead,
    Select,
)

H, Q, MID = 4, 5, 2
SMALL = SequentialConfig(None, 6, max_steps=30, batch_size=64)
NETWORKS = {
    "lstm, two features": [LSTM(8), Dense(H)],
    "gru, own window": [GRU(8, input_shape=(9, 2)), Dense(H)],
    "one feature, any window": [Input((None, 1)), GRU(8), Dense(H)],
    "dense alone": [Dense(16, activation="relu"), Dense(H)],
    "dense, flat window": [Input((7,)), Dense(16, activation="tanh"), Dense(H)],
    "dense at every step": [Dense(4), Select((0, 1, 2, 3), last=True), Dense(H)],
    "quantiles": [GRU(8), Dense(H * Q), QuantileHead(Q)],
    "quantiles of a flat window": [Dense(16), Dense(H * Q), QuantileHead(Q)],
    "normalised": [BatchNormalization(), Bidirectional(LSTM(4)), LayerNormalization(), Dropout(0.1), Dense(H)],
}


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(5)
    values = np.full((40, 60), np.nan)
    for row in values:
        n = int(rng.integers(3, 61))
        row[-n:] = 100 + np.cumsum(rng.normal(0.2, 1, n))
    values[7, 40:45] = values[8, -1] = np.nan
    return values


def fit(model, values, config, h=H, m=1, seed=0, **options):
    """Train a network on a panel."""
    config = replace(config, model=model, season_length=m)
    return train(values, Task(h, m, seed=seed), config, **options)


def forecast(fitted, values):
    """Forecast a panel."""
    return fitted.predict_quantiles(PanelContext.from_values(values))


def error(said, came):
    return np.abs(said[..., MID] - came).mean()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_network_answers_and_comes_back_from_its_description(name, panel):
    fitted = fit(Sequential(NETWORKS[name]), panel, SMALL, seed=3)
    said = forecast(fitted, panel)
    assert said.shape == (40, H, Q)
    assert np.isfinite(said).all()
    assert (np.diff(said, axis=2) > 0).all()
    assert (fitted.quantile_offsets is None) == name.startswith("quantiles")
    state = fitted.to_state()
    settings = json.loads(json.dumps(state.settings))
    again = SequentialConfig.from_state(ModelState(settings, state.arrays), Task(H))
    assert again.network == fitted.network
    assert replace(again.config, model=None) == replace(fitted.config, model=None)
    assert forecast(again, panel).tobytes() == said.tobytes()


def test_same_seed_same_bits_for_any_number_of_threads(panel):
    model = Sequential(NETWORKS["lstm, two features"])
    first, before = fit(model, panel, SMALL, seed=3), runtime.get_num_threads()
    try:
        for threads in (1, 3):
            runtime.set_num_threads(threads)
            again = fit(model, panel, SMALL, seed=3)
            assert again.weights.vector.tobytes() == first.weights.vector.tobytes()
            assert again.quantile_offsets.tobytes() == first.quantile_offsets.tobytes()
    finally:
        runtime.set_num_threads(before)
    assert fit(model, panel, SMALL, seed=4).weights.vector.tobytes() != first.weights.vector.tobytes()


def test_the_users_network_is_neither_changed_nor_are_its_weights_looked_at(panel):
    model = Sequential(NETWORKS["one feature, any window"])
    fresh = fit(model, panel, SMALL)
    assert model._weights is None
    model.compile("adam", "mse")
    model.fit(np.ones((8, 5, 1)), np.full((8, H), 50.0), epochs=2, verbose=0)
    before, layers = copy.deepcopy(model.get_weights()), list(model.layers)
    model._compiled = None
    assert fit(model, panel, SMALL).weights.vector.tobytes() == fresh.weights.vector.tobytes()
    assert model.layers == layers
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_training_goes_on_from_an_earlier_one(panel):
    model = Sequential(NETWORKS["lstm, two features"])
    first, losses = fit(model, panel, replace(SMALL, max_steps=100)), []
    fit(model, panel, replace(SMALL, max_steps=1), on_step=lambda step: losses.append(step.loss))
    fit(model, panel, replace(SMALL, max_steps=1), init=first, on_step=lambda step: losses.append(step.loss))
    assert losses[1] < losses[0]


def test_every_update_is_reported(panel):
    seen = []
    fit(Sequential(NETWORKS["dense alone"]), panel, SMALL, on_step=seen.append)
    assert [step.number for step in seen] == list(range(1, 31))
    assert all(np.isfinite(step.loss) for step in seen)


@pytest.mark.parametrize("name", ["lstm, two features", "dense alone", "quantiles"])
def test_it_learns_an_autoregression(name):
    rng = np.random.default_rng(1)
    values = np.stack([100 + synthetic.autoregression(rng, 80, phi=0.6) for _ in range(150)])
    past, came = values[:, :-H], values[:, -H:]
    fitted = fit(Sequential(NETWORKS[name]), past, SequentialConfig(None, 8, max_steps=200))
    said = forecast(fitted, past)
    assert error(said, came) < 0.9 * np.abs(past[:, -1:] - came).mean()
    inside = (said[..., 0] <= came) & (came <= said[..., -1])
    assert 0.9 < inside.mean() <= 1.0


@pytest.mark.slow
@pytest.mark.parametrize("m", [1, 12])
@pytest.mark.parametrize("cell", [LSTM, GRU])
def test_trend_and_season_go_on(m, cell):
    rng = np.random.default_rng(4)
    values = np.stack([synthetic.trend_season(rng, 96) for _ in range(32)])
    past, came = values[:, :84], values[:, 84:]
    fitted = fit(Sequential([cell(24), Dense(12)]), past, SequentialConfig(None, 24, max_steps=250), h=12, m=m)
    assert error(forecast(fitted, past), came) < 0.5 * np.abs(past[:, -12:] - came).mean()


def test_intervals_of_a_point_widen_as_random_walks_do():
    rng = np.random.default_rng(2)
    walks = 1000 + np.cumsum(rng.normal(size=(200, 92)), axis=1)
    past, came = walks[:, :80], walks[:, 80:]
    said = forecast(fit(Sequential([Dense(12)]), past, SequentialConfig(None, 8, max_steps=200), h=12), past)
    width = (said[..., -1] - said[..., 0]).mean(axis=0)
    assert 2.5 < width[-1] / width[0] < 4.5  # the square root of 12
    inside = (said[..., 0] <= came) & (came <= said[..., -1])
    assert 0.9 < inside.mean() < 0.98


def test_a_network_that_learns_by_heart_does_not_believe_its_own_errors():
    noise = 100 + np.random.default_rng(0).normal(size=(1, 60))
    model = Sequential([Dense(128, activation="relu"), Dense(128, activation="relu"), Dense(2)])
    losses = []
    fitted = fit(
        model,
        noise,
        SequentialConfig(None, 12, max_steps=300, learning_rate=0.01),
        h=2,
        on_step=lambda step: losses.append(step.loss),
    )
    assert losses[-1] < 0.1  # of the mean change
    assert (
        2 < (fitted.quantile_offsets[:, -1] - fitted.quantile_offsets[:, 0]).min() < 20
    )  # 95 % of noise are about 3.5 mean changes wide


def test_what_comes_after_the_end_changes_nothing(panel):
    model = Sequential(NETWORKS["lstm, two features"])
    poisoned = panel.copy()
    poisoned[:, 50:] = 1e9
    clean, other = (fit(model, values[:, :50], SMALL) for values in (panel, poisoned))
    assert clean.weights.vector.tobytes() == other.weights.vector.tobytes()
    assert forecast(clean, panel[:, :50]).tobytes() == forecast(other, poisoned[:, :50]).tobytes()


def test_predict_quantiles_of_a_series_does_not_depend_on_the_others(panel, monkeypatch):
    fitted = fit(Sequential(NETWORKS["one feature, any window"]), panel, SMALL)
    together = forecast(fitted, panel)
    np.testing.assert_allclose(forecast(fitted, panel[3:6]), together[3:6], rtol=1e-5)
    monkeypatch.setattr(sequential_model, "BATCH_SERIES", 7)
    np.testing.assert_allclose(forecast(fitted, panel), together, rtol=1e-5)
    wider = np.concatenate([np.full((40, 13), np.nan), panel], axis=1)
    np.testing.assert_allclose(forecast(fitted, wider), together, rtol=1e-5)
    np.testing.assert_allclose(forecast(fitted, panel * 1024), together * 1024, rtol=1e-4)


@pytest.mark.parametrize("name", ["lstm, two features", "one feature, any window", "quantiles"])
def test_short_constant_and_missing_series(name, panel):
    values = np.full((5, 30), np.nan)
    values[1] = 12.0
    values[2, -2:] = 5.0, 6.0
    values[3, -1] = 7.0
    values[4] = 0.0
    everything = np.concatenate([panel[:, -30:], values])
    fitted = fit(Sequential(NETWORKS[name]), everything, SMALL)
    said = forecast(fitted, values)
    assert np.isnan(said[0]).all()
    assert np.isfinite(said[1:]).all()
    assert (np.diff(said[1:], axis=2) > 0).all()
    np.testing.assert_allclose(said[1, :, MID], 12.0, rtol=0.01)
    np.testing.assert_allclose(said[3, :, MID], 7.0, rtol=0.01)
    np.testing.assert_allclose(said[4], 0.0, atol=0.05)
    alone = fit(Sequential(NETWORKS[name]), values[2:3], SMALL)
    assert alone.trained_steps == 1
    told = forecast(alone, values[2:3])[0]
    assert (np.diff(told, axis=1) > 0).all()
    np.testing.assert_allclose(told[:, MID], told[0, MID])  # as the one step that was learnt, and less sure
    assert (np.diff(told[:, -1] - told[:, 0]) > 0).all()


def test_nothing_to_predict_is_no_error(panel):
    fitted = fit(Sequential(NETWORKS["dense alone"]), panel, SMALL)
    assert forecast(fitted, panel[:0]).shape == (0, H, Q)
    assert np.isnan(forecast(fitted, panel[:, :0])).all()


def test_gaps_are_not_learnt_from():
    rng = np.random.default_rng(3)
    values = np.stack([100 + synthetic.autoregression(rng, 80, phi=0.6) for _ in range(150)])
    values[rng.random(values.shape) < 0.3] = np.nan
    past, came = values[:, :-H], values[:, -H:]
    said = forecast(fit(Sequential([GRU(12), Dense(H)]), past, SequentialConfig(None, 8, max_steps=200)), past)
    there = np.isfinite(came)
    assert np.abs(said[..., MID] - came)[there].mean() < 0.95  # 1 is the standard deviation; naive makes 1.1


def test_it_is_trained_as_it_was_compiled(panel):
    def losses(model, settings=SMALL):
        seen = []
        return fit(model, panel, settings, on_step=lambda step: seen.append(step.loss)), seen

    plain, squared = Sequential([Dense(H)]), Sequential([Dense(H)])
    squared.compile(optimizers.SGD(1e-9), "mse")
    fitted, seen = losses(squared)
    _, absolute = losses(plain)
    assert seen[0] > 1.5 * absolute[0]
    fresh = fit(squared, panel, replace(SMALL, max_steps=1))
    np.testing.assert_allclose(fitted.weights.vector, fresh.weights.vector, atol=1e-5)
    kept = Sequential([Dense(H)])
    kept.compile(optim.chain(optim.scale_by_learning_rate(0.01), optim.ema()), "mae")
    assert np.isfinite(forecast(losses(kept)[0], panel)).all()
    learns = Sequential([Dense(H * Q), QuantileHead(Q)])
    learns.compile(optimizers.Adam(0.01), "mse")
    assert (np.diff(forecast(losses(learns)[0], panel), axis=2) > 0).all()


def test_moving_means_are_kept(panel):
    fitted = fit(Sequential([BatchNormalization(), LSTM(4), Dense(H)]), panel, SMALL)
    assert fitted.weights.views[0]["moving_mean"].any()


def test_default_settings_by_season_length_and_number_of_series():
    def settings(h, m, typical, n_series):
        return default_settings(None, PanelSummary(np.full(n_series, typical)), Task(h, m))

    assert settings(6, 1, 20, 100) == SequentialConfig(None, 8, max_steps=600)
    assert settings(18, 12, 100, 1000) == SequentialConfig(None, 24, season_length=12, max_steps=1000)
    assert settings(12, 12, 120, 1) == SequentialConfig(None, 24, season_length=12, max_steps=300)
    assert settings(24, 168, 700, 400).input_size == 169
    assert settings(6, 1, 2, 100).input_size == 2


def test_a_training_that_runs_away_is_told_of(panel):
    model = Sequential([Dense(8, activation="relu"), Dense(H)])
    model.compile(optimizers.SGD(1e6), "mse")
    with pytest.raises(ConfigError, match=r"^Training diverged: .* at update \d+\. Lower the learning rate"):
        fit(model, panel, SMALL)


@pytest.mark.parametrize("values", [np.full((3, 9), np.nan), np.ones((3, 1))])
def test_train_refuses_panels_without_values(values):
    with pytest.raises(DataError, match="no values to train on: got no series of two values"):
        fit(Sequential([Dense(H)]), values, SMALL)
    with pytest.raises(DataError, match=r"no values to train on: got \(0, 5\), expected \(series, columns\)"):
        fit(Sequential([Dense(H)]), np.empty((0, 5)), SMALL)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_size": 0}, r"input_size 0 .*: expected a positive integer"),
        ({"learning_rate": -1.0}, r"learning_rate -1\.0 .*: expected a number above 0"),
        ({"quantiles": (0.1, 0.9)}, r"Invalid quantiles \[0\.1, 0\.9\] .*an odd number"),
    ],
)
def test_config_refuses_impossible_settings(settings, message):
    with pytest.raises(ConfigError, match=message):
        SequentialConfig(**{"model": None, "input_size": 6, **settings})


def test_config_without_a_network_is_refused(panel):
    with pytest.raises(ConfigError, match=r"has no network.*Pass the Sequential itself"):
        train(panel, Task(H), SMALL)


def test_from_state_refuses_what_describes_no_network(panel):
    state = fit(Sequential(NETWORKS["lstm, two features"]), panel, SMALL).to_state()
    for settings, arrays, h, error in [
        ({"layers": [{"eval": {"code": "1"}}]}, {}, H, "eval"),
        ({"layers": []}, {}, H, "no layers"),
        ({"trained_steps": "x"}, {}, H, "trained_steps is 'x', expected an integer"),
        ({"trained_steps": 2**70}, {}, H, "trained_steps is"),
        ({"input_shape": [6, 0]}, {}, H, r"Invalid shape \(Input\)"),
        ({"input_size": 0}, {}, H, "input_size"),
        ({"unknown": 1}, {}, H, "unknown"),
        ({}, {"quantile_offsets": np.zeros((1, 1))}, H, r"'quantile_offsets' is float64 of shape \(1, 1\)"),
        ({}, {"weights": np.zeros(3, np.float32)}, H, "weights, the file has 3"),
        ({}, {}, 5, "does not forecast 5 steps"),
    ]:
        changed = ModelState({**state.settings, **settings}, {**state.arrays, **arrays})
        with pytest.raises((GatecastError, KeyError, TypeError, ValueError), match=error):
            SequentialConfig.from_state(changed, Task(h))
    without = {name: value for name, value in state.settings.items() if name != "quantiles"}
    with pytest.raises(ValueError, match=r"quantiles are \[.*, expected those of the task"):
        SequentialConfig.from_state(ModelState({**without, "quantiles": [0.5]}, state.arrays), Task(H))
    offsets = {"weights": state.arrays["weights"]}
    with pytest.raises(ValueError, match="array 'quantile_offsets' is missing"):
        SequentialConfig.from_state(ModelState(state.settings, offsets), Task(H))


def test_a_layer_of_the_users_own_learns_but_is_not_saved(panel):
    class Twice(Dense):
        """A Dense of another name."""

    fitted = fit(Sequential([Twice(8), Dense(H)]), panel, SMALL)
    assert np.isfinite(forecast(fitted, panel)).all()
    with pytest.raises(ConfigError, match=r"^Cannot save .*Twice"):
        fitted.to_state()
