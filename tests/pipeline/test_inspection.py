"""What a table is understood to be equals what a fit starts from."""

import numpy as np
import pytest

from gatecast.config import ForecasterConfig
from gatecast.errors import DataError
from gatecast.forecaster import Forecaster
from gatecast.pipeline.inspection import inspect_table


@pytest.mark.parametrize("settings", [{}, {"h": 5}, {"season_length": 6, "freq": "MS"}])
def test_inspection_has_the_season_and_horizon_of_a_fit(settings):
    table = {"ds": np.datetime64("2015-01") + np.arange(72), "y": 100 + 20 * np.sin(np.arange(72) * np.pi / 6)}
    inspection = inspect_table(table, ForecasterConfig(**settings))
    fitted = Forecaster(model="naive", **settings).fit(table)
    assert (inspection.season_length, inspection.horizon) == (fitted.season_length_, fitted.h_)
    assert inspection.notes == tuple(fitted.findings_[: len(inspection.notes)])
    assert inspection.is_scored == (fitted.evaluation_ is not None)


def test_inspection_counts_gaps_within_each_series_alone():
    nan = np.nan
    table = {
        "id": np.repeat(["a", "b", "c"], 5),
        "t": np.tile(np.arange(1, 6), 3),
        "y": [1, nan, nan, 2, nan, nan, 3, nan, 4, 5, 6, 6, 6, 6, 6],
    }
    series = inspect_table(table, ForecasterConfig()).series
    assert series["missing"].tolist() == [3, 2, 0]
    # A run of missing values at the end of a series does not go on in the next one.
    assert series["longest_gap"].tolist() == [2, 1, 0]
    assert series["mean"].tolist() == [1.5, 4.0, 6.0]


def test_inspection_counts_constant_and_empty_series():
    table = {
        "id": np.repeat(["a", "b", "c"], 4),
        "t": np.tile(np.arange(4), 3),
        "y": [5.0] * 4 + [np.nan] * 4 + [1, 2, 3, 4],
    }
    inspection = inspect_table(table, ForecasterConfig())
    assert (inspection.n_series, inspection.n_constant, inspection.n_empty) == (3, 1, 1)
    assert np.isnan(inspection.series["mean"][1])
    assert "4 of 12 values are missing." in inspection.summary


def test_inspection_of_series_too_short_to_forecast_says_so_and_returns():
    inspection = inspect_table({"t": [1, 2, 3], "y": [1.0, np.nan, np.nan]}, ForecasterConfig(freq="1"))
    assert inspection.problem.startswith("Too few values")
    assert (inspection.season_length, inspection.horizon, inspection.is_scored) == (None, None, False)
    assert "Season" not in inspection.summary


def test_inspection_of_what_is_no_table_of_times_and_values_is_refused():
    with pytest.raises(DataError):
        inspect_table({"a": ["x", "y"], "b": ["u", "v"]}, ForecasterConfig())
