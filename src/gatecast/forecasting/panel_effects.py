"""What all series of a panel share: a season, and the effects of exogenous columns.

Both are removed before any model reads a series, and restored in its forecasts: first the season, then the effects.

Shapes: n_series rows, T columns of the past, horizon steps, Q quantiles.
"""

from __future__ import annotations

from typing import NamedTuple

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.exogenous_regression import ExogenousRegression
from gatecast.forecasting.panel_season import PanelSeason

__all__ = ["PanelEffects"]


class PanelEffects(NamedTuple):
    """A season in common, and a regression on exogenous columns, fitted on the past of a panel.

    Args:
        season: Of series that are too short to show their own.
        regression: Scales and effects of exogenous columns.

    Example:
        >>> import numpy as np
        >>> past = PanelContext.from_values(np.ones((5, 24)))
        >>> effects = PanelEffects.fit(past, season_length=4, panel_season=4)
        >>> effects.season.season_length, effects.regression.has_effects
        (1, False)
    """

    season: PanelSeason
    regression: ExogenousRegression

    @classmethod
    def fit(cls, context: PanelContext, season_length: int, panel_season: int) -> PanelEffects:
        """Estimate both from the past alone.

        Args:
            context: The series.
            season_length: Season that models know of; 1 for none.
            panel_season: Season that long series show to short ones; 1 for none.
        """
        season = PanelSeason.fit(context, panel_season, for_all=season_length == 1)
        return cls(season, ExogenousRegression.fit(season.remove(context), season_length))

    def at_positions(self, series: IntArray) -> PanelEffects:
        """Return the effects for a panel whose series had these positions, [n_series]; -1 for new ones."""
        return self._replace(regression=self.regression.at_positions(series))

    def for_baselines(self) -> PanelEffects:
        """Return the effects without the season: a baseline forecasts what the series alone says."""
        return self._replace(season=PanelSeason.none())

    def remove(self, context: PanelContext) -> PanelContext:
        """Return the context as models read it."""
        return self.regression.remove(self.season.remove(context))

    def restore(self, context: PanelContext, quantiles: FloatArray) -> FloatArray:
        """Return forecasts with the season and the effects of the forecast steps.

        Args:
            context: As it was before `remove`.
            quantiles: Forecasts of the series without both, [n_series, horizon, Q].
        """
        return self.season.restore(context, self.regression.restore(self.season.remove(context), quantiles))

    def restore_insample(self, context: PanelContext, medians: FloatArray) -> FloatArray:
        """Return forecasts of past values, [n_series, T], with the season and the effects of their own steps."""
        restored = self.regression.restore_insample(self.season.remove(context), medians)
        return self.season.restore_insample(context, restored)
