"""One series, windows of three values, relu in the cell: the first example of most tutorials."""

import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential


def split_sequence(sequence, n_steps):
    """Return windows and the values after them."""
    X, y = [], []
    for i in range(len(sequence)):
        end_ix = i + n_steps
        if end_ix > len(sequence) - 1:
            break
        X.append(sequence[i:end_ix])
        y.append(sequence[end_ix])
    return np.array(X), np.array(y)


raw_seq = [10, 20, 30, 40, 50, 60, 70, 80, 90]
n_steps, n_features = 3, 1
X, y = split_sequence(raw_seq, n_steps)
X = X.reshape((X.shape[0], X.shape[1], n_features))
model = Sequential()
model.add(Input(shape=(n_steps, n_features)))
model.add(LSTM(50, activation="relu"))
model.add(Dense(1))
model.compile(optimizer="adam", loss="mse")
model.fit(X, y, epochs=200, verbose=0)
x_input = np.array([70, 80, 90]).reshape((1, n_steps, n_features))
yhat = model.predict(x_input, verbose=0)
assert yhat.shape == (1, 1)
assert 80 < float(yhat[0, 0]) < 130
