"""No output is ever one of the inputs: every command, every output, every way to name a file."""

from __future__ import annotations

import os
import shutil
import stat
import threading

import pytest
from typer.main import get_command

from gatecast.cli.app import make_app
from gatecast.cli.main import main

# Command, what comes before the output, option, the input that the output must not be, its copy under a fitting name.
CASES = [
    ("inspect", ["INPUT"], "--out", "sales.csv"),
    ("forecast", ["INPUT"], "--out", "sales.csv"),
    ("forecast", ["INPUT"], "--report", "sales.html"),
    ("forecast", ["prices.csv", "--futr-exog", "price", "--futr-df", "INPUT"], "--out", "future.csv"),
    ("forecast", ["prices.csv", "--futr-exog", "price", "--futr-df", "INPUT"], "--report", "future.html"),
    ("train", ["INPUT"], "--out", "sales.gatecast"),
    ("forecast", ["INPUT"], "--plot", "sales.png"),
    ("forecast", ["prices.csv", "--futr-exog", "price", "--futr-df", "INPUT"], "--plot", "future.png"),
    ("backtest", ["INPUT"], "--out", "sales.csv"),
    ("backtest", ["INPUT"], "--report", "sales.html"),
    ("compare", ["INPUT"], "--out", "sales.csv"),
    ("compare", ["INPUT"], "--report", "sales.html"),
    ("compare", ["INPUT"], "--plot", "sales.png"),
    ("anomalies", ["INPUT"], "--out", "sales.csv"),
    ("tune", ["INPUT"], "--out", "sales.gatecast"),
    ("tune", ["INPUT"], "--report", "sales.html"),
    ("tune", ["INPUT"], "--plot", "sales.png"),
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
    "sales.png": "sales.csv",
    "future.png": "future.csv",
    "sales.db": "sales.csv",
    "future.html": "future.csv",
    "model.html": "sales.gatecast",
    "model.onnx": "sales.gatecast",
    "sales.gatecast.gatecast": "sales.csv",
}


OUTPUTS = {"--out", "--report", "--plot", "--gates", "--study"}
"""Options that name a file to write."""
WITHOUT_INPUT = {"synth", "memory-benchmark"}


def options_that_write():
    """Return all pairs of a command and an option that names a file to write."""
    commands = get_command(make_app()).commands
    flags = {name: {flag for item in command.params for flag in item.opts} for name, command in commands.items()}
    return {(name, option) for name in flags for option in OUTPUTS & flags[name]}


def test_every_option_that_writes_is_tried():
    assert options_that_write() - {(name, "--out") for name in WITHOUT_INPUT} <= (
        {(command, option) for command, _, option, _ in CASES} | {("memory-benchmark", x) for x in OUTPUTS}
    )
    # An option with another name that takes a file would be missed above.
    written = {case[2] for case in CASES}
    assert written == OUTPUTS
    for name, command in get_command(make_app()).commands.items():
        for item in command.params:
            if "rite" in (getattr(item, "help", None) or "") and (item.metavar or "").startswith("FILE"):
                assert set(item.opts) & OUTPUTS, (name, item.opts)


def spellings(folder, name):
    """Return ways to name a file as an output: by itself, by its path, over links."""
    (folder / "deep").mkdir(exist_ok=True)
    stem, suffix = os.path.splitext(name)
    (folder / "chain").symlink_to(folder / "deep")
    links = {"link": f"{stem}-link{suffix}", "hard": f"{stem}-hard{suffix}"}
    os.symlink(name, folder / links["link"])
    os.link(folder / name, folder / links["hard"])
    ways = [name, f"./{name}", f"deep/../{name}", f"chain/../{name}", str(folder / name), f"{folder}//{name}"]
    other_case = name.swapcase()
    # Where a file system takes names in any case, this is the same file.
    if (folder / other_case).exists():
        ways.append(other_case)
    return [*ways, *links.values()]


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


def test_an_output_whose_name_differs_in_case_is_another_file_where_the_system_says_so(workdir):
    if (workdir / "SALES.CSV").exists():
        pytest.skip("the file system takes names in any case")
    before = (workdir / "sales.csv").read_bytes()
    assert main(["forecast", "sales.csv", "-h", "3", "--model", "naive", "--out", "SALES.CSV"]) == 0
    assert (workdir / "sales.csv").read_bytes() == before
    assert (workdir / "SALES.CSV").read_text().startswith("month,Naive")


QUICK = "-h 3 --model naive"
NETWORK = "--model lstm --units 2 --n-layers 1 --n-members 1 --max-steps 2"
WRITERS = {
    "inspect --out": ("inspect sales.csv --out", ".csv"),
    "forecast --out": (f"forecast sales.csv {QUICK} --out", ".csv"),
    "forecast --report": (f"forecast sales.csv {QUICK} --report", ".html"),
    "forecast --plot": (f"forecast sales.csv {QUICK} --plot", ".png"),
    "train --out": (f"train sales.csv {QUICK} --out", ".gatecast"),
    "predict --out": ("predict sales.gatecast --out", ".parquet"),
    "simulate --out": ("simulate sales.gatecast --n-paths 2 --out", ".json"),
    "evaluate --out": ("evaluate old.gatecast shops.csv --out", ".csv"),
    "update --out": ("update old.gatecast shops.csv --out", ".gatecast"),
    "backtest --out": (f"backtest sales.csv {QUICK} --n-windows 1 --out", ".csv"),
    "backtest --report": (f"backtest sales.csv {QUICK} --n-windows 1 --report", ".html"),
    "anomalies --out": (f"anomalies sales.csv {QUICK} --out", ".csv"),
    "compare --out": ("compare sales.csv -h 3 --n-windows 1 --models naive,drift --out", ".csv"),
    "compare --plot": ("compare sales.csv -h 3 --n-windows 1 --models naive,drift --plot", ".svg"),
    "compare --report": ("compare sales.csv -h 3 --n-windows 1 --models naive,drift --report", ".html"),
    "tune --out": ("tune sales.csv -h 3 --n-trials 1 --n-windows 1 --max-steps 2 --n-members 1 --out", ".gatecast"),
    "tune --plot": ("tune sales.csv -h 3 --n-trials 1 --n-windows 1 --max-steps 2 --n-members 1 --plot", ".svg"),
    "tune --report": ("tune sales.csv -h 3 --n-trials 1 --n-windows 1 --max-steps 2 --n-members 1 --report", ".html"),
    "explain --gates": ("explain sales.gatecast --gates", ".csv"),
    "explain --report": ("explain sales.gatecast --report", ".html"),
    "report --out": ("report sales.gatecast --out", ".html"),
    "export --out": ("export sales.gatecast --out", ".onnx"),
    "synth --out": ("synth --count 2 --length 5 --out", ".csv"),
}
"""A quick use of every option that writes. The study of `tune` is a database, which is written in place."""


def test_every_option_that_writes_is_used():
    used = {tuple(name.split()) for name in WRITERS}
    assert used == {(c, o) for c, o in options_that_write() if c != "memory-benchmark" and o != "--study"}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="links, modes and pipes of POSIX")
@pytest.mark.parametrize("name", WRITERS)
def test_every_option_that_writes_keeps_links_modes_and_pipes(workdir, name):
    if name.startswith("tune"):
        pytest.importorskip("optuna")
    line, suffix = WRITERS[name]
    write = [*line.split()]
    inputs = {path: path.read_bytes() for path in workdir.iterdir()}
    (workdir / "elsewhere").mkdir()
    target, link, twin = (workdir / "elsewhere" / f"t{suffix}", workdir / f"link{suffix}", workdir / f"twin{suffix}")
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    os.link(target, twin)
    assert main([*write, link.name]) == 0
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert target.stat().st_size > 3
    # Another name of the old file keeps the old file.
    assert twin.read_text() == "old"

    pipe = workdir / f"pipe{suffix}"
    os.mkfifo(pipe)
    received = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    assert main([*write, pipe.name]) == 0
    reader.join(10)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    # The first two bytes of a saved file are the length of its header, which holds how long a fit took.
    assert received[0][2:6] == target.read_bytes()[2:6]
    left = {path for path in workdir.iterdir() if ".part" in path.name}
    assert not left
    assert {path: path.read_bytes() for path in inputs} == inputs
