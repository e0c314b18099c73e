"""Exponential smoothing from statsforecast, the `stats` extra: ETS and complex exponential smoothing (CES).

Both are fitted to one series after another, ETS at about a tenth of a second each where there is a season: companions
of the networks for hundreds or thousands of series, not for a hundred thousand.

Shapes: n_series rows, T columns, h steps, m season length, Q quantiles.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from statistics import NormalDist
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.errors import ConfigError
from gatecast.forecasting.base import DatedModel, LocalModel, Overrides, PanelSummary, Task
from gatecast.forecasting.registry import register
from gatecast.forecasting.scaling import SeriesScaler, forward_fill

__all__ = ["MODELS", "AutoCES", "AutoETS", "available", "forecast_each"]

MAX_LENGTH = 1024
"""Newest values of a series that are used."""

MIN_VALUES = 8
"""Values that a series needs; AutoETS refuses below 7."""

MIN_CYCLES = 2
"""Seasons that a series needs for one to be fitted."""

MAX_SEASON = 24
"""Season above which classical indices are removed first: R's ets stops there too: they have too many states."""

MAX_DISTANCE = 10
"""Forecasts that are so many times the range of the past away from its end have diverged, as CES does now and then."""


def available() -> bool:
    """Return whether statsforecast is installed, without importing it.

    Example:
        >>> isinstance(available(), bool)
        True
    """
    return find_spec("statsforecast") is not None


def forecast_each(
    values: FloatArray,
    h: int,
    m: int,
    quantiles: Sequence[float],
    models: Sequence[str] = ("ETS", "CES"),
    calendar: SeasonCalendar | None = None,
) -> dict[str, FloatArray]:
    """Forecast quantiles of the h steps after the end of each series.

    ETS is AutoETS with its own intervals. CES is AutoCES, and normal with the variance that its recursion has,
    ``s^2 (1 + psi[1]^2 + ... + psi[k-1]^2)``: the library's simulation puts one error on the last state alone, so that
    its intervals hardly grow, and takes ten times as long as the fit.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN before the beginning; a missing value is taken for the
            one before it.
        h: Steps.
        m: Season length; 1 for none. Of long ones classical indices are removed where the autocorrelation shows one.
        quantiles: Levels, increasing.
        models: Names in `MODELS`.
        calendar: What the places in the season are counted by; None: by steps.

    Returns:
        Quantiles by model, increasing along the last axis, [n_series, h, Q]; NaN for a series of fewer than 8 values,
        one that does not vary, and one that cannot be fitted.

    Raises:
        ConfigError: statsforecast is not installed, or a model is unknown.

    Source: Hyndman, Koehler, Ord & Snyder 2008 (ETS); Svetunkov, Kourentzes & Ord 2022 (CES).
    """
    library = _library()
    for name in models:
        if name not in MODELS:
            raise ConfigError(f"Unknown model {name!r}", expected=" or ".join(map(repr, MODELS)), argument="models")
    values = values[:, -MAX_LENGTH:]
    adjusted, scaler = _remove_long_season(values, m, calendar)
    short_season = m if m <= MAX_SEASON else 1
    forecasts = {name: np.full((len(values), h, len(quantiles)), np.nan) for name in models}
    observed = np.isfinite(values)
    rows = np.flatnonzero((observed.sum(axis=1) >= MIN_VALUES) & _varies(adjusted))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for s in rows.tolist():
            y = forward_fill(adjusted[s : s + 1, observed[s].argmax() :])[0]
            season = short_season if len(y) >= MIN_CYCLES * short_season else 1
            for name in models:
                forecasts[name][s] = _forecast_or_nan(MODELS[name], library, y, h, season, quantiles)
    future, factor = scaler.season(np.arange(h))[..., None], scaler.positive[:, None, None]
    return {name: np.where(factor, forecast * future, forecast + future) for name, forecast in forecasts.items()}


def _library() -> Any:
    """Import the module with the models."""
    if not available():
        raise ConfigError("statsforecast is not installed", fix="Install it: pip install 'gatecast[stats]'.")
    return import_module("statsforecast.models")


def _remove_long_season(values: FloatArray, m: int, calendar: SeasonCalendar | None) -> tuple[FloatArray, SeriesScaler]:
    """Return series without a long season, and the scaler that has its indices."""
    if m <= MAX_SEASON:
        n = len(values)
        return values, SeriesScaler(np.ones((n, 1)), np.ones(n, np.bool_), np.ones(n))
    scaler = SeriesScaler.fit(values, m, calendar)
    s, factor = scaler.season(np.arange(-values.shape[1], 0)), scaler.positive[:, None]
    return np.where(factor, values / np.where(factor, s, 1.0), values - s), scaler


def _varies(values: FloatArray) -> BoolArray:
    """Return whether a series has two different values, [n_series]."""
    observed = np.isfinite(values)
    low = np.where(observed, values, np.inf).min(axis=1, initial=np.inf)
    return np.asarray(low < np.where(observed, values, -np.inf).max(axis=1, initial=-np.inf))


def _forecast_or_nan(
    model: Callable[..., FloatArray], library: Any, y: FloatArray, h: int, m: int, quantiles: Sequence[float]
) -> FloatArray:
    """Forecast one series with a model, [h, Q]; NaN if it fails, or has diverged."""
    unknown = np.full((h, len(quantiles)), np.nan)
    try:
        forecast = model(library, y, h, m, quantiles)
    except Exception:  # the library raises anything, Exception itself too; a series that it cannot fit is no error
        return unknown
    median = forecast[:, len(quantiles) // 2]
    is_near = (np.abs(median - y[-1]) <= MAX_DISTANCE * np.ptp(y)).all()
    return forecast if is_near and np.isfinite(forecast).all() and (np.diff(forecast) >= 0).all() else unknown


def _ets(library: Any, y: FloatArray, h: int, m: int, quantiles: Sequence[float]) -> FloatArray:
    """Forecast with AutoETS and its intervals, [h, Q]."""
    levels = [round(abs(2 * q - 1) * 100, 9) for q in quantiles]
    intervals = sorted({level for level in levels if level}) or None
    forecast = library.AutoETS(season_length=m).forecast(y=y, h=h, level=intervals)
    columns = [
        forecast[f"{'lo' if q < 0.5 else 'hi'}-{level}"] if level else forecast["mean"]
        for q, level in zip(quantiles, levels, strict=True)
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def _ces(library: Any, y: FloatArray, h: int, m: int, quantiles: Sequence[float]) -> FloatArray:
    """Forecast with AutoCES, normal with the variance of its recursion, [h, Q]."""
    fitted = library.AutoCES(season_length=m).fit(y=y)
    model = fitted.model_
    psi = _responses(model["seasontype"], int(model["m"]), model["par"], h)
    deviation = np.sqrt(model["sigma2"] * np.cumsum(psi**2))
    z = np.array([NormalDist().inv_cdf(q) for q in quantiles])
    return np.asarray(fitted.predict(h=h)["mean"][:, None] + deviation[:, None] * z, np.float64)


def _responses(kind: str, m: int, par: Mapping[str, float], h: int) -> FloatArray:
    """Return what an error of 1 adds to the value k steps later, psi[k] of [h], psi[0] = 1.

    A pair of states forecasts l and moves at every step (kinds N, P, F) or every m steps (S)::

        l' = l - (1 - a1) c + (a0 - a1) e
        c' = l + (1 - a0) c + (a0 + a1) e

    A second part acts every m steps: a number with ``s' = s + b0 e`` (P), or another pair (F).
    """
    psi = _pair_responses(par["alpha_0"], par["alpha_1"], h, m if kind == "S" else 1)
    if kind == "F":
        psi += _pair_responses(par["beta_0"], par["beta_1"], h, m)
    elif kind == "P":
        psi[m::m] += par["beta_0"]
    psi[0] = 1.0
    return psi


def _pair_responses(a0: float, a1: float, h: int, lag: int) -> FloatArray:
    """Return what a pair of states forecasts at steps 0 ... h - 1 after an error of 1 at step 0, [h]."""
    psi = np.zeros(h)
    level, potential = a0 - a1, a0 + a1
    for k in range(lag, h, lag):
        psi[k] = level
        level, potential = level - (1 - a1) * potential, level + (1 - a0) * potential
    return psi


MODELS: Mapping[str, Callable[..., FloatArray]] = MappingProxyType({"ETS": _ets, "CES": _ces})
"""Models of the library."""


class _StatsForecastModel(DatedModel):
    """A model of statsforecast."""

    is_quick: ClassVar[bool] = False

    @classmethod
    def default_for(cls, panel: PanelSummary, task: Task, overrides: Overrides) -> LocalModel:
        """Refuse early where statsforecast is not installed."""
        _library()
        return cls()

    def forecast_dated(self, values: FloatArray, task: Task, calendar: SeasonCalendar | None) -> FloatArray:
        """Fit and forecast one series after another."""
        key = self.name.upper()
        m = task.season_length
        dates = None if calendar is None else calendar.for_season(m)
        return forecast_each(values, task.horizon, m, task.quantiles, (key,), dates)[key]


@register
@dataclass(frozen=True)
class AutoETS(_StatsForecastModel):
    """Exponential smoothing with automatic choice of error, trend and season, about 0.1 seconds a series."""

    name: ClassVar[str] = "ets"
    column: ClassVar[str] = "AutoETS"


@register
@dataclass(frozen=True)
class AutoCES(_StatsForecastModel):
    """Complex exponential smoothing, about 0.01 seconds a series."""

    name: ClassVar[str] = "ces"
    column: ClassVar[str] = "AutoCES"
