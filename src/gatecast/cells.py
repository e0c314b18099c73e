"""The family of recurrent cells as a table: what the layers, the reference and the kernels agree on.

Letters: H units, R outputs (H without projection), I inputs, L lanes. A row says which gates a cell has, in the
order of the columns of its weights, and which states it carries; the equations are in `equations`, the kernels
in ``native/kernels/cells/``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["CELLS", "Cell", "Noise"]


class Cell(NamedTuple):
    """One row of the table."""

    name: str
    gates: tuple[str, ...]
    """Gate columns of Wx, and of Wh if `recurrent`."""
    states: tuple[str, ...]
    """What is carried from step to step; the first is the output h."""
    recurrent: bool = True
    """Whether there is a matrix Wh."""
    saved: tuple[str, ...] = ()
    """What the kernels keep of a step for the backward pass, H rows each, in this order."""


class Noise(NamedTuple):
    """What training does to the state on its way.

    drop: recurrent dropout, (blocks, R, L) packed or (B, R): one scaled mask for all steps; the products with Wh
    see ``h[t-1] * drop``.
    zone: zoneout, for each of the first states a share or an array (blocks, T, size, L) or (B, T, size): the part
    of the old value that is kept.
    """

    drop: Any = None
    zone: tuple[Any, ...] = ()


CELLS = {
    cell.name: cell
    for cell in (
        Cell("rnn", ("h",), ("h",), saved=()),
        Cell("rnn_relu", ("h",), ("h",), saved=()),
        Cell("gru", ("z", "r", "g"), ("h",), saved=("z", "r", "g", "q")),
        Cell("gru_before", ("z", "r", "g"), ("h",), saved=("z", "r", "g", "rh")),
        Cell("lstm", ("i", "f", "o", "g"), ("h", "c"), saved=("i", "f", "o", "g", "c")),
        Cell("lstm_coupled", ("f", "o", "g"), ("h", "c"), saved=("f", "o", "g", "c")),
        Cell("slstm", ("i", "f", "o", "g"), ("h", "c", "n", "m"), saved=("i", "f", "o", "g", "s", "c", "n")),
        Cell("min_gru", ("z", "g"), ("h",), recurrent=False, saved=("z", "g")),
        Cell("min_lstm", ("f", "i", "g"), ("h",), recurrent=False, saved=("f", "i", "g")),
    )
}
"""Every cell by its name; the kernels number them in this order."""
