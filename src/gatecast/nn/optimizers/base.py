"""The base of the optimizers of Keras: settings that may change while a model is trained.

An optimizer describes a chain of gradient transformations; the training loop makes the chain from it, with a learning
rate that it reads from the optimizer before every update.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gatecast._utils.suggestions import suggestion
from gatecast._utils.validation import check_fraction, check_non_negative, check_positive
from gatecast.errors import ConfigError
from gatecast.nn.optim import (
    GradientTransformation,
    Schedule,
    add_decayed_weights,
    chain,
    clip,
    clip_by_global_norm,
    clip_by_norm,
    from_config,
    learning_rate_at,
    to_config,
)

__all__ = ["LearningRate", "Optimizer", "TransformationOptimizer"]

ADVICE = {
    "lr": "Write learning_rate=.",
    "decay": "Pass a schedule: learning_rate=schedules.InverseTimeDecay(0.01, decay_steps=1, decay_rate=decay).",
    "use_ema": "Compile with gatecast.optim.chain(Adam().transformation(), gatecast.optim.ema(0.99)).",
    "ema_overwrite_frequency": "Leave it out: gatecast.optim.ema predicts with the averaged weights.",
    "loss_scale_factor": "Leave it out: gatecast computes in float32, where no scaling of the loss is needed.",
    "gradient_accumulation_steps": "Use a batch_size that is larger by this factor.",
    "amsgrad": "Leave it out: there is Adam as Kingma & Ba 2015 define it.",
    "centered": "Leave it out: there is RMSprop with the plain mean square.",
}
"""Settings of Keras that are not available here: what to write instead."""


class LearningRate(float):
    """A learning rate as Keras gives it: a number, with `numpy()` and `assign(value)`."""

    optimizer: Optimizer

    def numpy(self) -> float:
        """Return the number."""
        return float(self)

    def assign(self, value: float) -> None:
        """Set the learning rate of the optimizer."""
        self.optimizer.learning_rate = value


class Optimizer:
    """Settings that all optimizers share; as in Keras, `learning_rate` may be assigned between updates.

    Args:
        learning_rate: A number of at least 0, or a schedule: a function of the number of updates done.
        weight_decay: Before each update, ``params -= learning_rate weight_decay params``; None: no decay.
        clipnorm: The largest norm of the gradient of each variable; None: no limit.
        clipvalue: The largest absolute value of a gradient; None: no limit.
        global_clipnorm: The largest norm of the gradient of all variables; None: no limit.
        name: For scripts written for Keras.
        **options: Settings of Keras that are not available here, at their defaults.

    Raises:
        ConfigError: An invalid or unknown setting, or several of the three limits.
    """

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        self._learning_rate = _check_rate(learning_rate, type(self).__name__)
        self.iterations = 0
        if weight_decay is not None:
            weight_decay = check_non_negative(weight_decay, "weight_decay", where=type(self).__name__)
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm, self.name = global_clipnorm, name or type(self).__name__.lower()
        self._check_limits()
        self._check_options(options)

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next update; assign a number or a schedule to change it."""
        rate = LearningRate(self.rate_at(self.iterations))
        rate.optimizer = self
        return rate

    @learning_rate.setter
    def learning_rate(self, value: float | Schedule) -> None:
        value = _check_rate(value, type(self).__name__)
        if callable(self._learning_rate) and not callable(value):
            raise ConfigError(
                "The learning rate follows a schedule, and cannot be set to a number",
                where=type(self).__name__,
                fix="Compile with a number, learning_rate=0.001, if a callback is to change it.",
            )
        self._learning_rate = value

    @property
    def fixed_rate(self) -> float | None:
        """The learning rate, if it is a number; None for a schedule."""
        return None if callable(self._learning_rate) else float(self._learning_rate)

    def rate_at(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        if not callable(self._learning_rate):
            return float(self._learning_rate)
        rate = self._learning_rate(step)
        try:
            number = float(rate)
        except (TypeError, ValueError):
            number = math.nan
        if not 0 <= number < math.inf:
            what = f"The schedule returned {rate!r} for update {step}"
            raise ConfigError(what, where=type(self).__name__, expected="a number of at least 0")
        return number

    def transformation(self, sizes: Sequence[int] = ()) -> GradientTransformation:
        """Return the chain that makes the updates; it reads the learning rate from this optimizer.

        Args:
            sizes: Number of parameters of each variable, which `clipnorm` needs; () for a single variable.
        """
        transforms = [*self._limits(sizes), *self._updates(self.rate_at)]
        if self.weight_decay:
            transforms.append(add_decayed_weights(self.weight_decay, self.rate_at))
        return chain(*transforms)

    def get_config(self) -> dict[str, Any]:
        """Return the settings by name, the learning rate as a number or a schedule.

        >>> from gatecast.nn.optimizers import SGD
        >>> SGD(0.1).get_config()["learning_rate"]
        0.1
        """
        names = [name for name in inspect.signature(type(self).__init__).parameters if name not in ("self", "options")]
        return {name: getattr(self, "_learning_rate" if name == "learning_rate" else name) for name in names}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Optimizer:
        """Return an optimizer from `get_config`."""
        return cls(**config)

    def to_data(self) -> dict[str, Any]:
        """Return name and settings as data for JSON.

        Raises:
            ConfigError: A schedule that is a function of the user.
        """
        return {type(self).__name__: {key: to_config(value) for key, value in self.get_config().items()}}

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.get_config() == self.get_config()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(learning_rate={self._learning_rate!r})"

    def _updates(self, rate: Schedule) -> Sequence[GradientTransformation]:
        """Return the transformations between clipping and weight decay."""
        raise NotImplementedError

    def _limits(self, sizes: Sequence[int]) -> list[GradientTransformation]:
        """Return the transformations that clip the gradient."""
        if self.clipnorm and len(sizes) > 0:
            return [clip_by_norm(self.clipnorm, tuple(sizes))]
        norm = self.clipnorm or self.global_clipnorm
        return [clip_by_global_norm(norm)] if norm else [clip(self.clipvalue)] if self.clipvalue else []

    def _check_limits(self) -> None:
        """Raise an error unless at most one limit is set, above 0."""
        limits = {name: getattr(self, name) for name in ("clipnorm", "clipvalue", "global_clipnorm")}
        chosen = {name: value for name, value in limits.items() if value is not None}
        for name, value in chosen.items():
            check_positive(value, name, where=type(self).__name__)
        if len(chosen) > 1:
            raise ConfigError(
                f"{' and '.join(chosen)} exclude each other", where=type(self).__name__, fix="Pass one of them."
            )

    def _check_options(self, options: Mapping[str, Any]) -> None:
        """Raise an error for settings that do not apply here, or that are unknown."""
        where = type(self).__name__
        for name, value in options.items():
            if _is_harmless(name, value, where):
                continue
            if name in ADVICE:
                raise ConfigError(f"{name}= is not available", where=where, fix=ADVICE[name], argument=name)
            known = [*inspect.signature(type(self).__init__).parameters][1:-1]
            raise ConfigError(f"Unknown argument {name!r}", where=where, fix=suggestion(name, known), argument=name)


class TransformationOptimizer(Optimizer):
    """A chain of `gatecast.optim` as an optimizer, whose learning rate can be read.

    Args:
        transforms: The chain.

    >>> from gatecast.nn.optim import scale_by_learning_rate
    >>> TransformationOptimizer(chain(scale_by_learning_rate(0.5))).learning_rate
    0.5
    """

    def __init__(self, transforms: GradientTransformation) -> None:
        super().__init__(0.0)
        self.transforms = transforms

    @property
    def fixed_rate(self) -> None:
        """None: the chain has its own learning rate."""

    def rate_at(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        return learning_rate_at(self.transforms, step + 1)

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next update."""
        return self.rate_at(self.iterations)

    @learning_rate.setter
    def learning_rate(self, value: float | Schedule) -> None:
        raise ConfigError(
            "The learning rate of a chain of gatecast.optim cannot be changed",
            got=repr(value),
            fix="Compile with an optimizer of gatecast.optimizers, such as Adam(0.001, global_clipnorm=1.0).",
        )

    def transformation(self, sizes: Sequence[int] = ()) -> GradientTransformation:  # noqa: ARG002
        """Return the chain."""
        return self.transforms

    def get_config(self) -> dict[str, Any]:
        """Return the chain."""
        return {"transforms": self.transforms}

    def to_data(self) -> dict[str, Any]:
        """Return the chain as data for JSON."""
        data: dict[str, Any] = to_config(self.transforms)
        return data

    def __repr__(self) -> str:
        return repr(self.transforms)


def optimizer_from_data(data: Mapping[str, Any], classes: Mapping[str, Callable[..., Optimizer]]) -> Optimizer:
    """Return the optimizer that `Optimizer.to_data` has described.

    Args:
        data: Name and settings, or a chain.
        classes: Optimizers by name.

    Raises:
        ConfigError: An unknown name, or invalid settings.
    """
    ((name, settings),) = data.items()
    if name in classes and isinstance(settings, Mapping):
        return classes[name](**{key: from_config(value) for key, value in settings.items()})
    transforms = from_config(data)
    if not isinstance(transforms, GradientTransformation):
        raise ConfigError("Invalid description of an optimizer", got=repr(data))
    return TransformationOptimizer(transforms)


def _is_harmless(name: str, value: Any, where: str) -> bool:
    """Return whether a setting of Keras changes nothing here.

    Raises:
        ConfigError: A value that Keras refuses too.
    """
    if name == "ema_momentum":
        # It belongs to use_ema, which is refused.
        return value is None or check_fraction(value, name, where=where) >= 0
    if name == "jit_compile":
        if value not in (True, False, None, "auto"):
            raise ConfigError(f"Invalid {name} {value!r}", where=where, expected='True, False or "auto"', argument=name)
        return True
    return name in ADVICE and name not in ("lr", "decay") and value in (None, False)


def _check_rate(value: Any, where: str) -> Any:
    """Return a learning rate as a number of at least 0, or a schedule."""
    if callable(value):
        return value
    # A rate of 0 freezes the weights: schedules end there.
    return (
        0.0 if not isinstance(value, str | bool) and value == 0 else check_positive(value, "learning_rate", where=where)
    )
