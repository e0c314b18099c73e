"""Made tables in the layouts that people have, written as spreadsheets, exports and people do, and what they say.

A layout writes series of known times and values as cells. Mutations change how the table is written, never what it
says, except that a dropped row or an emptied cell is a missing value. So a reader must return the truth or refuse the
table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gatecast.data.frequency import parse

GERMAN = ["Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"]

Series = dict[str, dict[Any, float]]


@dataclass
class MadeTable:
    """A table as cells, and what it says.

    Args:
        header: Names of the columns.
        rows: Cells of each row.
        truth: Value by time, by series; a single series is called "".
        value_columns: Positions of the columns with numbers.
        arguments: What `read` is told.
        mark: Separator.
        is_long: Whether a row is one time.
        keys: Series and time of each row; none where a row is several.
        above: Lines above the header.
        below: Lines below the last row.
        newline: End of a line.
        encoding: Of the file.
    """

    header: list[str]
    rows: list[list[str]]
    truth: Series
    value_columns: list[int]
    arguments: dict[str, Any] = field(default_factory=dict)
    mark: str = ","
    is_long: bool = True
    keys: list[tuple[str, Any]] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    newline: str = "\n"
    encoding: str = "utf-8"

    def text(self) -> str:
        """The file."""
        table = (self.mark.join(map(self._quote, cells)) for cells in [self.header, *self.rows])
        lines = [*self.above, *table, *self.below]
        return self.newline.join(lines) + self.newline

    def _quote(self, cell: str) -> str:
        """A cell, in quotation marks if it contains the separator."""
        return f'"{cell}"' if self.mark in cell and not cell.startswith('"') else cell


def values_of(rng: np.random.Generator, n: int) -> np.ndarray:
    """Values with two decimals, some of them above a thousand."""
    return (rng.choice([50.0, 900.0, 25_000.0]) * (1 + 0.2 * rng.normal(size=n).cumsum() / np.sqrt(n))).round(2)


def _single(
    rng: np.random.Generator, times: np.ndarray, header: list[str], write: Callable[[Any], list[str]], **arguments: Any
) -> MadeTable:
    """One series: the cells of each time, and a value."""
    y = values_of(rng, len(times))
    moments = times.astype("M8[us]") if times.dtype.kind == "M" else times
    rows = [[*write(t.item()), f"{v:.2f}"] for t, v in zip(times, y, strict=True)]
    truth = {"": dict(zip(moments.tolist(), y.tolist(), strict=True))}
    keys = [("", time) for time in moments.tolist()]
    return MadeTable(
        [*header, str(rng.choice(["y", "sales", "Load", "value"]))], rows, truth, [len(header)], arguments, keys=keys
    )


def _range(rng: np.random.Generator, unit: str, low: int, high: int) -> np.ndarray:
    """Times at even distances."""
    start = np.datetime64("2019-01-01") + int(rng.integers(0, 900))
    n = int(rng.integers(low, high))
    return (start.astype(f"M8[{unit}]") + np.arange(n)).astype("M8[s]")


def _dates(fmt: str, unit: str, name: str, low: int = 40, high: int = 90) -> Callable[[np.random.Generator], MadeTable]:
    """A layout with one column of times."""
    return lambda rng: _single(rng, _range(rng, unit, low, high), [name], lambda t: [t.strftime(fmt)])


def _weekly(rng: np.random.Generator) -> MadeTable:
    times = (np.datetime64("2019-01-07") + int(rng.integers(0, 7)) + 7 * np.arange(60)).astype("M8[s]")
    return _single(rng, times, ["week"], lambda t: [t.strftime("%d.%m.%Y")])


def _quarters(fmt: str, name: str) -> Callable[[np.random.Generator], MadeTable]:
    def make(rng: np.random.Generator) -> MadeTable:
        months = np.datetime64("2008-01", "M") + 3 * (int(rng.integers(0, 8)) + np.arange(30))
        times = months.astype("M8[s]")
        return _single(rng, times, [name], lambda t: [fmt.format(q=(t.month + 2) // 3, y=t.year)])

    return make


def _two(first: str, second: str, names: list[str], shift: int = 0) -> Callable[[np.random.Generator], MadeTable]:
    """Date and clock in two columns."""

    def make(rng: np.random.Generator) -> MadeTable:
        times = _range(rng, "h", 100, 200)
        return _single(rng, times, names, lambda t: [t.strftime(first), t.strftime(second)])

    return make


def _parts(rng: np.random.Generator) -> MadeTable:
    times = _range(rng, "h", 100, 200)
    return _single(
        rng, times, ["year", "month", "day", "hour"], lambda t: [str(t.year), str(t.month), str(t.day), str(t.hour)]
    )


def _german(rng: np.random.Generator) -> MadeTable:
    return _single(rng, _range(rng, "M", 40, 90), ["Monat"], lambda t: [f"{GERMAN[t.month - 1]} {t.year}"])


def _closed(rng: np.random.Generator) -> MadeTable:
    days = np.datetime64("2020-01-06") + np.arange(140)
    days = days[(days.astype(int) + 3) % 7 != 6].astype("M8[s]")
    return _single(rng, days, ["day"], lambda t: [t.strftime("%Y-%m-%d")])


def _calendar(alias: str, n: int) -> Callable[[np.random.Generator], MadeTable]:
    """Days of the month or of the year."""

    def make(rng: np.random.Generator) -> MadeTable:
        freq = parse(alias)
        start = np.datetime64("2015-01-01", "us") + np.timedelta64(int(rng.integers(0, 900)), "D")
        times = freq.at(start, 1 + np.arange(n)).astype("M8[s]")
        return _single(rng, times, ["day"], lambda t: [t.strftime("%Y-%m-%d")])

    return make


def _labels(write: Callable[[Any], str], name: str, months: int, n: int) -> Callable[[np.random.Generator], MadeTable]:
    """Periods of some months with a notation of their own."""

    def make(rng: np.random.Generator) -> MadeTable:
        times = (np.datetime64("1990-01", "M") + 12 * int(rng.integers(0, 8)) + months * np.arange(n)).astype("M8[s]")
        return _single(rng, times, [name], lambda t: [write(t)])

    return make


def _years_by_months(rng: np.random.Generator) -> MadeTable:
    n_years = int(rng.integers(4, 12))
    times = (np.datetime64("2005-01", "M") + np.arange(12 * n_years)).astype("M8[us]")
    y = values_of(rng, len(times))
    rows = [[str(2005 + k), *(f"{v:.2f}" for v in y[12 * k : 12 * k + 12])] for k in range(n_years)]
    truth = {"": dict(zip(times.tolist(), y.tolist(), strict=True))}
    names = [time.strftime("%b") for time in times[:12].tolist()]
    return MadeTable(["Year", *names], rows, truth, list(range(1, 13)), is_long=False)


def _days_by_hours(rng: np.random.Generator) -> MadeTable:
    n_days = int(rng.integers(8, 20))
    times = (np.datetime64("2021-03-01T00", "h") + np.arange(24 * n_days)).astype("M8[us]")
    y = values_of(rng, len(times))
    rows = [
        [times[24 * k].item().strftime("%Y-%m-%d"), *(f"{v:.2f}" for v in y[24 * k : 24 * k + 24])]
        for k in range(n_days)
    ]
    truth = {"": dict(zip(times.tolist(), y.tolist(), strict=True))}
    return MadeTable(["Date", *map(str, range(24))], rows, truth, list(range(1, 25)), is_long=False)


def _integers(rng: np.random.Generator) -> MadeTable:
    times = int(rng.integers(0, 5)) + np.arange(60)
    return _single(rng, times, ["t"], lambda t: [str(t)])


def _epochs(rng: np.random.Generator) -> MadeTable:
    return _single(
        rng, _range(rng, "h", 100, 200), ["timestamp"], lambda t: [str(int(np.datetime64(t, "s").astype(int)))]
    )


def _panel(rng: np.random.Generator, names: list[str], two_keys: bool) -> MadeTable:
    """Series one after another, with one or two id columns."""
    times, truth, rows, keys = _range(rng, "D", 30, 50), {}, [], []
    for name in names:
        y = values_of(rng, len(times))
        truth[name] = dict(zip(times.astype("M8[us]").tolist(), y.tolist(), strict=True))
        for t, v in zip(times, y, strict=True):
            rows.append([*name.split("/"), t.item().strftime("%Y-%m-%d"), f"{v:.2f}"])
            keys.append((name, np.datetime64(t, "us").item()))
    header = ["store", "item", "date", "sales"] if two_keys else ["shop", "date", "sales"]
    arguments = {"id_col": ["store", "item"], "target_col": "sales"} if two_keys else {}
    return MadeTable(header, rows, truth, [len(header) - 1], arguments, keys=keys)


def _wide(rng: np.random.Generator) -> MadeTable:
    times, names = _range(rng, "M", 40, 60), ["north", "south", "east"]
    columns = [values_of(rng, len(times)) for _ in names]
    moments = times.astype("M8[us]").tolist()
    truth = {name: dict(zip(moments, y.tolist(), strict=True)) for name, y in zip(names, columns, strict=True)}
    rows = [[t.item().strftime("%Y-%m"), *(f"{y[k]:.2f}" for y in columns)] for k, t in enumerate(times)]
    return MadeTable(["month", *names], rows, truth, [1, 2, 3], {"target_col": "*"}, is_long=False)


def _transposed(rng: np.random.Generator) -> MadeTable:
    times, names = _range(rng, "D", 30, 50), ["Chad", "Chile", "China", "Cuba"]
    moments, truth, rows = times.astype("M8[us]").tolist(), {}, []
    for name in names:
        y = values_of(rng, len(times))
        truth[name] = dict(zip(moments, y.tolist(), strict=True))
        rows.append([name, *(f"{v:.2f}" for v in y)])
    header = ["Country", *(t.item().strftime("%Y-%m-%d") for t in times)]
    return MadeTable(header, rows, truth, list(range(1, len(header))), is_long=False)


LAYOUTS: dict[str, Callable[[np.random.Generator], MadeTable]] = {
    "months as dates": _dates("%Y-%m-%d", "M", "Month"),
    "months": _dates("%Y-%m", "M", "month"),
    "month names": _dates("%b %Y", "M", "period"),
    "German month names": _german,
    "month/year": _dates("%m/%Y", "M", "Date"),
    "day first": _dates("%d/%m/%Y", "D", "Date"),
    "month first": _dates("%m/%d/%Y", "D", "date"),
    "digits of days": _dates("%Y%m%d", "D", "day"),
    "digits of hours": _dates("%Y%m%d%H", "h", "stamp", 100, 200),
    "hours": _dates("%Y-%m-%d %H:%M", "h", "time", 100, 200),
    "hours in UTC": _dates("%Y-%m-%dT%H:%M:%SZ", "h", "timestamp", 100, 200),
    "twelve-hour clock": _dates("%m/%d/%Y %I:%M %p", "h", "Date", 100, 200),
    "weekdays in words": _dates("%A, %d %B %Y", "D", "Date"),
    "date and clock": _two("%d/%m/%Y", "%H.%M.%S", ["Date", "Time"]),
    "date and hour": _two("%Y-%m-%d", "%H", ["Date", "Hour"]),
    "parts of times": _parts,
    "weeks": _weekly,
    "quarters": _quarters("{y}Q{q}", "quarter"),
    "quarter first": _quarters("{q}-{y}", "Quarter"),
    "years": _dates("%Y", "Y", "Year", 30, 60),
    "closed on Sundays": _closed,
    "1st and 15th": _calendar("SMS-15", 60),
    "15th and last day": _calendar("SME-15", 60),
    "dekads": _calendar("MS@1,11,21", 60),
    "third Fridays": _calendar("WOM-3FRI", 60),
    "last business days": _calendar("BME", 60),
    "always the 30th": _calendar("MS@30", 60),
    "terms": _calendar("YS@JAN15,SEP1", 40),
    "years into the next": _labels(lambda t: f"{t.year}/{(t.year + 1) % 100:02d}", "season", 12, 30),
    "fiscal years": _labels(lambda t: f"FY{t.year}", "year", 12, 30),
    "halves": _labels(lambda t: f"{t.year}H{1 + t.month // 7}", "period", 6, 30),
    "months of statistical offices": _labels(lambda t: f"{t.year}M{t.month:02d}", "TIME", 1, 60),
    "months with an M": _labels(lambda t: f"M{t.month:02d} {t.year}", "period", 1, 60),
    "years by months": _years_by_months,
    "days by hours": _days_by_hours,
    "integer steps": _integers,
    "epochs": _epochs,
    "panel": lambda rng: _panel(rng, ["a", "b", "c"], two_keys=False),
    "two keys": lambda rng: _panel(rng, ["1/1", "1/2", "2/1"], two_keys=True),
    "wide": _wide,
    "rows are series": _transposed,
}
"""Layouts by name."""


def _drop_rows(table: MadeTable, rng: np.random.Generator) -> None:
    """Leave out rows in the middle."""
    if not table.keys:
        return
    for k in sorted(rng.choice(np.arange(5, len(table.rows) - 5), 2, replace=False).tolist(), reverse=True):
        name, time = table.keys.pop(k)
        table.rows.pop(k)
        del table.truth[name][time]


def _empty_cells(table: MadeTable, rng: np.random.Generator) -> None:
    """Write markers of missing values."""
    if not table.keys:
        return
    marker = str(rng.choice(["", "NA", "-", "n/a", "NULL"]))
    for k in rng.choice(np.arange(5, len(table.rows) - 5), 2, replace=False).tolist():
        name, time = table.keys[k]
        table.rows[k][table.value_columns[0]] = marker
        table.truth[name].pop(time, None)


def _shuffle(table: MadeTable, rng: np.random.Generator) -> None:
    """Reverse the rows: newest first."""
    if table.is_long and "id_col" not in table.arguments and len(table.truth) == 1:
        table.rows.reverse()
        table.keys.reverse()


def _map_values(table: MadeTable, write: Callable[[str], str]) -> None:
    """Rewrite the numbers."""
    for row in table.rows:
        for i in table.value_columns:
            if row[i] and row[i][0].isdigit() | (row[i][0] == "-" and row[i] != "-"):
                row[i] = write(row[i])


def _european(table: MadeTable, rng: np.random.Generator) -> None:
    """Semicolons and decimal commas."""
    if table.mark == ",":
        table.mark = ";"
        _map_values(table, lambda text: text.replace(".", ","))


def _thousands(table: MadeTable, rng: np.random.Generator) -> None:
    """Commas between thousands, in a file with another separator."""
    if table.mark == ",":
        table.mark = str(rng.choice(["\t", "|"]))
        _map_values(table, lambda text: f"{float(text):,.2f}")


def _currency(table: MadeTable, rng: np.random.Generator) -> None:
    """A currency before or after the numbers."""
    pattern = str(rng.choice(["$ {}", "{} €", "EUR {}", "{} USD"]))
    _map_values(table, pattern.format)


def _titles(table: MadeTable, rng: np.random.Generator) -> None:
    """Titles above, padded or not."""
    padding = table.mark * (len(table.header) - 1) if rng.random() < 0.5 else ""
    table.above = [f"Report of sales{padding}", f"Branch: north{padding}"][: int(rng.integers(1, 3))]
    table.above.append(padding)


def _footers(table: MadeTable, rng: np.random.Generator) -> None:
    """A total and a source below."""
    cells = ["Total", *[""] * (len(table.header) - 2), "123456.78" if table.mark != ";" else "123456,78"]
    table.below = [table.mark.join(cells), "Source: own books"][: int(rng.integers(1, 3))]


def _comments(table: MadeTable, rng: np.random.Generator) -> None:
    """Comments above."""
    table.above = ["# made by a machine", *table.above]


def _remark(table: MadeTable, rng: np.random.Generator) -> None:
    """A further column of text."""
    if table.is_long:
        words = ["ok", "ok", "checked", ""]
        table.header.append("remark")
        for row in table.rows:
            row.append(str(rng.choice(words)))


def _quotes(table: MadeTable, rng: np.random.Generator) -> None:
    """Quotation marks around every cell."""
    table.header = [f'"{cell}"' for cell in table.header]
    table.rows = [[f'"{cell}"' for cell in row] for row in table.rows]


def _spaces(table: MadeTable, rng: np.random.Generator) -> None:
    """Spaces around cells."""
    table.rows = [[f" {cell} " for cell in row] for row in table.rows]


def _windows(table: MadeTable, rng: np.random.Generator) -> None:
    """Line ends and the byte order mark of Windows."""
    table.newline, table.encoding = "\r\n", "utf-8-sig"


def _capitals(table: MadeTable, rng: np.random.Generator) -> None:
    """A header in capitals."""
    if not table.arguments and table.keys:
        table.header = [name.upper() for name in table.header]


MUTATIONS = (
    *(_drop_rows, _empty_cells, _shuffle, _european, _thousands, _currency, _remark, _capitals),
    *(_spaces, _quotes, _titles, _footers, _comments, _windows),
)
"""In the order in which they are applied."""


def make(layout: str, seed: int) -> tuple[MadeTable, list[str]]:
    """Return a table in a layout with some mutations, and the names of these."""
    rng = np.random.default_rng([seed, sum(layout.encode())])
    table, applied = LAYOUTS[layout](rng), []
    for mutate in MUTATIONS:
        if rng.random() < 0.25:
            mutate(table, rng)
            applied.append(mutate.__name__.strip("_"))
    return table, applied


def difference(panel: Any, truth: Series) -> str:
    """Return how a panel differs from the truth; "" if it does not."""
    ids = [""] if list(truth) == [""] else [str(name) for name in panel.ids.tolist()]
    if len(panel) != len(ids) or sorted(ids) != sorted(truth):
        return f"{len(panel)} series {panel.ids.tolist()[:5]} instead of {list(truth)[:5]}"
    for s, name in enumerate(ids):
        values = dict(zip(panel.times(s).tolist(), panel.series(s).tolist(), strict=True))
        observed = {time: value for time, value in values.items() if value == value}
        if set(observed) != set(truth[name]):
            return f"{len(observed)} times of {panel.freq} instead of {len(truth[name])}"
        for time, value in truth[name].items():
            if abs(observed[time] - value) > 1e-9 * abs(value):
                return f"{observed[time]} at {time} instead of {value}"
    return ""
