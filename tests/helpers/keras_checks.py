"""Assertions that gatecast's layers and models answer as a record of Keras says."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras_layer_cases import BATCH, Case, keeps_averages, make
from keras_model_cases import MODELS, RATE
from tolerances import rounding

from gatecast import layers
from gatecast.kernels.packing import pack, unpack
from gatecast.models import Model
from gatecast.nn.network import (
    TrainingPass,
    add_penalty_gradients,
    backward,
    build,
    forward,
    initial_weights,
    penalties,
    update_buffers,
    zeros_like,
)
from gatecast.optimizers import SGD

Record = dict[str, Any]


def assert_layer(case: Case, record: Record) -> None:
    """Assert that the layer of a case answers as the record says."""
    layer = make(layers, case)
    network = build([layer], case.in_shape)
    weights = initial_weights(network, 0)
    given = [record[key] for key in sorted(record) if key.startswith("w")]
    for name, value in layer.from_keras_weights(given).items():
        weights.views[0][name][...] = value
    steps = case.in_shape[0] if len(case.in_shape) > 1 else 1
    x = pack(record["x"].reshape(BATCH, steps, -1))
    y, caches = forward(network, weights, x, training=TrainingPass(0, 1), n_sequences=BATCH)
    dy = pack(record["dy"].reshape(BATCH, y.shape[1], y.shape[2]))
    grads = zeros_like(weights)
    dx = backward(network, weights, caches, dy, grads, need_dx=True)
    add_penalty_gradients(weights, grads, penalties(network))
    tolerance = {"rtol": rounding(2000), "atol": rounding(2000)}
    np.testing.assert_allclose(unpack(y, BATCH).ravel(), record["y"].ravel(), **tolerance)
    np.testing.assert_allclose(unpack(dx, BATCH).ravel(), record["dx"].ravel(), **tolerance)
    expected = [record[key] for key in sorted(record) if key[0] == "d" and key[1:].isdecimal()]
    for got, gradient in zip(layer.to_keras_weights(grads.views[0]), expected, strict=not keeps_averages(case)):
        np.testing.assert_allclose(got, gradient, rtol=rounding(2000), atol=rounding(2000) * BATCH)
    update_buffers(network, weights, caches)
    averages = [record[key] for key in sorted(record) if key[0] == "u"]
    assert len(averages) == (2 if keeps_averages(case) else 0)
    for got, average in zip(layer.to_keras_weights(weights.views[0])[-2:], averages, strict=False):
        np.testing.assert_allclose(got, average, **tolerance)


def assert_model(name: str, record: Record) -> None:
    """Assert predictions, loss, and the weights after a step of SGD."""
    model = MODELS[name](layers, layers.Input, Model)
    model.set_weights([record[key] for key in sorted(record) if key[0] == "w"])
    x, y, expected = ([record[key] for key in sorted(record) if key[0] == letter] for letter in "xyp")
    predicted = model.predict(x if len(x) > 1 else x[0])
    tolerance = {"rtol": rounding(2000), "atol": rounding(2000)}
    for p, q in zip(predicted if isinstance(predicted, list) else [predicted], expected, strict=True):
        np.testing.assert_allclose(p, q, **tolerance)
    model.compile(optimizer=SGD(RATE), loss="mean_squared_error")
    y = y if len(y) > 1 else y[0]
    history = model.fit(x if len(x) > 1 else x[0], y, batch_size=BATCH, epochs=1, verbose=0)
    np.testing.assert_allclose(history.history["loss"][0], record["loss"], rtol=rounding(100))
    after = [record[key] for key in sorted(record) if key.startswith("after")]
    for got, weight in zip(model.get_weights(), after, strict=True):
        np.testing.assert_allclose(got, weight, **tolerance)
