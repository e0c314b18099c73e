"""Panels from a matrix of values."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.matrix_panel import build_matrix_panel
from gatecast.data.panel import ColumnNames
from gatecast.data.panel_builder import build_panel
from gatecast.errors import DataError

NAMES = ColumnNames("shop")


def build(times, values, **options):
    """A panel of series called 0, 1, 2, ...."""
    x = np.asarray(values, np.float64)
    ids = np.array([str(s) for s in range(len(x))], object)
    return build_matrix_panel(
        np.asarray(times), x, ids, freq=None, columns=NAMES, describe_cell="series {}, time {}".format, **options
    )


def test_build_matrix_panel_equals_the_panel_of_the_long_table(rng):
    times = np.array(["2024-01-03", "2024-01-01", "2024-01-02", "2024-01-06"], "M8[us]")
    values = rng.normal(size=(3, 4))
    panel, notes = build(times, values)
    long, long_notes = build_panel(
        np.tile(times, 3), values.ravel(), np.repeat(["0", "1", "2"], 4).astype(object), columns=NAMES
    )
    np.testing.assert_array_equal(panel.values, long.values)
    np.testing.assert_array_equal(panel.start, long.start)
    np.testing.assert_array_equal(panel.indptr, long.indptr)
    assert notes[0] == long_notes[0] == "Rows were not in time order and have been sorted."


def test_build_matrix_panel_trims_ends_only_on_request():
    values = [[np.nan, 1, 2, np.nan], [1, 2, 3, 4]]
    assert build(np.arange(4), values)[0].lengths.tolist() == [3, 4]
    panel, _ = build(np.arange(4), values, trim_ends=True)
    assert panel.lengths.tolist() == [2, 4]
    assert panel.start.tolist() == [1, 0]


def test_build_matrix_panel_series_without_values_is_as_long_as_the_others():
    panel, notes = build(np.arange(3), [[np.nan] * 3, [1, 2, 3]])
    assert panel.lengths.tolist() == [3, 3]
    assert "1 of 2 series has no values: '0'." in notes


def test_build_matrix_panel_of_infinity_names_the_cell():
    with pytest.raises(DataError, match=r"Infinite value \(series 1, time 2"):
        build(np.arange(3), [[1, 2, 3], [1, 2, np.inf]])


def test_build_matrix_panel_without_values_or_times_raises():
    with pytest.raises(DataError, match="All values are missing"):
        build(np.arange(3), [[np.nan] * 3])
    with pytest.raises(DataError, match="Too few rows"):
        build(np.arange(1), [[1.0]])
    with pytest.raises(DataError, match="Duplicate time"):
        build([1, 1, 2], [[1.0, 2.0, 3.0]])
