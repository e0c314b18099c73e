"""Which columns forecasts need: by how much errors grow when one of them is mixed up in time.

Letters: S series, T columns of time, C cutoffs, h horizon.

Models are trained once, on what came before the first cutoff, and forecast what came after each. A column is then cut
into blocks of about h steps that change places within each series, before anything reads it: effects of known columns
are mixed up as well, in the past as in the steps ahead. One that stays the same within every series changes places
between series. What the column said is gone, how it looks is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_positive_int
from gatecast.config import ForecasterConfig
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError
from gatecast.evaluation.calibration import predict_all, prediction_intervals
from gatecast.evaluation.splits import default_horizon
from gatecast.forecasting.context import PanelContext, column_groups
from gatecast.nn.random import generator
from gatecast.pipeline.cross_validation import cutoff_offsets, longer_than
from gatecast.pipeline.fit import fit
from gatecast.pipeline.state import FittedState

__all__ = ["Importance", "permutation_importance"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MOST = 512
"""Series times cutoffs that are forecast each time, at most."""

TOLD = 3
"""Columns that the sentence names, at most."""


@dataclass(frozen=True, eq=False)
class Importance:
    """What mixing up each column does to the errors.

    Args:
        mae: Mean absolute error with the columns as they are.
        table: `column`; `increase` of the mean absolute error in percent, the mean over the repeats; `low` and `high`,
            the smallest and the largest of them. The column that matters most comes first.
        sentence: The same in words.
    """

    mae: float
    table: dict[str, npt.NDArray[Any]]
    sentence: str


def permutation_importance(
    panel: Panel, asked: ForecasterConfig, *, n_windows: int = 4, step_size: int | None = None, n_repeats: int = 5
) -> Importance:
    """Permutation importance of the columns beside the series, on values that the models have not seen.

    ``increase = 100 (MAE with the column mixed up / MAE - 1)``

    Args:
        panel: The series, prepared.
        asked: Settings; its seed is that of the mixing, too.
        n_windows: Cutoffs C, the last of them h steps before the end of each series.
        step_size: Steps from one cutoff to the next; h by default.
        n_repeats: How often each column is mixed up.

    Raises:
        ConfigError: No columns, or a number of cutoffs or repeats that is none.
        DataError: Series too short for so many cutoffs.

    Source: Breiman 2001; Fisher, Rudin & Dominici 2019.

    >>> from gatecast.config import TrainingConfig
    >>> from gatecast.data.panel import from_values
    >>> promo = np.tile([0.0, 0.0, 1.0, 0.0, 1.0], 12)
    >>> panel = replace(from_values(20 + 5 * promo + np.sin(np.arange(60.0))), futr_exog={"promo": promo})
    >>> quick = TrainingConfig(n_members=1, max_steps=5)
    >>> config = ForecasterConfig(h=2, model="lstm", season_length=1, training=quick)
    >>> found = permutation_importance(panel, config, n_windows=2, n_repeats=2)
    >>> found.table["column"].tolist(), bool(found.table["low"][0] > 0)
    (['promo'], True)
    """
    kinds = {"futr_exog": panel.futr_exog, "hist_exog": panel.hist_exog, "stat_exog": panel.stat_exog}
    if not any(kinds.values()):
        raise ConfigError(
            "there are no columns whose importance could be measured",
            got="series alone",
            expected="known, historic or static columns",
            fix="Name them: data=DataConfig(futr_exog=..., hist_exog=..., stat_exog=...).",
        )
    n_repeats, n_windows = check_positive_int(n_repeats, "n_repeats"), check_positive_int(n_windows, "n_windows")
    h = asked.h or default_horizon(panel.freq, int(np.median(panel.lengths)))
    backs = cutoff_offsets(panel, h, n_windows, step_size)
    there = longer_than(panel, backs[0])
    there = there.restrict_categories(there.categories_before(backs[0]))
    trained = fit(there.drop_last(backs[0]), replace(asked, h=h), [], None, evaluate=False)
    history = PanelContext.from_panel(there, fitted_on=trained.panel)
    some = np.arange(0, len(there), -(-len(there) * n_windows // MOST))
    history, lengths, at = history.take(some), there.lengths[some], np.array(backs)
    plain = _error(trained, history, at)
    found = {}
    for kind, owner in zip(kinds, column_groups(there), strict=True):
        for c, name in enumerate(kinds[kind]):
            mixed = [_mixed(history, lengths, kind, owner == c, h, (asked.seed, c, k)) for k in range(n_repeats)]
            rise = [_rise(_error(trained, one, at), plain) for one in mixed]
            found[name] = float(np.mean(rise)), min(rise), max(rise)
    order = sorted(found, key=lambda name: -found[name][0])
    table: dict[str, npt.NDArray[Any]] = {"column": np.array(order, object)}
    table |= {key: np.array([found[name][k] for name in order]) for k, key in enumerate(("increase", "low", "high"))}
    return Importance(plain, table, _sentence(table, n_windows, n_repeats))


def _rise(mixed: float, plain: float) -> float:
    """By how many percent an error is larger than another."""
    if plain == 0:
        return 0.0 if mixed == 0 else float("inf")
    return 100 * (mixed / plain - 1)


def _error(trained: FittedState, history: PanelContext, backs: Integers) -> float:
    """Mean absolute error of the main model at all cutoffs."""
    past, came = history.rolling_origins(backs, trained.horizon)
    said = predict_all(trained.calibrator, trained.ensemble, past)[trained.calibrator.name]
    return float(np.nanmean(np.abs(prediction_intervals(trained.calibrator, said, past.values, ())[0] - came)))


def _mixed(
    history: PanelContext, lengths: Integers, kind: str, which: npt.NDArray[np.bool_], h: int, seed: tuple[int, ...]
) -> PanelContext:
    """The history with one of its columns mixed up, all words of it alike."""
    rng, columns = generator(seed[0], 5, *seed[1:]), getattr(history, kind).copy()
    own = columns[..., which]
    if kind == "stat_exog" or _still(own, lengths):
        columns[..., which] = own[rng.permutation(len(own))]
    else:
        T = own.shape[1]
        for s, length in enumerate(lengths.tolist()):
            columns[s, T - length :, which] = own[s, T - length + _shuffled(length, h, rng)].T
    return replace(history, **{kind: columns})


def _still(own: Floats, lengths: Integers) -> bool:
    """Whether a column stays the same within every series."""
    rows = [own[s, own.shape[1] - length :] for s, length in enumerate(lengths.tolist())]
    return all(((row == row[:1]) | np.isnan(row)).all() for row in rows)


def _shuffled(length: int, h: int, rng: np.random.Generator) -> Integers:
    """(length,) places in another order: blocks of a half to one and a half h steps, so that no season is kept."""
    sizes = rng.integers(max(1, h // 2), h + h // 2 + 2, 2 * length // max(1, h // 2) + 1)
    ends = np.unique(np.minimum(sizes.cumsum(), length))
    blocks = np.split(np.arange(length), ends[:-1])
    return np.concatenate([blocks[k] for k in rng.permutation(len(blocks))])


def _sentence(table: dict[str, npt.NDArray[Any]], windows: int, repeats: int) -> str:
    """Which columns matter, by how much, and which do not."""
    rows = list(zip(*table.values(), strict=True))
    clear = [row for row in rows if row[2] > 0]
    told = "; ".join(f"{name} by {mean:.3g} % ({low:.3g} to {high:.3g} %)" for name, mean, low, high in clear[:TOLD])
    rest = [str(row[0]) for row in rows if row[2] <= 0]
    text = f"Over {windows} past cutoffs, by models that had not seen what came, each column mixed up {repeats} times: "
    text += f"the mean absolute error grows without {told}." if told else "no column is needed."
    return text + (f" No clear difference: {', '.join(rest)}." if told and rest else "")
