"""Table of the recurrent cells: the gates and states that layers, reference and kernels agree on.

Shapes: H units, R outputs (H without projection), nb blocks of L lanes. A row lists the gates of a cell in the order
of the columns of its weights, and the states that it carries. `equations` defines what the cells compute.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
    cell.name: cell
    for cell in (
        CellSpec("rnn", ("h",), ("h",), saved=()),
        CellSpec("rnn_relu", ("h",), ("h",), saved=()),
        CellSpec("gru", ("z", "r", "g"), ("h",), saved=("z", "r", "g", "q")),
        CellSpec("gru_before", ("z", "r", "g"), ("h",), saved=("z", "r", "g", "rh")),
        CellSpec("lstm", ("i", "f", "o", "g"), ("h", "c"), saved=("i", "f", "o", "g", "c")),
        CellSpec("lstm_coupled", ("f", "o", "g"), ("h", "c"), saved=("f", "o", "g", "c")),
        CellSpec("slstm", ("i", "f", "o", "g"), ("h", "c", "n", "m"), saved=("i", "f", "o", "g", "s", "c", "n")),
        CellSpec("min_gru", ("z", "g"), ("h",), recurrent=False, saved=("z", "g")),
        CellSpec("min_lstm", ("f", "i", "g"), ("h",), recurrent=False, saved=("f", "i", "g")),
    )
}
"""Every cell by its name; the kernels number the cells in this order."""
