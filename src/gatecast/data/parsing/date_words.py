"""Words in dates: months and weekdays of every language that CLDR knows, units such as 年月日, a.m., time zones.

Texts are rewritten into the few notations that `dates` parses: ``vendredi 1 mars 2019, 18h30`` becomes ``1 mar 2019
18:30``. Names of weekdays are redundant and are dropped.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "MONTH_WORDS",
    "QUARTER_WORD",
    "fold",
    "month_numbers",
    "quarter_number",
    "rewrite_dates",
    "weekday_numbers",
    "zone_offset",
]

MONTH_WORDS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
"""What names of months are rewritten to."""
QUARTER_WORD = r"(?:quarter|quartal|qtr|trimestre|kvartal|kwartaal|kwartał)"
"""A regular expression of words for quarters, in lower case."""

# Languages whose names are tried first: the first that knows every word of a column is taken.
_COMMON = ("en", "de", "fr", "es", "it", "pt", "nl", "ru", "pl", "tr", "sv", "da", "nb", "fi", "cs", "uk", "id")
# Usual in German, but not in CLDR.
_MORE_NAMES = {"mrz": 2, "maerz": 2, "jaenner": 0}
# Words around the parts of a date, without a meaning of their own.
_FILLERS = frozenset(
    {"de", "del", "d", "di", "of", "the", "den", "le", "el", "at", "um", "uhr", "klo", "kl", "г", "р", "года", "год"}
)
# Days of the week in order: CLDR's are stored without it.
_WEEKDAY_NAMES = tuple(
    tuple(names.split())
    for names in (
        "monday tuesday wednesday thursday friday saturday sunday",
        "montag dienstag mittwoch donnerstag freitag samstag sonntag",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "lunes martes miercoles jueves viernes sabado domingo",
        "lunedi martedi mercoledi giovedi venerdi sabato domenica",
    )
)
# Minutes ahead of UTC. Abbreviations that stand for several zones (IST, CST of China) are not in the list.
_ZONES = {
    **{"utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "mez": 60, "cest": 120, "mesz": 120},
    **{"eet": 120, "eest": 180, "msk": 180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420},
    **{"mdt": -360, "pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600, "aest": 600, "aedt": 660},
    **{"acst": 570, "acdt": 630, "awst": 480, "nzst": 720, "nzdt": 780, "jst": 540, "kst": 540},
}
_CJK_WEEKDAY = re.compile(
    r"[(（]?(?:星期|礼拜|週|周)[一二三四五六日天][)）]?|[(（]?[日月火水木金土](?:曜日|曜)[)）]?"
    r"|[(（][日月火水木金土월화수목금토일][)）]"
)
_CJK_UNITS = (
    (r"上午|午前|오전", " am "),
    (r"下午|午後|오후", " pm "),
    (r"\s*[年년]\s*", "-"),
    (r"\s*[月월]\s*(?=\d)", "-"),
    (r"\s*[月월]", ""),
    (r"\s*[日일号號]\s*", " "),
    (r"\s*[時时点點시]\s*(?=\d)", ":"),
    (r"\s*[時时点點시]", ":00"),
    (r"\s*[分분]\s*(?=\d)", ":"),
    (r"\s*[分분秒초]", ""),
)
_HAS_CJK = re.compile(r"[年月日年월일时時]|上午|下午|년")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*\.?")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th|er|re|ª|º|°)\b\.?", re.IGNORECASE)
_CLOCK_H = re.compile(r"\b(\d{1,2}) ?h ?(\d\d)?(?: ?(?:min|m|mn))?\b(?: ?(\d\d) ?s\b)?", re.IGNORECASE)
_MERIDIEM = re.compile(r"\b([ap])\. ?m\b\.?", re.IGNORECASE)
_ZONE = re.compile(r"[ (]*\b([A-Za-z]{1,4})\b\)?$")
_QUARTER = re.compile(rf"(?:q|t|trim|{QUARTER_WORD})[ ._-]?([1-4])|([1-4])q", re.IGNORECASE)
_OFFSET_TAIL = re.compile(r"\s*\([^)]*\)$")


class _Language(NamedTuple):
    """Names of one language, folded: the month of each, and the weekdays."""

    months: dict[str, int]
    weekdays: frozenset[str]


def fold(text: str) -> str:
    """Return a name as it is compared: without case, accents and a final dot.

    >>> fold("Févr."), fold("MÄRZ")
    ('fevr', 'marz')
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).strip().rstrip(".")


def rewrite_dates(texts: Sequence[str], sample: Sequence[str] | None = None) -> tuple[list[str], str]:
    """Rewrite words in dates.

    Args:
        texts: Dates of one column.
        sample: Dates by which the language is chosen; `texts` if None.

    Returns:
        The texts, with months in English, the clock as hours:minutes, and the zone as an offset; and the language, ""
        if no word needs one.

    >>> rewrite_dates(["Fr., 1. März 2019", "Sa., 2. März 2019"])
    (['1. mar 2019', '2. mar 2019'], 'de')
    >>> rewrite_dates(["2023年12月20日 14時30分", "2024-01-01 00:00 CET"])
    (['2023-12-20 14:30', '2024-01-01 00:00+01:00'], '')
    """
    plain = [_rewrite_units(text) for text in texts]
    heads = plain if sample is None else [_rewrite_units(text) for text in sample]
    language = _find_language([text for text in heads if _HAS_DIGIT.search(text)])
    if language is None:
        return plain, ""
    words = {word for text in plain for word in _words(text)}
    meaning = {word: MONTH_WORDS[month] for word in words if (month := _month_of(word, language)) is not None}
    drop = (_languages()[language].weekdays | _FILLERS) - set(meaning)

    def replace(match: re.Match[str]) -> str:
        """Replace one word."""
        word = fold(match[0])
        return meaning[word] if word in meaning else "" if word in drop else match[0]

    return [" ".join(_WORD.sub(replace, text).strip(" ,.").replace(" ,", ",").split()) for text in plain], language


def month_numbers(names: Sequence[str]) -> list[int] | None:
    """Return the months, from 1, that names in one language mean; None if one of them is none.

    >>> month_numbers(["Januar", "März"]), month_numbers(["north"])
    ([1, 3], None)
    """
    language = _find_language(names)
    if language is None:
        return None
    months = [_month_of(fold(name), language) for name in names]
    return None if None in months else [month + 1 for month in months if month is not None]


def quarter_number(name: str) -> int | None:
    """Return the quarter of a year, from 1, that a name means; None if it is none.

    >>> quarter_number("Q1"), quarter_number("2Q"), quarter_number("Trimestre 3"), quarter_number("4")
    (1, 2, 3, None)
    """
    match = _QUARTER.fullmatch(name)
    return int(match[1] or match[2]) if match else None


def weekday_numbers(names: Sequence[str]) -> list[int] | None:
    """Return the days of the week, 0 Monday ... 6 Sunday, that names in a usual language mean; None if one is none.

    >>> weekday_numbers(["Mon", "Tuesday"]), weekday_numbers(["Mo", "Di", "Mi"]), weekday_numbers(["north"])
    ([0, 1], [0, 1, 2], None)
    """
    folded = [fold(name) for name in names]
    for language in _WEEKDAY_NAMES:
        days = [[k for k, day in enumerate(language) if len(name) >= 2 and day.startswith(name)] for name in folded]
        if all(len(match) == 1 for match in days):
            return [match[0] for match in days]
    return None


def zone_offset(text: str) -> int | None:
    """Return the minutes by which a zone or an offset is ahead of UTC; None for other text.

    >>> zone_offset("CEST"), zone_offset("UTC+05:30"), zone_offset("-0800"), zone_offset("north")
    (120, 330, -480, None)
    """
    plain = text.strip().lower()
    if plain in _ZONES:
        return _ZONES[plain]
    match = re.fullmatch(r"(?:utc|gmt)?([+-])(\d\d?)(?::?(\d\d))?", plain)
    if match is None or int(match[2]) > 14:
        return None
    return (int(match[2]) * 60 + int(match[3] or 0)) * (-1 if match[1] == "-" else 1)


def _rewrite_units(text: str) -> str:
    """One text with plain digits, units of a date and of a clock as separators, and the zone as an offset."""
    text = unicodedata.normalize("NFKC", text)
    if _HAS_CJK.search(text):
        text = _CJK_WEEKDAY.sub(" ", text)
        for pattern, replacement in _CJK_UNITS:
            text = re.sub(pattern, replacement, text)
        text = re.sub(r"\b([ap]m) +(\d[\d:]*)", r"\2 \1", " ".join(text.split()))
    text = _MERIDIEM.sub(r"\1m", _ORDINAL.sub("", text))
    text = _CLOCK_H.sub(lambda m: f"{m[1]}:{m[2] or '00'}" + (f":{m[3]}" if m[3] else ""), text)
    return _rewrite_zone(text.strip())


def _rewrite_zone(text: str) -> str:
    """One text with a final zone abbreviation as an offset from UTC."""
    if re.search(r"[+-]\d\d:?\d\d \(", text):
        text = re.sub(r"\b(?:GMT|UTC)(?=[+-]\d)", "", _OFFSET_TAIL.sub("", text))
    match = _ZONE.search(text)
    minutes = _ZONES.get(match[1].lower()) if match else None
    if match is None or minutes is None or ":" not in text:
        return text
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    return f"{text[: match.start()].rstrip()}{sign}{size // 60:02d}:{size % 60:02d}"


def _find_language(texts: Sequence[str]) -> str | None:
    """The language that knows the words of most texts; None without one.

    Three names of months and weekdays are evidence enough. Fewer must be full names or usual abbreviations in a
    language of most data: three hundred languages have a month for nearly every short word, such as sku or room.
    """
    words_of = [words for text in texts if (words := _words(text) - _FILLERS)]
    n_words = len(frozenset().union(*words_of))
    best, best_count = None, 0
    for name in _ordered_languages() if words_of else ():
        if name not in _COMMON and n_words < MIN_NAMES:
            break
        months, weekdays = _languages()[name]
        meaning = {word: _month_of(word, name) for words in words_of for word in words if word not in weekdays}
        understood = [words for words in words_of if all(meaning.get(word, 0) is not None for word in words)]
        if len(understood) <= max(best_count, MIN_UNDERSTOOD * len(words_of)):
            continue
        names: frozenset[str] = frozenset().union(*understood)
        n_names = len({meaning[word] for word in names - weekdays}) + len(names & weekdays)
        is_exact = name in _COMMON and all(word in months or word in weekdays for word in names)
        if n_names >= MIN_NAMES or (is_exact and not _are_labels(texts, n_names)):
            best, best_count = name, len(understood)
        if best_count == len(words_of):
            break
    return best


def _words(text: str) -> frozenset[str]:
    """The words of a text, folded, without those that every notation has."""
    return frozenset(map(fold, _WORD.findall(text))) - _KNOWN


def _are_labels(texts: Sequence[str], n_names: int) -> bool:
    """Whether texts are one word and short numbers, as of labels (mag 01, mag 02, ...) rather than of months."""
    return n_names == 1 and len(set(texts)) >= MIN_NAMES and not any(_YEAR.search(text) for text in texts)


# Names of columns are asked about in windows of twelve, so each twelve times.
@lru_cache(maxsize=16_384)
def _month_of(word: str, language: str) -> int | None:
    """The month from 0 that a word names, in full or shortened to at least three letters; None for another word."""
    months = _languages()[language].months
    if word in months:
        return months[word]
    if len(word) < 3:
        return None
    if (plain := re.sub("(?<=[aou])e", "", word)) in months:
        return months[plain]
    matching = {month for name, month in months.items() if name.startswith(word)}
    matching = matching or {
        month for name, month in months.items() if name[0] == word[0] and _is_subsequence(word, name)
    }
    return matching.pop() if len(matching) == 1 else None


def _is_subsequence(word: str, name: str) -> bool:
    """Whether the letters of a word occur in a name in this order: mrz in märz."""
    remaining: Iterator[str] = iter(name)
    return all(letter in remaining for letter in word)


@cache
def _languages() -> dict[str, _Language]:
    """Names of all languages."""
    text = Path(__file__).with_name("calendar_names.json").read_text(encoding="utf-8")
    known = {name: _to_language(parts) for name, parts in json.loads(text).items()}
    for name, month in _MORE_NAMES.items():
        known["de"].months[name] = month
    return known


def _to_language(parts: Iterable[str]) -> _Language:
    """One language from its lists of names: of twelve months, and of the weekdays."""
    *months, weekdays = parts
    return _Language({name: k for k, names in enumerate(months) for name in names.split()}, frozenset(weekdays.split()))


@cache
def _ordered_languages() -> tuple[str, ...]:
    """Languages, those of most data first."""
    known = _languages()
    return (*(name for name in _COMMON if name in known), *(name for name in known if name not in _COMMON))


MIN_NAMES = 3
MIN_UNDERSTOOD = 0.6
"""Share of the texts whose words a language must know; the others may be footers."""
_HAS_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"\d{4}")
_KNOWN = frozenset({"t", "am", "pm", "q", "w", "m", "z", "h"})
