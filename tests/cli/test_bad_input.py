"""Bad input: one message (what, where, got, expected, fix), no traceback, no file left."""

import json
import os

import numpy as np
import pytest

from gatecast.cli.main import main

HEADER = "time,value\n"


def rows(n=48, **changes):
    """Lines of a monthly series; a keyword such as row7 replaces a line (counted from 0)."""
    months = np.datetime_as_string((np.datetime64("2010-01") + np.arange(n)).astype("datetime64[D]"))
    lines = [f"{month},{20 + k % 12 + k % 5}" for k, month in enumerate(months)]
    for row, line in changes.items():
        lines[int(row[3:])] = line
    return lines


def table(lines, header=HEADER):
    return header + "".join(line + "\n" for line in lines)


BAD = {
    "empty": (
        "",
        [],
        ["the file is empty (", "in.csv)", "expected a column of times and a column of values"],
    ),
    "blank": ("\n \n\n", [], ["the file is empty ("]),
    "header only": (HEADER, [], ["the file has a header but no rows", "got the columns 'time', 'value'"]),
    "one row": (table(rows(1)), [], ["too few rows: got one row, expected at least two times"]),
    "text among the values": (
        table(rows(row7="2010-08-01,lots")),
        [],
        [
            "invalid number (row 9, column 'value'): got 'lots', expected a number",
            "Correct or empty the cell",
        ],
    ),
    "infinite": (
        table(rows(row7="2010-08-01,inf")),
        [],
        ["infinite value (row 9, column 'value', time 2010-08-01): got inf, expected a finite number"],
    ),
    "no value at all": (
        table(f"{line.split(',')[0]},NaN" for line in rows()),
        [],
        [
            "all values are missing (column 'value'): got 48 rows without a number",
            "set --target-col to",
        ],
    ),
    "a time twice": (
        table([*rows(), rows()[4]]),
        [],
        [
            "duplicate time (row 6 and row 50): got 2010-05-01 in both",
            "set --id-col to",
        ],
    ),
    "times that are none": (
        table(f"x{k},{k % 5}" for k in range(48)),
        [],
        [
            "the time column does not hold times (column 'time'): got 'x0', 'x1'",
            "set --time-col to",
        ],
    ),
    "a time that is none": (
        table(rows(row7="someday,3")),
        [],
        ["invalid time (row 9, column 'time'): got 'someday', expected a time such as '2010-01-01'"],
    ),
    "several targets": (
        table((f"{line},{k % 7}" for k, line in enumerate(rows())), "when,left,right\n"),
        [],
        [
            "ambiguous target: got the numeric columns 'right', 'left'",
            "for example --target-col 'right'.",
        ],
    ),
    "unknown time column": (
        table(rows()),
        ["--time-col", "times"],
        ["unknown column (--time-col): got 'times', expected one of 'time'"],
    ),
    "unknown target column": (
        table(rows()),
        ["--target-col", "sales"],
        ["unknown column (--target-col): got 'sales', expected one of 'time', 'value'."],
    ),
    "unknown id column": (
        table(rows()),
        ["--id-col", "shop"],
        ["unknown column (--id-col): got 'shop', expected one of 'time', 'value'."],
    ),
    "a frequency that does not fit": (
        table(f"{k},{k % 5}" for k in range(48)),
        ["--freq", "MS"],
        ["--freq does not fit the times", "Omit --freq"],
    ),
    "binary": (bytes(range(256)) * 20, [], ["not a text file (", "got binary data, expected CSV"]),
    "spreadsheet": (
        b"PK\x03\x04" + bytes(99),
        [],
        ["a zip archive or a spreadsheet that is damaged or incomplete", "Download or copy the file again"],
    ),
}


QUICK = ["--n-members", "1", "--max-steps", "5", "--units", "4", "--n-layers", "1"]


def run(folder, content, args, name="in.csv"):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    outputs = ["--out", str(folder / "a.csv"), "--report", str(folder / "a.html")]
    return main(["forecast", str(folder / name), *outputs, *QUICK, *args])


@pytest.mark.slow
@pytest.mark.parametrize("case", BAD)
def test_bad_data_is_one_message_and_leaves_no_file(tmp_path, capsys, case):
    content, args, texts = BAD[case]
    code = run(tmp_path, content, args)
    out, err = capsys.readouterr()
    # A column or a frequency named wrongly is wrong use, not bad data.
    assert code == (2 if case.startswith(("unknown", "a frequency")) else 1)
    assert err.startswith("error: ")
    assert err.endswith(".\n") or err.endswith("?\n")
    assert err.count("\n") == 1
    for text in texts:
        assert text in err
    assert out == ""
    assert os.listdir(tmp_path) == ["in.csv"]


@pytest.mark.parametrize("suffix", ["parquet", "json"])
def test_file_of_another_kind_than_its_suffix_is_refused(tmp_path, capsys, suffix):
    assert run(tmp_path, "neither\n", [], f"in.{suffix}") == 1
    err = capsys.readouterr().err
    assert err.startswith("error: cannot read the file (")
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == [f"in.{suffix}"]


def test_bad_data_as_json_has_the_parts_of_the_message(tmp_path, capsys):
    assert run(tmp_path, BAD["text among the values"][0], ["--json"]) == 1
    document = json.loads(capsys.readouterr().out)["error"]
    assert document["kind"] == "DataError"
    assert document["where"] == "row 9, column 'value'"
    assert document["got"] == "'lots'"


def test_bad_data_leaves_no_progress_on_a_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    run(tmp_path, BAD["infinite"][0], [])
    assert capsys.readouterr().err.startswith("error: infinite value")


@pytest.mark.slow
def test_data_that_can_be_fixed_is_fixed_and_noted(tmp_path, capsys):
    lines = rows(60)
    lines[7] = lines[7].split(",")[0] + ",NaN"
    lines[9] = lines[9].split(",")[0] + ","
    del lines[20]
    lines[3], lines[30] = lines[30], lines[3]
    assert run(tmp_path, table(lines), ["-h", "3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["data"]["rows"] == 60
    assert document["data"]["missing"] == 3
    findings = " ".join(document["data"]["findings"])
    for part in (
        "not in time order and have been sorted",
        "1 of 60 times has no row",
        "2011-09-01",
        "2 of 59 rows",
    ):
        assert part in findings
    assert len(document["forecast"]) == 3
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "a.html", "in.csv"]


NOTED = {
    "constant": (
        table(f"{line.split(',')[0]},5" for line in rows()),
        ["-h", "2"],
        ["the series does not vary: its forecast is the constant."],
    ),
    "fewer rows than can be held back": (
        table(rows(9)),
        ["-h", "3"],
        ["9 rows are too few to hold any back: the forecast has not been scored, and its intervals are a guess."],
    ),
    "two rows": (table(rows(2)), ["-h", "1"], ["2 rows are too few to hold any back"]),
    "far ahead": (table(rows(48)), ["-h", "40"], ["48 rows are too few to hold any back"]),
    "a constant among others": (
        table(
            (f"{shop},{line}" if shop == "A" else f"B,{line.split(',')[0]},5" for shop in "AB" for line in rows()),
            "shop," + HEADER,
        ),
        ["-h", "4"],
        ["series 'B' does not vary: its forecast is the constant."],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", NOTED)
def test_short_or_constant_data_is_forecast_with_a_note(tmp_path, capsys, case):
    content, args, texts = NOTED[case]
    assert run(tmp_path, content, [*args, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    findings = " ".join(document["data"]["findings"])
    for text in texts:
        assert text in findings
    names = [name for name in document["forecast"][0] if name.startswith("Ensemble")]
    assert all(isinstance(row[name], float) for row in document["forecast"] for name in names)
