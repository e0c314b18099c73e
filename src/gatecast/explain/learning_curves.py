"""Diagnosis of the training of a fitted forecaster: the learning curves of its first network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.errors import ConfigError
from gatecast.evaluation.learning_curves import Diagnosis, diagnose
from gatecast.forecasting.median import members_of
from gatecast.nn.optim import one_cycle
from gatecast.pipeline.state import FittedState

__all__ = ["diagnose_fit"]


def diagnose_fit(state: FittedState) -> Diagnosis:
    """Diagnose the training of a forecaster's first network.

    Raises:
        ConfigError: Models without a network.
    """
    ensemble = state.ensemble
    networks = ensemble.networks()
    if not networks:
        raise ConfigError(
            "This model has no network whose training could be diagnosed", got=", ".join(ensemble.columns)
        )
    (_, view), curve = networks[0], state.training_history
    last = int(curve["step"][-1]) if curve["step"] else 0
    trained = min(_steps(ensemble.configs), default=last)
    diagnosis = diagnose(
        curve,
        units=getattr(view.settings, "units", None),
        dropout=getattr(view.settings, "dropout", 0.0),
        weights=view.weights.vector.size,
        values=int(np.isfinite(state.panel.values).sum()),
        stopped=trained if trained < last else None,
        rate=one_cycle(1.0, last) if view.one_cycle and last else None,
    )
    if _varies(state.panel):
        return diagnosis
    return replace(diagnosis, kind="inconclusive", reason="constant", onset_step=None, suggestions={})


def _steps(configs: Iterable[Any]) -> list[int]:
    """Return the updates of every training of a network; those that were trained before have none."""
    members = (member for config in configs if config.family == "network" for member in members_of(config))
    return [member.max_steps for member in members if hasattr(member, "max_steps")]


def _varies(panel: Panel) -> bool:
    """Return whether any series has two different values."""
    known = np.isfinite(panel.values)
    values, owner = panel.values[known], np.repeat(np.arange(len(panel)), panel.lengths)[known]
    return bool(((np.diff(values) != 0) & (np.diff(owner) == 0)).any())
