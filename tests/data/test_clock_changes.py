"""The hour that occurs twice when clocks are set back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute
import pytest

from gatecast.data.clock_changes import find_clock_changes
from gatecast.data.reader import read
from gatecast.errors import DataError
from gatecast.forecaster import Forecaster

AUTUMN = ["2023-10-29 00:00", "2023-10-29 01:00", "2023-10-29 02:00", "2023-10-29 02:00", "2023-10-29 03:00"]


def test_find_clock_changes_hour_is_averaged_and_said():
    panel, notes = read(
        {"t": AUTUMN, "y": [1.0, 2.0, 4.0, 6.0, 8.0], "x": [1, 1, 3, 5, 1]}, target_col="y", hist_exog="x"
    )
    assert panel.values.tolist() == [1.0, 2.0, 5.0, 8.0]
    assert panel.hist_exog["x"].tolist() == [1.0, 1.0, 3.0, 1.0]
    assert any("occur twice, where clocks are set back" in note for note in notes)


def test_find_clock_changes_works_for_each_series_of_a_panel():
    table = {"id": ["a"] * 5 + ["b"] * 5, "t": AUTUMN * 2, "y": [1.0, 2.0, 4.0, 6.0, 8.0, 1.0, 2.0, np.nan, 6.0, 8.0]}
    panel, _ = read(table)
    assert panel.series(0).tolist() == [1.0, 2.0, 5.0, 8.0]
    assert panel.series(1).tolist() == [1.0, 2.0, 6.0, 8.0]


def test_find_clock_changes_quarter_hours_are_all_averaged():
    first = np.arange("2023-10-29T01:00", "2023-10-29T03:00", 15, dtype="M8[m]")
    t = np.concatenate([first, first + np.timedelta64(60, "m")]).astype("M8[us]")
    change = find_clock_changes(t, np.zeros(len(t), np.int64))
    assert len(change.first) == 4


@pytest.mark.parametrize(
    "times",
    [
        ["2023-10-28 01:00", "2023-10-28 02:00", "2023-10-28 02:00"],
        ["2023-10-29 01:00", "2023-10-29 12:00", "2023-10-29 12:00"],
        ["2023-07-30 01:00", "2023-07-30 02:00", "2023-07-30 02:00"],
        ["2023-10-29 02:00", "2023-10-29 02:00", "2023-10-29 02:00"],
        ["2023-10-22 02:00", "2023-10-22 02:00", "2023-10-29 02:00", "2023-10-29 02:00"],
        ["2023-10-29", "2023-10-29", "2023-10-30"],
    ],
)
def test_find_clock_changes_other_duplicates_are_refused(times):
    with pytest.raises(DataError, match=r"(?i)duplicate time"):
        read({"t": times, "y": np.arange(float(len(times)))})


@pytest.mark.parametrize(
    "zone",
    [
        *("Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Santiago", "America/Havana"),
        *("Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "America/Asuncion"),
    ],
)
@pytest.mark.parametrize("freq", ["h", "30min"])
def test_find_clock_changes_of_every_zone(zone, freq):
    times = pd.date_range("2023-01-15", "2024-05-15", freq=freq, tz=zone).tz_localize(None)
    panel, notes = read(pd.DataFrame({"ds": times, "y": np.arange(float(len(times)))}))
    assert str(panel.freq) == freq
    assert any("occur twice, where clocks are set back" in note for note in notes)


def by_clock(times):
    """Values that follow the local clock."""
    return pd.DataFrame({"ds": times, "y": np.where(times.hour < 8, 1.0, 2.0 + times.hour)})


WINTER = pd.date_range("2024-03-01", periods=24 * 29, freq="h", tz="Europe/Berlin")
BOTH = pd.date_range("2024-03-01", periods=24 * 40, freq="h", tz="Europe/Berlin")
COUNTED = (
    "what follows the local clock comes an hour early or late after a change of the clocks. For seasons of the local"
)


def seasons_note(source):
    """The sentence about seasons; "" if there is none."""
    return next((note for note in read(source)[1] if note.startswith("Seasons are counted in UTC")), "")


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (
            pd.DataFrame,
            "drop the zone: df['ds'].dt.tz_localize(None), or df.tz_localize(None) where they are the index.",
        ),
        (pl.from_pandas, "drop the zone: pl.col('ds').dt.replace_time_zone(None)."),
        (pa.Table.from_pandas, "drop the zone: pyarrow.compute.local_timestamp(table['ds'])."),
    ],
)
def test_seasons_of_a_zone_whose_clocks_change_are_said_to_be_those_of_utc(make, fix):
    assert seasons_note(make(by_clock(WINTER))) == f"Seasons are counted in UTC+01:00: {COUNTED} clock, {fix}"
    assert seasons_note(make(by_clock(BOTH))) == f"Seasons are counted in UTC: {COUNTED} clock, {fix}"


def test_seasons_of_texts_with_changing_offsets_are_said_to_be_those_of_utc():
    note = f"Seasons are counted in UTC: {COUNTED} clock, write local times without offsets or zones."
    assert seasons_note(by_clock(BOTH).assign(ds=[time.isoformat() for time in BOTH])) == note
    names = {"ds": BOTH.strftime("%Y-%m-%d %H:%M"), "tz": [time.tzname() for time in BOTH], "y": np.arange(len(BOTH))}
    assert seasons_note(pd.DataFrame(names)) == note


@pytest.mark.parametrize(
    "times",
    [
        WINTER.tz_localize(None),
        WINTER.tz_convert("UTC"),
        WINTER.tz_convert("Asia/Tokyo"),
        [time.isoformat() for time in WINTER],
        pd.date_range("2024-03-01", periods=40, freq="D", tz="Europe/Berlin"),
    ],
)
def test_seasons_at_one_offset_need_no_word(times):
    assert seasons_note(pd.DataFrame({"ds": times, "y": np.arange(float(len(times)))})) == ""


@pytest.mark.parametrize("past", [WINTER, BOTH])
@pytest.mark.parametrize("library", ["pandas", "index", "polars", "pyarrow"])
def test_the_advice_on_seasons_gives_those_of_the_local_clock(past, library):
    frame = by_clock(past)
    if library == "pandas":
        frame["ds"] = frame["ds"].dt.tz_localize(None)
    elif library == "index":
        frame = frame.set_index("ds").tz_localize(None)
    elif library == "polars":
        frame = pl.from_pandas(frame).with_columns(pl.col("ds").dt.replace_time_zone(None))
    else:
        table = pa.Table.from_pandas(frame)
        frame = table.set_column(0, "ds", pyarrow.compute.local_timestamp(table["ds"]))
    forecast = (
        Forecaster(72, model="seasonal-naive", season_length=24).fit(frame, evaluate=False).predict(output="dict")
    )
    hours = pd.DatetimeIndex(forecast["ds"])
    assert forecast["SeasonalNaive"].tolist() == by_clock(hours)["y"].tolist()
    assert not seasons_note(frame)


def test_rows_that_come_later_are_not_told_of_seasons_again():
    forecaster = Forecaster(3, model="naive").fit(by_clock(BOTH[:800]), evaluate=False)
    assert any(note.startswith("Seasons are counted") for note in forecaster.findings_)
    forecaster.predict(by_clock(BOTH[800:]))
    assert not any(note.startswith("Seasons are counted") for note in forecaster.findings_)
