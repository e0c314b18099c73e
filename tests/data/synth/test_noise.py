"""Random numbers that the families share."""

from __future__ import annotations

import numpy as np
from series_statistics import autocorrelation, tail_index

from gatecast.data.synth.noise import autoregress, hold, shocks, student_t


def test_student_t_has_the_tail_of_its_degrees(rng):
    heavy, light = (tail_index(student_t(rng, np.full(50, df), 2000), share=0.02) for df in (3.0, 20.0))
    assert heavy < 4 < light


def test_student_t_is_bounded(rng):
    assert abs(student_t(rng, np.full(100, 2.0), 2000)).max() <= 12


def test_autoregress_has_its_autocorrelation(rng):
    y = autoregress(rng.standard_normal((5000, 2)), np.array([0.3, 0.9]))
    assert abs(autocorrelation(y.T, 1) - [0.3, 0.9]).max() < 0.05


def test_hold_changes_only_where_it_may(rng):
    changes = rng.random((200, 5)) < 0.1
    y = hold(changes, rng.standard_normal((200, 5)))
    assert ((np.diff(y, axis=0) != 0) == changes[1:]).all()


def test_shocks_are_partly_correlated(rng):
    e = shocks(rng, 300, 2000)
    correlation = autocorrelation(e.T, 1)
    # 40 % have U(-0.5, 0.8): a sixth of all is above 0.25.
    assert 0.1 < (correlation > 0.25).mean() < 0.25
    assert abs(np.median(correlation)) < 0.08
