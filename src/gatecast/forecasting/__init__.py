"""Forecasting models: one protocol, a registry, and one file or folder for each model.

`available_models` lists them; `docs/contributing/add-a-model.md` shows how to add
one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatecast.forecasting.base import (
        CarriesState,
        ForecastModel,
        HasFindings,
        HasNetworks,
        IsDifferentiable,
        LocalModel,
        ModelConfig,
        ModelState,
        NetworkView,
        Overrides,
        PanelSummary,
        PredictsInsample,
        Task,
    )
    from gatecast.forecasting.context import PanelContext
    from gatecast.forecasting.registry import available_models, get_model, register

__all__ = [
    "CarriesState",
    "ForecastModel",
    "HasFindings",
    "HasNetworks",
    "IsDifferentiable",
    "LocalModel",
    "ModelConfig",
    "ModelState",
    "NetworkView",
    "Overrides",
    "PanelContext",
    "PanelSummary",
    "PredictsInsample",
    "Task",
    "available_models",
    "get_model",
    "register",
]

_HOME = dict.fromkeys(__all__, "gatecast.forecasting.base") | {
    "PanelContext": "gatecast.forecasting.context",
    "available_models": "gatecast.forecasting.registry",
    "get_model": "gatecast.forecasting.registry",
    "register": "gatecast.forecasting.registry",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'gatecast.forecasting' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
