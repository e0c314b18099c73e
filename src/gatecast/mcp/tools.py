"""What the tools compute, in a process of their own: from checked arguments to an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.formatting import format_count
from gatecast.data.reader import add_offsets
from gatecast.data.sources.trust import trusting
from gatecast.data.sources.writers import write
from gatecast.errors import ConfigError
from gatecast.evaluation.forecast_scores import score_forecasts
from gatecast.forecaster import Forecaster
from gatecast.forecasting.presets import needs_training
from gatecast.mcp import forms
from gatecast.mcp.answers import Answer, left_out, rows_of, text_of, text_table
from gatecast.mcp.folder import Folder
from gatecast.mcp.settings import Settings
from gatecast.pipeline.inspection import inspect_table as inspect
from gatecast.pipeline.progress import Progress
from gatecast.pipeline.together import forecast_together, prepare
from gatecast.results import resolve_series_id, row_ids

__all__ = ["Work", "backtest", "compare", "explain", "forecast", "inspect_table", "report"]

TABLES = (".csv", ".parquet", ".json")
MAX_ATTRIBUTIONS = 10
"""Attributions in an answer, the largest ones."""


class Work(NamedTuple):
    """What a tool may use.

    Args:
        settings: Limits.
        folder: Files.
        progress: Is called with how far the work is.
    """

    settings: Settings
    folder: Folder
    progress: Callable[[Progress], None]


@contextmanager
def _series(form: forms.Table, work: Work) -> Iterator[Any]:
    """Provide the table of a call: nothing of it is SQL that reaches files.

    Raises:
        ConfigError: A file that is not in the folder.
    """
    with trusting(False):
        yield form.table if form.file is None else work.folder.source(form.file, "file", work.settings.max_file)


def _forecaster(form: Any, work: Work, model: str) -> Forecaster:
    """Return a forecaster of the settings of a call.

    Raises:
        ConfigError: Invalid settings, or too many steps.
    """
    if form.h is not None and form.h > work.settings.max_horizon:
        raise _too_many("steps", "h", form.h, work.settings.max_horizon, "Ask for fewer steps")
    names = ("id_col", "time_col", "target_col", "freq", "season_length", "futr_exog", "hist_exog", "stat_exog")
    settings = {name: getattr(form, name) for name in names}
    for name in ("id_col", "target_col"):
        settings[name] = settings[name][0] if settings[name] and len(settings[name]) == 1 else settings[name]
    return Forecaster(form.h, model=model, level=tuple(getattr(form, "level", [80, 95])) or None, **settings)


def _too_many(what: str, where: str, got: int, limit: int, advice: str) -> ConfigError:
    """Return the error about more than a limit."""
    option = {"steps": "--max-horizon", "rows": "--max-rows"}[what]
    return ConfigError(
        f"Too many {what}",
        where=where,
        got=f"{got:,}",
        expected=f"at most {limit:,}",
        fix=f"{advice}, or start gatecast mcp with a larger {option}.",
    )


def _check_rows(forecaster: Forecaster, source: Any, work: Work) -> None:
    """Refuse a table, and a forecast, of more rows than the limit, before anything is fitted.

    Raises:
        ConfigError: Too many rows.
    """
    panel, limit = forecaster._session.read(source)[0], work.settings.max_rows
    n_rows = len(panel.values)
    if n_rows > limit:
        raise _too_many("rows", "file", n_rows, limit, "Use a file with fewer series or a shorter past")
    if len(panel) * (forecaster.h or 1) > limit:
        raise _too_many("rows", "h", len(panel) * (forecaster.h or 1), limit, "Ask for fewer steps")


def _future(form: Any, work: Work) -> Path | str | None:
    """Return the file of future columns.

    Raises:
        ConfigError: As `Folder.source`.
    """
    return None if form.futr_df is None else work.folder.source(form.futr_df, "futr_df", work.settings.max_file)


def _target(form: Any, work: Work) -> Path | None:
    """Return the file that the whole result is written to, before anything is computed.

    Raises:
        ConfigError: As `Folder.target`.
    """
    return None if form.out is None else work.folder.target(form.out, "out", TABLES)


def _write(table: Any, path: Path | None, work: Work) -> str | None:
    """Write a table; names that a spreadsheet would take for formulas are written as text."""
    if path is None:
        return None
    write(table, path, safe_csv=True)
    return work.folder.name(path)


def inspect_table(form: forms.InspectTable, work: Work) -> Answer:
    """Say what a table is understood to be."""
    target = _target(form, work)
    with _series(form, work) as source:
        forecaster = _forecaster(form, work, "pretrained")
        _check_rows(forecaster, source, work)
        seen = inspect(source, forecaster.config)
    columns = {
        name: column for name, column in seen.series.items() if name != "id" or seen.n_series > 1 or seen.id_cols
    }
    file, series = _write(columns, target, work), rows_of(columns)
    counts = [
        f"{n:,} series {word}." for n, word in ((seen.n_constant, "do not vary"), (seen.n_empty, "have no value")) if n
    ]
    problem = f"A forecast would be refused: {seen.problem}" if seen.problem else ""
    text = text_of(
        " ".join([seen.summary, *counts]),
        problem,
        text_table(series),
        left_out(seen.n_series, len(series), "series", file, "series.csv"),
        notes=seen.notes[1:],
    )
    facts = {
        "time_col": seen.time_col,
        "target_col": seen.target_col,
        "id_cols": list(seen.id_cols),
        "exogenous": seen.exogenous,
        "freq": seen.freq,
        "season_length": seen.season_length,
        "horizon": seen.horizon,
        "scored": seen.is_scored,
        "n_series": seen.n_series,
        "n_rows": int(seen.series["rows"].sum()),
        "n_missing": int(seen.series["missing"].sum()),
        "n_constant": seen.n_constant,
        "n_empty": seen.n_empty,
        "series": series,
        "problem": seen.problem or None,
        "notes": list(seen.notes),
        "file": file,
    }
    return Answer(text, facts)


def forecast(form: forms.Forecast, work: Work) -> Answer:
    """Forecast the steps after the end of each series."""
    target = _target(form, work)
    with _series(form, work) as source:
        forecaster, future = _forecaster(form, work, form.model), _future(form, work)
        _check_rows(forecaster, source, work)
        if form.score or needs_training(form.model):
            forecaster.fit(source, progress=work.progress)
            table, state = forecaster.predict(futr_df=future, output="dict"), forecaster.state_
        else:
            prepared = prepare(source, forecaster.config, future)
            (result,) = forecast_together([prepared])
            if isinstance(result, Exception):
                raise result
            table, state = result, prepared.state
    if state is None:
        raise AssertionError("a forecast without a state")
    panel, name, notes = state.panel, state.calibrator.name, list(state.notes)
    table = {**add_offsets(table, panel)}
    file = _write(table, target, work)
    shown = _rows_of_series(table, panel.columns.id, form.id)
    evaluation = state.evaluation
    scores = [] if evaluation is None else _scores(evaluation.scores, ("mae", "rmse", "mase", "skill"))
    n_rows, times = len(table[panel.columns.time]), rows_of({"time": table[panel.columns.time][[0, -1]]})
    text = text_of(
        f"{name} forecasts {format_count(state.horizon, 'step')}, {panel.freq.label}, of {len(panel):,} series, from "
        f"{times[0]['time']} to {times[1]['time']}. {'' if evaluation is None else evaluation.verdict}".strip(),
        text_table(scores),
        text_table(shown),
        left_out(n_rows, len(shown), "row", file, "forecast.csv"),
        notes=notes[1:],
    )
    facts = {
        "model": name,
        "h": state.horizon,
        "freq": str(panel.freq),
        "n_series": len(panel),
        "n_rows": n_rows,
        "forecast": shown,
        "verdict": None if evaluation is None else evaluation.verdict,
        "scores": scores,
        "notes": notes,
        "file": file,
    }
    return Answer(text, facts)


def _rows_of_series(table: Any, id_col: Any, id: str | None) -> list[dict[str, Any]]:
    """Return the first rows of a forecast, of one series if it is named.

    Raises:
        ConfigError: No such series.
    """
    if id is None:
        return rows_of(table)
    ids = row_ids(table, id_col)
    chosen = ids == resolve_series_id(ids, id)
    return rows_of({name: np.asarray(column)[chosen] for name, column in table.items()})


def _scores(scores: Sequence[Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return errors as rows, with the percentage of the values inside the interval of each level."""
    levels = sorted({level for score in scores for level in score.coverage})
    columns: dict[str, Any] = {"model": np.array([score.model for score in scores])}
    columns |= {name: np.array([getattr(score, name) for score in scores], float) for name in names}
    columns |= {f"in_{p:g}": np.array([x.coverage.get(p, np.nan) for x in scores]) for p in levels}
    return rows_of(columns)


def backtest(form: forms.Backtest, work: Work) -> Answer:
    """Score forecasts from past cutoffs."""
    target = _target(form, work)
    with _series(form, work) as source:
        forecaster = _forecaster(form, work, form.model)
        _check_rows(forecaster, source, work)
        table = forecaster.cross_validation(
            source, n_windows=form.n_windows, refit=form.refit, output="dict", progress=work.progress
        )
    names, notes = list(table), forecaster.findings_
    at = names.index("cutoff")
    measured = score_forecasts(table, names[at + 1], tuple(forecaster.level or ()), forecaster.point)
    scores = _scores(measured, ("mae", "rmse", "smape", "skill"))
    file = _write(forecaster._session.with_offsets(table), target, work)
    n_rows = len(table[names[at]])
    # All steps of the first series at the first cutoff.
    first = [np.asarray(table[name]) == np.asarray(table[name])[0] for name in (*names[: at - 1], "cutoff")]
    h = int(np.logical_and.reduce(first).sum())
    text = text_of(
        f"{measured[0].model} at {format_count(form.n_windows, 'cutoff')}, {format_count(h, 'step')} ahead, next to "
        "the simple forecasts. skill is the percentage of the error of the seasonal naive forecast that is saved (of "
        "the naive one without a season); in_80 is the percentage of the values inside the 80 % interval.",
        text_table(scores),
        left_out(n_rows, 0, "row", file, "backtest.csv"),
        notes=notes[1:],
    )
    facts = {
        "model": measured[0].model,
        "n_windows": form.n_windows,
        "h": h,
        "scores": scores,
        "notes": notes,
        "file": file,
    }
    return Answer(text, facts)


def compare(form: forms.Compare, work: Work) -> Answer:
    """Compare models at the same past cutoffs."""
    from gatecast.selection.compare import compare as compare_models

    target = _target(form, work)
    with _series(form, work) as source:
        forecaster = _forecaster(form, work, "naive")
        _check_rows(forecaster, source, work)
        settings = {name: value for name, value in forecaster.get_params().items() if name not in ("h", "model")}
        compared = compare_models(
            source, form.h, models=form.models, n_windows=form.n_windows, progress=work.progress, **settings
        )
    names = ("model", "mae", "rmse", "mase", "skill", "p_value", "p_best", "coverage_80", "coverage_95", "seconds")
    scores = rows_of({name: compared.scores[name] for name in names if name in compared.scores})
    file, n_rows = _write(compared.fold_scores, target, work), len(compared.fold_scores["mae"])
    text = text_of(
        f"{compared.recommendation} {compared.size_note}".strip(),
        text_table(scores),
        left_out(n_rows, 0, "row", file, "errors.csv"),
        notes=compared.findings[1:],
    )
    facts = {
        "best": compared.best,
        "recommendation": compared.recommendation,
        "h": compared.h,
        "n_windows": form.n_windows,
        "season_length": compared.season_length,
        "scores": scores,
        "notes": list(compared.findings),
        "file": file,
    }
    return Answer(text, facts)


def explain(form: forms.Explain, work: Work) -> Answer:
    """Say what adds to one number of a forecast."""
    target = _target(form, work)
    with _series(form, work) as source:
        forecaster, future = _forecaster(form, work, form.model), _future(form, work)
        _check_rows(forecaster, source, work)
        forecaster.fit(source, evaluate=False, progress=work.progress)
        explained = forecaster.explain(
            id=form.id, step=form.step, quantile=form.quantile, method=form.method, futr_df=future
        )
    table, notes = dict(explained.table), list(explained.findings)
    file = _write(table, target, work)
    largest = np.argsort(-np.abs(table["attribution"]), kind="stable")[:MAX_ATTRIBUTIONS]
    names = {"time": "time", "lag": "lag", "feature": "what", "value": "value", "attribution": "adds"}
    shown = rows_of({title: np.asarray(table[name])[largest] for name, title in names.items()})
    n_rows = len(table["attribution"])
    text = text_of(
        explained.sentence,
        text_table(shown),
        left_out(n_rows, len(shown), "attribution", file, "attributions.csv"),
        notes=notes[1:],
    )
    facts = {
        "id": str(explained.id),
        "step": explained.step,
        "time": str(rows_of({"time": np.array([explained.time])})[0]["time"]),
        "quantile": explained.quantile,
        "forecast": float(explained.forecast),
        "baseline": float(explained.baseline),
        "sentence": explained.sentence,
        "attributions": shown,
        "notes": notes,
        "file": file,
    }
    return Answer(text, facts)


def report(form: forms.Report, work: Work) -> Answer:
    """Write an HTML page about a forecast."""
    from gatecast.reporting.html_report import report as write_report

    folder = work.folder
    path = folder.root / folder.free(folder.root / "report.html")
    path = path if form.out is None else folder.target(form.out, "out", (".html",))
    with _series(form, work) as source:
        forecaster, future = _forecaster(form, work, form.model), _future(form, work)
        _check_rows(forecaster, source, work)
        forecaster.fit(source, progress=work.progress)
        write_report(forecaster, path, futr_df=future, id=form.id)
    evaluation, n_series, n_bytes = forecaster.evaluation_, len(forecaster.panel_), path.stat().st_size
    verdict = None if evaluation is None else evaluation.verdict
    name, notes = folder.name(path), forecaster.findings_
    text = text_of(
        f"The page {name} ({n_bytes / 1e6:.1f} MB) is in the folder: {forecaster.model_name_}, "
        f"{format_count(forecaster.h_, 'step')} of {n_series:,} series. {verdict or ''}".strip(),
        notes=notes[1:],
    )
    facts = {
        "model": forecaster.model_name_,
        "h": forecaster.h_,
        "n_series": n_series,
        "n_bytes": n_bytes,
        "verdict": verdict,
        "notes": notes,
        "file": name,
    }
    return Answer(text, facts)
