"""The main job: read series, fit, score next to simple forecasts, forecast beyond their ends.

What happens to the series is in `pipeline`; this class holds the settings and the fitted state.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy.typing as npt

from gatecast._utils.validation import (
    check_levels,
    check_optional_positive_int,
    check_positive_int,
    check_seed,
    check_type,
)
from gatecast.config import DataConfig, ForecasterConfig, NetworkConfig, TrainingConfig
from gatecast.data.panel import Panel
from gatecast.data.panel_update import complete_history, extend_panel
from gatecast.data.reader import kind_of, read, to_frame_like
from gatecast.errors import ConfigError, NotFittedError
from gatecast.evaluation.learning_curves import Diagnosis
from gatecast.explain.forecast_attribution import Explanation, explain
from gatecast.explain.gates import Gates, find_series, inspect_network
from gatecast.explain.inspector import Inspector
from gatecast.explain.learning_curves import diagnose_fit
from gatecast.explain.permutation_importance import Importance, permutation_importance
from gatecast.forecasting.baselines import reference_baseline
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.presets import check_model, model_name
from gatecast.nn.inspection.unit_memory import UnitMemory
from gatecast.pipeline import predict as tables
from gatecast.pipeline import serialization
from gatecast.pipeline.cross_validation import cross_validate, score_new_rows
from gatecast.pipeline.fit import fit, prepare_panel, update
from gatecast.pipeline.progress import Progress, show_progress
from gatecast.pipeline.state import FittedState
from gatecast.results import Evaluation, Forecast, HistoryData

__all__ = ["Forecaster", "Progress", "load"]

ColumnTable = dict[str, npt.NDArray[Any]]

OTHER_NAMES = {
    "random_state": "seed",
    "quantiles": "level",
    "horizon": "h",
    "prediction_length": "h",
    "forecast_horizon": "h",
    "output_chunk_length": "h",
    "input_chunk_length": "input_size",
    "lags": "input_size",
    "context_length": "input_size",
    "lookback": "input_size",
    "seasonal_periods": "season_length",
    "season": "season_length",
    "m": "season_length",
    "sp": "season_length",
    "levels": "level",
    "frequency": "freq",
    "models": "model",
    "known": "futr_exog",
    "historic": "hist_exog",
    "static": "stat_exog",
    "futr_exog_list": "futr_exog",
    "hist_exog_list": "hist_exog",
    "stat_exog_list": "stat_exog",
    "max_steps": "training=TrainingConfig(max_steps=...)",
    "epochs": "training=TrainingConfig(max_steps=...)",
    "batch_size": "training=TrainingConfig(batch_size=...)",
    "learning_rate": "training=TrainingConfig(learning_rate=...)",
    "hidden_size": "network=NetworkConfig(units=...)",
    "units": "network=NetworkConfig(units=...)",
    "dropout": "network=NetworkConfig(dropout=...)",
    "num_samples": "n_paths, of simulate()",
    "n_samples": "n_paths, of simulate()",
}
"""Names of other tools, and ours."""

WITHOUT_EFFECT = {
    "device": "gatecast runs on the CPU",
    "accelerator": "gatecast runs on the CPU",
    "n_jobs": "gatecast uses all cores; set GATECAST_THREADS to change that",
    "num_workers": "gatecast uses all cores; set GATECAST_THREADS to change that",
}
"""Names of other tools for what gatecast does not have."""

_RECORDS = {"network": NetworkConfig, "training": TrainingConfig, "data": DataConfig}
_DATA_FIELDS = ("futr_exog", "hist_exog", "stat_exog")


class Forecaster:
    """A forecaster for one series or many.

    Args:
        h: Steps to forecast; by default two seasons of the frequency (24 months, 14 days, 48 hours).
        model: What forecasts: a name, a model config, a `Sequential` with h outputs, or a list of these. "auto" is an
            LSTM, the theta method and what else suits the data, weighted by their errors on a validation part;
            `gatecast.forecasting.available_models()` lists the names.
        level: Levels of the prediction intervals, in percent; None for no intervals.
        season_length: Steps in a season; inferred by default, without the test part. 1 means none.
        freq: Frequency, as "MS" or "D"; inferred by default.
        input_size: Values in a window of the networks; by default chosen by horizon, season and length.
        seed: Same seed, same bits.
        futr_exog: Columns known for the steps ahead too, such as prices and holidays.
        hist_exog: Columns known for the past alone.
        stat_exog: Columns constant within a series.
        id_col: Column with the ids of the series.
        time_col: Column with the times.
        target_col: Column with the values; several, or "*", of a table that has a column for each series.
        network: Sizes of the networks.
        training: Members, steps, batch size and learning rate of their training.
        data: Exogenous columns and bounds of the values in one record.

    Raises:
        ConfigError: An invalid setting.

    Example:
        >>> import numpy as np
        >>> months = np.arange("2010-01", "2018-01", dtype="M8[M]").astype("M8[D]")
        >>> sales = 100 + 10 * np.sin(np.arange(96) * np.pi / 6)
        >>> forecast = Forecaster(h=6).fit({"ds": months, "y": sales}).predict()
        >>> list(forecast)
        ['ds', 'Ensemble', 'Ensemble-lo-80', 'Ensemble-hi-80', 'Ensemble-lo-95', 'Ensemble-hi-95']
        >>> [round(float(value)) for value in forecast["Ensemble"][:3]]
        [100, 105, 109]
    """

    def __init__(
        self,
        h: int | None = None,
        *,
        model: Any = "auto",
        level: Sequence[float] | float | None = (80, 95),
        season_length: int | None = None,
        freq: str | None = None,
        input_size: int | None = None,
        seed: int = 0,
        futr_exog: str | Sequence[str] = (),
        hist_exog: str | Sequence[str] = (),
        stat_exog: str | Sequence[str] = (),
        id_col: str | None = None,
        time_col: str | None = None,
        target_col: str | Sequence[str] | None = None,
        network: NetworkConfig | None = None,
        training: TrainingConfig | None = None,
        data: DataConfig | None = None,
        **unknown: Any,
    ) -> None:
        _refuse_unknown(unknown)
        for name, value in (("h", h), ("season_length", season_length), ("input_size", input_size)):
            check_optional_positive_int(value, name)
        check_model(model)
        network = check_type(network, "network", NetworkConfig)
        data = check_type(data, "data", DataConfig)
        columns: dict[str, Any] = {"futr_exog": futr_exog, "hist_exog": hist_exog, "stat_exog": stat_exog}
        self.input_size = input_size
        self.config = ForecasterConfig(
            h=h,
            model=model,
            level=check_levels(level),
            season_length=season_length,
            freq=freq,
            seed=check_seed(seed),
            network=network if input_size is None else replace(network, input_size=input_size),
            training=check_type(training, "training", TrainingConfig),
            data=replace(data, **{name: value for name, value in columns.items() if value}),
            id_col=id_col,
            time_col=time_col,
            target_col=target_col,
        )
        self.state_: FittedState | None = None
        self._kind = "dict"

    def __repr__(self) -> str:
        settings = (f"{name}={value!r}" for name, value in self._changed().items())
        state = "" if self.state_ is None else f"  # fitted on {_size(self.state_.panel)}"
        return f"Forecaster({', '.join(settings)}){state}"

    def _changed(self) -> dict[str, Any]:
        """Return the settings that are not the defaults."""
        default = ForecasterConfig()
        changed = {}
        for item in fields(ForecasterConfig):
            value = getattr(self.config, item.name)
            if value != getattr(default, item.name):
                changed[item.name] = value if item.name != "model" or isinstance(value, str) else model_name(value)
        return changed

    # Settings, as scikit-learn reads and writes them.

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the arguments that this forecaster was made with; `sklearn.base.clone` uses them."""
        params = {item.name: getattr(self.config, item.name) for item in fields(ForecasterConfig)}
        params |= dict.fromkeys(_DATA_FIELDS, ())
        return params | {"input_size": self.input_size}

    def set_params(self, **params: Any) -> Forecaster:
        """Change arguments; what was fitted is forgotten.

        Raises:
            ConfigError: An unknown or invalid setting.
        """
        self.__init__(**{**self.get_params(), **params})  # type: ignore[misc]
        return self

    def __getattr__(self, name: str) -> Any:
        """Return a setting, or part of the fitted state: `panel_`, `evaluation_`, ..."""
        if name in ForecasterConfig.__dataclass_fields__ and "config" in self.__dict__:
            return getattr(self.config, name)
        if name in _FITTED:
            return _FITTED[name](self._fitted())
        hint = f" {OTHER_NAMES[name]}" if name in OTHER_NAMES else ""
        raise AttributeError(f"'Forecaster' has no attribute {name!r}.{hint}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *ForecasterConfig.__dataclass_fields__, *_FITTED})

    # Fit, predict, evaluate.

    def fit(
        self, source: Any, *, evaluate: bool = True, progress: Callable[[Progress], None] | bool | None = None
    ) -> Forecaster:
        """Fit on series.

        Args:
            source: A path, a pattern, a query, a table (pandas, polars, Arrow) or a dict of arrays.
            evaluate: Whether to score the models on a test part first.
            progress: Is called now and then; None: a line in terminals and notebooks where fitting takes longer than a
                second; False: none.

        Returns:
            This forecaster, with `panel_`, `data_notes_`, `evaluation_`, `h_`, `season_length_`, `model_weights_`,
            `training_history_`.

        Raises:
            DataError: The data cannot be used: the message says what is wrong, where, and how to fix it.
        """
        self._kind = kind_of(source)
        panel, notes = self._read(source)
        with show_progress(progress) as report:
            self.state_ = fit(panel, self.config, list(notes), report, evaluate=evaluate)
        return self

    def predict(
        self,
        source: Any = None,
        *,
        h: int | None = None,
        level: Sequence[float] | float | None = None,
        futr_df: Any = None,
        output: str | None = None,
    ) -> Any:
        """Forecast the steps after the end of each series.

        Args:
            source: Series to forecast, as given to `fit`, of which the models need not have seen any; None: those of
                `fit`.
            h: Steps; beyond the horizon of `fit` the models continue from their own forecast, with intervals that grow.
            level: Levels of the intervals, in percent; None: as given to the constructor.
            futr_df: The future exogenous columns at these steps: one row a series and time, or a time where they are
                the same for all. Required if there are any.
            output: Kind of table: "pandas", "polars", "pyarrow" or "dict"; None: that of the source.

        Returns:
            A table with ids, times, and the columns of the forecast and its intervals.

        Raises:
            NotFittedError: `fit` comes first.
            DataError: Series of another frequency, data that cannot be used, or rows that `futr_df` misses.
        """
        return self._forecast(source, h=h, level=level, futr_df=futr_df, output=output).table

    def simulate(
        self,
        n_paths: int = 100,
        source: Any = None,
        *,
        h: int | None = None,
        futr_df: Any = None,
        seed: int | None = None,
        output: str | None = None,
    ) -> Any:
        """Sample paths: each step has the distribution that the intervals state, and errors last as past ones did.

        Args:
            n_paths: Paths for each series.
            source: As for `predict`.
            h: As for `predict`.
            futr_df: As for `predict`.
            seed: Of the paths; None: the forecaster's.
            output: As for `predict`.

        Returns:
            A table with ids, times, "path" from 1 on, and the value.

        Raises:
            NotFittedError: `fit` comes first.
            DataError: As `predict`.
        """
        check_positive_int(n_paths, "n_paths")
        state, n_steps = self._fitted(), self._n_steps(h)
        panel, kind = self._series(source)
        context = tables.forecast_context(state, panel, n_steps, futr_df)
        seed = self.config.seed if seed is None else check_seed(seed)
        table = tables.paths_table(state, panel, context, n_steps, n_paths, seed)
        return to_frame_like(_output(output, kind), table)

    def predict_components(self, *, futr_df: Any = None, output: str | None = None) -> Any:
        """Return what each of the weighted models forecasts: ids, times, and a column for each.

        Args:
            futr_df: As for `predict`.
            output: As for `predict`.

        Raises:
            NotFittedError: `fit` comes first.
        """
        state, n_steps = self._fitted(), self._n_steps(None)
        context = tables.forecast_context(state, state.panel, n_steps, futr_df)
        return to_frame_like(_output(output, self._kind), tables.components(state, state.panel, context, n_steps))

    def predict_insample(self, *, output: str | None = None) -> Any:
        """Forecast each past value one step ahead, with models that were fitted on it: to look at, not to judge by.

        Args:
            output: As for `predict`.

        Returns:
            A table with ids, times, the target and the column of the first model that has in-sample forecasts.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: No model has in-sample forecasts.
        """
        return to_frame_like(_output(output, self._kind), tables.insample_table(self._fitted()))

    def evaluate(self, source: Any, *, n_rows: int | None = None) -> Evaluation:
        """Score the models as they stand on the newest rows, one horizon at a time.

        Args:
            source: Rows that came since, with or without those before; or other series.
            n_rows: Newest rows to score; None: those that came since, or h of other series.

        Returns:
            Scores next to those of simple forecasts. Rows that `fit` has seen make them too good: `verdict` says so.

        Raises:
            NotFittedError: `fit` comes first.
            DataError: Series too short, or data that cannot be used.
        """
        state = self._fitted()
        check_optional_positive_int(n_rows, "n_rows")
        rows, _ = self._read(source, like=state.panel)
        panel = prepare_panel(complete_history(rows, state.panel), [], self.config.data)
        return score_new_rows(state, panel, n_rows, self.config.level)

    def update(self, source: Any, *, progress: Callable[[Progress], None] | bool | None = None) -> Forecaster:
        """Continue training on new rows and new series, a third as long at a third of the learning rate.

        Weights of the models and widths of the intervals stay; `evaluate` on the new rows tells whether they still fit.

        Args:
            source: New rows, as given to `fit`; rows of times that are known already replace them.
            progress: As for `fit`.

        Returns:
            This forecaster, with the longer `panel_`.

        Raises:
            NotFittedError: `fit` comes first.
            DataError: Times that do not continue those known, or data that cannot be used.
        """
        state = self._fitted()
        rows, more_notes = self._read(source, like=state.panel)
        notes = [*state.notes, *more_notes]
        panel = prepare_panel(extend_panel(state.panel, rows), notes, self.config.data)
        with show_progress(progress) as report:
            self.state_ = replace(update(state, panel, self.config, report), notes=tuple(notes))
        return self

    def cross_validation(
        self,
        source: Any,
        *,
        n_windows: int = 1,
        step_size: int | None = None,
        refit: bool = True,
        output: str | None = None,
    ) -> Any:
        """Forecast from past cutoffs, each from nothing that came later, next to actual values and simple forecasts.

        Args:
            source: As for `fit`.
            n_windows: Cutoffs, the last of them h steps before the end of each series.
            step_size: Steps from one cutoff to the next; h by default.
            refit: Whether to fit at every cutoff; otherwise at the first alone.
            output: As for `predict`.

        Returns:
            A table with ids, times, cutoff, target, the models' columns and those of the simple forecasts.
            `gatecast.metrics.evaluate` and `gatecast.metrics.leaderboard` score it.

        Raises:
            DataError: Series too short for so many cutoffs.
        """
        return self._cross_validation(source, n_windows, step_size, refit=refit, output=output).table

    def plot(self, forecast: Any = None, *, id: Any = None, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the history of one series and its forecast.

        Args:
            forecast: What `predict`, `simulate` or `cross_validation` returned; None: `predict()`.
            id: Which series; None: the first.
            path: A file (.png or .svg) to write to; None: the figure is returned.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: No such series, or no plotting library.
        """
        if forecast is None:
            return self._forecast().plot(path, id=id)
        return self._as_forecast(forecast).plot(path, id=id)

    # Look inside.

    def gates(self, source: Any = None, *, id: Any = None, member: int = 0, futr_df: Any = None) -> Gates:
        """Return what the gates of a network do while it reads a series, exactly as it reads it to forecast.

        Args:
            source: As for `predict`.
            id: Id of the series; None: the first that has values.
            member: Which of the networks: those of the first model that has some, then those of the next.
            futr_df: As for `predict`.

        Returns:
            Gates and states by layer, `unit_memory`, and `to_frame()`: id, time, value, layer, unit, i, f, o, g, c, h.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: No such series or member, or a model without recurrent layers.
            DataError: As `predict`, or a series shorter than the window of the network.
        """
        panel, context, kind = self._context(source, futr_df)
        return inspect_network(self._fitted(), panel, context, find_series(panel, id), member, kind)

    def unit_memory(self, source: Any = None, *, id: Any = None, member: int = 0, futr_df: Any = None) -> UnitMemory:
        """Return how long the units of a network remember, which are inactive, what others correlate with: as `gates`."""
        return self.gates(source, id=id, member=member, futr_df=futr_df).unit_memory

    def explain(
        self,
        source: Any = None,
        *,
        id: Any = None,
        step: int = 1,
        quantile: float = 0.5,
        method: str = "integrated",
        futr_df: Any = None,
    ) -> Explanation:
        """Return how much each past value and each column adds to one number of a forecast by the networks.

        Args:
            source: As for `predict`.
            id: Id of the series; None: the first that has values.
            step: Which step ahead, from 1.
            quantile: One that is trained: 0.025, 0.1, 0.5, 0.9 or 0.975.
            method: "integrated" gradients, which sum to forecast less baseline; "gradient" or "occlusion".
            futr_df: As for `predict`.

        Returns:
            Forecast and baseline, `table` with an attribution for each value read, `sentence`.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: No such series, step, quantile or method, or a model without networks.
            DataError: As `predict`.
        """
        panel, context, _ = self._context(source, futr_df)
        return explain(self._fitted(), panel, context, find_series(panel, id), step, quantile, method)

    def permutation_importance(
        self, source: Any, *, n_windows: int = 4, step_size: int | None = None, n_repeats: int = 5
    ) -> Importance:
        """Return by how much errors grow when an exogenous column is shuffled, on values that models have not seen.

        Args:
            source: As for `fit`.
            n_windows: Past cutoffs, at the first of which everything is fitted.
            step_size: Steps from one cutoff to the next; h by default.
            n_repeats: How often each column is shuffled.

        Returns:
            `table` with the increase of the error by column, in percent, and `sentence`.

        Raises:
            ConfigError: Series without columns.
            DataError: Series too short for so many cutoffs.
        """
        panel = prepare_panel(self._read(source)[0], [], self.config.data)
        return permutation_importance(panel, self.config, n_windows=n_windows, step_size=step_size, n_repeats=n_repeats)

    def learning_curves(self) -> Diagnosis:
        """Return how the first network was trained: its curves, whether it overfits, and what to change.

        Returns:
            `curves` (step, loss; validation_step, validation and training errors), `kind`, `onset_step`, `sentence`.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: A model without networks.
        """
        return diagnose_fit(self._fitted())

    # Files.

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this forecaster to one file, with the series that it has seen.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: The file cannot be written there.
        """
        serialization.write(path, self.config, self._fitted(), self._kind)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Forecaster:
        """Read a forecaster from a file; nothing in it is executed.

        Raises:
            FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
        """
        config, state, kind = serialization.read(path)
        forecaster = cls(**{item.name: getattr(config, item.name) for item in fields(ForecasterConfig)})
        forecaster.state_, forecaster._kind = state, kind
        return forecaster

    # What the methods share.

    def _fitted(self) -> FittedState:
        """Return what was fitted."""
        if self.state_ is None:
            raise NotFittedError("This Forecaster is not fitted yet", fix="Call fit(source) first.")
        return self.state_

    def _read(self, source: Any, like: Panel | None = None) -> tuple[Panel, tuple[str, ...]]:
        """Read a panel, with the frequency and the categories of one that was read before."""
        config = self.config
        return read(
            source,
            id_col=config.id_col,
            time_col=config.time_col,
            target_col=config.target_col,
            freq=config.freq or (str(like.freq) if like is not None else None),
            futr_exog=config.data.futr_exog,
            hist_exog=config.data.hist_exog,
            stat_exog=config.data.stat_exog,
            categories=like.categories if like is not None and like.categories else None,
        )

    def _series(self, source: Any) -> tuple[Panel, str]:
        """Return the series to forecast, and the kind of table that goes out."""
        fitted_on = self._fitted().panel
        if source is None:
            return fitted_on, self._kind
        return prepare_panel(self._read(source, like=fitted_on)[0], [], self.config.data), kind_of(source)

    def _n_steps(self, h: int | None) -> int:
        """Return how many steps to forecast."""
        check_optional_positive_int(h, "h")
        return h or self._fitted().horizon

    def _inspector(self, source: Any = None, futr_df: Any = None) -> Inspector:
        """Prepare the series once, to inspect many of them."""
        panel, context, _ = self._context(source, futr_df)
        return Inspector(self._fitted(), panel, context)

    def _context(self, source: Any, futr_df: Any) -> tuple[Panel, PanelContext, str]:
        """Return the series to look into, as models read them, and the kind of table that goes out."""
        panel, kind = self._series(source)
        state = self._fitted()
        return panel, tables.forecast_context(state, panel, state.horizon, futr_df), kind

    def _forecast(
        self,
        source: Any = None,
        *,
        h: int | None = None,
        level: Sequence[float] | float | None = None,
        futr_df: Any = None,
        output: str | None = None,
    ) -> Forecast:
        """Forecast, as a record that knows how to draw itself."""
        state, n_steps = self._fitted(), self._n_steps(h)
        levels = self.config.level if level is None else check_levels(level)
        panel, kind = self._series(source)
        context = tables.forecast_context(state, panel, n_steps, futr_df)
        table = tables.forecast_table(state, panel, context, n_steps, levels)
        baseline = reference_baseline(context.values, n_steps, state.season_length)
        return self._record(_output(output, kind), panel, table, levels, baseline=baseline)

    def _cross_validation(
        self, source: Any, n_windows: int, step_size: int | None, *, refit: bool = True, output: str | None = None
    ) -> Forecast:
        """Cross-validate, as a record that knows how to draw itself."""
        check_positive_int(n_windows, "n_windows")
        check_optional_positive_int(step_size, "step_size")
        panel = prepare_panel(self._read(source)[0], [], self.config.data)
        columns, name = cross_validate(panel, self.config, n_windows, step_size, refit=refit)
        return self._record(_output(output, kind_of(source)), panel, columns, self.config.level, name)

    def _record(
        self,
        kind: str,
        panel: Panel,
        table: ColumnTable,
        levels: tuple[float, ...],
        name: str | None = None,
        baseline: ColumnTable | None = None,
    ) -> Forecast:
        """Return a table as it goes out, with what a chart shows before it."""
        names, state = panel.columns, self.state_
        past = HistoryData(panel)
        if state is not None:
            evaluation = state.evaluation if panel is state.panel else None
            past = HistoryData(panel, state.season_length, evaluation, baseline or {})
            name = name or state.calibrator.name
        return Forecast(to_frame_like(kind, table), names.id, names.time, names.target, name or "", levels, table, past)

    def _as_forecast(self, table: Any) -> Forecast:
        """Return a table that came from this forecaster as a record."""
        if isinstance(table, Forecast):
            return table
        state = self._fitted()
        names = state.panel.columns
        record = Forecast.from_table(table, names.id, names.time, names.target, state.calibrator.name)
        evaluation = state.evaluation if "cutoff" not in record.columns else None
        return replace(record, past=HistoryData(state.panel, state.season_length, evaluation))


_FITTED: dict[str, Callable[[FittedState], Any]] = {
    "panel_": lambda state: state.panel,
    "data_notes_": lambda state: list(state.notes),
    "evaluation_": lambda state: state.evaluation,
    "h_": lambda state: state.horizon,
    "season_length_": lambda state: state.season_length,
    "model_name_": lambda state: state.calibrator.name,
    "model_weights_": lambda state: state.calibrator.weights,
    "training_history_": lambda state: state.training_history,
    "fit_seconds_": lambda state: state.seconds,
}
"""Parts of the fitted state, as attributes."""


def _output(output: str | None, kind: str) -> str:
    """Return the kind of table that goes out."""
    if output is None:
        return kind
    kinds = {"pandas": "pandas", "polars": "polars", "pyarrow": "pyarrow", "arrow": "pyarrow", "dict": "dict"}
    if output not in kinds:
        raise ConfigError(f"Invalid output {output!r}", expected="pandas, polars, pyarrow or dict", argument="output")
    return kinds[output]


def _refuse_unknown(unknown: dict[str, Any]) -> None:
    """Refuse arguments that do not exist, by the name of ours where other tools have another one."""
    for name in unknown:
        if name in OTHER_NAMES:
            fix = f"In gatecast it is {OTHER_NAMES[name]}."
        elif name in WITHOUT_EFFECT:
            fix = f"Leave it out: {WITHOUT_EFFECT[name]}."
        else:
            fix = "help(gatecast.Forecaster) lists the arguments."
        raise ConfigError(f"Unknown argument {name!r} of Forecaster", fix=fix, argument=name)


def _size(panel: Panel) -> str:
    """Return the size of a panel in words."""
    n = len(panel)
    return f"{n:,} series" if n > 1 else f"{len(panel.values):,} values"


load = Forecaster.load
