"""Forecasting many series: from table to table, and nothing of the future in what is said about the past."""

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.data.panel import from_values
from gatecast.errors import ConfigError, DataError, FormatError, NotFittedError
from gatecast.forecaster import Forecaster
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import inverse_error_weights, say_far, weighted_average

H, S = 4, 24
QUICK = {"network": NetworkConfig(units=8), "training": TrainingConfig(n_members=2, max_steps=20)}


def table(rng, lengths):
    values = [
        200 + 40 * np.sin((np.arange(n) + s) * np.pi / 6) + np.cumsum(rng.normal(size=n)) for s, n in enumerate(lengths)
    ]
    months = [np.datetime64("2010-01", "M") + np.arange(n) for n in lengths]
    return {
        "unique_id": np.repeat([f"s{k:02d}" for k in range(len(lengths))], lengths),
        "ds": np.concatenate(months).astype("M8[D]"),
        "y": np.concatenate(values),
    }


@pytest.fixture(scope="module")
def sales():
    rng = np.random.default_rng(0)
    return table(rng, [60, 2, 17, 3, *rng.integers(40, 70, S - 4).tolist()])


@pytest.fixture(scope="module")
def fitted(sales):
    return Forecaster(H, **QUICK).fit(sales)


def test_every_series_has_its_forecast_after_its_own_end(fitted, sales):
    said = fitted.predict().table
    assert list(said)[:3] == ["unique_id", "ds", "Ensemble"]
    assert said["unique_id"].tolist() == np.repeat(np.unique(sales["unique_id"]), H).tolist()
    for name in np.unique(sales["unique_id"]):
        last = sales["ds"][sales["unique_id"] == name].max().astype("M8[M]")
        assert said["ds"][said["unique_id"] == name][0].astype("M8[M]") == last + 1
    assert np.isfinite(said["Ensemble"]).all()
    lows, highs = (np.stack([said[f"Ensemble-{side}-{level}"] for level in (80, 95)]) for side in ("lo", "hi"))
    assert (lows[1] <= lows[0]).all()
    assert (lows[0] <= said["Ensemble"]).all()
    assert (said["Ensemble"] <= highs[0]).all()
    assert (highs[0] <= highs[1]).all()


def test_scores_are_over_all_series_beside_the_simple_forecasts(fitted):
    scores = fitted.evaluation_.scores
    assert [score.model for score in scores] == ["Ensemble", "LSTM", "DOT", "SeasonalNaive", "Naive", "Drift", "Mean"]
    assert 0 <= scores[0].loses <= S
    assert f"of each of {S} series" in fitted.evaluation_.verdict
    evaluated = fitted.evaluation_.table
    assert set(evaluated) >= {"unique_id", "ds", "y", "Ensemble", "LSTM", "DOT", "SeasonalNaive", "Naive"}
    assert sum(fitted.model_weights_.values()) == pytest.approx(1)


def test_poison_after_the_cutoff_changes_nothing_before_it(fitted, sales):
    poisoned = {name: column.copy() for name, column in sales.items()}
    for name in np.unique(sales["unique_id"]):
        rows = np.flatnonzero(sales["unique_id"] == name)
        poisoned["y"][rows[-H:]] = np.where(np.arange(len(rows[-H:])) % 2, 1e6, 1e-6)
    other = Forecaster(H, **QUICK).fit(poisoned)
    assert other.model_weights_ == fitted.model_weights_
    for name in ("Ensemble", "Ensemble-lo-95", "Ensemble-hi-80", "LSTM", "DOT", "SeasonalNaive", "Naive"):
        assert other.evaluation_.table[name].tobytes() == fitted.evaluation_.table[name].tobytes(), name


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_tables_go_out_as_the_kind_that_came_in(fitted, sales, make):
    frame = make({name: column.tolist() for name, column in sales.items()})
    forecast = Forecaster(H, **QUICK).fit(frame, evaluate=False).predict()
    assert isinstance(forecast.table, make)
    assert list(forecast.table.columns) == list(fitted.predict().table)
    np.testing.assert_array_equal(np.asarray(forecast.table["Ensemble"]), fitted.predict().table["Ensemble"])


def test_other_horizons_levels_and_series(fitted, sales):
    whole = fitted.predict().table
    short = fitted.predict(h=2, level=50).table
    assert list(short) == ["unique_id", "ds", "Ensemble", "Ensemble-lo-50", "Ensemble-hi-50"]
    np.testing.assert_array_equal(short["Ensemble"].reshape(S, 2), whole["Ensemble"].reshape(S, H)[:, :2])
    far = fitted.predict(h=3 * H).table
    np.testing.assert_array_equal(far["Ensemble"].reshape(S, -1)[:, :H], whole["Ensemble"].reshape(S, H))
    width = (far["Ensemble-hi-80"] - far["Ensemble-lo-80"]).reshape(S, -1).mean(axis=0)
    assert (np.diff(width[H - 1 :: H]) > 0).all()
    rows = sales["unique_id"] == "s05"
    new = {name: column[rows] for name, column in sales.items()} | {"unique_id": np.full(rows.sum(), "new")}
    told = fitted.predict(new).table
    own = whole["Ensemble"][whole["unique_id"] == "s05"]
    np.testing.assert_allclose(told["Ensemble"], own, rtol=1e-4)


def test_series_of_another_frequency_are_refused(fitted):
    days = {"unique_id": ["a"] * 9, "ds": np.arange("2020-01-01", "2020-01-10", dtype="M8[D]"), "y": np.arange(9.0)}
    with pytest.raises((DataError, ConfigError)):
        fitted.predict(days)


def test_the_models_by_name(sales):
    for model in ("lstm", "gru", "rnn"):
        forecaster = Forecaster(H, model=model, **QUICK).fit(sales, evaluate=False)
        assert model.upper() in forecaster.predict().table
    with pytest.raises(ConfigError, match="there is no such model: got 'arima', expected 'auto' or 'lstm'"):
        Forecaster(H, model="arima")


def test_constant_and_empty_series_are_named(sales):
    odd = {
        "unique_id": np.concatenate([sales["unique_id"], ["flat"] * 30, ["void"] * 30]),
        "ds": np.concatenate([sales["ds"], np.tile(sales["ds"][:30], 2)]),
        "y": np.concatenate([sales["y"], np.full(30, 5.0), np.full(30, np.nan)]),
    }
    forecaster = Forecaster(H, **QUICK).fit(odd)
    assert "series 'flat' does not vary: its forecast is the constant." in forecaster.data_notes_
    assert "series 'void' has no value: there is no forecast of it." in forecaster.data_notes_
    said = forecaster.predict().table
    np.testing.assert_allclose(said["Ensemble"][said["unique_id"] == "flat"], 5.0, rtol=0.01)
    assert np.isnan(said["Ensemble"][said["unique_id"] == "void"]).all()


def test_weights_follow_errors_half_way():
    truth = np.zeros((3, 2))
    answers = {"good": np.full((3, 2, 1), 1.0), "near": np.full((3, 2, 1), 1.1)}
    weights = inverse_error_weights(answers, truth, np.ones(3))
    assert weights["good"] == pytest.approx(0.25 + 0.5 / (1 + 1.1**-4))
    assert sum(weights.values()) == pytest.approx(1)


def test_a_model_far_behind_is_left_out():
    answers = {"good": np.full((3, 2, 1), 1.0), "near": np.full((3, 2, 1), 1.2), "bad": np.full((3, 2, 1), 1.5)}
    weights = inverse_error_weights(answers, np.zeros((3, 2)), np.ones(3))
    assert weights["bad"] == 0
    assert weights["good"] > weights["near"] > 0.25


def test_a_model_without_an_answer_is_left_out():
    answers = {"a": np.array([[[1.0]], [[np.nan]]]), "b": np.array([[[3.0]], [[5.0]]])}
    assert weighted_average(answers, {"a": 0.5, "b": 0.5}).ravel().tolist() == [2.0, 5.0]


def test_networks_share_one_place_and_the_others_the_other():
    said = {name: np.ones((3, 2, 1)) for name in ("LSTM", "ES-LSTM", "DOT")}
    assert inverse_error_weights(said, np.zeros((3, 2)), np.ones(3)) == {"LSTM": 0.25, "ES-LSTM": 0.25, "DOT": 0.5}
    said = {name: np.ones((3, 2, 1)) for name in ("LSTM", "DOT", "ETS")}
    assert inverse_error_weights(said, np.zeros((3, 2)), np.ones(3)) == {"LSTM": 0.5, "DOT": 0.25, "ETS": 0.25}


def test_rolling_cutoffs_hide_what_came_later(rng):
    values = rng.normal(size=(3, 20))
    past, actual = PanelContext.from_values(values).rolling_origins(np.array([8, 4]), 4)
    np.testing.assert_array_equal(past.values[:3, 8:], values[:, :12])
    np.testing.assert_array_equal(past.values[3:, 4:], values[:, :16])
    np.testing.assert_array_equal(actual, np.concatenate([values[:, 12:16], values[:, 16:]]))


def test_far_steps_go_on_from_the_medians(fitted):
    values = 200 + np.cumsum(np.random.default_rng(1).normal(size=(2, 50)), axis=1)
    near = say_far(fitted._trained.learned, PanelContext.from_values(values), H)
    far = say_far(fitted._trained.learned, PanelContext.from_values(values), 2 * H + 1)
    for name, said in far.items():
        assert said.shape == (2, 2 * H + 1, 5)
        np.testing.assert_array_equal(said[:, :H], near[name])
        assert (np.diff(said, axis=2) >= 0).all()


def test_cross_validation_says_at_each_cutoff_what_was_known_then(sales):
    forecaster = Forecaster(H, **QUICK)
    folds = forecaster.cross_validation(sales, n_windows=2, step_size=3).table
    assert list(folds)[:5] == ["unique_id", "ds", "cutoff", "y", "Ensemble"]
    assert {"LSTM", "DOT", "SeasonalNaive", "Naive"} <= set(folds)
    assert (folds["ds"] > folds["cutoff"]).all()
    poisoned = {name: column.copy() for name, column in sales.items()}
    for name in np.unique(sales["unique_id"]):
        poisoned["y"][np.flatnonzero(sales["unique_id"] == name)[-H:]] = 1e6
    other = Forecaster(H, **QUICK).cross_validation(poisoned, n_windows=2, step_size=3).table
    for name in ("Ensemble", "Ensemble-lo-95", "LSTM", "SeasonalNaive"):
        assert folds[name].tobytes() == other[name].tobytes(), name
    past, last = folds["ds"] == folds["ds"], folds["unique_id"] == "s05"
    truth = sales["y"][sales["unique_id"] == "s05"]
    said = folds["y"][past & last]
    np.testing.assert_array_equal(said[-H:], truth[-H:])
    np.testing.assert_array_equal(said[:H], truth[-H - 3 : -3])


def test_cross_validation_without_refit_learns_at_the_first_cutoff_alone(sales):
    told = Forecaster(H, **QUICK).cross_validation(sales, n_windows=2, refit=False).table
    again = Forecaster(H, **QUICK).cross_validation(sales, n_windows=2).table
    first = told["cutoff"] == np.sort(np.unique(told["cutoff"][told["unique_id"] == "s05"]))[0]
    here = first & (told["unique_id"] == "s05")
    np.testing.assert_array_equal(told["Ensemble"][here], again["Ensemble"][here])
    assert (told["Ensemble"] != again["Ensemble"]).any()
    with pytest.raises(DataError, match="the series are too short for so many cutoffs"):
        Forecaster(H, **QUICK).cross_validation(sales, n_windows=50)


def test_a_forecaster_comes_back_from_its_file(fitted, sales, tmp_path):
    fitted.save(tmp_path / "a.gatecast")
    loaded = Forecaster.load(tmp_path / "a.gatecast")
    for h in (H, 2 * H):
        ours, theirs = loaded.predict(h=h, level=[70]).columns, fitted.predict(h=h, level=[70]).columns
        assert list(ours) == list(theirs)
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name])
    assert loaded.predict(sales).table["Ensemble"].tobytes() == fitted.predict().table["Ensemble"].tobytes()
    assert (loaded.h, loaded.model, loaded.season_length_, loaded.model_weights_) == (
        H,
        "auto",
        12,
        fitted.model_weights_,
    )
    ours, theirs = loaded.evaluation_, fitted.evaluation_
    assert ours.scores == theirs.scores
    assert (ours.cutoff, ours.split_sizes, ours.verdict) == (theirs.cutoff, theirs.sizes, theirs.verdict)
    assert list(ours.table) == list(theirs.table)
    for name, column in theirs.table.items():
        np.testing.assert_array_equal(ours.table[name], column)


def test_the_scores_of_a_single_named_series_come_back_too(tmp_path):
    rows = {"shop": np.full(60, "north"), "day": np.arange(60), "sold": 10 + np.sin(np.arange(60.0))}
    fitted = Forecaster(5, training=TrainingConfig(n_members=1, max_steps=3)).fit(rows)
    fitted.save(tmp_path / "a.gatecast")
    table = Forecaster.load(tmp_path / "a.gatecast").evaluation_.table
    assert list(table) == list(fitted.evaluation_.table)
    assert "shop" not in table
    np.testing.assert_array_equal(table["sold"], rows["sold"][-len(table["sold"]) :])
    fitted.fit(rows, evaluate=False).save(tmp_path / "b.gatecast")
    assert Forecaster.load(tmp_path / "b.gatecast").evaluation_ is None


@pytest.mark.parametrize("damage", ["truncated", "altered", "foreign", "absent"])
def test_files_that_are_not_whole_are_refused(fitted, tmp_path, damage):
    path = tmp_path / "a.gatecast"
    fitted.save(path)
    data = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "altered":
        data[-5] ^= 1
        path.write_bytes(data)
    elif damage == "foreign":
        path.write_bytes(b"unique_id,ds,y\n" * 40)
    else:
        path.unlink()
    with pytest.raises(FormatError, match=r"cannot be read|was altered|no such file"):
        Forecaster.load(path)


def test_only_what_was_fitted_can_be_saved(tmp_path):
    with pytest.raises(NotFittedError, match="this forecaster has not seen a series"):
        Forecaster(H).save(tmp_path / "a")


def test_a_column_called_like_a_forecast_is_refused(sales):
    table = {"unique_id": sales["unique_id"], "ds": sales["ds"], "Ensemble": sales["y"]}
    with pytest.raises(ConfigError, match="Ensemble"):
        Forecaster(H, **QUICK).fit(table)


def test_load_by_its_short_name(fitted, tmp_path):
    import gatecast

    fitted.save(tmp_path / "a.gatecast")
    assert gatecast.load(tmp_path / "a.gatecast").h_ == H


@pytest.mark.parametrize("role", ["historic", "known"])
def test_which_words_will_come_is_not_known_at_a_cutoff(role):
    rng, n = np.random.default_rng(0), 72
    table = {"t": np.arange(n), "y": 10 + np.sin(np.arange(n)) + rng.normal(0, 0.1, n)}
    day = np.tile(["Mo", "Tu", "We"], n // 3).astype(object)
    later = day.copy()
    # A word that sorts before the others, so that each of them would be numbered otherwise.
    later[-3:] = "Fr"
    words = {"model": "lstm", "target_col": "y", "data": DataConfig(**{role: "day"}), "season": 1}
    words["training"] = TrainingConfig(n_members=1, max_steps=8)
    one, other = (Forecaster(4, **words).fit(table | {"day": given}) for given in (day, later))
    assert other.panel_.categories == {"day": ("Fr", "Mo", "Tu", "We")}
    assert one.training_history_["loss"] == other.training_history_["loss"]
    if role == "historic":  # of a known column the steps ahead are given, words and all
        assert one.training_history_ == other.training_history_
        told, again = (forecaster.evaluation_.table["LSTM"][:4] for forecaster in (one, other))
        assert told.tobytes() == again.tobytes()
    for refit in (True, False):
        folds = [
            Forecaster(4, **words).cross_validation(table | {"day": given}, n_windows=3, refit=refit).columns
            for given in (day, later)
        ]
        earlier = folds[0]["cutoff"] < folds[0]["cutoff"].max()
        assert folds[0]["LSTM"][earlier].tobytes() == folds[1]["LSTM"][earlier].tobytes()


def test_words_of_a_panel_before_its_last_values():
    words = {"day": ("Fr", "Mo", "Tu"), "kind": ("a", "b")}
    day = np.array([1.0, np.nan, 2.0, 0.0])
    panel = replace(from_values(np.arange(4.0)), historic={"day": day}, static={"kind": np.ones(1)}, categories=words)
    known = panel.categories_before(1)
    assert known == {"day": ("Mo", "Tu"), "kind": ("a", "b")}
    np.testing.assert_array_equal(panel.restrict_categories(known).hist_exog["day"], [0.0, np.nan, 1.0, np.nan])
    assert panel.restrict_categories(panel.categories_before(0)) is panel
