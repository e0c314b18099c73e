"""Files of models: names of other formats, weights alone, copies, and training that goes on."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from gatecast.callbacks import ModelCheckpoint
from gatecast.errors import ConfigError, FormatError
from gatecast.layers import LSTM, Dense, Dropout, Input
from gatecast.metrics import MeanAbsoluteError
from gatecast.models import Sequential, load_model
from gatecast.optim import chain, ema, scale_by_adam, scale_by_learning_rate
from gatecast.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from gatecast.optimizers.schedules import CosineDecay

OPTIMIZERS = {
    "adam": Adam(0.01),
    "adamw": AdamW(CosineDecay(0.1, 10), clipnorm=0.5),
    "momentum": SGD(0.1, 0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": RMSprop(0.01, momentum=0.5),
    "adagrad": Adagrad(0.1),
    "nadam": Nadam(0.01),
}


def make(optimizer="adam", units=5, **compiled):
    """A compiled model."""
    model = Sequential([Input((4, 1)), LSTM(units), Dropout(0.2), Dense(1)], seed=3)
    model.compile(optimizer, compiled.pop("loss", "mse"), **compiled)
    return model


def data(rng, count=50):
    """Sequences and their means."""
    x = rng.normal(size=(count, 4, 1))
    return x, x.mean(axis=(1, 2))


@pytest.mark.parametrize("way", ["save", "pickle", "deepcopy"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_with_the_bits_of_training_that_never_stopped(name, way, rng, tmp_path):
    x, y = data(rng)
    whole = make(copy.deepcopy(OPTIMIZERS[name]), metrics=["mae"])
    whole.fit(x, y, epochs=4)
    first = make(copy.deepcopy(OPTIMIZERS[name]), metrics=["mae"])
    first.fit(x, y, epochs=2)
    if way == "save":
        first.save(tmp_path / "m")
        again = load_model(tmp_path / "m")
    else:
        again = copy.deepcopy(first) if way == "deepcopy" else pickle.loads(pickle.dumps(first))
    assert again.optimizer.iterations == first.optimizer.iterations == 4
    assert again.optimizer.learning_rate == first.optimizer.learning_rate
    history = again.fit(x, y, initial_epoch=2, epochs=4)
    np.testing.assert_array_equal(again.weights.vector, whole.weights.vector)
    assert history.epoch == [2, 3]
    assert history.history["mae"] == whole.history.history["mae"][2:]
    assert first.optimizer.iterations == 4  # the copy has an optimizer of its own


@pytest.mark.parametrize("name", [*OPTIMIZERS, "averaged"])
def test_a_file_from_within_a_training_goes_on_with_the_bits_of_the_rest(name, rng, tmp_path):
    x, y = data(rng)
    averaged = chain(scale_by_adam(), scale_by_learning_rate(0.01), ema(0.9))
    model = make(copy.deepcopy(OPTIMIZERS.get(name, averaged)))
    history = model.fit(
        x, y, epochs=4, validation_split=0.2, callbacks=[ModelCheckpoint(str(tmp_path / "{epoch}"))]
    ).history
    again = load_model(tmp_path / "2")
    assert again.evaluate(x[40:], y[40:]) == history["val_loss"][1]
    rest = again.fit(x, y, initial_epoch=2, epochs=4, validation_split=0.2).history
    np.testing.assert_array_equal(again.weights.vector, model.weights.vector)
    assert rest["loss"] == history["loss"][2:]
    assert rest["val_loss"] == history["val_loss"][2:]


def test_a_changed_learning_rate_is_saved(rng, tmp_path):
    model = make(SGD(0.1))
    model.fit(*data(rng))
    model.optimizer.learning_rate = 0.025
    model.save(tmp_path / "m")
    assert load_model(tmp_path / "m").optimizer.learning_rate == 0.025


def test_without_the_optimizer_training_begins_anew(rng, tmp_path):
    model = make()
    model.fit(*data(rng))
    model.save(tmp_path / "m", include_optimizer=False)
    assert load_model(tmp_path / "m").optimizer.iterations == 0


def test_metrics_are_saved_but_for_functions_of_the_user(rng, tmp_path):
    def mine(y_true, y_pred):
        return np.abs(y_true - y_pred)

    model = make(metrics=["mse", MeanAbsoluteError("error"), mine], weighted_metrics=["mae"])
    model.fit(*data(rng))
    model.save(tmp_path / "m")
    assert load_model(tmp_path / "m").metrics_names == ["loss", "mse", "error", "mae"]


def test_a_loss_of_the_user_is_not_saved(rng, tmp_path):
    def squared(y_true, y_pred):
        return (y_true - y_pred) ** 2, 2 * (y_pred - y_true)

    model = make(loss=squared)
    model.fit(*data(rng))
    model.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert loaded.optimizer is None
    np.testing.assert_array_equal(loaded.weights.vector, model.weights.vector)


@pytest.mark.parametrize("name", ["m.h5", "m.keras", "m.weights.h5", "m.hdf5"])
def test_a_name_of_another_format_is_warned_of_and_read_again(name, rng, tmp_path):
    model = make()
    with pytest.warns(UserWarning, match=f"{name} is written in the format of gatecast"):
        model.save(tmp_path / name)
    np.testing.assert_array_equal(load_model(tmp_path / name).weights.vector, model.weights.vector)
    with pytest.warns(UserWarning, match=f"{name} is written in the format of gatecast"):
        model.save_weights(tmp_path / name)


@pytest.mark.parametrize(
    ("head", "text"),
    [(b"\x89HDF\r\n\x1a\n", "got an HDF5 file, as Keras writes it"), (b"PK\x03\x04abc", "got an archive")],
)
def test_files_of_others_are_refused_with_a_way_out(head, text, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(head + bytes(100))
    with pytest.raises(FormatError, match=text) as caught:
        Sequential.load(path)
    assert "gatecast.models.load_model(path)" in str(caught.value)


def test_weights_alone_are_saved_and_loaded(rng, tmp_path):
    model, other = make(), make()
    model.fit(*data(rng))
    model.save_weights(tmp_path / "w")
    other.load_weights(tmp_path / "w")
    np.testing.assert_array_equal(other.weights.vector, model.weights.vector)
    model.save(tmp_path / "m")
    third = make()
    third.load_weights(tmp_path / "m")
    np.testing.assert_array_equal(third.weights.vector, model.weights.vector)


def test_weights_of_other_layers_are_refused(tmp_path):
    make(units=6).save_weights(tmp_path / "w")
    model = make()
    before = model.weights.vector.copy()
    with pytest.raises(FormatError, match="The weights are of other layers"):
        model.load_weights(tmp_path / "w")
    with pytest.raises(FormatError, match="No such file"):
        model.load_weights(tmp_path / "nothing")
    with pytest.raises(FormatError, match="another kind"):
        load_model(tmp_path / "w")
    np.testing.assert_array_equal(model.weights.vector, before)


def test_an_existing_file_is_kept_if_asked(tmp_path):
    make().save(tmp_path / "m")
    with pytest.raises(ConfigError, match="The file exists"):
        make().save(tmp_path / "m", overwrite=False)


def test_a_model_may_be_loaded_without_being_compiled(tmp_path):
    make().save(tmp_path / "m")
    assert load_model(tmp_path / "m", compile=False).optimizer is None
    assert load_model(tmp_path / "m", custom_objects={"f": len}).optimizer == Adam()


def test_booleans_and_numbers_of_numpy_in_layers_are_saved(tmp_path):
    layers = [Input((4, 1)), LSTM(5, return_sequences=np.True_), Dropout(np.float64(0.5)), Dense(np.int64(1))]
    model = Sequential(layers)
    model.save(tmp_path / "m")
    assert load_model(tmp_path / "m").layers == model.layers


@pytest.mark.parametrize("broken", [{"epoch": "x"}, {"step": None}, {"history": {"epoch": 3}}])
def test_a_file_whose_training_makes_no_sense_is_refused(broken, rng, tmp_path, monkeypatch):
    from gatecast.nn import model_files

    model = make()
    model.fit(*data(rng))
    described = model_files.training_to_data(model._training_state, model.history)
    described[0]["training"] |= broken
    monkeypatch.setattr(model_files, "training_to_data", lambda *_: described)
    model.save(tmp_path / "m")
    with pytest.raises(FormatError, match="The file does not describe a network"):
        load_model(tmp_path / "m")
