"""The kernels of activations, and cells with any activations, compute their definition."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from cell_cases import make_case, named
from tolerances import close, rounding

from gatecast.kernels import native, reference
from gatecast.kernels.activation_equations import ANY_CELLS
from gatecast.kernels.activations import ACTIVATIONS
from gatecast.kernels.packing import pack, pack_mask, pack_state, unpack, unpack_state


@pytest.mark.usefixtures("every_isa")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_and_slopes_are_those_of_the_definition(name):
    z = np.linspace(-20, 20, 20011).astype(np.float32)  # no multiple of a vector
    x = z.reshape(1, 1, -1, 1)
    function = ACTIVATIONS[name]
    wide = z.astype(np.float64)
    value = function.value(wide)
    size = 1e-6 * np.maximum(1, np.abs(value)) if name != "exponential" else 3e-6 * value
    assert (np.abs(native.activation_forward(x, name).ravel() - value) <= size).all()
    slope = native.activation_backward(x, np.ones_like(x), name).ravel()
    expected = function.slope(wide, value)
    away = np.abs(np.abs(z) - 3) > 1e-3 if name == "hard_sigmoid" else np.abs(z) > 1e-6
    size = 3e-6 * np.maximum(1, np.abs(expected))
    assert (np.abs(slope - expected) <= size)[away].all()


@pytest.mark.usefixtures("every_isa")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_stays_nan(name):
    x = np.full((1, 1, 9, 1), np.nan, np.float32)
    assert np.isnan(native.activation_forward(x, name)).all()


@pytest.mark.usefixtures("every_isa")
@pytest.mark.parametrize("cell", ANY_CELLS)
def test_cells_equal_their_equations_with_every_pair(cell):
    pairs = [*product(("relu", "gelu", "softsign"), ("sigmoid", "hard_sigmoid")), ("selu", "silu"), ("elu", "linear")]
    for activations, extras, B in product(pairs, ("", "msn"), (3, 19)):
        with named(f"{activations}, extras={extras!r}, batch of {B}"):
            assert_cell(cell, activations, extras, B)


def assert_cell(cell, activations, extras, B):
    """Assert outputs, last state and all gradients."""
    _, params, x, state, mask, noise, dy, dstate = make_case(cell, 5, B, 4, 3, extras)
    y, last, cache = reference.forward(cell, params, x, state, mask, noise, activations=activations)
    dx, dfirst, grads = reference.backward(cell, params, cache, dy, dstate, activations=activations)
    packed_noise = noise
    if noise is not None:
        zoneout = tuple(pack(z) if isinstance(z, np.ndarray) else z for z in noise.zoneout)
        packed_noise = noise._replace(dropout=pack_state(noise.dropout), zoneout=zoneout)
    first = None if state is None else tuple(map(pack_state, state))
    packed_mask = None if mask is None else pack_mask(mask)
    got, got_last, kept = native.forward(
        cell, params, pack(x), first, packed_mask, packed_noise, activations=activations
    )
    depth = rounding(2000)
    close(unpack(got, B), y, depth, scale=1 + float(np.abs(y).max()))
    for a, b in zip(got_last, last, strict=True):
        close(unpack_state(a, B), b, depth, scale=1 + float(np.abs(b).max()))
    got_dx, got_dfirst, got_grads = native.backward(params, kept, pack(dy), tuple(map(pack_state, dstate)))
    close(unpack(got_dx, B), dx, depth, scale=1 + float(np.abs(dx).max()))
    for a, b in zip(got_dfirst or (), dfirst, strict=False):
        close(unpack_state(a, B), b, depth, scale=1 + float(np.abs(b).max()))
    for name, grad in grads.items():
        close(got_grads[name], grad, depth, scale=B + float(np.abs(grad).max()))
