"""The options that most commands share: one record of what was written, and the forecaster that it asks for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from gatecast.cli.options import parse_levels, parse_names, parse_whole
from gatecast.config import DataConfig

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["CommonOptions", "File", "Future", "Horizon", "Json", "Level", "Out", "Report", "shared"]

File = Annotated[str, typer.Argument(metavar="FILE", help="Table with times and values: .csv, .parquet, .json.")]
Horizon = Annotated[str | None, typer.Option("-h", "--horizon", metavar="N", help="Steps. Default: two seasons.")]
Level = Annotated[str | None, typer.Option(metavar="P,P", help="Levels of the intervals in percent: 80,95.")]
Future = Annotated[str | None, typer.Option(metavar="PATH", help="The known columns at the steps ahead.")]
Out = Annotated[str | None, typer.Option(metavar="PATH", help="Write the table: .csv, .parquet or .json.")]
Report = Annotated[str | None, typer.Option(metavar="PATH", help="Write a page about all of it: .html.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@dataclass(frozen=True)
class CommonOptions:
    """What was written, as it was written; None: to be worked out."""

    horizon: Horizon = None
    model: Annotated[
        str, typer.Option(metavar="NAME", help="auto, lstm, gru, rnn, lstm-peephole, slstm or es-lstm.")
    ] = "auto"
    time_col: Annotated[str | None, typer.Option(metavar="NAME", help="Column with the times.")] = None
    id_col: Annotated[str | None, typer.Option(metavar="NAME", help="Column that names the series.")] = None
    target_col: Annotated[str | None, typer.Option(metavar="NAME", help="Column to forecast.")] = None
    known: Annotated[str | None, typer.Option(metavar="A,B", help="Columns known for the steps ahead too.")] = None
    historic: Annotated[str | None, typer.Option(metavar="A,B", help="Columns known for the past alone.")] = None
    static: Annotated[str | None, typer.Option(metavar="A,B", help="Columns of one value a series.")] = None
    freq: Annotated[str | None, typer.Option(metavar="NAME", help="MS, W, D, h, 30min, ... Default: found out.")] = None
    season: Annotated[str | None, typer.Option(metavar="N", help="Rows in a season. Default: found out.")] = None
    level: Level = None
    seed: Annotated[str, typer.Option(metavar="N", help="Of the random numbers: same seed, same forecast.")] = "0"

    def settings(self) -> dict[str, Any]:
        """Arguments of a `Forecaster`.

        Raises:
            ConfigError: An option that makes no sense.
        """
        return {
            "h": parse_whole(self.horizon, "--horizon", least=1, fix="Write -h 12 for twelve steps ahead."),
            "season_length": parse_whole(self.season, "--season", least=1, fix="Write --season 12, or 1 for none."),
            "seed": parse_whole(self.seed, "--seed", least=0, fix="Write --seed 0.") or 0,
            "level": parse_levels(self.level or "80,95"),
            "data": DataConfig(parse_names(self.known), parse_names(self.historic), parse_names(self.static)),
            "model": self.model,
            "freq": self.freq,
            "time_col": self.time_col,
            "id_col": self.id_col,
            "target_col": self.target_col,
        }

    def forecaster(self) -> Forecaster:
        """One that has learnt nothing yet.

        Raises:
            ConfigError: An option that makes no sense.
        """
        from gatecast.forecaster import Forecaster

        return Forecaster(**self.settings())


def shared(command: Callable[..., None], without: Collection[str] = ()) -> Callable[..., None]:
    """A command with the options of `Words` in place of its parameter `words`.

    Args:
        command: Has a parameter `words`.
        without: Options that it does not have.
    """
    hints, own = get_type_hints(command, include_extras=True), inspect.signature(command).parameters
    kinds, taken = (
        get_type_hints(CommonOptions, include_extras=True),
        [one for one in fields(CommonOptions) if one.name not in without],
    )

    @wraps(command)
    def run(**given: Any) -> None:
        """The command, given one record."""
        words = CommonOptions(**{field.name: given.pop(field.name) for field in taken})
        command(**given, words=words)

    told: list[inspect.Parameter] = []
    for name, one in own.items():
        if name == "words":
            told += [
                one.replace(name=field.name, annotation=kinds[field.name], default=field.default) for field in taken
            ]
        else:
            told.append(one.replace(annotation=hints[name]))
    keyword = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in told]
    run.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in keyword}
    return run
