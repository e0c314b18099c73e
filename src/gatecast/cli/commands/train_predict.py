"""`gatecast train`, `predict` and `backtest`: a forecaster kept in a file, and forecasts from past cutoffs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from gatecast.cli.forecast_view import warning
from gatecast.cli.options import check_input, check_source, parse_levels, parse_whole
from gatecast.cli.output import check_report, document, format_table, progress, write_report, written
from gatecast.cli.output_files import MODEL_SUFFIX, TABLE_SUFFIXES, check_output
from gatecast.cli.words import CommonOptions, File, Future, Horizon, Json, Level, Out, Report, shared
from gatecast.pipeline.data_checks import BASELINES, MODELS

__all__ = ["register"]

SHOWN = 12
"""Rows of a table that are shown."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(shared(train))
    app.command()(predict)
    app.command()(shared(backtest))


def train(
    file: File,
    words: CommonOptions,
    out: Annotated[str, typer.Option(metavar="PATH", help="Where the forecaster goes: NAME.gatecast.")],
    json: Json = False,
) -> None:
    """Learn from the series in FILE and keep the forecaster in a file."""
    path = check_source(file)
    check_output(Path(out), "--out", (MODEL_SUFFIX,), path)
    began = perf_counter()
    forecaster = words.forecaster()
    with progress(wanted=not json) as report:
        forecaster.fit(path, progress=report)
    forecaster.save(out)
    evaluation = forecaster.evaluation_
    verdict = None if evaluation is None else evaluation.verdict
    learning = warning(forecaster)
    told = {
        "file": out,
        "series": len(forecaster.panel_),
        "horizon": forecaster.h_,
        "season": forecaster.season_length_,
        "weights": forecaster.model_weights_,
        "verdict": verdict,
        "learning": learning,
        "findings": forecaster.data_notes_,
        "seconds": round(perf_counter() - began, 3),
    }
    if json:
        document(told)
        return
    for line in (*forecaster.data_notes_, verdict or "", learning or "", f"written: {out} ({told['seconds']} s)"):
        if line:
            typer.echo(line)


def predict(
    forecaster: Annotated[str, typer.Argument(metavar="FORECASTER", help="File written by gatecast train.")],
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Series to go on from. Default: those learnt.")
    ] = None,
    horizon: Horizon = None,
    level: Level = None,
    future: Future = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Forecast with a forecaster from a file."""
    from gatecast.forecaster import Forecaster

    kept = check_input(forecaster)
    source = None if file is None else check_source(file)
    ahead = None if future is None else check_input(future, "--future")
    if out is not None:
        check_output(Path(out), "--out", TABLE_SUFFIXES, kept)
    h = parse_whole(horizon, "--horizon", least=1, fix="Write -h 12 for twelve steps ahead.")
    levels = None if level is None else parse_levels(level)
    _table(Forecaster.load(kept).predict(source, h=h, level=levels, futr_df=ahead).columns, out, json=json)


def backtest(
    file: File,
    words: CommonOptions,
    windows: Annotated[str, typer.Option(metavar="N", help="Cutoffs.")] = "3",
    step: Annotated[str | None, typer.Option(metavar="N", help="Steps between cutoffs. Default: the horizon.")] = None,
    refit: Annotated[bool, typer.Option(help="Learn anew at every cutoff.")] = True,
    out: Out = None,
    report: Report = None,
    json: Json = False,
) -> None:
    """Forecast FILE from past cutoffs, each from nothing that came later, and score it beside seasonal naive."""
    path = check_source(file)
    if out is not None:
        check_output(Path(out), "--out", TABLE_SUFFIXES, path)
    if report is not None:
        check_report(report, path)
    count = parse_whole(windows, "--windows", least=1, fix="Write --windows 3.") or 1
    stride = parse_whole(step, "--step", least=1, fix="Write --step 1.")
    forecaster = words.forecaster()
    folds = forecaster.cross_validation(path, n_windows=count, step_size=stride, refit=refit)
    scores = _scores(folds.columns, folds.target_col, folds.model, folds.levels)
    if out is not None:
        _write(folds.columns, out)
    if report is not None:
        write_report(report, None, backtest=folds)
    if json:
        document({"cutoffs": count, "scores": scores, "file": out, "report": report})
        return
    typer.echo(format_table(scores))
    for path in filter(None, (out, report)):
        typer.echo(f"written: {path}")


def _scores(table: Mapping[str, Any], target: str, model: str, levels: tuple[float, ...]) -> list[dict[str, Any]]:
    """Errors of every model over all cutoffs and series, the skill beside the first baseline, and coverage."""
    from gatecast import metrics

    y = table[target]
    names = [name for name in (model, *MODELS, *BASELINES) if name in table]
    baseline = metrics.mae(y, table["SeasonalNaive" if "SeasonalNaive" in table else "Naive"])
    scores = []
    for name in dict.fromkeys(names):
        error = metrics.mae(y, table[name])
        one = {
            "model": name,
            "mae": error,
            "rmse": metrics.rmse(y, table[name]),
            "smape": metrics.smape(y, table[name]),
        }
        one["skill"] = metrics.skill(error, baseline)
        for level in levels:
            bounds = [f"{name}-{side}-{level:g}" for side in ("lo", "hi")]
            known = bounds[0] in table
            inside = metrics.coverage(y, table[bounds[0]], table[bounds[1]]) if known else float("nan")
            one[f"in {level:g} %"] = inside
        scores.append(one)
    return scores


def _table(columns: Mapping[str, Any], out: str | None, *, json: bool) -> None:
    """A table to a file, to a document, or its first rows to the screen."""
    from gatecast.cli.json_output import rows

    if out is not None:
        _write(columns, out)
    if json:
        document({"forecast": rows(columns), "file": out})
        return
    shown = rows({name: column[:SHOWN] for name, column in columns.items()})
    for row in shown if out is None else ():
        typer.echo("  ".join(written(cell) for cell in row.values()))
    left = len(next(iter(columns.values()))) - len(shown)
    if out is not None:
        typer.echo(f"written: {out}")
    elif left > 0:
        typer.echo(f"... {left:,} more rows, --out writes all")


def _write(columns: Mapping[str, Any], out: str) -> None:
    """A table to a file, whole or not at all."""
    from gatecast.data.sources.writers import write

    write(columns, out)
