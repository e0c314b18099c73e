"""Stock prices: a scaler, sixty days, four layers with dropout, the scale undone at the end."""

import numpy as np
from keras.layers import LSTM, Dense, Dropout, Input
from keras.models import Sequential

rng = np.random.default_rng(1)
price = 100 + np.cumsum(rng.normal(size=400))
low, high = price[:300].min(), price[:300].max()
scaled = ((price - low) / (high - low)).reshape(-1, 1)
X_train, y_train = [], []
for i in range(60, 300):
    X_train.append(scaled[i - 60 : i, 0])
    y_train.append(scaled[i, 0])
X_train, y_train = np.array(X_train), np.array(y_train)
X_train = np.reshape(X_train, (X_train.shape[0], X_train.shape[1], 1))
regressor = Sequential()
regressor.add(Input((X_train.shape[1], 1)))
regressor.add(LSTM(units=20, return_sequences=True))
regressor.add(Dropout(0.2))
regressor.add(LSTM(units=20, return_sequences=True))
regressor.add(Dropout(rate=0.2))
regressor.add(LSTM(units=20))
regressor.add(Dropout(0.2))
regressor.add(Dense(units=1))
regressor.compile(optimizer="adam", loss="mean_squared_error")
regressor.fit(X_train, y_train, epochs=2, batch_size=32, verbose=0)
X_test = np.array([scaled[i - 60 : i, 0] for i in range(300, 400)])
X_test = np.reshape(X_test, (X_test.shape[0], X_test.shape[1], 1))
predicted = regressor.predict(X_test, verbose=0) * (high - low) + low
rmse = np.sqrt(np.mean((predicted[:, 0] - price[300:]) ** 2))
assert np.isfinite(rmse)
regressor.summary()
