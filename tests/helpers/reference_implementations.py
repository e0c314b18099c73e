"""What gatecast answers to the questions of `witnesses`, by each of its ways, and how near that must come.

Letters: N layers, B batch, T time, F features, H hidden; `d` before a name is a gradient.
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
from gatecast.optim import SGD, Adam


def reference_stack(question: Record, cell: str = "lstm") -> Record:
    """A stack record's answer by `gatecast.kernels.reference`, float64."""
    stack, mask = split(question, "weights"), question.get("mask")
    x, finals, caches = question["x"], [], []
    for params, state in zip(stack, _states(question, len(stack)), strict=True):
        x, final, cache = reference.forward(cell, params, x, state, mask)
        finals.append(final)
        caches.append(cache)
    dy = question["gy"]
    found: list[Any] = []
    for k in reversed(range(len(stack))):
        dy, dstate, grads = reference.backward(cell, stack[k], caches[k], dy, _ends(question, k))
        found.insert(0, (dstate, grads))
    return _stack_answer(question, x, finals, dy, found)


def native_stack(question: Record, cell: str = "lstm") -> Record:
    """A stack record's answer by `gatecast.kernels.native`, float32."""
    stack, B = split(question, "weights"), len(question["x"])
    mask = pack_mask(question["mask"]) if "mask" in question else None
    x, finals, caches = pack(question["x"]), [], []
    for params, state in zip(stack, _states(question, len(stack)), strict=True):
        packed = None if state is None else tuple(pack_state(s) for s in state)
        x, final, cache = native.forward(cell, params, x, packed, mask)
        finals.append([unpack_state(s, B) for s in final])
        caches.append(cache)
    dy = pack(question["gy"])
    found: list[Any] = []
    for k in reversed(range(len(stack))):
        ends = tuple(pack_state(s) for s in _ends(question, k))
        dy, dstate, grads = native.backward(stack[k], caches[k], dy, ends)
        found.insert(0, (dstate and [unpack_state(s, B) for s in dstate], grads))
    return _stack_answer(question, unpack(x, B), finals, unpack(dy, B), found)


def exchanged(kind: Kind, F: int, M: int) -> Sequential:
    """The network of an exchange record."""
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
    """An exchange record's answer from PyTorch's weights, with PyTorch's names."""
    before = part(question, "before")
    model = exchanged(kind, question["x"].shape[-1], question["y"].shape[-1])
    model.load_torch(before)
    answer = _exchange_step(model, question)
    return answer | {f"after.{name}": value for name, value in model.to_torch(before).items()}


def keras_exchange(question: Record, kind: Kind) -> Record:
    """An exchange record's answer from Keras' list of weights."""
    before = part(question, "before")
    model = exchanged(kind, question["x"].shape[-1], question["y"].shape[-1])
    model.set_weights([before[name] for name in sorted(before)])
    answer = _exchange_step(model, question)
    return answer | {f"after.{k:02d}": w for k, w in enumerate(model.get_weights())}


def assert_exchange(got: Record, want: Record, eps: float, *, two_biases: bool = False) -> None:
    """Predictions, loss, and all weights after a step of SGD.

    With `two_biases` the peer has two that only ever act as a sum: each takes the step, so the sum moves twice as
    far as gatecast's one bias, which is in bias_ih with zeros in bias_hh.
    """
    n = int(want["x"].shape[1]) * sum(a.shape[-1] for name, a in want.items() if name.startswith("before."))
    rate, relative = float(want["rate"]), rounding(n, eps)
    answers = {name: want[name] for name in ("predictions", "loss")}
    bounds = {name: relative * _size(a) for name, a in answers.items()}
    for name, before in part(want, "before").items():
        step = want[f"after.{name}"] - before
        if two_biases and "bias_ih" in name:
            other = name.replace("bias_ih", "bias_hh")
            # The sum of the peer's, half as far: exactly what one bias does.
            both = want[f"after.{name}"] + want[f"after.{other}"] - before - want[f"before.{other}"]
            answers[f"after.{name}"] = before + want[f"before.{other}"] + both / 2
        elif two_biases and "bias_hh" in name:
            answers[f"after.{name}"] = np.zeros_like(before)
        else:
            answers[f"after.{name}"] = want[f"after.{name}"]
        bounds[f"after.{name}"] = 4 * eps * _size(before) + relative * rate * max(1.0, _largest(step) / rate)
    assert_near(got, answers, bounds)


def sequential(question: Record, rate: float = 0.0) -> Sequential:
    """The article's network for a question; dropout behind every LSTM if there is a rate."""
    layers = split(question, "weights")
    parts: list[LSTM | Dense | Dropout | Input] = [Input(question["x"].shape[1:])]
    for k, layer in enumerate(layers[:-1]):
        parts.append(LSTM(len(layer["Wh"]), return_sequences=k < len(layers) - 2))
        parts += [Dropout(rate)] if rate else []
    return Sequential([*parts, Dense(layers[-1]["W"].shape[1])])


def sequential_predictions(question: Record, weights: Sequence[Array]) -> Array:
    """What the network predicts with the list of weights that Keras gave; under a mask if there is one."""
    model = sequential(question, rate=0.2)
    model.set_weights(weights)
    return model.predict(question["x"], mask=question.get("mask"))


def sequential_training(question: Record) -> Record:
    """A training record's answer by `compile` and `fit`, float32: every epoch is one batch."""
    sgd_rate, adam_rate, epsilon = (float(question[n]) for n in ("sgd_rate", "adam_rate", "epsilon"))
    answer: Record = {}
    optimizers = {"sgd": (SGD(sgd_rate), 1), "adam": (Adam(adam_rate, *BETAS, epsilon), ADAM_STEPS)}
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
    """A training record's answer by `gatecast.kernels.reference`, and by how much an error of 1 moves each number.

    The error is that of gradients, relative to the largest of an array. With `keras` epsilon is added where
    Keras adds it, before the start from zero is undone ("epsilon hat"); PyTorch and gatecast add it after.
    """
    sgd_rate, adam_rate, epsilon = (float(question[n]) for n in ("sgd_rate", "adam_rate", "epsilon"))
    weights = {n: w.astype(np.float64) for n, w in question.items() if n.startswith("weights.")}
    _, grads = _loss_and_gradients(weights, question["x"], question["y"])
    answer = _after("sgd", {n: w - sgd_rate * grads[n] for n, w in weights.items()})
    moved = _after("sgd", {n: np.abs(w) + sgd_rate * _largest(grads[n]) for n, w in weights.items()})
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
    return answer, moved | _after("adam", slopes) | {"sgd_loss": size, "adam_loss": size}


def training_bounds(question: Record, moved: Record, eps: float) -> Record:
    """How far numbers may lie apart that were computed with rounding errors of eps."""
    return {n: rounding(_terms(question), eps) * a for n, a in moved.items()}


def reference_network(question: Record) -> Array:
    """Outputs of LSTM, ..., LSTM, Dense by `gatecast.kernels.reference`, float64."""
    *stack, dense = split(question, "weights")
    x = question["x"]
    for params in stack:
        x, (hT, _), _ = reference.forward("lstm", params, x, mask=question.get("mask"))
    return reference.dense_forward(dense, hT)


def assert_stack(got: Record, want: Record, eps: float) -> None:
    """Every answer of a stack record, within the rounding of its sums."""
    answers = {n: a for n, a in want.items() if n in ANSWERS or n.startswith("grads.")}
    relative = rounding(_terms(want), eps)
    assert_near(got, answers, {n: relative * _size(a) for n, a in answers.items()})


def assert_network(got: Array, want: Record, eps: float) -> None:
    """Predictions, within the rounding of their sums."""
    expected = {"predictions": want["predictions"]}
    bound = rounding(_terms(want), eps) * _size(want["predictions"])
    assert_near({"predictions": got}, expected, {"predictions": bound})


def assert_training(got: Record, want: Record, bounds: Mapping[str, Array | float]) -> None:
    """Weights after the steps, and the losses on the way."""
    answers = {n: a for n, a in want.items() if n.startswith(("sgd.", "adam.")) or n.endswith("_loss")}
    assert_near(got, answers, bounds)


def assert_near(got: Record, want: Record, bounds: Mapping[str, Array | float]) -> None:
    """Same names and shapes, and no element further away than its bound; says all that are."""
    missing = [n for n, a in want.items() if n not in got or got[n].shape != a.shape]
    assert want, "nothing to compare"
    assert not missing, f"missing, or of another shape: {missing}"
    error = {n: np.abs(got[n] - a) for n, a in want.items()}
    # "not <=", so that NaN is too far away as well.
    far = [f"{n} ({e.max():.3g})" for n, e in error.items() if not (e <= bounds[n]).all()]
    assert not far, f"too far away (largest error): {', '.join(far)}"


ANSWERS = ("y", "hT", "cT", "dx", "dh0", "dc0")


def _terms(question: Record) -> int:
    """Rounded operations on the longest way through a network and back."""
    layers = [layer for layer in split(question, "weights") if "Wh" in layer]
    return int(question["x"].shape[1]) * sum(len(a["Wx"]) + 2 * len(a["Wh"]) + len(a.get("Wr", ())) for a in layers)


def _size(a: Array) -> float:
    """Size of the terms that make an array, where outputs and their gradients are about 1."""
    return max(1.0, _largest(a))


def _largest(a: Array) -> float:
    """Size of the largest element."""
    return float(np.abs(a).max(initial=0.0))


def _after(name: str, weights: Record) -> Record:
    """weights.k.Wx -> name.k.Wx."""
    return {name + n.removeprefix("weights"): w for n, w in weights.items()}


def _states(question: Record, N: int) -> list[tuple[Array, ...] | None]:
    """Initial states of every layer, or None."""
    if "h0" not in question:
        return [None] * N
    return [tuple(question[name][k] for name in ("h0", "c0") if name in question) for k in range(N)]


def _ends(question: Record, k: int) -> tuple[Array, ...]:
    """Gradients of a layer's last state."""
    return tuple(question[name][k] for name in ("gh", "gc") if name in question)


def _stack_answer(question: Record, y: Array, finals: list[Any], dx: Array, found: list[Any]) -> Record:
    """An answer from the layers' parts; gradients of initial states if there were any."""
    states = [name for name in ("h", "c") if f"g{name}" in question]
    answer = {"y": y, "dx": dx}
    answer |= {f"{name}T": np.array([final[k] for final in finals]) for k, name in enumerate(states)}
    if "h0" in question:
        answer |= {f"d{name}0": np.array([first[k] for first, _ in found]) for k, name in enumerate(states)}
    return answer | join("grads", [grads for _, grads in found])


def _exchange_step(model: Sequential, question: Record) -> Record:
    """Predictions and loss before, and one step of SGD on the whole batch."""
    x, y = question["x"], question["y"]
    model.compile(loss="mean_squared_error", optimizer=SGD(float(question["rate"])))
    predictions = model.predict(x)
    history = model.fit(x, y, batch_size=len(x), epochs=1, shuffle=False, verbose=0)
    return {"predictions": predictions, "loss": np.array(history.history["loss"][0])}


def _loss_and_gradients(weights: Record, x: Array, y: Array) -> tuple[float, Record]:
    """Mean squared error of the article's network, and its gradients under the weights' names."""
    *stack, dense = split(weights, "weights")
    caches: list[Any] = []
    found: list[Record] = []
    for params in stack:
        x, (hT, _), cache = reference.forward("lstm", params, x)
        caches.append(cache)
    out = reference.dense_forward(dense, hT)
    dhT, own = reference.dense_backward(dense, hT, 2 * (out - y) / out.size)
    dy = None
    for params, cache in zip(reversed(stack), reversed(caches), strict=True):
        dy, _, grads = reference.backward("lstm", params, cache, dy, (dhT, None))
        dhT = None
        found.insert(0, grads)
    return float(np.mean((out - y) ** 2)), join("weights", [*found, own])
