"""Columns of a table as numbers, times and ids."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from gatecast.data.parsing.columns import (
    parse_booleans,
    parse_ids,
    parse_number_column,
    parse_time_column,
    row_numbers,
)
from gatecast.data.parsing.raw_table import RawColumn, RawTable, to_text
from gatecast.data.reader import read
from gatecast.errors import DataError


def table(column: RawColumn) -> RawTable:
    """A table of one column."""
    return RawTable(("x",), (column,))


def test_parse_number_column_of_booleans_adds_a_note():
    parsed = parse_number_column(table(to_text(["true", "False", ""])), 0)
    np.testing.assert_array_equal(parsed.values, [1.0, 0.0, np.nan])
    assert "1 (true) and 0 (false)" in parsed.notes[0]


def test_parse_number_column_names_the_first_invalid_value():
    with pytest.raises(DataError, match=r"Invalid number \(row index 2, column 'x'\): got 'two'"):
        parse_number_column(table(to_text(["0", "1", "two", "3", "4"])), 0)


@pytest.mark.parametrize(
    ("column", "got"),
    [
        (to_text(["a", "b", "c"]), "'a', 'b', 'c'"),
        (np.array(["2024-01-01"] * 3, "M8[us]"), "times"),
    ],
)
def test_parse_number_column_of_another_type_raises(column, got):
    with pytest.raises(DataError, match=f"The futr_exog column is not numeric .*: got {got}"):
        parse_number_column(table(column), 0, "futr_exog")


def test_parse_booleans_of_other_values_returns_none():
    assert parse_booleans(to_text(["true", "maybe"])) is None
    assert parse_booleans(to_text(["1", "0"])) is None


def test_parse_time_column_of_missing_or_other_values_raises():
    with pytest.raises(DataError, match=r"Missing time \(row index 1, column 'x'\): expected a time such as '2024"):
        parse_time_column(table(to_text(["2024-01-01", "", "2024-01-03"])), 0)
    with pytest.raises(DataError, match=r"Invalid time \(row index 2, column 'x'\): got 'soon'"):
        parse_time_column(table(to_text(["2024-01-01", "2024-01-02", "soon"])), 0)
    with pytest.raises(DataError, match=r"The time column does not hold times .*: got booleans"):
        parse_time_column(table(np.array([True, False, True])), 0)


@pytest.mark.parametrize("mark", [" F", "F", " (F)", " (est.)", "*"])
@pytest.mark.parametrize("removed", ["2023-10", "2023-10{mark}"])
def test_a_marked_time_next_to_the_same_without_is_named_and_the_advice_works(mark, removed):
    times = np.datetime_as_string(np.datetime64("2020-01") + np.arange(50)).tolist()
    marked = [*times[:46], *(f"{time}{mark}" for time in times[45:])]
    with pytest.raises(
        DataError, match=r"Two rows of one time .* got '2023-10.+' next to a row of '2023-10'"
    ) as caught:
        read({"ds": marked, "y": np.arange(51.0)})
    assert "Remove one of the two (such pairs in total: 1)" in str(caught.value)
    left = [time for time in marked if time != removed.format(mark=mark)]
    panel, notes = read({"ds": left, "y": np.arange(50.0)})
    assert len(panel.values) == 50
    assert any("Marks behind times are ignored" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "names", "n", "words"),
    [
        ("month", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", 1, "months without a year"),
        ("month", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", 4, "months without a year"),
        ("Monat", "Januar Februar März April Mai Juni Juli August September Oktober November Dezember", 1, "months"),
        ("quarter", "Q1 Q2 Q3 Q4", 10, "quarters without a year"),
        ("week", " ".join(f"W{week}" for week in range(1, 53)), 1, "weeks without a year"),
        ("KW", " ".join(f"KW{week:02d}" for week in range(1, 41)), 1, "weeks without a year"),
        ("day", "Mon Tue Wed Thu Fri Sat Sun", 5, "days of the week without a date"),
    ],
)
def test_parts_of_times_without_the_rest_say_what_is_missing(tmp_path, name, names, n, words):
    cells, path = names.split() * n, tmp_path / "a.csv"
    years = np.repeat(np.arange(2020, 2020 + n), len(names.split()))
    dates = np.datetime64("2024-01-01") + np.arange(len(cells))

    def write(columns):
        rows = [list(columns), *map(list, zip(*columns.values(), strict=True))]
        path.write_text("\n".join(",".join(map(str, row)) for row in rows), "utf-8")
        return path

    columns = {name: cells, "sales": np.arange(len(cells)) + 0.5}
    with pytest.raises(DataError, match=f"has {words}") as caught:
        read(write(columns))
    assert "rows are then numbered" in str(caught.value)
    assert read(write({"sales": columns["sales"]}))[0].times(0).tolist() == [*range(1, len(cells) + 1)]
    if name == "day":
        panel = read(write({"date": dates} | columns), time_col="date")[0]
    else:
        panel = read(write({"year": years} | columns))[0]
    assert str(panel.freq) == {"quarter": "QS", "week": "W-MON", "KW": "W-MON", "day": "D"}.get(name, "MS")
    assert panel.values.tolist() == columns["sales"].tolist()


@pytest.mark.parametrize(("texts", "part"), [(["Week 1", "Week 2", "Week 3"], "week"), (["Q1", "Q2", "Q3"], "quarter")])
def test_parts_of_years_in_a_column_of_another_name_are_to_be_called_so(texts, part):
    with pytest.raises(DataError, match=f"called 'year' and call this one '{part}', which are joined"):
        read({"label": texts, "sales": [1.0, 2.0, 3.0]}, time_col="label")
    panel = read({"year": [2024] * 3, part: texts, "sales": [1.0, 2.0, 3.0]})[0]
    assert str(panel.start[0].astype("M8[D]")) == "2024-01-01"


@pytest.mark.parametrize(
    ("cells", "got", "example"),
    [
        (["1.234,50", "1,5", "12.5", "3,25"], "12.5", "1.234,50"),
        (["1,234.5", "2,000.1", "3.000,5", "4,000.9"], "3.000,5", "1,234.5"),
        (["", "0,5", "0.25", "0,75"], "0.25", "0,5"),
    ],
)
def test_number_with_another_decimal_mark_is_shown_next_to_one_of_the_others(cells, got, example):
    with pytest.raises(DataError, match=f"got '{re.escape(got)}', expected a number that is written as most") as error:
        parse_number_column(table(to_text(cells)), 0)
    assert f"such as {example!r}" in str(error.value)
    assert "Write all numbers in the same way (cells that differ in total: 1)" in str(error.value)


def test_parse_ids_keeps_integers_and_turns_the_rest_into_strings():
    assert parse_ids(table(np.array([7, 8])), 0).tolist() == [7, 8]
    assert parse_ids(table(np.array([7.0, 8.5])), 0).tolist() == ["7.0", "8.5"]
    assert parse_ids(table(to_text(["NA", "b"])), 0).tolist() == ["NA", "b"]


def test_parse_ids_of_missing_ids_raises():
    with pytest.raises(DataError, match=r"Missing series id \(row index 1, column 'x'\)"):
        parse_ids(table(to_text(["a", ""])), 0)


def test_row_numbers_count_within_series():
    assert row_numbers(3, None).tolist() == [1, 2, 3]
    assert row_numbers(5, to_text(["b", "a", "b", "b", "a"])).tolist() == [1, 1, 2, 3, 2]


def test_parse_number_column_replaces_codes_for_missing_values_with_a_note():
    values = [10.0, 12.0, -999.0, 11.0, 14.0, 13.0, -999.0, 12.0, 11.0, 12.0]
    parsed = parse_number_column(table(np.array(values)), 0)
    assert np.isnan(parsed.values).tolist() == [value == -999 for value in values]
    assert parsed.notes == (
        "-999 in 2 cells of column 'x' means a missing value: all other values are from 10 to 14. To keep it, set "
        "missing_codes=False.",
    )
    for role, codes in (("target", False), ("futr_exog", "auto"), ("target", [])):
        kept = parse_number_column(replace(table(np.array(values)), missing_codes=codes), 0, role)
        assert (kept.values.tolist(), kept.notes) == (values, ())
    given = parse_number_column(replace(table(np.array(values)), missing_codes=[14, 10]), 0, "hist_exog")
    assert given.notes == ("10 in 1 cell and 14 in 1 cell of column 'x' mean a missing value.",)


def test_parse_number_column_of_long_cells_raises_a_short_message():
    with pytest.raises(DataError) as error:
        parse_number_column(table(to_text(["0", "1", "x" * 100_000, "3", "4"])), 0)
    assert len(str(error.value)) < 400
    with pytest.raises(DataError) as error:
        parse_number_column(table(to_text(["x" * 100_000] * 5)), 0)
    assert len(str(error.value)) < 400
