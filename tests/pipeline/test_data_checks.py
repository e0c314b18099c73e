"""What is noticed about a panel before anything is fitted, and what is refused."""

import math

import numpy as np
import pytest
from panel_cases import QUICK, monthly

from gatecast.config import DataConfig
from gatecast.errors import ConfigError, DataError
from gatecast.forecaster import Forecaster


def test_check_series_constant_and_empty_series_are_named(panel_table):
    table = {
        "unique_id": np.concatenate([panel_table["unique_id"], ["flat"] * 30, ["void"] * 30]),
        "ds": np.concatenate([panel_table["ds"], np.tile(panel_table["ds"][:30], 2)]),
        "y": np.concatenate([panel_table["y"], np.full(30, 5.0), np.full(30, np.nan)]),
    }
    forecaster = Forecaster(4, **QUICK).fit(table, evaluate=False)
    for name in ("flat", "void"):
        assert any(repr(name) in note for note in forecaster.data_notes_)
    forecast = forecaster.predict()
    np.testing.assert_allclose(forecast["Ensemble"][forecast["unique_id"] == "flat"], 5.0, rtol=0.01)
    assert np.isnan(forecast["Ensemble"][forecast["unique_id"] == "void"]).all()


def test_check_series_constant_series_is_forecast_as_the_constant():
    forecaster = Forecaster(2, **QUICK).fit(monthly(np.full(50, 7.0)))
    np.testing.assert_allclose(forecaster.predict()["Ensemble"], 7.0, rtol=1e-2)
    assert any("does not vary" in note for note in forecaster.data_notes_)


def test_check_series_column_named_like_a_forecast_raises(panel_table):
    table = {"unique_id": panel_table["unique_id"], "ds": panel_table["ds"], "Ensemble": panel_table["y"]}
    with pytest.raises(ConfigError, match="Ensemble"):
        Forecaster(4, **QUICK).fit(table)


@pytest.mark.slow
def test_trim_unobserved_drops_rows_without_a_value_at_both_ends(fitted_series, sales):
    padded = np.concatenate([np.full(3, np.nan), sales, np.full(5, np.nan)])
    forecaster = Forecaster(12, **QUICK).fit(monthly(padded))
    first, last = forecaster.data_notes_[-2:]
    assert "first 3 rows" in first
    assert "last 5 rows" in last
    forecast = forecaster.predict()
    assert forecast["Ensemble"].tobytes() == fitted_series.predict()["Ensemble"].tobytes()
    assert forecast["ds"][0].astype("M8[M]") == np.datetime64("2011-04", "M")


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (DataConfig(lower_bound=2), ["lower", "(3)", "got 1 ", "2", "2 or more"]),
        (DataConfig(upper_bound=8), ["upper", "(5)", "got 9 ", "1", "8 or less"]),
        (DataConfig(integer=True), ["(2)", "got 2.5 ", "1", "integer"]),
    ],
)
def test_check_bounds_value_outside_raises(data, facts):
    y = np.full(40, 4.0)
    y[[1, 2, 3, 4]] = 2.5, 1, 1, 9
    with pytest.raises(DataError) as caught:
        Forecaster(4, data=data).fit({"ds": np.arange(1, 41), "y": y})
    for fact in facts:
        assert fact in str(caught.value)


@pytest.mark.parametrize("y", [[math.nan, 1.0], [1.0, math.nan], [math.nan, math.nan, 1.0, math.nan]])
def test_check_series_one_value_is_refused(y):
    with pytest.raises(DataError, match=r"(?i)too few values \(column .y.\): got one value"):
        Forecaster(h=1).fit({"ds": range(len(y)), "y": y})


def test_check_series_panel_without_two_values_of_a_series_is_refused():
    table = {"unique_id": ["a", "a", "b", "b"], "ds": [1, 2, 1, 2], "y": [1.0, math.nan, math.nan, 2.0]}
    with pytest.raises(DataError, match="got no series with two values"):
        Forecaster(h=1).fit(table)
