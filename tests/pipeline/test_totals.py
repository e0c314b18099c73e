from dataclasses import replace

import numpy as np
import pytest

from gatecast.forecaster import Forecaster


def panel_table(rng, n_series=4, n=60, correlation=0.0):
    """Return monthly random walks, whose steps have a common part."""
    common, own = rng.standard_normal((n, 1)), rng.standard_normal((n, n_series))
    y = 100 + np.cumsum(np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own, axis=0)
    times = np.arange("2015-01", "2020-01", dtype="M8[M]")[:n].astype("M8[us]")
    ids = np.repeat([f"s{k}" for k in range(n_series)], n)
    return {"unique_id": ids, "ds": np.tile(times, n_series), "y": y.T.ravel()}


def fit(table, **settings):
    """Return a forecaster that needs no training, with its forecast and totals."""
    forecaster = Forecaster(h=6, model="naive", level=[80, 95], **settings).fit(table)
    predicted = forecaster._session.forecast()
    return forecaster, predicted, forecaster._session.totals(predicted)


def test_totals_of_a_forecaster_are_sums_of_its_forecast(rng):
    _, predicted, totals = fit(panel_table(rng))
    point = predicted.columns["Naive"].reshape(4, 6)
    assert float(totals.total.point) == pytest.approx(point.sum())
    np.testing.assert_allclose(totals.by_series.point, point.sum(axis=1))
    np.testing.assert_allclose(totals.by_step.point, point.sum(axis=0))
    assert totals.measured
    assert totals.n_series == 4
    assert (totals.change.lag, totals.change.n_steps) == (12, 6)


@pytest.mark.parametrize(("correlation", "low", "high"), [(0.0, 0.0, 0.3), (1.0, 0.8, 1.0)])
def test_totals_know_how_much_series_move_together(rng, correlation, low, high):
    _, _, totals = fit(panel_table(rng, n_series=8, correlation=correlation))
    assert low <= totals.correlation <= high
    assert (totals.shared > 1.03) == (correlation == 1)


def test_totals_are_the_same_for_the_same_forecast(rng):
    forecaster, predicted, totals = fit(panel_table(rng))
    again = forecaster._session.totals(predicted)
    np.testing.assert_array_equal(totals.total.low, again.total.low)
    np.testing.assert_array_equal(totals.by_series.high, again.by_series.high)


def test_totals_of_a_single_series_lie_within_the_sums_of_its_bounds(rng):
    _, predicted, totals = fit(panel_table(rng, n_series=1))
    table, point = predicted.columns, float(totals.total.point)
    below = [(point - low) / totals.stretch for low in totals.total.low]
    above = [(high - point) / totals.stretch for high in totals.total.high]
    assert 0 <= below[0] <= below[1] <= point - table["Naive-lo-95"].sum()
    assert 0 <= above[0] <= above[1] <= table["Naive-hi-95"].sum() - point
    assert np.isnan(totals.correlation)


def test_totals_of_other_series_say_that_no_errors_are_known(rng):
    forecaster, _, _ = fit(panel_table(rng))
    others = panel_table(rng, n_series=3)
    others["unique_id"] = np.char.add("new ", others["unique_id"])
    totals = forecaster._session.totals(forecaster._session.forecast(others), others)
    assert totals.n_series == 3
    assert not totals.measured


def test_totals_of_series_with_different_ends_have_no_steps(rng):
    table = panel_table(rng)
    keep = np.ones(240, bool)
    keep[55:60] = False
    _, _, totals = fit({name: column[keep] for name, column in table.items()})
    assert totals.by_step is None
    assert np.isfinite(float(totals.total.point))


def test_totals_of_too_many_steps_are_not_drawn(rng, monkeypatch):
    forecaster, predicted, _ = fit(panel_table(rng))
    monkeypatch.setattr("gatecast.pipeline.totals.MAX_STEPS", 5)
    assert forecaster._session.totals(predicted) is None


@pytest.mark.slow
def test_totals_of_a_hierarchy_count_no_series_twice(rng):
    table = panel_table(rng)
    table["shop"] = table.pop("unique_id")
    forecaster = Forecaster(h=6, model="naive", level=80, id_col="shop", hierarchy=[()]).fit(table)
    predicted = forecaster._session.forecast()
    totals = forecaster._session.totals(predicted)
    point = predicted.columns["Naive"].reshape(-1, 6)
    assert len(point) == 5
    assert totals.n_series == 4
    assert float(totals.total.point) == pytest.approx(point[0].sum())


def test_totals_without_levels_have_no_bounds(rng):
    forecaster, predicted, _ = fit(panel_table(rng))
    totals = forecaster._session.totals(replace(predicted, levels=()))
    assert totals.total.low.shape == (0,)


def test_totals_of_scaled_series_are_scaled(rng):
    table = panel_table(rng, correlation=0.8)
    _, _, totals = fit(table)
    _, _, larger = fit({**table, "y": 8 * table["y"]})
    for part in ("total", "by_series", "by_step"):
        for left, right in zip(getattr(totals, part), getattr(larger, part), strict=True):
            np.testing.assert_allclose(8 * left, right, rtol=1e-9)


@pytest.mark.slow
def test_totals_of_series_that_move_together_hold_about_as_many_sums_as_they_say():
    n, h, n_panels = 60, 6, 120
    inside = []
    for k in range(n_panels):
        table = panel_table(np.random.default_rng(k), n_series=20, n=n, correlation=0.9)
        y = table["y"].reshape(20, n)
        keep = np.tile(np.arange(n) < n - h, 20)
        _, _, totals = fit({name: column[keep] for name, column in table.items()})
        truth = y[:, n - h :].sum()
        inside.append((totals.total.low <= truth) & (truth <= totals.total.high))
    # Three binomial standard errors; without what few errors add it held 6 points less.
    share = np.mean(inside, axis=0)
    for measured, level in zip(share, (0.80, 0.95), strict=True):
        assert measured == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) / n_panels))


def test_totals_of_one_series_and_one_step_are_its_own_interval(rng):
    forecaster = Forecaster(h=1, model="naive", level=[80, 95]).fit(panel_table(rng, n_series=1))
    predicted = forecaster._session.forecast()
    totals = forecaster._session.totals(predicted)
    assert totals.shared == 1.0
    for k, level in enumerate((80, 95)):
        low, high = (float(predicted.columns[f"Naive-{side}-{level}"][0]) for side in ("lo", "hi"))
        width = (totals.total.high[k] - totals.total.low[k]) / totals.stretch
        # 2,000 paths tell a quantile to about 0.05 deviations.
        assert width == pytest.approx(high - low, rel=0.1)
