"""Gates and states of a network of a fitted forecaster while it reads a series, and the signals that units follow.

Shapes: T values of a series, n_origins steps of the network, H units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, ColumnTable, FloatArray, IntArray
from gatecast.data.categories import MAX_CATEGORIES
from gatecast.data.panel import Panel
from gatecast.data.reader import attach_findings, to_frame_like
from gatecast.errors import ConfigError, DataError
from gatecast.forecasting.base import NetworkView
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import FittedEnsemble
from gatecast.nn.inspection.trace import LayerTrace, Trace, trace
from gatecast.nn.inspection.unit_memory import UnitMemory, summarize_units
from gatecast.pipeline.state import FittedState
from gatecast.results import resolve_series_id

__all__ = ["Gates", "find_series", "inspect_network"]

MAX_PHASES = 31
"""Length of a season up to which each of its steps is a signal."""

HOURS = tuple(f"{hour}:00" for hour in range(24))
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, eq=False)
class Gates:
    """What one network did while it read one series.

    Args:
        id: Id of the series.
        layers: Gates and states of its recurrent layers, with the times of the series.
        values: The series at these times, [n_origins].
        unit_memory: Half-lives, saturation and activity of units, and the signals that they follow.
        names: Names of the columns with id, or several of them, and time; None: the data have no ids.
        kind: Kind of table that `to_frame` returns.
        model: Column of the model that the network belongs to, as "LSTM" or "ES-LSTM".
        keys: Values of several id columns; empty if there are fewer than two.
        findings: What was noticed about the data, as sentences.
    """

    id: Any
    layers: tuple[LayerTrace, ...]
    values: FloatArray
    unit_memory: UnitMemory
    names: tuple[str | tuple[str, ...] | None, str]
    kind: str = "dict"
    model: str = ""
    keys: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[str, ...] = ()

    @property
    def table(self) -> ColumnTable:
        """One row for each layer, unit and time: id, time, value, layer, unit, i, f, o, g, c, h.

        Gates that a layer does not have are NaN; those of other cells follow h.
        """
        columns = Trace(self.layers).table()
        times = columns.pop("time")
        id_name, time_name = self.names
        keys = self.keys if isinstance(id_name, tuple) else {} if id_name is None else {id_name: self.id}
        table: ColumnTable = {name: np.full(len(times), value, object) for name, value in keys.items()}
        table[time_name] = times
        table["value"] = np.tile(self.values, len(times) // len(self.values))
        return table | columns

    def to_frame(self) -> Any:
        """Return `table` as a table of the kind that was passed in."""
        return attach_findings(to_frame_like(self.kind, self.table), self.findings)


def find_series(panel: Panel, id: Any) -> int:
    """Return the position of a series by its id; None: the first that has values.

    Raises:
        ConfigError: No such id.
    """
    if len(panel) == 1 and panel.columns.id is None:
        resolve_series_id(None, id)
        return 0
    return int(np.flatnonzero(panel.ids == resolve_series_id(panel.ids, id, panel))[0])


def inspect_network(
    fitted: FittedState, panel: Panel, context: PanelContext, series: int, member: int = 0, kind: str = "dict"
) -> Gates:
    """Return what a network does while it reads a series, exactly as it reads it to forecast.

    Args:
        fitted: Fitted models, networks among them.
        panel: Series.
        context: The same series as models read them.
        series: Position of the series in the panel.
        member: Position of the network: those of the first model that has some, then those of the next.
        kind: Kind of table that `to_frame` returns.

    Raises:
        ConfigError: Models without a network, no such member, or a network without recurrent layers.
        DataError: A series shorter than the window of the network, or without values.
    """
    ensemble, length = fitted.ensemble, int(panel.lengths[series])
    column, view = _network(ensemble, member)
    values = panel.series(series)
    if not np.isfinite(values).any() or length < view.input_size:
        raise DataError(
            "The series is shorter than the window of the network",
            where="" if panel.columns.id is None else f"series {panel.ids[series]}",
            got=f"{int(np.isfinite(values).sum())} values",
            expected=f"at least {view.input_size}",
        )
    x = view.inputs(ensemble.effects.remove(context.take([series])))
    origins = length - 1 - view.stride * np.arange(x.shape[1])[::-1]
    # What lies before the series is padding.
    inside = origins >= 0
    origins, times = origins[inside], panel.times(series)[origins[inside]]
    layers = tuple(_select_steps(layer, inside, times) for layer in trace(view.network, view.weights, x).layers)
    signals = _signals(panel, series, origins, times, fitted.season_length)
    memory = summarize_units(Trace(layers), signals, view.stride)
    names = panel.columns.id, panel.columns.time
    keys = {name: values[0] for name, values in panel.take([series]).keys.items()}
    return Gates(panel.ids[series], layers, values[origins], memory, names, kind, column, keys)


def _network(ensemble: FittedEnsemble, member: int) -> tuple[str, NetworkView]:
    """Return a recurrent network, with the column of its model."""
    networks = ensemble.networks()
    if not networks:
        raise ConfigError(
            "This model has no network with gates to show",
            got=", ".join(ensemble.columns),
            expected="lstm, gru, rnn, lstm-peephole, slstm, es-lstm, segrnn or a network of your own",
            fix='Fit a Forecaster with model="lstm".',
        )
    if isinstance(member, bool) or not isinstance(member, int) or not 0 <= member < len(networks):
        raise ConfigError(f"Invalid member {member!r}", expected=f"0 to {len(networks) - 1}", argument="member")
    network = networks[member][1].network
    if len(network.shapes[0]) == 1:
        kinds = ", ".join(type(layer).__name__ for layer in network.layers)
        raise ConfigError("This network has no recurrent layer with gates", got=kinds, expected="an LSTM or GRU")
    return networks[member]


def _select_steps(layer: LayerTrace, steps: BoolArray, times: npt.NDArray[Any]) -> LayerTrace:
    """Return a layer at some of its steps."""
    gates, states = ({name: rows[:, steps] for name, rows in part.items()} for part in (layer.gates, layer.states))
    return layer._replace(times=times, gates=gates, states=states)


def _signals(
    panel: Panel, series: int, origins: IntArray, times: npt.NDArray[Any], season_length: int
) -> Mapping[str, FloatArray]:
    """Return what units may follow: value, change, season and calendar, and the exogenous columns."""
    target, values = panel.columns.target, panel.series(series)
    signals = {target: values[origins], f"change of {target}": np.diff(values, prepend=np.nan)[origins]}
    rows = slice(panel.indptr[series], panel.indptr[series + 1])
    for name, column in (*panel.futr_exog.items(), *panel.hist_exog.items()):
        numbers = np.asarray(column[rows], np.float64)[origins]
        # The position of a category says nothing: each is a column of 0 and 1, as networks read it.
        for k, category in enumerate(panel.categories.get(name, ())[:MAX_CATEGORIES]):
            signals[f"{name} = {category}"] = (numbers == k).astype(np.float64)
        if name not in panel.categories:
            signals[name] = numbers
    calendar, m = _calendar(times), season_length
    all_phases = [phases for phases, _, _ in _calendar(panel.times(series)).values()]
    is_in_calendar = any((phases[m:] == phases[:-m]).all() for phases in all_phases)
    if not is_in_calendar and 1 < m <= MAX_PHASES:
        calendar |= {f"step {phase + 1} of {m}": (origins, phase, m) for phase in range(m)}
    for name, (phases, peak, period) in calendar.items():
        signals[f"season, highest at {name}"] = np.cos(2 * np.pi * (phases - peak) / period)
    return signals


def _calendar(times: npt.NDArray[Any]) -> dict[str, tuple[IntArray, int, int]]:
    """Return, by name of a month, hour or weekday, the phases of the times, the phase of the name, and the period."""
    calendar: dict[str, tuple[IntArray, int, int]] = {}
    if times.dtype.kind != "M":
        return calendar
    days = times.astype("M8[D]").astype(np.int64)
    months = times.astype("M8[M]").astype(np.int64) % 12
    hours = times.astype("M8[h]").astype(np.int64) % 24
    for names, phases in ((MONTHS, months), (HOURS, hours), (WEEKDAYS, (days + 3) % 7)):
        # Two phases of a cycle do not show where it is highest.
        if len(np.unique(phases)) > 2:
            calendar |= {name: (phases, phase, len(names)) for phase, name in enumerate(names)}
    # Months, quarters and years begin on any weekday, which is chance.
    if len(times) > 1 and np.median(np.diff(days)) >= len(WEEKDAYS):
        calendar = {name: item for name, item in calendar.items() if name not in WEEKDAYS}
    return calendar
