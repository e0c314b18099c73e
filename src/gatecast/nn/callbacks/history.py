"""The history of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatecast.nn.callbacks.base import Callback, Logs

__all__ = ["History"]


class History(Callback):
    """Losses and metrics of the epochs of a call of `fit`, which returns it.

    `history` has one list per loss and metric, `epoch` the numbers of the epochs, `params` the settings of the call.

    >>> history = History()
    >>> history.on_train_begin()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.history, history.epoch
    ({'loss': [0.5]}, [0])
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs = None) -> None:  # noqa: ARG002
        """Begin a new list of epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self

    def get_state(self) -> dict[str, Any]:
        """Return epochs and values."""
        return {"epoch": list(self.epoch), "history": {name: list(values) for name, values in self.history.items()}}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from `get_state`."""
        self.epoch = [int(epoch) for epoch in state["epoch"]]
        self.history = {name: list(values) for name, values in state["history"].items()}
