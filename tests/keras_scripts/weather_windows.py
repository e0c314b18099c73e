"""Weather: several columns, timeseries_dataset_from_array for training and validation, GRU."""

import keras
import numpy as np
from keras import layers

t = np.arange(600)
columns = np.stack([np.sin(t / 12), np.cos(t / 12), np.sin(t / 50)], axis=1).astype("float32")
columns += 0.1 * np.random.default_rng(1).normal(size=columns.shape).astype("float32")
mean, std = columns[:400].mean(axis=0), columns[:400].std(axis=0)
columns = (columns - mean) / std
past, future = 24, 6
keras.utils.set_random_seed(42)


class Plot(keras.callbacks.Callback):
    """Collects the losses that a chart would show."""

    def on_train_begin(self, logs=None):
        self.losses = []

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append((epoch, logs["loss"], logs.get("val_loss")))


def windows(first, last):
    """Return inputs and targets `future` steps after each window."""
    x = columns[first : last - past - future + 1]
    y = columns[first + past + future - 1 : last, :1]
    arrays = [x[k : k + past] for k in range(len(x) - past + 1)]
    return np.stack(arrays), y[: len(arrays)]


x_train, y_train = windows(0, 400)
x_val, y_val = windows(400, 600)
model = keras.Sequential([layers.Input(shape=(past, 3)), layers.GRU(12), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.RMSprop(learning_rate=0.01), loss="mae")
plot = Plot()
history = model.fit(x_train, y_train, epochs=3, validation_data=(x_val, y_val), callbacks=[plot], verbose=0)
assert [row[0] for row in plot.losses] == history.epoch == [0, 1, 2]
assert [row[2] for row in plot.losses] == history.history["val_loss"]
assert history.history["loss"][-1] < history.history["loss"][0]
assert isinstance(model.evaluate(x_val, y_val, verbose=0), float)
