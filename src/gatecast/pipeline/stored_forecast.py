"""Forecasts of Parquet files into a folder, part by part, in memory that does not grow with the number of series.

A part that is finished is a whole file under its own name, so an interrupted run goes on with the parts that are not
there, and ends with the same bits. A folder belongs to one forecast: its manifest has a digest of everything that the
result depends on.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gatecast._utils.atomic import writing
from gatecast._utils.digests import digest_of
from gatecast._utils.formatting import format_count
from gatecast._utils.validation import check_positive_int
from gatecast.config import ForecasterConfig
from gatecast.data.panel_facts import PanelFacts
from gatecast.data.reader import write
from gatecast.data.sources.parquet_series import ParquetSeries, Part, is_parquet, plan_parts
from gatecast.errors import ConfigError
from gatecast.kernels.runtime import get_num_threads, sharing_threads
from gatecast.pipeline.parts import (
    check_divisible,
    forecast_part,
    note_models,
    panel_facts,
    series_columns,
    with_history,
)
from gatecast.pipeline.progress import PARTITION_SIZE, PartProgress, show_line
from gatecast.pipeline.state import FittedState
from gatecast.pipeline.units import environment

__all__ = ["StoredForecast", "check_stored", "forecast_folder"]

MAX_CELLS = 2_000_000
"""Values of a part as models read it, at most: long series have smaller parts."""

MANIFEST = "_forecast.json"
WORK = "_work"
"""Folder of what is needed while the run lasts; names that begin so are no data to readers of folders."""

MAX_NOTES = 20
"""Different notes that are kept."""


@dataclass(frozen=True)
class StoredForecast:
    """A forecast in a folder of Parquet files.

    Args:
        folder: Where it is.
        files: Its files, in the order of the ids.
        n_series: Series.
        n_found: Files that an earlier run had finished.
        seconds: Of this run.
        findings: What was noticed about the data, as sentences.
    """

    folder: Path
    files: tuple[Path, ...]
    n_series: int
    n_found: int
    seconds: float
    findings: tuple[str, ...] = field(repr=False)


def check_stored(source: Any, folder: str | os.PathLike[str], futr_df: Any = None) -> None:
    """Refuse what cannot be forecast into a folder, before anything is read or fitted.

    Args:
        source: Is to be a Parquet file, a folder of them or a pattern.
        folder: Is to be new, empty, or of an interrupted run.
        futr_df: Is to be None.

    Raises:
        ConfigError: It is not so.
    """
    _check_source(source)
    _check_folder(Path(folder), source)
    if futr_df is not None:
        raise ConfigError(
            "A forecast into a folder takes no futr_df",
            expected="the columns that are known ahead in the source itself",
            fix="Append the rows of the steps ahead to the files, without a value of the target.",
            argument="futr_df",
        )


def forecast_folder(
    state: FittedState,
    config: ForecasterConfig,
    source: Any,
    folder: str | os.PathLike[str],
    n_steps: int,
    levels: Sequence[float],
    *,
    partition_size: int = PARTITION_SIZE,
    progress: Callable[[PartProgress], None] | bool | None = None,
) -> StoredForecast:
    """Forecast the series of Parquet files.

    Args:
        state: What was fitted.
        config: Settings of the forecaster.
        source: A Parquet file, a folder of them or a pattern.
        folder: Where the forecasts go: new, empty, or of an interrupted run of the same forecast.
        n_steps: Steps.
        levels: Of the intervals, in percent.
        partition_size: Series of a file, at most.
        progress: Is called after every part; None: a line in terminals; False: nothing.

    Raises:
        ConfigError: A forecast that cannot be divided, another source, or a folder that holds something else.
        DataError: Data that cannot be used.
    """
    began = time.perf_counter()
    check_positive_int(partition_size, "partition_size")
    check_divisible(state, config)
    target = Path(folder)
    work = target / WORK
    with _reading(ParquetSeries(source, series_columns(state), work)) as series:
        run = _Run(state, config, series, target, n_steps, tuple(levels), [])
        with _removing(work):
            parts = run.plan(partition_size)
            run.claim(parts, partition_size)
            missing = [k for k in range(len(parts)) if not run.file(k).exists()]
            if missing:
                run.read_facts(parts)
                _forecast_all(run, parts, missing, progress)
        run.finish()
    files = tuple(run.file(k) for k in range(len(parts)))
    seconds = time.perf_counter() - began
    return StoredForecast(target, files, len(series), len(parts) - len(missing), seconds, tuple(run.notes))


class _Run:
    """What the parts of one forecast share.

    Args:
        state: What was fitted.
        config: Settings.
        series: The source.
        folder: Where forecasts go.
        n_steps: Steps.
        levels: Of the intervals.
        notes: Sentences so far.
    """

    def __init__(
        self,
        state: FittedState,
        config: ForecasterConfig,
        series: ParquetSeries,
        folder: Path,
        n_steps: int,
        levels: tuple[float, ...],
        notes: list[str],
    ) -> None:
        self.state, self.config, self.series, self.folder = state, config, series, folder
        self.n_steps, self.levels, self.notes = n_steps, levels, notes
        self.facts: PanelFacts | None = None

    def plan(self, partition_size: int) -> list[Part]:
        """Divide the series."""
        longest = int(self.series.n_rows.max())
        size = max(1, min(partition_size, MAX_CELLS // longest))
        return plan_parts(self.series.n_rows, size, MAX_CELLS)

    def file(self, k: int) -> Path:
        """The file of a part."""
        return self.folder / f"part-{k:05}.parquet"

    def claim(self, parts: Sequence[Part], partition_size: int) -> None:
        """Write the manifest, or compare it with that of an earlier run.

        Raises:
            ConfigError: The folder holds another forecast.
        """
        fitted = replace(self.state, scored=None, training_history={}, seconds=0.0)
        about = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in self.series.files]
        work = digest_of(fitted, self.config, about, self.n_steps, self.levels, partition_size, environment())
        manifest = self.folder / MANIFEST
        if manifest.exists():
            if _read(manifest).get("work") != work:
                raise ConfigError(
                    "The folder holds another forecast: of other data, other settings, or another version",
                    where=str(self.folder),
                    fix="Name another folder, or remove this one.",
                    argument="folder",
                )
            return
        # Without a manifest nobody knows what a sorted copy is of.
        shutil.rmtree(self.folder / WORK, ignore_errors=True)
        facts = {"format": 1, "work": work, "series": len(self.series), "parts": len(parts), **environment()}
        self.folder.mkdir(parents=True, exist_ok=True)
        with writing(manifest) as draft:
            draft.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")

    def read_facts(self, parts: Sequence[Part]) -> None:
        """Count what the parts have to know of each other, and sort the rows where they lie apart."""
        n_rows, n_files = int(self.series.n_rows.sum()), len(self.series.files)
        self.add_notes(
            [f"{len(self.series):,} series of {n_rows:,} rows in {format_count(n_files, 'file')}, forecast in parts."]
        )
        self.add_notes(note_models(self.state))
        facts = panel_facts([self.series.facts()], self.state, self.config)
        for part in parts:
            facts = with_history(facts, self.state, self.series.keys(part))
        self.facts = facts
        if self.series.gather(parts):
            self.add_notes(["the rows of a series lie apart in the files, so a sorted copy was made for this run."])

    def forecast(self, part: Part, k: int) -> list[str]:
        """Forecast a part, and write its file."""
        if self.facts is None:
            raise ValueError("read_facts comes first")
        table = self.series.read(part)
        with sharing_threads():
            columns, notes = forecast_part(self.state, self.config, table, self.facts, self.n_steps, self.levels)
        write(columns, self.file(k))
        return notes

    def add_notes(self, notes: Sequence[str]) -> None:
        """Keep notes that are new, as long as there are few."""
        self.notes += [note for note in notes if note not in self.notes][: MAX_NOTES - len(self.notes)]

    def finish(self) -> None:
        """Remove drafts of killed runs."""
        for draft in self.folder.glob(".part-*.part.parquet"):
            with suppress(OSError):
                draft.unlink()


def _forecast_all(
    run: _Run, parts: Sequence[Part], missing: Sequence[int], progress: Callable[[PartProgress], None] | bool | None
) -> None:
    """Forecast the parts that are missing, as many at a time as there are threads; the first error ends the run."""
    n_series, began = len(run.series), time.perf_counter()
    n_found = n_series - sum(parts[k].stop - parts[k].first for k in missing)
    n_done = n_found
    with show_line(progress) as report, ThreadPoolExecutor(min(get_num_threads(), len(missing))) as pool:
        futures: dict[Future[list[str]], int] = {pool.submit(run.forecast, parts[k], k): k for k in missing}
        try:
            for future in as_completed(futures):
                run.add_notes(future.result())
                part = parts[futures[future]]
                n_done += part.stop - part.first
                rate = (n_done - n_found) / (time.perf_counter() - began)
                if report is not None:
                    report(PartProgress(n_done, n_series, rate, (n_series - n_done) / rate))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


@contextmanager
def _reading(series: ParquetSeries) -> Iterator[ParquetSeries]:
    """Close the source at the end."""
    try:
        yield series
    finally:
        series.close()


@contextmanager
def _removing(folder: Path) -> Iterator[None]:
    """Remove a folder at the end; after an interruption it stays, with the sorted copy in it."""
    yield
    shutil.rmtree(folder, ignore_errors=True)


def _check_source(source: Any) -> None:
    """Refuse sources other than Parquet files."""
    if is_parquet(source):
        return
    got = f"{os.fspath(source)!r}" if isinstance(source, str | os.PathLike) else type(source).__name__
    raise ConfigError(
        "Series are read in parts from Parquet files alone",
        got=got,
        expected="a Parquet file, a folder of them, or a pattern",
        fix="Write the table to a Parquet file, or leave folder out to forecast it at once.",
        argument="folder",
    )


def _check_folder(folder: Path, source: Any) -> None:
    """Refuse a folder that holds something else."""
    if os.path.isdir(folder):
        if os.path.isdir(source) and (folder.samefile(source) or Path(source).resolve() in folder.resolve().parents):
            raise ConfigError(
                "The forecasts would lie among the series",
                where=str(folder),
                fix="Name a folder outside of that of the series.",
                argument="folder",
            )
        others = [name for name in sorted(os.listdir(folder)) if name != WORK]
        if not others or MANIFEST in others:
            return
        got, fix = f"{format_count(len(others), 'file')} such as {others[0]!r}", "Name a new folder."
    elif os.path.lexists(folder):
        got, fix = "a file", "Name a folder."
    elif folder.parent.is_dir():
        return
    else:
        got, fix = "a folder in one that does not exist", f"Make it first: mkdir -p {folder.parent}"
    raise ConfigError(
        "Invalid folder for forecasts",
        where=str(folder),
        got=got,
        expected="a new folder, or that of an interrupted run",
        fix=fix,
        argument="folder",
    )


def _read(manifest: Path) -> dict[str, Any]:
    """Read a manifest; nothing where it is damaged."""
    try:
        facts = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
