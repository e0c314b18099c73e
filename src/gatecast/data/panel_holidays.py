"""Public holidays as future exogenous columns of a panel: computed from its calendar, for the past and for the future.

A panel remembers which of its columns these are. So no table of the future needs them, and where a panel grows they
are computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.data.frequency import MONTHS, WITHIN_A_DAY, Freq
from gatecast.data.holidays import check_country, holiday_columns
from gatecast.data.messages import list_columns
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError

__all__ = ["add_holidays", "check_holidays", "future_holidays"]

MONTHS_PER_YEAR = 12

UTC_NOTE = (
    "Holidays begin at midnight of UTC, because the times are in UTC: where local midnight is hours away, convert the "
    "times to local clocks."
)


def check_holidays(codes: Sequence[str]) -> None:
    """Check that the library knows some countries, before any data are read.

    Raises:
        ConfigError: It does not, or it is not installed.

    >>> check_holidays(["DE", "US-CA"])
    """
    for code in codes:
        check_country(code, "holidays")


def add_holidays(panel: Panel, codes: Sequence[str]) -> tuple[Panel, tuple[str, ...]]:
    """Add the public holidays of countries to a panel, at every time of its grid, or compute them again.

    For days and shorter steps the columns are the day itself, the day after it and the day before it; for weeks the
    number of holidays in the week, in the next and in the previous one; for months and quarters the number alone.

    Args:
        panel: Series with dates.
        codes: Countries, such as "DE", or parts of them, such as "DE-BY".

    Returns:
        The panel with the columns as the last of its `futr_exog`, and a note for each country.

    Raises:
        ConfigError: An unknown country, times without dates, years, or a column that has the name already.

    >>> from gatecast.data.panel import from_values
    >>> panel, notes = add_holidays(from_values([1.0, 2.0, 3.0], start="2024-12-24", freq="D"), ["DE"])
    >>> {name: column.tolist() for name, column in panel.futr_exog.items()}
    {'holiday_DE': [0.0, 1.0, 1.0], 'holiday_DE_lead1': [1.0, 1.0, 0.0], 'holiday_DE_lag1': [0.0, 0.0, 1.0]}
    >>> notes[0]
    "Holidays of DE are known columns: 'holiday_DE', 'holiday_DE_lead1', 'holiday_DE_lag1'; 2 of 3 times have one."
    """
    if not codes:
        return panel, ()
    _check_freq(panel.freq)
    # Series of a panel share most of their times.
    times, index = np.unique(panel.all_times(), return_inverse=True)
    given = {name: panel.futr_exog[name] for name in panel.given_futr_exog}
    added: dict[str, FloatArray] = {}
    names: dict[str, tuple[str, ...]] = {}
    notes = []
    for code in codes:
        columns = holiday_columns(times, panel.freq, code, **_shifts(panel.freq))
        _check_names(panel, columns)
        added |= {name: column[index.ravel()] for name, column in columns.items()}
        first, *_ = names[code] = tuple(columns)
        count = np.count_nonzero(columns[first])
        listed = f"Holidays of {code} are known columns: {list_columns(columns)}"
        notes.append(f"{listed}; {count} of {len(times)} times {'has' if count == 1 else 'have'} one.")
    if panel.utc_offset_minutes == 0 and panel.freq.unit in WITHIN_A_DAY:
        notes.append(UTC_NOTE)
    return replace(panel, futr_exog=given | added, holidays=names), tuple(notes)


def future_holidays(panel: Panel, h: int) -> dict[str, FloatArray]:
    """Return the holiday columns of a panel at the h steps after the end of each series, each [n_series, h].

    >>> from gatecast.data.panel import from_values
    >>> panel, _ = add_holidays(from_values([1.0, 2.0], start="2024-12-23", freq="D"), ["DE"])
    >>> future_holidays(panel, 3)["holiday_DE"].tolist()
    [[1.0, 1.0, 0.0]]
    """
    if not panel.holidays:
        return {}
    future = panel.future_times(h)
    times, index = np.unique(future, return_inverse=True)
    columns = {
        name: column
        for code in panel.holidays
        for name, column in holiday_columns(times, panel.freq, code, **_shifts(panel.freq)).items()
    }
    return {name: column[index.reshape(future.shape)] for name, column in columns.items()}


def _shifts(freq: Freq) -> dict[str, int]:
    """How many columns lead and lag: of months and longer none, whose neighbours are another season."""
    n = 0 if freq.unit in MONTHS else 1
    return {"lead": n, "lag": n}


def _check_freq(freq: Freq) -> None:
    """Refuse steps without a date, and years, which have about the same holidays each."""
    if freq.unit == "step":
        raise ConfigError(
            "Invalid holidays: the times are whole numbers",
            expected="dates",
            fix="Leave holidays out, or provide a column with dates.",
            argument="holidays",
        )
    if MONTHS.get(freq.unit, 0) * freq.multiple >= MONTHS_PER_YEAR:
        raise ConfigError(
            f"Invalid holidays: every year has about as many, and the series are {freq.label}",
            expected="quarters or shorter steps",
            fix="Leave holidays out.",
            argument="holidays",
        )


def _check_names(panel: Panel, names: Iterable[str]) -> None:
    """Refuse columns of the data that have the name of a column of holidays."""
    taken = {*panel.given_futr_exog, *panel.hist_exog, *panel.stat_exog} & set(names)
    if taken:
        raise ConfigError(
            f"Invalid holidays: the data have a column {min(taken)!r} already",
            fix="Leave holidays out, or rename the column.",
            argument="holidays",
        )
