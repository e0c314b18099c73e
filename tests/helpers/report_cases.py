"""Records of every part that a report can hold, made of plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from chart_cases import make_forecast

from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError
from gatecast.forecasting.presets import make_recipe
from gatecast.nn.inspection.trace import LayerTrace
from gatecast.selection.memory_tasks.benchmark import MemoryBenchmark

HOSTILE = (
    '<script>alert("x")</script>',
    "'quotes' & \"more\"",
    "</script><b>价格 上海",
    "\u2028 line",
    "_0",
    "${x} `y`",
)
"""Names of series that a page must show as they are."""


@dataclass
class Fitted:
    """What a report asks a forecaster."""

    forecast: Any
    networked: bool = True
    model: str = "auto"
    h: int | None = 12
    level: tuple[float, ...] = (80, 95)
    season: int | None = None
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
        self.panel_, self.evaluation_, self.model_weights_ = past.panel, past.evaluation, {"LSTM": 0.5, "DOT": 0.5}
        recipe = make_recipe(12, 12, self.panel_.lengths)
        self._trained = SimpleNamespace(learned=SimpleNamespace(recipe=recipe))

    def predict(self, *_, **__):
        """The forecast."""
        return self.forecast

    def curves(self):
        """A loss that falls, and a validation that rises again."""
        steps = np.arange(1, 101)
        table = {
            "step": steps,
            "loss": 1 / steps,
            "validation_step": steps[::10],
            "validation": 1 + (steps[::10] / 100 - 0.5) ** 2,
            "training": 1 / (1 + steps[::10]),
        }
        return curves_of(table)

    def gates(self, *_, **__):
        """Waves of three units, and how long they remember."""
        self._check()
        table = {
            "layer": ["LSTM"] * 3,
            "unit": [0, 1, 2],
            "half_life": [1.0, np.inf, 12.5],
            "dead": [False, True, False],
        }
        memory = SimpleNamespace(table=table, sentence="Half of the units remember 12 steps.")
        return SimpleNamespace(layers=(layer(self.panel_.times(0)[-48:]),), memory=memory)

    def explain(self, *_, **__):
        """Twelve lags."""
        self._check()
        return explanation()

    def _check(self):
        if not self.networked:
            raise ConfigError("this model has no network")


def curves_of(table):
    """Curves with the advice that they overfit."""
    return SimpleNamespace(curves=table, sentence="It overfits from step 50 on.", began=50, overfits=True)


def layer(times):
    """An LSTM of three units."""
    wave = 0.5 + 0.5 * np.sin(np.arange(len(times))[:, None] / 6 + np.arange(3))[None]
    return LayerTrace(
        "LSTM 1", "lstm", times, {"i": wave, "f": wave, "o": wave, "g": 2 * wave - 1}, {"h": wave, "c": 3 * wave}
    )


def explanation():
    """Of a forecast that rests on the value of a year before."""
    lag = np.tile(np.arange(1.0, 13), 2)
    share = np.where(lag == 12, 5.0, 0.1)
    table = {"time": lag, "feature": np.repeat(["y", "price"], 12), "lag": lag, "value": lag, "attribution": share}
    return SimpleNamespace(
        id=None,
        method="integrated",
        step=1,
        quantile=0.5,
        forecast=20.0,
        baseline=8.9,
        error=1e-3,
        table=table,
        sentence="The value of 12 steps before matters most.",
    )


def comparison():
    """Of three models."""
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
    return SimpleNamespace(scores=scores, folds={}, recommendation="Take the LSTM.", best="LSTM")


def probes():
    """Of two cells on one task."""
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


def tuned():
    """Of three trials."""
    trials = {"trial": [0, 1, 2], "value": [1.0, np.nan, 0.8], "units": [16, 32, 64]}
    return SimpleNamespace(
        trials=trials,
        importance={"units": 0.75, "rate": 0.25},
        best={"units": 64, "rate": 0.003},
        forecaster=None,
        sentence="64 units did best.",
    )


def importance():
    """Of two columns."""
    table = {"column": ["price", "holiday"], "increase": [12.0, 0.5], "low": [8.0, -0.5], "high": [15.0, 1.5]}
    return SimpleNamespace(table=table, sentence="The price matters.")


def everything(**options):
    """A forecaster and all that can stand beside it."""
    beside = {"comparison": comparison(), "probes": probes(), "tuned": tuned(), "importance": importance()}
    return Fitted(make_forecast(**options)), beside
