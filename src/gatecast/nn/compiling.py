"""What `compile` sets: loss, optimizer and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gatecast.errors import ConfigError, NotFittedError
from gatecast.metrics import by_name
from gatecast.metrics.accumulators import Metric
from gatecast.nn import losses, optimizers
from gatecast.nn.losses import Loss
from gatecast.nn.losses.weighted import WeightedLoss, single_weight
from gatecast.nn.optimizers import Optimizer
from gatecast.nn.tracking import Tracker

__all__ = ["Compiled", "check_metric", "compile_settings"]


@dataclass
class Compiled:
    """Loss, optimizer and metrics of a model.

    Args:
        loss: The loss; None: `fit` and `evaluate` raise an error.
        optimizer: The optimizer.
        metrics: Names, metrics or functions, for outputs as they are.
        weighted_metrics: The same, for outputs with the weights of their samples.
    """

    loss: Loss | None
    optimizer: Optimizer
    metrics: tuple[Any, ...] = ()
    weighted_metrics: tuple[Any, ...] = ()
    built: dict[str, list[Metric]] = field(default_factory=dict)
    """The metrics, made when the number of outputs is known."""

    def required_loss(self) -> Loss:
        """Return the loss.

        Raises:
            NotFittedError: There is none.
        """
        if self.loss is None:
            raise NotFittedError("The model has no loss", fix='Call model.compile(optimizer="adam", loss="mse").')
        return self.loss

    def tracker(self, out_shape: Sequence[int | None]) -> Tracker:
        """Return what accumulates loss and metrics, with the metrics made for the outputs of a network.

        Args:
            out_shape: Shape of an output.
        """
        if not self.built:
            width = int(out_shape[-1] or 1)
            targets = width // self.loss.width if self.loss is not None else width
            for name in ("metrics", "weighted_metrics"):
                self.built[name] = [by_name.get(item, width, targets) for item in getattr(self, name)]
        return Tracker(self.built["metrics"], self.built["weighted_metrics"], has_time=len(out_shape) > 1)


def compile_settings(
    optimizer: Any, loss: Any, metrics: Any, weighted_metrics: Any, options: Mapping[str, Any]
) -> Compiled:
    """Return loss, optimizer and metrics from the arguments of `compile`.

    Args:
        optimizer: A name or an optimizer.
        loss: A name, a loss, a function, a list of one of them, or None.
        metrics: A name, a metric, a function, or a list of them; or None.
        weighted_metrics: The same.
        options: The other arguments of `compile`.

    Raises:
        ConfigError: Unknown names, or options that do not apply.

    >>> compile_settings("adam", "mse", ["mae"], None, {}).metrics
    ('mae',)
    """
    _check_options(options)
    if isinstance(loss, list | tuple) and len(loss) == 1:
        loss = loss[0]
    if isinstance(loss, dict | list | tuple):
        what = "A Sequential model has one output, and takes one loss"
        raise ConfigError(what, got=repr(loss), fix='For example, loss="mse".', argument="loss")
    weight = single_weight(options.get("loss_weights"))
    chosen = None if loss is None else losses.get(loss)
    compiled = Compiled(
        chosen if chosen is None or weight == 1.0 else WeightedLoss(chosen, weight),
        optimizers.get(optimizer),
        _as_tuple(metrics, "metrics"),
        _as_tuple(weighted_metrics, "weighted_metrics"),
    )
    for item in (*compiled.metrics, *compiled.weighted_metrics):
        check_metric(item)
    return compiled


def check_metric(item: Any) -> None:
    """Raise an error for an unknown metric now, not in `fit`, and for one with the name of the loss.

    >>> check_metric("mae")
    """
    if by_name.get(item).name == "loss":
        fix = 'Give it another name, such as metrics=[MeanAbsoluteError(name="mae")].'
        raise ConfigError("A metric cannot be named 'loss', as the loss is", fix=fix, argument="metrics")


def _as_tuple(metrics: Any, argument: str) -> tuple[Any, ...]:
    """Return metrics as a tuple; a list inside the list is that of the one output."""
    if metrics is None:
        return ()
    if isinstance(metrics, dict):
        fix = 'A Sequential model has one output: metrics=["mae"].'
        raise ConfigError(f"Invalid {argument}", got="a dict", fix=fix, argument=argument)
    items = list(metrics) if isinstance(metrics, list | tuple) else [metrics]
    if len(items) == 1 and isinstance(items[0], list | tuple):
        items = list(items[0])
    return tuple(items)


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise an error for options that would change the results, and that are not available."""
    if options.get("run_eagerly"):
        fix = "Leave run_eagerly out: there is no graph, and callbacks run as ordinary Python."
        raise ConfigError("run_eagerly=True is not available", fix=fix, argument="run_eagerly")
    # steps_per_execution, jit_compile and auto_scale_loss are about speed alone.
