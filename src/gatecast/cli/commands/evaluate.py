"""`gatecast evaluate`: score a forecaster in a file on rows that it has not seen."""

from __future__ import annotations

from typing import Annotated

import typer

from gatecast.cli.input_files import check_model, check_source
from gatecast.cli.options import WHOLE, Json, ModelFile, Out, SafeCsv, Setting, parse_option
from gatecast.cli.output import echo, format_findings, format_verdict, print_document, print_parts
from gatecast.cli.output_files import TABLE, check_outputs, write_outputs

__all__ = ["EXAMPLE", "evaluate"]

EXAMPLE = "gatecast evaluate sales.gatecast new_sales.csv"

NRows = Annotated[
    str | None,
    typer.Option(metavar="N", help="Newest rows of each series to score. Default: the new rows."),
    Setting("n_rows", WHOLE, "12"),
]


def evaluate(
    model: ModelFile,
    file: Annotated[str, typer.Argument(metavar="FILE", help='Table, or "SELECT ...", of new rows or other series.')],
    n_rows: NRows = None,
    out: Out = None,
    safe_csv: SafeCsv = False,
    json: Json = False,
) -> None:
    """Score a forecaster on new rows, without training.

    Prints the errors of the model, of its components and of the baselines, and a verdict. --out writes the forecasts
    next to the actual values.
    """
    path, source = check_model(model), check_source(file)
    count = parse_option("--n-rows", n_rows, NRows)
    targets = check_outputs([path, source], {TABLE: out})
    from gatecast.data.sources.writers import write
    from gatecast.forecaster import Forecaster

    forecaster = Forecaster.load(path)
    evaluation = forecaster.evaluate(source, n_rows=count)
    table = forecaster._session.with_offsets(evaluation.table)
    files = write_outputs(targets, {"--out": lambda draft: write(table, draft, safe_csv=safe_csv)})
    if json:
        from gatecast.cli.json_output import evaluation_facts, rows

        print_document(
            "evaluate",
            {
                "evaluation": evaluation_facts(
                    evaluation, command="evaluate", with_offsets=forecaster._session.with_offsets
                ),
                "forecast": rows(table),
                "files": files,
            },
            evaluation.findings,
        )
        return
    from gatecast.cli.terminal import print_table
    from gatecast.reporting.text_tables import score_table

    echo(format_findings(evaluation.findings, "evaluate") + "\n")
    print_table(score_table(evaluation))
    echo()
    print_parts(format_verdict(evaluation, "evaluate"), files=files)
