"""Section about the errors of the test part: bias, errors by step, by group and by size, series without skill."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gatecast._utils.formatting import format_or_dash, number_formatter
from gatecast.evaluation.breakdown import SeriesErrors, errors_by_series
from gatecast.evaluation.error_groups import RowErrors, group_errors, row_errors, series_groups, thirds
from gatecast.forecasting.scaling import to_matrix
from gatecast.plotting.charts import BASELINES
from gatecast.plotting.spec import Chart, Line, Mark, Points
from gatecast.reporting.blocks import Block, Figure, Paragraph, Section, Table
from gatecast.reporting.language import Raw
from gatecast.reporting.sections.series import PanelData
from gatecast.reporting.text_tables import TextTable
from gatecast.results import Evaluation

__all__ = ["errors_section"]

MAX_LISTED = 60
"""Series without skill in the table: the worst."""

MAX_OPEN = 12
"""Rows of a table that is open."""

SMALL_BIAS = 0.05
"""Percent below which forecasts are neither too high nor too low."""

SIZES = ("small", "medium", "large")


def errors_section(data: PanelData, evaluation: Evaluation) -> Section | None:
    """Build the section; None if no error is known."""
    rows = row_errors(data.panel, evaluation)
    if not np.isfinite(rows.error).any():
        return None
    several = len(data.panel) > 1
    blocks: list[Block] = [Paragraph(_bias_text(rows, evaluation))]
    if not several:
        blocks.append(Figure(_residual_chart(rows, evaluation), "Above zero the forecast was too high.", 260))
    if evaluation.horizon > 1:
        blocks.append(Figure(_step_chart(rows, evaluation, several=several), height=260))
    if several:
        blocks += _group_tables(data, rows)
        blocks += _without_skill(data, evaluation)
    else:
        note = "thirds of the actual values of the test part"
        blocks.append(_size_table(rows, thirds(rows.actual), f"Errors by size: {note}", "values"))
    return Section("errors", "Errors", tuple(blocks))


def _bias_text(rows: RowErrors, evaluation: Evaluation) -> str:
    """Say how one-sided the errors are."""
    overall = group_errors(rows, np.zeros(len(rows.error), int), 1)
    bias = float(overall.bias[0])
    model = evaluation.scores[0].model
    if not np.isfinite(bias):
        return f"The actual values of the test part are zero: the bias of the {model} has no percentage."
    if abs(bias) < SMALL_BIAS:
        return f"On the test part the sum of the forecasts of the {model} equals that of the actual values."
    side = "more" if bias > 0 else "less"
    return f"On the test part the forecasts of the {model} add up to {abs(bias):.1f} % {side} than the actual values."


def _residual_chart(rows: RowErrors, evaluation: Evaluation) -> Chart:
    """Chart the errors of a single series over time."""
    times = evaluation.series().times
    known = np.isfinite(rows.error)
    zero = Line(times[[0, -1]], np.zeros(2), "", "faint", 1.0, dashed=True)
    points = Points(times[known], rows.error[known], "", "model")
    return Chart(
        "Errors on the test part: forecast less actual value",
        (zero, points),
        description=(
            f"Errors on the test part: {int((rows.error[known] > 0).sum()):,} too high, "
            f"{int((rows.error[known] < 0).sum()):,} too low, from {rows.error[known].min():.4g} to "
            f"{rows.error[known].max():.4g}."
        ),
    )


def _step_chart(rows: RowErrors, evaluation: Evaluation, *, several: bool) -> Chart:
    """Chart the mean absolute error of model and baseline by step ahead; of several series, in their units."""
    h, model, baseline = evaluation.horizon, evaluation.scores[0].model, evaluation.series().baseline()
    errors = group_errors(rows, rows.step, h)
    simple = group_errors(rows._replace(error=rows.baseline), rows.step, h)
    scaled = several and np.isfinite(errors.mase).any()
    values, others = (errors.mase, simple.mase) if scaled else (errors.mae, simple.mae)
    steps = np.arange(1, h + 1)
    marks: list[Mark] = [Line(steps, values, model, "model", 1.8, markers=True)]
    if baseline and np.isfinite(others).any():
        marks.insert(0, Line(steps, others, BASELINES[baseline], "naive", 1.2, dashed=True, markers=True))
    title = "Error by step ahead"
    return Chart(title, tuple(marks), x_label="steps ahead", y_labels=("MASE" if scaled else "MAE",))


def _size_table(rows: RowErrors, group: np.ndarray, caption: str, noun: str) -> Table:
    """Return errors by size as a table."""
    counts = np.bincount(group[(group >= 0) & np.isfinite(rows.error)], minlength=3)
    return Table(_table("size", SIZES, counts, noun, rows, group), caption)


def _group_tables(data: PanelData, rows: RowErrors) -> list[Block]:
    """Return errors of series by group and by size as tables."""
    tables: list[Block] = []
    for name, (labels, group) in series_groups(data.panel).items():
        counts = np.bincount(group[group >= 0], minlength=len(labels))
        texts = _table(Raw(name), [Raw(label) for label in labels], counts, "series", rows, group[rows.series])
        tables.append(Table(texts, f"Errors by {name}", collapsed=len(labels) > MAX_OPEN))
    values = np.abs(to_matrix(data.panel))
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        level = np.where(known, values, 0.0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
    group = thirds(level)
    counts = np.bincount(group[group >= 0], minlength=3)
    texts = _table("size", SIZES, counts, "series", rows, group[rows.series])
    return [*tables, Table(texts, "Errors by size: thirds of the series by their mean value")]


def _table(
    name: str, labels: Sequence[str], counts: np.ndarray, noun: str, rows: RowErrors, group: np.ndarray
) -> TextTable:
    """Return errors of groups as texts; groups without a row are left out."""
    errors = group_errors(rows, group, len(labels))
    scaled, write = np.isfinite(errors.mase).any(), number_formatter(errors.mae)
    texts: list[tuple[str, ...]] = [
        (
            labels[k],
            f"{counts[k]:,}",
            format_or_dash(errors.mase[k], "{:.3f}") if scaled else write(errors.mae[k]),
            format_or_dash(errors.skill[k], "{:+.0f} %"),
            format_or_dash(errors.bias[k], "{:+.1f} %"),
        )
        for k in range(len(labels))
        if counts[k]
    ]
    return TextTable((name, noun, "MASE" if scaled else "MAE", "skill", "bias"), texts)


def _without_skill(data: PanelData, evaluation: Evaluation) -> list[Block]:
    """List the series that the baseline forecasts as well or better."""
    errors: SeriesErrors = errors_by_series(data.panel, evaluation)
    baseline = BASELINES.get(evaluation.series().baseline(), "")
    known = np.isfinite(errors.skill)
    worse = np.flatnonzero(known & (errors.skill <= 0))
    n_unknown = int((~known).sum())
    text = (
        f"Forecast no better than by {baseline}: {len(worse):,} of {len(data.panel):,} series."
        if len(worse)
        else f"Forecast better than by {baseline}: all series of which this is known."
    )
    blocks: list[Block] = [Paragraph(text)]
    if n_unknown:
        blocks.append(Paragraph(f"Series whose skill is unknown: {n_unknown:,}."))
    if not len(worse):
        return blocks
    listed = worse[np.argsort(errors.skill[worse], kind="stable")[:MAX_LISTED]]
    write = number_formatter(errors.mae[listed])
    rows: list[tuple[str, ...]] = [
        (
            Raw(data.panel.ids[s]),
            format_or_dash(errors.skill[s], "{:+.0f} %"),
            format_or_dash(errors.mase[s], "{:.3f}"),
            write(errors.mae[s]),
        )
        for s in listed
    ]
    caption = f"Series without skill: {len(worse):,}"
    caption += f", the {MAX_LISTED} worst" if len(worse) > MAX_LISTED else ""
    table = Table(TextTable(("series", "skill", "MASE", "MAE"), rows), caption, collapsed=len(rows) > MAX_OPEN)
    return [*blocks, table]
