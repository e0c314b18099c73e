"""Sections about past forecasts: summary, backtest, comparison with the baselines, coverage of the intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_count, format_or_dash, format_times
from gatecast.evaluation.breakdown import coverage_by_step, mae_by_group, mae_by_window
from gatecast.metrics import skill
from gatecast.plotting.charts import BASELINES, ForecastSeries
from gatecast.plotting.spec import SERIES_ROLES, Bars, Chart, Line
from gatecast.reporting.blocks import Block, Choice, FactList, Figure, Paragraph, Section, Table, table_from_columns
from gatecast.reporting.text_tables import score_table
from gatecast.results import Evaluation, Forecast, row_ids

__all__ = ["backtest_section", "coverage_section", "skill_section", "summary_section"]

Floats = npt.NDArray[np.float64]

MAX_CHARTED = 12
"""Series of a backtest that have a chart, and windows from which their table is collapsed."""

BAR_HEIGHT = 30
"""Height that a bar adds to a chart, in pixels."""


def summary_section(
    verdict: str, notes: Sequence[str], evaluation: Evaluation | None, facts: Sequence[tuple[str, str]] = ()
) -> Section:
    """Build the summary: the verdict, the most important numbers, the notes on the data."""
    blocks: list[Block] = [Paragraph(verdict, large=True)] if verdict else []
    pairs = list(facts)
    if evaluation is not None:
        score = evaluation.scores[0]
        pairs.append(("skill", format_or_dash(score.skill, "{:+.0f} %")))
        pairs.append(("MAE", format_or_dash(score.mae, "{:.4g}")))
        pairs.append(("MASE", format_or_dash(score.mase, "{:.3f}")))
        for level, coverage in score.coverage.items():
            pairs.append((f"coverage of {level:g} %", format_or_dash(coverage, "{:.0f} %")))
    if pairs:
        blocks.append(FactList(pairs, large=True))
    blocks += [Paragraph(note[:1].upper() + note[1:]) for note in notes]
    return Section("summary", "Summary", tuple(blocks))


def skill_section(evaluation: Evaluation) -> Section:
    """Build the comparison of models and baselines on the test part."""
    scores = evaluation.scores
    names = tuple(BASELINES.get(score.model, score.model) for score in scores)
    values = np.array([score.skill for score in scores])
    baseline = next(BASELINES[score.model] for score in scores if score.model in BASELINES)
    title = f"Skill compared with {baseline}"
    texts = (f"{name} {format_or_dash(value, '{:+.0f} %')}" for name, value in zip(names, values, strict=True))
    bars = Bars(names, values, "", "model")
    chart = Chart(
        title, (bars,), x_label="reduction of the error, percent", description=f"{title}: {'; '.join(texts)}."
    )
    train, validation, test = evaluation.split_sizes
    text = (
        f"Scores on the last {format_count(test, 'row')}, forecast {evaluation.horizon} at a time by models trained on "
        f"the {format_count(train + validation, 'row')} before them only."
    )
    return Section(
        "skill",
        "Comparison with baselines",
        (
            Paragraph(text),
            Figure(chart, height=90 + BAR_HEIGHT * len(names)),
            Table(score_table(evaluation), "Errors on the test part"),
        ),
    )


def coverage_section(evaluation: Evaluation) -> Section | None:
    """Build the section on the coverage of the intervals, by level and by step ahead; None without intervals."""
    coverage = evaluation.scores[0].coverage
    if not coverage:
        return None
    names = tuple(f"{level:g} %" for level in coverage)
    nominal, actual = np.array(list(coverage), float), np.array(list(coverage.values()), float)
    texts = (
        f"{format_or_dash(share, '{:.0f} %')} in the {name} interval" for name, share in zip(names, actual, strict=True)
    )
    text = f"Share of the test values inside the intervals: {', '.join(texts)}."
    marks = (Bars(names, actual, "actual", "model"), Bars(names, nominal, "nominal", "faint"))
    chart = Chart("Coverage of the intervals", marks, x_label="percent of the test values", description=text)
    blocks: list[Block] = [Paragraph(text), Figure(chart, height=130 + 2 * BAR_HEIGHT * len(names))]
    steps = np.arange(1, evaluation.horizon + 1)
    if len(steps) > 1:
        by_step = coverage_by_step(evaluation)
        nominal_lines = (Line(steps, np.full(len(steps), level), "", "faint", 1.0, dashed=True) for level in coverage)
        lines = (
            Line(steps, by_step[level], f"{level:g} % interval", role, 1.6, markers=True)
            for level, role in zip(coverage, SERIES_ROLES, strict=False)
        )
        chart = Chart("Coverage by step ahead", (*nominal_lines, *lines), x_label="steps ahead", y_labels=("percent",))
        blocks.append(Figure(chart, "Dashed lines: nominal coverage. With few values per step, coverage is uncertain."))
    return Section("coverage", "Prediction intervals", tuple(blocks))


def backtest_section(backtest: Forecast | None, evaluation: Evaluation | None, first_id: Any = None) -> Section | None:
    """Build the section on forecasts from past cutoffs.

    Args:
        backtest: Result of `cross_validation`; None for the windows of the test part.
        evaluation: Evaluation of the test part.
        first_id: Name of the series to chart first.

    Returns:
        The section; None if the test part is a single window.
    """
    if backtest is not None:
        return _cutoffs_section(backtest, first_id)
    if evaluation is None or evaluation.split_sizes[2] <= evaluation.horizon:
        return None
    errors = mae_by_window(evaluation)
    windows = [str(k + 1) for k in range(len(next(iter(errors.values()))))]
    return _errors_section(errors, windows, "test window", [])


def _cutoffs_section(backtest: Forecast, first_id: Any) -> Section:
    """Build the section on the cutoffs of a cross-validation."""
    table = backtest.columns
    rows = ForecastSeries(table, backtest.model, backtest.levels, backtest.time_col, 1, backtest.target_col)
    cutoffs, group = np.unique(table["cutoff"], return_inverse=True)
    names = [name for name in table if name == backtest.model or name in BASELINES]
    errors = {name: mae_by_group(rows, name, group, len(cutoffs)) for name in names}
    ids: list[Any] = [None]
    column = row_ids(table, backtest.id_col)
    if column is not None:
        ids = list(dict.fromkeys([*([] if first_id is None else [first_id]), *column.tolist()]))
    figures = {
        str(backtest.target_col if id is None else id): Figure(backtest.chart(id), height=380)
        for id in ids[:MAX_CHARTED]
    }
    return _errors_section(errors, format_times(cutoffs), "cutoff", [Choice("Series", figures)])


def _errors_section(errors: Mapping[str, Floats], windows: Sequence[str], noun: str, more: Sequence[Block]) -> Section:
    """Show the errors of each window as a chart and a table."""
    x = np.arange(1, len(windows) + 1)
    lines = tuple(
        Line(x, values, BASELINES.get(name, name), role, 1.6, dashed=name in BASELINES, markers=True)
        for (name, values), role in zip(errors.items(), SERIES_ROLES, strict=False)
    )
    chart = Chart(f"Mean absolute error by {noun}", lines, x_label=f"{noun}, the oldest first", y_labels=("MAE",))
    table: dict[str, Sequence[Any]] = {noun: windows}
    table |= {BASELINES.get(name, name): list(values) for name, values in errors.items()}
    model, *others = errors
    baseline = next((name for name in others if name in ("SeasonalNaive", "Naive")), "")
    blocks: list[Block] = []
    if baseline:
        gains = [skill(float(a), float(b)) for a, b in zip(errors[model], errors[baseline], strict=True)]
        n_better = sum(gain > 0 for gain in gains)
        name = BASELINES[baseline]
        blocks.append(
            Paragraph(f"{model} has a smaller error than {name} in {n_better} of {format_count(len(gains), noun)}.")
        )
    blocks += [Figure(chart), table_from_columns(table, f"Errors by {noun}", collapsed=len(windows) > MAX_CHARTED)]
    return Section("backtest", "Backtest", (*blocks, *more))
