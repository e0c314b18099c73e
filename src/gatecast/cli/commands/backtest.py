"""`gatecast backtest`: forecast from past cutoffs and score the forecasts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gatecast
from gatecast.cli.input_files import check_source, source_name
from gatecast.cli.options import (
    File,
    ForecasterOptions,
    Json,
    Language,
    NWindows,
    Out,
    Refit,
    Report,
    SafeCsv,
    StepSize,
    parse_option,
)
from gatecast.cli.output import format_findings, format_table, print_document, print_parts
from gatecast.cli.output_files import REPORT, TABLE, check_outputs, write_outputs
from gatecast.reporting.language import check_language

if TYPE_CHECKING:
    from gatecast.evaluation.forecast_scores import ForecastScore
    from gatecast.results import Forecast

__all__ = ["EXAMPLE", "backtest"]

EXAMPLE = "gatecast backtest sales.csv -n 12 --n-windows 5"


def backtest(
    file: File,
    options: ForecasterOptions,
    n_windows: NWindows = "3",
    step_size: StepSize = None,
    refit: Refit = True,
    out: Out = None,
    safe_csv: SafeCsv = False,
    report: Report = None,
    language: Language = "en",
    json: Json = False,
) -> None:
    """Forecast FILE from past cutoffs and score the forecasts.

    Prints the errors over all cutoffs and series next to those of the baselines. No forecast sees a value after its
    cutoff. --out writes the forecasts next to the actual values.
    """
    check_language(language)
    source = check_source(file)
    count, stride = parse_option("--n-windows", n_windows, NWindows), parse_option("--step-size", step_size, StepSize)
    forecaster = options.forecaster()
    targets = check_outputs([source], {TABLE: out, REPORT: report})
    from gatecast.data.sources.writers import write
    from gatecast.evaluation.forecast_scores import score_forecasts

    table = forecaster.cross_validation(source, n_windows=count, step_size=stride, refit=refit, output="dict")
    findings = forecaster.findings_
    folds = replace(_record(table), findings=tuple(findings))
    scores = score_forecasts(table, folds.target_col, tuple(forecaster.level), forecaster.point)
    files = write_outputs(
        targets,
        {
            "--out": lambda path: write(forecaster._session.with_offsets(table), path, safe_csv=safe_csv),
            "--report": lambda path: gatecast.report(
                None, path, backtest=folds, source_name=source_name(source), language=language
            ),
        },
    )
    facts = [_score_row(score) for score in scores]
    if json:
        coverage = [{f"{level:g}": percent for level, percent in score.coverage.items()} for score in scores]
        missing = [score.n_missing for score in scores]
        scored = [
            {**row, "coverage": by_level, "missing": n}
            for row, by_level, n in zip(facts, coverage, missing, strict=True)
        ]
        document = {"cutoffs": count, "scores": scored, "file": out, "report": report, "files": files}
        print_document("backtest", document, findings)
        return
    if any(score.n_missing for score in scores):
        facts = [{**row, "missing": score.n_missing} for row, score in zip(facts, scores, strict=True)]
    print_parts(format_findings(findings), format_table(facts), files=files)


def _record(table: dict[str, Any]) -> Forecast:
    """Return a table of cross-validation as a record; its columns are: id, time, cutoff, target, models."""
    from gatecast.results import Forecast

    names = list(table)
    at = names.index("cutoff")
    ids = tuple(names[: at - 1])
    id_col = ids if len(ids) > 1 else next(iter(ids), None)
    return Forecast.from_table(table, id_col, names[at - 1], names[at + 1], names[at + 2])


def _score_row(score: ForecastScore) -> dict[str, Any]:
    """Return the errors of a model as a row."""
    coverage = {f"in {level:g} %": percent for level, percent in score.coverage.items()}
    return {
        "model": score.model,
        "mae": score.mae,
        "rmse": score.rmse,
        "smape": score.smape,
        "skill": score.skill,
        **coverage,
    }
