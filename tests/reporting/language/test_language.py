import re
from dataclasses import replace

import pytest

from gatecast.errors import ConfigError
from gatecast.evaluation.learning_curves import REMEDIES, TEMPLATES, Diagnosis
from gatecast.evaluation.scored_forecasts import Intermittency
from gatecast.evaluation.verdict import MEASURES, Verdict, describe
from gatecast.plotting.spec import Bars, Chart, Line, VerticalLines
from gatecast.reporting.blocks import Choice, FactList, Figure, Paragraph, Section, Table
from gatecast.reporting.language import Raw, Translator, check_language
from gatecast.reporting.language.blocks import translate_section
from gatecast.reporting.language.zh import TEXTS
from gatecast.reporting.text_tables import TextTable

FIELD = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")


@pytest.fixture
def chinese():
    """Return a translator into Chinese."""
    return Translator("zh")


def test_catalogue_keeps_every_field():
    lost = {source for source, target in TEXTS.items() if set(FIELD.findall(source)) != set(FIELD.findall(target))}
    assert lost == set()


def test_catalogue_is_in_chinese():
    with_words = {source: target for source, target in TEXTS.items() if re.search("[A-Za-z]{2}", FIELD.sub("", source))}
    assert [source for source, target in with_words.items() if not re.search("[\u4e00-\u9fff]", target)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 steps", "12 步"),
        ("1,200 rows", "1,200 行"),
        ("Total: 12 steps ahead", "Total：预测未来 12 步"),
        ("a: b, c: 12 steps ahead, 3 series", "a: b, c：预测未来 12 步，3 条序列"),
        ("skill", "提升"),
        ("Above zero the forecast was too high. Unknown words stay.", "零线以上表示预测偏高。Unknown words stay."),
        ("an unknown sentence.", "an unknown sentence."),
        ("", ""),
    ],
)
def test_translator_returns_chinese_as_far_as_it_is_known(chinese, text, expected):
    assert chinese.translate(text) == expected


def test_translator_reports_what_it_does_not_know(chinese):
    chinese.translate("Above zero the forecast was too high. Nobody knows this.")
    assert chinese.unknown == ["Nobody knows this."]


def test_translator_into_english_changes_nothing():
    assert (
        Translator("en").translate("Above zero the forecast was too high.") == "Above zero the forecast was too high."
    )


@pytest.mark.parametrize("name", ["skill", "mean", "forecast", "12 steps", "Summary", "{n} steps", "a. B: 3 rows"])
def test_names_of_the_data_are_never_translated(chinese, name):
    raw = Raw(name)
    assert chinese.translate(raw) == chinese.translate_cell(raw) == name
    section = Section(
        "key",
        "Summary",
        (
            Paragraph(f"{name}: 12 steps ahead"),
            FactList([("source", raw)]),
            Table(TextTable((raw, "skill"), [(raw, "1 to 2")]), "Errors"),
            Choice("Layer", {raw: Figure(Chart("Trials", (Line(0, 0, raw, "ink"), VerticalLines(0, (raw,)))))}),
            Figure(Chart(raw, (Bars((raw,), 0, raw, "ink"),), y_labels=(raw,))),
        ),
    )
    paragraph, facts, table, choice, figure = translate_section(section, chinese).blocks
    assert paragraph.text == f"{name}：预测未来 12 步"
    assert facts.pairs == [("来源", name)]
    assert table.cells.columns == (name, "提升")
    assert table.cells.rows == [(name, "1 至 2")]
    (option, chosen), *_ = choice.figures.items()
    assert (option, chosen.chart.marks[0].name, chosen.chart.marks[1].names) == (name, name, (name,))
    assert (figure.chart.title, figure.chart.marks[0].labels, figure.chart.y_labels) == (name, (name,), (name,))


VERDICT = Verdict("better", "LSTM", "SeasonalNaive", 1.0, 50.0, 24, 24, 12)
MANY_ZEROS = Intermittency(3, 12.0, -20.0)


@pytest.mark.parametrize("kind", ["better", "equal", "worse", "exact", "exact_baseline", "unknown"])
@pytest.mark.parametrize(("model", "baseline"), [("Ensemble", "Naive"), ("Drift", "Mean"), ("Own", "Drift")])
@pytest.mark.parametrize("measure", list(MEASURES))
def test_every_verdict_is_translated(chinese, kind, model, baseline, measure):
    verdict = replace(VERDICT, kind=kind, model=model, baseline=baseline, measure=measure)
    details = {"n_missing": 7, "n_unscored": 3, "narrow_level": 80.0, "narrow_coverage": 40.0, "better_model": "LSTM"}
    for n_series in (1, 1200):
        for n_rows in (24, 48):
            some = replace(verdict, n_series=n_series, n_rows=n_rows, n_parts=3, n_better=2, **details)
            for one in (some, replace(some, n_better=3), replace(some, intermittency=MANY_ZEROS, n_series=3)):
                chinese.translate(describe(one))
    assert chinese.unknown == []


@pytest.mark.parametrize("rmse", [12.0, -12.0, 0.1, float("nan")])
@pytest.mark.parametrize("bias", [12.0, -12.0, 0.1, float("nan")])
@pytest.mark.parametrize("measure", ["mae", "rmse"])
@pytest.mark.parametrize("n_series", [1, 4])
def test_every_sentence_about_zeros_is_translated(chinese, rmse, bias, measure, n_series):
    verdict = replace(VERDICT, intermittency=Intermittency(1, rmse, bias), measure=measure, n_series=n_series)
    chinese.translate(describe(verdict))
    assert chinese.unknown == []


@pytest.mark.parametrize("reason", list(TEMPLATES))
@pytest.mark.parametrize("remedy", list(REMEDIES))
@pytest.mark.parametrize("unit", ["step", "epoch"])
def test_every_diagnosis_is_translated(chinese, reason, remedy, unit):
    facts = {"unit": unit, "onset": 50, "last": 1000, "stopped": 40, "rise": 0.2, "fall": 0.3, "steps": 2000}
    facts |= {"remedy": remedy, "weights": 12_345, "values": 678, "times": "2 times"}
    chinese.translate(Diagnosis("good_fit", reason, 50, 0.25, {}, {}, facts).sentence)
    assert chinese.unknown == []


@pytest.mark.parametrize("language", ["zn", "ZH", 3, None])
def test_unknown_language_raises(language):
    with pytest.raises(ConfigError, match=r"Unknown language .*: expected 'en' \(English\), 'zh' \(中文\)"):
        check_language(language)
