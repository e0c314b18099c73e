"""Gates of a fitted forecaster: of the very pass that forecasts, at the series' own times, with what units follow."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError, DataError, NotFittedError
from gatecast.explain.gates import inspect_network
from gatecast.forecaster import Forecaster
from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.es_rnn import model as es_rnn
from gatecast.forecasting.panel_rnn import model as panel_rnn
from gatecast.forecasting.theta import DynamicOptimizedTheta
from gatecast.kernels.packing import pack, unpack
from gatecast.layers import LSTM, Dense, Input
from gatecast.models import Sequential
from gatecast.nn.inspection.trace import Trace, trace
from gatecast.nn.inspection.unit_memory import summarize_units
from gatecast.nn.network import forward

QUICK = {"network": NetworkConfig(units=6, input_size=8), "training": TrainingConfig(n_members=2, max_steps=8)}


def monthly(n, seed=0):
    t = np.arange(n)
    y = 50 + t / 4 + 8 * np.sin(2 * np.pi * t / 12) + np.random.default_rng(seed).normal(0, 1, n)
    return pd.DataFrame({"shop": "a", "month": pd.date_range("2010-01-01", periods=n, freq="MS"), "sold": y})


@pytest.fixture(scope="module")
def shops():
    return pd.concat([monthly(60 + 10 * k, k).assign(shop=f"s{k}") for k in range(4)])


@pytest.fixture(scope="module")
def fitted(shops):
    return Forecaster(h=4, model="lstm", **QUICK).fit(shops, evaluate=False)


def test_the_last_gates_are_those_of_the_forecast(fitted):
    found = fitted.gates(id="s2", member=1)
    ensemble = fitted.state_.ensemble
    member = ensemble.models[0].members[1]
    clean = ensemble.effects.remove(PanelContext.from_panel(fitted.panel_).take([2]))
    x = panel_rnn.make_inputs(clean, member.horizon, member.config).x
    _, caches = forward(member.network, member.weights, pack(x), n_sequences=1)
    for layer, k in zip(found.layers, (1, 2), strict=True):
        inner = caches[k][0]
        np.testing.assert_array_equal(
            layer.gates["f"][0, -1], unpack(np.ascontiguousarray(inner.saved_rows("f")), 1)[0, -1]
        )


@pytest.mark.slow
@pytest.mark.parametrize(("model", "place"), [("lstm", panel_rnn), ("es-lstm", es_rnn)])
def test_what_is_looked_at_is_the_pass_that_predicts(model, place, shops, monkeypatch):
    """The very inputs that predict hands to the network give these gates, to the bit; a short series among them."""
    short = pd.concat([shops, monthly(20).assign(shop="s9")])
    training = TrainingConfig(n_members=2, max_steps=6)
    fitted = Forecaster(h=4, model=model, training=training, network=QUICK["network"]).fit(short, evaluate=False)
    read = []

    def listening(network, weights, x, **options):
        if len(network.layers) > panel_rnn.HEAD_LAYERS:  # the head is computed apart from the layers below it
            read.append((network, weights, unpack(x, options["n_sequences"])))
        return forward(network, weights, x, **options)

    with monkeypatch.context() as patch:
        patch.setattr(place, "forward", listening)
        fitted.predict()
    members = len(read)
    assert members == len(fitted.state_.ensemble.models[0].members)
    for member, (network, weights, x) in enumerate(read):
        for s, name in ((1, "s1"), (4, "s9")):
            found = fitted.gates(id=name, member=member)
            assert found.model == model.upper()
            assert len(found.values) <= (70, 20)[s == 4]
            for layer, want in zip(found.layers, trace(network, weights, x).layers, strict=True):
                assert layer.gates["f"].shape[1] == len(found.values)
                for gate, values in layer.gates.items():
                    own = want.gates[gate][s, -len(found.values) :]
                    assert values[0].tobytes() == np.ascontiguousarray(own).tobytes()
    with pytest.raises(ConfigError, match=f"Invalid member {members}: expected 0"):
        fitted.gates(member=members)


@pytest.mark.slow
def test_layers_of_es_lstm_remember_in_steps_of_the_series(shops):
    training = TrainingConfig(n_members=1, max_steps=2)
    fitted = Forecaster(h=2, model="es-lstm", training=training).fit(shops, evaluate=False)
    found = fitted.gates(id="s3")
    assert [layer.rate for layer in found.layers] == list(fitted.state_.ensemble.models[0].members[0].config.dilations)
    assert found.unit_memory.layers["layer"].tolist() == [layer.name for layer in found.layers]
    assert np.diff(found.layers[0].times.astype("M8[M]").astype(int)).tolist() == [1] * (len(found.values) - 1)


def test_the_table_is_of_the_kind_that_came_in_and_has_the_times_of_the_series(fitted, shops):
    found = fitted.gates(id="s1")
    table = found.to_frame()
    assert isinstance(table, pd.DataFrame)
    assert list(table) == ["shop", "month", "value", "layer", "unit", "i", "f", "o", "g", "c", "h"]
    assert set(table["shop"]) == {"s1"}
    own = shops[shops["shop"] == "s1"].set_index("month")["sold"]
    unit = table[(table["layer"] == "lstm_2") & (table["unit"] == 3)]
    np.testing.assert_allclose(unit["value"], own[unit["month"]])
    assert unit["month"].iloc[-1] == own.index[-1]
    assert np.isfinite(table.select_dtypes("number")).all().all()
    Trace(found.layers).table()


def test_steps_before_a_short_series_are_left_out(shops):
    short = Forecaster(h=2, model="gru", **QUICK).fit(
        pd.concat([shops, monthly(14).assign(shop="new")]), evaluate=False
    )
    found = short.gates(id="new")
    assert len(found.values) == len(found.layers[0].times) == found.layers[0].gates["z"].shape[1] <= 14


def test_other_series_and_loaded_forecasters_can_be_looked_into(fitted, tmp_path):
    other = fitted.gates(pd.concat([monthly(40, 9).assign(shop="x"), monthly(40, 8).assign(shop="y")]), id="y")
    assert other.id == "y"
    assert 8 <= len(other.values) <= 40
    fitted.save(tmp_path / "a.gatecast")
    loaded = Forecaster.load(tmp_path / "a.gatecast")
    ours, theirs = fitted.gates(id="s0").layers[0].gates["f"], loaded.gates(id="s0").layers[0].gates["f"]
    assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize(
    ("model", "gates"),
    [
        ("rnn", set()),
        ("slstm", {"i", "f", "o", "g"}),
        ("lstm-peephole", {"i", "f", "o", "g"}),
        ("gru", {"z", "r", "g"}),
    ],
)
def test_every_cell_of_a_panel_network(model, gates, shops):
    fitted = Forecaster(h=2, model=model, **QUICK).fit(shops, evaluate=False)
    layers = fitted.gates().layers
    assert set(layers[0].gates) == gates
    assert "h" in layers[0].states
    assert np.isnan(fitted.unit_memory().table["half_life"]).all() == (model == "rnn")


def test_a_network_of_the_users_own_and_one_without_gates(shops):
    own = Sequential([Input((8, 1)), LSTM(5), Dense(4)])
    fitted = Forecaster(h=4, model=own, training=TrainingConfig(max_steps=4)).fit(shops, evaluate=False)
    found = fitted.gates(id="s3")
    assert found.layers[0].gates["f"].shape == (1, 8, 5)
    np.testing.assert_allclose(found.values, shops[shops["shop"] == "s3"]["sold"].to_numpy()[-8:])
    plain = Sequential([Dense(4)])
    fitted = Forecaster(h=4, model=plain, training=TrainingConfig(max_steps=4)).fit(shops, evaluate=False)
    with pytest.raises(ConfigError, match="no recurrent layer with gates: got Dense"):
        fitted.gates()


@pytest.mark.slow
def test_units_follow_a_column_beside_the_series():
    rng = np.random.default_rng(0)
    offer = np.repeat(rng.random(40) < 0.5, 4) * 1.0
    table = {"ds": np.arange(160), "y": 20 + 10 * offer + rng.normal(0, 0.3, 160), "offer": offer}
    network = NetworkConfig(units=16)
    training = TrainingConfig(n_members=1, max_steps=60)
    data = DataConfig(hist_exog="offer")
    fitted = Forecaster(h=3, model="lstm", season_length=1, data=data, network=network, training=training).fit(table)
    follows = fitted.unit_memory().table
    assert set(follows["follows"].tolist()) & {"offer", "y"}
    assert np.abs(follows["correlation"]).max() > 0.7


def test_words_are_followed_one_by_one_and_a_season_that_no_calendar_has_by_its_steps(monkeypatch):
    """Signals as they reach memory: words as columns of 0 and 1, seasons only once."""
    seen = {}

    def listening(found, signals, step):
        seen.update(signals)
        return summarize_units(found, signals, step)

    monkeypatch.setattr("gatecast.explain.gates.summarize_units", listening)
    days = np.datetime64("2024-01-01") + np.arange(80)
    weather = np.array(["sun", "rain", "snow"])[np.arange(80) % 3]
    table = {"ds": days, "y": 20 + np.arange(80) % 5.0, "weather": weather, "price": np.arange(80) % 7.0}
    data = DataConfig(hist_exog=("weather", "price"))
    settings = {"data": data, "network": QUICK["network"], "training": TrainingConfig(n_members=1, max_steps=2)}
    fitted = Forecaster(h=3, model="lstm", season_length=5, **settings).fit(table, evaluate=False)
    found = fitted.gates()
    steps = len(found.values)
    assert {"y", "change of y", "price", "weather = rain", "weather = snow", "weather = sun"} <= set(seen)
    assert "weather" not in seen
    np.testing.assert_array_equal(seen["weather = rain"], (weather == "rain")[-steps:])
    np.testing.assert_array_equal(seen["price"], table["price"][-steps:])
    assert sum(name.startswith("season, highest at step ") for name in seen) == 5
    assert (
        seen["season, highest at step 2 of 5"][table["y"][-steps:] == 21].tolist()
        == [1.0] * (table["y"][-steps:] == 21).sum()
    )
    monday = (days[-steps:].astype("M8[D]").astype(int) + 3) % 7 == 0
    assert (seen["season, highest at Monday"][monday] == 1).all()
    assert (seen["season, highest at Monday"][~monday] < 1).all()
    seen.clear()
    Forecaster(h=3, model="lstm", season_length=7, **settings).fit(table, evaluate=False).gates()
    assert not any(name.startswith("season, highest at step ") for name in seen)


def test_the_season_is_named_by_the_calendar(fitted):
    names = {name for name in fitted.unit_memory(id="s3").table["follows"] if name}
    assert all(name in ("sold", "change of sold") or name.startswith("season, highest at ") for name in names)


def test_half_lives_of_segments_are_in_steps_of_the_series():
    hours = np.arange(24 * 40)
    series = {"ds": np.datetime64("2024-01-01T00", "h") + hours, "y": 10 + np.sin(2 * np.pi * hours / 24)}
    panel = {name: np.tile(column, 16) for name, column in series.items()} | {
        "id": np.repeat(np.arange(16), len(hours))
    }
    training = TrainingConfig(n_members=1, max_steps=2)
    fitted = Forecaster(h=24, model="lstm", season_length=168, training=training, network=NetworkConfig(units=4))
    found = fitted.fit(panel, evaluate=False).gates(id=3)
    assert fitted.state_.ensemble.models[0].members[0].config.stride == 8
    assert np.diff(found.layers[0].times).astype("m8[h]").astype(int).tolist() == [8] * (len(found.values) - 1)
    assert found.unit_memory.table["half_life"].min() > 4  # 8 hours a step, gates near sigmoid(1) at the beginning


def test_bad_input_is_refused_kindly(fitted, shops):
    with pytest.raises(ConfigError, match="series: got 's9', expected one of 4 names"):
        fitted.gates(id="s9")
    with pytest.raises(ConfigError, match="Invalid member 2: expected 0 to 1"):
        fitted.gates(member=2)
    with pytest.raises(NotFittedError):
        Forecaster(h=3).gates()
    short = pd.concat([monthly(60), monthly(5).assign(shop="tiny")])
    with pytest.raises(DataError, match=r"than the window of the network \(series tiny\): got 5 values"):
        fitted.gates(short, id="tiny")
    ensemble = replace(
        fitted.state_.ensemble,
        models=(DynamicOptimizedTheta().fit(PanelContext.from_panel(fitted.panel_), Task(4, 12)),),
        columns=("DynamicOptimizedTheta",),
    )
    theta = replace(fitted.state_, ensemble=ensemble)
    panel = fitted.panel_
    with pytest.raises(
        ConfigError,
        match=r'no network with gates to show: got DynamicOptimizedTheta, .* Fit a Forecaster with model="lstm"',
    ):
        inspect_network(theta, panel, PanelContext.from_panel(panel), 0)
    empty = pd.concat([monthly(60), monthly(20).assign(shop="empty", sold=np.nan)])
    with pytest.raises(DataError, match=r"\(series empty\): got 0 values, expected at least 8"):
        fitted.gates(empty, id="empty")
    alone = Forecaster(h=2, model="rnn", **QUICK).fit({"y": np.arange(40.0)}, evaluate=False)
    with pytest.raises(ConfigError, match=r"Invalid id 'a'.* Leave id out."):
        alone.gates(id="a")
