"""SLSTM has heads, and forget biases that differ within a head."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import T
from tolerances import close

from gatecast.errors import ConfigError
from gatecast.layers import SLSTM


def test_initial_forget_biases_run_from_3_to_6_in_every_head():
    b = SLSTM(6, heads=2).init(np.random.default_rng(0), (T, 2))["b"].reshape(4, 2, 3)
    close(b[1], [[3, 4.5, 6]] * 2, 0.0)
    assert not b[[0, 2, 3]].any()


def test_recurrent_matrix_has_the_rows_of_one_head():
    assert SLSTM(6, heads=3).init(np.random.default_rng(0), (T, 2))["Wh"].shape == (2, 24)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: SLSTM(5, heads=2), r"heads \(SLSTM\): got 2 heads for 5 units"),
        (lambda: SLSTM(5, heads=0), r"heads 0 \(SLSTM\)"),
    ],
)
def test_slstm_with_impossible_heads_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
