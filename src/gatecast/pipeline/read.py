"""Any source as a panel, by the settings of a forecaster."""

from __future__ import annotations

from typing import Any

import numpy as np

from gatecast.config import DataConfig, ForecasterConfig
from gatecast.data.messages import list_columns
from gatecast.data.panel import Panel
from gatecast.data.panel_checks import SPARSE_TIMES
from gatecast.data.parsing.known_notation import UNKNOWN_NOTATION
from gatecast.data.reader import read
from gatecast.errors import ConfigError, DataError

__all__ = ["read_source"]

COLUMNS = ("id_col", "time_col", "target_col")
"""Arguments that name columns."""

MIN_STEPS = 7
"""Steps between the values of a series, at least, that tell the frequency of rows."""

MIN_DENSE = 0.9
"""Share of steps with a value from which a panel has no rare ones."""


def read_source(source: Any, config: ForecasterConfig, like: Panel | None = None) -> tuple[Panel, tuple[str, ...]]:
    """Read a panel, with the columns, the frequency and the categories of one that was read before.

    Args:
        source: As `gatecast.data.reader.read` takes it.
        config: Settings: columns, frequency, holidays.
        like: A panel of the same series; None: nothing was read before.

    Returns:
        The panel, and notes on the data.

    Raises:
        DataError: Rows of another frequency than those that were read before.
    """
    data = config.data
    try:
        panel, notes = read(
            source,
            id_col=config.id_col,
            time_col=config.time_col,
            target_col=config.target_col,
            freq=str(like.freq) if config.freq is None and like is not None else config.freq,
            futr_exog=data.futr_exog,
            hist_exog=data.hist_exog,
            stat_exog=data.stat_exog,
            categories=None if like is None else _known_categories(data, like),
            known=UNKNOWN_NOTATION if like is None else like.known_notation,
            missing_codes=data.missing_codes,
            holidays=data.holidays,
        )
    except (ConfigError, DataError) as error:
        if like is None:
            raise
        # Of new rows columns and frequency are known: to set or to omit them is no advice.
        fix = ""
        if error.argument in COLUMNS and (isinstance(error, ConfigError) or error.argument != "id_col"):
            names = like.columns
            fix = f"Name the columns as in the table of fit: {list_columns((*names.ids, names.time, names.target))}."
        elif error.argument == "id_col":
            fix = "Aggregate the rows, or fit a forecaster on the series of these columns."
        if fix:
            raise DataError(error.what, where=error.where, got=error.got, expected=error.expected, fix=fix) from None
        if error.argument != "freq":
            raise
        if error.what == SPARSE_TIMES:
            fix = "Correct the date if it is wrong, or fit a forecaster on series of this frequency."
            raise DataError(error.what, where=error.where, got=error.got, expected=error.expected, fix=fix) from None
        raise DataError(
            "Rows of another frequency than those of fit",
            where=error.where,
            got=error.got,
            expected=f"those of fit: {like.freq.label}",
            fix="Aggregate the rows to this frequency, or fit a forecaster on series of theirs.",
        ) from None
    step = 1 if like is None else _even_step(panel)
    if like is not None and step > 1 and _is_dense(like):
        raise DataError(
            "Rows of another frequency than those of fit",
            got=f"values {step} steps apart",
            expected=f"those of fit: {like.freq.label}",
            fix="Pass the values of every step, or fit a forecaster on series of this frequency.",
        )
    return panel, notes if like is None else (*notes, *_note_ids(panel, like))


def _note_ids(panel: Panel, like: Panel) -> tuple[str, ...]:
    """Return a note where new rows have names of series and those of fit had none, or the other way round.

    Rows without a name may go on with a series that was the only one.
    """
    old, new = like.columns, panel.columns
    if (old.id is None) == (new.id is None) or (new.id is None and len(like) == 1):
        return ()
    if new.id is None:
        return (f"these rows have no {list_columns(old.ids)}, and are a new series, none of those of fit.",)
    return (f"the rows of fit had no {list_columns(new.ids)}: these are new series, none of them that of fit.",)


def _even_step(panel: Panel) -> int:
    """Return the step between all values of all series; 1 where they are not even, or too few to tell."""
    is_known = np.isfinite(panel.values)
    neighbors = is_known[1:] & is_known[:-1]
    starts = panel.indptr[(panel.indptr > 0) & (panel.indptr < len(is_known))]
    neighbors[starts - 1] = False
    if neighbors.any():
        return 1
    known = np.flatnonzero(is_known)
    series = np.searchsorted(panel.indptr, known, side="right")
    steps = np.diff(known)[series[1:] == series[:-1]]
    return int(steps[0]) if len(steps) >= MIN_STEPS * len(panel) and (steps == steps[0]).all() else 1


def _is_dense(panel: Panel) -> bool:
    """Return whether nearly all steps of a panel have values."""
    return bool(np.isfinite(panel.values).mean() >= MIN_DENSE)


def _known_categories(data: DataConfig, panel: Panel) -> dict[str, tuple[str, ...]]:
    """Return the categories of the exogenous columns of a panel, none for those of numbers."""
    names = (*data.futr_exog, *data.hist_exog, *data.stat_exog)
    return {name: panel.categories.get(name, ()) for name in names}
