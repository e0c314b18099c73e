"""Section about totals: over the horizon, over all series, and compared with the year before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gatecast._utils.formatting import format_count, format_or_dash, format_times, number_formatter
from gatecast.evaluation.totals import Change, Sum, Totals
from gatecast.plotting.charts import MIN_OPACITY, OPACITY_RANGE
from gatecast.plotting.spec import Band, Chart, Column, Line, Mark
from gatecast.reporting.blocks import Block, FactList, Figure, Paragraph, Section, Table
from gatecast.reporting.sections.series import PanelData
from gatecast.reporting.text_tables import TextTable

__all__ = ["totals_section"]

MIN_STRETCH = 1.005
"""Factor of the widths from which it is named."""

MAX_SHOWN = 24
"""Steps up to which the table of all steps is open."""


def totals_section(data: PanelData, totals: Totals) -> Section | None:
    """Build the section; None if no series has a forecast."""
    if not totals.n_series:
        return None
    h, n_series = data.horizon, len(data.panel)
    several = n_series > 1
    steps = format_count(h, "step")
    name = f"total of {steps}" + (f" of {totals.n_series:,} series" if several else "")
    write = number_formatter(np.array([totals.total.point, *totals.total.low, *totals.total.high]))
    facts = [(name, write(float(totals.total.point))), *_interval_facts(totals.total, totals.levels, write)]
    blocks: list[Block] = [FactList(facts, large=True)]
    if totals.change is not None:
        blocks += _change_blocks(totals.change, totals, data)
    blocks.append(Paragraph(_method(totals, write, several=several)))
    if several:
        skipped = n_series - totals.n_series - _n_sums(data)
        if skipped:
            blocks.append(Paragraph(f"Series without a forecast, which are not in the total: {skipped:,}."))
        if totals.by_step is None:
            blocks.append(Paragraph("The series end at different times, so there is no total of a single time."))
        else:
            blocks += _step_blocks(totals.by_step, totals, data)
    return Section("totals", "Totals", tuple(blocks))


def _n_sums(data: PanelData) -> int:
    """Return the number of series that are sums of others."""
    return 0 if data.panel.hierarchy is None else data.panel.hierarchy.n_totals


def _interval_facts(total: Sum, levels: Sequence[float], write: Any) -> list[tuple[str, str]]:
    """Return the intervals of one sum as facts."""
    pairs = zip(levels, total.low, total.high, strict=True)
    return [(f"{level:g} % interval", f"{write(float(low))} to {write(float(high))}") for level, low, high in pairs]


def _change_blocks(change: Change, totals: Totals, data: PanelData) -> list[Block]:
    """Return by how much the total changes, with intervals, and a sentence on what is compared."""
    freq, h = data.panel.freq, data.horizon
    by_season = freq.unit == "step"
    what = "change on the season before" if by_season else "change on the year before"
    blocks: list[Block] = []
    if change.reference > 0:
        percent = [100 * (np.asarray(side) / change.reference - 1) for side in change.forecast]
        facts = [(what, f"{float(percent[0]):+.1f} %")]
        for level, low, high in zip(totals.levels, percent[1], percent[2], strict=True):
            facts.append((f"{level:g} % interval", f"{low:+.1f} % to {high:+.1f} %"))
        blocks.append(FactList(facts, large=True))
    write = number_formatter(np.array([change.reference, float(change.forecast.point)]))
    steps = "" if change.n_steps == h else f" of the first {format_count(change.n_steps, 'step')}"
    compared = (
        "" if change.n_series == totals.n_series else f" of the {change.n_series:,} series that have these values"
    )
    if by_season:
        before = f"{format_count(change.lag, 'step')} before"
    elif freq.unit in ("MS", "ME", "QS", "QE", "YS", "YE"):
        before = "a year before"
    else:
        before = f"52 weeks before, {format_count(change.lag, 'step')}"
    text = (
        f"Forecast{steps}{compared}: {write(float(change.forecast.point))}; observed {before}: "
        f"{write(change.reference)}."
    )
    return [*blocks, Paragraph(text)]


def _method(totals: Totals, write: Any, *, several: bool) -> str:
    """Say where the intervals come from, and what they assume."""
    if not totals.levels:
        return "The total is the sum of the forecasts."
    text = (
        f"The total is the sum of the forecasts. Its intervals are quantiles of the sums of {totals.n_paths:,} sample "
        "paths, not sums of quantiles: errors last from step to step as past ones did. Half of the sums are above "
        f"{write(totals.median)}."
    )
    if totals.stretch >= MIN_STRETCH:
        text += f" They are {totals.stretch:.2f} times as wide as those of the paths, because sums of past errors were."
    if totals.shared >= MIN_STRETCH:
        text += (
            " Errors of series that move together tell less than as many independent ones: intervals are "
            f"{totals.shared:.2f} times as wide for that."
        )
    if not several:
        return text
    if np.isnan(totals.correlation):
        return f"{text} Errors of different series are as alike as past ones were."
    known = f"correlate by {totals.correlation:.2f}"
    if totals.measured:
        return (
            f"{text} Errors of different series {known}, estimated on the test part and on the changes of the series."
        )
    return (
        f"{text} Errors of different series are assumed to {known}, as the changes of the series do: no past errors of "
        "these series are known."
    )


def _step_blocks(by_step: Sum, totals: Totals, data: PanelData) -> list[Block]:
    """Return a chart and a table of the totals of all series by step."""
    times = data.panel.future_times(data.horizon)[0]
    before = None if totals.change is None or totals.change.n_series < totals.n_series else totals.change.by_step
    marks: list[Mark] = []
    for k in np.argsort([-level for level in totals.levels]):
        opacity = MIN_OPACITY + OPACITY_RANGE * len(marks) / max(1, len(totals.levels) - 1)
        label = f"{totals.levels[k]:g} % interval"
        marks.append(Band(times, by_step.low[:, k], by_step.high[:, k], label, "model", opacity))
    name = "the season before" if data.panel.freq.unit == "step" else "the year before"
    if before is not None:
        marks.append(Line(times, before, name, "ink", 1.2, dashed=True))
    marks.append(Line(times, by_step.point, "forecast", "model", 2.0))
    title = f"Total of {totals.n_series:,} series by step"
    chart = Chart(title, tuple(marks), description=_describe(title, by_step.point))
    table = Table(_step_table(times, by_step, totals, before, name, data), title, collapsed=data.horizon > MAX_SHOWN)
    return [Figure(chart, height=300), table]


def _step_table(
    times: Column, by_step: Sum, totals: Totals, before: Column | None, name: str, data: PanelData
) -> TextTable:
    """Return the totals of all series by step as texts."""
    write = number_formatter(np.concatenate([by_step.point, by_step.low.ravel(), by_step.high.ravel()]))
    columns = [format_times(times), [write(float(value)) for value in by_step.point]]
    for k in range(len(totals.levels)):
        pairs = zip(by_step.low[:, k], by_step.high[:, k], strict=True)
        columns.append([f"{write(float(low))} to {write(float(high))}" for low, high in pairs])
    header = [data.panel.columns.time, "forecast", *(f"{level:g} %" for level in totals.levels)]
    if before is not None:
        header += [name, "change"]
        columns.append([write(float(value)) for value in before])
        with np.errstate(invalid="ignore", divide="ignore"):
            change = np.where(before > 0, 100 * (by_step.point / before - 1), np.nan)
        columns.append([format_or_dash(float(value), "{:+.1f} %") for value in change])
    return TextTable(tuple(header), list(zip(*columns, strict=True)))


def _describe(title: str, values: Column) -> str:
    """Describe a line for readers who cannot see it."""
    return f"{title}: from {values[0]:.4g} to {values[-1]:.4g}, minimum {values.min():.4g}, maximum {values.max():.4g}."
