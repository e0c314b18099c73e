"""Hourly energy: windows from timeseries_dataset_from_array, training on the data set."""

import keras
import numpy as np
from keras import layers

hours = np.arange(24 * 30)
load = 10 + 3 * np.sin(2 * np.pi * hours / 24) + np.random.RandomState(0).randn(len(hours)) * 0.2
mean, std = load[:500].mean(), load[:500].std()
data = ((load - mean) / std).reshape(-1, 1).astype("float32")
past, delay = 24, 3
arguments = {"sampling_rate": 1, "sequence_length": past, "batch_size": 32}
train = keras.utils.timeseries_dataset_from_array(data[: 500 - delay], data[past + delay - 1 : 500], **arguments)
valid = keras.utils.timeseries_dataset_from_array(data[500:-delay], data[500 + past + delay - 1 :], **arguments)
model = keras.Sequential([keras.Input((past, 1)), layers.LSTM(12, recurrent_dropout=0.1), layers.Dense(1)])
model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
history = model.fit(train, epochs=3, validation_data=valid, verbose=0)
assert len(history.history["val_mae"]) == 3
assert model.evaluate(valid, verbose=0)[1] < 2
