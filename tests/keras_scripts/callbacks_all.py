"""Early stopping, the best weights in a file, a lower learning rate on a plateau, a log in CSV."""

import os

import numpy as np
from keras.callbacks import CSVLogger, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, TerminateOnNaN
from keras.layers import GRU, Dense, Input
from keras.models import Sequential, load_model
from keras.optimizers import Adam

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 10, 2))
y = X[:, -1, :1] - 0.5 * X[:, -2, 1:]
model = Sequential([Input((10, 2)), GRU(16), Dense(8, activation="relu"), Dense(1)])
model.compile(optimizer=Adam(learning_rate=0.01, beta_1=0.9), loss="mse", metrics=["mae"])
callbacks = [
    EarlyStopping(monitor="val_loss", min_delta=1e-4, patience=3, mode="min", verbose=0, restore_best_weights=True),
    ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True, verbose=0),
    ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1, min_lr=1e-5, verbose=0),
    CSVLogger("log.csv", append=False),
    TerminateOnNaN(),
]
history = model.fit(
    X, y, epochs=12, batch_size=20, validation_data=(X[:50], y[:50]), callbacks=callbacks, verbose=0, shuffle=True
)
assert {"loss", "mae", "val_loss", "val_mae", "learning_rate"} <= set(history.history)
assert os.path.exists("best.keras")
best = load_model("best.keras")
assert abs(best.evaluate(X[:50], y[:50], verbose=0)[0] - min(history.history["val_loss"])) < 1e-5
with open("log.csv") as file:
    assert file.readline().startswith("epoch,")
