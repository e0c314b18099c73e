"""Fit on a sample of many series: whole ones, drawn by a hash of their ids, the same from every kind of source."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from gatecast._utils.typing import ColumnTable
from gatecast._utils.validation import check_optional_positive_int
from gatecast.config import ForecasterConfig
from gatecast.data.panel import Panel
from gatecast.data.sources.parquet_series import (
    ParquetSeries,
    SeriesColumns,
    count_rows,
    is_parquet,
    read_ends,
)
from gatecast.errors import DataError
from gatecast.pipeline.read import read_source

__all__ = ["MAX_SERIES", "SAMPLE", "id_hash", "note_drawn", "note_sample", "read_sampled"]

MAX_SERIES = 100_000
"""Series of Parquet files that are read at once, at most, unless more are asked for."""

SAMPLE = 10_000
"""Series that are drawn of more: networks of one member see some 25,000 windows in a training."""


def id_hash(name: Any, seed: int) -> str:
    """Return what series are drawn by: those with the smallest hashes.

    >>> id_hash(17, 0) == id_hash("17", 0), id_hash(17, 0) == id_hash(17, 1)
    (True, False)
    """
    return hashlib.md5(f"{name}#{seed}".encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def note_sample(n: int, n_series: int, seed: int) -> str:
    """Return the sentence about a sample."""
    return (
        f"learned from {n:,} of {n_series:,} series, drawn by a hash of their ids and the seed {seed}; "
        "fit(sample=...) sets how many."
    )


def note_drawn(n: int, seed: int) -> str:
    """Return the sentence about a sample of series that were not counted."""
    return (
        f"learned from {n:,} of the series, drawn by a hash of their ids and the seed {seed}; fit(sample=...) sets how "
        "many."
    )


def read_sampled(source: Any, config: ForecasterConfig, sample: int | None) -> tuple[Panel, tuple[str, ...]]:
    """Read a source; of too many series, or of more than are asked for, a sample.

    Args:
        source: As for `read_source`.
        config: Settings; its seed draws the sample.
        sample: Series, at most; None: all, or 10,000 of Parquet files of more than 100,000.

    Raises:
        ConfigError: `sample` is no positive whole number.
        DataError: Data that cannot be used.
    """
    check_optional_positive_int(sample, "sample")
    limit = MAX_SERIES if sample is None else sample
    if is_parquet(source) and not config.hierarchy and (Path(source).is_dir() or count_rows(source) > limit):
        drawn = _draw(source, config, limit, SAMPLE if sample is None else sample)
        if drawn is not None:
            return drawn
    panel, notes = read_source(source, config)
    if sample is None or len(panel) <= sample:
        return panel, notes
    n_series = len(panel)
    return _take(panel, sample, config.seed), (*notes, note_sample(sample, n_series, config.seed))


def _draw(source: Any, config: ForecasterConfig, limit: int, sample: int) -> tuple[Panel, tuple[str, ...]] | None:
    """Read a sample of Parquet files; None where they have few series and can be read as any source."""
    ends = read_ends(source)
    try:
        names = read_source(ends, config)[0].columns
    except DataError:
        # The whole may be clear where its ends are not.
        if Path(source).is_dir():
            raise
        return None
    is_wide = config.target_col is not None and config.target_col != names.target
    if names.id is None or is_wide:
        return None
    others: Sequence[str] = (*config.data.futr_exog, *config.data.hist_exog, *config.data.stat_exog)
    columns = SeriesColumns(names.ids, names.time, names.target, tuple(others))
    try:
        rows, n, n_series = _draw_rows(source, columns, config.seed, limit, sample)
    except DataError:
        # What cannot be divided, such as times as text, may be read at once.
        if Path(source).is_dir():
            raise
        return None
    if rows is None:
        return None
    declared = replace(config, id_col=names.id, time_col=names.time, target_col=names.target)
    panel, notes = read_source(rows, declared)
    return panel, (*notes, note_sample(n, n_series, config.seed)) if n < n_series else notes


def _draw_rows(
    source: Any, columns: SeriesColumns, seed: int, limit: int, sample: int
) -> tuple[ColumnTable | None, int, int]:
    """Return the rows of a sample, None where a file has few series; its size, and the number of all series."""
    with TemporaryDirectory(prefix="gatecast-") as work:
        series = ParquetSeries(source, columns, Path(work))
        try:
            n_series = len(series)
            if n_series <= limit and not Path(source).is_dir():
                return None, n_series, n_series
            n = n_series if n_series <= limit else sample
            return series.draw(n, seed), n, n_series
        finally:
            series.close()


def _take(panel: Panel, n: int, seed: int) -> Panel:
    """Return a sample of a panel, in the order of the ids."""
    drawn = sorted(range(len(panel)), key=lambda s: id_hash(panel.ids[s], seed))[:n]
    keys = [panel.keys[name] for name in panel.columns.ids] if panel.keys else [panel.ids]
    drawn.sort(key=lambda s: tuple(column[s] for column in keys))
    return panel.take(np.array(drawn, np.int64))
