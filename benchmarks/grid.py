"""Compare the kernels with PyTorch and Keras over cells, hidden sizes, batches and lengths, in one run.

usage: grid.py [--data FILE.json] [--chart FILE.png] [--seconds S] [--only REGEX]; see `make bench-grid`. The tools take
turns case by case; the data file is written after every case, and cases that are in it are not measured again.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import signal
import statistics
import subprocess
import sys
from itertools import product
from pathlib import Path

from run import ROOT, fma_peak

HERE = Path(__file__).parent
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
UNITS, BATCHES, STEPS = (8, 32, 50, 64, 128, 256, 512), (1, 32, 256, 1024), (1, 24, 96, 512)
MAX_FLOPS = 450e9
"""Floating-point operations of the largest training step: PyTorch needs about ten seconds for it."""
KERAS = {"H": (8, 50, 128, 256), "B": (1, 32, 256), "T": (1, 24, 96), "cell": ("lstm", "gru")}
"""Part of the grid for Keras, which builds a graph for each case; that takes longer than measuring it."""
PYTHONS = {
    "gatecast": sys.executable,
    "torch": str(ROOT / ".venv-torch/bin/python"),
    "keras": str(ROOT / ".venv-keras/bin/python"),
}


def flops(case: dict) -> float:
    """Return the operations of a training step: three products of 2 B T G H (H + H) operations each."""
    return 12.0 * case["B"] * case["T"] * GATES[case["cell"]] * case["H"] ** 2


def cases() -> list[tuple[str, dict]]:
    """Return pairs of an additional tool (or "") and a case, smallest first."""
    every = [dict(zip(("cell", "H", "B", "T"), c, strict=True)) for c in product(GATES, UNITS, BATCHES, STEPS)]
    chosen = sorted((c for c in every if flops(c) <= MAX_FLOPS), key=flops)
    return [("keras" if all(c[k] in KERAS[k] for k in KERAS) else "", c) for c in chosen]


def scaling() -> list[dict]:
    """Return the cases for the share of the peak and for the growth of the cost: one thread and two."""
    by_H = [(cell, H, 256, T) for cell in GATES for H in UNITS[:6] for T in (24, 96)]
    by_B = [("lstm", 50, B, 24) for B in (1, 2, 4, 8, 16, 32, 64, 128, 512, 1024)]
    by_T = [("lstm", 50, 32, T) for T in (1, 6, 12, 24, 48, 96, 192, 384)]
    return [dict(zip(("cell", "H", "B", "T"), c, strict=True)) for c in dict.fromkeys([*by_H, *by_B, *by_T])]


class Worker:
    """A tool in a process of its own, stopped while others run, so that its threads do not spin."""

    def __init__(self, tool: str, threads: int) -> None:
        command = [PYTHONS[tool], str(HERE / "grid_worker.py"), tool, str(threads)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.about = json.loads(self.process.stdout.readline())
        self.process.send_signal(signal.SIGSTOP)

    def run(self, case: dict, seconds: float) -> dict | None:
        """Return milliseconds by pass; None if the tool fails."""
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps(case | {"seconds": seconds}) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline() or "null")
        except (BrokenPipeError, json.JSONDecodeError):
            return None
        finally:
            self.process.send_signal(signal.SIGSTOP)


def measure(path: Path, seconds: float, only: str) -> dict:
    """Fill the data file."""
    data = json.loads(path.read_text()) if path.exists() else {"cases": [], "scaling": []}
    workers: dict[tuple[str, int], Worker] = {}

    def run(tool: str, threads: int, case: dict) -> dict | None:
        if not Path(PYTHONS[tool]).exists():
            return None
        worker = workers.get((tool, threads)) or workers.setdefault((tool, threads), Worker(tool, threads))
        data.setdefault("tools", {})[tool] = worker.about
        return worker.run(case, seconds)

    data["fma_peak_gflops"] = fma_peak()
    jobs = [("scaling", case, [("gatecast", 1), ("gatecast", 2)]) for case in scaling()]
    for extra, case in cases():
        tools = [("gatecast", 2), ("torch", 2)] + ([("keras", 2)] if extra else [])
        jobs.append(("cases", case, tools))
    try:
        for number, (table, case, tools) in enumerate(jobs):
            key = json.dumps(case)
            if any(json.dumps(row["case"]) == key for row in data[table]) or not re.search(only, key):
                continue
            row = {"case": case} | {f"{tool}{threads}": run(tool, threads, case) for tool, threads in tools}
            data[table].append(row)
            path.write_text(dumps(data))
            print(f"{number + 1}/{len(jobs)} {key}", file=sys.stderr, flush=True)
    finally:  # a stopped process does not end by itself
        for worker in workers.values():
            worker.process.kill()
    return data


def dumps(data: dict) -> str:
    """Return JSON with a line for each case."""
    head = {name: value for name, value in data.items() if name not in ("cases", "scaling")}
    parts = [
        f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in data[name]) + "\n]" for name in ("cases", "scaling")
    ]
    return json.dumps(head)[:-1] + ",\n" + ",\n".join(parts) + "}\n"


def ratios(data: dict, tool: str, what: str, keep=lambda _: True) -> list[float]:
    """Return the time of a tool divided by that of gatecast, case by case."""
    rows = [row for row in data["cases"] if row.get(f"{tool}2") and row.get("gatecast2") and keep(row["case"])]
    return [row[f"{tool}2"][what]["ms"] / row["gatecast2"][what]["ms"] for row in rows]


def mean(values: list[float]) -> float:
    """Return the geometric mean."""
    return math.exp(statistics.fmean(math.log(v) for v in values))


def text(data: dict) -> str:
    """Return Markdown: ratios by cell and by size, the share of the peak, growth of the cost."""
    lines = [
        "| cells, pass | cases | PyTorch / gatecast: geometric mean | min | max | Keras / gatecast |",
        "|---|---|---|---|---|---|",
    ]
    for cell in (*GATES, "all"):
        for what in ("forward", "training"):

            def keep(case: dict, cell: str = cell) -> bool:
                return cell in (case["cell"], "all")

            torch, keras = ratios(data, "torch", what, keep), ratios(data, "keras", what, keep)
            if torch:
                last = f"{mean(keras):.1f} ({len(keras)} cases)" if keras else "-"
                row = f"{mean(torch):.2f} | {min(torch):.2f} | {max(torch):.1f} | {last}"
                lines.append(f"| {cell}, {what} | {len(torch)} | {row} |")
    lines += ["", "| training, by H | " + " | ".join(map(str, UNITS)) + " |", "|---|" + "---|" * len(UNITS)]
    for cell in GATES:
        by_size = [
            ratios(data, "torch", "training", lambda c, H=H, cell=cell: c["H"] == H and c["cell"] == cell)
            for H in UNITS
        ]
        lines.append(
            f"| {cell}: PyTorch / gatecast | " + " | ".join(f"{mean(r):.1f}" if r else "-" for r in by_size) + " |"
        )
    lines += [
        "",
        "| one thread, training, B 256 | T | " + " | ".join(f"H {H}" for H in UNITS[:6]) + " |",
        "|---|---|" + "---|" * 6,
    ]
    rows = {json.dumps(row["case"]): row for row in data["scaling"]}
    for cell, T in product(GATES, (24, 96)):
        shares = []
        for H in UNITS[:6]:
            row = rows.get(json.dumps({"cell": cell, "H": H, "B": 256, "T": T}))
            rate = flops(row["case"]) / row["gatecast1"]["training"]["ms"] / 1e6 if row else math.nan
            shares.append(f"{rate:.0f} ({rate / data['fma_peak_gflops']:.0%})")
        lines.append(f"| {cell}, GFLOP/s (share of peak) | {T} | " + " | ".join(shares) + " |")
    lines += ["", "| LSTM(50), training | one thread, ms | two threads, ms | ratio |", "|---|---|---|---|"]
    for row in data["scaling"]:
        case = row["case"]
        if case["cell"] == "lstm" and case["H"] == 50:
            one, two = (row[f"gatecast{n}"]["training"]["ms"] for n in (1, 2))
            lines.append(f"| B {case['B']}, T {case['T']} | {one:.3f} | {two:.3f} | {one / two:.2f} |")
    return "\n".join(lines)


def draw(data: dict, path: Path) -> None:
    """Draw three panels: ratios to PyTorch by size, and the share of the peak."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(13, 4), constrained_layout=True)
    for axis, what in zip(axes, ("forward", "training"), strict=False):
        for B in BATCHES:
            points = [(H, ratios(data, "torch", what, lambda c, H=H, B=B: c["H"] == H and c["B"] == B)) for H in UNITS]
            points = [(H, mean(r)) for H, r in points if r]
            axis.plot(*zip(*points, strict=True), marker="o", label=f"batch {B}")
        axis.axhline(1, color="black", linewidth=0.8)
        axis.set(xscale="log", yscale="log", xlabel="units", title=f"{what}: time of PyTorch / gatecast, two threads")
        axis.set_xticks(UNITS, [str(H) for H in UNITS])
        axis.minorticks_off()
        ticks = (1, 2, 3, 5, 10, 20, 50)
        axis.set_yticks(ticks, [str(t) for t in ticks])
        axis.legend(frameon=False)
    for cell in GATES:
        rows = [
            r for r in data["scaling"] if r["case"]["cell"] == cell and r["case"]["B"] == 256 and r["case"]["T"] == 24
        ]
        rows.sort(key=lambda r: r["case"]["H"])
        share = [flops(r["case"]) / r["gatecast1"]["training"]["ms"] / 1e6 / data["fma_peak_gflops"] for r in rows]
        axes[2].plot([r["case"]["H"] for r in rows], share, marker="o", label=cell)
    axes[2].set(xscale="log", ylim=(0, 1), xlabel="units", title="training, one thread: share of the peak")
    axes[2].set_xticks(UNITS[:6], [str(H) for H in UNITS[:6]])
    axes[2].minorticks_off()
    axes[2].legend(frameon=False, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "docs" / "benchmarks" / "grid.json")
    parser.add_argument("--chart", type=Path, default=ROOT / "docs" / "benchmarks" / "grid.png")
    parser.add_argument("--seconds", type=float, default=0.25, help="time for one pass of one case of one tool")
    parser.add_argument("--only", default="", help="cases whose JSON matches this pattern")
    options = parser.parse_args()
    options.data.parent.mkdir(parents=True, exist_ok=True)
    data = measure(options.data, options.seconds, options.only)
    print(text(data))
    draw(data, options.chart)


if __name__ == "__main__":
    main()
