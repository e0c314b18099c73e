"""Gates and attributions of many series of a forecaster, from one preparation of the panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.data.panel import Panel
from gatecast.explain.forecast_attribution import Explanation, explain
from gatecast.explain.gates import Gates, inspect_network
from gatecast.forecasting.context import PanelContext
from gatecast.pipeline.state import FittedState

__all__ = ["Inspector"]


@dataclass(frozen=True, eq=False)
class Inspector:
    """Access to the networks of a forecaster, series by series.

    Args:
        fitted: The fitted models.
        panel: The series.
        context: The same series as models read them, with the known columns of the steps ahead.
    """

    fitted: FittedState
    panel: Panel
    context: PanelContext

    def has_gates(self, s: int) -> bool:
        """Return whether series s is long enough for the first network, and has a value."""
        _, view = self.fitted.ensemble.networks()[0]
        return int(self.panel.lengths[s]) >= view.input_size and self.has_values(s)

    def has_values(self, s: int) -> bool:
        """Return whether series s has a value that is not missing."""
        return bool(np.isfinite(self.panel.series(s)).any())

    def gates(self, s: int) -> Gates:
        """Return the gates of the first network while it reads series s."""
        return inspect_network(self.fitted, self.panel, self.context, s)

    def explain(self, s: int) -> Explanation:
        """Return the attributions of the first step of the forecast of series s."""
        return explain(self.fitted, self.panel, self.context, s)
