"""Models whose Masking layer leaves steps of sequence outputs out of loss and metrics, in Keras' words.

`run` trains a model of `keras` or of `gatecast` and returns what it says, so that both are asked the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["CASES", "data", "run"]

N, T = 12, 6


def one(L, h, _masked, _free):
    """A sequence, step by step."""
    return [L.TimeDistributed(L.Dense(1), name="a")(h)]


def two(L, h, _masked, _free):
    """Two sequences."""
    return [L.Dense(1, name="a")(h), L.Dropout(0.0, name="b")(L.Dense(3)(h))]


def last_step(L, h, _masked, _free):
    """A sequence and a number."""
    return [L.Dense(1, name="a")(h), L.Dense(1, name="b")(L.SimpleRNN(3)(h))]


def unmasked(L, h, _masked, free):
    """A sequence with masked steps and one without."""
    return [L.Dense(1, name="a")(h), L.Dense(3, name="b")(free)]


def merged(L, h, masked, free):
    """Sums and pairs of what is masked and what is not, and recurrent layers behind them."""
    both = L.Concatenate()([h, L.Activation("tanh")(masked)])
    some = L.Add()([h, L.Dense(4)(free)])
    return [L.Dense(1, name="a")(L.SimpleRNN(3, return_sequences=True)(some)), L.Dense(1, name="b")(both)]


def joined(L, h, masked, free):
    """Steps of two inputs one after the other."""
    return [L.Dense(1, name="a")(h), L.Dense(1, name="b")(L.Concatenate(axis=1)([masked, free]))]


def convolved(L, h, _masked, _free):
    """A convolution, behind which no step is masked."""
    return [L.Conv1D(1, 3, padding="same", name="a")(h), L.Dense(3, name="b")(h)]


def wrapped(L, h, masked, _free):
    """Both copies of a Bidirectional layer, which are zeros where steps are masked, and their largest output."""
    both = L.Bidirectional(L.SimpleRNN(3, return_sequences=True))(masked)
    return [L.Dense(1, name="a")(both), L.Dense(1, name="b")(L.Flatten()(both))]


def states_of_convolution(L, _h, masked, _free):
    """A recurrent layer behind a convolution, which reads all steps."""
    return [L.Dense(1, name="a")(L.SimpleRNN(3)(L.Conv1D(3, 2, padding="causal")(masked)))]


BUILDERS = {
    build.__name__: build
    for build in (one, two, last_step, unmasked, merged, joined, convolved, wrapped, states_of_convolution)
}

UNWEIGHTED = ("last_step", "wrapped", "states_of_convolution")
CASES = [(name, weights) for name in BUILDERS for weights in (False, True) if not (weights and name in UNWEIGHTED)]
"""Names with whether steps have weights: Keras refuses weights of samples where steps are masked."""


def data(outputs: list[tuple[int, ...]], seed: int = 0) -> dict[str, Any]:
    """Draw inputs whose first steps are masked, targets, and weights of steps."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, T, 2)).astype(np.float32)
    for i in range(N):
        x[i, : i % 4] = 0
    y = [rng.normal(size=(N, *shape)).astype(np.float32) for shape in outputs]
    weight = [rng.uniform(0.5, 2, (N, shape[0])).astype(np.float32) for shape in outputs if len(shape) > 1]
    return {"x": x, "y": y, "weight": weight}


def run(keras: Any, name: str, weights: bool, seed: int = 0) -> dict[str, Any]:
    """Train a model for an epoch of three batches, and evaluate it in one; return losses, metrics and weights."""
    L = keras.layers
    x, free = L.Input((T, 2)), L.Input((T, 2))
    masked = L.Masking()(x)
    reads_both = name in ("unmasked", "merged", "joined")
    h = L.SimpleRNN(4, return_sequences=True)(masked)
    outputs = BUILDERS[name](L, h, masked, free)
    model = keras.Model([x, free] if reads_both else x, outputs if len(outputs) > 1 else outputs[0])
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.5, np.shape(w)).astype(np.float32) for w in model.get_weights()])
    shapes = [tuple(output.shape[-2:]) if len(output.shape) == 3 else (1,) for output in outputs]
    drawn = data(shapes, seed)
    several = len(outputs) > 1
    mean, root = ([[metric] for _ in outputs] if several else [metric] for metric in ("mae", "root_mean_squared_error"))
    metrics = [mean[k] + root[k] for k in range(len(outputs))] if several else mean + root
    optimizer = keras.optimizers.SGD(0.1)
    model.compile(optimizer=optimizer, loss="mse", metrics=metrics, weighted_metrics=[["mse"]] * len(outputs))
    inputs = [drawn["x"], 2 * drawn["x"][::-1]] if reads_both else drawn["x"]
    y = drawn["y"] if several else drawn["y"][0]

    def weight() -> Any:
        """Return weights that nobody has changed: Keras multiplies arrays of PyTorch in place."""
        given = [w.copy() for w in drawn["weight"]]
        return (given if several else given[0]) if weights else None

    history = model.fit(inputs, y, sample_weight=weight(), batch_size=5, shuffle=False, epochs=1, verbose=0).history
    if weights:  # for the same reason, weighted metrics of several batches are not compared
        history = {key: value for key, value in history.items() if "mse" not in key}
    evaluated = model.evaluate(inputs, y, sample_weight=weight(), batch_size=N, verbose=0)
    return {
        "history": {key: float(value[0]) for key, value in sorted(history.items())},
        "evaluated": [float(value) for value in evaluated],
        "weights": [float(np.abs(w).sum()) for w in model.get_weights()],
    }
