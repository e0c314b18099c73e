"""Models side by side on the same past cutoffs, each forecast made of nothing that came later: `compare`.

Letters: R rows (a series at a cutoff), h horizon, T columns of the past, m season, K models.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_count
from gatecast._utils.validation import check_positive_int
from gatecast.config import ForecasterConfig
from gatecast.data.panel import Panel
from gatecast.evaluation.splits import default_horizon
from gatecast.forecaster import Forecaster
from gatecast.forecasting.base import HasNetworks, PanelSummary, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn.model import CELLS, LSTMConfig, make_network
from gatecast.forecasting.presets import BASELINES, check_model, model_name
from gatecast.forecasting.season_selection import choose_season
from gatecast.pipeline import cross_validation
from gatecast.pipeline.fit import overrides, prepare_panel
from gatecast.pipeline.progress import Progress
from gatecast.results import column_names
from gatecast.selection.parameter_matching import nearest_units
from gatecast.selection.ranking import ModelFolds, rank_models, row_errors
from gatecast.selection.recommendation import recommend

__all__ = ["DEFAULT", "Comparison", "compare"]

Floats = npt.NDArray[np.float64]
Table = dict[str, npt.NDArray[Any]]

DEFAULT = ("rnn", "gru", "lstm", "lstm-peephole", "slstm", "es-lstm", "auto")
"""Models that are compared if none are named, beside the simple forecasts."""

WINDOWS = 3
"""Cutoffs if nothing is said."""


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison.

    Args:
        scores: Columns, a row a model, the best first: model, rank, mae, rmse, mase, skill (percent of the error of
            seasonal naive that is saved, of naive without a season), coverage_<level> (percent), p_value (against the
            best simple forecast), p_best (against the first row), seconds (training and forecasting at all cutoffs),
            parameters (of all networks), networks (how many). What a row does not have is NaN.
        fold_scores: Columns id, cutoff, model, mae, mase: a row a series, cutoff and model.
        recommendation: What to take, and how sure that is, in words.
        best: The model with the smallest error; a name for `Forecaster(model=...)`, or that of a simple forecast.
        h: Horizon.
        season_length: Of seasonal naive and of MASE.
        matched_units: Units of the recurrent layers, by model: chosen so that a network has as many parameters as the LSTM's,
            unless the user fixed them.
        levels: Of the intervals, in percent.
        size_note: How the networks were made alike, in words; "" if none of them is of one cell alone.
    """

    scores: Table
    fold_scores: Table
    recommendation: str
    best: str
    h: int
    season_length: int
    matched_units: dict[str, int]
    levels: tuple[float, ...]
    size_note: str = ""


def compare(
    source: Any,
    h: int | None = None,
    *,
    models: Any = None,
    n_windows: int = WINDOWS,
    progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> Comparison:
    """Fit models at past cutoffs, forecast from each, and recommend one of them.

    All models get the same series, cutoffs and seed. Recurrent cells get as many units as make the LSTM's number of
    parameters; other models are as they are. Differences are tested by sign flips of scaled errors, of means over the
    cutoffs where there are six series or more, and corrected for their number after Holm.

    Args:
        source: As for `Forecaster.fit`; read once.
        h: Steps to forecast; None: two seasons.
        models: Names, model configs or `Sequential`s, as for `Forecaster`; None: all cells, ES-RNN and "auto". The
            simple forecasts are always included.
        n_windows: Cutoffs, the last of them h steps before the end of each series.
        progress: Is called now and then during training.
        settings: Further arguments of `Forecaster`; with `network=NetworkConfig(units=...)` all cells get these units.

    Raises:
        ConfigError: An unknown model, or an invalid setting.
        DataError: Data that cannot be used, or series too short for so many cutoffs.

    Source: Demšar 2006 on comparing several models; Holm 1979.

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
    panel, _ = forecaster._read(source)
    config = replace(forecaster.config, model="lstm")
    panel = prepare_panel(panel, [], config.data)
    h = config.h or default_horizon(panel.freq, int(np.median(panel.lengths)))
    offsets = cross_validation.cutoff_offsets(panel, h, n_windows, None)
    first = cross_validation.longer_than(panel, offsets[0]).drop_last(offsets[0])
    config, units, note = match_sizes(first, replace(config, h=h), tuple(named))
    results = []
    for k, (name, model) in enumerate(named.items()):
        network = replace(config.network, units=units.get(name, config.network.units))
        report = None if progress is None else _reporter(progress, name, k / len(named), 1 / len(named), n_windows)
        results.append(_run(name, panel, replace(config, model=model, network=network), n_windows, report))
    series, past = _pasts(panel, offsets)
    m = config.season_length or 1
    scores = rank_models(results, past, series, m, config.seed)
    text = recommend(scores, len(np.unique(series)), n_windows)
    table = _by_fold(results, past, panel.ids[series], scores["model"].tolist(), m)
    return Comparison(scores, table, text, str(scores["model"][0]), h, m, units, config.level, note)


def _named(models: Any) -> dict[str, Any]:
    """Return models by name, each once; a second config of the same name gets a number."""
    items = DEFAULT if models is None else models if isinstance(models, list | tuple) else (models,)
    check_model(list(items))
    named: dict[str, Any] = {}
    for item in items:
        name = model_name(item)
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
        names: Of the models.

    Returns:
        The settings with a season; units of each cell; a sentence about them.
    """
    context, h = PanelContext.from_panel(panel), config.h or 0
    m, season_length = choose_season(context.values, panel, h, config.season_length)
    config = replace(config, season_length=season_length)
    cells = [name for name in names if name in CELLS]
    if not cells:
        return config, {}, ""
    if config.network.units is not None:
        note = f"Every recurrent layer has {format_count(config.network.units, 'unit')}, as requested."
        return config, dict.fromkeys(cells, config.network.units), note
    task = Task(h, m, seed=config.seed)
    lstm = LSTMConfig.default_for(PanelSummary.of(panel), task, overrides(config)).configs[0]
    columns = {f"n_{name}": getattr(context, name).shape[-1] for name in ("futr_exog", "hist_exog", "stat_exog")}

    def size(cell: str, units: int) -> int:
        """Return the parameters of one network."""
        settings = {**asdict(lstm), **columns, "units": units}
        return make_network(h, CELLS[cell](**settings))[1].vector.size

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
    """Return what the training at each cutoff of a model reports to: the share of the comparison that is done."""

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
    began, h = time.perf_counter(), config.h or 0
    tables: list[Table] = []
    progress = None if report is None else lambda inner: report(len(tables), inner)
    for state, table in cross_validation.iter_windows(panel, config, n_windows, None, refit=True, progress=progress):
        last = state
        tables.append(table)
    rows = {column: np.concatenate([table[column] for table in tables]).reshape(-1, h) for column in tables[0]}
    main, *bounds = column_names(last.calibrator.name, config.level)
    views = [view for model in last.ensemble.models if isinstance(model, HasNetworks) for view in model.networks()]
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    simple = {baseline.column: rows[baseline.column] for baseline in BASELINES if baseline.column in rows}
    return ModelFolds(
        name,
        {name: rows[main]} | simple,
        {level: (rows[low], rows[high]) for level, (low, high) in zip(config.level, pairs, strict=True)},
        rows[panel.columns.target],
        rows["cutoff"][:, 0],
        time.perf_counter() - began,
        sum(view.n_parameters for view in views),
        len(views),
    )


def _pasts(panel: Panel, backs: Sequence[int]) -> tuple[npt.NDArray[np.int64], Floats]:
    """(R,) number of each row's series, and (R, T) what was known, aligned on the right; in the order of forecasts."""
    series, past = [], []
    for back in backs:
        series.append(np.flatnonzero(panel.lengths > back + 1))
        past.append(PanelContext.from_panel(panel.take(series[-1]).drop_last(back)).values)
    T = max(part.shape[1] for part in past)
    padded = [np.pad(part, ((0, 0), (T - part.shape[1], 0)), constant_values=np.nan) for part in past]
    return np.concatenate(series), np.concatenate(padded)


def _by_fold(results: Sequence[ModelFolds], past: Floats, ids: Any, names: Sequence[str], m: int) -> Table:
    """A row a series, cutoff and model."""
    K, R = len(names), len(ids)
    columns = {"id": ids, "cutoff": results[0].cutoffs}
    return {name: np.tile(column, K) for name, column in columns.items()} | {
        "model": np.repeat(names, R),
        "mae": row_errors(results, past, names, m, scaled=False).ravel(),
        "mase": row_errors(results, past, names, m).ravel(),
    }
