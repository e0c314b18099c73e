"""`gatecast predict`: forecast with a forecaster from a file."""

from __future__ import annotations

import os
from pathlib import Path

from gatecast.cli.input_files import check_futr_df, check_model, check_parquet, check_source, require_futr_df
from gatecast.cli.options import (
    Folder,
    FutrDf,
    Json,
    Level,
    ModelFile,
    ModelHorizon,
    NewFile,
    Out,
    PartitionSize,
    SafeCsv,
    parse_option,
)
from gatecast.cli.output import echo, format_findings, print_document, print_prediction
from gatecast.cli.output_files import TABLE, check_outputs
from gatecast.errors import ConfigError

__all__ = ["EXAMPLE", "predict"]

EXAMPLE = "gatecast predict sales.gatecast -n 24 --level 90 --out forecast.csv"


def predict(
    model: ModelFile,
    file: NewFile = None,
    horizon: ModelHorizon = None,
    level: Level = None,
    futr_df: FutrDf = None,
    out: Out = None,
    folder: Folder = None,
    partition_size: PartitionSize = None,
    safe_csv: SafeCsv = False,
    json: Json = False,
) -> None:
    """Forecast with a forecaster from gatecast train.

    Prints the forecast with its prediction intervals as a table. The series of FILE need not have been in the training.
    With --folder, FILE may be more than fits into memory, and MODEL the name of one that needs no training.
    """
    if folder is not None or partition_size is not None:
        _predict_into(model, file, folder, partition_size, horizon, level, futr_df, out, json=json)
        return
    path, source, future = (
        check_model(model),
        None if file is None else check_source(file),
        check_futr_df(futr_df, file),
    )
    h, levels = parse_option("--horizon", horizon, ModelHorizon), parse_option("--level", level, Level)
    targets = check_outputs([path, source, future], {TABLE: out})
    from gatecast.forecaster import Forecaster

    forecaster = Forecaster.load(path)
    require_futr_df(forecaster, future)
    columns = forecaster.predict(source, h=h, level=levels, futr_df=future, output="dict")
    columns = forecaster._session.with_offsets(columns)
    print_prediction("predict", columns, targets, forecaster.findings_, json=json, safe_csv=safe_csv)


def _predict_into(
    model: str,
    file: str | None,
    folder: str | None,
    partition_size: str | None,
    horizon: str | None,
    level: str | None,
    futr_df: str | None,
    out: str | None,
    *,
    json: bool,
) -> None:
    """Forecast Parquet files in parts."""
    source = check_parquet(file)
    h, levels = parse_option("--horizon", horizon, ModelHorizon), parse_option("--level", level, Level)
    size = parse_option("--partition-size", partition_size, PartitionSize)
    if not folder or out is not None or futr_df is not None:
        raise ConfigError(
            "--partition-size needs --folder" if not folder else "--folder takes neither --out nor --futr-df",
            fix="Write --folder forecasts." if not folder else "Leave them out.",
        )
    from gatecast.forecasting.presets import needs_training
    from gatecast.forecasting.registry import available_models

    is_name = not os.path.exists(model) and model in available_models() and not needs_training(model)
    path = None if is_name else check_model(model)
    from gatecast.forecaster import Forecaster

    forecaster = Forecaster(model=model) if path is None else Forecaster.load(path)
    settings = {} if size is None else {"partition_size": size}
    stored = forecaster.predict(source, h=h, level=levels, folder=Path(folder), **settings)
    facts = {
        "series": stored.n_series,
        "files": len(stored.files),
        "files_of_an_earlier_run": stored.n_found,
        "seconds": round(stored.seconds, 3),
    }
    if json:
        print_document("predict", {"forecast": [], "file": folder, "parts": facts}, stored.findings)
        return
    before = f", {stored.n_found:,} of them by an earlier run" if stored.n_found else ""
    echo(
        f"{format_findings(stored.findings, 'predict')}\n\n"
        f"written: {folder}, {stored.n_series:,} series in {len(stored.files):,} files{before} ({stored.seconds:.1f} s)"
    )
