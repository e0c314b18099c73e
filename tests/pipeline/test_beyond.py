"""What a forecaster does besides fit and predict: columns, limits, sample paths, the past, new rows, other models."""

import numpy as np
import pytest

import gatecast as gc
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError, DataError, FormatError
from gatecast.evaluation.calibration import Bounds, default_calibrator, prediction_intervals
from gatecast.evaluation.sample_paths import error_autocorrelation, sample_paths

H, S, T = 6, 20, 66
QUICK = {"network": NetworkConfig(units=8), "training": TrainingConfig(n_members=2, max_steps=30)}
MONTHS = np.arange("2015-01", "2020-07", dtype="M8[M]").astype("M8[D]")


def shop(rows=T, seed=0, promotions=True):
    """Sales of 20 shops as a long table; a promotion adds a third."""
    rng = np.random.default_rng(seed)
    promo = (rng.random((S, T)) < 0.3) * 1.0
    level = np.cumsum(rng.normal(0, 0.02, (S, T)), axis=1) + 0.2 * np.sin(np.arange(T) * np.pi / 6)
    sales = np.exp(4 + level + promotions * 0.3 * promo)
    table = {
        "shop": np.repeat([f"shop {s}" for s in range(S)], T),
        "month": np.tile(MONTHS, S),
        "sales": sales.ravel(),
        "promo": promo.ravel(),
        "kind": np.repeat(["inner", "outer"], S // 2 * T),
        "visitors": np.exp(level).ravel(),
    }
    keep = np.tile(np.arange(T) < rows, S)
    return {name: column[keep] for name, column in table.items()}


def later(table, rows):
    """The rows of a table after the first `rows` of each shop."""
    keep = np.tile(np.arange(len(table["sales"]) // S) >= rows, S)
    return {name: column[keep] for name, column in table.items()}


COLUMNS = {"id_col": "shop", "time_col": "month", "target_col": "sales"}


@pytest.fixture(scope="module")
def whole():
    return shop()


@pytest.fixture(scope="module")
def past():
    return shop(T - H)


@pytest.fixture(scope="module")
def with_promo(past):
    data = DataConfig(futr_exog="promo", stat_exog="kind", hist_exog="visitors")
    return gc.Forecaster(H, data=data, **COLUMNS, **QUICK).fit(past)


@pytest.fixture(scope="module")
def fitted(past):
    plain = {name: past[name] for name in ("shop", "month", "sales")}
    return gc.Forecaster(H, **COLUMNS, **QUICK).fit(plain)


def test_a_known_promotion_makes_the_forecast_better(with_promo, fitted, whole):
    came = later(whole, T - H)
    error = {
        name: np.abs(forecast.columns["Ensemble"] - came["sales"]).mean()
        for name, forecast in (("with", with_promo.predict(futr_df=came)), ("without", fitted.predict()))
    }
    assert error["with"] < 0.6 * error["without"]
    flat = came | {"promo": np.zeros(S * H)}
    change = with_promo.predict(futr_df=came).columns["Ensemble"] / with_promo.predict(futr_df=flat).columns["Ensemble"]
    assert np.median(change[came["promo"] > 0]) > 1.2


def test_steps_that_are_known_ahead_have_to_be_given(with_promo, whole, past):
    with pytest.raises(
        ConfigError, match=r"the known columns are needed for the steps ahead: got no futr_df"
    ) as caught:
        with_promo.predict()
    assert "Call predict(futr_df=...)" in str(caught.value)
    short = {name: column[:-1] for name, column in later(whole, T - H).items()}
    with pytest.raises(DataError, match=r"rows are missing in the future table: got no row for series 'shop 19'"):
        with_promo.predict(futr_df=short)
    strange = past | {"kind": np.where(past["kind"] == "inner", "inner", "moon")}
    with pytest.raises(DataError, match="moon"):
        with_promo.predict(strange, futr_df=later(whole, T - H))


def test_what_comes_after_the_cutoff_does_not_count_but_for_known_columns(whole):
    data = DataConfig(futr_exog="promo", hist_exog="visitors")
    forecaster = gc.Forecaster(H, data=data, **COLUMNS, **QUICK)
    poisoned = {name: column.copy() for name, column in whole.items()}
    after = np.tile(np.arange(T) >= T - H, S)
    poisoned["sales"][after], poisoned["visitors"][after] = 1e6, -1e6
    one, two = (forecaster.cross_validation(table).columns["Ensemble"] for table in (whole, poisoned))
    np.testing.assert_array_equal(one, two)
    poisoned["promo"][after] = 5.0
    assert (forecaster.cross_validation(poisoned).columns["Ensemble"] != one).any()


def test_a_file_keeps_columns_words_and_effects(with_promo, whole, tmp_path):
    with_promo.save(tmp_path / "shop.gatecast")
    again = gc.load(tmp_path / "shop.gatecast")
    came = later(whole, T - H)
    for name, column in with_promo.predict(futr_df=came).columns.items():
        np.testing.assert_array_equal(again.predict(futr_df=came).columns[name], column)
    assert again.data == with_promo.data
    assert again.training_history_ == with_promo.training_history_


def test_sample_paths_have_the_intervals_of_the_forecast(fitted):
    paths = fitted.simulate(400, seed=1).columns
    assert list(paths) == ["shop", "month", "path", "Ensemble"]
    drawn = paths["Ensemble"].reshape(S, 400, H)
    forecast = fitted.predict(level=80).columns
    low, high = (forecast[f"Ensemble-{side}-80"].reshape(S, 1, H) for side in ("lo", "hi"))
    assert ((drawn >= low) & (drawn <= high)).mean() == pytest.approx(0.8, abs=0.02)
    assert ((drawn[:, :, -1:] <= forecast["Ensemble"].reshape(S, H)[:, None, -1:]).mean()) == pytest.approx(
        0.5, abs=0.03
    )
    np.testing.assert_array_equal(
        fitted.simulate(3, seed=1).columns["Ensemble"], fitted.simulate(3, seed=1).columns["Ensemble"]
    )
    assert (fitted.simulate(3, seed=2).columns["Ensemble"] != fitted.simulate(3, seed=1).columns["Ensemble"]).any()
    with pytest.raises(ConfigError, match="Invalid paths"):
        fitted.simulate(0)


def test_paths_remember_as_errors_did():
    said = np.zeros((1, 40, 5)) + np.array([-2.0, -1.3, 0, 1.3, 2])
    start = default_calibrator(["LSTM"], (0.025, 0.1, 0.5, 0.9, 0.975), [80, 95], 40)
    for r in (0.0, 0.9):
        paths = sample_paths(start._replace(memory=r), said, np.array([[-1.0]]), 500, 0)[0]
        assert error_autocorrelation(paths) == pytest.approx(r, abs=0.03)
    assert error_autocorrelation(np.full((9, 3), np.nan)) == 0.8


def test_the_past_one_step_ahead_is_a_table_beside_the_values(fitted, past):
    table = fitted.fitted_
    assert list(table) == ["shop", "month", "sales", "LSTM"]
    np.testing.assert_array_equal(table["sales"], past["sales"])
    first = table["month"] == MONTHS[0]
    assert np.isnan(table["LSTM"][first]).all()
    off = np.abs(table["LSTM"] - table["sales"])[~first].mean()
    change = np.abs(np.diff(past["sales"].reshape(S, -1), axis=1)).mean()
    assert off < 0.9 * change


def test_a_season_keeps_its_phase_in_the_past():
    y = 100 + 30 * np.sin(np.arange(96) * np.pi / 6) + np.random.default_rng(0).normal(size=96)
    fitted = gc.Forecaster(6, season_length=12).fit({"ds": np.arange(96), "y": y}, evaluate=False)
    assert np.nanmean(np.abs(fitted.fitted_["LSTM"] - y)[24:]) < 5


def test_new_rows_are_scored_then_learnt(past, whole):
    forecaster = gc.Forecaster(H, **COLUMNS, **QUICK).fit({n: past[n] for n in ("shop", "month", "sales")})
    before = forecaster.predict()
    found = forecaster.evaluate(whole)
    assert found.split_sizes == (T - H, 0, H)
    assert found.scores[0].mae == pytest.approx(
        np.abs(before.columns["Ensemble"] - later(whole, T - H)["sales"]).mean()
    )
    assert "learnt from" not in found.verdict
    rows = later(whole, T - H)
    two = {name: column[: 2 * H] for name, column in rows.items() if name in ("shop", "month", "sales")}
    assert forecaster.evaluate({name: rows[name] for name in two}).scores == found.scores
    assert set(forecaster.evaluate(two).table["shop"]) == {"shop 0", "shop 1"}
    assert "6 of these rows were learnt from" in forecaster.evaluate(past).verdict
    with pytest.raises(DataError, match="the series are too short: got 66 rows at most, expected more than the 70"):
        forecaster.evaluate(whole, n_rows=70)
    same = forecaster.update(later(whole, T - H))
    assert same is forecaster
    assert (forecaster.panel_.lengths == T).all()
    after = forecaster.predict()
    assert (after.columns["month"] > before.columns["month"]).all()
    naive = np.repeat(whole["sales"].reshape(S, T)[:, -12:-6], 1, axis=1)
    assert np.abs(after.columns["Ensemble"].reshape(S, H) / naive - 1).mean() < 0.5


def test_an_update_takes_new_series_too(past, whole):
    some = np.arange(S * (T - H)) < (S - 2) * (T - H)
    forecaster = gc.Forecaster(H, model="es-lstm", **COLUMNS, **QUICK)
    forecaster.fit({name: past[name][some] for name in ("shop", "month", "sales")})
    forecaster.update({name: whole[name] for name in ("shop", "month", "sales")})
    assert len(forecaster.panel_) == S
    said = forecaster.predict().columns["ES-LSTM"]
    assert np.isfinite(said).all()
    np.testing.assert_array_equal(
        forecaster.predict({n: whole[n] for n in ("shop", "month", "sales")}).columns["ES-LSTM"], said
    )


@pytest.mark.parametrize("model", ["es-lstm", "gru"])
def test_other_models_forecast_and_are_kept(past, tmp_path, model):
    table = {name: past[name] for name in ("shop", "month", "sales")}
    forecaster = gc.Forecaster(H, model=model, **COLUMNS, **QUICK).fit(table)
    name = model.upper()
    assert forecaster.model_name_ == name
    said = forecaster.predict(h=2 * H + 1).columns[name]
    assert said.shape == (S * 13,)
    np.testing.assert_array_equal(forecaster.predict(table, h=2 * H + 1).columns[name], said)
    forecaster.save(tmp_path / "m")
    np.testing.assert_array_equal(gc.load(tmp_path / "m").predict(h=2 * H + 1).columns[name], said)
    table = forecaster.fitted_
    off = np.abs(table[name] - table["sales"]).reshape(S, -1)[:, 2:]
    assert off.mean() < 0.9 * np.abs(np.diff(table["sales"].reshape(S, -1), axis=1)).mean()


def test_limits_hold_and_counts_are_whole():
    rng = np.random.default_rng(3)
    counts = rng.poisson(1.5, 80).astype(float)
    data = DataConfig(lower_bound=0, upper_bound=6, integer=True)
    forecaster = gc.Forecaster(6, data=data).fit({"ds": np.arange(80), "y": np.minimum(counts, 6)}, evaluate=False)
    columns = forecaster.predict(level=(80, 99)).columns
    for name in list(columns)[1:]:
        assert (columns[name] == np.round(columns[name])).all()
        assert (columns[name] >= 0).all()
        assert (columns[name] <= 6).all()
    paths = forecaster.simulate(50).columns["Ensemble"]
    assert set(paths) <= set(range(7))
    one = default_calibrator(["LSTM"], (0.1, 0.5, 0.9), [80], 1)._replace(limits=Bounds(-1.0, None, integer=True))
    said = prediction_intervals(one, np.array([[[-3.4, 0.4, 0.7]]]), np.array([[-2.0]]), [80])
    assert [side.item() for side in said] == [0, -1, 1]


@pytest.mark.parametrize("n", [2, 3, 7])
def test_the_shortest_series_are_left_to_theta_with_the_intervals_of_a_random_walk(n):
    y = 100 + np.cumsum(np.random.default_rng(n).normal(0, 5, 60))
    forecaster = gc.Forecaster(6).fit({"ds": np.arange(n), "y": y[:n]})
    assert forecaster.model_weights_["LSTM"] == 0
    columns = forecaster.predict(level=95).columns
    wide = columns["Ensemble-hi-95"] - columns["Ensemble-lo-95"]
    step = np.sqrt((np.diff(y[:n]) ** 2).mean())
    assert (wide >= 2 * 1.9 * step * np.sqrt(np.arange(1, 7))).all()
    assert (np.abs(columns["Ensemble"] - y[n - 1]) < 10 * step).all()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            DataConfig(lower_bound=2),
            "a value is below its lower bound (3): got 1 (such values in all: 2), expected 2 or more",
        ),
        (
            DataConfig(upper_bound=8),
            "a value is above its upper bound (5): got 9 (such values in all: 1), expected 8 or less",
        ),
        (DataConfig(integer=True), "a value is not whole (2): got 2.5 (such values in all: 1), expected whole numbers"),
    ],
)
def test_values_outside_their_limits_are_refused(data, text):
    y = np.full(40, 4.0)
    y[[1, 2, 3, 4]] = 2.5, 1, 1, 9
    with pytest.raises(DataError) as caught:
        gc.Forecaster(4, data=data).fit({"ds": np.arange(1, 41), "y": y})
    assert text in str(caught.value)


def test_limits_that_are_none_are_refused():
    with pytest.raises(ConfigError, match="DataConfig's bounds are the wrong way round: got lower=3, upper=1"):
        DataConfig(lower_bound=3, upper_bound=1)
    with pytest.raises(ConfigError, match="DataConfig's upper is no bound: got nan"):
        DataConfig(upper_bound=float("nan"))
    with pytest.raises(ConfigError, match="DataConfig's known names no columns: got 3"):
        DataConfig(futr_exog=3)
    with pytest.raises(
        ConfigError, match=r"data is no DataConfig: got 'price', expected a gatecast\.config\.DataConfig"
    ):
        gc.Forecaster(data="price")


def test_learning_stops_where_the_validation_part_says(past):
    table = {name: past[name] for name in ("shop", "month", "sales")}
    forecaster = gc.Forecaster(H, model="lstm", **COLUMNS, **QUICK).fit(table, evaluate=False)
    curve = forecaster.training_history_
    assert len(curve["loss"]) == 30
    assert curve["validation_step"] == [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]
    assert np.isfinite(curve["validation"]).all()


def test_a_file_of_other_weights_is_refused(fitted, tmp_path):
    from gatecast._utils import safefile

    fitted.save(tmp_path / "a")
    header, arrays = safefile.read(tmp_path / "a", "forecaster")
    arrays = dict(arrays) | {"member.0": np.zeros(5, np.float32)}
    safefile.write(tmp_path / "b", "forecaster", header, arrays)
    with pytest.raises(FormatError, match=r"the file does not describe a forecaster .*5 weights for a network of"):
        gc.load(tmp_path / "b")


def test_a_network_of_ones_own_is_a_model_like_any_other(past, whole, tmp_path):
    from gatecast.layers import GRU, Dense

    network = gc.Sequential([GRU(8), Dense(H)])
    table = {name: past[name] for name in ("shop", "month", "sales")}
    forecaster = gc.Forecaster(H, model=network, **COLUMNS, training=TrainingConfig(max_steps=60)).fit(table)
    assert forecaster.model_name_ == "Network"
    assert forecaster.evaluation_.scores[0].model == "Network"
    said = forecaster.predict().columns
    assert list(said)[2:] == ["Network", "Network-lo-80", "Network-hi-80", "Network-lo-95", "Network-hi-95"]
    forecaster.save(tmp_path / "own")
    again = gc.load(tmp_path / "own")
    np.testing.assert_array_equal(again.predict().columns["Network"], said["Network"])
    again.update({name: whole[name] for name in ("shop", "month", "sales")})
    assert np.isfinite(again.predict().columns["Network"]).all()
    with pytest.raises(ConfigError, match="this model has no forecasts of the past: got Network"):
        _ = forecaster.fitted_
    with pytest.raises(ConfigError, match=r"Dense\(6\)"):
        gc.Forecaster(H, model=gc.Sequential([GRU(8), Dense(5)]), **COLUMNS).fit(table)


def test_ets_and_ces_join_when_they_are_there_and_are_kept(past, tmp_path, monkeypatch):
    from gatecast.forecasting import statsforecast_models

    def say(values, h, m, probabilities, models=("ETS", "CES")):
        last = values[:, -1][:, None, None] * {"ETS": 1.0, "CES": 3.0}[models[0]]
        return {models[0]: last + np.arange(len(probabilities)) - len(probabilities) // 2 + np.zeros((1, h, 1))}

    table = {name: past[name] for name in ("shop", "month", "sales")}
    monkeypatch.setattr(statsforecast_models, "available", lambda: True)
    monkeypatch.setattr(statsforecast_models, "say", say)
    forecaster = gc.Forecaster(H, **COLUMNS, **QUICK).fit(table)
    assert list(forecaster.model_weights_) == ["LSTM", "DOT", "ETS", "CES"]
    assert forecaster.model_weights_["CES"] == 0, "three times too large"
    assert sum(forecaster.model_weights_.values()) == pytest.approx(1)
    forecaster.save(tmp_path / "m")
    again = gc.load(tmp_path / "m").predict().columns
    for name, column in forecaster.predict().columns.items():
        np.testing.assert_array_equal(again[name], column)


def test_the_parts_are_those_that_the_forecast_is_made_of(with_promo, whole):
    came = later(whole, T - H)
    parts = with_promo.parts(came)
    assert set(parts) == set(with_promo.model_weights_)
    mean = sum(with_promo.model_weights_[name] * part for name, part in parts.items())
    np.testing.assert_allclose(with_promo.predict(futr_df=came).columns["Ensemble"], mean, rtol=1e-6)
    with pytest.raises(ConfigError, match="the known columns are needed for the steps ahead"):
        with_promo.parts()


def test_who_says_how_long_to_learn_is_obeyed():
    y = 100 + np.cumsum(np.random.default_rng(0).normal(size=80))
    forecaster = gc.Forecaster(6, training=TrainingConfig(max_steps=40, learning_rate=0.1)).fit(
        {"ds": np.arange(80), "y": y}
    )
    settings = {member.settings.steps for member in forecaster._trained.learned.voices[0].members}
    assert settings == {40}
