"""Properties that all metrics share, and values computed by hand."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast import metrics
from gatecast.errors import DataError
from gatecast.metrics import METRICS, ForecastMetric, accumulators, functions

Q = np.array([0.1, 0.5, 0.9])
FORECASTS = ("y_pred", "quantile_preds", "lower", "upper")
UNIT = ("y_true", "y_train", *FORECASTS)
"""Inputs in the unit of the values."""


def example(rng: np.random.Generator, n: int = 24) -> dict:
    """Return inputs of every metric: positive actual values and forecasts near them."""
    actual = 10 + rng.random(n)
    forecast = actual + rng.standard_normal(n)
    quantile_preds = forecast[:, None] + np.array([-1.0, 0.0, 1.0])
    return {
        "y_true": actual,
        "y_pred": forecast,
        "quantile_preds": quantile_preds,
        "quantiles": Q,
        "lower": quantile_preds[:, 0],
        "upper": quantile_preds[:, 2],
        "y_train": 10 + rng.standard_normal(40),
        "season_length": 12,
        "level": 80.0,
    }


def perfect(inputs: dict) -> dict:
    """Return the inputs with every forecast equal to the actual value."""
    y = inputs["y_true"]
    return {**inputs, "y_pred": y, "quantile_preds": np.repeat(y[:, None], 3, axis=1), "lower": y, "upper": y}


def call(metric: ForecastMetric, inputs: dict) -> float:
    """Return the metric of some inputs."""
    return metric.function(*(inputs[name] for name in metric.inputs))


points = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=20)
"""Actual values and forecasts."""

every = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


def test_registry_has_every_metric_of_one_series():
    assert {metric.name for metric in METRICS} == set(metrics.__all__) - {
        "METRICS",
        "ForecastMetric",
        "get",
        *accumulators.__all__,
        *functions.__all__,
        "evaluate",
        "leaderboard",
        "owa",
        "skill",
        "seasonal_naive_scale",
    }
    assert all(metric.function is getattr(metrics, metric.name) for metric in METRICS)


class TestContract:
    """Properties of every metric."""

    @every
    def test_metric_of_a_perfect_forecast(self, metric, rng):
        assert call(metric, perfect(example(rng))) == metric.perfect

    @every
    def test_metric_of_a_worse_forecast_is_worse(self, metric, rng):
        inputs = example(rng)
        worse = {**inputs, **{name: inputs[name] + 50.0 for name in FORECASTS}}
        better = abs(call(metric, inputs) - metric.perfect)
        assert abs(call(metric, worse) - metric.perfect) > better

    @every
    def test_metric_follows_the_unit_or_is_scale_free(self, metric, rng):
        inputs = example(rng)
        scaled = {**inputs, **{name: 1000.0 * inputs[name] for name in UNIT}}
        factor = 1.0 if metric.scale_free else 1000.0
        assert call(metric, scaled) == pytest.approx(factor * call(metric, inputs), rel=1e-12)

    @every
    def test_metric_leaves_out_missing_actual_values(self, metric, rng):
        inputs = example(rng)
        gone = rng.random(24) < 0.4
        masked = {**inputs, "y_true": np.where(gone, np.nan, inputs["y_true"])}
        short = {**inputs, **{name: inputs[name][~gone] for name in ("y_true", *FORECASTS)}}
        assert call(metric, masked) == pytest.approx(call(metric, short), rel=1e-12)

    @every
    def test_metric_with_a_missing_forecast_is_nan(self, metric, rng):
        inputs = example(rng)
        for name in FORECASTS:
            inputs[name] = inputs[name].copy()
            inputs[name][3] = np.nan
        assert np.isnan(call(metric, inputs))

    @every
    def test_metric_without_actual_values_is_nan(self, metric, rng):
        inputs = example(rng)
        assert np.isnan(call(metric, {**inputs, "y_true": np.full(24, np.nan)}))

    @every
    def test_metric_refuses_other_shapes(self, metric, rng):
        inputs = example(rng)
        with pytest.raises(DataError, match=r"differ in shape: got \(23,\) and|of quantiles do not fit: got shape"):
            call(metric, {**inputs, "y_true": inputs["y_true"][:23]})

    @every
    def test_metric_does_not_depend_on_the_order_of_points(self, metric, rng):
        inputs = example(rng)
        order = rng.permutation(24)
        moved = {**inputs, **{name: inputs[name][order] for name in ("y_true", *FORECASTS)}}
        assert call(metric, moved) == pytest.approx(call(metric, inputs), rel=1e-12)

    @every
    @given(seed=st.integers(0, 2**32 - 1))
    def test_metric_is_within_its_range(self, metric, seed):
        value = call(metric, example(np.random.default_rng(seed)))
        assert 0 <= value <= {"smape": 200, "coverage": 100}.get(metric.name, np.inf)


class TestByHand:
    """Values computed by hand."""

    Y, F = np.array([10.0, 20.0, 0.0]), np.array([12.0, 15.0, 1.0])
    PAST = np.array([1.0, 3.0, 2.0, 6.0, np.nan, 7.0])

    def test_mae_and_rmse(self):
        assert metrics.mae(self.Y, self.F) == pytest.approx(8 / 3)
        assert metrics.rmse(self.Y, self.F) == pytest.approx(np.sqrt(30 / 3))

    def test_mape_and_smape(self):
        assert metrics.mape(self.Y, self.F) == pytest.approx((20 + 25) / 2)
        assert metrics.smape(self.Y, self.F) == pytest.approx((200 * 2 / 22 + 200 * 5 / 35 + 200) / 3)
        assert metrics.smape([0.0, 0.0], [0.0, 0.0]) == 0
        assert np.isnan(metrics.mape([0.0], [1.0]))

    def test_mase_and_rmsse(self):
        # Changes over 1 step 2, -1, 4; over 2 steps 1, 3, 1; pairs with the missing value do not count.
        assert metrics.mase(self.Y, self.F, self.PAST) == pytest.approx((8 / 3) / (7 / 3))
        assert metrics.mase(self.Y, self.F, self.PAST, 2) == pytest.approx((8 / 3) / (5 / 3))
        assert metrics.rmsse(self.Y, self.F, self.PAST) == pytest.approx(np.sqrt(10 / 7))
        assert metrics.rmsse(self.Y, self.F, self.PAST, 2) == pytest.approx(np.sqrt(10 / (11 / 3)))

    @pytest.mark.parametrize("metric", [metrics.mase, metrics.rmsse])
    def test_scaled_errors_without_a_scale_are_nan(self, metric):
        assert np.isnan(metric([1.0], [2.0], [5.0, 5.0, 5.0]))
        assert np.isnan(metric([1.0], [2.0], [5.0, 6.0], 2))
        assert np.isnan(metric([1.0], [2.0], []))
        with pytest.raises(DataError, match="Invalid season_length 0: expected a positive integer"):
            metric([1.0], [2.0], [5.0, 6.0], 0)

    def test_pinball_and_wql(self):
        y, fq = [5.0, 2.0], [[4.0, 6.0], [3.0, 4.0]]
        # .1 * 1, .1 * 1 under; then .9 * 1, .1 * 2 over.
        assert metrics.pinball(y, fq, [0.1, 0.9]) == pytest.approx((0.1 + 0.1 + 0.9 + 0.2) / 4)
        assert metrics.wql(y, fq, [0.1, 0.9]) == pytest.approx(2 * (0.1 + 0.1 + 0.9 + 0.2) / 2 / 7)
        assert np.isnan(metrics.wql([0.0], [[1.0]], [0.5]))

    def test_pinball_of_the_median_is_half_the_absolute_error(self, rng):
        y, f = rng.random(9), rng.random(9)
        assert 2 * metrics.pinball(y, f[:, None], [0.5]) == pytest.approx(metrics.mae(y, f))
        assert metrics.wql(y, f[:, None], [0.5]) == pytest.approx(metrics.mae(y, f) / y.mean())

    @pytest.mark.parametrize("metric", [metrics.pinball, metrics.crps, metrics.wql])
    @pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 50.0])
    def test_quantile_metrics_refuse_invalid_levels(self, metric, level):
        with pytest.raises(DataError, match=rf"Invalid quantiles \[{level}\]: expected numbers between 0 and 1"):
            metric([1.0], [[1.0]], [level])

    def test_crps(self):
        y, fq = [5.0, 2.0], [[4.0, 6.0], [3.0, 4.0]]
        assert metrics.crps(y, fq, [0.1, 0.9]) == pytest.approx(2 * (0.1 + 0.1 + 0.9 + 0.2) / 4)
        assert metrics.crps([5.0, np.nan], fq, [0.1, 0.9]) == pytest.approx(2 * (0.1 + 0.1) / 2)
        assert np.isnan(metrics.crps(y, [[4.0, np.nan], [3.0, 4.0]], [0.1, 0.9]))
        assert np.isnan(metrics.crps([np.nan], [[4.0, 6.0]], [0.1, 0.9]))

    def test_crps_of_a_normal_distribution(self):
        # In closed form: z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi), Gneiting & Raftery 2007.
        normal, levels = NormalDist(), (np.arange(2000) + 0.5) / 2000
        quantiles = [normal.inv_cdf(q) for q in levels]
        for z in (0.0, 0.7, -2.5):
            exact = z * (2 * normal.cdf(z) - 1) + 2 * normal.pdf(z) - 1 / np.sqrt(np.pi)
            assert metrics.crps([z], [quantiles], levels) == pytest.approx(exact, abs=1e-5)

    @given(points=points, half=st.lists(st.floats(0.001, 0.499), min_size=1, max_size=9))
    def test_crps_of_a_single_value_is_the_absolute_error(self, points, half):
        y, f = np.array(points).T
        levels = np.array([*half, *(1 - q for q in half)])
        sure = np.repeat(f[:, None], len(levels), axis=1)
        assert metrics.crps(y, sure, levels) == pytest.approx(metrics.mae(y, f), rel=1e-9, abs=1e-9)

    def test_coverage_and_msis(self):
        y, lo, hi = [1.0, 5.0, 9.0], [1.0, 6.0, 2.0], [2.0, 8.0, 5.0]
        assert metrics.coverage(y, lo, hi) == pytest.approx(100 / 3)
        # Widths 1, 2, 3; outside by 0, 1, 4; 2 / .2 = 10; the past changes by 2 a step.
        assert metrics.msis(y, lo, hi, [1.0, 3.0, 5.0], level=80) == pytest.approx((6 + 50) / 3 / 2)
        assert metrics.msis(y, lo, hi, [1.0, 3.0, 5.0], level=99.5) == pytest.approx((6 + 400 * 5) / 3 / 2)
        assert metrics.msis(y, lo, hi, [1.0, 3.0, 5.0], level=0.5) == pytest.approx((6 + 2 / 0.995 * 5) / 3 / 2)
        for level in (0, 100):
            with pytest.raises(DataError, match=f"Invalid level {level}: expected a percentage"):
                metrics.msis(y, lo, hi, [1.0, 2.0], level=level)

    def test_owa_and_skill(self):
        assert metrics.owa(9.0, 1.0, 12.0, 2.0) == pytest.approx(0.625)
        assert metrics.owa(12.0, 2.0, 12.0, 2.0) == 1
        assert np.isnan(metrics.owa(1.0, 1.0, 0.0, 1.0))
        assert metrics.skill(12.0, 8.0) == -50
        assert np.isnan(metrics.skill(1.0, 0.0))

    def test_mae_counts_all_axes_as_points(self):
        assert metrics.mae(np.zeros((2, 3)), np.ones((2, 3))) == 1
