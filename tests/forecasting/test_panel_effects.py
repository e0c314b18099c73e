"""A season in common and the effects of columns are removed together, restored together, and not asked of baselines."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast import Forecaster, TrainingConfig
from gatecast.forecasting.base import Task
from gatecast.forecasting.baselines import Naive
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import fit_models
from gatecast.forecasting.panel_effects import PanelEffects
from gatecast.forecasting.theta import DynamicOptimizedTheta

M = 12
SHAPE = 0.4 * np.sin(2 * np.pi * np.arange(M) / M)


def planted(rng, n=12, T=84, h=6, short=10):
    """Series of one season, the last of them short, with a promotion that raises a value by a half."""
    x = (rng.random((n, T + h, 1)) < 0.2) * 1.0
    z = 5 + SHAPE[np.arange(T + h) % M] + 0.4 * x[..., 0] + rng.normal(0, 0.02, (n, T + h))
    y = np.exp(z)
    y[-1, : T - short] = np.nan
    context = PanelContext.from_values(y[:, :T])
    return replace(context, futr_exog=x, last_step=np.full(n, T - 1)), y[:, T:]


def test_both_are_removed_and_restored(rng):
    context, actual = planted(rng)
    effects = PanelEffects.fit(context, M, M)
    assert effects.season.season_length == M
    assert effects.regression.has_effects
    clean = effects.remove(context)
    assert np.nanstd(np.log(clean.values[-1])) < 0.05
    np.testing.assert_allclose(effects.restore_insample(context, clean.values), context.values, rtol=1e-9)
    level = np.nanmean(clean.values[-1])
    ahead = effects.restore(context, np.full((12, 6, 1), level))[-1, :, 0]
    np.testing.assert_allclose(ahead, actual[-1], rtol=0.15)


def test_a_baseline_forecasts_what_the_series_alone_says(rng):
    context, _ = planted(rng)
    context = replace(context, futr_exog=context.futr_exog[..., :0])
    task = Task(6, M, seasons=(M,), panel_season=M)
    fitted = fit_models([Naive(), DynamicOptimizedTheta()], context, task)
    quantiles = fitted.predict_quantiles(context)
    np.testing.assert_array_equal(quantiles["Naive"][..., 2], np.repeat(context.values[:, -1:], 6, axis=1))
    assert np.ptp(np.log(quantiles["DynamicOptimizedTheta"][-1, :, 2])) > 0.3


def shops(rng, lengths, end="2024-12-01"):
    """Monthly sales of shops of one season: a table."""
    columns = {"unique_id": [], "ds": [], "y": []}
    last = np.datetime64(end, "M")
    for k, n in enumerate(lengths):
        months = last - np.arange(n)[::-1]
        z = 4 + SHAPE[months.astype(int) % M] + rng.normal(0, 0.02, n)
        columns["unique_id"] += [f"shop {k}"] * n
        columns["ds"] += months.astype("M8[D]").tolist()
        columns["y"] += np.exp(z).tolist()
    return columns


def forecast_column(table):
    """The first column behind id and time."""
    return next(name for name in table if name not in ("unique_id", "ds"))


def test_the_note_on_one_short_series_is_singular(rng):
    forecaster = Forecaster(3, model="dot").fit(shops(rng, [60] * 8 + [14]), evaluate=False)
    (note,) = [finding for finding in forecaster.findings_ if "shorter than" in finding]
    assert note.startswith("1 of 9 series is shorter than 5 seasons of 12 steps: the season that the others show")


@pytest.mark.parametrize("model", ["dot", "lstm"])
def test_a_new_shop_gets_the_season_of_the_others(rng, model, tmp_path):
    table = shops(rng, [60] * 8 + [5, 14])
    training = TrainingConfig(max_steps=60, n_members=1)
    forecaster = Forecaster(12, model=model, training=training).fit(table, evaluate=False)
    forecast = forecaster.predict()
    ids, column = np.asarray(forecast["unique_id"]), forecast_column(forecast)
    expected = np.exp(4 + SHAPE[(np.datetime64("2025-01", "M") + np.arange(12)).astype(int) % M])
    for shop in ("shop 8", "shop 9"):
        np.testing.assert_allclose(np.asarray(forecast[column])[ids == shop], expected, rtol=0.15)
    assert any("2 of 10 series are shorter than 5 seasons" in finding for finding in forecaster.findings_)
    forecaster.save(tmp_path / "shops.gatecast")
    again = Forecaster.load(tmp_path / "shops.gatecast").predict()
    np.testing.assert_array_equal(np.asarray(again[column]), np.asarray(forecast[column]))


def test_a_shop_that_opens_after_the_fit_gets_it_too(rng):
    forecaster = Forecaster(12, model="dot").fit(shops(rng, [60] * 8))
    new = shops(rng, [4], end="2025-02-01")
    new["unique_id"] = ["new shop"] * 4
    forecast = forecaster.predict(new)
    column = forecast_column(forecast)
    expected = np.exp(4 + SHAPE[(np.datetime64("2025-03", "M") + np.arange(12)).astype(int) % M])
    np.testing.assert_allclose(np.asarray(forecast[column]), expected, rtol=0.15)
