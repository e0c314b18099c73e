"""An autoencoder of windows, anomalies by the error of reconstruction."""

import numpy as np
from keras.layers import LSTM, Dense, Dropout, Input, RepeatVector, TimeDistributed
from keras.models import Sequential

normal = np.sin(np.arange(320) / 5)
X_train = np.stack([normal[i : i + 12] for i in range(300)])[..., None]
model = Sequential()
model.add(Input(shape=(X_train.shape[1], X_train.shape[2])))
model.add(LSTM(16))
model.add(Dropout(rate=0.1))
model.add(RepeatVector(n=X_train.shape[1]))
model.add(LSTM(16, return_sequences=True))
model.add(Dropout(rate=0.1))
model.add(TimeDistributed(Dense(units=X_train.shape[2])))
model.compile(loss="mae", optimizer="adam")
model.fit(X_train, X_train, epochs=6, batch_size=32, validation_split=0.1, shuffle=False, verbose=0)
train_error = np.mean(np.abs(model.predict(X_train, verbose=0) - X_train), axis=1)
odd = X_train[:1] + 5.0
error = np.mean(np.abs(model.predict(odd, verbose=0) - odd), axis=1)
assert error.item() > np.max(train_error)
