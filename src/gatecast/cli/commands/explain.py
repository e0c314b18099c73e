"""`gatecast explain`: what a forecast rests on, how long the network remembers, what its units follow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from gatecast._utils.formatting import time_texts
from gatecast.cli.options import check_input, check_source
from gatecast.cli.output import check_report, document, format_table, progress, write_report
from gatecast.cli.output_files import MODEL_SUFFIX, TABLE_SUFFIXES, check_output
from gatecast.cli.words import CommonOptions, Future, Json, Report, shared
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.explain.forecast_attribution import Explanation
    from gatecast.forecaster import Forecaster
    from gatecast.nn.inspection.unit_memory import UnitMemory

__all__ = ["register"]

SHOWN = 10
"""Parts of a forecast that are listed, the largest first."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(shared(explain))


def explain(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Table with times and values, or a file of gatecast train.")
    ],
    words: CommonOptions,
    id: Annotated[str | None, typer.Option("--id", metavar="NAME", help="Series. Default: the first.")] = None,
    step: Annotated[str, typer.Option(metavar="N", help="Which step ahead.")] = "1",
    quantile: Annotated[str, typer.Option(metavar="Q", help="0.025, 0.1, 0.5, 0.9 or 0.975.")] = "0.5",
    method: Annotated[str, typer.Option(metavar="NAME", help="integrated, gradient or occlusion.")] = "integrated",
    future: Future = None,
    gates: Annotated[
        str | None, typer.Option(metavar="PATH", help="Write every gate at every time: .csv, .parquet or .json.")
    ] = None,
    report: Report = None,
    json: Json = False,
) -> None:
    """Say what a forecast rests on, how long the network's units remember, and what they follow."""
    source = check_source(file)
    if gates is not None:
        check_output(Path(gates), "--gates", TABLE_SUFFIXES, source)
    if report is not None:
        check_report(report, source)
    ahead = None if future is None else check_input(future, "--future")
    number, share = _number(step, "--step", int), _number(quantile, "--quantile", float)
    forecaster = _forecaster(source, words, wanted=not json)
    explanation = forecaster.explain(id=id, step=number, quantile=share, method=method, futr_df=ahead)
    found = forecaster.gates(id=explanation.id if id is not None else None, futr_df=ahead)
    if gates is not None:
        from gatecast.data.sources.writers import write

        write(found.columns(), gates)
    if report is not None:
        write_report(report, forecaster, id=id, futr_df=ahead, explanation=explanation)
    advice = forecaster.learning_curves().sentence
    if json:
        document(_told(explanation, found.unit_memory, advice) | {"files": [path for path in (gates, report) if path]})
        return
    parts = [explanation.sentence, _parts(explanation), found.unit_memory.sentence, _layers(found.unit_memory), advice]
    parts += [f"written: {path}" for path in (gates, report) if path]
    typer.echo("\n\n".join(part for part in parts if part))


def _forecaster(source: Path | str, words: CommonOptions, *, wanted: bool) -> Forecaster:
    """One from a file, or one that learns from a table."""
    from gatecast.forecaster import Forecaster

    if isinstance(source, Path) and source.suffix == MODEL_SUFFIX:
        return Forecaster.load(source)
    made = words.forecaster()
    with progress(wanted=wanted) as tell:
        return made.fit(source, progress=tell)


def _number(text: str, option: str, kind: type[int] | type[float]) -> Any:
    """A number, or a refusal."""
    try:
        return kind(text)
    except ValueError:
        expected = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{option} makes no sense", got=repr(text), expected=expected) from None


def _parts(explanation: Explanation) -> str:
    """The largest parts of a forecast as lines."""
    table = explanation.table
    order = np.argsort(-np.abs(table["attribution"]), kind="stable")[:SHOWN]
    times = time_texts(table["time"])
    rows = [
        {
            "time": times[k],
            "lag": int(table["lag"][k]),
            "what": str(table["feature"][k]),
            "value": float(table["value"][k]),
            "adds": float(table["attribution"][k]),
        }
        for k in order
    ]
    return format_table(rows) if rows else ""


def _layers(memory: UnitMemory) -> str:
    """A line for each layer."""
    names = {"layer": "layer", "units": "units", "half_life": "half-life", "longest": "longest", "dead": "dead"}
    names |= {n: f"{n[-1]} {'shut' if 'low' in n else 'open'}" for n in memory.layers if n.startswith("saturation")}
    count = len(memory.layers["layer"])
    return format_table([{shown: memory.layers[name][k] for name, shown in names.items()} for k in range(count)])


def _told(explanation: Explanation, memory: UnitMemory, advice: str) -> dict[str, Any]:
    """All of it as plain values."""
    from gatecast.cli.json_output import rows

    return {
        "id": str(explanation.id),
        "step": explanation.step,
        "quantile": explanation.quantile,
        "method": explanation.method,
        "forecast": explanation.forecast,
        "baseline": explanation.baseline,
        "gap": explanation.completeness_error,
        "sentence": explanation.sentence,
        "attributions": rows(explanation.table),
        "memory": {"sentence": memory.sentence, "layers": rows(memory.layers), "units": rows(memory.table)},
        "learning": advice,
    }
