"""Read made tables of every layout of tests/helpers/table_layouts.py, mutated, and count which are right and which not.

usage: fuzz_tables.py [--seconds N] [--cases N] [--seed N]

Each table is read with 4 GB of memory and 20 seconds. It is fine to read what the table says, or to refuse it (an error
of gatecast, of one sentence). Counted apart: tables read wrong, raw errors and hangs. The exit code is 1 where there
was one.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "helpers"))

from table_layouts import LAYOUTS, difference, make

from gatecast.data.reader import read
from gatecast.errors import GatecastError

SECONDS_EACH, MEMORY = 20, 4 * 2**30
MAX_MESSAGE = 1200
SEEDS_EACH = 10**6
"""Tables of a layout that the numbers of two runs are apart: runs share no table."""

BAD = ("wrong", "raw error", "hang")


class Hang(BaseException):
    """More than the seconds that a table has."""


def stop(*_: object) -> None:
    """End a table that takes too long."""
    raise Hang


def outcome(layout: str, seed: int, path: Path) -> tuple[str, str]:
    """Whether one table is right, refused, or bad, and why."""
    table, mutations = make(layout, seed)
    path.write_bytes(table.text().encode(table.encoding))
    about = f"{layout}, seed {seed}, {', '.join(mutations)}"
    signal.alarm(SECONDS_EACH)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            panel, _ = read(path, **table.arguments)
    except GatecastError as error:
        text = str(error)
        return ("refused" if len(text) < MAX_MESSAGE and "\x1b" not in text else "raw error"), f"{about}: {text[:600]}"
    except Hang:
        return "hang", about
    except Exception as error:
        return "raw error", f"{about}: {type(error).__name__}: {error}"[:600]
    finally:
        signal.alarm(0)
    wrong = difference(panel, table.truth)
    return ("wrong" if wrong else "right"), f"{about}: {wrong}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=np.inf)
    parser.add_argument("--cases", type=int, help="tables of each layout; without --seconds 200")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    n = 200 if args.cases is None and np.isinf(args.seconds) else args.cases
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, stop)
    end, counts = time.monotonic() + args.seconds, {layout: Counter[str]() for layout in LAYOUTS}
    with TemporaryDirectory() as folder:
        numbers = itertools.count() if n is None else range(n)
        for number, layout in ((number, layout) for number in numbers for layout in LAYOUTS):
            if time.monotonic() > end:
                break
            kind, why = outcome(layout, args.seed * SEEDS_EACH + number, Path(folder) / "table.csv")
            counts[layout][kind] += 1
            if kind != "right":
                print(f"{kind}: {why}", flush=True)
    for layout, of_layout in counts.items():
        print(f"{layout}: {of_layout.total()} cases, {dict(of_layout)}")
    total = sum(counts.values(), Counter[str]())
    print(f"{total.total()} cases: {dict(total)}")
    return int(any(total[kind] for kind in BAD))


if __name__ == "__main__":
    sys.exit(main())
