"""Stores: sequences, codes of stores and calendar columns in one model, outputs and losses by name."""

import numpy as np
from keras import Input, Model
from keras.callbacks import CSVLogger, TerminateOnNaN
from keras.layers import (
    LSTM,
    Add,
    BatchNormalization,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNormalization,
)
from keras.models import clone_model
from keras.optimizers import Adam

rng = np.random.default_rng(0)
n = 96
x = {
    "seq": rng.normal(size=(n, 14, 3)).astype("float32"),
    "store": rng.integers(0, 10, size=(n, 1)),
    "calendar": rng.normal(size=(n, 4)).astype("float32"),
}
sales = x["seq"].mean((1, 2))
y = {"sales": sales, "promo": (sales > 0).astype("float32")}
seq = Input(shape=(14, 3), name="seq")
store = Input(shape=(1,), name="store", dtype="int32")
calendar = Input(shape=(4,), name="calendar")
h = LSTM(8, return_sequences=True)(seq)
h = LSTM(8)(LayerNormalization()(Add()([h, LSTM(8, return_sequences=True)(h)])))
z = Concatenate()([h, Flatten()(Embedding(input_dim=10, output_dim=4, name="stores")(store)), calendar])
z = Dropout(0.1)(BatchNormalization()(Dense(8, activation="relu")(z)))
outputs = {"sales": Dense(1, name="sales")(z), "promo": Dense(1, activation="sigmoid", name="promo")(z)}
model = Model(inputs=[seq, store, calendar], outputs=outputs)
model.compile(
    optimizer=Adam(1e-3, clipnorm=1.0),
    loss={"sales": "mse", "promo": "binary_crossentropy"},
    loss_weights={"sales": 1.0, "promo": 0.3},
    metrics={"sales": ["mae"], "promo": ["accuracy"]},
)
history = model.fit(
    x, y, epochs=2, batch_size=32, validation_split=0.25, verbose=0, callbacks=[CSVLogger("log.csv"), TerminateOnNaN()]
)
assert {"sales_mae", "promo_accuracy", "val_sales_loss"} <= set(history.history)
assert {name: p.shape for name, p in model.predict(x, verbose=0).items()} == {"sales": (n, 1), "promo": (n, 1)}
assert model.get_layer("stores").get_weights()[0].shape == (10, 4)
copy = clone_model(model)
copy.set_weights(model.get_weights())
np.testing.assert_allclose(copy.predict(x, verbose=0)["sales"], model.predict(x, verbose=0)["sales"])
