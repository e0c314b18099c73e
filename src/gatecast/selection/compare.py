"""Models side by side on the same past cutoffs, each forecast made of nothing that came later: `compare`.

Letters: R rows (a series at a cutoff), h horizon, T columns of the past, m season, K models.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import count
from gatecast._utils.validation import check_count, check_levels, check_seed, check_type
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.data.panel import Panel
from gatecast.data.reader import read
from gatecast.errors import ConfigError
from gatecast.evaluation.splits import default_horizon
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn.model import CELLS, make_network
from gatecast.forecasting.presets import MODELS, make_recipe
from gatecast.forecasting.season_selection import choose_season
from gatecast.pipeline import cross_validation
from gatecast.pipeline.fit import FitSettings, prepare_panel
from gatecast.pipeline.progress import Progress
from gatecast.plotting.charts import BASELINES
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
    models: Sequence[str] | str | None = None,
    n_windows: int = WINDOWS,
    level: Sequence[float] | float | None = (80, 95),
    season_length: int | None = None,
    freq: str | None = None,
    seed: int = 0,
    network: NetworkConfig | None = None,
    training: TrainingConfig | None = None,
    data: DataConfig | None = None,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | Sequence[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Train models at past cutoffs, forecast from each, and say which of them to take.

    All models get the same series, cutoffs and seed. Recurrent cells get as many units as make the LSTM's number of
    parameters; "es-lstm" and "auto" are as they are. Differences are tested by sign flips of scaled errors, of means
    over the cutoffs where there are six series or more, and corrected for their number after Holm.

    Args:
        source: As for `Forecaster.fit`; read once.
        h: Steps to forecast; None: two seasons.
        models: Names, as for `Forecaster`; None: all of them. The simple forecasts are always there.
        n_windows: Cutoffs, the last of them h steps before the end of each series.
        level: Levels of the intervals, in percent.
        season_length: None: found before the first cutoff.
        freq: Frequency; None: found.
        seed: Same seed, same bits.
        network: Sizes of the networks; with `units`, all cells get these.
        training: Members, steps, batch and rate.
        data: Further columns, and what values can be.
        id_col: Column with the series' names.
        time_col: Column with the times.
        target_col: Column with the values.
        progress: Called now and then while training.

    Raises:
        ConfigError: A model that is not known, or an impossible setting.
        DataError: Data that cannot be used, or series too short for so many cutoffs.

    Source: Demšar 2006 on comparing several models; Holm 1979.

    >>> y = np.tile([1.0, 5.0, 9.0, 5.0], 12) + np.arange(48) % 3
    >>> quick = TrainingConfig(n_members=1, max_steps=5)
    >>> found = compare({"ds": np.arange(48), "y": y}, h=4, models="lstm", n_windows=2, season=4, training=quick)
    >>> sorted(found.scores["model"].tolist())
    ['Drift', 'Mean', 'Naive', 'SeasonalNaive', 'lstm']
    """
    names = _checked(models)
    for name, value in (("h", h), ("season_length", season_length)):
        check_count(name, value)
    check_count("n_windows", n_windows, needed=True)
    asked = FitSettings(
        h,
        "lstm",
        check_levels(level),
        season_length,
        check_seed(seed),
        check_type("network", network, NetworkConfig),
        check_type("training", training, TrainingConfig),
        check_type("data", data, DataConfig),
    )
    panel, _ = read(
        source,
        id_col=id_col,
        time_col=time_col,
        target_col=target_col,
        freq=freq,
        futr_exog=asked.data.futr_exog,
        hist_exog=asked.data.hist_exog,
        stat_exog=asked.data.stat_exog,
    )
    panel = prepare_panel(panel, [], asked.data)
    asked = replace(asked, h=h or default_horizon(panel.freq, int(np.median(panel.lengths))))
    backs = cross_validation.cutoff_offsets(panel, asked.h or 0, n_windows, None)
    asked, units, note = match_sizes(cross_validation.longer_than(panel, backs[0]).drop_last(backs[0]), asked, names)
    results = []
    for k, name in enumerate(names):
        own = replace(asked, model=name, network=replace(asked.network, units=units.get(name, asked.network.units)))
        tell = None if progress is None else _teller(progress, name, k / len(names), 1 / len(names), n_windows)
        results.append(_roll(panel, own, n_windows, tell))
    series, past = _pasts(panel, backs)
    m = asked.season or 1
    scores = rank_models(results, past, series, m, asked.seed)
    told = recommend(scores, len(np.unique(series)), n_windows)
    table = _by_fold(results, past, panel.ids[series], scores["model"].tolist(), m)
    return Comparison(scores, table, told, str(scores["model"][0]), asked.h or 0, m, units, asked.level, note)


def _checked(models: Sequence[str] | str | None) -> tuple[str, ...]:
    """Names of models, each once."""
    names = DEFAULT if models is None else (models,) if isinstance(models, str) else tuple(models)
    for name in names:
        if name not in MODELS:
            raise ConfigError("there is no such model", got=repr(name), expected=" or ".join(map(repr, MODELS)))
    if not names:
        expected = f"one or several of {', '.join(MODELS)}"
        raise ConfigError("there is no model to compare", got=repr(models), expected=expected)
    return tuple(dict.fromkeys(names))


def match_sizes(there: Panel, asked: FitSettings, names: Sequence[str]) -> tuple[FitSettings, dict[str, int], str]:
    """What makes models comparable: one season, found before the first cutoff, and cells of one size.

    Args:
        there: The series up to the first cutoff.
        asked: Settings.
        names: Of the models.

    Returns:
        The settings with a season; units of each cell; a sentence about them.
    """
    seen, h = PanelContext.from_panel(there), asked.h or 0
    m, season = choose_season(seen.values, there, h, asked.season)
    asked = replace(asked, season=season)
    cells = [name for name in names if name in CELLS]
    if not cells:
        return asked, {}, ""
    if asked.network.units is not None:
        told = f"Every recurrent layer has {count(asked.network.units, 'unit')}, as was asked for."
        return asked, dict.fromkeys(cells, asked.network.units), told
    settings = make_recipe(h, m, there.lengths, "lstm", asked.network, asked.training).members[0]
    columns = {f"n_{name}": getattr(seen, name).shape[-1] for name in ("futr_exog", "hist_exog", "stat_exog")}

    def size(cell: str, units: int) -> int:
        """Parameters of one network."""
        return make_network(h, replace(settings, cell=cell, units=units, **columns))[1].vector.size

    wanted = size("lstm", settings.units)
    # An RNN has a quarter of an LSTM's columns: twice the units, at most, have as many parameters.
    most = 2 * settings.units + 1
    units = {cell: nearest_units(partial(size, cell), wanted, most) for cell in cells}
    about = float(f"{wanted:.2g}")
    told = f"Each cell has as many units as make about {about:,.0f} parameters a network, the LSTM's number here."
    others = [name for name in names if name not in CELLS]
    return asked, units, " ".join([told, *(f"{name} has the size it always has." for name in others)])


def _teller(
    progress: Callable[[Progress], None], name: str, start: float, share: float, windows: int
) -> Callable[[int, Progress], None]:
    """What the training at each cutoff of a model reports to: the share of the whole comparison that is done."""

    def tell(cutoff: int, seen: Progress) -> None:
        """One report."""
        stage = f"{name}, cutoff {cutoff + 1} of {windows}"
        progress(Progress(stage, start + share * (cutoff + seen.fraction) / windows, seen.loss))

    return tell


def _roll(panel: Panel, asked: FitSettings, n_windows: int, tell: Callable[[int, Progress], None] | None) -> ModelFolds:
    """One model at all cutoffs."""
    began, h = time.perf_counter(), asked.h or 0
    tables: list[Table] = []
    report = None if tell is None else lambda seen: tell(len(tables), seen)
    for trained, table in cross_validation.iter_windows(panel, asked, n_windows, None, refit=True, progress=report):
        learnt = trained
        tables.append(table)
    rows = {name: np.concatenate([table[name] for table in tables]).reshape(-1, h) for name in tables[0]}
    main, *bounds = column_names(learnt.calibrator.name, asked.level)
    members = [one for voice in learnt.learned.voices for one in getattr(voice, "members", ())]
    # The hybrid has numbers of its own for every series.
    sizes = [one.weights.vector.size + np.size(getattr(one, "parameters", ())) for one in members]
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    return ModelFolds(
        str(asked.model),
        {str(asked.model): rows[main]} | {name: rows[name] for name in BASELINES if name in rows},
        {level: (rows[low], rows[high]) for level, (low, high) in zip(asked.level, pairs, strict=True)},
        rows[panel.columns.target],
        rows["cutoff"][:, 0],
        time.perf_counter() - began,
        sum(sizes),
        len(sizes),
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
