"""Several models of one kind as one model: each quantile is the median over the members."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from typing import Annotated, Any, NamedTuple, TypedDict, cast

import numpy as np

from gatecast._utils.checkpoint import within
from gatecast._utils.schema import Count, Range, SchemaError, check_fields, from_json
from gatecast._utils.typing import FloatArray
from gatecast.errors import ConfigError
from gatecast.forecasting.base import (
    Family,
    ForecastModel,
    ModelConfig,
    ModelState,
    NetworkView,
    Overrides,
    PanelSummary,
    PredictsInsample,
    StepCallback,
    Task,
)
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.monitoring import ValidationMonitor
from gatecast.forecasting.registry import get_model
from gatecast.forecasting.side_by_side import train_side_by_side
from gatecast.kernels.runtime import release_memory
from gatecast.nn.training import StepRecord

__all__ = ["FittedMedian", "MedianOf", "Refined", "members_of"]


MAX_MEMBERS = 10_000
"""Members of a file, at most."""

BATCH_SERIES = 512
"""Series at a time, so that members share what they prepare of them."""


class MedianSettings(TypedDict):
    """Settings of a file: members, and where the configs differ from what the members were fitted with."""

    member: str
    members: Annotated[list[dict[str, Any]], Range(1, MAX_MEMBERS)]
    configs: list[dict[str, Any]]
    n_trial: Count | None
    alternatives: bool


class Refined(NamedTuple):
    """What a validation part says about a model that was tried on it."""

    model: ForecastModel
    """The model, perhaps with fewer members."""
    config: ModelConfig
    """What is fitted from now on."""
    member: int = 0
    """The first of the chosen members, among those that were tried."""


@dataclass(frozen=True)
class MedianOf:
    """The median of several members, each fitted with a seed of its own.

    Args:
        configs: The members, all of one kind; member k has the seed of the task plus k.
        n_trial: Members that are fitted where a validation part measures the model; None: all.
        alternatives: Whether the members are alternatives: a validation part chooses one of them for all.
    """

    configs: tuple[Any, ...]
    n_trial: int | None = None
    alternatives: bool = False

    @property
    def name(self) -> str:
        """Name in `model=`."""
        return str(self.configs[0].name)

    @property
    def column(self) -> str:
        """Column of its forecasts."""
        return str(self.configs[0].column)

    @property
    def family(self) -> Family:
        """The family of its members."""
        family: Family = self.configs[0].family
        return family

    @property
    def max_steps(self) -> int:
        """Updates of all trainings."""
        return sum(getattr(config, "max_steps", 0) for config in self.configs)

    @classmethod
    def default_for(cls, panel: PanelSummary, task: Task, overrides: Overrides) -> ModelConfig:
        """Members have defaults, their median has none."""
        raise ConfigError("MedianOf needs members", fix="Write MedianOf((config, config)).")

    def fit(
        self,
        context: PanelContext,
        task: Task,
        *,
        init: FittedMedian | None = None,
        monitor: ValidationMonitor | None = None,
        on_step: StepCallback | None = None,
    ) -> FittedMedian:
        """Fit every member, networks side by side. Monitored are the first, those that stop early, and alternatives."""
        fits = [
            partial(
                self._fit_member,
                k,
                context,
                task._replace(seed=task.seed + k),
                init=init.members[k] if init is not None else None,
                monitor=monitor if k == 0 or self.alternatives or _stops_early(config) else None,
            )
            for k, config in enumerate(self.configs)
        ]
        report = None if on_step is None else self._reporter(on_step)
        if self.family == "network":
            return FittedMedian(self, tuple(train_side_by_side(fits, report)))
        return FittedMedian(self, tuple(fit(report) for fit in fits))

    def _fit_member(
        self,
        k: int,
        context: PanelContext,
        task: Task,
        on_step: StepCallback | None,
        *,
        init: Any,
        monitor: ValidationMonitor | None,
    ) -> Any:
        """Fit one member, whose records say which it is."""
        report = None if on_step is None else lambda step: on_step(step._replace(member=k))
        with within("member", k):
            return self.configs[k].fit(context, task, init=init, monitor=monitor, on_step=report)

    def _reporter(self, on_step: StepCallback) -> StepCallback:
        """Return a callback that adds the share of all trainings that is done."""
        done, total = [0] * len(self.configs), max(self.max_steps, 1)

        def report(step: StepRecord) -> None:
            """Report an update."""
            done[step.member] = step.number
            on_step(step._replace(fraction=sum(done) / total))

        return report

    def trial(self) -> MedianOf:
        """Return the members that are fitted where a validation part measures the model."""
        return replace(self, configs=self.configs[: self.n_trial])

    def for_update(self, divisor: int) -> MedianOf:
        """Return what continues from fitted members: so many times fewer steps at a lower learning rate."""
        return replace(self, configs=tuple(_shortened(config, divisor) for config in self.configs))

    def refine(self, fitted: FittedMedian, error: Callable[[ForecastModel], float]) -> Refined:
        """Choose among alternatives by their errors; else train as long as the members of the trial did.

        Args:
            fitted: The members of the trial.
            error: Error of a model on the validation part.
        """
        if self.alternatives:
            best = min(fitted.members, key=error).config
            chosen = tuple(member for member in fitted.members if member.config == best)
            first = next(k for k, member in enumerate(fitted.members) if member is chosen[0])
            return Refined(FittedMedian(self, chosen), replace(self, configs=(best,) * len(self.configs)), first)
        if not hasattr(self.configs[0], "max_steps"):
            return Refined(fitted, self)
        pairs = zip(fitted.members, self.configs, strict=False)
        share = float(np.mean([member.config.max_steps / config.max_steps for member, config in pairs]))
        configs = (replace(config, max_steps=max(1, round(share * config.max_steps))) for config in self.configs)
        return Refined(fitted, replace(self, configs=tuple(configs)))

    @classmethod
    def from_state(cls, state: ModelState, task: Task) -> FittedMedian:
        """Restore every member."""
        settings = from_json(MedianSettings, state.settings, "settings")
        if len(settings["configs"]) != len(settings["members"]):
            n, n_members = len(settings["configs"]), len(settings["members"])
            raise SchemaError(f"settings.configs has {n} items, settings.members {n_members}")
        member_class = get_model(settings["member"])
        members = []
        for k, member_settings in enumerate(settings["members"]):
            arrays = {name.partition(".")[2]: array for name, array in state.arrays.items() if name.startswith(f"{k}.")}
            member_task = task._replace(seed=task.seed + k)
            members.append(member_class.from_state(ModelState(member_settings, arrays), member_task))
        configs = tuple(
            replace(cast(Any, member.config), **check_changes(member.config, changes))
            for member, changes in zip(members, settings["configs"], strict=True)
        )
        return FittedMedian(cls(configs, settings["n_trial"], settings["alternatives"]), tuple(members))


@dataclass(frozen=True)
class FittedMedian:
    """Fitted members."""

    config: MedianOf
    members: tuple[Any, ...]

    def predict_quantiles(self, context: PanelContext) -> FloatArray:
        """Return each quantile as the median over the members, [n_series, horizon, Q]."""
        parts = []
        for batch in context.batches(BATCH_SERIES):
            quantiles = [member.predict_quantiles(batch) for member in self.members]
            parts.append(quantiles[0] if len(quantiles) == 1 else np.median(quantiles, axis=0))
        release_memory()
        return np.concatenate(parts)

    def predict_insample(self, context: PanelContext) -> FloatArray:
        """Return the median over the members of each past value one step ahead, [n_series, T]."""
        if not all(isinstance(member, PredictsInsample) for member in self.members):
            raise ConfigError(f"Model {self.config.name!r} has no in-sample forecasts")
        return np.asarray(np.median([member.predict_insample(context) for member in self.members], axis=0))

    def networks(self) -> Sequence[NetworkView]:
        """Return the networks of all members."""
        return [view for member in self.members for view in getattr(member, "networks", list)()]

    def to_state(self) -> ModelState:
        """Return the states of the members, and where the configs differ from what the members were fitted with."""
        states = [member.to_state() for member in self.members]
        configs = self.config.configs[: len(self.members)]
        settings = {
            "member": self.config.name,
            "members": [dict(state.settings) for state in states],
            "configs": [_changes(member.config, config) for member, config in zip(self.members, configs, strict=True)],
            "n_trial": self.config.n_trial,
            "alternatives": self.config.alternatives,
        }
        arrays = {f"{k}.{name}": array for k, state in enumerate(states) for name, array in state.arrays.items()}
        return ModelState(settings, arrays)


def members_of(config: ModelConfig) -> tuple[Any, ...]:
    """Return the members of a median; any other config is its own only member.

    Example:
        >>> from gatecast.forecasting.baselines import Drift, Naive
        >>> len(members_of(MedianOf((Naive(), Naive())))), len(members_of(Drift()))
        (2, 1)
    """
    return config.configs if isinstance(config, MedianOf) else (config,)


def _stops_early(config: Any) -> bool:
    """Return whether the training of a member ends where its validation error is least."""
    return bool(getattr(config, "min_improvement", 1.0) < 1.0)


def check_changes(config: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changed fields of a config, from a file.

    Example:
        >>> from gatecast.forecasting.panel_rnn.model import LSTMConfig
        >>> check_changes(LSTMConfig(24), {"max_steps": 20})
        {'max_steps': 20}
    """
    values = {item.name: getattr(config, item.name) for item in fields(config)} | dict(changes)
    checked = check_fields(type(config), values, "configs")
    return {name: checked[name] for name in changes}


def _changes(before: Any, after: Any) -> dict[str, Any]:
    """Return the numbers of a config that another one has otherwise."""
    return {
        item.name: getattr(after, item.name)
        for item in fields(before)
        if isinstance(getattr(after, item.name), int | float)
        and getattr(after, item.name) != getattr(before, item.name)
    }


def _shortened(config: Any, divisor: int) -> Any:
    """Return a config with fewer steps at a lower learning rate, if it has either."""
    if not is_dataclass(config) or isinstance(config, type):
        return config
    settings = {}
    names = {item.name for item in fields(config)}
    if "max_steps" in names:
        settings["max_steps"] = max(1, config.max_steps // divisor)  # type: ignore[attr-defined]
    if "learning_rate" in names:
        settings["learning_rate"] = config.learning_rate / divisor  # type: ignore[attr-defined]
    return replace(config, **settings)
