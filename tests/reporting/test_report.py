import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from chart_cases import make_forecast, with_values
from report_cases import HOSTILE, Fitted, comparison, everything

from gatecast.data.outliers import find_outliers, gaps
from gatecast.errors import ConfigError
from gatecast.nn.inspection.trace import LayerTrace
from gatecast.reporting import report as reporting
from gatecast.reporting.blocks import Figure, Table
from gatecast.reporting.chart_json import Encoder, dumps
from gatecast.reporting.report import report
from gatecast.reporting.sections import evaluation as scored
from gatecast.reporting.sections import network, series
from gatecast.reporting.sections.reproducibility import call
from gatecast.results import Forecast

pytest.importorskip("plotly")


class Page(HTMLParser):
    """Tags that close in order, ids, texts of sections, the figures."""

    VOID = frozenset(("meta", "link", "br", "input"))

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.titles, self.script, self.words = [], [], [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        if tag not in self.VOID:
            self.open.append((tag, found.get("id")))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, text):
        here, key = self.open[-1] if self.open else ("", None)
        if key == "figures":
            self.script += text
        elif here not in ("script", "style"):
            self.words += text
            self.titles += [text] if here == "h2" else []

    @property
    def figures(self):
        return json.loads(self.script, parse_constant=pytest.fail)


@pytest.fixture
def written(tmp_path):
    """A page of a forecaster and what stands beside it."""

    def write(fitted, **beside):
        path = report(fitted, tmp_path / "a.html", **beside)
        return path.read_text("utf-8")

    return write


def test_all_sections(written):
    fitted, beside = everything()
    page = Page(written(fitted, **beside))
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert page.titles == [
        "What it says",
        "The forecast",
        "The data",
        "Backtest",
        "Beside simple forecasts",
        "Intervals",
        "How it learnt",
        "Inside the network",
        "How long it remembers",
        "What the forecast rests on",
        "Which columns matter",
        "Models side by side",
        "Long memory",
        "Search",
        "To get the same again",
    ]
    assert fitted.evaluation_.verdict in page.words
    assert "It overfits from step 50 on." in page.words
    assert "seasonal naive" in page.words
    assert len(page.figures["figures"]) == 22


def test_what_is_not_there_is_left_out(written):
    fitted = Fitted(make_forecast(evaluated=False), networked=False)
    page = Page(written(fitted))
    assert page.titles == ["What it says", "The forecast", "The data", "How it learnt", "To get the same again"]


def test_a_page_needs_nothing_else(written):
    fitted, beside = everything()
    text = written(fitted, **beside)
    plotly = reporting._plotly().replace("</script", "<\\/script")
    assert text.count(plotly) == 1
    own = text.replace(plotly, "")
    assert not re.search(r"<(?:script|img|iframe)[^>]*\bsrc=|@import|url\(", own)
    assert set(re.findall(r'https?://[^"\s<]+', own)) == set()
    assert len(own) < 1_000_000


def test_hostile_names_are_shown_as_they_are(written):
    fitted = Fitted(make_forecast(names=HOSTILE, target="<i>y</i>"))
    text = written(fitted, comparison=comparison(), title="<u>title</u>")
    page = Page(text)
    assert page.open == []
    assert "<script>alert" not in text
    assert "<i>y</i>" not in text
    assert "<u>title</u>" in page.words
    assert sorted(page.figures["explorer"]["names"]) == sorted(HOSTILE)


def test_the_call_makes_the_forecaster(written):
    fitted = Fitted(make_forecast(names=("a", "b")), seed=7, model="gru", target_col='x"y')
    assert call(fitted) == (
        "import gatecast as gc\n\n"
        "forecaster = gc.Forecaster(12, level=(80, 95), model='gru', seed=7, target_col='x\"y').fit(data)"
    )
    assert "model='gru'" in Page(written(fitted)).words


def test_worst_and_best_series_first(written):
    # The error of series k is k + 1.
    names = tuple(f"s{k}" for k in range(12))
    page = Page(written(Fitted(make_forecast(names=names))))
    explorer = page.figures["explorer"]
    assert explorer["names"] == list(names)
    worst = [explorer["names"][k] for k in explorer["orders"]["worst first"]]
    assert worst == list(reversed(names))
    assert [explorer["names"][k] for k in explorer["orders"]["best first"]] == list(names)
    assert explorer["columns"][2][worst.index("s11")] != explorer["columns"][2][worst.index("s0")]
    assert "Every series has its charts." in page.words
    assert len(page.figures["templates"]) == 2


def test_of_many_series_the_worst_the_best_and_some_between_are_kept(written, monkeypatch):
    monkeypatch.setattr(series, "CHARTED", 6)
    names = tuple(f"s{k:02}" for k in range(20))
    page = Page(written(Fitted(make_forecast(names=names)), id="s05"))
    kept = {page.figures["explorer"]["names"][int(k)] for k in page.figures["explorer"]["kept"]}
    assert {"s19", "s18", "s00", "s01", "s05"} <= kept
    assert len(kept) == 7
    assert "20 series. 7 of them have charts here: the worst and the best" in page.words
    assert next(iter(page.figures["explorer"]["orders"])) == "as chosen"


def test_a_table_of_very_many_series_is_cut(written, monkeypatch):
    monkeypatch.setattr(series, "CHARTED", 3)
    monkeypatch.setattr(series, "NAMED", 6)
    names = tuple(f"s{k:02}" for k in range(20))
    explorer = Page(written(Fitted(make_forecast(names=names)))).figures["explorer"]
    assert explorer["names"][:3] == ["s00", "s01", "s02"]
    assert explorer["names"][-3:] == ["s17", "s18", "s19"]
    assert sorted(explorer["orders"]["worst first"]) == list(range(len(explorer["names"])))
    assert {explorer["names"][int(k)] for k in explorer["kept"]} <= set(explorer["names"])


def test_errors_of_every_series():
    forecast = make_forecast(names=("a", "b", "c"))
    found = series.errors(forecast.past.panel, forecast.past.evaluation)
    np.testing.assert_allclose(found["mae"], [1, 2, 3])
    np.testing.assert_allclose(found["naive"], [8, 8, 8])
    # A step up of 12 a year is what seasonal naive errs by in the past.
    np.testing.assert_allclose(found["mase"], np.array([1, 2, 3]) / 12)
    np.testing.assert_allclose(found["skill"], [87.5, 75, 62.5])


@pytest.mark.parametrize("test", [24, 18])
def test_coverage_by_step(test):
    evaluation = make_forecast(names=("a", "b"), test=test).past.evaluation
    said = evaluation.series()
    assert np.array_equal(scored._row(said, evaluation), np.tile(np.arange(test), 2))
    section = scored.coverage_section(evaluation)
    lines = section.parts[2].chart.marks[-2:]
    # All errors are smaller than the narrowest interval's half width of 5.
    assert [line.y.tolist() for line in lines] == [[100.0] * 12] * 2
    assert section.parts[0].text == ("On the test part the 80 % interval held 88 %; the 95 % interval held 88 %.")


def test_folds_of_a_backtest():
    evaluation = make_forecast(names=("a", "b")).past.evaluation
    cutoffs = np.tile(np.repeat(evaluation.table["ds"][[0, 12]], 12), 2)
    folds = Forecast({**evaluation.table, "cutoff": cutoffs}, "unique_id", "ds", "Passengers")
    section = scored.folds_section(folds, None)
    table = next(part for part in section.parts if isinstance(part, Table))
    assert table.grid.columns == ("cutoff", "LSTM", "seasonal naive")
    assert [row[1:] for row in table.grid.rows] == [("1.5", "8"), ("1.5", "8")]
    assert section.parts[0].text == "LSTM had the smaller error than seasonal naive in 2 of 2 folds."
    assert list(section.parts[-1].figures) == ["a", "b"]


def test_a_report_of_folds_or_of_a_comparison_alone(written):
    evaluation = make_forecast().past.evaluation
    folds = Forecast(
        {**evaluation.table, "cutoff": np.repeat(evaluation.table["ds"][[0, 12]], 12)}, None, "ds", "Passengers"
    )
    assert Page(written(None, folds=folds)).titles == ["Backtest", "To get the same again"]
    page = Page(written(None, comparison=comparison()))
    assert page.titles == ["Models side by side", "To get the same again"]
    assert "Take the LSTM." in page.words


def test_gaps_and_odd_values_are_marked_and_listed(written):
    forecast = make_forecast()
    values = forecast.past.panel.values.copy()
    values[30], values[60:63] = 900.0, np.nan
    changed = with_values(forecast, values)
    one = series.shown(changed.past.panel, 0, 12, None, None)
    section = series.series_section(one)
    assert section.parts[0].pairs == [("missing", "3 of 120 rows, in 1 gap"), ("odd values", "1")]
    tables = [part.grid.rows for part in section.parts if isinstance(part, Table)]
    assert tables == [[("1953-07-01", "900")], [("1956-01-01", "1956-03-01", "3")]]
    spans, _, odd = next(part for part in section.parts if isinstance(part, Figure)).chart.marks
    assert odd.y.tolist() == [900.0]
    assert str(spans.begin[0])[:10] == "1955-12-16"
    assert 'aria-label="Passengers: 120 rows, from 169 to 900, 1 odd, 1 gap."' in written(Fitted(changed))


@pytest.mark.parametrize("at", [0, 3, 17, 57, 59])
@pytest.mark.parametrize("m", [1, 12])
def test_an_odd_value_is_found_anywhere(at, m, rng):
    values = 100 + 20 * np.sin(np.arange(60) * 2 * np.pi / m) + rng.normal(0, 1, 60)
    assert find_outliers(values, m).tolist() == []
    values[at] += 40
    assert find_outliers(values, m).tolist() == [at]


def test_a_step_to_a_new_level_is_not_odd(rng):
    values = 100 + rng.normal(0, 1, 80)
    values[40:] += 30
    assert find_outliers(values, 12).tolist() == []


def test_noise_is_hardly_ever_odd(rng):
    assert len(find_outliers(rng.normal(0, 1, 20_000), 7)) <= 4


@pytest.mark.parametrize(
    ("values", "odd"),
    [
        ([5.0] * 30, []),
        ([5.0] * 15 + [9.0] + [5.0] * 14, [15]),
        ([1.0, 2.0, 50.0], []),
        ([np.nan] * 30, []),
        ([0.0, 0.0, 3.0, 0.0, 2.0, 0.0, 0.0, 3.0, 0.0, 4.0] * 4, []),
    ],
)
def test_odd_values_of_series_without_any_noise(values, odd):
    assert find_outliers(np.array(values), 1).tolist() == odd


def test_gaps_at_both_ends():
    first, last = gaps(np.array([np.nan, 1.0, np.nan, np.nan]))
    assert (first.tolist(), last.tolist()) == ([0, 2], [0, 3])


def test_a_long_series_keeps_its_outline(rng):
    values = rng.normal(0, 1, 100_000)
    values[77_777], values[5] = 50.0, np.nan
    rows = series.thinned(values, 1000)
    assert len(rows) <= 1000
    assert 77_777 in rows
    assert np.nanmin(values[rows]) == np.nanmin(values)


def test_short_series(written):
    page = Page(written(Fitted(make_forecast(names=("a", "b"), n=30, test=6, h=6))))
    assert "2 series." in page.words


def test_a_gate_map_is_ordered_and_quantised():
    times = np.arange(1000)
    wave = np.stack([np.full(1000, 0.9), np.full(1000, 0.1)], axis=1)[None]
    layer = LayerTrace("L", "lstm", times, {"f": wave}, {})
    section = network.gates_section([layer], times, times.astype(float))
    cells = section.parts[1].figures["L: forget gate"].chart.marks[1]
    assert cells.labels == ("unit 1", "unit 0")
    assert cells.values.shape == (2, network.STEPS)
    code = Encoder().cells({"z": cells.values, "zmin": 0.0, "zmax": 1.0})
    assert np.frombuffer(base64.b64decode(code["b"]), "u1")[[0, -1]].tolist() == [25, 229]


def test_times_on_the_grid_cost_nothing():
    encoder = Encoder(np.arange(100))
    assert encoder.array(np.arange(5, 9)) == {"$": "g", "s": 5, "n": 4}
    apart = encoder.array(np.array([1, 1, 3]))
    assert np.frombuffer(base64.b64decode(apart["b"]), "u2").tolist() == [1, 1, 3]
    assert encoder.array(np.array([1000]))["$"] == "i4"


def test_times_are_milliseconds():
    code = Encoder().array(np.array(["1970-01-02", "NaT"], "M8[us]"))
    assert np.array_equal(np.frombuffer(base64.b64decode(code["b"]), "f8"), [86_400_000.0, np.nan], equal_nan=True)


def test_json_cannot_end_the_script():
    text = dumps(list(HOSTILE))
    assert "<" not in text
    assert json.loads(text) == list(HOSTILE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((None, "a.html"), "there is nothing to report. Give a fitted forecaster, folds, or a comparison."),
        ((None, "a.pdf"), "a report is an HTML file (a.pdf): got '.pdf', expected .html. Write a.html."),
        ((None, "a"), "a report is an HTML file (a): got no suffix, expected .html. Write a.html."),
        ((None, "no/a.html"), "the report's folder does not exist (no/a.html). Make the folder first."),
    ],
)
def test_reports_that_cannot_be(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        report(*arguments)
    assert str(error.value) == said


def test_an_unknown_series(tmp_path):
    with pytest.raises(ConfigError, match="there is no such series: got 'c', expected one of 2 names, such as a, b"):
        report(Fitted(make_forecast(names=("a", "b"))), tmp_path / "a.html", id="c")


def test_without_plotly(tmp_path, monkeypatch):
    monkeypatch.setattr(reporting, "find_spec", lambda _: None)
    with pytest.raises(ConfigError) as error:
        report(None, tmp_path / "a.html")
    said = 'a report needs plotly, which is not installed. Install it: pip install "gatecast[report]"'
    assert str(error.value) == said
