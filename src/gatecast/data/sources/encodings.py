"""Encodings of text files: Unicode with and without a byte order mark, and the usual ones of several languages.

Text that is not Unicode has no mark of its encoding. Each candidate gets a cost: about how many bits its characters
carry in a text of its language. Common letters and characters are cheap; the wrong encoding turns them into rare ones.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from gatecast.errors import DataError

__all__ = ["decode"]

SAMPLE_BYTES = 1 << 18
MAX_TOKENS = 2000
BITS_OF_INVALID = 20.0
"""Cost of each byte of a word that an encoding cannot decode: a single damaged character does not decide."""
MIN_ASCII = 0.3
"""Share of digits, separators and Latin letters that a table has in any language."""
LATIN_ADVANTAGE = 0.5
"""Bits by which another encoding must be cheaper than Latin-1, which can decode everything."""

# Longest first: the mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Words with bytes above 127. Bytes below 64 are never parts of characters of several bytes, with rare exceptions.
_WORD = re.compile(rb"[\x40-\xff]*[\x80-\xff][\x40-\xff]*")
_ASCII_TEXT = frozenset('0123456789,;|.-:/\t\n\r "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ')

_LATIN = "äöüßéèêàçñáíóúãõåøæâîôûëï°µ²³§£"
_LATIN_SIGNS = "€–—‘’“”„‚«»…•\xa0"
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїє"
_CHINESE = (
    "日期时间年月周天季度星销售量额数价格金单总计值收入成本利润人流电力负荷温产品商店门市铺编号名称类型地区城国家省北京上海广州深圳"
    "客户订库存需求备注平均最大小高低的一是在不了有和这中为个以公司合第二三四五六七八九十分万元件率增长同比来自出口进行业务部长线网"
)
_TRADITIONAL = (
    "日期時間年月週天季度星銷售量額數價格金單總計值收入成本利潤人流電力負荷溫產品商店門市編號名稱類型地區城國家省台北灣香港高雄"
    "客戶訂庫存需求備註平均最大小低的一是在不了有和這中為個以公司合第二三四五六七八九十分萬元件率增長同比來自出口進行業務部線網"
)
_JAPANESE = (
    "日付年月時間週売上数量金額単価商品店舗名番号合計平均最高低気温降水前比備考地域需要在庫東京大阪市県区本支社客者入出来電力使用人"
    "一二三四五六七八九十百千万円個件率期初末実績予測曜火木土回"
)
_KOREAN = (
    "날짜일시간년월주매출판수량금액가격상품점포지역합계평균번호이름최고저기온전력사용서울부산대구인원건율제고객주문재"
    "비의는를로에도"
)


_Cost = Callable[[str, str, str], float]


class _Candidate(NamedTuple):
    """An encoding and how likely its characters are.

    Args:
        codec: Name of the codec.
        name: What notes call it.
        cost: Bits of a character, given the one before it and the one after it.
    """

    codec: str
    name: str
    cost: _Cost


def decode(raw: bytes, source: str) -> tuple[str, tuple[str, ...]]:
    r"""Decode the bytes of a text file.

    Unicode is recognized by a byte order mark or by its form. Otherwise the encoding is the one in which the text looks
    most like text: Windows-1252, Windows-1251, KOI8-R, DOS-866, GB18030, Big5, Shift-JIS, EUC-JP or EUC-KR.

    Args:
        raw: The content of a file.
        source: Name of the source, for messages.

    Returns:
        The text, and a note if the encoding had to be inferred.

    Raises:
        DataError: The bytes are not text.

    >>> decode(b"M\xe4rz,1", "a.csv")
    ('März,1', ('The file is not UTF-8 and is read as Latin-1.',))
    >>> decode("日期,销量".encode("gbk"), "a.csv")
    ('日期,销量', ('The file is not UTF-8 and is read as GB18030 (Chinese).',))
    """
    for mark, codec in _MARKS:
        if raw.startswith(mark):
            return raw.decode(codec, "replace"), ()
    if b"\0" in raw:
        wide = _detect_wide(raw)
        if wide:
            note = f"The file has no byte order mark and is read as {wide.upper()}."
            return raw.decode(wide, "replace"), (note,)
    head = raw[:4096]
    if sum(byte < 32 and byte not in b"\t\n\r\f" for byte in head) > len(head) / 100 or b"\0" in raw:
        raise DataError(
            "Not a text file",
            where=source,
            got="binary data",
            expected="CSV or TSV",
            fix="Export the table as CSV, Parquet, JSON or a spreadsheet.",
        )
    try:
        return raw.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        return _decode_other(raw, error)


def _detect_wide(raw: bytes) -> str:
    """The encoding of two or four bytes a character in which a text without a byte order mark is; "" if in none."""
    best, best_share = "", MIN_ASCII
    for codec, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        sample = raw[: min(len(raw), 8192) // width * width]
        text = sample.decode(codec, "replace")
        # The last character may be cut.
        if not text or "\ufffd" in text[:-1] or "\0" in text:
            continue
        share = sum(character in _ASCII_TEXT for character in text) / len(text)
        if share > best_share:
            best, best_share = codec, share
    return best


def _decode_other(raw: bytes, error: UnicodeDecodeError) -> tuple[str, tuple[str, ...]]:
    """Text that is not UTF-8, or is UTF-8 with damaged characters."""
    text = raw.decode("utf-8", "replace")
    n_damaged = text.count("\ufffd")
    n_valid = sum(character > "\x7f" for character in text[:SAMPLE_BYTES]) - text[:SAMPLE_BYTES].count("\ufffd")
    # Text of another encoding is hardly ever valid UTF-8, apart from a few characters.
    if n_valid > 3 * text[:SAMPLE_BYTES].count("\ufffd"):
        line = raw.count(b"\n", 0, error.start) + 1
        count = "a damaged character" if n_damaged == 1 else f"{n_damaged} damaged characters"
        return text, (f"The file is UTF-8 with {count}, the first in row {line}.",)
    best = _cheapest(_words(raw))
    if best is None and re.search(rb"[\x80-\x9f]", raw):
        best = _Candidate("cp1252", "Windows-1252", _latin_cost)
    codec, name = (best.codec, best.name) if best else ("latin-1", "Latin-1")
    text = raw.decode(codec, "replace")
    n_damaged = text.count("\ufffd")
    damage = f" {n_damaged} of its characters cannot be read." if n_damaged else ""
    return text, (f"The file is not UTF-8 and is read as {name}.{damage}",)


def _words(raw: bytes) -> list[bytes]:
    """Different words with characters that are not ASCII, from the beginning and, if there are few, from all."""
    words = dict.fromkeys(_WORD.findall(raw[:SAMPLE_BYTES]))
    if len(words) < 20 and len(raw) > SAMPLE_BYTES:
        words = dict.fromkeys((*words, *(match[0] for match in _WORD.finditer(raw))))
    return list(words)[:MAX_TOKENS]


def _cheapest(words: Sequence[bytes]) -> _Candidate | None:
    """The encoding with the lowest cost; None for Latin."""
    latin = (_Candidate(codec, "", _latin_cost) for codec in ("cp1252", "latin-1"))
    best, lowest = None, min(_cost_of(words, candidate) for candidate in latin) - LATIN_ADVANTAGE
    for candidate in _candidates():
        cost = _cost_of(words, candidate)
        if cost < lowest:
            best, lowest = candidate, cost
    return best


def _cost_of(words: Sequence[bytes], candidate: _Candidate) -> float:
    """Mean bits for each byte that is not ASCII."""
    bits, n_bytes = 0.0, 0
    for word in words:
        try:
            text = word.decode(candidate.codec)
        except UnicodeDecodeError:
            n_high = sum(byte > 127 for byte in word)
            bits, n_bytes = bits + BITS_OF_INVALID * n_high, n_bytes + n_high
            continue
        for previous, character, following in zip(" " + text, text, text[1:] + " ", strict=False):
            if character > "\x7f":
                bits += candidate.cost(character, previous, following)
                n_bytes += _n_bytes(character, candidate.codec)
    return bits / max(n_bytes, 1)


@cache
def _n_bytes(character: str, codec: str) -> int:
    """Bytes of a character."""
    return len(character.encode(codec, "replace"))


def _latin_cost(character: str, previous: str, _following: str) -> float:
    """Bits of a letter with an accent or of punctuation: two letters with accents are rarely neighbors."""
    if character in _LATIN_SIGNS:
        return 6.0
    bits = 5.0 if character.lower() in _LATIN else 8.0 if character.isalpha() else 10.0
    return bits + (4.0 if previous > "\x7f" else 0.0)


def _cyrillic_cost(character: str, previous: str, following: str) -> float:
    """Bits of a Cyrillic letter: capitals begin a word, or make it up; Latin letters are in other words."""
    lower = character.lower()
    if lower not in _CYRILLIC:
        return 8.0 if "Ѐ" <= character <= "ӿ" or character == "№" else 12.0
    is_mixed = any(other.isascii() and other.isalpha() for other in (previous, following))
    is_capital_inside = lower != character and previous.islower()
    is_alone = not previous.isalpha() and not following.isalpha()
    return 3.0 + _CYRILLIC.index(lower) / 5 + 6.0 * is_mixed + 5.0 * is_capital_inside + 5.0 * is_alone


def _ideograph_cost(common: frozenset[str], codec: str, first: str, last: str) -> _Cost:
    """Cost of characters: a few are common, and those from `first` to `last` in the order of the codec are usual."""
    low, high = first.encode(codec), last.encode(codec)

    @cache
    def bits(character: str) -> float:
        """Bits of one character."""
        if character in common:
            return 7.0
        if "\u3040" <= character <= "\u30ff":
            return 6.5 if codec in ("cp932", "euc_jp") else 14.0
        if "\uff61" <= character <= "\uff9f":
            # Half-width katakana take one byte in Shift-JIS.
            return 6.4
        if "\u3000" <= character <= "\u303f" or "\uff00" <= character <= "\uff60":
            return 11.0
        encoded = character.encode(codec)
        return 13.5 if len(encoded) == 2 and low <= encoded <= high else 18.0

    return lambda character, _previous, _following: bits(character)


@cache
def _candidates() -> tuple[_Candidate, ...]:
    """All encodings but Latin-1."""

    def ideographs(codec: str, name: str, common: str, first: str, last: str) -> _Candidate:
        return _Candidate(codec, name, _ideograph_cost(frozenset(common), codec, first, last))

    return (
        _Candidate("cp1251", "Windows-1251 (Cyrillic)", _cyrillic_cost),
        _Candidate("koi8_r", "KOI8-R (Cyrillic)", _cyrillic_cost),
        _Candidate("cp866", "DOS-866 (Cyrillic)", _cyrillic_cost),
        ideographs("gb18030", "GB18030 (Chinese)", _CHINESE, "啊", "座"),
        ideographs("big5", "Big5 (Chinese)", _TRADITIONAL, "一", "籲"),
        ideographs("cp932", "Shift-JIS (Japanese)", _JAPANESE, "亜", "腕"),
        ideographs("euc_jp", "EUC-JP (Japanese)", _JAPANESE, "亜", "腕"),
        ideographs("cp949", "EUC-KR (Korean)", _KOREAN, "가", "힝"),
    )
