"""How far a fit has come, over several trainings."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from gatecast.nn.training import StepRecord

__all__ = ["PARTITION_SIZE", "PartProgress", "Progress", "ProgressTracker", "show_line", "show_notice", "show_progress"]


class Progress(NamedTuple):
    """How far `fit` has come."""

    stage: str
    fraction: float
    """From 0 to 1, over all stages."""
    loss: float


class PartProgress(NamedTuple):
    """How far a forecast into a folder has come.

    Args:
        n_done: Series whose forecasts are written, those of earlier runs included.
        n_series: All series.
        rate: Series a second, of this run.
        seconds_left: At this rate.
    """

    n_done: int
    n_series: int
    rate: float
    seconds_left: float

    def __str__(self) -> str:
        minutes, seconds = divmod(round(self.seconds_left), 60)
        return f"{self.n_done:,} of {self.n_series:,} series, {self.rate:,.0f} a second, {minutes}:{seconds:02} left"


PARTITION_SIZE = 10_000
"""Series of a part: some 250 MB while it is forecast, at 100 points."""

CURVES = ("step", "loss", "validation_step", "validation", "training", "untrained")
"""What a training history holds: see `ProgressTracker.history`."""

REPORT_EVERY = 5
"""Updates from one report to the next."""


class ProgressTracker:
    """Turns the steps of several trainings into one number from 0 to 1, and records the first stage.

    Args:
        progress: Is called every few updates.
        n_stages: Stages.
    """

    def __init__(self, progress: Callable[[Progress], None] | None, n_stages: int) -> None:
        self.progress, self.n_stages, self.stage, self.chosen = progress, n_stages, 0, 0
        self._histories: dict[tuple[int, int], dict[str, list[float]]] = {}

    @property
    def history(self) -> dict[str, list[float]]:
        """Losses, and validation errors where they were measured, of the chosen member of the first network."""
        first = min((model for model, _ in self._histories), default=0)
        return self._histories.get((first, self.chosen)) or {name: [] for name in CURVES}

    def on_step(self, model: int, fraction: float, step: StepRecord) -> None:
        """Report an update of the current stage.

        Args:
            model: Position of the model.
            fraction: Share of all trainings of the stage that is done.
            step: The update.
        """
        if self.stage == 0:
            _record(self._histories.setdefault((model, step.member), {name: [] for name in CURVES}), step)
        if self.progress is not None and step.number and step.number % REPORT_EVERY == 0:
            name = "measuring the models" if self.stage == 0 and self.n_stages > 1 else "training"
            self.progress(Progress(name, (self.stage + min(fraction, 1.0)) / self.n_stages, step.loss))

    def next_stage(self) -> None:
        """End the current stage."""
        self.stage += 1


def _record(history: dict[str, list[float]], step: StepRecord) -> None:
    """Add an update, and errors that were measured."""
    if step.number == 0:
        history["untrained"] = [step.validation, step.training]
        return
    history["step"].append(step.number)
    history["loss"].append(step.loss)
    if np.isfinite(step.validation):
        history["validation_step"].append(step.number)
        history["validation"].append(step.validation)
        history["training"].append(step.training)


SHOW_AFTER = 1.0
"""Seconds of fitting after which a line is shown."""


@contextmanager
def show_progress(progress: Callable[[Progress], None] | bool | None) -> Iterator[Callable[[Progress], None] | None]:
    """Provide what a fit reports to: the user's function, or a line in terminals and notebooks.

    Args:
        progress: A function; None: a line where somebody watches; True: a line; False: nothing.
    """
    if callable(progress):
        yield progress
        return
    if progress is False or (progress is None and not _is_watched()):
        yield None
        return
    line = _Line()
    try:
        yield line
    finally:
        line.clear()


@contextmanager
def show_line(progress: Callable[[Any], None] | bool | None) -> Iterator[Callable[[Any], None] | None]:
    """Provide what any work reports to, as `show_progress`: what is reported is shown as text.

    Args:
        progress: As for `show_progress`.
    """
    if callable(progress):
        yield progress
        return
    if progress is False or (progress is None and not _is_watched()):
        yield None
        return
    line = _Line()
    try:
        yield lambda report: line.show(str(report))
    finally:
        line.clear()


def show_notice(sentence: str) -> None:
    """Show a sentence about the work where somebody watches."""
    if _is_watched():
        sys.stderr.write(f"{sentence}\n")


def _is_watched() -> bool:
    """Return whether the output goes to a terminal or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


class _Line:
    """One line that is rewritten."""

    def __init__(self) -> None:
        self.began, self.width = time.monotonic(), 0

    def __call__(self, progress: Progress) -> None:
        """Show how far the fit is."""
        if time.monotonic() - self.began < SHOW_AFTER:
            return
        self.show(f"{progress.stage} {progress.fraction:4.0%}")

    def show(self, text: str) -> None:
        """Show a text in place of the one before."""
        sys.stderr.write("\r" + text.ljust(self.width))
        sys.stderr.flush()
        self.width = len(text)

    def clear(self) -> None:
        """Remove the line."""
        if self.width:
            sys.stderr.write("\r" + " " * self.width + "\r")
            sys.stderr.flush()
