"""Words in dates of many languages."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.frequency import format_times
from gatecast.data.parsing.date_words import fold, rewrite_dates, zone_offset
from gatecast.data.parsing.raw_table import to_text
from gatecast.data.parsing.timestamps import looks_like_dates, parse_times

MONTHS = [f"2024-{month:02d}-01" for month in range(1, 13)]


def read(texts: list[str]) -> list[str]:
    """Times in ISO 8601, all of them valid."""
    parsed = parse_times(to_text(texts))
    assert parsed.is_valid.all(), texts
    return format_times(parsed.values)


@pytest.mark.parametrize(
    "names",
    [
        "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Jän. Feb. Maerz Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
        "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
        "JANVIER FEVRIER MARS AVRIL MAI JUIN JUILLET AOUT SEPTEMBRE OCTOBRE NOVEMBRE DECEMBRE",
        "ene feb mar abr may jun jul ago sep oct nov dic",
        "enero febrero marzo abril mayo junio julio agosto setiembre octubre noviembre diciembre",
        "gen feb mar apr mag giu lug ago set ott nov dic",
        "jan fev mar abr mai jun jul ago set out nov dez",
        "jan feb mrt apr mei jun jul aug sep okt nov dec",
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "sty lut mar kwi maj cze lip sie wrz paź lis gru",
        "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
        "tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu",
        "siječanj veljača ožujak travanj svibanj lipanj srpanj kolovoz rujan listopad studeni prosinac",
    ],
)
def test_rewrite_dates_months_of_a_language_are_understood(names):
    assert read([f"{name} 2024" for name in names.split()]) == MONTHS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Friday, 26 October 2012", "2012-10-26"),
        ("Fri 26/10/2012", "2012-10-26"),
        ("Freitag, 26. Oktober 2012", "2012-10-26"),
        ("Fr., 26.10.2012 18:30 Uhr", "2012-10-26 18:30:00"),
        ("vendredi 26 octobre 2012 18h30", "2012-10-26 18:30:00"),
        ("1er mars 2019", "2019-03-01"),
        ("26 de octubre de 2012", "2012-10-26"),
        ("26 октября 2012 г.", "2012-10-26"),
        ("October 26th, 2012", "2012-10-26"),
        ("26th of October 2012", "2012-10-26"),
        ("Fri Oct 26 18:30:00 2012", "2012-10-26 18:30:00"),
        ("2023年12月20日", "2023-12-20"),
        ("2023年12月20日 14时05分", "2023-12-20 14:05:00"),
        ("2023年12月20日(水) 14時", "2023-12-20 14:00:00"),
        ("2023年12月20日 星期三 下午2:05", "2023-12-20 14:05:00"),
        ("2023년 12월 20일", "2023-12-20"),
        ("2023年12月", "2023-12-01"),
        ("２０２３年１２月２０日", "2023-12-20"),
    ],
)
def test_rewrite_dates_one_date_is_understood(text, expected):
    assert read([text]) == [expected]


@pytest.mark.parametrize("text", ["Tue, 02 Jan 2024 00:00:00 GMT", "Tue Jan 02 2024 01:00:00 GMT+0100 (CET)"])
def test_rewrite_dates_zone_becomes_an_offset(text):
    parsed = parse_times(to_text([text]))
    assert parsed.is_valid.all()
    assert (parsed.values - np.timedelta64(parsed.utc_offset_minutes, "m")).tolist() == [
        np.datetime64("2024-01-02T00:00").astype("M8[us]").item()
    ]


def test_rewrite_dates_abbreviations_of_summer_time_are_offsets():
    parsed = parse_times(to_text(["2024-10-27 02:00 CEST", "2024-10-27 02:00 CET", "2024-10-27 03:00 CET"]))
    assert parsed.is_utc
    assert np.diff(parsed.values).astype("m8[h]").astype(int).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("CET", 60),
        ("cest", 120),
        ("UTC", 0),
        ("+02:00", 120),
        ("UTC-3", -180),
        ("GMT+0530", 330),
        ("north", None),
        ("", None),
    ],
)
def test_zone_offset_returns_minutes(text, minutes):
    assert zone_offset(text) == minutes


def test_rewrite_dates_other_words_stay():
    assert rewrite_dates(["store 1", "branch 2"]) == (["store 1", "branch 2"], "")
    assert not parse_times(to_text(["store 1", "branch 2"])).is_valid.any()


@pytest.mark.parametrize(("text", "folded"), [("Févr.", "fevr"), ("ŞUBAT", "subat"), (" Mai ", "mai")])
def test_fold_removes_case_accents_and_the_dot(text, folded):
    assert fold(text) == folded


@pytest.mark.parametrize(
    "word",
    [
        "sku",
        "room",
        "site",
        "area",
        "pump",
        "lot",
        "mag",
        "art",
        "lab",
        "dep",
        "gate",
        "bay",
        "bin",
        "id",
        "no",
        "num",
        "key",
        "run",
        "foo",
        "bar",
    ],
)
@pytest.mark.parametrize("pattern", ["{} {:02d}", "{}-{:02d}", "{}{:02d}", "{} {}"])
def test_rewrite_dates_labels_of_a_word_and_a_number_are_no_months(word, pattern):
    assert not looks_like_dates(to_text(pattern.format(word, k) for k in range(1, 21)))


def test_rewrite_dates_language_is_that_of_most_texts():
    texts = [
        f"{name} 2020" for name in ["Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"]
    ]
    assert rewrite_dates([*texts, "Total 1"])[1] == "de"


@pytest.mark.parametrize("code", ["27-1234", "6Q9883", "T1 20", "1234-567"])
def test_parse_times_codes_are_no_weeks_quarters_or_days(code):
    assert not looks_like_dates(to_text([code]))
