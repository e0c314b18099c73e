import numpy as np
from chart_cases import make_forecast

from gatecast.reporting.blocks import Table
from gatecast.reporting.sections.evaluation import backtest_section, coverage_section
from gatecast.results import Forecast


def test_coverage_section_shows_coverage_by_level_and_step():
    section = coverage_section(make_forecast(names=("a", "b")).past.evaluation)
    assert section.blocks[0].text == (
        "Share of the test values inside the intervals: 88 % in the 80 % interval, 88 % in the 95 % interval."
    )
    lines = section.blocks[2].chart.marks[-2:]
    # All errors are smaller than 5, half the width of the narrowest interval.
    assert [line.y.tolist() for line in lines] == [[100.0] * 12] * 2


def test_coverage_section_without_intervals_is_none():
    assert coverage_section(make_forecast(levels=()).past.evaluation) is None


def test_backtest_section_shows_errors_by_cutoff():
    evaluation = make_forecast(names=("a", "b")).past.evaluation
    cutoffs = np.tile(np.repeat(evaluation.table["ds"][[0, 12]], 12), 2)
    backtest = Forecast({**evaluation.table, "cutoff": cutoffs}, "unique_id", "ds", "Passengers")
    section = backtest_section(backtest, None)
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert table.cells.columns == ("cutoff", "LSTM", "seasonal naive")
    assert [row[1:] for row in table.cells.rows] == [("1.5", "8"), ("1.5", "8")]
    assert section.blocks[0].text == "LSTM has a smaller error than seasonal naive in 2 of 2 cutoffs."
    assert list(section.blocks[-1].figures) == ["a", "b"]


def test_backtest_section_starts_with_the_given_series():
    evaluation = make_forecast(names=(0, 1)).past.evaluation
    cutoffs = np.tile(np.repeat(evaluation.table["ds"][[0, 12]], 12), 2)
    backtest = Forecast({**evaluation.table, "cutoff": cutoffs}, "unique_id", "ds", "Passengers")
    assert list(backtest_section(backtest, None, 1).blocks[-1].figures) == ["1", "0"]
    assert list(backtest_section(backtest, None, 0).blocks[-1].figures) == ["0", "1"]


def test_backtest_section_shows_windows_of_the_test_part():
    section = backtest_section(None, make_forecast().past.evaluation)
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert table.cells.rows == [("1", "1", "8"), ("2", "1", "8")]


def test_backtest_section_of_a_single_window_is_none():
    assert backtest_section(None, make_forecast(test=12).past.evaluation) is None
