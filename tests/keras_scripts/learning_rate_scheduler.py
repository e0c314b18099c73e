"""A learning rate by epoch, and one that decays by itself."""

import keras
import numpy as np
from keras.callbacks import LearningRateScheduler
from keras.layers import Dense, Input, SimpleRNN
from keras.models import Sequential

rng = np.random.default_rng(0)
X = rng.normal(size=(64, 5, 1))
y = X[:, -1]


def step_decay(epoch, lr):
    """Halve the rate every two epochs."""
    return lr * 0.5 if epoch and epoch % 2 == 0 else lr


model = Sequential([Input((5, 1)), SimpleRNN(6), Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1.0), loss="mse")
model.fit(X, y, epochs=5, verbose=0, callbacks=[LearningRateScheduler(step_decay)])
assert abs(float(model.optimizer.learning_rate) - 0.025) < 1e-7
schedule = keras.optimizers.schedules.ExponentialDecay(0.01, decay_steps=10, decay_rate=0.9, staircase=True)
model.compile(optimizer=keras.optimizers.Adam(schedule), loss="mse")
model.fit(X, y, epochs=2, verbose=0)
model.compile(optimizer="sgd", loss="mae")
model.optimizer.learning_rate = 0.002
assert abs(float(model.optimizer.learning_rate) - 0.002) < 1e-9
