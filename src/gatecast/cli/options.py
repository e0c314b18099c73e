"""Words of the command line, checked and turned into the settings of a forecast; nothing is read yet."""

from __future__ import annotations

import difflib
import math
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatecast.cli.output_files import PLOT_SUFFIXES, REPORT_SUFFIXES, TABLE_SUFFIXES, check_output
from gatecast.config import DataConfig
from gatecast.errors import ConfigError

__all__ = [
    "Options",
    "check_input",
    "check_plot",
    "check_source",
    "parse_levels",
    "parse_names",
    "parse_options",
    "parse_whole",
]


@dataclass(frozen=True)
class Options:
    """What the user asked for; None where it is to be worked out from the data."""

    file: Path | str
    model: str = "auto"
    data: DataConfig = field(default_factory=DataConfig)
    future: Path | None = None
    horizon: int | None = None
    time_col: str | None = None
    id_col: str | None = None
    target_col: str | None = None
    freq: str | None = None
    season: int | None = None
    levels: tuple[float, ...] = (80, 95)
    out: Path | None = None
    plot: Path | None = None
    report: Path | None = None
    json: bool = False
    seed: int = 0
    quiet: bool = False

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files to be written."""
        return tuple(path for path in (self.out, self.plot, self.report) if path is not None)


def parse_options(
    file: str,
    settings: Mapping[str, Any],
    *,
    future: str | None,
    out: str | None,
    plot: str | None,
    report: str | None,
    json: bool,
    quiet: bool,
) -> Options:
    """Check every option, so that no work is begun that cannot be finished.

    Args:
        file: The table to read.
        settings: Of the forecaster, as `Words.settings` gives them.
        future: File with the known columns after the end.
        out: Where the forecast goes.
        plot: Where the chart goes.
        report: Where the page goes.
        json: A JSON document instead of the report.
        quiet: No report.

    Raises:
        ConfigError: An option that makes no sense, or a file that cannot be read or written.
    """
    own = dict(settings)
    if own["freq"] is not None:
        from gatecast.data.frequency import parse

        parse(own["freq"])
    if own["data"].known and future is None:
        raise ConfigError(
            "--known needs --future",
            got=", ".join(map(str, own["data"].known)),
            expected="a file with these columns at the steps ahead",
            fix="Write --future ahead.csv.",
        )
    options = Options(
        file=check_source(file),
        future=None if future is None else check_input(future, "--future"),
        horizon=own.pop("h"),
        levels=own.pop("level"),
        out=None if out is None else _named(out, "--out"),
        plot=None if plot is None else _named(plot, "--plot"),
        report=None if report is None else _named(report, "--report"),
        json=json,
        quiet=quiet,
        **own,
    )
    if options.out is not None:
        check_output(options.out, "--out", TABLE_SUFFIXES, options.file)
    if options.plot is not None:
        check_plot(options.plot, options.file)
    if options.report is not None:
        check_output(options.report, "--report", REPORT_SUFFIXES, options.file)
    return options


def check_plot(path: Path, source: Path | str) -> None:
    """Refuse a chart that could not be written; a page is a report.

    Raises:
        ConfigError: As `outputs.check_output`.
    """
    if path.suffix.lower() in REPORT_SUFFIXES:
        raise ConfigError(
            "--plot draws a picture",
            where=str(path),
            got=repr(path.suffix),
            expected=" or ".join(PLOT_SUFFIXES),
            fix=f"Write --report {path} for a page.",
        )
    check_output(path, "--plot", PLOT_SUFFIXES, source)


def parse_whole(text: str | None, option: str, *, least: int, fix: str) -> int | None:
    """A whole number that is not below `least`; None stays None.

    Raises:
        ConfigError: Anything else.

    >>> parse_whole("12", "--horizon", least=1, fix="")
    12
    """
    if text is None:
        return None
    try:
        # int() alone would take "1_000" and the digits of every script.
        number = int(text) if text.strip().lstrip("+-").isascii() and "_" not in text else None
    except ValueError:
        number = None
    if number is None or number < least:
        expected = f"a whole number of at least {least}"
        raise ConfigError(f"{option} makes no sense", got=repr(text), expected=expected, fix=fix)
    return number


def parse_levels(text: str) -> tuple[float, ...]:
    """Levels in percent, ascending; whole ones as int, so that columns are called LSTM-lo-80.

    Raises:
        ConfigError: Not numbers between 1 and 100, or one of them twice.

    >>> parse_levels("95, 80")
    (80, 95)
    """
    expected = "percentages from 1 up to, not including, 100, separated by commas"
    fix = "Write --level 80,95."
    levels = []
    for part in text.split(","):
        try:
            level = float(part.strip().removesuffix("%"))
        except ValueError:
            level = math.nan
        # 0.8 is in the interval (0, 100), but whoever writes it means 80 %.
        if not 1 <= level < 100:
            raise ConfigError("--level makes no sense", got=repr(part.strip()), expected=expected, fix=fix)
        levels.append(int(level) if level.is_integer() else level)
    twice = sorted({f"{level:g}" for level in levels if levels.count(level) > 1})
    if twice:
        raise ConfigError("--level names a level twice", got=", ".join(twice), expected="each once", fix=fix)
    return tuple(sorted(levels))


def parse_names(text: str | None) -> tuple[str, ...]:
    """Names of columns, separated by commas.

    >>> parse_names("price, promotion")
    ('price', 'promotion')
    """
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def check_source(text: str) -> Path | str:
    """A file that is there; a pattern, a query or a table of a database is left to whoever reads it.

    Raises:
        ConfigError: As `check_input`.
    """
    from gatecast.data.reader import is_text_source

    return text if is_text_source(text) else check_input(text)


def check_input(file: str, option: str = "FILE") -> Path:
    """The path of a file that is there.

    Raises:
        ConfigError: No such file, a directory, or a device, which might never end.
    """
    path = _named(file, option)
    if path.is_dir():
        fix = "Name a file in it, for example a .csv or .parquet file."
        raise ConfigError(f"{option} is a directory", where=file, expected="a file with a table", fix=fix)
    if not path.exists():
        names = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, names, n=1)
        meant = f"Did you mean {str(path.parent / near[0])!r}?" if near else ""
        fix = meant or f"Check the spelling; the current folder is {str(Path.cwd())!r}."
        raise ConfigError("there is no such file", where=file, expected="a file with a table", fix=fix)
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise ConfigError(f"{option} is not a regular file", where=file, expected="a file with a table, or a pipe")
    return path


def _named(text: str, option: str) -> Path:
    """A path; the empty text would be the current folder."""
    if not text:
        raise ConfigError(f"{option} is empty", expected="the name of a file")
    return Path(text)
