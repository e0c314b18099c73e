"""Forecasting with LSTM networks on a plain CPU.

`Forecaster` learns from series and forecasts them, `load` brings one back from its file, `report` writes a page about
it; `compare` lets models run side by side, `tune` searches for settings; `Sequential` and `gatecast.nn.layers` are
networks in the words of Keras; every error that is raised on purpose is a `GatecastError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from gatecast._utils.versions import __version__

if TYPE_CHECKING:
    from gatecast.errors import GatecastError
    from gatecast.forecaster import Forecaster, load
    from gatecast.nn.sequential import Sequential
    from gatecast.reporting.html_report import report
    from gatecast.selection.compare import compare
    from gatecast.selection.tune import tune

__all__ = ["Forecaster", "GatecastError", "Sequential", "__version__", "compare", "load", "report", "tune"]

_HOME = {
    "Forecaster": "gatecast.forecaster",
    "GatecastError": "gatecast.errors",
    "Sequential": "gatecast.nn.sequential",
    "compare": "gatecast.selection.compare",
    "load": "gatecast.forecaster",
    "report": "gatecast.reporting.html_report",
    "tune": "gatecast.selection.tune",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `import gatecast` alone costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'gatecast' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
