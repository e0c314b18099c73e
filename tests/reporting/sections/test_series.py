import numpy as np
import pytest
from chart_cases import make_forecast, with_values

from gatecast.reporting.blocks import Figure, Table
from gatecast.reporting.sections.series import PanelData, history_section, select_spread, thin


def test_history_section_marks_and_lists_gaps_and_outliers():
    forecast = make_forecast()
    values = forecast.past.panel.values.copy()
    values[30], values[60:63] = 900.0, np.nan
    section = history_section(PanelData(with_values(forecast, values).past.panel, 12).series(0))
    assert section.blocks[0].pairs == [("missing values", "3 of 120 rows, in 1 gap"), ("outliers", "1")]
    tables = [block.cells.rows for block in section.blocks if isinstance(block, Table)]
    assert tables == [[("1953-07-01", "900")], [("1956-01-01", "1956-03-01", "3")]]
    chart = next(block for block in section.blocks if isinstance(block, Figure)).chart
    ranges, _, outliers = chart.marks
    assert outliers.y.tolist() == [900.0]
    assert str(ranges.start[0])[:10] == "1955-12-16"
    assert chart.alt_text == "Passengers: 120 rows, from 169 to 900, 1 outlier, 1 gap."


def test_panel_data_gives_each_series_its_rows():
    forecast = make_forecast(names=("a", "b"))
    series = PanelData(forecast.past.panel, 12, forecast, forecast.past.evaluation).series(1)
    assert (series.name, series.forecast.baseline()) == ("b", "SeasonalNaive")
    assert np.array_equal(series.forecast.table["LSTM"], forecast.columns["LSTM"][12:])
    assert np.array_equal(series.test.table["Passengers"], series.history.values[-24:])
    # Seasonal naive repeats the last season.
    assert np.array_equal(series.forecast.table["SeasonalNaive"], series.history.values[-12:])


def test_thin_keeps_the_outline(rng):
    values = rng.normal(0, 1, 100_000)
    values[77_777], values[5] = 50.0, np.nan
    rows = thin(values, 1000)
    assert len(rows) <= 1000
    assert 77_777 in rows
    assert np.nanmin(values[rows]) == np.nanmin(values)


@pytest.mark.parametrize("n_series", [1, 2, 7, 50])
def test_select_spread_returns_distinct_series_in_order(n_series):
    rank = np.random.default_rng(n_series).permutation(n_series)
    for n in range(1, n_series + 3):
        selected = select_spread(rank, n)
        assert len(selected) == min(n, n_series)
        assert [series for series in rank if series in selected] == selected
        assert len(select_spread(rank, n, first=int(rank[-1]))) <= min(n, n_series) + 1
