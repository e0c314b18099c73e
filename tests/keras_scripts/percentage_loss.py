"""Mean absolute percentage error as loss, metrics as functions, a lambda callback."""

import keras
import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential

rng = np.random.default_rng(0)
X = rng.uniform(1, 2, size=(90, 6, 1))
y = 10 * X.mean(axis=1)
seen = []
model = Sequential([Input((6, 1)), LSTM(10), Dense(1, bias_initializer="ones")])
model.compile(
    loss=keras.losses.MeanAbsolutePercentageError(),
    optimizer=keras.optimizers.RMSprop(learning_rate=0.01),
    metrics=[keras.metrics.MeanAbsoluteError(), "mse"],
)
model.fit(
    X,
    y,
    30,
    20,
    verbose=0,
    callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["loss"]))],
)
assert len(seen) == 20
assert seen[-1] < seen[0]
