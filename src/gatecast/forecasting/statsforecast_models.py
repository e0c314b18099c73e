"""Exponential smoothing from statsforecast, the `stats` extra: ETS and complex exponential smoothing (CES).

Letters: S series, T columns, n points of a series, h horizon, m season, Q quantiles, z normal score.

Both are fitted to one series after another, ETS at about a tenth of a second each where there is a season: companions
of the networks for hundreds or thousands of series, not for a hundred thousand.
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
import numpy.typing as npt

from gatecast.errors import ConfigError
from gatecast.forecasting.base import LocalModel, Overrides, PanelSummary, Task
from gatecast.forecasting.registry import register
from gatecast.forecasting.scaling import fit_scaler, forward_fill

__all__ = ["MODELS", "AutoCES", "AutoETS", "available", "forecast_each"]

Floats = npt.NDArray[np.float64]
Probabilities = Sequence[float]

MAX_LENGTH = 1024
"""Newest values of a series that are looked at."""

MIN_VALUES = 8
"""Values that a series needs; AutoETS refuses below 7."""

CYCLES = 2
"""Seasons that a series needs for one to be fitted."""

MAX_SEASON = 24
"""Beyond it classical indices are taken out first, where R's ets gives up too: so many states cannot be fitted."""

FAR = 10
"""An answer so many times the range of the past away from its end has diverged: CES does so now and then."""


def available() -> bool:
    """Whether statsforecast is installed; it is looked for, not imported.

    >>> isinstance(available(), bool)
    True
    """
    return find_spec("statsforecast") is not None


def forecast_each(
    values: Floats, h: int, m: int, probabilities: Probabilities, models: Sequence[str] = ("ETS", "CES")
) -> dict[str, Floats]:
    """Quantiles of the h steps behind the end of each series.

    ETS is AutoETS with its own intervals. CES is AutoCES, and normal with the variance that its recursion has,
    ``s^2 (1 + psi[1]^2 + ... + psi[k-1]^2)``: the library's simulation puts one error on the last state alone, so that
    its intervals hardly grow, and takes ten times as long as the fit.

    Args:
        values: (S, T) aligned on the right; NaN before the beginning; a missing value is taken as the one before it.
        h: Steps.
        m: Season; 1 for none. Of long ones classical indices are taken out where the autocorrelation shows one.
        probabilities: Q levels, increasing.
        models: Some of `MODELS`.

    Returns:
        (S, h, Q) a model, increasing along Q; NaN for a series of fewer than 8 values, one that does not vary, and one
        that cannot be fitted.

    Raises:
        ConfigError: statsforecast is not installed, or a model is unknown.

    Source: Hyndman, Koehler, Ord & Snyder 2008 (ETS); Svetunkov, Kourentzes & Ord 2022 (CES).
    """
    library = _library()
    for name in models:
        if name not in MODELS:
            raise ConfigError("this model is unknown", got=repr(name), expected=" or ".join(map(repr, MODELS)))
    values = values[:, -MAX_LENGTH:]
    flat, season, positive = _flattened(values, m)
    own = m if m <= MAX_SEASON else 1
    answers = {name: np.full((len(values), h, len(probabilities)), np.nan) for name in models}
    seen = np.isfinite(values)
    worth = np.flatnonzero((seen.sum(axis=1) >= MIN_VALUES) & _varies(flat))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for s in worth.tolist():
            y = forward_fill(flat[s : s + 1, seen[s].argmax() :])[0]
            fitted = own if len(y) >= CYCLES * own else 1
            for name in models:
                answers[name][s] = _tried(MODELS[name], library, y, h, fitted, probabilities)
    ahead = season[:, np.arange(h) % season.shape[1], None]
    return {name: np.where(positive[:, None, None], said * ahead, said + ahead) for name, said in answers.items()}


def _library() -> Any:
    """The module with the models."""
    if not available():
        raise ConfigError("statsforecast is not installed", fix="Install it: pip install 'gatecast[stats]'.")
    return import_module("statsforecast.models")


def _flattened(values: Floats, m: int) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Series without a long season; its indices of the steps ahead, (S, m); where they are factors."""
    if m <= MAX_SEASON:
        return values, np.ones((len(values), 1)), np.ones(len(values), np.bool_)
    _, T = values.shape
    frame = fit_scaler(values, m)
    s, positive = frame.seasonal[:, (np.arange(T) - T) % m], frame.positive
    factor = positive[:, None]
    return np.where(factor, values / np.where(factor, s, 1.0), values - s), frame.seasonal, positive


def _varies(values: Floats) -> npt.NDArray[np.bool_]:
    """(S,) whether a series has two different values."""
    seen = np.isfinite(values)
    least = np.where(seen, values, np.inf).min(axis=1, initial=np.inf)
    return np.asarray(least < np.where(seen, values, -np.inf).max(axis=1, initial=-np.inf))


def _tried(
    model: Callable[..., Floats], library: Any, y: Floats, h: int, m: int, probabilities: Probabilities
) -> Floats:
    """What a model says of one series, (h, Q); NaN if it cannot, or has diverged."""
    unknown = np.full((h, len(probabilities)), np.nan)
    try:
        said = model(library, y, h, m, probabilities)
    except Exception:  # the library raises what comes, Exception itself too; a series that it cannot fit is no error
        return unknown
    middle = said[:, len(probabilities) // 2]
    near = (np.abs(middle - y[-1]) <= FAR * np.ptp(y)).all()
    return said if near and np.isfinite(said).all() and (np.diff(said) >= 0).all() else unknown


def _ets(library: Any, y: Floats, h: int, m: int, probabilities: Probabilities) -> Floats:
    """AutoETS and its intervals, (h, Q)."""
    levels = [round(abs(2 * p - 1) * 100, 9) for p in probabilities]
    said = library.AutoETS(season_length=m).forecast(
        y=y, h=h, level=sorted({level for level in levels if level}) or None
    )
    columns = [
        said[f"{'lo' if p < 0.5 else 'hi'}-{level}"] if level else said["mean"]
        for p, level in zip(probabilities, levels, strict=True)
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def _ces(library: Any, y: Floats, h: int, m: int, probabilities: Probabilities) -> Floats:
    """AutoCES, normal with the variance of its recursion, (h, Q)."""
    fitted = library.AutoCES(season_length=m).fit(y=y)
    found = fitted.model_
    psi = _responses(found["seasontype"], int(found["m"]), found["par"], h)
    spread = np.sqrt(found["sigma2"] * np.cumsum(psi**2))
    z = np.array([NormalDist().inv_cdf(p) for p in probabilities])
    return np.asarray(fitted.predict(h=h)["mean"][:, None] + spread[:, None] * z, np.float64)


def _responses(kind: str, m: int, par: Mapping[str, float], h: int) -> Floats:
    """What an error of 1 adds to the value k steps later, psi[k] of (h,), psi[0] = 1.

    A pair of states says l and moves at every step (kinds N, P, F) or every m steps (S)::

        l' = l - (1 - a1) c + (a0 - a1) e
        c' = l + (1 - a0) c + (a0 + a1) e

    A second part comes back every m steps: a number with ``s' = s + b0 e`` (P), or a pair of its own (F).
    """
    psi = _pair(par["alpha_0"], par["alpha_1"], h, m if kind == "S" else 1)
    if kind == "F":
        psi += _pair(par["beta_0"], par["beta_1"], h, m)
    elif kind == "P":
        psi[m::m] += par["beta_0"]
    psi[0] = 1.0
    return psi


def _pair(a0: float, a1: float, h: int, lag: int) -> Floats:
    """What a pair of states says at steps 0 ... h - 1 after an error of 1 at step 0, (h,)."""
    psi = np.zeros(h)
    level, other = a0 - a1, a0 + a1
    for k in range(lag, h, lag):
        psi[k] = level
        level, other = level - (1 - a1) * other, level + (1 - a0) * other
    return psi


MODELS: Mapping[str, Callable[..., Floats]] = MappingProxyType({"ETS": _ets, "CES": _ces})
"""What there is, by the names of their columns."""


class _StatsForecastModel(LocalModel):
    """A model of statsforecast."""

    @classmethod
    def default_for(cls, panel: PanelSummary, task: Task, overrides: Overrides) -> LocalModel:
        """Refuse early where statsforecast is not installed."""
        _library()
        return cls()

    def forecast(self, values: Floats, task: Task) -> Floats:
        """Fit and forecast one series after another."""
        key = self.name.upper()
        return forecast_each(values, task.horizon, task.season_length, task.quantiles, (key,))[key]


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
