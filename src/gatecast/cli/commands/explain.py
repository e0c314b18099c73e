"""`gatecast explain`: what a forecast rests on, how long the network remembers, what its units follow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import gatecast
from gatecast.cli.input_files import check_futr_df, check_source, require_futr_df, require_known_future, source_name
from gatecast.cli.options import (
    FRACTION,
    TEXT,
    WHOLE,
    ForecasterOptions,
    FutrDf,
    Json,
    Language,
    Report,
    SafeCsv,
    SeriesId,
    Setting,
    parse_option,
)
from gatecast.cli.output import format_findings, format_table, print_document, print_parts, progress
from gatecast.cli.output_files import GATES, MODEL_SUFFIX, REPORT, check_outputs, write_outputs
from gatecast.reporting.language import check_language

if TYPE_CHECKING:
    from gatecast.explain.forecast_attribution import Explanation
    from gatecast.forecaster import Forecaster
    from gatecast.nn.inspection.unit_memory import UnitMemory

__all__ = ["EXAMPLE", "explain"]

EXAMPLE = "gatecast explain sales.gatecast --step 12 --gates gates.csv"

MAX_ATTRIBUTIONS = 10
"""Attributions on the screen, the largest first."""

Step = Annotated[str, typer.Option(metavar="N", help="Step of the forecast, from 1."), Setting("step", WHOLE, "1")]
Quantile = Annotated[
    str,
    typer.Option(metavar="Q", help="Quantile: 0.025, 0.1, 0.5, 0.9 or 0.975."),
    Setting("quantile", FRACTION, "0.5"),
]
Method = Annotated[
    str,
    typer.Option(metavar="NAME", help="Method: integrated, gradient or occlusion."),
    Setting("method", TEXT, "integrated"),
]


def explain(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help='Table, "SELECT ...", or a file that gatecast train wrote.'),
    ],
    options: ForecasterOptions,
    id: SeriesId = None,
    step: Step = "1",
    quantile: Quantile = "0.5",
    method: Method = "integrated",
    futr_df: FutrDf = None,
    gates: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write every gate at every time: .csv, .parquet or .json.")
    ] = None,
    safe_csv: SafeCsv = False,
    report: Report = None,
    language: Language = "en",
    json: Json = False,
) -> None:
    """Explain a forecast and the memory of the network.

    Prints how much each past value and each column adds to one step of the forecast, how long the units of the network
    remember, and what they follow. Options of the training apply to a table only.
    """
    check_language(language)
    source, future = check_source(file), check_futr_df(futr_df, file)
    targets = check_outputs([source, future], {GATES: gates, REPORT: report})
    arguments = {
        "id": id,
        "step": parse_option("--step", step, Step),
        "quantile": parse_option("--quantile", quantile, Quantile),
        "method": method,
    }
    forecaster = _forecaster(source, options, future, show_progress=not json)
    explanation = forecaster.explain(futr_df=future, **arguments)
    series_gates = forecaster.gates(id=None if id is None else explanation.id, futr_df=future)
    gates_table = forecaster._session.with_offsets(series_gates.table)
    from gatecast.data.sources.writers import write

    files = write_outputs(
        targets,
        {
            "--gates": lambda path: write(gates_table, path, safe_csv=safe_csv),
            "--report": lambda path: gatecast.report(
                forecaster,
                path,
                id=id,
                futr_df=future,
                explanation=explanation,
                source_name=source_name(source),
                language=language,
            ),
        },
    )
    memory, diagnosis = series_gates.unit_memory, forecaster.learning_curves()
    if json:
        facts = _facts(explanation, memory, diagnosis.sentence) | {"files": files}
        print_document("explain", facts, explanation.findings)
        return
    print_parts(
        format_findings(explanation.findings),
        explanation.sentence,
        _largest_attributions(explanation),
        memory.sentence,
        _memory_by_layer(memory),
        diagnosis.sentence,
        files=files,
    )


def _forecaster(
    source: Path | str, options: ForecasterOptions, future: Path | str | None, *, show_progress: bool
) -> Forecaster:
    """Return a forecaster from its file, or one fitted to a table."""
    from gatecast.forecaster import Forecaster

    if isinstance(source, Path) and source.suffix == MODEL_SUFFIX:
        forecaster = Forecaster.load(source)
        require_futr_df(forecaster, future)
        return forecaster
    forecaster = options.forecaster()
    require_known_future(forecaster, source, future)
    with progress(wanted=show_progress) as callback:
        return forecaster.fit(source, progress=callback or False)


def _largest_attributions(explanation: Explanation) -> str:
    """Return a table with the largest attributions; "" without any."""
    import numpy as np

    from gatecast._utils.formatting import format_times

    table = explanation.table
    times = format_times(table["time"])
    rows = [
        {
            "time": times[k],
            "lag": int(table["lag"][k]),
            "what": str(table["feature"][k]),
            "role": str(table["role"][k]),
            "value": float(table["value"][k]),
            "adds": float(table["attribution"][k]),
        }
        for k in np.argsort(-np.abs(table["attribution"]), kind="stable")[:MAX_ATTRIBUTIONS]
    ]
    return format_table(rows) if rows else ""


def _memory_by_layer(memory: UnitMemory) -> str:
    """Return a table with a row a layer."""
    titles = {"half_life": "half-life"}
    for name in memory.layers:
        if name.startswith("saturation"):
            titles[name] = f"{name[-1]} {'shut' if 'low' in name else 'open'}"
    names = list(memory.layers)
    n_layers = len(memory.layers[names[0]])
    return format_table([{titles.get(n, n): memory.layers[n][k] for n in names} for k in range(n_layers)])


def _facts(explanation: Explanation, memory: UnitMemory, advice: str) -> dict[str, Any]:
    """Return everything as plain values."""
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
