"""The direction of the next change: a sigmoid, cross-entropy, accuracy and weights of classes."""

import numpy as np
from keras.layers import LSTM, Dense, Dropout, Input
from keras.models import Sequential
from keras.utils import to_categorical

rng = np.random.default_rng(4)
change = rng.normal(size=500)
change[1:] += 0.8 * change[:-1]
x = np.stack([change[k : k + 10] for k in range(480)])[..., None]
up = (change[10:490] > 0).astype(int)

model = Sequential([Input((10, 1)), LSTM(8), Dropout(0.1), Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x, up, epochs=5, class_weight={0: 1.0, 1: 1.2}, validation_split=0.2, verbose=0)
assert set(history.history) == {
    "accuracy",
    "loss",
    "val_accuracy",
    "val_loss",
}
assert 0 <= history.history["val_accuracy"][-1] <= 1
labels = (model.predict(x, verbose=0) > 0.5).astype("int32")
assert labels.shape == (480, 1)
assert to_categorical(up).shape == (480, 2)
