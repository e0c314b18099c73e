"""Windows of a SegRNN: what is read, what is trained on, and what must not matter."""

import numpy as np
import pytest

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.segrnn.model import SegRNNConfig
from gatecast.forecasting.segrnn.windows import (
    CLIP,
    decoded_shape,
    n_read,
    read_windows,
    scale_series,
    training_windows,
)


def config(**settings):
    return SegRNNConfig(**{"input_size": 8, "segment_length": 4, "max_steps": 20, "batch_size": 64} | settings)


def scaled_of(values, **settings):
    return scale_series(PanelContext.from_values(np.asarray(values, float)), config(**settings))


@pytest.mark.parametrize("level_window", [1, 4])
def test_read_windows_are_the_newest_values_less_their_level(level_window):
    rng = np.random.default_rng(0)
    scaled = scaled_of(rng.normal(size=(2, 30)), level_window=level_window)
    x, level = read_windows(scaled, np.array([0, 1]), np.array([30, 17]), config(level_window=level_window))
    for row, end in ((0, 30), (1, 17)):
        window = scaled.z[row, end - 8 : end]
        np.testing.assert_allclose(level[row], window[-level_window:].mean(), rtol=1e-6)
        np.testing.assert_allclose(x[row].ravel(), window - level[row], rtol=1e-5, atol=1e-6)


def test_read_windows_do_not_see_what_follows_the_origin():
    values = np.random.default_rng(1).normal(size=(1, 30))
    scaled = scaled_of(values)
    poisoned = scaled._replace(z=np.where(np.arange(30) < 20, scaled.z, 1e6).astype(np.float32))
    both = [read_windows(series, np.array([0]), np.array([20]), config()) for series in (scaled, poisoned)]
    for one, other in zip(*both, strict=True):
        np.testing.assert_array_equal(one, other)


def test_read_windows_before_a_series_begins_hold_its_first_value():
    scaled = scaled_of([[np.nan, np.nan, 5.0, 9.0, 4.0]])
    x, level = read_windows(scaled, np.array([0]), np.array([4]), config())
    np.testing.assert_array_equal(x[0].ravel()[:7], np.full(7, scaled.z[0, 2] - level[0]))
    assert x[0, -1, -1] == 0.0


def test_scale_does_not_depend_on_the_unit_and_hardly_on_a_trend():
    rng = np.random.default_rng(2)
    wave = 5 + np.sin(np.arange(64) * np.pi / 4) + 0.1 * rng.normal(size=64)
    one, other = scaled_of([wave]), scaled_of([1000 * wave])
    np.testing.assert_allclose(one.z, other.z, rtol=2e-3, atol=1e-3)
    rising = scaled_of([wave * np.exp(0.005 * np.arange(64))])
    assert 0.8 < float(one.scale[0] / rising.scale[0]) < 1.25


@pytest.mark.parametrize(("horizon", "shape"), [(1, (1, 1)), (3, (1, 3)), (4, (1, 4)), (9, (3, 4))])
def test_decoded_segments_hold_the_horizon(horizon, shape):
    assert decoded_shape(horizon, 4) == shape
    assert shape[0] * shape[1] >= horizon


def test_input_size_is_rounded_up_to_full_segments():
    assert [n_read(config(input_size=n)) for n in (1, 4, 5, 8)] == [4, 4, 8, 8]


def test_training_windows_hold_the_values_that_follow():
    values = np.arange(1.0, 201.0)[None]  # changes of the logarithm fall: each names its column
    scaled = scaled_of(values)
    unique = scaled.z[0]
    seen, signs = set(), set()
    for x, y, weight in training_windows(scaled, 9, config(), seed=0):
        assert x.shape == (64, 2, 4)
        assert y.shape == weight.shape == (64, 3, 4)
        window = x.reshape(64, -1).astype(np.float64)
        following = y.reshape(64, -1)
        for row in range(64):
            # The level is the newest value: the next one lies one column on.
            sign = np.sign(following[row, 0])
            signs.add(sign)
            following[row] *= sign
            window[row] *= sign
            step = following[row, 0]
            column = int(np.argmin(np.abs(np.diff(unique) - step)))
            seen.add(column)
            known = weight[row].ravel() > 0
            assert known[:9].sum() == min(9, 199 - column)
            assert not known[9:].any()
            expected = unique[column + 1 : column + 1 + known.sum()] - unique[column]
            np.testing.assert_allclose(following[row][known], np.clip(expected, -2 * CLIP, 2 * CLIP), atol=1e-4)
            past = np.clip(unique[column - 7 : column + 1] - unique[column], -CLIP, CLIP)
            np.testing.assert_allclose(window[row], past, atol=1e-4)
    assert min(seen) >= n_read(config()) - 1
    assert max(seen) == 198
    assert signs == {-1.0, 1.0}


def test_training_windows_of_missing_values_have_no_weight():
    values = np.random.default_rng(3).normal(size=(1, 60))
    values[0, 30:40] = np.nan
    values[0, 55:] = 1e3
    known = [weight for _, _, weight in training_windows(scaled_of(values), 6, config(), seed=0)]
    complete = np.random.default_rng(3).normal(size=(1, 60))
    full = [weight for _, _, weight in training_windows(scaled_of(complete), 6, config(), seed=0)]
    assert sum(w.sum() for w in known) < sum(w.sum() for w in full)


def test_training_windows_begin_late_enough_in_short_series_and_skip_empty_ones():
    values = np.full((3, 40), np.nan)
    values[0, 10:] = 3.0 + np.arange(30) % 4
    values[1, 34:] = np.arange(6.0)
    rows = {0: 0, 1: 0}
    for x, _, weight in training_windows(scaled_of(values), 2, config(), seed=5):
        assert np.isfinite(x).all()
        assert (weight.reshape(len(weight), -1).sum(axis=1) > 0).all()
        rows[0] += len(x)
    assert rows[0] == 20 * 64


def test_training_windows_are_those_of_the_seed():
    scaled = scaled_of(np.random.default_rng(4).normal(size=(3, 50)))
    first, again, other = (next(training_windows(scaled, 6, config(), seed=seed)) for seed in (7, 7, 8))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.x, other.x)
