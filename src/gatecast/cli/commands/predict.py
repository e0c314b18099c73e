"""`gatecast predict`: forecast with a forecaster from a file."""

from __future__ import annotations

from gatecast.cli.input_files import check_futr_df, check_model, check_source, require_futr_df
from gatecast.cli.options import FutrDf, Horizon, Json, Level, ModelFile, NewFile, Out, SafeCsv, parse_option
from gatecast.cli.output import print_prediction
from gatecast.cli.output_files import TABLE, check_outputs

__all__ = ["EXAMPLE", "predict"]

EXAMPLE = "gatecast predict sales.gatecast -n 24 --level 90 --out forecast.csv"


def predict(
    model: ModelFile,
    file: NewFile = None,
    horizon: Horizon = None,
    level: Level = None,
    futr_df: FutrDf = None,
    out: Out = None,
    safe_csv: SafeCsv = False,
    json: Json = False,
) -> None:
    """Forecast with a forecaster from gatecast train.

    Prints the forecast with its prediction intervals as a table. The series of FILE need not have been in the training.
    """
    path, source, future = (
        check_model(model),
        None if file is None else check_source(file),
        check_futr_df(futr_df, file),
    )
    h, levels = parse_option("--horizon", horizon, Horizon), parse_option("--level", level, Level)
    targets = check_outputs([path, source, future], {TABLE: out})
    from gatecast.forecaster import Forecaster

    forecaster = Forecaster.load(path)
    require_futr_df(forecaster, future)
    columns = forecaster.predict(source, h=h, level=levels, futr_df=future, output="dict")
    columns = forecaster._with_offsets(columns)
    print_prediction("predict", columns, targets, forecaster.findings_, json=json, safe_csv=safe_csv)
