"""Sections about how good the forecasts have been: verdict, folds, skill beside the simple forecasts, coverage.

Letters: t rows of a test part, h horizon, L levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_count, format_times
from gatecast.metrics import skill
from gatecast.plotting.charts import BASELINES, ForecastSeries
from gatecast.plotting.spec import MODELS, Bars, Chart, Column, Line
from gatecast.reporting.blocks import Choice, FactList, Figure, Paragraph, Part, Section, Table, table_of
from gatecast.reporting.text_tables import number, score_grid
from gatecast.results import Evaluation, Forecast

__all__ = ["coverage_section", "folds_section", "skill_section", "summary_section"]

Floats = npt.NDArray[np.float64]

EXAMPLES = 12
"""Series whose folds are drawn."""

BAR = 30
"""Pixels of a bar."""


def summary_section(
    verdict: str, findings: Sequence[str], evaluation: Evaluation | None, facts: Sequence[tuple[str, str]] = ()
) -> Section:
    """What matters most: the verdict, a few numbers, what was noticed about the data."""
    parts: list[Part] = [Paragraph(verdict, loud=True)] if verdict else []
    pairs = list(facts)
    if evaluation is not None:
        first = evaluation.scores[0]
        pairs += [("skill", number(first.skill, "{:+.0f} %")), ("MAE", number(first.mae, "{:.4g}"))]
        pairs += [("MASE", number(first.mase, "{:.3f}"))]
        pairs += [
            (f"in the {level:g} % interval", number(share, "{:.0f} %")) for level, share in first.coverage.items()
        ]
    if pairs:
        parts.append(FactList(pairs, large=True))
    parts += [Paragraph(_sentence(finding)) for finding in findings]
    return Section("summary", "What it says", tuple(parts))


def skill_section(evaluation: Evaluation) -> Section:
    """Errors of models and simple forecasts on the test part, and what is gained over seasonal naive."""
    scores = evaluation.scores
    names = tuple(BASELINES.get(score.model, score.model) for score in scores)
    values = np.array([score.skill for score in scores])
    baseline = next(BASELINES[score.model] for score in scores if score.model in BASELINES)
    says = "; ".join(f"{name} {number(value, '{:+.0f} %')}" for name, value in zip(names, values, strict=True))
    title = f"Error saved beside {baseline}"
    chart = Chart(title, (Bars(names, values, "", "model"),), x_name="percent", says=f"{title}: {says}.")
    train, validation, test = evaluation.split_sizes
    words = (
        f"Scores on the last {format_count(test, 'row')}, forecast {evaluation.horizon} at a time by models that had "
        f"learnt from the {format_count(train + validation, 'row')} before them alone."
    )
    return Section(
        "skill",
        "Beside simple forecasts",
        (
            Paragraph(words),
            Figure(chart, height=90 + BAR * len(names)),
            Table(score_grid(evaluation), "Errors on the test part"),
        ),
    )


def coverage_section(evaluation: Evaluation) -> Section | None:
    """How often the intervals held what came: by level, and step by step."""
    covered = evaluation.scores[0].coverage
    if not covered:
        return None
    said = evaluation.series()
    names = tuple(f"{level:g} %" for level in covered)
    wanted, got = np.array(list(covered), float), np.array(list(covered.values()), float)
    says = "; ".join(
        f"the {name} interval held {number(share, '{:.0f} %')}" for name, share in zip(names, got, strict=True)
    )
    bars = Chart(
        "Values inside the intervals",
        (Bars(names, got, "held", "model"), Bars(names, wanted, "promised", "faint")),
        x_name="percent",
        says=f"On the test part {says}.",
    )
    parts: list[Part] = [Paragraph(f"On the test part {says}."), Figure(bars, height=130 + 2 * BAR * len(names))]
    steps, by_step = _coverage_by_step(said, evaluation)
    if len(steps) > 1:
        lines = [
            Line(steps, by_step[level], f"held by the {level:g} % interval", role, 1.6, dotted=True)
            for level, role in zip(covered, MODELS, strict=False)
        ]
        flat = [Line(steps, np.full(len(steps), level), "", "faint", 1.0, dashed=True) for level in covered]
        chart = Chart("By step ahead", (*flat, *lines), x_name="steps ahead", y_names=("percent",))
        parts.append(Figure(chart, "Dashed: what was promised. Few rows a step make the lines ragged."))
    return Section("coverage", "Intervals", tuple(parts))


def folds_section(folds: Forecast | None, evaluation: Evaluation | None, first: Any = None) -> Section | None:
    """Forecasts from past cutoffs: errors of each, and what was said beside what came.

    Args:
        folds: What `cross_validation` gave.
        evaluation: The test part, whose forecasts are folds of a model that learns once.
        first: Name of the series to draw first.
    """
    if folds is not None:
        return _from_cutoffs(folds, first)
    if evaluation is None or evaluation.split_sizes[2] <= evaluation.horizon:
        return None
    said = evaluation.series()
    runs = _runs(said, evaluation)
    names = [name for name in (said.model, said.baseline()) if name]
    columns = {name: _errors_by(runs, said, name) for name in names}
    return _folds(columns, [f"{k + 1}" for k in range(runs.max() + 1)], "part of the test rows", [])


def _from_cutoffs(folds: Forecast, first: Any) -> Section:
    """Of a backtest."""
    table = folds.columns
    said = ForecastSeries(table, folds.model, folds.levels, folds.time_col, 1, folds.target_col)
    cutoffs, at = np.unique(table["cutoff"], return_inverse=True)
    names = [name for name in table if name == folds.model or name in BASELINES]
    columns = {name: _errors_by(at, said, name) for name in names}
    ids = (
        [None]
        if folds.id_col is None
        else list(dict.fromkeys([*([first] if first else []), *table[folds.id_col].tolist()]))
    )
    drawn = {str(one or folds.target_col): Figure(folds.chart(one), height=380) for one in ids[:EXAMPLES]}
    return _folds(columns, format_times(cutoffs), "cutoff", [Choice("Series", drawn)])


def _folds(columns: Mapping[str, Floats], folds: Sequence[str], what: str, more: list[Part]) -> Section:
    """Errors fold by fold as chart and table."""
    place = np.arange(1, len(folds) + 1)
    lines = tuple(
        Line(place, values, BASELINES.get(name, name), role, 1.6, dashed=name in BASELINES, dotted=True)
        for (name, values), role in zip(columns.items(), MODELS, strict=False)
    )
    chart = Chart(f"Mean absolute error by {what}", lines, x_name=f"{what}, the oldest first", y_names=("MAE",))
    model, *others = columns
    beside = next((name for name in ("SeasonalNaive", "Naive") if name in others), "")
    table: dict[str, Sequence[Any]] = {
        what: folds,
        **{BASELINES.get(name, name): list(v) for name, v in columns.items()},
    }
    words = ""
    if beside:
        gains = [skill(float(a), float(b)) for a, b in zip(columns[model], columns[beside], strict=True)]
        won = sum(gain > 0 for gain in gains)
        words = (
            f"{model} had the smaller error than {BASELINES[beside]} in {won} of {format_count(len(gains), 'fold')}."
        )
    head: list[Part] = [Paragraph(words)] if words else []
    parts = [*head, Figure(chart), table_of(table, "Errors by fold", folded=len(folds) > EXAMPLES), *more]
    return Section("folds", "Backtest", tuple(parts))


def _errors_by(group: Column, said: ForecastSeries, name: str) -> Floats:
    """Mean absolute error of each group of rows."""
    off = np.abs(np.asarray(said.table[said.target_col], float) - said.table[name])
    known = np.isfinite(off)
    size = int(group.max()) + 1
    with np.errstate(invalid="ignore"):
        return np.bincount(group[known], off[known], size) / np.bincount(group[known], minlength=size)


def _runs(said: ForecastSeries, evaluation: Evaluation) -> npt.NDArray[np.int64]:
    """Number of the forecast that each row of the test part belongs to."""
    return _row(said, evaluation) // evaluation.horizon


def _row(said: ForecastSeries, evaluation: Evaluation) -> npt.NDArray[np.int64]:
    """Place of each row in its series' test part; a shorter series lacks the first ones."""
    times, t = said.times, evaluation.split_sizes[2]
    # A series' rows are in order, so it begins where time does not go on, or where the name changes.
    names = list(said.table)
    new = np.ones(len(times), bool)
    new[1:] = times[1:] <= times[:-1]
    if names[0] != said.time_col:
        ids = said.table[names[0]]
        new[1:] |= ids[1:] != ids[:-1]
    begin = np.flatnonzero(new)
    size = np.diff([*begin, len(times)])
    return np.asarray(np.arange(len(times)) - np.repeat(begin, size) + np.repeat(t - size, size))


def _coverage_by_step(said: ForecastSeries, evaluation: Evaluation) -> tuple[Column, dict[float, Floats]]:
    """(h,) steps, and the share in percent of what each interval held at them."""
    step = _row(said, evaluation) % evaluation.horizon
    actual = np.asarray(said.table[said.target_col], float)
    known, found = np.isfinite(actual), {}
    for level in said.levels:
        low, high = (said.table[f"{said.model}-{side}-{level:g}"] for side in ("lo", "hi"))
        inside = ((low <= actual) & (actual <= high))[known].astype(float)
        counts = np.bincount(step[known], minlength=evaluation.horizon)
        with np.errstate(invalid="ignore"):
            found[level] = 100 * np.bincount(step[known], inside, evaluation.horizon) / counts
    return np.arange(1, evaluation.horizon + 1), found


def _sentence(text: str) -> str:
    """A finding as a sentence of its own."""
    return text[:1].upper() + text[1:]
