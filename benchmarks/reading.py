"""Time the reading of CSV files with a million rows as a panel, compared with DuckDB's own `read_csv` of the same file.

usage: reading.py [--rounds N] [--rows N] [--wide] [CASE ...]

Both take turns in one run, with DuckDB's default number of threads. DuckDB reads the file into a table, and chooses
types by itself; gatecast also finds the notation of each column, checks every cell, and builds the panel. Processor
time counts all threads, and suffers less than wall time where other processes run. Memory is the peak of a process
that reads the file once (Linux). --wide reads 30,000 rows of 1,900 columns instead.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

N_DAYS = 1_000
ALLOWED_RATIO, ALLOWED_SECONDS = 1.3, 0.5
"""Target: this ratio to DuckDB, and this many seconds."""


class Table:
    """Columns of a made-up table, as texts."""

    def __init__(self, n_rows: int) -> None:
        rng = np.random.default_rng(0)
        values = 100 + rng.normal(0, 0.2, n_rows).cumsum() + rng.normal(0, 3, n_rows)
        self.minutes = np.datetime64("2020-01-01T00:00") + np.arange(n_rows).astype("m8[m]")
        days = np.datetime64("2018-01-01") + np.arange(N_DAYS).astype("m8[D]")
        self.values = [f"{value:.2f}" for value in values]
        self.fine = [f"{value:.6f}".replace(".", ",") for value in values]
        self.prices = [f"{value:.2f}" for value in rng.uniform(1, 20, n_rows)]
        self.ids = [f"store_{k // N_DAYS:04d}" for k in range(n_rows)]
        self.cities = [f"city {k // N_DAYS % 37}" for k in range(n_rows)]
        self.days = np.resize(days, n_rows).astype(str).tolist()

    def times(self, template: str) -> list[str]:
        """Minutes as a template writes them, with y, m, d, and t for the clock."""
        return [template.format(y=s[:4], m=s[5:7], d=s[8:10], t=s[11:]) for s in self.minutes.astype(str).tolist()]

    def day_first(self) -> list[str]:
        """Days as 31/12/2024."""
        return [f"{day[8:]}/{day[5:7]}/{day[:4]}" for day in self.days]


CASES: dict[str, tuple[str, str, Callable[[Table], Sequence[Sequence[str]]]]] = {
    "minutes": ("ds,y", ",", lambda t: (t.times("{y}-{m}-{d} {t}:00"), t.values)),
    "minutes, UTC": ("ds,y", ",", lambda t: (t.times("{y}-{m}-{d}T{t}Z"), t.values)),
    "panel": ("unique_id,ds,y", ",", lambda t: (t.ids, t.days, t.values)),
    "panel, price, city": ("unique_id,ds,y,price,city", ",", lambda t: (t.ids, t.days, t.values, t.prices, t.cities)),
    "panel, dd/mm/yyyy": ("unique_id,ds,y", ",", lambda t: (t.ids, t.day_first(), t.values)),
    "minutes, dd/mm/yyyy": ("ds,y", ",", lambda t: (t.times("{d}/{m}/{y} {t}"), t.values)),
    "epoch seconds": ("ds,y", ",", lambda t: (t.minutes.astype("M8[s]").astype(np.int64).astype(str), t.values)),
    "panel, decimal comma": ("unique_id;ds;y", ";", lambda t: (t.ids, t.days, [v.replace(".", ",") for v in t.values])),
    "minutes, decimal comma": ("ds;y", ";", lambda t: (t.times("{y}-{m}-{d} {t}"), t.fine)),
}
OPTIONS = {
    "panel, price, city": {"target_col": "y", "futr_exog": "price", "hist_exog": "city"},
    "wide": {"target_col": "*"},
}


def write_wide(path: Path) -> None:
    """Write 30,000 hours of 1,900 series."""
    rng = np.random.default_rng(0)
    hours = (np.datetime64("2015-01-01T00") + np.arange(30_000).astype("m8[h]")).astype(str).tolist()
    with path.open("w") as file:
        file.write(",".join(["ds", *(f"s{i}" for i in range(1_900))]) + "\n")
        file.writelines(f"{hour}:00,{','.join(map(str, rng.integers(100, 999, 1_900).tolist()))}\n" for hour in hours)


def write(path: Path, case: str, n_rows: int) -> None:
    """Write the file of a case."""
    header, mark, columns = CASES[case]
    with path.open("w") as file:
        file.write(header + "\n")
        file.writelines(mark.join(row) + "\n" for row in zip(*columns(Table(n_rows)), strict=True))


def read_with_duckdb(path: Path) -> None:
    """Read a file into a table of DuckDB."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE result AS SELECT * FROM read_csv('{path}')")


def read_with_gatecast(path: Path, case: str) -> None:
    """Read a file as a panel."""
    from gatecast.data.reader import read

    read(str(path), **OPTIONS.get(case, {}))


def seconds(run: Callable[[], None]) -> tuple[float, float]:
    """Wall time and processor time of a call."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


def peak_bytes(path: Path, case: str) -> int:
    """Peak memory of a process that reads a file once."""
    output = subprocess.run([sys.executable, __file__, "--memory", str(path), case], capture_output=True, check=True)
    return int(json.loads(output.stdout))


def measure(path: Path, case: str, rounds: int) -> dict[str, float]:
    """Medians of both, and the median of their ratio."""
    read_with_gatecast(path, case)
    times = [
        (*seconds(lambda: read_with_duckdb(path)), *seconds(lambda: read_with_gatecast(path, case)))
        for _ in range(rounds)
    ]
    duckdb, duckdb_cpu, gatecast, gatecast_cpu = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "MB": path.stat().st_size / 1e6,
        "duckdb": duckdb,
        "gatecast": gatecast,
        "ratio": statistics.median(row[2] / row[0] for row in times),
        "allowed": ALLOWED_RATIO * duckdb + ALLOWED_SECONDS,
        "duckdb cpu": duckdb_cpu,
        "gatecast cpu": gatecast_cpu,
        "peak MB": peak_bytes(path, case) / 1e6,
    }


def selected(args: argparse.Namespace) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """The cases to run, and how their files are written."""
    if args.wide:
        yield "wide", write_wide
    for case in args.cases or (() if args.wide else CASES):
        yield case, lambda path, case=case: write(path, case, args.rows)


def main() -> None:
    """Print a row for each case."""
    if sys.argv[1:2] == ["--memory"]:
        read_with_gatecast(Path(sys.argv[2]), sys.argv[3])
        # The peak that the system counts for a child may be that of its parent.
        lines = Path("/proc/self/status").read_text().splitlines()
        print(json.dumps(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--wide", action="store_true")
    parser.add_argument("cases", nargs="*", metavar="CASE")
    args = parser.parse_args()
    import duckdb

    from gatecast.kernels import runtime

    print(f"DuckDB {duckdb.__version__}, NumPy {np.__version__}, SIMD level {runtime.isa()}")
    print("| file | MB | DuckDB, s | gatecast, s | ratio | allowed, s | processor, s: DuckDB | gatecast | peak, MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for case, write_file in selected(args):
            path = Path(folder) / "table.csv"
            write_file(path)
            row = measure(path, case, args.rounds)
            print(
                f"| {case} | {row['MB']:.0f} | {row['duckdb']:.2f} | {row['gatecast']:.2f} | {row['ratio']:.2f}"
                f" | {row['allowed']:.2f} | {row['duckdb cpu']:.2f} | {row['gatecast cpu']:.2f}"
                f" | {row['peak MB']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
