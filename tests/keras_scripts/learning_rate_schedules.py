"""Learning rates: a schedule in the optimizer, one by epoch, and reading and setting them."""

import math

import numpy as np
from keras.callbacks import CSVLogger, LearningRateScheduler, TerminateOnNaN
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential
from keras.optimizers import SGD, Adam
from keras.optimizers.schedules import CosineDecay, ExponentialDecay

x = np.sin(np.arange(300)[:, None] / 5 + np.arange(10) / 5)[..., None]
y = np.sin(np.arange(300) / 5 + 2)


def build(optimizer):
    """Return a compiled network."""
    model = Sequential([Input(shape=(10, 1)), LSTM(8), Dense(1)])
    model.compile(optimizer=optimizer, loss="mse")
    return model


schedule = ExponentialDecay(initial_learning_rate=0.01, decay_steps=10, decay_rate=0.9, staircase=True)
model = build(Adam(learning_rate=schedule, clipnorm=1.0))
model.fit(x, y, epochs=2, batch_size=30, verbose=0)
assert abs(float(model.optimizer.learning_rate) - 0.01 * 0.9**2) < 1e-7

model = build(SGD(CosineDecay(0.1, decay_steps=20), momentum=0.9, nesterov=True))
model.fit(x, y, epochs=1, batch_size=30, verbose=0)
assert abs(float(model.optimizer.learning_rate) - 0.05) < 1e-6


def step_decay(epoch, lr):
    """Return half the rate after every second epoch."""
    return 0.01 * math.pow(0.5, math.floor(epoch / 2))


model = build(Adam(0.5))
callbacks = [LearningRateScheduler(step_decay), CSVLogger("log.csv"), TerminateOnNaN()]
history = model.fit(x, y, epochs=4, callbacks=callbacks, verbose=0)
assert np.allclose(history.history["learning_rate"], [0.01, 0.01, 0.005, 0.005])
model.optimizer.learning_rate = 0.001
assert abs(float(model.optimizer.learning_rate) - 0.001) < 1e-8
with open("log.csv") as file:
    assert file.readline().startswith("epoch,learning_rate,loss")
