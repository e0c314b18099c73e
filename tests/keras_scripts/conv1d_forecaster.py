"""Convolutions alone: causal, dilated, pooled, flattened."""

import numpy as np
from keras import layers, models

series = np.sin(np.arange(500) / 9) + 0.1 * np.random.RandomState(0).randn(500)
X = np.stack([series[i : i + 32] for i in range(460)])[..., None]
y = series[32 : 32 + 460]
model = models.Sequential()
model.add(layers.Input(shape=(32, 1)))
for rate in (1, 2, 4):
    model.add(layers.Conv1D(filters=8, kernel_size=3, padding="causal", dilation_rate=rate, activation="relu"))
model.add(layers.MaxPooling1D(pool_size=2, strides=2))
model.add(layers.Conv1D(8, 3, strides=2, padding="same", activation="relu"))
model.add(layers.Flatten())
model.add(layers.Dense(16, activation="relu", kernel_initializer="he_uniform"))
model.add(layers.Dropout(0.2))
model.add(layers.Dense(1, activation="linear"))
model.compile(loss="huber", optimizer="adam", metrics=["mse"])
model.fit(X, y, batch_size=32, epochs=4, validation_split=0.2, verbose=0)
assert len(model.layers) == 9
assert model.evaluate(X, y, verbose=0)[1] < 1
