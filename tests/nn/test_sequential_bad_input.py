"""Networks in Keras' words: what is said when the input is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.callbacks import EarlyStopping
from gatecast.errors import ConfigError, DataError, NotFittedError
from gatecast.layers import LSTM, Dense, Input
from gatecast.losses import Pinball
from gatecast.models import Sequential
from gatecast.optimizers import SGD


def small(*layers, loss="mse", optimizer="adam", seed=0, T=4, F=1):
    """A compiled network for (T, F); by default one LSTM and one output."""
    model = Sequential([Input((T, F)), *(layers or (LSTM(5), Dense(1)))], seed=seed)
    model.compile(loss=loss, optimizer=optimizer)
    return model


GOOD_X, GOOD_Y = np.zeros((6, 4, 1)), np.zeros(6)
HOLES = np.array([0, 0, np.nan, 0, np.inf, 0])


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (
            GOOD_X[..., 0],
            GOOD_Y,
            "x has the wrong number of axes: got (6, 4), expected (samples, 4, 1). For one feature",
        ),
        (GOOD_Y, GOOD_Y, "x has the wrong number of axes: got (6,)"),
        (3.0, GOOD_Y, "x has the wrong number of axes: got ()"),
        (
            np.zeros((6, 4, 2)),
            GOOD_Y,
            "x has the wrong number of features: got (6, 4, 2), expected (samples, 4, 1)",
        ),
        (
            np.zeros((6, 5, 1)),
            GOOD_Y,
            "x has the wrong number of steps: got (6, 5, 1), expected (samples, 4, 1)",
        ),
        (GOOD_X[:0], GOOD_Y[:0], "x is empty: got (0, 4, 1), expected at least one sample"),
        (
            GOOD_X + HOLES[:, None, None],
            GOOD_Y,
            "x has 8 values that are not finite (first at sample 2, time 0, ",
        ),
        (GOOD_X + 1e39, GOOD_Y, "x has 24 values that are not finite"),
        (
            GOOD_X.astype(str).astype(object) + "a",
            GOOD_Y,
            "x is not an array of numbers: got could not convert",
        ),
        (GOOD_X.astype("M8[s]"), GOOD_Y, "x is not an array of numbers: got values of type datetime64"),
        (GOOD_X * 1j, GOOD_Y, "x is not an array of numbers: got values of type complex"),
        ([[[1.0]], [[1.0], [2.0]]], GOOD_Y, "x is not an array of numbers: got "),
        ([[[1.0]], [[1.0], [2.0]]], GOOD_Y, "pad_sequences, and pass mask=, which is False at padding"),
        (np.array([[1.0], [1.0, 2.0]], object), GOOD_Y, "The samples differ in length: pad them"),
        (None, GOOD_Y, "x has the wrong number of axes: got ()"),
        (GOOD_X, GOOD_Y[:5], "x and y differ in length: got 6 and 5"),
        (
            GOOD_X,
            np.zeros((6, 2)),
            "y does not fit the network's output: got (6, 2), expected (6, 1) or (6,)",
        ),
        (GOOD_X, np.zeros((6, 4, 1)), "y does not fit the network's output: got (6, 4, 1)"),
        (GOOD_X, 0.0, "y does not fit the network's output: got ()"),
        (
            GOOD_X,
            HOLES,
            "y has 2 values that are not finite (first at sample 2, time 0, output 0): got nan",
        ),
        (GOOD_X, ["a"] * 6, "y is not an array of numbers: got could not convert string"),
    ],
)
def test_arrays_that_do_not_fit_are_named(x, y, text):
    model = small()
    for call in (model.fit, model.evaluate):
        with pytest.raises(DataError) as caught:
            call(x, y)
        assert text in str(caught.value)
    if text.startswith("x ") and "differ" not in text:
        with pytest.raises(DataError) as caught:
            model.predict(x)
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (np.ones(5), "sample_weight has the wrong shape: got (5,), expected (6,)"),
        (np.ones((6, 4)), "sample_weight has the wrong shape: got (6, 4), expected (6,)"),
        (-np.ones(6), "Invalid sample_weight: got a negative weight"),
        (np.zeros(6), "Invalid sample_weight: got zeros only"),
        (HOLES, "sample_weight has 2 values that are not finite"),
    ],
)
def test_weights_that_do_not_fit_are_named(weight, text):
    with pytest.raises(DataError) as caught:
        small().fit(GOOD_X, GOOD_Y, sample_weight=weight)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "kind", "text"),
    [
        ({"epochs": 0}, ConfigError, "Invalid epochs 0"),
        ({"batch_size": 1.5}, ConfigError, "Invalid batch_size 1.5"),
        ({"validation_split": 1.5}, ConfigError, "Invalid validation_split 1.5"),
        (
            {"validation_split": 0.99},
            DataError,
            "validation_split leaves one part without samples: got 6 samples",
        ),
        ({"validation_split": 0.5, "validation_data": (GOOD_X, GOOD_Y)}, ConfigError, "exclude each other"),
        (
            {"validation_data": GOOD_X},
            ConfigError,
            "Invalid validation_data of type ndarray: expected (x, y), (x, y, sample_weight) or (x, y, s",
        ),
        ({"validation_data": (GOOD_X, HOLES)}, DataError, "validation y has 2 values that are not finite"),
        ({"callbacks": [len]}, ConfigError, "Write LambdaCallback(on_epoch_end="),
        ({"class_weight": [1.0]}, ConfigError, "Invalid class_weight [1.0]: expected a dict"),
        ({"epoch": 3}, ConfigError, "Unknown argument 'epoch' (fit). Did you mean epochs?"),
        ({"workers": 4}, ConfigError, "workers= is not available (fit). Leave it out"),
        ({"initial_epoch": -1}, ConfigError, "Invalid initial_epoch -1"),
        ({"validation_freq": 0}, ConfigError, "Invalid validation_freq 0"),
        ({"class_weight": {0: 1}, "sample_weight": np.ones(6)}, ConfigError, "exclude each other"),
        ({"steps_per_epoch": 0}, ConfigError, "Invalid steps_per_epoch 0"),
        ({"callbacks": ["stop"]}, ConfigError, "Invalid callback 'stop'"),
        ({"callbacks": [EarlyStopping]}, ConfigError, "Write EarlyStopping()."),
    ],
)
def test_settings_of_fit_that_are_impossible_are_named(settings, kind, text):
    model = small()
    with pytest.raises(kind) as caught:
        model.fit(GOOD_X, GOOD_Y, **settings)
    assert text in str(caught.value)
    assert model.history is None


def test_weights_may_not_leave_one_part_of_a_split_empty():
    with pytest.raises(DataError, match="validation_split leaves one part without weight"):
        small().fit(GOOD_X, GOOD_Y, validation_split=0.5, sample_weight=[1, 1, 1, 0, 0, 0])


def test_a_loss_that_needs_more_outputs_says_how_many():
    with pytest.raises(DataError, match="outputs of the network do not fit the loss: got 1 outputs, expected a mult"):
        small(loss=Pinball((0.1, 0.9))).fit(GOOD_X, GOOD_Y)


@pytest.mark.parametrize("x", [[[[1.0]], [[1.0], [2.0]]], "text", None, GOOD_Y])
def test_without_a_shape_a_wrong_x_is_named_as_well(x):
    model = Sequential([LSTM(5), Dense(1)])
    model.compile(loss="mse", optimizer="adam")
    with pytest.raises(DataError, match=r"x (is not an array of numbers|has the wrong number of axes)"):
        model.fit(x, GOOD_Y)


def test_what_comes_first_is_said():
    model = Sequential([LSTM(5), Dense(1)])
    with pytest.raises(NotFittedError, match=r"The model is not compiled\. Call model.compile"):
        model.fit(GOOD_X, GOOD_Y)
    for call in (model.count_params, model.get_weights, model.summary):
        with pytest.raises(
            NotFittedError, match=r"The input shape of the model is unknown\. Begin the model with Input"
        ):
            call()
    with pytest.raises(ConfigError, match=r"The model has no layers\. Add some"):
        Sequential().count_params()
    model.compile(loss="mse", optimizer="adam")
    with pytest.raises(ConfigError, match=r"\(LSTM\): got \(.*no time axis"):
        model.fit(np.zeros((6, 4)), GOOD_Y)
    model.fit(GOOD_X, GOOD_Y)  # the failed attempt left no trace
    assert Sequential([LSTM(5), Dense(1)]).predict(GOOD_X).shape == (len(GOOD_X), 1)
    assert Sequential(model.layers[:-1])(GOOD_X).numpy().shape == (len(GOOD_X), 5)


def test_a_loss_that_runs_away_is_explained_and_the_model_goes_on(rng):
    x, y = rng.normal(size=(40, 4, 1)), rng.normal(size=40)
    model = small(optimizer=SGD(1e30))
    with pytest.raises(ConfigError, match=r"Training diverged: the loss became (nan|inf) at update"):
        model.fit(x, y, epochs=5)
    model.compile(loss="mse", optimizer="adam")
    model.fit(x, y)
    assert np.isfinite(model.predict(x)).all()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Sequential([LSTM]),
            "Invalid layer <class 'gatecast.nn.layers.lstm.LSTM'>: expected Input",
        ),
        (lambda: Sequential(["LSTM"]), "Invalid layer 'LSTM'"),
        (
            lambda: Sequential([LSTM(2), Input((2, 1))]),
            "Input must come first, and only once: got Input after 1 layers",
        ),
        (lambda: Sequential(seed=-1), "Invalid seed -1"),
        (lambda: Sequential(seed=0.5), "Invalid seed 0.5"),
        (lambda: small().compile(loss="accuracy"), "Unknown loss 'accuracy'"),
        (lambda: small().compile("mse", "adam"), "Unknown loss 'adam'"),
        (lambda: small().compile("adam", "mse", metrics=["maee"]), "Unknown metric 'maee'. Did you mean mae?"),
        (lambda: small().compile("adam", "mse", run_eagerly=True), "run_eagerly=True is not available"),
        (lambda: small().compile("adam", "mse", loss_weights=[0.5, 1]), "loss_weights has the wrong length: got 2"),
        (lambda: small().compile("adam", "mse", loss_weights="a"), "Invalid loss_weights 'a'"),
        (lambda: small().compile("adam", "mse", loss_weights=[float("nan")]), "Invalid loss_weights nan"),
        (lambda: small().compile(optimize="adam"), "Unknown argument 'optimize' (compile). Did you mean optimizer?"),
        (lambda: small().compile("adam", {"y": "mse"}), "A Sequential model has one output"),
        (lambda: small(LSTM(2), LSTM(2)).build(), "(LSTM): got (2,), which has no time axis"),
        (lambda: small().build((None, 3)), "(LSTM): got (3,), which has no time axis"),
    ],
)
def test_networks_that_cannot_be_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        (
            [],
            "do not fit the network: got shapes [], expected [(1, 20), (5, 20), (20,), (5, 1), (1,)]",
        ),
        (
            [np.zeros((2, 20)), np.zeros((5, 20)), np.zeros(20), np.zeros((5, 1)), np.zeros(1)],
            "got shapes [(2, 20), ",
        ),
        (
            [np.zeros((1, 20)), np.zeros((5, 20)), np.zeros(20), np.zeros((5, 1)), [np.nan]],
            "The weights are not finite (array 4): expected finite numbers",
        ),
        (
            [np.full((1, 20), -np.inf), np.zeros((5, 20)), np.zeros(20), np.zeros((5, 1)), [0]],
            "The weights are not finite (array 0)",
        ),
        (
            [np.zeros((1, 20)), np.zeros((5, 20)), np.full(20, 1e300), np.zeros((5, 1)), [0]],
            "The weights are not finite (array 2)",
        ),
        ([["a"]] * 5, "The weights are not arrays of numbers: got values of type <U1"),
        ([np.zeros((1, 20)) * 1j] * 5, "The weights are not arrays of numbers: got values of type complex128"),
        (None, "The weights are not arrays of numbers: got 'NoneType' object is not iterable"),
    ],
)
def test_weights_of_another_network_are_refused(weights, text):
    model = small()
    before = model.weights.vector.copy()
    with pytest.raises(DataError) as caught:
        model.set_weights(weights)
    assert text in str(caught.value)
    np.testing.assert_array_equal(model.weights.vector, before)


# Masks

MASK = np.ones((6, 4), bool)


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        (MASK[:5], "mask has the wrong shape: got (5, 4), expected (6, 4)"),
        (MASK[..., None], "mask has the wrong shape: got (6, 4, 1), expected (6, 4)"),
        (True, "mask has the wrong shape: got (), expected (6, 4)"),
        (MASK * 0.5, "mask is not a mask: got a value of 0.5, expected True for steps that count, False for others"),
        (MASK + np.nan, "mask is not a mask: got a value of nan"),
        (np.full((6, 4), "x"), "mask is not an array of numbers: got could not convert"),
    ],
)
def test_masks_that_do_not_fit_are_named(mask, text):
    model = small()
    calls = [lambda: model.fit(GOOD_X, GOOD_Y, mask=mask), lambda: model.evaluate(GOOD_X, GOOD_Y, mask=mask)]
    for call in (*calls, lambda: model.predict(GOOD_X, mask=mask)):
        with pytest.raises(DataError) as caught:
            call()
        assert text in str(caught.value)
    with pytest.raises(DataError) as caught:
        model.fit(GOOD_X, GOOD_Y, validation_data=(GOOD_X, GOOD_Y, None, mask))
    assert f"validation {text}" in str(caught.value)


def test_what_a_mask_leaves_must_be_finite_and_something():
    x = GOOD_X + HOLES[:, None, None]
    mask = MASK.copy()
    mask[2] = False
    with pytest.raises(DataError, match=r"x has 4 values that are not finite \(first at sample 4, time 0, feature 0"):
        small().predict(x, mask=mask)
    model = small(LSTM(3, return_sequences=True), Dense(1))
    with pytest.raises(DataError, match="mask and sample_weight exclude every target: expected at least one step"):
        model.fit(GOOD_X, np.zeros((6, 4)), mask=~MASK)


def test_without_time_axis_there_is_nothing_to_mask():
    model = Sequential([Input((3,)), Dense(1)])
    with pytest.raises(DataError, match="mask does not fit the network: got a mask of steps, expected none"):
        model.predict(np.zeros((6, 3)), mask=MASK)


@pytest.mark.parametrize(("units", "shape", "n"), [(1, (6, 2), 2), (3, (6, 2), 2), (2, (6,), 1)])
def test_advice_on_targets_of_another_width_works(units, shape, n):
    def fit(units):
        model = Sequential([Input((3,)), Dense(units)])
        model.compile(loss="mse")
        model.fit(np.ones((6, 3)), np.zeros(shape), epochs=1, verbose=0)

    with pytest.raises(DataError, match=rf"as many units as y has values, Dense\({n}\), or change y"):
        fit(units)
    fit(n)


# Nothing, and less than nothing


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda m: m.predict(GOOD_X[:, :0]), DataError, "x has no steps: got (6, 0, 1), expected at least one step"),
        (lambda m: m.fit(GOOD_X[:, :0], GOOD_Y), DataError, "x has no steps: got (6, 0, 1)"),
        (lambda m: m.predict(GOOD_X[:0]), DataError, "x is empty: got (0, 4, 1)"),
        (lambda m: m.predict(GOOD_X[..., :0]), DataError, "x has the wrong number of features: got (6, 4, 0)"),
        (lambda m: m.predict(GOOD_X, batch_size=-1), ConfigError, "Invalid batch_size -1"),
        (lambda m: m.predict(GOOD_X, batch_size=0), ConfigError, "Invalid batch_size 0"),
        (lambda m: m.evaluate(GOOD_X, GOOD_Y, batch_size=-5), ConfigError, "Invalid batch_size -5"),
        (lambda m: m.fit(GOOD_X, GOOD_Y, epochs=-1), ConfigError, "Invalid epochs -1"),
        (lambda _: LSTM(-1), ConfigError, "Invalid units -1"),
        (lambda _: LSTM(2.5), ConfigError, "Invalid units 2.5"),
        (lambda _: Input((-3, 1)), ConfigError, "shape (Input): got (-3, 1)"),
        (lambda _: Input((0, 1)), ConfigError, "shape (Input): got (0, 1)"),
        (lambda _: Input((3, 0)), ConfigError, "shape (Input): got (3, 0)"),
    ],
)
def test_nothing_and_less_than_nothing_are_refused(call, kind, text):
    model = small(LSTM(5), Dense(1))
    model.build((None, None, 1))
    model.compile(loss="mse", optimizer="adam")
    with pytest.raises(kind) as caught:
        call(model)
    assert text in str(caught.value)


def test_the_first_x_must_have_features():
    model = Sequential([LSTM(5), Dense(1)])
    model.compile(loss="mse", optimizer="adam")
    with pytest.raises(DataError, match=r"x has no features: got \(6, 4, 0\), expected at least one"):
        model.fit(np.zeros((6, 4, 0)), GOOD_Y)
