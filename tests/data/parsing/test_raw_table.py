"""Raw tables: unique values, missing values, strings, and references to rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.parsing import raw_table
from gatecast.data.parsing.raw_table import FileSpans, RawTable, factorize, is_missing, take_rows, to_text


@given(st.lists(st.sampled_from(["b", "a", "", "c"])) | st.lists(st.integers(-3, 3)))
def test_factorize_restores_the_column(values):
    column = np.array(values, np.int64) if values and isinstance(values[0], int) else to_text(values)
    unique, codes = factorize(column)
    assert unique.tolist() == list(dict.fromkeys(values))
    assert unique[codes].tolist() == values


def test_factorize_and_to_text_in_chunks_give_the_same(monkeypatch):
    values = np.array(["a", "b", "b", "a", "c"] * 20)
    unique, codes = factorize(to_text(values))
    monkeypatch.setattr(raw_table, "ROWS_PER_CHUNK", 7)
    assert factorize(to_text(values))[0].tolist() == unique.tolist() == ["a", "b", "c"]
    assert (factorize(to_text(values))[1] == codes).all()


@pytest.mark.parametrize("values", [np.array(["a", "a", "b"]), ["a", "a", "b"], np.array(["a", "a", "b"], object)])
def test_to_text_of_strings_returns_python_strings(values):
    column = to_text(values)
    assert column.tolist() == ["a", "a", "b"]
    assert {type(text) for text in column} == {str}


def test_to_text_shares_equal_neighbors():
    column = to_text(np.array(["long name"] * 9))
    assert len({id(text) for text in column}) == 1


def test_is_missing_of_every_type():
    assert is_missing(np.array([1.0, np.nan])).tolist() == [False, True]
    assert is_missing(np.array(["2024-01-01", "NaT"], "M8[us]")).tolist() == [False, True]
    assert is_missing(np.array([0, 1])).tolist() == [False, False]
    assert is_missing(to_text(["0", " N/A ", "x"])).tolist() == [False, True, False]


def test_describe_row_names_the_file_and_the_row_in_it():
    table = RawTable(("y",), (np.arange(5),), files=FileSpans(("north", "south"), np.array([0, 2, 5])))
    assert table.describe_row(3) == "row index 1 of south"
    assert take_rows(take_rows(table, np.array([1, 3, 4])), np.array([2])).describe_row(0) == "row index 2 of south"
    lines = RawTable(("y",), (np.arange(5),), np.array([2, 3, 2, 3, 4]), files=table.files)
    assert lines.describe_row(4) == "row 4 of south"
