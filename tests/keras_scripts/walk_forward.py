"""Walk-forward validation: forecast, look at the truth, train on it, and go on; several steps at once."""

import numpy as np
from keras.callbacks import EarlyStopping, History
from keras.layers import LSTM, Dense, Dropout, Input
from keras.models import Sequential
from keras.optimizers import Adam

rng = np.random.default_rng(5)
t = np.arange(300)
series = (np.sin(t * 2 * np.pi / 24) + 0.1 * rng.normal(size=300)).astype("float32")
n_in, n_out = 24, 6
rows = range(n_in, len(series) - n_out)
x = np.array([series[k - n_in : k] for k in rows]).reshape(-1, n_in, 1)
y = np.array([series[k : k + n_out] for k in rows])
n_train = 200

model = Sequential()
model.add(Input((n_in, 1)))
model.add(LSTM(12, return_sequences=True))
model.add(Dropout(0.1))
model.add(LSTM(8))
model.add(Dense(n_out))
model.compile(Adam(0.005), "mse", metrics=["mae", "mape"])
history = History()
stopping = EarlyStopping("val_loss", 0.0, 2, 0, "min")
model.fit(
    x[:n_train],
    y[:n_train],
    16,
    4,
    0,
    [history, stopping],
    0.1,
)
errors = []
for k in range(n_train, n_train + 10):
    predicted = model.predict(x[k : k + 1], verbose=0)
    errors.append(float(np.abs(predicted[0] - y[k]).mean()))
    loss, mae, mape = model.train_on_batch(x[k : k + 1], y[k : k + 1])
    assert abs(mape) >= 0
assert predicted.shape == (1, n_out)
assert np.isfinite(errors).all()
assert len(history.history["val_loss"]) == len(history.epoch) <= 4
assert np.asarray(model.test_on_batch(x[:5], y[:5])).shape == (3,)
assert model.predict_on_batch(x[:5]).shape == (5, n_out)
