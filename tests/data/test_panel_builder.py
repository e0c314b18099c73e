"""Building panels from long tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import parse
from gatecast.data.panel import ColumnNames
from gatecast.data.panel_builder import build_panel
from gatecast.errors import ConfigError, DataError

MONTHS = parse("MS").range(np.datetime64("2024-01-01"), 12)


def two_series():
    """Rows of two monthly series, b ending later."""
    times = np.concatenate((MONTHS[:4], MONTHS[2:8]))
    return times, np.arange(10.0), np.array(["a"] * 4 + ["b"] * 6, object)


def test_a_panel_of_two_series():
    panel, notes = build_panel(*two_series(), columns=ColumnNames("id", "ds", "y"))
    assert notes == ()
    assert len(panel) == 2
    assert panel.ids.tolist() == ["a", "b"]
    assert panel.lengths.tolist() == [4, 6]
    assert panel.series(1).tolist() == [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    assert (panel.times(1) == MONTHS[2:8]).all()
    assert (panel.future_times(2) == np.array([MONTHS[4:6], MONTHS[8:10]])).all()
    assert str(panel.freq) == "MS"


@pytest.mark.slow
@given(st.randoms(use_true_random=False), st.integers(2, 30), st.integers(1, 3))
def test_any_order_of_rows_gives_the_same_panel(random, n, count):
    times = np.tile(parse("D").range(np.datetime64("1820-02-27"), n), count)
    ids = np.repeat(np.arange(count), n)
    values = np.arange(float(n * count))
    rows = list(range(n * count))
    random.shuffle(rows)
    panel, _ = build_panel(times[rows], values[rows], ids[rows])
    back = {label: panel.series(s).tolist() for s, label in enumerate(panel.ids.tolist())}
    assert back == {s: values[s * n : (s + 1) * n].tolist() for s in range(count)}
    assert panel.freq == parse("D")


@given(st.sets(st.integers(1, 28), max_size=8))
def test_gaps_become_missing_values(gone):
    keep = np.array([k not in gone for k in range(30)])
    times = parse("h").range(np.datetime64("2300-01-01"), 30)
    panel, notes = build_panel(times[keep], np.arange(30.0)[keep])
    assert np.flatnonzero(~panel.mask).tolist() == sorted(gone)
    assert panel.values[keep].tolist() == np.arange(30.0)[keep].tolist()
    assert len(notes) == bool(gone)
    if gone:
        verb = "has no row and is" if len(gone) == 1 else "have no row and are"
        assert notes[0].startswith(f"{len(gone)} of 30 times {verb} treated as missing: 2300-01-0")


def test_sorting_is_said():
    _, notes = build_panel(MONTHS[::-1], np.arange(12.0))
    assert notes == ("Rows were not in time order and have been sorted.",)
    # Rows of two series taken in turn: neighbours never belong together.
    times, ids = MONTHS[[0, 1, 2, 0, 1, 2]], np.array(list("ababab"), object)
    _, notes = build_panel(times, np.arange(6.0), ids)
    assert notes[0] == "Rows were not in time order and have been sorted."
    _, notes = build_panel(MONTHS[[0, 0, 1, 1]], np.arange(4.0), ids[:4])
    assert notes == ()


def test_missing_and_constant_values_are_said():
    _, notes = build_panel(MONTHS[:4], [7.0, np.nan, 7.0, np.nan])
    assert notes == ("2 of 4 rows have no value.", "The series is constant: every value is 7.")
    times, values, ids = two_series()
    values[:4] = np.nan
    values[4:] = 3.0
    _, notes = build_panel(times, values, ids)
    assert notes[1:] == (
        "1 of 2 series has no values: 'a'.",
        "1 of 2 series is constant: 'b'.",
    )


def test_repeated_times_are_refused_by_name():
    times, values, ids = two_series()
    times[7] = times[6]
    with pytest.raises(DataError) as error:
        build_panel(times, values, ids, columns=ColumnNames("shop", "ds", "y"), describe_row="row {}".format)
    assert error.value.where == "series 'b', row 6 and row 7"
    assert error.value.got == "2024-05-01 in both rows (duplicates in total: 1)"
    with pytest.raises(DataError, match="if they belong to several series, set id_col"):
        build_panel([1, 2, 2], [1.0, 2.0, 3.0])


@pytest.mark.parametrize(("values", "got"), [([], "no rows"), ([1.0], "one row")])
def test_too_few_rows_are_refused(values, got):
    with pytest.raises(DataError, match=f"Too few rows: got {got}, expected at least two times"):
        build_panel(MONTHS[: len(values)], values)


def test_infinite_values_are_refused():
    with pytest.raises(DataError, match=r"Infinite value \(row index 1, column 'y', time 2024-02-01\): got -inf"):
        build_panel(MONTHS[:3], [1.0, -np.inf, np.inf])


def test_columns_whose_values_are_all_too_small_to_compute_with_are_refused():
    with pytest.raises(
        DataError, match=r"Values too small \(column 'y'\): got 3e-170 as the largest, expected 0, or a"
    ):
        build_panel(MONTHS[:4], [1e-200, -3e-170, np.nan, 0.0])
    assert build_panel(MONTHS[:3], [1e-150, -1e-300, 0.0])[0].values.tolist() == [1e-150, -1e-300, 0.0]
    assert not build_panel(MONTHS[:3], [0.0, 0.0, 0.0])[0].values.any()


def test_values_too_large_to_compute_with_are_refused():
    with pytest.raises(DataError) as error:
        build_panel(MONTHS[:4], [1.0, -1e308, np.nan, 2e150], describe_row="row {}".format)
    assert (error.value.what, error.value.got) == ("Value too large", "-1e+308")
    assert error.value.where == "row 1, column 'y', time 2024-02-01"
    assert "such values in total: 2" in error.value.fix
    assert build_panel(MONTHS[:2], [1e150, -1e150])[0].values.tolist() == [1e150, -1e150]


def test_values_that_are_all_missing_are_refused():
    with pytest.raises(DataError, match=r"All values are missing \(column 'y'\): got 3 rows without a number"):
        build_panel(MONTHS[:3], [np.nan] * 3)


def test_irregular_times_are_refused():
    times = np.array([0, 60, 70, 120, 180, 240], "M8[m]")
    with pytest.raises(DataError) as error:
        build_panel(times, np.arange(6.0))
    assert (error.value.what, error.value.where) == ("Irregular times", "column 'ds'")
    assert error.value.got == "1970-01-01 01:00:00 and 1970-01-01 01:10:00, less than one step apart"
    # The advice works.
    assert build_panel(times, np.arange(6.0), freq="10min")[0].mask.sum() == 6


def test_times_beside_the_grid_are_moved_and_said():
    times = MONTHS.copy()
    times[3] += np.timedelta64(2, "D")
    panel, notes = build_panel(times, np.arange(12.0))
    assert (panel.times(0) == MONTHS).all()
    assert notes == (
        "1 of 12 times does not fit the frequency, monthly (MS), and was moved to the nearest time that does; "
        "the first is 2024-04-03.",
    )


def test_note_on_times_of_a_logger_says_how_far_they_scatter():
    times = np.arange(200) * np.timedelta64(600, "s") + np.datetime64("2024-01-01", "us")
    times += np.random.default_rng(0).permuted(np.arange(-19_900, 20_001, 200)).astype("m8[us]")
    _, notes = build_panel(times, np.arange(200.0))
    assert notes == ("200 of 200 times are up to 19.9 ms early or late, and are rounded to every 10 minutes (10min).",)


def test_a_wrong_date_is_not_filled_up():
    times = parse("D").range(np.datetime64("2020-01-01"), 20)
    times[-1] = np.datetime64("2202-01-20")
    with pytest.raises(DataError, match=r"Nearly all times have no row .*longest gap is from 2020-01-19 to 2202-01-20"):
        build_panel(times, np.arange(20.0))


@pytest.mark.parametrize("alias", ["D", "h"])
def test_series_of_different_frequencies_are_refused(alias):
    other = parse(alias).range(np.datetime64("2024-01-01"), 11)
    times = np.concatenate((MONTHS, other))
    with pytest.raises(
        DataError, match=r"Series have different frequencies \(series 'b'\): got .*, expected monthly \(MS\)"
    ):
        build_panel(times, np.arange(23.0), np.array(["a"] * 12 + ["b"] * 11, object))


def test_a_given_frequency_is_anchored_as_the_times_are():
    panel, notes = build_panel(MONTHS, np.arange(12.0), freq="M")
    assert str(panel.freq) == "MS"
    assert notes == ("The times follow the frequency MS rather than ME, so MS is used.",)


def test_a_given_frequency_must_go_with_the_times():
    with pytest.raises(ConfigError, match=r"freq does not fit the times: got '1' and times such as 2024-01-01"):
        build_panel(MONTHS, np.arange(12.0), freq=1)
    with pytest.raises(ConfigError, match=r"freq does not fit the times: got 'D' and times such as 1"):
        build_panel([1, 2], [1.0, 2.0], freq="D")


def test_a_finer_frequency_may_be_named():
    panel, _ = build_panel(MONTHS[:2], [1.0, 2.0], freq="D")
    assert panel.lengths.tolist() == [32]
    assert panel.mask.sum() == 2


def test_names_of_series_keep_their_type():
    panel, _ = build_panel([1, 2, 1, 2], np.arange(4.0), np.array([7, 7, 3, 3]))
    assert panel.ids.tolist() == [7, 3]
    assert panel.ids.dtype.kind == "i"
