"""Reports in a browser: complete, silent, offline, on wide and narrow screens, in light and dark colors, in print.

The tests need Playwright for Python, Chromium and a font with Chinese glyphs; `make test-pages` runs them. If
PAGES_PICTURES names a folder, screenshots are saved there.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from chart_cases import make_forecast, with_values
from report_cases import HOSTILE, WINDOW, Fitted, everything

from gatecast.config import DataConfig, TrainingConfig
from gatecast.forecaster import Forecaster
from gatecast.reporting.html_report import report

CHINESE = ("上海", "北京", "广州天河城店")
WIDTHS, SCHEMES = (360, 1440), ("light", "dark")
PAPER = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
LINES = {"light": "rgb(31, 35, 40)", "dark": "rgb(230, 237, 243)"}


FUTURE = {"ds": np.arange("2023-01", "2023-05", dtype="M8[M]"), "offer": [1.0, 0.0, 0.0, 1.0]}


def fit_real():
    """Return a forecaster fitted to three series with a known column."""
    rng, months = np.random.default_rng(0), np.arange("2017-01", "2023-01", dtype="M8[M]")
    offer = (rng.random(len(months)) < 0.3) * 1.0
    sales = [20 + 5 * np.sin(np.arange(len(months)) * np.pi / 6 + k) + 4 * offer for k in range(3)]
    table = {
        "shop": np.repeat(["a", "b", "c"], len(months)),
        "ds": np.tile(months, 3),
        "offer": np.tile(offer, 3),
        "y": np.concatenate(sales) + rng.normal(0, 1, 3 * len(months)),
    }
    data, training = DataConfig(futr_exog="offer"), TrainingConfig(n_members=1, max_steps=40)
    return Forecaster(4, model="lstm", data=data, training=training).fit(table)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return reports of one series with everything, of panels, and of unusual names and times."""
    folder = tmp_path_factory.mktemp("pages")
    one, others = everything()
    values = one.panel_.values.copy()
    values[30], values[60:63] = 900.0, float("nan")
    one = Fitted(with_values(one.forecast, values))
    names = tuple(f"shop {k:03}" for k in range(120))
    chinese = Fitted(make_forecast(names=CHINESE, target="销量", id_col="门店"))
    return {
        "one": report(one, folder / "one.html", **others),
        "panel": report(Fitted(make_forecast(names=names)), folder / "panel.html"),
        "hostile": report(
            Fitted(make_forecast(names=HOSTILE, target="<i>y</i>")), folder / "hostile.html", title="<u>价格"
        ),
        "real": report(fit_real(), folder / "real.html", futr_df=FUTURE),
        "years": report(Fitted(make_forecast(first="9985-01", dated=True)), folder / "years.html"),
        "chinese": report(chinese, folder / "chinese.html", title="门店销量预测"),
        "zh": report(fit_real(), folder / "zh.html", futr_df=FUTURE, language="zh"),
        "one-zh": report(one, folder / "one-zh.html", **others, language="zh"),
    }


class Visit:
    """An open page, its console messages and its network requests."""

    def __init__(self, chromium, path, width=1440, scheme="light", name="", **options):
        viewport = {"width": width, "height": 900}
        self.context = chromium.new_context(viewport=viewport, color_scheme=scheme, **options)
        self.page, self.messages, self.requests = self.context.new_page(), [], []
        self.page.on("console", lambda message: self.messages.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.evaluate("gatecast.draw()")
        self.page.wait_for_timeout(200)
        if os.environ.get("PAGES_PICTURES") and name:
            target = Path(os.environ["PAGES_PICTURES"]) / f"{name}-{scheme}-{width}.png"
            self.page.screenshot(path=target, full_page=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def charts(self):
        """Return width, height and number of drawn marks of every visible chart."""
        return self.page.evaluate(
            """() => {
              const marks = ".line, .point, .bar, .heat, .band";
              const visible = [...document.querySelectorAll(".chart")].filter((chart) => !chart.closest("[hidden]"));
              return visible.map((chart) => {
                const svg = chart.querySelector(".plot"), box = svg ? svg.getBoundingClientRect() : {};
                return [box.width || 0, box.height || 0, chart.querySelectorAll(marks).length];
              });
            }"""
        )

    def overprinted(self):
        """Return pairs of labels of a chart that lie upon each other, and labels that are cut off."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll(".chart .plot")].flatMap((plot) => {
              const frame = plot.getBoundingClientRect(), boxes = [...plot.querySelectorAll("text")]
                .map((text) => [text.textContent, text.getBoundingClientRect()]).filter(([, box]) => box.width);
              const cut = boxes.filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1)
                .map(([text]) => text);
              const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3
                && b.top < a.bottom - 3;
              return [...cut, ...boxes.flatMap(([text, box], k) => boxes.slice(k + 1)
                .filter(([, other]) => meet(box, other)).map(([other]) => `${text} / ${other}`))];
            })"""
        )

    def background(self):
        """Return the color of the page."""
        return self.page.evaluate("getComputedStyle(document.body).backgroundColor")

    def line(self):
        """Return the color of the history in the first chart."""
        return self.page.evaluate(
            """() => getComputedStyle(document.querySelector(".chart .line[data-name=history]")).stroke"""
        )


SPECIAL = [
    ("hostile", "dark", 360),
    ("years", "light", 1440),
    ("chinese", "light", 1440),
    ("chinese", "dark", 360),
    ("zh", "light", 360),
    ("one-zh", "dark", 1440),
]
MAIN = [(name, scheme, width) for name in ("one", "real", "panel") for scheme in SCHEMES for width in WIDTHS]


@pytest.mark.parametrize(("name", "scheme", "width"), [*MAIN, *SPECIAL])
def test_page_is_complete_silent_and_fits_the_screen(chromium, pages, name, scheme, width):
    with Visit(chromium, pages[name], width, scheme, name) as visit:
        charts = visit.charts()
        assert len(charts) >= 6
        for wide, high, drawn in charts:
            assert 250 <= wide <= width
            assert high >= 100
            assert drawn >= 1
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert visit.page.evaluate(overflow) == 0
        assert visit.background() == PAPER[scheme]
        if not name.endswith("zh"):
            assert visit.line() == LINES[scheme]
        assert visit.overprinted() == []
        if width == WIDTHS[0]:
            wide = "[...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth).length"
            visit.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            assert visit.page.evaluate(wide) == 0
        assert visit.messages == []
        assert [url for url in visit.requests if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_button_switches_colors(chromium, pages, scheme):
    other = SCHEMES[1 - SCHEMES.index(scheme)]
    with Visit(chromium, pages["one"], scheme=scheme) as visit:
        button = visit.page.locator("#theme")
        assert button.get_attribute("aria-pressed") == str(scheme == "dark").lower()
        button.click()
        assert (visit.background(), visit.line()) == (PAPER[other], LINES[other])
        assert button.get_attribute("aria-pressed") == str(other == "dark").lower()
        button.click()
        assert (visit.background(), visit.line()) == (PAPER[scheme], LINES[scheme])


def test_system_switches_colors(chromium, pages):
    with Visit(chromium, pages["one"]) as visit:
        visit.page.emulate_media(color_scheme="dark")
        visit.page.locator("#theme", has_text="Light").wait_for()
        assert (visit.background(), visit.line()) == (PAPER["dark"], LINES["dark"])


def test_search_finds_and_selects_series(chromium, pages):
    with Visit(chromium, pages["panel"]) as visit:
        page = visit.page
        # The error of series k is k + 1: the last is the worst.
        assert page.locator("#selected").text_content() == "shop 119"
        assert page.locator("#rows tr").count() == 50
        page.locator("#more").click()
        assert page.locator("#rows tr").count() == 100
        page.locator("#search").fill("SHOP 01")
        assert page.locator("#hits").text_content() == "10 of 120 series, 10 with charts"
        assert page.locator("#rows tr").first.locator("th").text_content() == "shop 019"
        page.locator("#order").select_option("smallest error first")
        assert page.locator("#rows tr").first.locator("th").text_content() == "shop 010"
        first = page.locator("[data-view=charts] table td").first
        before = float(first.text_content())
        page.locator("#rows button").first.click()
        assert page.locator("#selected").text_content() == "shop 010"
        assert float(first.text_content()) == pytest.approx(before - 10 * 109, abs=1)
        assert "shop 010" in page.locator(".chart").first.get_attribute("aria-label")
        assert page.locator("#rows tr[aria-current]").count() == 1
        page.locator("#search").fill("no such shop")
        assert page.locator("#hits").text_content() == "0 of 120 series, 0 with charts"
        assert visit.messages == []


def test_gates_and_attributions_follow_the_selected_series(chromium, pages):
    with Visit(chromium, pages["panel"]) as visit:
        page = visit.page
        for key in ("gates", "memory", "attributions"):
            assert page.locator(f"#{key} [data-selected]").text_content() == "shop 119"
        assert "remember 120 steps" in page.locator("#memory").text_content()
        assert "(+124)" in page.locator("#attributions").text_content()
        page.locator("#gates select").select_option("LSTM 1: memory cell c")
        page.locator("#search").fill("shop 118")
        page.locator("#rows button").first.click()
        for key in ("gates", "memory", "attributions"):
            assert page.locator(f"#{key} [data-selected]").text_content() == "shop 118"
        assert "remember 119 steps" in page.locator("#memory").text_content()
        assert "(+123)" in page.locator("#attributions").text_content()
        assert page.locator("#gates .option:not([hidden]) figcaption").text_content() == "LSTM 1, memory cell c"
        assert page.locator("#gates select").evaluate("(select) => select.selectedOptions[0].text").endswith("cell c")
        page.evaluate("gatecast.draw()")
        assert all(drawn >= 1 for *_, drawn in visit.charts())
        page.locator("#search").fill("shop 050")
        page.locator("#rows button").first.click()
        assert page.locator("#selected").text_content() == "shop 050"
        for key in ("gates", "memory", "attributions"):
            text = page.locator(f"#{key}").text_content()
            assert f"This page has no {key} of shop 050: it holds those of 24 of 120 series." in text
            assert page.locator(f"#{key} .chart").count() == 0
        assert visit.messages == []


def test_series_without_gates_says_so_by_name(chromium, tmp_path):
    forecast = make_forecast(names=("long", "empty"))
    values = forecast.past.panel.values.copy()
    values[120:] = np.nan
    path = report(Fitted(with_values(forecast, values)), tmp_path / "a.html", id="empty")
    with Visit(chromium, path) as visit:
        assert visit.page.locator("#selected").text_content() == "empty"
        text = visit.page.locator("#gates").text_content()
        assert "no chart of the gates of empty: all of its values are missing" in text
        assert visit.messages == []
    short = report(Fitted(make_forecast(n=WINDOW - 1, test=6, h=6)), tmp_path / "b.html")
    with Visit(chromium, short) as visit:
        assert "it has 23 rows, fewer than the window of the network" in visit.page.locator("#gates").text_content()


def fonts_of(visit, selector):
    """Return the fonts that draw the text of an element, and the number of glyphs of each."""
    session = visit.context.new_cdp_session(visit.page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    fonts = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    return {font["familyName"]: font["glyphCount"] for font in fonts}


INK = """([family, character]) => {
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d", { willReadFrequently: true });
  canvas.width = canvas.height = 48;
  context.font = "40px " + family;
  context.fillText(character, 2, 40);
  return [...context.getImageData(0, 0, 48, 48).data].filter((_, k) => k % 4 === 3).join();
}"""


def test_chinese_has_glyphs(chromium, pages):
    with Visit(chromium, pages["chinese"]) as visit:
        page = visit.page
        # The title of the page, the name of the selected series, a name in the table, and the title of a chart.
        for selector, text in {
            "h1": "门店销量预测",
            "#selected": "广州天河城店",
            "#rows tr:first-child button": "广州天河城店",
            ".view figcaption": "广州天河城店: 12 steps ahead",
            "#attributions strong": "广州天河城店",
        }.items():
            assert page.locator(selector).first.text_content() == text
            fonts = fonts_of(visit, selector)
            chinese = sum(count for family, count in fonts.items() if "CJK" in family or "Han" in family)
            assert chinese >= sum(ord(character) > 0x2E80 for character in text), (selector, fonts)
        # Labels inside a chart are SVG text with the fonts of the page.
        font = "(element) => getComputedStyle(element).fontFamily"
        body, label = page.locator("body").evaluate(font), page.locator(".chart .legend span").first.evaluate(font)
        for family in (body, label):
            assert "Noto Sans CJK SC" in family
            # A missing glyph is the same box for every character; U+0378 is not assigned, so it always is a box.
            drawn = [page.evaluate(INK, [family, character]) for character in "门店销量预测\u0378"]
            assert len(set(drawn)) == len(drawn)
            assert all("255" in pixels for pixels in drawn[:-1])
        assert visit.messages == []


def test_hostile_names_stay_text(chromium, pages):
    with Visit(chromium, pages["hostile"]) as visit:
        shown = visit.page.locator("#rows th").all_text_contents()
        assert sorted(shown) == sorted(HOSTILE)
        for k in range(len(HOSTILE)):
            visit.page.locator("#rows button").nth(k).click()
            assert visit.page.locator("#selected").text_content() == shown[k]
        assert visit.page.locator("main i, main u, main b, main script").count() == 0
        assert visit.page.locator("h1").text_content() == "<u>价格"
        assert visit.messages == []


def test_choice_shows_another_gate(chromium, pages):
    with Visit(chromium, pages["one"], 360) as visit:
        choice = visit.page.locator("#gates .choice")
        assert choice.locator(".option:not([hidden]) figcaption").text_content() == "LSTM 1, forget gate"
        choice.locator("select").select_option("LSTM 1: memory cell c")
        assert choice.locator(".option:not([hidden]) figcaption").text_content() == "LSTM 1, memory cell c"
        assert all(drawn >= 1 and wide <= 360 for wide, _, drawn in visit.charts())
        assert visit.messages == []


def test_print_is_light_and_open(chromium, pages):
    with Visit(chromium, pages["one"], scheme="dark") as visit:
        visit.page.emulate_media(media="print", color_scheme="dark")
        visit.page.locator("html[data-theme=light]").wait_for(state="attached")
        assert (visit.background(), visit.line()) == (PAPER["light"], LINES["light"])
        assert not visit.page.locator("nav").is_visible()
        assert not visit.page.locator("#theme").is_visible()
        assert visit.page.locator("details:not([open])").count() == 0
        assert all(drawn >= 1 for *_, drawn in visit.charts())
        visit.page.emulate_media(media="screen", color_scheme="dark")
        visit.page.locator("html:not([data-theme])").wait_for(state="attached")
        assert (visit.background(), visit.line()) == (PAPER["dark"], LINES["dark"])
        assert visit.page.locator("details[open]").count() == 0


def test_page_prints_to_pdf(chromium, pages):
    with Visit(chromium, pages["one"]) as visit:
        pdf = visit.page.pdf(format="A4")
        assert pdf.startswith(b"%PDF")
        assert len(pdf) > 50_000


def test_controls_and_charts_have_accessible_names(chromium, pages):
    with Visit(chromium, pages["one"]) as visit:
        page = visit.page
        assert page.locator(".chart:not([aria-label])").count() == 0
        assert page.locator("section:not([aria-labelledby])").count() == 0
        assert page.evaluate(
            "[...document.querySelectorAll('[aria-labelledby]')].every("
            "(element) => document.getElementById(element.getAttribute('aria-labelledby')))"
        )
        assert page.locator("select").evaluate_all("(all) => all.every((select) => select.labels.length === 1)")
        assert page.locator("th:not([scope])").count() == 0
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"


@pytest.mark.parametrize(("name", "scheme", "width"), [*MAIN, *SPECIAL])
def test_page_has_no_accessibility_violation(chromium, pages, name, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # The policy of the page refuses scripts from outside, so the chromium is told to leave it aside here.
    with Visit(chromium, pages[name], width, scheme, bypass_csp=True) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        result = axe.run(visit.page)
        found = [(one["id"], one["nodes"][0]["html"]) for one in result.response["violations"]]
        assert found == []


def download(visit, kind, folder):
    """Press a button and return the path of the file."""
    with visit.page.expect_download() as waiting:
        visit.page.locator(f"[data-download={kind}]").click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("name", ["one", "real", "hostile", "panel"])
def test_files_hold_the_forecast_to_the_last_bit(chromium, pages, tmp_path, name, kind):
    forecasts = {
        "one": make_forecast(),
        "hostile": make_forecast(names=HOSTILE, target="<i>y</i>"),
        "panel": make_forecast(names=tuple(f"shop {k:03}" for k in range(120))),
    }
    forecast = forecasts[name] if name in forecasts else fit_real()._session.forecast(None, futr_df=FUTURE)
    expected = forecast.columns
    with Visit(chromium, pages[name]) as visit:
        path = download(visit, kind, tmp_path)
        assert visit.messages == []
    rows = read_rows(path)
    assert rows[0] == list(expected)
    columns = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
    for key, column in expected.items():
        if column.dtype.kind == "f":
            assert [float(value) for value in columns[key]] == column.tolist()
        elif column.dtype.kind == "M":
            assert [str(value)[:10] for value in columns[key]] == [str(value)[:10] for value in column]
        else:
            # A spreadsheet would take the text of a CSV file for a formula; U+2028 stays.
            texts = [f"'{name}" if kind == "csv" and str(name).startswith("@") else str(name) for name in column]
            assert list(columns[key]) == texts


def read_rows(path):
    """Return the cells of a file, the header first."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.reader(file))
    calamine = pytest.importorskip("python_calamine")
    return calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()


def test_pointer_shows_values_and_dragging_zooms(chromium, pages):
    with Visit(chromium, pages["one"]) as visit:
        page, chart = visit.page, visit.page.locator("#forecast .chart")
        box = chart.bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 0.95 * box["width"], middle)
        tip = chart.locator(".tip")
        assert "LSTM: " in tip.text_content()
        assert "80 % interval: " in tip.text_content()
        before = chart.locator(".line[data-name=history]").get_attribute("d")
        page.mouse.move(box["x"] + 0.3 * box["width"], middle)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.6 * box["width"], middle)
        page.mouse.up()
        assert chart.locator(".line[data-name=history]").get_attribute("d") != before
        page.mouse.dblclick(box["x"] + 0.5 * box["width"], middle)
        assert chart.locator(".line[data-name=history]").get_attribute("d") == before
        assert visit.messages == []


def test_chart_fits_another_width(chromium, pages):
    with Visit(chromium, pages["one"]) as visit:
        visit.page.set_viewport_size({"width": 500, "height": 900})
        visit.page.wait_for_timeout(200)
        assert all(wide <= 500 for wide, *_ in visit.charts())
        assert visit.overprinted() == []
