"""Functional models with several inputs and outputs in every way of training, and in files."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.callbacks import BackupAndRestore
from gatecast.errors import ConfigError, DataError, FormatError, NotFittedError
from gatecast.layers import LSTM, Concatenate, Dense, Input, RepeatVector, TimeDistributed
from gatecast.losses import CategoricalCrossentropy
from gatecast.models import Model, Sequential, load_model
from gatecast.utils import PyDataset

RNG = np.random.default_rng(0)
X = [RNG.normal(size=(24, 4, 1)).astype(np.float32), RNG.normal(size=(24, 3)).astype(np.float32)]
Y = [RNG.normal(size=(24, 2)).astype(np.float32), RNG.normal(size=(24, 1)).astype(np.float32)]
NAMED_X, NAMED_Y = dict(zip(("past", "calendar"), X, strict=True)), dict(zip(("mean", "spread"), Y, strict=True))


def make(loss="mse", outputs=2, **compiled):
    """A compiled model with two inputs and one or two outputs."""
    past, calendar = Input((4, 1), name="past"), Input((3,), name="calendar")
    x = Concatenate()([LSTM(3)(past), calendar])
    outs = [Dense(2, name="mean")(x), Dense(1, name="spread")(x)][:outputs]
    model = Model([past, calendar], outs, name="both", seed=3)
    model.compile("adam", loss, **compiled)
    return model


def rows(parts, k):
    """The rows of a batch of every array."""
    return [part[8 * k : 8 * k + 8] for part in parts]


class Batches(PyDataset):
    """Batches of eight samples by index."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return tuple(rows(X, index)), tuple(rows(Y, index))


SOURCES = {
    "tuples": lambda: ((tuple(rows(X, k)), tuple(rows(Y, k))) for k in range(3)),
    "lists": lambda: [(rows(X, k), rows(Y, k)) for k in range(3)],
    "dicts": lambda: (
        ({n: v[8 * k : 8 * k + 8] for n, v in NAMED_X.items()}, {n: v[8 * k : 8 * k + 8] for n, v in NAMED_Y.items()})
        for k in range(3)
    ),
    "index": Batches,
}


@pytest.mark.parametrize("name", SOURCES)
def test_batches_of_several_arrays_train_as_the_arrays(name):
    whole, parts = make(), make()
    expected = whole.fit(X, Y, batch_size=8, shuffle=False).history
    history = parts.fit(SOURCES[name](), shuffle=False, validation_data=SOURCES[name]()).history
    assert history["loss"] == expected["loss"]
    np.testing.assert_array_equal(parts.weights.vector, whole.weights.vector)
    close(history["val_loss"][0], whole.evaluate(X, Y)[0], rounding(100))
    close(parts.evaluate(SOURCES[name]()), whole.evaluate(X, Y), rounding(100))
    for got, wanted in zip(parts.predict(SOURCES[name]()), whole.predict(X), strict=True):
        close(got, wanted, rounding(100))


@pytest.mark.parametrize("x", [X, tuple(X), NAMED_X], ids=["list", "tuple", "dict"])
@pytest.mark.parametrize("y", [Y, tuple(Y), NAMED_Y], ids=["list", "tuple", "dict"])
def test_single_batches_take_several_arrays(x, y):
    model, other = make(), make()
    before = model.evaluate(X, Y)
    close(model.train_on_batch(x, y), before, rounding(100))
    other.fit(X, Y, batch_size=24, shuffle=False)
    np.testing.assert_array_equal(model.weights.vector, other.weights.vector)
    assert model.test_on_batch(x, y) == model.evaluate(X, Y)
    for got, wanted in zip(model.predict_on_batch(x), model.predict(X), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("data", [(X, Y), (tuple(X), tuple(Y)), [X, Y], (NAMED_X, NAMED_Y), (X, Y, np.ones(24))])
def test_validation_data_may_be_several_arrays(data):
    model = make()
    history = model.fit(X, Y, validation_data=data).history
    close(history["val_loss"][0], model.evaluate(X, Y)[0], rounding(100))


def test_validation_data_of_arrays_go_with_batches():
    model = make()
    history = model.fit(SOURCES["tuples"](), validation_data=(X, Y)).history
    close(history["val_loss"][0], model.evaluate(X, Y)[0], rounding(100))


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_another_number_of_arrays_is_named(call):
    with pytest.raises(DataError, match="x has the wrong number of arrays: got 1 arrays, expected 2: past, calendar"):
        getattr(make(), call)(X[:1], Y)
    with pytest.raises(DataError, match="y is a single array"):
        getattr(make(), call)(X, Y[0])


def test_without_a_loss_nothing_is_trained():
    model = make(loss=None)
    for call in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(NotFittedError, match="no loss"):
            call(X, Y)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"foo": 1}, "Unknown argument 'foo' (Model.compile). Arguments: optimizer, loss"),
        ({"los": "mse"}, "Unknown argument 'los' (Model.compile). Did you mean loss?"),
        ({"target_tensors": 1}, "target_tensors= is not available"),
        ({"loss": "mse", "metrics": ["mae"]}, "metrics has the wrong length"),
        ({"loss": "mse", "loss_weights": ["a", 1]}, "Invalid loss_weights 'a'"),
        ({"loss": "mse", "loss_weights": [1.0]}, "loss_weights has the wrong length"),
        ({"loss": "mse", "run_eagerly": True}, "run_eagerly=True is not available"),
    ],
)
def test_impossible_settings_of_compile_are_named(settings, text):
    with pytest.raises(ConfigError) as caught:
        make().compile("adam", **settings)
    assert text in str(caught.value)


def test_weights_of_classes_need_one_output():
    with pytest.raises(ConfigError, match=r"class_weight does not fit y.*one output"):
        make().fit(X, NAMED_Y, class_weight={0: 1.0})


def squared(y_true, y_pred):
    """A squared error of a user."""
    return np.square(y_true - y_pred), 2 * (y_pred - y_true)


def two_shapes(loss):
    """A model with outputs with and without a time axis."""
    past = Input((4, 1))
    h = LSTM(3)(past)
    steps = TimeDistributed(Dense(3, "softmax"))(RepeatVector(5)(h))
    model = Model(past, [steps, Dense(2)(h)], seed=4)
    model.compile("sgd", loss)
    return model


def test_functions_get_the_shapes_of_their_outputs():
    seen = []

    def noted(y_true, y_pred):
        seen.append((y_true.shape, y_pred.shape))
        return squared(y_true, y_pred)

    y = [RNG.random((24, 5, 3)), RNG.random((24, 2))]
    own, known = two_shapes([noted, noted]), two_shapes("mse")
    for model in (own, known):
        model.fit(X[0], y, batch_size=24, shuffle=False)
    assert set(seen) == {((24, 5, 3),) * 2, ((24, 2),) * 2}
    close(own.weights.vector, known.weights.vector, rounding(100))


def test_classes_of_an_output_with_steps_are_those_of_each_step():
    y = [np.eye(3)[RNG.integers(0, 3, (24, 5))], RNG.random((24, 2))]
    model = two_shapes(["categorical_crossentropy", "mse"])
    steps, last = model.predict(X[0])
    expected = CategoricalCrossentropy()(y[0], steps) + np.square(y[1] - last).mean()
    close(model.evaluate(X[0], y)[0], expected, rounding(100))


# Files


def test_names_of_model_and_inputs_are_saved(tmp_path):
    model = make()
    model.fit(X, Y)
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.name == "both"
    assert again.evaluate(NAMED_X, NAMED_Y) == model.evaluate(X, Y)
    for got, wanted in zip(again.predict(NAMED_X), model.predict(X), strict=True):
        np.testing.assert_array_equal(got, wanted)
    again.fit(NAMED_X, NAMED_Y)
    model.fit(X, Y)
    np.testing.assert_array_equal(again.weights.vector, model.weights.vector)


def test_losses_of_other_outputs_are_refused_in_a_file(tmp_path):
    model, chain = make(loss={"mean": "mse", "spread": "huber"}, loss_weights=[1, 0.5]), make(outputs=1)
    model.save(tmp_path / "m")
    assert load_model(tmp_path / "m").loss == model.loss
    chain._compiled = model._compiled
    chain.save(tmp_path / "m")
    with pytest.raises(FormatError, match="the losses are of 3 outputs"):
        load_model(tmp_path / "m")


def test_a_chain_of_calls_is_loaded_as_a_model_with_its_names(tmp_path):
    past = Input((4, 1), name="past")
    model = Model(past, Dense(1, name="out")(LSTM(3)(past)), name="chain")
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert type(again) is Model
    assert (again.name, again.output_names) == ("chain", ["out"])
    np.testing.assert_array_equal(again.predict({"past": X[0]}), model.predict(X[0]))


def test_the_name_of_a_stack_is_saved(tmp_path):
    model = Sequential([Input((3,)), Dense(1)], name="small")
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert (type(again), again.name) == (Sequential, "small")


@pytest.mark.parametrize("names", [["past"], ["past", "past"], ["a", "b", "c"], "ab", [1, 2]])
def test_a_file_with_other_names_than_inputs_is_refused(names, tmp_path):
    model = make()
    model._input_names = names
    model.save(tmp_path / "m")
    with pytest.raises(FormatError, match="input_names"):
        load_model(tmp_path / "m")


def test_a_backup_goes_on_with_several_inputs(tmp_path):
    model, whole = make(), make()
    whole.fit(X, Y, epochs=2)
    model.fit(X, Y, epochs=1, callbacks=[BackupAndRestore(tmp_path / "b", delete_checkpoint=False)])
    again = make()
    again.fit(X, Y, epochs=2, callbacks=[BackupAndRestore(tmp_path / "b")])
    np.testing.assert_array_equal(again.weights.vector, whole.weights.vector)
