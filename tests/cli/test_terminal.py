import dataclasses
import io
from types import SimpleNamespace

import numpy as np
import pytest

from gatecast.cli.forecast_view import forecast_table
from gatecast.cli.terminal import print_forecast, print_table, progress_line, shortened
from gatecast.reporting.text_tables import TextTable, score_table


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


def printed(view, files=(), *, stream=None, **options):
    stream = stream or io.StringIO()
    print_forecast(view, list(files), stream=stream, **options)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_report_says_what_was_understood(make_view):
    text = printed(make_view())
    assert text.splitlines()[:6] == [
        "air.csv",
        "  data     time column: 'ds', target: 'y'.",
        "  missing  none",
        "  season   12 rows",
        "  split    72 rows to train, 24 to validate, 24 to test, in this order",
        "  note     one finding",
    ]


def test_report_counts_missing_values_and_knows_no_season(make_view):
    view = make_view()
    values = view.values.copy()
    values[3:5] = np.nan
    scores = (view.evaluation.scores[0], dataclasses.replace(view.evaluation.scores[1], model="Naive"))
    evaluation = dataclasses.replace(view.evaluation, scores=scores)
    text = printed(dataclasses.replace(view, values=values, season_length=1, evaluation=evaluation))
    assert "  missing  2 of 120 rows\n  season   none found\n" in text
    assert "seasonal naive  " not in text
    assert "last value  8.000" in text


def test_report_puts_the_model_beside_seasonal_naive(make_view):
    lines = printed(make_view()).splitlines()
    head = next(k for k, line in enumerate(lines) if line.split()[:2] == ["model", "MAE"])
    assert lines[head].split("  ")[-1].strip() == "in 95 %"
    assert lines[head + 2].split() == ["LSTM", "4.000", "5.00", "0.500", "+50", "%", "88", "%", "88", "%"]
    assert lines[head + 3].split() == ["seasonal", "naive", "8.000", "10.00", "1.000", "0", "%", "-", "-"]
    assert "  On the last 24 months the LSTM's error is 50 % smaller than seasonal naive's." in lines


def test_report_shows_forecast_files_and_time(make_view):
    text = printed(make_view(), ["a.csv", "b.png"])
    assert "  1961-01-01  320.0  315.0 to 325.0  310.0 to 330.0\n" in text
    assert "  1961-12-01" in text
    assert text.endswith("\n\n  written: a.csv\n  written: b.png\n  1.2 s\n")


def test_a_series_too_short_to_be_scored_is_shown_without_scores(make_view):
    text = printed(make_view(evaluated=False))
    assert "MAE" not in text
    assert "split" not in text
    assert "1961-12-01" in text


@pytest.mark.parametrize(("files", "where"), [([], "--out FILE writes all of them"), (["x.csv"], "all are in x.csv")])
def test_long_forecasts_are_shortened(make_view, files, where):
    text = printed(make_view(h=40), files)
    assert text.count("\n  196") == 13
    assert f"  ... 27 more rows, {where}\n" in text


def test_quiet_shows_all_series_with_their_ids(make_view):
    view = make_view(h=3)
    table = view.forecast
    ids = {"shop": np.repeat(["north", "south"], 3), "item": np.repeat([7, 8], 3)}
    both = {name: np.tile(column, 2) for name, column in table.columns.items() if name != "unique_id"}
    view = dataclasses.replace(view, all_series=dataclasses.replace(table, columns=ids | both, id_col=("shop", "item")))
    lines = printed(view, quiet=True).splitlines()
    assert lines[0].split()[:4] == ["shop", "item", "ds", "LSTM"]
    assert [line.split()[:3] for line in lines[2:]] == [
        [shop, item, f"1961-0{k}-01"] for shop, item in (("north", "7"), ("south", "8")) for k in (1, 2, 3)
    ]


def test_quiet_shows_all_of_the_forecast_and_nothing_else(make_view):
    lines = printed(make_view(h=40), quiet=True).splitlines()
    assert len(lines) == 42
    assert lines[0].split()[:2] == ["ds", "LSTM"]


def test_shortened_keeps_short_grids():
    grid = TextTable(("n",), [("1",), ("2",)])
    assert shortened(grid, max_rows=2) == (grid, 0)


def test_no_line_ends_in_blanks(make_view):
    assert not [line for line in printed(make_view(h=40)).splitlines() if line != line.rstrip()]


def test_no_colors_in_a_pipe(make_view):
    assert "\x1b" not in printed(make_view())


def test_colors_in_a_terminal_unless_the_user_wants_none(make_view, monkeypatch):
    assert "\x1b[" in printed(make_view(), stream=Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    # Bold and dim are no colors; 3x and 4x are.
    assert "\x1b[36m" not in printed(make_view(), stream=Terminal())


def test_ascii_where_the_encoding_knows_no_more(make_view):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    print_forecast(make_view(), [], stream=stream)
    stream.flush()
    text = raw.getvalue().decode("ascii")
    assert "* history | o forecast   : 95 % interval" in text


def test_no_chart_in_a_narrow_terminal(make_view, monkeypatch):
    monkeypatch.setenv("COLUMNS", "39")
    text = printed(make_view())
    assert "history" not in text
    assert "1961-12-01" in text


def test_names_with_brackets_are_no_markup(make_view):
    view = make_view()
    text = printed(dataclasses.replace(view, notes=("[red]x[/red]",)))
    assert "data     [red]x[/red]" in text


def test_integer_times(make_view):
    text = printed(make_view(dated=False))
    assert "  120  320.0" in text


def test_grids_have_a_cell_for_every_column(make_view):
    view = make_view(levels=(50, 80, 97.5))
    for grid in (forecast_table(view), score_table(view.evaluation)):
        assert {len(row) for row in grid.rows} == {len(grid.columns)}
    assert forecast_table(view).columns == ("ds", "LSTM", "50 %", "80 %", "97.5 %")


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


@pytest.mark.parametrize("factor", [7e8, 1e9, 1e15])
def test_large_scores_stay_on_their_line(make_view, factor):
    view = make_view()
    scores = tuple(
        dataclasses.replace(score, mae=score.mae / 8 * factor, rmse=score.rmse / 8 * factor)
        for score in view.evaluation.scores
    )
    view = dataclasses.replace(view, evaluation=dataclasses.replace(view.evaluation, scores=scores))
    lines = printed(view).splitlines()
    for row in score_table(view.evaluation).rows:
        assert any(all(cell in line for cell in row) for line in lines)


def test_print_table_has_a_line_below_its_header():
    stream = io.StringIO()
    print_table(TextTable(("n", "m"), [("1", "2")]), stream)
    assert [line.split() for line in stream.getvalue().splitlines()][::2] == [["n", "m"], ["1", "2"]]
