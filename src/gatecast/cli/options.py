"""Options of the command line. Each is declared once: flag, help, parser, and the Python argument that it sets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

import typer

from gatecast.cli.models import complete_cells, complete_models
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = [
    "OPTION_OF_ARGUMENT",
    "Cells",
    "File",
    "Folder",
    "ForecasterOptions",
    "FutrDf",
    "Horizon",
    "Json",
    "Language",
    "Level",
    "ModelFile",
    "ModelHorizon",
    "Models",
    "NWindows",
    "NewFile",
    "Out",
    "PartitionSize",
    "Plot",
    "Refit",
    "Report",
    "SafeCsv",
    "Sample",
    "Seed",
    "SeriesId",
    "Setting",
    "StepSize",
    "parse_option",
]


class ValueKind(NamedTuple):
    """A kind of option value: what it is called in a refusal, and its parser, which raises ValueError."""

    expected: str
    parse: Callable[[str], Any]


class Setting(NamedTuple):
    """What the text of an option becomes."""

    argument: str
    """Python argument or field of a config."""
    kind: ValueKind
    example: str
    """A value for the advice in a refusal."""
    config: str = ""
    """Argument of `Forecaster` that holds the config: "network", "training" or "data"; "": Forecaster itself."""


def _whole(text: str, minimum: int = 1) -> int:
    """Parse a whole number of at least `minimum`."""
    # int() alone accepts "1_000" and the digits of every script.
    if not text.strip().lstrip("+-").isascii() or "_" in text or int(text) < minimum:
        raise ValueError
    return int(text)


def _number(text: str, *, above: float = -math.inf, below: float = math.inf, include_low: bool = False) -> float:
    """Parse a finite number between two limits."""
    value = float(text)
    if not (above < value < below or (include_low and value == above)) or not math.isfinite(value):
        raise ValueError
    return value


def _levels(text: str) -> tuple[float, ...]:
    """Parse percentages, ascending; whole ones become int, so that columns are called LSTM-lo-80."""
    levels = [float(part.strip().removesuffix("%")) for part in text.split(",")]
    if not all(1 <= level < 100 for level in levels) or len(set(levels)) < len(levels):
        raise ValueError
    return tuple(int(level) if level.is_integer() else level for level in sorted(levels))


def _names(text: str) -> tuple[str, ...]:
    """Split names at commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _one_or_more_names(text: str) -> str | list[str]:
    """Parse one name, or several separated by commas."""
    names = _names(text)
    return list(names) if len(names) > 1 else text


def _countries(text: str) -> tuple[str, ...]:
    """Parse codes of countries, and refuse an unknown one before any file is read."""
    from gatecast.data.panel_holidays import check_holidays

    codes = tuple(code.upper() for code in _names(text))
    if not codes:
        raise ValueError
    check_holidays(codes)
    return codes


def _codes(text: str) -> tuple[float, ...] | bool | str:
    """Parse numbers separated by commas; auto; none, or false, as Python writes it."""
    word = text.strip().lower()
    if word in ("auto", "none", "false"):
        return word if word == "auto" else False
    return tuple(float(part) for part in text.split(","))


def _frequency(text: str) -> str:
    """Refuse an unknown frequency before any file is read; its error tells which are known."""
    from gatecast.data.frequency import parse

    parse(text)
    return text


def _point(text: str) -> str:
    """Parse what point forecasts are."""
    if text not in ("median", "mean"):
        raise ValueError
    return text


TEXT = ValueKind("a name", str)
NAMES = ValueKind("names separated by commas", _names)
POINT = ValueKind("median or mean", _point)
MODELS = ValueKind("a model", _one_or_more_names)
COUNTRIES = ValueKind("codes of countries separated by commas", _countries)
CODES = ValueKind("numbers separated by commas, none or auto", _codes)
FREQUENCY = ValueKind("a frequency", _frequency)
WHOLE = ValueKind("a whole number of at least 1", _whole)
SEED = ValueKind("a whole number of at least 0", lambda text: _whole(text, 0))
NUMBER = ValueKind("a number", _number)
POSITIVE = ValueKind("a number above 0", lambda text: _number(text, above=0))
FRACTION = ValueKind("a number from 0 to less than 1", lambda text: _number(text, above=0, below=1, include_low=True))
LEVELS = ValueKind("different percentages from 1 to less than 100, separated by commas", _levels)


def parse_option(option: str, text: str | None, declaration: Any) -> Any:
    """Return the value of an option; None stays None.

    Args:
        option: The flag, as "--horizon".
        text: What the user typed.
        declaration: One of the annotated types of this module, such as `Horizon`.

    Raises:
        ConfigError: Text that is no such value.

    >>> parse_option("--horizon", "12", Horizon)
    12
    """
    setting = _setting(declaration)
    if text is None or setting is None:
        return text
    try:
        return setting.kind.parse(text)
    except ConfigError:
        raise
    except ValueError:
        raise ConfigError(
            f"Invalid {option} {text!r}",
            expected=setting.kind.expected,
            fix=f"Write {option} {setting.example}.",
            argument=setting.argument,
        ) from None


def _setting(declaration: Any) -> Setting | None:
    """Return the setting in an annotated type."""
    return next((part for part in declaration.__metadata__ if isinstance(part, Setting)), None)


# Arguments.
File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Table: .csv, .xlsx, .parquet, .json (or .gz, .zip), 'dir/*.csv', \"SELECT ...\", - for stdin.",
    ),
]
ModelFile = Annotated[str, typer.Argument(metavar="MODEL", help="File that gatecast train wrote.")]
NewFile = Annotated[
    str | None,
    typer.Argument(metavar="[FILE]", help='Table, or "SELECT ...", to forecast. Default: the series of the training.'),
]

# Options of the forecast.
Horizon = Annotated[
    str | None,
    typer.Option(
        *("-n", "--horizon"),
        metavar="N",
        help="Steps to forecast; also -h N. Default: two seasons, at least 6 steps; a fifth of the rows at most.",
    ),
    Setting("h", WHOLE, "12"),
]
ModelHorizon = Annotated[
    str | None,
    typer.Option(
        *("-n", "--horizon"), metavar="N", help="Steps to forecast; also -h N. Default: as many as in the training."
    ),
    Setting("h", WHOLE, "12"),
]
Level = Annotated[
    str | None,
    typer.Option(metavar="P,P", help="Levels of the prediction intervals, in percent."),
    Setting("level", LEVELS, "80,95"),
]
Seed = Annotated[
    str | None,
    typer.Option(metavar="N", help="Seed of the random numbers: same seed, same result."),
    Setting("seed", SEED, "0"),
]
FutrDf = Annotated[
    str | None,
    typer.Option(metavar="FILE", help='Table or "SELECT ..." with the --futr-exog columns for the forecast steps.'),
]
SeriesId = Annotated[str | None, typer.Option("--id", metavar="NAME", help="Series. Default: the first.")]

# Options of the evaluation.
NWindows = Annotated[
    str | None,
    typer.Option(metavar="N", help="Forecast origins in the past (cutoffs)."),
    Setting("n_windows", WHOLE, "3"),
]
StepSize = Annotated[
    str | None,
    typer.Option(metavar="N", help="Steps between cutoffs. Default: the horizon."),
    Setting("step_size", WHOLE, "1"),
]
Refit = Annotated[bool, typer.Option("--refit/--no-refit", help="Train at every cutoff, or at the first alone.")]
Models = Annotated[
    str | None,
    typer.Option(
        metavar="A,B", help="Models: {models}. Default: the networks and auto.", autocompletion=complete_models
    ),
    Setting("models", NAMES, "lstm,gru"),
]
Cells = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Cells: {cells}. Default: the first five.", autocompletion=complete_cells),
    Setting("cells", NAMES, "lstm,gru"),
]

# Outputs.
Out = Annotated[str | None, typer.Option(metavar="FILE", help="Write the table: .csv, .parquet or .json.")]
Folder = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Forecast Parquet files in parts, into a folder; a run that was interrupted goes on.",
    ),
    Setting("folder", TEXT, "forecasts"),
]
PartitionSize = Annotated[
    str | None,
    typer.Option(metavar="N", help="Series of a part, with --folder. Default: 10000."),
    Setting("partition_size", WHOLE, "10000"),
]
Sample = Annotated[
    str | None,
    typer.Option(metavar="N", help="Series to learn from, drawn by a hash of their ids. Default: all, or 10000."),
    Setting("sample", WHOLE, "10000"),
]
SafeCsv = Annotated[
    bool, typer.Option("--safe-csv", help="Write names that a spreadsheet would take for formulas as text.")
]
Plot = Annotated[str | None, typer.Option(metavar="FILE", help="Write a chart: .png or .svg.")]
Report = Annotated[str | None, typer.Option(metavar="FILE", help="Write an HTML page: .html.")]
Language = Annotated[str, typer.Option(metavar="CODE", help="Language of the page: en or zh.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@dataclass(frozen=True)
class ForecasterOptions:
    """Options of every command that fits a forecaster, as text; None: the default, often inferred from the data."""

    horizon: Horizon = None
    model: Annotated[
        str,
        typer.Option(metavar="NAME", help="Model: {models}.", autocompletion=complete_models),
        Setting("model", MODELS, "lstm"),
    ] = "auto"
    level: Level = "80,95"
    point: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Point forecast: median, or mean, the expected value. Default: median."),
        Setting("point", POINT, "mean"),
    ] = None
    season_length: Annotated[
        str | None,
        typer.Option(metavar="N", help="Steps in a season; 1 for none. Default: inferred."),
        Setting("season_length", WHOLE, "12, or 1 for none"),
    ] = None
    freq: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Frequency: MS, W, D, h, 30min, ... Default: inferred."),
        Setting("freq", FREQUENCY, "MS"),
    ] = None
    time_col: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Column with the times. Default: inferred."),
        Setting("time_col", TEXT, "date"),
    ] = None
    id_col: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Columns with the names of the series, one or more. Default: inferred."),
        Setting("id_col", TEXT, "shop"),
    ] = None
    target_col: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Columns to forecast; '*' for all numbers. Default: inferred."),
        Setting("target_col", TEXT, "sales"),
    ] = None
    totals: Annotated[
        bool,
        typer.Option("--totals", help="Forecast sums too: of all series, and by each prefix of --id-col; all add up."),
        Setting("hierarchy", TEXT, ""),
    ] = False
    reconciliation: Annotated[
        str,
        typer.Option(metavar="NAME", help="How --totals are made to add up: mint, wls-struct or bottom-up."),
        Setting("reconciliation", TEXT, "mint"),
    ] = "mint"
    futr_exog: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Exogenous columns known for the forecast steps too."),
        Setting("futr_exog", NAMES, "price,holiday", "data"),
    ] = None
    hist_exog: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Exogenous columns known for the past only."),
        Setting("hist_exog", NAMES, "visitors", "data"),
    ] = None
    stat_exog: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Static columns: one value a series."),
        Setting("stat_exog", NAMES, "region", "data"),
    ] = None
    holidays: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Countries whose public holidays are known columns: DE, DE-BY, ..."),
        Setting("holidays", COUNTRIES, "DE", "data"),
    ] = None
    lower_bound: Annotated[
        str | None,
        typer.Option(metavar="X", help="Smallest possible value: no forecast is below it."),
        Setting("lower_bound", NUMBER, "0", "data"),
    ] = None
    upper_bound: Annotated[
        str | None,
        typer.Option(metavar="X", help="Largest possible value: no forecast is above it."),
        Setting("upper_bound", NUMBER, "100", "data"),
    ] = None
    integer: Annotated[
        bool,
        typer.Option("--integer", help="Values are whole numbers, and so are forecasts that are medians."),
        Setting("integer", TEXT, "", "data"),
    ] = False
    missing_codes: Annotated[
        str | None,
        typer.Option(metavar="N,N", help="Values that mean missing, or none. Default: recognized, and noted."),
        Setting("missing_codes", CODES, "-999,9999", "data"),
    ] = None
    keep_last: Annotated[
        bool,
        typer.Option("--keep-last", help="Use the newest value even if it is unlike all before."),
        Setting("keep_last", TEXT, "", "data"),
    ] = False
    keep_outliers: Annotated[
        bool,
        typer.Option("--keep-outliers", help="Use single values ten times as large as every value before."),
        Setting("keep_outliers", TEXT, "", "data"),
    ] = False
    input_size: Annotated[
        str | None,
        typer.Option(metavar="N", help="Past values that a network reads. Default: inferred."),
        Setting("input_size", WHOLE, "24", "network"),
    ] = None
    units: Annotated[
        str | None,
        typer.Option(metavar="N", help="Units of each recurrent layer. Default: inferred."),
        Setting("units", WHOLE, "32", "network"),
    ] = None
    n_layers: Annotated[
        str | None,
        typer.Option(metavar="N", help="Recurrent layers. Default: inferred."),
        Setting("n_layers", WHOLE, "2", "network"),
    ] = None
    dropout: Annotated[
        str | None,
        typer.Option(metavar="X", help="Fraction of inputs dropped in training. Default: 0."),
        Setting("dropout", FRACTION, "0.2", "network"),
    ] = None
    n_members: Annotated[
        str | None,
        typer.Option(metavar="N", help="Networks whose median is the forecast. Default: inferred."),
        Setting("n_members", WHOLE, "5", "training"),
    ] = None
    max_steps: Annotated[
        str | None,
        typer.Option(metavar="N", help="Updates of each network. Default: inferred."),
        Setting("max_steps", WHOLE, "200", "training"),
    ] = None
    batch_size: Annotated[
        str | None,
        typer.Option(metavar="N", help="Series in an update. Default: inferred."),
        Setting("batch_size", WHOLE, "64", "training"),
    ] = None
    learning_rate: Annotated[
        str | None,
        typer.Option(metavar="X", help="Largest learning rate. Default: inferred."),
        Setting("learning_rate", POSITIVE, "0.003", "training"),
    ] = None
    finetune: Annotated[
        bool,
        typer.Option("--finetune", help="Train the pretrained network further on the series, if that helps."),
        Setting("finetune", TEXT, "", "training"),
    ] = False
    seed: Seed = "0"

    def values(self) -> dict[str, Any]:
        """Return the parsed value of every option, by its name here.

        Raises:
            ConfigError: Text that is no value of its option.
        """
        return {
            name: parse_option(flag_of(name), text, declaration) if isinstance(text, str) else text
            for name, declaration in declarations().items()
            for text in (getattr(self, name),)
        }

    def settings(self) -> dict[str, Any]:
        """Return the arguments of `Forecaster`; absent options are left to its defaults.

        Raises:
            ConfigError: As `values`; options that contradict each other.
        """
        from gatecast.config import DataConfig, NetworkConfig, TrainingConfig

        groups: dict[str, dict[str, Any]] = {"": {}, "network": {}, "training": {}, "data": {}}
        values = self.values()
        for name, declaration in declarations().items():
            setting = _setting(declaration)
            if setting is not None and values[name] is not None:
                groups[setting.config][setting.argument] = values[name]
        return groups[""] | {
            "network": NetworkConfig(**groups["network"]),
            "training": TrainingConfig(**groups["training"]),
            "data": DataConfig(**groups["data"]),
        }

    def forecaster(self) -> Forecaster:
        """Return an unfitted forecaster.

        Raises:
            ConfigError: As `settings`.
        """
        from gatecast.forecaster import Forecaster

        return Forecaster(**self.settings())


@cache
def declarations() -> Mapping[str, Any]:
    """Return the annotated type of every field of `ForecasterOptions`."""
    hints = get_type_hints(ForecasterOptions, include_extras=True)
    return {field.name: hints[field.name] for field in fields(ForecasterOptions)}


def flag_of(name: str) -> str:
    """Return the flag of a parameter.

    >>> flag_of("season_length")
    '--season-length'
    """
    return f"--{name.replace('_', '-')}"


OPTION_OF_ARGUMENT: Mapping[str, str] = {
    "h": "--horizon",
    "hierarchy": "--totals",
    "opset": "--opset",
    "state": "--state",
    "source": "FILE",
    **{
        name: flag_of(name)
        for name in (
            *("model", "models", "cells", "tasks", "level", "point", "season_length", "freq", "seed"),
            *("time_col", "id_col", "target_col", "futr_exog", "hist_exog", "stat_exog", "futr_df", "language"),
            *(
                "lower_bound",
                "upper_bound",
                "integer",
                "missing_codes",
                "keep_last",
                "keep_outliers",
                "holidays",
                "input_size",
                "units",
                "n_layers",
                "dropout",
            ),
            *("n_members", "max_steps", "batch_size", "learning_rate", "finetune"),
            *("n_windows", "step_size", "n_trials", "n_paths", "n_rows", "n_seeds", "timeout", "study", "checkpoint"),
            *("folder", "partition_size", "sample"),
            *("id", "step", "quantile", "method", "reconciliation"),
        )
    },
}
"""What the command line calls the arguments that errors name."""
