"""Defaults of panel RNNs by season, horizon and length, as validation tails chose them."""

from __future__ import annotations

from typing import Any

from gatecast.forecasting.base import Overrides, PanelSummary, Task

__all__ = ["FEW_SERIES", "INPUT_SIZE_FACTORS", "WEEKS", "default_settings", "members", "removed_season"]

FEW_SERIES = 16
"""Series below which a network has little to learn from: a smaller one, fewer members."""

SMALL_PANEL_SERIES = 200
"""Series below which three members do, and, with seasons, fewer steps err less."""

WEEKS = (168, 336, 672)
"""Steps of a week in hours, half hours and quarters of an hour."""

SHORT_SEASON = 12
"""Seasons up to this one are removed by indices where a series shows them; the window is to hold longer ones."""

LOW_SEASON = 7
"""Above it series are long enough to pay for more steps at a higher learning rate."""

INPUT_SIZE_FACTORS = (1.0, 0.75, 1.33)
"""Windows of the members in turn, where seasons are long: networks with other windows err otherwise."""

SLOWER_TRAINING = 3
"""On few series every other member trains so many halves longer, at so many times the rate; validation chooses."""


def removed_season(season_length: int, n_series: int) -> int:
    """Return the season whose indices are removed before a network reads; 1 for none."""
    remove = n_series < FEW_SERIES or season_length <= SHORT_SEASON or season_length in WEEKS
    return season_length if remove else 1


def members(panel: PanelSummary, task: Task, overrides: Overrides) -> list[dict[str, Any]]:
    """Return the settings of every member, as many as the user fixed, before others that the user fixed.

    Example:
        >>> import numpy as np
        >>> settings = members(PanelSummary(np.full(1000, 100)), Task(18, 12), Overrides())
        >>> len(settings), settings[0]["input_size"], settings[0]["season_length"]
        (5, 18, 12)
    """
    has_few_series, small = panel.n_series < FEW_SERIES, panel.n_series < SMALL_PANEL_SERIES
    n_members = overrides.training.n_members or (2 if has_few_series else 3 if small else 5)
    return [_member(k, panel, task) for k in range(n_members)]


def _member(k: int, panel: PanelSummary, task: Task) -> dict[str, Any]:
    """Return the settings of one member."""
    settings = default_settings(panel, task)
    has_few_series = panel.n_series < FEW_SERIES
    if has_few_series and k % 2:
        settings["max_steps"] = SLOWER_TRAINING * settings["max_steps"] // 2
        settings["learning_rate"] = SLOWER_TRAINING * settings["learning_rate"]
    if task.season_length > LOW_SEASON and not has_few_series:
        factor = INPUT_SIZE_FACTORS[k % len(INPUT_SIZE_FACTORS)]
        settings["input_size"] = round(settings["input_size"] * factor)
    return settings


def default_settings(panel: PanelSummary, task: Task) -> dict[str, Any]:
    """Return the settings of a member where nothing is fixed."""
    h, m = task.horizon, task.season_length
    typical = panel.typical_length
    common = {"season_length": removed_season(m, panel.n_series), "quantiles": task.quantiles}
    if panel.n_series < FEW_SERIES:
        return common | _for_few_series(m, typical)
    if m == 1:
        settings = _without_season(h)
    elif m <= SHORT_SEASON:
        settings = _with_short_season(h, m, small=panel.n_series < SMALL_PANEL_SERIES)
    elif m in WEEKS:
        settings = _with_weeks(m)
    else:
        settings = {"input_size": min(m + 1, 336), "level_window": 1, "units": 40, "n_origins": 96}
        settings |= {"max_steps": 500, "learning_rate": 5e-3, "batch_size": 48}
    settings["input_size"] = max(2, min(settings["input_size"], typical - 1))
    settings["level_window"] = min(settings["level_window"], settings["input_size"])
    return common | {"learning_rate": 3e-3, "batch_size": 96} | settings


def _for_few_series(m: int, typical: int) -> dict[str, Any]:
    """Return the settings of a small network that stops early."""
    input_size = max(2, min(m if 12 < m <= 24 else 12, typical // 3, typical - 1))
    return {
        "input_size": input_size,
        "units": 32,
        "level_window": min(3, input_size),
        "level_position_weight": 2.0,
        "n_origins": max(8, min(48, typical // 3)),
        "max_steps": 100,
        "learning_rate": 3e-3,
        "min_improvement": 0.03,
    }


def _without_season(h: int) -> dict[str, Any]:
    """Return the settings where there is no season."""
    short = h <= 6
    return {
        "input_size": max(5, min(h, 24)),
        "level_window": 1 if short else 3,
        "units": 32,
        "n_origins": max(36, min(8 * h, 96)),
        "max_steps": 150 if short else 300,
    }


def _with_short_season(h: int, m: int, *, small: bool) -> dict[str, Any]:
    """Return the settings for weeks, quarters and months."""
    low = m <= LOW_SEASON
    settings: dict[str, Any] = {"input_size": max(5, min(h, 24)), "level_window": 3, "units": 48}
    settings |= {"n_origins": max(36, min(12 * m, 96)), "max_steps": 300}
    if not low:
        settings |= {"learning_rate": 5e-3, "batch_size": 64, "max_steps": 400}
    if small:
        settings["max_steps"] = 100 if low else 150
    return settings


def _with_weeks(m: int) -> dict[str, Any]:
    """Return the settings for a week in parts of a day: two days in a window, a third of a day as stride."""
    day = m // 7
    settings = {"input_size": 2 * day, "level_window": day, "units": 64, "n_origins": 40, "stride": day // 3}
    return settings | {"max_steps": 600, "learning_rate": 5e-3, "batch_size": 96}
