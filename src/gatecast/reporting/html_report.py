"""`report`: a fitted forecaster and its forecast as one HTML file that works offline."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from gatecast._utils.atomic import writing
from gatecast._utils.formatting import format_count, format_times
from gatecast.errors import ConfigError
from gatecast.evaluation.breakdown import errors_by_series
from gatecast.explain.gates import find_series
from gatecast.explain.inspector import Inspector
from gatecast.reporting.blocks import Block, ContentBlock, Paragraph, Section, SeriesView
from gatecast.reporting.html import Heading, render_page
from gatecast.reporting.language import Raw, check_language
from gatecast.reporting.sections import evaluation as evaluation_sections
from gatecast.reporting.sections import network, selection, series
from gatecast.reporting.sections.anomalies import anomaly_section
from gatecast.reporting.sections.errors import errors_section
from gatecast.reporting.sections.known_columns import known_ahead
from gatecast.reporting.sections.reproducibility import reproducibility_section
from gatecast.reporting.sections.totals import totals_section
from gatecast.results import Evaluation, Forecast

__all__ = ["report"]

MAX_INSPECTED = 24
"""Series of a panel whose gates and attributions are on the page: a third of a second each, for five networks."""

MAX_STEPS_OF_MANY = 200
"""Steps of their heat maps."""

MAX_HEAT_MAP_CELLS = 500_000
"""Cells of all heat maps together: 0.7 MB of the page."""


def report(
    forecaster: Any,
    path: str | os.PathLike[str],
    *,
    source: Any = None,
    futr_df: Any = None,
    id: Any = None,
    backtest: Forecast | None = None,
    comparison: Any = None,
    memory_benchmark: Any = None,
    tune_result: Any = None,
    explanation: Any = None,
    permutation_importance: Any = None,
    title: str | None = None,
    source_name: str | None = None,
    language: str = "en",
) -> Path:
    """Write a report on a forecaster as one HTML file: forecast, totals, scores, gates. It works offline.

    The report has a section for each argument and for each thing the models can show. On the page of a panel the
    reader finds and selects a series; forecast, gates and attributions follow the selection. Buttons save the forecast
    as CSV and XLSX files, which the page makes by itself.

    Args:
        forecaster: A fitted `Forecaster`; None for a report on the other arguments only.
        path: Target file, .html.
        source: Series to forecast, as for `predict`; None for the series of `fit`.
        futr_df: Future values of the known columns, as for `predict`.
        id: Series to show first; None for the explained series, else the one with the largest error.
        backtest: Result of `Forecaster.cross_validation`.
        comparison: Result of `gatecast.compare`.
        memory_benchmark: Result of the memory benchmark.
        tune_result: Result of `gatecast.tune`; its forecaster is reported if `forecaster` is None.
        explanation: Result of `Forecaster.explain`; None computes one.
        permutation_importance: Result of `Forecaster.permutation_importance`.
        title: Heading of the page; the target and the horizon by default.
        source_name: What the heading calls the data; the name of the file if `source` is a path.
        language: "en" or "zh": of titles, sentences, tables and charts. Remarks on the data, names of columns and
            models stay as they are.

    Returns:
        The path.

    Raises:
        ConfigError: Unknown series, `id` and `explanation` of different series, nothing to report, not an HTML file,
            or an unknown language.
        NotFittedError: The forecaster is not fitted.
        DataError: As `predict`.
    """
    target, language = _check_path(path), check_language(language)
    if forecaster is None and tune_result is not None:
        forecaster = tune_result.forecaster
    if forecaster is None and backtest is None and comparison is None and memory_benchmark is None:
        raise ConfigError("Nothing to report", fix="Pass a fitted forecaster, a backtest or a comparison.")
    sections: list[Section | None] = []
    times, heading = None, "Report"
    facts: list[tuple[str, str]] = []
    if forecaster is not None:
        about = _ForecasterSections(forecaster, source, futr_df, id, explanation)
        sections, times, heading, facts = about.build(backtest), about.times, about.heading, about.facts()
    elif backtest is not None:
        sections = [_data_section(backtest.findings), evaluation_sections.backtest_section(backtest, None, id)]
        heading = f"{backtest.target_col}: backtest"
    if permutation_importance is not None:
        sections.append(network.importance_section(permutation_importance))
    if comparison is not None:
        if forecaster is None and backtest is None:
            sections.append(_data_section(getattr(comparison, "findings", ())))
        sections.append(selection.comparison_section(comparison))
        heading = heading if forecaster is not None else "Model comparison"
    if memory_benchmark is not None:
        sections.append(selection.memory_benchmark_section(memory_benchmark))
    if tune_result is not None:
        sections.append(selection.search_section(tune_result))
    sections.append(reproducibility_section(forecaster))
    from gatecast import __version__

    name = source_name or _file_name(source)
    facts += [("source", Raw(name))] if name else []
    facts.append(("created", _created()))
    present = [section for section in sections if section is not None]
    top = Heading(Raw(title) if title else heading, facts)
    page = render_page(top, present, __version__, times, language)
    with writing(target) as draft:
        draft.write_text(page, encoding="utf-8")
    return target


def _file_name(source: Any) -> str:
    """Return the name of a file without its folder, which is nobody's business; "" for a table."""
    return (
        os.path.basename(os.fspath(source)) if isinstance(source, str | os.PathLike) and os.path.exists(source) else ""
    )


def _created() -> str:
    """Return the date of the page; SOURCE_DATE_EPOCH, if it is set, makes pages that are equal to the byte."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    when = datetime.fromtimestamp(int(epoch), timezone.utc) if epoch.isdigit() else datetime.now().astimezone()
    return when.strftime("%Y-%m-%d")


def _data_section(findings: Sequence[str]) -> Section | None:
    """Build a section on the data of a page without a forecaster; None if nothing was noticed."""
    paragraphs = tuple(Paragraph(finding[:1].upper() + finding[1:]) for finding in findings)
    return Section("data", "Data", paragraphs) if findings else None


class _ForecasterSections:
    """Sections about a forecaster; `times` is set by `build`."""

    def __init__(self, forecaster: Any, source: Any, futr_df: Any, id: Any, explanation: Any) -> None:
        self.forecaster, self.source, self.futr_df, self.explanation = forecaster, source, futr_df, explanation
        session = forecaster._session
        predicted: Forecast = session.forecast(source, futr_df=futr_df)
        self.findings = predicted.findings
        panel = forecaster.panel_ if predicted.past is None else predicted.past.panel
        # The test part belongs to the series of `fit`.
        evaluation: Evaluation | None = forecaster.evaluation_ if source is None else None
        data = series.PanelData(panel, forecaster.season_length_, predicted, evaluation)
        known = known_ahead(panel, session.context(source, futr_df)[1], data.horizon) if panel.futr_exog else {}
        self.data = replace(data, known=known, totals=session.totals(predicted, source, futr_df))
        self.selected = self._selected(id)
        self.is_selected = id is not None or explanation is not None
        self.times: Any = None
        target, horizon = panel.columns.target, format_count(self.data.horizon, "step")
        extent = f", {len(panel):,} series" if len(panel) > 1 else ""
        self.heading = f"{target}: {horizon} ahead{extent}"

    def facts(self) -> list[tuple[str, str]]:
        """Return what the heading says: which forecast, from which data, by which model."""
        panel, predicted = self.data.panel, self.data.predicted
        if predicted is None:
            return []
        future = panel.future_times(self.data.horizon)
        starts, ends = panel.start, panel.freq.at(panel.start, np.maximum(panel.lengths - 1, 0))
        first, last = _range(future.min(), future.max()), _range(starts.min(), ends.max())
        rows = format_count(len(panel.values), "row")
        facts = [
            ("forecast", f"{format_count(self.data.horizon, 'step')}, {first}, {panel.freq.label}"),
            ("data", f"{rows} of {len(panel):,} series, {last}"),
            ("model", Raw(predicted.model)),
        ]
        return facts

    def build(self, backtest: Forecast | None) -> list[Section | None]:
        """Build all sections."""
        data, evaluation, season = self.data, self.data.evaluation, self.data.season_length
        facts = [("series", f"{len(data.panel):,}")] if len(data.panel) > 1 else []
        facts.append(("horizon", format_count(data.horizon, "step")))
        facts.append(("season", format_count(season, "step") if season > 1 else "none"))
        verdict, notes = "" if evaluation is None else evaluation.verdict, self.findings
        sections: list[Section | None] = [evaluation_sections.summary_section(verdict, notes, evaluation, facts)]
        explorer = None
        if len(data.panel) > 1:
            explorer = series.explorer_section(data, self.selected if self.is_selected else None)
            self.times = explorer.times
            sections.append(explorer.section)
        else:
            sections.append(series.forecast_section(data))
        if data.totals is not None:
            sections.append(totals_section(data, data.totals))
        if len(data.panel) == 1:
            sections.append(series.history_section(data.series(0)))
        first_id = None if data.panel.columns.id is None else data.panel.ids[self.selected]
        sections.append(evaluation_sections.backtest_section(backtest, evaluation, first_id))
        if evaluation is not None:
            sections.append(evaluation_sections.skill_section(evaluation))
            sections.append(errors_section(data, evaluation))
            sections.append(evaluation_sections.coverage_section(evaluation))
        sections.append(anomaly_section(self.forecaster, self.source))
        return sections + self._network_sections(explorer)

    def _network_sections(self, explorer: series.ExplorerSection | None) -> list[Section | None]:
        """Build the sections about the networks; models without networks have none."""
        if not _has_networks(self.forecaster):
            return []
        sections = [network.learning_section(self.forecaster.learning_curves())]
        inspector = self.forecaster._inspector(self.source, self.futr_df)
        has_gates = _has_gates(self.forecaster)
        views = _NetworkViews(self.data, inspector, self.explanation, self.selected, explorer, has_gates=has_gates)
        if has_gates:
            note = Paragraph(network.GATES_NOTE)
            sections.append(Section("gates", "Gates and states", (note, *views.blocks("gates", views.gates))))
            sections.append(Section("memory", "Memory of the units", views.blocks("memory", views.memory)))
        if _is_differentiable(self.forecaster):
            sections.append(Section("attributions", "Attributions", views.blocks("attributions", views.attributions)))
        return sections

    def _selected(self, id: Any) -> int:
        """Return the series to show first."""
        panel, evaluation = self.data.panel, self.data.evaluation
        if len(panel) == 1:
            return 0
        if self.explanation is not None:
            explained = find_series(panel, self.explanation.id)
            if id is not None and find_series(panel, id) != explained:
                raise ConfigError(
                    "id and explanation are of different series",
                    got=f"id={id!r}, explanation of {self.explanation.id!r}",
                    fix="Leave id out, or explain that series.",
                )
            return explained
        if id is not None:
            return find_series(panel, id)
        if evaluation is None:
            return 0
        return int(np.nan_to_num(errors_by_series(panel, evaluation).mase, nan=-np.inf).argmax())


class _NetworkViews:
    """What the networks do with the series of the page.

    Args:
        data: All series.
        inspector: Access to the networks.
        explanation: The explanation of one series, computed already; None if there is none.
        selected: The series to show first.
        explorer: The explorer of the page; None on the page of a single series.
        has_gates: Whether the first network has recurrent layers.
    """

    def __init__(
        self,
        data: series.PanelData,
        inspector: Inspector,
        explanation: Any,
        selected: int,
        explorer: series.ExplorerSection | None,
        *,
        has_gates: bool,
    ) -> None:
        self.data, self.inspector, self.explanation = data, inspector, explanation
        self.explorer, self.inspected = explorer, [0]
        self.max_steps = network.MAX_STEPS if explorer is None else MAX_STEPS_OF_MANY
        self._gates = {s: inspector.gates(s) for s in [selected] if has_gates and inspector.has_gates(s)}
        if explorer is not None:
            charted = np.array(explorer.charted)
            self.inspected = series.select_spread(charted, self._n_inspected(selected), selected)

    def blocks(self, key: str, content: Callable[[int], Sequence[ContentBlock]]) -> tuple[Block, ...]:
        """Return the content of the only series, or a view of the content of many series."""
        if self.explorer is None:
            return tuple(content(0))
        rows, n_series = self.explorer.rows, len(self.data.panel)
        missing = (
            f"This page has no {key} of {{series}}: it holds those of {len(self.inspected):,} of {n_series:,} series."
        )
        method = {"gates": "gates", "memory": "unit_memory", "attributions": "explain"}[key]
        missing += f" In Python, forecaster.{method}(id=...) returns them for every series."
        return (SeriesView(key, {rows[s]: content(s) for s in self.inspected}, missing),)

    def gates(self, s: int) -> Sequence[ContentBlock]:
        """Chart the gates of a series."""
        if not self._has_gates(s):
            return (self._unreadable(s, "chart of the gates"),)
        return network.gate_blocks(self._gates[s], self.data.series(s).history, self.max_steps)

    def memory(self, s: int) -> Sequence[ContentBlock]:
        """Chart the half-lives of the units while they read a series."""
        if not self._has_gates(s):
            return (self._unreadable(s, "chart of the memory"),)
        return network.memory_blocks(self._gates[s].unit_memory)

    def attributions(self, s: int) -> Sequence[ContentBlock]:
        """Chart the attributions of the forecast of a series."""
        if self.explanation is not None and (self.explorer is None or self.explanation.id == self.data.panel.ids[s]):
            return network.attribution_blocks(self.explanation)
        if not self.inspector.has_values(s):
            return (self._unreadable(s, "chart of the attributions"),)
        return network.attribution_blocks(self.inspector.explain(s))

    def _has_gates(self, s: int) -> bool:
        """Inspect a series once; return whether the networks can read it."""
        if s not in self._gates and self.inspector.has_gates(s):
            self._gates[s] = self.inspector.gates(s)
        return s in self._gates

    def _n_inspected(self, selected: int) -> int:
        """Return the number of series whose heat maps fit on the page."""
        if selected not in self._gates:
            return MAX_INSPECTED
        cells = sum(
            values[:, -self.max_steps :].size
            for layer in self._gates[selected].layers
            for values in (*layer.gates.values(), *layer.states.values())
        )
        return max(3, min(MAX_INSPECTED, MAX_HEAT_MAP_CELLS // max(cells, 1)))

    def _unreadable(self, s: int, noun: str) -> Paragraph:
        """Say by name why the networks cannot read a series."""
        rows = format_count(int(self.data.panel.lengths[s]), "row")
        reason = f"it has {rows}, fewer than the window of the network"
        if not self.inspector.has_values(s):
            reason = "all of its values are missing"
        return Paragraph(f"There is no {noun} of {self._name(s)}: {reason}.")

    def _name(self, s: int) -> str:
        """Return the name of a series."""
        return self.data.series(s).title


def _has_networks(forecaster: Any) -> bool:
    """Return whether any model of a forecaster is a network."""
    return bool(forecaster.state_.ensemble.networks())


def _has_gates(forecaster: Any) -> bool:
    """Return whether the first network of a forecaster has recurrent layers."""
    _, view = forecaster.state_.ensemble.networks()[0]
    # The input of a recurrent network has a time axis.
    return len(view.network.shapes[0]) > 1


def _is_differentiable(forecaster: Any) -> bool:
    """Return whether any model of a forecaster can attribute its forecast to its inputs."""
    return forecaster.state_.ensemble.differentiable() is not None


def _range(first: Any, last: Any) -> str:
    """Return two times as text."""
    return " to ".join(format_times(np.array([first, last])))


def _check_path(path: str | os.PathLike[str]) -> Path:
    """Check that the file can be written."""
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(
            "A report is an HTML file",
            where=str(target),
            got=repr(target.suffix) if target.suffix else "no suffix",
            expected=".html",
            fix=f"Write {target.with_suffix('.html')}.",
        )
    if not os.path.isdir(os.path.dirname(os.path.realpath(target))):
        raise ConfigError("The report's folder does not exist", where=str(target), fix="Create the folder first.")
    return target
