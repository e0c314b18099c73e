"""Windows and targets of the ES-RNN: exact gradients, and no look-ahead."""

import numpy as np
import pytest

from gatecast.forecasting.es_rnn import smoothing
from gatecast.forecasting.es_rnn import windows as es_windows

EPS = 1e-6


def numeric(f, x):
    """Gradient of a function of an array, from both sides."""
    out = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        old = x[k]
        x[k] = old + EPS
        up = f()
        x[k] = old - EPS
        out[k] = (up - f()) / (2 * EPS)
        x[k] = old
    return out


@pytest.mark.parametrize(("m", "h", "origins"), [(1, 3, 50), (4, 6, 50), (4, 6, 7)])
def test_the_way_back_from_windows_to_parameters_is_exact(m, h, origins):
    rng = np.random.default_rng(2)
    values = np.exp(np.cumsum(rng.normal(0, 0.1, (5, 30)), axis=1) + np.tile([0.5, 0.0, -0.5, 0.0], 8)[:30])
    values[0, :12] = np.nan
    values[1, 17:19] = np.nan
    values[2] -= values[2].mean()
    rows = es_windows.scale_series(values, m, 4)
    assert m == 1 or rows.seasonal.any()
    parameters = rng.normal(size=(5, 2 + m))
    parameters[:, 2:] *= rows.seasonal[:, None]
    which, ahead = np.array([0, 1, 2, 3, 4, 3]), np.arange(1, h + 1)
    last = rows.z.shape[1] - 2 - np.array([0, 0, 1, 2, 3, 5])
    piece = es_windows.cut_segment(rows, which, last, h, 4, origins)
    given = es_windows.segment_inputs(piece, rows, parameters, ahead)
    dx, dy = rng.normal(size=given.x.shape), rng.normal(size=given.y.shape)
    begun = np.cumsum(piece.observed[: len(given.smoothed.level)], axis=0) > 0
    counts = np.concatenate([np.zeros((2, 6)), begun[:-2]])

    def loss():
        one = es_windows.segment_inputs(piece, rows, parameters, ahead)
        rough = smoothing.roughness(one.smoothed.level, counts)[0]
        return (one.x * dx).sum() + (one.y * dy).sum() + 0.7 * rough

    said = np.zeros_like(parameters)
    np.add.at(said, which, es_windows.segment_inputs_backward(piece, rows, parameters, ahead, given, dx, dy, 0.7))
    expected = numeric(loss, parameters)
    expected[rows.seasonal == 0, 2:] = 0  # no season is learnt where none shows
    np.testing.assert_allclose(said, expected, atol=1e-5, rtol=1e-5)


def test_what_is_read_at_an_origin_knows_nothing_of_what_comes_after():
    rng = np.random.default_rng(3)
    values = 50 + np.cumsum(rng.normal(size=(4, 40)), axis=1) + np.tile([5, 0, -5, 0], 10)
    rows = es_windows.scale_series(values, 4, 6)
    parameters = np.concatenate([rng.normal(size=(4, 2)), rows.season], axis=1)
    which, end, ahead = np.arange(4), np.full(4, rows.z.shape[1] - 1), np.arange(1, 7)
    before = es_windows.segment_inputs(es_windows.cut_segment(rows, which, end, 6, 6, 30), rows, parameters, ahead)
    later = rows._replace(z=rows.z.copy())
    later.z[:, -10:] += 100.0
    after = es_windows.segment_inputs(es_windows.cut_segment(later, which, end, 6, 6, 30), later, parameters, ahead)
    assert before.x[:, :-10].tobytes() == after.x[:, :-10].tobytes()
    # Targets too: none of them is made with a season that was not known at its origin.
    change = np.abs(after.y - before.y)[:, :-16].max()
    assert change == 0.0
