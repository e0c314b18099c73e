"""Records of everything that a report can show, made of plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from chart_cases import make_forecast

from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError
from gatecast.evaluation.learning_curves import Diagnosis
from gatecast.evaluation.totals import sum_paths
from gatecast.explain.forecast_attribution import Explanation
from gatecast.explain.gates import Gates
from gatecast.explain.permutation_importance import Importance
from gatecast.forecasting.base import Overrides, PanelSummary, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.presets import auto_models
from gatecast.nn.inspection.trace import LayerTrace
from gatecast.nn.inspection.unit_memory import UnitMemory
from gatecast.selection.memory_tasks.benchmark import MemoryBenchmark

HOSTILE = (
    '<script>alert("x")</script>',
    "'quotes' & \"more\"",
    "</script><b>价格 上海",
    "\u2028 line",
    "_0",
    "${x} `y` $& {series}",
    "@model",
)
"""Names of series that a page must show unchanged."""

WINDOW = 24
"""Values that the network of a `Fitted` reads."""


@dataclass
class Fitted:
    """What a report reads from a forecaster."""

    forecast: Any
    has_network: bool = True
    model: str = "auto"
    h: int | None = 12
    level: tuple[float, ...] = (80, 95)
    season_length: int | None = None
    freq: str | None = None
    seed: int = 0
    id_col: str | None = None
    time_col: str | None = None
    target_col: str | None = None
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    data: DataConfig = field(default_factory=DataConfig)
    data_notes_: tuple[str, ...] = ("time column: 'ds', target: 'y'.",)
    h_: int = 12
    season_length_: int = 12
    fit_seconds_: float = 1.5

    def __post_init__(self):
        past = self.forecast.past
        self.panel_, self.evaluation_, self.model_weights_ = (
            past.panel,
            past.evaluation,
            {"LSTM": 0.5, "DynamicOptimizedTheta": 0.5},
        )
        view = SimpleNamespace(network=SimpleNamespace(shapes=((None, 1),)))
        networks = [("LSTM", view)] if self.has_network else []
        configs = auto_models(PanelSummary(self.panel_.lengths), Task(12, 12), Overrides())
        ensemble = SimpleNamespace(configs=configs, networks=lambda: networks, differentiable=lambda: networks or None)
        self.state_ = SimpleNamespace(ensemble=ensemble)

    def anomalies(self, *_, **__):
        """Refuse: none of the models here can judge."""
        raise ConfigError("No model can judge values that it was fitted on")

    @property
    def _session(self):
        """What a session gives to reports."""
        context = self.panel_, PanelContext.from_panel(self.panel_)
        return SimpleNamespace(
            forecast=lambda *_, **__: self.forecast, context=lambda *_, **__: context, totals=self._totals
        )

    def _totals(self, predicted, *_, **__):
        """Return totals of paths around the forecast."""
        point = predicted.columns[predicted.model].reshape(len(self.panel_), -1)
        noise = np.random.default_rng(0).normal(size=(len(point), 400, 1))
        parts = [(slice(0, len(point)), point[:, None] + noise)]
        past = np.stack([self.panel_.series(s)[-12:] for s in range(len(point))])
        return sum_paths(point, parts, predicted.levels, past, 12)

    def learning_curves(self):
        """Return a loss that falls, and a validation error that rises again."""
        steps = np.arange(1, 101)
        curves = {
            "step": steps,
            "loss": 1 / steps,
            "validation_step": steps[::10],
            "validation": 1 + (steps[::10] / 100 - 0.5) ** 2,
            "training": 1 / (1 + steps[::10]),
        }
        facts = {"unit": "step", "onset": 50, "last": 100, "rise": 0.2, "remedy": "dropout"}
        return Diagnosis("overfitting", "rises", 50, 0.3, {}, curves, facts)

    def _inspector(self, *_, **__):
        """Return access to the networks."""
        return FakeInspector(self.panel_)


@dataclass
class FakeInspector:
    """Gates and attributions that differ from series to series; `calls` counts what was computed."""

    panel: Any

    def __post_init__(self):
        self.calls = {"gates": [], "explain": []}

    def has_gates(self, s):
        """Return whether the series is as long as the window."""
        return self.panel.lengths[s] >= WINDOW and self.has_values(s)

    def has_values(self, s):
        """Return whether the series has a value."""
        return np.isfinite(self.panel.series(s)).any()

    def gates(self, s):
        """Return waves of three units whose amplitude depends on the series."""
        self.calls["gates"].append(s)
        times = self.panel.times(s)[-48:]
        table = {
            "layer": np.array(["LSTM 1"] * 3, object),
            "unit": np.arange(3),
            "half_life": np.array([1.0 + s, np.inf, 12.5]),
            "dead": np.array([False, True, False]),
        }
        memory = UnitMemory(table, {}, f"Half of the units remember {1 + s} steps.")
        values = self.panel.series(s)[-48:]
        return Gates(self.panel.ids[s], (layer_trace(times, 1 / (1 + s)),), values, memory, (None, "ds"))

    def explain(self, s):
        """Return attributions whose size depends on the series."""
        self.calls["explain"].append(s)
        return explanation(self.panel.ids[s], s)


def layer_trace(times, amplitude=1.0):
    """Return the trace of an LSTM of three units."""
    wave = 0.5 + 0.5 * amplitude * np.sin(np.arange(len(times))[:, None] / 6 + np.arange(3))[None]
    gates = {"i": wave, "f": wave, "o": wave, "g": 2 * wave - 1}
    return LayerTrace("LSTM 1", "lstm", times, gates, {"h": wave, "c": 3 * wave})


def explanation(id=None, s=0):
    """Return attributions of a forecast that depends on the value of a year before."""
    lag = np.tile(np.arange(1.0, 13), 2)
    attribution = np.where(lag == 12, 5.0 + s, 0.1)
    table = {
        "time": lag,
        "feature": np.repeat(np.array(["y", "price"], object), 12),
        "lag": lag,
        "role": np.repeat(np.array(["value", "known"], object), 12),
        "value": lag,
        "attribution": attribution,
    }
    return Explanation(id, "integrated", 1, 0.5, 13, 20.0, 8.9, 0.01, 1e-3, table, "LSTM")


def comparison():
    """Return a comparison of three models."""
    scores = {
        "model": ["LSTM", "GRU", "SeasonalNaive"],
        "mae": [1.0, 2.0, 3.0],
        "rmse": [1.5, 2.5, 3.5],
        "mase": [0.5, 0.75, 1.0],
        "skill": [66.7, 33.3, 0.0],
        "seconds": [2.0, 1.5, 0.01],
        "parameters": [100, 80, 0],
        "p_value": [np.nan, 0.04, 0.001],
    }
    return SimpleNamespace(scores=scores, recommendation="Take the LSTM.", best="LSTM")


def memory_benchmark():
    """Return a memory benchmark of two cells on one task."""
    table = {
        "probe": ["adding"] * 6,
        "cell": ["rnn"] * 3 + ["lstm"] * 3,
        "length": [100] * 6,
        "seed": [0] * 6,
        "step": [25, 50, 75] * 2,
        "loss": [0.2, 0.17, 0.17, 0.2, 0.05, 0.01],
        "naive": [0.1667] * 6,
    }
    columns = {name: np.array(column) for name, column in table.items()}
    return MemoryBenchmark({}, columns, "The LSTM solves it, the RNN does not.")


def tune_result():
    """Return a search of three trials."""
    trials = {"trial": [0, 1, 2], "value": [1.0, np.nan, 0.8], "units": [16, 32, 64]}
    return SimpleNamespace(
        trials=trials,
        importance={"units": 0.75, "rate": 0.25},
        best={"units": 64, "rate": 0.003},
        forecaster=None,
        sentence="64 units did best.",
    )


def importance():
    """Return the importance of two columns."""
    table = {
        "column": np.array(["price", "holiday"], object),
        "increase": np.array([12.0, 0.5]),
        "low": np.array([8.0, -0.5]),
        "high": np.array([15.0, 1.5]),
    }
    return Importance(1.0, table, 4, 5)


def everything(**options):
    """Return a forecaster and all other arguments of a report."""
    others = {
        "comparison": comparison(),
        "memory_benchmark": memory_benchmark(),
        "tune_result": tune_result(),
        "permutation_importance": importance(),
    }
    return Fitted(make_forecast(**options)), others
