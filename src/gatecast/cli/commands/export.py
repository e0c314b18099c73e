"""`gatecast export`: a forecaster as an ONNX file, for other runtimes."""

from __future__ import annotations

from typing import Annotated

import typer

from gatecast.cli.input_files import check_model
from gatecast.cli.options import WHOLE, Json, Level, ModelFile, Setting, parse_option
from gatecast.cli.output import echo, print_document
from gatecast.cli.output_files import ONNX, check_outputs, write_outputs

__all__ = ["EXAMPLE", "export"]

EXAMPLE = "gatecast export sales.gatecast --out sales.onnx"

Opset = Annotated[
    str | None,
    typer.Option("--opset", metavar="N", help="Version of the operators, 17 or newer. Default: 17."),
    Setting("opset", WHOLE, "17"),
]


def export(
    file: ModelFile,
    out: Annotated[str, typer.Option(metavar="FILE", help="Write the model: NAME.onnx.")] = "model.onnx",
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="One of several models. Default: the only one.")
    ] = None,
    level: Level = None,
    state: Annotated[bool, typer.Option("--state", help="Let a pretrained network go on step by step.")] = False,
    opset: Opset = None,
    json: Json = False,
) -> None:
    """Write a forecaster from gatecast train as an ONNX file.

    Prints the name of the file. It reads raw values and gives what gatecast predict gives, in any ONNX runtime, without
    gatecast and Python.
    """
    path = check_model(file)
    levels, version = parse_option("--level", level, Level), parse_option("--opset", opset, Opset)
    targets = check_outputs([path], {ONNX: out})
    from gatecast.forecaster import Forecaster

    forecaster = Forecaster.load(path)
    options = {} if version is None else {"opset": version}
    files = write_outputs(
        targets,
        {ONNX.option: lambda draft: forecaster.to_onnx(draft, model=model, level=levels, state=state, **options)},
    )
    if json:
        print_document("export", {"file": files[0], "horizon": forecaster.h_}, forecaster.findings_)
        return
    echo(f"written: {files[0]}")
