"""Tables of any content through every door: the same panel from all, or one refusal from all, and never a defect."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatecast.data.reader import read
from gatecast.data.sources.writers import write
from gatecast.errors import GatecastError

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6).map(float),
    st.floats(-1e9, 1e9, allow_subnormal=False),
    st.just(float("nan")),
)
IDS = st.lists(
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters=",;|\t\"'"), min_size=1, max_size=6).map(
        lambda text: f"s{text}"
    ),
    min_size=1,
    max_size=3,
    unique=True,
)


@st.composite
def tables(draw):
    """A long table: ids, months without gaps, values with at least two that are known in each series."""
    ids, n = draw(IDS), draw(st.integers(4, 12))
    first = draw(st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)))
    months = (np.datetime64(first, "M") + np.arange(n)).astype("M8[us]")
    y = draw(st.lists(NUMBERS, min_size=n * len(ids), max_size=n * len(ids)))
    y = np.array(y).reshape(len(ids), n)
    # The first and the last value are known: a series runs from one to the other.
    y[:, [0, -1]] = np.nan_to_num(y[:, [0, -1]]) + 1
    order = np.array(draw(st.permutations(range(y.size))))
    table = {"unique_id": np.repeat(np.array(ids, object), n), "ds": np.tile(months, len(ids)), "y": y.ravel()}
    return {name: column[order] for name, column in table.items()}, dict(zip(ids, y, strict=True))


def options():
    """Arguments that leave nothing to be inferred but types and frequency."""
    return {"id_col": "unique_id", "time_col": "ds", "target_col": "y", "missing_codes": False}


@pytest.mark.slow
@quick
@given(tables())
def test_read_of_any_table_has_its_values_by_every_door(tmp_path, made):
    table, expected = made
    sources = {"dict": table}
    for suffix in (".csv", ".tsv", ".json", ".jsonl", ".parquet"):
        sources[suffix] = write(table, tmp_path / f"a{suffix}")
    for door, source in sources.items():
        panel, _ = read(source, freq="MS", **options())
        assert sorted(panel.ids.tolist()) == sorted(expected), door
        for k, name in enumerate(panel.ids.tolist()):
            np.testing.assert_array_equal(panel.series(k), expected[name], err_msg=door)


def read_or_refuse(source):
    """Read a source, or take an error of gatecast of a readable length; any other error is a defect."""
    try:
        panel, notes = read(source)
    except GatecastError as error:
        message = str(error)
    else:
        message = " ".join(notes)[:100] or "no notes"
        assert len(panel) > 0
    assert 0 < len(message) < 2000


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["2024-01-01", "2024-02-30", "1e400", "NaN", "-999", "1,5", "12:00", "=1", "٣", "Jan 2024"]),
    st.dates(),
    st.datetimes(),
    st.lists(st.integers(0, 3), max_size=2),
)


@pytest.mark.slow
@quick
@given(st.data())
def test_read_of_any_cells_gives_a_panel_or_an_error_of_gatecast(tmp_path, data):
    n, n_columns = data.draw(st.integers(0, 8)), data.draw(st.integers(0, 4))
    names = data.draw(st.lists(st.text(max_size=5), min_size=n_columns, max_size=n_columns, unique=True))
    table = {name: data.draw(st.lists(CELLS, min_size=n, max_size=n)) for name in names}
    path = tmp_path / "a.json"
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    path.write_text(json.dumps(rows, default=str))
    for source in (table, path):
        read_or_refuse(source)


SUFFIXES = [".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xlsx", ".gz", ".zip", ".html"]


@pytest.mark.slow
@quick
@given(st.binary(max_size=300), st.sampled_from(SUFFIXES))
def test_read_of_any_bytes_gives_a_panel_or_an_error_of_gatecast(tmp_path, content, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    read_or_refuse(path)


def test_read_of_a_column_of_lists_of_different_lengths_is_refused():
    for column in ([None, []], [[1], [1, 2]], [[], 3.0]):
        with pytest.raises(GatecastError):
            read({"ds": [1, 2], "y": column})
