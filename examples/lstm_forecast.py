"""The article's pipeline without its defects: a one-step LSTM forecast, line by line.

Run it in this folder: python lstm_forecast.py [FILE.csv]      (a file of `time,value` rows without a header)

Four things differ from lstm_article.py:

1. A window has L values, and the target is the value AFTER the window. With a window of one value and the same value as
   its target, the network learns y = x and forecasts nothing.
2. Mean and standard deviation come from the training part. Scaled by its own statistics, the test part would leak its
   mean to the network, which no real forecast can know.
3. The target is scaled like the input, and the output is scaled back. A network whose weights start near 0 needs all
   its epochs to reach a target of 300. With a target near 0, it learns the shape at once.
4. The baseline is the naive forecast, "tomorrow will be like today". Without it, a mean squared error has no meaning,
   and an LSTM that only repeats the last value looks good in every chart.
"""

import sys

import numpy as np

from gatecast.callbacks import EarlyStopping
from gatecast.layers import LSTM, Dense, Dropout, Input
from gatecast.models import Sequential

L = 24  # window: values that the network reads

file = sys.argv[1] if len(sys.argv) > 1 else "M50.csv"
value = np.loadtxt(file, delimiter=",", usecols=1)

# Split in time order: train on the past, test on the future. Never shuffle before this line.
n = len(value)
train_end, valid_end = int(n * 0.8), int(n * 0.9)

# (2) one scale, from the training part
mean, std = value[:train_end].mean(), value[:train_end].std()
scaled = (value - mean) / std


def windows(begin, end):
    """Return all windows whose target lies in [begin, end): x (samples, L, 1), y (samples,)."""
    targets = np.arange(max(begin, L), end)
    # (1) the window ends just before its target; a window of the test part may start in the validation part, because
    # these values are known at that time
    x = np.stack([scaled[t - L : t] for t in targets])[..., None]
    return x, scaled[targets]


x, y = windows(0, train_end)
x_valid, y_valid = windows(train_end, valid_end)
x_test, y_test = windows(valid_end, n)

model = Sequential([Input((L, 1)), LSTM(50), Dropout(0.2), Dense(1)])
model.compile(loss="mean_squared_error", optimizer="adam")
stopping = EarlyStopping(patience=10, restore_best_weights=True)
history = model.fit(
    x,
    y,
    validation_data=(x_valid, y_valid),
    epochs=100,
    batch_size=32,
    # The weights of the epoch with the smallest validation loss stay: training longer would overfit.
    callbacks=[stopping],
)

# (3) back to the unit of the data
forecast = model.predict(x_test)[:, 0] * std + mean
actual = y_test * std + mean

# (4) the baseline: the last value of the window
naive = x_test[:, -1, 0] * std + mean

lstm_mse, naive_mse = np.mean((actual - forecast) ** 2), np.mean((actual - naive) ** 2)
print(f"epochs trained: {len(history.epoch)}, best: {stopping.best_epoch + 1}")
print(f"mean squared error on the last {len(actual)} values, one step ahead")
print(f"  LSTM   {lstm_mse:.4f}")
print(f"  naive  {naive_mse:.4f}")
print(f"the LSTM's error is {100 * (1 - lstm_mse / naive_mse):.0f} % smaller than naive's")
