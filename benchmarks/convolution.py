"""Time a causal Conv1D against PyTorch's, and cells with other activations against the usual ones.

usage: python benchmarks/convolution.py gatecast | torch | cells

Run the two sides in turn, each with the Python that has the library; every line is the best of many runs on two
threads, in milliseconds. Both get arrays in their own layout.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np

BATCH, STEPS, FILTERS, WIDTH = 32, 96, 64, 3
FEATURES = (1, 8, 64)
REPEATS = 200


def best(run: Callable[[], object]) -> float:
    """Return the best time of a function, in milliseconds."""
    for _ in range(10):
        run()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return round(1e3 * min(times), 4)


def gatecast_side(n_features: int, x: np.ndarray) -> dict[str, float]:
    """Time gatecast's layer."""
    from gatecast.kernels.packing import pack
    from gatecast.layers import CallContext, Conv1D

    layer, packed = Conv1D(FILTERS, WIDTH, padding="causal"), pack(x)
    params = layer.init(np.random.default_rng(0), (STEPS, n_features))
    dy = np.ones((len(packed), STEPS, FILTERS, 16), np.float32)
    predicting = CallContext(save_for_backward=False)

    def train() -> None:
        _, _, cache = layer.forward(params, packed, CallContext(training=True, n_sequences=BATCH))
        layer.backward(params, cache, dy, True)

    return {"predict": best(lambda: layer.forward(params, packed, predicting)), "train": best(train)}


def torch_side(n_features: int, x: np.ndarray) -> dict[str, float]:
    """Time PyTorch's layer behind its padding."""
    import torch

    torch.set_num_threads(2)
    conv = torch.nn.Conv1d(n_features, FILTERS, WIDTH)
    inputs = torch.tensor(x).transpose(1, 2).contiguous().requires_grad_()
    dy = torch.ones(BATCH, FILTERS, STEPS)

    def predict() -> None:
        with torch.no_grad():
            conv(torch.nn.functional.pad(inputs, (WIDTH - 1, 0)))

    def train() -> None:
        conv.zero_grad()
        inputs.grad = None
        conv(torch.nn.functional.pad(inputs, (WIDTH - 1, 0))).backward(dy)

    return {"predict": best(predict), "train": best(train)}


def cells() -> None:
    """Time the forward and backward pass of an LSTM of 50 units with several activations."""
    from gatecast.kernels.packing import pack
    from gatecast.layers import LSTM, CallContext

    x = pack(np.random.default_rng(0).normal(size=(BATCH, STEPS, 50)))
    for activation, gates in (
        ("tanh", "sigmoid"),
        ("relu", "sigmoid"),
        ("softsign", "hard_sigmoid"),
        ("gelu", "sigmoid"),
    ):
        layer = LSTM(50, activation, gates, return_sequences=True)
        params = layer.init(np.random.default_rng(0), (STEPS, 50))
        dy = np.ones((len(x), STEPS, 50, 16), np.float32)

        def train(layer: LSTM = layer, params: dict = params, dy: np.ndarray = dy) -> None:
            _, _, cache = layer.forward(params, x, CallContext(training=True))
            layer.backward(params, cache, dy, True)

        print(json.dumps({"activation": activation, "recurrent_activation": gates, "train": best(train)}))


def main() -> None:
    side = sys.argv[1] if len(sys.argv) > 1 else "gatecast"
    if side == "cells":
        cells()
        return
    for n_features in FEATURES:
        x = np.random.default_rng(0).normal(size=(BATCH, STEPS, n_features)).astype(np.float32)
        times = (torch_side if side == "torch" else gatecast_side)(n_features, x)
        print(json.dumps({"side": side, "features": n_features} | times))


if __name__ == "__main__":
    main()
