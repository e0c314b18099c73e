"""Compare gatecast with the LSTM (defaults) and NHITS of neuralforecast on one group of a competition, in turns.

usage: against.py FOLDER PEER_PYTHON [--group "M3 monthly"] [--seeds N]

PEER_PYTHON is the interpreter of an environment with neuralforecast, duckdb and pandas. Each seed runs both tools one
after the other, so that other load on the machine affects both. Prints medians over seeds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
from pathlib import Path

from competitions import measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("peer_python")
    parser.add_argument("--group", default="M3 monthly")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    runs: dict[str, list[dict]] = {}
    for seed in range(options.seeds):
        result = measure(options.folder, options.group, seed)
        row = {**result["Ensemble"], "fit": result["fit"], "predict": result["predict"]}
        runs.setdefault("gatecast", []).append(row)
        side = Path(__file__).with_name("neuralforecast_side.py")
        command = [options.peer_python, str(side), str(options.folder), options.group, str(seed)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=side.parent).stdout
        for line in printed.splitlines():
            if line.startswith("{"):
                row = json.loads(line)
                runs.setdefault(f"neuralforecast {row['model']}", []).append(row)
    print("| model | sMAPE | MASE | fit, s | predict, s | seeds |")
    print("|---|---|---|---|---|---|")
    for name, rows in runs.items():
        medians = {key: statistics.median(row[key] for row in rows) for key in ("smape", "mase", "fit", "predict")}
        cells = f"{medians['smape']:.2f} | {medians['mase']:.3f} | {medians['fit']:.0f} | {medians['predict']:.1f}"
        print(f"| {name} | {cells} | {len(rows)} |")


if __name__ == "__main__":
    main()
