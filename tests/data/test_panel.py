"""Panels: slices, tables, and names of columns."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.frequency import format_times, parse
from gatecast.data.panel import ColumnNames, check_outputs, from_values
from gatecast.data.panel_builder import build_panel
from gatecast.data.reader import read
from gatecast.errors import ConfigError

MONTHS = parse("MS").range(np.datetime64("2024-01-01"), 12)


def two_series():
    """Rows of two monthly series, b ending later."""
    times = np.concatenate((MONTHS[:4], MONTHS[2:8]))
    return times, np.arange(10.0), np.array(["a"] * 4 + ["b"] * 6, object)


def test_heads_and_tails():
    panel, _ = build_panel(*two_series())
    head, tail = panel.drop_last(5), panel.keep_last(5)
    assert head.lengths.tolist() == [0, 1]
    assert tail.lengths.tolist() == [4, 5]
    assert tail.series(1).tolist() == [5.0, 6.0, 7.0, 8.0, 9.0]
    assert (tail.times(1) == MONTHS[3:8]).all()
    chosen = panel.take([1, 0])
    assert chosen.ids.tolist() == ["b", "a"]
    assert chosen.series(1).tolist() == panel.series(0).tolist()
    assert (chosen.times(0) == panel.times(1)).all()


def test_panels_go_out_as_long_tables():
    times, values, ids = two_series()
    panel, _ = build_panel(times, values, ids, columns=ColumnNames("shop", "month", "sales"))
    columns = panel.to_columns()
    assert list(columns) == ["shop", "month", "sales"]
    assert columns["shop"].tolist() == ids.tolist()
    assert (columns["month"] == times).all()
    assert list(from_values([1.0, 2.0]).to_columns()) == ["ds", "y"]


def test_a_series_from_values():
    panel = from_values([1.0, np.nan], start="1749-01-01", freq="MS")
    assert format_times(panel.times(0)) == ["1749-01-01", "1749-02-01"]
    assert panel.mask.tolist() == [True, False]


def test_panel_without_exogenous_columns_has_empty_mappings():
    panel = from_values([1.0, 2.0])
    assert (panel.hist_exog, panel.futr_exog, panel.stat_exog, panel.categories, panel.utc_offset_minutes) == (
        {},
        {},
        {},
        {},
        None,
    )


def test_check_outputs_refuses_key_columns_named_like_forecasts():
    outputs = ["LSTM", "LSTM-lo-80", "LSTM-hi-80"]
    check_outputs(ColumnNames("id", "ds", "y"), outputs)
    with pytest.raises(ConfigError, match=r"name of a forecast column \(target_col\): got 'LSTM'"):
        check_outputs(ColumnNames("id", "ds", "LSTM"), outputs)
    panel, _ = read(
        {"ds": ["2024-01-01", "2024-01-02", "2024-01-03"], "y": [1, 2, 3], "LSTM": [1, 2, 3]},
        target_col="y",
        futr_exog="LSTM",
    )
    check_outputs(panel.columns, outputs)
