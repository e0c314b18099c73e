"""Fine-tuning: whether tuned weights are used."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.finetuning import _decide, fine_tune
from gatecast.forecasting.pretrained.kinds import LF
from gatecast.forecasting.pretrained.lf.batches import make_batch
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network


@pytest.mark.parametrize(
    ("gains", "is_kept", "words"),
    [
        ([0.1, 0.12, 0.08, 0.1], True, "by 10.0 %; the tuned weights are used"),
        ([0.5, -0.4, 0.3, -0.3], False, "may be chance"),
        ([0.002, 0.002, 0.002, 0.002], False, "by 0.2 %, which may be chance"),
        ([-0.1, -0.1, 0.0, 0.0], False, "did not lower"),
    ],
)
def test_weights_are_kept_where_errors_fall_by_more_than_chance(gains, is_kept, words):
    decided = _decide(-np.log(1 - np.array(gains)), np.ones(3, np.float32))
    assert (decided.vector is not None) == is_kept
    assert words in decided.finding


class Noise:
    """Series of which nothing can be learned; errors are given, one list a measurement."""

    head, max_horizon, h = LF.head, 24, 4

    def __init__(self, *errors):
        self.measurements, self.n = list(errors), len(errors[0])
        self.n_all = self.n

    def batch(self, rows, rng):
        values = np.exp(rng.normal(0, 0.1, (len(rows), 60)).cumsum(axis=1))
        return make_batch(values, np.ones(len(rows), int), 30)

    def errors(self, network, weights):  # noqa: ARG002
        return np.array(self.measurements.pop(0))


@pytest.mark.parametrize("large", [1e-9, 1e6])
def test_no_series_decides_alone(large):
    """One whose errors are in another unit, and do not change, among series that err 30 % less."""
    before = np.full(20, 0.2)
    after = 0.7 * before
    before[0] = after[0] = large
    series = Noise(before, after)
    tuned = fine_tune(*make_network(PretrainedConfig(units=4, n_layers=1)), series, max_steps=1)
    assert tuned.vector is not None
    assert "on the last values of 20 series by 2" in tuned.finding


def test_errors_of_zero_are_no_gain():
    series = Noise(np.zeros(20), np.zeros(20))
    tuned = fine_tune(*make_network(PretrainedConfig(units=4, n_layers=1)), series, max_steps=1)
    assert tuned.vector is None
    assert "did not lower the error" in tuned.finding
