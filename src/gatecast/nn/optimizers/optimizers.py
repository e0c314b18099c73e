"""The optimizers of Keras: their settings, and the gradient transformations that they stand for.

Notation: lr learning rate, g gradient, m' and v' the corrected moments of Adam (see `gatecast.optim`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatecast._utils.keras_names import advice_for
from gatecast._utils.suggestions import suggestion
from gatecast._utils.validation import check_flag, check_fraction, check_non_negative, check_positive
from gatecast.errors import ConfigError
from gatecast.nn.optim import (
    GradientTransformation,
    Schedule,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_momentum,
    scale_by_nadam,
    scale_by_rms,
    scale_by_rss,
)
from gatecast.nn.optimizers.base import Optimizer, TransformationOptimizer, optimizer_from_data

__all__ = ["OPTIMIZERS", "SGD", "Adagrad", "Adam", "AdamW", "Nadam", "RMSprop", "from_data", "get"]


class Adam(Optimizer):
    """Adam: ``params -= lr m' / (sqrt(v') + epsilon')``, ``epsilon' = epsilon / sqrt(1 - beta_2^t)`` at update t.

    Args:
        learning_rate: As for `Optimizer`.
        beta_1: Decay of the mean of gradients, in [0, 1).
        beta_2: Decay of the mean of their squares, in [0, 1).
        epsilon: Added to the root before its correction, above 0; "epsilon hat" in the source.
        amsgrad: Only False.
        weight_decay: As for `Optimizer`.
        clipnorm: As for `Optimizer`.
        clipvalue: As for `Optimizer`.
        global_clipnorm: As for `Optimizer`.
        name: For scripts written for Keras.
        **options: As for `Optimizer`.

    Source: Kingma & Ba 2015.

    >>> Adam() == Adam(learning_rate=0.001, beta_1=0.9)
    True
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        self.amsgrad = amsgrad
        options |= {"amsgrad": amsgrad}
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name, **options)
        self.beta_1, self.beta_2, self.epsilon = _check_betas(beta_1, beta_2, epsilon, type(self).__name__)

    def _updates(self, rate: Schedule) -> Sequence[GradientTransformation]:
        direction = scale_by_adam(self.beta_1, self.beta_2, self.epsilon, epsilon_hat=True)
        return direction, scale_by_learning_rate(rate)


class AdamW(Adam):
    """Adam with decoupled weight decay: ``params -= lr weight_decay params`` before each update of `Adam`.

    It is `Adam` with `weight_decay`, whose default is 0.004. As in Keras, the decay is multiplied by the learning rate,
    and applies to all parameters that are trained, biases included.

    Args:
        learning_rate: As for `Optimizer`.
        weight_decay: A number of at least 0; 0: no decay.
        beta_1: As for `Adam`.
        beta_2: As for `Adam`.
        epsilon: As for `Adam`.
        amsgrad: Only False.
        clipnorm: As for `Optimizer`.
        clipvalue: As for `Optimizer`.
        global_clipnorm: As for `Optimizer`.
        name: For scripts written for Keras.
        **options: As for `Optimizer`.

    Source: Loshchilov & Hutter 2019.

    >>> AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        if weight_decay is None:
            raise ConfigError("Invalid weight_decay None", where="AdamW", expected="a number", fix="Use Adam.")
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            name=name,
            **options,
        )


class Nadam(Optimizer):
    """Adam with Nesterov's momentum; see `gatecast.optim.scale_by_nadam`.

    Args:
        learning_rate: As for `Optimizer`.
        beta_1: As for `Adam`.
        beta_2: As for `Adam`.
        epsilon: As for `Adam`.
        weight_decay: As for `Optimizer`.
        clipnorm: As for `Optimizer`.
        clipvalue: As for `Optimizer`.
        global_clipnorm: As for `Optimizer`.
        name: For scripts written for Keras.
        **options: As for `Optimizer`.

    Source: Dozat 2016.

    >>> Nadam().learning_rate
    0.001
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name, **options)
        self.beta_1, self.beta_2, self.epsilon = _check_betas(beta_1, beta_2, epsilon, "Nadam")

    def _updates(self, rate: Schedule) -> Sequence[GradientTransformation]:
        return scale_by_nadam(self.beta_1, self.beta_2, self.epsilon), scale_by_learning_rate(rate)


class SGD(Optimizer):
    """Gradient descent: ``params -= lr g``, with optional momentum; see `gatecast.optim.scale_by_momentum`.

    Args:
        learning_rate: As for `Optimizer`.
        momentum: Decay of the momentum, in [0, 1).
        nesterov: Whether to use Nesterov's variant.
        weight_decay: As for `Optimizer`.
        clipnorm: As for `Optimizer`.
        clipvalue: As for `Optimizer`.
        global_clipnorm: As for `Optimizer`.
        name: For scripts written for Keras.
        **options: As for `Optimizer`.

    >>> [transform.name for transform in SGD(momentum=0.9).transformation().config["transforms"]]
    ['scale_by_learning_rate', 'scale_by_momentum']
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name, **options)
        self.momentum, self.nesterov = (
            check_fraction(momentum, "momentum", where="SGD"),
            check_flag(nesterov, "nesterov", where="SGD"),
        )

    def _updates(self, rate: Schedule) -> Sequence[GradientTransformation]:
        # The learning rate comes first, as in Keras: the momentum accumulates steps, not gradients.
        momentum = [scale_by_momentum(self.momentum, self.nesterov)] if self.momentum else []
        return scale_by_learning_rate(rate), *momentum


class RMSprop(Optimizer):
    """RMSprop: ``params -= lr g / sqrt(v + epsilon)``, with optional momentum; see `gatecast.optim.scale_by_rms`.

    Args:
        learning_rate: As for `Optimizer`.
        rho: Decay of the mean square v, in [0, 1).
        momentum: Decay of the momentum, in [0, 1).
        epsilon: Added under the root, above 0.
        centered: Only False.
        weight_decay: As for `Optimizer`.
        clipnorm: As for `Optimizer`.
        clipvalue: As for `Optimizer`.
        global_clipnorm: As for `Optimizer`.
        name: For scripts written for Keras.
        **options: As for `Optimizer`.

    Source: Tieleman & Hinton 2012.

    >>> RMSprop().rho
    0.9
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        self.centered = centered
        options |= {"centered": centered}
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name, **options)
        self.rho, self.momentum = (
            check_fraction(value, key, where="RMSprop") for key, value in (("rho", rho), ("momentum", momentum))
        )
        self.epsilon = check_positive(epsilon, "epsilon", where="RMSprop")

    def _updates(self, rate: Schedule) -> Sequence[GradientTransformation]:
        momentum = [scale_by_momentum(self.momentum)] if self.momentum else []
        return scale_by_rms(self.rho, self.epsilon), scale_by_learning_rate(rate), *momentum


class Adagrad(Optimizer):
    """Adagrad: ``params -= lr g / sqrt(v + epsilon)`` with v the sum of squares; see `gatecast.optim.scale_by_rss`.

    Args:
        learning_rate: As for `Optimizer`.
        initial_accumulator_value: v before the first update, at least 0.
        epsilon: Added under the root, above 0.
        weight_decay: As for `Optimizer`.
        clipnorm: As for `Optimizer`.
        clipvalue: As for `Optimizer`.
        global_clipnorm: As for `Optimizer`.
        name: For scripts written for Keras.
        **options: As for `Optimizer`.

    Source: Duchi, Hazan & Singer 2011.

    >>> Adagrad().initial_accumulator_value
    0.1
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name, **options)
        self.initial_accumulator_value = check_non_negative(
            initial_accumulator_value, "initial_accumulator_value", where="Adagrad"
        )
        self.epsilon = check_positive(epsilon, "epsilon", where="Adagrad")

    def _updates(self, rate: Schedule) -> Sequence[GradientTransformation]:
        return scale_by_rss(self.initial_accumulator_value, self.epsilon), scale_by_learning_rate(rate)


OPTIMIZERS: Mapping[str, type[Optimizer]] = {
    optimizer.__name__: optimizer for optimizer in (Adam, AdamW, SGD, RMSprop, Adagrad, Nadam)
}
"""All optimizers by name."""


def get(identifier: Any) -> Optimizer:
    """Return an optimizer: by its name, with default settings, or the one passed.

    Args:
        identifier: "adam", "adamw", "sgd", "rmsprop", "adagrad", "nadam" in any case, an optimizer, or a chain of
            gradient transformations.

    Raises:
        ConfigError: An unknown name, or another object.

    >>> get("adam") == Adam()
    True
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, GradientTransformation):
        return TransformationOptimizer(identifier)
    by_lower = {name.lower(): optimizer for name, optimizer in OPTIMIZERS.items()}
    if isinstance(identifier, str) and identifier.lower() in by_lower:
        return by_lower[identifier.lower()]()  # type: ignore[call-arg]
    if isinstance(identifier, str):
        fix = advice_for(identifier, "optimizers") or suggestion(identifier, by_lower)
        raise ConfigError(f"Unknown optimizer {identifier!r}", fix=fix, argument="optimizer")
    raise ConfigError(
        f"Invalid optimizer {identifier!r}",
        expected="a name or an optimizer of gatecast.optimizers",
        fix='For example, optimizer="adam" or optimizer=Adam(learning_rate=0.001).',
        argument="optimizer",
    )


def from_data(data: Mapping[str, Any]) -> Optimizer:
    """Return the optimizer that `Optimizer.to_data` has described.

    >>> from_data(Adam(0.1).to_data()) == Adam(0.1)
    True
    """
    return optimizer_from_data(data, OPTIMIZERS)


def _check_betas(beta_1: Any, beta_2: Any, epsilon: Any, where: str) -> tuple[float, float, float]:
    """Return the decays of the two moments of Adam, and what is added to the root."""
    first, second = check_fraction(beta_1, "beta_1", where=where), check_fraction(beta_2, "beta_2", where=where)
    return first, second, check_positive(epsilon, "epsilon", where=where)
