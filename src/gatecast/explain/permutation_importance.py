"""Permutation importance of exogenous columns: by how much errors grow when one of them is shuffled in time.

Models are fitted once, on the values before the first cutoff, and forecast from every cutoff. A column is then cut into
blocks of about `horizon` steps that change places within each series, before anything reads it: the effects of future
columns are shuffled as well, in the past and in the forecast steps. A column that is constant within every series
changes places between series. The column then keeps its values and its short-term shape, but tells nothing.

Shapes: n_series rows, T columns of the past, n_origins cutoffs, horizon steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gatecast._utils.typing import BoolArray, ColumnTable, FloatArray, IntArray
from gatecast._utils.validation import check_positive_int
from gatecast.config import ForecasterConfig
from gatecast.data.panel import Panel
from gatecast.data.reader import attach_findings, to_frame_like
from gatecast.errors import ConfigError
from gatecast.evaluation.calibration import predict_all, prediction_intervals
from gatecast.evaluation.splits import default_horizon
from gatecast.explain.describe import describe_importance
from gatecast.forecasting.context import PanelContext, column_groups
from gatecast.nn.random import generator
from gatecast.pipeline.cross_validation import cutoff_offsets, longer_than, note_short_series
from gatecast.pipeline.fit import fit
from gatecast.pipeline.state import FittedState

__all__ = ["Importance", "permutation_importance"]

MAX_FORECASTS = 512
"""Series times cutoffs that are forecast each time, at most."""


@dataclass(frozen=True, eq=False)
class Importance:
    """What shuffling each column does to the errors.

    Args:
        mae: Mean absolute error with the columns as they are.
        table: `column`; `increase` of the mean absolute error in percent, the mean over the repeats; `low` and `high`,
            the smallest and the largest of them. The most important column comes first.
        n_windows: Number of cutoffs.
        n_repeats: Number of times that each column is shuffled.
        kind: Kind of table that `to_frame` returns.
        findings: What was noticed about the data, as sentences.
    """

    mae: float
    table: ColumnTable
    n_windows: int
    n_repeats: int
    kind: str = "dict"
    findings: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The facts in words."""
        return describe_importance(self)

    def to_frame(self) -> Any:
        """Return `table` as a table of the kind that was passed in."""
        return attach_findings(to_frame_like(self.kind, self.table), self.findings)


def permutation_importance(
    panel: Panel,
    config: ForecasterConfig,
    *,
    n_windows: int = 4,
    step_size: int | None = None,
    n_repeats: int = 5,
    kind: str = "dict",
) -> Importance:
    """Compute the permutation importance of exogenous columns on values that the models have not seen.

    ``increase = 100 (MAE with the column shuffled / MAE - 1)``

    Args:
        panel: The series, prepared.
        config: Settings; the shuffling has the same seed.
        n_windows: Cutoffs, the last of them h steps before the end of each series.
        step_size: Steps from one cutoff to the next; None: h.
        n_repeats: Number of times that each column is shuffled.
        kind: Kind of table that `to_frame` returns.

    Raises:
        ConfigError: No columns, or an invalid number of cutoffs or repeats.
        DataError: Series too short for so many cutoffs.

    Source: Breiman 2001; Fisher, Rudin & Dominici 2019.

    Example:
        >>> from gatecast.config import TrainingConfig
        >>> from gatecast.data.panel import from_values
        >>> promo = np.tile([0.0, 0.0, 1.0, 0.0, 1.0], 12)
        >>> panel = replace(from_values(20 + 5 * promo + np.sin(np.arange(60.0))), futr_exog={"promo": promo})
        >>> quick = TrainingConfig(n_members=1, max_steps=5)
        >>> config = ForecasterConfig(h=2, model="lstm", season_length=1, training=quick)
        >>> importance = permutation_importance(panel, config, n_windows=2, n_repeats=2)
        >>> importance.table["column"].tolist(), bool(importance.table["low"][0] > 0)
        (['promo'], True)
    """
    roles = {"futr_exog": panel.futr_exog, "hist_exog": panel.hist_exog, "stat_exog": panel.stat_exog}
    if not any(roles.values()):
        raise ConfigError(
            "The series have no exogenous columns whose importance could be measured",
            fix="Name them: Forecaster(futr_exog=..., hist_exog=..., stat_exog=...).",
        )
    n_repeats, n_windows = check_positive_int(n_repeats, "n_repeats"), check_positive_int(n_windows, "n_windows")
    h = config.h or default_horizon(panel.freq, int(np.median(panel.lengths)))
    offsets = np.array(cutoff_offsets(panel, h, n_windows, step_size))
    first = int(offsets[0])
    notes = note_short_series(panel, [first])
    panel = longer_than(panel, first)
    panel = panel.restrict_categories(panel.categories_before(first))
    fitted = fit(panel.drop_last(first), replace(config, h=h), [], None, evaluate=False)
    sample = np.arange(0, len(panel), -(-len(panel) * n_windows // MAX_FORECASTS))
    context, lengths = PanelContext.from_panel(panel, fitted_on=fitted.panel).take(sample), panel.lengths[sample]
    mae, increases = _error(fitted, context, offsets), {}
    for role, groups in zip(roles, column_groups(panel), strict=True):
        for c, name in enumerate(roles[role]):
            shuffled = [
                _shuffle_column(context, lengths, role, groups == c, h, (config.seed, c, k)) for k in range(n_repeats)
            ]
            increases[name] = [_increase(_error(fitted, each, offsets), mae) for each in shuffled]
    return Importance(mae, _table(increases), n_windows, n_repeats, kind, notes)


def _table(increases: dict[str, list[float]]) -> ColumnTable:
    """Return one row per column, the most important first."""
    rows = [(name, float(np.mean(sizes)), min(sizes), max(sizes)) for name, sizes in increases.items()]
    names, mean, low, high = zip(*sorted(rows, key=lambda row: -row[1]), strict=True)
    return {
        "column": np.array(names, object),
        "increase": np.array(mean),
        "low": np.array(low),
        "high": np.array(high),
    }


def _increase(error: float, reference: float) -> float:
    """Return by how many percent an error is larger than another."""
    if reference == 0:
        return 0.0 if error == 0 else float("inf")
    return 100 * (error / reference - 1)


def _error(fitted: FittedState, context: PanelContext, offsets: IntArray) -> float:
    """Return the mean absolute error of the main model over all cutoffs."""
    past, actual = context.rolling_origins(offsets, fitted.horizon)
    quantiles = predict_all(fitted.calibrator, fitted.ensemble, past)[fitted.calibrator.name]
    median = prediction_intervals(fitted.calibrator._replace(point="median"), quantiles, past.values, ())[0]
    return float(np.nanmean(np.abs(median - actual)))


def _shuffle_column(
    context: PanelContext, lengths: IntArray, role: str, is_column: BoolArray, h: int, seed: tuple[int, ...]
) -> PanelContext:
    """Return the context with one of its columns shuffled, all categories of it alike."""
    rng, columns = generator(seed[0], 5, *seed[1:]), getattr(context, role).copy()
    column = columns[..., is_column]
    if role == "stat_exog" or _is_constant(column, lengths):
        columns[..., is_column] = column[rng.permutation(len(column))]
    else:
        T = column.shape[1]
        for s, length in enumerate(lengths.tolist()):
            columns[s, T - length :, is_column] = column[s, T - length + _shuffled_blocks(length, h, rng)].T
    return replace(context, **{role: columns})


def _is_constant(column: FloatArray, lengths: IntArray) -> bool:
    """Return whether a column is constant within every series."""
    rows = [column[s, column.shape[1] - length :] for s, length in enumerate(lengths.tolist())]
    return all(((row == row[:1]) | np.isnan(row)).all() for row in rows)


def _shuffled_blocks(length: int, h: int, rng: np.random.Generator) -> IntArray:
    """Return positions in another order, [length]: blocks of half to one and a half h steps, so that seasons break."""
    sizes = rng.integers(max(1, h // 2), h + h // 2 + 2, 2 * length // max(1, h // 2) + 1)
    ends = np.unique(np.minimum(sizes.cumsum(), length))
    blocks = np.split(np.arange(length), ends[:-1])
    return np.concatenate([blocks[k] for k in rng.permutation(len(blocks))])
