"""Keras 3 as a witness, on its PyTorch backend: layers, masks, weights as lists, its optimisers.

Letters: N layers, B batch, T time, F features, H hidden. Questions and answers are records of `witnesses`,
but the answers are float32: on this backend Keras multiplies matrices in float32 even if told float64 (keras
issue 23704). Keras' gate order is i, f, c, o, where c is g.
"""

from __future__ import annotations

import keras
import numpy as np
import torch

from witnesses import ADAM_STEPS, BETAS, Array, Record, from_keras, join, split, to_keras

if keras.backend.backend() != "torch" or keras.config.floatx() != "float32":
    raise ImportError("set KERAS_BACKEND=torch before keras is imported, and leave floatx at float32")


def lstm(question: Record) -> Record:
    """Answer with keras.layers.LSTM, one after the other, under a mask if there is one."""
    stack = split(question, "weights")
    leaves = {n: torch.tensor(question[n]).requires_grad_() for n in ("x", "h0", "c0") if n in question}
    mask = torch.tensor(question["mask"]) if "mask" in question else None
    y, finals, layers = leaves["x"], [], []
    for k, params in enumerate(stack):
        layer = keras.layers.LSTM(len(params["Wh"]), return_sequences=True, return_state=True)
        layer.build(tuple(y.shape))
        layer.set_weights(to_keras([params, NO_DENSE])[:3])
        state = [leaves["h0"][k], leaves["c0"][k]] if "h0" in leaves else None
        y, hT, cT = layer(y, mask=mask, initial_state=state)
        finals.append((hT, cT))
        layers.append(layer)
    hT, cT = (torch.stack(s) for s in zip(*finals, strict=True))
    pairs = ((y, "gy"), (hT, "gh"), (cT, "gc"))
    sum((value * torch.tensor(question[name])).sum() for value, name in pairs).backward()
    raw = [variable.value.grad.numpy() for layer in layers for variable in layer.trainable_variables]
    answer = {name: value.detach().numpy().copy() for name, value in (("y", y), ("hT", hT), ("cT", cT))}
    answer |= {f"d{name}": leaf.grad.numpy() for name, leaf in leaves.items()}
    return answer | join("grads", from_keras([*raw, *NO_DENSE.values()])[:-1])


def network(question: Record, *, masking: bool = False, rate: float = 0.2) -> keras.Sequential:
    """The article's network with given weights: LSTM and dropout in turn, then Dense; or Masking first."""
    layers = split(question, "weights")
    parts = [keras.layers.Input(question["x"].shape[1:])]
    parts += [keras.layers.Masking(0.0)] if masking else []
    for k, layer in enumerate(layers[:-1]):
        parts.append(keras.layers.LSTM(len(layer["Wh"]), return_sequences=k < len(layers) - 2))
        parts += [keras.layers.Dropout(rate)] if rate else []
    model = keras.Sequential([*parts, keras.layers.Dense(layers[-1]["W"].shape[1])])
    model.set_weights(to_keras(layers))
    return model


def predictions(question: Record, *, masking: bool = False) -> Record:
    """Answer with `get_weights` (as keras.00, keras.01, ...) and `predict` of the article's network."""
    model = network(question, masking=masking)
    answer = {"predictions": np.asarray(model.predict(question["x"], verbose=0))}
    return answer | {f"keras.{k:02d}": np.asarray(w) for k, w in enumerate(model.get_weights())}


def training(question: Record) -> Record:
    """Answer with `train_on_batch`: one step of SGD, and three of Adam, each from the same start."""
    sgd_rate, adam_rate, epsilon = (float(question[n]) for n in ("sgd_rate", "adam_rate", "epsilon"))
    optimizers = {
        "sgd": (keras.optimizers.SGD(sgd_rate), 1),
        "adam": (keras.optimizers.Adam(adam_rate, *BETAS, epsilon=epsilon), ADAM_STEPS),
    }
    answer: Record = {}
    x, y = question["x"], question["y"]
    for name, (optimizer, steps) in optimizers.items():
        model = network(question, rate=0.0)
        model.compile(loss="mean_squared_error", optimizer=optimizer)
        losses = []
        for _ in range(steps):
            losses.append(float(model.evaluate(x, y, verbose=0, batch_size=len(x))))
            model.train_on_batch(x, y)
        answer |= join(name, from_keras(model.get_weights())) | {f"{name}_loss": np.array(losses)}
    return answer


NO_DENSE: dict[str, Array] = {"W": np.zeros((1, 1)), "b": np.zeros(1)}
