"""Replace every setting and array of saved files by hostile ones, with a valid digest, and flip their bytes.

usage: fuzz_files.py [--seconds N] [--cases N] [--seed N] [--all] [--only NAME]

Each changed file is loaded and used with 4 GB of memory and 20 seconds. It is fine to refuse it (an error of gatecast),
or to forecast finite numbers from it. Counted apart: raw errors, hangs, empty forecasts, and settings that are accepted
and change the forecast. The exit code is 1 where there was a raw error, a hang or an empty forecast.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "helpers"))

from file_cases import FILES, HOSTILE, NO_VALUE, at, kind_of, paths_in, replaced, use

from gatecast._utils import safefile
from gatecast.errors import GatecastError

SECONDS_EACH, MEMORY = 20, 4 * 2**30
BAD = ("raw error", "hang", "not finite")


class Hang(BaseException):
    """More than the seconds that a file has."""


def stop(*_: object) -> None:
    """End a file that takes too long."""
    raise Hang


def equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two forecasts are the same."""
    return list(one) == list(other) and all(
        np.array_equal(one[name], other[name], equal_nan=np.asarray(one[name]).dtype.kind == "f") for name in one
    )


def finite(forecast: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether all numbers are finite that were before."""
    numbers = [np.asarray(c) for c in forecast.values() if np.asarray(c).dtype.kind == "f"]
    had = [np.asarray(c) for c in right.values() if np.asarray(c).dtype.kind == "f"]
    return sum(int((~np.isfinite(c)).sum()) for c in numbers) <= sum(int((~np.isfinite(c)).sum()) for c in had)


def outcome(name: str, path: Path, right: dict[str, Any]) -> tuple[str, str]:
    """What became of a changed file."""
    signal.alarm(SECONDS_EACH)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            forecast = use(name, path)
        if not finite(forecast, right):
            return "not finite", ""
        return ("same" if equal(forecast, right) else "changed"), ""
    except GatecastError as error:
        text = str(error)
        return ("refused" if len(text) < 1200 and "\x1b" not in text else "raw error"), text[:300]
    except Hang:
        return "hang", ""
    except Exception as error:
        return "raw error", f"{type(error).__name__}: {error}"[:300]
    finally:
        signal.alarm(0)


def settings_changed(settings: Any, n: int | None, rng: random.Random) -> Iterator[tuple[str, Any]]:
    """Yield settings with one value replaced: all of them, or n of a random choice."""
    pairs = [(path, value) for path in paths_in(settings) for value in HOSTILE]
    for path, value in pairs if n is None else rng.sample(pairs, min(n, len(pairs))):
        before = at(settings, path)
        if value is not NO_VALUE and type(before) is type(value) and before == value:
            continue
        shown = "left out" if value is NO_VALUE else repr(value)[:30]
        yield f"{'.'.join(map(str, path))}: {repr(before)[:30]} -> {shown}", replaced(settings, path, value)


def arrays_changed(arrays: Any) -> Iterator[tuple[str, Any]]:
    """Yield arrays of which one is changed."""
    for name, array in arrays.items():
        flat = np.asarray(array)
        yield f"array {name} left out", {key: value for key, value in arrays.items() if key != name}
        yield f"array {name} empty", arrays | {name: np.zeros(0, flat.dtype)}
        yield f"array {name} of rank 3", arrays | {name: np.zeros((1, 1, 1), flat.dtype)}
        yield f"array {name} longer", arrays | {name: np.concatenate([flat, flat]) if flat.ndim else flat}
        yield f"array {name} of bytes", arrays | {name: np.zeros(flat.shape, np.uint8)}
        for number in (np.nan, np.inf, 1e30, -(10**6)):
            if flat.dtype.kind == "f" or np.isfinite(number):
                with np.errstate(all="ignore"):
                    yield f"array {name} full of {number}", arrays | {name: np.full_like(flat, number)}


def bytes_changed(data: bytes, rng: random.Random) -> bytes:
    """Return a file with some bytes changed, removed or repeated."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not changed:
            break
        k = rng.randrange(len(changed))
        match rng.randrange(4):
            case 0:
                changed[k] = rng.randrange(256)
            case 1:
                del changed[k : k + rng.randint(1, 64)]
            case 2:
                changed[k:k] = changed[k : k + rng.randint(1, 64)]
            case _:
                changed = changed[: max(k, 1)]
    return bytes(changed)


def cases(path: Path, name: str, args: argparse.Namespace, rng: random.Random) -> Iterator[str]:
    """Write changed files, one after another, and yield what was changed."""
    data = path.read_bytes()
    settings, arrays = safefile.read(path, kind_of(name))
    arrays = dict(arrays)
    n = None if args.all else 400
    kinds = [
        ((what, changed, arrays) for what, changed in settings_changed(settings, n, rng)),
        ((what, settings, changed) for what, changed in arrays_changed(arrays)),
        ((f"bytes {k}", None, None) for k in range(300)),
    ]
    # A few cases are of all kinds.
    for case in filter(None, chain.from_iterable(zip_longest(*kinds) if args.cases else kinds)):
        what, changed_settings, changed_arrays = case
        if changed_settings is None:
            path.write_bytes(bytes_changed(data, rng))
        else:
            safefile.write(path, kind_of(name), changed_settings, changed_arrays)
        yield what
    path.write_bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=np.inf)
    parser.add_argument("--cases", type=int, help="cases of each kind of file, of all kinds of changes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="every replacement, not a sample")
    parser.add_argument("--only", choices=FILES)
    parser.add_argument("--changed", action="store_true", help="list what was accepted and changes the forecast")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, stop)
    began, total, rng = time.monotonic(), Counter(), random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        rights = {}
        names = [args.only] if args.only else list(FILES)
        for name in names:
            FILES[name](Path(folder) / name)
            rights[name] = use(name, Path(folder) / name)
        while True:
            for name in names:
                counts: Counter[str] = Counter()
                for what in islice(cases(Path(folder) / name, name, args, rng), args.cases):
                    kind, why = outcome(name, Path(folder) / name, rights[name])
                    counts[kind] += 1
                    if kind in BAD or (args.changed and kind == "changed"):
                        print(f"{kind}: {name}, {what} {why}", flush=True)
                    if time.monotonic() - began > args.seconds:
                        break
                total += counts
                print(f"{name}: {sum(counts.values())} cases, {dict(counts)}", flush=True)
                if time.monotonic() - began > args.seconds:
                    break
            if args.all or args.cases or time.monotonic() - began > args.seconds or np.isinf(args.seconds):
                break
    print(f"{sum(total.values())} cases: {dict(total)}")
    return int(any(total[kind] for kind in BAD))


if __name__ == "__main__":
    sys.exit(main())
