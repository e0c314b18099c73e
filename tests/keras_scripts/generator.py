"""Batches from a Python generator and from a PyDataset, with steps and weights."""

import keras
import numpy as np
from keras.layers import LSTM, Dense, Input

rng = np.random.default_rng(2)
load = np.sin(np.arange(2000) * 2 * np.pi / 24) + 0.1 * rng.normal(size=2000)


def batches(first, last, batch_size=32, lookback=24):
    """Yield batches of windows without end."""
    rows = np.arange(first + lookback, last)
    while True:
        chosen = rng.choice(rows, batch_size)
        x = np.stack([load[row - lookback : row] for row in chosen])[..., None]
        yield x, load[chosen]


class Windows(keras.utils.PyDataset):
    """Windows in order."""

    def __init__(self, values, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.values, self.batch_size = values, batch_size

    def __len__(self):
        return (len(self.values) - 24) // self.batch_size

    def __getitem__(self, index):
        rows = np.arange(index * self.batch_size, (index + 1) * self.batch_size) + 24
        return np.stack([self.values[row - 24 : row] for row in rows])[..., None], self.values[rows]


model = keras.Sequential([Input((24, 1)), LSTM(8), Dense(1)])
model.compile("rmsprop", "mse", metrics=["mae"])
history = model.fit(
    batches(0, 1500),
    steps_per_epoch=10,
    epochs=2,
    validation_data=batches(1500, 2000),
    validation_steps=4,
    verbose=0,
)
assert len(history.history["val_mae"]) == 2
test = Windows(load[1500:], 50)
history = model.fit(Windows(load[:1500], 100), epochs=2, validation_data=test, verbose=0)
assert history.params["steps"] == 14
assert len(model.evaluate(test, verbose=0)) == 2
assert model.predict(test, verbose=0).shape == (450, 1)
x, y = test[0]
values = model.train_on_batch(x, y)
assert len(values) == 2
