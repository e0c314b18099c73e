"""Units of the work of a pipeline in a checkpoint, besides trainings: forecasts from past origins, windows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.checkpoint import current_place, start_clock, within
from gatecast._utils.typing import ColumnTable, IntArray
from gatecast._utils.versions import __version__
from gatecast.evaluation.past_forecasts import PastForecasts, forecast_past
from gatecast.forecasting.base import ModelConfig
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import FittedEnsemble
from gatecast.forecasting.median import members_of
from gatecast.kernels.runtime import isa

__all__ = ["Window", "count_trainings", "environment", "forecast_past_once", "window_once"]

MIN_SECONDS = 1.0
"""Forecasts that took less are made again."""

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Window:
    """What a fit before one cutoff came to.

    Args:
        table: Forecasts next to the actual values.
        name: Column of the main forecast.
        season_length: Of seasonal naive.
        n_networks: Networks of all models.
        n_parameters: Parameters of all networks.
        seconds: Of fitting and forecasting, in interrupted runs too.
    """

    table: ColumnTable
    name: str
    season_length: int
    n_networks: int
    n_parameters: int
    seconds: float = 0.0


def environment() -> dict[str, str]:
    """Return what the bits of results depend on besides data and settings.

    >>> sorted(environment())
    ['gatecast', 'isa', 'numpy', 'python']
    """
    # Without `versions`: what looks up installed packages takes longer to load than a short forecast can afford.
    return {"gatecast": __version__, "python": sys.version, "numpy": np.__version__, "isa": isa()}


def count_trainings(configs: list[ModelConfig]) -> int:
    """Return how many trainings a fit of models has.

    >>> from gatecast.forecasting.baselines import Naive
    >>> count_trainings([Naive()])
    0
    """
    members = [member for config in configs for member in members_of(config)]
    return sum(bool(getattr(member, "max_steps", 0) and getattr(member, "needs_training", True)) for member in members)


def forecast_past_once(
    part: str, ensemble: FittedEnsemble, context: PanelContext, offsets: IntArray, season_length: int
) -> PastForecasts:
    """Forecast from past origins as `forecast_past`, or load what an interrupted run has forecast.

    Args:
        part: Name of the part of the fit.
        ensemble: As for `forecast_past`.
        context: As for `forecast_past`.
        offsets: As for `forecast_past`.
        season_length: As for `forecast_past`.
    """
    with within("forecasts", part, list(ensemble.columns), offsets):
        place = current_place()
        stored = None if place is None else place.read("forecasts")
        if place is not None and stored is not None:
            settings, arrays = stored
            try:
                quantiles = {name: arrays[f"quantiles.{k}"] for k, name in enumerate(settings["names"])}
                return PastForecasts(quantiles, *(arrays[name] for name in PastForecasts._fields[1:]))
            except (KeyError, TypeError) as error:
                place.discard("forecasts", error)
        began = time.perf_counter()
        past = forecast_past(ensemble, context, offsets, season_length)
        if place is not None and time.perf_counter() - began >= MIN_SECONDS:
            quantile_arrays = {f"quantiles.{k}": values for k, values in enumerate(past.quantiles.values())}
            rest = {name: getattr(past, name) for name in PastForecasts._fields[1:]}
            place.finish("forecasts", {"names": list(past.quantiles)}, quantile_arrays | rest)
        return past


def window_once(make: Callable[[], Window]) -> Window:
    """Make a window, or load the one that an interrupted run has made at this place.

    Args:
        make: Makes the window.
    """
    place = current_place()
    stored = None if place is None else place.read("window")
    if place is not None and stored is not None:
        settings, arrays = stored
        try:
            table = _table_from(settings.pop("columns"), arrays)
            return Window(table, **settings)
        except (KeyError, TypeError, ValueError) as error:
            place.discard("window", error)
    seconds = start_clock()
    window = make()
    window = replace(window, seconds=seconds())
    if place is not None:
        settings = {name: value for name, value in vars(window).items() if name != "table"}
        columns, arrays = _table_to(window.table)
        place.finish("window", settings | {"columns": columns}, arrays)
    return window


def _table_to(table: ColumnTable) -> tuple[list[dict[str, Any]], Arrays]:
    """Return the columns of a table as data for JSON, and numbers as arrays."""
    columns, arrays = list[dict[str, Any]](), Arrays()
    for k, (name, column) in enumerate(table.items()):
        about: dict[str, Any] = {"name": name, "dtype": column.dtype.str}
        if column.dtype.kind in "OU":
            # Ids: text or numbers.
            about["values"] = column.tolist()
        else:
            arrays[f"column.{k}"] = column.view(np.int64) if column.dtype.kind == "M" else column
        columns.append(about)
    return columns, arrays


def _table_from(columns: list[Mapping[str, Any]], arrays: Arrays) -> ColumnTable:
    """Return a table from what `_table_to` has returned."""
    table: ColumnTable = {}
    for k, about in enumerate(columns):
        dtype = np.dtype(about["dtype"])
        if "values" in about:
            column = np.empty(len(about["values"]), dtype)
            column[:] = about["values"]
        else:
            stored = arrays[f"column.{k}"]
            column = stored.view(dtype) if dtype.kind == "M" else stored.astype(dtype, copy=False)
        table[about["name"]] = column
    return table
