"""Reports in a real browser: drawn, quiet, offline, readable on a phone, in light and dark, and on paper.

Needs Playwright for Python and a Chromium of the system; `make test-pages` runs it. Pictures of the pages go to the
folder that PAGES_PICTURES names, if it does.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from chart_cases import make_forecast, with_values
from report_cases import HOSTILE, Fitted, everything

from gatecast.config import DataConfig, TrainingConfig
from gatecast.forecaster import Forecaster
from gatecast.reporting.report import report

sync_api = pytest.importorskip("playwright.sync_api")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS, SCHEMES = (360, 1440), ("light", "dark")
PAPER = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
LINES = {"light": "#1f2328", "dark": "#e6edf3"}


@pytest.fixture(scope="module")
def browser():
    """A browser without a window."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


AHEAD = {"ds": np.arange("2023-01", "2023-05", dtype="M8[M]"), "offer": [1.0, 0.0, 0.0, 1.0]}


def real():
    """A forecaster that has learnt from three series with a column beside them."""
    rng, months = np.random.default_rng(0), np.arange("2017-01", "2023-01", dtype="M8[M]")
    offer = (rng.random(len(months)) < 0.3) * 1.0
    sold = [20 + 5 * np.sin(np.arange(len(months)) * np.pi / 6 + k) + 4 * offer for k in range(3)]
    table = {
        "shop": np.repeat(["a", "b", "c"], len(months)),
        "ds": np.tile(months, 3),
        "offer": np.tile(offer, 3),
        "y": np.concatenate(sold) + rng.normal(0, 1, 3 * len(months)),
    }
    data, training = DataConfig(futr_exog="offer"), TrainingConfig(n_members=1, max_steps=40)
    return Forecaster(4, model="lstm", data=data, training=training).fit(table)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of one series with everything, of a panel, and of names that a page must stand."""
    folder = tmp_path_factory.mktemp("pages")
    one, beside = everything()
    values = one.panel_.values.copy()
    values[30], values[60:63] = 900.0, float("nan")
    one = Fitted(with_values(one.forecast, values))
    names = tuple(f"shop {k:03}" for k in range(120))
    return {
        "one": report(one, folder / "one.html", **beside),
        "panel": report(Fitted(make_forecast(names=names)), folder / "panel.html"),
        "hostile": report(
            Fitted(make_forecast(names=HOSTILE, target="<i>y</i>")), folder / "hostile.html", title="<u>价格"
        ),
        "real": report(real(), folder / "real.html", futr_df=AHEAD),
        "years": report(Fitted(make_forecast(first="9985-01", dated=True)), folder / "years.html"),
    }


class Visit:
    """An open page, and what it complained about or asked the network for."""

    def __init__(self, browser, path, width=1440, scheme="light", name=""):
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page, self.said, self.asked = self.context.new_page(), [], []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
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
        """Width, height and traces of every chart that can be seen."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll(".chart")].filter((one) => !one.closest("[hidden]")).map((one) => {
              const svg = one.querySelector(".main-svg"), box = svg ? svg.getBoundingClientRect() : {};
              const drawn = one.querySelectorAll(".scatterlayer path.js-line, .scatterlayer .point, .bars .point path,"
                + " .heatmaplayer image, .fills path").length;
              return [box.width || 0, box.height || 0, drawn];
            })"""
        )

    def colour(self):
        """Of the paper."""
        return self.page.evaluate("getComputedStyle(document.body).backgroundColor")

    def line(self):
        """Colour of the first line of the first chart."""
        return self.page.evaluate(
            """() => document.querySelector(".chart").data.find((trace) => trace.name === "history").line.color"""
        )


EVERY = [(name, scheme, width) for name in ("one", "real", "panel") for scheme in SCHEMES for width in WIDTHS]


@pytest.mark.parametrize(("name", "scheme", "width"), [*EVERY, ("hostile", "dark", 360), ("years", "light", 1440)])
def test_drawn_quiet_and_within_the_screen(browser, pages, name, scheme, width):
    with Visit(browser, pages[name], width, scheme, name) as visit:
        charts = visit.charts()
        assert len(charts) >= 6
        for wide, high, drawn in charts:
            assert 250 <= wide <= width
            assert high >= 100
            assert drawn >= 1
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert visit.page.evaluate(overflow) == 0
        assert visit.colour() == PAPER[scheme]
        assert visit.line() == LINES[scheme]
        assert visit.said == []
        assert [url for url in visit.asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_button_turns_the_colours(browser, pages, scheme):
    other = SCHEMES[1 - SCHEMES.index(scheme)]
    with Visit(browser, pages["one"], scheme=scheme) as visit:
        button = visit.page.locator("#theme")
        assert button.get_attribute("aria-pressed") == str(scheme == "dark").lower()
        button.click()
        assert (visit.colour(), visit.line()) == (PAPER[other], LINES[other])
        assert button.get_attribute("aria-pressed") == str(other == "dark").lower()
        button.click()
        assert (visit.colour(), visit.line()) == (PAPER[scheme], LINES[scheme])


def test_the_system_turns_the_colours(browser, pages):
    with Visit(browser, pages["one"]) as visit:
        visit.page.emulate_media(color_scheme="dark")
        visit.page.wait_for_function("document.getElementById('theme').textContent === 'Light'")
        assert (visit.colour(), visit.line()) == (PAPER["dark"], LINES["dark"])


def test_search(browser, pages):
    with Visit(browser, pages["panel"]) as visit:
        page = visit.page
        # The error of series k is k + 1: the last is the worst.
        assert page.locator("#chosen").text_content() == "shop 119"
        assert page.locator("#rows tr").count() == 50
        page.locator("#more").click()
        assert page.locator("#rows tr").count() == 100
        page.locator("#search").fill("SHOP 01")
        assert page.locator("#found").text_content() == "10 of 120 series, 10 of them with charts"
        assert page.locator("#rows tr").first.locator("th").text_content() == "shop 019"
        page.locator("#order").select_option("best first")
        assert page.locator("#rows tr").first.locator("th").text_content() == "shop 010"
        before = page.evaluate("document.querySelector('.chart').data.find((one) => one.name === 'LSTM').y[0]")
        page.locator("#rows button").first.click()
        assert page.locator("#chosen").text_content() == "shop 010"
        after = page.evaluate("document.querySelector('.chart').data.find((one) => one.name === 'LSTM').y[0]")
        assert after == pytest.approx(before - 10 * 109)
        assert "shop 010" in page.locator(".chart").first.get_attribute("aria-label")
        assert page.locator("#rows tr[aria-current]").count() == 1
        page.locator("#search").fill("no such shop")
        assert page.locator("#found").text_content() == "0 of 120 series, 0 of them with charts"
        assert visit.said == []


def test_hostile_names_stay_text(browser, pages):
    with Visit(browser, pages["hostile"]) as visit:
        shown = visit.page.locator("#rows th").all_text_contents()
        assert sorted(shown) == sorted(HOSTILE)
        for k in range(len(HOSTILE)):
            visit.page.locator("#rows button").nth(k).click()
            assert visit.page.locator("#chosen").text_content() == shown[k]
        assert visit.page.locator("main i, main u, main b, main script").count() == 0
        assert visit.page.locator("h1").text_content() == "<u>价格"
        assert visit.said == []


def test_another_gate_can_be_chosen(browser, pages):
    with Visit(browser, pages["one"], 360) as visit:
        choice = visit.page.locator("#gates .choice")
        assert choice.locator(".option:not([hidden]) figcaption").text_content() == "LSTM 1, forget gate"
        choice.locator("select").select_option("LSTM 1: memory c")
        assert choice.locator(".option:not([hidden]) figcaption").text_content() == "LSTM 1, memory c"
        assert all(drawn >= 1 and wide <= 360 for wide, _, drawn in visit.charts())
        assert visit.said == []


def test_on_paper_all_is_light_and_open(browser, pages):
    with Visit(browser, pages["one"], scheme="dark") as visit:
        visit.page.emulate_media(media="print", color_scheme="dark")
        visit.page.wait_for_function("document.documentElement.dataset.theme === 'light'")
        assert (visit.colour(), visit.line()) == (PAPER["light"], LINES["light"])
        assert not visit.page.locator("nav").is_visible()
        assert not visit.page.locator("#theme").is_visible()
        assert visit.page.locator("details:not([open])").count() == 0
        assert all(drawn >= 1 for *_, drawn in visit.charts())
        visit.page.emulate_media(media="screen", color_scheme="dark")
        visit.page.wait_for_function("document.documentElement.dataset.theme === undefined")
        assert (visit.colour(), visit.line()) == (PAPER["dark"], LINES["dark"])
        assert visit.page.locator("details[open]").count() == 0


def test_it_can_be_printed(browser, pages):
    with Visit(browser, pages["one"]) as visit:
        paper = visit.page.pdf(format="A4")
        assert paper.startswith(b"%PDF")
        assert len(paper) > 50_000


def test_names_for_those_who_cannot_see(browser, pages):
    with Visit(browser, pages["one"]) as visit:
        page = visit.page
        assert page.locator(".chart:not([aria-label])").count() == 0
        assert page.locator("section:not([aria-labelledby])").count() == 0
        assert page.evaluate(
            "[...document.querySelectorAll('[aria-labelledby]')].every("
            "(one) => document.getElementById(one.getAttribute('aria-labelledby')))"
        )
        assert page.locator("select").evaluate_all("(all) => all.every((one) => one.labels.length === 1)")
        assert page.locator("th:not([scope])").count() == 0
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
