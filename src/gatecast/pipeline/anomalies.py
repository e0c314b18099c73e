"""Which values of a series are anomalies, as a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.panel import Panel, check_outputs
from gatecast.errors import ConfigError
from gatecast.evaluation.anomalies import JUDGED, PastIntervals, find_anomalies
from gatecast.forecasting.context import PanelContext
from gatecast.pipeline.state import FittedState
from gatecast.results import column_names

__all__ = ["anomaly_table"]

ColumnTable = dict[str, npt.NDArray[Any]]


def anomaly_table(state: FittedState, panel: Panel, level: float, since: Any = None) -> ColumnTable:
    """Return the values that can be judged: ids, times, values, forecast, interval, "score", "is_anomaly".

    Models that were fitted once, such as networks, judge values after those of `fit` and series that they were not
    fitted on; models that are fitted anew wherever they forecast judge the past too.

    Args:
        state: What was fitted.
        panel: The series.
        level: Level of the intervals, in percent.
        since: The first time to judge; None: all.

    Raises:
        ConfigError: No model can judge values that `fit` has seen.
    """
    # What models do not read as an outlier is an anomaly, and is not read either once it is judged.
    context = PanelContext.from_panel(replace(panel, skips_outliers=False), fitted_on=state.panel)
    n_unseen = int(np.where(context.series >= 0, context.end, panel.lengths).min(initial=panel.lengths.max(initial=0)))
    n_all = int(panel.lengths.max(initial=0))
    refitting = state.ensemble.refitting()
    if refitting is None and n_unseen <= 0:
        raise ConfigError(
            "No model can judge values that it was fitted on",
            got=", ".join(state.ensemble.columns),
            expected="newer rows, or a model that is fitted anew wherever it forecasts, such as dot",
            fix="Call anomalies with newer rows, or add a model: model=['lstm', 'dot'].",
            argument="model",
        )
    parts = []
    if n_unseen > 0:
        parts.append(find_anomalies(state.calibrator, state.ensemble, context, level, n_unseen))
    if refitting is not None and n_unseen < n_all:
        parts.insert(0, find_anomalies(state.calibrator, refitting, context, level, n_all))
    return _to_table(state, panel, _newest_of(parts, max(n_unseen, 0)), level, since)


def _newest_of(parts: list[PastIntervals], n_unseen: int) -> PastIntervals:
    """Return what the last part says of the newest values, and the first of those before."""
    if len(parts) == 1:
        return parts[0]
    old, new = parts
    is_new = np.arange(old.score.shape[1]) >= old.score.shape[1] - n_unseen
    return PastIntervals(*(np.where(is_new, y, x) for x, y in zip(old, new, strict=True)))


def _to_table(state: FittedState, panel: Panel, past: PastIntervals, level: float, since: Any) -> ColumnTable:
    """Return the rows that were judged.

    Raises:
        ConfigError: A column of the data is named "score" or "is_anomaly".
    """
    check_outputs(panel.columns, JUDGED)
    inside = np.arange(-past.score.shape[1], 0) >= -panel.lengths[:, None]
    names, columns = (
        column_names(state.calibrator.name, (level,)),
        (past.median, past.low, past.high),
    )
    table = panel.to_columns() | {name: column[inside] for name, column in zip(names, columns, strict=True)}
    table |= dict(zip(JUDGED, (past.score[inside], past.is_anomaly[inside]), strict=True))
    judged = ~np.isnan(table["score"])
    if since is not None:
        judged &= table[panel.columns.time] >= since
    return {name: column[judged] for name, column in table.items()}
