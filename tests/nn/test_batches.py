"""Data that come in batches: what cannot be used is refused, what has ended is said, and nothing is read too much."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.callbacks import BackupAndRestore, EarlyStopping
from gatecast.errors import ConfigError, DataError
from gatecast.kernels.packing import unpack
from gatecast.layers import LSTM, Dense, Input
from gatecast.models import Sequential
from gatecast.nn.inputs import TrainingData
from gatecast.nn.sources import ArraySource
from gatecast.utils import PyDataset

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)).astype(np.float32), RNG.integers(0, 2, 40).astype(np.float32)
WEIGHTS = {0: 1.0, 1: 5.0}


def make():
    """A compiled model."""
    model = Sequential([Input((3,)), Dense(1)], seed=1)
    model.compile("sgd", "mse")
    return model


def batches(count=5):
    """Yield batches of eight samples."""
    return ((X[8 * k : 8 * k + 8], Y[8 * k : 8 * k + 8]) for k in range(count))


class Indexed(PyDataset):
    """The batches by index."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return list(batches())[index]


@pytest.mark.parametrize("source", [batches, lambda: list(batches()), Indexed], ids=["generator", "list", "index"])
def test_weights_of_classes_count_in_batches_as_in_arrays(source):
    whole, parts = make(), make()
    expected = whole.fit(X, Y, batch_size=8, shuffle=False, class_weight=WEIGHTS).history
    assert parts.fit(source(), shuffle=False, class_weight=WEIGHTS).history == expected
    assert expected != make().fit(X, Y, batch_size=8, shuffle=False).history


def test_weights_of_classes_do_not_count_in_the_samples_to_validate_on():
    split, apart = make(), make()
    settings = {"batch_size": 8, "shuffle": False, "class_weight": WEIGHTS}
    one = split.fit(X, Y, validation_split=0.2, **settings).history
    two = apart.fit(X[:32], Y[:32], validation_data=(X[32:], Y[32:]), **settings).history
    assert one == two
    close(one["val_loss"][0], split.evaluate(X[32:], Y[32:]), rounding(100))


def test_weights_of_classes_that_exclude_every_sample_are_refused():
    with pytest.raises(DataError, match="class_weight excludes every sample"):
        make().fit(X, Y, class_weight={0: 0.0, 1: 0.0})


def test_weights_of_classes_multiply_a_mask():
    x, y = RNG.normal(size=(8, 4, 1)), np.repeat([[0.0], [1.0]], 4, axis=0)
    mask = RNG.random((8, 4)) > 0.3
    mask[:, -1] = True
    losses = []
    for weights in ({"class_weight": WEIGHTS}, {"sample_weight": np.where(y[:, 0] == 1, 5.0, 1.0)}):
        model = Sequential([Input((4, 1)), LSTM(3), Dense(1)], seed=1)
        model.compile("sgd", "mse")
        losses.append(model.fit(x, y, mask=mask, **weights).history["loss"])
    assert losses[0] == losses[1]


def test_weights_of_classes_and_of_samples_exclude_each_other():
    weighted = [(x, y, np.ones(8)) for x, y in batches()]
    with pytest.raises(ConfigError, match="exclude each other"):
        make().fit(weighted, class_weight=WEIGHTS)
    with pytest.raises(ConfigError, match="exclude each other"):
        make().train_on_batch(X, Y, sample_weight=np.ones(40), class_weight=WEIGHTS)


@pytest.mark.parametrize(
    ("argument", "advice"),
    [
        ("y", r"Put it into the batches: \(x, y\)"),
        ("sample_weight", "Put it into the batches"),
        ("mask", "Pass arrays, or begin the model with Masking"),
    ],
)
def test_what_batches_must_have_is_refused_with_advice(argument, advice):
    calls = [make().fit, make().evaluate] + ([make().predict] if argument == "mask" else [])
    for call in calls:
        with pytest.raises(ConfigError, match=f"x comes in batches, which excludes {argument}=.*{advice}"):
            call(batches(), **{argument: np.ones(40)})


def test_a_size_of_batches_that_is_not_used_is_said():
    with pytest.warns(UserWarning, match="x comes in batches: batch_size=4 is not used"):
        make().fit(batches(), batch_size=4)
    with pytest.warns(UserWarning, match="batch_size=4 is not used"):
        make().evaluate(batches(), batch_size=4)
    with pytest.warns(UserWarning, match="validation_data comes in batches: validation_batch_size=4 is not used"):
        make().fit(X, Y, validation_data=batches(), validation_batch_size=4)


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ({0: "a"}, "Invalid class_weight 'a': expected a number of at least 0"),
        ({0: -1.0}, "Invalid class_weight -1.0"),
        ({0: np.nan}, "Invalid class_weight nan"),
        ("balanced", "Invalid class_weight 'balanced': expected a dict"),
        ({"low": 1.0}, "Invalid classes in class_weight: got 'low', expected numbers of classes"),
    ],
)
@pytest.mark.parametrize("call", ["fit", "train_on_batch"])
def test_impossible_weights_of_classes_are_named(call, weights, text):
    with pytest.raises(ConfigError) as caught:
        getattr(make(), call)(X, Y, class_weight=weights)
    assert text in str(caught.value)


@pytest.mark.parametrize("y", [None, ["a"] * 40, np.full(40, np.nan), np.ones((40, 2, 2))], ids=str)
def test_weights_of_classes_need_targets_that_are_classes(y):
    with pytest.raises((ConfigError, DataError), match=r"y is missing|y is not an array of numbers|does not fit y"):
        make().fit(X, y, class_weight=WEIGHTS)


# Generators that end


def test_a_generator_that_has_ended_ends_the_training_without_nan():
    model, other = make(), make()
    with pytest.warns(UserWarning, match="x ran out of batches. The training ends with epoch 1"):
        history = model.fit(batches(), epochs=3)
    assert history.epoch == [0]
    assert np.isfinite(history.history["loss"]).all()
    other.fit(X, Y, batch_size=8, shuffle=False)
    np.testing.assert_array_equal(model.weights.vector, other.weights.vector)


def test_a_generator_that_ends_within_an_epoch_completes_it_and_says_so():
    model = make()
    with pytest.warns(UserWarning, match="The training ends with epoch 2"):
        history = model.fit(batches(), epochs=4, steps_per_epoch=3)
    assert history.epoch == [0, 1]
    assert model.optimizer.iterations == 5


@pytest.mark.parametrize("call", ["fit", "evaluate", "predict"])
def test_an_iterable_without_batches_is_refused(call):
    with pytest.raises(DataError, match=r"x has no batches.*A generator is read once"):
        getattr(make(), call)(iter([]))


def test_validation_on_a_generator_that_has_ended_is_refused():
    model = make()
    with pytest.raises(DataError, match="validation_data has no batches"):
        model.fit(X, Y, epochs=3, validation_data=batches(), callbacks=[EarlyStopping(restore_best_weights=True)])
    assert model.history.epoch == [0]


def test_a_validation_of_fewer_batches_than_asked_says_so():
    with pytest.warns(UserWarning, match="validation_data ran out of batches. Make an iterable"):
        make().fit(X, Y, epochs=2, validation_data=batches(), validation_steps=3)


@pytest.mark.parametrize("call", ["predict", "evaluate"])
def test_as_many_batches_are_read_as_asked_for(call):
    rest = batches()
    getattr(make(), call)(rest, steps=2)
    assert len(list(rest)) == 3


def test_a_prediction_of_some_batches_has_their_samples():
    model = make()
    close(model.predict(batches(), steps=2), model.predict(X[:16]), rounding(10))


# Steps of arrays


def test_steps_of_arrays_divide_them_or_are_batches_of_the_size_as_in_keras():
    model = make()
    assert model.predict(X, steps=1).shape == (len(X), 1)
    assert model.predict(X, batch_size=8, steps=2).shape == (16, 1)
    close(model.evaluate(X, Y, batch_size=8, steps=2), model.evaluate(X[:16], Y[:16]), rounding(100))
    history = model.fit(X, Y, validation_data=(X, Y), validation_steps=1).history
    close(history["val_loss"][0], model.evaluate(X, Y), rounding(100))
    history = model.fit(X, Y, batch_size=8, validation_data=(X, Y), validation_steps=2).history
    close(history["val_loss"][0], model.evaluate(X[:16], Y[:16]), rounding(100))
    before = model.optimizer.iterations
    model.fit(X, Y, steps_per_epoch=4, epochs=3)
    assert model.optimizer.iterations == before + 12


class Noted(Indexed):
    """The batches by index, which are noted."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __getitem__(self, index):
        self.seen.append(index)
        return super().__getitem__(index)


@pytest.mark.parametrize(("steps", "epochs"), [(2, [(0, 2), (2, 4), (4, 5), (0, 2)]), (3, [(0, 3), (3, 5), (0, 3)])])
def test_epochs_of_fewer_steps_go_on_with_the_batches_behind_as_in_keras(steps, epochs):
    rows, source = make(), Noted()
    history = make().fit(X, Y, batch_size=8, shuffle=False, epochs=len(epochs), steps_per_epoch=steps).history
    parts = [rows.fit(X[8 * a : 8 * b], Y[8 * a : 8 * b], batch_size=8, shuffle=False) for a, b in epochs]
    assert history["loss"] == [part.history["loss"][0] for part in parts]
    make().fit(source, shuffle=False, epochs=len(epochs), steps_per_epoch=steps)
    assert source.seen[-len([k for a, b in epochs for k in range(a, b)]) :] == [
        k for a, b in epochs for k in range(a, b)
    ]


@pytest.mark.parametrize("data", [(X, Y), (Indexed(),)], ids=["arrays", "index"])
def test_another_call_begins_with_the_first_samples_and_a_backup_does_not(data, tmp_path):
    def train(model, *callbacks, epochs=3):
        settings = {"batch_size": 8} if len(data) == 2 else {}
        return model.fit(*data, shuffle=False, epochs=epochs, steps_per_epoch=2, callbacks=[*callbacks], **settings)

    whole, twice, again = make(), make(), make()
    losses = train(whole).history["loss"]
    train(twice, BackupAndRestore(tmp_path / "b", delete_checkpoint=False), epochs=1)
    assert train(again, BackupAndRestore(tmp_path / "b")).history["loss"] == losses
    np.testing.assert_array_equal(again.weights.vector, whole.weights.vector)
    twice.set_weights(make().get_weights())
    assert train(twice, epochs=1).history["loss"] == losses[:1]


def test_shuffled_epochs_of_fewer_steps_see_every_sample_once_a_pass():
    source = Noted()
    make().fit(source, epochs=3, steps_per_epoch=2)
    assert sorted(source.seen[-5:]) == [0, 1, 2, 3, 4]


def test_shuffling_within_batches_keeps_their_samples():
    samples = TrainingData(np.arange(20, dtype=np.float32).reshape(20, 1, 1), np.ones((20, 1, 1), np.float32))
    source = ArraySource(samples, 8, shuffle="batch")
    orders = []
    for epoch in range(2):
        rows = [unpack(batch.x, batch.n_sequences).ravel() for batch in source.epoch(epoch)]
        assert [sorted(row) for row in rows] == [[*range(8)], [*range(8, 16)], [*range(16, 20)]]
        orders.append(np.concatenate(rows).tolist())
    assert orders[0] != orders[1] != [*range(20)]


def test_shuffling_within_batches_trains_as_without():
    within, ordered = make(), make()
    within.fit(X, Y, batch_size=8, shuffle="batch")
    ordered.fit(X, Y, batch_size=8, shuffle=False)
    close(within.weights.vector, ordered.weights.vector, rounding(1000))
    with pytest.raises(ConfigError, match=r"Invalid shuffle 'bacth': expected True, False, or 'batch'"):
        make().fit(X, Y, shuffle="bacth")


@pytest.mark.parametrize("steps", [0, -1, 1.5, "a"])
@pytest.mark.parametrize("call", ["predict", "evaluate"])
def test_impossible_steps_are_named(call, steps):
    for data in ((X, Y), (batches(),)):
        with pytest.raises(ConfigError, match="Invalid steps"):
            getattr(make(), call)(*data[: 1 if call == "predict" else 2], steps=steps)


@pytest.mark.parametrize(
    ("frequency", "epochs"), [(np.int64(2), [1, 3]), (2, [1, 3]), ([1, 4], [0, 3]), (np.array([2, 3]), [1, 2])]
)
def test_validation_takes_place_after_its_epochs(frequency, epochs):
    history = make().fit(X, Y, epochs=4, validation_data=(X, Y), validation_freq=frequency)
    assert len(history.history["val_loss"]) == len(epochs)


@pytest.mark.parametrize("frequency", ["a", 1.5, 0, [0], ["a"], None, [1.5]])
def test_impossible_frequencies_of_validation_are_named(frequency):
    with pytest.raises(ConfigError, match="Invalid validation_freq"):
        make().fit(X, Y, validation_data=(X, Y), validation_freq=frequency)


@pytest.mark.parametrize("name", ["validation_steps", "validation_batch_size"])
@pytest.mark.parametrize("data", [(X, Y), list(batches())], ids=["arrays", "batches"])
def test_impossible_sizes_of_validation_are_named(data, name):
    with pytest.raises(ConfigError, match=f"Invalid {name} 'a'"):
        make().fit(X, Y, validation_data=data, **{name: "a"})
