"""Two inputs, joined: a window through a cell, known features beside it."""

import numpy as np
from keras.layers import LSTM, Concatenate, Dense, Input
from keras.models import Model

rng = np.random.default_rng(0)
window, known = rng.normal(size=(120, 12, 1)), rng.normal(size=(120, 3))
target = window[:, -1] + known[:, :1]
past = Input(shape=(12, 1), name="past")
future = Input(shape=(3,), name="future")
x = LSTM(12)(past)
x = Concatenate()([x, future])
x = Dense(8, activation="relu")(x)
output = Dense(1, name="sales")(x)
model = Model(inputs=[past, future], outputs=output)
model.compile(optimizer="adam", loss="mse")
history = model.fit([window, known], target, epochs=10, batch_size=16, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
assert model.predict([window[:4], known[:4]], verbose=0).shape == (4, 1)
assert model.get_layer("sales").units == 1
assert [tuple(shape) for shape in model.input_shape] == [(None, 12, 1), (None, 3)]
