"""`gatecast report`: everything about a forecaster as one HTML page."""

from __future__ import annotations

from typing import Annotated

import typer

import gatecast
from gatecast.cli.input_files import check_futr_df, check_input, check_source, require_futr_df, source_name
from gatecast.cli.options import FutrDf, Language, ModelFile, NewFile
from gatecast.cli.output import format_findings, print_parts
from gatecast.cli.output_files import PAGE, TABLE_SUFFIXES, check_outputs, write_outputs
from gatecast.errors import ConfigError
from gatecast.reporting.language import check_language

__all__ = ["EXAMPLE", "report"]

EXAMPLE = "gatecast report sales.gatecast --out sales.html"


def report(
    model: ModelFile,
    file: NewFile = None,
    out: Annotated[str, typer.Option(metavar="FILE", help="Write the page: NAME.html.")] = "report.html",
    futr_df: FutrDf = None,
    id: Annotated[
        str | None, typer.Option("--id", metavar="NAME", help="Series to explain. Default: the largest error.")
    ] = None,
    language: Language = "en",
) -> None:
    """Write an HTML page about a forecaster.

    The page shows forecast, scores, gates, memory and attributions. It opens without a network.
    """
    check_language(language)
    path = check_input(model, "MODEL")
    if path.suffix.lower() in TABLE_SUFFIXES:
        raise ConfigError(
            "Invalid MODEL",
            where=model,
            got="a table",
            expected="a file that gatecast train wrote",
            fix=f"Write gatecast forecast {model} --report {out}.",
        )
    source, future = None if file is None else check_source(file), check_futr_df(futr_df, file)
    targets = check_outputs([path, source, future], {PAGE: out})
    from gatecast.forecaster import Forecaster

    forecaster = Forecaster.load(path)
    name = source_name(path if source is None else source)
    require_futr_df(forecaster, future)
    files = write_outputs(
        targets,
        {
            "--out": lambda draft: gatecast.report(
                forecaster, draft, source=source, futr_df=future, id=id, source_name=name, language=language
            )
        },
    )
    print_parts(format_findings(forecaster.findings_, "report"), files=files)
