import dataclasses
import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from gatecast.cli.facts import TextTable, forecast_grid, score_grid

from gatecast.cli.terminal import progress_line, shortened, show


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


def shown(result, written=(), *, stream=None, **options):
    stream = stream or io.StringIO()
    show(result, [Path(path) for path in written], stream=stream, **options)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_report_says_what_was_understood(make_result):
    text = shown(make_result())
    assert text.splitlines()[:6] == [
        "air.csv",
        "  data     time column: 'ds', target: 'y'.",
        "  missing  none",
        "  season   12 rows",
        "  split    72 rows to train, 24 to validate, 24 to test, in this order",
        "  note     one finding",
    ]


def test_report_counts_missing_values_and_knows_no_season(make_result):
    result = make_result()
    values = result.values.copy()
    values[3:5] = np.nan
    scores = (result.evaluation.scores[0], dataclasses.replace(result.evaluation.scores[1], model="Naive"))
    evaluation = dataclasses.replace(result.evaluation, scores=scores)
    text = shown(dataclasses.replace(result, values=values, season=1, evaluation=evaluation))
    assert "  missing  2 of 120 rows\n  season   none found\n" in text
    assert "seasonal naive  " not in text
    assert "last value   8.000" in text


def test_report_puts_the_model_beside_seasonal_naive(make_result):
    lines = shown(make_result()).splitlines()
    head = next(place for place, line in enumerate(lines) if line.split()[:2] == ["model", "MAE"])
    assert lines[head].split("  ")[-1].strip() == "in 95 %"
    assert lines[head + 2].split() == ["LSTM", "4.000", "5.00", "0.500", "+50.0", "%", "88", "%", "88", "%"]
    assert lines[head + 3].split() == ["seasonal", "naive", "8.000", "10.00", "1.000", "0", "%", "-", "-"]
    assert "  On the last 24 months the LSTM's error is 50 % smaller than seasonal naive's." in lines


def test_report_shows_forecast_files_and_time(make_result):
    text = shown(make_result(), ["a.csv", "b.png"])
    assert "  1961-01-01   320.0   315.0 to 325.0   310.0 to 330.0\n" in text
    assert "  1961-12-01" in text
    assert text.endswith("\n\n  written: a.csv\n  written: b.png\n  1.2 s\n")


def test_a_series_too_short_to_be_scored_is_shown_without_scores(make_result):
    text = shown(make_result(evaluated=False))
    assert "MAE" not in text
    assert "split" not in text
    assert "1961-12-01" in text


@pytest.mark.parametrize(("written", "where"), [([], "--out writes all"), (["x.csv"], "all are in x.csv")])
def test_long_forecasts_are_shortened(make_result, written, where):
    text = shown(make_result(h=40), written)
    assert text.count("\n  196") == 13
    assert f"  ... 27 more rows, {where}\n" in text


def test_quiet_shows_all_of_the_forecast_and_nothing_else(make_result):
    lines = shown(make_result(h=40), quiet=True).splitlines()
    assert len(lines) == 42
    assert lines[0].split()[:2] == ["ds", "LSTM"]


def test_shortened_keeps_short_grids():
    grid = TextTable(("n",), [("1",), ("2",)])
    assert shortened(grid, longest=2) == (grid, 0)


def test_no_line_ends_in_blanks(make_result):
    assert not [line for line in shown(make_result(h=40)).splitlines() if line != line.rstrip()]


def test_no_colours_in_a_pipe(make_result):
    assert "\x1b" not in shown(make_result())


def test_colours_in_a_terminal_unless_the_user_wants_none(make_result, monkeypatch):
    assert "\x1b[" in shown(make_result(), stream=Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    # Bold and dim are no colours; 3x and 4x are.
    assert "\x1b[36m" not in shown(make_result(), stream=Terminal())


def test_ascii_where_the_encoding_knows_no_more(make_result):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    show(make_result(), [], stream=stream)
    stream.flush()
    text = raw.getvalue().decode("ascii")
    assert "* history | o forecast   : 95 % interval" in text


def test_no_chart_in_a_narrow_terminal(make_result, monkeypatch):
    monkeypatch.setenv("COLUMNS", "39")
    text = shown(make_result())
    assert "history" not in text
    assert "1961-12-01" in text


def test_names_with_brackets_are_no_markup(make_result):
    result = make_result()
    text = shown(dataclasses.replace(result, findings=("[red]x[/red]",)))
    assert "data     [red]x[/red]" in text


def test_integer_times(make_result):
    text = shown(make_result(dated=False))
    assert "  120   320.0" in text


def test_grids_have_a_cell_for_every_column(make_result):
    result = make_result(levels=(50, 80, 97.5))
    for grid in (forecast_grid(result), score_grid(result.evaluation)):
        assert {len(row) for row in grid.rows} == {len(grid.columns)}
    assert forecast_grid(result).columns == ("ds", "LSTM", "50 %", "80 %", "97.5 %")


def test_progress_is_one_line_that_vanishes():
    stream = Terminal()
    with progress_line(stream) as write:
        write(SimpleNamespace(stage="fitting on all data", fraction=0.5, loss=0.25))
        write(SimpleNamespace(stage="scoring", fraction=1.0, loss=0.125))
    first, second, blank, end = stream.getvalue().split("\r")[1:]
    assert first == "fitting on all data  50%  loss 0.25"
    assert second.rstrip() == "scoring 100%  loss 0.125"
    assert len(second) == len(first)
    assert blank.strip() == end == ""
    assert "\n" not in stream.getvalue()


def test_progress_vanishes_when_the_training_fails():
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt), progress_line(stream) as write:  # noqa: PT012
        write(SimpleNamespace(stage="fitting", fraction=0.5, loss=0.25))
        raise KeyboardInterrupt
    assert stream.getvalue().endswith(" \r")


@pytest.mark.parametrize(("stream", "wanted"), [(io.StringIO(), True), (Terminal(), False)])
def test_no_progress_without_a_terminal_or_when_unwanted(stream, wanted):
    with progress_line(stream, wanted=wanted) as write:
        assert write is None
    assert stream.getvalue() == ""
