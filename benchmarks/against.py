"""gatecast beside neuralforecast's LSTM (defaults) and NHITS on one group of a competition, in turns.

usage: against.py FOLDER PEER_PYTHON [--group "M3 monthly"] [--seeds N]

PEER_PYTHON is the interpreter of an environment with neuralforecast, duckdb and pandas. Each seed runs both sides one
after the other, so that a busy machine is busy for both; medians over seeds are printed.
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
    found: dict[str, list[dict]] = {}
    for seed in range(options.seeds):
        own = measure(options.folder, options.group, seed)
        row = {**own["Ensemble"], "fit": own["fit"], "predict": own["predict"]}
        found.setdefault("gatecast", []).append(row)
        side = Path(__file__).with_name("neuralforecast_side.py")
        command = [options.peer_python, str(side), str(options.folder), options.group, str(seed)]
        said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=side.parent).stdout
        for line in said.splitlines():
            if line.startswith("{"):
                told = json.loads(line)
                found.setdefault(f"neuralforecast {told['model']}", []).append(told)
    print("| model | sMAPE | MASE | fit, s | predict, s | seeds |")
    print("|---|---|---|---|---|---|")
    for name, runs in found.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in ("smape", "mase", "fit", "predict")}
        cells = f"{middle['smape']:.2f} | {middle['mase']:.3f} | {middle['fit']:.0f} | {middle['predict']:.1f}"
        print(f"| {name} | {cells} | {len(runs)} |")


if __name__ == "__main__":
    main()
