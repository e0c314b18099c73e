"""Time one tool for the grid: read cases as JSON lines from standard input, print milliseconds.

usage: grid_worker.py gatecast|torch|keras THREADS. A case is {"cell", "H", "B", "T", "seconds"}: one layer of H units
on H inputs. `forward` predicts all outputs; `training` is a forward pass, then the gradients of the sum of the last
outputs with respect to all weights and x; no optimizer. Every tool has x in its own layout from the start.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable


def median_ms(run: Callable[[], object], seconds: float) -> tuple[float, int]:
    """Return the median time of three or more calls within `seconds`, after one to warm up, and their number."""
    start = time.perf_counter()
    run()
    once = time.perf_counter() - start
    for _ in range(0 if once > seconds / 4 else 2):
        run()
    times: list[float] = []
    first = time.perf_counter()
    while len(times) < 3 or (time.perf_counter() - first < seconds and len(times) < 300):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times), len(times)


def gatecast_case(cell: str, H: int, B: int, T: int) -> tuple[Callable, Callable]:
    """Return forward and training of the kernels, on packed arrays."""
    import numpy as np

    from gatecast.kernels import native
    from gatecast.kernels.cells import CELLS
    from gatecast.kernels.packing import pack

    rng, G = np.random.default_rng(0), len(CELLS[cell].gates)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.1, shape).astype(np.float32)

    params = {"Wx": draw(H, G * H), "Wh": draw(H, G * H), "b": draw(2, 3 * H) if cell == "gru" else draw(G * H)}
    x = pack(draw(B, T, H))
    last = [np.ones((len(x), H, x.shape[-1]), np.float32)] + [None] * (len(CELLS[cell].states) - 1)

    def training() -> None:
        _, _, cache = native.forward(cell, params, x)
        native.backward(params, cache, None, last)

    return lambda: native.forward(cell, params, x, save_for_backward=False), training


def torch_case(cell: str, H: int, B: int, T: int) -> tuple[Callable, Callable]:
    """Return forward and training of the layer of PyTorch."""
    import torch

    torch.manual_seed(0)
    layer = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[cell](H, H, batch_first=True)
    x = torch.randn(B, T, H, requires_grad=True)

    def forward() -> None:
        with torch.no_grad():
            layer(x)

    def training() -> None:
        layer.zero_grad(set_to_none=True)
        x.grad = None
        layer(x)[0][:, -1].sum().backward()

    return forward, training


def keras_case(cell: str, H: int, B: int, T: int) -> tuple[Callable, Callable]:
    """Return forward and training of the layer of Keras on TensorFlow, both compiled into graphs."""
    import keras
    import tensorflow as tf

    kinds = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}
    layer = kinds[cell](H, return_sequences=True)
    x = tf.random.normal((B, T, H))
    layer(x)

    @tf.function
    def forward() -> tf.Tensor:
        return layer(x)

    @tf.function
    def training() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(layer(x)[:, -1])
        return tape.gradient(total, [x, *layer.trainable_variables])

    return forward, training


def prepare(tool: str, threads: int) -> dict:
    """Set the threads of a tool, and return its version."""
    if tool == "gatecast":
        import gatecast
        from gatecast.kernels import runtime

        runtime.set_num_threads(threads)
        return {"version": gatecast.__version__, "isa": runtime.isa()}
    if tool == "torch":
        import torch

        torch.set_num_threads(threads)
        return {"version": torch.__version__}
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    return {"version": keras.__version__}


def main() -> None:
    tool, threads = sys.argv[1], int(sys.argv[2])
    print(json.dumps(prepare(tool, threads)), flush=True)
    for line in sys.stdin:
        case = json.loads(line)
        seconds = case.pop("seconds")
        passes = globals()[f"{tool}_case"](**case)
        times = {name: median_ms(run, seconds) for name, run in zip(("forward", "training"), passes, strict=True)}
        print(json.dumps({name: {"ms": ms, "runs": runs} for name, (ms, runs) in times.items()}), flush=True)


main()
