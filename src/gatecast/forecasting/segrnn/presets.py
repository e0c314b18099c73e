"""Defaults of a SegRNN by season, horizon and length, as validation tails chose them."""

from __future__ import annotations

from typing import Any

from gatecast.forecasting.base import Overrides, PanelSummary, Task
from gatecast.forecasting.panel_rnn.presets import removed_season

__all__ = ["members", "segment_length"]

SEGMENT_LENGTHS = 12, 48
"""Shortest and longest segment: a season within them is a segment."""

N_SEGMENTS = 30
"""Segments of the look-back, at most: a month of hours."""

LOOK_BACKS = 8
"""Times that the look-back fits into a series, at least."""

N_MEMBERS = 2
"""Networks: one counts from the newest value, one from the mean of the newest segment."""

SMALL_PANEL_VALUES = 20_000
"""Values of all series below which fewer updates of fewer look-backs do: more of them overfit."""


def members(panel: PanelSummary, task: Task, overrides: Overrides) -> list[dict[str, Any]]:
    """Return the settings of every member, as many as the user fixed, before others that the user fixed.

    Example:
        >>> import numpy as np
        >>> settings = members(PanelSummary(np.full(7, 11520)), Task(96, 24, seasons=(24, 168)), Overrides())
        >>> settings[0]["input_size"], settings[0]["segment_length"], settings[1]["level_window"]
        (720, 24, 24)
    """
    n_members = overrides.training.n_members or N_MEMBERS
    return [_member(k, panel, task) for k in range(n_members)]


def _member(k: int, panel: PanelSummary, task: Task) -> dict[str, Any]:
    """Return the settings of one member: every other one counts from the mean of the newest segment."""
    length, typical = segment_length(task), panel.typical_length
    n_segments = max(1, min(N_SEGMENTS, typical // LOOK_BACKS // length))
    settings = {
        "input_size": min(n_segments * length, max(typical - 1, 1)),
        "segment_length": length,
        "season_length": removed_season(task.season_length, panel.n_series),
        "level_window": length if k % 2 else 1,
        "quantiles": task.quantiles,
    }
    is_small = panel.lengths.sum() < SMALL_PANEL_VALUES
    return settings | ({"max_steps": 150, "batch_size": 32} if is_small else {})


def segment_length(task: Task) -> int:
    """Return the steps in a segment: the shortest season that is long enough, cut where it is too long.

    Example:
        >>> segment_length(Task(96, 168, seasons=(24, 168))), segment_length(Task(30, 7)), segment_length(Task(9, 365))
        (24, 14, 24)
    """
    shortest, longest = SEGMENT_LENGTHS
    seasons = [m for m in task.seasons or (task.season_length,) if m > 1]
    for m in sorted(seasons):
        multiple = m * -(-shortest // m)
        if multiple <= longest:
            return multiple
    return 24
