"""What gatecast answers to the questions of `witnesses`, by each of its ways, and how near that must come.

Letters: N layers, B batch, T time, F features, H hidden; `d` before a name is a gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gatecast import recurrent, reference, training
from gatecast.arrays import pack, pack_mask, pack_state, unpack, unpack_state
from gatecast.layers import LSTM, Dense, Dropout, Input
from gatecast.models import Sequential
from gatecast.optim import SGD, Adam
from tolerances import rounding
from witnesses import ADAM_STEPS, BETAS, Array, Record, from_keras, join, split, to_keras


def reference_lstm(question: Record) -> Record:
    """An lstm record's answer by `gatecast.reference`, float64."""
    stack, mask = split(question, "weights"), question.get("mask")
    x, finals, caches = question["x"], [], []
    for params, h0, c0 in zip(stack, *_states(question, len(stack)), strict=True):
        x, final, cache = reference.lstm_forward(params, x, h0, c0, mask)
        finals.append(final)
        caches.append(cache)
    dy = question["gy"]
    found: list[Any] = []
    for k in reversed(range(len(stack))):
        ends = question["gh"][k], question["gc"][k]
        dy, dstate, grads = reference.lstm_backward(stack[k], caches[k], dy, *ends)
        found.insert(0, (dstate, grads))
    return _lstm_answer(x, finals, dy, found)


def native_lstm(question: Record) -> Record:
    """An lstm record's answer by `gatecast.recurrent`, float32."""
    stack, B = split(question, "weights"), len(question["x"])
    mask = pack_mask(question["mask"]) if "mask" in question else None
    x, finals, caches = pack(question["x"]), [], []
    for params, h0, c0 in zip(stack, *_states(question, len(stack)), strict=True):
        state = (None, None) if h0 is None else (pack_state(h0), pack_state(c0))
        x, final, cache = recurrent.lstm_forward(params, x, *state, mask)
        finals.append([unpack_state(s, B) for s in final])
        caches.append(cache)
    dy = pack(question["gy"])
    found: list[Any] = []
    for k in reversed(range(len(stack))):
        ends = pack_state(question["gh"][k]), pack_state(question["gc"][k])
        dy, dstate, grads = recurrent.lstm_backward(stack[k], caches[k], dy, *ends)
        found.insert(0, (dstate and [unpack_state(s, B) for s in dstate], grads))
    return _lstm_answer(unpack(x, B), finals, unpack(dy, B), found)


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
    if "mask" in question:
        return training.predict(model.network, model.weights, question["x"], question["mask"])
    return model.predict(question["x"])


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
    """A training record's answer by `gatecast.reference`, and by how much an error of 1 moves each number.

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
    """Outputs of LSTM, ..., LSTM, Dense by `gatecast.reference`, float64."""
    *stack, dense = split(question, "weights")
    x = question["x"]
    for params in stack:
        x, (hT, _), _ = reference.lstm_forward(params, x, mask=question.get("mask"))
    return reference.dense_forward(dense, hT)


def assert_lstm(got: Record, want: Record, eps: float) -> None:
    """Every answer of an lstm record, within the rounding of its sums."""
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
    lstms = [layer for layer in split(question, "weights") if "Wh" in layer]
    return int(question["x"].shape[1]) * sum(len(layer["Wx"]) + 2 * len(layer["Wh"]) for layer in lstms)


def _size(a: Array) -> float:
    """Size of the terms that make an array, where outputs and their gradients are about 1."""
    return max(1.0, _largest(a))


def _largest(a: Array) -> float:
    """Size of the largest element."""
    return float(np.abs(a).max(initial=0.0))


def _after(name: str, weights: Record) -> Record:
    """weights.k.Wx -> name.k.Wx."""
    return {name + n.removeprefix("weights"): w for n, w in weights.items()}


def _states(question: Record, N: int) -> tuple[list[Array | None], list[Array | None]]:
    """h0 and c0 of every layer, or None."""
    if "h0" not in question:
        return [None] * N, [None] * N
    return list(question["h0"]), list(question["c0"])


def _lstm_answer(y: Array, finals: list[Any], dx: Array, found: list[Any]) -> Record:
    """An answer from the layers' parts; gradients of initial states if there were any."""
    hT, cT = (np.array(s) for s in zip(*finals, strict=True))
    answer = {"y": y, "hT": hT, "cT": cT, "dx": dx}
    if all(dstate is not None for dstate, _ in found):
        answer |= {"dh0": np.array([s[0] for s, _ in found]), "dc0": np.array([s[1] for s, _ in found])}
    return answer | join("grads", [grads for _, grads in found])


def _loss_and_gradients(weights: Record, x: Array, y: Array) -> tuple[float, Record]:
    """Mean squared error of the article's network, and its gradients under the weights' names."""
    *stack, dense = split(weights, "weights")
    caches: list[Any] = []
    found: list[Record] = []
    for params in stack:
        x, (hT, _), cache = reference.lstm_forward(params, x)
        caches.append(cache)
    out = reference.dense_forward(dense, hT)
    dhT, own = reference.dense_backward(dense, hT, 2 * (out - y) / out.size)
    dy = None
    for params, cache in zip(reversed(stack), reversed(caches), strict=True):
        dy, _, grads = reference.lstm_backward(params, cache, dy, dhT)
        dhT = None
        found.insert(0, grads)
    return float(np.mean((out - y) ** 2)), join("weights", [*found, own])
