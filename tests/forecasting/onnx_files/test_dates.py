"""Places of dates in a year as operators: those of `data.season_calendar`."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_runs import run, session_of

from gatecast.data.season_calendar import day_of_year, week_of_year
from gatecast.forecasting.onnx_files.dates import day_of_year_places, week_of_year_places
from gatecast.nn.onnx_files.builder import Builder
from gatecast.nn.onnx_files.proto import write_onnx


@pytest.mark.parametrize(
    ("places", "expected"), [(day_of_year_places, day_of_year), (week_of_year_places, week_of_year)]
)
def test_places_of_every_day_of_four_centuries_are_those_of_the_calendar(places, expected, tmp_path):
    builder = Builder(17)
    days = builder.input("days", np.int64, ("batch",))
    builder.output("places", places(days), ("batch",))
    write_onnx(tmp_path / "x.onnx", builder, "places", "", {})
    dates = np.arange("1799-12-25", "2201-01-10", dtype="M8[D]")
    found = run(session_of(tmp_path / "x.onnx"), days=dates.astype(np.int64))["places"]
    np.testing.assert_array_equal(found, expected(dates))
