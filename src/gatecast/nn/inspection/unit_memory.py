"""Memory of units: half-lives, saturated gates, inactive units, and correlations of units with signals.

At step t a unit retains a fraction r[t] of its memory: the forget gate f[t] in an LSTM, the update gate z[t] in a GRU.
After n steps the product of n fractions is left, so that half of the memory is left after

    half-life = log(1/2) / mean(log r)

steps. A plain RNN has no such gate; its half-life is NaN.

Shapes: B sequences, T steps, H units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, ColumnTable, Float32Array, FloatArray, IntArray
from gatecast.errors import ConfigError
from gatecast.nn.inspection.trace import LayerTrace, Trace

__all__ = ["HeatMap", "UnitMemory", "half_lives", "heat_map", "retention", "summarize_units"]

LOW, HIGH = 0.1, 0.9
"""A gate below LOW or above HIGH is saturated."""

MIN_STD = 1e-3
"""A unit whose output has a smaller standard deviation is inactive."""

MIN_RETENTION = 1e-6
"""Smallest retained fraction of a step, so that its logarithm is finite."""

MIN_CORRELATION = 0.5
"""Smallest absolute correlation at which a unit follows a signal."""

MIN_STANDARD_ERRORS = 3.0
"""Smallest distance of that correlation from 0, in standard errors of independent steps."""

CONSTANT = 1e-12
"""A signal with a smaller relative standard deviation is constant: the rest is rounding."""

SIGMOID_GATES = ("i", "f", "o", "z", "r")
"""Gates between 0 and 1."""


@dataclass(frozen=True)
class UnitMemory:
    """Memory of the units of a network.

    Args:
        table: One row per unit: layer, unit, half_life, saturation_low_<gate> and saturation_high_<gate> (fractions of
            the steps), dead (whether the unit is inactive), follows (a signal, or "") and correlation.
        layers: One row per layer: layer, units, half_life (median over units), longest, dead (number of inactive units)
            and mean saturations.
        sentence: A summary of the tables as text.
    """

    table: ColumnTable
    layers: ColumnTable
    sentence: str


def retention(layer: LayerTrace) -> FloatArray | None:
    """Return the fraction of its memory that a unit retains at each step, (B, T, H); None for cells without memory.

    LSTM: f; GRU: z; minimal GRU: 1 - z; minimal LSTM: f / (f + i); sLSTM, for its normalized memory c / n: 1 - i / n.

    >>> retention(LayerTrace("lstm_1", "lstm", np.arange(2), {"f": np.full((1, 2, 1), 0.5)}, {}))[0, :, 0].tolist()
    [0.5, 0.5]
    """
    gates = {name: gate.astype(np.float64) for name, gate in layer.gates.items()}
    if layer.cell.startswith("lstm"):
        return gates["f"]
    if layer.cell.startswith("gru"):
        return gates["z"]
    if layer.cell == "min_gru":
        return np.asarray(1 - gates["z"])
    if layer.cell == "min_lstm":
        return np.asarray(gates["f"] / (gates["f"] + gates["i"]))
    if layer.cell == "slstm":
        return np.asarray(1 - gates["i"] / layer.states["n"])
    return None


def half_lives(layer: LayerTrace, step: float = 1.0) -> FloatArray:
    """Compute the number of steps after which half of a unit's memory is left: ``log(1/2) / mean(log r)``.

    Args:
        layer: The gates of a layer. The first step, which has no memory before it, and skipped steps do not count.
        step: Steps of the series per step of the layer.

    Returns:
        Half-lives (H,): infinite for a unit that retains everything, NaN for cells without memory.

    >>> layer = LayerTrace("lstm_1", "lstm", np.arange(3), {"f": np.full((1, 3, 1), 0.5**0.1)}, {})
    >>> half_lives(layer).round(6).tolist()
    [10.0]
    """
    fraction = retention(layer)
    if fraction is None:
        return np.full(layer.units, np.nan)
    later = fraction[:, layer.rate :].reshape(-1, fraction.shape[2])
    known = np.isfinite(later)
    logs = np.where(known, np.log(np.clip(np.where(known, later, 1.0), MIN_RETENTION, 1.0)), 0.0)
    n_known = known.sum(axis=0)
    mean = logs.sum(axis=0) / np.maximum(n_known, 1)
    with np.errstate(divide="ignore"):
        lives = np.log(0.5) / mean
    return np.asarray(np.where(n_known == 0, np.nan, np.where(mean == 0, np.inf, lives)) * layer.rate * step)


class HeatMap(NamedTuple):
    """A gate or state of one layer over one sequence, ready to plot.

    Args:
        values: (T, H), one column per unit; NaN in skipped steps.
        times: (T,) times of the rows.
        units: (H,) units of the columns, by decreasing half-life.
        half_lives: (H,) half-lives of these units, in steps; NaN for cells without memory.
    """

    values: Float32Array
    times: npt.NDArray[Any]
    units: IntArray
    half_lives: FloatArray


def heat_map(layer: LayerTrace, name: str, sequence: int = 0, step: float = 1.0) -> HeatMap:
    """Return a gate or state of a layer over time, its units ordered by decreasing half-life.

    Units without a half-life, such as those of an RNN, come last, in their own order.

    Args:
        layer: Gates and states of a layer.
        name: A gate or state of the layer, such as "f" or "h".
        sequence: Index of the sequence to show; half-lives are those over all sequences.
        step: Steps of the series per step of the network, for half-lives in steps of the series.

    Raises:
        ConfigError: No such gate, state or sequence.

    >>> retained = np.array([0.5, 0.9]) * np.ones((1, 3, 1))
    >>> result = heat_map(LayerTrace("lstm_1", "lstm", np.arange(3), {"f": retained}, {"h": retained}), "f")
    >>> result.values.shape, result.units.tolist(), result.half_lives.round(1).tolist()
    ((3, 2), [1, 0], [6.6, 1.0])
    """
    values = layer.gates | layer.states
    if name not in values:
        what = f"Unknown gate or state {name!r}"
        raise ConfigError(what, where=layer.name, expected=f"one of {', '.join(values)}", argument="name")
    rows = values[name]
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 <= sequence < len(rows):
        expected = f"an integer from 0 to {len(rows) - 1}"
        raise ConfigError(f"Invalid sequence {sequence!r}", expected=expected, argument="sequence")
    lives = half_lives(layer, step)
    if len(lives) != rows.shape[2]:
        # The outputs of a projection mix units.
        lives = np.full(rows.shape[2], np.nan)
    order = np.argsort(np.where(np.isnan(lives), np.inf, -lives), kind="stable")
    return HeatMap(rows[sequence][:, order], layer.times, order, lives[order])


def summarize_units(trace: Trace, signals: Mapping[str, npt.ArrayLike] | None = None, step: float = 1.0) -> UnitMemory:
    """Compute half-lives, saturation and activity of units, and the signals that they follow.

    Args:
        trace: Gates and states of a network.
        signals: Signals by name, each (T,), in any unit of measurement; NaN where unknown. They are correlated with
            the memory c of a unit or, without one, its output h, at the same step. A unit follows the signal with the
            largest absolute correlation, if this is at least 0.5 and 3 standard errors; with 9 steps or fewer it
            follows none.
        step: Steps of the series per step of the network, for half-lives in steps of the series.

    Returns:
        One row per unit, one row per layer, and a summary as text.

    Raises:
        ConfigError: A signal of another length, or signals for several sequences.

    >>> from gatecast.nn.layers import LSTM
    >>> from gatecast.nn.network import build, initial_weights
    >>> from gatecast.nn.inspection.trace import trace
    >>> network = build([LSTM(2)], (None, 1))
    >>> memory = summarize_units(trace(network, initial_weights(network, 0), np.zeros((1, 9, 1))))
    >>> memory.table["half_life"].round(2).tolist(), memory.table["dead"].tolist()
    ([2.21, 2.21], [True, True])

    Source: Karpathy, Johnson & Fei-Fei 2015 (saturation); Tallec & Ollivier 2018 (time scales of forget gates).
    """
    gates = [name for name in SIGMOID_GATES if any(name in layer.gates for layer in trace.layers)]
    by_layer = [_unit_rows(layer, gates, signals or {}, step) for layer in trace.layers]
    table = {name: np.concatenate([rows[name] for rows in by_layer]) for name in by_layer[0]}
    layers = _layer_rows(by_layer)
    return UnitMemory(table, layers, _summarize(table, layers))


def _unit_rows(
    layer: LayerTrace, gates: Sequence[str], signals: Mapping[str, npt.ArrayLike], step: float
) -> ColumnTable:
    """Return one row per unit of a layer."""
    H = layer.units
    rows: ColumnTable = {
        "layer": np.full(H, layer.name, object),
        "unit": np.arange(H),
        "half_life": half_lives(layer, step),
    }
    for name in gates:
        low, high = _saturation(layer.gates.get(name), H)
        rows |= {f"saturation_low_{name}": low, f"saturation_high_{name}": high}
    rows["dead"] = _is_inactive(layer, H)
    rows["follows"], rows["correlation"] = _followed_signals(layer, signals, H)
    return rows


def _saturation(gate: Float32Array | None, H: int) -> tuple[FloatArray, FloatArray]:
    """Return the fractions of steps (H,) at which a gate is closed, and open."""
    if gate is None:
        return np.full(H, np.nan), np.full(H, np.nan)
    known = np.isfinite(gate)
    n_known = np.maximum(known.sum(axis=(0, 1)), 1)
    return ((gate < LOW) & known).sum(axis=(0, 1)) / n_known, ((gate > HIGH) & known).sum(axis=(0, 1)) / n_known


def _is_inactive(layer: LayerTrace, H: int) -> BoolArray:
    """Return whether the output of a unit hardly changes, (H,); with a projection, its memory."""
    h = layer.states["h"] if layer.states["h"].shape[2] == H else layer.states["c"]
    rows = h.reshape(-1, H)
    # A single step shows no change.
    return np.asarray((rows.std(axis=0) < MIN_STD) & (len(rows) > 1))


def _followed_signals(
    layer: LayerTrace, signals: Mapping[str, npt.ArrayLike], H: int
) -> tuple[npt.NDArray[Any], FloatArray]:
    """Return the signal that each unit follows (H,), "" for none, and their correlation."""
    states = layer.states.get("c", layer.states["h"])
    B, T, size = states.shape
    best, best_name, threshold = np.zeros(size), np.full(size, "", object), np.full(size, MIN_CORRELATION)
    for name, values in signals.items():
        signal = np.asarray(values, np.float64)
        if signal.shape != (T,) or B != 1:
            raise ConfigError(
                f"The signal {name!r} does not fit the trace",
                got=f"{signal.shape} for {B} sequences of {T} steps",
                expected=f"({T},) for one sequence",
            )
        known = np.isfinite(signal)
        n = int(known.sum())
        if n <= MIN_STANDARD_ERRORS**2:
            continue
        r = _correlations(signal[known], states[0, known].astype(np.float64))
        better = np.abs(r) > np.abs(best)
        best, best_name = np.where(better, r, best), np.where(better, name, best_name)
        threshold = np.where(better, max(MIN_CORRELATION, MIN_STANDARD_ERRORS / np.sqrt(n)), threshold)
    best_name = np.where(np.abs(best) >= threshold, best_name, "")
    padding = H - size
    return (
        np.concatenate([best_name, np.full(padding, "", object)]),
        np.concatenate([best, np.full(padding, np.nan)]),
    )


def _correlations(signal: FloatArray, states: FloatArray) -> FloatArray:
    """Return the correlations of a signal (n,) with states (n, H); 0 where one of them is constant."""
    if np.std(signal) <= CONSTANT * np.abs(signal).max():
        return np.zeros(states.shape[1])
    centered = states - states.mean(axis=0)
    std = centered.std(axis=0)
    varies = std >= MIN_STD
    standardized = (signal - signal.mean()) / signal.std()
    return np.asarray(np.where(varies, standardized @ centered / (len(signal) * np.where(varies, std, 1.0)), 0.0))


def _layer_rows(by_layer: list[ColumnTable]) -> ColumnTable:
    """Return one row per layer."""
    columns: dict[str, list[Any]] = {"layer": [], "units": [], "half_life": [], "longest": [], "dead": []}
    columns |= {name: [] for name in by_layer[0] if name.startswith("saturation")}
    for rows in by_layer:
        lives = rows["half_life"][~np.isnan(rows["half_life"])]
        columns["layer"].append(rows["layer"][0])
        columns["units"].append(len(rows["unit"]))
        columns["half_life"].append(np.median(lives) if len(lives) else np.nan)
        columns["longest"].append(lives.max() if len(lives) else np.nan)
        columns["dead"].append(int(rows["dead"].sum()))
        for name in columns:
            if name.startswith("saturation"):
                columns[name].append(rows[name].mean())
    return {name: np.asarray(column, object if name == "layer" else None) for name, column in columns.items()}


def _summarize(table: ColumnTable, layers: ColumnTable) -> str:
    """Return the tables as text."""
    sentences = []
    for name, median, longest in zip(layers["layer"], layers["half_life"], layers["longest"], strict=True):
        if np.isnan(median):
            sentences.append(f"{name} has no gate that retains memory.")
        else:
            sentences.append(
                f"Half of the units of {name} have a memory with a half-life of {_format_steps(median)} or more; the "
                f"longest is {_format_steps(longest)}."
            )
    n_inactive, n_units = int(table["dead"].sum()), len(table["dead"])
    if n_inactive:
        sentences.append(f"{n_inactive} of {n_units} units are inactive: a smaller network would do as well.")
    followed = table["follows"][table["follows"] != ""]
    if len(followed):
        # The signals of a season differ only in the position of their peak.
        names, counts = np.unique([str(name).split(",")[0] for name in followed], return_counts=True)
        order = np.argsort(-counts, kind="stable")[:3]
        sentences.append(f"Units that follow a signal: {', '.join(f'{counts[k]} follow {names[k]}' for k in order)}.")
    return " ".join(sentences)


def _format_steps(n_steps: float) -> str:
    """Return a number of steps as text."""
    return "infinitely many steps" if np.isinf(n_steps) else f"{n_steps:.3g} steps"
