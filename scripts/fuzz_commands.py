"""Run commands on tables, databases, queries and options that are broken in many ways.

usage: fuzz_commands.py [--seconds N] [--cases N] [--seed N]

Each case is a command with files of changed bytes, a changed query, or changed options; it has 4 GB of memory and 20
seconds. It is fine if it works, or refuses with exit code 1 or 2 and one short sentence. Counted apart: defects (exit
code 70, an exception, a traceback), hangs, and long or unprintable messages. The exit code is 1 where there was one.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gatecast.cli.main import main as gatecast
from gatecast.data.sources.writers import write
from gatecast.forecaster import Forecaster

SECONDS_EACH, MEMORY = 20, 4 * 2**30
MAX_MESSAGE = 2000
BAD = ("defect", "hang", "message")

NUMBERS = ["0", "-1", "nan", "inf", "1e308", "1e-320", "", "'", "=1", "0x1f", "1,5", "１２", "NaT", "None", "\x00"]
NUMBERS += ["4000000000", "9" * 30]
TIMES = ["2024-02-30", "0000-00-00", "9999-12-31", "2024-13-01", "1e9", "2024-01-01T25:00", "31/12/99", "yesterday", ""]
WORDS = [*NUMBERS, *TIMES, "month", "sold", "*", "sales.csv", "no.csv", "/", "\udcff", "\x1b[31m", "a" * 300, "☃"]
QUERIES = [
    "SELECT * FROM 'sales.csv'",
    "SELECT month, sold FROM 'sales.parquet' ORDER BY month",
    "WITH a AS (FROM 'sales.json') SELECT month AS ds, sum(sold) AS y FROM a GROUP BY ALL",
    "shop.duckdb::SELECT month, sold FROM sales WHERE sold > 0",
    "FROM range(50) AS r(i) SELECT i AS ds, i % 7 AS y",
]
TOKENS = [
    "SELECT",
    "FROM",
    "NULL",
    "month",
    "sold",
    "'",
    '"',
    "(",
    ")",
    "*",
    ";",
    "--",
    "1",
    ",",
    "::",
    "$$",
    "%",
    "[]",
]
TOKENS += ["\x00"]
COMMANDS = ["forecast", "anomalies", "backtest", "compare", "train"]
# Commands that take a saved forecaster, and a table or not.
LATER = ["predict", "simulate", "evaluate", "update", "explain"]
LATER_OPTIONS = ["-h", "--level", "--seed", "--n-paths", "--n-rows", "--step", "--id", "--futr-df"]
OPTIONS = ["-h", "--level", "--model", "--season", "--time-col", "--target", "--id-col", "--freq"]
OPTIONS += ["--n-windows", "--seed", "--step-size", "--season-length", "--target-col", "--futr-exog", "--hist-exog"]
OPTIONS += ["--stat-exog", "--holidays", "--lower-bound", "--upper-bound", "--missing-codes", "--point", "--input-size"]
OPTIONS += ["--n-members", "--max-steps", "--batch-size", "--learning-rate", "--units"]
FORECASTER = "naive.gatecast"
MARKS = [b",", b";", b"\t", b"\n", b"\r", b'"', b"{", b"[", b"\xff\xfe", b"\xef\xbb\xbf"]


class Hang(BaseException):
    """More than the seconds that a command has."""


def stop(*_: object) -> None:
    """End a command that takes too long."""
    raise Hang


def make_files() -> dict[str, bytes]:
    """Write a table in every format to the current folder, and return the bytes."""
    import duckdb

    months = (np.datetime64("2019-01") + np.arange(48).astype("m8[M]")).astype("datetime64[us]")
    rng = np.random.default_rng(0)
    table = {"month": months, "sold": (50 + rng.normal(size=48)).round(2)}
    both = {"shop": np.repeat(["n", "s"], 48), **{name: np.tile(column, 2) for name, column in table.items()}}
    for name, columns in (("sales", table), ("shops", both)):
        for suffix in (".csv", ".tsv", ".json", ".jsonl", ".parquet"):
            write(columns, name + suffix)
    days = np.datetime64("2024-01-20") + np.arange(48)
    numbers = {
        "years": np.arange(1972, 2020),
        "months": 100 * (2016 + np.arange(48) // 12) + np.arange(48) % 12 + 1,
        "days": np.array([int(str(day).replace("-", "")) for day in days]),
        "seconds": 1_700_000_000 + 3600 * np.arange(48),
    }
    for name, times in numbers.items():
        for suffix in (".csv", ".json", ".parquet"):
            write({"when": times, "sold": table["sold"]}, name + suffix)
    with duckdb.connect("shop.duckdb") as connection:
        connection.execute("CREATE TABLE sales AS SELECT * FROM 'sales.csv'")
        connection.execute("CREATE VIEW view AS SELECT * FROM sales")
    files = {path.name: path.read_bytes() for path in sorted(Path().iterdir())}
    Forecaster(3, model="naive").fit("sales.csv", progress=False).save(FORECASTER)
    return files


def changed_bytes(data: bytes, rng: random.Random) -> bytes:
    """Return bytes with some changed, removed, repeated or replaced by odd words."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        k = rng.randrange(len(changed) + 1)
        match rng.randrange(6):
            case 0:
                changed[k : k + 1] = bytes([rng.randrange(256)])
            case 1:
                del changed[k : k + rng.randint(1, 64)]
            case 2:
                changed[k:k] = changed[k : k + rng.randint(1, 64)]
            case 3:
                changed[k : k + rng.randint(0, 9)] = rng.choice(WORDS).encode(errors="surrogateescape")
            case 4:
                changed[k : k + 1] = rng.choice(MARKS)
            case _:
                del changed[k + 1 :]
    return bytes(changed)


def changed_text(text: str, rng: random.Random) -> str:
    """Return a query with some of its words changed."""
    words = text.split(" ")
    for _ in range(rng.randint(0, 4)):
        k = rng.randrange(len(words) + 1)
        words[k : k + rng.randrange(3)] = [rng.choice([*TOKENS, *WORDS, *words])] * rng.randrange(3)
    return " ".join(words)


def cases(files: dict[str, bytes], rng: random.Random) -> Iterator[list[str]]:
    """Write changed files and yield commands, for ever."""
    while True:
        if rng.random() < 0.2:
            yield _later(files, rng)
            continue
        command = rng.choice(COMMANDS)
        quick = ["-h", "3", *(["--models", "naive,drift"] if command == "compare" else ["--model", "naive"])]
        if command in ("backtest", "compare"):
            quick += ["--n-windows", "1"]
        out = ["--out", f"out{rng.choice(['.gatecast'] if command == 'train' else ['.csv', '.json', '.parquet'])}"]
        out = out if command == "train" or rng.random() < 0.3 else []
        json_too = ["--json"] if rng.random() < 0.3 else []
        match rng.randrange(4):
            case 0 | 1:
                name = rng.choice(sorted(files))
                Path(name).write_bytes(changed_bytes(files[name], rng))
                source = name + rng.choice(["", "", "", "::sales", "::view", "::SELECT * FROM sales"])
                yield [command, source, *quick, *out, *json_too]
                Path(name).write_bytes(files[name])
            case 2:
                yield [command, changed_text(rng.choice(QUERIES), rng), *quick, *out, *json_too]
            case _:
                extra = [word for _ in range(rng.randint(1, 3)) for word in (rng.choice(OPTIONS), rng.choice(WORDS))]
                yield [command, rng.choice(sorted(files)), *quick, *extra, *out, *json_too]


def _later(files: dict[str, bytes], rng: random.Random) -> list[str]:
    """Return a command on the saved forecaster, with another table or options."""
    command = rng.choice(LATER)
    source = [rng.choice([*sorted(files), changed_text(rng.choice(QUERIES), rng)])]
    if command not in ("evaluate", "update") and rng.random() < 0.5:
        source = []
    extra = [word for _ in range(rng.randint(1, 2)) for word in (rng.choice(LATER_OPTIONS), rng.choice(WORDS))]
    if command in ("evaluate", "update"):
        extra = ["--n-rows", rng.choice(WORDS)] if command == "evaluate" else []
    out = ["--out", "out.gatecast"] if command == "update" else []
    return [command, FORECASTER, *source, *extra, *out, *(["--json"] if rng.random() < 0.3 else [])]


def outcome(arguments: list[str]) -> tuple[str, str]:
    """What became of a command."""
    printed, errors = io.StringIO(), io.StringIO()
    signal.alarm(SECONDS_EACH)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
            warnings.simplefilter("ignore")
            code = gatecast(arguments)
    except Hang:
        return "hang", ""
    except BaseException as error:
        return "defect", f"{type(error).__name__}: {error}"[:300]
    finally:
        signal.alarm(0)
    text = errors.getvalue()
    if code not in (0, 1, 2) or "Traceback" in text:
        return "defect", text[:600]
    if "\x1b" in text or "\x00" in text or (code and len(text) > MAX_MESSAGE):
        return "message", text[:600]
    if code and not text.startswith(("error: ", "warning: ", "data: ")) and "error: " not in text:
        return "message", text[:600]
    # -h without a number asks for help.
    if "--json" in arguments and not printed.getvalue().startswith("Usage:"):
        try:
            json.loads(printed.getvalue())
        except ValueError as error:
            return "message", f"no JSON: {error}: {printed.getvalue()[:200]}"
    return ("works" if code == 0 else "refused"), ""


def fuzz(n_cases: float, seconds: float, seed: int) -> tuple[Counter[str], list[str]]:
    """Run commands in the current folder, and return the counts and what was bad."""
    counts: Counter[str] = Counter()
    bad = []
    files, rng, end = make_files(), random.Random(seed), time.monotonic() + seconds
    signal.signal(signal.SIGALRM, stop)
    for arguments in cases(files, rng):
        if sum(counts.values()) >= n_cases or time.monotonic() > end:
            return counts, bad
        kind, why = outcome(arguments)
        counts[kind] += 1
        if kind in BAD:
            bad.append(f"{kind}: {arguments!r}: {why}")
            print(bad[-1], file=sys.stderr, flush=True)
            for name in files:
                if name in arguments[1]:
                    saved = Path(tempfile.gettempdir()) / f"gatecast-fuzz-{seed}-{sum(counts.values())}-{name}"
                    saved.write_bytes(Path(name).read_bytes())
                    bad[-1] += f" (saved as {saved})"
    raise AssertionError("cases never end")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=np.inf)
    parser.add_argument("--cases", type=float, default=np.inf)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        counts, bad = fuzz(args.cases, args.seconds, args.seed)
        os.chdir("/")
    print(*bad, sep="\n")
    print(dict(counts))
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
