"""Cases of attribution: a panel with columns of every kind, models trained in a moment, the check of a path."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.data.panel import from_values
from gatecast.evaluation.calibration import default_calibrator
from gatecast.forecasting.attribution import AttributionTarget, make_bins
from gatecast.forecasting.base import Overrides, PanelSummary, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import fit_models
from gatecast.forecasting.presets import model_configs, unique_columns
from gatecast.pipeline.state import FittedState

H = 6


def trained(panel, h, model="lstm", season=1, members=1, steps=60, units=8, panel_season=1, **training):
    """Models as a forecaster has them, trained in a moment."""
    sizes, how = NetworkConfig(units=units), TrainingConfig(n_members=members, max_steps=steps, **training)
    task = Task(h, season, panel_season=panel_season)
    configs = model_configs(model, PanelSummary.of(panel), task, Overrides(sizes, how))
    ensemble = fit_models(configs, PanelContext.from_panel(panel), task)
    start = default_calibrator(unique_columns(configs), task.quantiles)
    return FittedState(panel, season, (), ensemble, start, None, {}, 0.0)


def panel_of(rng, n=90, h=6):
    """One positive series with a gap, two known columns (one of words), a historic and a static one; what comes."""
    promo, word = (rng.random(n + h) < 0.3) * 1.0, rng.integers(0, 3, n + h) * 1.0
    hist = rng.normal(size=n)
    y = np.exp(3 + 0.4 * promo[:n] + np.cumsum(rng.normal(0, 0.05, n)) + 0.1 * np.roll(hist, 1))
    y[40:43] = np.nan
    panel = replace(
        from_values(y, start="2024-01-01", freq="D"),
        futr_exog={"promo": promo[:n], "word": word[:n]},
        hist_exog={"hist": hist},
        stat_exog={"size": np.array([3.0])},
        categories={"word": ("a", "b", "c")},
    )
    return panel, PanelContext.from_panel(panel, {"promo": promo[None, n:], "word": word[None, n:]})


def bent_member(panel, model, season=1):
    """A network with weights that are large enough to bend, and the regression."""
    ensemble = trained(panel, H, model, season=season, steps=5).ensemble
    member = ensemble.models[0].members[0]
    member.weights.vector[:] += np.random.default_rng(1).normal(size=member.weights.vector.size) * 0.3
    return member, ensemble.effects.regression


def check_path(model, season=1, *, mixed):
    """The path ends in the forecast of a series with columns, and its gradient is that of finite differences."""
    rng = np.random.default_rng(7)
    panel, history = panel_of(rng)
    if mixed:
        panel = replace(panel, values=panel.values - 20)
        history = replace(history, values=history.values - 20)
    member, regression = bent_member(panel, model, season=season)
    slopes = rng.normal(size=(1, 4)) * 0.2
    regression = regression._replace(futr_exog=np.concatenate([regression.futr_exog[:2], slopes]))
    clean, scaler = regression.remove(history), history.scaler(1)
    shares = clean.futr_exog[0, 90 + 4] * regression.futr_exog[2]
    bins = make_bins(90, 6, (np.array([0, 1, 1, 1]), np.array([0]), np.array([0])), (2, 1, 1))
    target = AttributionTarget(4, 3, shares, bool(scaler.positive[0]), float(scaler.unit[0]))
    path = member.attribution_path(clean, target, bins)
    forecast = regression.restore(history, member.predict_quantiles(clean))[0, 4, 3]
    value, _ = path.value_and_grad(path.actual)
    assert value[0] == pytest.approx(forecast, rel=1e-5)
    assert path.value(path.actual)[0] == pytest.approx(value[0], rel=1e-6)
    assert scaler.positive[0] == (not mixed)
    point = path.actual * 0.6
    gradient = path.value_and_grad(point)[1]
    for _ in range(6):
        step = rng.normal(size=point.shape) * (rng.random(point.shape) < 0.3)
        rise = np.diff(path.value(np.concatenate([point - 1e-3 * step, point + 1e-3 * step])))[0] / 2e-3
        assert rise == pytest.approx(
            float((gradient * step).sum()), rel=0.02, abs=2e-3 * np.abs(gradient * step).sum() + 1e-6
        )
