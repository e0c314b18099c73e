"""What the gates did: the kernels' own values of every recurrent layer, step by step, as arrays and as a tidy table.

Letters: B sequences, T steps, H units, R outputs (H without projection), nb blocks of L lanes.

Nothing is computed again: these are the values that the forward pass keeps for the backward pass, so they are what the
forecast was made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError
from gatecast.kernels.cells import CELLS
from gatecast.kernels.native import Cache
from gatecast.kernels.packing import Array, pack, pack_mask, unpack
from gatecast.nn.inputs import validate_inputs
from gatecast.nn.layers.base import Layer
from gatecast.nn.layers.bidirectional import Bidirectional
from gatecast.nn.layers.concatenate import Concatenate
from gatecast.nn.layers.dilated import Dilated, to_steps
from gatecast.nn.layers.recurrent import Recurrent
from gatecast.nn.layers.residual import Residual
from gatecast.nn.network import Network, Weights, forward

__all__ = ["FIRST", "LayerTrace", "Trace", "trace"]

FIRST = ("i", "f", "o", "g", "c", "h")
"""Columns of every table, in this order; gates of other cells follow."""

STATES = ("h", "c", "n")
"""Names that are states, not gates."""

HIDDEN = ("q", "rh", "s")
"""Kept for the backward pass alone: products on the way, which are no gates."""


class LayerTrace(NamedTuple):
    """What one layer did.

    Args:
        name: As "lstm_1": the kind of layer, and its number among the recurrent ones.
        cell: Name of the cell, of `cells.CELLS`.
        times: (T,) of the steps.
        gates: (B, T, H) by name, in the cell's order; NaN where a mask skips the step.
        states: (B, T, R or H) by name, "h" among them, carried over where a mask skips the step.
        rate: Steps from a step to the one whose state it reads; above 1 in a `Dilated` layer.
    """

    name: str
    cell: str
    times: npt.NDArray[Any]
    gates: dict[str, Array]
    states: dict[str, Array]
    rate: int = 1

    @property
    def units(self) -> int:
        """H."""
        first = next(iter(self.gates.values()), self.states["h"])
        return int(first.shape[2])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(B, H or R, T), the larger of units and outputs: what a column of the table holds."""
        h = self.states["h"]
        return h.shape[0], max(self.units, h.shape[2]), len(self.times)


class Trace(NamedTuple):
    """What all recurrent layers did, the first one first."""

    layers: tuple[LayerTrace, ...]

    def table(self) -> dict[str, npt.NDArray[Any]]:
        """One row for each layer, sequence, unit and time.

        Returns:
            Columns "layer", "sequence" if there are several, "unit" from 0 on, "time", then i, f, o, g, c, h and the
            gates of other cells; NaN where a layer has no such gate.
        """
        names = [*FIRST, *dict.fromkeys(n for one in self.layers for n in (*one.gates, *one.states) if n not in FIRST)]
        shapes = [one.shape for one in self.layers]
        ends = np.cumsum([0, *(B * H * T for B, H, T in shapes)])
        kinds: dict[str, Any] = {"layer": object, "sequence": np.int64, "unit": np.int64}
        kinds |= {"time": self.layers[0].times.dtype, **dict.fromkeys(names, np.float32)}
        if shapes[0][0] == 1:
            del kinds["sequence"]
        # Columns are written in place, layer by layer: putting parts together would take as long again.
        table = {name: np.empty(ends[-1], kind) for name, kind in kinds.items()}
        for k, (one, (B, H, T)) in enumerate(zip(self.layers, shapes, strict=True)):
            here = {name: column[ends[k] : ends[k + 1]].reshape(B, H, T) for name, column in table.items()}
            here["layer"][...], here["unit"][...], here["time"][...] = one.name, np.arange(H)[:, None], one.times
            if "sequence" in here:
                here["sequence"][...] = np.arange(B)[:, None, None]
            values = one.gates | one.states
            for name in names:
                # With a projection there are fewer outputs than units.
                told = values[name].shape[2] if name in values else 0
                here[name][:, told:] = np.nan
                if told:
                    here[name][:, :told] = values[name].transpose(0, 2, 1)
        return table


def trace(
    network: Network,
    weights: Weights,
    x: npt.ArrayLike,
    mask: npt.ArrayLike | None = None,
    times: npt.NDArray[Any] | None = None,
) -> Trace:
    """Run a network over sequences and keep what its gates did.

    Args:
        network: Layers, some of them recurrent, also inside `Residual`, `Bidirectional`, `Dilated` and `Concatenate`.
        weights: Their parameters.
        x: (B, T, F), finite where the mask is True.
        mask: (B, T), False where a step is skipped; None: every step counts.
        times: (T,) of the steps; None: 0, 1, 2, ...

    Returns:
        Gates and states of every recurrent layer, float32, exactly the values of the forward pass.

    Raises:
        ConfigError: No recurrent layer, or times of another shape.
        DataError: Inputs of another shape, or NaN among them.

    >>> from gatecast.nn.layers import LSTM, Dense
    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([LSTM(2), Dense(1)], (None, 1))
    >>> found = trace(network, initial_weights(network, 0), np.ones((1, 5, 1)))
    >>> found.layers[0].name, found.layers[0].gates["f"].shape
    ('lstm_1', (1, 5, 2))
    >>> list(found.table())
    ['layer', 'unit', 'time', 'i', 'f', 'o', 'g', 'c', 'h']

    Source: Karpathy, Johnson & Fei-Fei 2015 (looking at the gates).
    """
    values, read = validate_inputs(x, network.shapes[0], mask=mask)
    B, T, _ = values.shape
    when = np.arange(T) if times is None else np.asarray(times)
    if when.shape != (T,):
        raise ConfigError("the times do not fit x", got=f"{when.shape}", expected=f"({T},)")
    packed = None if read is None else pack_mask(read)
    _, caches = forward(network, weights, pack(values), packed, n_sequences=B)
    layers: list[LayerTrace] = []
    for layer, cache in zip(network.layers, caches, strict=True):
        for found in _recurrent(layer, cache, _same):
            kind = f"{type(found.layer).__name__.lower()}_{len(layers) + 1}{found.way}"
            layers.append(_read(found, kind, when, B))
    if not layers:
        kinds = ", ".join(type(layer).__name__ for layer in network.layers)
        raise ConfigError(
            "this network has no recurrent layer, so it has no gates",
            got=kinds,
            expected="an LSTM, GRU or RNN among them",
        )
    return Trace(tuple(layers))


Turn = Callable[[Array], Array]


class _Found(NamedTuple):
    """A recurrent layer inside a network, its cache, and the way of its steps to those of the network."""

    layer: Recurrent
    cache: Cache
    turn: Turn
    way: str = ""
    rate: int = 1


def _recurrent(layer: Layer, cache: Any, turn: Turn, way: str = "") -> Iterator[_Found]:
    """The recurrent layers in a layer, in the order of their work."""
    if isinstance(layer, Recurrent):
        yield _Found(layer, cache[0], turn, way)
    elif isinstance(layer, Residual):
        yield from _recurrent(layer.layer, cache, turn, way)
    elif isinstance(layer, Dilated):
        (inner, _), (nb, T, _, _), _ = cache
        yield _Found(layer.layer, inner, lambda rows: turn(to_steps(rows, nb, T)), way, layer.rate)
    elif isinstance(layer, Bidirectional):
        yield from _recurrent(layer.layer, cache[0], turn, f"{way}_forward")
        yield from _recurrent(layer.layer, cache[1], lambda rows: turn(rows[:, ::-1]), f"{way}_backward")
    elif isinstance(layer, Concatenate):
        for b, branch in enumerate(layer.branches):
            inside: Sequence[Layer] = branch if isinstance(branch, list | tuple) else (branch,)
            for own, kept in zip(inside, cache[1][b], strict=True):
                yield from _recurrent(own, kept, turn, f"{way}_branch{b + 1}")


def _same(rows: Array) -> Array:
    """Steps that are those of the network already."""
    return rows


def _read(found: _Found, name: str, times: npt.NDArray[Any], B: int) -> LayerTrace:
    """Arrays (B, T, .) of what a layer kept."""
    cache = found.cache
    kept = {n: cache.saved_rows(n) for n in CELLS[cache.cell].saved if n not in HIDDEN}
    if cache.cell == "lstm_coupled":
        kept = {"i": 1 - kept["f"], **kept}
    states = {"h": cache.y} | {n: kept.pop(n) for n in STATES if n in kept}
    if cache.mask is not None:
        skipped = cache.mask[:, :, None] == 0
        # States are kept as they are carried on; gates of a skipped step are numbers that nothing was done with.
        kept = {n: np.where(skipped, np.float32(np.nan), gate) for n, gate in kept.items()}
    gates, states = (
        {n: unpack(np.ascontiguousarray(found.turn(rows)), B) for n, rows in part.items()} for part in (kept, states)
    )
    return LayerTrace(name, cache.cell, times, gates, states, found.rate)
