"""Types of the columns of large text files."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.parsing.iso_times import IsoForm
from gatecast.data.parsing.raw_table import RawTable, to_text
from gatecast.data.sources.sql import run_query
from gatecast.data.sources.text_columns import plan_columns


def plan(*texts):
    plans = plan_columns(RawTable(("x",), (to_text(texts),)))
    return None if plans is None else plans[0]


def read(column, texts):
    """The values of texts, and whether the check of the column accepts each."""
    cells = ", ".join(f"('{text}'::{column.type})" for text in texts)
    value, check = column.value.format("c"), column.check.format("c")
    query = f"SELECT {value} AS value, {check} AS ok FROM (VALUES {cells}) AS cells(c)"
    result = run_query(query, "", "failed", "here").columns
    return result["value"].tolist(), result["ok"].tolist()


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (("1", "-20", "NA", ""), "BIGINT"),
        (("1.5", "2", "1e-3", "NaN"), "DOUBLE"),
        (("shop", "1"), "VARCHAR"),
        (("1,5",), "VARCHAR"),
        (("01/02/2024",), "VARCHAR"),
        (("-", "1"), "VARCHAR"),
        (("007", "12"), "VARCHAR"),
        (("2024-01-31",), "DATE"),
        (("2024-01-31 18:30",), "TIMESTAMP"),
    ],
)
def test_plan_columns_chooses_the_type_that_the_first_rows_show(texts, kind):
    column = plan(*texts)
    assert kind in (column.type, *(part.split(")")[0] for part in column.value.split(" AS ")))


@pytest.mark.parametrize("texts", [(), ("",), ("+5",), ("1_000",), ("inf",), (" 7",), ("5.",), ("0x10",)])
def test_plan_columns_of_unclear_cells_is_none(texts):
    assert plan(*texts) is None


def test_integers_accept_one_notation():
    texts = ["0", "-1", "20240131", "9223372036854775807"]
    assert read(plan("1"), texts) == ([int(text) for text in texts], [True] * 4)
    others = ["1.5", "1e3", "007", "+5", "1_000", " 7", "-0", "x", "9" * 20, "0x10", ""]
    assert read(plan("1"), others)[1] == [False] * len(others)


FORMS = ["2024-01-31", "2024-01-31 18:30", "2024-01-31T18:30", "2024-01-31 18:30:05", "2024-01-31T18:30:05Z"]


@pytest.mark.parametrize("text", FORMS)
def test_times_accept_their_form_alone(text):
    column = plan(text)
    assert isinstance(column.form, IsoForm)
    assert read(column, [text]) == ([np.datetime64(text.rstrip("Z"), "us").item()], [True])
    others = [
        *(other for other in FORMS if other != text),
        *("", "NA", "infinity", "epoch", "2024-02-30", "2024-1-31", "31/01/2024", "0044-03-15 (BC)", "12024-01-31"),
        *("2024-01-31 18:30:05.5", "2024-01-31 24:00:00", "2024-01-31 18:30:60", "2024-01-31 18:30:05+01"),
        *(f" {text}", f"{text} ", f"{text}Z", text.replace("-", "/"), text.replace("2024-01-31", "2024-02-30")),
    ]
    accepted = zip(others, read(column, others)[1], strict=True)
    assert [other for other, ok in accepted if ok] == []
