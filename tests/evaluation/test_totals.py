import numpy as np
import pytest

from gatecast.evaluation.error_correlation import ASSUMED_CORRELATION, error_correlation, seasonal_changes
from gatecast.evaluation.totals import correlated_draw, few_errors, stretch, sum_paths, widen


def shared_noise(rng, n_times, n_series, correlation):
    """Return standard normal numbers of which any two series have a correlation."""
    common, own = rng.standard_normal((n_times, 1)), rng.standard_normal((n_times, n_series))
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.9])
def test_error_correlation_of_simulated_errors_is_near_the_true_one(rng, correlation):
    many, few = (shared_noise(rng, n, 20, correlation) for n in (400, 12))
    none = np.empty((0, 20))
    assert error_correlation(none, many, 0.8) == pytest.approx(correlation, abs=0.1)
    assert error_correlation(many, none, 0.0) == pytest.approx(correlation, abs=0.1)
    # A few errors that last say less than many changes.
    assert error_correlation(few, many, 0.8) == pytest.approx(correlation, abs=0.15)


def test_error_correlation_without_any_evidence_is_assumed():
    assert error_correlation(np.full((5, 3), np.nan), np.zeros((50, 3)), 0.5) == ASSUMED_CORRELATION


def test_error_correlation_ignores_missing_values_and_constant_series(rng):
    errors = shared_noise(rng, 400, 10, 0.5)
    errors[rng.random(errors.shape) < 0.3] = np.nan
    with_constant = np.column_stack([errors, np.zeros(400)])
    none = np.empty((0, 11))
    assert error_correlation(none, with_constant, 0.8) == pytest.approx(0.5, abs=0.1)


def test_seasonal_changes_of_series_that_end_earlier_are_at_the_same_times(rng):
    walk = np.cumsum(shared_noise(rng, 300, 2, 1.0), axis=0).T
    late = np.stack([walk[0], np.concatenate([np.full(7, np.nan), walk[1, :-7]])])
    assert error_correlation(np.empty((0, 2)), seasonal_changes(late, np.array([0.0, 7.0]), 12), 0.8) > 0.95
    assert error_correlation(np.empty((0, 2)), seasonal_changes(late, np.zeros(2), 12), 0.8) < 0.2


def test_seasonal_changes_have_no_season():
    season = np.tile(np.sin(np.arange(12)), 6)
    rows = seasonal_changes(np.stack([season, 3 * season]), np.zeros(2), 12)
    np.testing.assert_allclose(rows, 0, atol=1e-12)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("level", [80.0, 95.0])
def test_intervals_of_totals_hold_as_many_sums_as_they_say(rng, correlation, level):
    n_series, h, n_truths = 10, 6, 2000
    draw = correlated_draw(correlation, 0)
    steps = [draw(np.random.default_rng(k), (n_series, 2000)) for k in range(h)]
    paths = np.stack(steps, axis=2)
    totals = sum_paths(np.zeros((n_series, h)), [(slice(0, n_series), paths)], [level], np.empty((n_series, 0)), None)
    truth = np.stack([shared_noise(rng, n_truths, n_series, correlation) for _ in range(h)], axis=2)
    for total, sums in ((totals.total, truth.sum(axis=(1, 2))), (totals.by_step, truth.sum(axis=1))):
        inside = (total.low[..., 0] <= sums) & (sums <= total.high[..., 0])
        assert 100 * inside.mean() == pytest.approx(level, abs=3)
    inside = (totals.by_series.low[:, 0] <= truth.sum(axis=2)) & (truth.sum(axis=2) <= totals.by_series.high[:, 0])
    assert 100 * inside.mean() == pytest.approx(level, abs=3)


def test_correlated_draw_shares_the_same_over_parts():
    whole = correlated_draw(1.0, 3)(np.random.default_rng(0), (4, 10))
    parts = [correlated_draw(1.0, 3)(np.random.default_rng(k), (2, 10)) for k in range(2)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_sum_paths_leaves_out_series_without_a_forecast():
    point = np.array([[1.0, 2.0], [np.nan, np.nan]])
    paths = np.stack([np.tile(point[0], (5, 1)), np.full((5, 2), np.nan)])
    totals = sum_paths(point, [(slice(0, 2), paths)], [80.0], np.array([[4.0, 5.0], [6.0, 7.0]]), 2)
    assert totals.n_series == 1
    assert (float(totals.total.point), float(totals.total.low[0]), float(totals.total.high[0])) == (3.0, 3.0, 3.0)
    assert np.isnan(totals.by_series.point[1])
    assert (totals.change.n_series, totals.change.reference) == (1, 9.0)


def test_sum_paths_compares_the_first_year_and_complete_series_only():
    point, paths = np.ones((2, 5)), np.ones((2, 4, 5))
    past = np.array([[10.0, 20.0, 30.0], [1.0, np.nan, 3.0]])
    change = sum_paths(point, [(slice(0, 2), paths)], [], past, 3).change
    assert (change.n_steps, change.n_series, change.reference, float(change.forecast.point)) == (3, 1, 60.0, 3.0)
    np.testing.assert_array_equal(change.by_step, [10.0, 20.0, 30.0, np.nan, np.nan])
    assert sum_paths(point, [(slice(0, 2), paths)], [], np.full((2, 3), np.nan), 3).change is None


def test_sum_paths_of_parts_equals_that_of_all(rng):
    point, paths, past = rng.random((5, 3)), rng.random((5, 40, 3)), rng.random((5, 4))
    whole = sum_paths(point, [(slice(0, 5), paths)], [80.0, 95.0], past, 4)
    parts = sum_paths(point, [(slice(0, 2), paths[:2]), (slice(2, 5), paths[2:])], [80.0, 95.0], past, 4)
    for a, b in ((whole.total, parts.total), (whole.by_series, parts.by_series), (whole.by_step, parts.by_step)):
        for left, right in zip(a, b, strict=True):
            np.testing.assert_allclose(left, right)
    np.testing.assert_allclose(whole.change.forecast.low, parts.change.forecast.low)


def make_totals(n_series=2, level=80.0):
    """Return totals of standard normal paths of one step."""
    draw = correlated_draw(0.0, 0)(np.random.default_rng(0), (n_series, 20_000))
    return sum_paths(
        np.zeros((n_series, 1)), [(slice(0, n_series), draw[:, :, None])], [level], np.ones((n_series, 1)), 1
    )


def test_stretch_of_many_errors_is_their_size():
    errors = 2 * np.random.default_rng(1).standard_normal((2000, 2))
    assert stretch(errors, make_totals(), 0.0) == pytest.approx(1.9, abs=0.1)


def test_stretch_of_few_or_small_errors_is_near_one():
    assert stretch(np.full((1, 2), 2.0), make_totals(), 1.0) == pytest.approx(np.sqrt(8 / 5), abs=0.03)
    assert stretch(np.full((50, 2), 0.1), make_totals(), 0.0) == 1.0
    assert stretch(np.full((1, 2), np.nan), make_totals(), 0.0) == 1.0


def test_wider_totals_keep_their_sums_and_their_limit():
    totals = make_totals()
    wider = widen(totals, 2.0)
    assert float(wider.total.point) == float(totals.total.point)
    np.testing.assert_allclose(wider.total.high, 2 * totals.total.high)
    np.testing.assert_allclose(wider.change.forecast.low, 2 * totals.change.forecast.low)
    positive = totals._replace(total=totals.total._replace(point=np.array(5.0), low=np.array([1.0])))
    assert widen(positive, 2.0, non_negative=True).total.low[0] == 0.0


def test_few_errors_of_independent_series_and_of_one_series_change_nothing():
    np.testing.assert_array_equal(few_errors([50, 80, 95], 40, 1, 0.0), np.ones(3))
    np.testing.assert_array_equal(few_errors([50, 80, 95], 1, 1, 0.9), np.ones(3))


def test_few_errors_widen_more_for_a_higher_correlation_fewer_windows_and_higher_levels():
    weak, strong = (few_errors([80, 95], 20, 1, r) for r in (0.3, 0.9))
    assert (weak > 1).all()
    assert (weak < strong).all()
    assert strong[0] < strong[1]
    assert (few_errors([80, 95], 20, 10, 0.9) < strong).all()


@pytest.mark.parametrize(("n", "exact"), [(5, (1.476, 2.571)), (10, (1.372, 2.228)), (1000, (1.282, 1.962))])
def test_few_errors_are_ratios_of_quantiles_of_student(n, exact):
    # With r = 1 all series tell what one does: n degrees of freedom in n - 4 windows. So many series have normal ones.
    ratio = few_errors([80, 95], 10**9, n - 4, 1.0)
    np.testing.assert_allclose(ratio * (1.2816, 1.96), exact, rtol=0.005)


def test_wider_totals_of_steps_are_wider_by_level():
    paths = np.random.default_rng(0).standard_normal((3, 400, 2))
    totals = sum_paths(np.zeros((3, 2)), [(slice(0, 3), paths)], [80.0, 95.0], np.empty((3, 0)), None)
    factor = np.array([1.5, 2.0])
    wider, same = widen(totals, factor, steps=True), widen(totals, factor)
    np.testing.assert_allclose(wider.by_step.high, factor * totals.by_step.high)
    np.testing.assert_allclose(wider.total.low, factor * totals.total.low)
    np.testing.assert_array_equal(same.by_step.high, totals.by_step.high)
