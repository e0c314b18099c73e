"""Inside a fitted forecaster: what the gates of one of its networks did while it read a series, and what units follow.

Letters: T values of a series, O steps that the network read, H units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.panel import Panel
from gatecast.data.reader import to_frame_like
from gatecast.errors import ConfigError, DataError
from gatecast.forecasting.base import HasNetworks
from gatecast.forecasting.context import MAX_CATEGORIES, PanelContext
from gatecast.forecasting.exogenous_regression import remove_effects
from gatecast.nn.inspection.trace import LayerTrace, Trace, trace
from gatecast.nn.inspection.unit_memory import UnitMemory, summarize_units
from gatecast.pipeline.state import FittedState
from gatecast.results import resolve_series_id

__all__ = ["Gates", "find_series", "inspect_network"]

Floats = npt.NDArray[np.float64]

MOST_PHASES = 31
"""Steps of a season up to which each may be the one at which a unit is highest."""

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
        id: Name of the series.
        layers: Gates and states of its recurrent layers, with the times of the series.
        values: (O,) the series at these times.
        unit_memory: Half-lives, saturation, dead units, what units follow.
        names: Of the columns with id and time; None: the data have no ids.
        kind: Of the table that came in.
        model: What the network is called among the models, as "LSTM" or "ES-LSTM".
    """

    id: Any
    layers: tuple[LayerTrace, ...]
    values: Floats
    unit_memory: UnitMemory
    names: tuple[str | None, str]
    kind: str = "dict"
    model: str = ""

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The columns of `table`."""
        columns = Trace(self.layers).table()
        times = columns.pop("time")
        id_name, time_name = self.names
        told: dict[str, npt.NDArray[Any]] = {} if id_name is None else {id_name: np.full(len(times), self.id, object)}
        told[time_name] = times
        told["value"] = np.tile(self.values, len(times) // len(self.values))
        return told | columns

    def table(self) -> Any:
        """One row for each layer, unit and time, of the kind of table that came in.

        Columns: id, time, value, layer, unit, i, f, o, g, c, h. Gates that a layer does not have are NaN; those of
        other cells follow h.
        """
        return to_frame_like(self.kind, self.columns())


def find_series(panel: Panel, id: Any) -> int:
    """Position of a series by its name; None: the first that has values.

    Raises:
        ConfigError: No such name.
    """
    if len(panel) == 1 and panel.columns.id is None:
        if id is None:
            return 0
        raise ConfigError("the series has no name", got=repr(id), expected="no id", fix="Leave id out.")
    return int(np.flatnonzero(panel.ids == resolve_series_id(panel.ids, id, panel))[0])


def inspect_network(
    trained: FittedState, panel: Panel, history: PanelContext, series: int, member: int = 0, kind: str = "dict"
) -> Gates:
    """What a network does while it reads a series, exactly as it reads it to forecast what comes.

    Args:
        trained: Models, networks among them.
        panel: Series.
        history: The same as models read them.
        series: Which of them.
        member: Which of the networks: those of the first model that has some, then those of the next.
        kind: Of the table that goes out.

    Raises:
        ConfigError: Models without a network, no such member, or a network without recurrent layers.
        DataError: A series shorter than the window of the network, or without values.
    """
    ensemble = trained.ensemble
    networks = [
        (column, view)
        for column, model in zip(ensemble.columns, ensemble.models, strict=True)
        if isinstance(model, HasNetworks)
        for view in model.networks()
    ]
    if not networks:
        raise ConfigError(
            "This model has no network with gates to show",
            got=", ".join(ensemble.columns),
            expected="lstm, gru, rnn, lstm-peephole, slstm, es-lstm or a network of your own",
            fix='Fit a Forecaster with model="lstm".',
        )
    if isinstance(member, bool) or not isinstance(member, int) or not 0 <= member < len(networks):
        raise ConfigError(f"Invalid member {member!r}", expected=f"0 to {len(networks) - 1}", argument="member")
    (column, view), length = networks[member], int(panel.lengths[series])
    own = panel.series(series)
    if not np.isfinite(own).any() or length < view.input_size:
        raise DataError(
            "the series is shorter than the window that the network reads",
            where="" if panel.columns.id is None else f"series {panel.ids[series]}",
            got=f"{int(np.isfinite(own).sum())} values",
            expected=f"at least {view.input_size}",
        )
    clean = remove_effects(ensemble.regression, history.take([series]))
    x, step, network = view.inputs(clean), view.stride, view.network
    if len(network.shapes[0]) == 1:
        kinds = ", ".join(type(layer).__name__ for layer in network.layers)
        raise ConfigError(
            "this network has no recurrent layer, so it has no gates", got=kinds, expected="an LSTM or GRU"
        )
    n_origins = x.shape[1]
    at = length - 1 - step * np.arange(n_origins)[::-1]
    found = trace(network, view.weights, x).layers
    # What lies before the series is padding.
    there = at >= 0
    times = panel.times(series)[at[there]]
    layers = tuple(_cut(layer, there, times) for layer in found)
    signals = _signals(panel, series, at[there], times, trained.season_length)
    memory = summarize_units(Trace(layers), signals, step)
    names = panel.columns.id, panel.columns.time
    return Gates(panel.ids[series], layers, own[at[there]], memory, names, kind, column)


def _cut(layer: LayerTrace, there: npt.NDArray[np.bool_], times: npt.NDArray[Any]) -> LayerTrace:
    """A layer at some steps."""
    gates, states = ({name: rows[:, there] for name, rows in part.items()} for part in (layer.gates, layer.states))
    return layer._replace(times=times, gates=gates, states=states)


def _signals(
    panel: Panel, series: int, at: npt.NDArray[np.int64], times: npt.NDArray[Any], season: int
) -> Mapping[str, Floats]:
    """What units may follow: value, change, season and calendar, and the columns beside the series."""
    name, values = panel.columns.target, panel.series(series)
    signals = {name: values[at], f"change of {name}": np.diff(values, prepend=np.nan)[at]}
    for column, numbers in (*panel.futr_exog.items(), *panel.hist_exog.items()):
        there = np.asarray(numbers[panel.indptr[series] : panel.indptr[series + 1]], np.float64)[at]
        for k, word in enumerate(panel.categories.get(column, ())[:MAX_CATEGORIES]):
            # The number of a word says nothing: each is a column of 0 and 1, as networks read it.
            signals[f"{column} = {word}"] = np.where(np.isfinite(there), there == k, np.nan)
        if column not in panel.categories:
            signals[column] = there
    calendar = _calendar(times)
    whole = _calendar(panel.times(series))
    told = any((places[season:] == places[:-season]).all() for places, _, _ in whole.values())
    if not told and 1 < season <= MOST_PHASES:
        calendar |= {f"step {phase + 1} of {season}": (at, phase, season) for phase in range(season)}
    for words, (steps, phase, period) in calendar.items():
        signals[f"season, highest at {words}"] = np.cos(2 * np.pi * (steps - phase) / period)
    return signals


def _calendar(times: npt.NDArray[Any]) -> dict[str, tuple[npt.NDArray[np.int64], int, int]]:
    """Words of the calendar: where each time lies in its cycle, the place of the word there, and the cycle's length."""
    found: dict[str, tuple[npt.NDArray[np.int64], int, int]] = {}
    if times.dtype.kind != "M":
        return found
    days = times.astype("M8[D]").astype(np.int64)
    months = times.astype("M8[M]").astype(np.int64) % 12
    hours = times.astype("M8[h]").astype(np.int64) % 24
    for words, steps in ((MONTHS, months), ((*(f"{k}:00" for k in range(24)),), hours), (WEEKDAYS, (days + 3) % 7)):
        # Of a cycle that is not seen at three places at least, nothing can be said.
        if len(np.unique(steps)) > 2:
            found |= {word: (steps, place, len(words)) for place, word in enumerate(words)}
    # Months, quarters and years begin on any weekday, which is chance.
    if len(times) > 1 and np.median(np.diff(days)) >= len(WEEKDAYS):
        found = {word: one for word, one in found.items() if word not in WEEKDAYS}
    return found
