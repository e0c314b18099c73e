"""Shortcuts: Add, Multiply and pooling in a functional model."""

import keras
import numpy as np
from keras import layers

inputs = keras.Input(shape=(16, 4))
x = layers.Conv1D(4, 3, padding="same", activation="relu")(inputs)
x = layers.Add()([x, inputs])
x = layers.LayerNormalization()(x)
gate = layers.Dense(4, activation="sigmoid")(x)
x = layers.Multiply()([x, gate])
x = layers.GRU(8, return_sequences=True)(x)
x = layers.GlobalAveragePooling1D()(x)
outputs = layers.Dense(1)(x)
model = keras.Model(inputs=inputs, outputs=outputs, name="shortcuts")
model.compile(optimizer="adam", loss="mse")
rng = np.random.default_rng(0)
X = rng.normal(size=(80, 16, 4)).astype("float32")
y = X.mean(axis=(1, 2))
history = model.fit(X, y, epochs=4, batch_size=16, verbose=0)
assert np.isfinite(history.history["loss"]).all()
model.save("shortcuts.keras")
again = keras.models.load_model("shortcuts.keras")
np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-6)
