"""Passengers: metrics by name and as classes, the evaluation as a dict, a custom callback that stops."""

import keras
import numpy as np
from keras import losses, metrics
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential

t = np.arange(200)
series = 100 + t + 20 * np.sin(t * 2 * np.pi / 12)
series = (series - series.mean()) / series.std()


def create_dataset(dataset, look_back=1):
    """Return windows and the values after them."""
    data_x, data_y = [], []
    for i in range(len(dataset) - look_back - 1):
        data_x.append(dataset[i : i + look_back])
        data_y.append(dataset[i + look_back])
    return np.array(data_x), np.array(data_y)


train_x, train_y = create_dataset(series[:130], 12)
test_x, test_y = create_dataset(series[130:], 12)
train_x = np.reshape(train_x, (train_x.shape[0], 1, train_x.shape[1]))
test_x = np.reshape(test_x, (test_x.shape[0], 1, test_x.shape[1]))


class StopAtLoss(keras.callbacks.Callback):
    """Ends the training at a loss."""

    def __init__(self, threshold):
        super().__init__()
        self.threshold = threshold

    def on_epoch_end(self, epoch, logs={}):
        if logs.get("loss") < self.threshold:
            self.model.stop_training = True


model = Sequential([Input((1, 12)), LSTM(8), Dense(1)])
model.compile(
    loss=losses.Huber(delta=1.0),
    optimizer=keras.optimizers.Nadam(learning_rate=0.02),
    metrics=["mean_absolute_error", metrics.RootMeanSquaredError(name="rmse"), metrics.R2Score()],
)
history = model.fit(
    train_x, train_y[:, None], epochs=200, batch_size=16, verbose=0, shuffle=False, callbacks=[StopAtLoss(0.02)]
)
assert history.history["loss"][-1] < 0.02
assert len(history.epoch) < 200
scores = model.evaluate(test_x, test_y[:, None], verbose=0, return_dict=True)
assert set(scores) == {
    "loss",
    "mean_absolute_error",
    "rmse",
    "r2_score",
}
mse = keras.losses.MeanSquaredError()
assert abs(float(mse([[1.0], [2.0]], [[2.0], [4.0]])) - 2.5) < 1e-6
