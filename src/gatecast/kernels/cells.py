"""The family of recurrent cells as a table: what the layers, the reference and the kernels agree on.

Letters: H units, R outputs (H without projection), I inputs, L lanes. A row says which gates a cell has, in the
order of the columns of its weights, and which states it carries; the equations are in `equations`, the kernels
in ``native/cells.h``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
    kept: tuple[str, ...] = ()
    """What the kernels keep of a step for the backward pass, H rows each, in this order."""


class StateNoise(NamedTuple):
    """What training does to the state on its way.

    dropout: recurrent dropout, (blocks, R, L) packed or (B, R): one scaled mask for all steps; the products with Wh
    see ``h[t-1] * drop``.
    zoneout: zoneout, for each of the first states a share or an array (blocks, T, size, L) or (B, T, size): the part
    of the old value that is kept.
    """

    dropout: Any = None
    zoneout: tuple[Any, ...] = ()


CELLS = {
    cell.name: cell
    for cell in (
        CellSpec("rnn", ("h",), ("h",), kept=()),
        CellSpec("rnn_relu", ("h",), ("h",), kept=()),
        CellSpec("gru", ("z", "r", "g"), ("h",), kept=("z", "r", "g", "q")),
        CellSpec("gru_before", ("z", "r", "g"), ("h",), kept=("z", "r", "g", "rh")),
        CellSpec("lstm", ("i", "f", "o", "g"), ("h", "c"), kept=("i", "f", "o", "g", "c")),
        CellSpec("lstm_coupled", ("f", "o", "g"), ("h", "c"), kept=("f", "o", "g", "c")),
        CellSpec("slstm", ("i", "f", "o", "g"), ("h", "c", "n", "m"), kept=("i", "f", "o", "g", "s", "c", "n")),
        CellSpec("min_gru", ("z", "g"), ("h",), recurrent=False, kept=("z", "g")),
        CellSpec("min_lstm", ("f", "i", "g"), ("h",), recurrent=False, kept=("f", "i", "g")),
    )
}
"""Every cell by its name; the kernels number them in this order."""
