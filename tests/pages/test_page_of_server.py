"""The page of `gatecast serve` in a browser: from a file to a forecast, by keyboard too, and without a server.

If PAGES_PICTURES names a folder, screenshots are saved there.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import re
import shutil
import signal
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from spreadsheet_files import write_xlsx

from gatecast.forecaster import Forecaster

pytest.importorskip("fastapi")

pytestmark = [pytest.mark.pages, pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")]

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples" / "air_passengers.csv"
PATIENCE = 60_000
"""Milliseconds that a step may take on a machine that has much else to do."""
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


class Visit:
    """A page with what it asked for and what it complained of."""

    def __init__(self, browser, server, width=1360, scheme="light", language="en-GB", downloads=True):
        self.server, self.language = server, language
        self.context = browser.new_context(
            viewport={"width": width, "height": 860},
            color_scheme=scheme,
            # Colors that change for a tenth of a second would be measured on the way.
            reduced_motion="reduce",
            locale=language,
            accept_downloads=downloads,
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.messages, self.requests, self.name = [], [], f"{scheme}-{width}-{language[:2]}"
        self.page.on("console", lambda message: self.messages.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.messages.append(f"error: {error}"))
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.open()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                foreign = [
                    url for url in self.requests if not url.startswith((self.server.url, f"blob:{self.server.url}"))
                ]
                assert not foreign
                # The browser itself reports each answer of 4xx, and each request that found no server.
                assert [each for each in self.messages if "Failed to load resource" not in each] == []
        finally:
            self.context.close()

    def open(self):
        self.page.goto(self.server.url)
        self.page.wait_for_selector("html[data-ready]")

    def give(self, path):
        """Choose a file, and wait until it is understood."""
        self.page.set_input_files("#file", path)
        self.page.wait_for_selector("#work:not([aria-busy]) #forecast:enabled, #problem:visible")

    def forecast(self):
        """Press the button, and wait for what comes of it."""
        self.page.click("#forecast")
        self.page.wait_for_selector("#result:visible, #problem:visible")

    def text(self, selector):
        return self.page.inner_text(selector)

    def download(self, word, path):
        """Press a button of the downloads, and return the saved file."""
        with self.page.expect_download() as download:
            self.page.click(f"#downloads button:text-is('{word}')")
        target = path / download.value.suggested_filename
        download.value.save_as(target)
        return target

    def check(self, step):
        """No violation of axe, no horizontal scroll; a picture if they are wanted."""
        if folder := os.environ.get("PAGES_PICTURES"):
            self.page.screenshot(path=Path(folder) / f"page-{step}-{self.name}.png", full_page=True)
        assert self.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert violations(self.page) == []


def violations(page):
    """Return what axe-core finds."""
    source = pytest.importorskip("axe_playwright_python")
    page.evaluate(files(source).joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", list(RULES))
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found["violations"]]


def test_files_stay_those_of_the_forecast_when_a_setting_is_changed(chromium, server, tmp_path):
    path = tmp_path / "sales.csv"
    days = np.datetime64("2024-01-01") + np.arange(40)
    path.write_text("day,end,sales\n" + "".join(f"{day},{day + 1},{k % 7}\n" for k, day in enumerate(days)))
    calamine = pytest.importorskip("python_calamine")
    with Visit(chromium, server) as visit:
        visit.give(path)
        visit.forecast()
        with visit.page.expect_response("**/v1/inspect*"):
            visit.page.select_option("#field-time_col", "end")
        book = calamine.CalamineWorkbook.from_path(str(visit.download("Excel", tmp_path)))
    cells = book.get_sheet_by_name("forecast").to_python()
    assert (cells[0][0], cells[1][0]) == ("day", datetime.date(2024, 2, 10))


@pytest.mark.parametrize("first", ["2024-01-01", "2024-01-01T06:30:00", "2024-01-01T06:30:00+02:00", "1850-01-01"])
def test_files_have_no_formula_and_the_times_that_the_page_shows(chromium, server, tmp_path, first):
    ids, path = ["=1+1", 'plain, with "quotes"', "2024-05"], tmp_path / "sales.csv"
    date, rest = first[:10], first[10:]
    times = [str(day) + rest for day in np.datetime64(date) + np.arange(40)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["shop", "day", "sales"])
        writer.writerows((name, time, 10 + k % 7) for name in ids for k, time in enumerate(times))
    with Visit(chromium, server) as visit:
        visit.give(path)
        visit.forecast()
        text = visit.download("CSV", tmp_path).read_text(encoding="utf-8-sig")
        calamine = pytest.importorskip("python_calamine")
        book = calamine.CalamineWorkbook.from_path(str(visit.download("Excel", tmp_path)))
        visit.page.click("#values summary")
        shown = visit.page.locator("#values-table tbody th").first.inner_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    cells = book.get_sheet_by_name("forecast").to_python()
    assert sorted({row["shop"] for row in rows}) == sorted(["'=1+1", *ids[1:]])
    assert sorted({str(row[0]) for row in cells[1:]}) == sorted(ids)
    assert rows[0]["day"] == shown
    is_date = "+" not in first and date > "1900"
    assert isinstance(cells[1][1], datetime.date if is_date else str)
    assert str(cells[1][1]).replace(" ", "T") == shown


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    """A file of 300 series, large enough for a job."""
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("files") / "shops.csv"
    days = [str(day) for day in np.arange("2024-01-01", "2024-02-10", dtype="M8[D]")]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["shop", "day", "sales"])
        for shop in range(300):
            values = 50 + shop / 3 + 10 * (np.arange(len(days)) % 7 == 5) + rng.normal(0, 2, len(days))
            writer.writerows((f"shop {shop:03}", day, round(value, 1)) for day, value in zip(days, values, strict=True))
    return path


def test_page_of_a_real_file_goes_the_whole_way(chromium, server, tmp_path):
    with Visit(chromium, server) as visit:
        page = visit.page
        visit.give(FILE)
        assert visit.text("#facts") == "1 series · 144 rows · 1949-01-01 – 1960-12-01 · no gaps"
        assert [page.input_value(f"#field-{name}") for name in ("time_col", "target_col", "freq")] == ["", "", ""]
        assert page.locator("#field-time_col option:checked").inner_text() == "time"
        assert page.get_attribute("#field-season_length", "placeholder") == "12"
        with page.expect_response("**/v1/inspect*"):
            page.fill("#field-h", "18")
            page.press("#field-h", "Tab")
        page.wait_for_selector("#work:not([aria-busy]) #forecast:enabled")
        visit.forecast()
        assert visit.text("#result-title") == "Forecast of value"
        assert "smaller than" in visit.text("#verdict")
        assert page.locator("#chart path.band").count() == 2
        assert page.locator("#chart path.line.next").get_attribute("d").count("L") == 18
        assert "Seasonal naive" in visit.text("#scores")
        page.click("#values summary")
        assert page.locator("#values-table tbody tr").count() == 18

        rows = list(csv.DictReader(io.StringIO(visit.download("CSV", tmp_path).read_text(encoding="utf-8-sig"))))
        assert len(rows) == 18
        shown = page.locator("#values-table tbody tr").first.inner_text().split("\t")
        assert shown[0] == rows[0]["time"] == "1961-01-01"
        assert float(shown[1]) == pytest.approx(float(rows[0]["Pretrained"]), abs=0.1)

        calamine = pytest.importorskip("python_calamine")
        book = calamine.CalamineWorkbook.from_path(str(visit.download("Excel", tmp_path)))
        assert book.sheet_names == ["forecast", "scores"]
        sheet = book.get_sheet_by_name("forecast").to_python()
        assert (sheet[0], len(sheet)) == (list(rows[0]), 19)
        assert sheet[1][0] == datetime.date(1961, 1, 1)
        assert sheet[1][1] == float(rows[0]["Pretrained"])
        assert book.get_sheet_by_name("scores").to_python()[0] == ["model", "mae", "rmse"]

        model = Forecaster.load(visit.download("Model", tmp_path))
        np.testing.assert_allclose(
            model.predict(output="dict")["Pretrained"], [float(row["Pretrained"]) for row in rows]
        )
        assert "<html" in visit.download("Report", tmp_path).read_text(encoding="utf-8")[:500]
        page.click("#stored button")
        page.wait_for_selector("#stored:text-is('Deleted.')")


def test_page_of_a_trained_network_shows_progress_gates_and_attributions(chromium, server):
    with Visit(chromium, server) as visit:
        page = visit.page
        visit.give(FILE)
        page.select_option("#field-model", "lstm")
        page.evaluate(
            """() => {
              window.seen = [];
              const watch = () => seen.push(document.querySelector("#progress").value);
              new MutationObserver(watch).observe(document.querySelector("#stage"), {childList: true});
            }"""
        )
        visit.forecast()
        assert any(0 < value < 1 for value in page.evaluate("seen"))
        page.wait_for_selector("#gates:visible")
        assert "LSTM" in visit.text("#attributions")
        assert page.locator("#attributions tbody tr").count() > 3
        assert (
            page.evaluate(
                """() => { const c = document.querySelector("#gates canvas");
                 return new Set(c.getContext("2d").getImageData(0, 0, c.width, c.height).data).size; }"""
            )
            > 20
        )
        visit.check("network")


def test_page_of_a_broken_file_says_what_helps_and_goes_on(chromium, server, tmp_path):
    files_ = {
        "broken.csv": b"name,comment\nAnna,hello\nBob,world\n",
        "empty.csv": b"",
        "picture.png": b"\x89PNG\r\n",
        "fake.parquet": b"PAR1 and nothing else",
        "marked.csv": b"<img src=x onerror=alert(1)>,y\n2024-01,1\n2024-02,2\n2024-03,x\n",
    }
    with Visit(chromium, server) as visit:
        page = visit.page
        for name, data in files_.items():
            (tmp_path / name).write_bytes(data)
            page.set_input_files("#file", tmp_path / name)
            page.wait_for_selector("#problem:visible")
            page.wait_for_selector("#work:not([aria-busy])", state="attached")
            assert len(visit.text("#problem .what")) > 5, name
            assert visit.text("#problem dd"), name
            assert page.locator("#forecast:enabled:visible").count() == 0, name
            assert page.locator("main img").count() == 0
            if name == "broken.csv":
                assert visit.text("#rows th") == "name"
                visit.check("broken")
        visit.give(FILE)
        visit.forecast()
        assert page.locator("#problem:visible").count() == 0
        assert page.locator("#result:visible").count() == 1


def test_page_of_a_table_that_is_understood_wrongly_is_corrected(chromium, server):
    rows = [f"{k + 1},{2000 + k},{10 + k % 4},{7 - k % 3}" for k in range(40)]
    with Visit(chromium, server) as visit:
        page = visit.page
        page.fill("#cells", "\n".join(["nr,year,price,amount", *rows]))
        page.click("#paste button")
        page.wait_for_selector("#work:not([aria-busy])")
        for name, value in (("time_col", "nr"), ("target_col", "amount")):
            with page.expect_response("**/v1/inspect*"):
                page.select_option(f"#field-{name}", value)
            page.wait_for_selector("#work:not([aria-busy]) #forecast:enabled")
        assert [page.input_value(f"#field-{name}") for name in ("time_col", "target_col")] == ["nr", "amount"]
        page.select_option("#field-level", "")
        visit.forecast()
        assert visit.text("#result-title") == "Forecast of amount"
        assert page.locator("#chart path.band").count() == 0
        assert page.locator("#chart path.line").count() == 2
        page.click("#values summary")
        assert visit.text("#values-table tbody th") == "41"


def test_page_of_a_workbook_takes_another_sheet(chromium, server, tmp_path):
    pytest.importorskip("python_calamine")
    rows = [[f"{2020 + k // 12}-{k % 12 + 1:02}", 1.0 * k] for k in range(36)]
    sheets = {name: [["month", name], *rows] for name in ("sales", "costs")}
    with Visit(chromium, server) as visit:
        visit.give(write_xlsx(tmp_path / "book.xlsx", sheets))
        assert visit.page.locator("#field-target_col option:checked").inner_text() == "sales"
        with visit.page.expect_response("**/v1/inspect*"):
            visit.page.select_option("#field-sheet", "costs")
        visit.page.wait_for_selector("#work:not([aria-busy]) #forecast:enabled")
        visit.forecast()
        assert visit.text("#result-title") == "Forecast of costs"


def test_page_of_a_panel_of_300_series_finds_each(chromium, server, panel):
    with Visit(chromium, server, width=360) as visit:
        page = visit.page
        visit.give(panel)
        assert visit.text("#facts").startswith("300 series · 12,000 rows")
        visit.forecast()
        assert page.locator("#panel tbody tr").count() == 12
        page.fill("#find-series", "shop 27")
        assert visit.text("#panel p[role=status]") == "10 of 300 series"
        page.click("#panel button:text-is('shop 277')")
        assert visit.text("#result-title") == "Forecast of shop 277"
        first = page.get_attribute("#chart .handle", "aria-valuetext")
        assert float(re.search(r"Forecast ([\d.]+)", first).group(1)) == pytest.approx(142, abs=20)
        visit.check("panel")


@pytest.mark.parametrize(
    ("width", "scheme", "language"), [(360, "dark", "zh-CN"), (1360, "light", "en-GB"), (768, "dark", "fr-FR")]
)
def test_page_is_accessible_and_fits_in_each_step(chromium, server, width, scheme, language):
    with Visit(chromium, server, width, scheme, language) as visit:
        page = visit.page
        headline = "放入表格，得到预测" if language == "zh-CN" else "A table in, a forecast out"
        assert visit.text("h1") == headline
        assert page.get_attribute("html", "lang") == ("zh-CN" if language == "zh-CN" else "en")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(14, 17, 22)" if scheme == "dark" else "rgb(245, 246, 248)")
        visit.check("input")
        visit.give(FILE)
        visit.check("understood")
        visit.forecast()
        page.click("#values summary")
        page.click("#preview summary")
        page.focus("#chart .handle")
        visit.check("result")
        # Both switches, with everything on the page.
        page.click("#language")
        page.click("#theme")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != paper
        assert visit.text("#forecast") == ("Forecast again" if language == "zh-CN" else "重新预测")
        visit.check("switched")
        page.reload()
        page.wait_for_selector("html[data-ready]")
        assert visit.text("h1") != headline


def test_page_is_used_by_the_keyboard_alone(chromium, server):
    def tab_to(page, selector):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"Tab does not reach {selector}")

    with Visit(chromium, server) as visit:
        page = visit.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        tab_to(page, "#example")
        page.keyboard.press("Enter")
        page.wait_for_selector("#work:not([aria-busy]) #forecast:enabled")
        assert page.evaluate("document.activeElement.id") == "understood-title"
        tab_to(page, "#field-level")
        page.keyboard.press("ArrowDown")
        assert page.input_value("#field-level") == "90"
        tab_to(page, "#forecast")
        page.keyboard.press("Enter")
        page.wait_for_selector("#result:visible")
        assert page.evaluate("document.activeElement.id") == "result-title"
        assert "24 steps" in page.text_content("#status")
        tab_to(page, "#chart .handle")
        first = page.get_attribute("#chart .handle", "aria-valuetext")
        assert first.startswith("Jan 1961: Forecast")
        assert "90 % interval" in first
        page.keyboard.press("ArrowLeft")
        assert page.get_attribute("#chart .handle", "aria-valuetext") == "Dec 1960: Past 432.0"
        assert page.locator("#chart .tip:visible").inner_text().startswith("Dec 1960")
        page.keyboard.press("End")
        assert page.get_attribute("#chart .handle", "aria-valuetext").startswith("Dec 1962")
        tab_to(page, "#values summary")
        page.keyboard.press("Enter")
        assert page.locator("#values-table:visible").count() == 1


def test_page_takes_a_dropped_file_and_pasted_cells(chromium, server):
    drop = """text => { const data = new DataTransfer();
        data.items.add(new File([text], "dropped.csv", {type: "text/csv"}));
        const event = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
        document.querySelector("#drop").dispatchEvent(event); }"""
    paste = """text => { const data = new DataTransfer(); data.setData("text/plain", text);
        const event = new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
        document.body.dispatchEvent(event); }"""
    with Visit(chromium, server) as visit:
        page = visit.page
        page.evaluate(drop, FILE.read_text())
        page.wait_for_selector("#work:not([aria-busy]) #forecast:enabled")
        assert visit.text("#file-name") == "dropped.csv"
        page.click("#again")
        cells = "Monat\tUmsatz\n" + "\n".join(f"{k % 12 + 1:02}.{2020 + k // 12}\t{1000 + k},5" for k in range(36))
        page.evaluate(paste, cells)
        page.wait_for_selector("#work:not([aria-busy]) #forecast:enabled")
        assert visit.text("#facts").startswith("1 series · 36 rows · 2020-01-01 – 2022-12-01")
        page.click("#again")
        wide = "month\tnorth\tsouth\n" + "\n".join(f"{2020 + k // 12}-{k % 12 + 1:02}\t{k}\t{k % 5}" for k in range(36))
        page.evaluate(paste, wide)
        # Which of two columns is meant, the server does not guess.
        page.wait_for_selector("#problem:visible")
        assert "target" in visit.text("#problem")
        with page.expect_response("**/v1/inspect*"):
            page.select_option("#field-target_col", "*")
        page.wait_for_selector("#work:not([aria-busy]) #forecast:enabled")
        assert visit.text("#facts").startswith("2 series · 72 rows")
        assert visit.text("#understood .ids .value") == "none: a series for each column"
        visit.forecast()
        assert visit.text("#result-title") == "Forecast of north"
        assert page.locator("#panel tbody tr").count() == 2


def test_page_goes_on_when_the_server_is_killed_and_started_again(chromium, own_server):
    server = own_server()
    with Visit(chromium, server) as visit:
        page = visit.page
        visit.give(FILE)
        page.select_option("#field-model", "lstm")
        page.click("#forecast")
        page.wait_for_selector("#progress[value]")
        server.stop(signal.SIGKILL)
        page.wait_for_selector("#connection:text('does not answer')")
        server.start()
        page.wait_for_selector("#connection.good")
        # The legend is drawn a moment after the result shows.
        page.wait_for_selector("#legend:has-text('LSTM')")

        # A page that is opened again finds the work of the one before.
        page.click("#forecast")
        page.wait_for_selector("#progress[value]")
        visit.open()
        page.wait_for_selector("#result:visible, #problem:visible")
        assert "LSTM" in visit.text("#legend")

        # A server that has lost its store: the work is offered again.
        page.click("#forecast")
        page.wait_for_selector("#job:visible")
        page.wait_for_selector("#stage:not(:empty)")
        page.wait_for_timeout(500)
        server.stop(signal.SIGKILL)
        shutil.rmtree(server.store)
        server.start()
        page.click("#problem button:text-is('Begin again')")
        page.select_option("#field-model", "lstm")
        page.wait_for_selector("#result:visible")


def test_page_without_a_server_waits_and_forecasts_then(chromium, own_server):
    server = own_server()
    with Visit(chromium, server) as visit:
        visit.give(FILE)
        server.stop(signal.SIGKILL)
        visit.page.click("#forecast")
        visit.page.wait_for_selector("#connection:text('does not answer')")
        server.start()
        visit.page.wait_for_selector("#result:visible")
        assert visit.page.locator("#problem:visible").count() == 0


def test_page_cancels_a_training(chromium, server):
    with Visit(chromium, server) as visit:
        page = visit.page
        visit.give(FILE)
        page.select_option("#field-model", "auto")
        page.click("#forecast")
        page.wait_for_selector("#progress[value]")
        page.click("#cancel")
        page.wait_for_selector("#job", state="hidden")
        page.wait_for_selector("#forecast:enabled")
        jobs = page.evaluate("fetch('v1/jobs').then((answer) => answer.json())")["jobs"]
        assert jobs[-1]["status"] == "cancelled"
        # A training that is left for another table is cancelled too.
        page.click("#forecast")
        page.wait_for_selector("#progress[value]")
        with page.expect_request(lambda request: request.method == "DELETE"):
            page.click("#again")
        assert page.locator("#input:visible").count() == 1


def test_page_asks_for_a_key_that_the_server_asks_for(chromium, own_server):
    server = own_server(GATECAST_API_KEYS="an-example-of-a-long-key")
    with Visit(chromium, server) as visit:
        page = visit.page
        page.wait_for_selector("#key:visible")
        visit.check("key")
        assert page.locator("#key-wrong:visible").count() == 0
        page.fill("#key-value", "another-key-that-is-wrong")
        page.press("#key-value", "Enter")
        page.wait_for_selector("#key-wrong:visible")
        page.fill("#key-value", "an-example-of-a-long-key")
        page.click("#key button")
        page.wait_for_selector("#key", state="hidden")
        page.wait_for_selector("#version:not(:empty)")
        visit.give(FILE)
        visit.forecast()
        assert page.locator("#result:visible").count() == 1
        page.select_option("#field-model", "lstm")
        page.click("#forecast")
        # Events carry the key too.
        page.wait_for_selector("#progress[value]")
        assert "an-example-of-a-long-key" not in json.dumps(visit.requests)
