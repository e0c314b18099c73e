"""Stateful: one batch after the other, the state is reset after each epoch."""

import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential

batch_size, n_steps = 1, 1
series = np.sin(np.arange(60) / 5)
X, y = series[:-1].reshape(-1, n_steps, 1), series[1:].reshape(-1, 1)
model = Sequential()
model.add(Input(batch_shape=(batch_size, n_steps, 1)))
model.add(LSTM(4, stateful=True))
model.add(Dense(1))
model.compile(loss="mean_squared_error", optimizer="adam")
for _ in range(3):
    model.fit(X, y, epochs=1, batch_size=batch_size, verbose=0, shuffle=False)
    model.layers[0].reset_states() if hasattr(model.layers[0], "reset_states") else model.layers[0].reset_state()
first = model.predict(X[:5], batch_size=batch_size, verbose=0)
again = model.predict(X[:5], batch_size=batch_size, verbose=0)
assert first.shape == (5, 1)
assert not np.allclose(first, again)
