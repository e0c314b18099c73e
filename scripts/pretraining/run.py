"""The loop of a run: updates until the time is over or the process is asked to stop; state, log, tables."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gatecast.errors import ConfigError
from gatecast.forecasting.pretrained.training import StepResult, train_step
from pretraining.bank import Ahead, Bank
from pretraining.state import RunState
from pretraining.tables import Losses

SAVE_SECONDS, LOG_SECONDS, TABLE_SECONDS = 300.0, 60.0, 1800.0
LOSS_EVERY = 5
"""Steps from one measurement of the losses by family to the next."""


class Timer:
    """Says when so many seconds have passed since it last said so."""

    def __init__(self, seconds: float, due_at_once: bool = False) -> None:
        self.seconds, self.last = seconds, -np.inf if due_at_once else time.monotonic()

    def due(self) -> bool:
        """Whether the time has come; starts anew if so."""
        now = time.monotonic()
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True


@dataclass
class Log:
    """Lines on the terminal and in a file."""

    path: Path

    def write(self, *lines: str) -> None:
        """Write lines with the time of day."""
        stamp = time.strftime("%m-%d %H:%M:%S ")
        with self.path.open("a") as file:
            for line in lines:
                print(stamp + line, flush=True)
                file.write(stamp + line + "\n")


class StopRequest:
    """Whether the process was asked to stop: SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self.received = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)

    def _receive(self, *_: object) -> None:
        self.received = True


@dataclass(frozen=True)
class Limits:
    """When a run ends."""

    hours: float = np.inf
    last_step: float = np.inf


@dataclass(frozen=True)
class Outputs:
    """What a run writes: state, log and tables."""

    path: Path
    log: Log
    names: tuple[str, ...]
    """Families."""
    table: Callable[[], list[str]]


def train(run: RunState, bank: Bank, outputs: Outputs, limits: Limits, stopped: Callable[[], bool]) -> bool:
    """Train until a limit or a request to stop; returns whether the last step was reached."""
    end, log = time.monotonic() + 3600 * limits.hours, outputs.log
    save, line, held_out = Timer(SAVE_SECONDS), Timer(LOG_SECONDS), Timer(TABLE_SECONDS, due_at_once=True)
    record, batches = _Record(outputs.names, run.shape.groups), Ahead(bank)
    while run.step < limits.last_step and time.monotonic() < end and not stopped():
        if held_out.due():
            log.write(f"step {run.step}", *outputs.table())
        _update(run, batches, record)
        if line.due():
            log.write(f"step {run.step} rate {run.learning_rate(run.step):.2e} {record.line()}")
            record = _Record(outputs.names, run.shape.groups)
        if save.due():
            _save(run, outputs)
    batches.close()
    if not _save(run, outputs):
        return False
    log.write(f"step {run.step} saved after {run.seconds / 3600:.2f} h of training", *outputs.table())
    return run.step >= limits.last_step


def _save(run: RunState, outputs: Outputs) -> bool:
    """Write the state; a disk that is full does not stop the run, and the state that was saved before stays."""
    try:
        run.save(outputs.path)
    except ConfigError as error:
        outputs.log.write(f"step {run.step} is not saved: {error}")
        return False
    return True


def _update(run: RunState, batches: Ahead, record: _Record) -> None:
    """Make one step."""
    began, step = time.monotonic(), run.step + 1
    sample = batches.sample(step)
    rate = run.learning_rate(step)
    result = train_step(run.network, run.weights, run.shape, sample.batch, run.optimizer, step, rate)
    tokens, seconds = len(sample.family) * sample.batch.x.shape[1], time.monotonic() - began
    run.step, run.tokens, run.seconds = step, run.tokens + tokens, run.seconds + seconds
    if step % LOSS_EVERY == 0:
        record.losses.add(result.head, sample.batch, sample.family)
    record.add(result, tokens, seconds)


class _Record:
    """What happened since the last line of the log."""

    def __init__(self, names: tuple[str, ...], groups: int) -> None:
        self.losses, self.loss, self.norm, self.tokens, self.seconds = Losses(names, groups), [], [], 0, 0.0

    def add(self, result: StepResult, tokens: int, seconds: float) -> None:
        """Add a step."""
        self.loss.append(result.loss)
        self.norm.append(result.gradient_norm)
        self.tokens += tokens
        self.seconds += seconds

    def line(self) -> str:
        """Return means."""
        rate = self.tokens / max(self.seconds, 1e-9)
        start = f"loss {np.mean(self.loss):.4f} norm {np.mean(self.norm):.2f} tokens/s {rate:.0f}; "
        return start + self.losses.line()
