"""Time `gatecast forecast` from cold: a process of its own for each run, with files in the system's cache.

usage: cold.py [--rounds N] [--against FOLDER]

The cases take turns in rounds, and so do two checkouts with --against, the folder of another one: each figure then
stands next to that of the other, measured in the same minutes. "naive" shows what imports, reading and printing take;
a first round, which also writes the compiled modules, does not count. Processor time is the sum over threads.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parents[1]
FILE = HERE / "examples" / "air_passengers.csv"
CASES = {
    "auto": ["forecast", str(FILE)],
    "pretrained": ["forecast", str(FILE), "--model", "pretrained"],
    "naive": ["forecast", str(FILE), "--model", "naive"],
    "help": ["forecast", "--help"],
}


class Run(NamedTuple):
    """Seconds of one process."""

    wall: float
    processor: float


def run(folder: Path, arguments: list[str]) -> Run:
    """Run the command of a checkout."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "gatecast", *arguments],
        env=inherited | {"PYTHONPATH": str(folder / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--against", type=Path, help="another checkout, with its compiled kernels")
    options = parser.parse_args()
    folders = [HERE, *([options.against.resolve()] if options.against else [])]
    runs: dict[tuple[str, Path], list[Run]] = {(case, folder): [] for case in CASES for folder in folders}
    for k in range(options.rounds + 1):
        for (case, folder), seconds in runs.items():
            seconds += [run(folder, CASES[case])] * (k > 0)
    load = os.getloadavg()[0]
    print(f"medians of {options.rounds} rounds, in seconds; load {load:.1f} on {os.cpu_count()} processors\n")
    print("| case | checkout | wall | least | processor | least |\n|---|---|---|---|---|---|")
    for (case, folder), seconds in runs.items():
        figures = [f(part) for part in zip(*seconds, strict=True) for f in (statistics.median, min)]
        cells = " | ".join(f"{figure:.2f}" for figure in figures)
        print(f"| {case} | {'this' if folder == HERE else 'other'} | {cells} |")


if __name__ == "__main__":
    main()
