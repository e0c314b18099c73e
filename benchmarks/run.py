"""Compare one training step of the article's network with PyTorch and Keras in one run: medians and ratios.

usage: run.py [--rounds N] [--out FILE.json]; the peers live in .venv-torch and .venv-keras (see `make bench`).
The tools take turns, round after round, so that changes in the speed of the machine affect all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from article import CASES, flops

HERE = Path(__file__).parent
ROOT = HERE.parent
THREADS = "2"


def fma_peak() -> float:
    """Measure the peak of multiply-adds of one core, GFLOP/s."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "fma_peak"
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O3", "-march=native", HERE / "fma_peak.c", "-o", program], check=True)
        runs = [json.loads(subprocess.run([program], check=True, capture_output=True).stdout) for _ in range(3)]
        return statistics.median(run["fma_peak_gflops"] for run in runs)


def run_tool(name: str, python: Path | str, threads: str = THREADS) -> list[dict]:
    """Return the JSON lines of one tool; none if its environment does not exist."""
    if not Path(python).exists():
        return []
    program = [python, HERE / f"{name}_side.py", threads]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
    return [json.loads(line) | {"threads": int(threads)} for line in done.stdout.splitlines() if line.startswith("{")]


def collect(rounds: int) -> tuple[dict[tuple, list[float]], float]:
    """Return milliseconds by (tool, what, threads, B, T), and the median of each round's peak."""
    times: dict[tuple, list[float]] = defaultdict(list)
    peaks = []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        peaks.append(fma_peak())
        lines = run_tool("gatecast", sys.executable)
        lines += run_tool("torch", ROOT / ".venv-torch/bin/python")
        lines += run_tool("keras", ROOT / ".venv-keras/bin/python")
        lines += run_tool("gatecast", sys.executable, "1")
        for line in lines:
            times[line["tool"], line["what"], line["threads"], line["B"], line["T"]].append(line["ms"])
    return times, statistics.median(peaks)


def table(times: dict[tuple, list[float]], peak: float) -> str:
    """Return Markdown: milliseconds a step, ratios, and the share of the peak on one thread and on two."""
    ms = {key: statistics.median(values) for key, values in times.items()}
    rows = [
        "| batch | window | gatecast step | gatecast fit | PyTorch step | Keras fit | PyTorch / gatecast | "
        "Keras / gatecast | 1 thread: GFLOP/s | share of peak | 2 threads: share of both peaks |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for B, T in CASES:
        step, fit = ms["gatecast", "step", 2, B, T], ms["gatecast", "fit", 2, B, T]
        torch, keras = (ms.get((tool, what, 2, B, T)) for tool, what in (("torch", "step"), ("keras", "fit")))
        rate = flops(B, T) / ms["gatecast", "step", 1, B, T] / 1e6
        cells = [f"{B}", f"{T}", f"{step:.3f} ms", f"{fit:.3f} ms"]
        cells += [f"{value:.2f} ms" if value else "-" for value in (torch, keras)]
        cells += [f"{torch / step:.2f}" if torch else "-", f"{keras / fit:.2f}" if keras else "-"]
        cells += [f"{rate:.1f}", f"{rate / peak:.0%}", f"{flops(B, T) / step / 1e6 / (2 * peak):.0%}"]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    times, peak = collect(options.rounds)
    print(f"3 x LSTM(50) + dropout + dense, training step, {THREADS} threads; medians of {options.rounds} rounds")
    print(f"measured multiply-add peak of one core: {peak:.1f} GFLOP/s (float32)\n")
    print(table(times, peak))
    if options.out:
        lines = [dict(zip(("tool", "what", "threads", "B", "T"), k, strict=True)) | {"ms": v} for k, v in times.items()]
        options.out.write_text(json.dumps({"fma_peak_gflops": peak, "measured": lines}, indent=1) + "\n")


if __name__ == "__main__":
    main()
