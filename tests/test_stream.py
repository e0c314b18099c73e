"""Streams of a forecaster: the forecasts of `predict`, anomalies, missing values, files, what is refused."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from panel_cases import QUICK

import gatecast as gc
from gatecast.errors import ConfigError, DataError, FormatError, NotFittedError

N = 84
MONTHS = np.arange("2015-01", np.datetime64("2015-01") + N, dtype="M8[M]").astype("M8[D]")
SALES = np.exp(np.random.default_rng(0).normal(0, 0.03, N).cumsum() + 4) * (
    1.2 + 0.3 * np.sin(np.arange(N) * np.pi / 6)
)


def one(stop=N, start=0):
    return {"ds": MONTHS[start:stop], "y": SALES[start:stop]}


def many(stop=N, start=0, n=5):
    values = SALES[None, start:stop] * (1 + np.arange(n))[:, None] + np.arange(n)[:, None]
    return {
        "shop": np.repeat([f"s{k}" for k in range(n)], stop - start),
        "ds": np.tile(MONTHS[start:stop], n),
        "y": values.ravel(),
    }


@pytest.fixture(scope="module")
def fitted():
    return gc.Forecaster(6, model="pretrained").fit(one(60))


@pytest.fixture(scope="module")
def fitted_panel():
    return gc.Forecaster(4, model="pretrained").fit(many(60))


def same_points(a, b, name="Pretrained"):
    assert (np.asarray(a["ds"]) == np.asarray(b["ds"])).all()
    np.testing.assert_allclose(a[name], b[name], rtol=1e-6)


def test_stream_begins_with_the_forecast_of_predict(fitted):
    forecast, expected = fitted.stream().predict(), fitted.predict()
    assert list(forecast) == list(expected)
    for name in expected:
        assert (forecast[name] == expected[name]).all()


def test_steps_forecast_as_predict_does_with_the_longer_past(fitted):
    stream = fitted.stream()
    for k in range(60, N):
        step = stream.step(SALES[k])
        same_points(step.forecast, fitted.predict(one(k + 1, 60)))
    assert stream.n_steps == N - 60


def test_steps_of_many_series_forecast_as_predict_does(fitted_panel):
    stream, table = fitted_panel.stream(), many()
    values = table["y"].reshape(5, N)
    for k in range(60, 70):
        by_id = dict(zip(stream.ids, values[:, k].tolist(), strict=True))
        step = stream.step(by_id if k % 2 else values[:, k])
        assert list(step.is_anomaly) == stream.ids
        same_points(step.forecast, fitted_panel.predict(many(k + 1, 60)))
    assert (step.forecast["shop"] == fitted_panel.predict(many(70, 60))["shop"]).all()


def test_steps_of_short_series_have_the_season_of_the_panel():
    table = many(60, n=7)
    is_late = (table["shop"] == "s6") & (np.tile(np.arange(60), 7) < 49)
    past = {name: column[~is_late] for name, column in table.items()}
    forecaster = gc.Forecaster(4, model=["pretrained", "naive"]).fit(past)
    assert any("season" in finding for finding in forecaster.findings_)
    assert forecaster.state_.ensemble.effects.season.season_length == 12
    stream = forecaster.stream()
    for k in range(60, 64):
        step = stream.step(many(N, n=7)["y"].reshape(7, N)[:, k])
    same_points(step.forecast, forecaster.predict(many(64, 60, n=7)), "Ensemble")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dot", ["dot", "seasonal-naive", "pretrained"], "lstm"])
def test_steps_of_other_models_forecast_as_predict_does(model):
    forecaster = gc.Forecaster(6, model=model, **QUICK).fit(one(60))
    stream = forecaster.stream()
    for k in range(60, 66):
        step = stream.step(SALES[k])
        same_points(step.forecast, forecaster.predict(one(k + 1, 60)), forecaster.model_name_)


def test_margins_follow_new_values_as_update_makes_them_follow(fitted):
    updated = gc.Forecaster(6, model="pretrained").fit(one(60)).update(one(72, 60))
    stream = fitted.stream()
    for k in range(60, 72):
        forecast = stream.step(SALES[k]).forecast
    first = {name: column[0] for name, column in forecast.items()}
    expected = {name: column[0] for name, column in updated.predict().items()}
    # One step ahead both have tracked the same forecasts; farther ones of `update` begin before the stream does.
    for name in list(expected)[1:]:
        assert first[name] == pytest.approx(expected[name], rel=1e-9), name


def test_an_outlier_is_an_anomaly_as_anomalies_says(fitted):
    for y in (SALES[60], 3 * SALES[60]):
        step = fitted.stream(level=95).step(y)
        expected = fitted.anomalies({"ds": MONTHS[60:61], "y": [y]}, level=95)
        assert list(step.judged) == list(expected)
        for name in list(expected)[1:]:
            assert step.judged[name][0] == pytest.approx(expected[name][0], rel=1e-9), name
    assert step.is_anomaly


@pytest.mark.parametrize("model", ["dot", "pretrained"])
def test_outliers_of_steps_are_read_as_predict_reads_them(model, tmp_path):
    """Single ones, one that comes again some seasons later, and the first values of a new level."""
    values = np.stack([SALES, 2 * SALES, 3 * SALES, 4 * SALES])
    values[0, [62, 69]] *= 30, 900
    values[1, [64, 76]] *= 30
    values[2, 66:] *= 40
    values[3, [20, 59]] *= 30, 25

    def rows(start, stop):
        times = np.tile(MONTHS[start:stop], 4)
        return {"shop": np.repeat(list("abcd"), stop - start), "ds": times, "y": values[:, start:stop].ravel()}

    forecaster = gc.Forecaster(3, model=model).fit(rows(0, 60), evaluate=False)
    stream, column = forecaster.stream(), forecaster.model_name_
    same_points(stream.predict(), forecaster.predict(), column)
    for k in range(60, N):
        step = stream.step(values[:, k])
        same_points(step.forecast, forecaster.predict(rows(60, k + 1)), column)
        assert step.judged["y"].tolist() == values[:, k].tolist()
        stream.save(tmp_path / "a.stream")
        stream = gc.ForecastStream.load(tmp_path / "a.stream")


def test_outliers_move_no_margins_and_are_anomalies(fitted):
    outlier, missing = fitted.stream(), fitted.stream()
    assert outlier.step(30 * SALES[60]).is_anomaly
    missing.step(None)
    for name, column in missing.step(SALES[61]).forecast.items():
        assert (outlier.copy().step(SALES[61]).forecast[name] == column).all()


def test_outliers_of_steps_are_read_where_that_is_wanted():
    forecaster = gc.Forecaster(3, model="naive", data=gc.config.DataConfig(keep_outliers=True)).fit(one(60))
    assert (forecaster.stream().step(1e6).forecast["Naive"] == 1e6).all()


def test_a_stream_does_not_keep_an_outlier_that_keep_last_keeps():
    """It would read it still when it is no longer the newest."""
    y = np.r_[SALES[:60], 30 * SALES[60]]
    forecaster = gc.Forecaster(3, model="dot", data=gc.config.DataConfig(keep_last=True))
    forecaster.fit({"ds": MONTHS[:61], "y": y}, evaluate=False)
    step = forecaster.stream().step(SALES[61])
    same_points(step.forecast, forecaster.predict(one(62, 61)), forecaster.model_name_)


def test_a_value_does_not_change_what_was_said_before_it(fitted):
    one_way, other = fitted.stream(), fitted.stream()
    before = [(one_way.step(SALES[k]), other.step(SALES[k])) for k in range(60, 65)]
    other.step(1e6)
    for a, b in before:
        for name in a.forecast:
            assert (a.forecast[name] == b.forecast[name]).all()


def test_missing_values_let_the_time_go_on(fitted):
    stream = fitted.stream()
    step = stream.step(None)
    assert step.is_anomaly is False
    assert np.isnan(step.judged["y"]).all()
    assert step.forecast["ds"][0] == MONTHS[61]
    stream.step(SALES[61])
    stream.step(SALES[62])
    rows = {name: np.delete(column, 60) for name, column in one(63).items()}
    same_points(stream.predict(), gc.Forecaster(6, model="pretrained").predict(rows))


def test_step_takes_a_table_of_the_next_time(fitted, fitted_panel):
    stream, other = fitted.stream(), fitted.stream()
    assert (stream.step(one(61, 60)).forecast["Pretrained"] == other.step(SALES[60]).forecast["Pretrained"]).all()
    panel, order = fitted_panel.stream(), np.array([3, 0, 4, 1, 2])
    table = {name: column[order] for name, column in many(61, 60).items()}
    step = panel.step(table)
    assert step.judged["y"].tolist() == many(61, 60)["y"].tolist()


@pytest.mark.parametrize(
    "value", [3, np.float32(3), np.array(3.0), Decimal(3), [3.0], pd.Series([3.0]), pl.Series([3.0])]
)
def test_step_takes_numbers_of_any_kind(fitted, value):
    assert fitted.stream().step(value).judged["y"].tolist() == [3.0]


@pytest.mark.parametrize("value", [None, [None], np.nan])
def test_step_takes_a_missing_value(fitted, value):
    assert np.isnan(fitted.stream().step(value).judged["y"]).all()


def test_a_column_is_read_by_its_index_if_that_has_the_ids(fitted_panel):
    values, stream = np.arange(100.0, 105.0), fitted_panel.stream()
    by_order = [pd.Series(values), pl.Series(values), pd.Series(values, index=stream.ids)]
    for column in (*by_order, pd.Series(values[::-1], index=stream.ids[::-1])):
        assert stream.copy().step(column).judged["y"].tolist() == values.tolist()


def test_two_values_for_one_series_are_refused():
    past = {"unique_id": np.repeat([1, 2], 60), "ds": np.tile(MONTHS[:60], 2), "y": np.tile(SALES[:60], 2)}
    stream = gc.Forecaster(3, model="pretrained").stream(past)
    with pytest.raises(DataError, match="ids that are both '1'"):
        stream.step({1: 50.0, "1": 60.0, 2: 70.0})
    with pytest.raises(DataError, match="got True of '2'"):
        stream.step({1: 50.0, 2: True})


def test_a_table_may_have_ids_that_are_numbers():
    past = {"unique_id": np.repeat(np.arange(5), 60), "ds": many(60)["ds"], "y": many(60)["y"]}
    stream = gc.Forecaster(3, model="pretrained").stream(past)
    row = {"unique_id": np.arange(5), "ds": MONTHS[60:61].repeat(5), "y": 100.0 + np.arange(5)}
    assert stream.step(row).judged["y"].tolist() == row["y"].tolist()
    assert stream.step(dict.fromkeys(range(5), 100.0)).judged["unique_id"].tolist() == list(range(5))


def test_forecast_is_a_table_of_the_kind_of_the_past():
    stream = gc.Forecaster(3, model="pretrained").stream(pd.DataFrame(one(60)))
    step = stream.step(SALES[60])
    assert isinstance(step.forecast, pd.DataFrame)
    assert isinstance(step.judged, pd.DataFrame)


def test_a_stream_needs_no_fit_where_models_need_no_training():
    forecaster = gc.Forecaster(3, model="pretrained")
    assert forecaster.stream(one(60)).h == 3
    with pytest.raises(NotFittedError):
        gc.Forecaster(3, model="pretrained").stream()
    with pytest.raises(NotFittedError):
        gc.Forecaster(3, model="lstm").stream(one(60))


def test_a_short_past_is_enough():
    stream = gc.Forecaster(2, model="pretrained").stream({"ds": [1, 2, 3], "y": [5.0, 6.0, 5.5]})
    for y in (5.2, 5.9, 5.4, 6.1, 5.5, 5.7):
        step = stream.step(y)
    assert np.isfinite(step.forecast["Pretrained"]).all()
    assert step.forecast["ds"].tolist() == [10, 11]


@pytest.mark.parametrize("name", ["fitted", "fitted_panel"])
def test_a_saved_stream_goes_on_with_the_same_bits(name, request, tmp_path):
    forecaster, path = request.getfixturevalue(name), tmp_path / "sales.stream"
    values = np.atleast_2d(many()["y"].reshape(5, N) if name == "fitted_panel" else SALES)
    stream = forecaster.stream(level=97)
    for k in range(60, 65):
        stream.step(values[:, k])
    stream.save(path)
    loaded = gc.ForecastStream.load(path)
    assert loaded.n_steps == 5
    assert loaded.level == 97
    for k in range(65, 72):
        a, b = stream.step(values[:, k]), loaded.step(values[:, k])
        for table, other in ((a.forecast, b.forecast), (a.judged, b.judged)):
            assert list(table) == list(other)
            assert all(table[column].tobytes() == other[column].tobytes() for column in table if column != "shop")


def test_a_stream_of_days_keeps_its_calendar(tmp_path):
    days = np.arange("2021-01-01", "2023-02-01", dtype="M8[D]")
    y = 100 + 20 * np.sin(np.arange(len(days)) * 2 * np.pi / 365.25) + np.random.default_rng(0).normal(size=len(days))
    forecaster = gc.Forecaster(7, model="seasonal-naive", season_length=365).fit({"ds": days[:-5], "y": y[:-5]})
    stream = forecaster.stream()
    stream.save(tmp_path / "days.stream")
    stream = gc.ForecastStream.load(tmp_path / "days.stream")
    for k in range(len(days) - 5, len(days)):
        step = stream.step(y[k])
    same_points(step.forecast, forecaster.predict({"ds": days[-5:], "y": y[-5:]}), "SeasonalNaive")


def test_copies_are_independent(fitted):
    stream = fitted.stream()
    other = stream.copy()
    stream.step(SALES[60])
    assert (stream.n_steps, other.n_steps) == (1, 0)


def test_what_a_stream_keeps_does_not_grow(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr("gatecast.pipeline.stream.MIN_CONTEXT", 80)
    stream, sizes = fitted.stream(), []
    for k in range(60):
        stream.step(SALES[k % N])
        if k in (30, 59):
            stream.save(tmp_path / f"{k}")
            sizes.append((tmp_path / f"{k}").stat().st_size)
    assert abs(sizes[0] - sizes[1]) < 64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("x", "File not found"),
        ([1.0, 2.0], "one number for each series"),
        ({"a": 1.0}, "the past had no ids"),
        (np.inf, "infinite"),
        ({"ds": ["2031-01-01"], "y": [3.0]}, "next row of each series"),
        ({"ds": MONTHS[60:62], "y": [3.0, 4.0]}, "next row of each series"),
        ([True], "got True at position 0"),
        (True, "got True at position 0"),
        ([[3.0]], "at position 0"),
        (3 + 4j, "Unsupported source"),
    ],
)
def test_values_that_are_none_are_refused_and_change_nothing(fitted, values, message):
    stream = fitted.stream()
    with pytest.raises(DataError, match=message):
        stream.step(values)
    assert stream.n_steps == 0


def test_values_of_other_series_are_refused(fitted_panel):
    stream = fitted_panel.stream()
    for values, message in (
        (1.0, "one number for each series"),
        ({"s0": 1.0}, r"no value of \['s1', 's2', 's3', 's4'\]"),
        (dict.fromkeys(["s0", "s1", "s2", "s3", "s4", "s9"], 1.0), r"unknown ids \['s9'\]"),
        ({"shop": ["s0"], "ds": MONTHS[60:61], "y": [3.0]}, "next row of each series"),
    ):
        with pytest.raises(DataError, match=message):
            stream.step(values)


def test_values_outside_their_bounds_are_refused():
    config = gc.DataConfig(lower_bound=0, upper_bound=500)
    stream = gc.Forecaster(3, model="pretrained", data=config).stream(one(60))
    with pytest.raises(DataError, match="500"):
        stream.step(501.0)


def test_columns_and_totals_are_refused():
    table = one(60) | {"promo": np.arange(60) % 2}
    forecaster = gc.Forecaster(3, model="dot", futr_exog="promo", target_col="y").fit(table)
    with pytest.raises(ConfigError, match="columns 'promo'"):
        forecaster.stream()
    totals = gc.Forecaster(3, model="dot", hierarchy=True, id_col="shop").fit(many(60))
    with pytest.raises(ConfigError, match="totals"):
        totals.stream()


def test_files_that_are_no_stream_are_refused(fitted, tmp_path):
    fitted.save(tmp_path / "forecaster")
    with pytest.raises(FormatError, match="of another kind"):
        gc.ForecastStream.load(tmp_path / "forecaster")
    with pytest.raises(FormatError, match="No such file"):
        gc.ForecastStream.load(tmp_path / "none")


def test_level_has_to_be_one(fitted):
    with pytest.raises(ConfigError, match="one percentage"):
        fitted.stream(level=(80, 95))


def test_repr_says_how_far_a_stream_is(fitted):
    stream = fitted.stream()
    step = stream.step(1e5)
    assert repr(stream) == "ForecastStream(h=6, 1 series, 1 step)"
    assert repr(step) == "StreamStep(1 series, 1 outside the interval)"
