"""Walk forward: forecast one step, take the true value in, train on."""

import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential
from keras.utils import set_random_seed

set_random_seed(7)
series = np.sin(np.arange(90) / 4)
history = list(series[:70])
model = Sequential([Input((None, 1)), LSTM(8), Dense(1)])
model.compile("adam", "mse")


def windows(values, n=10):
    """Return windows and targets."""
    values = np.asarray(values)
    X = np.stack([values[i : i + n] for i in range(len(values) - n)])
    return X[..., np.newaxis], values[n:]


model.fit(*windows(history), epochs=30, verbose=0)
predictions = []
for value in series[70:]:
    x = np.array(history[-10:]).reshape(1, 10, 1)
    predictions.append(model.predict(x, verbose=0)[0, 0])
    history.append(value)
    model.train_on_batch(*windows(history[-20:]))
errors = np.abs(np.array(predictions) - series[70:])
assert errors.mean() < 0.6
