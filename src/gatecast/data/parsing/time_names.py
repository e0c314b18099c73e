"""Names of columns that hold times, or parts of them, in several languages."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["NAMES", "is_called", "is_called_time", "is_part_of_time", "plain_name", "tells"]

_NAMES = {
    "year": "year yr yyyy yy jahr année annee año ano anno rok god год 年 年份 years fiscal_year fy calendar_year "
    "geschäftsjahr exercice ejercicio",
    "quarter": "quarter qtr qu q quartal trimestre trimester kvartal kwartaal kwartał 季度",
    "half": "half half_year halbjahr semestre semester",
    "period": "period per periode période periodo período posting_period fiscal_period",
    "month": "month mon mm mo mth mnth monat mois mes mês mese maand miesiąc mesic měsíc "
    "månad måned kuukausi hónap ay месяц moy month_of_year 月 月份 month_name monthname",
    "week": "week wk woche kw cw semaine semana settimana vecka uge týden viikko hét hafta isoweek "
    "iso_week week_of_year weekofyear неделя 周",
    "day": "day dd dy tag jour dia día giorno dag den день 日 day_of_month dayofmonth mday dom",
    "day_of_year": "day_of_year dayofyear doy yday julian_day jday",
    "date": "date datum fecha data dato дата 日期 day tag jour dia día giorno ds dates",
    "clock": "time uhrzeit zeit heure hora ora tid klokkeslett time время 时间 时刻 time_of_day timeofday clock hhmm",
    "span": "von from start begin beginn anfang start_time starttime time_from uhrzeit_von interval time_interval",
    "half_hour": "settlement_period trading_period",
    "hour": "hour hours hr hrs hh h he hr_end delivery_hour opr_hr "
    "stunde heure hora ora timme time uur godzina час 时 小时 hour_of_day hourending "
    "hour_ending hour_beginning",
    "minute": "minute min minutes mi mn minuto minuut минута 分",
    "second": "second sec seconds ss sekunde segundo секунда 秒",
    "whole": "when period periode période periodo período yearmonth year_month yyyymm yyyymmdd ym 年月 年月日 период",
    "zone": "zone tz timezone time_zone zeitzone utc_offset utcoffset offset gmt_offset dst",
}
NAMES = {part: frozenset(names.split()) for part, names in _NAMES.items()}
"""Names of columns in lower case, their words joined by underscores, by the part of a time that they hold."""
SHORT_NAME = 2
"""Letters of names that may mean anything: h, mo."""
MAX_ABBREVIATION = 3
"""Letters of words that other words contain by chance: kw, qtr."""
_COUNTED = frozenset(("year", "quarter", "half", "period", "month", "week", "day_of_year"))
"""Parts whose names may say that they are of the calendar, or numbers: Kalenderwoche, Week No., MonthNum."""
_QUALIFIED = re.compile(
    r"(?:(?:calendar|kalender|iso)_?)?(.+?)(?:_?(?:number|nummer|name|num)|sname|_(?:no|nr)|(?<=\w{4})(?:no|nr)|_?#)?\.?"
)


def is_called(part: str, name: str) -> bool:
    """Return whether a column has a name of a part of times in some language.

    Args:
        part: "year", "month", "week", ...
        name: Of the column.

    >>> is_called("week", "Kalenderwoche"), is_called("month", "Month No."), is_called("month", "mono")
    (True, True, False)
    """
    return plain_name(name) in NAMES[part] or (part in _COUNTED and _unqualified(name) in NAMES[part])


@lru_cache(maxsize=1024)
def _unqualified(name: str) -> str:
    """A plain name without what says that it is of the calendar, or a number."""
    match = _QUALIFIED.fullmatch(plain_name(name))
    return "" if match is None else match[1]


def is_called_time(name: str) -> bool:
    """Return whether a column has a name of times in some language: of dates, or of years, months, weeks or days.

    >>> is_called_time("Jahr"), is_called_time("Year-Month"), is_called_time("Umsatz")
    (True, True, False)
    """
    return any(is_called(part, name) for part in ("whole", "date", "year", "quarter", "month", "week"))


def is_part_of_time(name: str) -> bool:
    """Return whether a column has a name of parts of times in some language: of quarters, weeks, days or hours.

    >>> is_part_of_time("QUARTER"), is_part_of_time("Hour Ending"), is_part_of_time("Amount")
    (True, True, False)
    """
    parts = ("year", "quarter", "half", "month", "week", "day_of_year", "hour")
    return len(plain_name(name)) > SHORT_NAME and any(is_called(part, name) for part in parts)


def tells(part: str, name: str) -> bool:
    """Return whether the name of a column says, with a word in it, which part of times its cells end with.

    Args:
        part: "quarter", "month", "week", ...
        name: Of the column.

    >>> tells("week", "Jahr/KW"), tells("week", "Kalenderwoche"), tells("week", "kWh")
    (True, True, False)
    """
    plain = plain_name(name)
    words = NAMES[part].intersection(re.split(r"[\W\d_]+", plain))
    return bool(words) or any(word in plain for word in NAMES[part] if len(word) > MAX_ABBREVIATION or word > "\u3000")


@lru_cache(maxsize=1024)
def plain_name(name: str) -> str:
    """Return a name in lower case, its words joined by underscores, without brackets.

    >>> plain_name("<TIME>"), plain_name("Time (UTC)"), plain_name("HourEnding")
    ('time', 'time', 'hour_ending')
    """
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    name = re.sub(r"[<>\[\]]|\((?:utc|gmt|local|hh:mm(?::ss)?)\)", "", name.lower())
    return re.sub(r"[\s\-]+", "_", name.strip())
