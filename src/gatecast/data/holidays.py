"""Public holidays of a country as columns that are known for the future too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.dates import later
from gatecast._utils.typing import FloatArray
from gatecast.data.frequency import Freq, Times, parse, weekday
from gatecast.data.messages import list_columns, shorten
from gatecast.errors import ConfigError, DataError

__all__ = ["check_country", "holiday_columns"]

# Frequencies whose times lie within one day.
WITHIN_A_DAY = ("us", "ms", "s", "min", "h", "B")
SUNDAY = 6
# Only near misses: a suggestion that is far off misleads more than it helps.
MAX_SIMILAR = 3
MIN_SIMILARITY = 0.75


def holiday_columns(
    times: npt.ArrayLike, freq: str | Freq, country: str, *, lead: int = 1, lag: int = 1
) -> dict[str, FloatArray]:
    """Return how many public holidays are at each time, before it and after it.

    For days and shorter steps, a value is 1 on a holiday and 0 otherwise, and leads and lags are days. For weeks,
    months, quarters and years it is the number of holidays in the period, and leads and lags are steps. A period begins
    at its time; it ends there for the frequencies ``ME``, ``QE`` and ``YE``, and for weeks at Sundays, as in pandas.

    Args:
        times: Times as datetime64, past or future, shape (n_times,).
        freq: Their frequency.
        country: Code of a country, such as "DE", or of a part of it, such as "DE-BY" or "US-CA".
        lead: Number of columns about the days (or steps) that follow a time: people shop before holidays.
        lag: Number of columns about the days (or steps) that precede it.

    Returns:
        Columns by name, each of shape (n_times,): "holiday_DE", "holiday_DE_lead1", ..., "holiday_DE_lag1", ...

    Raises:
        ConfigError: An unknown country, a negative number of columns, or the library holidays is not installed.
        DataError: Times that are no dates.

    Example:
        >>> days = np.arange("2024-12-24", "2024-12-28", dtype="M8[D]")
        >>> columns = holiday_columns(days, "D", "DE")
        >>> {name: column.astype(int).tolist() for name, column in columns.items()}
        {'holiday_DE': [0, 1, 1, 0], 'holiday_DE_lead1': [1, 1, 0, 0], 'holiday_DE_lag1': [0, 0, 1, 1]}
        >>> holiday_columns(np.array(["2024-05-01", "2024-06-01"], "M8[D]"), "MS", "DE", lead=0, lag=0)
        {'holiday_DE': array([3., 0.])}
    """
    step, days = parse(freq), np.asarray(times)
    if days.dtype.kind != "M" or step.unit == "step":
        raise DataError("Holidays need dates", got=f"times of the type {days.dtype}", expected="datetime64")
    for name, count in (("lead", lead), ("lag", lag)):
        if count < 0:
            raise ConfigError(f"Invalid {name} {count}", expected="a number of at least 0", argument=name)
    code = check_country(country)
    shifts = {"": 0, **{f"_lead{k}": k for k in range(1, lead + 1)}, **{f"_lag{k}": -k for k in range(1, lag + 1)}}
    periods = {name: _periods(days.astype("M8[us]"), step, shift) for name, shift in shifts.items()}
    holidays = _list_holidays(code, periods.values())
    return {f"holiday_{code}{name}": _count(holidays, begin, end) for name, (begin, end) in periods.items()}


def check_country(country: str, argument: str = "country") -> str:
    """Return the code of a country in capitals, if the library knows it.

    Args:
        country: Code of a country, or of a part of it.
        argument: What the setting is called in a refusal.

    Raises:
        ConfigError: An unknown country or part, with similar ones; or the library is not installed.

    Example:
        >>> check_country("de-by")
        'DE-BY'
    """
    code = country.strip().upper()
    name, _, part = code.partition("-")
    library = _library(argument)
    known = library.list_supported_countries(include_aliases=True)
    if name not in known:
        raise ConfigError(
            f"Unknown country {shorten(name)!r}",
            expected="a code of two letters, such as DE, or with a part of the country, such as DE-BY",
            fix=_did_you_mean(code, {**{text: text for text in known}, **_country_names(library)}),
            argument=argument,
        )
    if part not in _parts(known[name]):
        names = {**{text: text for text in known[name]}, **_part_names(library, name)}
        raise ConfigError(
            f"Unknown part of the country {shorten(code)!r}",
            expected=f"one of {list_columns(known[name])}" if known[name] else f"{name} alone",
            fix=_did_you_mean(part, {text: f"{name}-{code_of_part}" for text, code_of_part in names.items()}),
            argument=argument,
        )
    return code if part else name


def _did_you_mean(text: str, codes: Mapping[str, str]) -> str:
    """Advice with the code that has a name, or else with those of similar names, the most similar first."""
    by_name = {name.upper(): code for name, code in codes.items()}
    close = [text] if text in by_name else get_close_matches(text, by_name, n=MAX_SIMILAR, cutoff=MIN_SIMILARITY)
    return f"Did you mean {' or '.join(dict.fromkeys(repr(by_name[name]) for name in close))}?" if close else ""


def _parts(parts: Iterable[str]) -> dict[str, str]:
    """The parts of a country as the library writes them, by their code in capitals; "" is all of it."""
    return {part.upper(): part for part in ("", *parts)}


def _part_names(library: Any, country: str) -> dict[str, str]:
    """Codes of the parts of a country, by name, as far as the library has names."""
    return dict(getattr(library.country_holidays(country), "subdivisions_aliases", {}))


def _periods(times: Times, freq: Freq, shift: int) -> tuple[Times, Times]:
    """The first day of the period of each time, and the day after it, some steps later."""
    if freq.unit in WITHIN_A_DAY or (freq.unit == "D" and freq.multiple == 1):
        days = later(times.astype("M8[D]"), shift)
        return days, later(days, 1)
    at_end = freq.unit.endswith("E") or (freq.unit == "W" and bool((weekday(times) == SUNDAY).all()))
    first, last = (freq.at(times, shift + step).astype("M8[D]") for step in ((-1, 0) if at_end else (0, 1)))
    return (later(first, 1), later(last, 1)) if at_end else (first, last)


def _count(holidays: Times, begin: Times, end: Times) -> FloatArray:
    """Number of holidays from a day to before another one."""
    return (np.searchsorted(holidays, end) - np.searchsorted(holidays, begin)).astype(np.float64)


def _list_holidays(code: str, periods: Any) -> Times:
    """The holidays of all years of some periods, in order."""
    country, _, part = code.partition("-")
    library = _library()
    part = _parts(library.list_supported_countries(include_aliases=True)[country])[part]
    years = {year for pair in periods for days in pair for year in np.unique(days.astype("M8[Y]")).astype(int) + 1970}
    calendar = library.country_holidays(country, subdiv=part or None, years=sorted(map(int, years)))
    return np.array(sorted(calendar), "M8[D]")


def _library(argument: str | None = None) -> Any:
    """The library with the holidays."""
    try:
        import holidays
    except ImportError:
        raise ConfigError(
            "Holidays need the library holidays, which is not installed",
            fix='Install it: pip install "gatecast[holidays]"',
            argument=argument,
        ) from None
    return holidays


def _country_names(library: Any) -> dict[str, str]:
    """Codes of the countries, by English name, as far as the library has them as names of its classes."""
    registry = getattr(library.registry, "COUNTRIES", {})
    return {module.replace("_", " "): str(codes[1]) for module, codes in registry.items() if len(codes) > 1}
