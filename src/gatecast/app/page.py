"""The report as one HTML page that needs nothing else: verdict, chart, scores, forecast, what they came from.

The chart is drawn twice, for wide and for narrow screens; its colours are variables of the style sheet, so
that it follows the reader's choice of light or dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

from gatecast.app.facts import Grid, facts, forecast_grid, score_grid
from gatecast.app.report import Colours, draw, quietly, title
from gatecast.app.result import Result

__all__ = ["save_page"]

# Stand-ins that matplotlib writes and we replace; black would be left out of an SVG.
STAND_INS = Colours("none", "#010101", "#010102", "#010103", "#010104", "#010105")

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --grid: #e4e8ec;
  --model: #0072b2; --naive: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1;
  --grid: #2a313a; --model: #56b4e9; --naive: #e69f00; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 3rem;
  background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.verdict { font-size: 1.1rem; margin: 0 0 1rem; }
figure { margin: 0; }
svg { display: block; width: 100%; height: auto; }
.narrow { display: none; }
@media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; } }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--grid); }
th { color: var(--faint); font-weight: 600; font-size: .875rem; }
th:first-child, td:first-child { text-align: left; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 2.5rem; color: var(--faint); font-size: .875rem; }
"""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="gatecast {version}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{verdict}
<figure>
<div class="wide">{wide}</div>
<div class="narrow">{narrow}</div>
</figure>
{scores}
<h2>Forecast</h2>
{forecast}
<h2>What it was made of</h2>
<dl>{facts}</dl>
</main>
<footer>gatecast {version}, seed {seed}</footer>
</body>
</html>
"""


def save_page(result: Result, path: Path) -> None:
    """Write the page.

    Args:
        result: What it tells.
        path: Where to.
    """
    from gatecast import __version__

    evaluation, scores = result.evaluation, ""
    if evaluation is not None:
        scores = "<h2>On the test part</h2>\n" + _table(score_grid(evaluation))
    text = PAGE.format(
        version=escape(__version__),
        style=STYLE,
        title=escape(title(result)),
        verdict="" if evaluation is None else f'<p class="verdict">{escape(evaluation.verdict)}</p>',
        wide=_picture(result, (9.4, 4.6), "wide"),
        narrow=_picture(result, (4.6, 4.8), "narrow"),
        scores=scores,
        forecast=_table(forecast_grid(result)),
        facts=_pairs([("file", result.file), *facts(result)]),
        seed=result.seed,
    )
    path.write_text(text, encoding="utf-8")


def _picture(result: Result, size: tuple[float, float], name: str) -> str:
    """The chart as an SVG element whose colours are the page's."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), quietly():
        figure = draw(result, size=size, colours=STAND_INS, titled=False)
        figure.savefig(out, format="svg", metadata={"Date": None}, transparent=True)
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for field, colour in zip(STAND_INS._fields, STAND_INS, strict=True):
        if colour != "none":
            svg = svg.replace(colour, f"var(--{field})")
    # Two pictures on one page must not share names.
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    # Verdana is as wide as the font that matplotlib measured with.
    svg = re.sub(r"font-family: '[^;\"]*", "font-family: Verdana, 'DejaVu Sans', sans-serif", svg)
    label = escape(title(result), quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).strip()


def _table(grid: Grid) -> str:
    """A grid as a table that scrolls by itself on narrow screens."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in grid.header)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in grid.rows)
    head = f"<thead><tr>{head}</tr></thead>"
    return f'<div class="scroll"><table>\n{head}\n<tbody>\n{body}\n</tbody></table></div>'


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and facts as a list of terms."""
    return "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>" for name, fact in pairs)
