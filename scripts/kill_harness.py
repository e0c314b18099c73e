"""Kill commands at random instants, start them again, and compare the bits of what they write with an undisturbed run.

usage: kill_harness.py [--kills N] [--seed N] [--state DIR]

Ways to die: SIGKILL, SIGINT, SIGTERM, and a disk that takes no more from a random instant on (RLIMIT_FSIZE, set from
outside). A command is killed one to three times in a row before it is left to end. Results are kept in DIR, and the
same call goes on from there. Nothing waits for the minute that passes before a checkpoint is written by default:
GATECAST_CHECKPOINT_DELAY=0, and there are 20 snapshots of a training in a second (GATECAST_CHECKPOINT_EVERY=0.05).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gatecast._utils import safefile
from gatecast.pipeline.serialization import KIND

SMALL = ("-h", "6", "--units", "4", "--n-layers", "1")
TRAIN = (*SMALL, "--n-members", "2", "--dropout", "0.1")
TUNE = ("tune", "s.csv", *SMALL, "--n-members", "1", "--max-steps", "30", "--n-trials", "3", "--n-windows", "1")
COMMANDS: dict[str, tuple[str, ...]] = {
    "train": ("train", "s.csv", "--model", "lstm", *TRAIN, "--max-steps", "80", "--out", "o.gatecast"),
    "update": ("update", "m.gatecast", "new.csv", "--out", "o.gatecast"),
    "forecast": ("forecast", "s.csv", "--model", "lstm,dot,es-lstm", *TRAIN, "--max-steps", "40", "--out", "o.csv"),
    "backtest": (
        *("backtest", "s.csv", "--model", "es-lstm", *TRAIN, "--max-steps", "30", "--n-windows", "2"),
        *("--out", "o.csv"),
    ),
    "compare": (
        *("compare", "s.csv", "--models", "lstm,segrnn", *TRAIN, "--max-steps", "40", "--n-windows", "2"),
        *("--out", "o.csv"),
    ),
    "tune": (*TUNE, "--out", "o.gatecast"),
    "tune --study": (*TUNE, "--study", "o.db", "--out", "o.gatecast"),
}
FITTED = ("train", "s.csv", "--model", "lstm", *TRAIN, "--max-steps", "240", "--out", "m.gatecast")
"""What is trained before, for the commands that read it."""
INPUTS = ("s.csv", "new.csv", "m.gatecast")
WAYS = ("SIGKILL", "SIGINT", "SIGTERM", "full disk")
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM}
START_SECONDS, START_SHARE = 0.3, 0.15
"""Until Python itself has started; before, Ctrl-C may show a traceback."""
TIMINGS = ("seconds", "recommendation")
"""What differs from run to run; a recommendation says which model is faster. Its numbers are compared by themselves."""
TIMEOUT = 600
MAX_ATTEMPTS = 8
"""Runs in a row, at most, that are to be killed: some end before."""
NAMES = ("command", "way", "kills", "went on", "same bits", "other bits", "raw errors", "left behind")


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    code: int
    error: str
    seconds: float
    digest: str
    """Of everything that it wrote."""
    remains: tuple[str, ...]
    """Files in the checkpoint's folder after its end."""
    is_hit: bool
    """Whether it was still running at the instant, and did not end as if nothing had happened; on a disk that takes no
    more it may."""

    @property
    def is_raw(self) -> bool:
        """Whether the user saw what is no sentence."""
        return "Traceback" in self.error or self.code == 70


def write_series(path: Path, first: int, last: int) -> None:
    """Write some months of six series."""
    rng = np.random.default_rng(0)
    t = np.arange(72)
    months = np.datetime64("2018-01") + t.astype("m8[M]")
    lines = ["shop,month,sold"]
    for shop in range(6):
        values = 50 + 10 * shop + 5 * np.sin(t * np.pi / 6) + rng.normal(size=len(t))
        lines += [f"s{shop},{months[k]},{values[k]:.3f}" for k in range(first, last)]
    path.write_text("\n".join(lines) + "\n")


class Case:
    """A command in a folder of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.arguments = folder / name.replace(" ", ""), COMMANDS[name]
        self.folder.mkdir(parents=True, exist_ok=True)
        write_series(self.folder / "s.csv", 0, 60)
        write_series(self.folder / "new.csv", 60, 72)
        if "m.gatecast" in self.arguments and not (self.folder / "m.gatecast").exists():
            subprocess.run(
                [sys.executable, "-m", "gatecast", *FITTED], cwd=self.folder, check=True, capture_output=True
            )

    def clear(self) -> None:
        """Remove what earlier runs have left, but not what a command reads."""
        for path in self.folder.iterdir():
            if path.name not in INPUTS:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def run(self, way: str = "", after: float = 0.0, size: int = 0, options: tuple[str, ...] = ()) -> Outcome:
        """Run the command; end it in some way after so many seconds."""
        for path in self.folder.glob("o.*"):
            if path.suffix != ".db":
                path.unlink()
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "gatecast", *self.arguments, "--json", *options],
            cwd=self.folder,
            env={
                **os.environ,
                "XDG_CACHE_HOME": str(self.folder / "cache"),
                "GATECAST_CHECKPOINT_DELAY": "0",
                "GATECAST_CHECKPOINT_EVERY": "0.05",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        was_running = False
        if way:
            try:
                process.wait(after)
            except subprocess.TimeoutExpired:
                was_running = True
                if way == "full disk":
                    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, size))
                else:
                    process.send_signal(SIGNALS[way])
        out, error = process.communicate(timeout=TIMEOUT)
        seconds = time.monotonic() - began
        remains = tuple(sorted(path.name for path in (self.folder / "cache").rglob("*") if path.is_file()))
        is_hit = was_running and (way == "full disk" or process.returncode != 0)
        digest = self._digest(out) if process.returncode == 0 else ""
        return Outcome(process.returncode, error, seconds, digest, remains, is_hit)

    def _digest(self, out: str) -> str:
        """Return a digest of the document and of the files, without seconds."""
        digest = hashlib.sha256(json.dumps(_without_timings(json.loads(out)), sort_keys=True).encode())
        table, model = self.folder / "o.csv", self.folder / "o.gatecast"
        if table.exists():
            digest.update(table.read_bytes())
        if model.exists():
            settings, arrays = safefile.read(model, KIND)
            digest.update(json.dumps(_without_timings(settings), sort_keys=True).encode())
            for name in sorted(arrays):
                digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode() + arrays[name].tobytes())
        return digest.hexdigest()


def _without_timings(value: Any) -> Any:
    """Return a document without what differs from run to run."""
    if isinstance(value, Mapping):
        return {name: _without_timings(item) for name, item in value.items() if name not in TIMINGS}
    return [_without_timings(item) for item in value] if isinstance(value, list) else value


def try_one(case: Case, way: str, rng: random.Random, expected: Outcome, n_kills: int) -> dict[str, Any]:
    """Kill a command some times in a row, let it end, and compare."""
    case.clear()
    killed, raw, went_on = 0, list[str](), 0
    for _ in range(MAX_ATTEMPTS):
        if killed == n_kills:
            break
        first = max(START_SECONDS, START_SHARE * expected.seconds)
        after = rng.uniform(first, 0.95 * expected.seconds)
        outcome = case.run(way, after, rng.choice([0, 1000, 10_000, 30_000]))
        killed += outcome.is_hit
        went_on += "goes on from a checkpoint" in outcome.error
        if outcome.is_raw:
            raw.append(outcome.error[-2000:])
        if outcome.code == 0:
            # It ended before, or in spite of it: the bits have to be right even so, and the next run begins anew.
            if outcome.digest != expected.digest:
                return {"kills": killed, "same": False, "raw": raw, "went_on": went_on, "left": outcome.remains}
            case.clear()
    outcome = case.run()
    went_on += "goes on from a checkpoint" in outcome.error
    if outcome.is_raw or outcome.code:
        raw.append(outcome.error[-2000:])
    same = outcome.code == 0 and outcome.digest == expected.digest
    return {"kills": killed, "same": same, "raw": raw, "went_on": went_on, "left": outcome.remains}


def print_table(results: list[dict[str, Any]]) -> int:
    """Print what came out; return how much went wrong."""
    rows, total = [NAMES], Counter[str]()
    for command in COMMANDS:
        for way in WAYS:
            counts = Counter[str]()
            for item in results:
                if (item["command"], item["way"]) == (command, way):
                    counts["kills"] += item["kills"]
                    counts["went on"] += item["went_on"]
                    counts["same bits" if item["same"] else "other bits"] += item["kills"]
                    counts["raw errors"] += len(item["raw"])
                    counts["left behind"] += bool(item["left"])
            total += counts
            rows.append((command, way, *(str(counts[name]) for name in NAMES[2:])))
    rows.append(("all", "", *(str(total[name]) for name in NAMES[2:])))
    widths = [max(len(row[k]) for row in rows) for k in range(len(NAMES))]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    return sum(total[name] for name in NAMES[5:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--state", type=Path, default=Path("build/kills"))
    options = parser.parse_args()
    options.state.mkdir(parents=True, exist_ok=True)
    # A shell starts what runs in the background with SIGINT ignored, and commands would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = options.state / f"results-{options.seed}.jsonl"
    results = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    cases = {name: Case(options.state.resolve() / f"work-{options.seed}", name) for name in COMMANDS}
    undisturbed = dict[str, Outcome]()
    n_killed = sum(item["kills"] for item in results)
    while n_killed < options.kills:
        k = len(results)
        # Every command meets every way, however many of both there are: in each round the next way.
        turn, place = divmod(k, len(COMMANDS))
        command, way = list(COMMANDS)[place], WAYS[(turn + place) % len(WAYS)]
        if command not in undisturbed:
            cases[command].clear()
            undisturbed[command] = cases[command].run(options=("--no-checkpoint",))
            # The instants are those of a run with a checkpoint.
            complete = cases[command].run()
            if undisturbed[command].code or complete.digest != undisturbed[command].digest:
                print(f"{command} itself fails: {undisturbed[command].error}{complete.error}")
                return 1
            undisturbed[command] = complete
        rng = random.Random(f"{options.seed} {k}")
        n_kills = min(rng.choice([1, 1, 2, 3]), options.kills - n_killed)
        result = try_one(cases[command], way, rng, undisturbed[command], n_kills)
        results.append({"command": command, "way": way} | result)
        n_killed += result["kills"]
        with log.open("a") as file:
            file.write(json.dumps(results[-1]) + "\n")
        verdict = "same bits" if result["same"] and not result["raw"] and not result["left"] else f"WRONG: {result}"
        print(f"{n_killed} of {options.kills}: {command}, {way}: {verdict}", flush=True)
    return int(print_table(results) > 0)


if __name__ == "__main__":
    sys.exit(main())
