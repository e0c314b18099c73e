"""The mix of frequencies: season lengths of synthetic series."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import IntArray

__all__ = ["draw_long_seasons", "draw_seasons"]

LF_SEASONS = {1: 0.30, 4: 0.30, 12: 0.25, 52: 0.08, 13: 0.02, 7: 0.02, 0: 0.03}
"""Yearly, quarterly, monthly, weekly, four-weekly, and others; 0 stands for a random season from 2 to 30."""

HF_SEASONS = {64: 0.34, 24: 0.25, 7: 0.21, 48: 0.10, 96: 0.05, 0: 0.05}
"""A cycle averaged down to 64 points, hourly, daily, half-hourly, a quarter of an hour; 0: random from 5 to 128."""

HF_LONG = {7: 0.5, 5: 0.12, 4: 0.12, 30: 0.06, 0: 0.2}
"""Cycles of a longer season; 0 means none."""


def draw_seasons(rng: np.random.Generator, kind: str, count: int) -> IntArray:
    """Draw the season lengths of a kind.

    >>> set(draw_seasons(np.random.default_rng(0), "lf", 500).tolist()) >= {1, 4, 12, 52}
    True
    """
    table, low, high = (LF_SEASONS, 2, 30) if kind == "lf" else (HF_SEASONS, 5, 128)
    season = rng.choice(list(table), size=count, p=list(table.values()))
    return np.where(season == 0, rng.integers(low, high + 1, size=count), season).astype(np.int64)


def draw_long_seasons(rng: np.random.Generator, kind: str, season: IntArray) -> IntArray:
    """Draw the longer season next to a season, 0 for none; low frequency has none.

    >>> draw_long_seasons(np.random.default_rng(0), "lf", np.array([4, 12])).tolist()
    [0, 0]
    """
    if kind == "lf":
        return np.zeros(len(season), np.int64)
    return season * rng.choice(list(HF_LONG), size=len(season), p=list(HF_LONG.values())).astype(np.int64)
