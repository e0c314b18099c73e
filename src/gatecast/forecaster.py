"""The main job: read series, train on all of them, score beside seasonal naive, forecast beyond their ends.

Letters: S series, T columns, h horizon.

What happens to the series is in `fitting`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_count, check_levels, check_seed
from gatecast.data.panel_update import complete_history, extend_panel
from gatecast.data.read import kind_of, to_frame_like
from gatecast.evaluation.calibration import predict_all, prediction_intervals
from gatecast.evaluation.sample_paths import sample_paths
from gatecast.forecasting import ensemble
from gatecast.forecasting.baselines import reference_baseline
from gatecast.forecasting.context import PanelContext
from gatecast.insight import Insight
from gatecast.pipeline import cross_validation
from gatecast.pipeline.fit import fit, prepare_panel, update
from gatecast.pipeline.progress import Progress
from gatecast.results import Evaluation, Forecast, column_names

__all__ = ["Forecaster", "Progress", "load"]

Floats = npt.NDArray[np.float64]
Table = dict[str, npt.NDArray[Any]]


class Forecaster(Insight):
    """A forecaster for one series or many.

    Args:
        h: Steps to forecast; by default two seasons of the frequency (24 months, 14 days, 48 hours).
        model: "auto": LSTM networks and the theta method, weighted by their errors on a validation part; "lstm", "gru",
            "rnn", "lstm-peephole", "slstm": networks alone; "es-lstm": exponential smoothing and an LSTM, trained
            together; or a `Sequential` with h outputs, which is trained anew and not changed.
        level: Levels of the intervals, in percent; None for no intervals.
        season: Steps in a season; found before the test part by default. 1 means none.
        freq: Frequency, as "MS" or "D"; inferred by default.
        input_size: Values in a window; chosen by horizon, season and length by default.
        seed: Same seed, same bits.
        network: Sizes of the networks.
        training: Members, steps, batch and rate of their training.
        data: Further columns, and what values can be.
        id_col: Column with the series' names.
        time_col: Column with the times.
        target_col: Column with the values; several, or "*", of a table that has a column for each series.

    Raises:
        ConfigError: An impossible setting.

    >>> months = np.arange("2010-01", "2018-01", dtype="M8[M]").astype("M8[D]")
    >>> sales = 100 + 10 * np.sin(np.arange(96) * np.pi / 6)
    >>> forecast = Forecaster(h=6).fit({"ds": months, "y": sales}).predict()
    >>> list(forecast.table)
    ['ds', 'Ensemble', 'Ensemble-lo-80', 'Ensemble-hi-80', 'Ensemble-lo-95', 'Ensemble-hi-95']
    >>> [round(float(value)) for value in forecast.table["Ensemble"][:3]]
    [100, 105, 109]
    """

    def fit(
        self, source: Any, *, evaluate: bool = True, progress: Callable[[Progress], None] | None = None
    ) -> Forecaster:
        """Learn from series.

        Args:
            source: A path, a pattern, a query, a table (pandas, polars, Arrow) or a dict of arrays.
            evaluate: Whether to score the models on a test part first.
            progress: Called now and then while training.

        Returns:
            This forecaster, with `panel_`, `data_notes_`, `evaluation_`, `h_`, `season_length_`, `model_weights_`, `training_history_`.

        Raises:
            DataError: The data cannot be used: the message says what is wrong, where, and how to put it right.
        """
        self._kind = kind_of(source)
        panel, findings = self._read(source)
        self._take(fit(panel, self._asked(), list(findings), progress, evaluate=evaluate))
        return self

    def predict(
        self,
        source: Any = None,
        *,
        h: int | None = None,
        level: Sequence[float] | float | None = None,
        futr_df: Any = None,
    ) -> Forecast:
        """Forecast the steps after the end of each series.

        Args:
            source: Series to go on from, as given to `fit`, of which the networks need not have seen any; None: those
                of `fit`.
            h: Steps; more than were learnt are reached by going on from the forecast itself, with intervals that grow.
            level: Levels of the intervals, in percent; None: as given at the beginning.
            futr_df: The known columns at these steps: one row a series and time, or a time where they are the same for
                all. Needed if there are any.

        Returns:
            The forecast; its table is of the kind that came in.

        Raises:
            NotFittedError: `fit` comes first.
            DataError: Series of another frequency, data that cannot be used, or rows that `futr_df` does not have.
        """
        check_count("h", h)
        levels = self.level if level is None else check_levels(level)
        panel, history, kind = self._ahead(source, h or self._fitted().h, futr_df)
        said = self._say(history, h)
        found = prediction_intervals(self._fitted().calibrator, said, history.values, levels)
        columns = dict(zip(column_names(self.model_name_, levels), found, strict=True))
        table = panel.future_columns(said.shape[1]) | {name: column.ravel() for name, column in columns.items()}
        baseline = reference_baseline(history.values, said.shape[1], self.season_length_)
        return self._out(kind, panel, table, levels, baseline=baseline)

    def simulate(
        self,
        n_paths: int = 100,
        source: Any = None,
        *,
        h: int | None = None,
        futr_df: Any = None,
        seed: int | None = None,
    ) -> Forecast:
        """Sample whole futures: each step has the distribution that the intervals say, and errors last as they did.

        Args:
            n_paths: How many for each series.
            source: As for `predict`.
            h: As for `predict`.
            futr_df: As for `predict`.
            seed: Of the paths; None: the forecaster's.

        Returns:
            A table of the kind that came in: id, time, "path" from 1 on, and the value.

        Raises:
            NotFittedError: `fit` comes first.
            DataError: As `predict`.
        """
        check_count("paths", n_paths)
        check_count("h", h)
        panel, history, kind = self._ahead(source, h or self._fitted().h, futr_df)
        said = self._say(history, h)
        chosen = self.seed if seed is None else check_seed(seed)
        drawn = sample_paths(self._fitted().calibrator, said, history.values, n_paths, chosen)
        S, N, steps = drawn.shape
        rows = np.arange(S * steps).reshape(S, 1, steps).repeat(N, axis=1).ravel()
        table = {name: column[rows] for name, column in panel.future_columns(steps).items()}
        table |= {"path": np.tile(np.repeat(np.arange(1, N + 1), steps), S), self.model_name_: drawn.ravel()}
        return self._out(kind, panel, table, ())

    def predict_components(self, futr_df: Any = None) -> dict[str, Floats]:
        """What each of the models that are weighed says, (S h,) in the order of the rows of `predict(futr_df=...)`.

        Raises:
            NotFittedError: `fit` comes first.
        """
        said = ensemble.say(self._fitted().learned, self._ahead(None, self._fitted().h, futr_df)[1])
        return {name: one[..., one.shape[-1] // 2].ravel() for name, one in said.items()}

    @property
    def fitted_(self) -> Any:
        """Forecasts of the past one step ahead, by networks that have learnt from it: to look at, not to judge by.

        Returns:
            A table of the kind that came in: id, time, target and the networks' column.

        Raises:
            NotFittedError: `fit` comes first.
            ConfigError: A model that has no network.
        """
        name, said = ensemble.one_ahead(self._fitted().learned, PanelContext.from_panel(self.panel_))
        inside = np.arange(-said.shape[1], 0) >= -self.panel_.lengths[:, None]
        return to_frame_like(self._kind, self.panel_.to_columns() | {name: said[inside]})

    def evaluate(self, source: Any, *, n_rows: int | None = None) -> Evaluation:
        """Score the models as they stand on the newest rows, h steps at a time.

        Args:
            source: Rows that came since, with or without those before; or other series.
            n_rows: How many of the newest; None: those that came since, or h of other series.

        Returns:
            Scores beside the simple forecasts'. Rows that `fit` has seen make them too good: `verdict` says if so.

        Raises:
            NotFittedError: `fit` comes first.
            DataError: Series too short, or data that cannot be used.
        """
        trained = self._fitted()
        check_count("rows", n_rows)
        new, _ = self._read(source, like=trained.panel)
        panel = prepare_panel(complete_history(new, trained.panel), [], self.data)
        return cross_validation.score_new_rows(trained, panel, n_rows, self.level)

    def update(self, source: Any, *, progress: Callable[[Progress], None] | None = None) -> Forecaster:
        """Go on learning, from new rows of the series and from new series, a third as long at a third of the rate.

        Weights of the models and widths of the intervals stay; `evaluate` on the new rows tells whether they still fit.

        Args:
            source: New rows, as given to `fit`; rows of times that are known already take their place.
            progress: Called now and then while training.

        Returns:
            This forecaster, with the longer `panel_`.

        Raises:
            NotFittedError: `fit` comes first.
            DataError: Times that do not go on from those known, or data that cannot be used.
        """
        trained = self._fitted()
        new, findings = self._read(source, like=trained.panel)
        panel = prepare_panel(extend_panel(trained.panel, new), trained.notes + list(findings), self.data)
        self._take(update(trained, panel, self._asked(), progress))
        return self

    def cross_validation(
        self, source: Any, *, n_windows: int = 1, step_size: int | None = None, refit: bool = True
    ) -> Forecast:
        """Forecasts from past cutoffs, each made of nothing that came later, beside what came and simple forecasts.

        Args:
            source: As for `fit`.
            n_windows: Cutoffs, the last of them h steps before the end of each series.
            step_size: Steps from one cutoff to the next; h by default.
            refit: Whether everything is learnt anew at every cutoff; otherwise at the first alone.

        Returns:
            A table of the kind that came in: id, time, cutoff, target, the models' columns and the simple forecasts'.

        Raises:
            DataError: Series too short for so many cutoffs.
        """
        check_count("n_windows", n_windows, needed=True)
        check_count("step_size", step_size)
        panel = prepare_panel(self._read(source)[0], [], self.data)
        columns, name = cross_validation.cross_validate(panel, self._asked(), n_windows, step_size, refit=refit)
        return self._out(kind_of(source), panel, columns, self.level, name)

    def _say(self, history: PanelContext, h: int | None) -> Floats:
        """(S, h, Q) of the main model."""
        trained = self._fitted()
        return predict_all(trained.calibrator, trained.learned, history, h or trained.h)[trained.calibrator.name]


load = Forecaster.load
