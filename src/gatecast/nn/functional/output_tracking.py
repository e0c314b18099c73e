"""Loss and metrics of a model with several outputs, by the names that Keras gives them.

Shapes: N samples, M values of all outputs side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import Float32Array
from gatecast.metrics.accumulators import Metric
from gatecast.nn.batching import Batch
from gatecast.nn.functional.output_losses import OutputLosses
from gatecast.nn.tracking import Tracker, unique_names

__all__ = ["OutputsTracker"]


class OutputsTracker(Tracker):
    """Accumulates the loss of each output, their sum, and the metrics of each output.

    Args:
        metrics: Of each output, metrics that ignore the weights of samples.
        weighted_metrics: Of each output, metrics that use them.
        names: Names of the outputs.
        shapes: Shape of a sample of each output.
        losses: The losses; None: there are none.

    >>> from gatecast.metrics import get
    >>> tracker = OutputsTracker([[get("mae")], [get("mse")]], [[], []], ["a", "b"], [(2,), (1,)], None)
    >>> tracker.names
    ['a_mae', 'b_mse']
    """

    def __init__(
        self,
        metrics: Sequence[Sequence[Metric]],
        weighted_metrics: Sequence[Sequence[Metric]],
        names: Sequence[str],
        shapes: Sequence[tuple[int, ...]],
        losses: OutputLosses | None,
    ) -> None:
        self._by_output = list(zip(metrics, weighted_metrics, strict=True))
        self._shapes, self._cuts = list(shapes), np.cumsum([prod(shape) for shape in shapes])[:-1]
        self._losses = losses
        used = [] if losses is None else [k for k, loss in enumerate(losses.losses) if loss is not None]
        # As in Keras, a single loss is "loss" alone.
        self._tracked = used if len(used) > 1 else []
        self.loss_names = [f"{names[k]}_loss" for k in self._tracked]
        self.loss_sums, self.loss_count, self._n = np.zeros(len(names)), 0, 0
        flat, flat_weighted = ([m for of in each for m in of] for each in (metrics, weighted_metrics))
        super().__init__(flat, flat_weighted, has_time=False)
        prefixes = [
            name for each in (metrics, weighted_metrics) for name, of in zip(names, each, strict=True) for _ in of
        ]
        self.names = unique_names(self.metrics, self.weighted_metrics, prefixes)

    @property
    def log_names(self) -> list[str]:
        """Names in the order of what `evaluate` returns: losses as the outputs, metrics as the alphabet has them."""
        return ["loss", *self.loss_names, *sorted(self.names)]

    @property
    def directions(self) -> dict[str, str | None]:
        """Return by name whether less or more is better."""
        return super().directions | dict.fromkeys(self.loss_names, "down")

    @property
    def needs_outputs(self) -> bool:
        """Whether batches must come with their outputs: always, see `add_loss`."""
        return True

    def add_loss(self, loss: float, count: float) -> None:  # noqa: ARG002
        """Add the loss of the batch whose outputs came last. It counts by its samples: each has its own weights."""
        super().add_loss(loss, self._n)

    def reset(self) -> None:
        """Forget all batches."""
        super().reset()
        self.loss_sums[:], self.loss_count = 0.0, 0

    def add_outputs(self, outputs: Float32Array, batch: Batch) -> None:
        """Add the outputs of a batch, (nb, 1, M, L)."""
        n = batch.n_sequences if batch.n_sequences is not None else outputs.shape[0] * outputs.shape[3]
        self._n = n
        if self._tracked and self._losses is not None:
            self.loss_sums += self._losses.sums(outputs, batch.y, batch.weight)
            self.loss_count += n
        if not self.names:
            return
        pred, true = (self._parts(self._rows(packed, n)) for packed in (outputs, batch.y))
        weights = self._weights(batch, n) if self.weighted_metrics else [None] * len(pred)
        masks = self._masks(batch, n)
        for (plain, weighted), y, p, weight, mask in zip(self._by_output, true, pred, weights, masks, strict=True):
            for metric in plain:
                is_masked = mask is not None and metric.reads_masks
                metric.update_state(y, p, **({"sample_weight": mask} if is_masked else {}))
            for metric in weighted:
                is_masked = mask is not None and metric.reads_masks
                metric.update_state(y, p, sample_weight=_times(weight, mask) if is_masked else weight)

    def get_state(self) -> dict[str, Any]:
        """Return the sums so far."""
        return super().get_state() | {"loss_sums": self.loss_sums.tolist(), "loss_count": self.loss_count}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from `get_state`."""
        super().set_state(state)
        self.loss_sums[:], self.loss_count = state["loss_sums"], state["loss_count"]

    def logs(self) -> dict[str, Any]:
        """Return losses and metrics by name, in the order of the alphabet as in Keras."""
        logs = super().logs()
        for name, k in zip(self.loss_names, self._tracked, strict=True):
            logs[name] = float(self.loss_sums[k] / self.loss_count) if self.loss_count else float("nan")
        return dict(sorted(logs.items()))

    def _parts(self, rows: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        """Return rows (n, M) as the outputs, each in its shape."""
        parts = np.split(rows, self._cuts, axis=1)
        return [part.reshape(len(rows), *shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def _weights(self, batch: Batch, n: int) -> list[Any]:
        """Return the weights of samples, or of their steps, for each output."""
        rows = self._rows(batch.weight if batch.plain_weight is None else batch.plain_weight, n)
        if rows.shape[1] == 1:
            return [rows[:, 0]] * len(self._shapes)
        return [part.mean(axis=-1) for part in self._parts(rows)]

    def _masks(self, batch: Batch, n: int) -> list[Any]:
        """Return which steps of each output count, (N, T); None: all."""
        if batch.valid is None:
            return [None] * len(self._shapes)
        parts = [part.mean(axis=-1) for part in self._parts(self._rows(batch.valid, n))]
        return [None if part.all() else part for part in parts]


def _times(weight: Any, mask: Any) -> Any:
    """Return the weights of samples, or of their steps, where steps count."""
    return weight.reshape(weight.shape + (1,) * (mask.ndim - weight.ndim)) * mask
