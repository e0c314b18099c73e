"""Where the table is in a text file: titles above the header, the header, units below it, and footers.

The column of times decides: the table begins where its cells begin to be times, and ends with the last one. Without
times the first column of numbers decides. Only rows above the first and below the last such cell are left out; an
invalid cell between them stays, for the error that names its row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray
from gatecast.data.messages import shorten
from gatecast.data.parsing.column_roles import TARGET_NAMES, TIME_NAMES
from gatecast.data.parsing.dates import MONTHS
from gatecast.data.parsing.number_affixes import is_unit
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.raw_table import MISSING_MARKERS, to_text
from gatecast.data.parsing.timestamps import looks_like_dates, parse_times
from gatecast.data.parsing.total_words import is_called_total_or_remark

__all__ = ["Row", "TableArea", "describe_rows", "find_table"]

Row = tuple[int, list[str]]
"""A line number, and the cells of the row that begins there."""

SAMPLE_SIZE = 100
# Types of columns are judged in the first columns only: wide tables have thousands.
MAX_COLUMNS = 20
MAX_ROWS_ABOVE = 200
MAX_ROWS_BELOW = 60
MIN_ROWS = 3
"""Rows that a table of dates needs for its end to be recognized; one of numbers needs twice as many."""
ROUNDED_SUM = 0.005
"""By what share a total may differ from the sum of rounded numbers."""
MIN_VALID_FRACTION = 0.95
"""Share of cells that must be times or numbers for the others to be footers rather than errors."""
MAX_EXAMPLES = 3

MAX_DESCRIBED, MIN_DESCRIPTIONS = 3, 3
"""Columns of a file of one series that is described above, and rows of the description."""

_TITLES = frozenset(("title", "titel", "titre", "título", "titolo", "libellé", "series name", "indicator"))
_USUAL_NAMES = frozenset((*TIME_NAMES, *TARGET_NAMES)) - {"t", "units"}
_TIME_WORDS = frozenset(("t", "z", "am", "pm", "utc", "gmt", "q", "w", "m", "h", "kw", "week"))
_WIDTH = re.compile(r"\d{1,4}[sdn]")
_RULE = re.compile(r"[-=_+*:.~ ]*")


class TableArea(NamedTuple):
    """The parts of a text file that holds a table.

    Args:
        header: The cells of the header; None if there is none.
        body: The rows of the table.
        notes: What was left out, one sentence each.
    """

    header: list[str] | None
    body: list[Row]
    notes: tuple[str, ...] = ()


class _TypedColumn(NamedTuple):
    """A column whose cells are mostly dates or mostly numbers.

    Args:
        position: Position of the column.
        is_date: Whether they are dates.
        sample: Some of its cells.
    """

    position: int
    is_date: bool
    sample: list[str]

    def fits(self, rows: Sequence[Row]) -> BoolArray:
        """Whether the cell of each row is of the type of the column."""
        cells = to_text([*self.sample, *(_cell(row, self.position) for row in rows)])
        valid = parse_times(cells).is_valid if self.is_date else parse_numbers(cells).is_valid
        is_present = [not _is_missing(cell) for cell in cells[len(self.sample) :]]
        return valid[len(self.sample) :] & is_present


def find_table(rows: Sequence[Row], width: int) -> TableArea | None:
    """Find the header, the rows of the table, and what is above and below them.

    Args:
        rows: Rows that are not blank.
        width: Number of columns.

    Returns:
        The table; None if no column holds times or numbers.

    >>> rows = [(1, ["Export", ""]), (2, ["month", "n"]), (3, ["2024-01", "5"]), (4, ["2024-02", "6"])]
    >>> area = find_table(rows, 2)
    >>> area.header, [line for line, _ in area.body], area.notes
    (['month', 'n'], [3, 4], ("Row 1 above the table is skipped: 'Export'.",))
    """
    columns = _typed_columns(rows, width)
    if not columns:
        return None
    anchor = next((column for column in columns if column.is_date), columns[0])
    first = _first_row(rows, columns, anchor)
    if first is None:
        return None
    end = _end_of_table(rows, anchor, first)
    above = _align_header(_split_above(rows[:first], columns, anchor, width), rows[first:end], anchor, width)
    above = _drop_first_total(above, rows[first:end], columns, anchor)
    body, repeat_notes = _drop_repeated_headers([*above.rows_of_table, *rows[first:end]], above)
    below = rows[end:]
    notes = [*above.notes, *repeat_notes]
    if below:
        notes.append(_note(below, "below the table", "left out"))
    return TableArea(above.header, body, tuple(notes))


def describe_rows(lines: Sequence[int]) -> str:
    """Return how notes refer to rows: "row 3", "rows 3 to 5", or "rows 3, 9 and 4 more".

    >>> describe_rows([3]), describe_rows([3, 4, 5]), describe_rows([3, 9]), describe_rows([1, 3, 5, 7])
    ('row 3', 'rows 3 to 5', 'rows 3 and 9', 'rows 1, 3 and 2 more')
    """
    if len(lines) == 1:
        return f"row {lines[0]}"
    if lines[-1] - lines[0] == len(lines) - 1:
        return f"rows {lines[0]} to {lines[-1]}"
    if len(lines) == 2:
        return f"rows {lines[0]} and {lines[1]}"
    return f"rows {lines[0]}, {lines[1]} and {len(lines) - 2} more"


def _cell(row: Row, i: int) -> str:
    """A cell of a row, empty beyond its end."""
    return row[1][i] if i < len(row[1]) else ""


def _is_missing(cell: str) -> bool:
    """Whether a cell marks a missing value."""
    return cell.strip().lower() in MISSING_MARKERS


def _filled(row: Row) -> list[int]:
    """Positions of the cells that are not empty."""
    return [i for i, cell in enumerate(row[1]) if cell.strip()]


def _note(rows: Sequence[Row], where: str, what: str) -> str:
    """One sentence on rows that are not part of the table."""
    texts = [shorten(next((cell for cell in cells if cell.strip()), "")) for _, cells in rows]
    examples = ", ".join(map(repr, texts[:MAX_EXAMPLES])) + (", ..." if len(texts) > MAX_EXAMPLES else "")
    subject = describe_rows([line for line, _ in rows]).capitalize()
    if len(rows) > 2 and " to " not in subject:
        # Blank lines between the rows are not worth a list.
        subject = f"Rows {rows[0][0]} to {rows[-1][0]}"
    return f"{subject} {where} {'is' if len(rows) == 1 else 'are'} {what}: {examples}."


def _typed_columns(rows: Sequence[Row], width: int) -> list[_TypedColumn]:
    """The first columns that hold mostly dates or numbers, judged by rows of the usual width after the first third."""
    regular = [row for row in rows if len(row[1]) == width]
    regular = regular[max(1, len(regular) // 3) :]
    sample = regular[:: max(1, len(regular) // SAMPLE_SIZE)][:SAMPLE_SIZE]
    columns = []
    for i in range(min(width, MAX_COLUMNS)):
        cells = [cell for _, row in sample if not _is_missing(cell := row[i])]
        if cells and looks_like_dates(to_text(cells)):
            columns.append(_TypedColumn(i, True, cells))
        elif cells and parse_numbers(to_text(cells)).is_valid.mean() > 0.5:
            columns.append(_TypedColumn(i, False, cells))
    return columns


def _first_row(rows: Sequence[Row], columns: Sequence[_TypedColumn], anchor: _TypedColumn) -> int | None:
    """Index of the first row of the table: a time with a number, and rows of times directly before it."""
    head = rows[:MAX_ROWS_ABOVE]
    fits = anchor.fits(head)
    # A title may hold a date: numbers next to it show that the table has begun.
    others = [column.fits(head) for column in columns if column is not anchor]
    complete = fits & np.any(others, axis=0) if others else fits
    if not fits.any():
        return None
    first = int((complete if complete.any() else fits).argmax())
    while first > 0 and fits[first - 1]:
        first -= 1
    return first


def _end_of_table(rows: Sequence[Row], anchor: _TypedColumn, first: int) -> int:
    """Index after the last row of the table; rows after it are footers."""
    start = max(first, len(rows) - MAX_ROWS_BELOW)
    fits = anchor.fits(rows[start:])
    if fits[-1] and not anchor.is_date and _is_sum(rows[first:], anchor):
        return len(rows) - 1
    if not fits.any() or fits[-1]:
        return len(rows)
    last = start + int(fits.nonzero()[0][-1])
    table = rows[first : last + 1]
    # Totals between the times are no errors.
    times = [row for row in table if not is_called_total_or_remark(_cell(row, anchor.position).strip())]
    sample = times[:: max(1, len(times) // SAMPLE_SIZE)]
    if len(table) < MIN_ROWS * (1 if anchor.is_date else 2) or anchor.fits(sample).mean() < MIN_VALID_FRACTION:
        return len(rows)
    is_time = anchor.is_date or any(_cell(row, anchor.position).strip().lower() in TIME_NAMES for row in rows[:first])
    last = max(last, start + _last_time(rows[start:], anchor) if is_time else 0)
    end = len(rows)
    while end > last + 1 and _is_footer(rows[end - 1], anchor, is_time):
        end -= 1
    return end if len(rows) - end < len(table) else len(rows)


def _last_time(rows: Sequence[Row], anchor: _TypedColumn) -> int:
    """Index of the last row with a time that goes on those above, also in another notation; 0 without one.

    Below 2023 these are 2024E and FY2024, but not Q1 2024.
    """
    cells = [_cell(row, anchor.position).strip() for row in rows]
    parsed = parse_times(to_text([cell if any(map(str.isdecimal, cell)) else "" for cell in cells]))
    is_time = parsed.is_valid & (parsed.values.dtype.kind == "M")
    return int(np.flatnonzero(is_time)[-1]) if is_time.any() else 0


def _is_sum(rows: Sequence[Row], anchor: _TypedColumn) -> bool:
    """Whether the last row is called a total, and has the sum of the rows above, or half of it next to subtotals."""
    if len(rows) < MIN_ROWS or not any(is_called_total_or_remark(cell.strip()) for cell in rows[-1][1]):
        return False
    numbers = parse_numbers(to_text([_cell(row, anchor.position) for row in rows])).values
    above = np.nansum(numbers[:-1])
    return bool(np.isclose([above, above / 2], numbers[-1], rtol=ROUNDED_SUM).any())


def _is_footer(row: Row, anchor: _TypedColumn, is_time: bool) -> bool:
    """Whether a row without a valid time is a total or a remark, rather than a row with an invalid time."""
    cell = _cell(row, anchor.position).strip()
    if all(_RULE.fullmatch(other.strip()) for other in row[1]):
        return True
    if not anchor.is_date:
        # An empty cell may be a missing value, and a cell that begins with a digit an invalid number.
        if _is_missing(cell):
            return is_time
        return (is_time or anchor.position == 0) and not (cell[0].isdecimal() or cell[0] in "+-.,")
    words = re.findall(r"[^\W\d_]+", cell.lower())
    if not any(character.isdecimal() for character in cell):
        return True
    # 2024-13-01 and 30 Feb 2024 are invalid times; "Total 2024" and "Source: survey of 2024" are none.
    return any(
        word not in _TIME_WORDS and not any(len(word) >= 3 and m.startswith(word[:3]) for m in MONTHS) for word in words
    )


class _RowsAbove(NamedTuple):
    """Rows above the first time, sorted.

    Args:
        header: The cells of the header; None if there is none.
        rows_of_table: Rows of the table: their times are invalid, their values are not.
        texts: Cells of every row that is not part of the table.
        notes: What was left out, one sentence each.
    """

    header: list[str] | None
    rows_of_table: list[Row]
    texts: list[list[str]]
    notes: list[str]


def _split_above(rows: Sequence[Row], columns: Sequence[_TypedColumn], anchor: _TypedColumn, width: int) -> _RowsAbove:
    """Split the rows above the first time into titles, the header, units, and rows of the table."""
    if not rows:
        return _RowsAbove(None, [], [], [])
    has_data = [any(fits) for fits in zip(*(column.fits(rows).tolist() for column in columns), strict=True)]
    block = _header_block(rows, has_data, width)
    if not block:
        is_header = len(rows[-1][1]) >= width
        titles, header = (rows[:-1], rows[-1:]) if is_header else (rows, [])
        notes = [_note(titles, "above the table", "skipped")] if titles else []
        return _RowsAbove(header[0][1] if header else None, [], [row[1] for row in rows], notes)
    names, n_described = _find_title(rows, has_data, width) or (_choose_names(rows, block), 0)
    cells, n_joined = _join_group_titles(rows, block, names, width)
    notes = [_note(rows[: names - n_joined], "above the table", "skipped")] if names > n_joined else []
    if n_joined:
        lines = (rows[names - 1][0], rows[names][0])
        changed = [i for i, cell in enumerate(cells) if cell.strip() != _cell(rows[names], i).strip()]
        i = next((i for i in changed if _cell(rows[names], i).strip()), changed[0])
        notes.append(f"Rows {lines[0]} and {lines[1]} are read as one header: column {i + 1} is {cells[i]!r}.")
    cells = _join_names_below(cells, [rows[i] for i in range(names + 1, len(rows)) if not has_data[i]], anchor)
    skipped: list[Row] = []
    rows_of_table: list[Row] = []
    for i in range(names + 1, len(rows)):
        row = rows[i]
        is_data = has_data[i] and not _are_widths(row)
        is_part = is_data or bool(rows_of_table) or not _is_below_header(row, anchor, width)
        is_part = is_part and i >= n_described
        (rows_of_table if is_part else skipped).append(row)
        if not is_part and width > 2 and _filled(row) == [anchor.position]:
            # A row of the name of the index alone, as pandas writes it below several rows of names.
            cells[anchor.position] = row[1][anchor.position]
    if skipped:
        joined = [(line, [", ".join(cell for cell in cells if cell.strip())]) for line, cells in skipped]
        notes.append(_note(joined, "below the header", "skipped"))
    texts = [rows[i][1] for i in range(len(rows)) if i <= names] + [row[1] for row in skipped]
    return _RowsAbove(cells, rows_of_table, texts, notes)


def _drop_first_total(
    above: _RowsAbove, table: Sequence[Row], columns: Sequence[_TypedColumn], anchor: _TypedColumn
) -> _RowsAbove:
    """Leave out a row directly below the header that has no time, and the sums of the rows below it."""
    if len(above.rows_of_table) != 1 or not anchor.is_date:
        return above
    row = above.rows_of_table[0]
    cell = _cell(row, anchor.position).strip().lower()
    if not _is_missing(cell) and not is_called_total_or_remark(cell):
        return above
    for column in columns:
        numbers = parse_numbers(to_text([_cell(other, column.position) for other in (row, *table)])).values
        total = np.nansum(numbers[1:])
        if not column.is_date and total and np.isclose(numbers[0], total, rtol=ROUNDED_SUM):
            note = f"Row {row[0]} below the header is left out as the total of the others."
            return above._replace(rows_of_table=[], notes=[*above.notes, note])
    return above


def _align_header(above: _RowsAbove, table: Sequence[Row], anchor: _TypedColumn, width: int) -> _RowsAbove:
    """Move the header by a column if that of the row names has no name, as in tables that R writes."""
    header = above.header
    if (
        header is None
        or len(header) != width - 1
        or not any(_cell(row, width - 1).strip() for row in table[:SAMPLE_SIZE])
    ):
        return above
    if anchor.position == 0 and header[0].strip().lower() in TIME_NAMES:
        return above
    note = f"The header has a name less than the rows have cells: {shorten(header[0])!r} names column 2."
    return above._replace(header=["", *header], notes=[*above.notes, note])


def _header_block(rows: Sequence[Row], has_data: Sequence[bool], width: int) -> list[int]:
    """Indices of the last consecutive rows that may be headers: text in several columns."""
    candidates = [
        not is_data
        and len(row[1]) >= min(width, 2)
        and max(_filled(row)) < width
        and (width == 1 or _filled(row)[-1] > 0)
        for row, is_data in zip(rows, has_data, strict=True)
    ]
    if not any(candidates):
        return []
    last = len(rows) - 1 - candidates[::-1].index(True)
    first = last
    while first > 0 and candidates[first - 1]:
        first -= 1
    return list(range(first, last + 1))


def _join_names_below(cells: list[str], below: Sequence[Row], anchor: _TypedColumn) -> list[str]:
    """Names that repeat, each with what tells it apart in a row below: Close of AAPL and of MSFT."""
    for row in below:
        repeated = [i for i, cell in enumerate(cells) if i != anchor.position and cell and cells.count(cell) > 1]
        parts = {i: _cell(row, i).strip() for i in repeated}
        if not repeated or not all(parts.values()):
            continue
        joined = [f"{cell} {parts[i]}" if i in parts else cell for i, cell in enumerate(cells)]
        if len(set(joined)) == len(joined):
            return joined
    return cells


def _find_title(rows: Sequence[Row], has_data: Sequence[bool], width: int) -> tuple[int, int] | None:
    """The row with the title of the one series of a file, and the number of rows that describe it.

    Each is a name with a text next to it, as statistical offices write them above a series.
    """
    n_rows = len(rows) - [*reversed(has_data)].index(False) if False in has_data else 0
    described = [_filled(row) for row in rows[:n_rows]]
    if width > MAX_DESCRIBED or n_rows < MIN_DESCRIPTIONS or any(filled not in ([0], [0, 1]) for filled in described):
        return None
    titles = [i for i, filled in enumerate(described) if len(filled) > 1 and rows[i][1][0].strip().lower() in _TITLES]
    return (titles[0], n_rows) if titles else None


def _choose_names(rows: Sequence[Row], block: list[int]) -> int:
    """Index of the row of column names: the last one, unless that holds units or a row above has usual names."""
    last = block[-1]
    while last > block[0] and _is_units(rows[last]):
        last -= 1
    usual = [i for i in block if i <= last and any(cell.strip().lower() in _USUAL_NAMES for cell in rows[i][1])]
    if not usual or usual[-1] == last:
        return last
    # A row that names the columns below a group title fills the gaps of the row above.
    fills_gaps = any(not _cell(rows[usual[-1]], i).strip() for i in _filled(rows[last]))
    return last if fills_gaps else usual[-1]


def _is_units(row: Row) -> bool:
    """Whether most cells are units, or all are dashes."""
    cells = [cell.strip() for cell in row[1] if not _is_missing(cell)]
    n_units = sum(map(is_unit, cells))
    return 2 * n_units > len(cells) or all(_RULE.fullmatch(cell) for cell in cells)


def _are_widths(row: Row) -> bool:
    """Whether cells are widths and types of columns, as the USGS writes them below the header: 5s, 15s, 20d."""
    cells = [cell.strip() for cell in row[1] if cell.strip()]
    return len(cells) > 1 and all(map(_WIDTH.fullmatch, cells))


def _is_below_header(row: Row, anchor: _TypedColumn, width: int) -> bool:
    """Whether a row between the header and the first time is not part of the table: units, types, a rule, one text."""
    filled = _filled(row)
    texts = {row[1][i].strip() for i in filled if i != anchor.position}
    is_repeated = len(texts) == 1 and len(filled) > 2
    is_alone = width > 2 and len(filled) == 1
    # Loggers write units and kinds of means in rows of their own: TS, RN, Deg C.
    are_words = width > 2 and not any(character.isdecimal() for cell in row[1] for character in cell)
    is_no_data = are_words or is_repeated or is_alone or _are_widths(row) or _is_units(row)
    return is_no_data or _is_missing(_cell(row, anchor.position))


def _join_group_titles(rows: Sequence[Row], block: list[int], names: int, width: int) -> tuple[list[str], int]:
    """The header, joined with the row of group titles above where its names repeat or are empty; and rows joined."""
    cells = [_cell(rows[names], i).strip() for i in range(width)]
    present = [cell for cell in cells if cell]
    if names == block[0] or (len(set(present)) == len(present) and len(present) == width):
        return list(rows[names][1]), 0
    groups, group = [], ""
    for i in range(width):
        group = _cell(rows[names - 1], i).strip() or group
        groups.append(group)
    joined = [
        title if not cell else f"{group} {cell}" if group and cells.count(cell) > 1 else cell
        for cell, group, title in zip(
            cells, groups, (_cell(rows[names - 1], i).strip() for i in range(width)), strict=True
        )
    ]
    return (joined, 1) if joined != cells else (list(rows[names][1]), 0)


def _drop_repeated_headers(body: list[Row], above: _RowsAbove) -> tuple[list[Row], list[str]]:
    """Drop copies of the header, and of what stands above it, from the rows: files that were joined have them."""
    if above.header is None:
        return body, []
    copies = {tuple(_normalize(cells)) for cells in above.texts}
    # Comparing first cells is quick; most rows end there.
    first_cells = {mark + cells[0].casefold() for cells in above.texts for mark in ("", "\ufeff")}
    repeated = [row for row in body if row[1][0].casefold() in first_cells and tuple(_normalize(row[1])) in copies]
    if not repeated:
        return body, []
    lines = {line for line, _ in repeated}
    verbs = "repeats the header and is" if len(lines) == 1 else "repeat the header and are"
    note = f"{describe_rows(sorted(lines)).capitalize()} {verbs} left out."
    return [row for row in body if row[0] not in lines], [note]


def _normalize(cells: Sequence[str]) -> list[str]:
    """Cells in lower case, without spaces around them and without empty ones at the end."""
    texts = [cell.strip("\ufeff \t").casefold() for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts
