"""No output is ever one of the inputs: every command, every output, every way to name a file."""

from __future__ import annotations

import os
import shutil

import pytest

from gatecast.cli.main import main

# Command, what comes before the output, option, the input that the output must not be, its copy under a fitting name.
CASES = [
    ("forecast", ["INPUT"], "--out", "sales.csv"),
    ("forecast", ["INPUT"], "--report", "sales.html"),
    ("forecast", ["prices.csv", "--futr-exog", "price", "--futr-df", "INPUT"], "--out", "future.csv"),
    ("forecast", ["prices.csv", "--futr-exog", "price", "--futr-df", "INPUT"], "--report", "future.html"),
    ("train", ["INPUT"], "--out", "sales.gatecast"),
    ("backtest", ["INPUT"], "--out", "sales.csv"),
    ("backtest", ["INPUT"], "--report", "sales.html"),
    ("compare", ["INPUT"], "--out", "sales.csv"),
    ("compare", ["INPUT"], "--report", "sales.html"),
    ("anomalies", ["INPUT"], "--out", "sales.csv"),
    ("tune", ["INPUT"], "--out", "sales.gatecast"),
    ("tune", ["INPUT"], "--report", "sales.html"),
    ("tune", ["INPUT"], "--study", "sales.db"),
    ("explain", ["INPUT"], "--gates", "sales.csv"),
    ("explain", ["INPUT"], "--report", "sales.html"),
    ("predict", ["sales.gatecast", "INPUT"], "--out", "sales.csv"),
    ("predict", ["prices.gatecast", "--futr-df", "INPUT"], "--out", "future.csv"),
    ("simulate", ["sales.gatecast", "INPUT"], "--out", "sales.csv"),
    ("simulate", ["prices.gatecast", "--futr-df", "INPUT"], "--out", "future.csv"),
    ("evaluate", ["sales.gatecast", "INPUT"], "--out", "sales.csv"),
    ("update", ["sales.gatecast", "INPUT"], "--out", "sales.gatecast.gatecast"),
    ("report", ["INPUT"], "--out", "model.html"),
    ("export", ["INPUT"], "--out", "model.onnx"),
    ("report", ["sales.gatecast", "--futr-df", "INPUT"], "--out", "future.html"),
]
COPIES = {
    "sales.html": "sales.csv",
    "sales.db": "sales.csv",
    "future.html": "future.csv",
    "model.html": "sales.gatecast",
    "model.onnx": "sales.gatecast",
    "sales.gatecast.gatecast": "sales.csv",
}


def spellings(folder, name):
    """Return ways to name a file as an output: by itself, by its path, over links."""
    (folder / "deep").mkdir(exist_ok=True)
    stem, suffix = os.path.splitext(name)
    links = {"link": f"{stem}-link{suffix}", "hard": f"{stem}-hard{suffix}"}
    os.symlink(name, folder / links["link"])
    os.link(folder / name, folder / links["hard"])
    return [name, f"./{name}", f"deep/../{name}", str(folder / name), *links.values()]


@pytest.mark.parametrize(("command", "arguments", "option", "name"), CASES)
def test_no_command_writes_to_what_it_reads(workdir, capsys, command, arguments, option, name):
    if name in COPIES:
        shutil.copy(COPIES[name], name)
    elif name == "sales.gatecast" and command in ("train", "tune"):
        # A table under the name of a model.
        shutil.copy("sales.csv", name)
    before = (workdir / name).read_bytes()
    outputs = spellings(workdir, name)
    inputs = [name, outputs[-2], outputs[-1]]
    sources = inputs if command in ("predict", "evaluate", "report", "update", "export") else [*inputs, name[:-1] + "?"]
    pairs = [*((name, output) for output in outputs), *((source, name) for source in sources[1:])]
    for source, output in pairs:
        given = [source if argument == "INPUT" else argument for argument in arguments]
        code = main([command, *given, option, output])
        error = capsys.readouterr().err
        assert code == 2, (source, output, error)
        assert "would overwrite the input" in error, (source, output, error)
        assert (workdir / name).read_bytes() == before
        assert (workdir / outputs[-2]).is_symlink()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM 'sales.csv'",
        'FROM "sales.csv"',
        "SELECT * FROM read_csv($$sales.csv$$)",
        "SELECT * FROM read_csv($q$s*.csv$q$)",
        "WITH a AS (FROM 'sales.csv') SELECT * FROM a",
    ],
)
def test_no_query_reads_what_is_written(workdir, capsys, query):
    before = (workdir / "sales.csv").read_bytes()
    assert main(["forecast", query, "--out", "sales.csv"]) == 2
    assert "would overwrite the input" in capsys.readouterr().err
    assert (workdir / "sales.csv").read_bytes() == before


def test_no_view_of_a_database_reads_what_is_written(workdir, capsys):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect("shop.duckdb") as connection:
        connection.execute("CREATE VIEW sales AS SELECT * FROM 'sales.csv'")
    for source in ("shop.duckdb", "shop.duckdb::sales", "shop.duckdb::SELECT * FROM sales"):
        assert main(["forecast", source, "--out", "sales.csv"]) == 2
        assert "would overwrite the input" in capsys.readouterr().err
