"""`gatecast simulate`: sample paths of the future from a forecaster in a file."""

from __future__ import annotations

from typing import Annotated

import typer

from gatecast.cli.input_files import check_futr_df, check_model, check_source, require_futr_df
from gatecast.cli.options import (
    WHOLE,
    FutrDf,
    Json,
    ModelFile,
    ModelHorizon,
    NewFile,
    Out,
    SafeCsv,
    Seed,
    Setting,
    parse_option,
)
from gatecast.cli.output import print_prediction
from gatecast.cli.output_files import TABLE, check_outputs

__all__ = ["EXAMPLE", "simulate"]

EXAMPLE = "gatecast simulate sales.gatecast --n-paths 1000 --out paths.parquet"

NPaths = Annotated[
    str, typer.Option(metavar="N", help="Sample paths of each series."), Setting("n_paths", WHOLE, "100")
]


def simulate(
    model: ModelFile,
    file: NewFile = None,
    n_paths: NPaths = "100",
    horizon: ModelHorizon = None,
    futr_df: FutrDf = None,
    seed: Seed = None,
    out: Out = None,
    safe_csv: SafeCsv = False,
    json: Json = False,
) -> None:
    """Sample possible futures of the series.

    Prints a table with a row for each series, path and step. A sum or a maximum over the steps of a path is a sample of
    that sum or maximum; intervals of single steps do not give these.
    """
    path, source, future = (
        check_model(model),
        None if file is None else check_source(file),
        check_futr_df(futr_df, file),
    )
    count, h = parse_option("--n-paths", n_paths, NPaths), parse_option("--horizon", horizon, ModelHorizon)
    number = parse_option("--seed", seed, Seed)
    targets = check_outputs([path, source, future], {TABLE: out})
    from gatecast.forecaster import Forecaster

    forecaster = Forecaster.load(path)
    require_futr_df(forecaster, future)
    columns = forecaster.simulate(count, source, h=h, futr_df=future, seed=number, output="dict")
    columns = forecaster._session.with_offsets(columns)
    print_prediction("simulate", columns, targets, forecaster.findings_, json=json, safe_csv=safe_csv)
