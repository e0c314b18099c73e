"""Penalties, constraints and initializers by name and as objects."""

import numpy as np
from keras import constraints, initializers, regularizers
from keras.layers import LSTM, Dense, Input, LeakyReLU, SpatialDropout1D
from keras.models import Sequential

rng = np.random.default_rng(0)
X = rng.normal(size=(100, 7, 2))
y = X[:, -1, 0]
model = Sequential(
    [
        Input((7, 2)),
        SpatialDropout1D(0.1),
        LSTM(
            10,
            kernel_initializer=initializers.GlorotNormal(seed=1),
            recurrent_initializer="orthogonal",
            kernel_regularizer=regularizers.l2(1e-3),
            recurrent_regularizer=regularizers.L1L2(l1=1e-5, l2=1e-4),
            dropout=0.1,
            recurrent_dropout=0.1,
        ),
        Dense(6, kernel_constraint=constraints.MaxNorm(2.0), kernel_initializer="he_normal"),
        LeakyReLU(negative_slope=0.1),
        Dense(1, kernel_regularizer="l2"),
    ]
)
model.compile(optimizer="adam", loss="mse")
history = model.fit(X, y, epochs=5, verbose=0)
kernel = model.layers[2].get_weights()[0]
assert (np.linalg.norm(kernel, axis=0) <= 2.0001).all()
assert np.isfinite(history.history["loss"]).all()
