"""Explanations of forecasts: exact gradients, parts that add up, and planted causes that are found."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from gatecast.explain.panel_paths import AttributionTarget, differentiable_path, make_cells
from gatecast.forecasting.voices import Hybrids, Theta
from hypothesis import given
from hypothesis import strategies as st

from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.data.panel import from_values
from gatecast.errors import ConfigError, DataError
from gatecast.evaluation.calibration import default_calibrator
from gatecast.explain.forecast_attribution import explain
from gatecast.forecasting import ensemble
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.exogenous_regression import remove_effects
from gatecast.forecasting.panel_rnn import model as panel_lstm
from gatecast.forecasting.panel_rnn.windows import PanelRNNSettings, inputs, inputs_backward, scale_series
from gatecast.forecasting.presets import make_recipe
from gatecast.forecasting.scaling import fit_scaler
from gatecast.forecasting.sequential_model import model as own_network
from gatecast.layers import LSTM, Dense, Input, QuantileHead
from gatecast.models import Sequential
from gatecast.pipeline.fit import FittedState


def trained(panel, h, model="lstm", season=1, members=1, steps=60, units=8, **training):
    """Models as a forecaster has them, learnt in a moment."""
    sizes, how = NetworkConfig(units=units), TrainingConfig(n_members=members, max_steps=steps, **training)
    recipe = make_recipe(h, season, panel.lengths, model, sizes, how)
    learned = ensemble.learn(PanelContext.from_panel(panel), h, season, recipe, seed=0)
    start = default_calibrator(ensemble.names(recipe), recipe.probabilities, [80], h)
    return FittedState(panel, h, season, [], learned, start, None, {}, 0.0)


def recurring(rng, n, lag, weight=0.9):
    """x[t] = weight x[t - lag] + noise."""
    x = rng.normal(size=n)
    for t in range(lag, n):
        x[t] += weight * x[t - lag]
    return x


def panel_of(rng, n=90, h=6):
    """One positive series with a gap, two known columns (one of words), a historic and a static one; what comes."""
    promo, word = (rng.random(n + h) < 0.3) * 1.0, rng.integers(0, 3, n + h) * 1.0
    hist = rng.normal(size=n)
    y = np.exp(3 + 0.4 * promo[:n] + np.cumsum(rng.normal(0, 0.05, n)) + 0.1 * np.roll(hist, 1))
    y[40:43] = np.nan
    panel = replace(
        from_values(y, start="2024-01-01", freq="D"),
        known={"promo": promo[:n], "word": word[:n]},
        historic={"hist": hist},
        static={"size": np.array([3.0])},
        categories={"word": ("a", "b", "c")},
    )
    return panel, PanelContext.from_panel(panel, {"promo": promo[None, n:], "word": word[None, n:]})


@pytest.fixture(scope="module")
def beside():
    """Models of a series with columns, the panel and the history."""
    panel, history = panel_of(np.random.default_rng(3))
    return trained(panel, 6, members=2), panel, history


@given(
    st.integers(2, 6), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 4), st.integers(0, 10**6)
)
def test_the_way_back_through_the_inputs_is_that_of_differences(w, level, segment, F, O, seed):  # noqa: E741
    rng = np.random.default_rng(seed)
    P, T, ahead = 3, (O - 1) * segment + 4, np.array([1, 2, 5])
    values = 50 + np.cumsum(rng.normal(size=(P, T)), axis=1)
    values[rng.random((P, T)) < 0.15] = np.nan
    none = PanelContext.from_values(values)
    history = replace(
        none, known=rng.normal(size=(P, T + 3, F)), historic=rng.normal(size=(P, T, F)), static=rng.normal(size=(P, F))
    )
    settings = PanelRNNSettings(w, level_window=level, level_position_weight=2.0, stride=segment)
    rows = scale_series(history, fit_scaler(values, 1), settings)
    # Some of what is read lies beyond the cut; no series is so narrow that its place is a jump.
    far = (rows.z * np.where(rng.random(rows.z.shape) < 0.1, 40, 1)).astype(np.float32)
    rows = rows._replace(z=far, spread=np.maximum(rows.spread, 1))
    origins = T - 1 - segment * np.arange(O)[::-1]
    which = np.arange(P)[:, None]

    def both(z, columns):
        """Inputs and levels."""
        there = replace(history, **columns)
        return inputs(rows._replace(z=np.float32(z), history=there), which, origins[None], ahead, settings)

    own = {name: getattr(history, name) for name in ("known", "historic", "static")}
    x, heights = both(rows.z, own)
    dx, dlevel = rng.normal(size=x.shape), rng.normal(size=heights.shape)
    slopes = inputs_backward(rows, origins, ahead, settings, dx, dlevel)
    for name in ("z", *own):
        at = rows.z.astype(np.float64) if name == "z" else own[name]
        way = rng.normal(size=at.shape)
        said = []
        for sign in (1, -1):
            moved = at + sign * 1e-3 * way
            one, two = both(moved, own) if name == "z" else both(rows.z, own | {name: moved})
            said.append((one.astype(np.float64) * dx).sum() + (two.astype(np.float64) * dlevel).sum())
        # Rounding to float32, of numbers up to the cut, in a quotient.
        allowed = 5e-3 * (1 + float(np.sqrt((dx**2).sum())))
        assert abs((said[0] - said[1]) / 2e-3 - (getattr(slopes, name) * way).sum()) < allowed


def member_of(kind, panel, history, h=6):
    """A network with weights that are large enough to bend, prepared history and the season."""
    if kind == "own":
        layers = [Input((8, 2)), LSTM(5), Dense(h)]
        found = trained(panel, h, Sequential(layers), steps=5)
    elif kind == "own quantiles, flat":
        found = trained(panel, h, Sequential([Dense(9, activation="tanh"), Dense(5 * h), QuantileHead(5)]), steps=5)
    else:
        found = trained(panel, h, steps=5, season=7 if kind == "season" else 1)
    voice = found.learned.voices[0]
    member = voice.members[0]
    member.weights.vector[:] += np.random.default_rng(1).normal(size=member.weights.vector.size) * 0.3
    return member, found.learned.effects, voice.season


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("kind", ["plain", "season", "own", "own quantiles, flat"])
def test_the_whole_way_is_the_forecast_and_its_gradient_that_of_differences(kind, mixed):
    rng = np.random.default_rng(7)
    panel, history = panel_of(rng)
    if mixed:
        panel = replace(panel, values=panel.values - 20)
        history = replace(history, values=history.values - 20)
    member, effects, season = member_of(kind, panel, history)
    effects = effects._replace(known=np.concatenate([effects.futr_exog[:2], rng.normal(size=(1, 4)) * 0.2]))
    clean, frame = remove_effects(effects, history), fit_scaler(history.values, 1)
    shares = clean.futr_exog[0, 90 + 4] * effects.futr_exog[2]
    cells = make_cells(90, 6, (np.array([0, 1, 1, 1]), np.array([0]), np.array([0])), (2, 1, 1))
    way = differentiable_path(
        member, clean, season, AttributionTarget(4, 3, shares, bool(frame.positive[0]), float(frame.unit[0])), cells
    )
    if kind.startswith("own"):
        said = own_network.predict_quantiles(member, clean.values, season)
    else:
        said = panel_lstm.predict_quantiles(member, clean, season)
    ahead = ensemble.restore_effects(effects, history, said)[0, 4, 3]
    value, slopes = way.graded(way.actual)
    assert value[0] == pytest.approx(ahead, rel=1e-5)
    assert way.say(way.actual)[0] == pytest.approx(value[0], rel=1e-6)
    assert frame.positive[0] == (not mixed)
    place = way.actual * 0.6
    slopes = way.graded(place)[1]
    for _ in range(6):
        step = rng.normal(size=place.shape) * (rng.random(place.shape) < 0.3)
        rise = np.diff(way.say(np.concatenate([place - 1e-3 * step, place + 1e-3 * step])))[0] / 2e-3
        assert rise == pytest.approx(
            float((slopes * step).sum()), rel=0.02, abs=2e-3 * np.abs(slopes * step).sum() + 1e-6
        )


def test_the_parts_add_up_for_any_step_and_quantile(beside):
    made, panel, history = beside

    @given(st.integers(1, 6), st.sampled_from(made.learned.probabilities))
    def check(step, quantile):
        found = explain(made, panel, history, 0, step, quantile)
        clean = remove_effects(made.learned.effects, history)
        said = [panel_lstm.predict_quantiles(member, clean, 1) for member in made.learned.voices[0].members]
        mean = np.mean([ensemble.restore_effects(made.learned.effects, history, one) for one in said], axis=0)
        number = made.learned.probabilities.index(quantile)
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
    words = np.argmax(history.known[0, :, 1:], axis=1)
    np.testing.assert_array_equal(table["value"][known], words[-len(table["value"][known]) :])
    assert (table["role"] == "historic").sum() > 10
    assert table["value"][table["role"] == "static"].tolist() == [3.0]
    effect = table["role"] == "effect"
    assert table["feature"][effect].tolist() == ["promo"]
    assert table["lag"][effect].tolist() == [-1]


def test_the_effect_of_a_known_column_is_what_the_regression_adds(beside):
    made, panel, history = beside
    found = explain(made, panel, history, 0, 2)
    share = remove_effects(made.learned.effects, history).futr_exog[0, 91] @ made.learned.effects.known[2]
    # A factor on what grows from the one forecast to the other.
    ends = [(np.exp(share) - 1) * found.baseline, (1 - np.exp(-share)) * found.forecast]
    added = found.table["attribution"][found.table["role"] == "effect"].sum()
    assert added == pytest.approx(np.mean(ends), rel=0.02)
    assert abs(added) > 1


@pytest.fixture(scope="module")
def weekly():
    """A series that comes again after 7 steps, and models that have learnt it."""
    panel = from_values(recurring(np.random.default_rng(11), 260, 7))
    return trained(panel, 7, steps=120, units=16), panel


def sizes(made, panel, **asked):
    """Mean size of what each of the newest 30 values adds, over 12 origins."""
    whole, size = PanelContext.from_panel(panel), np.zeros(30)
    for back in range(12):
        found = explain(made, panel.head(back), whole.drop_last(back), 0, 1, **asked).table
        near = found["lag"] <= 30
        size[found["lag"][near] - 1] += np.abs(found["attribution"][near]) / 12
    return size


@pytest.mark.parametrize("method", ["integrated", "gradient", "occlusion"])
def test_a_planted_lag_comes_first(weekly, method):
    size = sizes(*weekly, method=method)
    assert size.argmax() + 1 == 7
    assert size[6] > 2 * np.sort(size)[-2]


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
        historic={name: x[:, k] for k, name in enumerate(names)},
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
        f"For 2024-04-01, step 2, the LSTM networks say {found.forecast:.4g} (median); of a series that stayed at its "
    )
    assert found.sentence.startswith(text + f"newest level they would say {found.baseline:.4g}, a difference of ")
    assert "column promo (" in found.sentence
    assert found.sentence.endswith("All parts add up to the difference, within 0.001 % of their size.")
    found = explain(*weekly, PanelContext.from_panel(weekly[1]), 0, 1, 0.9, "occlusion")
    assert "(0.9 quantile)" in found.sentence
    assert "lag 7 (" in found.sentence
    assert found.sentence.endswith("by this method they need not add up.")
    half = made._replace(calibration=made.calibration._replace(weights={"LSTM": 0.25, "DOT": 0.75}))
    assert "a weight of 25% in the forecast; the other models" in explain(half, panel, history, 0).sentence


def test_a_network_of_ones_own_is_explained(weekly):
    panel = weekly[1]
    made = trained(panel, 3, Sequential([Dense(3)]), steps=600, rate=3e-2)
    found = explain(made, panel, PanelContext.from_panel(panel), 0)
    assert "the networks of your own say" in found.sentence
    assert found.error < 1e-4
    assert sizes(made, panel).argmax() + 1 == 7


def test_a_flat_series_and_one_of_a_single_value_have_nothing_to_tell():
    panel = from_values(np.full(40, 5.0))
    made = trained(panel, 3, steps=5)
    found = explain(made, panel, PanelContext.from_panel(panel), 0)
    assert (found.table["attribution"] == 0).all()
    assert (found.completeness_error, found.error) == (0, 0)
    assert "Nothing that they read matters." in found.sentence
    one = from_values([np.nan, 7.0])
    found = explain(made, one, PanelContext.from_panel(one), 0, method="occlusion")
    assert found.table["lag"].tolist() == [1]


def test_what_cannot_be_explained_says_why(beside, weekly):
    made, panel, history = beside
    ask = partial(explain, made, panel, history)
    with pytest.raises(ConfigError, match="there is no such step: got 7, expected a whole number from 1 to 6, the hor"):
        ask(0, 7)
    with pytest.raises(ConfigError, match=r"was not learnt: got 0.3, expected one of 0.025, 0.1, 0.5, 0.9, 0.975"):
        ask(0, 1, 0.3)
    with pytest.raises(ConfigError, match="this quantile was not learnt: got 'median'"):
        ask(0, 1, "median")
    with pytest.raises(ConfigError, match="there is no such step: got True"):
        ask(0, True)
    with pytest.raises(ConfigError, match="got 'shap', expected 'integrated' or 'gradient' or 'occlusion'"):
        ask(0, method="shap")
    with pytest.raises(ConfigError, match="there is no such series: got 1, expected 0 to 0"):
        ask(1)
    with pytest.raises(ConfigError, match=r"got 0 steps, expected 'promo', 'word' for 6 steps\. Give them as futr_df"):
        explain(made, panel, PanelContext.from_panel(panel), 0)
    others = made.learned._replace(voices=(Hybrids(()), Theta(6, 1, (0.5,))))
    with pytest.raises(ConfigError, match="this model cannot be explained: got ES-LSTM, DOT, expected LSTM, GRU"):
        explain(made._replace(learned=others), panel, history, 0)
    none = from_values(np.full(20, np.nan))
    with pytest.raises(DataError, match="a series has no values"):
        explain(weekly[0], none, PanelContext.from_panel(none), 0)
