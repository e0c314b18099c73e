"""Sections as one HTML page: this module escapes every text, and collects charts as JSON that `page.js` draws."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from gatecast._utils.html import with_security_policy
from gatecast.plotting.plotly_backend import FONT_FAMILY, css_variables, to_plotly
from gatecast.plotting.spec import DARK, LIGHT
from gatecast.reporting.blocks import (
    Block,
    Choice,
    Code,
    Explorer,
    FactList,
    Figure,
    Paragraph,
    Section,
    SeriesBlock,
    SeriesView,
    Table,
)
from gatecast.reporting.chart_json import Encoder, to_json

__all__ = ["render_page"]

PAGE = """<!DOCTYPE html>
<html lang="en">
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
<a class="skip" href="#main">Skip to content</a>
<header>
<h1>{title}</h1>
<button id="theme" type="button" aria-pressed="false">Dark</button>
</header>
<nav aria-label="Sections"><ul>{links}</ul></nav>
<main id="main">
<noscript><p>Charts and the list of series need JavaScript.</p></noscript>
{sections}
</main>
<footer>{footer}</footer>
<script type="application/json" id="figures">{data}</script>
<script>{plotly}</script>
<script>{script}</script>
</body>
</html>
"""

EXPLORER = """<div id="explorer">
<p>{note}</p>
<p class="controls"><label for="search">Find a series</label> <input id="search" type="search" autocomplete="off">
<label for="order">Order</label> <select id="order">{options}</select></p>
<p id="hits" class="note" role="status" aria-live="polite"></p>
<div class="scroll tall" tabindex="0" role="group" aria-label="Series"><table>
<thead><tr><th scope="col">series</th>{head}</tr></thead>
<tbody id="rows"></tbody></table></div>
<p class="controls"><button id="more" type="button" hidden>Show more</button></p>
<h3 id="selected" tabindex="-1"></h3>
</div>"""


class PageData:
    """Charts and series of a page, collected for its JSON.

    Args:
        encoder: Encoder of the arrays.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.figures: list[Any] = []
        self.templates: dict[str, int] = {}
        self.explorer: dict[str, Any] | None = None
        self.views: dict[str, Any] = {}

    def add_figure(self, figure: Figure) -> int:
        """Add a chart with a fixed place on the page; return its index."""
        self.figures.append(self.encoder.encode(to_plotly(figure.chart)))
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

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "grid": self.encoder.encode_grid(),
            "figures": self.figures,
            "templates": [json.loads(template) for template in self.templates],
            "explorer": self.explorer,
            "views": self.views,
        }

    def _to_json(self, block: SeriesBlock) -> dict[str, Any]:
        """Convert a block that `page.js` builds."""
        if isinstance(block, Paragraph):
            return {"text": block.text}
        if isinstance(block, Table):
            return {"table": [block.caption, block.cells.columns, block.cells.rows, block.collapsed]}
        if isinstance(block, Choice):
            options = [[name, self._slotted(figure)] for name, figure in block.figures.items()]
            return {"choice": [block.label, options]}
        return {"figure": self._slotted(block)}

    def _slotted(self, figure: Figure) -> list[Any]:
        """Convert a chart that may share its template with charts of other series."""
        chart = figure.chart
        template, slots = self.encoder.split(to_plotly(chart))
        index = self.templates.setdefault(json.dumps(template, sort_keys=True), len(self.templates))
        return [index, slots, chart.title, chart.alt_text, chart.note, figure.caption, figure.height]


def render_page(title: str, sections: Sequence[Section], plotly: str, version: str, times: Any = None) -> str:
    """Render a page.

    Args:
        title: Heading of the page.
        sections: Sections in order.
        plotly: Source of plotly.js.
        version: Version of gatecast.
        times: Times of most charts [N]; see `Encoder`.
    """
    data = PageData(Encoder(times))
    body = "\n".join(_render_section(section, data) for section in sections)
    links = "".join(f'<li><a href="#{section.key}">{escape(section.title)}</a></li>' for section in sections)
    page = PAGE.format(
        version=escape(version),
        title=escape(title),
        style=_style(),
        links=links,
        sections=body,
        footer=f"Created by gatecast {escape(version)}. This page works offline.",
        data=to_json(data.to_dict()),
        # plotly.js does not contain this tag today; if it ever does, the page must not break.
        plotly=plotly.replace("</script", "<\\/script"),
        script=_asset("page.js"),
    )
    return with_security_policy(page)


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
        return f"<p{' class=large-text' if block.large else ''}>{escape(block.text)}</p>"
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
    return _render_explorer(block, data) if isinstance(block, Explorer) else _render_view(block, data)


def _render_table(table: Table) -> str:
    """Render a table that scrolls on narrow screens."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.cells.columns)
    rows = []
    for first, *others in table.cells.rows:
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in others)
        rows.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    caption = escape(table.caption)
    html = (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{caption}"><table>'
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
        f'style="height:{figure.height}px"></div>{caption}</figure>'
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
    return EXPLORER.format(note=escape(explorer.note), options=options, head=head)


def _render_view(view: SeriesView, data: PageData) -> str:
    """Render the place of content that follows the selected series; `page.js` fills it."""
    data.add_view(view)
    heading = ""
    if view.key != "charts":
        link = '<a href="#series">Select another series</a>'
        heading = f'<p class="series-name">Series <strong data-selected></strong> <span class="note">{link}</span></p>'
    return f'{heading}<div class="view" data-view="{escape(view.key)}"></div>'
