"""`report`: everything that is known about a forecaster and its forecast, as one HTML file that opens offline."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gatecast._utils.formatting import format_count
from gatecast.errors import ConfigError, GatecastError
from gatecast.explain.gates import find_series
from gatecast.reporting.blocks import Section
from gatecast.reporting.html import page
from gatecast.reporting.sections import evaluation as scored
from gatecast.reporting.sections import network, selection
from gatecast.reporting.sections.reproducibility import reproduce_section
from gatecast.reporting.sections.series import errors, explorer_section, forecast_section, series_section, shown
from gatecast.results import Evaluation, Forecast

__all__ = ["report", "require_plotly"]


def report(
    forecaster: Any,
    path: str | os.PathLike[str],
    *,
    source: Any = None,
    futr_df: Any = None,
    id: Any = None,
    folds: Forecast | None = None,
    comparison: Any = None,
    probes: Any = None,
    tuned: Any = None,
    explanation: Any = None,
    importance: Any = None,
    title: str | None = None,
) -> Path:
    """Write one HTML file that says what was learnt, how good it is, and why; it needs no network.

    Sections for which there is nothing are left out. Of many series, those that were forecast worst and best come
    first, and a search finds any of them.

    Args:
        forecaster: A fitted `Forecaster`; None: a report on the other arguments alone.
        path: The file; ends in .html.
        source: Series to forecast, as for `predict`; None: those of `fit`.
        futr_df: Known columns at the steps ahead, as for `predict`.
        id: The series to look into; None: of several, the one forecast worst.
        folds: What `cross_validation` gave.
        comparison: What `gc.compare` gave.
        probes: What its probes gave.
        tuned: What `gc.tune` gave; its forecaster is taken if there is no other.
        explanation: What `forecaster.explain` gave; None: it is asked for one.
        importance: What `forecaster.importance` gave.
        title: Heading; the target's name and the horizon by default.

    Returns:
        The path.

    Raises:
        ConfigError: plotly is not installed, no such series, nothing to report, or a file of another kind.
        NotFittedError: `fit` comes first.
        DataError: As `predict`.
    """
    target = _checked(path)
    if forecaster is None and tuned is not None:
        forecaster = tuned.forecaster
    if forecaster is None and folds is None and comparison is None and probes is None:
        raise ConfigError("there is nothing to report", fix="Give a fitted forecaster, folds, or a comparison.")
    sections: list[Section | None] = []
    times, heading = None, "Report"
    if forecaster is not None:
        sections, times, heading = _about(forecaster, source, futr_df, id, folds, explanation, importance)
    elif folds is not None:
        sections, heading = [scored.folds_section(folds, None, id)], f"{folds.target_col}: backtest"
    if comparison is not None:
        sections.append(selection.comparison_section(comparison))
        heading = heading if forecaster is not None else "Models side by side"
    if probes is not None:
        sections.append(selection.probe_section(probes))
    if tuned is not None:
        sections.append(selection.trials_section(tuned))
    there = [section for section in (*sections, reproduce_section(forecaster)) if section is not None]
    from gatecast import __version__

    text = page(title or heading, there, _plotly(), __version__, times)
    target.write_text(text, encoding="utf-8")
    return target


def require_plotly() -> None:
    """Say how to get plotly if it is not there.

    Raises:
        ConfigError: It is not installed.
    """
    if find_spec("plotly") is None:
        raise ConfigError(
            "a report needs plotly, which is not installed", fix='Install it: pip install "gatecast[report]"'
        )


def _plotly() -> str:
    """The library that draws in the browser."""
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

    return str(get_plotlyjs())


def _checked(path: str | os.PathLike[str]) -> Path:
    """A path that can be written, with all that is needed."""
    target = Path(path)
    require_plotly()
    if target.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(
            "a report is an HTML file",
            where=str(target),
            got=repr(target.suffix) if target.suffix else "no suffix",
            expected=".html",
            fix=f"Write {target.with_suffix('.html')}.",
        )
    if not target.resolve().parent.is_dir():
        raise ConfigError("the report's folder does not exist", where=str(target), fix="Make the folder first.")
    return target


def _about(
    forecaster: Any, source: Any, futr_df: Any, id: Any, folds: Forecast | None, explanation: Any, importance: Any
) -> tuple[list[Section | None], Any, str]:
    """Sections about a forecaster, the times of its charts, and the heading."""
    predicted: Forecast = forecaster.predict(source, futr_df=futr_df)
    past = predicted.past
    panel, season = (forecaster.panel_, forecaster.season_length_) if past is None else (past.panel, past.season)
    # The test part belongs to the series that were learnt from.
    evaluation: Evaluation | None = forecaster.evaluation_ if source is None else None
    place = _place(panel, id, evaluation)
    one = shown(panel, place, season, predicted, evaluation)
    name = panel.ids[place] if panel.columns.id is not None else None
    h = len(one.ahead.times) if one.ahead is not None else forecaster.h_
    heading = f"{panel.columns.target}: {format_count(h, 'step')} ahead"
    facts = [("horizon", format_count(h, "step")), ("season", format_count(season, "step") if season > 1 else "none")]
    if len(panel) > 1:
        heading, facts = f"{heading}, {len(panel):,} series", [("series", f"{len(panel):,}"), *facts]
    verdict = "" if evaluation is None else evaluation.verdict
    sections: list[Section | None] = [scored.summary_section(verdict, forecaster.data_notes_, evaluation, facts)]
    times = None
    if len(panel) > 1:
        section, times = explorer_section(panel, season, predicted, evaluation, -1 if id is None else place)
        sections.append(section)
    else:
        sections += [forecast_section(one), series_section(one)]
    sections.append(scored.folds_section(folds, evaluation, name))
    if evaluation is not None:
        sections += [scored.skill_section(evaluation), scored.coverage_section(evaluation)]
    sections += _inside(forecaster, source, futr_df, name, one, explanation)
    if importance is not None:
        sections.append(network.importance_section(importance))
    return sections, times, heading


def _inside(forecaster: Any, source: Any, futr_df: Any, name: Any, one: Any, explanation: Any) -> list[Section | None]:
    """Sections about the networks; models without any have none."""
    sections: list[Section | None] = []
    curves = _asked(forecaster.learning_curves)
    if curves is not None:
        sections.append(network.learning_section(curves))
    gates = _asked(lambda: forecaster.gates(source, id=name, futr_df=futr_df))
    if gates is not None:
        sections.append(network.gates_section(gates.layers, one.past.times, one.past.values))
        sections.append(network.memory_section(gates.unit_memory))
    found = explanation
    if found is None:
        found = _asked(lambda: forecaster.explain(source, id=name, futr_df=futr_df))
    if found is not None:
        sections.append(network.attribution_section(found))
    return sections


def _asked(question: Callable[[], Any]) -> Any:
    """An answer, or None where a model has none: theta has no gates."""
    try:
        return question()
    except GatecastError:
        return None


def _place(panel: Any, id: Any, evaluation: Evaluation | None) -> int:
    """Position of the series to look into: the one asked for, or the one forecast worst."""
    if id is not None or len(panel) == 1:
        return find_series(panel, id) if len(panel) > 1 else 0
    mase = errors(panel, evaluation)["mase"] if evaluation is not None else np.zeros(len(panel))
    return int(np.nan_to_num(mase, nan=-np.inf).argmax())
