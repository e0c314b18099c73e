"""One encoder, two heads with losses of their own."""

import numpy as np
from keras import Input, Model, layers

rng = np.random.default_rng(0)
X = rng.normal(size=(150, 10, 2))
level, direction = X.mean(axis=(1, 2))[:, None], (X[:, -1, :1] > 0).astype("float32")
inputs = Input(shape=(10, 2))
encoded = layers.LSTM(12)(inputs)
level_head = layers.Dense(1, name="level")(encoded)
direction_head = layers.Dense(1, activation="sigmoid", name="direction")(encoded)
model = Model(inputs, [level_head, direction_head])
model.compile(optimizer="adam", loss=["mse", "binary_crossentropy"], loss_weights=[1.0, 0.2])
model.fit(X, [level, direction], epochs=4, batch_size=32, verbose=0)
a, b = model.predict(X[:5], verbose=0)
assert a.shape == b.shape == (5, 1)
assert ((b >= 0) & (b <= 1)).all()
assert [tuple(shape) for shape in model.output_shape] == [(None, 1), (None, 1)]
