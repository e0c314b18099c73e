"""The article's own script, with `keras` changed to `gatecast` in two imports and nothing else.

It is kept as it was written, with what is wrong in it (see lstm_forecast.py): each split is scaled by itself, the
target is not scaled, and a window of one value is asked for that same value, so nothing is forecast at all.

Run it in this folder: python lstm_article.py   (needs pandas and scikit-learn)
"""

import numpy as np
import pandas as pd
from gatecast.models import Sequential
from gatecast.layers import Dense, LSTM, Dropout
from sklearn.metrics import mean_squared_error

data = pd.read_csv('M50.csv', header=None)
data.columns = ['time', 'value']

train_data = data[:int(len(data)*0.8)]
valid_data = data[int(len(data)*0.8):int(len(data)*0.9)]
test_data = data[int(len(data)*0.9):]

train_data_scaled = (train_data['value'] - np.mean(train_data['value'])) / np.std(train_data['value'])
valid_data_scaled = (valid_data['value'] - np.mean(valid_data['value'])) / np.std(valid_data['value'])
test_data_scaled = (test_data['value'] - np.mean(test_data['value'])) / np.std(test_data['value'])

train_data_scaled = np.reshape(train_data_scaled, (len(train_data_scaled), 1, 1))
valid_data_scaled = np.reshape(valid_data_scaled, (len(valid_data_scaled), 1, 1))
test_data_scaled = np.reshape(test_data_scaled, (len(test_data_scaled), 1, 1))

model = Sequential()
model.add(LSTM(50, return_sequences=True, input_shape=(1, 1)))
model.add(Dropout(0.2))
model.add(LSTM(50, return_sequences=True))
model.add(Dropout(0.2))
model.add(LSTM(50))
model.add(Dropout(0.2))
model.add(Dense(1))

model.compile(loss='mean_squared_error', optimizer='adam')

model.fit(train_data_scaled, train_data['value'], validation_data=(valid_data_scaled, valid_data['value']), epochs=100, batch_size=32)

predictions = model.predict(test_data_scaled)

mse = mean_squared_error(test_data['value'], predictions)
print('Mean squared error:', mse)
