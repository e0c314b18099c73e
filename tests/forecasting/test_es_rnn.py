"""The hybrid of smoothing and dilated LSTM: exact gradients, and answers for whatever series there are."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.es_rnn import model as es_lstm
from gatecast.forecasting.es_rnn import smoothing
from gatecast.forecasting.es_rnn import windows as es_windows
from gatecast.forecasting.es_rnn.model import ESRNNSettings, default_settings, fit, predict_quantiles
from gatecast.kernels import native

EPS = 1e-6
SMALL = ESRNNSettings(5, units=8, n_origins=24, max_steps=30, batch_size=32, seed=3)
MID = 2


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


@pytest.mark.parametrize("m", [1, 3])
def test_the_gradients_of_smoothing_are_those_of_finite_differences(m):
    rng = np.random.default_rng(0)
    z, seen = rng.normal(size=(9, 4)), rng.random((9, 4)) < 0.8
    seen[:3, 0] = False
    seen[:, 3] = False
    a, g, start = rng.uniform(0.1, 0.9, 4), rng.uniform(0.1, 0.9, 4), rng.normal(size=(m, 4))
    dl, ds = rng.normal(size=(9, 4)), rng.normal(size=(9 + m, 4))

    def loss():
        found = smoothing.smooth(z, seen, a, g, start)
        return (found.level * dl).sum() + (found.season * ds).sum()

    found = smoothing.smooth(z, seen, a, g, start)
    for said, array in zip(smoothing.smooth_backward(z, seen, g, found, dl, ds), (a, g, start), strict=True):
        np.testing.assert_allclose(said, numeric(loss, array), atol=1e-8)


def test_the_gradient_of_roughness_is_that_of_finite_differences():
    rng = np.random.default_rng(1)
    level, counts = rng.normal(size=(7, 3)), (rng.random((7, 3)) < 0.7).astype(float)
    said = smoothing.roughness(level, counts)[1]
    np.testing.assert_allclose(said, numeric(lambda: smoothing.roughness(level, counts)[0], level), atol=1e-8)
    assert smoothing.roughness(level[:2], counts[:2])[0] == 0.0


def test_smoothing_is_what_its_equations_say():
    z, a, g = np.array([4.0, 6.0, 5.0, 9.0]), 0.3, 0.2
    seen = np.array([False, True, False, True])
    s, level = [1.0, -1.0], 0.0
    for t in range(4):
        if seen[t]:
            level = z[t] - s[t] if t == 1 else a * (z[t] - s[t]) + (1 - a) * level
        s.append(g * (z[t] - level) + (1 - g) * s[t] if seen[t] else s[t])
    weights = np.array([a]), np.array([g])
    found = smoothing.smooth(z[:, None], seen[:, None], *weights, np.array([[1.0], [-1.0]]))
    assert found.level[-1, 0] == pytest.approx(level)
    assert found.season[:, 0] == pytest.approx(s)


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


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(5)
    values = np.full((40, 60), np.nan)
    for k, row in enumerate(values):
        n = int(rng.integers(2, 61)) if k else 60
        row[-n:] = 100 + np.cumsum(rng.normal(0.2, 1, n)) + (np.tile([9, 0, -9, 0], 15)[-n:] if k % 2 == 0 else 0)
    values[7, 40:45] = np.nan
    return values


@pytest.fixture(scope="module")
def fitted(panel):
    return fit(PanelContext.from_values(panel), 5, 4, SMALL)


def test_quantiles_increase_and_no_step_is_missing(fitted, panel):
    said = predict_quantiles(fitted, PanelContext.from_values(panel))
    assert said.shape == (40, 5, 5)
    assert np.isfinite(said).all()
    assert (np.diff(said, axis=2) > 0).all()


def test_same_seed_same_bits_for_any_number_of_threads(fitted, panel):
    before = native.get_num_threads()
    try:
        for threads in (1, 3):
            native.set_num_threads(threads)
            again = fit(PanelContext.from_values(panel), 5, 4, SMALL)
            assert again.weights.vector.tobytes() == fitted.weights.vector.tobytes()
            assert again.parameters.tobytes() == fitted.parameters.tobytes()
    finally:
        native.set_num_threads(before)


def test_smoothing_is_trained_where_there_is_something_to_smooth(fitted, panel):
    start = es_lstm._first_parameters(es_windows.scale_series(panel, 4, 5), SMALL)
    moved = np.abs(fitted.parameters - start) > 0
    assert moved[:, 0].mean() > 0.8
    seasonal = (start[:, 2:] != 0).any(axis=1)
    assert seasonal.any()
    assert moved[seasonal, 1:].all()
    assert not moved[~seasonal, 1:].any()


def test_the_weight_of_the_newest_value_is_learnt():
    rng = np.random.default_rng(8)
    noise = 100 + rng.normal(size=(64, 50))
    walks = 100 + np.cumsum(rng.normal(size=(64, 50)), axis=1)
    settings = ESRNNSettings(
        4, units=4, dilations=(1,), n_origins=40, max_steps=60, batch_size=64, smoothing_learning_rate=0.1
    )
    weights = [
        smoothing.gate(fit(PanelContext.from_values(values), 2, 1, settings).parameters[:, 0])
        for values in (noise, walks)
    ]
    assert np.median(weights[0]) < 0.5 < np.median(weights[1])


def test_other_series_start_from_the_medians_of_the_panel(fitted, panel):
    others = replace(PanelContext.from_values(panel[:6]), series=np.full(6, -1))
    said = predict_quantiles(fitted, others)
    assert np.isfinite(said).all()
    own = predict_quantiles(fitted, PanelContext.from_values(panel))[:6]
    np.testing.assert_allclose(said[..., MID], own[..., MID], rtol=0.2)
    assert (said != own).any()
    np.testing.assert_allclose(predict_quantiles(fitted, others, batch=4), said, rtol=1e-5)


def test_a_series_that_was_learnt_keeps_its_own_weights_and_seasons_as_time_goes_on(fitted, panel):
    past = PanelContext.from_values(panel)
    twice = past.take(np.array([3, 3]))
    np.testing.assert_array_equal(predict_quantiles(fitted, twice), predict_quantiles(fitted, past)[[3, 3]])
    rows = es_windows.scale_series(panel, 4, 5)
    later = replace(past, end=np.full(40, 3))
    now, then = (es_lstm._parameters_of(fitted, one, rows) for one in (past, later))
    np.testing.assert_array_equal(then[:, :2], now[:, :2])
    np.testing.assert_array_equal(then[:, 2:], np.roll(now[:, 2:], -3, axis=1))


def test_going_on_starts_where_training_ended(fitted, panel):
    again = fit(
        PanelContext.from_values(panel), 5, 4, replace(SMALL, steps=1, rate=1e-9, series_rate=1e-9), start=fitted
    )
    np.testing.assert_allclose(
        predict_quantiles(again, PanelContext.from_values(panel)),
        predict_quantiles(fitted, PanelContext.from_values(panel)),
        rtol=1e-4,
    )


def test_padding_in_front_changes_nothing(fitted, panel):
    wider = np.concatenate([np.full((40, 13), np.nan), panel], axis=1)
    np.testing.assert_allclose(
        predict_quantiles(fitted, PanelContext.from_values(wider)),
        predict_quantiles(fitted, PanelContext.from_values(panel)),
        rtol=1e-5,
    )


def test_odd_series_get_sensible_answers_without_warnings(fitted):
    values = np.full((7, 30), np.nan)
    values[1] = 12.0
    values[2, -2:] = 3.0, 4.0
    values[3, -1] = 5.0
    values[4] = 0.0
    values[5] = np.linspace(-5, 5, 30)
    values[6] = np.where(np.arange(30) % 7 == 0, 4.0, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        others = predict_quantiles(fitted, replace(PanelContext.from_values(values), series=np.full(7, -1)))
        own = predict_quantiles(
            fit(PanelContext.from_values(values), 4, 4, ESRNNSettings(5, units=4, max_steps=4, batch_size=3)),
            PanelContext.from_values(values),
        )
        for one in values:
            two = PanelContext.from_values(one[None, -2:])
            tiny = predict_quantiles(fit(two, 3, 12, ESRNNSettings(3, units=3, max_steps=2)), two)
            assert np.isfinite(tiny).all() == np.isfinite(one[-2:]).any()
    for said in (others, own):
        assert np.isnan(said[0]).all()
        assert np.isfinite(said[1:]).all()
        np.testing.assert_allclose(said[1, :, MID], 12.0, rtol=0.02)
        np.testing.assert_allclose(said[3, :, MID], 5.0, rtol=0.02)
        np.testing.assert_allclose(said[4], 0.0, atol=0.1)
        assert (said[2, :, MID] < 20).all()


def test_a_season_is_forecast_and_steps_beyond_one_season_repeat_it():
    rng = np.random.default_rng(4)
    season = np.array([40.0, 0.0, -40.0, 0.0])
    values = 200 + np.tile(season, 12) + rng.normal(0, 1, (30, 48))
    learnt = fit(
        PanelContext.from_values(values), 10, 4, ESRNNSettings(6, units=8, n_origins=30, max_steps=40, batch_size=30)
    )
    said = predict_quantiles(learnt, PanelContext.from_values(values))[..., MID]
    np.testing.assert_allclose(said.mean(axis=0), 200 + np.resize(season, 10), atol=6)


def test_near_steps_of_random_walks_are_as_easy_as_they_are():
    rng = np.random.default_rng(1)
    walks = 1000 + np.cumsum(rng.normal(size=(300, 92)), axis=1)
    past, future = walks[:, :-12], walks[:, -12:]
    said = predict_quantiles(
        fit(PanelContext.from_values(past), 12, 1, ESRNNSettings(6, units=16, n_origins=48, max_steps=120)),
        PanelContext.from_values(past),
    )[..., MID]
    error = np.abs(said - future).mean(axis=0)
    naive = np.abs(past[:, -1:] - future).mean(axis=0)
    assert error[0] < 1.05 * naive[0]
    assert error[-1] > 2 * error[0]


def test_a_long_horizon_is_interpolated(panel):
    assert predict_quantiles(
        fit(PanelContext.from_values(panel), 80, 4, SMALL), PanelContext.from_values(panel)
    ).shape == (40, 80, 5)


def test_every_update_is_reported(panel):
    steps = []
    fit(PanelContext.from_values(panel), 3, 1, ESRNNSettings(4, units=4, max_steps=5), report=steps.append)
    assert [step.number for step in steps] == [1, 2, 3, 4, 5]
    assert all(np.isfinite(step.loss) for step in steps)


def test_settings_and_panels_that_are_not_possible_are_refused():
    with pytest.raises(ConfigError, match="Settings' level is no weight to start from"):
        ESRNNSettings(4, level=1.0)
    with pytest.raises(ConfigError, match="Settings' probabilities have no middle"):
        ESRNNSettings(4, quantiles=(0.1, 0.9))
    with pytest.raises(ConfigError, match="these are not quantiles"):
        ESRNNSettings(4, median_quantile=0.05)
    with pytest.raises(ConfigError, match="Settings' units"):
        ESRNNSettings(4, units=0)
    with pytest.raises(DataError, match="there is nothing to learn from"):
        fit(PanelContext.from_values(np.empty((0, 4))), 2, 1, SMALL)


@pytest.mark.parametrize(("h", "m"), [(6, 1), (8, 4), (18, 12), (13, 1), (48, 24)])
def test_proposed_settings_fit_short_series_too(h, m):
    for typical in (1, 2, 20, 500):
        assert 1 <= default_settings(h, m, typical).input_size <= max(2, typical)
