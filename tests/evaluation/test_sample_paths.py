"""Sample paths: each step has its distribution, and errors last as past ones did."""

import numpy as np
import pytest

from gatecast.evaluation.bounds import Bounds
from gatecast.evaluation.calibration import default_calibrator
from gatecast.evaluation.error_autocorrelation import error_autocorrelation
from gatecast.evaluation.sample_paths import sample_paths

QUANTILES = np.zeros((1, 40, 5)) + np.array([-2.0, -1.3, 0, 1.3, 2])
START = default_calibrator(["LSTM"], (0.025, 0.1, 0.5, 0.9, 0.975))


@pytest.mark.parametrize("r", [0.0, 0.9])
def test_sample_paths_have_the_autocorrelation_of_past_errors(r):
    paths = sample_paths(START._replace(error_autocorrelation=r), QUANTILES, np.array([[-1.0]]), 500, 0)[0]
    assert error_autocorrelation(paths) == pytest.approx(r, abs=0.03)


def test_sample_paths_are_within_bounds_and_whole_for_integers():
    bounded = START._replace(bounds=Bounds(-1.0, 2.0, integer=True))
    assert set(sample_paths(bounded, QUANTILES, np.array([[-1.0]]), 50, 0).ravel().tolist()) <= {-1.0, 0.0, 1.0, 2.0}


def test_sample_paths_without_a_value_are_nan():
    assert np.isnan(sample_paths(START, np.full((1, 40, 5), np.nan), np.array([[np.nan]]), 3, 0)).all()


def test_error_autocorrelation_of_too_few_errors_is_the_default():
    assert error_autocorrelation(np.full((9, 3), np.nan)) == 0.8
