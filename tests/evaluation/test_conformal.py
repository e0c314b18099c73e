"""Half-widths follow the quantiles, and margins give the stated coverage."""

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.evaluation.conformal import fit_margins, half_widths, redundancy

PROBABILITIES = (0.025, 0.1, 0.5, 0.9, 0.975)
NORMAL = np.array([NormalDist().inv_cdf(p) for p in PROBABILITIES])


def margins_of(quantiles, actual, levels, unit=None, weight=None):
    """Fit margins with equal units and weights unless they are given."""
    ones = np.ones(len(actual))
    return fit_margins(
        quantiles, PROBABILITIES, actual, ones if unit is None else unit, ones if weight is None else weight, levels
    )


@given(level=st.floats(1, 99.9), scale=st.floats(0.1, 10))
def test_half_widths_of_normal_quantiles_are_normal_at_any_level(level, scale):
    below, above = half_widths(scale * NORMAL + 3, PROBABILITIES, level)
    expected = scale * NormalDist().inv_cdf(0.5 + level / 200)
    assert float(below) == pytest.approx(expected, rel=1e-9)
    assert float(above) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("level", "below", "above"), [(80, 1.0, 2.0), (95, 4.0, 6.0)])
def test_half_widths_at_known_levels_are_the_quantiles(level, below, above):
    quantiles = np.array([-4.0, -1.0, 0.0, 2.0, 6.0])
    assert [float(side) for side in half_widths(quantiles, PROBABILITIES, level)] == pytest.approx([below, above])


@given(seed=st.integers(0, 20))
def test_half_widths_grow_with_the_level(seed):
    quantiles = np.sort(np.random.default_rng(seed).normal(size=(7, 5)))
    widths = [half_widths(quantiles, PROBABILITIES, level) for level in (10, 50, 80, 90, 95, 99)]
    for narrow, wide in pairwise(widths):
        assert (wide[0] >= narrow[0] - 1e-12).all()
        assert (wide[1] >= narrow[1] - 1e-12).all()


@pytest.mark.parametrize("truth", [0.6, 1.0, 3.0])
def test_fit_margins_give_the_stated_coverage(truth, rng):
    quantiles = np.tile(NORMAL, (4000, 1, 1))
    margins = margins_of(quantiles[:2000], truth * rng.normal(size=(2000, 1)), [80, 95])
    fresh = truth * rng.normal(size=2000)
    for level, ((low, high),) in margins.items():
        below, above = half_widths(NORMAL, PROBABILITIES, level)
        covered = np.mean((fresh > -(below + low)) & (fresh < above + high))
        # Two samples of 2000 contribute a binomial error each.
        assert covered == pytest.approx(level / 100, abs=4 * np.sqrt(0.8 * 0.2 * 2 / 2000))


def test_fit_margins_follow_the_side_on_which_values_lie_half_way(rng):
    quantiles = np.tile(NORMAL, (4000, 1, 1))
    (low, high) = margins_of(quantiles, rng.normal(2.0, 1.0, size=(4000, 1)), [80])[80][0]
    both = NormalDist().inv_cdf(0.8) + 2.0 - NORMAL[3]  # the larger score of both sides is nearly always the upper one
    assert high == pytest.approx((both + 2.0) / 2, abs=0.1)
    assert low == pytest.approx((both - 2.0) / 2, abs=0.1)


def test_fit_margins_are_in_units_of_the_series(rng):
    quantiles, actual = np.tile(NORMAL, (500, 3, 1)), 2 * rng.normal(size=(500, 3))
    unit = rng.uniform(0.5, 2.0, 500)
    scaled = margins_of(quantiles * unit[:, None, None], actual * unit[:, None], [80, 95], unit)
    plain = margins_of(quantiles, actual, [80, 95])
    for level in (80, 95):
        np.testing.assert_allclose(scaled[level], plain[level], rtol=1e-9)


def test_fit_margins_rows_without_a_value_a_unit_or_weight_do_not_count(rng):
    actual = rng.normal(size=(100, 1))
    rows = np.append(actual, np.full((60, 1), 99.0), axis=0)
    rows[100:120] = np.nan
    unit, weight = np.ones(160), np.ones(160)
    unit[120:140], weight[140:] = np.nan, 0.0
    quantiles = np.tile(NORMAL, (160, 1, 1))
    got = margins_of(quantiles, rows, [80], unit, weight)[80]
    assert got.tolist() == margins_of(quantiles[:100], actual, [80])[80].tolist()


def test_fit_margins_without_any_score_are_none():
    quantiles, actual = np.zeros((3, 2, 3)), np.ones((3, 2))
    for unknown in (np.full((3, 2), np.nan), actual):
        unit = np.ones(3) if np.isnan(unknown).all() else np.full(3, np.nan)
        assert fit_margins(quantiles, (0.1, 0.5, 0.9), unknown, unit, np.ones(3), [80]) == {}


def test_fit_margins_rows_of_more_weight_count_more():
    quantiles = np.tile(NORMAL, (200, 1, 1))
    actual = np.repeat([0.0, 10.0], 100)[:, None]
    few = margins_of(quantiles, actual, [80], weight=np.repeat([1.0, 1e-6], 100))[80]
    many = margins_of(quantiles, actual, [80], weight=np.repeat([1e-6, 1.0], 100))[80]
    assert few[0, 1] < 0 < many[0, 1]


def test_fit_margins_steps_have_their_own_if_there_are_scores_enough(rng):
    quantiles = np.tile(NORMAL, (900, 9, 1))
    actual = rng.normal(size=(900, 9)) * np.arange(1, 10)
    margins = margins_of(quantiles, actual, [80])[80].mean(axis=1)
    assert (np.diff(margins) > 0).all()
    pooled = margins_of(quantiles[:4], actual[:4], [80])[80]
    assert len(np.unique(pooled[:, 0])) == 1


@pytest.mark.parametrize("level", [2, 50, 80, 99.8])
@pytest.mark.parametrize("kind", ["any", "rounded", "equal", "sorted", "outliers", "periodic"])
def test_fit_margins_of_many_scores_are_quantiles_of_all_of_them(kind, level, rng):
    """Of 20,000 scores only some are sorted."""
    n = 20_000
    score = {
        "any": rng.normal(size=n),
        "rounded": rng.normal(size=n).round(1),
        "equal": np.full(n, 0.5),
        "sorted": np.sort(rng.normal(size=n)),
        "outliers": np.where(rng.random(n) < 0.01, 1e9, rng.normal(size=n)),
        # The values that a sample takes are unlike the others.
        "periodic": np.where(np.arange(n) % (n // 1024) == 0, 9.0, rng.normal(size=n)),
    }[kind]
    weight = 0.9 ** rng.integers(0, 10, n)
    quantiles = np.zeros((n, 1, 5))  # so that the scores of the two sides are -y and y

    def quantile(x, probability):
        order, total = np.argsort(x, kind="stable"), weight.sum()
        needed = probability * (1 + (weight**2).sum() / total**2) * total * (1 - 1e-12)
        return x[order][min(np.searchsorted(np.cumsum(weight[order]), needed), n - 1)]

    both = quantile(np.abs(score), level / 100)
    expected = [(quantile(side, 0.5 + level / 200) + both) / 2 for side in (-score, score)]
    margins = fit_margins(quantiles, PROBABILITIES, score[:, None], np.ones(n), weight, [level])[level]
    np.testing.assert_array_equal(margins, [expected])


def rolling_errors(rng, n_origins=50, horizon=12):
    """Return the errors of the last value of random walks as their forecast, from origins a step apart."""
    walk = np.cumsum(rng.normal(size=n_origins + horizon))
    return np.array([walk[k + 1 : k + 1 + horizon] - walk[k] for k in range(n_origins - 1)])


@pytest.mark.parametrize(("n_rows", "horizon"), [(1, 1), (2, 7), (13, 12), (40, 3), (150, 5)])
def test_fit_margins_of_few_scores_with_rows_that_do_not_count_have_the_same_bits(n_rows, horizon, rng):
    quantiles = np.sort(rng.normal(size=(n_rows + 1, horizon, 5)), axis=-1)
    actual = np.round(rng.normal(size=(n_rows + 1, horizon)), 1)
    unit, weight, redundant = rng.random(n_rows + 1) + 0.1, rng.random(n_rows + 1) + 0.01, 1 + rng.random(horizon)
    weight[-1] = 0.0
    one, other = (
        fit_margins(quantiles[rows], PROBABILITIES, actual[rows], unit[rows], weight[rows], (95, 50, 80), redundant)
        for rows in (slice(n_rows), slice(None))
    )
    assert list(one) == list(other) == [50, 80, 95]
    for level, margins in one.items():
        assert margins.shape == (horizon, 2)
        assert margins.tobytes() == other[level].tobytes()


def test_redundancy_of_a_walk_grows_with_the_steps_that_horizons_share(rng):
    errors = [rolling_errors(rng) for _ in range(200)]
    shares = np.mean([redundancy(error, np.zeros(49, int), np.arange(49)) for error in errors], axis=0)
    assert shares[0] == pytest.approx(1.2, abs=0.2)
    assert (np.diff(shares) > 0).all()
    assert 8 < shares[-1] < 16


def test_redundancy_does_not_depend_on_the_order_of_rows_or_on_the_unit(rng):
    error = rolling_errors(rng)
    series, length, order = np.zeros(49, int), np.arange(49), rng.permutation(49)
    expected = redundancy(error, series, length)
    np.testing.assert_allclose(redundancy(7 * error[order], series, length[order]), expected)
    np.testing.assert_allclose(redundancy(1e-6 * error, series, length), expected)


def test_redundancy_sees_no_likeness_between_series(rng):
    error = np.repeat(rolling_errors(rng)[:1], 40, axis=0)
    np.testing.assert_array_equal(redundancy(error, np.arange(40), np.arange(40)), np.ones(12))


def test_redundancy_of_missing_or_exact_forecasts_is_one():
    error = np.zeros((5, 3))
    error[:, 1] = np.nan
    np.testing.assert_array_equal(redundancy(error, np.zeros(5, int), np.arange(5)), np.ones(3))


def test_margins_of_overlapping_origins_are_wider_and_hold_more(rng):
    levels, held = [80, 95], {kind: [] for kind in ("counted alike", "counted by redundancy")}
    quantiles = np.zeros((49, 12, 5))
    for _ in range(150):
        error = rolling_errors(rng)
        fresh = np.cumsum(rng.normal(size=12))
        r = redundancy(error, np.zeros(49, int), np.arange(49))
        for kind, redundant in zip(held, (None, r), strict=True):
            ones = np.ones(49)
            margins = fit_margins(quantiles, PROBABILITIES, error, ones, ones, levels, redundant)
            held[kind].append([np.mean((fresh > -m[:, 0]) & (fresh < m[:, 1])) for m in margins.values()])
    alike, counted = (100 * np.mean(rows, axis=0) for rows in held.values())
    assert counted[0] > alike[0] + 3
    assert counted[1] > alike[1]
    assert counted == pytest.approx([83, 96], abs=3)


def test_neighboring_steps_do_not_count_as_more_scores():
    quantiles, ones = np.zeros((9, 30, 5)), np.ones(9)
    actual = np.tile(np.linspace(-1, 1, 9)[:, None], (1, 30))
    margins = fit_margins(quantiles, PROBABILITIES, actual, ones, ones, [80])
    # 80 % with one more of 9 scores are 8 of 9: the second largest, though each step sees three of each.
    np.testing.assert_allclose(margins[80], 1.0)


def reference_margins(scores, known, weight, level, redundant):
    """The margins of every step from the scores of both sides, [2, n_rows, horizon], one value at a time."""
    n_rows, horizon = known.shape
    typical = max(np.median(known.sum(axis=0)), 1)
    reach = max(1, int(np.ceil((120 / typical - 1) / 2)))

    def quantile(pairs, probability, n):
        total = sum(w for _, w in pairs)
        so_far = 0.0
        for x, w in sorted(pairs):
            so_far += w
            if so_far >= min(probability * (1 + 1 / n), 1.0) * total * (1 - 1e-12):
                return x
        raise AssertionError

    margins = []
    for step in range(horizon):
        near = range(max(0, step - reach), min(horizon, step + reach + 1))
        cells = [(i, k) for i in range(n_rows) for k in near if known[i, k]]
        own = weight[known[:, step]]
        n = (own.sum() ** 2 / (own**2).sum() if len(own) else 1.0) / np.sqrt(redundant[step])
        both = quantile([(max(scores[:, i, k]), weight[i]) for i, k in cells], level / 100, n) if cells else 0.0
        sides = [
            quantile([(s[i, k], weight[i]) for i, k in cells], 0.5 + level / 200, n) if cells else 0.0 for s in scores
        ]
        margins.append([(side + both) / 2 for side in sides])
    return margins


@pytest.mark.parametrize(("n_rows", "horizon"), [(1, 90), (2, 5), (5, 31), (40, 4), (60, 4), (130, 3)])
@pytest.mark.parametrize("share_known", [0.7, 1.0])
def test_fit_margins_are_weighted_quantiles_of_a_step_and_its_neighbors(n_rows, horizon, share_known, rng):
    quantiles = np.sort(rng.normal(size=(n_rows, horizon, 5)), axis=-1)
    actual = np.where(rng.random((n_rows, horizon)) < share_known, rng.normal(0, 2, (n_rows, horizon)), np.nan)
    unit, weight, redundant = rng.uniform(0.5, 2, n_rows), rng.uniform(0.1, 1, n_rows), rng.uniform(1, 9, horizon)
    got = fit_margins(quantiles, PROBABILITIES, actual, unit, weight, (50, 80), redundant)
    for level, margins in got.items():
        below, above = half_widths(quantiles, PROBABILITIES, level)
        median = quantiles[..., 2]
        scores = np.stack([median - below - actual, actual - median - above]) / unit[:, None]
        expected = reference_margins(scores, np.isfinite(actual), weight, level, redundant)
        np.testing.assert_allclose(margins, expected, rtol=1e-12)


def test_fit_margins_of_steps_without_scores_near_them_are_zero():
    actual = np.full((200, 7), np.nan)
    actual[:, :4] = 5.0
    margins = fit_margins(np.zeros((200, 7, 5)), PROBABILITIES, actual, np.ones(200), np.ones(200), [80])[80]
    assert margins.tolist() == [[0.0, 5.0]] * 5 + [[0.0, 0.0]] * 2


@pytest.mark.parametrize("n_series", [1, 3])
def test_redundancy_sums_the_autocorrelations_up_to_the_first_negative_one(n_series, rng):
    n_origins, horizon = 30, 5
    error = np.stack([rolling_errors(rng, n_origins + 1, horizon) for _ in range(n_series)])
    error[0, 3, 2] = np.nan
    filled = np.nan_to_num(error)
    expected = np.ones(horizon)
    for k in range(horizon):
        total = (filled[..., k] ** 2).sum()
        for lag in range(1, n_origins):
            r = (filled[:, lag:, k] * filled[:, :-lag, k]).sum() / total
            if r <= 0:
                break
            expected[k] += 2 * r
    order = rng.permutation(n_series * n_origins)
    series, length = np.repeat(np.arange(n_series), n_origins)[order], np.tile(np.arange(n_origins), n_series)[order]
    got = redundancy(error.reshape(-1, horizon)[order], series, length)
    np.testing.assert_allclose(got, expected, rtol=1e-9)
