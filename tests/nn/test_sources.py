"""Batches that come ready-made train as the same batches from arrays."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError
from gatecast.layers import LSTM, Dense, Input
from gatecast.models import Sequential
from gatecast.preprocessing import timeseries_dataset_from_array
from gatecast.utils import PyDataset, Sequence

X, Y = np.random.default_rng(0).normal(size=(60, 4, 1)), np.random.default_rng(1).normal(size=60)
W = np.random.default_rng(2).random(60)


def make(shape=True):
    """A compiled model."""
    model = Sequential([*([Input((4, 1))] if shape else []), LSTM(5), Dense(1)], seed=1)
    model.compile("adam", "mse", metrics=["mae"])
    return model


def batches(weights=False, size=16):
    """The batches of an epoch."""
    rows = [slice(k, k + size) for k in range(0, 60, size)]
    return [(X[r], Y[r], W[r]) if weights else (X[r], Y[r]) for r in rows]


class Batches(PyDataset):
    """The batches by index."""

    def __init__(self):
        super().__init__()
        self.ended, self.seen = 0, []

    def __len__(self):
        return len(batches())

    def __getitem__(self, index):
        self.seen.append(index)
        return batches()[index]

    def on_epoch_end(self):
        self.ended += 1


def forever():
    """Yield the batches again and again."""
    while True:
        yield from batches()


class Loader:
    """An iterable that can be read again, without a length."""

    def __iter__(self):
        return iter(batches())


class Tensor:
    """A tensor of PyTorch, as far as it is needed."""

    def __init__(self, array):
        self.array, self.ndim = array, array.ndim

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.array


@pytest.mark.parametrize(
    ("source", "settings"),
    [
        (batches, {}),
        (Batches, {"shuffle": False}),
        (Loader, {}),
        (forever, {"steps_per_epoch": 4}),
        (lambda: (batch for _ in range(3) for batch in batches()), {"steps_per_epoch": 4}),
        (lambda: [tuple(map(Tensor, batch)) for batch in batches()], {}),
    ],
    ids=["list", "PyDataset", "loader", "endless generator", "generator", "tensors"],
)
def test_batches_train_as_arrays(source, settings):
    expected, model = make(), make(shape=False)
    history = expected.fit(X, Y, batch_size=16, epochs=3, shuffle=False)
    actual = model.fit(source(), epochs=3, **settings)
    assert actual.history == history.history
    np.testing.assert_array_equal(model.weights.vector, expected.weights.vector)


def test_weights_come_with_the_batches():
    expected, model = make(), make()
    expected.fit(X, Y, batch_size=16, sample_weight=W, shuffle=False)
    model.fit(batches(weights=True))
    np.testing.assert_array_equal(model.weights.vector, expected.weights.vector)


def test_indexed_batches_come_in_another_order_every_epoch_and_hear_of_its_end():
    data = Batches()
    make().fit(data, epochs=3)
    assert data.ended == 3
    epochs = [data.seen[k : k + 4] for k in range(1, 13, 4)]  # the first one is looked at before
    assert all(sorted(epoch) == [0, 1, 2, 3] for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert issubclass(Sequence, PyDataset)


def test_validation_prediction_and_evaluation_take_batches():
    model = make()
    history = model.fit(X, Y, validation_data=batches())
    values = model.evaluate(X, Y, batch_size=16)
    assert [history.history["val_loss"][0], history.history["val_mae"][0]] == values == model.evaluate(batches())
    np.testing.assert_array_equal(model.predict(batches()), model.predict(X, batch_size=16))
    assert model.predict(forever(), steps=2).shape == (32, 1)
    assert model.evaluate(forever(), steps=4) == values
    windows = timeseries_dataset_from_array(np.arange(30.0)[:, None], np.arange(30.0), 4, batch_size=7)
    model.fit(windows, validation_data=windows, epochs=2)


def test_steps_per_epoch_cut_an_epoch_of_arrays():
    one, two = make(), make()
    one.fit(X, Y, batch_size=16, steps_per_epoch=2, shuffle=False)
    two.fit(X[:32], Y[:32], batch_size=16, shuffle=False)
    np.testing.assert_array_equal(one.weights.vector, two.weights.vector)


def test_validation_may_skip_epochs():
    for frequency, expected in ((2, 2), ([1, 5], 2)):
        history = make().fit(X, Y, validation_split=0.2, epochs=5, validation_freq=frequency)
        assert len(history.history["val_loss"]) == expected
        assert len(history.history["loss"]) == 5


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda m: m.fit(batches(), Y), ConfigError, "x comes in batches, which excludes y="),
        (lambda m: m.fit(batches(), validation_split=0.1), ConfigError, "which excludes validation_split="),
        (lambda m: m.fit(X, Y, validation_split=0.1, validation_data=batches()), ConfigError, "exclude each other"),
        (lambda m: m.fit(batches(), validation_data=X), ConfigError, "Invalid validation_data of type ndarray"),
        (lambda m: m.fit(iter([])), DataError, "x has no batches"),
        (lambda m: m.fit(iter([X])), DataError, "Invalid batch: got a ndarray"),
        (lambda m: m.fit(iter([(X,)])), DataError, "y is missing"),
        (lambda m: m.fit(X), DataError, "y is missing"),
        (lambda m: m.fit(iter([(X, Y[:3])])), DataError, "x and y differ in length"),
    ],
)
def test_impossible_batches_are_named(call, kind, text):
    with pytest.raises(kind) as caught:
        call(make())
    assert text in str(caught.value)
