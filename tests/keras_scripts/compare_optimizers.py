"""Optimizers by name and by class in a loop, each from the same weights, and the best of them."""

import keras
import numpy as np
from keras import backend, optimizers
from keras.layers import GRU, Dense, Input
from keras.models import Sequential

x = np.sin(np.arange(200)[:, None] / 4 + np.arange(12) / 4)[..., None].astype("float32")
y = np.sin(np.arange(200) / 4 + 3).astype("float32")
results = {}
start = None
for optimizer in (
    "adam",
    "rmsprop",
    "SGD",
    "adagrad",
    "nadam",
    optimizers.AdamW(learning_rate=0.01, weight_decay=0.001),
    optimizers.SGD(learning_rate=0.05, momentum=0.9, clipvalue=0.5),
    optimizers.Adam(learning_rate=0.01, beta_1=0.8, global_clipnorm=1.0),
):
    backend.clear_session()
    model = Sequential([Input(shape=(12, 1)), GRU(6), Dense(1)])
    start = model.get_weights() if start is None else start
    model.set_weights(start)
    model.compile(optimizer=optimizer, loss="mae", metrics=["mse"])
    history = model.fit(x, y, epochs=2, batch_size=20, shuffle=False, verbose=0)
    name = optimizer if isinstance(optimizer, str) else optimizer.__class__.__name__ + " with settings"
    results[name] = history.history["loss"][-1]
    config = model.optimizer.get_config()
    assert config["learning_rate"] > 0
assert len(results) == 8
assert min(results, key=results.get) != "adagrad"
assert keras.optimizers.get("adam").name == "adam"
