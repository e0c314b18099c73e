"""Features know nothing of the future, are finite for broken series, and mirror with the sign."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.hf.features import (
    HEAD,
    INPUT_NAMES,
    MAX_TARGET,
    N_INPUTS,
    make_features,
)
from gatecast.forecasting.pretrained.hf.history import read_history
from gatecast.forecasting.pretrained.soft_limit import SOFT_LIMIT

CASES = [(24, 168, 3), (7, 0, 1), (48, 336, 6), (64, 0, 8), (12, 30, 2)]
NAMES = ("inputs", "anchors", "level", "unit", "size", "prior")


def made(m, T, n=6, seed=0, gaps=True):
    """Return series with a season and gaps, of which some begin late, (T, n)."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(m, n))[np.arange(T) % m] + rng.normal(0, 0.2, (T, n)).cumsum(axis=0) + 5
    if gaps:
        y[rng.random((T, n)) < 0.1] = np.nan
        y[: T // 3, 0] = np.nan
        y[T // 2 : T // 2 + 2 * m, 1] = np.nan
    return y


@pytest.mark.parametrize(("m", "long", "p"), CASES)
def test_make_features_from_the_middle_have_the_bits_of_those_from_the_end(m, long, p):
    before, N, cut = 2 * m, 30, 19
    y = made(m, before + N * p)
    whole = make_features(read_history(y, m, long), before, N, p)
    part = make_features(read_history(y[: before + cut * p], m, long), before, cut, p)
    for name in NAMES:
        a, b = getattr(part, name), getattr(whole, name)
        b = b[:, :cut] if name == "anchors" else b[:cut]
        assert a.tobytes() == np.ascontiguousarray(b).tobytes(), name


@pytest.mark.parametrize(("m", "long", "p"), CASES)
def test_make_features_do_not_read_values_behind_an_origin(m, long, p):
    before, N, cut = m, 30, 12
    y = made(m, before + N * p)
    changed = y.copy()
    changed[before + cut * p :] = 1e4
    one, two = (make_features(read_history(v, m, long), before, N, p) for v in (y, changed))
    for name in NAMES:
        a, b = getattr(one, name), getattr(two, name)
        a, b = (a[:, :cut], b[:, :cut]) if name == "anchors" else (a[:cut], b[:cut])
        np.testing.assert_array_equal(a, b, err_msg=name)


@pytest.mark.parametrize(("m", "long", "p"), CASES)
def test_make_features_do_not_depend_on_steps_before_the_series(m, long, p):
    before, N = 2 * m, 30
    y = made(m, before + N * p)
    y[:p] = 0.25  # "unchanged", but for the first value
    padded = np.pad(y, ((5 * m + 1, 0), (0, 0)), constant_values=np.nan)
    one = make_features(read_history(y, m, long), before, N, p)
    two = make_features(read_history(padded, m, long), before + 5 * m + 1, N, p)
    for name in NAMES:
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name


@pytest.mark.parametrize(("m", "long", "p"), CASES)
def test_make_features_go_on_from_errors_before(m, long, p):
    before, N, first = 2 * m, 40, 22
    y = made(m, before + N * p)
    history = read_history(y, m, long)
    whole = make_features(history, before, N, p)
    token, lanes = np.full(y.shape[1], first), np.arange(y.shape[1])
    part = make_features(history, before + first * p, N - first, p, before=whole.errors.before(token, lanes))
    for name in NAMES:
        a, b = getattr(part.since(8), name), getattr(whole.since(first + 8), name)
        assert a.tobytes() == np.ascontiguousarray(b).tobytes(), name


def test_make_features_are_finite_and_bounded():
    y = made(24, 24 * 12)
    y[:, 2], y[:, 3], y[:, 4] = 7.0, np.nan, 0.0
    y[200, 4] = 1e9
    features = make_features(read_history(y, 24, 168), 24, 80, 3)
    assert features.inputs.shape == (80, N_INPUTS, 6)
    assert all(np.isfinite(getattr(features, name)).all() for name in NAMES)
    assert np.abs(features.inputs[:, :48]).max() < SOFT_LIMIT
    assert (features.unit > 0).all()


def test_make_features_of_the_mirror_image_are_mirrored_or_the_same():
    y = made(24, 24 * 12, gaps=False)
    one, two = (make_features(read_history(v, 24, 168), 24, 80, 3).inputs for v in (y, -y))
    mirrored = [name for k, name in enumerate(INPUT_NAMES) if np.allclose(one[:, k], -two[:, k], atol=1e-5)]
    same = [name for k, name in enumerate(INPUT_NAMES) if np.allclose(one[:, k], two[:, k], atol=1e-5)]
    swapped = [name for name in INPUT_NAMES if "minimum" in name or "maximum" in name]
    assert set(mirrored) | set(same) | set(swapped) == set(INPUT_NAMES)
    assert "last value" in mirrored
    assert "log error" in same


def test_make_features_do_not_depend_on_the_size_of_the_series():
    y = made(24, 24 * 12)
    one, two = (make_features(read_history(v, 24, 168), 24, 80, 3) for v in (y, 1024 * y))
    assert one.inputs.tobytes() == two.inputs.tobytes()
    np.testing.assert_array_equal(two.unit[40:], 1024 * one.unit[40:])


def test_targets_turn_back_into_values():
    y = made(24, 24 * 12)
    features = make_features(read_history(y[:240], 24, 168), 0, 80, 3, y)
    k = 40
    truth = y[3 * k + 3 : 3 * k + 27]
    value = features.level[k] + features.unit[k] * features.targets[k]
    np.testing.assert_array_equal(features.known[k], np.isfinite(truth))
    assert np.abs(features.targets).max() * features.size.max() > 0
    np.testing.assert_allclose(value[features.known[k]], truth[features.known[k]], rtol=1e-5, atol=1e-4)
    assert features.targets.shape == (80, HEAD.tokens * 3, 6)
    assert MAX_TARGET > SOFT_LIMIT
