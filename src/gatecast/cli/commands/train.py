"""`gatecast train`: fit a forecaster and keep it in a file."""

from __future__ import annotations

import os
from time import perf_counter
from typing import Annotated

import typer

from gatecast.cli.input_files import check_parquet, check_source
from gatecast.cli.options import File, ForecasterOptions, Json, Sample, parse_option
from gatecast.cli.output import echo, format_findings, format_verdict, print_document, progress
from gatecast.cli.output_files import MODEL, check_outputs, write_outputs

__all__ = ["EXAMPLE", "train"]

EXAMPLE = "gatecast train sales.csv --out sales.gatecast"


def train(
    file: File,
    options: ForecasterOptions,
    out: Annotated[str, typer.Option(metavar="FILE", help="Write the forecaster: NAME.gatecast.")],
    sample: Sample = None,
    json: Json = False,
) -> None:
    """Fit a forecaster to FILE and keep it in a file.

    Prints what was inferred from the data and the score on held-out rows. Continue with gatecast predict, simulate,
    evaluate, update, explain or report.
    """
    source = check_parquet(file) if os.path.isdir(file) else check_source(file)
    n_series = parse_option("--sample", sample, Sample)
    forecaster = options.forecaster()
    targets = check_outputs([source], {MODEL: out})
    began = perf_counter()
    with progress(wanted=not json) as callback:
        forecaster.fit(source, progress=callback or False, sample=n_series)
    write_outputs(targets, {"--out": forecaster.save})
    seconds = round(perf_counter() - began, 3)
    from gatecast.cli.forecast_view import training_advice

    evaluation, advice = forecaster.evaluation_, training_advice(forecaster)
    verdict = None if evaluation is None else format_verdict(evaluation)
    if json:
        facts = {
            "file": out,
            "series": len(forecaster.panel_),
            "horizon": forecaster.h_,
            "season": forecaster.season_length_,
            "weights": forecaster.model_weights_,
            "verdict": verdict,
            "learning": advice,
            "seconds": seconds,
        }
        print_document("train", facts, forecaster.findings_)
        return
    lines = (format_findings(forecaster.findings_), verdict, advice, f"written: {out} ({seconds} s)")
    echo("\n".join(line for line in lines if line))
