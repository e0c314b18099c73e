"""What would not fit into memory is refused before any of it is made.

Letters: T time, F features, H units, G gates, L lanes. The numbers here are estimates from below: they find what
cannot be, and leave the rest to the machine.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from gatecast.errors import ConfigError, DataError
from gatecast.kernels.cells import CELLS
from gatecast.kernels.packing import blocks, padded_lanes
from gatecast.nn.layers import Layer, Shape
from gatecast.nn.network import Network

__all__ = ["check_allocation", "check_memory", "check_network_size"]

LARGEST = 2**29
"""Parameters of a layer, at most: 2 GiB."""

SMALL = 2**28
"""Bytes that nobody needs to ask for."""


def check_network_size(network: Network) -> None:
    """Refuse a network with a layer that is too large, before it has weights.

    Args:
        network: Layers and shapes.

    Raises:
        ConfigError: A layer would have 2^29 parameters or more.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build
    >>> check_network_size(build([Dense(2)], (None, 1)))
    """
    for layer, shape in zip(network.layers, network.shapes, strict=False):
        count = _count(layer, shape)
        if count >= LARGEST:
            raise ConfigError(
                "a layer is too large",
                where=type(layer).__name__,
                got=f"about {count:,} parameters from {shape[-1]:,} features",
                expected=f"less than {LARGEST:,}, which are 2 GiB",
                fix="Give it fewer units.",
            )


def check_memory(network: Network, count: int, steps: int, *, training: bool = False) -> None:
    """Refuse a pass whose arrays cannot fit into memory.

    Args:
        network: Layers and shapes.
        count: Samples a pass.
        steps: T.
        training: Whether a backward pass will follow, for which every layer's numbers are kept.

    Raises:
        DataError: They cannot.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build
    >>> check_memory(build([Dense(2)], (None, 1)), 1, 10)
    """
    L = padded_lanes(count)
    if training:
        size = sum(map(partial(_kept, steps=steps), network.layers, network.shapes, network.shapes[1:]))
    else:
        size = max((shape[-1] or 1) * (steps if len(shape) == 2 else 1) for shape in network.shapes)
    values = blocks(count, L) * L * size
    fix = "Cut shorter windows, or take fewer samples at once: batch_size."
    check_allocation(4 * values, f"a pass over {count:,} samples of {steps:,} steps", fix)


def check_allocation(size: int, what: str, fix: str = "") -> None:
    """Refuse what needs more bytes than this machine has, or the group of processes that this one is in may use.

    Args:
        size: Bytes.
        what: What needs them.
        fix: What to do about it.

    Raises:
        DataError: They are not there.

    >>> check_allocation(10**6, "x")
    """
    if size < SMALL:
        return
    limit = 2**63
    if hasattr(os, "sysconf"):
        limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    group = Path("/sys/fs/cgroup/memory.max")
    if group.is_file() and (text := group.read_text().strip()).isdecimal():
        limit = min(limit, int(text))
    if size > limit:
        got, expected = f"{size / 1e9:,.0f} GB", f"at most {limit / 1e9:,.0f} GB"
        raise DataError(f"{what} does not fit into memory", got=got, expected=expected, fix=fix)


def _kept(layer: Layer, in_shape: Shape, shape: Shape, steps: int) -> int:
    """Numbers that a layer keeps of a sample for the backward pass: its output and, of a recurrent one, its gates."""
    cell = CELLS.get(getattr(layer, "_cell", ""))
    outputs = (shape[-1] or 1) * (steps if len(shape) == 2 or (cell and len(in_shape) == 2) else 1)
    return outputs * (1 + len(cell.saved) if cell else 1)


def _count(layer: Any, in_shape: Shape) -> int:
    """Parameters of a layer, or of those within it, about."""
    features = in_shape[-1] or 1
    if hasattr(layer, "branches"):
        return sum(_count_chain(branch, in_shape) for branch in layer.branches)
    if hasattr(layer, "layer"):
        return _count(layer.layer, in_shape)
    if hasattr(layer, "input_dim"):
        return int(layer.input_dim * layer.output_dim)
    units = getattr(layer, "units", 0)
    cell = CELLS.get(getattr(layer, "_cell", ""))
    if cell is None:
        return int(units * features)
    inner = (getattr(layer, "projection", None) or units) // getattr(layer, "heads", 1)
    return int(len(cell.gates) * units * (features + inner * cell.recurrent))


def _count_chain(branch: tuple[Layer, ...], shape: Shape) -> int:
    """Parameters of layers that follow each other."""
    total = 0
    for layer in branch:
        total, shape = total + _count(layer, shape), layer.output_shape(shape)
    return total
