"""What the file of a forecaster has to hold: types and ranges of its settings, relations, and sizes of its arrays.

All is checked before anything is built. What the models need is checked by the models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import to_integers
from gatecast._utils.schema import (
    Range,
    SchemaError,
    check_array,
    from_json,
)
from gatecast._utils.validation import check_levels, check_quantiles
from gatecast.config import ForecasterConfig
from gatecast.data.categories import FIRST_MAX_CATEGORIES, MAX_CATEGORIES
from gatecast.data.frequency import MAX_TICKS, parse
from gatecast.forecasting.base import MAX_SEASON, Task
from gatecast.forecasting.ensemble import COMBINED
from gatecast.pipeline.file_header import (
    MAX_HORIZON,
    EnsembleHeader,
    Header,
    PanelHeader,
    StreamHeader,
)

__all__ = ["check_config", "check_forecaster", "check_stream"]

MAX_SLOPE = 100.0
"""Largest effect of a standard deviation of a column, on a logarithmic scale."""

MAX_WEIGHT_ERROR = 1e-6
"""How far a sum of weights may be from 1."""

ROLES: tuple[Literal["futr_exog", "hist_exog", "stat_exog"], ...] = ("futr_exog", "hist_exog", "stat_exog")

Arrays = Mapping[str, npt.NDArray[Any]]


class _Sizes(NamedTuple):
    """What arrays have in common."""

    n_series: int
    n_values: int
    horizon: int


def check_forecaster(settings: Mapping[str, Any], arrays: Arrays) -> Header:
    """Return the settings of a file, after all that they and the arrays have to be.

    Args:
        settings: From the file.
        arrays: By name.

    Raises:
        SchemaError: A setting of another type or out of range, settings that contradict one another, or arrays of other
            sizes or with numbers that are not finite; it says which.
    """
    header: Header = from_json(Header, settings, "")
    sizes = _check_panel(header["panel"], arrays, header["ensemble"]["task"].horizon)
    _check_ensemble(header["ensemble"], header["panel"], arrays)
    _check_calibrator(header, arrays, sizes)
    if "evaluation" in header:
        n_rows = min(header["evaluation"]["sizes"][2], sizes.n_values)
        for k, _ in enumerate(header["evaluation"]["columns"]):
            check_array(arrays, f"evaluation.{k}", np.float64, (None,), finite=False)
        if n_rows < header["evaluation"]["sizes"][2]:
            raise SchemaError("evaluation.sizes has more rows than the series")
    return header


def check_stream(settings: Any, arrays: Arrays, task: Task, n_series: int) -> StreamHeader:
    """Return the settings of a stream, after all that they and its arrays have to be.

    Args:
        settings: From the file.
        arrays: Of the stream, by name.
        task: Of its forecaster.
        n_series: Number of series.

    Raises:
        SchemaError: As `check_forecaster`.
    """
    header: StreamHeader = from_json(StreamHeader, settings, "stream")
    n, h, n_quantiles = n_series, task.horizon, len(task.quantiles)
    _check_distinct("stream.levels", header["levels"])
    for k, _ in enumerate(header["levels"]):
        check_array(arrays, f"margins.{k}", np.float64, (h, 2))
    check_array(arrays, "values", np.float64, (n, None), finite=False)
    check_array(arrays, "quantiles", np.float64, (h, n, h, n_quantiles), finite=False)
    check_array(arrays, "unit", np.float64, (h, n), finite=False)
    check_array(arrays, "stat_exog", np.float64, (n, None), finite=False)
    for name in ("series", "end", "last_step", "run", *(("calendar",) if header["days"] else ())):
        check_array(arrays, name, np.int64, (n,))
    if (arrays["run"] < 0).any():
        raise SchemaError("array 'run' has numbers below 0")
    if any(name.startswith("sudden.") for name in arrays):
        _check_sudden(arrays, n)
    return header


def _check_sudden(arrays: Arrays, n_series: int) -> None:
    """Check what a stream knows of sudden values."""
    numbers = [check_array(arrays, "sudden.largest", np.float64, (n_series,))]
    numbers += [
        check_array(arrays, f"sudden.{name}", np.int64, (n_series,)) for name in ("n_usual", "n_positive", "follows")
    ]
    series = check_array(arrays, "sudden.series", np.int64, (None,))
    numbers += [series, check_array(arrays, "sudden.sizes", np.float64, series.shape)]
    numbers.append(check_array(arrays, "sudden.ages", np.int64, series.shape))
    if any((each < 0).any() for each in numbers) or (series >= n_series).any():
        raise SchemaError("arrays 'sudden' have numbers out of range")


def check_config(config: ForecasterConfig) -> ForecasterConfig:
    """Return settings of a forecaster that are in range; `Forecaster` checks the others when it takes them."""
    if config.h is not None and config.h > MAX_HORIZON:
        raise SchemaError(f"config.h is {config.h}, expected at most {MAX_HORIZON:,}")
    if config.freq is not None:
        parse(config.freq)
    check_levels(config.level)
    return config


def _check_panel(panel: PanelHeader, arrays: Arrays, horizon: int) -> _Sizes:
    """Check the series of a file."""
    n_series = len(panel["ids"])
    indptr = check_array(arrays, "indptr", np.int64, (n_series + 1,))
    values = check_array(arrays, "values", np.float64, (None,), finite=False)
    if not n_series or indptr[0] != 0 or indptr[-1] != len(values) or (np.diff(indptr) < 0).any():
        raise SchemaError("array 'indptr' does not cut 'values' into the series")
    if len(values) and np.isnan(values).all():
        raise SchemaError("array 'values' has no number")
    _check_times(panel, check_array(arrays, "start", np.int64, (n_series,)))
    sizes = _Sizes(n_series, len(values), horizon)
    columns = panel["columns"]
    _check_distinct("panel.columns", [*columns["futr_exog"], *columns["hist_exog"], *columns["stat_exog"]])
    codes: dict[str, npt.NDArray[Any]] = {}
    for role, names in ((role, columns[role]) for role in ROLES):
        n = n_series if role == "stat_exog" else len(values)
        for k, name in enumerate(names):
            codes[name] = check_array(arrays, f"{role}.{k}", np.float64, (n,), finite=False)
    for k, name in enumerate(panel.get("known_future", ())):
        _check_known("panel.known_future", name, columns["futr_exog"])
        known = check_array(arrays, f"known_future.{k}", np.float64, (n_series, None), finite=False)
        codes[name] = np.concatenate([codes[name], known.ravel()])
    _check_categories(panel, codes)
    _check_keys(panel, n_series)
    for country, names in panel.get("holidays", {}).items():
        for name in names:
            _check_known(f"panel.holidays.{country[:20]}", name, columns["futr_exog"])
    if panel.get("levels") is not None:
        _check_hierarchy(panel, arrays, n_series)
    return sizes


def _check_times(panel: PanelHeader, start: npt.NDArray[np.int64]) -> None:
    """Check frequency and first times: those that a table may have."""
    freq = parse(panel["freq"])
    if (freq.unit == "step") == panel["dated"]:
        raise SchemaError(f"panel.freq is {panel['freq'][:20]!r}, which does not go with panel.dated")
    if len(start) and not -MAX_TICKS <= start.min() <= start.max() <= MAX_TICKS:
        raise SchemaError("array 'start' has times that no table may have")


def _check_categories(panel: PanelHeader, codes: Mapping[str, npt.NDArray[Any]]) -> None:
    """Check that values of columns with categories number these."""
    for name, words in panel["categories"].items():
        _check_known("panel.categories", name, list(codes))
        known = codes[name][np.isfinite(codes[name])]
        if ((known < 0) | (known >= len(words)) | (known != np.floor(known))).any():
            raise SchemaError(f"column {name[:40]!r} has values that number none of its {len(words):,} categories")


def _check_keys(panel: PanelHeader, n_series: int) -> None:
    """Check ids, and the columns of ids that identify a series together."""
    if len(set(map(str, panel["ids"]))) < n_series:
        raise SchemaError("panel.ids are not different from one another")
    keys, ids = panel.get("keys", {}), panel["names"].id
    try:
        for column in (panel["ids"], *keys.values()):
            to_integers([value for value in column if type(value) is int])
    except OverflowError:
        raise SchemaError("panel.ids or panel.keys have integers that no type of 64 bits holds") from None
    if isinstance(ids, tuple) and set(ids) != set(keys):
        raise SchemaError(f"panel.keys are not those of panel.names.id, {', '.join(ids)[:100]}")
    for name, column in keys.items():
        if len(column) != n_series:
            raise SchemaError(f"panel.keys.{name[:40]} has {len(column):,} items, expected {n_series:,}")


def _check_hierarchy(panel: PanelHeader, arrays: Arrays, n_series: int) -> None:
    """Check which series are sums of which."""
    levels = panel["levels"] or []
    parents = check_array(arrays, "parents", np.int64, (len(levels), None))
    n_base = parents.shape[1]
    if not levels or not n_base or parents.min() < 0 or int(parents.max()) + 1 + n_base != n_series:
        raise SchemaError("array 'parents' does not name the sums of the series")
    for level in levels:
        for name in level:
            _check_known("panel.levels", name, panel["names"].ids)


def _check_ensemble(ensemble: EnsembleHeader, panel: PanelHeader, arrays: Arrays) -> None:
    """Check what models forecast, and what all of them share."""
    task = ensemble["task"]
    _check_distinct("ensemble.models", [model["column"] for model in ensemble["models"]])
    Range(1, MAX_HORIZON).check(task.horizon, "ensemble.task.horizon")
    Range(0).check(task.seed, "ensemble.task.seed")
    for season in (task.season_length, task.panel_season, task.calendar_season, *task.seasons):
        Range(1, MAX_SEASON).check(season, "ensemble.task.seasons")
    check_quantiles(task.quantiles, where="ensemble.task")
    for name, n_rows in zip(ROLES, (3, 2, 2), strict=True):
        columns = panel["columns"][name]
        # Models read a column of categories as one for each.
        n_categories = [len(panel["categories"].get(column, "1")) for column in columns]
        n, n_first = (sum(min(k, limit) for k in n_categories) for limit in (MAX_CATEGORIES, FIRST_MAX_CATEGORIES))
        if n_first < n and arrays.get(f"regression.{name}", np.empty((0, n))).shape[1:] == (n_first,):
            k, large = max(zip(n_categories, columns, strict=True))
            raise SchemaError(
                f"column {large[:40]!r} has {k:,} categories, of which an older version read "
                f"{FIRST_MAX_CATEGORIES} and this one reads up to {MAX_CATEGORIES}",
                fix="Fit again on the table with this version, and save.",
            )
        effects = check_array(arrays, f"regression.{name}", np.float64, (n_rows, n))
        if (effects[1] < 0).any() or (abs(effects[2:]) > MAX_SLOPE).any():
            raise SchemaError(f"array 'regression.{name}' has deviations below 0, or slopes beyond {MAX_SLOPE:g}")
    if "regression.slope_deviations" in arrays:
        n_series, n_futr = len(panel["ids"]), arrays["regression.futr_exog"].shape[1]
        if (abs(check_array(arrays, "regression.slope_deviations", np.float64, (n_series, n_futr))) > MAX_SLOPE).any():
            raise SchemaError(f"array 'regression.slope_deviations' has slopes beyond {MAX_SLOPE:g}")
    factors = check_array(arrays, "season.factors", np.float64, (None,))
    if not len(factors) or (factors <= 0).any():
        raise SchemaError("array 'season.factors' has numbers that are not above 0")
    check_array(arrays, "season.strength", np.float64, (3,))
    check_array(arrays, "season.max_length", np.int64, (1,))


def _check_calibrator(header: Header, arrays: Arrays, sizes: _Sizes) -> None:
    """Check weights, margins and bounds."""
    calibrator = header["calibrator"]
    columns = [model["column"] for model in header["ensemble"]["models"]]
    main = COMBINED if len(columns) > 1 else columns[0]
    if calibrator["name"] != main:
        raise SchemaError(f"calibrator.name is {calibrator['name'][:40]!r}, expected {main[:40]!r}")
    _check_weights(calibrator["weights"], columns, arrays, sizes.n_series)
    levels = calibrator["levels"]
    _check_distinct("calibrator.levels", levels)
    for k, _ in enumerate(levels):
        check_array(arrays, f"margins.{k}", np.float64, (sizes.horizon, 2))
    lower, upper = calibrator["bounds"].lower, calibrator["bounds"].upper
    if lower is not None and upper is not None and lower >= upper:
        raise SchemaError(f"calibrator.bounds.lower is {lower:g}, expected less than upper, {upper:g}")
    if header.get("reconciliation") is not None:
        if header["panel"].get("levels") is None:
            raise SchemaError("reconciliation goes with panel.levels, which is null")
        check_array(arrays, "reconciliation.errors", np.float64, (None, sizes.n_series), finite=False)


def _check_weights(shared: Mapping[str, float], columns: Sequence[str], arrays: Arrays, n_series: int) -> None:
    """Check that weights are those of the models, and sum to 1."""
    if set(shared) != set(columns):
        raise SchemaError(f"calibrator.weights are not those of the models {', '.join(columns)[:100]}")
    if abs(sum(shared.values()) - 1) > MAX_WEIGHT_ERROR:
        raise SchemaError(f"calibrator.weights sum to {sum(shared.values()):g}, expected 1")
    names = [f"weights.{name}" for name in shared if f"weights.{name}" in arrays]
    if names:
        if len(names) < len(shared):
            raise SchemaError("weights of some models by series are missing")
        weights = np.array([check_array(arrays, name, np.float64, (n_series,)) for name in names])
        if (weights < 0).any() or (abs(weights.sum(axis=0) - 1) > MAX_WEIGHT_ERROR).any():
            raise SchemaError("arrays 'weights.*' are not shares that sum to 1 for each series")


def _check_known(where: str, name: str, known: Sequence[str]) -> None:
    """Check that a name is one of those that it refers to."""
    if name not in known:
        raise SchemaError(f"{where} names {name[:40]!r}, expected one of {', '.join(known)[:100] or 'none'}")


def _check_distinct(where: str, items: Sequence[Any]) -> None:
    """Check that no item occurs twice."""
    if len(set(items)) < len(items):
        raise SchemaError(f"{where} has an item twice")
