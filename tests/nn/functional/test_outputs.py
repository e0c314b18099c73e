"""Models with several outputs: losses, metrics and weights of each, by every way to pass them.

Numbers and names of Keras are in tests/nn/test_keras_training.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.callbacks import BackupAndRestore, EarlyStopping, LambdaCallback, ModelCheckpoint, ReduceLROnPlateau
from gatecast.errors import ConfigError, DataError, FormatError
from gatecast.layers import LSTM, Dense, Input, RepeatVector, TimeDistributed
from gatecast.losses import Loss
from gatecast.metrics import MeanAbsoluteError
from gatecast.models import Model, load_model

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 4, 1)).astype(np.float32)
Y = [RNG.normal(size=(24, 2)).astype(np.float32), RNG.random((24, 3, 1)).astype(np.float32)]
W = [RNG.random(24).astype(np.float32), RNG.random((24, 3)).astype(np.float32)]
NAMES = ["mean", "steps"]
METRICS = {"metrics": [["mae"], ["mae", "mse"]], "weighted_metrics": {"steps": "mae"}}
IN_LIST = ["loss", "mean_loss", "steps_loss", "mean_mae", "steps_mae", "steps_mse", "steps_weighted_mae"]


def make(loss="mse", outputs=2, **compiled):
    """A compiled model with an output of a sample and one of three steps."""
    x = Input((4, 1), name="past")
    h = LSTM(3)(x)
    outs = [Dense(2, name="mean")(h), TimeDistributed(Dense(1), name="steps")(RepeatVector(3)(h))]
    model = Model(x, outs[:outputs], seed=3)
    model.compile("adam", loss, **compiled)
    return model


def named(parts):
    """Arrays by the names of the outputs."""
    return dict(zip(NAMES, parts, strict=True))


def of_batch(parts, k):
    """The rows of a batch of eight of an array, or of each of several."""
    if isinstance(parts, dict):
        return {name: of_batch(part, k) for name, part in parts.items()}
    return [of_batch(part, k) for part in parts] if isinstance(parts, list) else parts[8 * k : 8 * k + 8]


def test_names_of_losses_and_metrics_are_the_same_everywhere():
    model = make(**METRICS)
    assert model.metrics_names == IN_LIST
    assert [metric.name for metric in model.metrics] == ["mae", "mae", "mse", "mae"]
    history = model.fit(X, Y, validation_split=0.25).history
    assert list(history) == [*sorted(IN_LIST), *(f"val_{name}" for name in sorted(IN_LIST))]
    values, by_name = model.evaluate(X, Y), model.evaluate(X, Y, return_dict=True)
    assert list(by_name) == sorted(IN_LIST)
    assert values == [by_name[name] for name in IN_LIST]
    assert model.test_on_batch(X, Y) == values
    close(model.train_on_batch(X, Y), values, rounding(100))
    assert list(model.train_on_batch(X, Y, return_dict=True)) == sorted(IN_LIST)


def test_values_are_those_of_the_predictions():
    model = make(loss=["mse", "mae"], loss_weights=[1.0, 0.5], metrics=[["mae"], []], weighted_metrics=[[], ["mse"]])
    mean, steps = model.predict(X)
    losses = (
        (W[0] * np.square(mean - Y[0]).mean(axis=1)).mean(),
        (W[1] * np.abs(steps - Y[1])[..., 0]).mean(),
    )
    weighted = np.average(np.square(steps - Y[1])[..., 0], weights=W[1])
    expected = [losses[0] + 0.5 * losses[1], *losses, np.abs(mean - Y[0]).mean(), weighted]
    close(model.evaluate(X, Y, sample_weight=W), expected, rounding(100))


@pytest.mark.parametrize("weight", [W, tuple(W), named(W), [W[0][:, None], W[1][..., None]]])
@pytest.mark.parametrize("y", [Y, tuple(Y), named(Y)], ids=["list", "tuple", "dict"])
def test_weights_by_output_are_lists_or_dicts(y, weight):
    model, other = make(**METRICS), make(**METRICS)
    first = model.fit(X, y, sample_weight=weight, validation_data=(X, y, weight)).history
    assert first == other.fit(X, Y, sample_weight=W, validation_data=(X, Y, W)).history
    assert model.evaluate(X, y, sample_weight=weight) == other.evaluate(X, Y, sample_weight=W)
    assert model.train_on_batch(X, y, sample_weight=weight) == other.train_on_batch(X, Y, sample_weight=W)
    np.testing.assert_array_equal(model.weights.vector, other.weights.vector)


@pytest.mark.parametrize("ones", [None, [None, None], {}, {"mean": np.ones(24)}, [None, np.ones((24, 3))], np.ones(24)])
def test_weights_of_one_change_nothing(ones):
    model, plain = make(**METRICS), make(**METRICS)
    history = model.fit(X, Y, sample_weight=ones).history
    for name, values in plain.fit(X, Y).history.items():
        close(history[name], values, rounding(100))
    close(model.weights.vector, plain.weights.vector, rounding(100))


def test_an_array_of_weights_is_for_all_outputs():
    model, other = make(**METRICS), make(**METRICS)
    close(model.evaluate(X, Y, sample_weight=W[0]), other.evaluate(X, Y, sample_weight=[W[0], W[0]]), rounding(100))


def test_a_target_with_weight_0_may_be_missing():
    model, steps = make(), Y[1].copy()
    weight = np.ones((24, 3))
    steps[:4, 1], weight[:4, 1] = np.nan, 0
    assert np.isfinite(model.fit(X, [Y[0], steps], sample_weight={"steps": weight}).history["loss"][0])
    with pytest.raises(DataError, match="not finite"):
        model.fit(X, [Y[0], steps], sample_weight=[weight[:, 0], None])


@pytest.mark.parametrize("weight", [None, W, named(W)], ids=["none", "list", "dict"])
@pytest.mark.parametrize("y", [Y, named(Y)], ids=["list", "dict"])
def test_batches_of_a_generator_train_as_arrays(y, weight):
    def batches():
        for k in range(3):
            yield (X[8 * k : 8 * k + 8], of_batch(y, k), *(() if weight is None else (of_batch(weight, k),)))

    model, whole = make(**METRICS), make(**METRICS)
    weights = None if weight is None else W
    options = {"batch_size": 8, "shuffle": False, "sample_weight": weights, "validation_data": (X, Y, weights)}
    expected = whole.fit(X, Y, **options).history
    history = model.fit(batches(), validation_data=batches()).history
    assert list(history) == list(expected)
    for name, values in expected.items():
        close(history[name], values, rounding(100))
    np.testing.assert_array_equal(model.weights.vector, whole.weights.vector)
    close(model.evaluate(batches()), whole.evaluate(X, Y, sample_weight=weights), rounding(100))


def test_batches_with_and_without_weights_count_by_their_samples():
    model = make()
    batches = [(X[:8], of_batch(Y, 0), of_batch(W, 0)), (X[8:24], [part[8:24] for part in Y])]
    first = model.evaluate(X[:8], of_batch(Y, 0), sample_weight=of_batch(W, 0))
    second = model.evaluate(X[8:24], batches[1][1])
    close(model.evaluate(batches), np.average([first, second], axis=0, weights=[8, 16]), rounding(100))


@pytest.mark.parametrize("y", [Y[:1], [Y[0], None], {"mean": Y[0]}, {"mean": Y[0], "steps": None}, Y, named(Y)])
@pytest.mark.parametrize("loss", [["mse", None], {"mean": "mse", "steps": None}], ids=["list", "dict"])
def test_an_output_without_loss_needs_no_targets(loss, y):
    model = make(loss)
    before = model.get_layer("steps").get_weights()
    history = model.fit(X, y).history
    assert list(history) == ["loss"]
    np.testing.assert_array_equal(model.get_layer("steps").get_weights()[0], before[0])
    mean, steps = model.predict(X)
    assert (mean.shape, steps.shape) == ((24, 2), (24, 3, 1))
    close(model.evaluate(X, y), np.square(mean - Y[0]).mean(), rounding(100))


def test_an_output_with_metrics_alone_needs_its_targets():
    model = make(["mse", None], metrics={"steps": "mae"})
    assert model.metrics_names == ["loss", "steps_mae"]
    with pytest.raises(DataError, match="wrong number of arrays"):
        model.fit(X, Y[:1])


@pytest.mark.parametrize("monitor", ["val_mean_mae", "val_steps_loss", "mean_loss", "val_loss"])
def test_callbacks_find_the_direction_of_what_they_monitor(monitor, tmp_path):
    model = make(**METRICS)
    path = tmp_path / "best.gatecast"
    stop = EarlyStopping(monitor, patience=1, min_delta=1e9)
    watching = [stop, ModelCheckpoint(path, monitor, save_best_only=True), ReduceLROnPlateau(monitor)]
    model.fit(X, Y, epochs=5, validation_data=(X, Y), callbacks=watching)
    assert stop.stopped_epoch == 1
    assert path.exists()


def test_an_evaluation_by_a_callback_leaves_the_sums_of_the_epoch():
    plain, watched = make(**METRICS), make(**METRICS)
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: watched.evaluate(X, Y))  # noqa: ARG005
    assert watched.fit(X, Y, 8, callbacks=[look]).history == plain.fit(X, Y, 8).history


def test_a_backup_goes_on_with_the_sums_of_every_output(tmp_path):
    def interrupt(batch, logs):
        if batch == 1 and len(seen) == 1:
            raise KeyboardInterrupt
        seen.append(batch)

    seen = []
    whole, model, again = (make(**METRICS) for _ in range(3))
    callbacks = [BackupAndRestore(tmp_path / "b", save_freq=1), LambdaCallback(on_train_batch_end=interrupt)]
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, 8, callbacks=callbacks)
    seen.append(-1)
    history = again.fit(X, Y, 8, callbacks=callbacks).history
    assert seen == [0, -1, 1, 2]
    assert history == whole.fit(X, Y, 8).history


def test_losses_and_metrics_are_saved(tmp_path):
    settings = METRICS | {"metrics": [[MeanAbsoluteError("error")], ["mse"]]}
    model = make({"mean": "mse", "steps": None}, **settings)
    model.fit(X, Y, sample_weight=W)
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.metrics_names == model.metrics_names == ["loss", "mean_error", "steps_mae", "steps_mse"]
    assert again.evaluate(X, named(Y)) == model.evaluate(X, Y)
    assert again.fit(X, Y).history == model.fit(X, Y).history


def test_metrics_of_another_number_of_outputs_are_refused_in_a_file(tmp_path):
    model = make(**METRICS)
    model._compiled.metrics = ((),) * 3
    model.save(tmp_path / "m")
    with pytest.raises(FormatError, match="metrics are of 3 outputs, expected 2"):
        load_model(tmp_path / "m")


def test_a_layer_with_two_outputs_has_the_names_of_keras():
    first, second, dense = Input((3,)), Input((3,)), Dense(1, name="d")
    model = Model([first, second], [dense(first), dense(second)])
    model.compile("sgd", "mse", metrics=[["mae"], ["mae"]])
    x, y = [X[:, :3, 0]] * 2, [Y[0][:, :1]] * 2
    # As in Keras 3.15.1: a loss of the same name takes the place of the one before.
    assert list(model.fit(x, y).history) == ["d_loss", "d_mae", "d_mae_1", "loss"]
    assert model.metrics_names == ["loss", "d_loss", "d_loss", "d_mae", "d_mae_1"]
    assert len(model.evaluate(x, y)) == 5


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"metrics": {"maen": "mae"}},
            "metrics has the wrong names: got maen, expected mean, steps. Did you mean mean?",
        ),
        ({"weighted_metrics": {"step": ["mae"]}}, "weighted_metrics has the wrong names"),
        ({"metrics": ["mae"]}, "metrics has the wrong length: got 1, expected 2: mean, steps. For example, metrics={"),
        ({"metrics": "mae"}, "metrics has the wrong length: got 'mae', expected 2"),
        ({"metrics": [["maee"], []]}, "Unknown metric 'maee'. Did you mean mae?"),
        ({"metrics": [[MeanAbsoluteError("loss")], []]}, "A metric cannot be named 'loss'"),
        ({"loss": {"mean": "mse", "stps": "mse"}}, "got mean, stps, expected mean, steps. Did you mean steps?"),
        ({"loss": {"mean": "mse"}}, "loss has the wrong names: got mean, expected mean, steps"),
        ({"loss": ["mse", "mea"]}, "Did you mean"),
        ({"loss": [None, None]}, "No output has a loss"),
        ({"loss_weights": {"mean": 1.0, "spets": 2.0}}, "loss_weights has the wrong names"),
        ({"loss_weights": {"mean": 1.0}}, "loss_weights has the wrong names: got mean, expected mean, steps"),
    ],
)
def test_settings_that_do_not_fit_the_outputs_are_named(settings, text):
    with pytest.raises(ConfigError) as caught:
        make(**settings)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        ({"maen": W[0]}, "sample_weight has the wrong names: got maen, expected mean, steps. Did you mean mean?"),
        ([W[0]], "sample_weight has the wrong number of arrays: got 1 arrays, expected 2: mean, steps"),
        ([W[1], None], "sample_weight 'mean' has the wrong shape: got (24, 3), expected (samples)"),
        (
            [None, W[1][:, :2]],
            "sample_weight 'steps' has the wrong shape: got (24, 2), expected (samples) or (samples, 3)",
        ),
        ([W[0], W[1][:5]], "The arrays of sample_weight have different numbers of samples: got 24, 5"),
        ([W[0][:5], None], "sample_weight has the wrong length: got 5"),
        ([-W[0], None], "Invalid sample_weight 'mean'"),
        ([0 * W[0], 0 * W[1]], "Invalid sample_weight: got zeros only"),
    ],
)
def test_weights_that_do_not_fit_the_outputs_are_named(weight, text):
    for call in ("fit", "evaluate", "train_on_batch"):
        with pytest.raises(DataError) as caught:
            getattr(make(), call)(X, Y, sample_weight=weight)
        assert text in str(caught.value)


def test_targets_with_other_names_are_named():
    for loss in ("mse", ["mse", None]):
        with pytest.raises(DataError, match=r"y has the wrong names: got maen, steps.*Did you mean mean\?"):
            make(loss).fit(X, {"maen": Y[0], "steps": Y[1]})


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": {"mean": "mse"}, "metrics": {"mean": ["mae"]}},
        {"loss": ["mse"], "metrics": [["mae"]]},
        {"loss": "mse", "metrics": ["mae"], "loss_weights": {"mean": 1.0}},
    ],
)
def test_one_output_may_be_named_too(settings):
    model, plain = make(outputs=1, **settings), make(outputs=1, metrics=["mae"])
    for weight in ([W[0]], {"mean": W[0]}):
        history = model.fit(X, {"mean": Y[0]}, sample_weight=weight).history
        assert list(history) == ["loss", "mae"]
        assert history == plain.fit(X, Y[0], sample_weight=W[0]).history


def test_a_loss_of_a_user_is_measured_by_output():
    class Fourth(Loss):
        def elementwise(self, prediction, target):
            error = prediction - target
            return error**4, 4 * error**3

    model = make([Fourth(), "mse"])
    mean, _ = model.predict(X)
    close(model.evaluate(X, Y, return_dict=True)["mean_loss"], ((mean - Y[0]) ** 4).mean(), rounding(100))


# Outputs that are a dict


def of_dict(**compiled):
    """The model of `make` whose outputs have other keys than the names of their layers."""
    model = make()
    x = Input((4, 1), name="past")
    h = LSTM(3)(x)
    outputs = {"z": Dense(2, name="mean")(h), "a": TimeDistributed(Dense(1), name="steps")(RepeatVector(3)(h))}
    named_outputs = Model(x, outputs, seed=3)
    for layer in ("lstm", "mean", "steps"):
        named_outputs.get_layer(layer).set_weights(model.get_layer(layer).get_weights())
    named_outputs.compile("adam", "mse", **compiled)
    return named_outputs


def test_outputs_of_a_dict_have_its_keys_as_names():
    model, plain = of_dict(metrics={"z": "mae", "a": ["mse"]}), make(metrics=[["mae"], ["mse"]])
    y, weight = {"z": Y[0], "a": Y[1]}, {"z": W[0], "a": W[1]}
    predicted, expected = model.predict(X), plain.predict(X)
    assert list(predicted) == ["a", "z"]
    np.testing.assert_array_equal(predicted["z"], expected[0])
    np.testing.assert_array_equal(predicted["a"], expected[1])
    assert list(model.predict_on_batch(X)) == ["a", "z"]
    # As Keras 3.15.1: names of layers, but losses and metrics by key.
    assert model.output_names == ["steps", "mean"]
    assert model.metrics_names == ["loss", "a_loss", "z_loss", "a_mse", "z_mae"]
    assert list(model.fit(X, y, sample_weight=weight).history) == ["a_loss", "a_mse", "loss", "z_loss", "z_mae"]
    plain.fit(X, Y, sample_weight=W)
    close(model.get_layer("mean").get_weights()[0], plain.get_layer("mean").get_weights()[0], rounding(1000))
    close(model.evaluate(X, y)[0], plain.evaluate(X, Y)[0], rounding(1000))
    assert model.evaluate(X, [Y[1], Y[0]]) == model.evaluate(X, y)


def test_keys_of_outputs_are_saved(tmp_path):
    model = of_dict(metrics={"z": "mae"})
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    y = {"z": Y[0], "a": Y[1]}
    assert again.evaluate(X, y, return_dict=True) == model.evaluate(X, y, return_dict=True)
    np.testing.assert_array_equal(again.predict(X)["z"], model.predict(X)["z"])


@pytest.mark.parametrize("keys", [["a"], ["a", "a"], ["a", "b", "c"], "ab", [1, 2]])
def test_a_file_with_other_keys_than_outputs_is_refused(keys, tmp_path):
    model = of_dict()
    model._output_keys = keys
    model.save(tmp_path / "m")
    with pytest.raises(FormatError, match="output_keys"):
        load_model(tmp_path / "m")


def test_a_dict_of_one_output_is_a_dict_of_one(tmp_path):
    x = Input((4, 1))
    model = Model(x, {"z": Dense(1, name="out")(LSTM(3)(x))})
    model.compile("adam", "mse", metrics={"z": ["mae"]})
    y = Y[1][:, 0]
    assert list(model.fit(X, {"z": y}).history) == ["loss", "mae"]
    assert model.evaluate(X, y) == model.evaluate(X, {"z": y})
    model.save(tmp_path / "m")
    assert {name: p.shape for name, p in load_model(tmp_path / "m").predict(X).items()} == {"z": (24, 1)}


@pytest.mark.parametrize("outputs", [{}, {1: 2}])
def test_keys_that_are_no_names_are_refused(outputs):
    with pytest.raises(ConfigError, match="Invalid outputs of a model"):
        Model(Input((4, 1)), outputs)
