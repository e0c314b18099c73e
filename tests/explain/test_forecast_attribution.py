"""Explanations of forecasts: exact gradients, parts that add up, and planted causes that are found."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from attribution_cases import panel_of, trained
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.panel import from_values
from gatecast.data.panel_builder import build_panel
from gatecast.errors import ConfigError, DataError
from gatecast.evaluation.model_weights import ModelWeights
from gatecast.explain.forecast_attribution import explain
from gatecast.forecasting.context import PanelContext
from gatecast.layers import Dense
from gatecast.models import Sequential


def recurring(rng, n, lag, weight=0.9):
    """x[t] = weight x[t - lag] + noise."""
    x = rng.normal(size=n)
    for t in range(lag, n):
        x[t] += weight * x[t - lag]
    return x


@pytest.fixture(scope="module")
def beside():
    """Models of a series with columns, the panel and the history."""
    panel, history = panel_of(np.random.default_rng(3))
    return trained(panel, 6, members=2), panel, history


@pytest.mark.slow
def test_the_parts_add_up_for_any_step_and_quantile(beside):
    made, panel, history = beside

    @given(st.integers(1, 6), st.sampled_from(made.ensemble.task.quantiles))
    def check(step, quantile):
        found = explain(made, panel, history, 0, step, quantile)
        clean = made.ensemble.effects.remove(history)
        said = [member.predict_quantiles(clean) for member in made.ensemble.models[0].members]
        mean = np.mean([made.ensemble.effects.restore(history, one) for one in said], axis=0)
        number = made.ensemble.task.quantiles.index(quantile)
        assert found.forecast == pytest.approx(mean[0, step - 1, number], rel=1e-5)
        assert found.error < 1e-4
        assert found.forecast - found.baseline - found.completeness_error == pytest.approx(
            found.table["attribution"].sum(), abs=1e-9
        )

    check()


def test_the_table_says_what_came_when_and_of_what(beside):
    made, panel, history = beside
    found = explain(made, panel, history, 0, 2)
    table = found.table
    assert list(table) == ["time", "feature", "lag", "role", "value", "attribution"]
    assert found.time == np.datetime64("2024-01-01") + 91
    past = table["role"] == "value"
    assert set(table["feature"][past]) == {"y"}
    # Missing values are not told; what stands for them is.
    assert not set(table["lag"][past]) & {90 - 40, 90 - 41, 90 - 42}
    assert table["lag"][past][-1] == 1
    assert table["value"][past][-1] == panel.values[-1]
    assert table["time"][past][-1] == np.datetime64("2024-01-01") + 89
    assert table["attribution"][past][-1] == 0  # what the others are compared with
    assert np.abs(table["attribution"][past][-8:-1]).min() > 0
    known = (table["role"] == "known") & (table["feature"] == "word")
    assert table["lag"][known][-1] == -5
    words = np.argmax(history.futr_exog[0, :, 1:], axis=1)
    np.testing.assert_array_equal(table["value"][known], words[-len(table["value"][known]) :])
    assert (table["role"] == "historic").sum() > 10
    assert table["value"][table["role"] == "static"].tolist() == [3.0]
    effect = table["role"] == "effect"
    assert table["feature"][effect].tolist() == ["promo"]
    assert table["lag"][effect].tolist() == [-1]


def test_the_effect_of_a_known_column_is_what_the_regression_adds(beside):
    made, panel, history = beside
    found = explain(made, panel, history, 0, 2)
    share = made.ensemble.effects.remove(history).futr_exog[0, 91] @ made.ensemble.effects.regression.futr_exog[2]
    # A factor on what grows from the one forecast to the other.
    ends = [(np.exp(share) - 1) * found.baseline, (1 - np.exp(-share)) * found.forecast]
    added = found.table["attribution"][found.table["role"] == "effect"].sum()
    assert added == pytest.approx(np.mean(ends), rel=0.02)
    assert abs(added) > 1


def test_the_parts_of_a_short_series_add_up_to_the_forecast_with_the_season_of_the_others():
    rng, shape = np.random.default_rng(5), 0.4 * np.sin(np.arange(90) * np.pi / 6)
    y = np.exp(3 + shape + rng.normal(0, 0.03, (7, 90)))
    times, ids = np.tile(np.arange(90), 7), np.repeat(list("abcdefg"), 90)
    keep = (ids != "g") | (times >= 60)
    panel, _ = build_panel(times[keep], y.ravel()[keep], ids[keep])
    made = trained(panel, 6, season=12, panel_season=12)
    history = PanelContext.from_panel(panel).take([6])
    assert made.ensemble.effects.season.strengths(history)[0] == pytest.approx(1, abs=0.1)
    found = explain(made, panel, PanelContext.from_panel(panel), 6, 3)
    assert found.forecast == pytest.approx(made.ensemble.predict_quantiles(history)["LSTM"][0, 2, 2], rel=1e-5)
    assert found.error < 1e-4


@pytest.fixture(scope="module")
def weekly():
    """A series that comes again after 7 steps, and models that have learnt it."""
    panel = from_values(recurring(np.random.default_rng(11), 260, 7))
    return trained(panel, 7, steps=120, units=16), panel


def sizes(made, panel, **asked):
    """Mean size of what each of the newest 30 values adds, over 12 origins."""
    whole, size = PanelContext.from_panel(panel), np.zeros(30)
    for back in range(12):
        found = explain(made, panel.drop_last(back), whole.drop_last(back), 0, 1, **asked).table
        near = found["lag"] <= 30
        size[found["lag"][near] - 1] += np.abs(found["attribution"][near]) / 12
    return size


@pytest.mark.slow
@pytest.mark.parametrize("method", ["integrated", "gradient", "occlusion"])
def test_a_planted_lag_comes_first(weekly, method):
    size = sizes(*weekly, method=method)
    assert size.argmax() + 1 == 7
    assert size[6] > 2 * np.sort(size)[-2]


@pytest.mark.slow
def test_a_planted_column_comes_first_among_idle_ones():
    rng = np.random.default_rng(2)
    names, n, S = ["a", "b", "planted", "d"], 50, 30
    x = rng.normal(size=(S * n, 4))
    y = 20 + 3 * np.roll(x[:, 2], 1) + rng.normal(0, 0.3, S * n)
    panel = replace(
        from_values(y),
        indptr=np.arange(S + 1) * n,
        ids=np.arange(S).astype(object),
        start=np.ones(S, np.int64),
        hist_exog={name: x[:, k] for k, name in enumerate(names)},
    )
    made, history = trained(panel, 2, steps=80, units=16), PanelContext.from_panel(panel)
    size = dict.fromkeys(names, 0.0)
    for series in range(6):
        table = explain(made, panel, history, series, 1).table
        for name in names:
            size[name] += np.abs(table["attribution"][table["feature"] == name]).sum()
    assert max(size, key=lambda name: size[name]) == "planted"
    assert size["planted"] > 2 * sorted(size.values())[-2]


def test_the_sentence_says_what_matters_and_how_well_it_adds_up(beside, weekly):
    made, panel, history = beside
    found = explain(made, panel, history, 0, 2)
    text = (
        f"For 2024-04-01, step 2, the LSTM networks forecast {found.forecast:.4g} (median); for a series that stayed "
    )
    assert found.sentence.startswith(
        text + f"at its newest level they would forecast {found.baseline:.4g}, a difference of "
    )
    assert "column promo (" in found.sentence
    assert found.sentence.endswith("All contributions add up to the difference, within 0.001 % of their size.")
    found = explain(*weekly, PanelContext.from_panel(weekly[1]), 0, 1, 0.9, "occlusion")
    assert "(0.9 quantile)" in found.sentence
    assert "lag 7 (" in found.sentence
    assert found.sentence.endswith("with this method they need not add up.")
    weights = ModelWeights({"LSTM": 0.25, "DynamicOptimizedTheta": 0.75}, {})
    half = replace(made, calibrator=made.calibrator._replace(weights=weights))
    assert "a weight of 25% in the forecast; the other models" in explain(half, panel, history, 0).sentence


@pytest.mark.slow
def test_a_network_of_ones_own_is_explained(weekly):
    panel = weekly[1]
    made = trained(panel, 3, Sequential([Dense(3)]), steps=600, learning_rate=3e-2)
    found = explain(made, panel, PanelContext.from_panel(panel), 0)
    assert "your own networks forecast" in found.sentence
    assert found.error < 1e-4
    assert sizes(made, panel).argmax() + 1 == 7


def test_a_flat_series_and_one_of_a_single_value_have_nothing_to_tell():
    panel = from_values(np.full(40, 5.0))
    made = trained(panel, 3, steps=5)
    found = explain(made, panel, PanelContext.from_panel(panel), 0)
    assert (found.table["attribution"] == 0).all()
    assert (found.completeness_error, found.error) == (0, 0)
    assert "None of their inputs matters." in found.sentence
    one = from_values([np.nan, 7.0])
    found = explain(made, one, PanelContext.from_panel(one), 0, method="occlusion")
    assert found.table["lag"].tolist() == [1]


def test_what_cannot_be_explained_says_why(beside, weekly):
    made, panel, history = beside
    ask = partial(explain, made, panel, history)
    with pytest.raises(ConfigError, match="Invalid step 7: expected an integer from 1 to the horizon, 6"):
        ask(0, 7)
    with pytest.raises(ConfigError, match=r"Invalid quantile 0.3: expected one of 0.025, 0.1, 0.5, 0.9, 0.975"):
        ask(0, 1, 0.3)
    with pytest.raises(ConfigError, match="Invalid quantile 'median'"):
        ask(0, 1, "median")
    with pytest.raises(ConfigError, match="Invalid step True"):
        ask(0, True)
    with pytest.raises(ConfigError, match="Unknown method 'shap': expected 'integrated' or 'gradient' or 'occlusion'"):
        ask(0, method="shap")
    with pytest.raises(ConfigError, match="Invalid series 1: expected 0 to 0"):
        ask(1)
    with pytest.raises(ConfigError, match=r"got 0 steps, expected 'promo', 'word' for 6 steps\. Pass them as futr_df"):
        explain(made, panel, PanelContext.from_panel(panel), 0)
    others = trained(panel, 6, ["es-lstm", "dot"], steps=2)
    with pytest.raises(
        ConfigError, match="cannot be explained: got ES-LSTM, DynamicOptimizedTheta, expected lstm, gru"
    ):
        explain(others, panel, history, 0)
    none = from_values(np.full(20, np.nan))
    with pytest.raises(DataError, match="The series has no values"):
        explain(weekly[0], none, PanelContext.from_panel(none), 0)
