"""What is computed for a request, in the thread of forecasts or in a worker: from a form and a table to a result.

Results are objects that JSON can hold; tables in them are columns.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatecast._utils.formatting import finite_or_none
from gatecast.config import TrainingConfig
from gatecast.data.reader import add_offsets
from gatecast.errors import ConfigError
from gatecast.evaluation.forecast_scores import score_forecasts
from gatecast.forecaster import Forecaster
from gatecast.forecasting.presets import needs_training
from gatecast.forecasting.pretrained.choice import has_high_frequency
from gatecast.forecasting.registry import available_models
from gatecast.pipeline.prepare_together import Request
from gatecast.pipeline.progress import Progress
from gatecast.pipeline.together import Prepared, forecast_together, prepare
from gatecast.results import Evaluation
from gatecast.server import schemas
from gatecast.server.problems import ProblemError, choices
from gatecast.server.settings import Settings
from gatecast.server.tables import check_columns, to_lists

__all__ = [
    "MAX_STREAM_ROWS",
    "answer_of",
    "backtest",
    "check_answer",
    "check_horizon",
    "check_steps",
    "checked",
    "columns_of",
    "describe_model",
    "explain",
    "forecast",
    "forecast_with",
    "has_to_be_measured",
    "is_measured",
    "prepare_forecast",
    "report",
    "request_of",
    "require_source",
    "start_forecaster",
    "train",
]

Result = dict[str, Any]

MAX_STREAM_ROWS = 5000
"""Rows of the forecast of a stream, at most: each step makes it anew, and it waits for its values in memory."""


def untrained_forecaster(form: schemas.Forecast | schemas.StreamStart, settings: Settings) -> Forecaster:
    """Return a forecaster of a model that needs no training.

    Raises:
        ConfigError: Another model, or invalid settings.
        ProblemError: A horizon beyond the limit.
    """
    check_horizon(form.h, settings)
    forecaster = Forecaster(**columns_of(form), h=form.h, model=form.model, season_length=form.season_length)
    if needs_training(form.model):
        untrained = [name for name in available_models() if not needs_training(name)]
        raise ConfigError(
            f"The model {form.model!r} has to be trained first",
            where="model",
            expected=choices(untrained),
            fix="Train it with POST /v1/models, or leave model out.",
        )
    return forecaster


def columns_of(form: Any) -> Result:
    """Return the arguments of `Forecaster` that all forms of tables share.

    Args:
        form: The form.
    """
    names = ("id_col", "time_col", "target_col", "freq", "futr_exog", "hist_exog", "stat_exog")
    return {name: getattr(form, name) for name in names} | {"level": _numbers(form.level)}


def _numbers(levels: list[float] | None) -> tuple[float, ...] | None:
    """Return levels; an empty list asks for no intervals."""
    if levels is None:
        return None
    return tuple(levels) or None


def check_horizon(h: int | None, settings: Settings) -> None:
    """Refuse more steps than the limit.

    Raises:
        ProblemError: Too many.
    """
    if h is not None and h > settings.max_horizon:
        raise ProblemError(
            413,
            "too-large",
            "Too many steps",
            where="h",
            got=f"{h:,}",
            expected=f"at most {settings.max_horizon:,}",
            fix="Ask for fewer steps, or start the server with a larger --max-horizon.",
        )


def check_steps(h: int | None, limit: int) -> None:
    """Refuse more steps of a measured forecast than the thread of forecasts has time for.

    Raises:
        ProblemError: Too many.
    """
    if h is not None and h > limit:
        raise ProblemError(
            413,
            "too-large",
            "Too many steps to measure the errors of",
            where="h",
            got=h,
            expected=f"at most {limit} with measured intervals",
            fix='Ask for fewer steps, for "intervals": "model", or train the model with POST /v1/models.',
        )


def check_answer(n_series: int, h: int, limit: int) -> None:
    """Refuse a forecast with more rows than the limit.

    Raises:
        ProblemError: Too many.
    """
    if n_series * h > limit:
        raise ProblemError(
            413,
            "too-large",
            "The forecast has too many rows",
            where="h",
            got=f"{n_series:,} series of {h:,} steps",
            expected=f"at most {limit:,} rows",
            fix="Ask for fewer steps, or send the series in several requests.",
        )


def is_measured(form: schemas.Forecast) -> bool:
    """Return whether intervals are moved by past errors: asked for, or needed as the model does not know its own."""
    return form.intervals == "measured" or form.model not in ("pretrained", "pretrained-lf")


def has_to_be_measured(form: schemas.Forecast, prepared: Prepared) -> bool:
    """Return whether past errors have to move the intervals: the caller left it open, and the network's are too narrow.

    Those of days, hours and minutes are: alone, 80 % intervals of hourly series held 76 %.
    """
    return form.intervals == "auto" and has_high_frequency(prepared.state.ensemble.task)


def request_of(form: schemas.Forecast, source: Any, settings: Settings) -> Request:
    """Return what is to be prepared, with the settings of a form."""
    forecaster = untrained_forecaster(form, settings)
    require_source(source)
    futr_df = None if form.futr_df is None else check_columns(form.futr_df, settings, "futr_df")
    return Request(source, forecaster.config, futr_df)


def prepare_forecast(form: schemas.Forecast, source: Any, settings: Settings) -> Prepared:
    """Prepare a forecast whose pass it may share with others."""
    return checked(prepare(*request_of(form, source, settings)), settings)


def checked(prepared: Prepared, settings: Settings) -> Prepared:
    """Return a forecast that was prepared; refuse one with more rows than the limit."""
    check_answer(len(prepared.state.panel), prepared.state.horizon, settings.max_rows)
    return prepared


def require_source(source: Any) -> None:
    """Refuse a request without series.

    Args:
        source: The table of the request, None without one.

    Raises:
        ProblemError: There is none.
    """
    if source is None:
        raise ProblemError(
            422,
            "schema",
            "The request has no series",
            where="series",
            fix='Send {"series": {"ds": [...], "y": [...]}}.',
        )


def answer_of(prepared: Prepared, columns: Any) -> Result:
    """Return the answer with a forecast that was prepared."""
    panel, name = prepared.state.panel, prepared.state.calibrator.name
    table = to_lists(add_offsets(columns, panel))
    return {"model": name, "intervals": "model", "forecast": table, "findings": list(prepared.state.notes)}


def forecast(form: schemas.Forecast, source: Any, settings: Settings) -> Result:
    """Forecast alone, with intervals from past errors where they are asked for, as `Forecaster.predict` does."""
    if not is_measured(form):
        prepared = prepare_forecast(form, source, settings)
        if not has_to_be_measured(form, prepared):
            (table,) = forecast_together([prepared])
            if isinstance(table, Exception):
                raise table
            return answer_of(prepared, table)
    forecaster = untrained_forecaster(form, settings)
    require_source(source)
    futr_df = None if form.futr_df is None else check_columns(form.futr_df, settings, "futr_df")
    forecaster.fit(source)
    check_answer(len(forecaster.panel_), forecaster.h_, settings.max_rows)
    columns = forecaster._session.with_offsets(forecaster.predict(futr_df=futr_df, output="dict"))
    answer = {"model": forecaster.model_name_, "intervals": "measured", "forecast": to_lists(columns)}
    return answer | {"findings": forecaster.findings_, "evaluation": _scores(forecaster.evaluation_)}


def _scores(evaluation: Evaluation | None) -> Result | None:
    """Return an evaluation."""
    if evaluation is None:
        return None
    scores = [
        {"model": score.model, "mae": finite_or_none(score.mae), "rmse": finite_or_none(score.rmse)}
        for score in evaluation.scores
    ]
    return {"verdict": evaluation.verdict, "scores": scores}


def train(
    form: schemas.Train, source: Any, settings: Settings, path: Path, progress: Callable[[Progress], None]
) -> Result:
    """Train a model and write it to a file.

    Returns:
        What `describe_model` says of it.
    """
    check_horizon(form.h, settings)
    require_source(source)
    given: Result = {"max_steps": form.max_steps, "n_members": form.n_members}
    training = TrainingConfig(**{name: value for name, value in given.items() if value is not None})
    forecaster = Forecaster(
        **columns_of(form),
        h=form.h,
        model=form.model,
        season_length=form.season_length,
        point=form.point,
        seed=form.seed,
        training=training,
    )
    forecaster.fit(source, finetune=form.finetune, progress=progress)
    forecaster.save(path)
    return describe_model(forecaster)


def describe_model(forecaster: Forecaster) -> Result:
    """Return what a stored model is."""
    panel = forecaster.panel_
    return {
        "h": forecaster.h_,
        "model": forecaster.model_name_,
        "weights": {name: round(weight, 4) for name, weight in forecaster.model_weights_.items()},
        "season_length": forecaster.season_length_,
        "freq": str(panel.freq),
        "n_series": len(panel),
        "n_values": len(panel.values),
        "columns": {"id": panel.columns.id, "time": panel.columns.time, "target": panel.columns.target},
        "level": list(forecaster.level),
        "seconds": round(forecaster.fit_seconds_, 3),
        "evaluation": _scores(forecaster.evaluation_),
        "findings": forecaster.data_notes_,
    }


def forecast_with(forecaster: Forecaster, form: schemas.ModelForecast, source: Any, settings: Settings) -> Result:
    """Forecast with a stored model."""
    check_horizon(form.h, settings)
    futr_df = None if form.futr_df is None else check_columns(form.futr_df, settings, "futr_df")
    panel = forecaster.panel_ if source is None else forecaster._session.read(source, like=forecaster.panel_)[0]
    check_answer(len(panel), form.h or forecaster.h_, settings.max_rows)
    columns = forecaster.predict(source, h=form.h, level=_numbers(form.level), futr_df=futr_df, output="dict")
    columns = forecaster._session.with_offsets(columns)
    return {"model": forecaster.model_name_, "forecast": to_lists(columns), "findings": forecaster.findings_}


def start_forecaster(form: schemas.StreamStart, source: Any, settings: Settings) -> Forecaster:
    """Return the forecaster that a stream of an untrained model begins with, fitted to its past."""
    forecaster = untrained_forecaster(form, settings)
    require_source(source)
    forecaster.fit(source, evaluate=False)
    check_answer(len(forecaster.panel_), forecaster.h_, MAX_STREAM_ROWS)
    return forecaster


def series_of(forecaster: Forecaster, source: Any) -> Any:
    """Return the series of a request, or those of the training as a table."""
    return forecaster.panel_.to_columns() if source is None else source


def backtest(forecaster: Forecaster, form: schemas.Backtest, source: Any) -> Result:
    """Score forecasts from past cutoffs, by models of the settings of a stored one that are trained anew."""
    fresh = Forecaster(**forecaster.get_params())
    if fresh.h is None:
        fresh.set_params(h=forecaster.h_)
    panel = forecaster.panel_
    if source is None:
        ids = panel.columns.ids
        columns = {"time_col": panel.columns.time, "target_col": panel.columns.target}
        fresh.set_params(**columns, id_col=list(ids) if ids else None, freq=str(panel.freq))
    table = fresh.cross_validation(
        series_of(forecaster, source),
        n_windows=form.n_windows,
        step_size=form.step_size,
        refit=form.refit,
        output="dict",
        progress=False,
    )
    names = list(table)
    target = names[names.index("cutoff") + 1]
    scores = score_forecasts(table, target, tuple(fresh.level), fresh.point)
    rows = [
        {
            "model": score.model,
            **{name: finite_or_none(getattr(score, name)) for name in ("mae", "rmse", "smape", "skill")},
            "coverage": {f"{level:g}": finite_or_none(percent) for level, percent in score.coverage.items()},
        }
        for score in scores
    ]
    return {"n_windows": form.n_windows, "scores": rows, "forecasts": to_lists(table), "findings": fresh.findings_}


def explain(forecaster: Forecaster, form: schemas.Explain, source: Any, settings: Settings) -> Result:
    """Say how much each past value adds to one number of a forecast."""
    futr_df = None if form.futr_df is None else check_columns(form.futr_df, settings, "futr_df")
    explanation = forecaster.explain(
        source, id=form.id, step=form.step, quantile=form.quantile, method=form.method, futr_df=futr_df
    )
    table = explanation.table
    columns = {str(name): table[name] for name in table}
    return {
        "forecast": finite_or_none(explanation.forecast),
        "baseline": finite_or_none(explanation.baseline),
        "sentence": explanation.sentence,
        "attributions": to_lists(columns),
        "findings": list(explanation.findings),
    }


def report(forecaster: Forecaster, form: schemas.Report, source: Any, settings: Settings, path: Path) -> Result:
    """Write the HTML page about a stored model."""
    from gatecast.reporting.html_report import report as write_report

    futr_df = None if form.futr_df is None else check_columns(form.futr_df, settings, "futr_df")
    write_report(forecaster, path, source=source, futr_df=futr_df, id=form.id, language=form.language)
    return {"page": path.name}
