"""What `compile` sets for a model with several outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gatecast.metrics import by_name
from gatecast.metrics.accumulators import Metric
from gatecast.nn.compiling import Compiled, check_metric, compile_settings
from gatecast.nn.functional.by_output import metrics_by_output
from gatecast.nn.functional.output_losses import OutputLosses, output_losses
from gatecast.nn.functional.output_tracking import OutputsTracker
from gatecast.nn.tracking import Tracker

__all__ = ["OutputsCompiled", "compile_outputs"]


@dataclass
class OutputsCompiled(Compiled):
    """Losses, optimizer and metrics of a model with several outputs: `metrics` has a tuple for each output.

    Args:
        names: Names of the outputs.
        shapes: Shape of a sample of each output.
    """

    names: Sequence[str] = ()
    shapes: Sequence[tuple[int, ...]] = ()
    built_by_output: dict[str, list[list[Metric]]] = field(default_factory=dict)

    @property
    def unused(self) -> list[bool]:
        """Whether each output has neither a loss nor metrics: it needs no targets."""
        losses = self.loss.losses if isinstance(self.loss, OutputLosses) else ()
        triples = zip(losses, self.metrics, self.weighted_metrics, strict=True) if losses else ()
        return [loss is None and not plain and not weighted for loss, plain, weighted in triples]

    def take_shapes(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """Take the shapes of outputs whose numbers of steps were open; a call that runs already has this loss."""
        self.shapes = shapes
        if isinstance(self.loss, OutputLosses):
            self.loss.take_shapes(shapes)

    def tracker(self, out_shape: Sequence[int | None]) -> Tracker:  # noqa: ARG002
        """Return what accumulates losses and metrics, with the metrics made for the outputs of a network."""
        if not self.built:
            for name in ("metrics", "weighted_metrics"):
                pairs = list(zip(getattr(self, name), self.shapes, strict=True))
                made = [[by_name.get(m, shape[-1], shape[-1]) for m in of] for of, shape in pairs]
                self.built_by_output[name], self.built[name] = made, [metric for of in made for metric in of]
        losses = self.loss if isinstance(self.loss, OutputLosses) else None
        plain, weighted = self.built_by_output["metrics"], self.built_by_output["weighted_metrics"]
        return OutputsTracker(plain, weighted, self.names, self.shapes, losses)


def compile_outputs(
    optimizer: Any,
    loss: Any,
    loss_weights: Any,
    metrics: Any,
    weighted_metrics: Any,
    *,
    outputs: tuple[Sequence[str], Sequence[tuple[int, ...]]],
    options: Mapping[str, Any],
) -> OutputsCompiled:
    """Return losses, optimizer and metrics from the arguments of `compile`.

    Args:
        optimizer: A name or an optimizer.
        loss: One for all outputs, a list, a dict by name, or None.
        loss_weights: A list or dict of numbers, or None.
        metrics: A list or dict of the metrics of each output, or None.
        weighted_metrics: The same.
        outputs: Names of the outputs, and the shape of a sample of each.
        options: The other arguments of `compile`.

    Raises:
        ConfigError: Unknown names, another number of losses or metrics, or options that do not apply.

    >>> outputs = (["a", "b"], [(2,), (1,)])
    >>> compiled = compile_outputs("adam", "mse", None, {"b": "mae"}, None, outputs=outputs, options={})
    >>> compiled.tracker((3,)).log_names
    ['loss', 'a_loss', 'b_loss', 'b_mae']
    """
    names, shapes = outputs
    joined = None if loss is None else output_losses(loss, loss_weights, names, shapes)
    base = compile_settings(optimizer, joined, None, None, options)
    plain = metrics_by_output(metrics, names, "metrics")
    weighted = metrics_by_output(weighted_metrics, names, "weighted_metrics")
    for item in (item for of in (*plain, *weighted) for item in of):
        check_metric(item)
    return OutputsCompiled(base.loss, base.optimizer, plain, weighted, names=names, shapes=shapes)
