"""Wide tables: a column per series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gatecast.data.reader import read
from gatecast.errors import ConfigError, DataError


def refusal(source, kind=DataError, **options) -> str:
    """The message of the error that a source raises."""
    with pytest.raises(kind) as error:
        read(source, **options)
    return str(error.value)


class TestWide:
    """A column for each series."""

    WIDE = {  # noqa: RUF012
        "ds": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"],
        "shop": [1.0, 2.0, 3.0, 4.0],
        "web": [None, 6.0, None, None],
        "note": ["a", "b", "c", "d"],
    }

    @pytest.mark.parametrize("targets", [["shop", "web"], ("shop", "web"), "*", pd.Index(["shop", "web"])])
    @pytest.mark.parametrize("make", [dict, pd.DataFrame])
    def test_columns_are_series_from_their_first_value_to_the_last_row(self, make, targets):
        panel, notes = read(make(self.WIDE), target_col=targets)
        assert panel.ids.tolist() == ["shop", "web"]
        np.testing.assert_array_equal(panel.values, [1, 2, 3, 4, 6, np.nan, np.nan])
        assert str(panel.start[1].astype("M8[D]")) == "2024-01-02"
        assert (panel.columns.id, panel.columns.time, panel.columns.target) == ("unique_id", "ds", "y")
        assert notes[0] == (
            "one series per column, time column: 'ds', targets: 'shop', 'web', frequency: daily (D); "
            "2 series of 3 to 4 points from 2024-01-01 to 2024-01-04."
        )
        assert list(panel.to_columns()) == ["unique_id", "ds", "y"]

    def test_text_files_and_columns_beside_the_target(self, tmp_path):
        (tmp_path / "w.csv").write_text("date,a,b,event\n2024-01,1,2,x\n2024-02,3,,\n2024-03,,4,y\n")
        panel, _ = read(tmp_path / "w.csv", target_col="*", futr_exog="event")
        np.testing.assert_array_equal(panel.values, [1, 3, np.nan, 2, np.nan, 4])
        np.testing.assert_array_equal(panel.futr_exog["event"], [0, np.nan, 1] * 2)

    def test_tables_without_times(self):
        panel, notes = read({"a": [5, 1], "b": [3, 4]}, target_col=["b", "a"])
        assert panel.ids.tolist() == ["b", "a"]
        assert panel.times(0).tolist() == [1, 2]
        assert "no time column (rows are numbered)" in notes[0]

    def test_a_series_without_values_is_named(self):
        panel, notes = read(self.WIDE | {"web": [None] * 4}, target_col=["shop", "web"])
        assert panel.lengths.tolist() == [4, 4]
        assert notes[-1] == "1 of 2 series has no values: 'web'."

    def test_refusals(self):
        wide = self.WIDE
        assert refusal(wide, ConfigError, target_col=["shop", "wep"]).endswith("Did you mean 'web'?")
        assert refusal(wide, ConfigError, target_col=["web", "web"]) == (
            "Repeated column in target_col: got 'web', expected each column at most once."
        )
        assert refusal(wide, ConfigError, target_col=[]).startswith("Invalid target_col []: expected")
        assert refusal(wide, ConfigError, target_col="*", stat_exog="note").startswith(
            "A wide table has no static columns (stat_exog): got 'note'"
        )
        assert refusal(wide, ConfigError, id_col="note", target_col="*").startswith(
            "A wide table has no id column (id_col): got 'note' and several target columns"
        )
        assert refusal(wide, ConfigError, time_col="ds", target_col=["ds", "shop"]).startswith(
            "A column has two roles (column 'ds')"
        )
        assert refusal({"ds": wide["ds"], "note": wide["note"]}, target_col="*").startswith(
            "No numeric column for the targets"
        )
        assert refusal(wide, target_col=["shop", "note"]).startswith(
            "The target column is not numeric (column 'note'): got 'a', 'b', 'c', ..."
        )
        assert refusal(wide | {"web": [1, 2, np.inf, 4]}, target_col="*").startswith(
            "Infinite value (row index 2, series 'web', column 'y', time 2024-01-03): got inf"
        )
