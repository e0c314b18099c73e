"""How far a fit has come, over several trainings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gatecast.nn.training import StepRecord

__all__ = ["Progress", "ProgressTracker"]


class Progress(NamedTuple):
    """How far `fit` has come."""

    stage: str
    fraction: float
    """From 0 to 1, over all stages."""
    loss: float


CURVES = ("step", "loss", "validation_step", "validation", "training", "untrained")
"""What is taken down of a training: see `Stages.history`."""


class ProgressTracker:
    """Turns the steps of several trainings into one number from 0 to 1.

    Args:
        report: Called every few updates.
        count: Stages.
    """

    def __init__(self, report: Callable[[Progress], None] | None, count: int) -> None:
        self.report, self.count, self.number, self.chosen = report, count, 0, 0
        self.histories: dict[int, dict[str, list[float]]] = {}

    @property
    def history(self) -> dict[str, list[float]]:
        """What the chosen training of the first stage said: its losses, and both errors where they were looked at."""
        return self.histories.get(self.chosen) or {name: [] for name in CURVES}

    def tell(self, training: int, share: float, step: StepRecord) -> None:
        """Report an update of the current stage."""
        if self.number == 0:
            self._keep(self.histories.setdefault(training, {name: [] for name in CURVES}), step)
        if self.report is not None and step.number and step.number % 5 == 0:
            name = "measuring the models" if self.number == 0 and self.count > 1 else "training"
            self.report(Progress(name, (self.number + min(share, 1.0)) / self.count, step.loss))

    def next(self) -> None:
        """The current stage is over."""
        self.number += 1

    @staticmethod
    def _keep(history: dict[str, list[float]], step: StepRecord) -> None:
        """Take down an update, and what was looked at."""
        if step.number == 0:
            history["untrained"] = [step.validation, step.training]
            return
        history["step"].append(step.number)
        history["loss"].append(step.loss)
        if np.isfinite(step.validation):
            history["validation_step"].append(step.number)
            history["validation"].append(step.validation)
            history["training"].append(step.training)
