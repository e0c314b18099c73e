"""Forecast time series with LSTM networks on an ordinary CPU.

`Forecaster` fits series and forecasts them, `load` reads a saved one, `report` writes an HTML page about it; `compare`
ranks models on the same cutoffs, `tune` searches for settings; `Sequential` and `gatecast.layers` are networks as in
Keras. Every error that is raised on purpose is a `GatecastError`.

The modules are loaded when they are first used: `import gatecast as keras` lets a script for Keras write
`keras.layers.LSTM`, `keras.callbacks`, `keras.optimizers`, `keras.utils.set_random_seed`, ...
"""

from __future__ import annotations

from importlib import import_module

from gatecast._utils.versions import __version__

# As `typing` has it, which takes longer to import than the first lines of the program (`gatecast.cli.start`).
TYPE_CHECKING = False
if TYPE_CHECKING:
    from gatecast import datasets
    from gatecast.config import DataConfig, ForecasterConfig, NetworkConfig, TrainingConfig
    from gatecast.errors import GatecastError
    from gatecast.forecaster import Forecaster, load
    from gatecast.nn.functional.model import Model
    from gatecast.nn.layers import Input
    from gatecast.nn.sequential import Sequential
    from gatecast.reporting.html_report import report
    from gatecast.selection.compare import compare
    from gatecast.selection.tune import tune
    from gatecast.stream import ForecastStream

__all__ = [
    "DataConfig",
    "ForecastStream",
    "Forecaster",
    "ForecasterConfig",
    "GatecastError",
    "Input",
    "Model",
    "NetworkConfig",
    "Sequential",
    "TrainingConfig",
    "__version__",
    "compare",
    "datasets",
    "load",
    "report",
    "tune",
]

_HOME = {
    "DataConfig": "gatecast.config",
    "ForecastStream": "gatecast.stream",
    "Forecaster": "gatecast.forecaster",
    "ForecasterConfig": "gatecast.config",
    "GatecastError": "gatecast.errors",
    "NetworkConfig": "gatecast.config",
    "Input": "gatecast.nn.layers",
    "Model": "gatecast.nn.functional.model",
    "Sequential": "gatecast.nn.sequential",
    "TrainingConfig": "gatecast.config",
    "compare": "gatecast.selection.compare",
    "load": "gatecast.forecaster",
    "report": "gatecast.reporting.html_report",
    "tune": "gatecast.selection.tune",
}


_MODULES = (
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "data",
    "datasets",
    "errors",
    "forecasting",
    "initializers",
    "kernels",
    "layers",
    "losses",
    "metrics",
    "mlflow",
    "models",
    "optim",
    "optimizers",
    "preprocessing",
    "regularizers",
    "sklearn",
    "sktime",
    "testing",
    "utils",
)
"""Public modules."""


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `import gatecast` alone costs nothing."""
    if name in _MODULES:
        return import_module(f"gatecast.{name}")
    if name not in _HOME:
        from gatecast._utils.keras_names import missing_name

        raise missing_name("gatecast", name, [*__all__, *_MODULES])
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """Return the public names and modules."""
    return sorted({*__all__, *_MODULES})
