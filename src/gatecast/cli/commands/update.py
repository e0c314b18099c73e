"""`gatecast update`: continue the training of a forecaster in a file with new rows."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from gatecast.cli.input_files import check_model, check_source
from gatecast.cli.interruption import with_checkpoint_options
from gatecast.cli.options import Json, ModelFile
from gatecast.cli.output import echo, format_findings, print_document, progress
from gatecast.cli.output_files import MODEL, OutputKind, check_outputs, write_outputs

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["EXAMPLE", "update"]

EXAMPLE = "gatecast update sales.gatecast new_sales.csv"


@with_checkpoint_options
def update(
    model: ModelFile,
    file: Annotated[str, typer.Argument(metavar="FILE", help='Table, or "SELECT ...", of new rows or series.')],
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the forecaster: NAME.gatecast. Default: MODEL itself.")
    ] = None,
    json: Json = False,
) -> None:
    """Continue the training with new rows.

    Prints how many values are new, and writes the forecaster. Values of known times replace the old ones.
    Intervals follow the new values: they widen where values fall outside too often. Weights of the models stay. The
    scores of fit are dropped: run gatecast evaluate on the new rows first to see how well they were forecast.
    """
    path, source = check_model(model), check_source(file)
    kind = OutputKind("MODEL", (path.suffix.lower(),)) if out is None else MODEL
    targets = check_outputs([source], {kind: model if out is None else out})
    from gatecast.forecaster import Forecaster

    began = perf_counter()
    forecaster = Forecaster.load(path)
    before = _size(forecaster)
    with progress(wanted=not json) as callback:
        forecaster.update(source, progress=callback or False)
    files = write_outputs(targets, {kind.option: forecaster.save})
    (n_series, n_values), seconds = _size(forecaster), round(perf_counter() - began, 3)
    new_series, new_values = n_series - before[0], n_values - before[1]
    if json:
        facts = {
            "file": files[0],
            "series": n_series,
            "rows": len(forecaster.panel_.values),
            "new_series": new_series,
            "new_rows": new_values,
            "seconds": seconds,
        }
        print_document("update", facts, forecaster.findings_)
        return
    from gatecast._utils.formatting import format_count

    echo(format_findings(forecaster.findings_, "update"))
    known = f"{format_count(n_values, 'value')} of {n_series:,} series"
    echo(f"{format_count(new_values, 'new value')}, {new_series:,} new series; now {known}")
    echo(f"written: {files[0]} ({seconds} s)")


def _size(forecaster: Forecaster) -> tuple[int, int]:
    """Return the number of series and of values that a forecaster holds."""
    panel = forecaster.panel_
    return len(panel), int(panel.mask.sum())
