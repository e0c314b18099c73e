"""Settings and arrays of forecasters and streams, in memory: what comes back, and the limits of what is accepted."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import fields, replace

import numpy as np
import pytest
from file_cases import NO_VALUE, replaced
from panel_cases import ragged_panel

from gatecast._utils.digests import digest_of
from gatecast._utils.schema import SchemaError
from gatecast.config import DataConfig
from gatecast.data.frequency import MAX_TICKS
from gatecast.errors import ConfigError, FormatError, GatecastError
from gatecast.forecaster import Forecaster
from gatecast.forecasting.base import MAX_SEASON, Task
from gatecast.pipeline.file_schema import check_forecaster, check_stream
from gatecast.pipeline.serialization import from_file, to_file


def shops():
    """Two shops with two items, with columns of every role, and a future of one of them."""
    rng, n = np.random.default_rng(0), 40
    table = {
        "shop": np.repeat(["a", "b"], 2 * n),
        "item": np.tile(np.repeat(["x", "y"], n), 2),
        "ds": np.tile(np.arange("2020-01", "2023-05", dtype="M8[M]").astype("M8[D]"), 4),
        "y": 50 + rng.normal(size=4 * n).cumsum(),
        "promo": rng.normal(size=4 * n),
        "day": np.tile(["Mo", "Tu", "We", "Th"], n).astype(object),
        "visitors": rng.normal(size=4 * n),
        "size": np.repeat(rng.normal(size=4), n),
    }
    table["y"][np.tile(np.arange(n) >= n - 3, 4)] = np.nan
    data = DataConfig(
        futr_exog=["promo", "day"], hist_exog="visitors", stat_exog="size", lower_bound=-10, upper_bound=900
    )
    settings = {"model": ["drift", "naive"], "season_length": 1, "level": (70, 90), "id_col": ("shop", "item")}
    return Forecaster(3, data=data, hierarchy=True, **settings).fit(table)


@pytest.fixture(scope="module")
def saved():
    """The forecasters, and their files."""
    dates = {"ds": np.arange(30) + 7, "y": 9 + np.random.default_rng(1).normal(size=30)}
    forecasters = {
        "shops": shops(),
        "panel": Forecaster(4, model="naive", season_length=1).fit(ragged_panel([40, 20, 30]), evaluate=False),
        "numbered": Forecaster(2, model="mean", season_length=1, point="mean").fit(dates),
    }
    return {name: (f, *to_file(f.config, f.state_, "dict")) for name, f in forecasters.items()}


def again(settings, arrays):
    """Make a forecaster of what was saved, as JSON holds it."""
    return from_file("a.gatecast", json.loads(json.dumps(settings)), dict(arrays))


@pytest.mark.parametrize("name", ["shops", "panel", "numbered"])
def test_from_file_returns_what_was_fitted(saved, name):
    forecaster, settings, arrays = saved[name]
    config, state, kind = again(settings, arrays)
    assert (replace(config, model=None), kind) == (replace(forecaster.config, model=None), "dict")
    assert np.array_equal(config.model, forecaster.config.model)
    before = forecaster.state_
    for item in fields(before.panel):
        assert digest_of(getattr(state.panel, item.name)) == digest_of(getattr(before.panel, item.name)), item.name
    for one, other in zip(state.calibrator, before.calibrator, strict=True):
        assert digest_of(one) == digest_of(other)
    assert (state.season_length, state.notes, state.seconds) == (before.season_length, before.notes, before.seconds)
    assert state.ensemble.task == before.ensemble.task
    assert state.ensemble.columns == before.ensemble.columns
    assert [model.name for model in state.ensemble.configs] == [model.name for model in before.ensemble.configs]
    assert digest_of(state.ensemble.effects) == digest_of(before.ensemble.effects)
    assert (state.evaluation is None) == (before.evaluation is None)
    if before.evaluation is not None:
        for item in fields(before.evaluation):
            one, other = (getattr(e, item.name) for e in (state.evaluation, before.evaluation))
            if item.name != "findings":
                assert digest_of(one) == digest_of(other), item.name
        assert state.evaluation.findings == before.notes
    settings_again, arrays_again = to_file(config, state, kind)
    assert json.dumps(settings_again) == json.dumps(settings)
    assert list(arrays_again) == list(arrays)
    for key, array in arrays.items():
        np.testing.assert_array_equal(arrays_again[key], array)


def test_from_file_of_older_versions_takes_the_defaults(saved):
    _, settings, arrays = saved["panel"]
    for path in (
        ("calibrator", "point"),
        ("calibrator", "mean_factor"),
        ("calibrator", "assumed"),
        ("reconciliation",),
        ("panel", "keys"),
        ("panel", "known_future"),
        ("panel", "holidays"),
        ("panel", "levels"),
    ):
        settings = replaced(settings, path, NO_VALUE)
    _, state, _ = again(settings, arrays)
    assert (state.calibrator.point, state.calibrator.mean_factor) == ("median", 1.0)
    assert tuple(state.calibrator.assumed) == (1.5, True)
    assert state.calibrator.reconciler is None
    assert (state.panel.keys, state.panel.known_future, state.panel.holidays, state.panel.hierarchy) == (
        {},
        {},
        {},
        None,
    )


def test_to_file_of_ids_that_json_cannot_hold_is_refused(saved):
    forecaster = saved["panel"][0]
    days = np.array([dt.date(2020, 1, k) for k in (1, 2, 3)], object)
    state = replace(forecaster.state_, panel=replace(forecaster.panel_, ids=days))
    with pytest.raises(ConfigError, match="Series of these names cannot be saved") as caught:
        to_file(forecaster.config, state, "dict")
    assert "datetime.date(2020, 1, 1), expected text or numbers" in str(caught.value)


def test_from_file_keeps_numbers_as_ids():
    table = {"id": np.repeat([7, 3], 20), "ds": np.tile(np.arange(20), 2), "y": np.arange(40.0) % 7}
    forecaster = Forecaster(2, model="naive", season_length=1).fit(table, evaluate=False)
    ids = again(*to_file(forecaster.config, forecaster.state_, "dict"))[1].panel.ids
    assert ids.tolist() == forecaster.panel_.ids.tolist()
    assert ids.dtype.kind == forecaster.panel_.ids.dtype.kind


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        (("panel", "freq"), ["us", "D", "15min", "YE"], ["1", "2"]),
        (("panel", "clock"), [None, -1440, 1440], [-1441, 1441, 0.5]),
        (("calibrator", "error_autocorrelation"), [-1, 1, 0.5], [-1.01, 1.01, None]),
        (("calibrator", "mean_factor"), [0, 1000], [-0.1, 1001]),
        (("calibrator", "assumed", "factor"), [0, 1000], [-0.1, 1001]),
        (("calibrator", "season_length"), [1, MAX_SEASON], [0, MAX_SEASON + 1]),
        (("calibrator", "point"), ["median", "mean"], ["mode"]),
        (("calibrator", "levels", 0), [1, 99.9999999], [0.99, 100]),
        (("state", "season_length"), [1, MAX_SEASON], [0, MAX_SEASON + 1]),
        (("evaluation", "horizon"), [1, 10**6], [0, 10**6 + 1]),
        (("evaluation", "sizes"), [[0, 0, 0], [9, 0, 5], [0, 9, 1]], [[-1, 0, 0], [0, -1, 0], [0, 0, -1], [0, 0]]),
        (("evaluation", "season"), [1, MAX_SEASON], [0, MAX_SEASON + 1]),
        (("evaluation", "scores", 0, "n_worse"), [0, 7], [-1]),
        (("evaluation", "scores", 0, "n_missing"), [0, 7], [-1]),
        (("evaluation", "scores", 0, "mae"), [float("nan"), float("inf"), -3], ["1"]),
        (("evaluation", "scores"), [], [[]]),
        (("ensemble", "models"), [], [[]]),
        (("ensemble", "task", "season_length"), [1, MAX_SEASON], [0, MAX_SEASON + 1]),
        (("ensemble", "task", "panel_season"), [1, MAX_SEASON], [0, MAX_SEASON + 1]),
        (("ensemble", "task", "seasons"), [[], [1, MAX_SEASON]], [[0], [MAX_SEASON + 1]]),
        (("ensemble", "task", "seed"), [0, 2**40], [-1]),
        (("ensemble", "task", "horizon"), [], [0, 10**6 + 1]),
        (("calibrator", "bounds", "lower"), [-10, 899.9], [900, 901]),
        (
            ("calibrator", "weights"),
            [{"Drift": 0.5, "Naive": 0.5 + 9e-7}],
            [{"Drift": 0.5, "Naive": 0.5 + 2e-6}, {"Drift": 1.0}],
        ),
        (("calibrator", "name"), [], ["Drift", "Naive"]),
    ],
)
def test_check_forecaster_accepts_what_is_in_range_and_nothing_else(saved, path, good, bad):
    _, settings, arrays = saved["shops" if path[-1] != "panel" else "panel"]
    for value in good:
        check_forecaster(replaced(settings, path, value), arrays)
    for value in bad:
        with pytest.raises((SchemaError, GatecastError), match=r"calibrator|ensemble|evaluation|panel|state"):
            check_forecaster(replaced(settings, path, value), arrays)


def changed(array, index, value):
    """Return a copy of an array with another value at one place."""
    copy = array.copy()
    copy[index] = value
    return copy


@pytest.mark.parametrize(
    ("name", "index", "good", "bad", "text"),
    [
        ("indptr", 0, [0], [1], "does not cut 'values' into the series"),
        ("indptr", -1, [], [1], "does not cut 'values' into the series"),
        ("indptr", 1, [0], [10**6, -1], "does not cut 'values' into the series"),
        ("values", slice(None), [], [np.nan], "array 'values' has no number"),
        ("values", 0, [np.nan, 3.0], [np.inf], "'values' has 1 numbers that are infinite"),
        (
            "start",
            0,
            [MAX_TICKS, -MAX_TICKS],
            [MAX_TICKS + 1, -MAX_TICKS - 1],
            "times that no table may have",
        ),
        ("futr_exog.1", 130, [0.0, 3.0, np.nan], [4.0, -1.0, 0.5], "column 'day' has values that number none of its 4"),
        ("parents", (0, 0), [], [-1, 3], "array 'parents' does not name the sums of the series"),
        ("regression.futr_exog", (1, 0), [0.0, 1000.0], [-1e-9], "array 'regression.futr_exog' has deviations below 0"),
        ("regression.futr_exog", (2, 0), [100.0, -100.0], [100.1, -100.1], "or slopes beyond 100"),
        ("season.factors", 0, [1e-9], [0.0, -1.0, np.nan], "season.factors"),
        ("weights.Naive", 0, [], [-0.1, 2.0], r"arrays 'weights.\*' are not shares that sum to 1"),
        ("reconciliation.errors", (0, 0), [np.nan], [np.inf], "infinite"),
        ("margins.0", (0, 0), [-5.0], [np.nan], "not finite"),
        ("evaluation.0", 0, [np.nan], [np.inf], "infinite"),
    ],
)
def test_check_forecaster_arrays_are_in_range(saved, name, index, good, bad, text):
    _, settings, arrays = saved["shops"]
    for value in good:
        check_forecaster(settings, arrays | {name: changed(arrays[name], index, value)})
    for value in bad:
        with pytest.raises(SchemaError, match=text):
            check_forecaster(settings, arrays | {name: changed(arrays[name], index, value)})


def test_check_forecaster_arrays_have_the_sizes_of_the_settings(saved):
    for _, settings, arrays in saved.values():
        check_forecaster(settings, arrays)
        for name, array in arrays.items():
            if name.startswith("model."):
                continue
            for wrong in (array[..., None], array.astype(np.float32)):
                with pytest.raises(SchemaError, match=f"array '{name}' is"):
                    check_forecaster(settings, arrays | {name: wrong})
            longer = np.concatenate([array, array[-1:]])
            if name not in ("season.factors", "reconciliation.errors") and not name.startswith("evaluation."):
                with pytest.raises(SchemaError, match=r"array|column"):
                    check_forecaster(settings, arrays | {name: longer})


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (("panel", "ids", 0), "a/x", "panel.ids are not different from one another"),
        (("panel", "keys", "shop"), ["a"], "panel.keys.shop has 1 items, expected 7"),
        (("panel", "keys", "shop"), NO_VALUE, "panel.keys are not those of panel.names.id, shop, item"),
        (("panel", "keys", "colour"), ["a"] * 7, "panel.keys are not those of panel.names.id, shop, item"),
        (("panel", "columns", "hist_exog", 0), "promo", "panel.columns has an item twice"),
        (("panel", "columns", "stat_exog", 0), "promo", "panel.columns has an item twice"),
        (("panel", "known_future"), ["visitors"], "panel.known_future names 'visitors', expected one of promo, day"),
        (("panel", "categories"), {"colour": []}, "panel.categories names 'colour'"),
        (("panel", "holidays"), {"DE": ["size"]}, "panel.holidays.DE names 'size', expected one of promo, day"),
        (("panel", "levels"), [], "array 'parents' is"),
        (("panel", "levels", 1), ["day"], "panel.levels names 'day', expected one of shop, item"),
        (("panel", "levels"), None, "reconciliation goes with panel.levels, which is null"),
        (("panel", "dated"), False, "panel.freq is 'MS', which does not go with panel.dated"),
        (("panel", "freq"), "1", "does not go with panel.dated"),
        (("ensemble", "models", 1, "column"), "Drift", "ensemble.models has an item twice"),
        (("calibrator", "levels", 1), 50.0, "calibrator.levels has an item twice"),
        (("calibrator", "bounds", "upper"), -10, "calibrator.bounds.lower is -10, expected less than upper, -10"),
        (("calibrator", "weights"), {"Drift": 0.25, "Naive": 0.25}, "calibrator.weights sum to 0.5, expected 1"),
        (("evaluation", "sizes"), [1, 1, 10**9], "evaluation.sizes has more rows than the series"),
    ],
)
def test_check_forecaster_settings_do_not_contradict_one_another(saved, path, value, text):
    _, settings, arrays = saved["shops"]
    with pytest.raises(SchemaError, match=text):
        check_forecaster(replaced(settings, path, value), arrays)


def test_check_forecaster_weights_by_series_are_those_of_all_models_or_none(saved):
    _, settings, arrays = saved["shops"]
    with pytest.raises(SchemaError, match="weights of some models by series are missing"):
        check_forecaster(settings, {name: array for name, array in arrays.items() if name != "weights.Naive"})
    check_forecaster(settings, {name: array for name, array in arrays.items() if not name.startswith("weights.")})


@pytest.mark.parametrize(
    ("weight", "is_right"), [(0.0, True), (1.0, True), (-1e-3, False), (1.001, False), (-2.0, False)]
)
def test_check_forecaster_weights_by_series_are_shares(saved, weight, is_right):
    _, settings, arrays = saved["shops"]
    weights = {"weights.Drift": np.full(7, 1 - weight), "weights.Naive": np.full(7, weight)}
    if is_right:
        check_forecaster(settings, arrays | weights)
    else:
        with pytest.raises(SchemaError, match=r"arrays 'weights\.\*' are not shares"):
            check_forecaster(settings, arrays | weights)


def test_check_forecaster_quotes_the_beginning_of_a_name(saved):
    _, settings, arrays = saved["panel"]
    with pytest.raises(SchemaError, match=f"calibrator.name is '{'n' * 40}', expected 'Naive'"):
        check_forecaster(replaced(settings, ("calibrator", "name"), "n" * 50), arrays)


def test_lists_of_names_have_at_most_100_000(saved):
    _, settings, arrays = saved["panel"]
    names = [str(k) for k in range(10**5 + 1)]
    with pytest.raises(SchemaError, match="as many items from 0 to 100000"):
        check_forecaster(replaced(settings, ("panel", "columns", "futr_exog"), names), arrays)
    with pytest.raises(SchemaError, match=r"array 'futr_exog\.0' is missing"):
        check_forecaster(replaced(settings, ("panel", "columns", "futr_exog"), names[:-1]), arrays)


def test_check_forecaster_of_numbered_times_has_a_limit_too(saved):
    _, settings, arrays = saved["numbered"]
    for start in (MAX_TICKS, -MAX_TICKS):
        check_forecaster(settings, arrays | {"start": np.array([start])})
        with pytest.raises(SchemaError, match="times that no table may have"):
            check_forecaster(settings, arrays | {"start": np.array([start + np.sign(start)])})


def test_from_file_of_other_bounds_names_them(saved):
    _, settings, arrays = saved["shops"]
    with pytest.raises(FormatError, match=r"calibrator\.bounds are not those of config.data"):
        again(replaced(settings, ("calibrator", "bounds", "upper"), 800), arrays)
    with pytest.raises(FormatError, match=r"config\.h is 1000001, expected at most 1,000,000"):
        again(replaced(settings, ("config", "h"), 10**6 + 1), arrays)
    assert again(replaced(settings, ("config", "h"), 10**6), arrays)[0].h == 10**6
    with pytest.raises(FormatError, match="Invalid freq"):
        again(replaced(settings, ("config", "freq"), "eons"), arrays)


STREAM = {"n_steps": 3, "level": 80.0, "levels": [80.0, 95.0], "days": None}
TASK = Task(3, quantiles=(0.1, 0.5, 0.9))


def stream_arrays(n=2, h=3, q=3):
    """Arrays of a stream of two series."""
    numbers = {name: np.zeros(n, np.int64) for name in ("series", "end", "last_step", "run", "calendar")}
    return numbers | {
        "margins.0": np.zeros((h, 2)),
        "margins.1": np.zeros((h, 2)),
        "values": np.full((n, 9), np.nan),
        "quantiles": np.full((h, n, h, q), np.nan),
        "unit": np.full((h, n), np.nan),
        "stat_exog": np.zeros((n, 0)),
    }


def test_check_stream_returns_its_settings():
    assert check_stream(STREAM, stream_arrays(), TASK, 2) == STREAM
    assert check_stream(STREAM | {"n_steps": 0, "days": 7, "level": 1}, stream_arrays(), TASK, 2)["days"] == 7
    assert check_stream(STREAM | {"n_steps": 10**12}, stream_arrays(), TASK, 2)["n_steps"] == 10**12
    without = {name: array for name, array in stream_arrays().items() if name != "calendar"}
    check_stream(STREAM, without, TASK, 2)
    with pytest.raises(SchemaError, match="'calendar' is missing"):
        check_stream(STREAM | {"days": 1}, without, TASK, 2)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"n_steps": -1}, "stream.n_steps is -1"),
        ({"n_steps": 10**12 + 1}, "stream.n_steps is"),
        ({"days": 2}, "stream.days is 2"),
        ({"levels": []}, "stream.levels is"),
        ({"levels": [80.0, 80.0]}, "stream.levels has an item twice"),
        ({"level": 0.5}, "stream.level is 0.5"),
    ],
)
def test_check_stream_settings_are_in_range(settings, text):
    with pytest.raises(SchemaError, match=text):
        check_stream(STREAM | settings, stream_arrays(), TASK, 2)


@pytest.mark.parametrize("name", stream_arrays())
def test_check_stream_arrays_have_the_sizes_of_the_settings(name):
    arrays = stream_arrays()
    settings = STREAM | {"days": 1}
    wrong = [arrays[name][..., None], np.concatenate([arrays[name], arrays[name]]), arrays[name].astype("f4")]
    if name in ("margins.0", "margins.1"):
        wrong.append(np.full((3, 2), np.nan))
    if arrays[name].dtype.kind == "f" and arrays[name].size:
        wrong.append(np.full_like(arrays[name], np.inf))
    if name == "run":
        wrong.append(np.array([0, -1]))
    for array in wrong:
        with pytest.raises(SchemaError, match=f"'{name}'"):
            check_stream(settings, arrays | {name: array}, TASK, 2)
