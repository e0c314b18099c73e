"""Write small spreadsheets without a library: .xlsx and .ods, with cells of every type."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

EPOCH = datetime(1899, 12, 30)
DATE, DATETIME, TIME = 1, 2, 3
"""Positions of the number formats in the styles."""

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
ODS = "urn:oasis:names:tc:opendocument:xmlns"


def write_xlsx(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()) -> Path:
    """Write an .xlsx file of rows of cells; None leaves a cell empty, and "#N/A" and the like are errors."""
    names = list(sheets)
    states = [' state="hidden"' if name in hidden else "" for name in names]
    book = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{i}"{state} r:id="rId{i}"/>'
        for i, (name, state) in enumerate(zip(names, states, strict=True), 1)
    )
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(names) + 1)
    )
    formats = "".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 22, 21))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{book}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}'
        f'<Relationship Id="styles" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs count="4">{formats}</cellXfs></styleSheet>',
    }
    for i, rows in enumerate(sheets.values(), 1):
        cells = "".join(
            f'<row r="{r}">{"".join(_xlsx_cell(f"{_letters(c)}{r}", cell) for c, cell in enumerate(row))}</row>'
            for r, row in enumerate(rows, 1)
        )
        parts[f"xl/worksheets/sheet{i}.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'
    return _write_zip(path, parts)


def write_ods(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """Write an .ods file of rows of cells; None leaves a cell empty."""
    tables = "".join(
        f"<table:table table:name={quoteattr(name)}>"
        + "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
        + "</table:table>"
        for name, rows in sheets.items()
    )
    spaces = " ".join(f'xmlns:{name}="{ODS}:{name}:1.0"' for name in ("office", "table", "text"))
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    parts = {
        "mimetype": mimetype,
        "META-INF/manifest.xml": f'<m:manifest xmlns:m="{ODS}:manifest:1.0"><m:file-entry m:full-path="/" '
        f'm:media-type="{mimetype}"/></m:manifest>',
        "content.xml": f"<office:document-content {spaces}><office:body><office:spreadsheet>{tables}"
        "</office:spreadsheet></office:body></office:document-content>",
    }
    return _write_zip(path, parts)


def _write_zip(path: Path, parts: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text if name == "mimetype" else f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return path


def _letters(column: int) -> str:
    return (chr(64 + column // 26) if column >= 26 else "") + chr(65 + column % 26)


def _xlsx_cell(name: str, cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return f'<c r="{name}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, (int, float)):
        return f'<c r="{name}"><v>{cell!r}</v></c>'
    if isinstance(cell, datetime):
        return f'<c r="{name}" s="{DATETIME}"><v>{(cell - EPOCH).total_seconds() / 86400!r}</v></c>'
    if isinstance(cell, date):
        return f'<c r="{name}" s="{DATE}"><v>{(cell - EPOCH.date()).days}</v></c>'
    if isinstance(cell, time):
        return f'<c r="{name}" s="{TIME}"><v>{(cell.hour * 60 + cell.minute) / 1440!r}</v></c>'
    if cell.startswith("#") and cell != "#":
        return f'<c r="{name}" t="e"><f>1/0</f><v>{cell}</v></c>'
    return f'<c r="{name}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'


def _ods_cell(cell: Any) -> str:
    start = "<table:table-cell"
    if cell is None:
        return f"{start}/>"
    if isinstance(cell, bool):
        return f'{start} office:value-type="boolean" office:boolean-value="{str(cell).lower()}"/>'
    if isinstance(cell, (int, float)):
        return f'{start} office:value-type="float" office:value="{cell!r}"/>'
    if isinstance(cell, date):
        return f'{start} office:value-type="date" office:date-value="{cell.isoformat()}"/>'
    if isinstance(cell, time):
        return f'{start} office:value-type="time" office:time-value="PT{cell.hour}H{cell.minute}M0S"/>'
    return f'{start} office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
