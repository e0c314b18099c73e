"""How long units remember, which gates are stuck, which units do nothing, and what the others follow.

Letters: B sequences, T steps, H units.

A unit keeps a share r[t] of what it remembered: of an LSTM the forget gate f[t], of a GRU its update gate z[t]. After n
steps the product of n shares is left, so half of it is left after

    half-life = log(1/2) / mean(log r)

steps, the mean taken over the steps that were read. A plain RNN has no gate that keeps anything: its half-life is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError
from gatecast.nn.inspection.trace import LayerTrace, Trace

__all__ = ["HeatMap", "UnitMemory", "half_lives", "heat_map", "retention", "summarize_units"]

Floats = npt.NDArray[np.float64]
Table = dict[str, npt.NDArray[Any]]

LOW, HIGH = 0.1, 0.9
"""A gate below or above is as good as shut or open."""

STILL = 1e-3
"""Standard deviation of an output below which a unit does nothing."""

LEAST = 1e-6
"""Least share kept in a step: below it, all is gone."""

FOLLOWS = 0.5
"""Least correlation at which a unit is said to follow a signal."""

SURE = 3.0
"""Standard errors that a correlation must be away from 0, those of steps that do not depend on each other."""

CONSTANT = 1e-12
"""A signal that varies by less than this share of its size is constant: the rest is rounding."""

OPEN = ("i", "f", "o", "z", "r")
"""Gates between 0 and 1."""


@dataclass(frozen=True)
class UnitMemory:
    """What is to be said about units.

    Args:
        table: A row for each unit: layer, unit, half_life, saturation_low_<gate> and saturation_high_<gate> (shares of
            the steps), dead, follows (a signal, or "") and correlation.
        layers: A row for each layer: layer, units, half_life (the median over units), longest, dead and the mean
            saturations.
        sentence: The same in words.
    """

    table: Table
    layers: Table
    sentence: str


def retention(layer: LayerTrace) -> Floats | None:
    """The share of its memory that a unit keeps at each step: (B, T, H); None for cells without such a gate.

    LSTM: f; GRU: z; minimal GRU: 1 - z; minimal LSTM: f / (f + i); sLSTM, of its normalised memory c / n: 1 - i / n.

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


def half_lives(layer: LayerTrace, step: float = 1.0) -> Floats:
    """Steps until half of a unit's memory is gone: ``log(1/2) / mean(log r)``.

    Args:
        layer: What the gates did. The first step, before which there is nothing to remember, and steps that a mask
            skips do not count.
        step: Steps of the series in a step of the layer.

    Returns:
        (H,): inf for a unit that keeps everything, NaN for cells that have no such gate.

    >>> layer = LayerTrace("lstm_1", "lstm", np.arange(3), {"f": np.full((1, 3, 1), 0.5**0.1)}, {})
    >>> half_lives(layer).round(6).tolist()
    [10.0]
    """
    share = retention(layer)
    if share is None:
        return np.full(layer.units, np.nan)
    later = share[:, layer.rate :].reshape(-1, share.shape[2])
    seen = np.isfinite(later)
    logs = np.where(seen, np.log(np.clip(np.where(seen, later, 1.0), LEAST, 1.0)), 0.0)
    count = seen.sum(axis=0)
    mean = logs.sum(axis=0) / np.maximum(count, 1)
    with np.errstate(divide="ignore"):
        lives = np.log(0.5) / mean
    return np.asarray(np.where(count == 0, np.nan, np.where(mean == 0, np.inf, lives)) * layer.rate * step)


class HeatMap(NamedTuple):
    """A gate or state of one layer while it read one sequence, as a picture wants it.

    Args:
        values: (T, H), a column for each unit; NaN where a mask skips the step.
        times: (T,) of the rows.
        units: (H,) which unit each column is, the longest memory first.
        half_lives: (H,) of these units, in steps; NaN where there is none.
    """

    values: npt.NDArray[np.float32]
    times: npt.NDArray[Any]
    units: npt.NDArray[np.int64]
    half_lives: Floats


def heat_map(layer: LayerTrace, name: str, sequence: int = 0, step: float = 1.0) -> HeatMap:
    """A gate or state of a layer over time, its units in the order of their half-lives, the longest first.

    Units without a half-life, as those of an RNN, stand last, as they are numbered.

    Args:
        layer: What the gates did.
        name: Of a gate or a state of the layer, as "f" or "h".
        sequence: Which of the sequences is shown; half-lives are those of all.
        step: Steps of the series in a step of the network, the unit of half-lives.

    Raises:
        ConfigError: No such gate, state or sequence.

    >>> share = np.array([0.5, 0.9]) * np.ones((1, 3, 1))
    >>> found = heat_map(LayerTrace("lstm_1", "lstm", np.arange(3), {"f": share}, {"h": share}), "f")
    >>> found.values.shape, found.units.tolist(), found.half_lives.round(1).tolist()
    ((3, 2), [1, 0], [6.6, 1.0])
    """
    there = layer.gates | layer.states
    if name not in there:
        raise ConfigError(
            f"{layer.name} has no such gate or state", got=repr(name), expected=f"one of {', '.join(there)}"
        )
    rows = there[name]
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 <= sequence < len(rows):
        raise ConfigError("there is no such sequence", got=repr(sequence), expected=f"0 to {len(rows) - 1}")
    lives = half_lives(layer, step)
    if len(lives) != rows.shape[2]:
        # The outputs of a projection are mixtures of units.
        lives = np.full(rows.shape[2], np.nan)
    order = np.argsort(np.where(np.isnan(lives), np.inf, -lives), kind="stable")
    return HeatMap(rows[sequence][:, order], layer.times, order, lives[order])


def summarize_units(found: Trace, signals: Mapping[str, npt.ArrayLike] | None = None, step: float = 1.0) -> UnitMemory:
    """Half-lives, saturation, dead units, and what units follow.

    Args:
        found: What the gates did.
        signals: What a unit may follow, by name, each (T,), of any unit; NaN where unknown. The correlation is that
            with its memory c or, without one, its output h, at the same step. A unit follows the signal that it goes
            with best, if the correlation is 0.5 or more, and 3 standard errors: of 36 steps or less, more is asked,
            of 9 or less nothing is said.
        step: Steps of the series in a step of the network, the unit of half-lives.

    Returns:
        A row for each unit, one for each layer, and a sentence.

    Raises:
        ConfigError: A signal of another length, or one for several sequences.

    >>> from gatecast.nn.layers import LSTM
    >>> from gatecast.nn.network import initial_weights, build
    >>> from gatecast.nn.inspection.trace import trace
    >>> network = build([LSTM(2)], (None, 1))
    >>> memory = summarize_units(trace(network, initial_weights(network, 0), np.zeros((1, 9, 1))))
    >>> memory.table["half_life"].round(2).tolist(), memory.table["dead"].tolist()
    ([2.21, 2.21], [True, True])

    Source: Karpathy, Johnson & Fei-Fei 2015 (saturation); Tallec & Ollivier 2018 (time scales of forget gates).
    """
    names = [n for n in OPEN if any(n in one.gates for one in found.layers)]
    rows: list[Table] = []
    for layer in found.layers:
        lives, H = half_lives(layer, step), layer.units
        row: Table = {"layer": np.full(H, layer.name, object), "unit": np.arange(H), "half_life": lives}
        for name in names:
            low, high = _saturation(layer.gates.get(name), H)
            row |= {f"saturation_low_{name}": low, f"saturation_high_{name}": high}
        row["dead"] = _dead(layer, H)
        row["follows"], row["correlation"] = _followed(layer, signals or {}, H)
        rows.append(row)
    table = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    layers = _by_layer(rows)
    return UnitMemory(table, layers, _sentence(table, layers))


def _saturation(gate: Any, H: int) -> tuple[Floats, Floats]:
    """(H,) shares of steps at which a gate is shut, and open."""
    if gate is None:
        return np.full(H, np.nan), np.full(H, np.nan)
    seen = np.isfinite(gate)
    count = np.maximum(seen.sum(axis=(0, 1)), 1)
    return ((gate < LOW) & seen).sum(axis=(0, 1)) / count, ((gate > HIGH) & seen).sum(axis=(0, 1)) / count


def _dead(layer: LayerTrace, H: int) -> npt.NDArray[np.bool_]:
    """(H,) whether a unit's output hardly moves; with a projection, its memory."""
    h = layer.states["h"] if layer.states["h"].shape[2] == H else layer.states["c"]
    rows = h.reshape(-1, H)
    # Of a single step nothing can be said.
    return np.asarray((rows.std(axis=0) < STILL) & (len(rows) > 1))


def _followed(layer: LayerTrace, signals: Mapping[str, npt.ArrayLike], H: int) -> tuple[npt.NDArray[Any], Floats]:
    """(H,) the signal that each unit follows best, "" if none, and their correlation."""
    states = layer.states.get("c", layer.states["h"])
    B, T, size = states.shape
    best, who, least = np.zeros(size), np.full(size, "", object), np.full(size, FOLLOWS)
    for name, values in signals.items():
        signal = np.asarray(values, np.float64)
        if signal.shape != (T,) or B != 1:
            raise ConfigError(
                f"the signal {name!r} does not fit the trace",
                got=f"{signal.shape} for {B} sequences of {T} steps",
                expected=f"({T},) for one sequence",
            )
        seen = np.isfinite(signal)
        n = int(seen.sum())
        if n <= SURE**2:
            continue
        a, b = signal[seen], states[0, seen].astype(np.float64)
        if np.std(a) <= CONSTANT * np.abs(a).max():
            continue
        a, b = (a - a.mean()) / a.std(), b - b.mean(axis=0)
        spread = b.std(axis=0)
        moves = spread >= STILL
        r = np.where(moves, a @ b / (n * np.where(moves, spread, 1.0)), 0.0)
        better = np.abs(r) > np.abs(best)
        best, who = np.where(better, r, best), np.where(better, name, who)
        least = np.where(better, max(FOLLOWS, SURE / np.sqrt(n)), least)
    who = np.where(np.abs(best) >= least, who, "")
    pad = H - size
    return np.concatenate([who, np.full(pad, "", object)]), np.concatenate([best, np.full(pad, np.nan)])


def _by_layer(rows: list[Table]) -> Table:
    """A row for each layer."""
    told: dict[str, list[Any]] = {"layer": [], "units": [], "half_life": [], "longest": [], "dead": []}
    told |= {name: [] for name in rows[0] if name.startswith("saturation")}
    for row in rows:
        lives = row["half_life"][np.isfinite(row["half_life"]) | np.isinf(row["half_life"])]
        told["layer"].append(row["layer"][0])
        told["units"].append(len(row["unit"]))
        told["half_life"].append(np.median(lives) if len(lives) else np.nan)
        told["longest"].append(lives.max() if len(lives) else np.nan)
        told["dead"].append(int(row["dead"].sum()))
        for name in told:
            if name.startswith("saturation"):
                told[name].append(row[name].mean())
    return {name: np.asarray(column, object if name == "layer" else None) for name, column in told.items()}


def _sentence(table: Table, layers: Table) -> str:
    """What the tables say."""
    words = []
    for k, name in enumerate(layers["layer"]):
        middle, longest = layers["half_life"][k], layers["longest"][k]
        if np.isnan(middle):
            words.append(f"{name} has no gate that keeps a memory.")
        else:
            words.append(
                f"Half of the units of {name} keep half of what they remember for {_steps(middle)} or more; the "
                f"longest memory has a half-life of {_steps(longest)}."
            )
    dead, count = int(table["dead"].sum()), len(table["dead"])
    if dead:
        words.append(f"{dead} of {count} units do nothing: a smaller network would say the same.")
    followed = table["follows"][table["follows"] != ""]
    if len(followed):
        # A season's signals differ by the place of their peak alone.
        names, counts = np.unique([str(name).split(",")[0] for name in followed], return_counts=True)
        order = np.argsort(-counts, kind="stable")[:3]
        words.append(f"Of the units, {', '.join(f'{counts[k]} follow {names[k]}' for k in order)}.")
    return " ".join(words)


def _steps(count: float) -> str:
    """A number of steps in words."""
    return "no end of steps" if np.isinf(count) else f"{count:.3g} steps"
