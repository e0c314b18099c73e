"""Windows and targets of the ES-RNN: exact gradients, and no look-ahead."""

import numpy as np
import pytest

from gatecast.forecasting.es_rnn import smoothing
from gatecast.forecasting.es_rnn import windows as es_windows
from gatecast.forecasting.scaling import SeriesScaler
from gatecast.forecasting.seasonal_indices import seasonal_indices

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


@pytest.mark.parametrize(
    ("m", "h", "origins", "far"), [(1, 3, 50, 0.0), (4, 6, 50, 0.0), (4, 6, 7, 0.0), (4, 6, 50, 400.0)]
)
def test_the_way_back_from_windows_to_parameters_is_exact(m, h, origins, far):
    rng = np.random.default_rng(2)
    values = np.exp(np.cumsum(rng.normal(0, 0.1, (5, 30)), axis=1) + np.tile([0.5, 0.0, -0.5, 0.0], 8)[:30])
    values[0, :12] = np.nan
    values[1, 17:19] = np.nan
    values[2] -= values[2].mean()
    rows = es_windows.scale_series(values, m, 4)
    assert m == 1 or rows.seasonal.any()
    if far:  # windows and targets are clipped
        rows.z[3, [12, 20]] = far, -far
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


@pytest.mark.parametrize("season", [[0.5, 0.1, -0.4, -0.2], [0.5, -0.5, 0.5, -0.5]])
def test_scale_series_counts_from_the_newest_value_in_mean_changes_without_the_season(season):
    rng = np.random.default_rng(4)
    log = np.cumsum(rng.normal(0, 0.05, (3, 42)), axis=1) + np.tile(season, 11)[:42]
    values = np.exp(log)
    values[1, 11:13] = np.nan
    values[2] = log[2] - log[2].mean()
    scaled = es_windows.scale_series(values, 4, 3)
    assert scaled.seasonal.tolist() == [1.0, 1.0, 1.0]
    for row in range(3):
        scaler = SeriesScaler.fit(values[row : row + 1], 4)
        z = SeriesScaler.fit(values[row : row + 1], 1).transform(values[row : row + 1])[0]
        index = np.log(scaler.seasonal[0]) if row < 2 else seasonal_indices(z[None], 4, np.array([False]))[0]
        known = np.isfinite(z)
        adjusted = z - index[(np.arange(42) - 42) % 4]
        change = np.abs(np.diff(adjusted[known])).sum() / (known.sum() - 1) + 1e-3
        assert scaled.scale[row] == pytest.approx(change)
        assert scaled.last[row] == pytest.approx(z[-1])
        np.testing.assert_allclose(scaled.season[row], index / change)
        np.testing.assert_allclose(scaled.z[row, 2:][known], (z[known] - z[-1]) / change)
        assert (scaled.z[row, :2] == 0).all()
        assert (scaled.observed[row] == np.r_[False, False, known]).all()


def test_scale_series_of_constants_and_of_single_values():
    values = np.full((2, 9), 5.0)
    values[1, :-1] = np.nan
    scaled = es_windows.scale_series(values, 4, 1)
    assert scaled.scale.tolist() == [1e-3, 1e-3]
    assert scaled.seasonal.tolist() == [0.0, 0.0]
    assert scaled.z.tolist() == [[0.0] * 9] * 2


@pytest.mark.parametrize(("n_origins", "last", "C"), [(3, 79, 46), (3, 60, 46), (50, 79, 80), (500, 79, 80)])
def test_cut_segment_holds_ten_seasons_before_its_first_window(n_origins, last, C):
    rng = np.random.default_rng(5)
    series = es_windows.scale_series(np.exp(rng.normal(size=(2, 77))), 4, 4)
    assert series.z.shape[1] == 80
    segment = es_windows.cut_segment(series, np.array([1, 0]), np.array([last, last - 1]), 6, 4, n_origins)
    assert segment.n_origins == min(n_origins, 76)
    assert segment.z.shape == (C + 6, 2)
    for lane, (row, end) in enumerate(((1, last), (0, last - 1))):
        columns = np.arange(end + 1 - C, end + 7)
        inside = (columns >= 0) & (columns < 80)
        expected = np.where(inside, series.z[row, columns.clip(0, 79)], 0.0)
        np.testing.assert_array_equal(segment.z[:, lane], expected)
        np.testing.assert_array_equal(segment.observed[:, lane], inside & series.observed[row, columns.clip(0, 79)])
        # Parameter 2 + j is the season of step j + 1 after the end.
        np.testing.assert_array_equal(segment.phase[lane], (columns[:4] - 80) % 4)


@pytest.mark.parametrize("steps", [[1, 2, 3], [2, 6]])
def test_segment_inputs_are_windows_and_targets_less_season_and_level(steps):
    rng = np.random.default_rng(6)
    values = np.exp(np.cumsum(rng.normal(0, 0.1, (3, 40)), axis=1) + np.tile([0.5, 0.0, -0.5, 0.0], 10))
    values[0, 20:22] = np.nan
    m, n, steps = 4, 5, np.array(steps)
    series = es_windows.scale_series(values, m, n)
    series.z[1, 36] = 400.0
    parameters = np.concatenate([rng.normal(size=(3, 2)), series.season], axis=1)
    rows, last = np.arange(3), np.array([43, 42, 40])
    segment = es_windows.cut_segment(series, rows, last, int(steps[-1]), n, 8)
    given = es_windows.segment_inputs(segment, series, parameters, steps)
    C = len(segment.z) - steps[-1]
    assert given.x.shape == (3, 8, n + 2)
    for lane in range(3):
        for k in range(8):
            t = C - 8 + k
            level, season = given.smoothed.level[t, lane], given.smoothed.season[:, lane]
            window = slice(t - n + 1, t + 1)
            seen = segment.observed[window, lane]
            expected = np.clip(seen * (segment.z[window, lane] - season[window] - level), -50, 50)
            np.testing.assert_allclose(given.x[lane, k, :n], expected)
            assert given.x[lane, k, n] == pytest.approx(seen.mean())
            assert given.x[lane, k, n + 1] == pytest.approx(np.log(series.scale[lane]))
            for j, step in enumerate(steps.tolist()):
                known = season[t + 1 + (step - 1) % m]
                y = np.clip(segment.z[t + step, lane] - known - level, -100, 100)
                assert given.y[lane, k, j] == pytest.approx(y)
                assert given.weight[lane, k, j] == (segment.observed[t + step, lane] and segment.observed[t, lane])
    assert (np.abs(given.x[1, :, :n]) == 50).any()
    assert (np.abs(given.y[1]) == 100).any()
