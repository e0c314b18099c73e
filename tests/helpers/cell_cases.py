"""Every cell with every option, and random cases of it, for tests of the reference and of the kernels.

Shapes: B sequences, T steps, F features, H units, R outputs, G gates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from gatecast.kernels.cells import CELLS, StateNoise
from gatecast.kernels.native import has_two_biases

VARIANTS = {
    **{name: (name, {}) for name in CELLS},
    "diagonal": ("lstm", {"P": "diagonal"}),
    "full": ("lstm", {"P": "full"}),
    "normalized": ("lstm", {"gain": True}),
    "normalized diagonal": ("lstm", {"gain": True, "P": "diagonal"}),
    "projected": ("lstm", {"R": 0.5}),
    "projected up": ("lstm", {"R": 1.5, "P": "full"}),
    "projected normalized": ("lstm", {"R": 0.5, "gain": True, "P": "diagonal"}),
    "coupled projected normalized": ("lstm_coupled", {"R": 0.5, "gain": True}),
    "heads": ("slstm", {"heads": 3}),
}
"""Cell and options by name: form of P, gain, projection (R as a fraction of H), heads."""

every_variant = pytest.mark.parametrize("variant", VARIANTS)


def make_case(variant, H, B, T, F, extras="", seed=0):
    """Return cell, parameters, x, state, mask, noise, and gradients of y and of the last state.

    `extras` switches on a mask ("m"), an initial state ("s") and noise ("n").
    """
    cell, options = VARIANTS[variant]
    rng = np.random.default_rng([seed, H, B, T, F])
    heads = options.get("heads", 1)
    H = -(-H // heads) * heads
    R = max(1, round(options["R"] * H)) if "R" in options else H
    G = len(CELLS[cell].gates)

    def draw(*shape, scale=1.0):
        return rng.normal(0, scale, shape).astype(np.float32)

    params = {
        "Wx": draw(F, G * H, scale=0.5),
        "b": draw(*((2, 3 * H) if has_two_biases(cell) else (G * H,)), scale=0.5),
    }
    if CELLS[cell].recurrent:
        params["Wh"] = draw(R // heads, G * H, scale=R**-0.5)
    if "P" in options:
        params["P"] = draw(3 * H, scale=0.5) if options["P"] == "diagonal" else draw(H, 3 * H, scale=0.5 * H**-0.5)
    if "gain" in options:
        params["gain"] = 1 + draw(G * H, scale=0.2)
    if "R" in options:
        params["Wr"] = draw(H, R, scale=H**-0.5)
    mask = rng.random((B, T)) < 0.7 if "m" in extras else None
    x = draw(B, T, F) if mask is None else np.where(mask[:, :, None], draw(B, T, F), np.float32(0))
    sizes = [R] + [H] * (len(CELLS[cell].states) - 1)
    state = tuple(draw(B, n, scale=0.5) for n in sizes) if "s" in extras else None
    if state and cell == "slstm":  # a normalizer is not negative
        state = (*state[:2], np.abs(state[2]) + np.float32(0.1), state[3])
    noise = None
    if "n" in extras and CELLS[cell].recurrent and cell != "slstm":
        zoneout = [(rng.random((B, T, R)) < 0.3).astype(np.float32), 0.25][: len(sizes)]
        noise = StateNoise((rng.random((B, R)) < 0.6).astype(np.float32) / np.float32(0.6), tuple(zoneout))
    dstate = [draw(B, n) for n in sizes]
    if cell == "slstm":  # exact for h: the kernels compute no gradient of the stabilizer
        dstate[1:] = [None] * 3
    return cell, params, x, state, mask, noise, draw(B, T, R), dstate


@contextmanager
def named(case: object) -> Iterator[None]:
    """Put the name of a case in front of the message of an AssertionError, for tests that loop over cases."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{case}: {error}") from error
