"""What every part of a forecaster stands on: its settings, what it has learnt, how it reads series, its file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar

import numpy.typing as npt

from gatecast._utils.validation import check_count, check_levels, check_seed, check_type
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.data.panel import Panel
from gatecast.data.read import kind_of, read, read_future, to_frame_like
from gatecast.errors import ConfigError, NotFittedError
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.presets import MODELS
from gatecast.nn.sequential import Sequential
from gatecast.pipeline import serialization
from gatecast.pipeline.fit import FitSettings, FittedState, prepare_panel
from gatecast.results import Forecast, HistoryData

__all__ = ["Base"]

Table = dict[str, npt.NDArray[Any]]
_OWN = ("h", "model", "level", "season_length", "freq", "input_size", "seed", "id_col", "time_col", "target_col")
_CONFIGS = {"network": NetworkConfig, "training": TrainingConfig, "data": DataConfig}


Kind = TypeVar("Kind", bound="Base")


class Base:
    """Settings, what was learnt, and the one door for series."""

    def __init__(
        self,
        h: int | None = None,
        *,
        model: str | Sequential = "auto",
        level: Sequence[float] | float | None = (80, 95),
        season_length: int | None = None,
        freq: str | None = None,
        input_size: int | None = None,
        seed: int = 0,
        network: NetworkConfig | None = None,
        training: TrainingConfig | None = None,
        data: DataConfig | None = None,
        id_col: str | None = None,
        time_col: str | None = None,
        target_col: str | Sequence[str] | None = None,
    ) -> None:
        for name, value in (("h", h), ("season_length", season_length), ("input_size", input_size)):
            check_count(name, value)
        if not isinstance(model, Sequential) and model not in MODELS:
            raise ConfigError("there is no such model", got=repr(model), expected=" or ".join(map(repr, MODELS)))
        self.h, self.season_length, self.freq, self.input_size, self.model = h, season_length, freq, input_size, model
        self.level, self.seed = check_levels(level), check_seed(seed)
        self.network = check_type("network", network, NetworkConfig)
        self.training = check_type("training", training, TrainingConfig)
        self.data = check_type("data", data, DataConfig)
        if input_size is not None:
            self.network = replace(self.network, input_size=input_size)
        self.id_col, self.time_col, self.target_col = id_col, time_col, target_col
        self._trained: FittedState | None = None
        self._kind = "dict"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this forecaster to one file, with the series that it has seen.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: The file cannot be written there.
        """
        own = {name: getattr(self, name) for name in _OWN}
        own["model"] = None if isinstance(self.model, Sequential) else self.model
        serialization.write(path, own | {name: asdict(getattr(self, name)) for name in _CONFIGS}, self._fitted())

    @classmethod
    def load(cls: type[Kind], path: str | os.PathLike[str]) -> Kind:
        """Read a forecaster from a file; nothing in it is executed.

        Raises:
            FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
        """
        own, trained = serialization.read(path)
        own["model"] = own["model"] or trained.learned.recipe.layers
        made = cls(**{name: _CONFIGS[name](**value) if name in _CONFIGS else value for name, value in own.items()})
        made._take(trained)
        return made

    def _fitted(self) -> FittedState:
        """What was learnt."""
        if self._trained is None:
            raise NotFittedError("this forecaster has not seen a series", fix="Call fit(source) first.")
        return self._trained

    def _take(self, trained: FittedState) -> None:
        """Keep what was learnt, and show it."""
        self._trained = trained
        self.panel_, self.data_notes_, self.evaluation_ = trained.panel, trained.notes, trained.evaluation
        self.h_, self.season_length_, self.fit_seconds_ = trained.h, trained.season_length, trained.seconds
        self.model_name_, self.model_weights_ = trained.calibrator.name, trained.calibrator.weights
        self.training_history_ = trained.training_history

    def _asked(self) -> FitSettings:
        """The settings that matter to training."""
        return FitSettings(
            self.h, self.model, self.level, self.season_length, self.seed, self.network, self.training, self.data
        )

    def _read(self, source: Any, like: Panel | None = None) -> tuple[Panel, tuple[str, ...]]:
        """A panel from a source, of the frequency and with the words of one that was read before."""
        return read(
            source,
            id_col=self.id_col,
            time_col=self.time_col,
            target_col=self.target_col,
            freq=self.freq or (str(like.freq) if like is not None else None),
            futr_exog=self.data.futr_exog,
            hist_exog=self.data.hist_exog,
            stat_exog=self.data.stat_exog,
            categories=like.categories if like is not None and like.categories else None,
        )

    def _ahead(self, source: Any, steps: int, futr_df: Any) -> tuple[Panel, PanelContext, str]:
        """The series that are to be forecast, as models read them, and the kind of table that goes out."""
        learnt, kind = self._fitted().panel, self._kind
        panel = learnt
        if source is not None:
            kind = kind_of(source)
            panel = prepare_panel(self._read(source, like=learnt)[0], [], self.data)
        if panel.futr_exog and futr_df is None:
            raise ConfigError(
                "the known columns are needed for the steps ahead",
                got="no futr_df",
                expected=f"a table with {', '.join(map(repr, panel.futr_exog))} for {steps} steps of each series",
                fix="Call predict(futr_df=...).",
            )
        future = read_future(futr_df, panel, steps) if panel.futr_exog else {}
        return panel, PanelContext.from_panel(panel, future, learnt), kind

    def _out(
        self,
        kind: str,
        panel: Panel,
        table: Table,
        levels: tuple[float, ...],
        name: str | None = None,
        baseline: Table | None = None,
    ) -> Forecast:
        """Return a table in the kind that came in, with the data that its chart needs."""
        names, trained = panel.columns, self._trained
        past = HistoryData(panel)
        if trained is not None:
            evaluation = trained.evaluation if panel is trained.panel else None
            past = HistoryData(panel, trained.season_length, evaluation, baseline or {})
        return Forecast(
            to_frame_like(kind, table),
            names.id,
            names.time,
            names.target,
            name or self.model_name_,
            levels,
            table,
            past,
        )
