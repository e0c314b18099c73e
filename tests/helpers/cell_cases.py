"""Every cell with every option, and random cases of it: for the reference and for the kernels.

Letters: B batch, T time, F features, H units, R outputs, G gates.
"""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.kernels.cells import CELLS, StateNoise

# Name -> cell, and the options that its parameters show: P, gain, projection (R as a share of H), heads.
VARIANTS = {
    **{name: (name, {}) for name in CELLS},
    "diagonal": ("lstm", {"P": "diagonal"}),
    "full": ("lstm", {"P": "full"}),
    "normalised": ("lstm", {"gain": True}),
    "normalised diagonal": ("lstm", {"gain": True, "P": "diagonal"}),
    "projected": ("lstm", {"R": 0.5}),
    "projected up": ("lstm", {"R": 1.5, "P": "full"}),
    "projected normalised": ("lstm", {"R": 0.5, "gain": True, "P": "diagonal"}),
    "coupled projected normalised": ("lstm_coupled", {"R": 0.5, "gain": True}),
    "heads": ("slstm", {"heads": 3}),
}
every_variant = pytest.mark.parametrize("variant", VARIANTS)


def make_case(variant, H, B, T, F, extras="", seed=0):
    """cell, parameters, x, state, mask, noise, and gradients of y and of the last state; extras: "m", "s", "n"."""
    cell, options = VARIANTS[variant]
    rng = np.random.default_rng([seed, H, B, T, F])
    heads = options.get("heads", 1)
    H = -(-H // heads) * heads
    R = max(1, round(options["R"] * H)) if "R" in options else H
    G = len(CELLS[cell].gates)

    def draw(*shape, scale=1.0):
        return rng.normal(0, scale, shape).astype(np.float32)

    params = {"Wx": draw(F, G * H, scale=0.5), "b": draw(*((2, 3 * H) if cell == "gru" else (G * H,)), scale=0.5)}
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
    if state and cell == "slstm":  # a normaliser is not negative
        state = (*state[:2], np.abs(state[2]) + np.float32(0.1), state[3])
    noise = None
    if "n" in extras and CELLS[cell].recurrent and cell != "slstm":
        zone = [(rng.random((B, T, R)) < 0.3).astype(np.float32), 0.25][: len(sizes)]
        noise = StateNoise((rng.random((B, R)) < 0.6).astype(np.float32) / np.float32(0.6), tuple(zone))
    dstate = [draw(B, n) for n in sizes]
    if cell == "slstm":  # exact for what depends on h: the stabiliser's own gradient is not formed
        dstate[1:] = [None] * 3
    return cell, params, x, state, mask, noise, draw(B, T, R), dstate
