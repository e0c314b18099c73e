"""Families of high frequency: daily, hourly and finer series, with a season and often a longer one."""

from __future__ import annotations

from collections.abc import Callable

from gatecast._utils.typing import FloatArray
from gatecast.data.synth.hf.arma import double_seasonal_arma
from gatecast.data.synth.hf.chaos import chaotic_flows, coupled_maps
from gatecast.data.synth.hf.counts import bursts, profile_counts
from gatecast.data.synth.hf.diffusions import seasonal_diffusions
from gatecast.data.synth.hf.gaussian_processes import spectral_synthesis
from gatecast.data.synth.hf.machines import duty_cycles, queues, sensors, thermostats
from gatecast.data.synth.hf.profiles import clouded_half_sines, daily_profiles, working_hours
from gatecast.data.synth.hf.spikes import spike_trains
from gatecast.data.synth.hf.unpredictable import fractional_noises, garch_returns, random_walks
from gatecast.data.synth.hf.waves import modulated_waves

__all__ = ["HF_FAMILIES"]

HF_FAMILIES: dict[str, dict[str, tuple[float, Callable[..., FloatArray]]]] = {
    "profiles": {
        "daily profiles": (0.15, daily_profiles),
        "working hours": (0.05, working_hours),
        "clouded half-sines": (0.05, clouded_half_sines),
    },
    "gaussian processes": {"spectral synthesis": (0.12, spectral_synthesis)},
    "arma": {"double seasonal arma": (0.10, double_seasonal_arma)},
    "diffusions": {"seasonal diffusions": (0.12, seasonal_diffusions)},
    "waves": {"modulated waves": (0.08, modulated_waves)},
    "counts": {"profile counts": (0.06, profile_counts), "bursts": (0.04, bursts)},
    "machines": {
        "duty cycles": (0.02, duty_cycles),
        "thermostats": (0.02, thermostats),
        "queues": (0.02, queues),
        "sensors": (0.02, sensors),
    },
    "spikes": {"spike trains": (0.05, spike_trains)},
    "unpredictable": {
        "random walks": (0.03, random_walks),
        "garch": (0.02, garch_returns),
        "fractional noise": (0.02, fractional_noises),
    },
    "chaos": {"chaotic flows": (0.02, chaotic_flows), "coupled maps": (0.01, coupled_maps)},
}
"""Groups, families and their shares."""
