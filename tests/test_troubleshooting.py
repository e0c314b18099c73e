"""The errors that pages show are those that the command line prints."""

from __future__ import annotations

import re
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest

from gatecast.cli.main import main

DOCS = Path(__file__).parent.parent / "docs"
TROUBLESHOOTING = "how-to/troubleshooting.md"
MONTHS = [f"{year}-{month:02}" for year in (2022, 2023, 2024) for month in range(1, 13)]
SALES = [str(20 + (5 * k) % 7) for k in range(36)]


def monthly(values: list[str]) -> str:
    """Return a series of months."""
    return "month,sold\n" + "".join(f"{month},{value}\n" for month, value in zip(MONTHS, values, strict=True))


def stores() -> str:
    """Return two stores with two items each."""
    keys = [(store, item) for store in ("north", "south") for item in ("ink", "pen")]
    rows = [
        f"{month},{store},{item},{20 + 9 * i + (5 * k) % 7},{(k + i) % 3}\n"
        for k, month in enumerate(MONTHS)
        for i, (store, item) in enumerate(keys)
    ]
    return "month,store,item,sold,returned\n" + "".join(rows)


def visits() -> str:
    """Return values at days without a pattern."""
    steps = [2, 1, 5, 9, 3, 11] * 10
    days = [date(2023, 1, 1) + timedelta(days=sum(steps[:k])) for k in range(60)]
    return "day,visits\n" + "".join(f"{day},{10 + k % 7}\n" for k, day in enumerate(days))


def prices() -> str:
    """Return a series of months with a price."""
    rows = zip(MONTHS, SALES, strict=True)
    return "month,sold,price\n" + "".join(f"{month},{sold},{3 + k % 3}\n" for k, (month, sold) in enumerate(rows))


TABLES = {
    "sales.csv": stores(),
    "twice.csv": monthly(SALES) + "".join(f"{month},{sold}\n" for month, sold in zip(MONTHS[-3:], SALES, strict=False)),
    "letters.csv": "a,b\nx,1\ny,2\n",
    "day.csv": "date,sold\n2024-01-01,3\n2024-02-30,4\n" + "".join(f"2024-{m:02}-01,{m}\n" for m in range(3, 9)),
    "text.csv": monthly([*SALES[:10], "n.v.?", *SALES[11:]]),
    "visits.csv": visits(),
    "month.csv": monthly(SALES),
    "prices.csv": prices(),
    "plan.csv": "month,price\n2025-01,3\n",
}

CASES = [
    ("sales.csv --target-col sold", "Several rows have the same time"),
    ("twice.csv", "Duplicate time"),
    ("sales.csv", "Ambiguous target"),
    ("letters.csv", "The time column does not hold times"),
    ("day.csv", "Invalid time"),
    ("text.csv", "Invalid number"),
    ("visits.csv", "Irregular times"),
    ("month.csv --target-col sale", "Unknown column"),
    ("prices.csv --target-col sold --futr-exog price", "Missing future columns"),
    ("prices.csv --target-col sold --futr-exog price --futr-df plan.csv", "Missing future columns"),
    ("month.csv --input-size 500 --model lstm", "Too short for a setting"),
    ("month.csv --out f.xlsx", "A file that cannot be written"),
    ("book.xlsx", "A package that is missing"),
]


def shown_errors(page: str) -> dict[str, list[str]]:
    """Return the errors below each heading of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return {heading: re.findall(r"^```text\n(error: .*?)\n```$", body, re.DOTALL | re.M) for heading, body in sections}


def printed_error(arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the error of a forecast of three steps."""
    model = [] if "--model" in arguments else ["--model", "dot"]
    assert main(["forecast", "-n", "3", *model, *arguments.split()]) in (1, 2)
    return " ".join(capsys.readouterr().err.split())


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a folder with the tables the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", "<workbook/>")


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(("arguments", "heading"), CASES)
def test_error_of_a_forecast_is_the_one_on_the_page(arguments, heading, capsys):
    assert printed_error(arguments, capsys) in shown_errors(TROUBLESHOOTING)[heading]


def test_every_error_on_the_page_is_provoked():
    shown = shown_errors(TROUBLESHOOTING)
    assert sum(map(len, shown.values())) == len(CASES)
    assert {heading for heading, errors in shown.items() if errors} == {heading for _, heading in CASES}


@pytest.mark.usefixtures("tables")
def test_page_of_many_series_shows_the_first_two_errors(capsys):
    shown = shown_errors("how-to/many-series.md")["From a CSV file, step by step"]
    assert shown == [printed_error(arguments, capsys) for arguments in ("sales.csv", "sales.csv --target-col sold")]
