"""Sections as one HTML page: this module escapes every text, and collects charts as JSON that `charts.js` draws."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.formatting import format_times
from gatecast._utils.html import with_security_policy
from gatecast.plotting.plotly_backend import FONT_FAMILY, css_variables
from gatecast.plotting.spec import DARK, LIGHT
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
    SeriesBlock,
    SeriesView,
    Table,
)
from gatecast.reporting.chart_data import to_data
from gatecast.reporting.chart_json import Encoder, to_json
from gatecast.reporting.language import Translator
from gatecast.reporting.language.blocks import translate_section

__all__ = ["Heading", "render_page"]

PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="gatecast {version}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">{skip}</a>
<header>
<div><h1>{title}</h1>
{facts}</div>
<button id="theme" type="button" aria-pressed="false">{dark}</button>
</header>
<nav aria-label="{nav}"><ul>{links}</ul></nav>
<main id="main">
<noscript><p>{noscript}</p></noscript>
{sections}
</main>
<footer>{footer}</footer>
<script type="application/json" id="figures">{data}</script>
<script>{script}</script>
</body>
</html>
"""

EXPLORER = """<div id="explorer">
<p>{note}</p>
<p class="controls"><label for="search">{find}</label> <input id="search" type="search" autocomplete="off">
<label for="order">{order}</label> <select id="order">{options}</select></p>
<p id="hits" class="note" role="status" aria-live="polite"></p>
<div class="scroll tall" tabindex="0" role="group" aria-label="{series}"><table>
<thead><tr><th scope="col">{name}</th>{head}</tr></thead>
<tbody id="rows"></tbody></table></div>
<p class="controls"><button id="more" type="button" hidden>{more}</button></p>
<h3 id="selected" tabindex="-1"></h3>
</div>"""

SCRIPT_TEXTS = {
    "dark": "Dark",
    "light": "Light",
    "use_dark": "Use dark colors",
    "use_light": "Use light colors",
}
"""Texts of `page.js`."""

MAX_NARROW = 3
"""Columns after the first one of a table that fits a phone; the rows of a wider one become cards there."""

MAX_SHORT = 16
"""Characters of a first column that is not wrapped: times above all."""

SERIAL_OF_1970, FIRST_SERIAL = 25_569, 61
"""Days since 1970 as a spreadsheet counts them, and 1 March 1900: before it spreadsheets count a day that was not."""


class Heading(NamedTuple):
    """What stands at the top of a page.

    Args:
        title: Heading of the page.
        facts: Names and values: what, when, from which data.
    """

    title: str
    facts: Sequence[tuple[str, str]] = ()


class PageData:
    """Charts and series of a page, collected for its JSON.

    Args:
        encoder: Encoder of the arrays.
        translator: Language of the page.
    """

    def __init__(self, encoder: Encoder, translator: Translator) -> None:
        self.encoder, self.translator = encoder, translator
        self.figures: list[Any] = []
        self.templates: dict[str, int] = {}
        self.explorer: dict[str, Any] | None = None
        self.views: dict[str, Any] = {}
        self.forecast: dict[str, Any] | None = None

    def add_figure(self, figure: Figure) -> int:
        """Add a chart with a fixed place on the page; return its index."""
        self.figures.append(self.encoder.encode(to_data(figure.chart)))
        return len(self.figures) - 1

    def add_explorer(self, explorer: Explorer) -> None:
        """Add the table of series."""
        self.explorer = {
            "names": list(explorer.names),
            "columns": [list(column) for column in explorer.columns.values()],
            "orders": {name: list(map(int, order)) for name, order in explorer.orders.items()},
        }

    def add_view(self, view: SeriesView) -> None:
        """Add content that follows the selected series."""
        blocks = {str(s): [self._to_json(block) for block in blocks] for s, blocks in view.blocks.items()}
        self.views[view.key] = {"missing": view.missing, "blocks": blocks}

    def add_download(self, files: Download) -> None:
        """Add the numbers of the forecast, without rounding."""
        times, index = np.unique(files.times, return_inverse=True)
        small = index.astype("u2" if len(times) < 1 << 16 else "u4")
        self.forecast = {
            "ids": [[name, list(values)] for name, values in files.ids.items()],
            "time": files.time_col,
            "times": format_times(times),
            "serials": _serials(times),
            "index": self.encoder.encode_bytes(small),
            "names": list(files.numbers),
            "numbers": [self.encoder.encode_exact(values) for values in files.numbers.values()],
            "levels": list(files.levels),
            "series": list(files.series),
            "h": files.horizon,
            "file": re.sub(r"[^\w.-]+", "-", files.file).strip("-.") or "forecast",
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "grid": self.encoder.encode_grid(),
            "figures": self.figures,
            "templates": [json.loads(template) for template in self.templates],
            "explorer": self.explorer,
            "views": self.views,
            "forecast": self.forecast,
            "texts": {key: self.translator.translate(text) for key, text in SCRIPT_TEXTS.items()}
            | {
                "hits": self.translator.template("{n} of {n_all} series, {n_charted} with charts"),
                "range": self.translator.template("{n_low} to {n_high}"),
            },
        }

    def _to_json(self, block: SeriesBlock) -> dict[str, Any]:
        """Convert a block that `page.js` builds."""
        if isinstance(block, Paragraph):
            return {"text": block.text}
        if isinstance(block, Table):
            return {"table": [block.caption, block.cells.columns, block.cells.rows, block.collapsed]}
        if isinstance(block, ForecastOfSeries):
            return {"forecast": block.caption}
        if isinstance(block, Choice):
            options = [[name, self._slotted(figure)] for name, figure in block.figures.items()]
            return {"choice": [block.label, options]}
        return {"figure": self._slotted(block)}

    def _slotted(self, figure: Figure) -> list[Any]:
        """Convert a chart that may share its template with charts of other series."""
        chart = figure.chart
        template, slots = self.encoder.split(to_data(chart))
        index = self.templates.setdefault(json.dumps(template, sort_keys=True), len(self.templates))
        return [index, slots, chart.title, chart.alt_text, chart.note, figure.caption, figure.height]


def render_page(
    heading: Heading, sections: Sequence[Section], version: str, times: Any = None, language: str = "en"
) -> str:
    """Render a page.

    Args:
        heading: Title of the page and what it is about.
        sections: Sections in order, in English.
        version: Version of gatecast.
        times: Times of most charts [N]; see `Encoder`.
        language: Language of the page.
    """
    translator = Translator(language)
    translate = translator.translate
    data = PageData(Encoder(times), translator)
    translated = [translate_section(section, translator) for section in sections]
    body = "\n".join(_render_section(section, data) for section in translated)
    links = "".join(f'<li><a href="#{section.key}">{escape(section.title)}</a></li>' for section in translated)
    pairs = "".join(
        f"<div><dt>{escape(translate(name))}</dt><dd>{escape(translate(value))}</dd></div>"
        for name, value in heading.facts
    )
    hint = translate("Drag across a chart to zoom in, and double-click it to go back.")
    page = PAGE.format(
        lang={"zh": "zh-CN"}.get(language, language),
        version=escape(version),
        title=escape(translate(heading.title)),
        facts=f'<dl class="facts">{pairs}</dl>' if pairs else "",
        style=_style(),
        links=links,
        sections=body,
        skip=escape(translate("Skip to content")),
        dark=escape(translate("Dark")),
        nav=escape(translate("Sections")),
        noscript=escape(translate("Charts, files and the list of series need JavaScript.")),
        footer=escape(f"{translate(f'Created by gatecast {version}. This page works offline.')} {hint}"),
        data=to_json(data.to_dict()),
        script=_asset("charts.js") + _asset("files.js") + _asset("page.js"),
    )
    return with_security_policy(page)


def _serials(times: Any) -> list[float | None] | None:
    """Return times as the dates of a spreadsheet, None where it has none; None for integers."""
    if times.dtype.kind != "M":
        return None
    days = times.astype("M8[us]").astype(np.int64) / 86_400_000_000 + SERIAL_OF_1970
    return [round(day, 9) if day >= FIRST_SERIAL else None for day in days.tolist()]


def _style() -> str:
    """Return the style sheet with fonts and the colors of both schemes."""
    light, dark = css_variables(LIGHT), css_variables(DARK)
    variables = (
        f":root {{ --font: {FONT_FAMILY}; color-scheme: light; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ color-scheme: dark; {dark} }} }}\n"
        f":root[data-theme=dark] {{ color-scheme: dark; {dark} }}\n"
        f"@media print {{ :root, :root[data-theme], :root:not([data-theme=light]) {{ color-scheme: light; "
        f"{light} }} }}\n"
    )
    return variables + _asset("page.css")


def _asset(name: str) -> str:
    """Return the text of a file in the assets folder."""
    return files("gatecast.reporting").joinpath("assets").joinpath(name).read_text(encoding="utf-8")


def _render_section(section: Section, data: PageData) -> str:
    """Render a section with its heading."""
    content = "\n".join(_render_block(block, data) for block in section.blocks)
    heading = f'<h2 id="{section.key}-title">{escape(section.title)}</h2>'
    return f'<section id="{section.key}" aria-labelledby="{section.key}-title">\n{heading}\n{content}\n</section>'


def _render_block(block: Block, data: PageData) -> str:
    """Render a block."""
    if isinstance(block, Paragraph):
        language = "" if data.translator.is_translated(block.text) else ' lang="en"'
        return f"<p{' class=large-text' if block.large else ''}{language}>{escape(block.text)}</p>"
    if isinstance(block, FactList):
        pairs = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in block.pairs)
        return f"<dl{' class=large' if block.large else ''}>{pairs}</dl>"
    if isinstance(block, Table):
        return _render_table(block)
    if isinstance(block, Code):
        return f'<pre tabindex="0"><code>{escape(block.text)}</code></pre>'
    if isinstance(block, Figure):
        return _render_figure(block, data)
    if isinstance(block, Choice):
        return _render_choice(block, data)
    if isinstance(block, Download):
        return _render_download(block, data)
    return _render_explorer(block, data) if isinstance(block, Explorer) else _render_view(block, data)


def _render_table(table: Table) -> str:
    """Render a table that scrolls on narrow screens."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.cells.columns)
    rows = []
    kinds = ["wide"] * (len(table.cells.columns) > MAX_NARROW + 1)
    kinds += ["short"] * all(len(row[0]) <= MAX_SHORT for row in table.cells.rows)
    kind = f' class="{" ".join(kinds)}"' if kinds else ""
    names = [escape(name) for name in table.cells.columns[1:]]
    for first, *others in table.cells.rows:
        pairs = zip(names, others, strict=True)
        cells = "".join(f'<td data-label="{name}">{escape(cell)}</td>' for name, cell in pairs)
        rows.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    caption = escape(table.caption)
    html = (
        f'<div class="scroll{" tall" if table.tall else ""}" tabindex="0" role="group" aria-label="{caption}">'
        f"<table{kind}>"
        + ("" if table.collapsed else f"<caption>{caption}</caption>")
        + f"<thead><tr>{head}</tr></thead>\n<tbody>\n"
        + "\n".join(rows)
        + "\n</tbody></table></div>"
    )
    return f"<details><summary>{caption}</summary>{html}</details>" if table.collapsed else html


def _render_figure(figure: Figure, data: PageData) -> str:
    """Render the frame of a chart: title, note, the element that `page.js` draws into, caption."""
    chart = figure.chart
    note = f'<p class="note">{escape(chart.note)}</p>' if chart.note else ""
    caption = f'<p class="note">{escape(figure.caption)}</p>' if figure.caption else ""
    return (
        f"<figure><figcaption>{escape(chart.title)}</figcaption>{note}"
        f'<div class="chart" role="img" aria-label="{escape(chart.alt_text)}" data-figure="{data.add_figure(figure)}" '
        f'data-height="{figure.height}" style="min-height:{figure.height}px"></div>{caption}</figure>'
    )


def _render_choice(choice: Choice, data: PageData) -> str:
    """Render a selection and its charts, all but the first hidden."""
    if len(choice.figures) == 1:
        return _render_figure(next(iter(choice.figures.values())), data)
    key = f"choice{len(data.figures)}"
    options = "".join(f'<option value="{k}">{escape(name)}</option>' for k, name in enumerate(choice.figures))
    figures = "\n".join(
        f'<div class="option"{" hidden" if k else ""}>{_render_figure(figure, data)}</div>'
        for k, figure in enumerate(choice.figures.values())
    )
    label = f'<label for="{key}">{escape(choice.label)}</label>'
    controls = f'<p class="controls">{label} <select id="{key}">{options}</select></p>'
    return f'<div class="choice">{controls}{figures}</div>'


def _render_explorer(explorer: Explorer, data: PageData) -> str:
    """Render the table of series; `page.js` fills in its rows."""
    data.add_explorer(explorer)
    options = "".join(f'<option value="{escape(name)}">{escape(name)}</option>' for name in explorer.orders)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in explorer.columns)
    names = {"find": "Find a series", "order": "Order", "series": "Series", "name": "series", "more": "Show more"}
    texts = {key: escape(data.translator.translate(text)) for key, text in names.items()}
    return EXPLORER.format(note=escape(explorer.note), options=options, head=head, **texts)


def _render_download(files: Download, data: PageData) -> str:
    """Render the buttons that make the files."""
    data.add_download(files)
    translate = data.translator.translate
    buttons = " ".join(
        f'<button type="button" data-download="{kind}">{escape(translate(f"Download {kind.upper()}"))}</button>'
        for kind in ("csv", "xlsx")
    )
    note = f'<p class="note">{escape(files.note)}</p>'
    return f'<div class="files" hidden><p class="controls">{buttons}</p>{note}</div>'


def _render_view(view: SeriesView, data: PageData) -> str:
    """Render the place of content that follows the selected series; `page.js` fills it."""
    data.add_view(view)
    heading = ""
    if view.key != "charts":
        translate = data.translator.translate
        link = f'<a href="#series">{escape(translate("Select another series"))}</a>'
        name = f"{escape(translate('Series'))} <strong data-selected></strong>"
        heading = f'<p class="series-name">{name} <span class="note">{link}</span></p>'
    return f'{heading}<div class="view" data-view="{escape(view.key)}"></div>'
