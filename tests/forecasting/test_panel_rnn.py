"""The panel LSTM: near steps are as easy as they are, and series do not depend on their company."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast.data import synthetic
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn.model import (
    CELLS,
    PanelRNNSettings,
    fit,
    predict_insample,
    predict_quantiles,
    steps_ahead,
)
from gatecast.forecasting.panel_rnn.windows import batches, inputs, scale_series
from gatecast.forecasting.scaling import fit_scaler
from gatecast.kernels import native
from gatecast.nn.training import ValidationErrors

SMALL = PanelRNNSettings(6, units=8, n_origins=24, max_steps=40, batch_size=32)
MID = 2


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(5)
    values = np.full((40, 60), np.nan)
    for row in values:
        n = int(rng.integers(2, 61))
        row[-n:] = 100 + np.cumsum(rng.normal(0.2, 1, n))
    values[7, 40:45] = np.nan
    return values


@pytest.fixture(scope="module")
def fitted(panel):
    return fit(PanelContext.from_values(panel), 5, 1, SMALL, seed=3)


def test_quantiles_increase_and_no_step_is_missing(fitted, panel):
    said = predict_quantiles(fitted, PanelContext.from_values(panel), 1)
    assert said.shape == (40, 5, 5)
    assert np.isfinite(said).all()
    assert (np.diff(said, axis=2) > 0).all()


def test_same_seed_same_bits_for_any_number_of_threads(fitted, panel):
    before = native.get_num_threads()
    try:
        for threads in (1, 3):
            native.set_num_threads(threads)
            again = fit(PanelContext.from_values(panel), 5, 1, SMALL, seed=3)
            assert again.weights.vector.tobytes() == fitted.weights.vector.tobytes()
    finally:
        native.set_num_threads(before)
    assert (
        fit(PanelContext.from_values(panel), 5, 1, SMALL, seed=4).weights.vector.tobytes()
        != fitted.weights.vector.tobytes()
    )


def test_a_series_is_told_the_same_whatever_stands_beside_it(fitted, panel):
    together = predict_quantiles(fitted, PanelContext.from_values(panel), 1)
    np.testing.assert_allclose(
        predict_quantiles(fitted, PanelContext.from_values(panel[3:6]), 1), together[3:6], rtol=1e-5
    )
    np.testing.assert_allclose(
        predict_quantiles(fitted, PanelContext.from_values(panel), 1, batch=7), together, rtol=1e-5
    )


def test_padding_in_front_changes_nothing(fitted, panel):
    wider = np.concatenate([np.full((40, 13), np.nan), panel], axis=1)
    np.testing.assert_allclose(
        predict_quantiles(fitted, PanelContext.from_values(wider), 1),
        predict_quantiles(fitted, PanelContext.from_values(panel), 1),
        rtol=1e-5,
    )


def test_the_unit_of_a_series_scales_its_forecast(fitted, panel):
    said = predict_quantiles(fitted, PanelContext.from_values(panel), 1)
    np.testing.assert_allclose(
        predict_quantiles(fitted, PanelContext.from_values(panel * 1024), 1), said * 1024, rtol=1e-4
    )


def test_series_without_values_have_no_forecast_and_constants_their_own(fitted):
    values = np.full((2, 30), np.nan)
    values[1] = 12.0
    said = predict_quantiles(fitted, PanelContext.from_values(values), 1)
    assert np.isnan(said[0]).all()
    np.testing.assert_allclose(said[1, :, MID], 12.0, rtol=0.01)


def test_steps_of_a_long_horizon_are_interpolated(panel):
    member = fit(
        PanelContext.from_values(panel),
        80,
        1,
        PanelRNNSettings(6, units=8, n_origins=24, max_steps=3, batch_size=32),
        seed=0,
    )
    assert len(steps_ahead(80)) < 80
    assert predict_quantiles(member, PanelContext.from_values(panel), 1).shape == (40, 80, 5)


def test_near_steps_of_random_walks_are_as_easy_as_they_are():
    rng = np.random.default_rng(1)
    walks = 1000 + np.cumsum(rng.normal(size=(300, 92)), axis=1)
    member = fit(
        PanelContext.from_values(walks[:, :80]),
        12,
        1,
        PanelRNNSettings(8, units=16, n_origins=48, max_steps=120),
        seed=0,
    )
    error = np.abs(
        predict_quantiles(member, PanelContext.from_values(walks[:, :80]), 1)[..., MID] - walks[:, 80:]
    ).mean(axis=0)
    naive = np.abs(walks[:, 79:80] - walks[:, 80:]).mean(axis=0)
    assert error[0] < 1.05 * naive[0]
    assert (np.diff(error) > 0).mean() > 0.8
    assert error[-1] < 1.1 * naive[-1]


def test_it_learns_what_series_have_in_common():
    rng = np.random.default_rng(2)
    waves = np.stack([50 + 10 * np.sin((np.arange(80) + rng.uniform(0, 9)) * 2 * np.pi / 9) for _ in range(64)])
    waves += rng.normal(0, 0.3, waves.shape)
    member = fit(
        PanelContext.from_values(waves[:, :72]),
        8,
        1,
        PanelRNNSettings(9, units=24, n_origins=48, max_steps=200),
        seed=0,
    )
    error = np.abs(
        predict_quantiles(member, PanelContext.from_values(waves[:, :72]), 1)[..., MID] - waves[:, 72:]
    ).mean()
    assert error < 0.15 * np.abs(waves[:, 71:72] - waves[:, 72:]).mean()


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_learns(cell):
    losses = []
    waves = np.sin(np.arange(60) + np.arange(40)[:, None])
    member = fit(
        PanelContext.from_values(waves),
        2,
        1,
        PanelRNNSettings(4, units=16, cell=cell, max_steps=60, learning_rate=1e-2),
        0,
        lambda step: losses.append(step.loss),
    )
    assert np.isfinite(predict_quantiles(member, PanelContext.from_values(waves), 1)).all()
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])


def test_cells_differ(panel):
    weights = {
        cell: fit(PanelContext.from_values(panel), 2, 1, replace(SMALL, cell=cell, steps=1), 0).weights.views[1]
        for cell in CELLS
    }
    assert {"Wx", "Wh", "b", "P"} <= set(weights["lstm-peephole"])
    assert "P" not in weights["lstm"]
    shapes = {cell: sum(p.size for p in views.values()) for cell, views in weights.items()}
    assert shapes["rnn"] < shapes["gru"] < shapes["lstm"] < shapes["lstm-peephole"]


def test_dropout_is_of_training_alone(panel):
    wet, dry = (fit(PanelContext.from_values(panel), 2, 1, replace(SMALL, dropout=share), 0) for share in (0.4, 0.0))
    assert wet.weights.vector.tobytes() != dry.weights.vector.tobytes()
    again = fit(PanelContext.from_values(panel), 2, 1, replace(SMALL, dropout=0.4), 0)
    assert wet.weights.vector.tobytes() == again.weights.vector.tobytes()
    assert (
        predict_quantiles(wet, PanelContext.from_values(panel), 1).tobytes()
        == predict_quantiles(wet, PanelContext.from_values(panel), 1).tobytes()
    )


def test_trend_and_season_go_on():
    rng = np.random.default_rng(4)
    values = np.stack([synthetic.trend_season(rng, 96) for _ in range(32)])
    member = fit(
        PanelContext.from_values(values[:, :84]),
        12,
        12,
        PanelRNNSettings(12, units=24, level_window=3, n_origins=48, max_steps=150),
        seed=0,
    )
    error = np.abs(
        predict_quantiles(member, PanelContext.from_values(values[:, :84]), 12)[..., MID] - values[:, 84:]
    ).mean()
    assert error < 0.6 * np.abs(values[:, 72:84] - values[:, 84:]).mean()


def test_segments_take_a_step_each_and_see_the_same_windows(panel):
    """With a segment of 4 a network of 6 origins looks back as far as one of 24, and its targets are the same."""
    rows = scale_series(PanelContext.from_values(panel), fit_scaler(panel, 1), SMALL)
    each, segments = (replace(SMALL, origins=count, segment=step) for count, step in ((21, 1), (6, 4)))
    which, ahead = np.arange(8)[:, None], np.array([1, 2, 5])
    every = np.broadcast_to(np.arange(10, 31), (8, 21))
    x, level = inputs(rows, which, every, ahead, each)
    spaced, there = inputs(rows, which, every[:, ::4], ahead, segments)
    np.testing.assert_array_equal(spaced, x[:, ::4])
    np.testing.assert_array_equal(there, level[:, ::4])
    (one, two) = (next(batches(rows, ahead, settings, 0)) for settings in (each, segments))
    for left, right in zip(one, two, strict=True):
        assert left.shape[1:2] == (21,)
        assert right.shape[1:2] == (6,)


def test_a_season_of_many_segments_is_learnt():
    rng = np.random.default_rng(2)
    waves = 50 + 10 * np.sin(np.arange(168) * np.pi / 12 + rng.uniform(0, 6, (60, 1))) + rng.normal(0, 0.5, (60, 168))
    settings = PanelRNNSettings(12, units=24, n_origins=12, stride=6, max_steps=300)
    member = fit(PanelContext.from_values(waves[:, :156]), 12, 1, settings, seed=0)
    said = predict_quantiles(member, PanelContext.from_values(waves[:, :156]), 1)
    assert np.abs(said[..., MID] - waves[:, 156:]).mean() < 2
    past = predict_insample(member, PanelContext.from_values(waves[:, :156]), 1)
    assert np.isnan(past[:, 0]).all()
    assert np.abs(past - waves[:, :156])[:, 24:].mean() < 1.5


def test_learning_stops_where_what_is_watched_was_best(panel):
    settings = replace(SMALL, max_steps=20, min_improvement=0.03)
    seen = []

    def watch(member):
        seen.append(member.weights.vector.copy())
        return ValidationErrors([9.0, 5.0, 3.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 2.1][len(seen) - 1], 1.0)

    member = fit(PanelContext.from_values(panel), 5, 1, settings, seed=3, watch=watch)
    assert member.settings.max_steps == 6
    np.testing.assert_array_equal(member.weights.vector, seen[3])
    seen.clear()
    patient = fit(PanelContext.from_values(panel), 5, 1, replace(settings, min_improvement=0.2), seed=3, watch=watch)
    assert patient.settings.max_steps == 20
    np.testing.assert_array_equal(patient.weights.vector, seen[-1])
