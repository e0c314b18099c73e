"""Sections as HTML: everything is escaped here, and charts go into one block of JSON that `page.js` draws."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from gatecast.plotting.plotly_backend import figure, scale
from gatecast.plotting.spec import DARK, LIGHT
from gatecast.reporting.blocks import Choice, Code, Explorer, FactList, Figure, Paragraph, Part, Section, Table
from gatecast.reporting.chart_json import Encoder, dumps, split

__all__ = ["page"]

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
<a class="skip" href="#main">Skip to the content</a>
<header>
<h1>{title}</h1>
<button id="theme" type="button" aria-pressed="false">Dark</button>
</header>
<nav aria-label="Sections"><ul>{links}</ul></nav>
<main id="main">
<noscript><p>The charts need JavaScript; the tables do not.</p></noscript>
{sections}
</main>
<footer>{footer}</footer>
<script type="application/json" id="figures">{data}</script>
<script>{plotly}</script>
<script>{script}</script>
</body>
</html>
"""


class Pool:
    """Charts of a page, as they are collected.

    Args:
        encoder: For their arrays.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.figures: list[Any] = []
        self.templates: dict[str, int] = {}
        self.explorer: dict[str, Any] | None = None

    def add(self, one: Figure) -> int:
        """A chart that is drawn as it is; its number."""
        self.figures.append(self.encoder.figure(figure(one.chart)))
        return len(self.figures) - 1

    def slotted(self, one: Figure) -> list[Any]:
        """A chart of one of many series: number of its template, its arrays, and its words."""
        bare, slots = split(figure(one.chart))
        # The titles of a template are those of the first series.
        key = json.dumps(bare, sort_keys=True)
        number = self.templates.setdefault(key, len(self.templates))
        return [number, [self.encoder.figure(slot) for slot in slots], one.chart.alternative]

    def data(self) -> dict[str, Any]:
        """All of it."""
        templates = [json.loads(key) for key in self.templates]
        return {
            "grid": self.encoder.head(),
            "figures": self.figures,
            "templates": templates,
            "explorer": self.explorer,
        }


def page(title: str, sections: Sequence[Section], plotly: str, version: str, times: Any = None) -> str:
    """The page.

    Args:
        title: Its heading.
        sections: What it holds, in order.
        plotly: The library that draws, as text.
        version: Of gatecast.
        times: (N,) times of most charts; see `Encoder`.
    """
    pool = Pool(Encoder(times))
    body = "\n".join(_section(section, pool) for section in sections)
    links = "".join(f'<li><a href="#{one.key}">{escape(one.title)}</a></li>' for one in sections)
    return PAGE.format(
        version=escape(version),
        title=escape(title),
        style=_style(),
        links=links,
        sections=body,
        footer=f"Written by gatecast {escape(version)}. This page needs no network.",
        data=dumps(pool.data()),
        # The library holds no such end today; should it ever, the page must not break.
        plotly=plotly.replace("</script", "<\\/script"),
        script=_file("page.js"),
    )


def _style() -> str:
    """The style sheet with the colours of both worlds."""
    light, dark = scale(LIGHT), scale(DARK)
    colours = (
        f":root {{ color-scheme: light; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ color-scheme: dark; {dark} }} }}\n"
        f":root[data-theme=dark] {{ color-scheme: dark; {dark} }}\n"
        f"@media print {{ :root, :root[data-theme], :root:not([data-theme=light]) {{ color-scheme: light; "
        f"{light} }} }}\n"
    )
    return colours + _file("page.css")


def _file(name: str) -> str:
    """Text that lies beside this file."""
    return files("gatecast.reporting").joinpath("assets").joinpath(name).read_text(encoding="utf-8")


def _section(section: Section, pool: Pool) -> str:
    """A section with its heading."""
    inside = "\n".join(_part(part, pool) for part in section.parts)
    head = f'<h2 id="{section.key}-title">{escape(section.title)}</h2>'
    return f'<section id="{section.key}" aria-labelledby="{section.key}-title">\n{head}\n{inside}\n</section>'


def _part(part: Part, pool: Pool) -> str:
    """Anything that a section holds."""
    if isinstance(part, Paragraph):
        return f"<p{' class=loud' if part.loud else ''}>{escape(part.text)}</p>"
    if isinstance(part, FactList):
        pairs = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(fact)}</dd></div>" for name, fact in part.pairs)
        return f"<dl{' class=large' if part.large else ''}>{pairs}</dl>"
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Code):
        return f'<pre tabindex="0"><code>{escape(part.text)}</code></pre>'
    if isinstance(part, Figure):
        return _figure(part, pool)
    return _choice(part, pool) if isinstance(part, Choice) else _explorer(part, pool)


def _table(part: Table) -> str:
    """A table that scrolls by itself on narrow screens."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in part.grid.columns)
    rows = []
    for first, *others in part.grid.rows:
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in others)
        rows.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    caption = escape(part.caption)
    inside = (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{caption}"><table>'
        + ("" if part.folded else f"<caption>{caption}</caption>")
        + f"<thead><tr>{head}</tr></thead>\n<tbody>\n"
        + "\n".join(rows)
        + "\n</tbody></table></div>"
    )
    return f"<details><summary>{caption}</summary>{inside}</details>" if part.folded else inside


def _figure(part: Figure, pool: Pool) -> str:
    """A chart's title, its place, and the sentence below."""
    return _frame(part, part.chart.title, f'data-figure="{pool.add(part)}"')


def _frame(part: Figure, title: str, which: str) -> str:
    """The place of a chart."""
    chart = part.chart
    note = f'<p class="note">{escape(chart.note)}</p>' if chart.note else ""
    caption = f"<p class=note>{escape(part.caption)}</p>" if part.caption else ""
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>{note}"
        f'<div class="chart" role="img" aria-label="{escape(chart.alternative)}" {which} '
        f'style="height:{part.height}px"></div>{caption}</figure>'
    )


def _choice(part: Choice, pool: Pool) -> str:
    """A list to choose from, and the charts, all but the first hidden."""
    shown = list(part.figures.items())
    if len(shown) == 1:
        return _figure(shown[0][1], pool)
    first = len(pool.figures)
    options = "".join(f'<option value="{k}">{escape(name)}</option>' for k, (name, _) in enumerate(shown))
    figures = "\n".join(
        f'<div class="option"{" hidden" if k else ""}>{_figure(one, pool)}</div>' for k, (_, one) in enumerate(shown)
    )
    label = f'<label for="choice{first}">{escape(part.label)}</label>'
    controls = f'<p class="controls">{label} <select id="choice{first}">{options}</select></p>'
    return f'<div class="choice">{controls}{figures}</div>'


def _explorer(part: Explorer, pool: Pool) -> str:
    """A search over all series, and the charts of the one that is looked at."""
    orders = {name: list(map(int, order)) for name, order in part.orders.items()}
    pool.explorer = {
        "names": list(part.names),
        "columns": [list(column) for column in part.columns.values()],
        "orders": orders,
        "kept": {str(k): [one.facts, *map(pool.slotted, one.figures)] for k, one in part.kept.items()},
    }
    options = "".join(f'<option value="{escape(name)}">{escape(name)}</option>' for name in orders)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in part.columns)
    first = next(iter(part.kept.values()))
    pairs = enumerate(zip(first.figures, part.titles, strict=True))
    frames = "\n".join(_frame(one, title, f'data-part="{k}"') for k, (one, title) in pairs)
    return f"""<div id="explorer">
<p>{escape(part.words)}</p>
<p class="controls"><label for="search">Find a series</label> <input id="search" type="search" autocomplete="off">
<label for="order">Order</label> <select id="order">{options}</select></p>
<p id="found" class="note" role="status" aria-live="polite"></p>
<div class="scroll tall" tabindex="0" role="group" aria-label="Series"><table>
<thead><tr><th scope="col">series</th>{head}</tr></thead>
<tbody id="rows"></tbody></table></div>
<p class="controls"><button id="more" type="button" hidden>Show more</button></p>
<h3 id="chosen" tabindex="-1"></h3>
<p id="facts"></p>
{frames}
</div>"""
