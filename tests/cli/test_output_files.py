"""Output files: refused before the work, written all or none."""

import os
import sys
from pathlib import Path

import pytest

from gatecast.cli.output_files import GATES, PLOT, REPORT, TABLE, check_outputs, write_outputs
from gatecast.errors import ConfigError, DataError

linux = pytest.mark.skipif(sys.platform != "linux", reason="files of Linux")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sales.csv"
    path.write_text("time,value\n2020-01-01,1\n")
    return path


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        (TABLE, "a.xlsx", "Invalid --out (a.xlsx): got '.xlsx', expected .csv, .parquet or .json. Write --out a.csv."),
        (TABLE, "a", "Invalid --out (a): got no suffix, expected .csv, .parquet or .json."),
        (GATES, "a.xlsx", "Invalid --gates (a.xlsx)"),
        (PLOT, "a.pdf", "Invalid --plot (a.pdf): got '.pdf', expected .png or .svg. Write --plot a.png."),
        (PLOT, "a.html", "Invalid --plot (a.html): got '.html', expected .png or .svg. Write --report a.html"),
        (REPORT, "a.pdf", "Invalid --report (a.pdf): got '.pdf', expected .html. Write --report a.html."),
        (TABLE, "no/a.csv", "Invalid --out (no/a.csv): got a folder that does not exist. Make the folder first"),
        (TABLE, "sales.csv/a.csv", "Invalid --out (sales.csv/a.csv): got a folder that does not exist"),
        (TABLE, "folder.csv", "Invalid --out (folder.csv): got a directory"),
        (TABLE, ".", "Invalid --out (.): got a directory"),
        (TABLE, "", "Invalid --out: got an empty name"),
        (TABLE, "sales.csv", "--out would overwrite the input (sales.csv). Choose another name."),
        (TABLE, "link.csv", "--out would overwrite the input (link.csv). Choose another name."),
        pytest.param(TABLE, "/proc/x.csv", "Cannot write --out (/proc/x.csv): got No such file", marks=linux),
    ],
)
def test_check_outputs_refuses_what_cannot_be_written(file, monkeypatch, kind, name, text):
    (file.parent / "folder.csv").mkdir()
    (file.parent / "link.csv").symlink_to(file)
    if name.startswith("/proc"):
        # Without the rights of root the folder is refused even before.
        monkeypatch.setattr(os, "access", lambda *_: True)
    with pytest.raises(ConfigError) as error:
        check_outputs([file, None, "SELECT 1"], {kind: name})
    assert str(error.value).startswith(text)
    assert sorted(os.listdir(file.parent)) == ["folder.csv", "link.csv", "sales.csv"]


@pytest.mark.parametrize(
    "source",
    [
        "*.csv",
        "**/sales.csv",
        "SELECT * FROM 'sales.csv'",
        'WITH a AS (FROM "sales.csv") SELECT * FROM a',
        "SELECT 'it''s' AS id, * FROM read_csv('s*.csv')",
        "FROM '{folder}/sales.csv'",
    ],
)
@pytest.mark.parametrize("name", ["sales.csv", "./sales.csv", "link.csv", "hard.csv"])
def test_check_outputs_refuses_every_file_that_a_source_reads(file, source, name):
    (file.parent / "link.csv").symlink_to(file)
    os.link(file, file.parent / "hard.csv")
    with pytest.raises(ConfigError, match="--out would overwrite the input"):
        check_outputs([source.format(folder=file.parent)], {TABLE: name})


def test_check_outputs_refuses_the_database_that_a_source_reads(file):
    database = file.with_name("shop.duckdb")
    database.touch()
    (file.parent / "link.csv").symlink_to(database)
    with pytest.raises(ConfigError, match="--out would overwrite the input"):
        check_outputs(["shop.duckdb::SELECT * FROM sales"], {TABLE: "link.csv"})


def test_check_outputs_refuses_one_file_for_two_options(file):
    with pytest.raises(ConfigError, match=r"--gates would overwrite --out \(a.csv\)"):
        check_outputs([file], {TABLE: "a.csv", GATES: "./a.csv"})


def test_check_outputs_takes_a_file_that_a_query_does_not_read(file):
    other = file.with_name("other.csv")
    other.touch()
    assert check_outputs(["SELECT * FROM 'sales.csv'"], {TABLE: "other.csv"}) == {"--out": Path("other.csv")}


@pytest.mark.parametrize(
    ("locked", "text"), [("", "a folder without write permission"), ("out.csv", "a write-protected")]
)
def test_check_outputs_refuses_what_may_not_be_written(file, monkeypatch, locked, text):
    out = file.with_name("out.csv")
    out.touch()
    # By permission bits this could not be tested as root.
    access = os.access
    protected = file.parent / locked
    monkeypatch.setattr(os, "access", lambda path, mode: path != protected and access(path, mode))
    with pytest.raises(ConfigError, match=text):
        check_outputs([file], {TABLE: str(out)})


def test_check_outputs_takes_suffixes_in_capitals(file):
    assert check_outputs([file], {TABLE: "A.CSV", PLOT: None})["--out"].name == "A.CSV"


def test_check_outputs_without_a_library_says_how_to_install_it(file, monkeypatch):
    monkeypatch.setattr("gatecast.plotting.charts.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install \"gatecast"):
        check_outputs([file], {PLOT: f"a{PLOT.suffixes[0]}"})


def test_write_outputs_names_the_file_of_the_user_when_the_system_refuses(file):
    def fail(draft):
        raise OSError(28, "No space left on device", str(draft))

    targets = check_outputs([file], {TABLE: "a.csv", REPORT: "a.html"})
    writers = {"--out": lambda draft: draft.write_text("written"), "--report": fail}
    with pytest.raises(ConfigError, match=r"Cannot write --report \(a\.html\): got No space left on device"):
        write_outputs(targets, writers)
    assert os.listdir(file.parent) == ["sales.csv"]


def test_write_outputs_translates_only_errors_about_the_draft(file):
    def refuse(draft, where):
        raise DataError("the file cannot be written", where=where or str(draft), got="No space left on device")

    targets = check_outputs([file], {TABLE: "a.csv"})
    with pytest.raises(ConfigError, match=r"Cannot write --out \(a\.csv\): got No space left"):
        write_outputs(targets, {"--out": lambda draft: refuse(draft, "")})
    with pytest.raises(DataError, match="row 3"):
        write_outputs(targets, {"--out": lambda draft: refuse(draft, "row 3")})


def test_write_outputs_names_the_first_option_when_the_disk_is_full_at_the_end(file, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    targets = check_outputs([file], {TABLE: "a.csv"})
    with pytest.raises(ConfigError, match=r"Cannot write --out \(a\.csv\): got No space left on device"):
        write_outputs(targets, {"--out": lambda draft: draft.write_text("written")})
    assert os.listdir(file.parent) == ["sales.csv"]


def test_write_outputs_names_the_file_that_the_system_refuses_at_the_end(file, monkeypatch):
    """All drafts are written; the second one cannot get its name."""
    targets = check_outputs([], {TABLE: "a.csv", PLOT: "b.svg", REPORT: "c.html"})
    replace = os.replace

    def refuse(one, other):
        if str(other).endswith("b.svg"):
            raise PermissionError(13, "Permission denied", str(one), None, str(other))
        replace(one, other)

    monkeypatch.setattr(os, "replace", refuse)
    writers = dict.fromkeys(targets, lambda draft: draft.write_text("new"))
    with pytest.raises(ConfigError, match=r"Cannot write --plot \(b\.svg\): got Permission denied"):
        write_outputs(targets, writers)


@pytest.mark.parametrize("name", ["loop.csv", "a" * 300 + ".csv", "folder.csv/" + "a" * 300 + ".csv"])
def test_check_outputs_refuses_links_in_a_circle_and_names_that_are_too_long(file, name):
    os.symlink("other.csv", "loop.csv")
    os.symlink("loop.csv", "other.csv")
    (file.parent / "folder.csv").mkdir()
    with pytest.raises(ConfigError, match="Cannot write --out"):
        check_outputs([file], {TABLE: name})
