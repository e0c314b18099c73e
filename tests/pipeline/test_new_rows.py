"""Rows that come after those of `fit`: with another offset from UTC, or days and months that could be either."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gatecast as gc
from gatecast.data.reader import to_frame_like
from gatecast.errors import DataError

HOURS = pd.date_range("2024-06-01", periods=336, freq="h", tz="Europe/Berlin")
WAVE = 100 + 10 * np.sin(np.arange(336) * np.pi / 12)
N_OLD = 300


def table(times, y=WAVE, **columns):
    return pd.DataFrame({"ds": times, "y": y, **columns})


def fitted(rows, h=4, **settings):
    return gc.Forecaster(h, model="dot", **settings).fit(rows)


def as_text(times):
    """Return times as text with an offset from UTC."""
    return [time.isoformat() for time in times]


ELSEWHERE = {
    "UTC": lambda times: times.tz_convert("UTC"),
    "Tokyo": lambda times: times.tz_convert("Asia/Tokyo"),
    "text": lambda times: as_text(times.tz_convert("UTC")),
}


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
@pytest.mark.parametrize("written", ["zone", "text"])
def test_rows_of_other_offsets_are_the_same_instants(elsewhere, written):
    old_times = HOURS[:N_OLD] if written == "zone" else as_text(HOURS[:N_OLD])
    forecaster = fitted(table(old_times, WAVE[:N_OLD]))
    same = table(HOURS[N_OLD:] if written == "zone" else as_text(HOURS[N_OLD:]), WAVE[N_OLD:])
    others = table(ELSEWHERE[elsewhere](HOURS[N_OLD:]), WAVE[N_OLD:])
    expected, forecast = forecaster.predict(same), forecaster.predict(others)
    assert forecast["DynamicOptimizedTheta"].tolist() == expected["DynamicOptimizedTheta"].tolist()
    assert pd.to_datetime(forecast["ds"], utc=True)[0] == HOURS[-1] + pd.Timedelta("1h")
    assert forecaster.evaluate(others).scores[0].mae == forecaster.evaluate(same).scores[0].mae
    assert len(forecaster.update(others).panel_.values) == len(HOURS)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_days_of_a_zone_go_on_over_the_change_of_clocks(zone):
    days = pd.date_range("2024-07-01", periods=140, freq="D", tz=zone)
    y = 50 + np.arange(140) % 7
    # The first rows have one offset, the newest another.
    forecaster = fitted(table(days[:100], y[:100]), h=7)
    updated = forecaster.update(table(days[100:].tz_convert("UTC"), y[100:]))
    assert len(updated.panel_.values) == 140
    forecast = updated.predict()
    assert forecast["ds"].tolist() == list(pd.date_range("2024-11-18", periods=7, freq="D", tz=zone))


@pytest.mark.parametrize("zone", ["Africa/Cairo", "America/Havana", "America/Santiago", "Asia/Beirut"])
def test_days_of_a_zone_whose_clocks_skip_midnight_go_on_at_midnight(zone):
    days = pd.date_range("2024-01-01", periods=320).tz_localize(zone, nonexistent="shift_forward", ambiguous=True)
    y = 50 + np.arange(320) % 7
    forecaster = fitted(table(days[:200], y[:200]), h=7)
    assert str(forecaster.panel_.freq) == "D"
    updated = forecaster.update(table(days[200:].tz_convert("UTC"), y[200:]))
    assert updated.panel_.mask.all()
    assert len(updated.panel_.values) == 320
    assert updated.predict()["ds"].tolist() == list(pd.date_range("2024-11-16", periods=7, tz=zone))
    # The day that begins at one comes back as it is.
    assert to_frame_like("pandas", updated.panel_.to_columns(), updated.panel_)["ds"].tolist() == days.tolist()


def test_hours_go_on_over_the_change_of_clocks():
    hours = pd.date_range("2024-10-20", periods=240, freq="h", tz="Europe/Berlin")
    y = 100 + 10 * np.sin(np.arange(240) * np.pi / 12)
    change = int(np.flatnonzero(hours == pd.Timestamp("2024-10-27 02:00+01:00"))[0])
    forecaster = fitted(table(hours[:change], y[:change]))
    assert len(forecaster.update(table(hours[change:], y[change:])).panel_.values) == 240
    assert forecaster.predict()["ds"][0] == hours[-1] + pd.Timedelta("1h")


@pytest.mark.parametrize("order", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d/%m/%Y %H:%M"])
def test_the_order_of_day_and_month_is_kept(order):
    days = pd.date_range("2024-01-01", periods=128)
    y = 100 + 10 * np.sin(np.arange(128) * 2 * np.pi / 7)
    rows = table(days.strftime(order), y, x=np.arange(128) % 2.0)
    old, new = rows[:121], rows[121:]
    forecaster = fitted(old, h=7, target_col="y", futr_exog="x")
    # The days of May 1 to 7 are months as well.
    updated = forecaster.update(new)
    assert len(updated.panel_.values) == 128
    future = table(pd.date_range("2024-05-08", periods=7).strftime(order), np.zeros(7), x=np.arange(7) % 2.0)
    forecast = updated.predict(futr_df=future.drop(columns="y"))
    assert pd.to_datetime(forecast["ds"], format=order if forecast["ds"].dtype == object else None)[0] == days[
        -1
    ] + pd.Timedelta("1D")


def test_the_order_of_dates_next_to_a_clock_is_kept():
    hours = pd.date_range("2024-04-01", periods=24 * 35, freq="h")
    y = 100 + 10 * np.sin(np.arange(len(hours)) * np.pi / 12)
    rows = pd.DataFrame({"Date": hours.strftime("%d/%m/%Y"), "Time": hours.strftime("%H:%M"), "y": y})
    forecaster = fitted(rows[: 24 * 31], h=3)
    # May 2 and 3 are fifths of February and of March as well.
    assert forecaster.predict(rows[24 * 31 : 24 * 33]).iloc[0, 0] == pd.Timestamp("2024-05-04")
    assert len(forecaster.update(rows[24 * 31 :]).panel_.values) == len(hours)


def test_the_order_is_kept_by_files_and_streams(tmp_path):
    days = pd.date_range("2024-01-01", periods=128).strftime("%d/%m/%Y")
    rows = table(days, 50 + np.arange(128) % 7)
    fitted(rows[:121], h=7).save(tmp_path / "sales.gatecast")
    loaded = gc.load(tmp_path / "sales.gatecast")
    assert loaded.predict(rows[121:])["ds"].iloc[0] == pd.Timestamp("2024-05-08")
    stream = loaded.stream()
    assert stream.step(rows[121:122]).forecast["ds"].iloc[0] == pd.Timestamp("2024-05-02")


@pytest.mark.parametrize(("old", "new"), [("%m/%d/%Y", "%d.%m.%Y"), ("%d.%m.%Y", "%m/%d/%Y")])
def test_the_order_is_that_of_one_notation(old, new):
    days = pd.date_range("2024-01-01", periods=121)
    forecaster = fitted(table(days[:92].strftime(old), np.arange(92) % 7), h=7)
    updated = forecaster.update(table(days[92:94].strftime(new), np.arange(2.0)))
    assert len(updated.panel_.values) == 94


def test_another_order_is_taken_where_the_known_one_does_not_fit():
    days = pd.date_range("2024-01-01", periods=121)
    forecaster = fitted(table(days.strftime("%d/%m/%Y"), np.arange(121) % 7), h=7)
    newer = pd.date_range("2024-05-01", periods=20)
    updated = forecaster.update(table(newer.strftime("%m/%d/%Y"), np.arange(20) % 7))
    assert len(updated.panel_.values) == 141


@pytest.mark.parametrize("every", [2, 3, 12])
def test_rows_of_a_longer_step_are_refused(every):
    months = pd.date_range("2010-01-01", periods=120, freq="MS")
    forecaster = fitted(table(months, np.arange(120) % 12), h=6)
    others = table(pd.date_range("2000-01-01", periods=20 * every, freq="MS")[::every], np.arange(20.0))
    for call in (forecaster.predict, forecaster.evaluate, forecaster.update):
        with pytest.raises(DataError, match="Rows of another frequency") as error:
            call(others)
        assert error.value.got == f"values {every} steps apart"


def test_rows_with_gaps_and_those_of_sparse_series_are_taken():
    days = pd.date_range("2024-01-01", periods=140)
    forecaster = fitted(table(days, np.arange(140) % 7), h=7)
    gaps = table(days[[0, 1, 5, 9, 20, 33, 50]], np.arange(7.0))
    assert len(forecaster.predict(gaps)) == 7
    sparse = table(days[::2], np.arange(70) % 5)
    later = table(pd.date_range("2024-05-20", periods=20, freq="2D"), np.arange(20) % 5)
    assert len(gc.Forecaster(4, model="dot", freq="D").fit(sparse).update(later).panel_.values) > 140
    # Corrections of some days of the past, and a few days of rare demand.
    assert len(forecaster.update(table(days[[0, 20, 40, 60, 80]], np.zeros(5))).panel_.values) == 140
    assert (
        len(forecaster.update(table(pd.date_range("2024-05-21", periods=5, freq="2D"), np.ones(5))).panel_.values) > 140
    )


def test_rows_of_another_frequency_have_advice_that_can_be_followed():
    months = pd.date_range("2010-01-01", periods=60, freq="MS")
    forecaster = fitted(table(months, np.arange(60) % 12), h=6)
    days = table(pd.date_range("2015-01-01", periods=90), np.arange(90.0))
    for others in (days, np.arange(60.0)):
        with pytest.raises(DataError, match="Rows of another frequency than those of fit") as error:
            forecaster.predict(others)
        assert error.value.fix.startswith("Aggregate the rows to this frequency")
    followed = days.groupby(days["ds"].dt.to_period("M"))["y"].sum()
    assert len(forecaster.predict(table(followed.index.to_timestamp(), followed.to_numpy()))) == 6


def test_a_wrong_year_among_new_rows_is_named():
    months = pd.date_range("2010-01-01", periods=60, freq="MS")
    forecaster = fitted(table(months, np.arange(60) % 12), h=6)
    with pytest.raises(DataError, match="Nearly all times have no row") as error:
        forecaster.predict(table(["2015-01-01", "2015-02-01", "9999-03-01"], np.arange(3.0)))
    assert error.value.where == "between 2015-02-01 and 9999-03-01"
    assert error.value.fix.startswith("Correct the date if it is wrong")


def test_times_beside_the_grid_are_told_where_to_move():
    months = pd.date_range("2010-01-01", periods=60, freq="MS")
    forecaster = fitted(table(months, np.arange(60) % 12), h=6)
    with pytest.raises(DataError, match="New times do not continue the series") as error:
        forecaster.predict(table(pd.date_range("2015-01-31", periods=6, freq="ME"), np.arange(6.0)))
    assert error.value.fix == "Move the times, here to 2015-01-01."
    assert len(forecaster.predict(table(pd.date_range("2015-01-01", periods=6, freq="MS"), np.arange(6.0)))) == 6


def test_periods_of_the_beginning_of_a_year_go_on_as_months():
    rows = pd.DataFrame({"Year": 2020 + np.arange(48) // 12, "Period": [f"P{k % 12 + 1:02d}" for k in range(48)]})
    forecaster = fitted(rows.assign(y=np.arange(48) % 12), h=3)
    newer = pd.DataFrame({"Year": 2024, "Period": ["P01", "P02", "P03"], "y": [0, 1, 2]})
    assert forecaster.predict(newer).iloc[0, 0] == pd.Timestamp("2024-04-01")
    assert len(forecaster.update(newer).panel_.values) == 51


SHOPS = pd.DataFrame(
    {
        "date": np.tile(pd.date_range("2020-01-01", periods=48, freq="MS"), 2),
        "shop": np.repeat(["a", "b"], 48),
        "visits": np.arange(96) % 12 + np.repeat([1.0, 101.0], 48),
    }
)


@pytest.fixture(scope="module")
def shops():
    return gc.Forecaster(2, model="seasonal-naive").fit(SHOPS)


def test_rows_of_one_series_belong_to_it(shops):
    rows = SHOPS[SHOPS["shop"] == "b"]
    forecast = shops.predict(rows)
    assert forecast["shop"].tolist() == ["b", "b"]
    pd.testing.assert_frame_equal(forecast, shops.predict(SHOPS)[2:].reset_index(drop=True))


def test_a_single_new_row_goes_on_with_its_series(shops):
    row = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "shop": ["b"], "visits": [101.0]})
    forecast = shops.predict(row)
    assert (forecast["shop"][0], forecast["date"][0]) == ("b", pd.Timestamp("2024-02-01"))
    assert forecast["SeasonalNaive"].tolist() == [102.0, 103.0]


def test_a_new_column_of_numbers_is_not_the_target(shops):
    forecast = shops.predict(SHOPS.assign(price=3.5, amount=np.arange(96)))
    pd.testing.assert_frame_equal(forecast, shops.predict(SHOPS))


def test_steps_of_an_instrument_go_on_in_new_rows(tmp_path):
    seconds = (0.02 + 0.05 * np.arange(120)).round(2)
    rows = pd.DataFrame({"seconds": seconds, "volt": 5 + np.sin(np.arange(120))})
    path = tmp_path / "volts.gatecast"
    gc.Forecaster(2, model="dot").fit(rows[:100]).save(path)
    forecast = gc.Forecaster.load(path).predict(rows[100:101])
    assert forecast["seconds"].tolist() == [5.07, 5.12]
    windows = gc.Forecaster(2, model="dot").cross_validation(rows, n_windows=2)
    assert set(windows["cutoff"]) <= set(seconds)


def test_rows_of_update_after_a_predict_without_fit_are_kept():
    times = pd.date_range("2018-01-01", periods=60, freq="MS")
    rows = pd.DataFrame({"ds": times, "y": 100 + 10 * np.sin(np.arange(60) * np.pi / 6)})
    forecaster = gc.Forecaster(2, model="pretrained")
    forecaster.predict(rows[:48])
    forecaster.update(rows[48:])
    assert len(forecaster.panel_.values) == 60
    forecast = forecaster.predict(rows[48:])
    expected = gc.Forecaster(2, model="pretrained").fit(rows[:48]).update(rows[48:]).predict(rows[48:])
    pd.testing.assert_frame_equal(forecast, expected)


def test_rows_of_other_series_are_refused_without_advice_that_predict_cannot_follow(shops):
    rows = pd.concat([SHOPS.assign(item=item) for item in "xy"])
    with pytest.raises(DataError, match="Aggregate the rows, or fit a forecaster on the series of these columns"):
        shops.predict(rows)


NUMBERS = {
    "YYYYWW": ([100 * year + week for year in (2021, 2022) for week in range(1, 53)], 202301),
    "YYYYPPP": ([1000 * year + month for year in range(2015, 2022) for month in range(1, 13)], 2022001),
    "YYMM": ([100 * year + month for year in range(15, 22) for month in range(1, 13)], 2201),
    "YYYYQ": ([10 * year + quarter for year in range(2005, 2022) for quarter in range(1, 5)], 20221),
    "YYYYDDD": ([1000 * year + day for year in (2021, 2022) for day in range(1, 366)], 2023001),
}


@pytest.mark.parametrize("notation", NUMBERS)
@pytest.mark.parametrize("as_text", [False, True])
def test_one_new_row_has_the_notation_in_digits_of_the_rows_of_fit(tmp_path, notation, as_text):
    old, new = NUMBERS[notation]
    convert = str if as_text else int
    forecaster = fitted({"t": [convert(t) for t in old], "y": np.resize(WAVE, len(old))}, h=1)
    assert any(f"read as {notation}" in note for note in forecaster.data_notes_)
    expected = forecaster.panel_.future_times(1)[0, 0]
    forecaster.save(tmp_path / "f.gatecast")
    for each in (forecaster, gc.Forecaster.load(tmp_path / "f.gatecast")):
        updated = each.update({"t": [convert(new)], "y": [100.0]})
        assert len(updated.panel_.values) == len(old) + 1
        assert updated.panel_.times(0)[-1] == expected


@pytest.mark.parametrize(
    "rows",
    [
        {"store": ["a"] * 4, "day": [1, 2, 3, 4], "A": [1.0, 2, 3, 4], "B": [1.0, 2, 3, 5]},
        {"shop": ["a"] * 4, "day": [1, 2, 3, 4], "sold": [1.0, 2, 3, 4]},
        {"store": ["a"] * 4, "when": ["x"] * 4, "sold": [1.0, 2, 3, 4]},
    ],
)
def test_columns_that_new_rows_lack_are_named_as_those_of_fit(rows):
    old = {"store": ["a"] * 20, "day": np.arange(20), "sold": np.arange(20.0)}
    forecaster = fitted(old, 2, id_col="store", time_col="day", target_col="sold")
    with pytest.raises(DataError) as caught:
        forecaster.predict(rows)
    assert caught.value.fix == "Name the columns as in the table of fit: 'store', 'day', 'sold'."


@pytest.mark.parametrize("door", ["predict", "update"])
def test_rows_with_names_go_on_with_no_series_without_one_and_a_note_says_so(door):
    alone = table(np.arange(60), WAVE[:60])
    named = alone.assign(unique_id="a")
    two = pd.concat([named, named.assign(unique_id="b")])
    notes, n_series = [], []
    for old, new in ((two, alone), (alone, two), (alone, alone), (two, named), (named, alone)):
        forecaster = fitted(old[old.ds < 40])
        getattr(forecaster, door)(new[new.ds >= 40])
        notes.append([note for note in forecaster.findings_ if "of fit" in note])
        n_series.append(len(forecaster.panel_))
    assert notes == [
        ["these rows have no 'unique_id', and are a new series, none of those of fit."],
        ["the rows of fit had no 'unique_id': these are new series, none of them that of fit."],
        [],
        [],
        [],
    ]
    if door == "update":
        assert n_series == [3, 3, 1, 2, 1]


def test_a_note_on_one_new_row_says_point():
    months = np.arange("2020-01", "2022-02", dtype="M8[M]")
    y = 5.0 + np.arange(25) % 4
    forecaster = gc.Forecaster(2, model="dot").fit({"ds": months[:24], "y": y[:24]}, evaluate=False)
    findings = forecaster.update({"ds": months[24:], "y": y[24:]}).findings_
    assert any("1 point from 2022-01-01 to 2022-01-01." in finding for finding in findings)
