import dataclasses
import re
import struct
import sys
import zlib
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from gatecast.app.report import draw, require_matplotlib, save_chart
from gatecast.errors import ConfigError

pytest.importorskip("matplotlib")

from gatecast.app.page import save_page


class Tags(HTMLParser):
    """Whether tags close in order, and which ids there are."""

    VOID = frozenset(("meta", "link", "br"))

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.seen = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def png_pixels(data):
    """Width, height and distinct bytes of a PNG's decompressed rows; every check sum is verified."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, packed, size, kind = 8, b"", None, b""
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length : place + 12 + length])[0] == zlib.crc32(kind + body)
        size = struct.unpack(">II", body[:8]) if kind == b"IHDR" else size
        packed += body if kind == b"IDAT" else b""
        place += 12 + length
    assert kind == b"IEND"
    return *size, len(set(zlib.decompress(packed)))


def test_png(make_result, tmp_path):
    save_chart(make_result(), tmp_path / "a.png")
    width, height, distinct = png_pixels((tmp_path / "a.png").read_bytes())
    assert (width, height) == (1600, 832)
    assert distinct > 16


def test_svg(make_result, tmp_path):
    save_chart(make_result(), tmp_path / "a.svg")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 20


@pytest.mark.parametrize("save", [save_chart, save_page])
def test_same_result_same_bytes(make_result, tmp_path, save):
    paths = [tmp_path / f"{name}.svg" for name in "ab"]
    for path in paths:
        save(make_result(), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_page(make_result, tmp_path):
    save_page(make_result(target="A & B <i>"), tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text("utf-8")
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert len(set(tags.ids)) == len(tags.ids) > 20
    assert tags.seen.count("svg") == 2
    assert tags.seen.count("table") == 2
    assert "<h1>A &amp; B &lt;i&gt;: 12 steps ahead</h1>" in text
    assert "error is 50 % smaller than seasonal naive" in text
    assert "<td>seasonal naive</td><td>8.000</td>" in text
    assert "<td>1961-12-01</td>" in text


def test_page_needs_nothing_else(make_result, tmp_path):
    save_page(make_result(), tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text("utf-8")
    assert not re.search(r"<(script|link|img|iframe)\b|@import|\bsrc=", text)
    outside = {url for url in re.findall(r'https?://[^"\s<]+', text) if not url.startswith("http://www.w3.org/")}
    assert outside == set()


def test_page_follows_light_and_dark(make_result, tmp_path):
    save_page(make_result(), tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text("utf-8")
    svg = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    # Every colour of the picture is one of the page's.
    assert not re.findall(r"(?:fill|stroke): ?#\w+", svg)
    assert {"--ink", "--faint", "--grid", "--model", "--naive"} == set(re.findall(r"var\((--\w+)\)", svg))
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport" content="width=device-width' in text


def test_every_reference_has_its_target(make_result, tmp_path):
    save_page(make_result(), tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text("utf-8")
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
    assert used
    assert used <= set(re.findall(r'\bid="([^"]+)"', text))


@pytest.mark.parametrize(
    "options",
    [
        {"h": 1},
        {"h": 200},
        {"evaluated": False},
        {"dated": False},
        {"levels": ()},
        {"levels": (97.5,)},
        {"levels": (50, 60, 70, 80, 90)},
        {"target": "价格 in $US and $A"},
        {"target": "x" * 300},
    ],
)
def test_what_a_chart_must_stand(make_result, tmp_path, options):
    save_chart(make_result(**options), tmp_path / "a.png")
    assert png_pixels((tmp_path / "a.png").read_bytes())[:2] == (1600, 832)


def test_gaps_and_constants(make_result, tmp_path):
    result = make_result()
    values = np.full_like(result.values, 7.0)
    values[50:70] = np.nan
    save_chart(dataclasses.replace(result, values=values), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_pyplot_stays_out_of_it(make_result):
    before = "matplotlib.pyplot" in sys.modules
    draw(make_result(), size=(10, 5))
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_chart_shows_history_both_models_and_intervals(make_result):
    figure = draw(make_result(), size=(10, 5))
    (axes,) = figure.axes
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["history", "95 % interval", "80 % interval", "seasonal naive", "LSTM"]
    assert [text.get_text() for text in axes.texts][:2] == ["test", "forecast"]
    # Two intervals for the forecast, and for each of the two forecasts that the test part consists of.
    assert len(axes.collections) == 6


def test_without_matplotlib(monkeypatch):
    monkeypatch.setattr("gatecast.app.report.find_spec", lambda _: None)
    with pytest.raises(ConfigError) as error:
        require_matplotlib()
    said = '--plot needs matplotlib, which is not installed. Install it: pip install "gatecast[plot]"'
    assert str(error.value) == said
