"""Settings of a server, as the command line sets them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """Settings of a server.

    Args:
        store: Folder of models, streams and jobs.
        api_keys: Keys that callers need; empty: none is needed.
        max_body: Bytes of a body, at most.
        max_rows: Rows of a table, at most.
        max_columns: Columns of a table, at most.
        max_horizon: Steps ahead, at most.
        max_seconds: Seconds of a request that is computed in a process of its own, at most.
        max_train_seconds: The same of a training.
        max_memory: Bytes of memory of such a process, at most.
        max_queue: Forecasts that wait, at most.
        max_jobs: Trainings that wait or run, at most; as many finished ones are remembered.
        workers: Processes that train or compute at a time.
        max_streams: Streams, at most; the one that has been idle for longest makes room.
        stream_seconds: Seconds after which an idle stream expires.
    """

    store: Path
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    max_body: int = 16_000_000
    max_rows: int = 200_000
    max_columns: int = 1000
    max_horizon: int = 2000
    max_seconds: float = 60.0
    max_train_seconds: float = 3600.0
    max_memory: int = 4_000_000_000
    max_queue: int = 1000
    max_jobs: int = 100
    workers: int = 1
    max_streams: int = 10_000
    stream_seconds: float = 7 * 86_400.0
