"""Training that goes on: a saved model, the epochs counted on, weights of samples, a split."""

import numpy as np
from keras.callbacks import BackupAndRestore, LambdaCallback
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential, load_model

rng = np.random.default_rng(3)
x = rng.normal(size=(120, 8, 2))
y = x.mean(axis=(1, 2))
recent = np.linspace(0.5, 1.5, 120)

model = Sequential([Input((8, 2)), LSTM(8), Dense(4, activation="relu"), Dense(1)])
model.compile(optimizer="adam", loss="mse")
seen = []
note = LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))
model.fit(
    x,
    y,
    epochs=3,
    batch_size=16,
    validation_split=0.25,
    sample_weight=recent,
    callbacks=[note, BackupAndRestore("backup")],
    verbose=0,
)
model.save("model.keras")
again = load_model("model.keras")
again.fit(x, y, initial_epoch=3, epochs=5, batch_size=16, validation_split=0.25, callbacks=[note], verbose=0)
assert seen == [0, 1, 2, 3, 4]
again.save_weights("model.weights.h5")
model.load_weights("model.weights.h5")
assert np.allclose(model.predict(x, verbose=0), again.predict(x, verbose=0))
