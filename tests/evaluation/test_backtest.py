"""Forecasts of known values, next to the actual values and the simple forecasts."""

from dataclasses import replace

import numpy as np
import pytest
from panel_cases import monthly, ragged_panel

from gatecast.evaluation.backtest import forecast_window, score_test_part, test_table
from gatecast.evaluation.past_forecasts import forecast_past, select_origins
from gatecast.evaluation.splits import Split
from gatecast.forecaster import Forecaster
from gatecast.forecasting.baselines import drift
from gatecast.forecasting.context import PanelContext

test_table.__test__ = False
H = 4


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(H, model="drift", season_length=12).fit(ragged_panel([40, 30, 50]))


def test_forecast_window_forecasts_from_values_before_the_cutoff(fitted):
    state = fitted.state_
    context = PanelContext.from_panel(state.panel)
    table = forecast_window(state.calibrator, state.ensemble, state.panel, context, 6, 12, (80.0,))
    assert list(table)[:7] == ["unique_id", "ds", "cutoff", "y", "Drift", "Drift-lo-80", "Drift-hi-80"]
    for k, name in enumerate(state.panel.ids):
        series, rows = state.panel.series(k), table["unique_id"] == name
        np.testing.assert_array_equal(table["y"][rows], series[-6:-2])
        np.testing.assert_allclose(table["Drift"][rows], drift(series[:-6], H))
    assert (table["cutoff"] < table["ds"]).all()


def test_score_test_part_forecasts_one_horizon_at_a_time(fitted):
    state = fitted.state_
    context, split = PanelContext.from_panel(state.panel), Split(30, 0, 6)
    evaluation = score_test_part(state.calibrator, state.ensemble, state.panel, context, split, 12, (80.0,))
    assert evaluation.split_sizes == split
    series, rows = state.panel.series(0), evaluation.table["unique_id"] == "s00"
    expected = np.concatenate([drift(series[:-6], H), drift(series[:-2], H)[:2]])
    np.testing.assert_allclose(evaluation.table["Drift"][rows], expected)
    errors = np.abs(evaluation.table["y"] - evaluation.table["Drift"]).reshape(3, 6)
    assert evaluation.scores[0].mae == pytest.approx(errors.mean())


def test_test_table_of_one_series_has_no_id():
    panel = Forecaster(H, model="naive").fit(monthly(np.arange(30.0))).panel_
    cutoff, table = test_table(panel, 6)
    assert list(table) == ["ds", "y"]
    assert table["y"].tolist() == list(range(24, 30))
    assert cutoff.astype("M8[M]") == np.datetime64("2001-12")


def test_score_test_part_is_the_same_for_a_few_origins_at_a_time(fitted, monkeypatch):
    state = fitted.state_
    arguments = (
        state.calibrator,
        state.ensemble,
        state.panel,
        PanelContext.from_panel(state.panel),
        Split(22, 0, 14),
        12,
    )
    whole = score_test_part(*arguments, (80.0,))
    monkeypatch.setattr("gatecast.evaluation.backtest.MAX_PAST_VALUES", 1)
    parts = score_test_part(*arguments, (80.0,))
    assert list(parts.table) == list(whole.table)
    for name, column in whole.table.items():
        np.testing.assert_array_equal(parts.table[name], column)


def test_score_test_part_of_known_quantiles_is_that_of_forecasting_again(fitted, monkeypatch):
    state, context = fitted.state_, PanelContext.from_panel(fitted.state_.panel)
    arguments = (state.calibrator, state.ensemble, state.panel, context, Split(22, 0, 14), 12, (80.0,))
    offsets = np.array([14, 13, 10, 6, 2])
    past = forecast_past(state.ensemble, context, offsets, 12)
    known = select_origins(past, offsets, np.arange(14, 0, -H), H).quantiles
    again = score_test_part(*arguments)
    monkeypatch.setattr("gatecast.evaluation.backtest.MAX_PAST_VALUES", 1)
    taken = score_test_part(*arguments, known)
    for name, column in again.table.items():
        np.testing.assert_array_equal(taken.table[name], column)
    assert taken.scores == again.scores


def test_backtest_without_a_season_shows_the_value_of_a_cycle_ago_beside_naive():
    y = np.random.default_rng(0).normal(0, 1, 40).cumsum()
    table = {"ds": np.datetime64("2020-01") + np.arange(40), "y": y}
    forecaster = Forecaster(3, model="dot").fit(table)
    models = [score.model for score in forecaster.evaluation_.scores]
    assert forecaster.season_length_ == 1
    assert models == ["DynamicOptimizedTheta", "Naive", "SeasonalNaive", "Drift", "Mean"]
    scored = forecaster.evaluation_.table
    assert scored["SeasonalNaive"].tolist() == y[-3 - 12 : -12].tolist()


@pytest.mark.parametrize("n_test", [4, 5, 6, 11])
def test_score_test_part_has_the_forecasts_of_each_window(fitted, n_test):
    state, levels = fitted.state_, (80.0, 95.0)
    panel, context = state.panel, PanelContext.from_panel(state.panel)
    split = Split(40 - n_test, 0, n_test)
    evaluation = score_test_part(state.calibrator, state.ensemble, panel, context, split, 12, levels)
    arguments = (state.calibrator, state.ensemble, panel, context)
    windows = [forecast_window(*arguments, offset, 12, levels) for offset in range(n_test, 0, -H)]
    for name, column in evaluation.table.items():
        by_series = column.reshape(3, n_test)
        joined = np.concatenate([window[name].reshape(3, H) for window in windows], axis=1)
        np.testing.assert_array_equal(by_series, joined[:, :n_test], err_msg=name)
    assert set(evaluation.table) == set(windows[0]) - {"cutoff"}
    y, main = evaluation.table["y"], evaluation.scores[0]
    for level in (80, 95):
        inside = (evaluation.table[f"Drift-lo-{level}"] <= y) & (y <= evaluation.table[f"Drift-hi-{level}"])
        assert main.coverage[level] == pytest.approx(100 * inside.mean())
    assert evaluation.cutoff == windows[0]["cutoff"].max()
    assert (evaluation.season_length, evaluation.horizon) == (12, H)


def test_score_test_part_of_series_shorter_than_it_has_their_rows():
    state = Forecaster(H, model="drift", season_length=1).fit(ragged_panel([40, 5, 30]), evaluate=False).state_
    split = Split(24, 0, 6)
    context = PanelContext.from_panel(state.panel)
    evaluation = score_test_part(state.calibrator, state.ensemble, state.panel, context, split, 1, (80.0,))
    assert [(evaluation.table["unique_id"] == name).sum() for name in ("s00", "s01", "s02")] == [6, 5, 6]
    values = np.concatenate([state.panel.series(s)[-6:] for s in range(3)])
    np.testing.assert_array_equal(evaluation.table["y"], values)
    # Naive is the reference, and stands before the value of a cycle ago, where no season was found.
    simple = [name for name in evaluation.table if name in ("Naive", "SeasonalNaive", "Mean")]
    assert simple == ["Naive", "SeasonalNaive", "Mean"]
    assert [score.model for score in evaluation.scores][:2] == ["Drift", "Naive"]


def test_test_table_begins_after_the_latest_cutoff():
    panel = Forecaster(H, model="naive").fit(ragged_panel([30, 4, 20]), evaluate=False).panel_
    cutoff, table = test_table(panel, 6)
    assert cutoff.astype("M8[M]") == np.datetime64("2010-01") + 23
    assert np.unique(table["unique_id"], return_counts=True)[1].tolist() == [6, 4, 6]
    cutoff, alone = test_table(panel.take([1]), 6)
    assert cutoff.astype("M8[M]") == np.datetime64("2010-01")
    assert list(alone) == ["ds", "y"]
    assert list(table) == ["unique_id", "ds", "y"]


def test_test_table_series_without_rows_before_it_has_no_cutoff():
    panel = Forecaster(H, model="naive").fit(ragged_panel([30, 4]), evaluate=False).panel_
    late = replace(panel, start=np.array(["2010-01", "2020-01"], "M8[us]"))
    assert test_table(late, 6)[0].astype("M8[M]") == np.datetime64("2010-01") + 23


def test_forecast_window_keeps_the_models_beside_their_ensemble():
    forecaster = Forecaster(H, model=["drift", "naive"], season_length=1, point="mean").fit(ragged_panel([40, 30, 50]))
    state = forecaster.state_
    context = PanelContext.from_panel(state.panel)
    table = forecast_window(state.calibrator, state.ensemble, state.panel, context, 6, 1, (80.0,))
    names = ["Ensemble", "Ensemble-lo-80", "Ensemble-hi-80", "Drift", "Naive", "SeasonalNaive", "Mean"]
    assert list(table)[4:] == names
    scores = [score.model for score in forecaster.evaluation_.scores]
    assert scores[:3] == ["Ensemble", "Drift", "Naive"]
    assert (
        forecaster.evaluation_.scores[0].measure
        != Forecaster(H, model="naive").fit(ragged_panel([40])).evaluation_.scores[0].measure
    )
