"""Three classes of moves: softmax, one-hot targets, accuracy, class weights."""

import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential
from keras.utils import to_categorical

rng = np.random.default_rng(0)
X = rng.normal(size=(150, 6, 1))
moves = np.digitize(X[:, -1, 0], [-0.4, 0.4])
y = to_categorical(moves, num_classes=3)
model = Sequential([Input((6, 1)), LSTM(12), Dense(3, activation="softmax")])
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(X, y, epochs=60, batch_size=10, class_weight={0: 1.0, 1: 2.0, 2: 1.0}, verbose=0)
assert history.history["accuracy"][-1] > 0.5
assert np.allclose(model.predict(X[:4], verbose=0).sum(axis=1), 1, atol=1e-5)
