"""Sections in the language of a page: which texts of a block are translated, and which are names or numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gatecast.plotting.spec import Bars, Chart, Points, VerticalLines
from gatecast.reporting.blocks import (
    Block,
    Choice,
    Code,
    Download,
    Explorer,
    FactList,
    Figure,
    ForecastOfSeries,
    Paragraph,
    Section,
    SeriesView,
    Table,
)
from gatecast.reporting.language import Translator

__all__ = ["translate_section"]


def translate_section(section: Section, translator: Translator) -> Section:
    """Return a section in the language of the translator."""
    if translator.language == "en":
        return section
    return section._replace(
        title=translator.translate(section.title),
        blocks=tuple(_translate(block, translator) for block in section.blocks),
    )


def _translate(block: Any, translator: Translator) -> Any:
    """Return a block in the language of the translator."""
    return _BLOCKS[type(block)](block, translator)


def _paragraph(block: Paragraph, t: Translator) -> Block:
    """Translate a paragraph."""
    return block._replace(text=t.translate(block.text))


def _facts(block: FactList, t: Translator) -> Block:
    """Translate names and values."""
    return block._replace(pairs=[(t.translate(name), t.translate(value)) for name, value in block.pairs])


def _table(block: Table, t: Translator) -> Block:
    """Translate caption, header, and the words among the cells."""
    columns = tuple(t.translate(name) for name in block.cells.columns)
    rows = [tuple(t.translate_cell(cell) for cell in row) for row in block.cells.rows]
    return block._replace(caption=t.translate(block.caption), cells=block.cells._replace(columns=columns, rows=rows))


def _figure(block: Figure, t: Translator) -> Figure:
    """Translate a chart and its caption."""
    return block._replace(chart=_chart(block.chart, t), caption=t.translate(block.caption))


def _chart(chart: Chart, t: Translator) -> Chart:
    """Translate the texts of a chart."""
    return replace(
        chart,
        title=t.translate(chart.title),
        marks=tuple(_mark(mark, t) for mark in chart.marks),
        note=t.translate(chart.note),
        description=t.translate(chart.description),
        x_label=t.translate(chart.x_label),
        y_labels=tuple(t.translate(label) for label in chart.y_labels),
    )


def _mark(mark: Any, t: Translator) -> Any:
    """Translate the legend entry and the labels of a mark."""
    if isinstance(mark, VerticalLines):
        return mark._replace(names=tuple(t.translate(name) for name in mark.names))
    if hasattr(mark, "name"):
        mark = mark._replace(name=t.translate(mark.name))
    if isinstance(mark, Bars):
        return mark._replace(labels=tuple(t.translate_cell(label) for label in mark.labels))
    if isinstance(mark, Points):
        return mark._replace(hover_texts=tuple(t.translate(text) for text in mark.hover_texts))
    return mark


def _choice(block: Choice, t: Translator) -> Block:
    """Translate label, options and charts."""
    figures = {t.translate(name): _figure(figure, t) for name, figure in block.figures.items()}
    return block._replace(label=t.translate(block.label), figures=figures)


def _explorer(block: Explorer, t: Translator) -> Block:
    """Translate all but the names of the series."""
    return block._replace(
        columns={t.translate(name): column for name, column in block.columns.items()},
        orders={t.translate(name): order for name, order in block.orders.items()},
        note=t.translate(block.note),
    )


def _view(block: SeriesView, t: Translator) -> Block:
    """Translate the content of every series."""
    blocks = {s: [_translate(item, t) for item in content] for s, content in block.blocks.items()}
    return block._replace(blocks=blocks, missing=t.translate(block.missing))


def _unchanged(block: Any, _: Translator) -> Any:
    """Return source code as it is."""
    return block


_BLOCKS: Mapping[type, Callable[[Any, Translator], Any]] = {
    Paragraph: _paragraph,
    FactList: _facts,
    Table: _table,
    Code: _unchanged,
    Figure: _figure,
    Choice: _choice,
    Download: lambda block, t: block._replace(note=t.translate(block.note)),
    ForecastOfSeries: lambda block, t: block._replace(caption=t.translate(block.caption)),
    Explorer: _explorer,
    SeriesView: _view,
}
