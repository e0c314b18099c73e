"""Losses: elementwise for training, with a gradient, and as in Keras to call on arrays.

To add a loss, write its class and list it in `LOSSES`; with a kernel (`native/kernels/loss-inl.h`) its networks are
trained in block order. A loss of your own needs its class or a function alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gatecast._utils.keras_names import advice_for
from gatecast._utils.suggestions import suggestion
from gatecast.errors import ConfigError
from gatecast.nn.losses.base import Loss
from gatecast.nn.losses.classification import BinaryCrossentropy, CategoricalCrossentropy, KLDivergence
from gatecast.nn.losses.functions import FunctionLoss
from gatecast.nn.losses.mean import kernel_of, mean_count, weighted_mean
from gatecast.nn.losses.regression import (
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Pinball,
    Poisson,
)

__all__ = [
    "ALIASES",
    "LOSSES",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "FunctionLoss",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Pinball",
    "Poisson",
    "get",
    "kernel_of",
    "mean_count",
    "weighted_mean",
]

LOSSES: Mapping[str, type[Loss]] = {
    loss.__name__: loss
    for loss in (
        MeanSquaredError,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError,
        Huber,
        LogCosh,
        Poisson,
        BinaryCrossentropy,
        CategoricalCrossentropy,
        KLDivergence,
        Pinball,
    )
}
"""All losses by name."""

ALIASES: Mapping[str, str] = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "huber_loss": "huber",
    "logcosh": "log_cosh",
}
"""Short names of losses in Keras."""

_CROSSENTROPY = 'Write loss="binary_crossentropy" or loss="categorical_crossentropy".'

_BY_NAME = {
    re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): name
    for name in LOSSES
    if name not in ("Pinball", "KLDivergence")
} | {"kl_divergence": "KLDivergence"}


def get(loss: Any) -> Loss:
    """Return a loss: by its name in Keras, with default settings, a function as a loss, or the one passed.

    Args:
        loss: "mean_squared_error" ("mse"), "mean_absolute_error" ("mae"), "huber", ..., a loss, or a function as
            `FunctionLoss` describes it.

    Raises:
        ConfigError: An unknown name, another object, or a loss whose reduction is not the mean.

    >>> get("mse").name
    'mean_squared_error'
    """
    if isinstance(loss, str):
        return _by_name(loss)
    if isinstance(loss, type) and issubclass(loss, Loss) and loss is not Pinball:
        loss = loss()
    if isinstance(loss, Loss):
        if loss.reduction not in ("sum_over_batch_size", "mean"):
            what, fix = (
                f"Cannot train with reduction={loss.reduction!r}",
                "Leave reduction out; scale the learning rate.",
            )
            raise ConfigError(what, where=loss.name, fix=fix, argument="loss")
        return loss
    if callable(loss) and not isinstance(loss, type):
        named = _BY_NAME.get(getattr(loss, "__name__", ""))
        is_known = named is not None and getattr(loss, "__module__", "") == "gatecast.metrics.functions"
        return LOSSES[named]() if is_known and named else FunctionLoss(loss)
    expected = 'a name such as "mse", a loss such as Huber(1.0), or a function'
    raise ConfigError(f"Invalid loss {loss!r}", expected=expected, argument="loss")


def _by_name(name: str) -> Loss:
    """Return the loss of a name."""
    key = ALIASES.get(name.lower(), name.lower())
    known = _BY_NAME.get(key) or (name if name in LOSSES and name != "Pinball" else None)
    if known is not None:
        return LOSSES[known]()
    # Keras chooses one for this name; here it is named.
    fix = _CROSSENTROPY if key in ("crossentropy", "ce") else advice_for(key, "losses")
    fix = fix or suggestion(name, [*_BY_NAME, *ALIASES])
    raise ConfigError(
        f"Unknown loss {name!r}",
        fix=f"{fix} Losses with settings are in gatecast.losses: Huber(delta=2.0), Pinball((0.1, 0.9)).",
        argument="loss",
    )
