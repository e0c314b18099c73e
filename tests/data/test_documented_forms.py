"""The examples of docs/data.md are read as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from gatecast.data.frequency import format_times, parse
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.raw_table import RawTable, to_text
from gatecast.data.parsing.time_columns import join_time_columns
from gatecast.data.parsing.timestamps import parse_times
from gatecast.data.reader import read

PAGE = Path(__file__).parent.parent.parent / "docs" / "data.md"


def rows(heading: str) -> list[list[str]]:
    """Cells of the table below a heading."""
    section = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def cells(text: str) -> list[str]:
    """The code spans of a cell."""
    return re.findall(r"`([^`]*)`", text)


@pytest.mark.parametrize(("cell", "expected"), rows("Times in one column"))
def test_data_page_time_is_read_as_stated(cell, expected):
    parsed = parse_times(to_text(cells(cell)))
    assert parsed.is_valid.all()
    assert format_times(parsed.values) == [expected]


@pytest.mark.parametrize(("numbers", "expected"), [row[:2] for row in rows("Decimal times")])
def test_data_page_decimals_are_read_as_stated(numbers, expected):
    parsed = parse_times(to_text(cells(numbers)))
    assert ", ".join(format_times(parsed.values)) == expected


@pytest.mark.parametrize(("names", "first", "expected"), rows("Times in several columns"))
def test_data_page_columns_are_joined_as_stated(names, first, expected):
    columns = [to_text([cell] * 2) for cell in cells(first)]
    columns = [column.astype(np.int64) if column[0].isdigit() else column for column in columns]
    joined = join_time_columns(RawTable((*cells(names), "y"), (*columns, np.ones(2))))
    assert joined.names[1:] == ("y",)
    values = joined.columns[0]
    assert format_times(values if values.dtype.kind == "M" else parse_times(values).values)[0] == expected


@pytest.mark.parametrize(("cell", "expected"), rows("Numbers"))
def test_data_page_number_is_read_as_stated(cell, expected):
    parsed = parse_numbers(to_text(cells(cell) * 3))
    assert parsed.is_valid.all()
    assert parsed.values.tolist() == [float(expected)] * 3


@pytest.mark.parametrize(("steps", "names"), [row[:2] for row in rows("Public holidays")])
def test_data_page_holidays_are_these_columns(steps, names):
    pytest.importorskip("holidays")
    for freq in cells(steps):
        times = parse(freq).range(np.datetime64("2024-12-31" if freq.endswith("E") else "2024-01-01"), 30)
        panel, _ = read({"ds": times, "y": np.arange(30.0)}, holidays=["DE"])
        assert list(panel.futr_exog) == cells(names)
