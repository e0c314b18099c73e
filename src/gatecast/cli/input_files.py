"""Checks of the files that a command reads; nothing is read yet."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gatecast.cli.models import available_models
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = [
    "check_futr_df",
    "check_input",
    "check_model",
    "check_parquet",
    "check_source",
    "named_path",
    "require_futr_df",
    "require_futr_df_for",
    "require_known_future",
]


def check_source(text: str, option: str = "FILE") -> Path | str:
    """Return the path of an existing file; leave a pattern, a query, a part of a file or "-" as text.

    Raises:
        ConfigError: As `check_input`, also for the file of a part; standard input that is a terminal.
    """
    from gatecast.data.reader import is_text_source
    from gatecast.data.sources.patterns import is_pattern, split_selection
    from gatecast.data.sources.sql import is_query
    from gatecast.data.sources.stdin import STDIN, check_stdin

    if not is_text_source(text):
        return check_input(text, option)
    if text == STDIN:
        check_stdin()
    elif not is_query(text) and not is_pattern(text):
        check_input(split_selection(text)[0], option)
    return text


def check_parquet(text: str | None, option: str = "FILE") -> Path | str:
    """Return a Parquet file, a folder of them or a pattern.

    Raises:
        ConfigError: Nothing, another source, or files that do not exist.
    """
    from gatecast.data.sources.parquet_series import find_parquet, is_parquet

    if text is None or not is_parquet(text):
        raise ConfigError(
            f"Invalid {option}" if text else f"Missing {option}",
            where=text or "",
            got="no Parquet file" if text else "",
            expected="a Parquet file, a folder of them or a pattern: what is forecast in parts",
            fix="Write gatecast predict MODEL series.parquet --folder forecasts.",
        )
    if not os.path.isdir(text):
        return check_source(text, option)
    find_parquet(text)
    return Path(text)


def source_name(source: Path | str) -> str | None:
    """Return the name of the file that a source is, without its folder; None for queries, patterns and streams."""
    return os.path.basename(source) if os.path.isfile(source) else None


def check_futr_df(text: str | None, file: str | None = None) -> Path | str | None:
    """Return the source of future values of exogenous columns, as `check_source`; None stays None.

    Args:
        text: What the user typed.
        file: What the user typed for the series. Standard input holds one table, not two.

    Raises:
        ConfigError: As `check_source`; standard input for both.
    """
    from gatecast.data.sources.stdin import STDIN

    if text is None:
        return None
    if text == file == STDIN:
        raise ConfigError(
            "Invalid --futr-df",
            got="standard input, as FILE",
            expected="one table on standard input",
            fix="Write --futr-df future.csv.",
        )
    return check_source(text, "--futr-df")


def check_model(text: str) -> Path:
    """Return the path of a file that may hold a forecaster; a table is sent to the command that takes one.

    Raises:
        ConfigError: As `check_input`, a table, and the name of a model.
    """
    if not os.path.exists(text) and text in available_models():
        raise ConfigError(
            "Invalid MODEL",
            where=text,
            got="the name of a model",
            expected="a file that gatecast train wrote",
            fix=f"Write gatecast forecast FILE --model {text}, "
            f"or gatecast train FILE --model {text} --out {text}.gatecast.",
        )
    path = check_input(text, "MODEL")
    if path.suffix.lower() in (".csv", ".tsv", ".parquet", ".json"):
        raise ConfigError(
            "Invalid MODEL",
            where=text,
            got="a table",
            expected="a file that gatecast train wrote",
            fix=f"Write gatecast train {text} --out {path.with_suffix('.gatecast')}.",
        )
    return path


def require_futr_df(forecaster: Forecaster, futr_df: Path | str | None) -> None:
    """Refuse a forecast without the future values that a fitted forecaster needs.

    Raises:
        ConfigError: The forecaster has future exogenous columns, and there is no file.
    """
    if forecaster.panel_.given_futr_exog and futr_df is None and not forecaster.panel_.known_future:
        raise _missing_futr_df(forecaster.panel_.given_futr_exog)


def require_known_future(forecaster: Forecaster, source: Path | str, futr_df: Path | str | None) -> None:
    """Refuse future exogenous columns whose future values are neither in a file nor in the source, before training.

    Raises:
        ConfigError: There are such columns, no file, and no row of the source after the last value of the target.
    """
    columns = forecaster.config.data.futr_exog
    if columns and futr_df is None and not forecaster._session.knows_future(source):
        raise _missing_futr_df(columns)


def require_futr_df_for(futr_exog: Sequence[str] | str, futr_df: Path | str | None) -> None:
    """Refuse future exogenous columns without their future values, before anything is trained.

    Raises:
        ConfigError: There are such columns, and there is no file.
    """
    if futr_exog and futr_df is None:
        raise _missing_futr_df((futr_exog,) if isinstance(futr_exog, str) else futr_exog)


def _missing_futr_df(columns: Iterable[str]) -> ConfigError:
    """Return the refusal."""
    return ConfigError(
        "Missing --futr-df",
        expected=f"a table with {', '.join(map(repr, columns))} for the forecast steps",
        fix="Write --futr-df future.csv.",
        argument="futr_df",
    )


def check_input(file: str, option: str = "FILE") -> Path:
    """Return the path of an existing file.

    Raises:
        ConfigError: No such file, a directory, or a device, which might never end.
    """
    path, expected = named_path(file, option), "the name of a file"
    if os.path.isdir(path):
        fix = "Name a file in it, for example a .csv or .parquet file."
        raise ConfigError(f"Invalid {option}", where=file, got="a directory", expected=expected, fix=fix)
    if not os.path.exists(path):
        siblings = [other.name for other in path.parent.iterdir()] if os.path.isdir(path.parent) else []
        close = difflib.get_close_matches(path.name, siblings, n=1)
        suggestion = f"Did you mean {str(path.parent / close[0])!r}?" if close else ""
        fix = suggestion or f"Check the spelling; the current folder is {str(Path.cwd())!r}."
        raise ConfigError(f"{option} not found", where=file, fix=fix)
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise ConfigError(f"Invalid {option}", where=file, got="a device", expected="a regular file or a pipe")
    return path


def named_path(text: str, option: str) -> Path:
    """Return a path; refuse the empty text, which would be the current folder.

    Raises:
        ConfigError: Empty text.
    """
    if not text:
        raise ConfigError(f"Invalid {option}", got="an empty name", expected="the name of a file")
    return Path(text)
