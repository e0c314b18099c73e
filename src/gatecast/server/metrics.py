"""Counts and durations in the text format of Prometheus."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable

__all__ = ["Metrics"]

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
"""Upper bounds of durations, in seconds."""
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
"""Upper bounds of the forecasts in a pass."""

Labels = tuple[tuple[str, str], ...]

HELP = {
    "gatecast_requests_total": ("counter", "Requests by endpoint, method and status."),
    "gatecast_request_seconds": ("histogram", "Duration of requests by endpoint."),
    "gatecast_shared_faults_total": ("counter", "Steps that failed for several forecasts together, by error."),
    "gatecast_batch_size": ("histogram", "Forecasts that were made together."),
    "gatecast_jobs_total": ("counter", "Jobs by kind and end."),
    "gatecast_worker_exits_total": ("counter", "Worker processes that ended before their job was done."),
    "gatecast_forecasts_waiting": ("gauge", "Forecasts that wait."),
    "gatecast_jobs_waiting": ("gauge", "Jobs that wait or run."),
    "gatecast_streams": ("gauge", "Streams that are stored."),
    "gatecast_streams_in_memory": ("gauge", "Streams that are in memory."),
}


class Metrics:
    """Counters, histograms and gauges.

    >>> metrics = Metrics()
    >>> metrics.count("gatecast_jobs_total", kind="train", end="done")
    >>> print(metrics.text().splitlines()[-1])
    gatecast_jobs_total{kind="train",end="done"} 1
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, Labels], float] = defaultdict(float)
        self._histograms: dict[tuple[str, Labels], list[float]] = {}
        self._gauges: dict[str, Callable[[], float]] = {}

    def count(self, name: str, **labels: str) -> None:
        """Add one to a counter."""
        with self._lock:
            self._counts[name, tuple(labels.items())] += 1

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add a value to a histogram."""
        buckets = _buckets(name)
        with self._lock:
            row = self._histograms.setdefault((name, tuple(labels.items())), [0.0] * (len(buckets) + 2))
            row[bisect_left(buckets, value)] += 1
            row[-1] += value

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """Read a number whenever the metrics are asked for."""
        self._gauges[name] = read

    def text(self) -> str:
        """Return all metrics in the text format, version 0.0.4."""
        with self._lock:
            counts, rows = dict(self._counts), {key: list(row) for key, row in self._histograms.items()}
        lines: list[str] = []
        for name, (kind, about) in HELP.items():
            samples = [_sample(name, key, value) for (each, key), value in counts.items() if each == name]
            for (each, key), row in rows.items():
                if each == name:
                    samples += _histogram(name, key, row)
            if name in self._gauges:
                samples.append(_sample(name, (), self._gauges[name]()))
            if samples:
                lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}", *samples]
        return "\n".join(lines) + "\n"


def _buckets(name: str) -> tuple[float, ...]:
    """Return the upper bounds of a histogram."""
    return SIZES if name.endswith("_size") else BUCKETS


def _histogram(name: str, labels: Labels, row: list[float]) -> list[str]:
    """Return the samples of a histogram."""
    lines, total = [], 0.0
    for bound, n in zip([*map("{:g}".format, _buckets(name)), "+Inf"], row, strict=False):
        total += n
        lines.append(_sample(f"{name}_bucket", (*labels, ("le", bound)), total))
    return [*lines, _sample(f"{name}_sum", labels, row[-1]), _sample(f"{name}_count", labels, total)]


def _sample(name: str, labels: Labels, value: float) -> str:
    """Return a line with a number in full: a rate of rounded counts would go in steps.

    >>> _sample("requests_total", (), 1234567.0), _sample("seconds_sum", (("route", "forecast"),), 0.25)
    ('requests_total 1234567', 'seconds_sum{route="forecast"} 0.25')
    """
    return f"{name}{_labels(labels)} {int(value) if float(value).is_integer() else float(value)!r}"


def _labels(labels: Labels) -> str:
    """Return labels in braces."""
    if not labels:
        return ""

    def escaped(value: str) -> str:
        """Return a value without what would end it."""
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels) + "}"
