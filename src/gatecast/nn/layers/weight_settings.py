"""What Keras lets a layer say about its weights: initializers, penalties and constraints of kernel and bias.

A layer with kernel, recurrent kernel and bias has fields such as `kernel_initializer` and `bias_regularizer`; these
functions check them, and find the setting of a parameter by its role.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.nn import constraints, initializers, regularizers
from gatecast.nn.constraints import Constraint
from gatecast.nn.regularizers import Regularizer

__all__ = ["ROLES", "WeightSettings"]

ROLES = {"Wx": "kernel", "W": "kernel", "Wh": "recurrent", "b": "bias"}
"""Role of a parameter, by its name: the first word of the arguments in Keras."""


class WeightSettings:
    """Part of a layer that has such fields."""

    use_bias: bool = True
    _kinds_set: frozenset[str] = frozenset()
    """Which kinds of settings, "regularizer" and "constraint", any parameter has."""

    def _check_weight_settings(self) -> None:
        """Replace names and classes by records; names of initializers stay as they are."""
        layer = type(self).__name__
        for role in ("kernel", "recurrent", "bias"):
            for kind, module in (
                ("initializer", initializers),
                ("regularizer", regularizers),
                ("constraint", constraints),
            ):
                argument = f"{role}_{kind}"
                value = getattr(self, argument, None)
                if value is None:
                    continue
                record = module.get(value, argument, layer)
                if not (kind == "initializer" and isinstance(value, str)):
                    object.__setattr__(self, argument, record)
        kinds = ("regularizer", "constraint")
        is_set = [k for k in kinds if any(getattr(self, f"{role}_{k}", None) is not None for role in ROLES.values())]
        object.__setattr__(self, "_kinds_set", frozenset(is_set))
        if getattr(self, "activity_regularizer", None) is not None:
            fix = "Use kernel_regularizer= or recurrent_regularizer=, which penalize weights."
            raise ConfigError(f"{layer} has no activity_regularizer here, as it has in Keras", fix=fix)

    def _draw(self, rng: np.random.Generator, name: str, shape: tuple[int, ...], default: str) -> Array:
        """Draw the initial value of a parameter."""
        argument = f"{ROLES[name]}_initializer"
        layer = type(self).__name__
        initializer = initializers.get(getattr(self, argument, None) or default, argument, layer)
        lowest, highest = initializer.n_axes
        if not lowest <= len(shape) <= highest:
            expected = "a matrix" if highest == lowest else f"at least {lowest} axes"
            raise ConfigError(
                f"{initializer} does not fit {ROLES[name]}", where=layer, got=str(shape), expected=expected
            )
        axis = getattr(getattr(self, f"{ROLES[name]}_constraint", None), "axis", 0)
        if not -len(shape) <= axis < len(shape):
            what, expected = f"Invalid axis of {ROLES[name]}_constraint", f"an axis of {shape}"
            raise ConfigError(what, where=layer, got=str(axis), expected=expected)
        return initializer.draw(rng, shape)

    @property
    def regularizers(self) -> Mapping[str, Regularizer]:
        """Penalties by the name of the parameter."""
        return self._by_parameter("regularizer")

    @property
    def constraints(self) -> Mapping[str, Constraint]:
        """Constraints by the name of the parameter."""
        return self._by_parameter("constraint")

    def _by_parameter(self, kind: str) -> dict[str, Any]:
        """Return the settings of one kind that are not None; asked for after every update, most layers have none."""
        if kind not in self._kinds_set:
            return {}
        settings = {name: getattr(self, f"{role}_{kind}", None) for name, role in ROLES.items()}
        names = getattr(self, "param_names", ())
        return {name: value for name, value in settings.items() if value is not None and name in names}

    def _with_bias(self, params: Params, shape: tuple[int, ...]) -> Params:
        """Return the parameters with a bias, which is zero if the layer has none."""
        return params if self.use_bias else params | {"b": np.zeros(shape, np.float32)}
