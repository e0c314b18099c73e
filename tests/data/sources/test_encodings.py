"""Encodings of text files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.reader import read
from gatecast.data.sources.encodings import decode
from gatecast.errors import DataError

ROWS = "2024-01-01,5\n2024-01-02,7\n"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"a,1", "a,1"),
        ("Märkte".encode(), "Märkte"),
        ("\ufeffds".encode(), "ds"),
        ("Märkte".encode("utf-16"), "Märkte"),
        ("Märkte".encode("utf-32"), "Märkte"),
        (b"\xfe\xff" + "日期".encode("utf-16-be"), "日期"),
        (b"", ""),
    ],
)
def test_decode_unicode(raw, text):
    assert decode(raw, "a.csv") == (text, ())


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("header", ["ds,y", "Datum;Umsätze", "日期,销量", "Дата;Продажи", "날짜,매출"])
def test_decode_unicode_without_a_mark_with_a_note(codec, header):
    text = f"{header}\n{ROWS}"
    note = f"The file has no byte order mark and is read as {codec.upper()}."
    assert decode(text.encode(codec), "a.csv") == (text, (note,))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Märkte", "Latin-1"),
        ("Größe;Straße;Höhe", "Latin-1"),
        ("Année;Température;Août", "Latin-1"),
        ("Año;SEÑORÍA;Mês;Preço", "Latin-1"),
        ("Ænder;Øl;Måned", "Latin-1"),
        ("°C;m²;£", "Latin-1"),
        ("Preis in €", "Windows-1252"),
        ("“North” – sales", "Windows-1252"),
    ],
)
def test_decode_western_text_with_a_note(text, name):
    codec = {"Latin-1": "latin-1", "Windows-1252": "cp1252"}[name]
    assert decode(text.encode(codec), "a.csv") == (text, (f"The file is not UTF-8 and is read as {name}.",))


CODECS = {
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8_r": "KOI8-R (Cyrillic)",
    "cp866": "DOS-866 (Cyrillic)",
    "gb18030": "GB18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "cp932": "Shift-JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "cp949": "EUC-KR (Korean)",
}
TEXTS = {
    "cp1251": ["Дата,Продажи", "дата;выручка", "МЕСЯЦ;ОБЪЁМ", "Период;Обсяг", "№;Дата", "Магазин;Город\nВосток;Тверь"],
    "koi8_r": ["Дата,Продажи", "дата;выручка"],
    "cp866": ["Дата,Продажи", "дата;выручка"],
    "gb18030": ["日期,销量", "月份,销售额（万元）", "门店,客流量\n朝阳店,5", "2023年7月20日,5", "城市,温度\n哈尔滨,5"],
    "big5": ["日期,銷量", "月份,營業額", "門市,來客數\n信義店,5"],
    "cp932": ["日付,売上", "年月,気温", "店舗,売上高\n新宿店,5", "カテゴリ: すべて", "ﾃﾞｰﾀ,ﾈﾝ"],
    "euc_jp": ["日付,売上", "店舗,売上高\n新宿店,5"],
    "cp949": ["날짜,매출", "지점,판매량\n강남점,5"],
}


@pytest.mark.parametrize(("codec", "text"), [(codec, text) for codec, texts in TEXTS.items() for text in texts])
def test_decode_text_of_other_languages_with_a_note(codec, text):
    note = f"The file is not UTF-8 and is read as {CODECS[codec]}."
    assert decode(f"{text}\n{ROWS}".encode(codec), "a.csv") == (f"{text}\n{ROWS}", (note,))


def test_decode_words_far_from_the_beginning():
    raw = ROWS.encode() * 20_000 + "备注：销售额".encode("gb18030")
    assert decode(raw, "a.csv")[0].endswith("备注：销售额")


def test_decode_damaged_utf8_keeps_the_rest_with_a_note():
    raw = ("日期,销量\n" + ROWS).encode() + "2024-01-03,6\xff\n".encode("latin-1")
    text, notes = decode(raw, "a.csv")
    assert text == "日期,销量\n" + ROWS + "2024-01-03,6\ufffd\n"
    assert notes == ("The file is UTF-8 with a damaged character, the first in row 4.",)


def test_decode_of_characters_that_an_encoding_lacks_has_a_note():
    raw = "\n".join(["Дата,Выручка,Город", *(f"{k},Москва{k}" for k in range(50))]).encode("cp1251") + b"\x98"
    text, notes = decode(raw, "a.csv")
    assert text.endswith("Москва49\ufffd")
    assert notes == (
        "The file is not UTF-8 and is read as Windows-1251 (Cyrillic). 1 of its characters cannot be read.",
    )


@pytest.mark.parametrize("raw", [b"\x89\x01\x02\x03\n\x1a\n\0\0", b"\x01\x02\x03" * 9, bytes(99), bytes(range(256))])
def test_decode_of_binary_data_raises(raw):
    with pytest.raises(DataError, match=r"^Not a text file \(a\.csv\): got binary data, expected CSV or TSV\. Export"):
        decode(raw, "a.csv")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cc", "Cs")), max_size=40))
def test_decode_of_valid_utf8_is_that_text(text):
    assert decode(f"ds\n{text}".encode(), "a") == (f"ds\n{text}", ())


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1", "gb18030"])
def test_read_of_json_in_any_encoding(tmp_path, codec):
    name = "销量" if codec == "gb18030" else "größe"
    text = f'[{{"ds": "2024-01-01", "{name}": 1}}, {{"ds": "2024-01-02", "{name}": 3}}]'
    for file in ("a.json", "a.txt"):
        (tmp_path / file).write_bytes(text.encode(codec))
        panel, notes = read(tmp_path / file)
        assert (panel.columns.target, panel.values.tolist()) == (name, [1.0, 3.0])
        assert len(notes) == (1 if codec in ("utf-8-sig", "utf-16") else 2)
