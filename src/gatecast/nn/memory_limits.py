"""Checks that arrays fit into memory, before they are allocated.

The estimates are lower bounds: they catch what cannot fit, not everything that does not.

Shapes: T time, F features, H units, G gates, L lanes.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from gatecast.errors import ConfigError, DataError
from gatecast.kernels.cells import CELLS
from gatecast.kernels.packing import blocks, padded_lanes
from gatecast.kernels.training_stack import samples_at_a_time
from gatecast.nn.layers import Layer, Shape
from gatecast.nn.network import Network

__all__ = ["check_allocation", "check_memory", "check_network_size", "count_params"]

MAX_LAYER_PARAMS = 2**29
"""The maximum number of parameters of a layer: 2 GiB."""

UNCHECKED_BYTES = 2**28
"""Bytes that are allocated without a check."""


def check_network_size(network: Network) -> None:
    """Check that no layer is too large, before its weights are made.

    Args:
        network: Layers and shapes.

    Raises:
        ConfigError: A layer with 2^29 parameters or more.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build
    >>> check_network_size(build([Dense(2)], (None, 1)))
    """
    for layer, shape in zip(network.layers, network.shapes, strict=False):
        count = count_params(layer, shape)
        if count >= MAX_LAYER_PARAMS:
            raise ConfigError(
                "The layer is too large",
                where=type(layer).__name__,
                got=f"about {count:,} parameters for {shape[-1]:,} features",
                expected=f"less than {MAX_LAYER_PARAMS:,} (2 GiB)",
                fix="Use fewer units.",
            )


def check_memory(
    network: Network, n_samples: int, n_steps: int, *, training: bool = False, in_block_order: bool = False
) -> None:
    """Check that the arrays of a pass fit into memory.

    Args:
        network: Layers and shapes.
        n_samples: Samples per pass.
        n_steps: T.
        training: Whether a backward pass will follow, for which every layer saves its arrays.
        in_block_order: Whether each thread trains a few samples at a time, as in `gradients`.

    Raises:
        DataError: They do not fit.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build
    >>> check_memory(build([Dense(2)], (None, 1)), 1, 10)
    """
    L = padded_lanes(n_samples)
    fix = "Use shorter windows, or a smaller batch_size."
    if in_block_order and n_samples > samples_at_a_time(n_steps):
        n_samples, fix = samples_at_a_time(n_steps), "Use shorter windows, or fewer threads, as in GATECAST_THREADS=1."
    if training:
        saved = partial(_n_saved_values, n_steps=n_steps)
        per_sample = sum(map(saved, network.layers, network.shapes, network.shapes[1:]))
    else:
        per_sample = max((shape[-1] or 1) * (n_steps if len(shape) == 2 else 1) for shape in network.shapes)
    n_bytes = 4 * blocks(n_samples, L) * L * per_sample
    check_allocation(n_bytes, f"A pass over {n_samples:,} samples of {n_steps:,} steps", fix)


def check_allocation(n_bytes: int, what: str, fix: str = "") -> None:
    """Check that an allocation fits into the memory of the machine and of the control group.

    Args:
        n_bytes: Bytes to allocate.
        what: What they are for; begins the message.
        fix: What to do about it.

    Raises:
        DataError: It does not fit.

    >>> check_allocation(10**6, "x")
    """
    if n_bytes < UNCHECKED_BYTES:
        return
    limit = 2**63
    if hasattr(os, "sysconf"):
        limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cgroup = Path("/sys/fs/cgroup/memory.max")
    if cgroup.is_file() and (text := cgroup.read_text().strip()).isdecimal():
        limit = min(limit, int(text))
    if n_bytes > limit:
        got, expected = f"{n_bytes / 1e9:,.0f} GB", f"at most {limit / 1e9:,.0f} GB"
        raise DataError(f"{what} does not fit into memory", got=got, expected=expected, fix=fix)


def _n_saved_values(layer: Layer, in_shape: Shape, shape: Shape, n_steps: int) -> int:
    """Return how many numbers a layer saves per sample for the backward pass: its outputs and gates."""
    cell = CELLS.get(getattr(layer, "_cell", ""))
    n_outputs = (shape[-1] or 1) * (n_steps if len(shape) == 2 or (cell and len(in_shape) == 2) else 1)
    return n_outputs * (1 + len(cell.saved) if cell else 1)


def count_params(layer: Any, in_shape: Shape) -> int:
    """Return about how many parameters a layer has, with the layers inside it, and never too many.

    >>> from gatecast.nn.layers import Dense
    >>> count_params(Dense(2), (None, 3))
    6
    """
    features = in_shape[-1] or 1
    if hasattr(layer, "branches"):
        return sum(_count_branch_params(branch, in_shape) for branch in layer.branches)
    if hasattr(layer, "layer"):
        return count_params(layer.layer, in_shape) + getattr(layer, "steps", 0) * features
    if hasattr(layer, "input_dim"):
        return int(layer.input_dim * layer.output_dim)
    if hasattr(layer, "kernel_size"):
        return int(layer.kernel_size * layer.filters * (layer.features_of(in_shape) or 1))
    units = getattr(layer, "units", 0)
    cell = CELLS.get(getattr(layer, "_cell", ""))
    if cell is None:
        # Layers without units, such as normalizations, have a number for each feature, if any.
        return int(units * features) if units else len(layer.param_names) * features
    recurrent_features = (getattr(layer, "projection", None) or units) // getattr(layer, "heads", 1)
    return int(len(cell.gates) * units * (features + recurrent_features * cell.recurrent))


def _count_branch_params(branch: tuple[Layer, ...], shape: Shape) -> int:
    """Return the approximate number of parameters of consecutive layers."""
    total = 0
    for layer in branch:
        total, shape = total + count_params(layer, shape), layer.output_shape(shape)
    return total
