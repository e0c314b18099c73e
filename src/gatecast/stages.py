"""How far a fit has come, over several trainings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gatecast.panel_lstm import Step

__all__ = ["Progress", "Stages"]


class Progress(NamedTuple):
    """How far `fit` has come."""

    stage: str
    done: float
    """From 0 to 1, over all stages."""
    loss: float


class Stages:
    """Turns the steps of several trainings into one number from 0 to 1.

    Args:
        report: Called every few updates.
        count: Stages.
    """

    def __init__(self, report: Callable[[Progress], None] | None, count: int) -> None:
        self.report, self.count, self.number = report, count, 0
        self.history: dict[str, list[float]] = {name: [] for name in ("step", "loss", "validation_step", "validation")}

    def tell(self, training: int, share: float, step: Step) -> None:
        """Report an update of the current stage."""
        if self.number == 0 and training == 0:
            self.history["step"].append(step.number)
            self.history["loss"].append(step.loss)
            if np.isfinite(step.validation):
                self.history["validation_step"].append(step.number)
                self.history["validation"].append(step.validation)
        if self.report is not None and step.number % 5 == 0:
            name = "measuring the models" if self.number == 0 and self.count > 1 else "training"
            self.report(Progress(name, (self.number + min(share, 1.0)) / self.count, step.loss))

    def next(self) -> None:
        """The current stage is over."""
        self.number += 1
