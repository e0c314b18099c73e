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
