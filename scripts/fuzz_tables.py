"""Read made tables of every layout of tests/helpers/table_layouts.py, and count which are right, refused and wrong.

usage: fuzz_tables.py [MUTATIONS-PER-LAYOUT] [FIRST-SEED]
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "helpers"))

from table_layouts import LAYOUTS, difference, make

from gatecast.data.reader import read
from gatecast.errors import GatecastError


def outcome(layout: str, seed: int, path: Path) -> tuple[str, str]:
    """Whether one table is right, refused or wrong, and why."""
    table, mutations = make(layout, seed)
    path.write_bytes(table.text().encode(table.encoding))
    try:
        panel, _ = read(path, **table.arguments)
    except GatecastError as error:
        return "refused", f"{layout}, seed {seed}, {', '.join(mutations)}: {error}"
    wrong = difference(panel, table.truth)
    return ("wrong" if wrong else "right"), f"{layout}, seed {seed}, {', '.join(mutations)}: {wrong}"


def main() -> int:
    n, first = (int(sys.argv[k]) if len(sys.argv) > k else default for k, default in ((1, 200), (2, 1000)))
    total = {"right": 0, "refused": 0, "wrong": 0}
    with TemporaryDirectory() as folder:
        for layout in LAYOUTS:
            counts = dict.fromkeys(total, 0)
            for seed in range(first, first + n):
                kind, why = outcome(layout, seed, Path(folder) / "table.csv")
                counts[kind] += 1
                if kind != "right":
                    print(f"{kind}: {why}")
            print(f"{layout}: {counts}", flush=True)
            total = {kind: total[kind] + counts[kind] for kind in total}
    print(total)
    return int(total["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
