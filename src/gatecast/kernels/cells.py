"""The family of recurrent cells as a table: what the layers, the reference and the kernels agree on.

Letters: H units, R outputs (H without projection), I inputs, L lanes. A row says which gates a cell has, in the
order of the columns of its weights, and which states it carries. The list itself is ``native/cells.def``; the
equations are in `equations`, the kernels in ``native/kernels/cells/``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gatecast.kernels import _native

__all__ = ["CELLS", "CellSpec", "StateNoise"]


class CellSpec(NamedTuple):
    """One row of the table."""

    name: str
    gates: tuple[str, ...]
    """Gate columns of Wx, and of Wh if `recurrent`."""
    states: tuple[str, ...]
    """What is carried from step to step; the first is the output h."""
    recurrent: bool = True
    """Whether there is a matrix Wh."""
    gradients: tuple[str, ...] = ()
    """Rows of dz, and of the kernels' b: the gates, then what else has a bias."""
    saved: tuple[str, ...] = ()
    """What the kernels save of a step for the backward pass, H rows each, in this order."""


class StateNoise(NamedTuple):
    """What training does to the state on its way.

    dropout: recurrent dropout, (blocks, R, L) packed or (B, R): one scaled mask for all steps; the products with Wh
    see ``h[t-1] * dropout``.
    zoneout: zoneout, for each of the first states a share or an array (blocks, T, size, L) or (B, T, size): the part
    of the old value that is kept.
    """

    dropout: Any = None
    zoneout: tuple[Any, ...] = ()


CELLS = {
    name: CellSpec(name, tuple(gates), tuple(states), bool(recurrent), tuple(gradients), tuple(saved))
    for name, gates, recurrent, gradients, states, saved in _native.cells()
}
"""Every cell by its name, in the kernels' order: the lines of ``native/cells.def``."""
