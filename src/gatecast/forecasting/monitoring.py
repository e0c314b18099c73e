"""The error of a model while it learns, on values that it does not learn from and on some that it does, alike.

Letters: S series, R rows, h horizon, Q quantiles.

A gap between the two errors means something only if both are the same error: medians of all h steps from cutoffs in the
past, each in units of its series' mean change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.exogenous_regression import ExogenousRegression, remove_effects, restore_effects
from gatecast.metrics.scale import seasonal_naive_scale
from gatecast.nn.training import ValidationErrors

__all__ = ["MonitorData", "Say", "ValidationMonitor", "make_monitor_data", "mean_error"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Say = Callable[[PanelContext], Floats]
"""What a model says: from a prepared history of R rows to (R, h, Q)."""

SERIES, CUTOFFS, ROWS = 64, 16, 256
"""Series and cutoffs at most, and rows, of the sample of what is learnt from."""


class MonitorData(NamedTuple):
    """What errors are looked at on.

    Args:
        past: R rows as they were known at a cutoff that is not learnt from.
        came: (R, h) what came then; NaN where unknown.
        learnt: Series that are learnt from.
        backs: (C,) how many of their newest values each cutoff leaves out.
    """

    past: PanelContext
    came: Floats
    learnt: PanelContext
    backs: Integers


def make_monitor_data(past: PanelContext, came: Floats, seen: PanelContext, typical: int, segment: int) -> MonitorData:
    """Rows of a validation part, and a fixed sample of what is learnt from: cutoffs in the newer half of some series.

    Args:
        past: R rows as they were known at cutoffs of the validation part.
        came: (R, h) what came then.
        seen: The training parts.
        typical: Values in the typical one.
        segment: Steps from one cutoff to the next are a multiple of it.

    >>> from gatecast.forecasting.context import PanelContext
    >>> seen = PanelContext.from_values(np.arange(40.0)[None])
    >>> make_monitor_data(*seen.rolling_origins(np.array([4]), 4), seen, 40, 1).backs.tolist()
    [20, 19, 18, 17, 16, 15, 14, 13, 11, 10, 9, 8, 7, 6, 5, 4]
    """
    some = seen.take(np.arange(0, len(seen), max(1, -(-len(seen) // SERIES))))
    half = max(1, typical // 2)
    least, most = min(came.shape[1], half), min(CUTOFFS, ROWS // max(len(some), 1))
    steps = np.unique(np.linspace((half - least) // segment, 0, most).round().astype(np.int64))[::-1]
    return MonitorData(past, came, some, least + segment * steps)


class ValidationMonitor:
    """Looks at the errors of models again and again; what they read is prepared once.

    Args:
        effects: Scales and slopes of the columns beside the series.
        seen: What errors are looked at on.
    """

    def __init__(self, effects: ExogenousRegression, seen: MonitorData) -> None:
        self.effects, self.seen = effects, seen
        old, self._came = seen.learnt.rolling_origins(seen.backs, seen.came.shape[1])
        self._new, self._old = (seen.past, _unit(seen.past)), (old, _unit(old))
        self.past, self.cut, self.learnt = (remove_effects(effects, one) for one in (seen.past, old, seen.learnt))
        """Rows that are not learnt from, rows that are as they were known at their cutoffs, and the whole series."""

    def measure(self, said: Floats, again: Floats) -> ValidationErrors:
        """Both errors of quantiles (R, h, Q) of what is not learnt from, and of what is, cutoff by cutoff."""
        pairs = ((said, self._new, self.seen.came), (again, self._old, self._came))
        return ValidationErrors(
            *(_error(restore_effects(self.effects, past, q), came, unit) for q, (past, unit), came in pairs)
        )


def mean_error(effects: ExogenousRegression, say: Say, past: PanelContext, came: Floats) -> float:
    """Mean error of a model's medians, each series in units of its own mean change; infinite where there is none.

    Args:
        effects: Scales and slopes of the columns beside the series.
        say: The model.
        past: R rows.
        came: (R, h) what came; NaN where unknown.
    """
    return _error(restore_effects(effects, past, say(remove_effects(effects, past))), came, _unit(past))


def _unit(past: PanelContext) -> Floats:
    """(R,) mean change of each row; 1 where there is none."""
    return np.nan_to_num(seasonal_naive_scale(past.values, 1), nan=1.0)


def _error(said: Floats, came: Floats, unit: Floats) -> float:
    """Mean error of medians (R, h, Q)."""
    off = np.abs(came - said[..., said.shape[-1] // 2]) / unit[:, None]
    known = np.isfinite(off)
    return float(off[known].mean()) if known.any() else np.inf
