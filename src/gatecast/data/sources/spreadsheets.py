"""Spreadsheets: .xlsx, .xlsm, .xlsb, .xls and .ods, with python-calamine."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from posixpath import normpath
from typing import Any
from xml.etree import ElementTree

from gatecast.data.messages import list_columns
from gatecast.data.parsing.raw_table import RawTable
from gatecast.data.sources.cell_tables import ERRORS, Cell, holds_series, read_cells
from gatecast.data.sources.trust import is_trusted
from gatecast.errors import ConfigError, DataError

__all__ = ["read_spreadsheet", "sheet_names"]

MAX_BYTES = 2 << 30
"""Largest size of a spreadsheet when unpacked: its cells are held in memory."""

_ERROR_CELL = re.compile(rb'<c\b[^>]*\bt="e"[^>]*>.*?<v>([^<]*)</v>', re.DOTALL)
_REFERENCE = re.compile(rb'\br="([A-Z]+)(\d+)"')


def read_spreadsheet(path: Path, label: str, argument: str, selection: str = "") -> RawTable:
    """Read a sheet of a spreadsheet.

    Args:
        path: The file.
        label: What messages call it.
        argument: What a user types to name it, for advice.
        selection: Name of the sheet; "": the first with a table of times and numbers.

    Returns:
        The table, whose line numbers are the rows of the sheet. A note names the other sheets.

    Raises:
        ConfigError: python-calamine is not installed.
        DataError: The file cannot be read, is encrypted or empty; or an unknown sheet.
    """
    with _open(path, label) as workbook:
        names, hidden = _list_sheets(workbook)
        if selection:
            name = _find_sheet(selection, [*names, *hidden], label, argument)
            return _read_sheet(workbook, path, name, f"{label}::{name}")
        names = names or hidden
        if len(names) == 1:
            return _read_sheet(workbook, path, names[0], label)
        name, table = _choose_sheet(workbook, path, names, label)
    others = list_columns(other for other in names if other != name)
    # Only who types the name of the file can append to it.
    advice = "append ::NAME to the file to choose" if is_trusted() else "name another one to choose it"
    note = f"The sheet {name!r} is read, not {others}: {advice}."
    return replace(table, notes=(note, *table.notes))


def sheet_names(path: Path, label: str) -> list[str]:
    """Return the names of the sheets that can be read: the visible ones, or all if there are none.

    Args:
        path: The file.
        label: What messages call it.

    Raises:
        ConfigError: python-calamine is not installed.
        DataError: The file cannot be read, or is encrypted.
    """
    with _open(path, label) as workbook:
        names, hidden = _list_sheets(workbook)
    return names or hidden


@contextmanager
def _open(path: Path, label: str) -> Iterator[Any]:
    """Open a workbook, and turn the errors of the library into ours."""
    try:
        import python_calamine
    except ImportError:
        raise ConfigError(
            "Reading a spreadsheet needs python-calamine, which is not installed",
            where=label,
            fix='Install it: pip install "gatecast[excel]"',
        ) from None
    _check_size(path, label)
    try:
        with path.open("rb") as file, python_calamine.CalamineWorkbook.from_filelike(file) as workbook:
            yield workbook
    except python_calamine.PasswordError:
        raise _encrypted(label) from None
    except python_calamine.CalamineError as error:
        if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
            raise _encrypted(label) from None
        raise DataError(
            "Cannot read the spreadsheet",
            where=label,
            got=f"a damaged file, or none of Excel or LibreOffice ({str(error).rstrip('.')[:100]})",
            fix="Open it and save it as .xlsx or CSV.",
        ) from None


def _encrypted(label: str) -> DataError:
    """The refusal of a file with a password."""
    return DataError("The spreadsheet is encrypted", where=label, fix="Save it without a password, or as CSV.")


def _check_size(path: Path, label: str) -> None:
    """Check that a spreadsheet does not fill the memory."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(info.file_size for info in archive.infolist())
    if size > MAX_BYTES:
        raise DataError(
            "The spreadsheet is too large when decompressed",
            where=label,
            got=f"{size >> 30} GiB",
            expected=f"at most {MAX_BYTES >> 30} GiB",
            fix="Save the sheet as CSV.",
        )


def _list_sheets(workbook: Any) -> tuple[list[str], list[str]]:
    """Names of the visible sheets of cells, and of the hidden ones."""
    # The enumerations of the library are none of Python's.
    sheets = [sheet for sheet in workbook.sheets_metadata if str(sheet.typ).endswith(".WorkSheet")]
    is_visible = [str(sheet.visible).endswith(".Visible") for sheet in sheets]
    return (
        [sheet.name for sheet, visible in zip(sheets, is_visible, strict=True) if visible],
        [sheet.name for sheet, visible in zip(sheets, is_visible, strict=True) if not visible],
    )


def _find_sheet(selection: str, names: Sequence[str], label: str, argument: str) -> str:
    """The sheet that a user named, in capitals or not."""
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    wanted = selection.strip().lower()
    if selection in names or wanted in by_lower:
        return selection if selection in names else by_lower[wanted]
    close = get_close_matches(wanted, by_lower, n=1)
    raise DataError(
        "Unknown sheet",
        where=label,
        got=repr(selection),
        expected=f"one of {list_columns(names)}",
        fix=f"Did you mean {f'{argument}::{by_lower[close[0]]}'!r}?" if close else "",
    )


def _choose_sheet(workbook: Any, path: Path, names: Sequence[str], label: str) -> tuple[str, RawTable]:
    """The first sheet with a table of times and numbers; without one, the first with a table."""
    readable: list[tuple[str, RawTable]] = []
    errors = []
    for name in names:
        try:
            table = _read_sheet(workbook, path, name, f"{label}::{name}")
        except DataError as error:
            errors.append(error)
            continue
        if holds_series(table):
            return name, table
        readable.append((name, table))
    if readable:
        return readable[0]
    raise errors[0] if errors else DataError("The spreadsheet is empty", where=label, expected="a sheet with a table")


def _read_sheet(workbook: Any, path: Path, name: str, label: str) -> RawTable:
    """The table of one sheet."""
    rows: list[list[Cell]] = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    for row, column, text in _formula_errors(path, name):
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = text
    return read_cells(rows, label)


def _formula_errors(path: Path, sheet: str) -> Iterator[tuple[int, int, str]]:
    """Rows, columns and texts of formulas that fail in a sheet of .xlsx; the library leaves these cells empty."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        part = _sheet_part(archive, sheet)
        content = archive.read(part) if part else b""
    if b't="e"' not in content:
        return
    for match in _ERROR_CELL.finditer(content):
        reference = _REFERENCE.search(match[0])
        text = match[1].decode("ascii", "replace")
        if reference and text in ERRORS:
            column = 0
            for letter in reference[1]:
                column = 26 * column + letter - ord("A") + 1
            yield int(reference[2]) - 1, column - 1, text


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """The file of a sheet in an archive of .xlsx; "" in other formats."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return ""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target_of = {link.get("Id"): link.get("Target", "") for link in links}
    for element in book.iter():
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            link = next((value for key, value in element.attrib.items() if key.endswith("}id")), "")
            target = target_of.get(link, "")
            part = target.lstrip("/") if target.startswith("/") else normpath(f"xl/{target}")
            return part if part in names else ""
    return ""
