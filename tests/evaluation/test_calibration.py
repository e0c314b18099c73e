"""From quantiles of models to a forecast with intervals."""

import warnings
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest

from gatecast.evaluation import calibration
from gatecast.evaluation.calibration import (
    EARLY_STOPPING_BIAS,
    PANEL_EARLY_STOPPING_BIAS,
    STANDARD_LEVELS,
    AssumedWidths,
    ConformalCalibrator,
    calibrate,
    default_calibrator,
    is_mostly_zero,
    margins_of,
    point_forecasts,
    predict_all,
    prediction_intervals,
    quantile_grid,
    with_ensemble,
)
from gatecast.evaluation.conformal import fit_margins, half_widths, redundancy
from gatecast.evaluation.error_autocorrelation import error_autocorrelation
from gatecast.evaluation.model_weights import ModelWeights
from gatecast.evaluation.past_forecasts import PastForecasts
from gatecast.evaluation.point_forecasts import fit_mean_factor, mean_of_grid
from gatecast.forecaster import Forecaster
from gatecast.forecasting.context import PanelContext

LEVELS = (0.1, 0.5, 0.9)
QUANTILES = np.array([[[-1.0, 0.0, 2.0], [-1.0, 0.0, 2.0]]])
START = default_calibrator(["LSTM"], LEVELS)


def test_default_calibrator_has_equal_weights_and_no_margins():
    calibrator = default_calibrator(["LSTM", "Theta"], LEVELS)
    assert calibrator.name == "Ensemble"
    assert calibrator.weights.shared == {"LSTM": 0.5, "Theta": 0.5}
    assert not calibrator.measured
    assert START.name == "LSTM"
    assert ConformalCalibrator("LSTM", LEVELS, START.weights, {}) == START


def test_margins_of_interpolate_levels_and_grow_beyond_the_horizon():
    margins = {80.0: np.array([[1.0, 2.0], [2.0, 4.0]]), 90.0: np.array([[2.0, 4.0], [4.0, 8.0]])}
    calibrator = START._replace(margins=margins)
    got = margins_of(calibrator, 85.0, 8)
    assert got[:2].tolist() == [[1.5, 3.0], [3.0, 6.0]]
    assert got[7].tolist() == [6.0, 12.0]
    assert margins_of(calibrator, 99.0, 1).tolist() == [[2.0, 4.0]]


def test_with_ensemble_puts_the_weighted_mean_of_each_series_before_the_models():
    weights = ModelWeights({"a": 0.75, "b": 0.25}, {"a": np.array([0.5]), "b": np.array([0.5])})
    calibrator = default_calibrator(["a", "b"], LEVELS)._replace(weights=weights)
    rows = {"a": np.repeat(QUANTILES, 2, axis=0), "b": np.repeat(QUANTILES + 4, 2, axis=0)}
    combined = with_ensemble(calibrator, rows, np.array([0, -1]))
    assert list(combined) == ["Ensemble", "a", "b"]
    np.testing.assert_allclose(combined["Ensemble"], np.concatenate([QUANTILES + 2, QUANTILES + 1]))
    assert list(with_ensemble(calibrator, {"a": QUANTILES}, np.array([0]))) == ["a"]


def test_prediction_intervals_move_each_side_by_its_margin_in_units_of_the_series():
    calibrator = START._replace(margins={80.0: np.array([[0.5, 0.0], [0.5, -0.5]])})
    past = np.array([[-1.0, 1.0, -1.0]])  # changes by 2 a step
    median, low, high = prediction_intervals(calibrator, QUANTILES, past, [80])
    assert (median.tolist(), low.tolist(), high.tolist()) == ([[0, 0]], [[-2, -2]], [[2, 1]])


def test_prediction_intervals_are_nested_whatever_the_margins():
    calibrator = START._replace(margins={80.0: np.full((2, 2), 3.0), 95.0: np.full((2, 2), -9.0)})
    levels = [50, 80, 90, 95]
    _, *sides = prediction_intervals(calibrator, QUANTILES, np.array([[-1.0, 1.0, -1.0]]), levels)
    for (low, high), (wider_low, wider_high) in pairwise(zip(sides[::2], sides[1::2], strict=True)):
        assert (wider_low <= low).all()
        assert (wider_high >= high).all()


def test_prediction_intervals_of_a_constant_have_no_margin():
    calibrator = START._replace(margins={80.0: np.full((2, 2), 3.0)})
    held = np.full((1, 2, 3), 7.0)
    assert [side.tolist() for side in prediction_intervals(calibrator, held, np.full((1, 12), 7.0), [80])] == [
        [[7, 7]]
    ] * 3


def test_prediction_intervals_without_measured_errors_are_those_of_a_random_walk_at_least():
    _, low, high = prediction_intervals(START, QUANTILES, np.array([[-10.0, 10.0]]), [80])
    width = 1.2815515655446004 * 20 * np.sqrt(2 * np.arange(1, 3))
    assert low[0] == pytest.approx(-width)
    assert high[0] == pytest.approx(width)


def past_of(rng, n_rows, error, length):
    """Forecasts of one model of n_rows series, whose errors have a size."""
    quantiles = np.tile(np.array([-1.0, 0.0, 1.0]), (n_rows, 2, 1))
    return PastForecasts(
        {"LSTM": quantiles},
        rng.normal(0, error, (n_rows, 2)),
        np.arange(n_rows),
        np.full(n_rows, length),
        np.ones(n_rows),
        np.ones(n_rows),
    )


def test_calibrate_measures_the_standard_levels_and_those_asked_for(rng):
    context = PanelContext.from_values(np.ones((300, 20)))
    calibrator = calibrate(START, past_of(rng, 300, 3.0, 20), context, (85,))
    assert sorted(calibrator.margins) == sorted({*STANDARD_LEVELS, 85})
    assert (calibrator.margins[80.0] > 0).all()
    assert calibrator.weights.by_series["LSTM"].tolist() == [1.0] * 300


def test_calibrate_rows_of_short_pasts_count_less(rng):
    context = PanelContext.from_values(np.ones((600, 20)))
    long, short = past_of(rng, 300, 1.0, 20), past_of(rng, 300, 30.0, 2)
    mixed = long.join(short._replace(series=short.series + 300))
    margin = calibrate(START, mixed, context, ()).margins[50.0].mean()
    assert margin < calibrate(START, mixed._replace(length=np.full(600, 20)), context, ()).margins[50.0].mean()


def test_calibrate_counts_errors_that_chose_where_to_stop_for_more(rng):
    context = PanelContext.from_values(np.ones((300, 20)))
    past = past_of(rng, 300, 3.0, 20)
    past = past._replace(quantiles={"LSTM": past.quantiles["LSTM"], "DOT": past.quantiles["LSTM"]})
    start = default_calibrator(["LSTM", "DOT"], (0.1, 0.5, 0.9))
    alike = calibrate(start, past, context, ()).weights.shared
    assert alike["LSTM"] == pytest.approx(0.5)
    stopped = calibrate(start, past, context, (), ["LSTM"]).weights.shared
    # Chosen together by many series, a step is hardly too good for them.
    assert stopped["LSTM"] == pytest.approx(1 / (1 + PANEL_EARLY_STOPPING_BIAS**4), abs=0.01)
    assert 1 < PANEL_EARLY_STOPPING_BIAS < EARLY_STOPPING_BIAS


def test_calibrate_leaves_out_models_of_means_where_most_values_are_zeros(rng):
    values = np.ones((300, 20))
    values[:100, 5:] = 0.0
    past = past_of(rng, 300, 3.0, 20)
    past = past._replace(quantiles={"LSTM": past.quantiles["LSTM"], "DOT": past.quantiles["LSTM"]})
    start = default_calibrator(["LSTM", "DOT"], LEVELS)
    weights = calibrate(start, past, PanelContext.from_values(values), (), of_means=["DOT"]).weights.by_series
    assert (weights["DOT"][:100] == 0).all()
    assert weights["LSTM"][:100] == pytest.approx(1.0)
    assert weights["DOT"][100:] == pytest.approx(0.5)
    alone = calibrate(start, past, PanelContext.from_values(values), (), of_means=["DOT", "LSTM"]).weights.by_series
    assert alone["DOT"] == pytest.approx(0.5)


def test_is_mostly_zero_does_not_count_missing_values():
    values = np.array([[np.nan, 1.0, 0.0, 0.0, np.nan], [np.nan, 1.0, 2.0, 0.0, 0.0]])
    assert is_mostly_zero(values).tolist() == [True, False]


def test_is_mostly_zero_counts_from_the_first_value_that_is_none():
    late = np.r_[np.zeros(30), 5.0, 6.0, 7.0, 8.0]
    rare = np.r_[np.zeros(30), 5.0, 0.0, 0.0, 8.0, 0.0]
    assert is_mostly_zero(late[None]).tolist() == [False]
    assert is_mostly_zero(rare[None]).tolist() == [True]
    assert is_mostly_zero(np.r_[np.nan, 0.0, np.nan, 0.0, 5.0, np.nan, 6.0][None]).tolist() == [False]


def test_point_forecasts_means_do_not_grow_with_the_doubt_about_widths():
    start = START._replace(point="mean", assumed=AssumedWidths(1.0, random_walk=False))
    past = np.array([[-10.0, 10.0]])
    mean = point_forecasts(start, QUANTILES, past)
    assert (mean > 0).all()
    doubtful = start._replace(assumed=AssumedWidths(1.5, random_walk=True))
    assert point_forecasts(doubtful, QUANTILES, past).tolist() == mean.tolist()


def test_assumed_widths_are_those_of_calibrated_models_alone():
    past = np.array([[0.0, 9.0, 0.0, 9.0]])
    known, mixed, unknown = (
        prediction_intervals(START._replace(assumed=AssumedWidths.of(models)), QUANTILES, past, [80])[2]
        for models in ([True], [True, False], [False, False])
    )
    assert known.tolist() == [[2.0, 2.0]]
    assert mixed.tolist() == [[3.0, 3.0]]
    assert (unknown > 9).all()


def test_calibrate_counts_rows_by_the_square_of_their_share_of_the_present_length(rng):
    values = np.ones((40, 20))
    values[:10, :4] = np.nan
    values[20:30, 1:] = np.nan
    quantiles = np.sort(rng.normal(size=(40, 5, 3)), axis=-1)
    actual, unit, horizons = rng.normal(0, 2, (40, 5)).cumsum(axis=1), rng.uniform(0.5, 2, 40), rng.uniform(0.2, 1, 40)
    series, length = rng.permutation(40), rng.integers(2, 25, 40)
    length[(series >= 20) & (series < 30)] = 1
    past = PastForecasts({"LSTM": quantiles}, actual, series, length, unit, horizons)
    calibrator = calibrate(START, past, PanelContext.from_values(values), (80,))
    n_now = np.select([series < 10, (series >= 20) & (series < 30)], [16, 1], 20)
    weight = np.minimum(length / n_now, 1) ** 2 * horizons
    error = actual - quantiles[..., 1]
    redundant = redundancy(error / unit[:, None], series, length)
    expected = fit_margins(quantiles, LEVELS, actual, unit, weight, STANDARD_LEVELS, redundant)
    for level, margins in calibrator.margins.items():
        np.testing.assert_allclose(margins, expected[level])
    width = np.where(error < 0, *half_widths(quantiles, LEVELS, 80.0))
    assert 0.1 < calibrator.error_autocorrelation == error_autocorrelation(error / width)


@pytest.mark.parametrize(("n_rows", "step"), [(50, 1), (60, 1), (61, 2), (150, 3)])
def test_calibrate_means_follow_the_errors_of_medians_of_a_limited_number_of_rows(n_rows, step, rng, monkeypatch):
    monkeypatch.setattr(calibration, "MAX_MEAN_ROWS", 60)
    context = PanelContext.from_values(np.tile([-3.0, 3.0], (1, 10)))
    quantiles, unit = np.tile([9.0, 10.0, 12.0], (n_rows, 2, 1)), np.full(n_rows, 0.25)
    actual, length = 10 + rng.exponential(1, (n_rows, 2)), rng.integers(10, 21, n_rows)
    past = PastForecasts({"LSTM": quantiles}, actual, np.zeros(n_rows, int), length, unit, np.ones(n_rows))
    calibrator = calibrate(START._replace(point="mean"), past, context, ())
    # The grid of a row is made of the calibrated bounds, around its median.
    distance = mean_of_grid(quantile_grid(calibrator, quantiles[:1], context.values)) - 10
    chosen = slice(None, None, step)
    factor = fit_mean_factor(
        (actual[chosen] - 10) / 0.25,
        np.repeat(distance, len(actual[chosen]), axis=0) / 0.25,
        (length[chosen] / 20) ** 2,
    )
    assert calibrator.mean_factor == pytest.approx(factor)
    assert abs(factor - 1) > 0.01
    mean = 10 + factor * distance
    np.testing.assert_allclose(point_forecasts(calibrator, quantiles[:1], context.values), mean)
    np.testing.assert_allclose(prediction_intervals(calibrator, quantiles[:1], context.values, [80])[0], mean)


def test_point_forecasts_of_whole_numbers_are_whole_medians_and_any_means():
    quantiles, values = np.array([[[0.2, 1.0, 3.1]]]), np.array([[0.0, 3.0, 0.0, 1.0]])
    start = START._replace(margins={80.0: np.zeros((1, 2))})
    whole = start._replace(bounds=start.bounds._replace(integer=True), point="mean")
    assert (
        point_forecasts(whole, quantiles, values).tolist()
        == point_forecasts(start._replace(point="mean"), quantiles, values).tolist()
    )
    assert prediction_intervals(whole, quantiles, values, [80])[0].item() % 1 != 0
    low, high = prediction_intervals(whole, quantiles, values, [80])[1:]
    assert (low.item(), high.item()) == (0.0, 4.0)


@pytest.mark.parametrize("level", [50.0, 80.0, 97.0])
def test_assumed_widths_are_those_of_a_random_walk_over_the_known_changes(level):
    values = np.array([[1.0, np.nan, 4.0, 2.0], [np.nan, np.nan, np.nan, 5.0], [np.nan] * 4, [7.0, 7.0, 9.0, 7.0]])
    quantiles = np.tile([-0.1, 0.0, 0.2], (4, 3, 1))
    _, low, high = prediction_intervals(START, quantiles, values - 10, [level])
    z, k = NormalDist().inv_cdf(0.5 + level / 200), np.arange(1, 4)
    below, above = (1.5 * side[0, 0] for side in half_widths(quantiles, LEVELS, level))
    # Changes 0, 3, -2 over three known values; none; none; 0, 2, -2 over four.
    for row, n, squares in ((0, 2, 13.0), (1, 1, 0.0), (3, 3, 8.0)):
        walk = z * np.sqrt(k * (1 + 1 / n) * squares / n)
        np.testing.assert_allclose(low[row], -np.maximum(below, walk))
        np.testing.assert_allclose(high[row], np.maximum(above, walk))


def test_prediction_intervals_keep_a_tenth_of_the_width_of_the_models():
    calibrator = START._replace(margins={80.0: np.full((2, 2), -9.0)})
    _, low, high = prediction_intervals(calibrator, QUANTILES, np.array([[-1.0, 1.0, -1.0]]), [80])
    np.testing.assert_allclose((low, high), ([[-0.1, -0.1]], [[0.2, 0.2]]))


def test_prediction_intervals_of_a_level_hold_those_of_the_narrower_calibrated_ones():
    margins = {50.0: np.full((2, 2), 5.0), 80.0: np.zeros((2, 2)), 95.0: np.zeros((2, 2))}
    calibrator, past = START._replace(margins=margins), np.array([[-1.0, 1.0, -1.0]])
    half = [side[0, 0] + 10 for side in half_widths(QUANTILES, LEVELS, 50.0)]
    for levels in ([80], [80, 50], [50, 95]):
        widest = prediction_intervals(calibrator, QUANTILES, past, levels)[1:]
        for sides in zip(widest[::2], widest[1::2], strict=True):
            np.testing.assert_allclose(sides, [[[-half[0]] * 2], [[half[1]] * 2]])


@pytest.mark.parametrize(
    ("level", "expected"), [(50.0, 1.0), (65.0, 2.0), (80.0, 3.0), (85.0, 4.0), (90.0, 5.0), (99.0, 5.0)]
)
def test_margins_of_any_level_lie_between_those_that_were_measured(level, expected):
    margins = {90.0: np.full((2, 2), 5.0), 50.0: np.full((2, 2), 1.0), 80.0: np.full((2, 2), 3.0)}
    assert margins_of(START._replace(margins=margins), level, 2).tolist() == [[expected] * 2] * 2
    one = START._replace(margins={50.0: np.array([[1.0, 2.0]])})
    assert margins_of(one, level, 1).tolist() == [[1.0, 2.0]]


def test_quantiles_of_normal_forecasts_that_are_too_narrow_are_normal_at_every_level():
    """Margins by which all widths double: below the first calibrated level they shrink with the widths."""
    scores = {level: NormalDist().inv_cdf(0.5 + level / 200) for level in (1.0, 10.0, 25.0, 49.9, *STANDARD_LEVELS)}
    margins = {level: np.full((1, 2), scores[level]) for level in STANDARD_LEVELS}
    past = np.array([[-1.0, 0.0, -1.0, 0.0]])
    quantiles = np.array([[[-scores[80.0], 0.0, scores[80.0]]]])
    median, *bounds = prediction_intervals(START._replace(margins=margins), quantiles, past, list(scores))
    for level, low, high in zip(scores, bounds[::2], bounds[1::2], strict=True):
        assert high.item() - median.item() == pytest.approx(2 * scores[level])
        assert low.item() - median.item() == pytest.approx(-2 * scores[level])


def test_predict_all_holds_constants_and_weighs_the_models():
    class Models:
        def predict_quantiles(self, _, n_steps):
            return {
                "a": np.tile(QUANTILES[:, :1], (2, n_steps, 1)),
                "b": np.tile(QUANTILES[:, :1] + 4, (2, n_steps, 1)),
            }

    context = PanelContext.from_values(np.stack([np.full(12, 7.0), np.arange(12.0)]))
    columns = predict_all(default_calibrator(["a", "b"], LEVELS), Models(), context, 3)
    assert list(columns) == ["Ensemble", "a", "b"]
    for column, expected in zip(columns.values(), ([1, 2, 4], [-1, 0, 2], [3, 4, 6]), strict=True):
        assert column.shape == (2, 3, 3)
        assert (column[0] == 7).all()
        np.testing.assert_allclose(column[1], [expected] * 3)


def test_is_mostly_zero_needs_more_than_half_of_the_values():
    values = np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    assert is_mostly_zero(values).tolist() == [False] * 3
    assert is_mostly_zero(np.array([[1.0, 0.0, 0.0], [1.0, 0.0, -1.0]])).tolist() == [True, False]


def test_point_forecasts_that_are_medians_are_those_of_the_model():
    quantiles = np.arange(30.0).reshape(2, 5, 3)
    medians = point_forecasts(START, quantiles, np.ones((2, 9)))
    assert medians.tolist() == [[1.0, 4.0, 7.0, 10.0, 13.0], [16.0, 19.0, 22.0, 25.0, 28.0]]


def test_a_step_after_a_constant_past_is_fitted_without_a_warning():
    y = np.where(np.arange(60) < 50, 1.0, 1e9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forecast = Forecaster(3, model=["naive", "dot"]).fit(y).predict(output="dict")
    assert np.isfinite(forecast["Ensemble"]).all()
