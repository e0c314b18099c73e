"""How far a fit has come, over several trainings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gatecast.panel_lstm import Step
from gatecast.recipes import Recipe

__all__ = ["TRIAL_MEMBERS", "Progress", "Stages"]

TRIAL_MEMBERS = 2
"""Networks that are trained for the validation part."""


class Progress(NamedTuple):
    """How far `fit` has come."""

    stage: str
    done: float
    """From 0 to 1, over all stages."""
    loss: float


class Stages:
    """Turns the steps of several trainings into one number from 0 to 1."""

    def __init__(self, report: Callable[[Progress], None] | None, recipe: Recipe, count: int) -> None:
        self.report, self.count, self.number = report, count, 0
        self.follow(recipe)
        self.history: dict[str, list[float]] = {"step": [], "loss": []}

    def follow(self, recipe: Recipe) -> None:
        """What is trained from now on."""
        self.steps = [member.steps for member in recipe.members]

    def tell(self, member: int, step: Step) -> None:
        """Report an update of the current stage."""
        first = self.number == 0 and self.count > 1
        if self.number == 0 and member == 0:
            self.history.setdefault("step", []).append(step.number)
            self.history.setdefault("loss", []).append(step.loss)
        if self.report is not None and step.number % 5 == 0:
            steps = self.steps[:TRIAL_MEMBERS] if first else self.steps
            share = (sum(steps[:member]) + step.number) / sum(steps)
            name = "measuring the models" if first else "training"
            self.report(Progress(name, (self.number + min(share, 1.0)) / self.count, step.loss))

    def next(self) -> None:
        """The current stage is over."""
        self.number += 1
