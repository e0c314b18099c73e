"""What is to be said about a panel before anything is learnt from it.

Letters: S series.
"""

from __future__ import annotations

import numpy as np

from gatecast.config import DataConfig
from gatecast.data.panel import Panel, check_outputs, format_times
from gatecast.errors import DataError
from gatecast.forecasting.ensemble import COMBINED
from gatecast.forecasting.presets import BASELINES
from gatecast.forecasting.registry import available_models, get_model
from gatecast.forecasting.sequential_model.model import SequentialConfig

__all__ = ["check_bounds", "check_series", "trim_unobserved"]


def _output_columns() -> tuple[str, ...]:
    """Return the columns that forecasts may have, of every model there is."""
    models = (str(get_model(name).column) for name in available_models())
    baselines = (baseline.column for baseline in BASELINES)
    return (COMBINED, *models, SequentialConfig.column, *baselines, "cutoff")


def trim_unobserved(panel: Panel, findings: list[str]) -> Panel:
    """A single series from its first to its last value: rows without one at the end are what is to be forecast."""
    seen = np.flatnonzero(panel.mask)
    if len(panel) != 1 or not len(seen):
        return panel
    before, after = int(seen[0]), len(panel.values) - 1 - int(seen[-1])
    for count, where in ((before, "first"), (after, "last")):
        if count:
            findings.append(f"the {where} {count} rows have no value and are left out.")
    return panel.drop_last(after).keep_last(len(panel.values) - before - after)


def check_series(panel: Panel, findings: list[str]) -> None:
    """Series of which nothing can be learnt, by name; columns whose names the forecast needs are refused."""
    check_outputs(panel.columns, _output_columns())
    at = np.flatnonzero(panel.lengths)
    least = np.full(len(panel), np.inf)
    most = np.full(len(panel), -np.inf)
    first = panel.indptr[:-1][at]
    least[at] = np.fmin.reduceat(panel.values, first) if len(at) else []
    most[at] = np.fmax.reduceat(panel.values, first) if len(at) else []
    constant = np.flatnonzero(least == most)
    empty = np.flatnonzero(~np.isfinite(most))
    for which, what in (
        (constant, "does not vary: its forecast is the constant"),
        (empty, "has no value: there is no forecast of it"),
    ):
        if len(which) and len(panel) == 1:
            findings.append(f"the series {what}.")
        elif len(which):
            some = ", ".join(repr(str(name)) for name in panel.ids[which[:3]])
            more = f" and {len(which) - 3:,} more" if len(which) > 3 else ""
            findings.append(f"series {some}{more} {what}.")


def check_bounds(panel: Panel, data: DataConfig) -> None:
    """Refuse values that contradict what was said about them, by name and time."""
    x = panel.values
    with np.errstate(invalid="ignore"):
        for bad, what, expected in (
            (
                x < (-np.inf if data.lower_bound is None else data.lower_bound),
                "below its lower bound",
                f"{data.lower_bound} or more",
            ),
            (
                x > (np.inf if data.upper_bound is None else data.upper_bound),
                "above its upper bound",
                f"{data.upper_bound} or less",
            ),
            (data.integer & np.isfinite(x) & (x != np.round(x)), "not whole", "whole numbers, as integer=True states"),
        ):
            at = np.flatnonzero(bad)
            if len(at):
                s = int(np.searchsorted(panel.indptr, at[0], side="right")) - 1
                when = format_times(panel.times(s)[at[0] - panel.indptr[s] :][:1])[0]
                named = "" if panel.columns.id is None else f"series {str(panel.ids[s])!r}, "
                raise DataError(
                    f"a value is {what}",
                    where=f"{named}{when}",
                    got=f"{x[at[0]]:g} (such values in all: {len(at)})",
                    expected=expected,
                    fix="Correct the value, or change the DataConfig.",
                )
