"""Keras 3 as a witness of training: losses by epoch, metrics, callbacks, schedules; written by scripts/make_golden.py.

Letters: N samples, T time, F features, H units, M outputs.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

CURVES = [
    [1.0, 0.9, 0.95, 0.85, 0.86, 0.87, 0.88, 0.84, 0.9, 0.9, 0.9, 0.9],
    [1.0, 1.1, 1.2, 1.3, 1.4],
    [0.5, 0.49995, 0.4999, 0.4, 0.4, 0.4, 0.4, 0.4, 0.39, 0.39],
]
EARLY_STOPPING = [
    {},
    {"patience": 1},
    {"patience": 3, "min_delta": 0.02},
    {"patience": 2, "start_from_epoch": 4},
    {"patience": 2, "baseline": 0.86},
    {"patience": 2, "mode": "max"},
    {"patience": 3, "restore_best_weights": True},
]
REDUCE_LR = [
    {"patience": 2},
    {"patience": 1, "factor": 0.5, "cooldown": 2},
    {"patience": 1, "factor": 0.2, "min_lr": 0.01},
    {"patience": 2, "min_delta": 0.05, "mode": "min"},
    {"patience": 1, "mode": "max"},
]
SCHEDULES = [
    ("ExponentialDecay", [0.1, 10, 0.9]),
    ("ExponentialDecay", [0.1, 10, 0.9, True]),
    ("InverseTimeDecay", [0.1, 10, 0.5]),
    ("InverseTimeDecay", [0.1, 10, 0.5, True]),
    ("PolynomialDecay", [0.1, 10]),
    ("PolynomialDecay", [0.1, 10, 0.01, 2.0, True]),
    ("PiecewiseConstantDecay", [[5, 12], [0.1, 0.05, 0.01]]),
    ("CosineDecay", [0.1, 20]),
    ("CosineDecay", [0.1, 20, 0.1, "CosineDecay", 0.5, 6]),
]
OPTIMIZERS = [
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "clipnorm": 0.1}),
    ("Adam", {"learning_rate": 0.01, "weight_decay": 0.1, "clipvalue": 0.05}),
    ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.01}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "global_clipnorm": 0.1}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01, "rho": 0.8, "momentum": 0.5}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Nadam", {"learning_rate": 0.01}),
]
LOSSES = ["mse", "mae", "mape", "msle", "huber", "log_cosh", "binary_crossentropy", "poisson"]
OUTPUTS = [
    {"loss": "mse"},
    {"loss": ["mse", "mae", "huber"], "metrics": ["mae", ["mae", "mse"], []], "loss_weights": [1.0, 0.5, 0.25]},
    {
        "loss": {"mean": "mse", "spread": "mae", "steps": "mse"},
        "loss_weights": {"spread": 0.5, "mean": 1.0, "steps": 2.0},
        "metrics": {"spread": "mae", "mean": ["root_mean_squared_error", "mse"]},
        "weighted_metrics": {"mean": ["mse"], "steps": ["mae"]},
        "weighted": "one",
    },
    {
        "loss": "mse",
        "metrics": [["mae", "mae"], [], ["mae"]],
        "weighted_metrics": [["mae", "mae"], ["mae"], ["mae"]],
        "weighted": "list",
    },
    {"loss": "mse", "weighted_metrics": [["mae"], ["mae"], ["mae"]], "weighted": "partial"},
    {"loss": ["mse", None, None], "metrics": [["mae"], [], ["mae"]]},
    {"loss": ["mse", None, "mae"], "metrics": [["mae"], [], ["mae"]]},
]
"""What models with three outputs are compiled with, and which weights their samples have."""
METRICS = ["mae", "mse", "mape", "msle", "root_mean_squared_error", "cosine_similarity", "r2_score", "log_cosh_error"]


class Model:
    """What a callback sees of a model."""

    def __init__(self) -> None:
        self.stop_training, self.metrics = False, []
        self.optimizer = keras.optimizers.Adam(0.1)

    def get_weights(self) -> list[Any]:
        """Return no weights."""
        return []

    def set_weights(self, weights: list[Any]) -> None:
        """Take no weights."""


def play(callback: Any, curve: list[float]) -> tuple[int, list[float]]:
    """Return the epoch at which a callback stops, and the learning rates after the epochs."""
    model, rates = Model(), []
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(curve):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"val_loss": value})
        rates.append(float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)))
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch, rates


def early_stopping() -> list[dict[str, Any]]:
    """Return decisions of EarlyStopping: last epoch, stopped epoch, best epoch, wait."""
    cases = []
    for settings in EARLY_STOPPING:
        for curve in CURVES:
            callback = keras.callbacks.EarlyStopping(**settings)
            last, _ = play(callback, curve)
            answer = [last, callback.stopped_epoch, callback.best_epoch, callback.wait]
            cases.append({"settings": settings, "curve": curve, "answer": answer})
    return cases


def reduce_lr() -> list[dict[str, Any]]:
    """Return the learning rates of ReduceLROnPlateau."""
    cases = []
    for settings in REDUCE_LR:
        for curve in CURVES:
            _, rates = play(keras.callbacks.ReduceLROnPlateau(**settings), curve)
            cases.append({"settings": settings, "curve": curve, "answer": rates})
    return cases


def schedules() -> list[dict[str, Any]]:
    """Return learning rates after 0 to 39 updates."""
    cases = []
    for name, arguments in SCHEDULES:
        schedule = getattr(keras.optimizers.schedules, name)(*arguments)
        rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in range(40)]
        cases.append({"name": name, "arguments": arguments, "answer": rates})
    return cases


def problem() -> dict[str, Any]:
    """Return data, and weights of an LSTM and a dense layer, as lists."""
    rng = np.random.default_rng(20240229)
    x, weight = rng.normal(size=(70, 6, 2)), rng.integers(0, 4, 70)
    y = np.stack([np.tanh(x.sum(axis=(1, 2))), np.tanh(x[:, -1].mean(axis=1))], axis=1) / 3 + 0.5
    arrays = [(2, 20), (5, 20), (20,), (5, 2), (2,)]
    weights = [0.4 * rng.normal(size=shape) for shape in arrays]
    weights[-2], weights[-1] = weights[-2] / 4, np.array([0.5, 0.5])
    values = {"x": x, "y": y, "sample_weight": weight}
    return {name: np.float32(a).tolist() for name, a in values.items()} | {
        "weights": [np.float32(w).tolist() for w in weights]
    }


def make(question: dict[str, Any], **compiled: Any) -> Any:
    """Return the compiled network with its weights."""
    layers = [keras.layers.Input((6, 2)), keras.layers.LSTM(5), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.set_weights([np.array(w, np.float32) for w in question["weights"]])
    model.compile(**compiled)
    return model


def trainings(question: dict[str, Any]) -> list[dict[str, Any]]:
    """Return losses, metrics and final weights of three epochs with every optimizer."""
    x, y = (np.array(question[name], np.float32) for name in "xy")
    cases = []
    for name, settings in OPTIMIZERS:
        optimizer = getattr(keras.optimizers, name)(**settings)
        model = make(question, optimizer=optimizer, loss="mse", metrics=["mae"])
        history = model.fit(x, y, epochs=3, batch_size=32, shuffle=False, validation_split=0.2, verbose=0)
        weights = np.concatenate([np.asarray(w).ravel() for w in model.get_weights()])
        cases.append(
            {"name": name, "settings": settings, "history": history.history, "weights": weights.astype(float).tolist()}
        )
    return cases


def losses(question: dict[str, Any]) -> list[dict[str, Any]]:
    """Return two epochs of every loss, with the weights of samples."""
    x, y, weight = (np.array(question[name], np.float32) for name in ("x", "y", "sample_weight"))
    cases = []
    for name in LOSSES:
        model = make(question, optimizer=keras.optimizers.SGD(0.01), loss=name, weighted_metrics=["mae"])
        history = model.fit(x, y, epochs=2, batch_size=32, shuffle=False, sample_weight=weight, verbose=0)
        evaluated = model.evaluate(x, y, sample_weight=weight, verbose=0)
        cases.append({"name": name, "history": history.history, "evaluate": [float(v) for v in evaluated]})
    return cases


def metrics(question: dict[str, Any]) -> dict[str, float]:
    """Return every metric of the untrained network."""
    x, y = (np.array(question[name], np.float32) for name in "xy")
    model = make(question, optimizer="sgd", loss="mse", metrics=METRICS)
    values = model.evaluate(x, y, verbose=0, return_dict=True)
    return {name: float(value) for name, value in values.items()}


def three_outputs(question: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return weights, targets and weights of samples of a model with three outputs, one of them with a time axis."""
    weights = [np.array(w, np.float32) for w in question["weights"]]
    kernel, bias = weights[-2:]
    weights += [kernel[:, :1] / 2, bias[:1], -kernel / 2, bias]
    y = np.array(question["y"], np.float32)
    # With an axis of 1, as fit makes it of (N,): a single batch is not given one.
    w = np.array(question["sample_weight"], np.float32)[:, None]
    # Of the steps of a sample, each has its own weight.
    lists = [w, w[::-1] + 1, np.concatenate([w, w + 1, 2 * w], axis=1)]
    steps = np.stack([y, y[::-1], 1 - y], axis=1)
    by_kind = {"one": w, "list": lists, "partial": [lists[0], None, lists[2]]}
    return weights, {"y": [y, y[:, :1] ** 2, steps], "weights": by_kind}


def outputs(question: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the training of a model with three outputs: losses and metrics by name, evaluations, final weights."""
    x = np.array(question["x"], np.float32)
    weights, data = three_outputs(question)
    cases = []
    for settings in OUTPUTS:
        inputs = keras.layers.Input((6, 2))
        h = keras.layers.LSTM(5)(inputs)
        outs = [keras.layers.Dense(2, name="mean")(h), keras.layers.Dense(1, name="spread")(h)]
        repeated = keras.layers.RepeatVector(3)(h)
        outs.append(keras.layers.TimeDistributed(keras.layers.Dense(2), name="steps")(repeated))
        model = keras.Model(inputs, outs)
        for layer, arrays in zip(
            (model.layers[1], *(model.get_layer(name) for name in ("mean", "spread", "steps"))),
            (weights[:3], weights[3:5], weights[5:7], weights[7:9]),
            strict=True,
        ):
            layer.set_weights(arrays)
        compiled = {name: value for name, value in settings.items() if name != "weighted"}
        model.compile(optimizer=keras.optimizers.Adam(0.01), **compiled)
        weight = data["weights"].get(settings.get("weighted"))
        before = model.test_on_batch(x, data["y"], sample_weight=weight, return_dict=True)
        options = {"epochs": 2, "batch_size": 32, "shuffle": False, "sample_weight": weight, "verbose": 0}
        held_out = (x, data["y"]) if weight is None else (x, data["y"], weight)
        history = model.fit(x, data["y"], validation_data=held_out, **options).history
        evaluated = model.evaluate(x, data["y"], sample_weight=weight, verbose=0)
        on_batch = model.train_on_batch(x, data["y"], sample_weight=weight)
        final = [w for name in ("mean", "spread", "steps") for w in model.get_layer(name).get_weights()]
        cases.append(
            {
                "settings": settings,
                "test_on_batch": {name: float(value) for name, value in before.items()},
                "history": history,
                "evaluate": [float(value) for value in evaluated],
                "train_on_batch": [float(value) for value in on_batch],
                "weights": np.concatenate([w.ravel() for w in final]).astype(float).tolist(),
            }
        )
    return cases


def answers() -> dict[str, Any]:
    """Return everything."""
    question = problem()
    return {
        "problem": question,
        "early_stopping": early_stopping(),
        "reduce_lr": reduce_lr(),
        "schedules": schedules(),
        "trainings": trainings(question),
        "losses": losses(question),
        "outputs": outputs(question),
        "metrics": metrics(question),
    }
