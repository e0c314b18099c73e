"""Columns of a future table by name and by role."""

from __future__ import annotations

import pytest

from gatecast.data.reader import read, read_future
from gatecast.errors import ConfigError, DataError

PAST = {
    "store": ["n"] * 4 + ["s"] * 4,
    "month": ["2024-01", "2024-02", "2024-03", "2024-04"] * 2,
    "sales": [1.0, 2.0, 4.0, 3.0, 5.0, 6.0, 8.0, 7.0],
    "list price": [1.0, 2.0, 1.0, 2.0] * 2,
}


@pytest.fixture(name="panel")
def _panel():
    return read(PAST, "store", "month", "sales", futr_exog="list price")[0]


@pytest.mark.parametrize(
    ("time", "store", "price"),
    [("month", "store", "list price"), ("Month", "STORE", "List_Price"), ("date", "branch", "list-price")],
)
def test_columns_of_another_name_have_their_role(panel, time, store, price):
    notes = []
    future = {time: ["2024-05"] * 2, store: ["s", "n"], price: [7.0, 9.0]}
    assert read_future(future, panel, 1, notes)["list price"].tolist() == [[9.0], [7.0]]
    assert len(notes) == (time != "month") + (store != "store") + (price != "list price")
    assert all(note.startswith("future table: column ") for note in notes)


def test_exact_name_wins_over_a_similar_one(panel):
    future = {"month": ["2024-05"] * 2, "Month": ["x", "x"], "store": ["n", "s"], "list price": [1.0, 2.0]}
    assert read_future(future, panel, 1)["list price"].tolist() == [[1.0], [2.0]]


def test_column_of_other_words_is_not_taken_for_ids(panel):
    future = {"month": ["2024-05"], "comment": ["as planned"], "list price": [3.0]}
    assert read_future(future, panel, 1)["list price"].tolist() == [[3.0], [3.0]]


@pytest.mark.parametrize(
    ("future", "expected"),
    [
        ({"month": ["2024-05"], "price": [1.0]}, "a column 'list price'"),
        ({"note": ["x"], "list price": [1.0]}, "a column 'month' of times"),
    ],
)
def test_missing_column_is_refused(panel, future, expected):
    with pytest.raises(ConfigError, match=rf"Missing column in futr_df: got the columns .*, expected {expected}"):
        read_future(future, panel, 1)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("month,store,list price\n2024-05,n,1\n", r"Missing rows in futr_df \(future table plan.csv\): got no row for"),
        ("month,store,list price\nsoon,n,1\n", r"\(future table plan.csv, column 'month'\)"),
        ("month,store,list price\n2024-05,n,x\n2024-05,s,1\n", r"\(future table plan.csv, "),
        ("", r"The file is empty \(future table plan.csv, "),
    ],
)
def test_every_refusal_names_the_file(panel, tmp_path, text, error):
    (tmp_path / "plan.csv").write_text(text)
    with pytest.raises(DataError, match=error) as caught:
        read_future(tmp_path / "plan.csv", panel, 1)
    assert "\n" not in str(caught.value)
