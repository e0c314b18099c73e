"""Fine-tuning: whether tuned weights are used."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.finetuning import _decide


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
    before = np.ones(4)
    vector = np.ones(3, np.float32)
    decided = _decide(before, before - np.array(gains), vector)
    assert (decided.vector is not None) == is_kept
    assert words in decided.finding
