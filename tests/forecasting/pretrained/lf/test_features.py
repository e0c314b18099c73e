"""Features know nothing of the future, and targets undo what forecasts do."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.lf.autoregression import MAX_STEPS
from gatecast.forecasting.pretrained.lf.features import (
    INPUT_NAMES,
    MAX_TARGET,
    N_INPUTS,
    anchors,
    make_features,
    targets,
)
from gatecast.forecasting.pretrained.lf.scaling import SeriesScale
from gatecast.forecasting.pretrained.soft_limit import SOFT_LIMIT

READ = ("inputs", "level", "unit", "drift", "slope", "recent", "mean", "line", "line_slope", "offset")
"""Features by step."""


def made(m, n=32, T=70, seed=0):
    """Return positive series with a season, zeros, mostly zeros in a few, and gaps, (T, n)."""
    rng = np.random.default_rng(seed)
    season = rng.normal(size=(m, n))[np.arange(T) % m] * (rng.random(n) < 0.7)
    y = np.exp(rng.normal(0, 0.1, (T, n)).cumsum(axis=0) + 0.3 * season + 3)
    y[rng.random((T, n)) < np.where(np.arange(n) % 8 == 3, 0.7, 0.05)] = 0
    y[rng.random((T, n)) < 0.05] = np.nan
    y[0] = 20.0
    return y


def features_of(y, m):
    """Return series on the network's scale, and their features."""
    series = SeriesScale.of(y).transform(y)
    return series, make_features(series, m)


@pytest.mark.parametrize("m", [1, 4, 12])
@pytest.mark.parametrize("stop", [5, 26, 49])
def test_make_features_from_the_middle_have_the_bits_of_those_from_the_end(m, stop):
    y = made(m)
    changed = y.copy()
    changed[stop:] = made(m, seed=1)[stop:] * 50
    _, one = features_of(y[:stop], m)
    origins = np.arange(stop)[:, None], np.arange(32)
    for other in (y, changed):
        _, all_ = features_of(other, m)
        for name in READ:
            assert getattr(one, name).tobytes() == getattr(all_, name)[:stop].tobytes(), name
        assert one.autoregression.tobytes() == all_.autoregression[:, :stop].tobytes()
        assert anchors(one, *origins, 9).tobytes() == anchors(all_, *origins, 9).tobytes()


@pytest.mark.parametrize("m", [1, 4, 12, 60])
@pytest.mark.parametrize("first", [0, 1, 30, 69])
def test_make_features_of_the_last_steps_have_the_bits_of_those_of_all(m, first):
    y = made(m)
    series, every = features_of(y, m)
    last = make_features(series, m, first)
    for name in READ:
        assert getattr(last, name).tobytes() == getattr(every, name)[first:].tobytes(), name
    assert last.autoregression.tobytes() == every.autoregression[:, first:].tobytes()
    steps, series_at = np.arange(first, 70), np.arange(32)
    every_anchor = anchors(every, steps[:, None], series_at, 9)
    assert anchors(last, steps[:, None] - first, series_at, 9).tobytes() == every_anchor.tobytes()
    assert last.indices.at(steps, steps + 1).tobytes() == every.indices.at(steps, steps + 1).tobytes()


@pytest.mark.parametrize("m", [4, 12])
@pytest.mark.parametrize("first", [0, 30])
def test_make_features_side_by_side_have_the_bits_of_one_block_after_the_other(m, first, monkeypatch):
    y = made(m)[:, :6]
    results = []
    for most in (0, 10**6):
        monkeypatch.setattr("gatecast.forecasting.pretrained.lf.features.MAX_SIDE_BY_SIDE", most)
        series = SeriesScale.of(y).transform(y)
        results.append(make_features(series, m, first))
    one, other = results
    assert (one.indices.strength[-1] > 0).any()
    assert (one.indices.strength[-1] == 0).any()
    for name in (*READ, "autoregression"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


@pytest.mark.parametrize("m", [1, 7])
def test_make_features_are_finite_and_bounded(m):
    _, features = features_of(made(m), m)
    assert features.inputs.shape == (70, N_INPUTS, 32)
    assert np.isfinite(features.inputs).all()
    assert np.abs(features.inputs[:, :24]).max() < SOFT_LIMIT


def test_make_features_do_not_depend_on_the_size_of_the_series():
    y = np.where(np.isnan(made(4)), 5.0, made(4) + 1)
    (_, one), (_, two) = features_of(y, 4), features_of(1000 * y, 4)
    assert one.inputs == pytest.approx(two.inputs, abs=1e-4)


def test_make_features_names_find_the_inputs():
    y = np.exp(0.1 * np.arange(40.0))[:, None]
    _, features = features_of(y, 1)
    inputs = dict(zip(INPUT_NAMES, features.inputs[-1, :, 0].tolist(), strict=True))
    unit = features.unit[-1, 0]
    assert inputs["value"] == 0
    assert inputs["value[-1]"] == pytest.approx(-0.1 / unit / (1 + 0.1 / unit / 10), rel=1e-4)
    assert inputs["drift"] == pytest.approx(4 * 0.1 / unit, rel=1e-4)
    assert inputs["log season length"] == inputs["season strength"] == inputs["share of zeros"] == 0


def test_targets_are_what_follows_in_units():
    m, y = 4, np.exp(np.tile([0.0, 1.0, 0.5, -1.0], 12) + 0.02 * np.arange(48))[:, None]
    series, features = features_of(y, m)
    target, known = targets(series, features, 6)
    t, j = 30, 5
    index = features.indices.at(np.array([t]), np.array([t + j]))[0]
    z = features.level[t] + features.unit[t] * target[t, j - 1] + index
    assert np.exp(z) == pytest.approx(y[t + j], rel=1e-5)
    assert known[:-6].all()
    assert known[-1].sum() == 0
    assert known[-3, :, 0].tolist() == [True, True, False, False, False, False]


def test_targets_are_clipped():
    y = np.full((20, 1), 5.0)
    y[15:] = 1e9
    target, _ = targets(*features_of(y, 1), 3)
    assert target.max() == MAX_TARGET


def test_anchors_of_a_line_go_on_with_it():
    y = np.exp(0.05 * np.arange(30.0))[:, None]
    series, features = features_of(y, 1)
    simple = anchors(features, np.array([20]), np.array([0]), 3)[..., 0]
    target, _ = targets(series, features, 3)
    assert simple[0].tolist() == [0, 0, 0]
    assert simple[1] == pytest.approx(target[20, :, 0], rel=1e-5)
    assert (simple[2] > 0).all()
    assert (simple[3:5] < 0).all()
    assert simple[5] == pytest.approx(simple[1])
    assert simple[6].tolist() == [0, 0, 0]


def test_anchors_of_the_autoregression_go_on_with_waves_behind_a_gap_too():
    y = np.exp(0.3 * np.sin(np.arange(160.0) * 2 * np.pi / 9))[:, None]
    series, features = features_of(y, 1)
    target, _ = targets(series, features, 6)
    step, zero = np.array([150]), np.array([0])
    at = anchors(features, step, zero, 6)[7, :, 0]
    assert at == pytest.approx(target[150, :, 0], abs=0.35)
    after_8 = dict(zip(INPUT_NAMES, features.inputs[150, :, 0].tolist(), strict=True))["autoregression after 8"]
    far = anchors(features, step, zero, 8)[7, -1, 0]
    assert after_8 == pytest.approx(far / (1 + abs(far) / SOFT_LIMIT), rel=1e-5)
    y[151:] = np.nan
    _, features = features_of(y, 1)
    late = anchors(features, step + 3, zero, 3)[7, :, 0]
    assert late == pytest.approx(at[3:])


def test_anchors_of_the_autoregression_stay_at_the_end_of_a_very_long_gap():
    y = np.exp(0.3 * np.sin(np.arange(200.0)))[:, None]
    y[60:] = np.nan
    _, features = features_of(y, 1)
    late, later = (anchors(features, np.array([t]), np.array([0]), 4)[7, :, 0] for t in (58 + MAX_STEPS, 199))
    assert late.tolist() == later.tolist() == [late[0]] * 4


def test_anchors_of_mostly_zeros_have_the_autoregression_where_it_is():
    y = np.where(np.random.default_rng(0).random(80) < 0.2, 4.0, 0.0)[:, None]
    y[0] = 4.0
    _, features = features_of(y, 1)
    step, zero = np.array([71]), np.array([0])
    assert abs(features.offset[71, 0]) > 0.5
    forecast = anchors(features, step, zero, 24)[7, :, 0] * features.unit[71, 0] + features.level[71, 0]
    low, high = np.log(2.0), np.log(4.0)
    assert (forecast >= low - 0.26 * (high - low)).all()
    assert (forecast <= high + 0.26 * (high - low)).all()
    inputs = dict(zip(INPUT_NAMES, features.inputs[71, :, 0].tolist(), strict=True))
    first = anchors(features, step, zero, 1)[7, 0, 0]
    assert inputs["autoregression after 1"] == pytest.approx(first / (1 + abs(first) / SOFT_LIMIT), rel=1e-5)


def test_anchors_count_the_steps_of_a_gap():
    y = np.exp(0.05 * np.arange(30.0))[:, None]
    y[20:] = np.nan
    _, features = features_of(y, 1)
    late, early = (anchors(features, np.array([t]), np.array([0]), 4)[..., 0] for t in (21, 19))
    assert late[[1, 5], :2] == pytest.approx(early[[1, 5], 2:])


@pytest.mark.parametrize("end", [39, 37])
def test_anchors_of_the_last_cycle_are_the_values_a_cycle_ago(end):
    # Step 41 of the future is phase 1, whose newest value is at step 37, or at 33 where the series ends before.
    y = np.exp(np.random.default_rng(0).normal(0, 0.1, (40, 1)))
    y[end:] = np.nan
    series, features = features_of(y, 4)
    step, zero = np.array([39]), np.array([0])
    copies = anchors(features, step, zero, 6)[6, :, 0] * features.unit[39, 0] + features.level[39, 0]
    targets_at = np.arange(40, 46)
    source = np.array([max(t for t in range(end) if t % 4 == target % 4) for target in targets_at])
    copied = np.log(y[source, 0]) - features.indices.at(np.repeat(step, 6), targets_at)[:, 0]
    assert copies == pytest.approx(copied)
    assert series.observed[source].all()


def test_level_of_mostly_zeros_is_their_place():
    rng = np.random.default_rng(0)
    y = np.where(rng.random((60, 40)) < np.repeat([0.8, 0.2], 20), 0, rng.integers(1, 9, (60, 40))).astype(float)
    y[:2] = 1
    series, features = features_of(y, 1)
    at_zeros = np.isclose(features.level[-1], np.log(series.support.floor[-1]))
    assert at_zeros[:20].all()
    assert at_zeros[20:].sum() <= 4
    # A season that shows, as of goods that are sold in half of the year, stays in the forecast.
    y = np.tile(np.repeat([0.0, 50.0], [7, 5]), 6)[:, None] * np.exp(rng.normal(0, 0.1, (72, 1)))
    _, features = features_of(y[7:], 12)
    assert features.indices.strength[-1, 0] > 0.9
    assert features.level[-1, 0] > np.log(np.sort(y[y > 0])[0] / 2)
