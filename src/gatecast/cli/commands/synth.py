"""`gatecast synth`: synthetic series for pretraining and for experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatecast.cli.options import WHOLE, Json, Out, Seed, Setting, ValueKind, parse_option
from gatecast.cli.output import echo, print_document, print_table, written_lines
from gatecast.cli.output_files import TABLE, check_outputs, write_outputs

if TYPE_CHECKING:
    from gatecast.data.synth import Kind, SynthBatch

__all__ = ["EXAMPLE", "synth"]

EXAMPLE = "gatecast synth --kind lf --count 10000 --out synthetic.parquet"

LENGTHS = {"lf": 160, "hf": 1280}
"""Values of a series, where the user does not choose."""


def _kind(text: str) -> str:
    """Parse a kind of series."""
    if text not in LENGTHS:
        raise ValueError
    return text


KindName = Annotated[
    str,
    typer.Option("--kind", metavar="NAME", help="lf: yearly to weekly series; hf: daily series to minutes."),
    Setting("kind", ValueKind("lf or hf", _kind), "lf"),
]
Count = Annotated[str, typer.Option(metavar="N", help="Number of series."), Setting("count", WHOLE, "1000")]
Length = Annotated[
    str | None,
    typer.Option(metavar="N", help="Values of each series. Default: 160 for lf, 1280 for hf."),
    Setting("length", WHOLE, "160"),
]
Season = Annotated[
    str | None,
    typer.Option("--season-length", metavar="N", help="Steps in a season; 1 for none. Default: a mix."),
    Setting("season", WHOLE, "12"),
]


def synth(
    kind: KindName = "lf",
    count: Count = "1000",
    length: Length = None,
    season_length: Season = None,
    seed: Seed = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Make synthetic series of many kinds of random processes.

    Prints a table with a row for each series and step: unique_id, ds (from 1), y, season_length and family. --out
    writes it to a file. The seed is 0 without --seed.
    """
    name: Any = parse_option("--kind", kind, KindName)
    n_series = parse_option("--count", count, Count)
    n_values = parse_option("--length", length, Length) or LENGTHS[name]
    season = parse_option("--season-length", season_length, Season)
    number = parse_option("--seed", seed, Seed) or 0
    targets = check_outputs([], {TABLE: out})
    from gatecast.data.sources.writers import write
    from gatecast.data.synth import draw

    batch = draw(name, n_series, n_values, number, season=season)
    columns = _table(name, batch)
    files = write_outputs(targets, {"--out": lambda path: write(columns, path)})
    if json:
        print_document("synth", {"kind": name, "seed": number, "families": _families(name, batch), "files": files})
    elif files:
        echo(written_lines(files))
    else:
        print_table(columns)


def _table(kind: Kind, batch: SynthBatch) -> dict[str, Any]:
    """A row for each series and step."""
    import numpy as np

    from gatecast.data.synth import FAMILIES

    n_series, n_values = batch.values.shape
    return {
        "unique_id": np.repeat(np.arange(1, n_series + 1), n_values),
        "ds": np.tile(np.arange(1, n_values + 1), n_series),
        "y": batch.values.ravel().astype(np.float64),
        "season_length": np.repeat(batch.season, n_values),
        "family": np.repeat(np.array(FAMILIES[kind])[batch.family], n_values),
    }


def _families(kind: Kind, batch: SynthBatch) -> list[dict[str, Any]]:
    """Group, name, source and number of series of each family."""
    import numpy as np

    from gatecast.data.synth import families

    members = families(kind)
    counts = np.bincount(batch.family, minlength=len(members)).tolist()
    return [
        {"group": family.group, "family": family.name, "series": n, "source": family.source}
        for family, n in zip(members, counts, strict=True)
    ]
