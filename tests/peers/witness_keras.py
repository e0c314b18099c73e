"""Keras 3 as a witness, on its PyTorch backend: layers, masks, weights as lists, its optimisers.

Letters: N layers, B batch, T time, F features, H units. Questions and answers are records of `witnesses`,
but the answers are float32: on this backend Keras multiplies matrices in float32 even if told float64 (keras
issue 23704). Keras' gate order is i, f, c, o, where c is g; a GRU's is z, r, h, where h is g.
"""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import torch
from witnesses import ADAM_STEPS, BETAS, UNITS, Kind, Record, draw_exchange, from_keras, join, split, swap, to_keras

if keras.backend.backend() != "torch" or keras.config.floatx() != "float32":
    raise ImportError("set KERAS_BACKEND=torch before keras is imported, and leave floatx at float32")


CELLS = {
    "rnn": keras.layers.SimpleRNN,
    "rnn_relu": partial(keras.layers.SimpleRNN, activation="relu"),
    "gru": partial(keras.layers.GRU, reset_after=True),
    "gru_before": partial(keras.layers.GRU, reset_after=False),
    "lstm": keras.layers.LSTM,
}


def stack(question: Record, cell: str = "lstm") -> Record:
    """Answer with Keras' own layers, one after the other, under a mask if there is one."""
    leaves = {n: torch.tensor(question[n]).requires_grad_() for n in ("x", "h0", "c0") if n in question}
    mask = torch.tensor(question["mask"]) if "mask" in question else None
    y, finals, layers = leaves["x"], [], []
    for k, params in enumerate(split(question, "weights")):
        layer = CELLS[cell](len(params["Wh"]), return_sequences=True, return_state=True)
        layer.build(tuple(y.shape))
        layer.set_weights([swap(params[name], cell) for name in ("Wx", "Wh", "b")])
        state = [leaves[name][k] for name in ("h0", "c0") if name in leaves]
        y, *last = layer(y, mask=mask, initial_state=state or None)
        finals.append(last)
        layers.append(layer)
    outputs = {"y": y} | {f"{n}T": torch.stack(s) for n, s in zip("hc", zip(*finals, strict=True), strict=False)}
    sum((value * torch.tensor(question[f"g{name[0]}"])).sum() for name, value in outputs.items()).backward()
    answer = {name: value.detach().numpy().copy() for name, value in outputs.items()}
    answer |= {f"d{name}": leaf.grad.numpy() for name, leaf in leaves.items()}
    raw = [[swap(variable.value.grad.numpy(), cell) for variable in layer.trainable_variables] for layer in layers]
    return answer | join("grads", [dict(zip(("Wx", "Wh", "b"), grads, strict=True)) for grads in raw])


def exchange(rng: np.random.Generator, kind: Kind, F: int = 3, M: int = 2) -> Record:
    """An exchange record: list of weights, predictions, and the list after one step of SGD."""
    recurrent = [CELLS[kind.cell](UNITS, return_sequences=True), CELLS[kind.cell](UNITS)]
    if kind.bidirectional:
        recurrent = [keras.layers.Bidirectional(layer) for layer in recurrent]
    model = keras.Sequential([keras.layers.Input((None, F)), *recurrent, keras.layers.Dense(M)])
    shapes = {f"{k:02d}": w.shape for k, w in enumerate(model.get_weights())}
    question = draw_exchange(rng, shapes, F, M)
    model.set_weights([question[f"before.{name}"] for name in shapes])
    model.compile(loss="mean_squared_error", optimizer=keras.optimizers.SGD(float(question["rate"])))
    x, y = question["x"], question["y"]
    answer = {"predictions": np.asarray(model.predict(x, verbose=0))}
    answer["loss"] = np.array(float(model.evaluate(x, y, verbose=0, batch_size=len(x))))
    model.train_on_batch(x, y)
    return question | answer | {f"after.{k:02d}": np.asarray(w) for k, w in enumerate(model.get_weights())}


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
