"""Trainings of gatecast next to those of Keras, for the recorded and the live comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from tolerances import close, rounding

from gatecast import optimizers
from gatecast.layers import LSTM, Dense, Input, RepeatVector, TimeDistributed
from gatecast.models import Model, Sequential

PASS = 6 * (2 + 5 + 1) + 5 + 1
"""Rounded operations behind an output of the network: six steps of two features, five units and a gate; Dense."""

UPDATES = 3 * 2
"""Updates of a training: each adds the rounding of a pass forward and of one back to the weights."""

TRAINED = rounding(2 * PASS * UPDATES)
"""Tolerance of the weights of a training, and of losses after it."""


def compile_like(problem: dict[str, Any], optimizer: Any, loss: str, **compiled: Any) -> tuple[Any, Any, Any]:
    """Return the network with the weights of the problem, x and y."""
    model = Sequential([Input((6, 2)), LSTM(5), Dense(2)])
    model.set_weights([np.array(w, np.float32) for w in problem["weights"]])
    model.compile(optimizer, loss, **compiled)
    return model, *(np.array(problem[name], np.float32) for name in "xy")


def equal_training(problem: dict[str, Any], case: dict[str, Any]) -> None:
    """Compare three epochs with an optimizer: every loss and metric, and the weights at the end."""
    optimizer = getattr(optimizers, case["name"])(**case["settings"])
    model, x, y = compile_like(problem, optimizer, "mse", metrics=["mae"])
    history = model.fit(x, y, epochs=3, batch_size=32, shuffle=False, validation_split=0.2, verbose=0).history
    assert list(history) == list(case["history"])
    for name, values in case["history"].items():
        close_each(history[name], values)
    close(np.concatenate([w.ravel() for w in model.get_weights()]), case["weights"], TRAINED)


def equal_losses(problem: dict[str, Any], case: dict[str, Any]) -> None:
    """Compare two epochs with a loss and weights of samples, and the evaluation after them."""
    optimizer = optimizers.SGD(0.01)
    model, x, y = compile_like(problem, optimizer, case["name"], weighted_metrics=["mae"])
    weight = np.array(problem["sample_weight"])
    settings = {"epochs": 2, "batch_size": 32, "shuffle": False, "verbose": 0}
    history = model.fit(x, y, sample_weight=weight, **settings).history
    for name, values in case["history"].items():
        close_each(history[name], values)
    close_each(model.evaluate(x, y, sample_weight=weight), case["evaluate"])


def three_outputs(problem: dict[str, Any]) -> tuple[Any, list[Any], dict[str, Any]]:
    """Return a model with three outputs, the last one with a time axis; its targets; weights of samples by kind."""
    inputs = Input((6, 2))
    h = LSTM(5)(inputs)
    steps = TimeDistributed(Dense(2), name="steps")(RepeatVector(3)(h))
    model = Model(inputs, [Dense(2, name="mean")(h), Dense(1, name="spread")(h), steps])
    *recurrent, kernel, bias = (np.array(w, np.float32) for w in problem["weights"])
    model.get_layer("lstm").set_weights(recurrent)
    for name, weights in {"mean": (kernel, bias), "spread": (kernel[:, :1] / 2, bias[:1])}.items():
        model.get_layer(name).set_weights(weights)
    model.get_layer("steps").set_weights([-kernel / 2, bias])
    y, w = (np.array(problem[name], np.float32) for name in ("y", "sample_weight"))
    lists = [w, w[::-1] + 1, np.stack([w, w + 1, 2 * w], axis=1)]
    targets = [y, y[:, :1] ** 2, np.stack([y, y[::-1], 1 - y], axis=1)]
    return model, targets, {"one": w, "list": lists, "partial": [lists[0], None, lists[2]]}


def equal_outputs(problem: dict[str, Any], case: dict[str, Any]) -> None:
    """Compare a training of three outputs: names, losses and metrics in every way to get them, and the weights."""
    model, y, weights = three_outputs(problem)
    settings, x = dict(case["settings"]), np.array(problem["x"], np.float32)
    weight = weights.get(settings.pop("weighted", ""))
    model.compile(optimizers.Adam(0.01), **settings)
    before = model.test_on_batch(x, y, sample_weight=weight, return_dict=True)
    assert list(before) == list(case["test_on_batch"])
    close_each(list(before.values()), list(case["test_on_batch"].values()))
    options = {"epochs": 2, "batch_size": 32, "shuffle": False, "sample_weight": weight, "verbose": 0}
    history = model.fit(x, y, validation_data=(x, y, weight), **options).history
    assert list(history) == list(case["history"])
    for name, values in case["history"].items():
        close_each(history[name], values)
    close_each(model.evaluate(x, y, sample_weight=weight), case["evaluate"])
    close_each(model.train_on_batch(x, y, sample_weight=weight), case["train_on_batch"])
    final = [w for name in ("mean", "spread", "steps") for w in model.get_layer(name).get_weights()]
    close(np.concatenate([w.ravel() for w in final]), case["weights"], TRAINED)


def close_each(actual: Any, expected: Any) -> None:
    """Compare losses and metrics, each relative to its own size."""
    close(np.divide(actual, expected), np.ones(len(expected)), TRAINED)
