"""Panels of series that differ in length, start and end, for what is forecast in parts."""

from __future__ import annotations

import numpy as np

MONTHS = (np.datetime64("2010-01", "M") + np.arange(150)).astype("M8[us]")


def many_series(n, seed, prefix="s", *, shortest=14, longest=80):
    """Return a long table of monthly series with gaps, nine of ten with a season; all begin and end with a value."""
    rng = np.random.default_rng(seed)
    ids, times, values = [], [], []
    for k in range(n):
        length = int(rng.integers(shortest, longest + 1))
        first = int(rng.integers(0, len(MONTHS) - length + 1))
        y = 100 * rng.uniform(0.5, 2) + np.cumsum(rng.normal(size=length))
        if k % 10:
            y += 10 * np.sin(np.arange(first, first + length) * np.pi / 6)
        y[1:-1][rng.random(length - 2) < 0.05] = np.nan
        ids += [f"{prefix}{k:04}"] * length
        times.append(MONTHS[first : first + length])
        values.append(y)
    return {"unique_id": np.array(ids, object), "ds": np.concatenate(times), "y": np.concatenate(values)}


def shuffled(table, seed=0):
    """Return the rows of a table in another order."""
    order = np.random.default_rng(seed).permutation(len(table["y"]))
    return {name: column[order] for name, column in table.items()}


def rows_where(table, selected):
    """Return some of the rows."""
    return {name: column[selected] for name, column in table.items()}


def joined(*tables):
    """Return tables one after another."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def by_id(table):
    """Return columns sorted by id and time."""
    columns = {name: np.asarray(column) for name, column in table.items()}
    order = np.lexsort((columns["ds"], columns["unique_id"].astype(str)))
    return {name: column[order] for name, column in columns.items()}


def assert_same_bits(got, expected):
    """Compare tables after sorting; NaN equals NaN."""
    got, expected = by_id(got), by_id(expected)
    assert list(got) == list(expected)
    for name, column in expected.items():
        if column.dtype.kind == "f":
            assert got[name].tobytes() == column.tobytes(), name
        else:
            np.testing.assert_array_equal(got[name].astype(column.dtype), column, err_msg=name)
