"""Public holidays of a country as columns that are known for the future too."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray
from gatecast.data.frequency import Freq, Times, parse, weekday
from gatecast.data.messages import list_columns
from gatecast.errors import ConfigError, DataError

__all__ = ["holiday_columns"]

# Frequencies whose times lie within one day.
WITHIN_A_DAY = ("us", "ms", "s", "min", "h", "B")
SUNDAY = 6


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
    code = country.strip().upper()
    shifts = {"": 0, **{f"_lead{k}": k for k in range(1, lead + 1)}, **{f"_lag{k}": -k for k in range(1, lag + 1)}}
    periods = {name: _periods(days.astype("M8[us]"), step, shift) for name, shift in shifts.items()}
    holidays = _list_holidays(code, periods.values())
    return {f"holiday_{code}{name}": _count(holidays, begin, end) for name, (begin, end) in periods.items()}


def _periods(times: Times, freq: Freq, shift: int) -> tuple[Times, Times]:
    """The first day of the period of each time, and the day after it, some steps later."""
    if freq.unit in WITHIN_A_DAY or (freq.unit == "D" and freq.multiple == 1):
        days = times.astype("M8[D]") + shift
        return days, days + 1
    at_end = freq.unit.endswith("E") or (freq.unit == "W" and bool((weekday(times) == SUNDAY).all()))
    first, last = (freq.at(times, shift + step).astype("M8[D]") for step in ((-1, 0) if at_end else (0, 1)))
    return (first + 1, last + 1) if at_end else (first, last)


def _count(holidays: Times, begin: Times, end: Times) -> FloatArray:
    """Number of holidays from a day to before another one."""
    return (np.searchsorted(holidays, end) - np.searchsorted(holidays, begin)).astype(np.float64)


def _list_holidays(code: str, periods: Any) -> Times:
    """The holidays of all years of some periods, in order."""
    country, _, part = code.partition("-")
    library = _library()
    part = _check_country(library, country, part)
    years = {year for pair in periods for days in pair for year in np.unique(days.astype("M8[Y]")).astype(int) + 1970}
    calendar = library.country_holidays(country, subdiv=part or None, years=sorted(map(int, years)))
    return np.array(sorted(calendar), "M8[D]")


def _library() -> Any:
    """The library with the holidays."""
    try:
        import holidays
    except ImportError:
        raise ConfigError(
            "Holidays need the library holidays, which is not installed",
            fix='Install it: pip install "gatecast[holidays]"',
        ) from None
    return holidays


def _check_country(library: Any, country: str, part: str) -> str:
    """Check that the library knows a country, and return the code of its part as the library writes it."""
    known: dict[str, Sequence[str]] = library.list_supported_countries(include_aliases=True)
    if country not in known:
        names = {name.upper(): code for code, name in _country_names(library).items()}
        close = [names.get(match, match) for match in get_close_matches(country, [*names, *known], n=1)]
        raise ConfigError(
            f"Unknown country {country!r}",
            expected="a code of two letters, such as DE, or with a part of the country, such as DE-BY",
            fix=f"Did you mean {close[0]!r}?" if close else "",
            argument="country",
        )
    parts = {name.upper(): name for name in ("", *known[country])}
    if part not in parts:
        raise ConfigError(
            f"Unknown part of the country {f'{country}-{part}'!r}",
            expected=f"one of {list_columns(known[country])}" if known[country] else f"{country} alone",
            argument="country",
        )
    return parts[part]


def _country_names(library: Any) -> dict[str, str]:
    """English names of the countries, by code, as far as the library has them as names of its classes."""
    registry = getattr(library.registry, "COUNTRIES", {})
    return {str(codes[1]): module.replace("_", " ") for module, codes in registry.items() if len(codes) > 1}
