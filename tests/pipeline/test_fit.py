"""Fitting: nothing leaks from the test part, same seed same bits, the validation part decides; updates."""

import numpy as np
import pytest
from panel_cases import N_MONTHS, N_SHOPS, QUICK, SHOP_COLUMNS, monthly, only_sales, rows, rows_after

import gatecast as gc
from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError, DataError
from gatecast.forecaster import Forecaster
from gatecast.forecasting import statsforecast_models
from gatecast.forecasting.base import LocalModel
from gatecast.forecasting.baselines import Drift
from gatecast.forecasting.median import MedianOf
from gatecast.forecasting.sequential_model.model import SequentialConfig
from gatecast.layers import GRU, Dense, Flatten, Input, QuantileHead
from gatecast.models import Sequential
from gatecast.pipeline import fit as fit_module
from gatecast.pipeline import units

H = 6
THETA = "DynamicOptimizedTheta"


def test_fit_splits_one_series_and_scores_its_end(fitted_series, sales):
    evaluation = fitted_series.evaluation_
    assert evaluation.split_sizes == (108, 12, 12)
    assert evaluation.cutoff.astype("M8[M]") == np.datetime64("2009-12", "M")
    assert np.array_equal(evaluation.table["y"], sales[120:])
    mae = np.abs(evaluation.table["Ensemble"] - sales[120:]).mean()
    assert evaluation.scores[0].mae == pytest.approx(mae)


def test_fit_scores_models_next_to_the_simple_forecasts(fitted_panel):
    evaluation = fitted_panel.evaluation_
    models = ["LSTM", "Pretrained", THETA, "SeasonalRidge"]
    names = ["Ensemble", *models, "SeasonalNaive", "Naive", "Drift", "Mean"]
    assert [score.model for score in evaluation.scores] == names
    assert 0 <= evaluation.scores[0].n_worse <= 24
    assert "of each of 24 series" in evaluation.verdict
    assert set(evaluation.table) >= {"unique_id", "ds", "y", *names[:5]}
    assert sum(fitted_panel.model_weights_.values()) == pytest.approx(1)


def test_fit_poisoned_test_part_of_one_series_changes_no_forecast_of_it(fitted_series, sales):
    poisoned = sales.copy()
    poisoned[120:] = np.linspace(1e4, 2e5, 12)
    other = Forecaster(12, **QUICK).fit(monthly(poisoned))
    assert other.season_length_ == fitted_series.season_length_
    for name in ("Ensemble", "Ensemble-lo-80", "Ensemble-hi-95", "SeasonalNaive"):
        assert other.evaluation_.table[name].tobytes() == fitted_series.evaluation_.table[name].tobytes(), name


def test_fit_poisoned_test_part_of_a_panel_changes_no_forecast_of_it(fitted_panel, panel_table):
    poisoned = {name: column.copy() for name, column in panel_table.items()}
    for name in np.unique(panel_table["unique_id"]):
        last = np.flatnonzero(panel_table["unique_id"] == name)[-4:]
        poisoned["y"][last] = np.where(np.arange(len(last)) % 2, 1e6, 1e-6)
    other = Forecaster(4, **QUICK).fit(poisoned)
    for name in ("Ensemble", "Ensemble-lo-95", "Ensemble-hi-80", "LSTM", THETA, "SeasonalNaive", "Naive"):
        assert other.evaluation_.table[name].tobytes() == fitted_panel.evaluation_.table[name].tobytes(), name


@pytest.mark.slow
def test_fit_same_seed_gives_the_same_bits(fitted_series, sales):
    same, other = (Forecaster(12, seed=seed, **QUICK).fit(monthly(sales)) for seed in (0, 5))
    bits = [forecaster.predict()["Ensemble"].tobytes() for forecaster in (fitted_series, same, other)]
    assert bits[0] == bits[1] != bits[2]


def test_fit_without_evaluation_fits_the_same_models(fitted_series, sales):
    other = Forecaster(12, **QUICK).fit(monthly(sales), evaluate=False)
    assert other.evaluation_ is None
    components, expected = other.predict_components(), fitted_series.predict_components()
    for name in ("LSTM", "Pretrained", THETA):
        assert components[name].tobytes() == expected[name].tobytes(), name
    # Weights come from other errors: the newest ones are learned from in either case, but not by the same networks.
    np.testing.assert_allclose(other.predict()["Ensemble"], fitted_series.predict()["Ensemble"], rtol=0.05)


@pytest.mark.slow
def test_fit_scaled_series_gives_a_scaled_forecast(fitted_series, sales):
    scaled = Forecaster(12, **QUICK).fit(monthly(sales * 1024)).predict()
    np.testing.assert_allclose(scaled["Ensemble"], fitted_series.predict()["Ensemble"] * 1024, rtol=1e-4)


def test_fit_missing_values_are_neither_trained_on_nor_scored(sales):
    holes = sales.copy()
    holes[[30, 31, 60, 125]] = np.nan
    forecaster = Forecaster(12, **QUICK).fit(monthly(holes))
    assert np.isfinite(forecaster.predict()["Ensemble"]).all()
    assert np.isfinite(forecaster.evaluation_.scores[0].mae)
    assert forecaster.evaluation_.scores[0].mase < forecaster.evaluation_.scores[-2].mase


def test_fit_mostly_missing_series_is_forecast(rng, sales):
    holes = np.where(rng.random(len(sales)) < 0.6, np.nan, sales)
    assert np.isfinite(Forecaster(12, **QUICK).fit(monthly(holes)).predict()["Ensemble"]).all()


def test_fit_validation_part_without_values_raises(sales):
    holes = sales.copy()
    holes[108:120] = np.nan
    with pytest.raises(DataError, match=r"validation part .*rows 109 to 120"):
        Forecaster(12, **QUICK).fit(monthly(holes))


@pytest.mark.parametrize(("name", "limit"), [("season_length", 66), ("input_size", 107)])
def test_fit_setting_longer_than_the_series_raises(name, limit, sales):
    with pytest.raises(ConfigError) as caught:
        Forecaster(12, **{name: 1000}).fit(monthly(sales))
    assert caught.value.argument == name
    assert f"at most {limit}, of its 132 rows" in str(caught.value)
    assert f"Leave {name} out" in str(caught.value)


@pytest.mark.slow
def test_fit_long_horizon_keeps_the_season_and_notes_the_short_training_part(sales):
    forecaster = Forecaster(55, **QUICK).fit(monthly(sales))
    assert forecaster.season_length_ == 12
    assert forecaster.data_notes_[-1].startswith("only 22 rows precede the validation and test parts of 55 rows each")


@pytest.mark.parametrize("n", [2, 3, 7])
def test_fit_shortest_series_uses_theta_with_the_intervals_of_a_random_walk(n):
    y = 100 + np.cumsum(np.random.default_rng(n).normal(0, 5, 60))
    forecaster = Forecaster(6, **QUICK).fit({"ds": np.arange(n), "y": y[:n]})
    assert forecaster.model_weights_["LSTM"] == 0
    columns = forecaster.predict(level=95)
    width = columns["Ensemble-hi-95"] - columns["Ensemble-lo-95"]
    change = np.sqrt((np.diff(y[:n]) ** 2).mean())
    assert (width >= 2 * 1.9 * change * np.sqrt(np.arange(1, 7))).all()
    assert (np.abs(columns["Ensemble"] - y[n - 1]) < 10 * change).all()


def test_fit_records_validation_errors_during_training(past_shops):
    training = TrainingConfig(n_members=1, max_steps=30)
    forecaster = Forecaster(H, model="lstm", **SHOP_COLUMNS, network=QUICK["network"], training=training)
    history = forecaster.fit(only_sales(past_shops), evaluate=False).training_history_
    assert len(history["loss"]) == 30
    assert history["validation_step"] == [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]
    assert np.isfinite(history["validation"]).all()


@pytest.mark.slow
def test_fit_number_of_steps_that_the_user_fixed_is_not_cut_short():
    y = 100 + np.cumsum(np.random.default_rng(0).normal(size=80))
    training = TrainingConfig(max_steps=40, learning_rate=0.1)
    forecaster = Forecaster(6, training=training, network=QUICK["network"]).fit({"ds": np.arange(80), "y": y})
    members = forecaster.state_.ensemble.models[0].members
    assert {member.config.max_steps for member in members} == {40}


@pytest.mark.slow
def test_fit_every_model_by_name(panel_table):
    for model in ("lstm", "gru", "rnn"):
        forecaster = Forecaster(4, model=model, **QUICK).fit(panel_table, evaluate=False)
        assert model.upper() in forecaster.predict()


def test_fit_users_network_is_a_model_like_any_other(past_shops, shops):
    network, training = gc.Sequential([GRU(8), Dense(H)]), TrainingConfig(max_steps=20)
    forecaster = Forecaster(H, model=network, **SHOP_COLUMNS, training=training).fit(only_sales(past_shops))
    assert forecaster.model_name_ == "Sequential"
    assert forecaster.evaluation_.scores[0].model == "Sequential"
    names = [f"Sequential{suffix}" for suffix in ("", "-lo-80", "-hi-80", "-lo-95", "-hi-95")]
    assert list(forecaster.predict())[2:] == names
    with pytest.raises(ConfigError, match="in-sample"):
        forecaster.predict_insample()
    forecaster.update(only_sales(shops))
    assert np.isfinite(forecaster.predict()["Sequential"]).all()


def test_fit_users_network_with_another_horizon_raises(past_shops):
    network = gc.Sequential([GRU(8), Dense(5)])
    with pytest.raises(ConfigError, match=r"Dense\(6\)"):
        Forecaster(H, model=network, **SHOP_COLUMNS).fit(only_sales(past_shops))


@pytest.mark.slow
def test_fit_statsforecast_models_join_where_installed(past_shops, tmp_path, monkeypatch):
    def forecast_each(values, h, m, quantiles, models, calendar):
        last = values[:, -1][:, None, None] * {"ETS": 1.0, "CES": 3.0}[models[0]]
        return {models[0]: last + np.arange(len(quantiles)) - len(quantiles) // 2 + np.zeros((1, h, 1))}

    monkeypatch.setattr(statsforecast_models, "available", lambda: True)
    monkeypatch.setattr(statsforecast_models, "_library", lambda: None)
    monkeypatch.setattr(statsforecast_models, "forecast_each", forecast_each)
    forecaster = Forecaster(H, **SHOP_COLUMNS, **QUICK).fit(only_sales(past_shops))
    weights = forecaster.model_weights_
    assert list(weights) == ["LSTM", "Pretrained", THETA, "SeasonalRidge", "AutoETS", "AutoCES"]
    assert weights["AutoCES"] < 1e-4, "three times too large"
    assert sum(weights.values()) == pytest.approx(1)
    forecaster.save(tmp_path / "m")
    loaded = gc.load(tmp_path / "m").predict()
    for name, column in forecaster.predict().items():
        np.testing.assert_array_equal(loaded[name], column)


def test_update_continues_with_new_rows(past_shops, shops):
    forecaster = Forecaster(H, **SHOP_COLUMNS, **QUICK).fit(only_sales(past_shops), evaluate=False)
    before = forecaster.predict()
    assert forecaster.update(only_sales(rows_after(shops, N_MONTHS - H))) is forecaster
    assert (forecaster.panel_.lengths == N_MONTHS).all()
    assert forecaster.evaluation_ is None
    after = forecaster.predict()
    assert (after["month"] > before["month"]).all()
    recent = shops["sales"].reshape(N_SHOPS, N_MONTHS)[:, -12:-6]
    assert np.abs(after["Ensemble"].reshape(N_SHOPS, H) / recent - 1).mean() < 0.5


@pytest.mark.slow
def test_update_adds_new_series(past_shops, shops):
    forecaster = Forecaster(H, model="es-lstm", **SHOP_COLUMNS, **QUICK)
    first = np.arange(N_SHOPS * (N_MONTHS - H)) < (N_SHOPS - 2) * (N_MONTHS - H)
    forecaster.fit(rows(only_sales(past_shops), first), evaluate=False).update(only_sales(shops))
    assert len(forecaster.panel_) == N_SHOPS
    forecast = forecaster.predict()["ES-LSTM"]
    assert np.isfinite(forecast).all()
    np.testing.assert_array_equal(forecaster.predict(only_sales(shops))["ES-LSTM"], forecast)


def test_update_with_new_series_keeps_the_weights_of_the_others(past_shops, shops, tmp_path):
    forecaster = Forecaster(H, model=["dot", "seasonal-naive", "pretrained"], **SHOP_COLUMNS)
    # The new shops come first in the new rows.
    known = np.arange(N_SHOPS * (N_MONTHS - H)) >= 2 * (N_MONTHS - H)
    forecaster.fit(rows(only_sales(past_shops), known), evaluate=False)
    before = forecaster.state_.calibrator.weights
    forecaster.update(only_sales(shops))
    weights = forecaster.state_.calibrator.weights
    of_shop = forecaster.panel_.ids.tolist().index
    for name, column in before.by_series.items():
        after = weights.by_series[name]
        np.testing.assert_array_equal([after[of_shop(f"shop {k}")] for k in range(2, N_SHOPS)], column)
        np.testing.assert_array_equal([after[of_shop(f"shop {k}")] for k in range(2)], before.shared[name])
    forecast = forecaster.predict()
    assert np.isfinite(forecast["Ensemble"]).all()
    assert len(forecaster.predict_components()["shop"]) == N_SHOPS * H
    assert len(forecaster.simulate(3)["shop"]) == 3 * N_SHOPS * H
    forecaster.save(tmp_path / "shops.gatecast")
    loaded = Forecaster.load(tmp_path / "shops.gatecast").predict()
    for name, column in forecast.items():
        np.testing.assert_array_equal(loaded[name], column)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("days", "end", "h", "place", "first", "last"),
    [
        (1, "2024-12-01", 28, "{0:%m-%d}", "12-18", "12-24"),
        (1, "2024-02-20", 21, "{0:%m-%d}", "03-01", "03-05"),
        (7, "2021-12-01", 6, "{0:%V}", "50", "51"),
    ],
)
def test_fit_yearly_pattern_stays_on_its_dates(rng, days, end, h, place, first, last):
    """Over 29 February, within the history and within the horizon, and over week 53."""
    t = np.arange(np.datetime64("2014-01-01" if days == 7 else "2019-03-01"), np.datetime64(end), days)

    def is_peak(dates):
        """Whether dates are within the peak of each year."""
        return np.array([first <= place.format(date) <= last for date in dates.astype("M8[D]").tolist()])

    y = 20 + 150.0 * is_peak(t) + rng.normal(0, 1, len(t))
    forecast = Forecaster(h).fit({"ds": t, "y": y}, evaluate=False).predict()
    peak = is_peak(forecast["ds"].astype("M8[D]"))
    assert peak.any()
    assert ((forecast["Ensemble"] > 95) == peak).all()


def test_fit_of_a_long_series_reads_its_newest_values_and_says_so(monkeypatch):
    for module in ("fit", "predict"):
        monkeypatch.setattr(f"gatecast.pipeline.{module}.MAX_LENGTH", 700)
    y = np.sin(np.arange(1000) * np.pi / 12) + 10
    old = y.copy()
    old[:250] += 5
    one, other = (Forecaster(2, model="dot").fit({"y": values}) for values in (y, old))
    assert "the models read the newest 700 of up to 1,000 values of a series." in one.data_notes_
    np.testing.assert_array_equal(one.predict()["DynamicOptimizedTheta"], other.predict()["DynamicOptimizedTheta"])
    assert one.evaluation_.scores[0].mae == other.evaluation_.scores[0].mae


def test_fit_of_a_long_horizon_reads_more_than_is_held_back(monkeypatch):
    monkeypatch.setattr("gatecast.pipeline.fit.MAX_LENGTH", 50)
    y = np.sin(np.arange(1000) * np.pi / 12) + 10
    forecaster = Forecaster(100, model="dot").fit({"y": y})
    assert np.isfinite(forecaster.evaluation_.scores[0].mae)


def test_fit_series_of_mostly_zeros_are_left_to_models_that_forecast_quantiles(rng):
    ids = np.repeat(["rare", "often"], 60)
    y = np.r_[rng.poisson(0.2, 60), 50 + rng.poisson(20, 60)].astype(float)
    table = {"unique_id": ids, "ds": np.tile(np.arange(60), 2), "y": y}
    short = {name: np.r_[values[48:60], values[108:]] for name, values in table.items()}
    for given in (table, short):
        state = Forecaster(4, model=["pretrained", "dot"]).fit(given)._session.fitted()
        weights = dict(zip(state.panel.ids, state.calibrator.weights.by_series[THETA], strict=True))
        assert weights["rare"] == 0
        assert weights["often"] > 0.1


def test_fit_weights_models_of_short_series_by_shorter_horizons():
    y = 100 + 5 * np.arange(20.0)
    weights = Forecaster(9, model=["naive", "drift"]).fit({"y": y}).model_weights_
    assert weights["Drift"] > 0.9
    few = Forecaster(5, model=["naive", "drift"]).fit({"y": y[:8]}).model_weights_
    assert few["Drift"] == pytest.approx(0.5)


def test_fit_forecasts_from_older_origins_in_a_thread_with_the_bits_of_one_after_the_other(sales, monkeypatch):
    models, quick = ["lstm", "dot", "dot", "pretrained", "mean"], TrainingConfig(max_steps=5, n_members=2)
    aside = Forecaster(12, model=models, training=quick).fit(monthly(sales))
    monkeypatch.setattr("gatecast.pipeline.fit.FEW_SERIES", 0)
    after = Forecaster(12, model=models, training=quick).fit(monthly(sales))
    assert aside.model_weights_ == after.model_weights_
    for name, column in aside.predict().items():
        assert column.tobytes() == after.predict()[name].tobytes(), name


def test_fit_of_a_model_that_does_not_say_that_it_needs_no_training_uses_its_older_forecasts(sales, monkeypatch):
    expected = Forecaster(12, model=["lstm", "dot"], training=TrainingConfig(max_steps=2)).fit(monthly(sales))
    monkeypatch.delattr(LocalModel, "needs_training")
    other = Forecaster(12, model=["lstm", "dot"], training=TrainingConfig(max_steps=2)).fit(monthly(sales))
    assert other.model_weights_ == expected.model_weights_


def test_fit_forecasts_older_origins_of_each_model_once(sales, monkeypatch):
    """Also where a model does not say that it needs no training, and the background forecasts only the others."""
    asked, older = [], []
    forecast, origins = units.forecast_past, fit_module.older_origins

    def count(ensemble, context, offsets, season_length):
        asked.append((ensemble.columns, offsets.tolist()))
        return forecast(ensemble, context, offsets, season_length)

    monkeypatch.setattr(units, "forecast_past", count)
    monkeypatch.setattr(fit_module, "older_origins", lambda *a: older.append(origins(*a)) or older[-1])
    monkeypatch.setattr(Drift, "needs_training", True)
    Forecaster(12, model=["lstm", "mean", "drift"], training=TrainingConfig(max_steps=2)).fit(monthly(sales))
    assert [columns for columns, offsets in asked if offsets == older[0].tolist()] == [("Mean",), ("Drift",)]


@pytest.mark.parametrize(
    ("compiled", "is_median"),
    [(None, True), ("mae", True), ("mse", False), ("huber", False), ("log_cosh", False)],
)
def test_of_means_counts_a_network_of_the_user_by_its_loss(compiled, is_median):
    network = Sequential([Input((8, 1)), Flatten(), Dense(3)])
    if compiled is not None:
        network.compile(loss=compiled)
    member = SequentialConfig(network, 8)
    assert fit_module._forecasts_medians(member) is is_median
    assert fit_module._forecasts_medians(MedianOf((member, member))) is is_median
    quantiles = Sequential([Input((8, 1)), Flatten(), Dense(15), QuantileHead(5)])
    if compiled is not None:
        quantiles.compile(loss=compiled)
    assert fit_module._forecasts_medians(SequentialConfig(quantiles, 8))


@pytest.mark.parametrize(
    ("model", "settings", "unused"),
    [
        ("dot", {"network": NetworkConfig(units=8), "training": TrainingConfig(max_steps=5)}, "units=8, max_steps=5."),
        (["dot", "pretrained"], {"training": TrainingConfig(n_members=2)}, "n_members=2."),
        ("dot", {"input_size": 12}, "input_size=12."),
        (["dot", "rnn"], {"network": NetworkConfig(units=2), "training": TrainingConfig(max_steps=2)}, ""),
        ("dot", {"seed": 3}, ""),
    ],
)
def test_settings_of_networks_without_a_network_are_noted(model, settings, unused):
    table = {"ds": np.arange(60), "y": np.sin(np.arange(60.0))}
    findings = gc.Forecaster(3, model=model, **settings).fit(table, evaluate=False).findings_
    noted = [finding for finding in findings if "no model here is trained" in finding]
    assert [note.rpartition(": ")[2] for note in noted] == ([unused] if unused else [])
