"""Layers in several models, and models that are called: weights are shared, as in Keras."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from gatecast.errors import ConfigError
from gatecast.layers import GRU, LSTM, Add, Concatenate, Dense, Dropout, Input, RepeatVector, TimeDistributed
from gatecast.models import Model, Sequential, clone_model, load_model

X = np.random.default_rng(0).normal(size=(24, 6, 2)).astype(np.float32)
Y = X[:, -1, :1]


def autoencoder() -> tuple[Model, Model]:
    """A model that repeats its input, and its encoder."""
    inputs = Input((6, 2))
    code = LSTM(3)(inputs)
    outputs = TimeDistributed(Dense(2))(LSTM(4, return_sequences=True)(RepeatVector(6)(code)))
    return Model(inputs, outputs), Model(inputs, code)


def trained(model, x=X, y=X):
    model.compile("adam", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    return model


def equal(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a.get_weights(), b.get_weights(), strict=True))


def test_encoder_made_before_training_has_the_trained_weights():
    whole, encoder = autoencoder()
    before = encoder.predict(X)
    trained(whole)
    assert not np.array_equal(encoder.predict(X), before)
    assert np.array_equal(encoder.get_weights()[0], whole.get_weights()[0])


def test_encoder_made_after_training_has_the_trained_weights():
    whole, encoder = autoencoder()
    trained(whole)
    by_output = Model(whole.inputs, whole.get_layer("lstm").output)
    assert np.array_equal(by_output.predict(X), encoder.predict(X))


def test_training_of_one_model_and_then_of_another_changes_both():
    whole, encoder = autoencoder()
    trained(whole)
    start = whole.get_weights()
    classifier = trained(Model(encoder.input, Dense(1)(encoder.output)), y=Y)
    assert not np.array_equal(whole.get_weights()[0], start[0])
    assert equal(Model(whole.inputs, whole.get_layer("lstm").output), encoder)
    after = classifier.get_weights()
    trained(whole)
    assert not np.array_equal(classifier.get_weights()[0], after[0])
    assert np.array_equal(classifier.get_weights()[-1], after[-1])


def test_weights_that_are_set_are_set_in_all_models():
    whole, encoder = autoencoder()
    whole.get_layer("lstm").set_weights([0 * w for w in whole.get_layer("lstm").get_weights()])
    assert not encoder.predict(X).any()
    encoder.set_weights([w + 1 for w in encoder.get_weights()])
    assert np.array_equal(whole.get_weights()[0], encoder.get_weights()[0])
    encoder.weights.vector[:] = 0
    assert not whole.get_weights()[0].any()


def test_a_callback_that_uses_the_encoder_does_not_disturb_the_training():
    from gatecast.callbacks import LambdaCallback

    runs = []
    for uses in (False, True):
        whole, encoder = autoencoder()
        whole.compile("adam", "mse")
        seen = []
        callback = LambdaCallback(on_epoch_end=lambda *_, m=encoder, s=seen: s.append((m.weights, m.predict(X))))
        whole.fit(X, X, epochs=3, verbose=0, callbacks=[callback] if uses else [])
        runs.append(whole.get_weights())
        assert np.array_equal(encoder.get_weights()[0], whole.get_weights()[0])
    assert all(np.array_equal(a, b) for a, b in zip(*runs, strict=True))


def test_sequence_to_sequence_inference_uses_the_trained_layers():
    past, given = Input((6, 2)), Input((5, 1))
    encoder, decoder, head = GRU(4, return_state=True), GRU(4, return_sequences=True, return_state=True), Dense(1)
    _, state = encoder(past)
    sequence, _ = decoder(given, initial_state=state)
    model = trained(Model([past, given], head(sequence)), [X, X[:, 1:, :1]], X[:, 1:, :1])
    encode = Model(past, state)
    one, before = Input((1, 1)), Input((4,))
    step, after = decoder(one, initial_state=before)
    decode = Model([one, before], [head(step), after])
    h, rows = encode.predict(X), []
    for t in range(5):
        y, h = decode.predict([X[:, 1 + t : 2 + t, :1], h])
        rows.append(y[:, 0])
    np.testing.assert_allclose(np.stack(rows, 1), model.predict([X, X[:, 1:, :1]]), atol=1e-6)


def test_layers_of_other_inputs_have_weights_of_their_own():
    layer = Dense(3)
    wide, narrow = Sequential([Input((4,)), layer]), Sequential([Input((2,)), layer])
    assert [model.get_weights()[0].shape for model in (wide, narrow)] == [(4, 3), (2, 3)]


def test_models_are_layers_of_a_sequential_and_of_models():
    encoder = Sequential([LSTM(3)])
    decoder = Sequential([RepeatVector(6), LSTM(4, return_sequences=True), TimeDistributed(Dense(2))])
    whole = trained(Sequential([Input((6, 2)), encoder, decoder]))
    inputs = Input((6, 2))
    called = Model(inputs, decoder(encoder(inputs)))
    assert np.array_equal(called.predict(X), whole.predict(X))
    assert np.array_equal(decoder.predict(encoder.predict(X)), whole.predict(X))
    assert np.array_equal(whole(X), whole.predict(X))


def test_a_model_with_branches_is_called_on_other_inputs():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    both = Model([a, b], Add()([Dense(2)(a), Dense(2)(b)]))
    left, right = Input((3,)), Input((3,))
    twin = Model([left, right], Concatenate()([both([left, right]), both({"a": right, "b": left})]))
    x = np.eye(3, dtype=np.float32)
    expected = np.concatenate([both.predict([x, 2 * x]), both.predict([2 * x, x])], axis=1)
    np.testing.assert_allclose(twin.predict([x, 2 * x]), expected, atol=1e-6)
    with pytest.raises(ConfigError, match="another number of inputs"):
        both(left)
    with pytest.raises(ConfigError, match="with branches"):
        Sequential([both])
    with pytest.raises(ConfigError, match="training=True"):
        both([left, right], training=True)


def test_outputs_of_any_layer_of_a_sequential_are_those_of_a_model():
    model = Sequential([Input((6, 2)), LSTM(3, return_sequences=True), GRU(4), Dense(1)])
    middle = Model(inputs=model.inputs, outputs=model.layers[1].output)
    assert middle.output_shape == (None, 4)
    assert model.layers[1].input.shape == (None, 6, 3)
    both = Model(model.input, [layer.output for layer in model.layers])
    parts = both.predict(X)
    assert np.array_equal(parts[1], middle.predict(X))
    assert np.array_equal(parts[2], model.predict(X))


def test_copies_have_weights_of_their_own():
    whole, encoder = autoencoder()
    copies = [copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder)), clone_model(encoder)]
    start = encoder.get_weights()
    trained(whole)
    assert not np.array_equal(encoder.get_weights()[0], start[0])
    for each in copies[:2]:
        assert np.array_equal(each.get_weights()[0], start[0])
    assert clone_model(whole).layers[0] is not whole.get_layer("lstm")


def test_a_model_from_a_file_shares_nothing(tmp_path):
    whole, encoder = autoencoder()
    encoder.save(tmp_path / "encoder")
    loaded = load_model(tmp_path / "encoder")
    start = loaded.predict(X)
    trained(whole)
    assert np.array_equal(loaded.predict(X), start)


@pytest.mark.parametrize("how", ["model", "argument", "layers"])
def test_frozen_models_do_not_train(how):
    layers = [Input((6, 2)), LSTM(3), Dense(1)]
    model = Sequential(layers, trainable=False) if how == "argument" else Sequential(layers)
    if how == "model":
        model.trainable = False
    for layer in model.layers if how == "layers" else ():
        layer.trainable = False
    assert model.trainable is False
    start = model.get_weights()
    trained(model, y=Y)
    assert all(np.array_equal(a, b) for a, b in zip(start, model.get_weights(), strict=True))
    model.trainable = True
    trained(model, y=Y)
    assert not np.array_equal(start[0], model.get_weights()[0])


def test_a_layer_can_be_frozen_between_two_trainings():
    model = trained(Sequential([Input((6, 2)), LSTM(3), Dropout(0.1), Dense(1)]), y=Y)
    model.layers[0].trainable = False
    start = model.get_weights()
    trained(model, y=Y)
    same = [np.array_equal(a, b) for a, b in zip(start, model.get_weights(), strict=True)]
    assert same == [True, True, True, False, False]
    with pytest.raises(AttributeError, match=r"units of LSTM.* cannot be changed. Make another layer"):
        model.layers[0].units = 5


def test_inputs_and_targets_may_be_lists_of_one_array():
    model = Sequential([Input((6, 2)), LSTM(3), Dense(1)])
    model.compile("sgd", "mse")
    model.fit([X], [Y], verbose=0)
    assert np.array_equal(model.predict([X]), model.predict(X))
    assert model.evaluate([X], [Y]) == model.evaluate(X, Y)
    assert model.predict([X[0]]).shape == (1, 1)


def test_a_model_is_not_added_to_itself_nor_a_layer_twice():
    model = Sequential([Input((3,)), Dense(3)])
    for twice in (lambda: model.add(model), lambda: model.add(model.layers[0])):
        with pytest.raises(ConfigError, match="A layer is added twice"):
            twice()


def test_weights_of_a_layer_are_not_changed_while_another_model_trains_it():
    from gatecast.callbacks import LambdaCallback

    whole, encoder = autoencoder()
    whole.compile("adam", "mse")
    zeros = [0 * w for w in encoder.get_weights()]
    change = LambdaCallback(on_epoch_end=lambda *_: encoder.set_weights(zeros))
    with pytest.raises(ConfigError, match="Another model is training the weights"):
        whole.fit(X, X, epochs=2, verbose=0, callbacks=[change])
    encoder.set_weights(zeros)
    assert not whole.get_weights()[0].any()


def test_a_copy_made_during_training_trains():
    from gatecast.callbacks import LambdaCallback

    model, copies = Sequential([Input((6, 2)), LSTM(3), Dense(1)]), []
    model.compile("adam", "mse")
    keep = LambdaCallback(on_epoch_end=lambda *_: copies.append(copy.deepcopy(model)))
    model.fit(X, Y, verbose=0, callbacks=[keep])
    assert not copies[0].is_training
    other = Sequential([Input((6, 2)), *copies[0].layers[:1], Dense(2)])
    start = other.get_weights()
    trained(other, y=np.repeat(Y, 2, axis=1))
    assert not any(np.array_equal(a, b) for a, b in zip(start, other.get_weights(), strict=True))


def test_a_pickle_of_a_small_model_is_small():
    small = Sequential([Input((6, 2)), LSTM(3)])
    size = len(pickle.dumps(small))
    trained(Sequential([small, Dense(400), Dense(400), Dense(1)]), y=Y)
    assert len(pickle.dumps(small)) < size + 1_000


def test_output_of_a_layer_stays_in_its_first_model():
    inputs, others = Input((6, 2)), Input((6, 2))
    layer = LSTM(3)
    first = Model(inputs, Dense(1)(layer(inputs)))
    trained(Model(others, Dense(2)(layer(others))), y=np.repeat(Y, 2, axis=1))
    assert Model(first.input, layer.output).predict(X).shape == (24, 3)
