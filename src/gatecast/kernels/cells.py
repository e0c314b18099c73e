"""Table of the recurrent cells: the gates and states that layers, reference and kernels agree on.

Shapes: H units, R outputs (H without projection), nb blocks of L lanes. A row lists the gates of a cell in the order
of the columns of its weights, and the states that it carries. The list itself is ``native/cells.def``; `equations`
defines what the cells compute, ``native/kernels/cells/`` computes it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gatecast.kernels import _native

__all__ = ["CELLS", "CellSpec", "StateNoise"]


class CellSpec(NamedTuple):
    """Gates, states and saved tensors of a cell."""

    name: str
    gates: tuple[str, ...]
    """Gates in the order of the columns of Wx, and of Wh if `recurrent`."""
    states: tuple[str, ...]
    """States carried from step to step; the first is the output h."""
    recurrent: bool = True
    """Whether the cell has a matrix Wh."""
    gradients: tuple[str, ...] = ()
    """Rows of dz, and of the kernels' b: the gates, then what else has a bias."""
    saved: tuple[str, ...] = ()
    """Tensors that the kernels save at each step for the backward pass, H rows each, in this order."""


class StateNoise(NamedTuple):
    """Noise on the state of a recurrent layer."""

    dropout: Any = None
    """Scaled mask of recurrent dropout, the same for all steps: the products with Wh read ``h[t-1] * dropout``. Packed
    [nb, R, L] for the kernels, [B, R] for the reference; None for no dropout."""
    zoneout: tuple[Any, ...] = ()
    """Weight of the old value in each of the first states: a number, or packed [nb, T, size, L] for the kernels,
    [B, T, size] for the reference."""


CELLS = {
    name: CellSpec(name, tuple(gates), tuple(states), bool(recurrent), tuple(gradients), tuple(saved))
    for name, gates, recurrent, gradients, states, saved in _native.cells()
}
"""Every cell by its name, in the kernels' order: the lines of ``native/cells.def``."""
