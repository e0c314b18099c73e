"""Functions of targets and predictions against their equations, one value at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError
from gatecast.metrics import accumulators, functions


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def by_sample(function, true, pred):
    """The means over the last axis of a function of two numbers."""
    return np.vectorize(function)(true, pred).mean(axis=-1)


EQUATIONS = {
    "mean_squared_error": lambda y, p: (p - y) ** 2,
    "mean_absolute_error": lambda y, p: abs(p - y),
    "mean_absolute_percentage_error": lambda y, p: 100 * abs(p - y) / max(abs(y), 1e-7),
    "mean_squared_logarithmic_error": lambda y, p: (math.log1p(max(p, 1e-7)) - math.log1p(max(y, 1e-7))) ** 2,
    "log_cosh": lambda y, p: math.log(math.cosh(p - y)),
}


@pytest.mark.parametrize("name", EQUATIONS)
@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (6, 1)])
def test_errors_are_means_of_their_equations_over_the_outputs(name, shape, rng):
    true, pred = rng.normal(0, 2, shape), rng.normal(0, 2, shape)
    true.flat[0], pred.flat[1] = 0.0, 0.0
    got = getattr(functions, name)(true, pred)
    np.testing.assert_allclose(got, by_sample(EQUATIONS[name], true, pred), rtol=1e-12)


def test_log_cosh_of_large_errors_is_their_size_less_log_two():
    np.testing.assert_allclose(functions.log_cosh([[-1e4], [1e4]], [[1e4], [-1e4]]), 2e4 - math.log(2))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("from_logits", [False, True])
def test_binary_crossentropy_is_its_equation(smoothing, from_logits, rng):
    true, logits = rng.integers(0, 2, (6, 4)).astype(float), rng.normal(0, 3, (6, 4))

    def entropy(y, x):
        y, p = y * (1 - smoothing) + smoothing / 2, sigmoid(x)
        return -y * math.log(p) - (1 - y) * math.log(1 - p)

    pred = logits if from_logits else 1 / (1 + np.exp(-logits))
    got = functions.binary_crossentropy(true, pred, from_logits, smoothing)
    np.testing.assert_allclose(got, by_sample(entropy, true, logits), rtol=1e-9)
    metric = accumulators.BinaryCrossentropy(from_logits=from_logits, label_smoothing=smoothing)
    assert metric(true, pred) == pytest.approx(got.mean())


def test_crossentropy_of_certain_predictions_is_finite():
    far = -math.log(1e-7)
    np.testing.assert_allclose(functions.binary_crossentropy([[1.0], [0.0]], [[0.0], [1.0]]), far, rtol=1e-6)
    np.testing.assert_allclose(functions.binary_crossentropy([[1.0], [0.0]], [[1.0], [0.0]]), 1e-7, rtol=1e-6)
    np.testing.assert_allclose(functions.binary_crossentropy([[1.0]], [[-800.0]], True), 800.0)
    np.testing.assert_allclose(functions.categorical_crossentropy([[1.0, 0.0]], [[0.0, 1.0]]), far, rtol=1e-6)
    np.testing.assert_allclose(functions.categorical_crossentropy([[1.0, 0.0]], [[1.0, 0.0]]), 1e-7, rtol=1e-6)
    np.testing.assert_allclose(functions.categorical_crossentropy([[1.0, 0.0]], [[-800.0, 0.0]], True), 800.0)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("axis", [-1, 1])
def test_categorical_crossentropy_is_its_equation_along_an_axis(smoothing, from_logits, axis, rng):
    true, pred = rng.random((3, 4, 5)), rng.uniform(0.1, 2.0, (3, 4, 5))
    moved_true, moved_pred = np.moveaxis(true, axis, -1), np.moveaxis(pred, axis, -1)
    expected = np.empty(moved_true.shape[:-1])
    for at in np.ndindex(expected.shape):
        y, p = moved_true[at], moved_pred[at]
        weights = [math.exp(x) if from_logits else x for x in p]
        labels = [v * (1 - smoothing) + smoothing / len(y) for v in y]
        expected[at] = -sum(v * math.log(w / sum(weights)) for v, w in zip(labels, weights, strict=True))
    got = functions.categorical_crossentropy(true, pred, from_logits, smoothing, axis)
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    options = {"from_logits": from_logits, "label_smoothing": smoothing} | ({} if axis == -1 else {"axis": axis})
    metric = accumulators.CategoricalCrossentropy(**options)
    assert metric(true, pred) == pytest.approx(got.mean())


@pytest.mark.parametrize("axis", [-1, 1])
def test_cosine_similarity_is_that_along_an_axis(axis, rng):
    true, pred = rng.normal(size=(3, 4, 5)), rng.normal(size=(3, 4, 5))
    a, b = np.moveaxis(true, axis, -1), np.moveaxis(pred, axis, -1)
    expected = (a * b).sum(axis=-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    np.testing.assert_allclose(functions.cosine_similarity(true, pred, axis), expected)
    assert functions.cosine_similarity([[0.0, 0.0]], [[1.0, 2.0]]).tolist() == [0.0]
    metric = accumulators.CosineSimilarity() if axis == -1 else accumulators.CosineSimilarity(axis=axis)
    assert metric(true, pred) == pytest.approx(expected.mean())


@pytest.mark.parametrize(
    ("true", "pred", "shape"),
    [
        ((4,), (4,), (4, 1)),
        ((4,), (4, 1), (4, 1)),
        ((4, 1), (4,), (4, 1)),
        ((4, 3), (4, 3), (4, 3)),
        ((4, 3), (4, 3, 1), (4, 3, 1)),
        ((4, 3, 1), (4, 3), (4, 3, 1)),
    ],
)
def test_align_adds_the_axis_of_a_single_output(true, pred, shape):
    one, other = functions.align(np.zeros(true, int), np.ones(pred))
    assert one.shape == other.shape == shape
    assert one.dtype == np.float32
    assert other.dtype == np.float64


@pytest.mark.parametrize(
    ("true", "pred"), [((4,), (4, 3)), ((4, 3), (4,)), ((4,), (5,)), ((4, 2, 1), (4,)), ((4,), (4, 1, 1))]
)
def test_align_refuses_other_shapes(true, pred):
    with pytest.raises(DataError, match="do not fit"):
        functions.align(np.zeros(true), np.zeros(pred))


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_binary_accuracy_counts_what_lies_above_the_threshold(threshold):
    pred = np.array([[0.1], [0.2], [0.3], [0.5], [0.6], [0.8], [0.9]])
    true = np.ones((7, 1))
    metric = accumulators.BinaryAccuracy(threshold=threshold)
    assert metric(true, pred) == pytest.approx((pred > threshold).mean())
    assert metric.get_config() == {"name": "binary_accuracy", "dtype": None, "threshold": threshold}
    assert accumulators.BinaryAccuracy.from_config(metric.get_config()).threshold == threshold


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.0, 1.5])
def test_binary_accuracy_of_another_threshold_is_refused(threshold):
    with pytest.raises(ConfigError, match="Invalid threshold"):
        accumulators.BinaryAccuracy(threshold=threshold)


def test_accuracies_are_shares_of_what_is_right():
    assert accumulators.Accuracy()([[1, 2, 3], [4, 5, 6]], [[1, 0, 3], [4, 5, 6]]) == pytest.approx((2 / 3 + 1) / 2)
    one_hot, scores = np.eye(3)[[0, 1, 2, 2]], np.array([[3, 1, 2], [1, 2, 3], [1, 2, 3], [3, 2, 1]])
    assert accumulators.CategoricalAccuracy()(one_hot, scores) == 0.5
    for labels in ([0, 1, 2, 2], [[0], [1], [2], [2]]):
        assert accumulators.SparseCategoricalAccuracy()(labels, scores) == 0.5
    # Steps of a sequence: the classes are the last axis.
    assert accumulators.CategoricalAccuracy()(one_hot[None], scores[None]) == 0.5
    assert accumulators.SparseCategoricalAccuracy()([[0, 1, 2, 2]], scores[None]) == 0.5


def test_means_and_sums_weigh_values():
    total, mean = accumulators.Sum(), accumulators.Mean()
    total.update_state([1.0, 2.0])
    total.update_state([3.0, 4.0], [0.5, 2.0])
    assert total.result() == 12.5
    mean.update_state([[1.0, 3.0], [5.0, 7.0]], [1.0, 3.0])
    assert (mean.total, mean.count) == (40.0, 8.0)
    assert mean.result() == 5.0
    mean.update_state(np.array([1.0, 3.0]), [[1.0], [1.0]])
    assert mean.result() == 4.4
    mean.reset_state()
    assert mean.result() == 0.0
    with pytest.raises(DataError, match=r"sample_weight does not fit \(mean\): got \(3,\) for values \(2,\)"):
        mean.update_state([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="sample_weight does not fit"):
        mean.update_state([1.0, 2.0], np.ones((2, 0)))


def test_a_function_of_a_batch_weighs_as_its_samples_do():
    metric = accumulators.MeanMetricWrapper(lambda y, p, power: np.mean(np.abs(y - p) ** power), power=2)
    metric.update_state(np.zeros(2), np.full(2, 3.0), sample_weight=[1.0, 3.0])
    metric.update_state(np.zeros(2), np.zeros(2), sample_weight=[1.0, 1.0])
    assert metric.result() == pytest.approx(9 * 2 / 3)
    assert metric.name == "<lambda>"
    assert accumulators.MeanMetricWrapper(np.subtract, "difference").name == "difference"


@pytest.mark.parametrize("axis", [True, 1.5, "last", None])
def test_axes_are_integers(axis):
    for metric in (accumulators.CosineSimilarity, accumulators.CategoricalCrossentropy):
        with pytest.raises(ConfigError, match="Invalid axis"):
            metric(axis=axis)
        assert metric(axis=np.int64(1)).axis == 1


def test_r2_of_steps_and_of_outputs_that_do_not_vary(rng):
    true, pred = rng.normal(size=(4, 5, 2)), rng.normal(size=(4, 5, 2))
    true[..., 1] = 3.0
    flat, other = true.reshape(-1, 2), pred.reshape(-1, 2)
    first = 1 - ((flat - other) ** 2).sum(axis=0)[0] / ((flat - flat.mean(axis=0)) ** 2).sum(axis=0)[0]
    np.testing.assert_allclose(accumulators.R2Score(None)(true, pred)[0], first)
    exact = accumulators.R2Score(None)(np.full((4, 1), 2.0), rng.normal(size=(4, 1)))
    assert exact.tolist() == [0.0]
    weight = rng.random(4)
    metric = accumulators.R2Score()
    metric.update_state(true[..., :1], pred[..., :1], weight)
    y, p, w = true[..., 0].ravel(), pred[..., 0].ravel(), np.repeat(weight, 5)
    spread = (w * (y - np.average(y, weights=w)) ** 2).sum()
    assert metric.result() == pytest.approx(1 - (w * (y - p) ** 2).sum() / spread)
    assert accumulators.R2Score().result() == 0.0
    with pytest.raises(ConfigError, match="num_regressors=0"):
        accumulators.R2Score(num_regressors=1)
