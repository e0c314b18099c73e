"""Weather as in a tutorial of Keras: windows of every sixth row, a functional model, checkpoints, single batches."""

import keras
import numpy as np

rng = np.random.default_rng(0)
n, step, past, future = 1500, 6, 120, 12
features = np.sin(np.arange(n) / 24)[:, None] + 0.1 * rng.normal(size=(n, 7))
train_split = int(0.715 * n)
features = (features - features[:train_split].mean(axis=0)) / features[:train_split].std(axis=0)
start = past + future
dataset_train = keras.preprocessing.timeseries_dataset_from_array(
    features[:train_split],
    features[start : start + train_split][:, 1:2],
    sequence_length=past // step,
    sampling_rate=step,
    batch_size=64,
)
dataset_val = keras.preprocessing.timeseries_dataset_from_array(
    features[train_split : n - start],
    features[train_split + start :][:, 1:2],
    sequence_length=past // step,
    sampling_rate=step,
    batch_size=64,
)
for batch in dataset_train.take(1):
    inputs, targets = batch
assert inputs.numpy().shape == (64, 20, 7)
assert targets.numpy().shape == (64, 1)
inputs = keras.layers.Input(shape=(inputs.shape[1], inputs.shape[2]))
outputs = keras.layers.Dense(1)(keras.layers.LSTM(8)(inputs))
model = keras.Model(inputs=inputs, outputs=outputs)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="mse")
history = model.fit(
    dataset_train,
    epochs=2,
    validation_data=dataset_val,
    verbose=0,
    callbacks=[
        keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=0, patience=5),
        keras.callbacks.ModelCheckpoint(
            monitor="val_loss", filepath="checkpoint.weights.h5", save_weights_only=True, save_best_only=True
        ),
    ],
)
assert history.history["val_loss"][1] < history.history["val_loss"][0]
for x, y in dataset_val.take(2):
    assert model.predict(x, verbose=0)[0].shape == (1,)
    assert x[0][:, 1].numpy().shape == (20,)
    assert y[0].numpy().shape == (1,)
