"""The pretrained network as a model: no fitting, one pass for all origins, weights that are checked."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gatecast import Forecaster
from gatecast._utils import safefile
from gatecast.errors import ConfigError, FormatError, NotFittedError
from gatecast.forecasting.base import Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.pretrained.model import Pretrained, at_levels
from gatecast.forecasting.pretrained.released import WEIGHTS, load_released
from gatecast.forecasting.pretrained.shared_passes import shared_origins

MONTHS = np.datetime64("2015-01") + np.arange(60)
SALES = 100 + np.arange(60) + 20 * np.sin(np.arange(60) * np.pi / 6)


def predict(context, horizon=12, season_length=12, quantiles=(0.025, 0.1, 0.5, 0.9, 0.975)):
    task = Task(horizon, season_length, quantiles)
    return Pretrained().fit(context, task).predict_quantiles(context)


def panel(rng, n_series=20, n=90):
    season = 1 + 0.3 * np.sin(np.arange(n) * np.pi / 6)
    values = np.exp(rng.normal(0, 0.05, (n_series, n)).cumsum(axis=1)) * season
    values[np.arange(n) < rng.integers(0, n - 5, n_series)[:, None]] = np.nan
    return values


def test_forecast_goes_on_with_season_and_trend():
    forecast = predict(PanelContext.from_values(SALES[None]))[0, :, 2]
    truth = 100 + np.arange(60, 72) + 20 * np.sin(np.arange(60, 72) * np.pi / 6)
    assert np.abs(forecast - truth).mean() < 5


@pytest.mark.parametrize("horizon", [1, 12, 30, 100])
def test_forecast_of_any_horizon_is_finite_and_ordered(horizon, rng):
    quantiles = predict(PanelContext.from_values(panel(rng)), horizon)
    assert quantiles.shape == (20, horizon, 5)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=2) >= 0).all()


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_forecast_of_few_values_is_near_them(n):
    quantiles = predict(PanelContext.from_values(np.full((1, n), 50.0)), 3)
    assert np.isfinite(quantiles).all()
    assert 40 < quantiles[0, 0, 2] < 60


def test_forecast_scales_with_the_unit_of_the_series(rng):
    values = panel(rng)
    one, thousand = (predict(PanelContext.from_values(values * unit)) for unit in (1.0, 1000.0))
    np.testing.assert_allclose(thousand, 1000 * one, rtol=2e-3)


def test_rows_that_are_earlier_origins_have_the_bits_of_a_series_that_ends_there(rng):
    values = panel(rng)
    values[3] -= 1.2  # negative values: no pass is shared
    past, _ = PanelContext.from_values(values).rolling_origins(np.array([40, 17, 5, 0]), 12)
    task = Task(12, 12)
    model = Pretrained().fit(past, task)
    shared = model.predict_quantiles(past)
    origins = shared_origins(past)
    is_negative = past.series == 3
    assert (origins[is_negative, 1] == 0).all()
    assert origins[~is_negative, 1].max() == 40
    alone = [model.predict_quantiles(past.take(slice(k, k + len(values)))) for k in range(0, len(past), len(values))]
    np.testing.assert_array_equal(shared, np.concatenate(alone))


def test_rows_of_other_values_share_no_pass(rng):
    values = panel(rng)
    past, _ = PanelContext.from_values(values).rolling_origins(np.array([5, 0]), 12)
    changed = past.values.copy()
    changed[:, -1] += 1
    assert not shared_origins(past.with_values(changed))[:, 1].any()


def test_later_values_do_not_matter(rng):
    values = panel(rng)
    changed = values.copy()
    changed[:, -10:] *= 3
    before, after = (PanelContext.from_values(v).rolling_origins(np.array([10]), 12)[0] for v in (values, changed))
    np.testing.assert_array_equal(predict(before), predict(after))


def test_levels_between_and_beyond_those_of_the_network_are_increasing():
    quantiles = np.linspace(-2, 2, 13)[None]
    levels = (0.001, 0.01, 0.03, 0.25, 0.5, 0.77, 0.99, 0.999)
    assert (np.diff(at_levels(quantiles, levels)) > 0).all()


# Without fit.


def test_predict_without_fit_is_that_of_a_fitted_forecaster_and_comes_with_scores():
    table = {"ds": MONTHS, "y": SALES}
    zero_shot = Forecaster(12, model="pretrained")
    forecast = zero_shot.predict(table)
    fitted = Forecaster(12, model="pretrained").fit(table).predict()
    for name, column in fitted.items():
        np.testing.assert_array_equal(forecast[name], column)
    assert [score.model for score in zero_shot.evaluation_.scores][:2] == ["Pretrained", "SeasonalNaive"]


def test_predict_without_fit_forgets_the_table_before():
    forecaster = Forecaster(model="pretrained")
    forecaster.predict({"ds": MONTHS, "y": 1000 * SALES}, h=6)
    second = forecaster.predict({"ds": MONTHS[:40], "y": SALES[:40]}, h=3)
    fresh = Forecaster(model="pretrained").predict({"ds": MONTHS[:40], "y": SALES[:40]}, h=3)
    for name, column in fresh.items():
        np.testing.assert_array_equal(second[name], column)


def test_predict_after_fit_keeps_what_was_fitted():
    forecaster = Forecaster(6, model="dot").fit({"ds": MONTHS, "y": SALES})
    forecaster.predict({"ds": MONTHS[:40], "y": 5 * SALES[:40]})
    assert forecaster.panel_.lengths.tolist() == [60]


def test_simulate_without_fit_draws_paths():
    paths = Forecaster(4, model="pretrained").simulate(7, {"ds": MONTHS, "y": SALES})
    assert len(paths["Pretrained"]) == 28


@pytest.mark.parametrize("model", ["auto", "lstm", ["pretrained", "lstm"]])
def test_predict_without_fit_of_models_that_are_trained_is_refused(model):
    with pytest.raises(NotFittedError, match="Call fit"):
        Forecaster(6, model=model).predict({"ds": MONTHS, "y": SALES})


# Weights.


def test_weights_are_small_and_have_a_card():
    released = load_released()
    assert WEIGHTS.stat().st_size < 2_500_000
    assert {"seed", "steps", "tokens", "hours", "flop"} <= released.card.keys()
    assert np.isfinite(released.weights.vector).all()


def test_load_released_of_altered_weights_says_so(tmp_path):
    data = bytearray(WEIGHTS.read_bytes())
    data[-1000] ^= 1
    (tmp_path / "lf").write_bytes(data)
    with pytest.raises(FormatError, match=r"altered.*pip install --force-reinstall"):
        load_released(tmp_path / "lf")


def test_load_released_of_missing_weights_says_so(tmp_path):
    with pytest.raises(FormatError, match=r"no such file.*pip install --force-reinstall"):
        load_released(tmp_path / "lf")


@pytest.mark.parametrize("change", [{"inputs": ["value"]}, {"units": 64}, {"block": 12}, {"units": "many"}])
def test_load_released_of_another_version_says_so(tmp_path, change):
    settings, arrays = safefile.read(WEIGHTS, "pretrained")
    settings["network"] |= change
    safefile.write(tmp_path / "lf", "pretrained", json.loads(json.dumps(settings)), arrays)
    with pytest.raises(FormatError, match="another version"):
        load_released(tmp_path / "lf")


# Weights of simple forecasts.


def test_simple_weights_of_a_panel_sum_to_one_and_are_said():
    ids = np.repeat(["a", "b", "c"], 60)
    forecaster = Forecaster(6, model="pretrained")
    table = forecaster.simple_weights({"id": ids, "ds": np.tile(MONTHS, 3), "y": np.tile(SALES, 3)})
    assert table["id"].tolist() == list("aaabbbccc")
    assert table["first_step"].tolist() == [1, 9, 17] * 3
    assert table["last_step"].tolist() == [8, 16, 24] * 3
    weights = np.stack([table[name] for name in ("level", "drift", "damped trend", "recent mean")])
    np.testing.assert_allclose(weights.sum(axis=0), 1, rtol=1e-6)
    np.testing.assert_array_equal(weights[:, :3], weights[:, 6:])
    assert forecaster.findings_[-1].startswith("Steps 1 to 8 start from ")


def test_simple_weights_of_a_trend_are_of_drift_or_trend():
    table = Forecaster(6, model="pretrained").simple_weights({"ds": MONTHS, "y": 100.0 + 5 * np.arange(60)})
    assert table["drift"][0] + table["damped trend"][0] > table["level"][0] + table["recent mean"][0]


def test_simple_weights_of_other_models_are_refused():
    forecaster = Forecaster(6, model="dot").fit({"ds": MONTHS, "y": SALES})
    with pytest.raises(ConfigError, match=r"starts from simple forecasts.*got dot.*pretrained"):
        forecaster.simple_weights()
