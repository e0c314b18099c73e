"""Results of gatecast for the records of `witnesses`, by reference, kernels and networks, and their tolerances.

Shapes: N layers, B sequences, T steps, F features, H units. `d` before a name is a gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from tolerances import rounding
from witnesses import ADAM_STEPS, BETAS, UNITS, Array, Kind, Record, from_keras, join, part, split, to_keras

from gatecast.kernels import native, reference
from gatecast.kernels.packing import pack, pack_mask, pack_state, unpack, unpack_state
from gatecast.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Input, SimpleRNN
from gatecast.models import Sequential
from gatecast.optim import chain, scale_by_adam, scale_by_learning_rate
from gatecast.optimizers import SGD, Adam


def reference_stack(question: Record, cell: str = "lstm") -> Record:
    """Compute the answer of a stack record by `gatecast.kernels.reference`, float64."""
    stack, mask = split(question, "weights"), question.get("mask")
    x, finals, caches = question["x"], [], []
    for params, state in zip(stack, _states(question, len(stack)), strict=True):
        x, final, cache = reference.forward(cell, params, x, state, mask)
        finals.append(final)
        caches.append(cache)
    dy = question["gy"]
    gradients: list[Any] = []
    for k in reversed(range(len(stack))):
        dy, dstate, grads = reference.backward(cell, stack[k], caches[k], dy, _ends(question, k))
        gradients.insert(0, (dstate, grads))
    return _stack_answer(question, x, finals, dy, gradients)


def native_stack(question: Record, cell: str = "lstm") -> Record:
    """Compute the answer of a stack record by `gatecast.kernels.native`, float32."""
    stack, B = split(question, "weights"), len(question["x"])
    mask = pack_mask(question["mask"]) if "mask" in question else None
    x, finals, caches = pack(question["x"]), [], []
    for params, state in zip(stack, _states(question, len(stack)), strict=True):
        packed = None if state is None else tuple(pack_state(s) for s in state)
        x, final, cache = native.forward(cell, params, x, packed, mask)
        finals.append([unpack_state(s, B) for s in final])
        caches.append(cache)
    dy = pack(question["gy"])
    gradients: list[Any] = []
    for k in reversed(range(len(stack))):
        ends = tuple(pack_state(s) for s in _ends(question, k))
        dy, dstate, grads = native.backward(stack[k], caches[k], dy, ends)
        gradients.insert(0, (dstate and [unpack_state(s, B) for s in dstate], grads))
    return _stack_answer(question, unpack(x, B), finals, unpack(dy, B), gradients)


def exchanged(kind: Kind, F: int, M: int) -> Sequential:
    """Return the network of an exchange record."""
    make = {
        "rnn": SimpleRNN,
        "rnn_relu": partial(SimpleRNN, activation="relu"),
        "gru": GRU,
        "gru_before": partial(GRU, reset_after=False),
        "lstm": partial(LSTM, projection=kind.projection),
    }[kind.cell]
    layers = [make(UNITS, return_sequences=True), make(UNITS)]
    return Sequential([Input((None, F)), *(Bidirectional(a) if kind.bidirectional else a for a in layers), Dense(M)])


def torch_exchange(question: Record, kind: Kind) -> Record:
    """Compute the answer of an exchange record from PyTorch's weights, with PyTorch's names."""
    before = part(question, "before")
    model = exchanged(kind, question["x"].shape[-1], question["y"].shape[-1])
    model.load_torch(before)
    answer = _exchange_step(model, question)
    return answer | {f"after.{name}": value for name, value in model.to_torch(before).items()}


def keras_exchange(question: Record, kind: Kind) -> Record:
    """Compute the answer of an exchange record from Keras' list of weights."""
    before = part(question, "before")
    model = exchanged(kind, question["x"].shape[-1], question["y"].shape[-1])
    model.set_weights([before[name] for name in sorted(before)])
    answer = _exchange_step(model, question)
    return answer | {f"after.{k:02d}": w for k, w in enumerate(model.get_weights())}


def assert_exchange(got: Record, want: Record, eps: float, *, two_biases: bool = False) -> None:
    """Assert that predictions, loss and all weights after a step of SGD agree.

    With `two_biases` the peer has two biases that only act as a sum: both take the step, so that the sum moves twice as
    far as the single bias of gatecast, which is in bias_ih with zeros in bias_hh.
    """
    n = int(want["x"].shape[1]) * sum(a.shape[-1] for name, a in want.items() if name.startswith("before."))
    rate, relative = float(want["rate"]), rounding(n, eps)
    answers = {name: want[name] for name in ("predictions", "loss")}
    bounds = {name: relative * _size(a) for name, a in answers.items()}
    for name, before in part(want, "before").items():
        step = want[f"after.{name}"] - before
        if two_biases and "bias_ih" in name:
            other = name.replace("bias_ih", "bias_hh")
            # The sum of the two, moved half as far: the step of a single bias.
            both = want[f"after.{name}"] + want[f"after.{other}"] - before - want[f"before.{other}"]
            answers[f"after.{name}"] = before + want[f"before.{other}"] + both / 2
        elif two_biases and "bias_hh" in name:
            answers[f"after.{name}"] = np.zeros_like(before)
        else:
            answers[f"after.{name}"] = want[f"after.{name}"]
        bounds[f"after.{name}"] = 4 * eps * _size(before) + relative * rate * max(1.0, _largest(step) / rate)
    assert_near(got, answers, bounds)


def sequential(question: Record, rate: float = 0.0) -> Sequential:
    """Return the network of the article for a question; with a rate, dropout follows every LSTM."""
    layers = split(question, "weights")
    network: list[LSTM | Dense | Dropout | Input] = [Input(question["x"].shape[1:])]
    for k, layer in enumerate(layers[:-1]):
        network.append(LSTM(len(layer["Wh"]), return_sequences=k < len(layers) - 2))
        network += [Dropout(rate)] if rate else []
    return Sequential([*network, Dense(layers[-1]["W"].shape[1])])


def sequential_predictions(question: Record, weights: Sequence[Array]) -> Array:
    """Predict with Keras' list of weights, under a mask if there is one."""
    model = sequential(question, rate=0.2)
    model.set_weights(weights)
    return model.predict(question["x"], mask=question.get("mask"))


def sequential_training(question: Record, *, keras: bool = False) -> Record:
    """Compute the answer of a training record by `compile` and `fit`, float32; every epoch is one batch.

    Args:
        question: The record.
        keras: Whether Adam adds epsilon where Keras does, instead of where PyTorch does.
    """
    sgd_rate, adam_rate, epsilon = (float(question[n]) for n in ("sgd_rate", "adam_rate", "epsilon"))
    answer: Record = {}
    direction = scale_by_adam(*BETAS, epsilon)
    adam = Adam(adam_rate, *BETAS, epsilon) if keras else chain(direction, scale_by_learning_rate(adam_rate))
    optimizers = {"sgd": (SGD(sgd_rate), 1), "adam": (adam, ADAM_STEPS)}
    for name, (optimizer, steps) in optimizers.items():
        model = sequential(question)
        model.set_weights(to_keras(split(question, "weights")))
        model.compile(loss="mean_squared_error", optimizer=optimizer)
        x, y = question["x"], question["y"]
        history = model.fit(x, y, batch_size=len(x), epochs=steps, shuffle=False, verbose=0)
        answer |= join(name, from_keras(model.get_weights()))
        answer[f"{name}_loss"] = np.array(history.history["loss"])
    return answer


def reference_training(question: Record, *, keras: bool = False) -> tuple[Record, Record]:
    """Compute the answer of a training record by `gatecast.kernels.reference`, and its sensitivity.

    The sensitivity is the change of each number for an error of 1 in the gradients, relative to the largest of an
    array. With `keras` epsilon is added as Keras does, before the bias correction ("epsilon hat"); PyTorch and gatecast
    add it after.
    """
    sgd_rate, adam_rate, epsilon = (float(question[n]) for n in ("sgd_rate", "adam_rate", "epsilon"))
    weights = {n: w.astype(np.float64) for n, w in question.items() if n.startswith("weights.")}
    _, grads = _loss_and_gradients(weights, question["x"], question["y"])
    answer = _after("sgd", {n: w - sgd_rate * grads[n] for n, w in weights.items()})
    sensitivity = _after("sgd", {n: np.abs(w) + sgd_rate * _largest(grads[n]) for n, w in weights.items()})
    losses, moments = [], {n: (np.zeros(w.shape), np.zeros(w.shape)) for n, w in weights.items()}
    slopes = {n: np.abs(w) for n, w in weights.items()}
    for step in range(1, ADAM_STEPS + 1):
        loss, grads = _loss_and_gradients(weights, question["x"], question["y"])
        losses.append(loss)
        added = epsilon / np.sqrt(1 - BETAS[1] ** step) if keras else epsilon
        for n, g in grads.items():
            m, v, u = reference.adam(*moments[n], g, *BETAS, added, step)
            moments[n], weights[n] = (m, v), weights[n] - adam_rate * u
            # u = m' / (sqrt(v') + epsilon) and |u| is about 1: an error of the gradients counts twice.
            root = np.sqrt(v / (1 - BETAS[1] ** step))
            slopes[n] = slopes[n] + adam_rate * 2 * _largest(g) / (root + added)
    size = np.array(max(1.0, *losses))
    answer |= _after("adam", weights) | {"sgd_loss": np.array(losses[:1]), "adam_loss": np.array(losses)}
    return answer, sensitivity | _after("adam", slopes) | {"sgd_loss": size, "adam_loss": size}


def training_bounds(question: Record, sensitivity: Record, eps: float) -> Record:
    """Return how far numbers may lie apart that are computed with rounding errors of eps."""
    return {n: rounding(_terms(question), eps) * a for n, a in sensitivity.items()}


def reference_network(question: Record) -> Array:
    """Compute the outputs of LSTM, ..., LSTM, Dense by `gatecast.kernels.reference`, float64."""
    *stack, dense = split(question, "weights")
    x = question["x"]
    for params in stack:
        x, (hT, _), _ = reference.forward("lstm", params, x, mask=question.get("mask"))
    return reference.dense_forward(dense, hT)


def assert_stack(got: Record, want: Record, eps: float) -> None:
    """Assert that every answer of a stack record agrees, within the rounding of its sums."""
    answers = {n: a for n, a in want.items() if n in ANSWERS or n.startswith("grads.")}
    relative = rounding(_terms(want), eps)
    assert_near(got, answers, {n: relative * _size(a) for n, a in answers.items()})


def assert_network(got: Array, want: Record, eps: float) -> None:
    """Assert that predictions agree, within the rounding of their sums."""
    expected = {"predictions": want["predictions"]}
    bound = rounding(_terms(want), eps) * _size(want["predictions"])
    assert_near({"predictions": got}, expected, {"predictions": bound})


def assert_training(got: Record, want: Record, bounds: Mapping[str, Array | float]) -> None:
    """Assert that weights after the steps agree, and the losses on the way."""
    answers = {n: a for n, a in want.items() if n.startswith(("sgd.", "adam.")) or n.endswith("_loss")}
    assert_near(got, answers, bounds)


def assert_near(got: Record, want: Record, bounds: Mapping[str, Array | float]) -> None:
    """Assert that names and shapes agree, and every number to within its bound; the message lists all that do not."""
    missing = [n for n, a in want.items() if n not in got or got[n].shape != a.shape]
    assert want, "nothing to compare"
    assert not missing, f"missing, or of another shape: {missing}"
    error = {n: np.abs(got[n] - a) for n, a in want.items()}
    # "not <=", so that NaN is too far away as well.
    far = [f"{n} ({e.max():.3g})" for n, e in error.items() if not (e <= bounds[n]).all()]
    assert not far, f"too far away (largest error): {', '.join(far)}"


ANSWERS = ("y", "hT", "cT", "dx", "dh0", "dc0")


def _terms(question: Record) -> int:
    """Return the number of rounded operations on the longest path through a network and back."""
    layers = [layer for layer in split(question, "weights") if "Wh" in layer]
    return int(question["x"].shape[1]) * sum(len(a["Wx"]) + 2 * len(a["Wh"]) + len(a.get("Wr", ())) for a in layers)


def _size(a: Array) -> float:
    """Return the size of the terms of an array, where outputs and their gradients are about 1."""
    return max(1.0, _largest(a))


def _largest(a: Array) -> float:
    """Return the absolute value of the largest element."""
    return float(np.abs(a).max(initial=0.0))


def _after(name: str, weights: Record) -> Record:
    """Rename weights.k.Wx to name.k.Wx."""
    return {name + n.removeprefix("weights"): w for n, w in weights.items()}


def _states(question: Record, N: int) -> list[tuple[Array, ...] | None]:
    """Return the initial states of every layer, or None."""
    if "h0" not in question:
        return [None] * N
    return [tuple(question[name][k] for name in ("h0", "c0") if name in question) for k in range(N)]


def _ends(question: Record, k: int) -> tuple[Array, ...]:
    """Return the gradients of a layer's last state."""
    return tuple(question[name][k] for name in ("gh", "gc") if name in question)


def _stack_answer(question: Record, y: Array, finals: list[Any], dx: Array, gradients: list[Any]) -> Record:
    """Combine the results of the layers; gradients of initial states only if there are any."""
    states = [name for name in ("h", "c") if f"g{name}" in question]
    answer = {"y": y, "dx": dx}
    answer |= {f"{name}T": np.array([final[k] for final in finals]) for k, name in enumerate(states)}
    if "h0" in question:
        answer |= {f"d{name}0": np.array([initial[k] for initial, _ in gradients]) for k, name in enumerate(states)}
    return answer | join("grads", [grads for _, grads in gradients])


def _exchange_step(model: Sequential, question: Record) -> Record:
    """Predict, then take one step of SGD on the full batch."""
    x, y = question["x"], question["y"]
    model.compile(loss="mean_squared_error", optimizer=SGD(float(question["rate"])))
    predictions = model.predict(x)
    history = model.fit(x, y, batch_size=len(x), epochs=1, shuffle=False, verbose=0)
    return {"predictions": predictions, "loss": np.array(history.history["loss"][0])}


def _loss_and_gradients(weights: Record, x: Array, y: Array) -> tuple[float, Record]:
    """Compute the mean squared error of the network of the article, and its gradients by name of the weight."""
    *stack, dense = split(weights, "weights")
    caches: list[Any] = []
    gradients: list[Record] = []
    for params in stack:
        x, (hT, _), cache = reference.forward("lstm", params, x)
        caches.append(cache)
    out = reference.dense_forward(dense, hT)
    dhT, dense_grads = reference.dense_backward(dense, hT, 2 * (out - y) / out.size)
    dy = None
    for params, cache in zip(reversed(stack), reversed(caches), strict=True):
        dy, _, grads = reference.backward("lstm", params, cache, dy, (dhT, None))
        dhT = None
        gradients.insert(0, grads)
    return float(np.mean((out - y) ** 2)), join("weights", [*gradients, dense_grads])
