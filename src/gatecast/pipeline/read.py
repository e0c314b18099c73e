"""Any source as a panel, by the settings of a forecaster."""

from __future__ import annotations

from typing import Any

from gatecast.config import DataConfig, ForecasterConfig
from gatecast.data.panel import Panel
from gatecast.data.parsing.timestamps import UNKNOWN_NOTATION
from gatecast.data.reader import read

__all__ = ["read_source"]


def read_source(source: Any, config: ForecasterConfig, like: Panel | None = None) -> tuple[Panel, tuple[str, ...]]:
    """Read a panel, with the frequency and the categories of one that was read before.

    Args:
        source: As `gatecast.data.reader.read` takes it.
        config: Settings: columns, frequency, holidays.
        like: A panel of the same series; None: nothing was read before.

    Returns:
        The panel, and notes on the data.
    """
    data = config.data
    return read(
        source,
        id_col=config.id_col,
        time_col=config.time_col,
        target_col=config.target_col,
        freq=config.freq or (str(like.freq) if like is not None else None),
        futr_exog=data.futr_exog,
        hist_exog=data.hist_exog,
        stat_exog=data.stat_exog,
        categories=None if like is None else _known_categories(data, like),
        known=UNKNOWN_NOTATION if like is None else like.known_notation,
        missing_codes=data.missing_codes,
        holidays=data.holidays,
    )


def _known_categories(data: DataConfig, panel: Panel) -> dict[str, tuple[str, ...]]:
    """Return the categories of the exogenous columns of a panel, none for those of numbers."""
    names = (*data.futr_exog, *data.hist_exog, *data.stat_exog)
    return {name: panel.categories.get(name, ()) for name in names}
