"""Encoder and decoder: RepeatVector between two cells, TimeDistributed at the end."""

import numpy as np
from keras.layers import LSTM, Dense, Input, RepeatVector, TimeDistributed
from keras.models import Sequential

rng = np.random.default_rng(0)
t = np.arange(400)
data = np.stack([np.sin(t / 8), np.cos(t / 8)], axis=1) + 0.05 * rng.normal(size=(400, 2))
n_in, n_out = 16, 4
X = np.array([data[i : i + n_in] for i in range(300)])
y = np.array([data[i + n_in : i + n_in + n_out] for i in range(300)])
model = Sequential()
model.add(Input(shape=(n_in, 2)))
model.add(LSTM(24, activation="relu"))
model.add(RepeatVector(n_out))
model.add(LSTM(24, activation="relu", return_sequences=True))
model.add(TimeDistributed(Dense(2)))
model.compile(optimizer="adam", loss="mse")
model.fit(X, y, epochs=10, batch_size=16, verbose=0)
prediction = model.predict(X[:3], verbose=0)
assert prediction.shape == (3, n_out, 2)
assert model.evaluate(X, y, verbose=0) < 0.3
