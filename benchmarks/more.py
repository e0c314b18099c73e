"""Measure one window, one step of a stream, the sLSTM compared with plain PyTorch, and the memory of training.

usage: more.py; for measurements in a process of their own, it starts itself with --slstm-of-torch or
--memory UNITS BATCH STEPS.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

B, T, H = 32, 24, 64
"""The case of the sLSTM."""


def median_us(run: Callable[[], object], count: int = 400) -> float:
    """Return the median time of many calls, microseconds."""
    for _ in range(20):
        run()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def slstm_of_torch() -> None:
    """Time the same equations in plain PyTorch, one step at a time, two threads."""
    import torch

    torch.set_num_threads(2)
    torch.manual_seed(0)
    weights = [torch.randn(*shape).mul_(0.1).requires_grad_() for shape in ((H, 4 * H), (H, 4 * H), (4 * H,))]
    x = torch.randn(B, T, H, requires_grad=True)

    def forward() -> torch.Tensor:
        Wx, Wh, b = weights
        h, c, n, m = (torch.zeros(B, H) for _ in range(4))
        for t in range(T):
            z_i, z_f, z_o, z_g = (x[:, t] @ Wx + h @ Wh + b).chunk(4, dim=1)
            log_f = torch.nn.functional.logsigmoid(z_f)
            new_m = torch.where(n == 0, z_i, torch.maximum(log_f + m, z_i))
            i, f, m = torch.exp(z_i - new_m), torch.exp(log_f + m - new_m), new_m
            c, n = f * c + i * torch.tanh(z_g), f * n + i
            h = torch.sigmoid(z_o) * c / n
        return h

    def training() -> None:
        for p in (*weights, x):
            p.grad = None
        forward().sum().backward()

    with torch.no_grad():
        predicting = median_us(forward, 60)
    print(json.dumps({"forward": predicting, "training": median_us(training, 60)}))


def slstm_of_gatecast() -> dict[str, float]:
    """Time one layer on two threads, microseconds."""
    import numpy as np

    from gatecast.kernels import native, runtime
    from gatecast.kernels.packing import pack

    runtime.set_num_threads(2)
    rng = np.random.default_rng(0)
    shapes = {"Wx": (H, 4 * H), "Wh": (H, 4 * H), "b": (4 * H,)}
    params = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    x = pack(rng.normal(size=(B, T, H)))
    last = [np.ones((len(x), H, x.shape[-1]), np.float32), None, None, None]

    def training() -> None:
        _, _, cache = native.forward("slstm", params, x)
        native.backward(params, cache, None, last)

    predicting = median_us(lambda: native.forward("slstm", params, x, save_for_backward=False))
    return {"forward": predicting, "training": median_us(training)}


def article():
    """Return the article's network."""
    from gatecast.layers import LSTM, Dense, Dropout, Input
    from gatecast.models import Sequential

    hidden = [
        layer for sequences in (True, True, False) for layer in (LSTM(50, return_sequences=sequences), Dropout(0.2))
    ]
    return Sequential([Input((None, 1)), *hidden, Dense(1)])


def one_series() -> dict[str, float]:
    """Time the prediction of one window, one step of a stream, and the kernels in that step, microseconds."""
    import numpy as np

    from gatecast.kernels import native

    model = article()
    x, new = np.random.default_rng(0).normal(size=(1, 24, 1)).astype(np.float32), np.ones((1, 1), np.float32)
    times = {"predict, window 24": median_us(lambda: model.predict(x))}
    stream = model.stream()
    stream.warm(x)
    times["stream.step"] = median_us(lambda: stream.step(new))
    kernels = 0.0
    for views, width in ((model.weights.views[0], 1), (model.weights.views[2], 50), (model.weights.views[4], 50)):
        state = tuple(np.zeros((1, 50, 1), np.float32) for _ in range(2))
        step = np.ones((1, 1, width, 1), np.float32)
        call = (views, step, state)
        kernels += median_us(
            lambda call=call: native.forward("lstm", *call, save_for_backward=False, return_sequences=False)
        )
    return times | {"three calls of the kernels for that step": kernels}


def status(name: str) -> int:
    """Return a size from the status of this process in bytes: VmRSS now, VmHWM at the peak (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024


def memory(units: int, size: int, steps: int) -> dict[str, float]:
    """Compare the bytes that an LSTM with equal inputs and units must save with the growth of this process."""
    import numpy as np

    from gatecast.kernels import _native, native, runtime
    from gatecast.kernels.packing import pack

    rng = np.random.default_rng(0)

    def case(units: int, size: int, steps: int):
        shapes = {"Wx": (units, 4 * units), "Wh": (units, 4 * units), "b": (4 * units,)}
        params = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
        x = pack(rng.normal(size=(size, steps, units)).astype(np.float32))
        return params, x, np.ones_like(x)

    def step(params, x, dy) -> None:
        _, _, cache = native.forward("lstm", params, x)
        native.backward(params, cache, dy)

    runtime.set_num_threads(2)
    step(*case(8, 64, 2))  # start the threads and load the code
    arguments = case(units, size, steps)
    # The peak so far includes freed temporaries: growth from there would be too small.
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    step(*arguments)
    step(*arguments)
    growth = status("VmHWM") - before
    requests = _native.memory_requests()
    for _ in range(10):
        step(*arguments)
    # y, i, f, o, g, c of every step, and dx; x and dy are the caller's. Then the gradients of the weights.
    needed = 4 * (size * steps * units * (1 + 5 + 1) + units * 8 * units + 4 * units)
    return {
        "needed, MB": needed / 1e6,
        "growth, MB": growth / 1e6,
        "ratio": growth / needed,
        "requests to the system in ten more steps": _native.memory_requests() - requests,
    }


MEMORY = ((50, 256, 96), (50, 1024, 96), (128, 256, 24), (50, 32, 24))
"""Units, batch, steps."""


def main() -> None:
    if "--slstm-of-torch" in sys.argv:
        slstm_of_torch()
        return
    if "--memory" in sys.argv:
        print(json.dumps(memory(*map(int, sys.argv[-3:]))))
        return
    for case in MEMORY:
        command = [sys.executable, __file__, "--memory", *map(str, case)]
        figures = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        line = ", ".join(f"{name}: {value:.2f}" for name, value in figures.items())
        print(f"training LSTM({case[0]}), batch {case[1]}, {case[2]} steps: {line}")
    for name, value in one_series().items():
        print(f"article's network, one series: {name}: {value:.1f} us")
    gatecast = slstm_of_gatecast()
    python = Path(__file__).parent.parent / ".venv-torch/bin/python"
    torch_run = subprocess.run([python, __file__, "--slstm-of-torch"], capture_output=True, check=True)
    torch = json.loads(torch_run.stdout)
    for what, micros in gatecast.items():
        case = f"sLSTM, {H} units, batch {B}, {T} steps, {what}"
        print(f"{case}: {micros:.0f} us, plain PyTorch {torch[what]:.0f} us, {torch[what] / micros:.1f} times")


if __name__ == "__main__":
    main()
