"""Measure how fast synthetic series are made, on one core: series a second of processor time.

usage: synth.py [--count N] [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from gatecast.data.synth import augment, draw, families

LENGTHS = {"lf": 160, "hf": 1280}


def seconds(function, *arguments, **options) -> float:
    """Return the processor time of a call."""
    start = time.process_time()
    function(*arguments, **options)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=8192)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("| kind | length | drawn, series/s | augmented, series/s |")
    print("|---|---|---|---|")
    for kind, length in LENGTHS.items():
        batch = draw(kind, options.count, length, 0)
        drawn = [seconds(draw, kind, options.count, length, i) for i in range(options.rounds)]
        changed = [seconds(augment, kind, batch, i) for i in range(options.rounds)]
        rates = [f"{options.count / statistics.median(times):,.0f}" for times in (drawn, changed)]
        print(f"| {kind} | {length} | {' | '.join(rates)} |")
    print("\n| kind | family | ms for 400 series |")
    print("|---|---|---|")
    for kind, length in LENGTHS.items():
        for family in families(kind):
            spent = seconds(draw, kind, 400, length, 1, shares={family.name: 1})
            print(f"| {kind} | {family.name} | {1000 * spent:.0f} |")


if __name__ == "__main__":
    main()
