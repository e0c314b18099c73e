"""Columns beside the series: planted effects are found, chance is not, and nothing of the future counts."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.exogenous_regression import ExogenousRegression
from gatecast.forecasting.scaling import SeriesScaler


def planted(rng, S=40, T=72, season=0.2, slope=0.3, mixed=False):
    """Logarithms walk, with a season and a column that moves the level; (S, T + 6) columns, two of them idle."""
    x = (
        np.stack([rng.random((S, T + 6)) < 0.3, rng.normal(size=(S, T + 6)), rng.normal(5, 20, (S, T + 6))], axis=2)
        * 1.0
    )
    z = np.cumsum(rng.normal(0, 0.03, (S, T + 6)), axis=1) + season * np.sin(np.arange(T + 6) * np.pi / 6)
    y = 2000 * (z + slope * x[..., 0]) if mixed else np.exp(4 + z + slope * x[..., 0])
    return replace(PanelContext.from_values(y[:, :T]), futr_exog=x), y[:, T:]


@pytest.mark.parametrize("m", [1, 12])
def test_a_planted_effect_is_found_and_idle_columns_are_not(m):
    history, _ = planted(np.random.default_rng(0))
    effects = ExogenousRegression.fit(history, m)
    slope = effects.futr_exog[2] / effects.futr_exog[1]
    assert slope[0] == pytest.approx(0.3, abs=0.02)
    assert slope[1:].tolist() == [0, 0]


def test_one_short_series_is_enough_for_a_large_effect():
    history, _ = planted(np.random.default_rng(1), S=1, T=48)
    effects = ExogenousRegression.fit(history, 12)
    assert effects.futr_exog[2, 0] / effects.futr_exog[1, 0] == pytest.approx(0.3, abs=0.1)


def test_two_columns_that_say_the_same_share_no_effect():
    history, _ = planted(np.random.default_rng(2))
    twice = replace(history, futr_exog=np.concatenate([history.futr_exog[..., :1], history.futr_exog[..., :1]], axis=2))
    effects = ExogenousRegression.fit(twice, 12)
    assert (effects.futr_exog[2] / effects.futr_exog[1]).sum() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("mixed", [False, True])
def test_taking_out_and_putting_back_is_nothing(mixed):
    history, _ = planted(np.random.default_rng(3), mixed=mixed)
    effects = ExogenousRegression.fit(history, 12)
    assert effects.futr_exog[2, 0] != 0
    clean = effects.remove(history)
    T = history.values.shape[1]
    back = effects.restore_insample(history, clean.values)
    np.testing.assert_allclose(back, history.values, rtol=1e-9)
    one = replace(history, values=history.values[:, : T - 6])
    ahead = effects.restore(one, np.repeat(clean.values[:, T - 6 :, None], 3, axis=2))
    if not mixed:  # the unit of a mixed series is that of its past
        np.testing.assert_allclose(ahead[..., 1], history.values[:, T - 6 :], rtol=1e-9)
    assert SeriesScaler.fit(clean.values, 1).positive.all() == (not mixed)


def test_columns_come_in_standard_deviations_and_0_where_missing():
    history, _ = planted(np.random.default_rng(4))
    known = history.futr_exog.copy()
    known[0, 5] = np.nan
    series = np.arange(40.0)[:, None, None] * 100 + np.random.default_rng(5).normal(size=(40, 72, 1))
    series[3] = np.nan
    clean = ExogenousRegression.fit(
        some := replace(history, futr_exog=known, hist_exog=series, stat_exog=series[:, 0]), 1
    ).remove(some)
    assert (clean.futr_exog[0, 5] == 0).all()
    np.testing.assert_allclose(clean.futr_exog[:, :72].std(axis=(0, 1)), 1, atol=0.02)
    assert clean.hist_exog[4].std() == pytest.approx(1)
    assert (clean.hist_exog[3] == 0).all()
    assert np.isfinite(clean.stat_exog).all()


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e9, np.nan])
def test_columns_that_never_varied_are_0_whatever_they_are_later(constant):
    """Nothing is learned of them: what a network made of another value would be the chance of its first weights."""
    history = PanelContext.from_values(np.random.default_rng(8).random((3, 40)))
    flat = {"futr_exog": (3, 46, 1), "hist_exog": (3, 40, 1), "stat_exog": (3, 1)}
    fitted = replace(history, **{name: np.full(shape, constant) for name, shape in flat.items()})
    regression = ExogenousRegression.fit(fitted, 1)
    later = {name: np.random.default_rng(9).normal(5, 100, shape) for name, shape in flat.items()}
    for columns in ({}, later):
        clean = regression.remove(replace(fitted, **columns))
        for name in flat:
            assert not getattr(clean, name).astype(np.float32).any()
        np.testing.assert_array_equal(clean.values, fitted.values)


def test_values_and_historic_columns_after_the_cutoff_do_not_count():
    history, _ = planted(np.random.default_rng(6))
    historic = np.random.default_rng(7).normal(size=(40, 72, 1))
    whole = replace(history, hist_exog=historic)
    poisoned = replace(whole, values=whole.values.copy(), hist_exog=historic.copy())
    poisoned.values[:, -8:], poisoned.hist_exog[:, -8:] = 1e9, 1e9
    one, two = (ExogenousRegression.fit(some.drop_last(8), 12) for some in (whole, poisoned))
    for left, right in zip(one, two, strict=True):
        np.testing.assert_array_equal(left, right)


def test_series_that_say_nothing_have_no_effects():
    for values in (np.full((2, 9), np.nan), np.ones((2, 9)), np.array([[np.nan, 3.0]])):
        R, T = values.shape
        history = replace(
            PanelContext.from_values(values), futr_exog=np.random.default_rng(8).normal(size=(R, T + 2, 2))
        )
        assert (ExogenousRegression.fit(history, 4).futr_exog[2] == 0).all()


def unlike(rng, S=12, T=120, spread=0.2, noise=0.1, walk=False, uneven=1.0):
    """Logarithms with a column whose slope is drawn around 0.2 for each series, and an idle one; the slopes, [S, 2]."""
    x = np.stack([rng.random((S, T + 6)) < 0.25, rng.normal(size=(S, T + 6))], axis=2) * 1.0
    slopes = np.stack([0.2 + spread * rng.normal(size=S), np.zeros(S)], axis=1)
    u = noise * rng.normal(size=(S, T + 6)) * np.where(x[..., 0] > 0, uneven, 1.0)
    z = (np.cumsum(u, axis=1) if walk else u) + np.einsum("stf,sf->st", x, slopes)
    return replace(PanelContext.from_values(np.exp(4 + z[:, :T])), futr_exog=x), slopes


@pytest.mark.parametrize("walk", [False, True], ids=["noise", "walk"])
@pytest.mark.parametrize(("S", "T"), [(4, 200), (12, 30), (12, 120), (300, 30)])
def test_series_with_unlike_slopes_have_their_own(S, T, walk):
    history, slopes = unlike(np.random.default_rng(S + T), S, T, walk=walk)
    regression = ExogenousRegression.fit(history, 1)
    assert regression.slope_deviations.any(axis=0).tolist() == [True, False]
    shared, own = (
        np.sqrt(np.mean((found / regression.futr_exog[1] - slopes)[:, 0] ** 2))
        for found in (regression.futr_exog[2] + np.zeros((S, 1)), regression.slopes(history))
    )
    assert own < 0.5 * shared


@pytest.mark.parametrize("uneven", [1.0, 3.0], ids=["even noise", "noise of promotions"])
@pytest.mark.parametrize(("S", "T"), [(2, 24), (12, 120), (300, 30)])
def test_series_with_one_slope_share_it(S, T, uneven):
    for seed in range(3):
        history, _ = unlike(np.random.default_rng(seed), S, T, spread=0.0, uneven=uneven)
        assert ExogenousRegression.fit(history, 1).slope_deviations.shape == (0, 2)


def test_slope_deviations_of_few_values_are_drawn_towards_those_of_all():
    history, _ = unlike(np.random.default_rng(3), S=40, T=100)
    short = history.values.copy()
    short[0, :-30], short[1, :-8] = np.nan, np.nan
    whole, part = (
        ExogenousRegression.fit(replace(history, values=values), 1).slope_deviations
        for values in (history.values, short)
    )
    assert abs(part[0, 0]) < abs(whole[0, 0])
    assert part[1, 0] == 0
    np.testing.assert_allclose(part[2:], whole[2:], rtol=0.2, atol=0.01)


def test_columns_that_say_the_same_and_series_without_noise_have_finite_slope_deviations():
    history, _ = unlike(np.random.default_rng(4), noise=0.0)
    both = np.concatenate([history.futr_exog[..., :1], 1 - history.futr_exog[..., :1]], axis=2)
    twice = replace(history, futr_exog=both)
    regression = ExogenousRegression.fit(twice, 1)
    assert np.isfinite(regression.slope_deviations).all()
    assert regression.remove(twice).values.std(axis=1).mean() < 0.02 * history.values.std(axis=1).mean()


@pytest.mark.parametrize("mixed", [False, True])
def test_slope_deviations_are_taken_out_and_put_back_and_other_series_have_those_of_all(mixed):
    history, _ = unlike(np.random.default_rng(5))
    history = replace(history, values=history.values - 60 * mixed)
    regression = ExogenousRegression.fit(history, 1)
    clean = regression.remove(history)
    assert clean.values.std(axis=1).mean() < 0.8 * history.values.std(axis=1).mean()
    np.testing.assert_allclose(regression.restore_insample(history, clean.values), history.values, rtol=1e-9)
    others = replace(history, series=np.full(len(history), -1))
    np.testing.assert_array_equal(regression.slopes(others), np.tile(regression.futr_exog[2], (12, 1)))
    # A context of some series, in another order, has the same effects.
    order = np.array([7, 2])
    np.testing.assert_allclose(regression.remove(history.take(order)).values, clean.values[order], rtol=1e-12)
    moved = regression.at_positions(np.array([7, -1, 2]))
    np.testing.assert_array_equal(
        moved.slope_deviations, [regression.slope_deviations[7], [0, 0], regression.slope_deviations[2]]
    )


def test_slope_deviations_do_not_see_values_after_the_cutoff():
    history, _ = unlike(np.random.default_rng(6))
    poisoned = replace(history, values=history.values.copy())
    poisoned.values[:, -8:] = 1e9
    one, two = (ExogenousRegression.fit(some.drop_last(8), 1) for some in (history, poisoned))
    assert one.slope_deviations.any()
    np.testing.assert_array_equal(one.slope_deviations, two.slope_deviations)
