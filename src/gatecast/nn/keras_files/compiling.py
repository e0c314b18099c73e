"""Loss, optimizer and metrics of a file of Keras, where they exist here."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

from gatecast.metrics import by_name
from gatecast.nn import losses
from gatecast.nn.keras_files.layers import check_class
from gatecast.nn.optim.decays import DECAYS
from gatecast.nn.optimizers import OPTIMIZERS

__all__ = ["compile_as_stored"]

UNUSED = ("decay", "is_legacy_optimizer", "jit_compile", "ema_momentum", "ema_overwrite_frequency")
"""Settings of optimizers that change nothing, unless they are asked for."""


def compile_as_stored(model: Any, config: Mapping[str, Any] | None) -> None:
    """Compile a model as a file says; a part that does not exist here leaves it uncompiled, with a warning.

    Args:
        model: The model.
        config: Loss, optimizer and metrics, as Keras describes them; none of them: the model was not compiled.
    """
    if not config or not (config.get("optimizer") or config.get("optimizer_config")):
        return
    try:
        options = {"loss_weights": config["loss_weights"]} if config.get("loss_weights") is not None else {}
        model.compile(
            optimizer=_optimizer(config.get("optimizer") or config["optimizer_config"]),
            loss=_each(config.get("loss"), _loss),
            metrics=_each(config.get("metrics"), _metric),
            weighted_metrics=_each(config.get("weighted_metrics"), _metric),
            **options,
        )
    except Exception as error:
        # What a model was compiled with may be anything, and predictions do not need it.
        model._compiled = None
        reason = str(error)[:200].rstrip(".")
        warnings.warn(f"The model is not compiled: {reason}. Call model.compile(...) before fit.", stacklevel=4)


def _each(value: Any, convert: Any) -> Any:
    """Return a value, or each of a list, or of a dict by the name of an output."""
    if isinstance(value, Mapping) and "class_name" not in value:
        return {name: _each(item, convert) for name, item in value.items()}
    if isinstance(value, list):
        return [_each(item, convert) for item in value]
    return None if value is None else convert(value)


def _optimizer(entry: Any) -> Any:
    """Return an optimizer."""
    if isinstance(entry, str):
        return entry
    # Keras 2.11 to 2.15 write their own optimizers so to .h5 files.
    entry = entry | {"class_name": str(entry["class_name"]).removeprefix("Custom>")}
    kind = OPTIMIZERS[check_class(entry, OPTIMIZERS, "optimizer")]
    given = entry["config"]
    lost = [name for name in UNUSED if name != "decay" or not given.get("decay")]
    lost += ["weight_decay"] if not given.get("weight_decay") else []
    settings = {name: value for name, value in given.items() if value is not None and name not in lost}
    rate = settings.get("learning_rate")
    if isinstance(rate, Mapping):
        schedule = DECAYS[check_class(rate, DECAYS, "schedule")]
        settings["learning_rate"] = schedule(**rate["config"])
    return kind(**settings)


def _loss(entry: Any) -> Any:
    """Return a loss."""
    if isinstance(entry, str):
        return losses.get(entry)
    if entry["class_name"] == "function":
        return losses.get(str(entry["config"]))
    kind = losses.LOSSES[check_class(entry, losses.LOSSES, "loss")]
    settings = {name: value for name, value in entry["config"].items() if name not in ("dtype", "fn")}
    if settings.get("reduction") == "auto":
        del settings["reduction"]
    return kind(**settings)


def _metric(entry: Any) -> Any:
    """Return a metric with its settings and its name."""
    if isinstance(entry, str):
        return entry
    if entry["class_name"] == "function":
        return str(entry["config"])
    given = entry["config"]
    if entry["class_name"] == "MeanMetricWrapper":
        metric = by_name.get(given["fn"])
    else:
        kind = by_name.CLASSES.get(str(entry["class_name"])) or type(by_name.get(str(entry["class_name"])))
        known = inspect.signature(kind).parameters.keys() - {"dtype"}
        metric = kind(**{name: value for name, value in given.items() if name in known})
    metric.name = str(given.get("name") or metric.name)
    return metric
