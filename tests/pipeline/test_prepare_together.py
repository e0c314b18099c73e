"""Preparing several forecasts at once gives what preparing each alone gives: panels, notes, bits of forecasts."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.config import DataConfig, ForecasterConfig
from gatecast.data.panel import Panel
from gatecast.forecasting.context import FIELDS
from gatecast.pipeline import prepare_together, together
from gatecast.pipeline.prepare_together import Preparations, Request
from gatecast.pipeline.together import forecast_together, prepare

N = 60
DAY = np.timedelta64(1, "D")


def texts(times, unit):
    return np.datetime_as_string(times.astype("M8[s]"), unit).tolist()


MONTHS = np.datetime64("2018-01") + np.arange(N)
DAYS = np.datetime64("2024-01-01") + np.arange(N)
TIMES = {
    "months": texts(MONTHS, "M"),
    "days of months": texts(MONTHS.astype("M8[D]"), "D"),
    "ends of months": texts((MONTHS + 1).astype("M8[D]") - 1, "D"),
    "quarters": [f"{2000 + k // 4}Q{k % 4 + 1}" for k in range(N)],
    "years": [str(1950 + k) for k in range(N)],
    "weeks": texts(DAYS[0] + 7 * np.arange(N), "D"),
    "days": texts(DAYS, "D"),
    "days at nine": texts(DAYS + np.timedelta64(9, "h"), "s"),
    "hours": texts(np.datetime64("2024-01-01T00") + np.arange(N), "s"),
    "hours of a zone": [f"{text}+01:00" for text in texts(np.datetime64("2024-01-01T00") + np.arange(N), "s")],
    "business days": texts(np.busday_offset("2024-01-01", np.arange(N)), "D"),
    "slashes": [f"{day.day}/{day.month}/{day.year}" for day in DAYS.tolist()],
    "words": [day.strftime("%d %b %Y") for day in DAYS.tolist()],
    "not in order": texts(MONTHS[::-1], "M"),
    "a gap": texts(np.where(np.arange(N) < 30, DAYS, DAYS + 3 * DAY), "D"),
    "off the grid": texts(np.where(np.arange(N) == 7, DAYS + np.timedelta64(1, "h"), DAYS), "s"),
    "twice": ["2024-01-01", *texts(DAYS[: N - 1], "D")],
    "no times": [f"text {k}" for k in range(N)],
    "numbers": np.arange(10, 10 + N),
    "digits": [str(k) for k in range(1, N + 1)],
    "digit dates": np.array([20240101, *range(20240102, 20240132), *range(20240201, 20240230)])[:N],
    "one is missing": ["", *texts(MONTHS[1:], "M")],
    "none": None,
}
"""Times as requests bring them: most are regular; some are refused, moved, sorted or filled in."""


def make_values(rng):
    """Values by what they are: what decides what is noted and chosen."""
    t = np.arange(N)
    noise, season = rng.normal(size=N), np.sin(2 * np.pi * t / 12)
    return {
        "noise": 50 + noise,
        "season": 50 + 20 * season + noise,
        "week": 50 + 9 * np.sin(2 * np.pi * t / 7) + noise,
        "quarter": 50 + 9 * (t % 4) + noise,
        "faint season": 50 + 0.6 * season + noise,
        "walk": 100 + noise.cumsum(),
        "negative": noise,
        "whole": np.round(50 + 20 * season + noise).astype(np.int64),
        "counts": rng.poisson(0.4, N),
        "mostly zero": np.where(rng.random(N) < 0.2, rng.random(N), 0.0),
        "constant": np.full(N, 7.0),
        "zeros": np.zeros(N),
        "years": np.arange(1990, 1990 + N),
        "digit dates": np.arange(20240101, 20240101 + N),
        "missing": np.where(rng.random(N) < 0.1, np.nan, 50 + noise),
        "missing ends": np.where((t < 3) | (t > N - 3), np.nan, 50 + noise),
        "nothing": np.full(N, np.nan),
        "code": np.where((t == 9) | (t == 20), -999.0, 50 + noise),
        "one is huge": np.where(t == 9, 97_939.8 + rng.random(N), 50 + noise),
        "may be a code": np.where(t == 9, 9999.0, 9990 + 9 * rng.random(N)),
        "unlike last": np.append(50 + 20 * season[:-1] + 0.1 * noise[:-1], 1.0),
        "huge": 1e149 * rng.random(N),
        "too huge": np.where(t == 5, 1e160, 50 + noise),
        "infinite": np.where(t == 5, np.inf, 50 + noise),
        "tiny": 1e-300 * rng.random(N),
        "steps": np.repeat([1.0, 5.0], N // 2),
        "as a list": (50 + noise).tolist(),
        "texts": [f"{value:.2f}" for value in 50 + noise],
        "truth values": (rng.random(N) < 0.5).tolist(),
    }


VALUES = tuple(make_values(np.random.default_rng(0)))


def table_of(times, values, names=("ds", "y"), *, is_turned=False):
    """A table of these kinds of times and values; NaN columns are arrays, as those of JSON are."""
    columns = {names[0]: TIMES[times], names[1]: values}
    if TIMES[times] is None:
        del columns[names[0]]
    return dict(reversed(columns.items())) if is_turned else columns


def state_of(prepared):
    """All that a forecast is made from, as something to compare."""
    if isinstance(prepared, Exception):
        return type(prepared), str(prepared)
    state, context = prepared.state, prepared.context
    panel = {item.name: repr_of(getattr(state.panel, item.name)) for item in fields(Panel)}
    calendar = None if context.calendar is None else (context.calendar.last.tolist(), context.calendar.days)
    series = {name: repr_of(getattr(context, name)) for name in FIELDS}
    ensemble = state.ensemble
    models = (ensemble.task, ensemble.configs, ensemble.columns, repr(ensemble.effects), repr(state.calibrator))
    return panel, series, calendar, models, state.notes, state.season_length, prepared.levels, prepared.key


def repr_of(value):
    """An array by its bits."""
    return (
        (value.dtype.str, value.shape, value.tolist() if value.dtype == object else value.tobytes())
        if isinstance(value, np.ndarray)
        else repr(value)
    )


def check_equal(requests, preparations=None):
    """Check that requests prepared together are what they are alone; return what was prepared."""
    together_, alone = (preparations or Preparations()).prepare(requests), []
    for request, got in zip(requests, together_, strict=True):
        try:
            expected = prepare(*request)
        except Exception as error:
            expected = error
        assert state_of(got) == state_of(expected)
        alone.append(expected)
    return together_, alone


CONFIG = ForecasterConfig(h=4, model="pretrained")


@pytest.mark.parametrize("times", TIMES)
def test_prepared_together_is_prepared_alone_for_each_kind_of_times(times):
    values = make_values(np.random.default_rng(1))
    kinds = ["season", "noise", "whole", "walk", "missing", "mostly zero", "season"]
    check_equal([Request(table_of(times, values[kind]), CONFIG) for kind in kinds])


@pytest.mark.parametrize("times", ["months", "weeks", "hours", "none"])
def test_prepared_together_is_prepared_alone_for_each_kind_of_values(times):
    values = make_values(np.random.default_rng(2))
    requests = [Request(table_of(times, column), CONFIG) for column in values.values()]
    preparations = Preparations()
    check_equal(requests, preparations)
    # Once more, with what is remembered by now, and in another order.
    check_equal(requests[::-1], preparations)


def test_constant_read_in_another_order_does_not_tell_that_rows_keep_their_places():
    values = make_values(np.random.default_rng(0))
    check_equal([Request(table_of("not in order", values[kind]), CONFIG) for kind in ("constant", "season")])


NAMES = [("ds", "y"), ("date", "sales"), ("y", "ds"), ("month", "value"), ("index", "y"), ("a", "b"), ("year", "count")]
SETTINGS = [
    {},
    {"h": None},
    {"time_col": "ds"},
    {"target_col": "y"},
    {"time_col": "a", "target_col": "b"},
    {"freq": "D"},
    {"freq": "MS"},
    {"season_length": 6},
    {"model": "naive"},
    {"model": "dot"},
    {"level": (90,)},
    {"data": DataConfig(keep_last=True)},
    {"data": DataConfig(lower_bound=0)},
    {"time_col": "absent"},
]


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_prepared_together_is_prepared_alone_for_any_mix(data):
    values = make_values(np.random.default_rng(data.draw(st.integers(0, 5))))
    kinds = data.draw(st.lists(st.sampled_from(list(TIMES)), min_size=1, max_size=2))
    requests = []
    for _ in range(data.draw(st.integers(1, 6))):
        names = data.draw(st.sampled_from(NAMES) if data.draw(st.booleans()) else st.just(NAMES[0]))
        column = values[data.draw(st.sampled_from(VALUES))]
        table = table_of(data.draw(st.sampled_from(kinds)), column, names, is_turned=data.draw(st.booleans()))
        more = data.draw(st.sampled_from(SETTINGS) if data.draw(st.booleans()) else st.just({}))
        requests.append(Request(table, ForecasterConfig(**({"h": 4, "model": "pretrained"} | more))))
    check_equal(requests)


@pytest.mark.slow
def test_forecasts_prepared_together_have_the_bits_of_those_alone():
    requests = []
    for seed in range(3):
        values = make_values(np.random.default_rng(seed))
        for times in ("months", "quarters", "weeks", "none"):
            requests += [
                Request(table_of(times, values[kind]), CONFIG) for kind in ("season", "noise", "whole", "quarter")
            ]
    prepared, alone = check_equal(requests)
    tables = forecast_together(prepared)
    for table, each in zip(tables, alone, strict=True):
        (expected,) = forecast_together([each])
        assert list(table) == list(expected)
        for name, column in table.items():
            assert column.tolist() == expected[name].tolist()


def test_times_of_many_characters_are_not_remembered():
    preparations, values = Preparations(), make_values(np.random.default_rng(0))
    table = {"ds": [f"{month}{' ' * 100}" for month in TIMES["months"]], "y": values["season"]}
    check_equal([Request(table, CONFIG)] * 2, preparations)
    assert not preparations._kinds


def test_preparations_keep_no_values_and_a_bounded_number_of_kinds(monkeypatch):
    monkeypatch.setattr(prepare_together, "MAX_REMEMBERED", 2)
    preparations, values = Preparations(), make_values(np.random.default_rng(0))
    for times in ("months", "weeks", "days"):
        preparations.prepare([Request(table_of(times, values["season"]), CONFIG)] * 2)
    assert len(preparations._kinds) == 2
    remembered = [each for kind in preparations._kinds.values() for each in kind.by_facts.values()]
    assert remembered
    assert not any(kind.panel.values.any() for kind in preparations._kinds.values())
    assert not any(each.state.panel.values.any() or each.context.values.any() for each in remembered)


def test_table_with_times_that_were_read_is_not_read_again(monkeypatch):
    preparations, values = Preparations(), make_values(np.random.default_rng(0))
    for _ in range(2):
        preparations.prepare([Request(table_of("months", values["season"]), CONFIG)])

    def no_reading(*_):
        raise AssertionError("read")

    monkeypatch.setattr(prepare_together, "prepare", no_reading)
    other = make_values(np.random.default_rng(3))["season"]
    (got,) = preparations.prepare([Request(table_of("months", other), CONFIG)])
    assert got.state.panel.values.tolist() == other.tolist()


@pytest.mark.parametrize(("times", "n_times"), [("months", 1), ("not in order", 3)])
def test_times_that_come_once_or_are_not_in_order_cost_no_further_reading(monkeypatch, times, n_times):
    preparations, values = Preparations(), make_values(np.random.default_rng(0))
    for _ in range(n_times - 1):
        preparations.prepare([Request(table_of(times, values["season"]), CONFIG)])

    def no_reading(*_):
        raise AssertionError("read")

    monkeypatch.setattr(prepare_together, "read_source", no_reading)
    (got,) = preparations.prepare([Request(table_of(times, values["season"]), CONFIG)])
    assert len(got.state.panel.values) == N


def faulty(*_):
    raise TypeError("a defect")


@pytest.mark.parametrize(("module", "name"), [(prepare_together, "are_plain"), (together, "_in_one_pass")])
def test_fault_of_several_forecasts_is_told_and_each_is_made_alone(monkeypatch, module, name):
    both = [make_values(np.random.default_rng(seed))["season"] for seed in (0, 1)]
    requests = [Request(table_of("months", values), CONFIG) for values in both]
    expected = forecast_together(Preparations().prepare(requests))
    monkeypatch.setattr(module, name, faulty)
    faults = []

    def on_fault(error, n):
        faults.append((type(error), n))

    tables = forecast_together(Preparations().prepare(requests, on_fault), on_fault)
    assert faults[0] == (TypeError, 2)
    for table, each in zip(tables, expected, strict=True):
        np.testing.assert_allclose(table["Pretrained"], each["Pretrained"], rtol=1e-12)
    with pytest.raises(TypeError, match="a defect"):
        forecast_together(Preparations().prepare(requests))
