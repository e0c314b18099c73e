"""Public holidays as columns of a panel."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gatecast as gc
from gatecast.config import DataConfig, TrainingConfig
from gatecast.data.frequency import parse
from gatecast.data.panel import from_values
from gatecast.data.panel_holidays import add_holidays, check_holidays, future_holidays
from gatecast.data.panel_update import extend_panel
from gatecast.data.reader import read, read_future
from gatecast.errors import ConfigError
from gatecast.pipeline.data_checks import drop_unlike_last

pytest.importorskip("holidays")

QUICK = TrainingConfig(n_members=1, max_steps=3)
DE = ("holiday_DE", "holiday_DE_lead1", "holiday_DE_lag1")


def daily(start, n, **columns):
    """A table of days with a weekly season."""
    t = np.datetime64(start) + np.arange(n)
    return {"ds": t, "y": 20 + 5 * (np.arange(n) % 7 > 4) + np.sin(np.arange(n)), **columns}


def test_read_with_holidays_adds_known_columns_and_says_so():
    panel, notes = read(
        daily("2024-12-20", 10, promo=np.arange(10) % 2), target_col="y", futr_exog="promo", holidays=["DE"]
    )
    assert list(panel.futr_exog) == ["promo", *DE]
    assert panel.given_futr_exog == ("promo",)
    assert panel.holidays == {"DE": DE}
    assert panel.futr_exog["holiday_DE"].tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 0, 0]
    assert panel.futr_exog["holiday_DE_lead1"].tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    assert panel.futr_exog["holiday_DE_lag1"].tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 0, 0]
    assert notes[-1] == (
        "Holidays of DE are known columns: 'holiday_DE', 'holiday_DE_lead1', 'holiday_DE_lag1'; 2 of 10 times have one."
    )


def test_add_holidays_at_times_without_a_row_are_known():
    table = {name: np.delete(column, [5, 6]) for name, column in daily("2024-12-20", 10).items()}
    panel, _ = read(table, holidays=["DE"])
    assert np.isnan(panel.values[5:7]).all()
    assert panel.futr_exog["holiday_DE"].tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 0, 0]


def test_add_holidays_of_several_countries_and_series_of_other_starts():
    times = np.array(["2024-12-24", "2024-12-25", "2024-12-26", "2024-12-25", "2024-12-26"], "M8[D]")
    table = {"id": ["a"] * 3 + ["b"] * 2, "ds": times, "y": [1.0, 2, 3, 4, 5]}
    panel, notes = read(table, freq="D", holidays=["DE", "US"])
    assert list(panel.holidays) == ["DE", "US"]
    assert panel.futr_exog["holiday_DE"].tolist() == [0, 1, 1, 1, 1]
    assert panel.futr_exog["holiday_US"].tolist() == [0, 1, 0, 1, 0]
    assert len([note for note in notes if note.startswith("Holidays of ")]) == 2
    assert future_holidays(panel.drop_last(1), 2)["holiday_DE_lag1"].tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("freq", "names"),
    [("h", 3), ("15min", 3), ("D", 3), ("B", 3), ("D@0-5", 3), ("W-SUN", 3), ("MS", 1), ("ME", 1), ("QS", 1)],
)
def test_add_holidays_has_leads_and_lags_of_days_and_weeks_alone(freq, names):
    panel, _ = add_holidays(from_values(np.ones(40), start="2024-01-31", freq=freq), ["DE"])
    assert len(panel.futr_exog) == names


@settings(max_examples=25, deadline=None)
@given(
    start=st.dates(min_value=np.datetime64("1995-01-01").item(), max_value=np.datetime64("2040-01-01").item()),
    freq=st.sampled_from(["6h", "D", "B", "W-MON", "MS", "QE"]),
    n=st.integers(2, 60),
    h=st.integers(1, 30),
)
def test_future_holidays_are_those_of_a_longer_panel(start, freq, n, h):
    first = parse(freq).range(np.busday_offset(np.datetime64(start), 0, roll="forward"), 1)[0]
    whole, _ = add_holidays(from_values(np.ones(n + h), start=first, freq=parse(freq).anchored(first)), ["US-CA"])
    future = future_holidays(whole.drop_last(h), h)
    assert list(future) == list(whole.futr_exog)
    for name, column in future.items():
        np.testing.assert_array_equal(column[0], whole.futr_exog[name][n:])


def test_extend_panel_has_holidays_between_old_and_new_rows():
    old, _ = read(daily("2024-12-10", 10), holidays=["DE"])
    new, _ = read(daily("2024-12-28", 10), holidays=["DE"])
    joined = extend_panel(old, new)
    whole, _ = read(daily("2024-12-10", 28), holidays=["DE"])
    for name, column in whole.futr_exog.items():
        np.testing.assert_array_equal(joined.futr_exog[name], column)


def test_read_future_needs_the_columns_of_the_source_alone():
    panel, _ = read(
        daily("2024-12-10", 10, promo=np.arange(10) % 2), target_col="y", futr_exog="promo", holidays=["DE"]
    )
    plan = {"ds": np.datetime64("2024-12-20") + np.arange(2), "promo": [1, 0]}
    assert list(read_future(plan, panel, 2)) == ["promo"]
    assert read_future(None, read(daily("2024-12-10", 10), holidays=["DE"])[0], 2) == {}


def test_drop_unlike_last_keeps_what_a_holiday_explains():
    table = daily("2023-12-01", 390)  # until 24 December 2024
    table["y"][-1] = -900
    for n_less, is_dropped in ((0, False), (3, True)):
        t = {name: np.concatenate([column[: len(column) - 1 - n_less], column[-1:]]) for name, column in table.items()}
        t["ds"] = table["ds"][: len(t["ds"])]
        panel, _ = read(t, holidays=["DE"])
        assert np.isnan(drop_unlike_last(panel, []).values[-1]) == is_dropped


def test_add_holidays_of_hours_in_utc_says_when_they_begin():
    hours = [f"2024-12-24T{hour:02}:00Z" for hour in range(24)]
    panel, notes = read({"ds": hours, "y": np.arange(24.0)}, holidays=["DE"])
    assert panel.futr_exog["holiday_DE_lead1"].tolist() == [1] * 24
    assert notes[-1].startswith("Holidays begin at midnight of UTC, because the times are in UTC: ")
    _, local_notes = read({"ds": [hour[:-1] for hour in hours], "y": np.arange(24.0)}, holidays=["DE"])
    assert local_notes[-1].startswith("Holidays of DE are known columns: ")


@pytest.mark.parametrize(
    ("table", "keywords", "message"),
    [
        (
            {"t": np.arange(9), "y": np.arange(9.0)},
            {},
            r"^Invalid holidays: the times are whole numbers: expected dates\. Leave holidays out, or",
        ),
        (
            {"t": np.arange("2001", "2030", dtype="M8[Y]").astype("M8[D]"), "y": np.arange(29.0)},
            {},
            r"^Invalid holidays: every year has about as many, and the series are yearly \(YS\)",
        ),
        (
            daily("2024-01-01", 9, holiday_DE=np.ones(9)),
            {"target_col": "y", "hist_exog": "holiday_DE"},
            r"^Invalid holidays: the data have a column 'holiday_DE' already\. Leave holidays out, or rename",
        ),
    ],
)
def test_add_holidays_refuses_what_has_none(table, keywords, message):
    with pytest.raises(ConfigError, match=message) as caught:
        read(table, **keywords, holidays=["DE"])
    assert caught.value.argument == "holidays"


def test_check_holidays_refuses_before_data_are_read():
    with pytest.raises(ConfigError, match=r"^Unknown country 'GERMANY'.*Did you mean 'DE'\?$") as caught:
        read("no such file.csv", holidays=["Germany"])
    assert caught.value.argument == "holidays"
    with pytest.raises(ConfigError, match=r"'DE-BAYERN': expected one of .*Did you mean 'DE-BY'\?$"):
        check_holidays(["DE", "de-bayern"])


def test_check_holidays_without_the_library_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ConfigError, match=r'not installed\. Install it: pip install "gatecast\[holidays\]"$') as caught:
        check_holidays(["DE"])
    assert caught.value.argument == "holidays"
    check_holidays([])


def shopping(n=900):
    """Days until 17 December 2024 with little on holidays and much on the days before."""
    table = daily(np.datetime64("2024-12-18") - n, n)
    columns = add_holidays(from_values(table["y"], start=table["ds"][0], freq="D"), ["DE"])[0].futr_exog
    table["y"] += 30 * columns["holiday_DE_lead1"] - 15 * columns["holiday_DE"]
    return table


@pytest.mark.slow
def test_forecaster_with_holidays_forecasts_them_from_every_source_and_after_load(tmp_path):
    pd, pl, pa = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    table, path = shopping(), tmp_path / "sales.csv"
    pd.DataFrame(table).to_csv(path, index=False)
    forecasts = []
    for source in (table, pd.DataFrame(table), pl.DataFrame(table), pa.table(table), str(path)):
        forecaster = gc.Forecaster(14, model="dot", data=DataConfig(holidays="DE")).fit(source)
        forecasts.append(forecaster.predict(output="dict")["DynamicOptimizedTheta"])
    for forecast in forecasts:
        np.testing.assert_allclose(forecast, forecasts[0], rtol=1e-9)
    before, christmas = forecasts[0][6], forecasts[0][7:9]
    assert before > 40
    assert (christmas < 30).all()
    forecaster.save(tmp_path / "sales.gatecast")
    again = gc.Forecaster.load(tmp_path / "sales.gatecast")
    np.testing.assert_array_equal(again.predict(output="dict")["DynamicOptimizedTheta"], forecasts[-1])
    assert again.config.data.holidays == ("DE",)
    assert len(again.predict(h=40, output="dict")["ds"]) == 40


@pytest.mark.slow
def test_forecaster_with_holidays_passes_every_door():
    table = shopping(300)
    shops = {name: np.tile(column, 2) for name, column in table.items()} | {"shop": np.repeat(["a", "b"], 300)}
    forecaster = gc.Forecaster(7, training=QUICK, target_col="y", id_col="shop", data=DataConfig(holidays=["de-by"]))
    forecaster.fit(shops)
    assert any("Holidays of DE-BY" in note for note in forecaster.data_notes_)
    assert len(forecaster.cross_validation(shops, n_windows=2)["y"]) == 28
    assert "holiday_DE-BY" in set(forecaster.explain(step=7).table["feature"])
    assert set(forecaster.permutation_importance(shops).table["column"]) == set(forecaster.panel_.futr_exog)
    assert len(forecaster.simulate(2)["ds"]) == 28
    new = {name: column[-5:] for name, column in shops.items()} | {"ds": np.datetime64("2024-12-20") + np.arange(5)}
    assert len(forecaster.predict(new)["ds"]) == 7
    assert forecaster.evaluate(new).scores
    forecaster.update(new)
    assert not any(np.isnan(column).any() for column in forecaster.panel_.futr_exog.values())
    comparison = gc.compare(table, h=7, models=["dot"], n_windows=1, data=DataConfig(holidays="DE"))
    assert "dot" in comparison.scores["model"]
