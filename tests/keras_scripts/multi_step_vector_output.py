"""Several steps ahead as one vector, stacked cells."""

import numpy as np
from keras.layers import LSTM, Dense, Dropout, Input
from keras.models import Sequential

series = np.sin(np.arange(300) * 0.1)
n_in, n_out = 20, 5
X = np.array([series[i : i + n_in] for i in range(len(series) - n_in - n_out + 1)])[:, :, np.newaxis]
y = np.array([series[i + n_in : i + n_in + n_out] for i in range(len(X))])
model = Sequential(
    [
        Input(shape=(n_in, 1)),
        LSTM(16, return_sequences=True),
        Dropout(0.1),
        LSTM(16, return_sequences=False),
        Dense(n_out),
    ],
    name="vector_output",
)
model.compile(loss="mean_squared_error", optimizer="rmsprop")
model.fit(X[:200], y[:200], epochs=8, batch_size=16, validation_split=0.1, verbose=0)
assert model.name == "vector_output"
assert model.predict(X[200:], verbose=0).shape == (len(X) - 200, n_out)
assert model.count_params() == 4 * 16 * (1 + 16 + 1) + 4 * 16 * (16 + 16 + 1) + 17 * n_out
assert model.output_shape == (None, n_out)
assert model.input_shape == (None, n_in, 1)
