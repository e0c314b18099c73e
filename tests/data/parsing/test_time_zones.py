"""Zones of times with offsets from UTC."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gatecast.data.parsing.time_zones import (
    find_zone,
    format_offset,
    is_named,
    keeps_offset,
    may_repeat,
    offsets_of_local,
    offsets_of_utc,
)

HOURS = np.arange("2023-01-01", "2024-06-01", dtype="M8[h]").astype("M8[us]")


@pytest.mark.parametrize("minutes", [0, 60, -300, 330, 345, -210])
def test_find_zone_of_one_offset_is_the_offset(minutes):
    zone = find_zone(HOURS, np.full(len(HOURS), minutes))
    assert zone == (format_offset(minutes) if minutes else "UTC")
    assert not is_named(zone)


@pytest.mark.parametrize("name", ["Europe/Paris", "America/New_York", "Australia/Melbourne", "America/St_Johns"])
def test_find_zone_of_changing_offsets_has_these_offsets_later_too(name):
    offsets = offsets_of_utc(HOURS, ZoneInfo(name))
    order = np.random.default_rng(0).permutation(len(HOURS))
    local = HOURS + offsets.astype("m8[m]")
    zone = find_zone(local[order], offsets[order])
    later = HOURS + np.timedelta64(365, "D")
    assert is_named(zone)
    assert offsets_of_utc(later, ZoneInfo(zone)).tolist() == offsets_of_utc(later, ZoneInfo(name)).tolist()


def test_find_zone_of_offsets_of_no_place_is_the_newest():
    offsets = np.where(np.datetime64("2023-05-05") > HOURS, 17, 77)
    assert find_zone(HOURS, offsets) == "+01:17"
    assert find_zone(HOURS[::-1], offsets[::-1]) == "+01:17"
    assert find_zone(HOURS[:0], offsets[:0]) == ""


def test_offsets_of_local_times_repeat():
    times = np.array(["2024-01-01", "2024-07-01", "2024-01-01"], "M8[us]")
    assert offsets_of_local(times, ZoneInfo("Europe/Berlin")).tolist() == [60, 120, 60]


@pytest.mark.parametrize("name", ["Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "UTC"])
def test_offsets_of_utc_equal_those_of_each_time(name):
    zone = ZoneInfo(name)
    times = np.arange("2023-01-01T00:10", "2024-01-01", 37, dtype="M8[m]").astype("M8[us]")
    stamps = [time.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone) for time in times.tolist()]
    assert offsets_of_utc(times, zone).tolist() == [stamp.utcoffset().total_seconds() / 60 for stamp in stamps]
    assert offsets_of_utc(np.array(["NaT", "2024-07-01"], "M8[us]"), ZoneInfo("Asia/Tokyo")).tolist() == [0, 540]


@pytest.mark.parametrize("since", ["2023-01-01", "2023-06-01", "2023-12-31"])
def test_keeps_offset_looks_a_year_ahead(since):
    first = np.datetime64(since)
    assert not any(keeps_offset(zone, first) for zone in ("Europe/Berlin", "Africa/Casablanca", "CET"))
    assert all(
        keeps_offset(zone, first) for zone in ("UTC", "Asia/Kolkata", "Etc/GMT+5", "+05:30", "", "Nowhere/At_All")
    )


def test_may_repeat_needs_one_zone_for_all_times():
    berlin, cairo = "2023-10-29T02:30", "2023-10-26T23:30"
    assert all(may_repeat(np.array([time], "M8[us]")) for time in (berlin, cairo))
    assert not may_repeat(np.array([berlin, cairo], "M8[us]"))
    # An hour that is skipped in spring occurs never, not twice.
    assert not may_repeat(np.array(["2023-03-26T02:30"], "M8[us]"))
