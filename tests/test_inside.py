"""Gates of a fitted forecaster: of the very pass that forecasts, at the series' own times, with what units follow."""

import numpy as np
import pandas as pd
import pytest

from gatecast import panel_lstm
from gatecast.arrays import pack, unpack
from gatecast.configs import DataConfig, NetworkConfig, TrainingConfig
from gatecast.effects import prepare
from gatecast.errors import ConfigError, DataError, NotFittedError
from gatecast.forecaster import Forecaster
from gatecast.history import from_panel
from gatecast.layers import LSTM, Dense, Input
from gatecast.models import Sequential
from gatecast.network import forward
from gatecast.trace import Trace

QUICK = {"network": NetworkConfig(units=6, window=8), "training": TrainingConfig(members=2, steps=8)}


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
    trained = fitted._trained
    voice = trained.learned.voices[0]
    member = voice.members[1]
    clean = prepare(trained.learned.effects, from_panel(fitted.panel_).rows([2]))
    x = panel_lstm.read(clean, member.horizon, voice.season, member.settings).x
    _, caches = forward(member.network, member.weights, pack(x), count=1)
    for layer, k in zip(found.layers, (1, 2), strict=True):
        inner = caches[k][0]
        np.testing.assert_array_equal(layer.gates["f"][0, -1], unpack(np.ascontiguousarray(inner.rows("f")), 1)[0, -1])


def test_the_table_is_of_the_kind_that_came_in_and_has_the_times_of_the_series(fitted, shops):
    found = fitted.gates(id="s1")
    table = found.table()
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
    assert np.isnan(fitted.memory().table["half_life"]).all() == (model == "rnn")


def test_a_network_of_the_users_own_and_one_without_gates(shops):
    own = Sequential([Input((8, 1)), LSTM(5), Dense(4)])
    fitted = Forecaster(h=4, model=own, training=TrainingConfig(steps=4)).fit(shops, evaluate=False)
    found = fitted.gates(id="s3")
    assert found.layers[0].gates["f"].shape == (1, 8, 5)
    np.testing.assert_allclose(found.values, shops[shops["shop"] == "s3"]["sold"].to_numpy()[-8:])
    plain = Sequential([Dense(4)])
    fitted = Forecaster(h=4, model=plain, training=TrainingConfig(steps=4)).fit(shops, evaluate=False)
    with pytest.raises(ConfigError, match="this network has no recurrent layer, so it has no gates: got Dense"):
        fitted.gates()


def test_units_follow_a_column_beside_the_series():
    rng = np.random.default_rng(0)
    offer = np.repeat(rng.random(40) < 0.5, 4) * 1.0
    table = {"ds": np.arange(160), "y": 20 + 10 * offer + rng.normal(0, 0.3, 160), "offer": offer}
    network = NetworkConfig(units=16)
    training = TrainingConfig(members=1, steps=60)
    data = DataConfig(historic="offer")
    fitted = Forecaster(h=3, model="lstm", season=1, data=data, network=network, training=training).fit(table)
    follows = fitted.memory().table
    assert set(follows["follows"].tolist()) & {"offer", "y"}
    assert np.abs(follows["correlation"]).max() > 0.7


def test_the_season_is_named_by_the_calendar(fitted):
    names = {name for name in fitted.memory(id="s3").table["follows"] if name}
    assert all(name in ("sold", "change of sold") or name.startswith("season, highest at ") for name in names)


def test_half_lives_of_segments_are_in_steps_of_the_series():
    hours = np.arange(24 * 40)
    series = {"ds": np.datetime64("2024-01-01T00", "h") + hours, "y": 10 + np.sin(2 * np.pi * hours / 24)}
    panel = {name: np.tile(column, 16) for name, column in series.items()} | {
        "id": np.repeat(np.arange(16), len(hours))
    }
    training = TrainingConfig(members=1, steps=2)
    fitted = Forecaster(h=24, model="lstm", season=168, training=training, network=NetworkConfig(units=4))
    found = fitted.fit(panel, evaluate=False).gates(id=3)
    assert fitted._trained.learned.voices[0].members[0].settings.segment == 8
    assert np.diff(found.layers[0].times).astype("m8[h]").astype(int).tolist() == [8] * (len(found.values) - 1)
    assert found.memory.table["half_life"].min() > 4  # 8 hours a step, gates near sigmoid(1) at the beginning


def test_bad_input_is_refused_kindly(fitted, shops):
    with pytest.raises(ConfigError, match="there is no such series: got 's9', expected one of 4 names, such as s"):
        fitted.gates(id="s9")
    with pytest.raises(ConfigError, match="there is no such member: got 2, expected 0 to 1"):
        fitted.gates(member=2)
    with pytest.raises(NotFittedError):
        Forecaster(h=3).gates()
    short = pd.concat([monthly(60), monthly(5).assign(shop="tiny")])
    with pytest.raises(DataError, match=r"than the window that the network reads \(series tiny\): got 5 values"):
        fitted.gates(short, id="tiny")
    smooth = Forecaster(h=2, model="es-lstm", training=TrainingConfig(members=1, steps=2)).fit(shops, evaluate=False)
    with pytest.raises(ConfigError, match="no network with gates to show: got ES-LSTM, expected LSTM"):
        smooth.gates()
    alone = Forecaster(h=2, model="rnn", **QUICK).fit({"y": np.arange(40.0)}, evaluate=False)
    with pytest.raises(ConfigError, match=r"the series has no name: got 'a', expected no id. Leave id out."):
        alone.gates(id="a")
