"""Batches of a panel RNN: they hold what `inputs` reads at their origins, and the values that follow."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn.model import LSTMConfig
from gatecast.forecasting.panel_rnn.training_batches import draw_segments, training_batches
from gatecast.forecasting.panel_rnn.windows import inputs, scale_series
from gatecast.kernels.packing import unpack

STEPS = np.array([1, 2, 5])
CONFIG = LSTMConfig(6, level_window=3, level_position_weight=2.0, n_origins=9, max_steps=5, batch_size=20)


def context(n_series, T=40, seed=0):
    """Series of unequal lengths, with gaps and with columns of every kind."""
    rng = np.random.default_rng(seed)
    values = 50 + np.cumsum(rng.normal(size=(n_series, T)), axis=1)
    values[rng.random((n_series, T)) < 0.1] = np.nan
    for row in values[1::2]:
        row[: rng.integers(0, T // 2)] = np.nan
    return replace(
        PanelContext.from_values(values),
        futr_exog=rng.normal(size=(n_series, T + 5, 2)),
        hist_exog=rng.normal(size=(n_series, T, 1)),
        stat_exog=rng.normal(size=(n_series, 1)),
    )


@pytest.mark.parametrize(("stride", "steps"), [(1, STEPS), (3, STEPS), (2, np.arange(1, 5))])
@pytest.mark.parametrize(
    ("n_series", "T", "batch_size"),
    [
        (1, 40, 20),
        (5, 40, 20),
        (16, 40, 16),
        (40, 40, 20),
        (40, 40, 32),
        (40, 40, 3),
        (50, 40, 40),
        (20, 8, 16),
        (5, 3, 16),
        (544, 9, 528),
    ],
)
def test_training_batches_hold_the_inputs_and_what_follows(n_series, T, batch_size, stride, steps):
    config = replace(CONFIG, stride=stride, batch_size=batch_size)
    scaled = scale_series(context(n_series, T), 1, config.input_size)
    scaled = scaled._replace(z=scaled.z.copy())
    scaled.z[:, -3:] = [300.0, -300.0, 70.0]
    batches = list(training_batches(scaled, steps, config, 3))
    drawn = list(draw_segments(scaled, config, 3))
    assert len(batches) == len(drawn) == config.max_steps
    pad = config.input_size - 1
    assert batches[0].x.shape[1] == min(9, (T - 2) // stride + 1)
    for batch, (rows, last) in zip(batches, drawn, strict=True):
        n = len(rows)
        origins = last[:, None] + stride * np.arange(1 - batch.x.shape[1], 1)
        x, level = inputs(scaled, rows[:, None], origins, steps, config)
        np.testing.assert_array_equal(unpack(batch.x, n), x)
        ahead = origins[..., None] + steps
        z = scaled.z[rows[:, None, None], np.minimum(ahead, T - 1) + pad] - level[..., None]
        known = (ahead < T) * scaled.observed[rows[:, None, None], np.minimum(ahead, T - 1) + pad]
        known = known * scaled.observed[rows[:, None], origins + pad][..., None]
        np.testing.assert_array_equal(unpack(batch.y, n), z.clip(-100, 100))
        np.testing.assert_array_equal(unpack(batch.weight, n), known)
        assert batch.total == known.sum()
        assert batch.n_sequences == n
        assert all(part.flags.c_contiguous for part in (batch.x, batch.y, batch.weight))


def test_training_batches_lanes_behind_the_batch_are_zero():
    scaled = scale_series(context(40), 1, CONFIG.input_size)
    batch = next(training_batches(scaled, STEPS, CONFIG, 0))
    for part in (batch.x, batch.y, batch.weight):
        assert part.shape[::3] == (2, 16)
        assert (part[1, ..., 4:] == 0).all()


def test_draw_segments_end_before_the_last_value_and_begin_inside():
    scaled = scale_series(context(30), 1, CONFIG.input_size)
    T = scaled.context.values.shape[1]
    for rows, last in draw_segments(scaled, replace(CONFIG, max_steps=50), 0):
        assert len(set(rows.tolist())) == len(rows)
        assert (last <= T - 2).all()
        room = T - scaled.first[rows] > CONFIG.n_origins
        assert (last[room] - CONFIG.n_origins + 1 >= scaled.first[rows][room]).all()


@pytest.mark.parametrize(("n_series", "batch_size", "size"), [(15, 40, 16), (16, 40, 16), (17, 40, 17), (50, 40, 40)])
def test_draw_segments_take_each_series_once_where_there_are_enough(n_series, batch_size, size):
    scaled = scale_series(context(n_series), 1, CONFIG.input_size)
    lasts = set()
    for rows, last in draw_segments(scaled, replace(CONFIG, max_steps=60, batch_size=batch_size), 0):
        assert len(rows) == len(last) == size
        assert (len(set(rows.tolist())) == size) == (n_series >= 16)
        lasts |= set(last[scaled.first[rows] == 0].tolist())
    # All origins of a series without a gap in front that leave room for a segment, and a value after it.
    assert lasts == set(range(8, 39))
