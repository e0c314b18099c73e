"""Forecaster: read series, fit, score next to simple forecasts, forecast the steps after their ends.

The work is done in `pipeline`, where a `Session` holds the settings and the fitted state.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from gatecast._utils.checkpoint import keeping
from gatecast._utils.formatting import format_count
from gatecast._utils.html import html_table
from gatecast._utils.validation import (
    check_flag,
    check_level,
    check_optional_positive_int,
    check_positive_int,
    check_seed,
    check_steps,
)
from gatecast.config import DataConfig, ForecasterConfig, NetworkConfig, TrainingConfig
from gatecast.data.hierarchy import base_series
from gatecast.data.panel import Panel
from gatecast.data.panel_update import complete_history, count_changes, extend_panel, note_changes
from gatecast.data.reader import kind_of
from gatecast.distributed.engine import engine_of
from gatecast.evaluation.sample_paths import MAX_PATHS
from gatecast.forecasting.held_results import holding_results
from gatecast.pipeline import predict as tables
from gatecast.pipeline.arguments import (
    EXOGENOUS,
    OTHER_NAMES,
    as_code,
    make_config,
    refuse_unknown,
    to_params,
)
from gatecast.pipeline.fit import fit, update
from gatecast.pipeline.progress import PARTITION_SIZE, PartProgress, Progress, show_notice, show_progress
from gatecast.pipeline.read import read_source
from gatecast.pipeline.sampling import SAMPLE, read_sampled
from gatecast.pipeline.session import Session, panel_of
from gatecast.pipeline.state import FittedState
from gatecast.results import Evaluation

if TYPE_CHECKING:
    from gatecast.distributed.engine import Engine
    from gatecast.evaluation.learning_curves import Diagnosis
    from gatecast.explain.forecast_attribution import Explanation
    from gatecast.explain.gates import Gates
    from gatecast.explain.inspector import Inspector
    from gatecast.explain.permutation_importance import Importance
    from gatecast.nn.inspection.unit_memory import UnitMemory
    from gatecast.pipeline.stored_forecast import StoredForecast
    from gatecast.stream import ForecastStream

__all__ = ["Forecaster", "Progress", "load"]

ColumnTable = dict[str, npt.NDArray[Any]]


class Forecaster:
    """A forecaster for one series or many.

    Args:
        h: Steps to forecast; by default two seasons of the frequency (24 months, 14 days, 48 hours), at least 6
            steps, but at most a fifth of the rows.
        model: What forecasts: a name, a model config, a `Sequential` with h outputs, or a list of these. "auto" is an
            LSTM, the theta method and what else suits the data, weighted by their errors on a validation part;
            `gatecast.forecasting.available_models()` lists the names.
        level: Levels of the prediction intervals, in percent; None for no intervals.
        point: What the point forecast is: "median", or "mean" for the expected value, as of demand that is summed up.
        season_length: Steps in the shortest season; inferred by default, without the test part. Longer ones of the
            calendar, such as the week of hours, are used besides. 1 means that there is none.
        freq: Frequency, as "MS" or "D"; inferred by default.
        input_size: Values in a window of the networks; by default chosen by horizon, season and length.
        seed: Same seed, same bits.
        futr_exog: Columns known for the steps ahead too, such as prices and holidays.
        hist_exog: Columns known for the past alone.
        stat_exog: Columns constant within a series.
        id_col: Column with the ids of the series, or several that identify a series together.
        time_col: Column with the times.
        target_col: Column with the values; several, or "*", of a table that has a column for each series.
        hierarchy: Levels of totals to forecast too, such that all add up: True for the total and each prefix of the id
            columns, or a list such as ["total", "store", ("store", "item")]; False: no totals.
        reconciliation: How they are made to add up: "mint" by the covariance of past errors, "wls-struct" by the number
            of series in a total, "bottom-up" by summing.
        network: Sizes of the networks.
        training: Members, steps, batch size and learning rate of their training.
        data: Exogenous columns and bounds of the values in one record.

    A forecaster is for one thread at a time: it keeps what its newest call noticed. `copy.copy` gives others their own.

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
        point: str = "median",
        season_length: int | None = None,
        freq: str | None = None,
        input_size: int | None = None,
        seed: int = 0,
        futr_exog: str | Sequence[str] = (),
        hist_exog: str | Sequence[str] = (),
        stat_exog: str | Sequence[str] = (),
        id_col: str | Sequence[str] | None = None,
        time_col: str | None = None,
        target_col: str | Sequence[str] | None = None,
        hierarchy: bool | str | Sequence[str | Sequence[str]] = False,
        reconciliation: str = "mint",
        network: NetworkConfig | None = None,
        training: TrainingConfig | None = None,
        data: DataConfig | None = None,
        **unknown: Any,
    ) -> None:
        refuse_unknown(unknown)
        params = {
            "h": h,
            "model": model,
            "level": level,
            "point": point,
            "season_length": season_length,
            "freq": freq,
            "input_size": input_size,
            "seed": seed,
            "futr_exog": futr_exog,
            "hist_exog": hist_exog,
            "stat_exog": stat_exog,
            "id_col": id_col,
            "time_col": time_col,
            "target_col": target_col,
            "hierarchy": hierarchy,
            "reconciliation": reconciliation,
            "network": network,
            "training": training,
            "data": data,
        }
        self._params = params
        self._session = Session(make_config(params))

    def __copy__(self) -> Forecaster:
        """Return a forecaster that has what was fitted, and can be fitted anew without this one."""
        copied = object.__new__(type(self))
        copied.__dict__ = {**self.__dict__, "_session": copy.copy(self._session)}
        return copied

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={as_code(value)}" for name, value in self._changed().items())
        state = "" if self.state_ is None else f"  # fitted on {_size(self.state_.panel)}"
        return f"Forecaster({settings}){state}"

    def _repr_html_(self) -> str:
        """Return settings and fitted state as a table for notebooks."""
        rows = [(name, as_code(value)) for name, value in self._changed().items()]
        if self.state_ is not None:
            state = self.state_
            weights = ", ".join(f"{name} {weight:.2f}" for name, weight in self.model_weights_.items())
            rows += [
                ("fitted on", f"{_size(state.panel)}, {state.panel.freq.label}"),
                ("horizon", format_count(state.horizon, "step")),
                ("season length", str(state.season_length)),
                ("weights", weights),
            ]
            if state.evaluation is not None:
                rows.append(("evaluation", state.evaluation.verdict))
        return html_table(("Forecaster", "fitted" if self.state_ is not None else "not fitted"), rows)

    def _changed(self) -> dict[str, Any]:
        """Return the arguments that are not the defaults."""
        # Arrays are compared by their elements, so types come first.
        return {
            name: value
            for name, value in self._params.items()
            if type(value) is not type(_DEFAULTS[name]) or value != _DEFAULTS[name]
        }

    # Settings, as scikit-learn reads and writes them.

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the arguments that this forecaster was made with; `sklearn.base.clone` uses them.

        Args:
            deep: Has no effect: a forecaster contains no estimators.
        """
        return dict(self._params)

    def set_params(self, **params: Any) -> Forecaster:
        """Change arguments. The fitted state is dropped.

        Args:
            params: Arguments of the constructor.

        Raises:
            ConfigError: An unknown or invalid setting; then nothing changes.
        """
        Forecaster.__init__(self, **{**self._params, **params})
        return self

    def __getattr__(self, name: str) -> Any:
        """Return a setting, such as `h` or `futr_exog`, as it is used."""
        shadowed = getattr(type(self), name, None)
        if isinstance(shadowed, property) and shadowed.fget is not None:
            # The property raised an AttributeError, which Python hides: here it is again.
            return shadowed.fget(self)
        if "_session" in self.__dict__:
            config = self.config
            if name in ForecasterConfig.__dataclass_fields__:
                return getattr(config, name)
            if name in EXOGENOUS:
                return getattr(config.data, name)
            if name == "input_size":
                return config.network.input_size
        hint = f". In gatecast it is {OTHER_NAMES[name]}" if name in OTHER_NAMES else ""
        raise AttributeError(f"'Forecaster' has no attribute {name!r}{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _DEFAULTS:
            raise AttributeError(f"Settings are changed by set_params: forecaster.set_params({name}={value!r})")
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_DEFAULTS})

    @property
    def config(self) -> ForecasterConfig:
        """The settings as one record; `set_params` changes them."""
        return self._session.config

    # Fitted state.

    @property
    def state_(self) -> FittedState | None:
        """What was fitted; None before."""
        return self._session.state

    @property
    def panel_(self) -> Panel:
        """The series that the forecaster was fitted on."""
        return self._session.fitted().panel

    @property
    def data_notes_(self) -> list[str]:
        """Notes on the data, as sentences; the first names the columns and the frequency."""
        return list(self._session.fitted().notes)

    @property
    def findings_(self) -> list[str]:
        """Notes on the data of the newest result, as sentences: those of `fit`, or of what was read since.

        Results have the same notes: records as `findings`, pandas tables in `attrs["findings"]`, Arrow tables in the
        metadata of their schema.
        """
        return list(self._session.findings)

    @property
    def evaluation_(self) -> Evaluation | None:
        """Scores on the test part; None if there was none, and after `update`: then `evaluate` scores newer rows."""
        return self._session.fitted().evaluation

    @property
    def h_(self) -> int:
        """Horizon in steps."""
        return self._session.fitted().horizon

    @property
    def season_length_(self) -> int:
        """Steps in a season; 1 for none."""
        return self._session.fitted().season_length

    @property
    def model_name_(self) -> str:
        """Column of the main forecast: that of the only model, or "Ensemble"."""
        return self._session.fitted().calibrator.name

    @property
    def model_weights_(self) -> dict[str, float]:
        """Weight of each model in the main forecast, by column."""
        return self._session.fitted().calibrator.weights.average

    @property
    def training_history_(self) -> dict[str, list[float]]:
        """Losses and validation errors of the first network."""
        return self._session.fitted().training_history

    @property
    def fit_seconds_(self) -> float:
        """Seconds that `fit` or `update` took."""
        return self._session.fitted().seconds

    # Fit, predict, evaluate.

    def fit(
        self,
        source: Any,
        *,
        evaluate: bool = True,
        finetune: bool = False,
        progress: Callable[[Progress], None] | bool | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        sample: int | None = None,
    ) -> Forecaster:
        """Fit on series.

        Args:
            source: A path, a pattern, a query, a table (pandas, polars, Arrow) or a dict of arrays; a folder of Parquet
                files; a Ray dataset or a Spark table, of which a sample is fetched.
            evaluate: Whether to score the models on a test part first.
            finetune: Whether to train the pretrained network further on the series. `findings_` says what came of it:
                the tuned weights are used only if they err clearly less on the last values of the series, by 2 % and
                1.645 standard errors.
            progress: A function that is called every so often; None: a line in terminals and notebooks where fitting
                takes longer than a second; False: none.
            checkpoint: A folder that keeps what is trained until `fit` is done, with a snapshot of each training every
                30 seconds: the same call, after an interruption, goes on from there to the same bits; None: nothing is
                kept.
            sample: Series to learn from, at most; None: all, but 10,000 of Parquet files of more than 100,000, and of a
                cluster's. The sample depends on the ids and the seed alone, so that every source gives the same one;
                `findings_` says how many were drawn, and `panel_` has only these.

        Returns:
            This forecaster, with `panel_`, `data_notes_`, `evaluation_`, `h_`, `season_length_`, `model_weights_`,
            `training_history_`.

        Raises:
            ConfigError: Fine-tuning without a pretrained model, or a checkpoint that is no folder.
            DataError: The data cannot be used: the message says what is wrong, where, and how to fix it.
        """
        config, evaluate = self.config, check_flag(evaluate, "evaluate")
        if check_flag(finetune, "finetune"):
            config = replace(config, training=replace(config.training, finetune=finetune))
        with keeping(checkpoint, None if progress is False else show_notice):
            self._fit(source, config, evaluate=evaluate, progress=progress, sample=sample)
        return self

    def predict(
        self,
        source: Any = None,
        *,
        h: int | None = None,
        level: Sequence[float] | float | None = None,
        futr_df: Any = None,
        output: str | None = None,
        folder: str | os.PathLike[str] | None = None,
        partition_size: int = PARTITION_SIZE,
        progress: Callable[[PartProgress], None] | bool | None = None,
    ) -> Any:
        """Forecast the steps after the end of each series.

        Models that need no training, such as "pretrained", need no `fit`: without one, each call fits the series that
        it is given, which takes a moment. They are scored on the ends of the series when `evaluation_` is first read,
        and at once if there are more than 500,000 values.

        Args:
            source: Series to forecast, as given to `fit`, of which the models need not have seen any; None: those of
                `fit`. Rows of a series of `fit` follow what is known of it before their first time; a single series
                without an id is taken for that of `fit` if it begins at its next step, or within it with its values.
            h: Steps; beyond the horizon of `fit` the models continue from their own forecast, with intervals that grow.
            level: Levels of the intervals, in percent; None: as given to the constructor.
            futr_df: The future exogenous columns at these steps: one row a series and time, or a time where they are
                the same for all. Required if there are any, unless the source has rows of these steps without a target.
            output: Kind of table: "pandas", "polars", "pyarrow" or "dict"; None: that of the source.
            folder: Where forecasts of Parquet files go that are more than fit into memory: the source is read, forecast
                and written in parts of whole series, and the same call, after an interruption, goes on with the parts
                that are missing. None: the forecast is returned.
            partition_size: Series of such a part, and of one of a Ray dataset or a Spark table.
            progress: Is called after each part; None: a line in terminals and notebooks; False: nothing.

        Returns:
            A table with ids, times, and the columns of the forecast and its intervals; with a folder, what was written;
            of a Ray dataset or a Spark table another one.

        Raises:
            NotFittedError: `fit` comes first, for models that are trained.
            DataError: Series of another frequency, data that cannot be used, or rows that `futr_df` misses.
        """
        engine = engine_of(source)
        if engine is not None:
            return self._predict_distributed(engine, h, level, futr_df, folder, output, partition_size)
        if folder is not None:
            return self._predict_into(folder, source, h, level, futr_df, partition_size, progress)
        with holding_results():
            source = self._without_fit(source, h)
            record = self._session.forecast(source, h=h, level=level, futr_df=futr_df)
        return self._session.to_table(record.columns, panel_of(record), source, output)

    def _predict_distributed(
        self,
        engine: Engine,
        h: int | None,
        level: Sequence[float] | float | None,
        futr_df: Any,
        folder: Any,
        output: str | None,
        partition_size: int,
    ) -> Any:
        """Forecast a data set of a cluster."""
        from gatecast.distributed.forecasts import check_arguments, predict

        check_arguments(futr_df=futr_df, folder=folder, output=output)
        if self._session.needs_fit(engine):
            self._fit_untrained(engine, h)
        levels = self._session.levels(level)
        n_steps = self._session.n_steps(h)
        return predict(engine, self._session.fitted(), self.config, n_steps, levels, partition_size=partition_size)

    def _predict_into(
        self,
        folder: str | os.PathLike[str],
        source: Any,
        h: int | None,
        level: Sequence[float] | float | None,
        futr_df: Any,
        partition_size: int,
        progress: Callable[[PartProgress], None] | bool | None,
    ) -> StoredForecast:
        """Forecast Parquet files part by part."""
        from gatecast.pipeline.stored_forecast import check_stored, forecast_folder

        check_stored(source, folder, futr_df)
        if self._session.needs_fit(source):
            self._fit_untrained(source, h, SAMPLE)
        levels = self._session.levels(level)
        stored = forecast_folder(
            self._session.fitted(),
            self.config,
            source,
            folder,
            self._session.n_steps(h),
            levels,
            partition_size=partition_size,
            progress=progress,
        )
        self._session.findings = stored.findings
        return stored

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
            n_paths: Paths for each series, a million at most.
            source: As for `predict`.
            h: As for `predict`.
            futr_df: As for `predict`.
            seed: Seed of the random paths; None: that of the forecaster.
            output: As for `predict`.

        Returns:
            A table with ids, times, "path" from 1 on, and the value.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: Another number of paths.
            DataError: As `predict`.
        """
        check_positive_int(n_paths, "n_paths", maximum=MAX_PATHS)
        source = self._without_fit(source, h)
        state, n_steps = self._session.fitted(), self._session.n_steps(h)
        panel, context = self._session.context(source, futr_df, n_steps)
        seed = self.config.seed if seed is None else check_seed(seed)
        table = tables.paths_table(state, panel, context, n_steps, n_paths, seed)
        return self._session.to_table(table, panel, source, output)

    def predict_components(self, *, futr_df: Any = None, output: str | None = None) -> Any:
        """Return what each of the weighted models forecasts: ids, times, and a column for each.

        Args:
            futr_df: As for `predict`.
            output: As for `predict`.

        Raises:
            NotFittedError: `fit` comes first.
        """
        state, n_steps = self._session.fitted(), self._session.n_steps(None)
        _, context = self._session.context(None, futr_df, n_steps)
        table = tables.components(state, state.panel, context, n_steps)
        return self._session.to_table(table, state.panel, output=output)

    def simple_forecast_weights(self, source: Any = None, *, output: str | None = None) -> Any:
        """Return how much each simple forecast counts in that of the pretrained network.

        The network starts from a mean of simple forecasts and adds to it: of yearly to weekly series the level, its
        drift, a damped trend, the recent mean, the mean and the line of all values, the last cycle and an
        autoregression, each with the season added; of days and hours copies of cycles.
        `findings_` has the mean weights in a sentence.

        Args:
            source: As for `predict`.
            output: As for `predict`.

        Returns:
            A table with ids, "first_step" and "last_step" of a range of steps, and a column of weights for each simple
            forecast; a row's weights sum to 1.

        Raises:
            NotFittedError: `fit` comes first, for models that are trained.
            ConfigError: No model starts from simple forecasts.

        Example:
            >>> import numpy as np
            >>> sales = {"ds": np.arange("2020-01", "2023-01", dtype="M8[M]"), "y": 100 + np.arange(36)}
            >>> table = Forecaster(12, model="pretrained").simple_forecast_weights(sales)
            >>> list(table)[:6]
            ['first_step', 'last_step', 'level', 'drift', 'damped trend', 'recent mean']
        """
        source = self._without_fit(source, None)
        panel, context = self._session.past(source)
        table, sentence = tables.simple_forecast_weights_table(self._session.fitted(), panel, context)
        self._session.findings = (*self._session.findings, sentence)
        return self._session.to_table(table, panel, source, output)

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
        self._session.findings = self._session.fitted().notes
        return self._session.to_table(tables.insample_table(self._session.fitted()), self.panel_, output=output)

    def anomalies(self, source: Any = None, *, level: float = 99, output: str | None = None) -> Any:
        """Return which values are anomalies: outside the interval of a forecast that had not seen them.

        Args:
            source: Newer rows or other series, which are judged alone; None: the series of `fit`, as far as enough
                values precede. A newest value that `fit` left out as unlike all before is not among these.
            level: Level of the intervals, in percent: of 100 usual values, 100 - level are outside by chance.
            output: As for `predict`.

        Returns:
            A table of the values that were judged: ids, times, target, forecast, bounds, "score", the distance from the
            forecast in half-widths of the interval, and "is_anomaly", whether that is below -1 or above 1.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: An invalid level, or only networks that were trained on these series.
            DataError: As `predict`.
        """
        from gatecast.pipeline.anomalies import anomaly_table

        level, state, since = check_level(level), self._session.fitted(), None
        panel = self._session.series(source, keep_last=True)
        if source is not None:
            since = self._session.read(source, like=state.panel)[0].start.min()
        table = anomaly_table(state, panel, level, since)
        return self._session.to_table(table, panel, source, output)

    def evaluate(self, source: Any, *, n_rows: int | None = None) -> Evaluation:
        """Score the models as they stand on the newest rows, one horizon at a time.

        Args:
            source: Newer rows, with or without those before; or other series.
            n_rows: Newest rows to score; None: those newer than `fit`, or h of other series.

        Returns:
            Scores next to those of simple forecasts. Rows that `fit` has seen make them too good: `verdict` says so.

        Raises:
            NotFittedError: `fit` comes first.
            DataError: Series too short, or data that cannot be used.
        """
        from gatecast.pipeline.cross_validation import score_new_rows

        state = self._session.fitted()
        check_optional_positive_int(n_rows, "n_rows")
        rows, notes = self._session.read(source, like=state.panel)
        base = base_series(state.panel)
        changes = note_changes(count_changes(base, rows), base.columns.target)
        history = self._session.complete(complete_history(rows, base), base)
        panel = self._session.prepare(history, (*notes, *changes))
        return replace(score_new_rows(state, panel, n_rows, self.config.level), findings=self._session.findings)

    def update(
        self,
        source: Any,
        *,
        progress: Callable[[Progress], None] | bool | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Forecaster:
        """Continue training on new rows and new series, for a third of the steps at a third of the learning rate.

        Weights of the models stay. Intervals follow the new values: they widen where values fall outside too often. The
        scores of `fit` are dropped: `evaluate` on the new rows before `update` tells how well these were forecast.

        Args:
            source: New rows, as given to `fit`; values of times that are known already replace them, missing ones
                do not.
            progress: As for `fit`.
            checkpoint: As for `fit`.

        Returns:
            This forecaster, with the longer `panel_`.

        Raises:
            NotFittedError: `fit` comes first.
            DataError: Times that do not continue those known, or data that cannot be used.
        """
        state = self._session.fitted()
        rows, notes = self._session.read(source, like=state.panel)
        base = base_series(state.panel)
        changes = note_changes(count_changes(base, rows), base.columns.target)
        panel = self._session.prepare(extend_panel(base, rows), (*notes, *changes))
        notify = None if progress is False else show_notice
        with show_progress(progress) as report, keeping(checkpoint, notify):
            updated = update(state, panel, self.config, report)
        self._session.state = replace(updated, notes=(*state.notes, *self._session.findings))
        # Its rows are kept by the next predict, also after a predict without fit.
        self._session.is_fitted_by_predict = False
        return self

    def stream(self, source: Any = None, *, level: float = 99) -> ForecastStream:
        """Return a stream after a past: each new value is a step that costs the same, however long the stream runs.

        Its forecasts are those of `predict` for the same past, in which the newest value counts even if it contradicts
        all before. The widths of its intervals follow the new values. Models stay as they were fitted.

        Args:
            source: The past, as for `predict`; None: the series of `fit`.
            level: Level, in percent, of the intervals outside which a value is an anomaly.

        Raises:
            NotFittedError: `fit` comes first, for models that are trained; others need a past.
            ConfigError: An invalid level, columns that change in time, or totals.
            DataError: As `predict`.

        Example:
            >>> import numpy as np
            >>> sales = {"ds": np.arange("2020-01", "2023-01", dtype="M8[M]"), "y": 100 + np.arange(36) % 12}
            >>> stream = Forecaster(3, model="pretrained").stream(sales)
            >>> step = stream.step(100)
            >>> step.is_anomaly, step.forecast["ds"].astype("M8[M]").astype(str).tolist()
            (False, ['2023-02', '2023-03', '2023-04'])
        """
        from gatecast.pipeline.stream import start_stream
        from gatecast.stream import ForecastStream

        level = check_level(level)
        source = self._without_fit(source, None)
        state = start_stream(self._session.fitted(), self._session.series(source, keep_last=True))
        return ForecastStream(self.config, state, self._session.table_kind(source), level)

    def cross_validation(
        self,
        source: Any,
        *,
        n_windows: int = 1,
        step_size: int | None = None,
        refit: bool = True,
        output: str | None = None,
        progress: Callable[[Progress], None] | bool | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Forecast from past cutoffs, each from nothing later, next to actual values and simple forecasts.

        A fit at a cutoff is that of `fit(evaluate=False)`, which needs no test part. So weights and intervals, which
        `fit` measures on its test part too, are not to the digit those of a forecaster that was scored at the cutoff.

        Args:
            source: As for `fit`.
            n_windows: Cutoffs, the last of them h steps before the end of each series.
            step_size: Steps from one cutoff to the next; h by default.
            refit: Whether to fit at every cutoff; otherwise at the first alone.
            output: As for `predict`.
            progress: As for `fit`.
            checkpoint: As for `fit`; cutoffs that are done are not done again.

        Returns:
            A table with ids, times, cutoff, target, the models' columns and those of the simple forecasts.
            `gatecast.metrics.evaluate` and `gatecast.metrics.leaderboard` score it.

        Raises:
            DataError: Series too short for so many cutoffs.
        """
        notify = None if progress is False else show_notice
        with show_progress(progress) as report, keeping(checkpoint, notify):
            record = self._session.cross_validation(source, n_windows, step_size, refit=refit, progress=report)
        return self._session.to_table(record.columns, panel_of(record), source, output)

    def plot(self, forecast: Any = None, *, id: Any = None, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the history of one series and its forecast.

        Args:
            forecast: A table that `predict`, `simulate` or `cross_validation` returned; None: `predict()`.
            id: Id of the series; None: the first.
            path: A file to write: .png, .svg or .html; None: the figure is returned.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: No such series, or no plotting library.
        """
        record = self._session.forecast() if forecast is None else self._session.as_forecast(forecast)
        return record.plot(path, id=id)

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
        from gatecast.explain.gates import find_series, inspect_network

        panel, context = self._session.context(source, futr_df)
        kind = self._session.table_kind(source)
        gates = inspect_network(self._session.fitted(), panel, context, find_series(panel, id), member, kind)
        return replace(gates, findings=self._session.findings)

    def unit_memory(self, source: Any = None, *, id: Any = None, member: int = 0, futr_df: Any = None) -> UnitMemory:
        """Return how long the units of a network remember, which are inactive, what others correlate with; as `gates`.

        Args:
            source: As for `gates`.
            id: As for `gates`.
            member: As for `gates`.
            futr_df: As for `gates`.

        Raises:
            NotFittedError: `fit` comes first.
        """
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
        from gatecast.explain.forecast_attribution import explain
        from gatecast.explain.gates import find_series

        panel, context = self._session.context(source, futr_df)
        series, kind = find_series(panel, id), self._session.table_kind(source)
        explanation = explain(self._session.fitted(), panel, context, series, step, quantile, method, kind=kind)
        return replace(explanation, findings=self._session.findings)

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
        from gatecast.explain.permutation_importance import permutation_importance

        panel = self._session.prepare(*self._session.read(source))
        importance = permutation_importance(
            panel,
            self.config,
            n_windows=n_windows,
            step_size=step_size,
            n_repeats=n_repeats,
            kind=self._session.table_kind(source),
        )
        return replace(importance, findings=(*self._session.findings, *importance.findings))

    def learning_curves(self) -> Diagnosis:
        """Return how the first network was trained: its curves, whether it overfits, and what to change.

        Returns:
            `kind`, `onset_step`, `generalization_gap`, `suggestions`, `sentence`, and `curves` (step, loss;
            validation_step, validation and training errors).

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: A model without networks.
        """
        from gatecast.explain.learning_curves import diagnose_fit

        return diagnose_fit(self._session.fitted())

    # Files.

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this forecaster to one file, with the series that it has seen.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: The file cannot be written there.
        """
        from gatecast.pipeline import serialization

        session = self._session
        serialization.write(
            path, session.config, session.fitted(), session.kind, by_predict=session.is_fitted_by_predict
        )

    def to_onnx(
        self,
        path: str | os.PathLike[str],
        *,
        model: str | None = None,
        level: Sequence[float] | float | None = None,
        state: bool = False,
        opset: int = 17,
    ) -> None:
        """Write one model to an ONNX file of standard operators: raw values in, what `predict` returns out.

        Scaling, seasonal indices, network, quantiles and intervals are in the graph. It runs without gatecast and
        Python wherever there is an ONNX runtime.

        Args:
            path: The file; an existing one is replaced.
            model: The model, by its name or its column, if there are several; None: the only one.
            level: Levels of the intervals, in percent; None: as given to the constructor. A model that is one of
                several has no intervals of its own.
            state: Whether the state of the pretrained network is an input and an output, so that a new value costs one
                step of the network as in `stream`: zeros at first, then the outputs whose names end in ".next".
            opset: Version of the operators, 17 or newer.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: onnx is not installed, an opset below 17, a model or columns that cannot be exported, or a
                file that cannot be written.
        """
        from gatecast.pipeline.onnx_file import write_forecaster

        levels = self._session.levels(level)
        write_forecaster(path, self._session.fitted(), model=model, levels=levels, opset=opset, carry=state)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Forecaster:
        """Read a forecaster from a file; nothing in it is executed.

        Raises:
            FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
        """
        from gatecast.pipeline import serialization

        config, state, kind, by_predict = serialization.read(path)
        forecaster = cls._from_state(config, state, kind)
        forecaster._session.is_fitted_by_predict = by_predict
        return forecaster

    @classmethod
    def _from_state(cls, config: ForecasterConfig, state: FittedState, kind: str) -> Forecaster:
        """Return a fitted forecaster; `kind` is the kind of the source table."""
        forecaster = cls(**to_params(config))
        forecaster._session.keep(state, kind)
        return forecaster

    # What the methods share.

    def _fit(
        self,
        source: Any,
        config: ForecasterConfig,
        *,
        evaluate: bool = True,
        progress: Callable[[Progress], None] | bool | None = None,
        sample: int | None = None,
        by_predict: bool = False,
    ) -> None:
        """Fit with some settings."""
        engine = engine_of(source)
        if engine is None:
            kind = kind_of(source)
            panel, notes = read_sampled(source, self.config, sample)
        else:
            from gatecast.distributed.forecasts import fetch_sample

            kind = "path"
            columns, declared, note = fetch_sample(engine, self.config, sample)
            panel, notes = read_source(columns, declared)
            notes = notes if note is None else (*notes, note)
        with show_progress(progress) as report:
            state = fit(panel, config, list(notes), report, evaluate=evaluate, defer_scores=by_predict)
        self._session.keep(state, kind, by_predict=by_predict)

    def _without_fit(self, source: Any, h: int | None) -> Any:
        """Fit models that need no training to what they are asked to forecast, unless `fit` was called.

        Returns:
            The source to forecast: None, as it is what was fitted then.
        """
        if not self._session.needs_fit(source):
            return source
        self._fit_untrained(source, h)
        return None

    def _fit_untrained(self, source: Any, h: int | None, sample: int | None = None) -> None:
        """Fit models that need no training, for one forecast."""
        check_steps(h, "h")
        self._fit(source, replace(self.config, h=h or self.config.h), sample=sample, by_predict=True)

    def _inspector(self, source: Any = None, futr_df: Any = None) -> Inspector:
        """Prepare the series once, to inspect many of them."""
        from gatecast.explain.inspector import Inspector

        return Inspector(self._session.fitted(), *self._session.context(source, futr_df))


_DEFAULTS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in signature(Forecaster).parameters.items()
    if parameter.kind is not parameter.VAR_KEYWORD
}
"""Arguments of a forecaster and their defaults."""


def _size(panel: Panel) -> str:
    """Return how many series or values a panel has."""
    return f"{len(panel):,} series" if len(panel) > 1 else format_count(len(panel.values), "value")


load = Forecaster.load
