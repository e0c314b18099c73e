"""Progress of a fit over several trainings, as numbers and as a line."""

import io
import sys

import numpy as np
import pytest
from panel_cases import QUICK, monthly

from gatecast.forecaster import Forecaster
from gatecast.nn.training import StepRecord
from gatecast.pipeline import progress as progress_module
from gatecast.pipeline.progress import Progress, ProgressTracker, show_progress


def test_progress_runs_from_0_to_1(sales):
    reports = []
    Forecaster(12, **QUICK).fit(monthly(sales), progress=reports.append)
    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < 0.1
    assert fractions[-1] == 1.0
    assert all(np.isfinite(report.loss) for report in reports)


def test_progress_tracker_records_the_first_stage_alone():
    tracker = ProgressTracker(None, 2)
    for number in range(3):
        tracker.on_step(0, number / 2, StepRecord(number, 1.0 - number / 4, 0.5, 0.4))
    tracker.next_stage()
    tracker.on_step(0, 1.0, StepRecord(1, 9.0, 9.0, 9.0))
    assert tracker.history["step"] == [1, 2]
    assert tracker.history["untrained"] == [0.5, 0.4]


class Terminal(io.StringIO):
    """A text stream that is, or is not, a terminal."""

    def __init__(self, *, watched: bool) -> None:
        super().__init__()
        self.watched = watched

    def isatty(self) -> bool:
        return self.watched


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return now


def report_twice(progress, clock, watched, monkeypatch):
    """Report before and after a second; return what was written."""
    stream = Terminal(watched=watched)
    monkeypatch.setattr(sys, "stderr", stream)
    with show_progress(progress) as report:
        if report is not None:
            report(Progress("training", 0.25, 1.0))
            early = stream.getvalue()
            clock[0] = 1.5
            report(Progress("training", 0.5, 1.0))
            assert early == ""
    return stream.getvalue()


def test_show_progress_writes_a_line_after_one_second_in_a_terminal(clock, monkeypatch):
    written = report_twice(None, clock, True, monkeypatch)
    assert "training  50%" in written
    assert "25%" not in written
    assert written.split("\r")[-2].strip() == ""  # the line is removed at the end
    assert written.endswith("\r")


def test_show_progress_writes_nothing_into_a_file_or_where_it_is_turned_off(clock, monkeypatch):
    assert report_twice(None, clock, False, monkeypatch) == ""
    assert report_twice(False, clock, True, monkeypatch) == ""
    assert "50%" in report_twice(True, clock, False, monkeypatch)


def test_show_progress_writes_a_line_in_a_notebook(clock, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", progress_module)
    assert "50%" in report_twice(None, clock, False, monkeypatch)


def test_show_progress_calls_a_function_as_it_is():
    reports = []
    with show_progress(reports.append) as report:
        report(Progress("training", 0.5, 1.0))
    assert reports == [("training", 0.5, 1.0)]


def test_show_progress_removes_the_line_after_an_error(clock, monkeypatch):
    stream = Terminal(watched=True)
    monkeypatch.setattr(sys, "stderr", stream)

    def interrupt():
        """Report once, then stop."""
        with show_progress(None) as report:
            clock[0] = 2.0
            report(Progress("training", 0.5, 1.0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert stream.getvalue().endswith("\r")


def test_cross_validation_progress_runs_over_all_cutoffs(sales):
    reports = []
    Forecaster(6, **QUICK).cross_validation(monthly(sales), n_windows=2, progress=reports.append)
    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {report.stage for report in reports} == {"cutoff 1 of 2", "cutoff 2 of 2"}
