import os

import pytest

from gatecast.cli.options import check_input, parse_levels, parse_options, parse_whole
from gatecast.cli.words import CommonOptions
from gatecast.errors import ConfigError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("time,value\n2020-01-01,1\n")
    return path


def parse(file, **changes):
    files = {"future": None, "out": None, "plot": None, "report": None}
    own = {name: changes.pop(name) for name in ("horizon", "season", "level", "seed", "freq") if name in changes}
    return parse_options(str(file), CommonOptions(**own).settings(), json=False, quiet=False, **{**files, **changes})


def test_defaults_leave_to_the_data_what_the_data_can_say(file):
    options = parse(file)
    assert (options.horizon, options.season, options.freq) == (None, None, None)
    assert (options.levels, options.seed, options.outputs) == ((80, 95), 0, ())


@pytest.mark.parametrize(
    ("text", "levels"),
    [("80", (80,)), ("95,80", (80, 95)), (" 80 , 97.5 ", (80, 97.5)), ("80%", (80,)), ("1,99.9", (1, 99.9))],
)
def test_levels(text, levels):
    assert parse_levels(text) == levels
    assert all(isinstance(level, int) == float(level).is_integer() for level in parse_levels(text))


@pytest.mark.parametrize("text", ["0", "100", "-5", "120", "abc", "", "80,", "nan", "inf", "0.8", "80;95"])
def test_levels_that_make_no_sense(text):
    with pytest.raises(ConfigError, match=r"--level makes no sense: got '.*', expected percentages from 1 up to"):
        parse_levels(text)


@pytest.mark.parametrize("text", ["80,80", "80,95,80.0"])
def test_a_level_twice(text):
    with pytest.raises(ConfigError, match=r"--level names a level twice: got 80, expected each once\. Write"):
        parse_levels(text)


@pytest.mark.parametrize("text", ["0", "-3", "abc", "1.5", "", "1e3", "1_000", "٣", "nan", "0x10"])
@pytest.mark.parametrize("option", ["horizon", "season"])
def test_counts_that_make_no_sense(file, option, text):
    with pytest.raises(ConfigError) as error:
        parse(file, **{option: text})
    said = f"--{option} makes no sense: got {text!r}, expected a whole number of at least 1. Write "
    assert str(error.value).startswith(said)


def test_a_whole_number_may_carry_a_sign():
    assert parse_whole("+12", "-h", least=1, fix="") == 12


@pytest.mark.parametrize("text", ["-1", "x", "1.0"])
def test_a_seed_that_makes_no_sense(file, text):
    with pytest.raises(ConfigError, match=r"--seed makes no sense: got .* expected a whole number of at least 0"):
        parse(file, seed=text)


def test_an_unknown_frequency_is_refused_before_the_file_is_read(file):
    with pytest.raises(ConfigError, match="fortnightly"):
        parse(file, freq="fortnightly")


def test_a_file_that_is_not_there(file):
    with pytest.raises(ConfigError) as error:
        check_input(str(file.with_name("sale.csv")))
    assert "there is no such file" in str(error.value)
    assert f"Did you mean '{file}'?" in str(error.value)


def test_a_file_with_no_similar_name(tmp_path):
    with pytest.raises(ConfigError, match=r"expected a file with a table\. Check the spelling; the current folder is"):
        check_input(str(tmp_path / "nowhere" / "data.csv"))


def test_a_directory(tmp_path):
    with pytest.raises(ConfigError, match=r"FILE is a directory \(.*\): expected a file with a table\. Name a file"):
        check_input(str(tmp_path))


@pytest.mark.parametrize(
    ("option", "name", "said"),
    [
        (
            "out",
            "a.xlsx",
            "--out has an unknown file type (a.xlsx): got '.xlsx', expected .csv, .parquet or .json.",
        ),
        ("out", "a", "--out has an unknown file type (a): got no suffix, expected .csv, .parquet or .json."),
        (
            "plot",
            "a.pdf",
            "--plot has an unknown file type (a.pdf): got '.pdf', expected .png or .svg. Write --plot a.png.",
        ),
        (
            "out",
            "no/a.csv",
            "--out lies in a folder that does not exist (no/a.csv). Make the folder first: mkdir -p",
        ),
        (
            "plot",
            "a.html",
            "--plot draws a picture (a.html): got '.html', expected .png or .svg. Write --report a.html for a page.",
        ),
        ("report", "a.pdf", "--report has an unknown file type (a.pdf): got '.pdf', expected .html. Write --report"),
        ("plot", "no/a.png", "--plot lies in a folder that does not exist (no/a.png). Make the folder first"),
        ("out", "sales.csv/a.csv", "--out lies in a folder that does not exist (sales.csv/a.csv)"),
        ("out", "folder.csv", "--out is a directory (folder.csv): expected the name of a file"),
        ("out", "sales.csv", "--out would overwrite FILE (sales.csv). Choose another name."),
        ("out", "link.csv", "--out would overwrite FILE (link.csv). Choose another name."),
    ],
)
def test_outputs_that_cannot_be_written(file, monkeypatch, option, name, said):
    monkeypatch.chdir(file.parent)
    (file.parent / "folder.csv").mkdir()
    (file.parent / "link.csv").symlink_to(file)
    with pytest.raises(ConfigError) as error:
        parse(file, **{option: name})
    assert str(error.value).startswith(said)


@pytest.mark.parametrize(
    ("locked", "said"),
    [("", "--out lies in a folder that may not be written to"), ("out.csv", "--out is write-protected")],
)
def test_outputs_that_may_not_be_written(file, monkeypatch, locked, said):
    out = file.with_name("out.csv")
    out.touch()
    # By permission bits this could not be tested as root.
    access = os.access
    protected = file.parent / locked
    monkeypatch.setattr(os, "access", lambda path, mode: path != protected and access(path, mode))
    with pytest.raises(ConfigError) as error:
        parse(file, out=str(out))
    assert said in str(error.value)
    assert str(out) in str(error.value)


def test_suffixes_may_be_capitals(file):
    assert parse(file, out=str(file.with_name("A.CSV"))).out.name == "A.CSV"
