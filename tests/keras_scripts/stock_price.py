"""A stock price: scaled windows, two LSTM layers with dropout, callbacks, the best model loaded again."""

import keras
import numpy as np
from keras.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from keras.layers import LSTM, Dense, Dropout
from keras.models import Sequential, load_model

rng = np.random.default_rng(0)
price = 100 + np.cumsum(rng.normal(size=400))
low, high = price.min(), price.max()
scaled = (price - low) / (high - low)
window = 20
x = np.array([scaled[i - window : i] for i in range(window, len(scaled))])[..., np.newaxis]
y = scaled[window:]
x_train, x_test, y_train, y_test = x[:300], x[300:], y[:300], y[300:]

model = Sequential()
model.add(LSTM(units=16, return_sequences=True, input_shape=(window, 1)))
model.add(Dropout(0.2))
model.add(LSTM(units=16, return_sequences=False))
model.add(Dense(units=1))
model.compile(optimizer="adam", loss="mean_squared_error", metrics=["mae"])
callbacks = [
    EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True),
    ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True, verbose=0),
    ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2, min_lr=1e-5),
]
history = model.fit(
    x_train, y_train, epochs=4, batch_size=32, validation_data=(x_test, y_test), callbacks=callbacks, verbose=0
)
loss, mae = model.evaluate(x_test, y_test, verbose=0)
best = load_model("best.keras")
predicted = best.predict(x_test, verbose=0) * (high - low) + low
rmse = np.sqrt(np.mean((predicted[:, 0] - price[window + 300 :]) ** 2))
assert predicted.shape == (80, 1)
assert np.isfinite([loss, mae, rmse]).all()
assert set(history.history) == {"loss", "mae", "val_loss", "val_mae", "learning_rate"}
assert abs(loss - min(history.history["val_loss"])) < 1e-6
assert keras.backend.floatx() == "float32"
