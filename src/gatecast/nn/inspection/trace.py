"""Gates and states of every recurrent layer, step by step, as arrays and as a tidy table.

These are the values that the forward pass saves for the backward pass; nothing is computed again.

Shapes: B sequences, T steps, H units, R outputs (H without projection), nb blocks of L lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import ColumnTable, Float32Array
from gatecast.errors import ConfigError
from gatecast.kernels.cells import CELLS
from gatecast.kernels.native import Cache
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.nn.inputs import validate_inputs
from gatecast.nn.layers.base import Layer
from gatecast.nn.layers.bidirectional import Bidirectional
from gatecast.nn.layers.concatenate import Concatenate
from gatecast.nn.layers.dilated import Dilated, to_steps
from gatecast.nn.layers.recurrent import Recurrent
from gatecast.nn.layers.residual import Residual
from gatecast.nn.network import Network, Weights, forward

__all__ = ["FIRST_COLUMNS", "LayerTrace", "Trace", "trace"]

FIRST_COLUMNS = ("i", "f", "o", "g", "c", "h")
"""Gates and states that every table has, in this order; the gates of other cells follow."""

STATES = ("h", "c", "n")
"""Names of states, as opposed to gates."""

INTERMEDIATES = ("q", "rh", "s", "z_h", "z_i", "z_f", "z_o", "z_g", "z_z", "z_r")
"""Saved products that are neither gates nor states."""


class LayerTrace(NamedTuple):
    """Gates and states of one layer.

    Args:
        name: Such as "lstm_1": the kind of layer, and its number among the recurrent layers.
        cell: Name of the cell, a key of `cells.CELLS`.
        times: (T,) times of the steps.
        gates: (B, T, H) by name, in the order of the cell; NaN in skipped steps.
        states: (B, T, R or H) by name, including "h"; carried over in skipped steps.
        rate: Distance between a step and the step whose state it reads; above 1 in a `Dilated` layer.
    """

    name: str
    cell: str
    times: npt.NDArray[Any]
    gates: dict[str, Float32Array]
    states: dict[str, Float32Array]
    rate: int = 1

    @property
    def units(self) -> int:
        """Number of units."""
        first = next(iter(self.gates.values()), self.states["h"])
        return int(first.shape[2])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a column of the table: (B, H or R, T), with the larger of units and outputs."""
        h = self.states["h"]
        return h.shape[0], max(self.units, h.shape[2]), len(self.times)


class Trace(NamedTuple):
    """Gates and states of all recurrent layers, in order."""

    layers: tuple[LayerTrace, ...]

    def table(self) -> ColumnTable:
        """Return a table with one row for each layer, sequence, unit and time.

        Returns:
            Columns "layer", "sequence" if there are several, "unit" from 0, "time", then i, f, o, g, c, h and the
            gates of other cells; NaN where a layer has no such gate.
        """
        names = list(FIRST_COLUMNS)
        names += dict.fromkeys(n for layer in self.layers for n in (*layer.gates, *layer.states) if n not in names)
        shapes = [layer.shape for layer in self.layers]
        ends = np.cumsum([0, *(B * H * T for B, H, T in shapes)])
        dtypes: dict[str, Any] = {"layer": object, "sequence": np.int64, "unit": np.int64}
        dtypes |= {"time": self.layers[0].times.dtype, **dict.fromkeys(names, np.float32)}
        if shapes[0][0] == 1:
            del dtypes["sequence"]
        # Columns are written in place, layer by layer: concatenation would take as long again.
        table = {name: np.empty(ends[-1], dtype) for name, dtype in dtypes.items()}
        for k, (layer, shape) in enumerate(zip(self.layers, shapes, strict=True)):
            _fill(layer, {name: column[ends[k] : ends[k + 1]].reshape(shape) for name, column in table.items()}, names)
        return table


def trace(
    network: Network,
    weights: Weights,
    x: npt.ArrayLike,
    mask: npt.ArrayLike | None = None,
    times: npt.NDArray[Any] | None = None,
) -> Trace:
    """Run a network over sequences and record the gates and states of its recurrent layers.

    Args:
        network: Layers, at least one of them recurrent; also inside `Residual`, `Bidirectional`, `Dilated` and
            `Concatenate`.
        weights: The parameters.
        x: (B, T, F), finite where the mask is True.
        mask: (B, T), False where a step is skipped; None: no step is skipped.
        times: (T,) times of the steps; None: 0, 1, 2, ...

    Returns:
        Gates and states of every recurrent layer, float32: exactly the values of the forward pass.

    Raises:
        ConfigError: No recurrent layer, or times of another shape.
        DataError: Inputs of another shape, NaN or infinity.

    >>> from gatecast.nn.layers import LSTM, Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([LSTM(2), Dense(1)], (None, 1))
    >>> result = trace(network, initial_weights(network, 0), np.ones((1, 5, 1)))
    >>> result.layers[0].name, result.layers[0].gates["f"].shape
    ('lstm_1', (1, 5, 2))
    >>> list(result.table())
    ['layer', 'unit', 'time', 'i', 'f', 'o', 'g', 'c', 'h']

    Source: Karpathy, Johnson & Fei-Fei 2015.
    """
    values, valid_mask = validate_inputs(x, network.shapes[0], mask=mask)
    B, T, _ = values.shape
    step_times = np.arange(T) if times is None else np.asarray(times)
    if step_times.shape != (T,):
        raise ConfigError("The times do not fit x", got=f"{step_times.shape}", expected=f"({T},)")
    packed_mask = None if valid_mask is None else pack_mask(valid_mask)
    _, caches = forward(network, weights, pack(values), packed_mask, n_sequences=B)
    layers: list[LayerTrace] = []
    for layer, cache in zip(network.layers, caches, strict=True):
        for run in _recurrent_runs(layer, cache, _identity):
            name = f"{type(run.layer).__name__.lower()}_{len(layers) + 1}{run.suffix}"
            layers.append(_layer_trace(run, name, step_times, B))
    if not layers:
        kinds = ", ".join(type(layer).__name__ for layer in network.layers)
        raise ConfigError("The network has no recurrent layer", got=kinds, expected="at least one LSTM, GRU or RNN")
    return Trace(tuple(layers))


ToNetworkSteps = Callable[[Float32Array], Float32Array]
"""Puts the steps of a layer into the order of the network."""


class _Run(NamedTuple):
    """A recurrent layer inside a network, with its cache."""

    layer: Recurrent
    cache: Cache
    to_network_steps: ToNetworkSteps
    suffix: str = ""
    rate: int = 1


def _recurrent_runs(layer: Layer, cache: Any, to_network_steps: ToNetworkSteps, suffix: str = "") -> Iterator[_Run]:
    """Yield the recurrent layers inside a layer, in the order in which they run."""
    if isinstance(layer, Recurrent):
        yield _Run(layer, cache[0], to_network_steps, suffix)
    elif isinstance(layer, Residual):
        yield from _recurrent_runs(layer.layer, cache, to_network_steps, suffix)
    elif isinstance(layer, Dilated):
        (inner, _), (nb, T, _, _), _ = cache
        yield _Run(layer.layer, inner, lambda rows: to_network_steps(to_steps(rows, nb, T)), suffix, layer.rate)
    elif isinstance(layer, Bidirectional):
        yield from _recurrent_runs(layer.layer, cache[0], to_network_steps, f"{suffix}_forward")
        yield from _recurrent_runs(
            layer.layer, cache[1], lambda rows: to_network_steps(rows[:, ::-1]), f"{suffix}_backward"
        )
    elif isinstance(layer, Concatenate):
        for b, branch in enumerate(layer.branches):
            branch_layers: Sequence[Layer] = branch if isinstance(branch, list | tuple) else (branch,)
            for inner_layer, inner_cache in zip(branch_layers, cache[1][b], strict=True):
                yield from _recurrent_runs(inner_layer, inner_cache, to_network_steps, f"{suffix}_branch{b + 1}")


def _identity(rows: Float32Array) -> Float32Array:
    """Return steps that are in the order of the network already."""
    return rows


def _layer_trace(run: _Run, name: str, times: npt.NDArray[Any], B: int) -> LayerTrace:
    """Return the saved values of a layer, unpacked."""
    cache = run.cache
    gates = {n: cache.saved_rows(n) for n in CELLS[cache.cell].saved if n not in INTERMEDIATES}
    if cache.cell == "lstm_coupled":
        gates = {"i": 1 - gates["f"], **gates}
    states = {"h": cache.y} | {n: gates.pop(n) for n in STATES if n in gates}
    if cache.mask is not None:
        skipped = cache.mask[:, :, None] == 0
        # States are saved as carried over; the gates of a skipped step had no effect.
        gates = {n: np.where(skipped, np.float32(np.nan), gate) for n, gate in gates.items()}
    gates, states = (
        {n: unpack(np.ascontiguousarray(run.to_network_steps(rows)), B) for n, rows in arrays.items()}
        for arrays in (gates, states)
    )
    return LayerTrace(name, cache.cell, times, gates, states, run.rate)


def _fill(layer: LayerTrace, columns: ColumnTable, names: Sequence[str]) -> None:
    """Write a layer into its rows of the table, views of shape (B, H or R, T)."""
    B, H, _ = layer.shape
    columns["layer"][...], columns["unit"][...], columns["time"][...] = layer.name, np.arange(H)[:, None], layer.times
    if "sequence" in columns:
        columns["sequence"][...] = np.arange(B)[:, None, None]
    values = layer.gates | layer.states
    for name in names:
        # With a projection there are fewer outputs than units.
        width = values[name].shape[2] if name in values else 0
        columns[name][:, width:] = np.nan
        if width:
            columns[name][:, :width] = values[name].transpose(0, 2, 1)
