"""Wide tables: a column per series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gatecast.data.panel import ColumnNames
from gatecast.data.reader import read, to_frame_like
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


class TestIdsAndColumns:
    """A column for each of several quantities, in a table with ids."""

    ROWS = {  # noqa: RUF012
        "ds": [1, 2, 3, 1, 2, 3],
        "shop": np.repeat(np.array([7, 8], np.int8), 3),
        "sold": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        "lost": [None, 0.5, 1.5, 2.0, 2.5, 3.5],
        "city": ["a", "a", "a", "b", "b", "b"],
    }

    @pytest.mark.parametrize("targets", ["sold,lost", "sold, lost", ["sold", "lost"], "*"])
    def test_series_are_ids_and_columns(self, targets):
        panel, notes = read(pd.DataFrame(self.ROWS), id_col="shop", target_col=targets)
        assert panel.columns == ColumnNames(("shop", "variable"), "ds", "y")
        assert panel.ids.tolist() == ["7/sold", "8/sold", "7/lost", "8/lost"]
        assert panel.keys["shop"].tolist() == [7, 8, 7, 8]
        assert panel.keys["variable"].tolist() == ["sold", "sold", "lost", "lost"]
        assert panel.lengths.tolist() == [3, 3, 2, 3]
        assert panel.series(2).tolist() == [0.5, 1.5]
        assert notes[0].startswith("id column: 'shop', time column: 'ds', targets: 'sold', 'lost'")
        table = to_frame_like("pandas", panel.future_columns(1), panel)
        assert table["shop"].dtype == "int8"

    def test_ids_are_inferred_where_times_repeat(self):
        rows = {name: column for name, column in self.ROWS.items() if name != "shop"}
        panel, _ = read(rows, target_col=["sold", "lost"])
        assert panel.ids.tolist() == ["a/sold", "b/sold", "a/lost", "b/lost"]

    def test_numbers_that_may_be_ids_are_proposed(self):
        rows = {name: list(self.ROWS[name]) * 2 for name in ("sold", "lost")} | {"ds": [*range(1, 7)] * 2}
        places = np.repeat([7, 8], 6)
        with pytest.raises(DataError, match="Set id_col, for example id_col='place'"):
            read({"place": places, **rows}, target_col="*")
        panel, _ = read({"shop": places, **rows}, target_col="*")
        assert panel.ids.tolist() == ["7/sold", "8/sold", "7/lost", "8/lost"]

    def test_several_id_columns_and_exogenous_columns(self):
        rows = self.ROWS | {"size": [1.0] * 3 + [2.0] * 3, "price": np.arange(6.0)}
        panel, _ = read(rows, id_col="shop,city", target_col="sold,lost", stat_exog="size", futr_exog="price")
        assert list(panel.keys) == ["shop", "city", "variable"]
        assert panel.stat_exog["size"].tolist() == [1.0, 2.0, 1.0, 2.0]
        assert panel.futr_exog["price"].tolist() == [0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5]

    def test_a_column_called_variable_keeps_its_name(self):
        rows = {"ds": [1, 2, 1, 2], "variable": ["p", "p", "q", "q"], "a": np.arange(4.0), "b": np.arange(4.0)}
        assert list(read(rows, id_col="variable", target_col="a,b")[0].keys) == ["variable", "variable_"]

    def test_an_error_names_row_and_column(self):
        rows = self.ROWS | {"lost": [1.0, 2.0, np.inf, 1.0, 2.0, 3.0]}
        with pytest.raises(DataError, match=r"Infinite value \(row index 2, column 'lost'"):
            read(rows, id_col="shop", target_col="sold,lost")
