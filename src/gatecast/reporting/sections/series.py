"""Sections about the series themselves: values with gaps and odd ones marked, and the forecast beside seasonal naive.

Letters: S series, T values of one, t rows of a test part, h horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_count, format_times
from gatecast.data.outliers import FAR, find_outliers, gaps
from gatecast.data.panel import Panel
from gatecast.forecasting.scaling import to_matrix
from gatecast.metrics.scale import seasonal_naive_scale
from gatecast.plotting.charts import ForecastSeries, HistorySeries, forecast
from gatecast.plotting.spec import Chart, Column, Line, Points, ShadedRanges, VerticalLines
from gatecast.reporting.blocks import Explorer, FactList, Figure, Kept, Paragraph, Part, Section, Table
from gatecast.reporting.text_tables import TextTable, forecast_grid, number
from gatecast.results import Evaluation, Forecast

__all__ = ["Shown", "errors", "explorer_section", "forecast_section", "series_section", "shown", "thinned"]

Floats = npt.NDArray[np.float64]

LONGEST, LONGEST_OF_MANY = 12_000, 800
"""Points of a chart of all values, of one series and of one among many."""

LISTED = 60
"""Rows of a table of gaps or odd values."""

CHARTED, BUDGET = 900, 3_600_000
"""Series of a panel whose charts are kept, and the numbers that these may need together: some 5 MB of page."""

NAMED = 20_000
"""Series in the table that is searched."""


class Shown(NamedTuple):
    """One series and what is said of it.

    Args:
        name: Of the series; "" if it has none.
        target: Name of the values.
        past: Its values.
        ahead: The forecast; None: there is none.
        test: What was forecast for its test part; None: there is none.
    """

    name: str
    target: str
    past: HistorySeries
    ahead: ForecastSeries | None = None
    test: ForecastSeries | None = None


def shown(panel: Panel, s: int, season: int, predicted: Forecast | None, evaluation: Evaluation | None) -> Shown:
    """Series s of a panel, with its rows of forecast and evaluation."""
    ahead = test = None
    if predicted is not None:
        h = len(predicted.columns[predicted.time_col]) // len(panel)
        rows = {name: column[s * h : (s + 1) * h] for name, column in predicted.columns.items()}
        ahead = ForecastSeries(rows, predicted.model, predicted.levels, predicted.time_col, h, predicted.target_col)
    if evaluation is not None:
        whole = evaluation.series()
        rows = dict(whole.table)
        if len(panel) > 1:
            t = evaluation.split_sizes[2]
            ends = np.cumsum(np.minimum(panel.lengths, t))
            part = slice(int(ends[s] - min(panel.lengths[s], t)), int(ends[s]))
            rows = {name: column[part] for name, column in whole.table.items()}
        test = whole._replace(table=rows)
    name = "" if panel.columns.id is None else str(panel.ids[s])
    return Shown(name, panel.columns.target, HistorySeries(panel.times(s), panel.series(s), season), ahead, test)


def series_section(one: Shown, facts: Sequence[tuple[str, str]] = ()) -> Section:
    """All values of a series, with gaps and odd values marked and listed."""
    values, times = one.past.values, one.past.times
    first, last = gaps(values)
    odd = find_outliers(values, one.past.season)
    missing = int((last - first + 1).sum())
    pairs = [
        *facts,
        (
            "missing",
            f"{missing:,} of {format_count(len(values), 'row')}, in {format_count(len(first), 'gap')}"
            if missing
            else "none",
        ),
        ("odd values", f"{len(odd):,}" if len(odd) else "none"),
    ]
    parts: list[Part] = [FactList(pairs), Figure(data_chart(one, LONGEST), _thinning(len(values), LONGEST))]
    if len(odd):
        parts.append(
            Paragraph(
                f"Odd: both the change from a season before and the change to a season after are more than {FAR:g} "
                "robust standard deviations away from the usual change. They are shown, not changed."
            )
        )
        rows: list[tuple[str, ...]] = list(
            zip(format_times(times[odd]), (f"{value:.6g}" for value in values[odd]), strict=True)
        )
        parts.append(Table(TextTable(("time", "value"), rows[:LISTED]), _listed("Odd values", rows), folded=True))
    if missing:
        sizes = (f"{size:,}" for size in last - first + 1)
        rows3: list[tuple[str, ...]] = list(
            zip(format_times(times[first]), format_times(times[last]), sizes, strict=True)
        )
        parts.append(Table(TextTable(("from", "to", "rows"), rows3[:LISTED]), _listed("Gaps", rows3), folded=True))
    return Section("data", "The data", tuple(parts))


def forecast_section(one: Shown, unit: str = "") -> Section | None:
    """The forecast with its intervals beside seasonal naive."""
    if one.ahead is None:
        return None
    chart = forecast(one.name or one.target, one.past, one.ahead, one.test)
    grid = forecast_grid(one.ahead, unit)
    return Section("forecast", "The forecast", (Figure(chart, height=380), Table(grid, "Every step", folded=True)))


def data_chart(one: Shown, longest: int) -> Chart:
    """All values of a series."""
    times, values = one.past.times, one.past.values
    first, last = gaps(values)
    odd = find_outliers(values, one.past.season)
    keep = thinned(values, longest)
    # Half a step to both sides: a single missing value would have no width.
    half = (times[1] - times[0]) // 2 if len(times) > 1 else times[:1] - times[:1]
    marks: list[Any] = [
        ShadedRanges(times[first] - half, times[last] + half, "missing"),
        Line(times[keep], values[keep], "value", "ink", 1.2),
        Points(times[odd], values[odd], "odd", "odd", "diamond"),
    ]
    if one.test is not None and len(one.test.times):
        marks.append(VerticalLines(one.test.times[:1], ("test",)))
    text = f"{one.name or one.target}: {format_count(len(values), 'row')}"
    known = values[np.isfinite(values)]
    span = f", from {known.min():.4g} to {known.max():.4g}" if len(known) else ""
    return Chart(text, tuple(marks), says=f"{text}{span}, {len(odd):,} odd, {format_count(len(first), 'gap')}.")


def errors(panel: Panel, evaluation: Evaluation) -> dict[str, Floats]:
    """Mean errors of every series on its test part: of the model ("mae"), of the first baseline, "mase" and "skill".

    Args:
        panel: The series, test part included.
        evaluation: Of all of them.

    Returns:
        (S,) each; NaN where nothing was known.
    """
    said = evaluation.series()
    t, S = evaluation.split_sizes[2], len(panel)
    owner = np.repeat(np.arange(S), np.minimum(panel.lengths, t))
    actual = np.asarray(said.table[said.target_col], float)

    def mean(name: str) -> Floats:
        """(S,) error of a column."""
        off = np.abs(actual - said.table[name])
        known = np.isfinite(off)
        with np.errstate(invalid="ignore"):
            return np.bincount(owner[known], off[known], S) / np.bincount(owner[known], minlength=S)

    mae, naive = mean(said.model), mean(said.baseline())
    scale = seasonal_naive_scale(to_matrix(panel)[:, :-t], evaluation.season)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"mae": mae, "naive": naive, "mase": mae / scale, "skill": 100 * (1 - mae / naive)}


def explorer_section(
    panel: Panel, season: int, predicted: Forecast | None, evaluation: Evaluation | None, first: int = -1
) -> tuple[Section, Column]:
    """Many series: a table to search, worst and best first, and charts of those that fit.

    Args:
        panel: The series.
        season: Of seasonal naive.
        predicted: Forecasts of all of them.
        evaluation: Of all of them.
        first: The one that is shown first; -1: the worst.

    Returns:
        The section, and the times on which its charts lie.
    """
    S = len(panel)
    columns: dict[str, list[str]] = {"rows": [f"{length:,}" for length in panel.lengths]}
    orders: dict[str, Any] = {}
    rank = np.arange(S)
    if evaluation is not None:
        found = errors(panel, evaluation)
        columns |= {
            "MASE": [number(value, "{:.3f}") for value in found["mase"]],
            "MAE": [number(value, "{:.4g}") for value in found["mae"]],
            "skill": [number(value, "{:+.0f} %") for value in found["skill"]],
        }
        # Series whose error nobody knows come last in both orders.
        rank = np.argsort(-np.nan_to_num(found["mase"], nan=-np.inf), kind="stable")
        best = np.argsort(np.nan_to_num(found["mase"], nan=np.inf), kind="stable")
        orders = {"worst first": rank, "best first": best}
    ids = np.array([str(one) for one in panel.ids], object)
    orders["by name"] = np.argsort(ids, kind="stable")
    chosen = _sampled(rank, panel, predicted, evaluation, first)
    kept, times = {}, []
    for s in chosen:
        one = shown(panel, s, season, predicted, evaluation)
        times += [one.past.times[-LONGEST_OF_MANY:], *([one.ahead.times] if one.ahead else [])]
        kept[s] = _kept(one, found if evaluation is not None else None, s)
    names, columns, orders, kept = _named(ids, columns, orders, kept)
    if first >= 0:
        orders = {"as chosen": [first, *(k for k in next(iter(orders.values())) if k != first)]} | orders
    titles = ("All values",) if predicted is None else ("The forecast", "All values")
    words = f"{S:,} series. " + (
        "Every series has its charts."
        if len(kept) == S
        else f"{len(kept):,} of them have charts here: the worst and the best by MASE on the test part, "
        "and others evenly between them. The table finds any series by its name."
    )
    part = Explorer(names, columns, orders, kept, titles, words)
    return Section("series", "The series", (part,)), np.unique(np.concatenate(times))


def thinned(values: Floats, longest: int) -> npt.NDArray[np.int64]:
    """Rows of which a line looks as that of all: the lowest and the highest of each stretch.

    >>> thinned(np.array([1.0, 9.0, 3.0, 4.0, 0.0, 2.0, 5.0, 1.0]), 4).tolist()
    [0, 1, 4, 6]
    """
    n = len(values)
    if n <= longest:
        return np.arange(n)
    edges = np.linspace(0, n, longest // 2 + 1).astype(np.int64)
    low = np.nan_to_num(values, nan=np.inf)
    high = np.nan_to_num(values, nan=-np.inf)
    rows = [begin + np.array([low[begin:end].argmin(), high[begin:end].argmax()]) for begin, end in pairwise(edges)]
    return np.unique(np.concatenate(rows))


def _sampled(
    rank: npt.NDArray[np.int64], panel: Panel, predicted: Forecast | None, evaluation: Evaluation | None, first: int
) -> list[int]:
    """Positions of the series whose charts are kept: worst, best, and evenly between, as many as there is room for."""
    levels = 2 * len(predicted.levels) if predicted is not None else 0
    h = 0 if predicted is None else len(predicted.columns[predicted.time_col]) // max(len(panel), 1)
    t = 0 if evaluation is None else evaluation.split_sizes[2]
    typical = float(np.minimum(panel.lengths, LONGEST_OF_MANY).mean()) + (levels + 3) * (h + t) + 4 * max(h, 12)
    room = int(min(len(rank), CHARTED, max(3, BUDGET // typical)))
    if room == len(rank):
        return [int(s) for s in rank]
    third = room // 3
    between = rank[third:-third][np.linspace(0, len(rank) - 2 * third - 1, room - 2 * third).astype(np.int64)]
    chosen = [*rank[:third], *rank[-third:], *between, *([first] if first >= 0 else [])]
    return list(dict.fromkeys(int(s) for s in chosen))


def _kept(one: Shown, found: dict[str, Floats] | None, s: int) -> Kept:
    """Charts and facts of one series among many."""
    charts = [data_chart(one, LONGEST_OF_MANY)]
    if one.ahead is not None:
        charts.insert(0, forecast(one.name, one.past, one.ahead, one.test))
    figures = [Figure(chart, height=340 if k == 0 else 260) for k, chart in enumerate(charts)]
    text = f"{format_count(len(one.past.values), 'row')}."
    if found is not None:
        text += f" MASE {number(found['mase'][s], '{:.3f}')}, skill {number(found['skill'][s], '{:+.0f} %')}."
    return Kept(tuple(figures), text)


def _named(ids: Any, columns: dict[str, list[str]], orders: dict[str, Any], kept: dict[int, Kept]) -> tuple[Any, ...]:
    """The same with the first and last `NAMED` alone, where there are too many series for any table."""
    if len(ids) <= NAMED:
        return list(ids), columns, {name: list(map(int, order)) for name, order in orders.items()}, kept
    rank = next(iter(orders.values()))
    some = np.unique([*rank[: NAMED // 2], *rank[-NAMED // 2 :], *kept])
    place = {int(s): k for k, s in enumerate(some)}
    return (
        [ids[s] for s in some],
        {name: [column[s] for s in some] for name, column in columns.items()},
        {name: [place[int(s)] for s in order if int(s) in place] for name, order in orders.items()},
        {place[s]: one for s, one in kept.items()},
    )


def _thinning(n: int, longest: int) -> str:
    """What is said of a line that leaves rows out."""
    return f"The lowest and the highest of every {2 * n // longest:,} rows are drawn." if n > longest else ""


def _listed(name: str, rows: Sequence[Any]) -> str:
    """A caption that says how many rows there are."""
    return f"{name}: {len(rows):,}" + (f", the first {LISTED}" if len(rows) > LISTED else "")
