"""A decoder that starts from the encoder's states."""

import numpy as np
from keras.layers import LSTM, Dense, Input, RepeatVector, TimeDistributed
from keras.models import Model

series = np.sin(np.arange(260) / 7)
X = np.stack([series[i : i + 20] for i in range(200)])[..., None]
y = np.stack([series[i + 20 : i + 25] for i in range(200)])[..., None]
encoder_inputs = Input(shape=(20, 1))
encoder_outputs, state_h, state_c = LSTM(16, return_state=True)(encoder_inputs)
decoder_inputs = RepeatVector(5)(encoder_outputs)
decoder = LSTM(16, return_sequences=True)(decoder_inputs, initial_state=[state_h, state_c])
outputs = TimeDistributed(Dense(1))(decoder)
model = Model(encoder_inputs, outputs)
model.compile(optimizer="adam", loss="mse")
history = model.fit(X, y, epochs=8, batch_size=20, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
assert model.predict(X[:2], verbose=0).shape == (2, 5, 1)
