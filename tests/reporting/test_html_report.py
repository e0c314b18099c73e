import base64
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from chart_cases import make_forecast, with_values
from report_cases import HOSTILE, WINDOW, FakeInspector, Fitted, comparison, everything, explanation

from gatecast.config import TrainingConfig
from gatecast.errors import ConfigError, DataError
from gatecast.forecaster import Forecaster
from gatecast.nn.layers import LSTM, Dense
from gatecast.nn.sequential import Sequential
from gatecast.reporting import html, html_report
from gatecast.reporting.html_report import report
from gatecast.reporting.language import Translator
from gatecast.reporting.sections import series
from gatecast.reporting.sections.reproducibility import constructor_call
from gatecast.results import Forecast


class Page(HTMLParser):
    """Tags that close in order, ids, headings, texts, and the JSON of a page."""

    VOID = frozenset(("meta", "link", "br", "input"))

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.titles, self.script, self.texts = [], [], [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag not in self.VOID:
            self.open.append((tag, attributes.get("id")))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, text):
        tag, key = self.open[-1] if self.open else ("", None)
        if key == "figures":
            self.script += text
        elif tag not in ("script", "style"):
            self.texts += text
            self.titles += [text] if tag == "h2" else []

    @property
    def data(self):
        return json.loads(self.script, parse_constant=pytest.fail)

    def view(self, key):
        """Return the content of a view by the name of the series."""
        names = self.data["explorer"]["names"]
        return {names[int(k)]: blocks for k, blocks in self.data["views"][key]["blocks"].items()}


@pytest.fixture
def write(tmp_path):
    """Write a report and return its text."""

    def write_report(fitted, **others):
        return report(fitted, tmp_path / "a.html", **others).read_text("utf-8")

    write_report.folder = tmp_path
    return write_report


def numbered(n):
    """Return names of series; the error of the k-th one is k + 1."""
    return tuple(f"s{k:02}" for k in range(n))


def test_report_has_all_sections(write):
    fitted, others = everything()
    page = Page(write(fitted, **others))
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert page.titles == [
        "Summary",
        "Forecast",
        "Totals",
        "Data",
        "Backtest",
        "Comparison with baselines",
        "Errors",
        "Prediction intervals",
        "Learning curves",
        "Gates and states",
        "Memory of the units",
        "Attributions",
        "Permutation importance",
        "Model comparison",
        "Memory benchmark",
        "Hyperparameter search",
        "Reproducibility",
    ]
    assert fitted.evaluation_.verdict in page.texts
    assert "It overfits from step 50 of 100 on" in page.texts
    assert "seasonal naive" in page.texts
    assert len(page.data["figures"]) == 24


def test_report_without_networks_has_no_network_sections(write):
    fitted = Fitted(make_forecast(evaluated=False), has_network=False)
    page = Page(write(fitted))
    assert page.titles == ["Summary", "Forecast", "Totals", "Data", "Reproducibility"]


@pytest.mark.parametrize("method", ["gates", "explain"])
def test_report_error_of_a_network_surfaces(write, monkeypatch, method):
    def fail(*_):
        raise DataError("broken data")

    monkeypatch.setattr(FakeInspector, method, fail)
    with pytest.raises(DataError, match="broken data"):
        write(Fitted(make_forecast()))


def test_report_needs_nothing_else(write):
    fitted, others = everything()
    text = write(fitted, **others)
    assert not re.search(r"<(?:script|img|iframe)[^>]*\bsrc=|@import", text)
    # Addresses are names of XML vocabularies, which nobody opens.
    assert set(re.findall(r"https?://[^\"'`\s<;]+", text)) == {
        "http://www.w3.org/2000/svg",
        "http://schemas.openxmlformats.org/",
    }
    assert len(text) < 400_000


def test_report_shows_hostile_names_unchanged(write):
    fitted = Fitted(make_forecast(names=HOSTILE, target="<i>y</i>"))
    text = write(fitted, comparison=comparison(), title="<u>title</u>")
    page = Page(text)
    assert page.open == []
    assert "<script>alert" not in text
    assert "<i>y</i>" not in text
    assert "<u>title</u>" in page.texts
    assert sorted(page.data["explorer"]["names"]) == sorted(HOSTILE)


def test_report_shows_constructor_call(write):
    fitted = Fitted(make_forecast(names=("a", "b")), seed=7, model="gru", target_col='x"y')
    assert constructor_call(fitted) == (
        "import gatecast as gc\n\n"
        "forecaster = gc.Forecaster(12, level=(80, 95), model='gru', seed=7, target_col='x\"y').fit(data)"
    )
    assert "model='gru'" in Page(write(fitted)).texts


def test_explorer_sorts_by_error(write):
    names = numbered(12)
    page = Page(write(Fitted(make_forecast(names=names))))
    explorer = page.data["explorer"]
    assert explorer["names"] == list(names)
    ordered = {key: [explorer["names"][k] for k in order] for key, order in explorer["orders"].items()}
    assert ordered["largest error first"] == list(reversed(names))
    assert ordered["smallest error first"] == ordered["by name"] == list(names)
    assert len(set(explorer["columns"][2])) == len(names)
    assert "12 series, each with charts." in page.texts
    assert set(page.view("charts")) == set(names)


@pytest.mark.slow
def test_series_of_equal_layout_share_templates(write):
    few, many = (Page(write(Fitted(make_forecast(names=numbered(n))))) for n in (2, 12))
    assert len(few.data["templates"]) == len(many.data["templates"])


def test_explorer_charts_ends_and_middle_of_the_ranking(write, monkeypatch):
    monkeypatch.setattr(series, "MAX_CHARTED", 6)
    page = Page(write(Fitted(make_forecast(names=numbered(20))), id="s07"))
    charted = set(page.view("charts"))
    assert {"s19", "s18", "s00", "s01", "s07"} <= charted
    assert len(charted) == 7
    assert "20 series, 7 of them with charts: the largest and the smallest errors" in page.texts
    assert next(iter(page.data["explorer"]["orders"])) == "selected first"


def test_explorer_of_very_many_series_lists_ends_of_the_ranking(write, monkeypatch):
    monkeypatch.setattr(series, "MAX_CHARTED", 3)
    monkeypatch.setattr(series, "MAX_NAMED", 6)
    page = Page(write(Fitted(make_forecast(names=numbered(20)))))
    explorer = page.data["explorer"]
    assert explorer["names"][:3] == ["s00", "s01", "s02"]
    assert explorer["names"][-3:] == ["s17", "s18", "s19"]
    assert sorted(explorer["orders"]["largest error first"]) == list(range(len(explorer["names"])))
    assert {"s00", "s19"} < set(page.view("charts")) == set(page.view("gates"))


def test_network_views_hold_every_series_of_a_small_panel(write):
    names = numbered(5)
    page = Page(write(Fitted(make_forecast(names=names))))
    for key in ("gates", "memory", "attributions"):
        assert list(page.view(key)) == list(reversed(names))
    assert page.view("memory")["s03"][0]["text"] == "Half of the units remember 4 steps."
    assert page.view("attributions")["s03"][0]["text"] == explanation("s03", 3).sentence
    label, options = page.view("gates")["s03"][0]["choice"]
    assert label == "Layer and gate"
    assert options[0][0] == "LSTM 1: forget gate"
    first, second = (page.view("gates")[name][0]["choice"][1][0][1][1] for name in ("s03", "s04"))
    assert first != second


def test_network_views_of_many_series_are_bounded(write, monkeypatch):
    monkeypatch.setattr(html_report, "MAX_INSPECTED", 4)
    fitted = Fitted(make_forecast(names=numbered(20)))
    inspector = FakeInspector(fitted.panel_)
    fitted._inspector = lambda *_: inspector
    page = Page(write(fitted, id="s07"))
    assert len(page.view("charts")) == 20
    for key in ("gates", "memory", "attributions"):
        assert len(page.view(key)) == 5
        assert {"s00", "s07", "s19"} <= set(page.view(key))
        assert "{series}" in page.data["views"][key]["missing"]
        assert "5 of 20 series" in page.data["views"][key]["missing"]
    # Every series is inspected once.
    assert sorted(inspector.calls["gates"]) == sorted(inspector.calls["explain"])
    assert len(set(inspector.calls["gates"])) == len(inspector.calls["gates"]) == 5


def test_large_heat_maps_reduce_the_number_of_inspected_series(write, monkeypatch):
    # A series has 6 heat maps of 3 units over 48 steps.
    monkeypatch.setattr(html_report, "MAX_HEAT_MAP_CELLS", 5 * 6 * 3 * 48)
    assert len(Page(write(Fitted(make_forecast(names=numbered(20))))).view("gates")) == 5


def test_series_without_gates_says_so_by_name(write):
    forecast = make_forecast(names=("a", "b"))
    values = forecast.past.panel.values.copy()
    values[:120] = np.nan
    page = Page(write(Fitted(with_values(forecast, values))))
    for key in ("gates", "memory", "attributions"):
        (block,) = page.view(key)["a"]
        assert re.match("There is no chart of the .* of a: all of its values are missing", block["text"])
        assert len(page.view(key)["b"]) >= 1


def test_short_series_without_gates_says_so_by_name(write):
    page = Page(write(Fitted(make_forecast(n=WINDOW - 1, test=6, h=6))))
    assert "There is no chart of the gates of Passengers: it has 23 rows, fewer than the window" in page.texts


def test_explained_series_is_selected_first(write):
    fitted = Fitted(make_forecast(names=numbered(5)))
    mine = replace(explanation("s02"), step=3, forecast=77.0)
    page = Page(write(fitted, explanation=mine))
    assert page.view("attributions")["s02"][0]["text"] == mine.sentence
    first = page.data["explorer"]["orders"]["selected first"][0]
    assert page.data["explorer"]["names"][first] == "s02"


def test_explanation_of_another_series_than_id_raises(write):
    fitted = Fitted(make_forecast(names=numbered(5)))
    with pytest.raises(ConfigError, match="id and explanation are of different series"):
        write(fitted, explanation=explanation("s02"), id="s03")
    with pytest.raises(ConfigError, match="Unknown series"):
        write(fitted, explanation=explanation("s99"))


NETWORK_TITLES = ["Learning curves", "Gates and states", "Memory of the units", "Attributions"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "titles"),
    [
        ("lstm", NETWORK_TITLES),
        ("auto", NETWORK_TITLES),
        ("es-lstm", NETWORK_TITLES[:3]),
        (Sequential([Dense(4)]), ["Learning curves", "Attributions"]),
        (Sequential([LSTM(4), Dense(4)]), NETWORK_TITLES),
    ],
)
@pytest.mark.parametrize("n_series", [1, 3])
def test_report_of_a_real_model_has_sections_of_its_abilities(write, rng, model, titles, n_series):
    names = np.repeat([f"s{k}" for k in range(n_series)], 60)
    table = {"id": names, "ds": np.tile(np.arange(60), n_series), "y": rng.normal(10, 1, 60 * n_series)}
    forecaster = Forecaster(4, model=model, training=TrainingConfig(n_members=1, max_steps=5), level=80)
    page = Page(write(forecaster.fit(table)))
    assert [title for title in page.titles if title in NETWORK_TITLES] == titles
    if n_series > 1:
        assert set(page.view("charts")) == set(names)


def test_report_of_a_backtest_or_a_comparison_only(write):
    evaluation = make_forecast().past.evaluation
    cutoffs = np.repeat(evaluation.table["ds"][[0, 12]], 12)
    backtest = Forecast({**evaluation.table, "cutoff": cutoffs}, None, "ds", "Passengers")
    assert Page(write(None, backtest=backtest)).titles == ["Backtest", "Reproducibility"]
    page = Page(write(None, comparison=comparison()))
    assert page.titles == ["Model comparison", "Reproducibility"]
    assert "Take the LSTM." in page.texts


def test_report_of_short_series(write):
    page = Page(write(Fitted(make_forecast(names=("a", "b"), n=30, test=6, h=6))))
    assert "2 series, each with charts." in page.texts


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((None, "a.html"), "Nothing to report. Pass a fitted forecaster, a backtest or a comparison."),
        ((None, "a.pdf"), "A report is an HTML file (a.pdf): got '.pdf', expected .html. Write a.html."),
        ((None, "a"), "A report is an HTML file (a): got no suffix, expected .html. Write a.html."),
        ((None, "no/a.html"), "The report's folder does not exist (no/a.html). Create the folder first."),
    ],
)
def test_impossible_report_raises(tmp_path, monkeypatch, arguments, text):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        report(*arguments)
    assert str(error.value) == text


def test_report_of_unknown_series_raises(tmp_path):
    with pytest.raises(ConfigError, match="Unknown series: got 'c', expected one of 2 names, for example a, b"):
        report(Fitted(make_forecast(names=("a", "b"))), tmp_path / "a.html", id="c")


def test_package_exports_report():
    from gatecast import reporting

    assert reporting.report is report
    with pytest.raises(AttributeError):
        _ = reporting.nothing


@pytest.mark.slow
def test_report_of_many_series_is_smaller_than_15_megabytes(write):
    page = write(Fitted(make_forecast(names=numbered(2000))))
    assert len(page.encode()) < 15_000_000
    assert len(Page(page).view("charts")) == series.MAX_CHARTED


@pytest.mark.slow
def test_report_needs_no_library_that_draws(write):
    write(Fitted(make_forecast()))
    code = (
        "import sys; sys.modules.update(plotly=None, matplotlib=None)\n"
        "import numpy as np, gatecast as gc\n"
        "table = {'ds': np.arange(40), 'y': np.sin(np.arange(40.0))}\n"
        "print(gc.report(gc.Forecaster(4, model='naive').fit(table), sys.argv[1]).name)"
    )
    arguments = [sys.executable, "-c", code, "page.html"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=write.folder)
    assert (done.stdout.strip(), done.stderr) == ("page.html", "")


def test_heading_tells_what_when_and_from_which_file(write, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    fitted = Fitted(make_forecast(names=("a", "b")))
    text = write(fitted, source_name="sales <2>.csv", title="Skill & more")
    page = Page(text)
    for fact in (
        "12 steps, 1961-01-01 to 1961-12-01, monthly (MS)",
        "240 rows of 2 series, 1951-01-01 to 1960-12-01",
        "sales <2>.csv",
        "2023-11-14",
        "Skill & more",
    ):
        assert fact in page.texts
    assert write(fitted, source_name="sales <2>.csv", title="Skill & more") == text


def test_heading_names_a_file_without_its_folder(tmp_path):
    path = tmp_path / "secret" / "sales.csv"
    path.parent.mkdir()
    times = np.arange("2015-01", "2020-01", dtype="M8[M]")
    rows = "".join(f"{time}-01,{k % 12 + 1}\n" for k, time in enumerate(times))
    path.write_text("ds,y\n" + rows)
    forecaster = Forecaster(4, model="naive", level=80).fit(str(path))
    text = report(forecaster, tmp_path / "a.html", source=str(path)).read_text("utf-8")
    assert "sales.csv" in text
    assert "secret" not in text


def test_forecast_is_a_visible_table_and_exact_numbers(write):
    forecast = make_forecast()
    page = Page(write(Fitted(forecast)))
    assert "Forecast by step" in page.texts
    assert "1961-01-01" in page.texts
    data = page.data["forecast"]
    numbers = [np.frombuffer(base64.b64decode(code["b"]), "<f8") for code in data["numbers"]]
    for name, values in zip(data["names"], numbers, strict=True):
        np.testing.assert_array_equal(values, forecast.columns[name])
    assert data["file"] == "Passengers-forecast"


def test_files_of_very_many_series_hold_those_with_charts(write, monkeypatch):
    monkeypatch.setattr(series, "MAX_CHARTED", 6)
    monkeypatch.setattr(series, "MAX_IN_FILES", 500)
    page = Page(write(Fitted(make_forecast(names=numbered(20)))))
    data = page.data
    assert len(data["forecast"]["series"]) == 6
    assert {data["explorer"]["names"][k] for k in data["forecast"]["series"]} == set(page.view("charts"))
    assert "The files hold the forecasts of 6 of 20 series; gatecast predict writes all." in page.texts


def test_totals_are_sums_with_their_change_and_its_method(write):
    forecast = make_forecast(names=("a", "b"))
    page = Page(write(Fitted(forecast)))
    assert f"{forecast.columns['LSTM'].sum():.0f}" in page.texts
    before = forecast.past.panel.values.reshape(2, -1)[:, -12:].sum()
    change = 100 * (forecast.columns["LSTM"].sum() / before - 1)
    assert f"{change:+.1f} %" in page.texts
    assert f"observed a year before: {before:.0f}." in page.texts
    assert "quantiles of the sums of 400 sample paths, not sums of quantiles" in page.texts
    first = page.view("charts")["a"][0]["text"]
    assert f"Total of 12 steps: {forecast.columns['LSTM'][:12].sum():.0f}" in first


def test_errors_tell_bias_and_list_series_without_skill(write):
    # The error of series k is k + 1, that of seasonal naive is 8.
    page = Page(write(Fitted(make_forecast(names=numbered(12)))))
    assert "Forecast no better than by seasonal naive: 5 of 12 series." in page.texts
    assert "Series without skill: 5" in page.texts
    assert re.search(r"the forecasts of the LSTM add up to \d+\.\d % more than the actual values", page.texts)
    assert "Errors by size: thirds of the series by their mean value" in page.texts


def test_errors_of_series_that_are_all_better_list_none(write):
    page = Page(write(Fitted(make_forecast(names=("a", "b")))))
    assert "Forecast better than by seasonal naive: all series of which this is known." in page.texts
    assert "Series without skill" not in page.texts


def test_known_columns_are_drawn_under_the_forecast(tmp_path, rng):
    months = np.arange("2015-01", "2020-01", dtype="M8[M]").astype("M8[us]")
    offer = (rng.random(60) < 0.3) * 1.0
    table = {"ds": months[:56], "y": 10 + 5 * offer[:56] + rng.normal(0, 0.1, 56), "offer": offer[:56]}
    table |= {"same": np.ones(56), "kind": np.where(offer[:56] > 0, "sale", "usual")}
    offer[56:] = [0, 1, 0, 1]
    future = {
        "ds": months[56:],
        "offer": offer[56:],
        "same": np.ones(4),
        "kind": np.where(offer[56:] > 0, "sale", "usual"),
    }
    forecaster = Forecaster(4, model="naive", level=80, futr_exog=["offer", "same", "kind"]).fit(table)
    page = Page(report(forecaster, tmp_path / "a.html", futr_df=future).read_text("utf-8"))
    chart = page.data["figures"][0]
    assert [pane["label"] for pane in chart["panes"]] == ["", "offer", "kind"]
    (line,) = (mark for mark in chart["data"] if mark.get("name") == "offer")
    assert np.frombuffer(base64.b64decode(line["y"]["b"]), "<f4")[-4:].tolist() == [0, 1, 0, 1]
    assert "Known columns that are constant here, or not drawn: 1." in page.texts


@pytest.mark.parametrize("names", [("",), ("a", "Summary", "skill")])
def test_report_in_chinese_has_no_english_sentence(write, monkeypatch, names):
    translators = []

    class Recorded(Translator):
        def __init__(self, language):
            super().__init__(language)
            translators.append(self)

    monkeypatch.setattr(html, "Translator", Recorded)
    fitted, _ = everything(names=names)
    text = write(fitted, language="zh")
    page = Page(text)
    assert '<html lang="zh-CN">' in text
    assert page.titles[0] == "摘要"
    (translator,) = translators
    # What the fake records say of themselves.
    known = "Half of the units remember|Take the LSTM"
    assert [sentence for sentence in translator.unknown if not re.search(known, sentence)] == []
    if len(names) > 1:
        assert page.data["explorer"]["names"] == list(names)


def test_report_in_unknown_language_raises(tmp_path):
    with pytest.raises(ConfigError, match="Unknown language 'de'"):
        report(Fitted(make_forecast()), tmp_path / "a.html", language="de")
