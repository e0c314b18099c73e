"""The state of a run in one file, and what is released from it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gatecast._utils import safefile
from gatecast.forecasting.pretrained.head import HeadShape
from gatecast.forecasting.pretrained.kinds import NetworkKind
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
from gatecast.forecasting.pretrained.training import OptimizerState
from gatecast.nn.network import Network, Weights, zeros_like
from pretraining.carry_over import carry_over

PEAK, WARM_UP_STEPS = 2.5e-3, 200
"""Learning rate, and the updates until it is reached."""


_SAVED = ("seed", "batch", "piece", "step", "tokens", "seconds", "finish_from", "finish_steps", "peak", "earlier")


@dataclass
class RunState:
    """A run: what is trained, and how far it is."""

    config: PretrainedConfig
    seed: int
    network: Network
    weights: Weights
    optimizer: OptimizerState
    batch: int
    piece: int
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    finish_from: int = 0
    """The step at which the falling part began; 0: the rate does not fall."""
    finish_steps: int = 0
    peak: float = PEAK
    """The learning rate after the warm-up."""
    mean_of_steps: list[int] = field(default_factory=list)
    """Steps whose averages make the average, where there are several."""
    averaged_with: list[dict[str, Any]] = field(default_factory=list)
    """Cards of the other runs whose averages are in it."""
    earlier: list[dict[str, Any]] = field(default_factory=list)
    """Cards of the runs whose released weights this one began with, oldest first, each with the digest of its file."""

    @classmethod
    def new(cls, config: PretrainedConfig, seed: int, batch: int, piece: int) -> RunState:
        """Return a run before its first step; batch and piece count series."""
        network, weights = make_network(config, seed)
        return cls(config, seed, network, weights, OptimizerState.zeros(weights.vector.size), batch, piece)

    @classmethod
    def from_released(
        cls, path: Path, kind: NetworkKind, seed: int | None, batch: int, piece: int, units: int | None = None
    ) -> RunState:
        """Return a run that begins with released weights; moments, average and warm-up begin anew.

        Args:
            path: The released file; inputs and simple forecasts that have been added since begin without a part.
            kind: Of the network.
            seed: Of the new series; None: the first that no earlier run had.
            batch: Series of a batch.
            piece: Series that are made at a time.
            units: Of each layer, at least as many as the released network has; None: as many.

        Raises:
            ValueError: A seed that an earlier run had: its batches would come again.
        """
        card, arrays = safefile.read(path, "pretrained")
        network = card.pop("network")
        earlier = [*card.pop("earlier", []), card | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}]
        used = {run["seed"] for card in earlier for run in (card, *card.get("averaged_with", []))}
        if seed is None:
            seed = max(used) + 1
        if seed in used:
            raise ValueError(f"seed {seed} was used by an earlier run: its batches would come again; take another")
        config = PretrainedConfig(units or network["units"], network["n_layers"], network["layer_norm"], kind)
        run = cls.new(config, seed, batch, piece)
        carry_over(network, arrays["weights"].astype(np.float32), run.weights, kind, seed)
        run.earlier = earlier
        return run

    @classmethod
    def mean_of(cls, paths: Sequence[Path]) -> RunState:
        """Return the newest of several states, whose average of the weights is the mean of all of theirs.

        They are of one run, or of runs that began with the same released weights, on series of other seeds.

        Raises:
            ValueError: States of runs that began otherwise, or a state twice, which would count twice.
        """
        runs = sorted((cls.load(path) for path in paths), key=lambda run: run.step)
        newest = runs[-1]
        # Only runs from released weights are alike but for their seed; others begin with weights of that seed.
        alike = [(run.config, run.earlier, None if run.earlier else run.seed) for run in runs]
        if any(one != alike[-1] for one in alike):
            raise ValueError(
                "the mean is one of states of one run, or of runs that began with the same released weights"
            )
        if len({(run.seed, run.step) for run in runs}) < len(runs):
            raise ValueError("a state is given twice: each counts once in the mean")
        newest.optimizer.average[:] = np.mean([run.averaged().vector for run in runs], axis=0)
        steps: dict[int, list[int]] = {}
        for run in runs:
            steps.setdefault(run.seed, []).append(run.step)
        newest.mean_of_steps = steps.pop(newest.seed)
        last = {run.seed: run for run in runs}
        newest.averaged_with = [last[seed].card() | {"mean_of_steps": steps[seed]} for seed in steps]
        return newest

    def learning_rate(self, step: int) -> float:
        """Return the rate of an update: warm-up, constant; in the falling part 1 - sqrt."""
        rate = self.peak * min(1.0, step / WARM_UP_STEPS)
        if self.finish_from:
            rate *= max(0.0, 1 - ((step - self.finish_from) / (self.finish_steps + 1)) ** 0.5)
        return rate

    @property
    def shape(self) -> HeadShape:
        """Sizes of the head."""
        return self.config.kind.head

    def averaged(self) -> Weights:
        """Return the average of the weights; before the first step the weights."""
        average = zeros_like(self.weights)
        average.vector[:] = self.optimizer.average if self.step else self.weights.vector
        return average

    def save(self, path: Path) -> None:
        """Write the state to a file next to the old one, and rename it."""
        settings = {name: getattr(self, name) for name in _SAVED} | {"network": self.config.to_settings()}
        arrays = {"weights": self.weights.vector, **self.optimizer._asdict()}
        safefile.write(path, "pretraining", settings, arrays)

    @classmethod
    def load(cls, path: Path) -> RunState:
        """Read a state."""
        settings, arrays = safefile.read(path, "pretraining")
        config = PretrainedConfig.from_settings(settings.pop("network"))
        run = cls.new(config, settings["seed"], settings["batch"], settings["piece"])
        run.weights.vector[:] = arrays.pop("weights")
        run.optimizer = OptimizerState(**{name: np.array(array) for name, array in arrays.items()})
        for name, value in settings.items():
            setattr(run, name, value)
        return run

    def card(self) -> dict[str, Any]:
        """Return what the training took."""
        flop = 6 * self.weights.vector.size * self.tokens
        hours = round(self.seconds / 3600, 2)
        return {"seed": self.seed, "steps": self.step, "tokens": self.tokens, "hours": hours, "flop": flop}

    def release(self, path: Path) -> None:
        """Write the average of the weights, float16, with what a card says."""
        settings = {"network": self.config.to_settings(), **self.card()}
        for name in ("mean_of_steps", "averaged_with", "earlier"):
            if value := getattr(self, name):
                settings[name] = value
        safefile.write(path, "pretrained", settings, {"weights": self.averaged().vector.astype(np.float16)})
