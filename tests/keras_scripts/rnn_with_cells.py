"""Cells in RNN layers, states returned."""

import numpy as np
from keras import layers, models

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 9, 2))
y = X[:, :, 0].sum(axis=1)
model = models.Sequential()
model.add(layers.Input((9, 2)))
model.add(layers.RNN(layers.LSTMCell(8), return_sequences=True))
model.add(layers.RNN(layers.GRUCell(8)))
model.add(layers.Dense(1))
model.compile("adam", "mse", metrics=["mape"])
model.fit(X, y, epochs=3, verbose=0)
assert model.predict(X[:2], verbose=0).shape == (2, 1)
