"""Windows of the panel RNN: exact gradients, and origins a stride apart that read the same windows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn.model import LSTMConfig
from gatecast.forecasting.panel_rnn.training_batches import training_batches
from gatecast.forecasting.panel_rnn.windows import inputs, inputs_backward, scale_series

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
