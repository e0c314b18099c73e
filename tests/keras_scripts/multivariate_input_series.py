"""Two parallel series in, their sum out; windows cut with hstack, as tutorials do it."""

import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential

in_seq1 = np.arange(10, 200, 10).reshape(-1, 1) / 100
in_seq2 = np.arange(15, 205, 10).reshape(-1, 1) / 100
dataset = np.hstack((in_seq1, in_seq2, in_seq1 + in_seq2))


def split_sequences(sequences, n_steps):
    """Return windows of all columns but the last, and the last column."""
    X, y = [], []
    for i in range(len(sequences) - n_steps + 1):
        X.append(sequences[i : i + n_steps, :-1])
        y.append(sequences[i + n_steps - 1, -1])
    return np.array(X), np.array(y)


X, y = split_sequences(dataset, 3)
model = Sequential([Input((3, X.shape[2])), LSTM(50, activation="relu"), Dense(1)])
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
history = model.fit(X, y, epochs=100, verbose=0)
assert set(history.history) == {"loss", "mae"}
assert history.history["mae"][-1] < history.history["mae"][0]
loss, mae = model.evaluate(X, y, verbose=0)
assert mae < 1
