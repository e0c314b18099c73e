"""Values far above all others: those that are noted, and those that are sudden."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gatecast.data.frequency import parse
from gatecast.data.huge_values import (
    HUGE_FACTOR,
    MAX_SHIFT,
    MAX_SLIPS,
    MIN_ROWS,
    SAME_SIZE,
    SuddenValues,
    find_huge,
    find_sudden,
)
from gatecast.data.panel import from_values


def sudden_one_by_one(values, cycles=()):
    """Return the definition, value by value: each is judged by those before it alone."""
    before, rows, follows = [], [], False
    for k, size in enumerate(np.abs(values)):
        if np.isnan(size):
            continue
        positive = 2 * sum(one > 0 for one in before) > len(before)
        is_large = len(before) >= MIN_ROWS and positive and size > HUGE_FACTOR * max(before)
        same = [row for row in rows if 1 / SAME_SIZE < abs(values[row]) / size < SAME_SIZE]
        shifts = [
            abs((k - row) - max(round((k - row) / m), 1) * m) - round(MAX_SHIFT * m) for row in same for m in cycles
        ]
        recurs = len(same) >= MAX_SLIPS or any(shift <= 0 for shift in shifts) or (bool(same) and not cycles)
        follows = is_large and not follows and not recurs
        if follows:
            rows.append(k)
        else:
            before.append(size)
    return rows


SPIKY = st.one_of(st.floats(0.5, 2.0), st.sampled_from([0.0, np.nan, 30.0, -40.0, 900.0, 1.0]))


@given(arrays(np.float64, st.integers(2, 160), elements=SPIKY), st.sampled_from(["MS", "D", "h", ""]))
def test_find_sudden_is_its_definition(values, freq):
    values[0] = 1.0
    panel = from_values(values, start="2020-01-01", freq=parse(freq)) if freq else from_values(values)
    assert find_sudden(panel).tolist() == sudden_one_by_one(values, panel.freq.cycles)


@given(arrays(np.float64, st.integers(30, 120), elements=SPIKY), st.integers(2, 119))
def test_find_sudden_reads_nothing_of_the_future(values, n):
    values[0] = 1.0
    n = min(n, len(values))
    early = find_sudden(from_values(values[:n]))
    assert early.tolist() == [row for row in find_sudden(from_values(values)).tolist() if row < n]


@given(
    arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(22, 120)), elements=SPIKY),
    st.integers(1, 119),
    st.sampled_from(["MS", "D", "h", ""]),
)
def test_sudden_values_step_by_step_are_those_of_find_sudden(values, n, freq):
    values[:, 0] = 1.0
    (n_series, T), n = values.shape, min(n, values.shape[1])
    panel = from_values(values[0], start="2020-01-01", freq=parse(freq)) if freq else from_values(values[0])

    def part(stop):
        cut = {"values": values[:, :stop].ravel(), "indptr": np.arange(n_series + 1) * stop}
        return replace(panel, **cut, ids=np.arange(n_series), start=panel.start.repeat(n_series))

    state, rows = SuddenValues.of(part(n)), []
    for k in range(n, T):
        is_sudden, state = state.step(values[:, k], panel.freq.cycles)
        rows += (np.flatnonzero(is_sudden) * T + k).tolist()
    assert sorted(rows) == [row for row in find_sudden(part(T)).tolist() if row % T >= n]
    whole = SuddenValues.of(part(T))
    order = np.lexsort((-state.ages, state.series))
    state = state._replace(**{name: getattr(state, name)[order] for name in ("series", "sizes", "ages")})
    assert [array.tolist() for array in state] == [array.tolist() for array in whole]


@pytest.mark.parametrize("n_series", [1, 40, 200])
def test_find_sudden_of_a_panel_is_that_of_each_series(n_series):
    """As many series as NumPy adds in other ways; of unequal lengths."""
    rng = np.random.default_rng(0)
    panel = from_values(np.exp(rng.normal(0, 0.3, n_series * 100)))
    cuts = np.unique(np.r_[0, rng.integers(1, n_series * 100, 2 * n_series), n_series * 100])
    values = panel.values.copy()
    values[rng.integers(0, len(values), 4 * n_series)] *= 1_000
    n = len(cuts) - 1
    several = replace(panel, values=values, indptr=cuts, ids=np.arange(n), start=np.repeat(panel.start, n))
    expected = [start + row for start, stop in pairwise(cuts.tolist()) for row in sudden_one_by_one(values[start:stop])]
    assert find_sudden(several).tolist() == expected
    assert len(expected) >= n_series // 4


def test_peaks_that_come_again_are_not_sudden_but_for_the_first():
    """A day in November of four years; in the last it is twice as high."""
    y = 100 + 10 * np.sin(np.arange(4 * 365))
    y[[332, 697, 1063]], y[1427] = 1_500, 3_000
    assert find_sudden(from_values(y, start="2021-01-01", freq=parse("D"))).tolist() == [332]
    assert find_sudden(from_values(y)).tolist() == [332]


def test_two_slips_of_one_size_are_sudden_and_a_third_is_not():
    y = 100 + 10 * np.sin(np.arange(90))
    y[[30, 47, 70]] *= 100
    assert find_sudden(from_values(y, start="2015-01-01", freq=parse("MS"))).tolist() == [30, 47]


def test_slips_a_few_days_apart_are_no_season_apart():
    y = 100 + 10 * np.sin(np.arange(90))
    y[[40, 43]] *= 100
    assert find_sudden(from_values(y, start="2021-01-01", freq=parse("D"))).tolist() == [40, 43]


def test_growth_is_never_sudden():
    assert find_sudden(from_values(np.exp(np.arange(100) / 3))).size == 0
    assert find_huge(from_values(np.exp(np.arange(100) / 3))).size == 0
