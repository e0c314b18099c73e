"""Families of low frequency: yearly, quarterly, monthly and weekly series."""

from __future__ import annotations

from collections.abc import Callable

from gatecast._utils.typing import FloatArray
from gatecast.data.synth.lf.arma import seasonal_arima
from gatecast.data.synth.lf.cointegrated import lagged_copies
from gatecast.data.synth.lf.components import trend_season_rest
from gatecast.data.synth.lf.counts import intermittent_counts, negative_binomial_counts
from gatecast.data.synth.lf.cycles import limit_cycles, logistic_maps, predator_prey, stochastic_cycles
from gatecast.data.synth.lf.demand import sporadic_demand
from gatecast.data.synth.lf.diffusions import switching_diffusions
from gatecast.data.synth.lf.events import interventions, repaired
from gatecast.data.synth.lf.gaussian_processes import kernel_synthesis
from gatecast.data.synth.lf.innovations import exponential_smoothing, local_global_trend

__all__ = ["LF_FAMILIES"]

LF_FAMILIES: dict[str, dict[str, tuple[float, Callable[..., FloatArray]]]] = {
    "innovations": {
        "exponential smoothing": (0.18, exponential_smoothing),
        "local and global trend": (0.07, local_global_trend),
    },
    "arma": {"seasonal arima": (0.14, seasonal_arima)},
    "components": {"trend, season, rest": (0.14, trend_season_rest)},
    "gaussian processes": {"kernel synthesis": (0.08, kernel_synthesis)},
    "diffusions": {"switching diffusions": (0.08, switching_diffusions)},
    "counts": {
        "negative binomial": (0.06, negative_binomial_counts),
        "intermittent": (0.03, intermittent_counts),
        "sporadic demand": (0.05, sporadic_demand),
    },
    "events": {"interventions": (0.06, interventions), "repaired": (0.04, repaired)},
    "cycles": {
        "stochastic cycles": (0.02, stochastic_cycles),
        "predator and prey": (0.01, predator_prey),
        "logistic maps": (0.01, logistic_maps),
        "limit cycles": (0.01, limit_cycles),
    },
    "cointegrated": {"lagged copies": (0.02, lagged_copies)},
}
"""Groups, families and their shares."""
