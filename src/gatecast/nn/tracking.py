"""Loss and metrics of an epoch or an evaluation, accumulated over packed batches.

Shapes: n sequences of a batch, T time, M outputs, nb blocks of L lanes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import Float32Array
from gatecast.kernels.packing import unpack
from gatecast.metrics.accumulators import Metric
from gatecast.nn.batching import Batch

__all__ = ["Tracker", "unique_names"]


class Tracker:
    """Accumulates a loss and metrics.

    Args:
        metrics: Metrics that ignore the weights of samples.
        weighted_metrics: Metrics that use them.
        has_time: Whether the outputs have a time axis.

    >>> from gatecast.metrics import MeanAbsoluteError
    >>> tracker = Tracker([MeanAbsoluteError("mae")], [], has_time=False)
    >>> ones = np.ones((1, 1, 1, 16), np.float32)
    >>> batch = Batch(ones, ones, ones, None, total=16.0)
    >>> tracker.add_loss(4.0, batch.total)
    >>> tracker.add_outputs(3 * ones, batch)
    >>> tracker.logs()
    {'loss': 4.0, 'mae': 2.0}
    """

    def __init__(self, metrics: Sequence[Metric], weighted_metrics: Sequence[Metric], *, has_time: bool) -> None:
        self.metrics, self.weighted_metrics = list(metrics), list(weighted_metrics)
        self._has_time = has_time
        self.names = unique_names(self.metrics, self.weighted_metrics)
        self.loss_sum = self.count = 0.0

    def reset(self) -> None:
        """Forget all batches."""
        self.loss_sum = self.count = 0.0
        for metric in (*self.metrics, *self.weighted_metrics):
            metric.reset_state()

    def add_loss(self, loss: float, count: float) -> None:
        """Add the mean loss of a batch, and the number of its targets."""
        self.loss_sum += loss * count
        self.count += count

    def add_outputs(self, outputs: Float32Array, batch: Batch) -> None:
        """Add the outputs of a batch, (nb, T or 1, M, L)."""
        n = batch.n_sequences if batch.n_sequences is not None else outputs.shape[0] * outputs.shape[3]
        pred, true = self._rows(outputs, n), self._rows(batch.y, n)
        valid = self._rows(batch.mask[:, :, None], n)[..., 0] if self._has_time and batch.mask is not None else None
        masked = valid if batch.valid is None else self._rows(batch.valid, n)[..., 0]
        for metric in self.metrics:
            weight = masked if metric.reads_masks else valid
            metric.update_state(true, pred, **({} if weight is None else {"sample_weight": weight}))
        if self.weighted_metrics:
            plain = self._rows(batch.weight if batch.plain_weight is None else batch.plain_weight, n).mean(axis=-1)
            for metric in self.weighted_metrics:
                used = masked is not None and batch.valid is not None and metric.reads_masks
                metric.update_state(true, pred, sample_weight=plain * masked if used else plain)

    def get_state(self) -> dict[str, Any]:
        """Return the sums so far: loss, and metrics by position."""
        state: dict[str, Any] = {"loss_sum": self.loss_sum, "count": self.count}
        for k, metric in enumerate((*self.metrics, *self.weighted_metrics)):
            state |= {f"{k}.{name}": value for name, value in metric.get_state().items()}
        return state

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from `get_state`."""
        self.loss_sum, self.count = state["loss_sum"], state["count"]
        for k, metric in enumerate((*self.metrics, *self.weighted_metrics)):
            metric.set_state({n.removeprefix(f"{k}."): v for n, v in state.items() if n.startswith(f"{k}.")})

    @property
    def log_names(self) -> list[str]:
        """Names in the order of what `evaluate` returns."""
        return ["loss", *self.names]

    @property
    def directions(self) -> dict[str, str | None]:
        """Return by name whether less ("down") or more ("up") is better; None: unknown."""
        metrics = zip(self.names, (*self.metrics, *self.weighted_metrics), strict=True)
        return {"loss": "down"} | {name: metric.direction for name, metric in metrics}

    @property
    def needs_outputs(self) -> bool:
        """Whether there is any metric."""
        return bool(self.metrics or self.weighted_metrics)

    def logs(self) -> dict[str, Any]:
        """Return loss and metrics by name."""
        logs: dict[str, Any] = {"loss": self.loss_sum / self.count if self.count else float("nan")}
        for name, metric in zip(self.names, (*self.metrics, *self.weighted_metrics), strict=True):
            value = metric.result()
            logs[name] = float(value) if np.ndim(value) == 0 else value
        return logs

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Keep the sums of the metrics while an evaluation within the training uses them."""
        metrics = [*self.metrics, *self.weighted_metrics]
        states = [copy.deepcopy(metric.get_state()) for metric in metrics]
        try:
            yield
        finally:
            for metric, state in zip(metrics, states, strict=True):
                metric.set_state(state)

    def description(self) -> list[list[str]]:
        """Return names and kinds of the metrics, by which a backup is recognized."""
        metrics = zip(self.names, (*self.metrics, *self.weighted_metrics), strict=True)
        return [[name, type(metric).__name__] for name, metric in metrics]

    def _rows(self, packed: Float32Array, n: int) -> npt.NDArray[np.float32]:
        """Return a packed array by sample, (n, T, M) or (n, M)."""
        rows = unpack(packed, n)
        return rows if self._has_time else rows[:, 0]


def unique_names(
    metrics: Sequence[Metric], weighted_metrics: Sequence[Metric], outputs: Sequence[str] | None = None
) -> list[str]:
    """Return the names of metrics in the history, as Keras makes them unique.

    Args:
        metrics: Metrics that ignore the weights of samples; a second "mae" is "mae_1".
        weighted_metrics: Metrics that use them; a name that is taken begins with "weighted_".
        outputs: The name of the output of each metric, which its name begins with; None: there is one output.

    >>> from gatecast.metrics import get
    >>> unique_names([get("mae"), get("mae")], [get("mae")])
    ['mae', 'mae_1', 'weighted_mae']
    """
    names: list[str] = []
    for k, metric in enumerate((*metrics, *weighted_metrics)):
        prefix = "" if outputs is None else f"{outputs[k]}_"
        name = prefix + metric.name
        if name in names and k >= len(metrics):
            name = f"{prefix}weighted_{metric.name}"
        base, number = name, 0
        while name in names:
            number += 1
            name = f"{base}_{number}"
        names.append(name)
    return names
