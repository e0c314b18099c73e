"""Callbacks of one's own, as the guide of Keras writes them: logs, the best weights, a learning rate for each epoch."""

import keras
import numpy as np


class LossHistory(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.lines, self.n_batches = [], 0

    def on_train_batch_end(self, batch, logs=None):
        self.n_batches += 1

    def on_epoch_end(self, epoch, logs=None):
        self.lines.append(f"{epoch} {logs['loss']:7.2f} {logs['mean_absolute_error']:7.2f}")


class BestWeights(keras.callbacks.Callback):
    def __init__(self, patience=0):
        super().__init__()
        self.patience = patience

    def on_train_begin(self, logs=None):
        self.wait, self.best, self.best_weights = 0, np.inf, None

    def on_epoch_end(self, epoch, logs=None):
        if np.less(logs.get("loss"), self.best):
            self.best, self.wait, self.best_weights = logs.get("loss"), 0, self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.model.stop_training = True
            self.model.set_weights(self.best_weights)


class Schedule(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.01 * 0.9**epoch


rng = np.random.default_rng(0)
x = rng.normal(size=(256, 24, 1))
model = keras.Sequential([keras.layers.Input((24, 1)), keras.layers.SimpleRNN(8), keras.layers.Dense(1)])
model.compile(
    optimizer=keras.optimizers.RMSprop(learning_rate=0.1), loss="mean_squared_error", metrics=["mean_absolute_error"]
)
seen = LossHistory()
model.fit(x, x.sum(1), batch_size=64, epochs=3, verbose=0, callbacks=[seen, BestWeights(1), Schedule()])
assert 2 <= len(seen.lines) <= 3
assert seen.n_batches == 4 * len(seen.lines)
assert abs(float(model.optimizer.learning_rate) - 0.01 * 0.9 ** (len(seen.lines) - 1)) < 1e-6
