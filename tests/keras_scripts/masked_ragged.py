"""Sequences of different lengths, padded, with a masking layer."""

import numpy as np
from keras.layers import LSTM, Dense, Input, Masking
from keras.models import Sequential

rng = np.random.default_rng(0)
lengths = rng.integers(3, 10, 60)
X = np.full((60, 10, 1), -1.0, np.float32)
for row, n in enumerate(lengths):
    X[row, :n, 0] = rng.uniform(0, 1, n)
y = np.array([X[row, :n, 0].sum() for row, n in enumerate(lengths)])
model = Sequential([Input((10, 1)), Masking(mask_value=-1.0), LSTM(16), Dense(1)])
model.compile(loss="mse", optimizer="adam")
history = model.fit(X, y, epochs=15, batch_size=10, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
longer = np.concatenate([X, np.full((60, 5, 1), -1.0, np.float32)], axis=1)
shorter = model.predict(X, verbose=0)
assert shorter.shape == (60, 1)
