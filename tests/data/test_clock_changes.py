"""The hour that occurs twice when clocks are set back."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.clock_changes import find_clock_changes
from gatecast.data.reader import read
from gatecast.errors import DataError

AUTUMN = ["2023-10-29 00:00", "2023-10-29 01:00", "2023-10-29 02:00", "2023-10-29 02:00", "2023-10-29 03:00"]


def test_find_clock_changes_hour_is_averaged_and_said():
    panel, notes = read(
        {"t": AUTUMN, "y": [1.0, 2.0, 4.0, 6.0, 8.0], "x": [1, 1, 3, 5, 1]}, target_col="y", hist_exog="x"
    )
    assert panel.values.tolist() == [1.0, 2.0, 5.0, 8.0]
    assert panel.hist_exog["x"].tolist() == [1.0, 1.0, 3.0, 1.0]
    assert any("occur twice, where clocks are set back" in note for note in notes)


def test_find_clock_changes_works_for_each_series_of_a_panel():
    table = {"id": ["a"] * 5 + ["b"] * 5, "t": AUTUMN * 2, "y": [1.0, 2.0, 4.0, 6.0, 8.0, 1.0, 2.0, np.nan, 6.0, 8.0]}
    panel, _ = read(table)
    assert panel.series(0).tolist() == [1.0, 2.0, 5.0, 8.0]
    assert panel.series(1).tolist() == [1.0, 2.0, 6.0, 8.0]


def test_find_clock_changes_quarter_hours_are_all_averaged():
    first = np.arange("2023-10-29T01:00", "2023-10-29T03:00", 15, dtype="M8[m]")
    t = np.concatenate([first, first + np.timedelta64(60, "m")]).astype("M8[us]")
    change = find_clock_changes(t, np.zeros(len(t), np.int64))
    assert len(change.first) == 4


@pytest.mark.parametrize(
    "times",
    [
        ["2023-10-28 01:00", "2023-10-28 02:00", "2023-10-28 02:00"],
        ["2023-10-29 01:00", "2023-10-29 12:00", "2023-10-29 12:00"],
        ["2023-07-30 01:00", "2023-07-30 02:00", "2023-07-30 02:00"],
        ["2023-10-29 02:00", "2023-10-29 02:00", "2023-10-29 02:00"],
        ["2023-10-22 02:00", "2023-10-22 02:00", "2023-10-29 02:00", "2023-10-29 02:00"],
        ["2023-10-29", "2023-10-29", "2023-10-30"],
    ],
)
def test_find_clock_changes_other_duplicates_are_refused(times):
    with pytest.raises(DataError, match=r"(?i)duplicate time"):
        read({"t": times, "y": np.arange(float(len(times)))})
