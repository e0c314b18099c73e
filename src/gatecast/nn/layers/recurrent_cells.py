"""RNN and its cells, as Keras writes them: ``RNN(LSTMCell(32))`` is ``LSTM(32)``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gatecast.errors import ConfigError
from gatecast.nn.layers.gru import GRU
from gatecast.nn.layers.lstm import LSTM
from gatecast.nn.layers.recurrent import Recurrent
from gatecast.nn.layers.simple_rnn import SimpleRNN

__all__ = ["RNN", "GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"]


class LSTMCell:
    """Arguments of an LSTM for `RNN`.

    Args:
        *args: As for `LSTM`.
        **options: As for `LSTM`.
    """

    kind: type[Recurrent] = LSTM

    def __init__(self, *args: Any, **options: Any) -> None:
        self.layer = self.kind(*args, **options)

    def __repr__(self) -> str:
        """Return the cell as it is written."""
        return repr(self.layer).replace("(", "Cell(", 1)


class GRUCell(LSTMCell):
    """Arguments of a GRU for `RNN`.

    Args:
        *args: As for `GRU`.
        **options: As for `GRU`.
    """

    kind = GRU


class SimpleRNNCell(LSTMCell):
    """Arguments of a SimpleRNN for `RNN`.

    Args:
        *args: As for `SimpleRNN`.
        **options: As for `SimpleRNN`.
    """

    kind = SimpleRNN


class StackedRNNCells:
    """Raises an error that says what to write: layers that follow each other.

    Args:
        cells: Cells.

    Raises:
        ConfigError: Always.
    """

    def __init__(self, cells: Any, **_: Any) -> None:
        raise _stacked(list(cells))


def RNN(  # noqa: N802
    cell: Any, return_sequences: Any = False, return_state: Any = False, **options: Any
) -> Any:
    """Return the recurrent layer of a cell.

    Args:
        cell: `LSTMCell`, `GRUCell` or `SimpleRNNCell`.
        return_sequences: As for `LSTM`.
        return_state: As for `LSTM`.
        **options: go_backwards, stateful, unroll, input_shape, name and trainable, as for `LSTM`.

    Raises:
        ConfigError: A cell of your own, several cells, or an unknown argument.

    Example:
        >>> RNN(LSTMCell(32), return_sequences=True)
        LSTM(32, return_sequences=True)
    """
    if isinstance(cell, list | tuple):
        raise _stacked(cell)
    if not isinstance(cell, LSTMCell):
        fix = "A cell of your own needs its kernel: docs/extend.md adds one."
        raise ConfigError("RNN takes a cell", got=repr(cell), expected="LSTMCell, GRUCell or SimpleRNNCell", fix=fix)
    if options.pop("zero_output_for_mask", None):
        raise ConfigError(
            "RNN has no zero_output_for_mask: outputs at masked steps are those of the step before",
            fix="Leave it out, and multiply the outputs by the mask.",
        )
    settings = {"return_sequences": return_sequences, "return_state": return_state} | options
    layer: Any = cell.layer
    return replace(layer, **settings)


def _stacked(cells: Any) -> ConfigError:
    """Return the error for several cells in one layer."""
    layers: list[Any] = [cell.layer for cell in cells if isinstance(cell, LSTMCell)]
    rows = [repr(replace(layer, return_sequences=True)) for layer in layers[:-1]] + [
        repr(layer) for layer in layers[-1:]
    ]
    fix = f"Write one layer after the other: {', '.join(rows)}." if rows else ""
    return ConfigError("Several cells in one layer are not available", got=f"{len(cells)} cells", fix=fix)
