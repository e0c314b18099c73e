"""Both directions, batch normalization, relu as a layer of its own."""

import numpy as np
from keras.layers import GRU, LSTM, Activation, BatchNormalization, Bidirectional, Dense, Input
from keras.models import Sequential

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 8, 3))
y = X.sum(axis=(1, 2))
model = Sequential()
model.add(Input((8, 3)))
model.add(Bidirectional(LSTM(8, return_sequences=True), merge_mode="concat"))
model.add(Bidirectional(GRU(6), merge_mode="sum"))
model.add(BatchNormalization())
model.add(Dense(10))
model.add(Activation("relu"))
model.add(Dense(1))
model.compile(loss="mae", optimizer="nadam")
model.fit(X, y, epochs=5, batch_size=24, verbose=0)
weights = model.get_weights()
model.set_weights(weights)
assert len(weights) == 6 + 6 + 4 + 2 + 2
