"""Convolutions over sub-sequences, one cell over them."""

import numpy as np
from keras.layers import LSTM, Conv1D, Dense, Flatten, Input, MaxPooling1D, TimeDistributed
from keras.models import Sequential

series = np.sin(np.arange(260) / 6)
n_seq, n_steps, n_features = 2, 4, 1
X = np.array([series[i : i + n_seq * n_steps] for i in range(240)])
y = series[n_seq * n_steps : n_seq * n_steps + 240]
X = X.reshape((X.shape[0], n_seq, n_steps, n_features))
model = Sequential()
model.add(Input(shape=(None, n_steps, n_features)))
model.add(TimeDistributed(Conv1D(filters=16, kernel_size=1, activation="relu")))
model.add(TimeDistributed(MaxPooling1D(pool_size=2)))
model.add(TimeDistributed(Flatten()))
model.add(LSTM(16, activation="relu"))
model.add(Dense(1))
model.compile(optimizer="adam", loss="mse")
history = model.fit(X, y, epochs=10, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
