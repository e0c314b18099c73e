"""Progress of a fit over several trainings, as numbers and as a line."""

import numpy as np
from panel_cases import QUICK, monthly

from gatecast.forecaster import Forecaster
from gatecast.nn.training import StepRecord
from gatecast.pipeline.progress import ProgressTracker


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
