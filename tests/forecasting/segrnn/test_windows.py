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


def test_scale_is_the_mean_deviation_within_look_backs():
    rng = np.random.default_rng(6)
    values = np.exp(rng.normal(size=(4, 21)).cumsum(axis=1))
    values[1, :7] = np.nan
    values[1, 12:15] = np.nan
    values[2, :-1] = np.nan
    values[3] = np.nan
    scaled = scaled_of(values)
    for row, y in enumerate(values):
        z, known = np.log(y), np.isfinite(y)
        spans = [z[k : k + 8] for k in (13, 5)] + [z[:5]]
        counts = [np.isfinite(span).sum() for span in spans]
        total = sum(n * np.nanstd(span) for n, span in zip(counts, spans, strict=True) if n)
        scale = 1e-3 + total / max(sum(counts), 1)
        assert scaled.scale[row] == pytest.approx(scale)
        filled, value = np.zeros(21), z[known][0] if known.any() else 0.0
        for k in range(21):
            value = z[k] if known[k] else value
            filled[k] = value
        assert scaled.last[row] == pytest.approx(filled[-1])
        np.testing.assert_allclose(scaled.z[row], (filled - filled[-1]) / scale, rtol=1e-5, atol=1e-5)
        assert (scaled.observed[row] == known).all()
        assert scaled.first[row] == (np.flatnonzero(known)[0] if known.any() else 0)
    short = scaled_of(values[:, -5:])
    assert short.scale[0] == pytest.approx(1e-3 + np.std(np.log(values[0, -5:])))


def test_read_windows_are_clipped_at_twenty_scales():
    scaled = scaled_of(np.zeros((1, 10)))
    scaled = scaled._replace(z=np.float32([[0, 0, 0, 19.5, 20.5, -19.5, -20.5, 99, 5, 0]]))
    x, _ = read_windows(scaled, np.array([0]), np.array([10]), config(level_window=1))
    assert x.ravel().tolist() == [0, 19.5, 20, -19.5, -20, 20, 5, 0]


@pytest.mark.parametrize(("n", "lowest"), [(3, 2), (5, 2), (9, 4), (15, 7), (16, 8), (17, 8), (40, 8)])
def test_training_windows_leave_half_of_a_short_series_or_a_look_back(n, lowest):
    """The values grow by more each step: the change after an origin names it."""
    values = np.full((1, 50), np.nan)
    values[0, 50 - n :] = 1 + np.arange(n)
    scaled = scaled_of(values)._replace(z=np.float32(np.arange(50)[None] ** 2 / 200))
    ends = set()
    for _, y, weight in training_windows(scaled, 1, config(level_window=1), seed=0):
        change = np.abs(y.ravel()) * 200
        ends |= {round((float(c) + 1) / 2) for c in change[weight.ravel() > 0]}
    assert min(ends) == 50 - n + lowest
    assert max(ends) == 49


def test_training_windows_are_drawn_as_often_as_series_have_origins():
    values = np.full((4, 50), np.nan)
    values[0] = np.arange(50.0) % 7
    values[1, 30:] = np.arange(20.0) % 7
    values[3, 48:] = 1.0
    scaled = scaled_of(values)._replace(z=np.float32([[1.0] * 50, [2.0] * 50, [3.0] * 50, [4.0] * 50]))
    scaled = scaled._replace(z=scaled.z * np.float32(np.arange(50)))
    drawn = []
    for _, y, _ in training_windows(scaled, 1, config(level_window=1, max_steps=60), seed=0):
        drawn += np.abs(y).ravel().tolist()
    counts = [drawn.count(k) for k in (1.0, 2.0, 3.0, 4.0)]
    # 42 origins after a look-back of 8, and 12, and 1; an empty series has none.
    assert counts[2] == 0
    assert counts[3] / len(drawn) == pytest.approx(1 / 55, rel=0.4)
    assert counts[0] / counts[1] == pytest.approx(42 / 12, rel=0.15)


def test_training_windows_of_series_without_a_value_weigh_nothing():
    batches = list(training_windows(scaled_of(np.full((2, 20), np.nan)), 3, config(max_steps=2), seed=0))
    assert len(batches) == 2
    assert not any(weight.any() for _, _, weight in batches)


def test_training_windows_of_two_values_train_on_the_second():
    scaled = scaled_of([[1.0, 3.0]])
    x, y, weight = next(training_windows(scaled, 2, config(max_steps=1), seed=0))
    assert (weight == [[1.0, 0.0]]).all()
    np.testing.assert_allclose(np.abs(y[:, 0, 0]), scaled.z[0, 1] - scaled.z[0, 0], rtol=1e-6)
    assert (x == 0).all()
