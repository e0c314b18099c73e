"""Origins that begin to read alike share a pass, and have the bits that each has by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.pretrained.hf import predict
from gatecast.forecasting.pretrained.hf.clock import MAX_TOKENS
from gatecast.forecasting.pretrained.hf.passes import MIN_TOKENS, count_tokens
from gatecast.forecasting.pretrained.hf.predict import predict_quantiles
from gatecast.forecasting.pretrained.kinds import HF
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
from gatecast.forecasting.pretrained.shared_passes import shared_origins

CASES = [(24, 168, 20), (24, 168, 60), (7, 0, 8), (7, 365, 30), (48, 336, 48), (96, 672, 200), (365, 0, 9), (5, 0, 11)]
"""Season, longer season and horizon: up to a block and beyond, averaged and not."""


@pytest.fixture(scope="module")
def model():
    """Return a small network with random weights."""
    network, weights = make_network(PretrainedConfig(units=8, n_layers=2, kind=HF))
    weights.vector[:] += np.random.default_rng(0).normal(0, 0.05, weights.vector.size)
    return network, weights


@pytest.fixture
def n_read(monkeypatch):
    """Return a list that receives how many series each pass reads."""
    counts, original = [], predict.run_pass

    def counting(network, values, *args, **kwargs):
        counts.append(len(values))
        return original(network, values, *args, **kwargs)

    monkeypatch.setattr(predict, "run_pass", counting)
    return counts


def series(m, T, seed=0):
    """Return series with a season: long, with gaps, late, of both signs, constant."""
    rng = np.random.default_rng(seed)
    y = 5 * np.sin(2 * np.pi * np.arange(T) / m) + rng.normal(0, 0.3, (5, T)).cumsum(axis=1) + rng.normal(0, 1, (5, T))
    y[:4] += 50
    y[1, rng.random(T) < 0.1] = np.nan
    y[1, T // 2 : T // 2 + 2 * m] = np.nan
    y[2, : T - 3 * m - 5] = np.nan
    y[3] = 7.0
    return y


def origins(m, T):
    """Return rows that are series as they were at several times, and which series each is the beginning of.

    Some origins are whole tokens apart, others are not.
    """
    any_time = np.linspace(0, min(T // 3, 10 * m), 6).round().astype(int)
    offsets = np.unique([*any_time, *(3 * max(1, m // 8) * np.arange(7))])[::-1]
    past, _ = PanelContext.from_values(series(m, T)).rolling_origins(offsets, 1)
    return past.values, shared_origins(past)


def length_of(m):
    """Return the length of series that are longer than what is read."""
    return 1500 if m <= 48 else 20 * m


@pytest.mark.parametrize(("m", "long", "h"), CASES)
def test_origins_that_share_a_pass_have_the_bits_of_those_that_do_not(model, n_read, m, long, h):
    values, earlier = origins(m, length_of(m))
    shared = predict_quantiles(*model, values, h, m, long, earlier)
    n_shared = sum(n_read)
    n_read.clear()
    single = predict_quantiles(*model, values, h, m, long)
    np.testing.assert_array_equal(shared, single)
    assert sum(n_read) == np.isfinite(values).any(axis=1).sum()
    # Averages of years of days meet again after a whole year alone.
    assert n_shared < sum(n_read) or m == 365


@pytest.mark.parametrize(("m", "long", "h"), CASES)
def test_an_origin_among_others_has_the_bits_that_it_has_without_them(model, m, long, h):
    values, earlier = origins(m, length_of(m))
    shared = predict_quantiles(*model, values, h, m, long, earlier)
    for row in range(0, len(values), 7):
        alone = predict_quantiles(*model, values[row, None], h, m, long, n_together=2)[0]
        np.testing.assert_array_equal(shared[row], alone)


def test_what_follows_an_origin_does_not_matter(model):
    values, earlier = origins(24, 1500)
    changed = values.copy()
    newest = earlier[:, 1] == 0
    changed[newest, -1] = 1e6
    for h in (20, 60):
        one, two = (predict_quantiles(*model, v, h, 24, 168, earlier) for v in (values, changed))
        np.testing.assert_array_equal(one[~newest], two[~newest])


def test_origins_near_each_other_share_most_passes(model, n_read):
    hours = series(24, 1500)[:1]
    offsets = 3 * np.arange(40)[::-1]
    past, _ = PanelContext.from_values(hours).rolling_origins(offsets, 1)
    predict_quantiles(*model, past.values, 24, 24, 168, shared_origins(past))
    assert sum(n_read) <= 6


@pytest.mark.parametrize("growth", [2.0**40, 2.0**90, 2.0**200, 2.0**-90, 0.0])
@pytest.mark.parametrize("h", [24, 60])
def test_series_that_grow_or_fall_by_many_powers_of_two_keep_the_bits_of_their_past(model, n_read, growth, h):
    y = series(24, 600)[[0, 2]]
    y[:, -30:] *= growth
    past, _ = PanelContext.from_values(y).rolling_origins(np.array([60, 57, 33, 0]), 1)
    shared = predict_quantiles(*model, past.values, h, 24, 0, shared_origins(past))
    n_shared = sum(n_read)
    np.testing.assert_array_equal(shared, predict_quantiles(*model, past.values, h, 24, 0))
    assert n_shared < len(shared)


@pytest.mark.parametrize("h", [7, 30])
def test_series_of_rare_values_keep_the_bits_of_their_past(model, n_read, h):
    rare = np.zeros((2, 100))
    rare[0, [40, 55, 70, 90]] = 1.0, 3.0, 20.0, 5.0
    rare[1, [60, 80, 99]] = -2.0, 7.0, 1e6
    past, _ = PanelContext.from_values(rare).rolling_origins(np.arange(70)[::-1], 1)
    shared = predict_quantiles(*model, past.values, h, 7, 0, shared_origins(past))
    assert sum(n_read) < 10
    np.testing.assert_array_equal(shared, predict_quantiles(*model, past.values, h, 7, 0))


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_values_that_are_not_read_do_not_matter(model, size):
    y = series(24, 480)[:1]
    y[0, -300] = 200.0
    assert count_tokens(y, 3).tolist() == [100]
    changed = y.copy()
    changed[:, : 480 - 300 - 4 * 24] *= size
    np.testing.assert_array_equal(*(predict_quantiles(*model, v, 30, 24, 0) for v in (y, changed)))


@pytest.mark.parametrize("size", [1e-30, 1e-40, 1e-150, 1e-300])
@pytest.mark.parametrize("n", [1, 3])
def test_values_that_single_precision_does_not_hold_count_as_zeros(model, size, n):
    y = series(24, 300)[:n]
    with_zeros, tiny = y.copy(), y.copy()
    with_zeros[:, :150] *= 0.0
    tiny[:, :150] *= size
    with np.errstate(all="raise", under="ignore"):
        zeros, q = (predict_quantiles(*model, v, 30, 24, 0) for v in (with_zeros, tiny))
    np.testing.assert_array_equal(q, zeros)


def test_rows_without_values_are_left_out(model):
    values, earlier = origins(24, 1500)
    values[0], values[-3] = np.nan, np.nan
    q = predict_quantiles(*model, values, 30, 24, 168, earlier)
    assert np.isfinite(q).all(axis=(1, 2)).tolist() == np.isfinite(values).any(axis=1).tolist()


def tokens_by_loops(y, p):
    """Return what `count_tokens` should of one series, a token at a time."""
    known = np.flatnonzero(np.isfinite(y))
    n_tokens = -(-(len(y) - known[0]) // p) if len(known) else 0
    if n_tokens <= MAX_TOKENS:
        return n_tokens
    changes = {k: abs(y[len(y) - k * p] - y[len(y) - k * p - 1]) for k in range(MIN_TOKENS, MAX_TOKENS + 1)}
    changes = {k: 0.0 if np.isnan(change) else change for k, change in changes.items()}
    return max(k for k, change in changes.items() if change == max(changes.values()))


@given(
    st.integers(1, 8),
    st.integers(1, 1300),
    st.sampled_from(["noise", "steps", "counts"]),
    st.floats(0, 0.9),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=60)
def test_count_tokens_equals_a_loop(p, T, kind, share_missing, seed):
    rng = np.random.default_rng(seed)
    y = {"noise": rng.normal(size=T), "steps": (np.arange(T) > T // 2) * 1.0, "counts": rng.poisson(0.3, T) * 1.0}[kind]
    y[rng.random(T) < share_missing] = np.nan
    assert count_tokens(y[None], p).tolist() == [tokens_by_loops(y, p)]


@given(st.integers(1, 8), st.integers(0, 99), st.integers(0, 50), st.floats(1e-9, 1e9), st.floats(-1e3, 1e3))
@settings(deadline=None, max_examples=40)
def test_count_tokens_do_not_depend_on_older_values_or_on_the_unit(p, seed, n_older, unit, shift):
    y = np.random.default_rng(seed).normal(size=(3, (MAX_TOKENS + 1) * p + n_older))
    tokens = count_tokens(y, p)
    newest = y[:, n_older:]
    assert count_tokens(newest, p).tolist() == tokens.tolist()
    assert count_tokens(np.pad(newest, ((0, 0), (7, 0)), constant_values=np.nan), p).tolist() == tokens.tolist()
    assert count_tokens(unit * (y + shift), p).tolist() == tokens.tolist()


@pytest.mark.parametrize("m", [7, 24, 64])
def test_count_tokens_of_a_wave_are_not_chosen_by_rounding(m):
    p = max(1, round(m / 8))
    wave = np.sin(2 * np.pi * np.arange(140 * p) / m)[None]
    assert count_tokens(wave, p).tolist() == count_tokens(3 * wave + 0.1, p).tolist()
