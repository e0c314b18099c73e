"""Forecast, sample-path, component and in-sample tables of a fitted forecaster."""

from itertools import pairwise

import numpy as np
import pytest
from panel_cases import MONTHS, N_MONTHS, N_SHOPS, QUICK, monthly, rows, rows_after

from gatecast.config import DataConfig, TrainingConfig
from gatecast.errors import ConfigError, DataError
from gatecast.forecaster import Forecaster

H = 6


def test_forecast_table_continues_each_series_after_its_end(fitted_panel, panel_table):
    table = fitted_panel.predict()
    assert list(table)[:3] == ["unique_id", "ds", "Ensemble"]
    ids = np.unique(panel_table["unique_id"])
    assert table["unique_id"].tolist() == np.repeat(ids, 4).tolist()
    for name in ids:
        last = panel_table["ds"][panel_table["unique_id"] == name].max().astype("M8[M]")
        assert table["ds"][table["unique_id"] == name][0].astype("M8[M]") == last + 1
    assert np.isfinite(table["Ensemble"]).all()


def test_forecast_table_of_one_series_has_no_id(fitted_series):
    table = fitted_series.predict()
    assert list(table) == ["ds", "Ensemble", "Ensemble-lo-80", "Ensemble-hi-80", "Ensemble-lo-95", "Ensemble-hi-95"]
    assert np.array_equal(table["ds"].astype("M8[M]"), np.datetime64("2011-01", "M") + np.arange(12))


@pytest.mark.parametrize("name", ["fitted_series", "fitted_panel"])
def test_forecast_table_intervals_are_nested(name, request):
    table = request.getfixturevalue(name).predict()
    order = ["Ensemble-lo-95", "Ensemble-lo-80", "Ensemble", "Ensemble-hi-80", "Ensemble-hi-95"]
    for low, high in pairwise(order):
        assert (table[low] <= table[high]).all()
    assert (table["Ensemble-lo-95"] > 0).all()


def test_forecast_table_any_level_names_its_columns(fitted_series):
    table = fitted_series.predict(level=[99, 50])
    assert [name for name in table if "lo" in name] == ["Ensemble-lo-50", "Ensemble-lo-99"]
    assert (table["Ensemble-hi-99"] > table["Ensemble-hi-50"]).all()
    assert list(fitted_series.predict(level=90))[1:] == ["Ensemble", "Ensemble-lo-90", "Ensemble-hi-90"]


def test_forecast_table_other_horizon_starts_with_the_same_values(fitted_panel):
    table = fitted_panel.predict()
    short = fitted_panel.predict(h=2, level=50)
    assert list(short) == ["unique_id", "ds", "Ensemble", "Ensemble-lo-50", "Ensemble-hi-50"]
    np.testing.assert_array_equal(short["Ensemble"].reshape(24, 2), table["Ensemble"].reshape(24, 4)[:, :2])
    long = fitted_panel.predict(h=12)
    np.testing.assert_array_equal(long["Ensemble"].reshape(24, 12)[:, :4], table["Ensemble"].reshape(24, 4))
    width = (long["Ensemble-hi-80"] - long["Ensemble-lo-80"]).reshape(24, -1).mean(axis=0)
    assert (np.diff(width[3::4]) > 0).all()


def test_forecast_table_of_an_unseen_series_is_near_that_of_its_twin(fitted_panel, panel_table):
    selected = panel_table["unique_id"] == "s05"
    new = rows(panel_table, selected) | {"unique_id": np.full(selected.sum(), "new")}
    table = fitted_panel.predict()
    expected = table["Ensemble"][table["unique_id"] == "s05"]
    # The models' forecasts are the same; the twin has the weights of the panel instead of its own.
    np.testing.assert_allclose(fitted_panel.predict(new)["Ensemble"], expected, rtol=0.03)


def test_forecast_context_other_frequency_raises(fitted_panel):
    days = {"unique_id": ["a"] * 9, "ds": np.arange("2020-01-01", "2020-01-10", dtype="M8[D]"), "y": np.arange(9.0)}
    with pytest.raises((DataError, ConfigError)):
        fitted_panel.predict(days)


@pytest.mark.slow
def test_forecast_table_known_promotion_reduces_the_error(fitted_with_promo, fitted_shops, shops):
    actual = rows_after(shops, N_MONTHS - H)
    error = {
        name: np.abs(table["Ensemble"] - actual["sales"]).mean()
        for name, table in (("with", fitted_with_promo.predict(futr_df=actual)), ("without", fitted_shops.predict()))
    }
    assert error["with"] < 0.6 * error["without"]
    flat = actual | {"promo": np.zeros(N_SHOPS * H)}
    change = fitted_with_promo.predict(futr_df=actual)["Ensemble"] / fitted_with_promo.predict(futr_df=flat)["Ensemble"]
    assert np.median(change[actual["promo"] > 0]) > 1.2


def test_forecast_context_missing_future_columns_raises(fitted_with_promo, shops, past_shops):
    with pytest.raises(ConfigError, match="futr_df") as caught:
        fitted_with_promo.predict()
    assert caught.value.argument == "futr_df"
    assert "predict(futr_df=...)" in str(caught.value)
    future = rows_after(shops, N_MONTHS - H)
    with pytest.raises(DataError, match="shop 19"):
        fitted_with_promo.predict(futr_df={name: column[:-1] for name, column in future.items()})
    unknown = past_shops | {"kind": np.where(past_shops["kind"] == "inner", "inner", "moon")}
    with pytest.raises(DataError, match="moon"):
        fitted_with_promo.predict(unknown, futr_df=future)


def test_forecast_table_bounds_and_integers_hold():
    counts = np.random.default_rng(3).poisson(1.5, 80).astype(float)
    data = DataConfig(lower_bound=0, upper_bound=6, integer=True)
    table = {"ds": np.arange(80), "y": np.minimum(counts, 6)}
    forecaster = Forecaster(6, data=data, **QUICK).fit(table, evaluate=False)
    columns = forecaster.predict(level=(80, 99))
    for name in list(columns)[1:]:
        assert (columns[name] == np.round(columns[name])).all()
        assert (columns[name] >= 0).all()
        assert (columns[name] <= 6).all()
    assert set(forecaster.simulate(50)["Ensemble"]) <= set(range(7))


@pytest.mark.slow
def test_forecast_table_goes_below_zero_only_where_values_did(rng):
    falling = np.maximum(np.linspace(100, 2, 80) + rng.normal(0, 0.5, 80), 0.1)
    down = Forecaster(8, **QUICK).fit(monthly(falling)).predict()
    assert all((down[name] >= 0).all() for name in down if name.startswith("Ensemble"))
    below = Forecaster(8, **QUICK).fit(monthly(falling - 60)).predict()
    assert (below["Ensemble"] < 0).all()


def test_paths_table_has_the_intervals_of_the_forecast(fitted_shops):
    paths = fitted_shops.simulate(400, seed=1)
    assert list(paths) == ["shop", "month", "path", "Ensemble"]
    assert paths["path"].reshape(N_SHOPS, 400, H)[3, :, 0].tolist() == list(range(1, 401))
    values = paths["Ensemble"].reshape(N_SHOPS, 400, H)
    forecast = fitted_shops.predict(level=80)
    low, high = (forecast[f"Ensemble-{side}-80"].reshape(N_SHOPS, 1, H) for side in ("lo", "hi"))
    assert ((values >= low) & (values <= high)).mean() == pytest.approx(0.8, abs=0.02)
    below = values[:, :, -1:] <= forecast["Ensemble"].reshape(N_SHOPS, H)[:, None, -1:]
    assert below.mean() == pytest.approx(0.5, abs=0.03)


def test_paths_table_same_seed_gives_the_same_paths(fitted_shops):
    one, same, other = (fitted_shops.simulate(3, seed=seed)["Ensemble"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    with pytest.raises(ConfigError, match="n_paths"):
        fitted_shops.simulate(0)


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (lambda forecaster: forecaster.simulate(2), "path"),
        (lambda forecaster: forecaster.anomalies(), "score"),
        (lambda forecaster: forecaster.stream().step({"a": 1.0, "b": 2.0}), "is_anomaly"),
    ],
)
@pytest.mark.parametrize("role", ["id_col", "time_col"])
def test_tables_with_further_columns_refuse_key_columns_of_these_names(ask, name, role):
    names = {"id_col": "id", "time_col": "ds"} | {role: name}
    ids, times = np.repeat(np.array(["a", "b"], object), 30), np.tile(np.arange(30), 2)
    table = {names["id_col"]: ids, names["time_col"]: times, "y": np.arange(60.0)}
    forecaster = Forecaster(2, model="naive", **names).fit(table, evaluate=False)
    assert list(forecaster.predict())[:2] == [names["id_col"], names["time_col"]]
    with pytest.raises(ConfigError, match=rf"name of a forecast column \({role}\): got '{name}'"):
        ask(forecaster)


def test_components_weighted_mean_is_the_forecast(fitted_with_promo, shops):
    future = rows_after(shops, N_MONTHS - H)
    components = fitted_with_promo.predict_components(futr_df=future)
    weights = fitted_with_promo.state_.calibrator.weights.of(np.arange(N_SHOPS))
    assert set(weights) <= set(components)
    assert len(components["shop"]) == N_SHOPS * H
    mean = sum(np.repeat(weight, H) * components[name] for name, weight in weights.items())
    forecast = fitted_with_promo.predict(futr_df=future)["Ensemble"]
    np.testing.assert_allclose(forecast, mean, rtol=1e-6)
    np.testing.assert_array_equal(components["Ensemble"], forecast)
    with pytest.raises(ConfigError, match="futr_df"):
        fitted_with_promo.predict_components()


def test_insample_table_puts_forecasts_next_to_the_values(fitted_shops, past_shops):
    table = fitted_shops.predict_insample()
    assert list(table) == ["shop", "month", "sales", "LSTM"]
    np.testing.assert_array_equal(table["sales"], past_shops["sales"])
    first = table["month"] == MONTHS[0]
    assert np.isnan(table["LSTM"][first]).all()
    error = np.abs(table["LSTM"] - table["sales"])[~first].mean()
    change = np.abs(np.diff(past_shops["sales"].reshape(N_SHOPS, -1), axis=1)).mean()
    assert error < 0.9 * change


@pytest.mark.slow
def test_insample_table_keeps_the_phase_of_the_season():
    y = 100 + 30 * np.sin(np.arange(96) * np.pi / 6) + np.random.default_rng(0).normal(size=96)
    forecaster = Forecaster(6, model="lstm", season_length=12, training=TrainingConfig(n_members=1, max_steps=60))
    table = forecaster.fit({"ds": np.arange(96), "y": y}, evaluate=False).predict_insample()
    assert np.nanmean(np.abs(table["LSTM"] - y)[24:]) < 5


def test_predict_new_rows_of_a_known_series_keep_its_past():
    k = np.arange(132)
    y = 100 + 12 * np.sin(k * np.pi / 6) + np.random.default_rng(0).normal(0, 1, 132)
    forecaster = Forecaster(12, model="seasonal-naive").fit(monthly(y[:120]))
    both = {"y": y}
    first = monthly(y[:120])["ds"][0]
    both["ds"] = (np.datetime64(first, "M") + k).astype("M8[D]")
    new = {name: column[120:] for name, column in both.items()}
    for name, column in forecaster.predict(both, output="dict").items():
        np.testing.assert_array_equal(forecaster.predict(new, output="dict")[name], column)
    other = {"ds": both["ds"][100:], "y": y[100:] + 50}
    assert forecaster.predict(other, output="dict")["SeasonalNaive"].min() > 120
