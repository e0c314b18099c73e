"""Metrics of a model: what reading them changes, how they are named, and what a file keeps of them."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import EPS64, close, rounding

from gatecast import metrics
from gatecast.callbacks import EarlyStopping, LambdaCallback
from gatecast.errors import ConfigError, DataError, FormatError
from gatecast.layers import LSTM, Dense, Input, Masking
from gatecast.metrics import BinaryAccuracy, CosineSimilarity, MeanAbsoluteError, Metric
from gatecast.models import Sequential, load_model
from gatecast.optimizers import SGD

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)).astype(np.float32), RNG.normal(size=40).astype(np.float32)


def make(width=1, **compiled):
    """A compiled model."""
    model = Sequential([Input((3,)), Dense(width)], seed=1)
    model.compile(compiled.pop("optimizer", SGD(0.01)), compiled.pop("loss", "mse"), **compiled)
    return model


def test_metrics_that_are_read_during_an_epoch_go_on():
    plain, watched = make(metrics=["mae"]), make(metrics=["mae"])
    read = LambdaCallback(on_train_batch_end=lambda batch, logs: (watched.metrics, watched.metrics_names))  # noqa: ARG005
    expected = plain.fit(X, Y, epochs=2, batch_size=8).history
    assert watched.fit(X, Y, epochs=2, batch_size=8, callbacks=[read]).history == expected


def test_an_evaluation_during_an_epoch_leaves_its_metrics_alone():
    plain, watched = make(metrics=["mae"]), make(metrics=["mae"])
    seen = []
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(watched.evaluate(X[:4], Y[:4])))  # noqa: ARG005
    expected = plain.fit(X, Y, batch_size=8).history
    assert watched.fit(X, Y, batch_size=8, callbacks=[look]).history == expected
    assert len(seen) == 5


def test_results_of_metrics_can_be_read_after_an_evaluation():
    model = make(metrics=["mae"])
    _, error = model.evaluate(X, Y)
    assert model.metrics[0].result() == error


def test_metrics_of_a_model_that_is_not_built_are_none():
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    assert model.metrics == []
    assert model.metrics_names == ["loss"]


@pytest.mark.parametrize("name", ["mean_squared_error", "mae", "accuracy", "log_cosh", "binary_crossentropy"])
def test_a_function_of_the_user_keeps_its_meaning_whatever_its_name(name, tmp_path):
    def seven(y_true, y_pred):
        return np.abs(y_true - y_pred)[..., 0] * 0 + 7

    seven.__name__ = name
    model = make(metrics=[seven])
    assert model.evaluate(X, Y, return_dict=True)[name] == 7
    model.save(tmp_path / "m")
    assert load_model(tmp_path / "m").metrics_names == ["loss"]


def test_a_class_of_the_user_with_a_name_of_gatecast_is_not_saved_as_another(tmp_path):
    mine = type("MeanAbsoluteError", (MeanAbsoluteError,), {"result": lambda self: 7.0})  # noqa: ARG005
    model = make(metrics=[mine, mine("m")])
    assert model.evaluate(X, Y)[1:] == [7.0, 7.0]
    model.save(tmp_path / "m")
    assert load_model(tmp_path / "m").metrics_names == ["loss"]


@pytest.mark.parametrize(
    ("plain", "weighted", "names"),
    [
        (["mae", "mae"], [], ["mae", "mae_1"]),
        (["mae", "mae", "mae"], None, ["mae", "mae_1", "mae_2"]),
        (["mae"], ["mae"], ["mae", "weighted_mae"]),
        (["mae"], ["mae", "mae"], ["mae", "weighted_mae", "weighted_mae_1"]),
        (["mae", metrics.MeanSquaredError("mae")], [], ["mae", "mae_1"]),
    ],
)
def test_names_that_are_taken_get_those_of_keras(plain, weighted, names):
    model = make(metrics=plain, weighted_metrics=weighted)
    assert model.metrics_names == ["loss", *names]
    history = model.fit(X, Y, validation_split=0.2).history
    assert list(history) == ["loss", *names, "val_loss", *(f"val_{name}" for name in names)]
    assert len(model.evaluate(X, Y)) == 1 + len(names)


def test_a_second_metric_of_a_name_has_its_own_value_and_direction():
    model = make(metrics=["mae", metrics.R2Score(name="mae")])
    logs = model.evaluate(X, Y, return_dict=True)
    pred = model.predict(X)
    close(logs["mae"], np.abs(pred[:, 0] - Y).mean(), rounding(40))
    close(logs["mae_1"], metrics.R2Score()(Y, pred), rounding(40, EPS64))
    stopping = EarlyStopping("mae_1", patience=1)
    model.fit(X, Y, epochs=3, callbacks=[stopping])
    assert stopping.best == max(model.history.history["mae_1"])


def test_a_metric_cannot_have_the_name_of_the_loss():
    with pytest.raises(ConfigError, match=r"cannot be named 'loss'.*Give it another name"):
        make(metrics=[MeanAbsoluteError("loss")])


SETTINGS = [
    BinaryAccuracy("sure", threshold=0.9),
    CosineSimilarity("angle", axis=1),
    metrics.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
    metrics.CategoricalCrossentropy("c", from_logits=True, label_smoothing=0.2),
    metrics.R2Score(None, name="all"),
    metrics.Accuracy("exact"),
    metrics.mean_squared_error,
    metrics.log_cosh,
    "mae",
]


@pytest.mark.parametrize("metric", SETTINGS, ids=lambda metric: getattr(metric, "__name__", str(metric)))
def test_a_saved_metric_has_its_name_and_its_settings(metric, tmp_path):
    y = (RNG.random((40, 2)) > 0.5).astype(np.float32)
    model = make(2, metrics=[metric])
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.metrics_names == model.metrics_names
    assert again.metrics[0].get_config() == model.metrics[0].get_config()
    np.testing.assert_array_equal(again.evaluate(X, y)[1], model.evaluate(X, y)[1])


def test_a_file_with_a_setting_that_a_metric_does_not_have_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(BinaryAccuracy, "settings", ("threshold", "direction"))
    make(metrics=[BinaryAccuracy()]).save(tmp_path / "m")
    with pytest.raises(FormatError, match="direction"):
        load_model(tmp_path / "m")


def test_logits_and_smoothing_of_metrics_are_those_of_the_losses():
    from gatecast import losses

    y, pred = np.eye(3)[RNG.integers(0, 3, 20)], RNG.normal(size=(20, 3))
    for name in ("BinaryCrossentropy", "CategoricalCrossentropy"):
        settings = {"from_logits": True, "label_smoothing": 0.1}
        metric, loss = getattr(metrics, name)(**settings), getattr(losses, name)(**settings)
        close(metric(y, pred), loss(y, pred), rounding(100))


def test_the_axis_of_a_metric_is_used():
    true, pred = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 4))
    close(CosineSimilarity(axis=0)(true, pred), CosineSimilarity()(true.T, pred.T), rounding(10, EPS64))
    y, p = np.eye(4)[:, [0, 1, 2]], RNG.random((4, 3))
    across = metrics.CategoricalCrossentropy(axis=0)(y, p)
    close(across, metrics.CategoricalCrossentropy()(y.T, p.T), rounding(10, EPS64))


@pytest.mark.parametrize(
    ("make_metric", "text"),
    [
        (lambda: CosineSimilarity(axis="last"), "Invalid axis 'last'"),
        (lambda: BinaryAccuracy(threshold="a"), "Invalid threshold 'a' (BinaryAccuracy): expected a number"),
        (lambda: BinaryAccuracy(threshold=1.5), "Invalid threshold 1.5"),
        (lambda: metrics.BinaryCrossentropy(label_smoothing=2), "Invalid label_smoothing 2"),
        (lambda: MeanAbsoluteError(nme="x"), "Unknown argument 'nme' (MeanAbsoluteError). Did you mean name?"),
    ],
)
def test_impossible_settings_of_metrics_are_named(make_metric, text):
    with pytest.raises(ConfigError) as caught:
        make_metric()
    assert text in str(caught.value)


def test_weights_that_do_not_fit_a_metric_are_named():
    with pytest.raises(DataError, match=r"sample_weight does not fit \(mean_absolute_error\): got \(3,\)"):
        MeanAbsoluteError().update_state(np.ones((2, 1)), np.ones((2, 1)), sample_weight=np.ones(3))


def test_a_metric_of_the_user_takes_the_keywords_that_it_defines():
    class Mine(Metric):
        def __init__(self, power=1, **options):
            super().__init__(**options)
            self.power = power

    assert Mine(power=2, name="p").name == "p"
    assert Mine().get_config() == {"name": "mine", "dtype": None}


@pytest.mark.parametrize("metric", ["accuracy", "binary_accuracy", BinaryAccuracy(threshold=0.45)])
def test_binary_accuracy_leaves_masked_steps_out(metric):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 5, 2)).astype(np.float32), rng.integers(0, 2, (6, 5, 1)).astype(np.float32)
    steps = np.arange(5) < rng.integers(1, 6, 6)[:, None]
    x[~steps] = 0
    model = Sequential([Input((5, 2)), Masking(), LSTM(3, return_sequences=True), Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=[metric])
    right = y == (model.predict(x) > getattr(metric, "threshold", 0.5))
    assert model.evaluate(x, y)[1] == pytest.approx(right[steps].mean())
    assert right[~steps].any()
