"""The pretrained network as a model: no fitting, one pass for all origins, weights that are checked."""

from __future__ import annotations

import html
import json
import pickle
import weakref
from dataclasses import replace

import numpy as np
import pytest

from gatecast import Forecaster
from gatecast._utils import safefile
from gatecast.errors import ConfigError, FormatError, NotFittedError
from gatecast.forecasting.base import QUANTILES, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.held_results import held_results, holding_results
from gatecast.forecasting.pretrained import shared_passes
from gatecast.forecasting.pretrained.choice import choose_networks
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.kinds import HF, LF
from gatecast.forecasting.pretrained.lf import predict as lf
from gatecast.forecasting.pretrained.model import Pretrained, at_levels
from gatecast.forecasting.pretrained.released import WEIGHTS, load_released, why_unavailable
from gatecast.forecasting.pretrained.shared_passes import shared_origins
from gatecast.forecasting.pretrained.simple_forecast_weights import simple_forecast_weights
from gatecast.pipeline import fit as fitting

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
    values[3] -= 1.2  # negative values: at low frequency no pass is shared
    past, _ = PanelContext.from_values(values).rolling_origins(np.array([40, 17, 5, 0]), 12)
    task = Task(12, 12)
    model = Pretrained().fit(past, task)
    shared = model.predict_quantiles(past)
    origins = shared_origins(past)
    assert origins[:, 1].max() == 40
    alone = [model.predict_quantiles(past.take(slice(k, k + len(values)))) for k in range(0, len(past), len(values))]
    np.testing.assert_array_equal(shared, np.concatenate(alone))


def origins_by_loops(context):
    """Return what `shared_origins` should, one value at a time."""
    out = []
    for k, (series, end) in enumerate(zip(context.series, context.end, strict=True)):
        rows = [j for j in range(len(context)) if context.series[j] == series]
        newest = max(rows, key=lambda j: context.end[j])
        d, row, held = context.end[newest] - end, context.values[k], context.values[newest]
        earlier = np.concatenate([np.full(d, np.nan), held[: len(held) - d]])
        same = d > 0 and np.array_equal(row, earlier, equal_nan=True)
        out.append((newest, d) if same else (k, 0))
    return out


@pytest.mark.parametrize("chunk", [1, 100, 1 << 20])
def test_shared_origins_are_those_of_a_comparison_by_value(rng, chunk, monkeypatch):
    monkeypatch.setattr(shared_passes, "CHUNK_VALUES", chunk)
    values = panel(rng)
    values[rng.random(values.shape) < 0.1] = np.nan
    values[2] -= 1.2
    past, _ = PanelContext.from_values(values).rolling_origins(np.array([40, 17, 5, 0]), 12)
    changed = past.values.copy()
    changed[4, -3] += 1
    for context in (past, past.with_values(changed), past.take(slice(len(values), None))):
        assert list(map(tuple, shared_origins(context).tolist())) == origins_by_loops(context)


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


def wave(level, amplitude):
    """Return 8 years of months."""
    return level + amplitude * np.sin(np.arange(96) * np.pi / 6)


@pytest.mark.parametrize(
    ("level", "amplitude", "with_zeros"), [(-100, 10, False), (-3, 12, False), (0, 5, False), (-40, 10, True)]
)
@pytest.mark.parametrize("beside", [False, True])
def test_forecast_of_negative_values_follows_them(level, amplitude, with_zeros, beside):
    y = wave(level, amplitude)
    if with_zeros:
        y[::7] = 0.0
    # A series with zeros in the same batch has a place of zeros, which is not that of others.
    counts = np.arange(96) % 5
    forecast = predict(PanelContext.from_values(np.stack([y, counts]) if beside else y[None]))[0]
    median = forecast[:, forecast.shape[1] // 2]
    assert with_zeros or np.corrcoef(median, wave(level, amplitude)[:12])[0, 1] > 0.9
    assert np.abs(median - wave(level, amplitude)[:12]).mean() < (15 if with_zeros else 0.2 * amplitude)
    assert forecast.min() < -0.5 * amplitude


@pytest.mark.parametrize("level", [1e4, 1e6, -1e4, -1e6, 1e8])
def test_a_level_far_above_the_changes_of_a_series_takes_no_accuracy(level, rng):
    noise = rng.normal(0, 3, (8, 132))
    forecast = predict(PanelContext.from_values(noise[:, :120] + level)) - level
    actual = noise[:, 120:]
    assert np.abs(forecast[..., 2] - actual).mean() < 3.3
    inside = (forecast[..., 0] <= actual) & (actual <= forecast[..., -1])
    assert 0.7 < inside.mean() <= 1
    assert (forecast[..., -1] - forecast[..., 0]).mean() < 20


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


@pytest.mark.parametrize("n_series", [1, 20])
def test_predict_without_fit_reads_series_once_and_has_the_bits_of_one_pass_for_each_origin(n_series, monkeypatch, rng):
    values = np.exp(rng.normal(0, 0.05, (n_series, 140)).cumsum(axis=1) + np.sin(np.arange(140) * np.pi / 6))
    values[rng.random(values.shape) < 0.05] = np.nan
    values[0, ::9] = 0.0
    rows = {"unique_id": np.repeat(np.arange(n_series), 140), "ds": np.tile(np.arange(140), n_series)}
    results = []
    for reads_ahead in (True, False):
        n_passes = []
        with monkeypatch.context() as patch:
            patch.setattr(lf, "_run", lambda *args, n=n_passes, run=lf._run: n.append(1) or run(*args))
            if not reads_ahead:
                patch.setattr(Pretrained, "read_ahead", lambda *_: None)
            forecaster = Forecaster(6, model="pretrained", season_length=12)
            forecast = forecaster.predict({**rows, "y": values.ravel()}, output="dict")
        results.append((len(n_passes), forecast, forecaster.evaluation_.verdict))
    one, many = results
    assert (one[0], many[0]) == (1, 4)
    assert one[2] == many[2]
    for name, column in one[1].items():
        assert np.asarray(column).tobytes() == np.asarray(many[1][name]).tobytes(), name


def scores_computed(monkeypatch):
    """Return a list that grows with each computation of scores."""
    calls = []
    monkeypatch.setattr(fitting, "score_test_part", lambda *a, run=fitting.score_test_part: calls.append(1) or run(*a))
    return calls


def test_predict_without_fit_scores_when_asked_to_and_as_fit_does(monkeypatch):
    calls, table = scores_computed(monkeypatch), {"ds": MONTHS, "y": SALES}
    forecaster = Forecaster(12, model="pretrained")
    forecaster.predict(table)
    assert not calls
    later, again = forecaster.evaluation_, forecaster.evaluation_
    assert len(calls) == 1
    assert later is again
    at_once = Forecaster(12, model="pretrained").fit(table).evaluation_
    assert len(calls) == 2
    assert (later.verdict, later.findings) == (at_once.verdict, at_once.findings)
    for score, other in zip(later.scores, at_once.scores, strict=True):
        assert score == other
    for name, column in at_once.table.items():
        np.testing.assert_array_equal(later.table[name], column)


def test_deferred_scores_are_those_of_the_series_of_their_predict():
    forecaster = Forecaster(6, model="pretrained")
    forecaster.predict({"ds": MONTHS, "y": SALES})
    state = forecaster.state_
    forecaster.predict({"ds": MONTHS[:48], "y": 1000 * SALES[:48]})
    alone = Forecaster(6, model="pretrained").fit({"ds": MONTHS, "y": SALES})
    assert state.evaluation.verdict == alone.evaluation_.verdict
    assert forecaster.evaluation_.table["y"].min() > 1000


@pytest.mark.parametrize("way", ["save", "pickle", "plot", "html"])
def test_deferred_scores_are_there_where_they_are_needed(way, tmp_path):
    forecaster = Forecaster(6, model="pretrained")
    table = {"ds": MONTHS, "y": SALES}
    forecast, verdict = forecaster.predict(table), Forecaster(6, model="pretrained").fit(table).evaluation_.verdict
    if way == "save":
        forecaster.save(tmp_path / "passengers.gatecast")
        assert Forecaster.load(tmp_path / "passengers.gatecast").evaluation_.verdict == verdict
    elif way == "pickle":
        assert pickle.loads(pickle.dumps(forecaster)).evaluation_.verdict == verdict
    elif way == "plot":
        forecaster.plot(forecast, path=tmp_path / "passengers.svg")
        assert (tmp_path / "passengers.svg").stat().st_size > 1000
    else:
        assert html.escape(verdict) in forecaster._repr_html_()


@pytest.mark.parametrize(("columns", "limit"), [((), len(SALES) - 1), (("a", "b"), 3 * len(SALES) - 1)])
def test_predict_without_fit_of_many_values_scores_at_once(columns, limit, monkeypatch):
    monkeypatch.setattr(fitting, "MAX_DEFERRED_VALUES", limit)
    calls, table = scores_computed(monkeypatch), {"ds": MONTHS, "y": SALES, "a": SALES, "b": SALES}
    Forecaster(6, model="pretrained", target_col="y", hist_exog=columns).predict(table)
    assert len(calls) == 1
    monkeypatch.setattr(fitting, "MAX_DEFERRED_VALUES", limit + 1)
    Forecaster(6, model="pretrained", target_col="y", hist_exog=columns).predict(table)
    assert len(calls) == 1


def test_deferred_scores_hold_nothing_of_the_fit_but_what_they_need(monkeypatch):
    runs = []
    monkeypatch.setattr(fitting, "_Fit", lambda *a, make=fitting._Fit, **k: runs.append(make(*a, **k)) or runs[-1])
    forecaster = Forecaster(6, model="pretrained")
    forecaster.predict({"ds": MONTHS, "y": SALES})
    run = weakref.ref(runs.pop())
    assert run() is None
    assert forecaster.evaluation_ is not None


def test_an_attribute_error_of_deferred_scores_is_not_taken_for_a_missing_attribute(monkeypatch):
    forecaster = Forecaster(6, model="pretrained")
    forecaster.predict({"ds": MONTHS, "y": SALES})
    monkeypatch.setattr(fitting, "score_test_part", lambda *_: None.scores)
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'scores'"):
        forecaster.evaluation_  # noqa: B018


def test_predict_without_fit_holds_no_passes_of_many_or_long_series(monkeypatch):
    context = PanelContext.from_values(np.tile(SALES, (3, 1)))
    with holding_results():
        monkeypatch.setattr("gatecast.forecasting.pretrained.model.MAX_HELD", 2)
        Pretrained().read_ahead(context, Task(6, 12))
        Pretrained().read_ahead(PanelContext.from_values(np.ones((1, 161))), Task(6, 12))
        assert held_results() == {}
        Pretrained().read_ahead(context.take(slice(2)), Task(6, 12))
        assert held_results()
    assert held_results() is None


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


@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_are_small_and_have_a_card(kind):
    released = load_released(WEIGHTS[kind])
    assert {"seed", "steps", "tokens", "hours", "flop"} <= released.card.keys()
    assert np.isfinite(released.weights.vector).all()


def test_weights_of_both_networks_are_below_five_megabytes():
    assert sum(path.stat().st_size for path in WEIGHTS.values()) < 5_000_000


@pytest.mark.parametrize("kind", WEIGHTS)
def test_load_released_of_altered_weights_says_so(tmp_path, kind):
    data = bytearray(WEIGHTS[kind].read_bytes())
    data[-1000] ^= 1
    (tmp_path / kind).write_bytes(data)
    with pytest.raises(FormatError, match=r"altered.*pip install --force-reinstall"):
        load_released(tmp_path / kind)


def test_load_released_of_missing_weights_says_so(tmp_path):
    with pytest.raises(FormatError, match=r"no such file.*pip install --force-reinstall"):
        load_released(tmp_path / "lf")


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("change", [{"inputs": ["value"]}, {"units": 48}, {"block": 12}, {"units": "many"}])
def test_load_released_of_another_version_says_so(tmp_path, kind, change):
    settings, arrays = safefile.read(WEIGHTS[kind], "pretrained")
    settings["network"] |= change
    safefile.write(tmp_path / kind, "pretrained", json.loads(json.dumps(settings)), arrays)
    with pytest.raises(FormatError, match="another version"):
        load_released(tmp_path / kind)


def test_forecast_of_hours_without_the_weights_of_high_frequency_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(WEIGHTS, "hf", tmp_path / "hf")
    with pytest.raises(FormatError, match=r"pretrained weights cannot be used.*no such file"):
        predict(PanelContext.from_values(hours()), 24, 24)
    assert "no such file" in why_unavailable()


# Hours, days and minutes.


def hours(n_series=6, n=24 * 30, m=24):
    """Return series with a day, of which some are short."""
    rng = np.random.default_rng(0)
    y = 50 + 10 * np.sin(2 * np.pi * np.arange(n) / m) + rng.normal(0, 0.3, (n_series, n)).cumsum(axis=1)
    y[1, : n - 100] = np.nan
    y[2, : n - m - 3] = np.nan
    return y


def test_forecast_of_hours_goes_on_with_the_day():
    y = hours()
    task = Task(24, 24, (0.1, 0.5, 0.9), seasons=(24, 168))
    forecast = Pretrained().forecast(y, task)[..., 1]
    truth = 10 * np.sin(2 * np.pi * np.arange(720, 744) / 24)
    assert all(np.corrcoef(forecast[k], truth)[0, 1] > 0.9 for k in (0, 1, 3, 4, 5))


@pytest.mark.parametrize(
    ("m", "seasons"), [(7, ()), (24, (24, 168)), (48, (48, 336)), (96, (96, 672)), (365, (365,)), (7, (7, 365))]
)
@pytest.mark.parametrize("horizon", [1, 60])
def test_forecast_of_high_frequency_is_finite_and_ordered(m, seasons, horizon):
    y = hours(n=900, m=m)
    y[0, 300:340] = np.nan
    quantiles = Pretrained().forecast(y, Task(horizon, m, (0.025, 0.1, 0.5, 0.9, 0.975), seasons=seasons))
    assert quantiles.shape == (6, horizon, 5)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=2) >= 0).all()


def test_rows_of_high_frequency_are_forecast_as_series_that_end_there():
    past, _ = PanelContext.from_values(hours()).rolling_origins(np.array([40, 17, 0]), 24)
    task = Task(24, 24, seasons=(24, 168))
    rows = Pretrained().fit(past, task).predict_quantiles(past)
    for k in range(len(past)):
        alone = Pretrained().forecast(past.values[k : k + 1], task)[0]
        np.testing.assert_allclose(rows[k], alone, rtol=1e-4)


def test_forecast_of_high_frequency_does_not_read_later_values():
    y = hours()
    changed = y.copy()
    changed[:, -24:] = 1e4
    task = Task(24, 24, seasons=(24, 168))
    before, after = (PanelContext.from_values(v).rolling_origins(np.array([24]), 24)[0] for v in (y, changed))
    np.testing.assert_array_equal(Pretrained().forecast_rows(before, task), Pretrained().forecast_rows(after, task))


def test_steps_of_hours_are_forecast_as_the_past_is():
    y, task, carried = hours(), Task(24, 24, seasons=(24, 168)), None
    model = Pretrained().fit(PanelContext.from_values(y), task)
    for t in (700, 701, 702):
        context = PanelContext.from_values(y[:, :t])
        forecast, carried = model.step_quantiles(context, carried)
        np.testing.assert_allclose(forecast, model.predict_quantiles(context), rtol=1e-4)


def test_a_state_that_other_weights_have_left_is_not_read():
    y, task = 10 + np.random.default_rng(0).normal(size=(2, 60)).cumsum(axis=1), Task(6)
    past, now = (PanelContext.from_values(y[:, :n]) for n in (59, 60))
    model = Pretrained().fit(past, task)
    other = replace(model, tuned={"lf": 1.1 * model.low[1].vector})
    _, carried = other.step_quantiles(past, None)
    model.check_state({"weights": carried["weights"], "length": np.ones(7)}, 2)
    forecast, _ = model.step_quantiles(now, carried)
    assert forecast.tobytes() == model.step_quantiles(now, None)[0].tobytes()
    follows, _ = other.step_quantiles(now, carried)
    np.testing.assert_allclose(follows, other.predict_quantiles(now), rtol=1e-4)


def test_simple_forecast_weights_of_hours_name_their_copies():
    stamps = np.datetime64("2024-01-01T00") + np.arange(720)
    forecaster = Forecaster(24, model="pretrained")
    table = forecaster.simple_forecast_weights({"ds": stamps, "y": hours()[0]})
    assert {"last cycle", "mean week", "last value with shape"} <= set(table)
    assert table["first_step"].tolist() == [1, 7, 13, 19]
    assert table["last_step"].tolist() == [6, 12, 18, 24]
    np.testing.assert_allclose(sum(table[name] for name in HF.anchors), 1, rtol=1e-5)
    assert forecaster.findings_[-1].startswith("Steps 1 to 6 start from ")


def test_simple_forecast_weights_of_both_networks_share_a_table():
    y, low = hours(), load_released(WEIGHTS["lf"])
    networks = [(each.network, each.weights) for each in (low, load_released(WEIGHTS["hf"]))]
    weights = simple_forecast_weights(y, choose_networks(y, Task(24, 24, seasons=(24, 168))), *networks)
    assert weights.weights.shape == (6, 4, len(weights.names))
    np.testing.assert_allclose(weights.weights.sum(axis=2), 1, rtol=1e-5)
    drift = weights.weights[:, :, weights.names.index("drift")]
    assert (drift[2] > 0).all()
    assert not drift[0].any()


# Weights of simple forecasts.


def test_simple_forecast_weights_of_a_panel_sum_to_one_and_are_said():
    ids = np.repeat(["a", "b", "c"], 60)
    forecaster = Forecaster(6, model="pretrained")
    table = forecaster.simple_forecast_weights({"id": ids, "ds": np.tile(MONTHS, 3), "y": np.tile(SALES, 3)})
    assert table["id"].tolist() == list("aaabbbccc")
    assert table["first_step"].tolist() == [1, 9, 17] * 3
    assert table["last_step"].tolist() == [8, 16, 24] * 3
    weights = np.stack([table[name] for name in LF.anchors])
    np.testing.assert_allclose(weights.sum(axis=0), 1, rtol=1e-6)
    np.testing.assert_array_equal(weights[:, :3], weights[:, 6:])
    assert forecaster.findings_[-1].startswith("Steps 1 to 8 start from ")


def test_simple_forecast_weights_of_a_trend_are_of_drift_or_trend():
    table = Forecaster(6, model="pretrained").simple_forecast_weights({"ds": MONTHS, "y": 100.0 + 5 * np.arange(60)})
    assert sum(table[name][0] for name in ("drift", "damped trend", "line")) > 0.5


def test_simple_forecast_weights_of_other_models_are_refused():
    forecaster = Forecaster(6, model="dot").fit({"ds": MONTHS, "y": SALES})
    with pytest.raises(ConfigError, match=r"starts from simple forecasts.*got dot.*pretrained"):
        forecaster.simple_forecast_weights()


def test_forecaster_of_the_pretrained_network_has_its_quantiles():
    y = {"y": np.random.default_rng(0).poisson(0.4, 60).astype(float)}
    alone, joined = (
        Forecaster(4, model=model, season_length=1).fit(y) for model in ("pretrained", ["pretrained", "dot"])
    )
    assert alone.state_.ensemble.task.quantiles == LEVELS
    assert joined.state_.ensemble.task.quantiles == QUANTILES


def test_too_short_series_have_the_intervals_of_the_network():
    y = np.random.default_rng(0).poisson(0.4, (1, 14)).astype(float)
    forecaster = Forecaster(4, model="pretrained", season_length=1, level=[80, 95])
    forecast = forecaster.predict({"y": y[0]})
    quantiles = Pretrained().forecast(y, Task(4, 1, (0.025, 0.1, 0.5, 0.9, 0.975)))[0]
    columns = [forecast[f"Pretrained{side}"] for side in ("-lo-95", "-lo-80", "", "-hi-80", "-hi-95")]
    assert np.stack(columns, axis=1) == pytest.approx(quantiles)


@pytest.mark.parametrize("unit", [1.1, 1.7, 2.3])
def test_forecast_of_a_series_that_begins_with_zeros_does_not_depend_on_its_unit(unit):
    rng = np.random.default_rng(0)
    values = 5 * np.exp(np.cumsum(rng.normal(0, 0.1, (20, 32)), axis=1))
    values[:, :20] = 0.0
    said = [
        Pretrained().forecast(
            values * c,
            Task(6),
        )
        / c
        for c in (1.0, unit)
    ]
    np.testing.assert_allclose(said[1], said[0], rtol=1e-4)
