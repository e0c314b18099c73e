"""What surrounds the digits of a number: signs, currencies, percent signs, units, scale words and bounds.

A text is split without a search over alternatives, in time linear in its length: cells come from files of any kind.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

__all__ = ["NumberText", "is_flag", "is_unit", "split_number"]

# The largest double, written out, has 309 digits, or 411 characters with separators.
MAX_LENGTH = 420
MAX_UNIT_LENGTH = 20

_ISO_4217 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
COP CRC CUP CVE CZK DEM DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP FRF GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF
IDR ILS INR IQD IRR ISK ITL JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK
MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RMB RON RSD RUB RWF SAR
SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES
VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL
"""
_CURRENCY_WORDS = """
eur Eur euro euros Euro Euros usd Usd gbp chf kr Kr zł zl Kč Kc Ft lei лв руб р Rs Fr SFr sFr RM Rp TL din kn S/
元 円 원
"""
_UNIT_NAMES = """
unit einheit unidad unité utc none text string float int integer pcs stk stück c f k degc degf deg celsius kelvin m mm
cm km g kg t l ml s min h d hpa pa kpa bar mbar mw kw w gw mwh kwh wh gwh v mv a ma hz ppm ppb m/s km/h kn mph w/m2
kwh/m2 m3 m3/s l/s ug/m3 yyyy-mm-dd dd.mm.yyyy dd/mm/yyyy mm/dd/yyyy hh:mm hh:mm:ss
"""
CURRENCIES = frozenset((_ISO_4217 + _CURRENCY_WORDS).split())
"""ISO 4217 codes, and abbreviations that have no sign in Unicode."""

SCALES = {
    **dict.fromkeys(("k", "tsd", "tausend", "thousand", "thousands", "thsd", "mille", "tys", "тыс"), 3),
    **dict.fromkeys(("M", "mio", "mill", "mn", "mln", "million", "millions", "millionen", "млн"), 6),
    **dict.fromkeys(("bn", "bln", "mrd", "mld", "billion", "billions", "milliarden", "млрд"), 9),
    **dict.fromkeys(("lakh", "lakhs", "lac"), 5),
    **dict.fromkeys(("crore", "crores"), 7),
    **{"trillion": 12, "tn": 12, "万": 4, "萬": 4, "億": 8, "亿": 8},
}
"""Powers of ten of words that scale a number, in lower case except single letters."""

ATTACHED_SCALES = {"K": 3, "B": 9}
"""Scales without a space before them: 5K is 5000, and 300 K is a temperature."""

AMBIGUOUS_SCALES = {"m": 6, "K": 3, "b": 9, "B": 9, "T": 12}
"""Scales next to a currency or other scales, and units otherwise."""

# A single letter that follows digits directly is more often part of a code, such as 12B, than a unit.
ATTACHED_UNITS = frozenset("mglLtshdWVCF")
NOT_UNITS = frozenset(("am", "pm", "a.m.", "p.m.", "st", "nd", "rd", "th"))
ATTACHED_FLAGS = frozenset("epr")
"""Flags of values that follow the digits directly: estimated, provisional, revised."""
UNIT_NAMES = frozenset(_UNIT_NAMES.split())

_DIGITS = re.compile(r"(?:(?<![^\W\d])(?<!/)[.,](?=\d))?\d(?:[\d.,' _]*[\d.,])?(?:[eE][+-]?\d+)?")
_BOUND = re.compile(r"([<>≤≥])=? *")
_UNIT = re.compile(r"[^\W\d_°%‰/\[(]?[°%‰/\[(]?(?:[^\W\d_]|[°%‰/·*^²³()\[\]. $€£¥-]|(?<=[^\W\d_])[2-4])*")
_FLAG = re.compile(r"\(?[bcdefimnprsuz]{1,3}\)?|\*{1,3}|[†‡]")
_EDGE = " \"'="
_PLAIN = re.compile(r"([+-]?)(\d[\d.,]*)")


class NumberText(NamedTuple):
    """The parts of a number as it is written.

    Args:
        digits: Digits with their separators and exponent, in ASCII and without sign.
        is_negative: Whether it is negative.
        negative_mark: "()" or "-" if parentheses, or a minus sign at the end, show that; "0" for a dash that stands for
            zero; empty otherwise.
        bound: "<" or ">" for a bound such as <1; empty otherwise.
        symbols: Currency and percent signs.
        scale: Power of ten of the scale word.
        scale_word: The scale word, such as "Mio."; empty if there is none.
        unit: The unit; empty if there is none.
        flag: The flag of this one value, where others have none; empty otherwise.
    """

    digits: str
    is_negative: bool = False
    negative_mark: str = ""
    bound: str = ""
    symbols: tuple[str, ...] = ()
    scale: int = 0
    scale_word: str = ""
    unit: str = ""
    flag: str = ""


def split_number(text: str) -> NumberText | None:
    """Split a text into the digits of a number and what surrounds them; None if it is not a number.

    >>> split_number("-$1,234.50")[:2], split_number("(5)").is_negative, split_number("5 Mio. EUR").scale
    (('1,234.50', True), True, 6)
    >>> split_number("12 kWh").unit, split_number("<1").bound, split_number("12:30") is None
    ('kWh', '<', True)
    """
    text = text.strip()
    if len(text) > MAX_LENGTH:
        return None
    if plain := _PLAIN.fullmatch(text):
        return NumberText(plain[2], plain[1] == "-")
    if not text.isascii():
        text = text.translate(_TYPOGRAPHY).strip()
    match = _DIGITS.search(text)
    if match is None:
        return _split_dash(text)
    before, digits, after = text[: match.start()].strip(_EDGE), match[0], text[match.end() :]
    # 12.- and 12,- are prices without cents.
    after = after.lstrip("-") if digits[-1] in ".," else after
    is_attached = after[:1] not in (" ", "")
    after = after.strip(_EDGE)
    bound = _BOUND.match(before)
    before = before[bound.end() :] if bound else before
    signed = _strip_signs(before, after)
    if signed is None:
        return None
    before, after, sign, mark = signed
    words, symbols = _split_words(before)
    unit_words, more_symbols = _split_words(after)
    if words or (unit_words and mark == "-"):
        return None
    number = NumberText(
        digits,
        is_negative=sign == "-",
        negative_mark=mark,
        bound="" if not bound else "<" if bound[1] in "<≤" else ">",
        symbols=(*symbols, *more_symbols),
    )
    return _with_unit(number, unit_words, is_attached)


def is_unit(text: str) -> bool:
    """Return whether a cell of a header names a unit.

    >>> is_unit("[°C]"), is_unit("MWh"), is_unit("EUR"), is_unit("sales")
    (True, True, True, False)
    """
    text = text.strip()
    bare = text.strip("[]()").strip()
    return len(text) <= MAX_UNIT_LENGTH and (
        (text[:1] in ("[", "(") and text[-1:] in ("]", ")"))
        or bare.lower() in UNIT_NAMES
        or bare.rstrip(".") in CURRENCIES
        or any(character in "°%‰€$£¥²³" for character in bare)
        or bare.lower().rstrip(".") in SCALES
    )


def is_flag(unit: str) -> bool:
    """Return whether what follows a number is the flag of one value: of a break, an estimate, a provisional figure.

    The letters are those of Eurostat, of which some agencies write a few in parentheses; others have asterisks.

    >>> is_flag("b"), is_flag("ep"), is_flag("(p)"), is_flag("*"), is_flag("kWh")
    (True, True, True, True, False)
    """
    return _FLAG.fullmatch(unit) is not None and (len(unit) == 1 or unit not in UNIT_NAMES)


class _Typography(dict[int, str]):
    """Translation of characters to ASCII: digits of all scripts, spaces, minus signs, apostrophes, full-width forms."""

    def __missing__(self, code: int) -> str:
        """The translation of a character, computed once."""
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            new = str(unicodedata.decimal(character))
        elif category == "Cf":
            new = ""
        else:
            kinds = {"Zs": " ", "Pd": "-"}
            compatible = unicodedata.normalize("NFKC", character)
            new = kinds.get(category, compatible if compatible.isascii() and code >= 0xFF00 else character)
        self[code] = new
        return new


_TYPOGRAPHY = _Typography(
    {ord("\u2212"): "-", ord("’"): "'", ord("‘"): "'", ord("\u02bc"): "'", ord("٫"): ".", ord("٬"): "'"}
    | {ord("“"): '"', ord("”"): '"', ord("„"): '"', ord("«"): '"', ord("»"): '"', ord("\n"): " "}
)


def _split_dash(text: str) -> NumberText | None:
    """The zero of accounting formats: a currency and a dash."""
    words, symbols = _split_words(text.replace("-", " "))
    return NumberText("0", negative_mark="0", symbols=tuple(symbols)) if symbols and not words and "-" in text else None


def _strip_signs(before: str, after: str) -> tuple[str, str, str, str] | None:
    """Remove the sign: the texts without it, the sign, and the mark of a negative number; None for several signs."""
    signs = [character for character in before if character in "+-"]
    mark = ""
    if "(" in before and ")" in after:
        before, after, mark = before.replace("(", "", 1), after.replace(")", "", 1).strip(), "()"
        signs.append("-")
    if after and (after[0] in "+-" or after[-1] in "+-"):
        sign, after = (after[0], after[1:]) if after[0] in "+-" else (after[-1], after[:-1])
        mark = "-" if sign == "-" else mark
        signs.append(sign)
    if len(signs) > 1:
        return None
    return before.replace("-", " ").replace("+", " "), after.strip(), "".join(signs), mark


def _split_words(text: str) -> tuple[list[str], list[str]]:
    """Separate the words of a text from its currency and percent signs."""
    words: list[str] = []
    symbols: list[str] = []
    for word in text.split():
        sign = next((mark for mark in word if mark in "%‰" or unicodedata.category(mark) == "Sc"), "")
        code = word.rstrip(".")
        rest = word.replace(sign, "", 1) if sign else word[0]
        if code in CURRENCIES or word == sign:
            symbols.append(code)
        elif rest in ("k", "T", "M", "Mio", "Mrd") and (sign or word[1:] in CURRENCIES):
            # T€ and TEUR are thousands of euros.
            symbols.append(sign or word[1:])
            words.append("Tsd" if rest == "T" else rest)
        elif sign and len(rest) <= 3 and rest.isalpha() and sign not in "%‰":
            symbols.append(word)
        else:
            words.append(word)
    return words, symbols


def _with_unit(number: NumberText, words: list[str], is_attached: bool) -> NumberText | None:
    """Add the scale and the unit that follow the digits; None if they are neither."""
    if not words:
        return number
    scale = _scale(words[0], is_attached, bool(number.symbols))
    if scale:
        number = number._replace(scale=scale, scale_word=words[0])
        words, is_attached = words[1:], False
    unit = " ".join(words)
    if not unit:
        return number
    if is_attached and unit in ATTACHED_FLAGS:
        return number._replace(flag=unit)
    is_code = is_attached and len(unit) == 1 and unit.isalpha() and unit not in ATTACHED_UNITS | {*AMBIGUOUS_SCALES}
    if is_code or len(unit) > MAX_UNIT_LENGTH or unit.lower() in NOT_UNITS or not _UNIT.fullmatch(unit):
        return None
    return number._replace(unit=unit)


def _scale(word: str, is_attached: bool, has_currency: bool) -> int:
    """Power of ten of a scale word; 0 for other words."""
    if has_currency and word in AMBIGUOUS_SCALES:
        return AMBIGUOUS_SCALES[word]
    if is_attached and word in ATTACHED_SCALES:
        return ATTACHED_SCALES[word]
    key = word.rstrip(".") if len(word) == 1 else word.rstrip(".").lower()
    return SCALES.get(key, 0)
