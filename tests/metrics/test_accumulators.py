"""Metrics that accumulate: batches add up to the whole, weights mean what they should, and names are found."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import EPS64, close, rounding

from gatecast import metrics
from gatecast.errors import ConfigError, DataError
from gatecast.layers import Dense, Input
from gatecast.metrics import accumulators, functions, get
from gatecast.models import Sequential
from gatecast.optimizers import SGD

CLASSES = [
    getattr(accumulators, name)
    for name in accumulators.__all__
    if name not in ("Metric", "Mean", "Sum", "MeanMetricWrapper")
]
every_class = pytest.mark.parametrize("metric", CLASSES, ids=lambda metric: metric.__name__)


def example(metric, rng, count=30):
    """Targets and predictions that a metric can read."""
    if metric is metrics.SparseCategoricalAccuracy:
        return rng.integers(0, 3, (count, 1)), rng.random((count, 3))
    if metric is metrics.CategoricalAccuracy:
        return np.eye(3)[rng.integers(0, 3, count)], rng.random((count, 3))
    if metric in (metrics.Accuracy, metrics.BinaryAccuracy):
        return rng.integers(0, 2, (count, 3)), rng.integers(0, 2, (count, 3))
    return rng.uniform(0.1, 0.9, (count, 3)), rng.uniform(0.1, 0.9, (count, 3))


@every_class
def test_batches_add_up_to_the_whole(metric, rng):
    true, pred = example(metric, rng)
    whole, parts = metric(), metric()
    for rows in (slice(0, 7), slice(7, 8), slice(8, 30)):
        parts.update_state(true[rows], pred[rows])
    close(parts.result(), whole(true, pred), rounding(100, EPS64))
    parts.reset_state()
    assert parts.result() == 0
    close(parts(true, pred), whole.result(), rounding(100, EPS64))


@every_class
def test_a_weight_of_two_is_the_sample_twice_and_zero_is_none(metric, rng):
    true, pred = example(metric, rng)
    weight = rng.integers(0, 3, 30)
    weighted, repeated = metric(), metric()
    weighted.update_state(true, pred, sample_weight=weight)
    twice = np.repeat(np.arange(30), weight)
    close(weighted.result(), repeated(true[twice], pred[twice]), rounding(100, EPS64))


@every_class
def test_a_state_goes_on(metric, rng):
    true, pred = example(metric, rng)
    one, two = metric(), metric()
    one.update_state(true[:9], pred[:9])
    two.set_state(one.get_state())
    assert one(true[9:], pred[9:]) == two(true[9:], pred[9:])


@every_class
def test_names_are_those_of_keras_and_have_a_direction(metric):
    name = metric().name
    assert name == name.lower()
    assert metric(name="other").name == "other"
    assert metric.direction in ("down", "up")
    if metric is not metrics.Accuracy:
        assert type(get(name)) is metric
        assert type(get(metric)) is type(get(metric())) is type(get(metric.__name__)) is metric


@pytest.mark.parametrize(
    ("name", "true", "pred", "value"),
    [
        ("mae", [1, 2], [2, 4], 1.5),
        ("MSE", [1, 2], [2, 4], 2.5),
        ("rmse", [1, 2], [2, 4], np.sqrt(2.5)),
        ("mape", [1, 2], [2, 4], 100.0),
        ("cosine_similarity", [[3, 4]], [[4, 3]], 0.96),
        ("r2_score", [1, 2, 3], [1, 2, 4], 0.5),
        ("binary_accuracy", [1, 0], [0.7, 0.7], 0.5),
    ],
)
def test_values_computed_by_hand(name, true, pred, value):
    close(get(name)(true, pred), value, rounding(10))


def test_weights_of_steps(rng):
    true, pred, weight = rng.random((5, 4, 2)), rng.random((5, 4, 2)), rng.random((5, 4))
    metric = metrics.MeanAbsoluteError()
    metric.update_state(true, pred, sample_weight=weight)
    close(metric.result(), np.average(np.abs(true - pred).mean(axis=2), weights=weight), rounding(10, EPS64))
    by_sample = metrics.MeanAbsoluteError()
    by_sample.update_state(true, pred, sample_weight=weight[:, 0])
    again = metrics.MeanAbsoluteError()
    again.update_state(true, pred, sample_weight=np.repeat(weight[:, :1], 4, axis=1))
    close(by_sample.result(), again.result(), rounding(10, EPS64))


def test_a_function_is_averaged_over_what_it_returns():
    true, pred = np.zeros(4), np.arange(4.0)
    for function in (lambda t, p: np.abs(p - t), lambda t, p: np.abs(p - t).mean()):
        assert get(function)(true, pred) == 1.5
    assert get(metrics.mean_squared_error).name == "mean_squared_error"


def test_accuracy_depends_on_the_outputs():
    kinds = [type(get("accuracy", n_outputs, width)).__name__ for n_outputs, width in ((1, 1), (3, 1), (3, 3))]
    assert kinds == ["BinaryAccuracy", "SparseCategoricalAccuracy", "CategoricalAccuracy"]
    assert get("acc", 1, 1).name == "acc"


def test_r2_of_several_outputs(rng):
    true, pred = rng.normal(size=(2, 50, 3)) * [1, 10, 100]
    each = 1 - ((true - pred) ** 2).sum(axis=0) / ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    close(metrics.R2Score(None)(true, pred), each, rounding(100, EPS64))
    close(metrics.R2Score()(true, pred), each.mean(), rounding(100, EPS64))
    weights = true.var(axis=0)
    close(metrics.R2Score("variance_weighted_average")(true, pred), np.average(each, weights=weights), 1e-12)


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: get("maee"), ConfigError, "Unknown metric 'maee'. Did you mean mae?"),
        (lambda: get(3), ConfigError, "Invalid metric 3"),
        (lambda: metrics.Mean().add_weight("total", initializer="he"), ConfigError, "Unknown initializer 'he'"),
        (lambda: metrics.R2Score("sum"), ConfigError, "Invalid class_aggregation"),
        (lambda: get("mae")([[1, 2]], [[1, 2, 3]]), DataError, "y_true and y_pred do not fit: got (1, 2) and (1, 3)"),
    ],
)
def test_impossible_metrics_are_named(make, kind, text):
    with pytest.raises(kind) as caught:
        make()
    assert text in str(caught.value)


class Largest(metrics.Metric):
    """A metric of the user: the largest error."""

    def reset_state(self):
        self.value = 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):  # noqa: ARG002
        self.value = max(self.value, float(np.abs(np.asarray(y_true) - y_pred).max()))

    def result(self):
        return self.value


def test_a_metric_of_the_user_needs_three_methods():
    metric = get(Largest("worst"))
    metric.update_state([1.0, 2.0], [1.0, 5.0])
    assert metric([0.0], [1.0]) == 3.0
    assert metric.name == "worst"
    assert metric.get_state() == {"value": 3.0}
    metric.reset_state()
    assert metric.result() == 0.0
    with pytest.raises(NotImplementedError, match="must define update_state"):
        metrics.Metric()([1.0], [1.0])


@pytest.mark.parametrize("is_first", [True, False])
def test_a_mistake_in_reset_state_is_raised_where_the_metric_is_made(is_first):
    class Wrong(metrics.Metric):
        def __init__(self):
            if is_first:
                super().__init__()
            self.total = self.add_weight(name="total")
            if not is_first:
                super().__init__()

        def reset_state(self):
            self.totl.assign(0.0)

    with pytest.raises(AttributeError, match="has no attribute 'totl'"):
        Wrong()


def test_a_metric_may_make_its_sums_behind_the_first_reset():
    class Late(metrics.Metric):
        def __init__(self):
            super().__init__()
            self.total = 1.0
            self.counts = np.ones(2)

        def reset_state(self):
            self.counts[:] = 0.0
            self.total = 0.0

    assert {name: np.ravel(value).tolist() for name, value in Late().get_state().items()} == {
        "total": [0.0],
        "counts": [0.0, 0.0],
    }


def test_functions_of_gatecast_are_its_metrics_and_those_of_users_are_not():
    metric = get(functions.mean_squared_error)
    assert type(metric) is metrics.MeanSquaredError
    assert metric.name == "mean_squared_error"

    def mean_squared_error(y_true, y_pred):
        return np.full(len(y_true), 7.0)

    theirs = get(mean_squared_error)
    assert type(theirs) is accumulators.MeanMetricWrapper
    assert theirs([1.0], [1.0]) == 7.0
    assert theirs.name == "mean_squared_error"


class Share(metrics.Metric):
    """The share of large errors, written as in the guide of Keras."""

    def __init__(self, name="share", **options):
        super().__init__(name=name, **options)
        self.large = self.add_weight(name="large", initializer="zeros")
        self.count = self.add_weight(shape=(), initializer=metrics_zeros, name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):  # noqa: ARG002
        self.large.assign_add(np.sum(np.abs(y_true - y_pred) > 1))
        self.count.assign_add(np.size(y_true))

    def result(self):
        return self.large / self.count


class ShareReset(Share):
    """The same with a reset of its own."""

    def reset_state(self):
        self.large.assign(0.0)
        self.count.assign(0.0)


def metrics_zeros(shape):
    return np.zeros(shape)


@pytest.mark.parametrize("kind", [Share, ShareReset])
def test_metrics_written_with_add_weight_accumulate_and_begin_again(kind):
    x, y = np.arange(12.0)[:, None], 3 * np.arange(12.0)
    model = Sequential([Input((1,)), Dense(1, kernel_initializer="ones")])
    model.compile(SGD(1e-9), "mse", metrics=[kind()])
    losses = model.fit(x, y, batch_size=5, epochs=2, validation_data=(x[:4], y[:4])).history
    assert losses["share"] == [11 / 12] * 2
    assert losses["val_share"] == [3 / 4] * 2
    metric = kind()
    assert metric(np.array([0.0, 5.0]), np.array([0.0, 0.0])) == 0.5
    metric.reset_state()
    assert [float(variable) for variable in metric.variables] == [0.0, 0.0]


def test_sums_of_add_weight_are_numbers_to_python():
    metric = Share()
    metric.large += 3
    metric.large -= 1
    metric.count.assign(8)
    assert f"{metric.large:.2f} {int(metric.count)}" == "2.00 8"
    assert metric.result() == 0.25
    state = {name: np.atleast_1d(value) for name, value in metric.get_state().items()}
    again = Share()
    again.set_state(state)
    assert again.result() == 0.25


class SharesByOutput(metrics.Metric):
    """Sums in a list, and a metric within this one."""

    def __init__(self, name="shares"):
        super().__init__(name=name)
        self.large = [self.add_weight(name=f"large_{k}") for k in range(2)]
        self.error = metrics.MeanSquaredError()

    def update_state(self, y_true, y_pred, sample_weight=None):  # noqa: ARG002
        for k, large in enumerate(self.large):
            large.assign_add(np.sum(np.abs(y_true[:, k] - y_pred[:, k]) > 1))
        self.error.update_state(y_true, y_pred)

    def result(self):
        return float(self.large[0]) + 10 * float(self.large[1]) + 100 * self.error.result()


def test_sums_in_lists_and_metrics_within_a_metric_begin_again_and_go_on():
    metric, again = SharesByOutput(), SharesByOutput()
    y_true, y_pred = np.zeros((3, 2)), np.array([[2.0, 0.0], [0.0, 4.0], [2.0, 0.0]])
    assert metric(y_true, y_pred) == 2 + 10 * 1 + 100 * 24 / 6
    again.set_state({name: np.atleast_1d(value) for name, value in metric.get_state().items()})
    assert again.result() == metric.result()
    metric.reset_state()
    assert [float(variable) for variable in metric.variables] == [0.0, 0.0]
    assert metric(y_true, y_pred) == again.result()
