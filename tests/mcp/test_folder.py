"""Names of files that a model writes: nothing outside of the folder is reached, and nothing in it is overwritten."""

import os
import sys

import pytest
from mcp_cases import fill

from gatecast.errors import ConfigError
from gatecast.mcp.folder import Folder

LIMIT = 1_000_000


@pytest.fixture
def folder(tmp_path):
    """A folder with tables, beside a file that is not in it."""
    (tmp_path / "secret.csv").write_text("t,y\n1,2\n2,3\n", encoding="utf-8")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "deep").mkdir()
    return Folder(fill(tmp_path / "inside"))


def test_source_is_a_file_of_the_folder_by_relative_and_absolute_name(folder):
    path = folder.root / "sales.csv"
    assert folder.source("sales.csv", "file", LIMIT) == path
    assert folder.source("./deep/../sales.csv", "file", LIMIT) == path
    assert folder.source(str(path), "file", LIMIT) == path


def test_source_keeps_the_part_of_a_file(folder):
    (folder.root / "book.xlsx").write_bytes(b"PK")
    assert folder.source("book.xlsx::Sales", "file", LIMIT) == f"{folder.root / 'book.xlsx'}::Sales"


OUTSIDE = ["../secret.csv", "deep/../../secret.csv", "/etc/passwd", "/dev/zero", "/proc/self/environ", "..", "/"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_source_outside_of_the_folder_is_refused(folder, name):
    with pytest.raises(ConfigError, match="outside of the folder"):
        folder.source(name, "file", LIMIT)


def test_source_by_a_link_that_leads_out_is_refused(folder):
    (folder.root / "link.csv").symlink_to(folder.root.parent / "secret.csv")
    (folder.root / "door").symlink_to(folder.root.parent)
    for name in ("link.csv", "door/secret.csv"):
        with pytest.raises(ConfigError, match="outside of the folder"):
            folder.source(name, "file", LIMIT)
    (folder.root / "again.csv").symlink_to("sales.csv")
    assert folder.source("again.csv", "file", LIMIT) == folder.root / "sales.csv"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("", "no name of a file"),
        ("  ", "no name of a file"),
        ("a\0b.csv", "no name of a file"),
        ("x" * 2000, "no name of a file"),
        ("x" * 400 + ".csv", "no name of a file|does not exist"),
        ("*.csv", "Patterns are not expanded"),
        ("SELECT * FROM 'sales.csv'", "SQL is not run"),
        ("shop.duckdb::SELECT * FROM read_csv('/etc/passwd')", "SQL is not run"),
        ("deep", "is a folder"),
        ("-", "does not exist"),
        ("sale.csv", "Did you mean 'sales.csv'"),
    ],
)
def test_source_that_is_no_file_is_refused(folder, name, what):
    with pytest.raises(ConfigError, match=what):
        folder.source(name, "file", LIMIT)


def test_source_in_a_circle_of_links_is_refused(folder):
    (folder.root / "a.csv").symlink_to("b.csv")
    (folder.root / "b.csv").symlink_to("a.csv")
    with pytest.raises(ConfigError):
        folder.source("a.csv", "file", LIMIT)


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes of POSIX")
def test_source_that_is_a_pipe_is_refused_and_not_waited_for(folder):
    os.mkfifo(folder.root / "pipe.csv")
    with pytest.raises(ConfigError, match="no regular file"):
        folder.source("pipe.csv", "file", LIMIT)


def test_source_larger_than_the_limit_is_refused(folder):
    with pytest.raises(ConfigError, match=r"too large .* got .* bytes, expected at most 100"):
        folder.source("sales.csv", "file", 100)


def test_target_is_a_new_file_of_the_folder(folder):
    assert folder.target("deep/new.csv", "out", (".csv",)) == folder.root / "deep" / "new.csv"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("../new.csv", "outside of the folder"),
        ("/tmp/new.csv", "outside of the folder"),
        ("sales.csv", "exists, and is not overwritten.*Write 'sales-2.csv'"),
        ("new.sh", "another suffix"),
        ("new", "another suffix.*Write new.csv"),
        (".hidden.csv", "Hidden"),
        ("absent/new.csv", "does not exist.*Write 'new.csv'"),
    ],
)
def test_target_that_must_not_be_written_is_refused(folder, name, what):
    with pytest.raises(ConfigError, match=what):
        folder.target(name, "out", (".csv", ".json"))


def test_target_behind_a_link_is_refused(folder):
    (folder.root / "out.csv").symlink_to(folder.root.parent / "stolen.csv")
    (folder.root / "inner.csv").symlink_to("not-yet.csv")
    with pytest.raises(ConfigError, match="outside of the folder"):
        folder.target("out.csv", "out", (".csv",))
    with pytest.raises(ConfigError, match="exists"):
        folder.target("inner.csv", "out", (".csv",))


def test_advice_of_a_target_that_exists_works(folder):
    (folder.root / "sales-2.csv").touch()
    assert folder.free(folder.root / "sales.csv") == "sales-3.csv"
    assert folder.target("sales-3.csv", "out", (".csv",)).name == "sales-3.csv"


def test_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="--folder"):
        Folder(tmp_path / "absent")
