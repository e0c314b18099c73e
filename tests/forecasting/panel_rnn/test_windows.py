"""Windows of the panel RNN: exact gradients, and origins a stride apart that read the same windows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn.model import LSTMConfig
from gatecast.forecasting.panel_rnn.training_batches import training_batches
from gatecast.forecasting.panel_rnn.windows import (
    center_windows,
    exogenous_inputs,
    inputs,
    inputs_backward,
    origin_inputs,
    scale_series,
)

SMALL = LSTMConfig(6, units=8, n_origins=24, max_steps=40, batch_size=32)


@pytest.fixture
def panel():
    rng = np.random.default_rng(5)
    values = np.full((40, 60), np.nan)
    for row in values:
        n = int(rng.integers(2, 61))
        row[-n:] = 100 + np.cumsum(rng.normal(0.2, 1, n))
    values[7, 40:45] = np.nan
    return values


def test_inputs_with_a_stride_read_the_same_windows(panel):
    """With a segment of 4 a network of 6 origins looks back as far as one of 24, and its targets are the same."""
    scaled = scale_series(PanelContext.from_values(panel), 1, 6)
    each, segments = (replace(SMALL, n_origins=count, stride=step) for count, step in ((21, 1), (6, 4)))
    which, ahead = np.arange(8)[:, None], np.array([1, 2, 5])
    every = np.broadcast_to(np.arange(10, 31), (8, 21))
    x, level = inputs(scaled, which, every, ahead, each)
    spaced, there = inputs(scaled, which, every[:, ::4], ahead, segments)
    np.testing.assert_array_equal(spaced, x[:, ::4])
    np.testing.assert_array_equal(there, level[:, ::4])
    one, two = (next(training_batches(scaled, ahead, settings, 0)) for settings in (each, segments))
    for name in ("x", "y", "weight"):
        assert getattr(one, name).shape[1] == 21
        assert getattr(two, name).shape[1] == 6


@pytest.mark.slow
@given(
    st.integers(2, 6), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 4), st.integers(0, 10**6)
)
def test_inputs_backward_equals_finite_differences(input_size, level, stride, F, n_origins, seed):
    check_gradients(input_size, level, stride, F, n_origins, seed)


@pytest.mark.parametrize(
    ("input_size", "level", "stride", "F", "n_origins", "seed"),
    [(2, 1, 1, 0, 1, 0), (6, 3, 2, 2, 4, 1), (4, 6, 3, 1, 3, 2), (5, 2, 1, 3, 4, 3), (3, 2, 3, 2, 4, 4)],
)
def test_inputs_backward_of_some_sizes_equals_finite_differences(input_size, level, stride, F, n_origins, seed):
    check_gradients(input_size, level, stride, F, n_origins, seed)


def check_gradients(input_size, level, stride, F, n_origins, seed):
    """Compare the gradients of everything that a batch is read from with differences."""
    rng = np.random.default_rng(seed)
    P, T, ahead = 3, (n_origins - 1) * stride + 4, np.array([1, 2, 5])
    values = 50 + np.cumsum(rng.normal(size=(P, T)), axis=1)
    values[rng.random((P, T)) < 0.15] = np.nan
    none = PanelContext.from_values(values)
    history = replace(
        none,
        futr_exog=rng.normal(size=(P, T + 3, F)),
        hist_exog=rng.normal(size=(P, T, F)),
        stat_exog=rng.normal(size=(P, F)),
    )
    settings = LSTMConfig(input_size, level_window=level, level_position_weight=2.0, stride=stride)
    rows = scale_series(history, 1, input_size)
    # Some of what is read lies beyond the cut; no series is so narrow that its place is a jump.
    far = (rows.z * np.where(rng.random(rows.z.shape) < 0.1, 40, 1)).astype(np.float32)
    rows = rows._replace(z=far, spread=np.maximum(rows.spread, 1))
    origins = T - 1 - stride * np.arange(n_origins)[::-1]
    which = np.arange(P)[:, None]

    def both(z, columns):
        """Inputs and levels."""
        there = replace(history, **columns)
        return inputs(rows._replace(z=np.float32(z), context=there), which, origins[None], ahead, settings)

    own = {name: getattr(history, name) for name in ("futr_exog", "hist_exog", "stat_exog")}
    x, heights = both(rows.z, own)
    dx, dlevel = rng.normal(size=x.shape), rng.normal(size=heights.shape)
    slopes = inputs_backward(rows, origins, ahead, settings, dx, dlevel)
    for name in ("z", *own):
        at = rows.z.astype(np.float64) if name == "z" else own[name]
        way = rng.normal(size=at.shape)
        said = []
        for sign in (1, -1):
            moved = at + sign * 1e-3 * way
            one, two = both(moved, own) if name == "z" else both(rows.z, own | {name: moved})
            said.append((one.astype(np.float64) * dx).sum() + (two.astype(np.float64) * dlevel).sum())
        # Rounding to float32, of numbers up to the cut, in a quotient.
        allowed = 5e-3 * (1 + float(np.sqrt((dx**2).sum())))
        assert abs((said[0] - said[1]) / 2e-3 - (getattr(slopes, name) * way).sum()) < allowed


@pytest.mark.parametrize("input_size", [1, 5])
def test_scale_series_counts_from_the_newest_value_in_mean_changes(panel, input_size):
    panel[3] = np.nan
    panel[4] = 7.0
    panel[5, :-1] = np.nan
    panel[6, ::2] = np.nan
    scaled = scale_series(PanelContext.from_values(panel), 1, input_size)
    assert scaled.z.shape == (40, input_size - 1 + 60)
    for row in range(40):
        z, known = np.log(panel[row]), np.isfinite(panel[row])
        filled, value = np.zeros(60), z[known][0] if known.any() else 0.0
        for k in range(60):
            value = z[k] if known[k] else value
            filled[k] = value
        has_pair = (known[1:] & known[:-1]).any()
        scale = 1e-3 + (np.abs(np.diff(filled)).sum() / (known.sum() - 1) if has_pair else 0.0)
        expected = (filled - filled[-1]) / scale
        center = np.median(expected[known]) if known.any() else 0.0
        spread = 1e-3 + (np.sqrt(((expected[known] - center) ** 2).mean()) if known.any() else 0.0)
        np.testing.assert_allclose(scaled.z[row, input_size - 1 :], expected, rtol=1e-5, atol=1e-5)
        assert (scaled.z[row, : input_size - 1] == scaled.z[row, input_size - 1]).all()
        assert (scaled.observed[row] == np.r_[np.zeros(input_size - 1), known]).all()
        assert scaled.scale[row] == pytest.approx(scale)
        assert scaled.log_scale[row] == pytest.approx(np.log(scale), rel=1e-6)
        assert scaled.last[row] == pytest.approx(filled[-1])
        assert scaled.center[row] == pytest.approx(center, rel=1e-5, abs=1e-5)
        assert scaled.spread[row] == pytest.approx(spread, rel=1e-5)
        assert scaled.first[row] == (np.flatnonzero(known)[0] if known.any() else 0)


@pytest.mark.parametrize("level_window", [1, 3, 9])
def test_inputs_are_the_clipped_window_and_what_describes_it(panel, level_window):
    n, steps = 6, np.array([1, 2, 4])
    rng = np.random.default_rng(0)
    exogenous = {
        "futr_exog": rng.normal(size=(40, 63, 2)),
        "hist_exog": rng.normal(size=(40, 60, 3)),
        "stat_exog": rng.normal(size=(40, 2)),
    }
    context = replace(PanelContext.from_values(panel), **exogenous)
    config = LSTMConfig(n, level_window=level_window, level_position_weight=2.0, stride=1)
    scaled = scale_series(context, 1, n)
    scaled = scaled._replace(z=scaled.z.copy())
    scaled.z[1, [40, 50]] = 90.0, -90.0
    rows, origins = np.array([0, 1, 7])[:, None], np.arange(26, 60)[None]
    x, level = inputs(scaled, rows, origins, steps, config)
    at_all = origin_inputs(scaled, config)
    assert (np.abs(x[..., :n]) == 50).any()
    for i, row in enumerate(rows[:, 0].tolist()):
        for k, t in enumerate(origins[0].tolist()):
            window, seen = scaled.z[row, t : t + n].astype(float), scaled.observed[row, t : t + n]
            mean = window[-level_window:].mean()
            position = np.tanh((mean - scaled.center[row]) / (1.5 * scaled.spread[row]))
            extra = [seen.mean(), scaled.log_scale[row], 2 * position]
            ahead = [context.futr_exog[row, min(t + step, 62)] for step in (0, 1, 2, 4)]
            expected = [*np.clip(seen * (window - mean), -50, 50), *extra, *np.ravel(ahead)]
            expected += [*context.hist_exog[row, t], *context.stat_exog[row]]
            np.testing.assert_allclose(x[i, k], expected, rtol=1e-4, atol=1e-4)
            assert level[i, k] == pytest.approx(mean, rel=1e-5, abs=1e-5)
            assert level[i, k] == at_all.level[row, t]


def test_exogenous_inputs_of_no_columns_are_none(panel):
    context = PanelContext.from_values(panel)
    assert exogenous_inputs(context, np.array([[0]]), np.array([[5]]), np.array([1])) == []


def test_center_windows_are_zero_where_nothing_is_observed():
    out = np.empty(4)
    center_windows(np.array([1.0, 60.0, -70.0, 5.0]), np.array(2.0), np.array([1.0, 1.0, 1.0, 0.0]), out=out)
    assert out.tolist() == [-1.0, 50.0, -50.0, 0.0]
