"""`compare`: models on the same past cutoffs, each forecast from nothing later.

Shapes: n_rows rows (a series at a cutoff), horizon steps, T columns of the past.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.checkpoint import keeping, working_on
from gatecast._utils.formatting import format_count
from gatecast._utils.html import html_table
from gatecast._utils.validation import check_positive_int
from gatecast.config import ForecasterConfig
from gatecast.data.panel import Panel
from gatecast.evaluation.splits import default_horizon
from gatecast.forecaster import Forecaster
from gatecast.forecasting.base import PanelSummary, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn.model import CELLS, LSTMConfig, make_network
from gatecast.forecasting.presets import BASELINES, check_model, model_name
from gatecast.forecasting.season_selection import choose_season
from gatecast.pipeline import cross_validation
from gatecast.pipeline.fit import overrides
from gatecast.pipeline.progress import Progress, show_notice, show_progress
from gatecast.pipeline.units import Window, environment
from gatecast.results import column_names
from gatecast.selection.parameter_matching import nearest_units
from gatecast.selection.ranking import ModelFolds, rank_models, row_errors
from gatecast.selection.recommendation import Recommendation, describe, recommend

__all__ = ["DEFAULT_MODELS", "Comparison", "compare", "match_sizes"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ColumnTable = dict[str, npt.NDArray[Any]]

DEFAULT_MODELS = ("rnn", "gru", "lstm", "lstm-peephole", "slstm", "es-lstm", "auto")
"""Models that are compared if none are named; the simple forecasts are always included."""

DEFAULT_WINDOWS = 3
"""Number of cutoffs."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Models ranked by their errors at past cutoffs.

    Args:
        scores: Columns, a row for each model, the best first: model, rank, mae, rmse, mase, skill (percent of the error
            of seasonal naive that is saved; of naive without a season), coverage_<level> (percent), p_value (against
            the best simple forecast), p_best (against the first row), missing (values that some model does not
            forecast, which count with the error of seasonal naive), seconds (of fitting and forecasting at all
            cutoffs), parameters (of all networks), networks (how many). NaN where a row has no value.
        fold_scores: Columns id, cutoff, model, mae, mase: a row for each series, cutoff and model.
        advice: Which model to choose, as facts.
        best: The model with the smallest error, as `Forecaster(model=...)` takes it if it was given by name.
        h: Horizon.
        season_length: Season of seasonal naive and of MASE.
        matched_units: Units of the recurrent layers by model, chosen so that each network has the LSTM's number of
            parameters, unless the user fixed them.
        levels: Levels of the intervals, in percent.
        size_note: How sizes were matched, as a sentence; "" if no model is a single cell.
        findings: What was noticed about the data, as sentences.
    """

    scores: ColumnTable
    fold_scores: ColumnTable
    advice: Recommendation
    best: str
    h: int
    season_length: int
    matched_units: dict[str, int]
    levels: tuple[float, ...]
    size_note: str = ""
    findings: tuple[str, ...] = ()

    @property
    def recommendation(self) -> str:
        """Which model to choose, and how sure that is, as sentences."""
        return describe(self.advice)

    def __repr__(self) -> str:
        return f"Comparison(best={self.best!r}, models={self.scores['model'].tolist()}, h={self.h})"

    def _repr_html_(self) -> str:
        """Return the scores as a table for notebooks."""
        names = [name for name in ("model", "mase", "mae", "skill", "p_value", "seconds") if name in self.scores]
        columns = [self.scores[name].tolist() for name in names]
        cells = [
            [item if isinstance(item, str) else f"{item:.4g}" for item in row] for row in zip(*columns, strict=True)
        ]
        return html_table(names, cells, self.recommendation)


def compare(
    source: Any,
    h: int | None = None,
    *,
    models: Any = None,
    n_windows: int = DEFAULT_WINDOWS,
    progress: Callable[[Progress], None] | bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Comparison:
    """Fit models at past cutoffs, forecast from each, and recommend one of them.

    All models get the same series, cutoffs and seed. Recurrent cells get the units that give the LSTM's number of
    parameters; other models are as they are. Differences are tested by sign flips of scaled errors, of means over the
    cutoffs where there are six series or more. The best model and the best simple forecast are picked by the errors
    that are tested, so p-values are corrected over all pairs of models.

    Args:
        source: As for `Forecaster.fit`; read once.
        h: Steps to forecast; None: two seasons, at least 6 steps, at most a fifth of the rows.
        models: Names, model configs or `Sequential`s, as for `Forecaster`; None: all cells, ES-RNN and "auto". The
            simple forecasts are always included; named, they have intervals too.
        n_windows: Cutoffs, the last of them h steps before the end of each series.
        progress: As for `Forecaster.fit`.
        checkpoint: A folder that keeps what is done until the comparison is complete: the same call, after an
            interruption, goes on from there to the same bits; None: nothing is kept.
        settings: Further arguments of `Forecaster`; with `network=NetworkConfig(units=...)` all cells get these units.
            Medians are compared, whatever `point` is.

    Raises:
        ConfigError: An unknown model, or an invalid setting.
        DataError: Data that cannot be used, or series too short for so many cutoffs.

    Source: Demšar 2006 on comparing several models; Westfall & Young 1993; Romano & Wolf 2005.

    Example:
        >>> from gatecast.config import TrainingConfig
        >>> y = np.tile([1.0, 5.0, 9.0, 5.0], 12) + np.arange(48) % 3
        >>> quick = TrainingConfig(n_members=1, max_steps=5)
        >>> table = {"ds": np.arange(48), "y": y}
        >>> comparison = compare(table, h=4, models="lstm", n_windows=2, season_length=4, training=quick)
        >>> sorted(comparison.scores["model"].tolist())
        ['Drift', 'Mean', 'Naive', 'SeasonalNaive', 'lstm']
    """
    named = _named(models)
    check_positive_int(n_windows, "n_windows")
    forecaster = Forecaster(h, **settings)
    panel = forecaster._session.prepare(*forecaster._session.read(source))
    h = forecaster.config.h or default_horizon(panel.freq, int(np.median(panel.lengths)))
    # Ranks are by absolute errors, which medians make small.
    config = replace(forecaster.config, model="lstm", h=h, point="median")
    offsets = cross_validation.cutoff_offsets(panel, h, n_windows, None)
    first = cross_validation.longer_than(panel, offsets[0]).drop_last(offsets[0])
    config, units, size_note = match_sizes(first, config, tuple(named))
    results = []
    facts, total = (panel, config, list(named.items()), n_windows, environment()), len(named) * n_windows
    with (
        show_progress(progress) as callback,
        keeping(checkpoint, None if progress is False else show_notice),
        working_on("compare", *facts, total=(total, "window")),
    ):
        for k, (name, model) in enumerate(named.items()):
            network = replace(config.network, units=units.get(name, config.network.units))
            report = None if callback is None else _reporter(callback, name, k / len(named), 1 / len(named), n_windows)
            results.append(_run(name, panel, replace(config, model=model, network=network), n_windows, report))
    series, past = _pasts(panel, offsets)
    m = config.season_length or 1
    scores = rank_models(results, past, series, m, config.seed)
    names = scores["model"].tolist()
    advice = recommend(scores, len(np.unique(series)), n_windows)
    fold_scores = _fold_scores(results, past, panel.ids[series], names, m)
    best = {baseline.column: baseline.name for baseline in BASELINES}.get(names[0], names[0])
    findings = (*forecaster.findings_, *cross_validation.note_short_series(panel, offsets))
    return Comparison(scores, fold_scores, advice, best, h, m, units, config.level, size_note, findings)


def _named(models: Any) -> dict[str, Any]:
    """Return models by name, each once; a second config of equal name gets a number, a simple forecast its column."""
    items = DEFAULT_MODELS if models is None else models if isinstance(models, list | tuple) else (models,)
    check_model(list(items))
    columns = {baseline.name: baseline.column for baseline in BASELINES}
    named: dict[str, Any] = {}
    for item in items:
        name = columns.get(model_name(item), model_name(item))
        if isinstance(item, str):
            named[name] = item
            continue
        n = sum(known == name or known.rpartition("-")[0] == name for known in named)
        named[name if n == 0 else f"{name}-{n + 1}"] = item
    return named


def match_sizes(
    panel: Panel, config: ForecasterConfig, names: Sequence[str]
) -> tuple[ForecasterConfig, dict[str, int], str]:
    """Make models comparable: one season, inferred before the first cutoff, and cells of one size.

    Args:
        panel: The series up to the first cutoff.
        config: Settings.
        names: Names of the models.

    Returns:
        The settings with a season; units of each cell; a sentence about them.
    """
    context, h = PanelContext.from_panel(panel), config.h or 0
    seasons = choose_season(context.values, panel, h, config.season_length)
    config = replace(config, season_length=seasons.naive)
    cells = [name for name in names if name in CELLS]
    if not cells:
        return config, {}, ""
    if config.network.units is not None:
        note = f"Every recurrent layer has {format_count(config.network.units, 'unit')}, as requested."
        return config, dict.fromkeys(cells, config.network.units), note
    task = Task(h, seed=config.seed, **seasons.of_task())
    lstm = LSTMConfig.default_for(PanelSummary.of(panel), task, overrides(config)).configs[0]
    columns = {f"n_{name}": getattr(context, name).shape[-1] for name in ("futr_exog", "hist_exog", "stat_exog")}

    def size(cell: str, units: int) -> int:
        """Return the parameters of one network."""
        settings = {**asdict(lstm), **columns, "units": units}
        return make_network(h, CELLS[cell](**settings), seed=None)[1].vector.size

    target = size("lstm", lstm.units)
    # An RNN has a quarter of an LSTM's columns: twice the units, at most, have as many parameters.
    units = {cell: nearest_units(partial(size, cell), target, 2 * lstm.units + 1) for cell in cells}
    about = float(f"{target:.2g}")
    note = f"Each cell has as many units as make about {about:,.0f} parameters a network, the LSTM's number here."
    others = [name for name in names if name not in CELLS]
    return config, units, " ".join([note, *(f"{name} keeps its own size." for name in others)])


def _reporter(
    progress: Callable[[Progress], None], name: str, start: float, share: float, n_windows: int
) -> Callable[[int, Progress], None]:
    """Return what fits at each cutoff report to: the share of the comparison that is done."""

    def report(cutoff: int, inner: Progress) -> None:
        """Report once."""
        stage = f"{name}, cutoff {cutoff + 1} of {n_windows}"
        progress(Progress(stage, start + share * (cutoff + inner.fraction) / n_windows, inner.loss))

    return report


def _run(
    name: str,
    panel: Panel,
    config: ForecasterConfig,
    n_windows: int,
    report: Callable[[int, Progress], None] | None,
) -> ModelFolds:
    """Run one model at all cutoffs."""
    h = config.h or 0
    tables: list[ColumnTable] = []
    windows: list[Window] = []
    progress = None if report is None else lambda inner: report(len(tables), inner)
    for window in cross_validation.iter_windows(panel, config, n_windows, None, refit=True, progress=progress):
        windows.append(window)
        tables.append(window.table)
    rows = {column: np.concatenate([table[column] for table in tables]).reshape(-1, h) for column in tables[0]}
    main, *bounds = column_names(windows[-1].name, config.level)
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    return ModelFolds(
        name,
        rows[main],
        {baseline.column: rows[baseline.column] for baseline in BASELINES if baseline.column in rows},
        {level: (rows[low], rows[high]) for level, (low, high) in zip(config.level, pairs, strict=True)},
        rows[panel.columns.target],
        rows["cutoff"][:, 0],
        sum(window.seconds for window in windows),
        windows[-1].n_parameters,
        windows[-1].n_networks,
    )


def _pasts(panel: Panel, offsets: Sequence[int]) -> tuple[IntArray, FloatArray]:
    """Return the position of each row's series, [n_rows], and the values before its cutoff, [n_rows, T]."""
    series, past = [], []
    for offset in offsets:
        series.append(np.flatnonzero(panel.lengths > offset + 1))
        past.append(PanelContext.from_panel(panel.take(series[-1]).drop_last(offset)).values)
    length = max(part.shape[1] for part in past)
    padded = [np.pad(part, ((0, 0), (length - part.shape[1], 0)), constant_values=np.nan) for part in past]
    return np.concatenate(series), np.concatenate(padded)


def _fold_scores(
    results: Sequence[ModelFolds], past: FloatArray, ids: Any, names: Sequence[str], season_length: int
) -> ColumnTable:
    """Return a row for each model, cutoff and series."""
    n_models, n_rows = len(names), len(ids)
    return {
        "id": np.tile(ids, n_models),
        "cutoff": np.tile(results[0].cutoffs, n_models),
        "model": np.repeat(names, n_rows),
        "mae": row_errors(results, past, names, season_length, scaled=False).ravel(),
        "mase": row_errors(results, past, names, season_length).ravel(),
    }
