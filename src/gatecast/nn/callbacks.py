"""Records of a training run by epoch, early stopping, and functions that `Sequential.fit` calls after every epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError

__all__ = ["Callback", "EarlyStopping", "EpochRecord", "History", "split_callbacks"]


class EpochRecord(NamedTuple):
    """Results of an epoch."""

    epoch: int
    """Epochs completed before this one, over all calls of `fit`."""
    step: int
    """Updates so far, over all calls of `fit`."""
    loss: float
    """Mean over the batches of the epoch, each before its update, dropout on."""
    val_loss: float | None
    """Mean over the validation data after the epoch, dropout off; None without validation data."""
    seconds: float
    """Duration of the epoch, validation included."""
    learning_rate: float
    """Learning rate of the last update."""
    improved: bool
    """Whether the monitored loss is the lowest so far."""
    best_epoch: int
    """The epoch with the lowest monitored loss so far."""


@dataclass
class History:
    """Losses of a call of `fit`, as in Keras.

    >>> history = History()
    >>> history.append(EpochRecord(0, 10, 0.5, None, 0.1, 0.001, True, 0))
    >>> history.history
    {'loss': [0.5]}
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    """"loss" and, with validation data, "val_loss": one number per epoch."""
    epoch: list[int] = field(default_factory=list)
    """Numbers of the epochs; each call of `fit` starts at 0."""
    best_epoch: int | None = None
    """The epoch with the lowest monitored loss: an index into these lists."""
    records: list[EpochRecord] = field(default_factory=list)
    """The records of the epochs, which are counted over all calls."""

    def append(self, record: EpochRecord) -> None:
        """Add an epoch."""
        self.records.append(record)
        first = self.records[0].epoch
        self.epoch.append(record.epoch - first)
        self.best_epoch = record.best_epoch - first
        self.history.setdefault("loss", []).append(record.loss)
        if record.val_loss is not None:
            self.history.setdefault("val_loss", []).append(record.val_loss)


@dataclass(frozen=True)
class EarlyStopping:
    """Early stopping, as in Keras: end training when a loss has stopped improving.

    Args:
        monitor: "val_loss" or "loss".
        patience: Epochs without improvement after which training ends.
        min_delta: The smallest decrease of the loss that counts as an improvement.
        restore_best_weights: Whether to restore the weights of the best epoch. Unlike in Keras this is the default.

    Raises:
        ConfigError: An unknown loss to monitor, or a patience below 1.

    Source: Prechelt 1998.

    >>> EarlyStopping(patience=5).monitor
    'val_loss'
    """

    monitor: Literal["val_loss", "loss"] = "val_loss"
    patience: int = 10
    min_delta: float = 0.0
    restore_best_weights: bool = True

    def __post_init__(self) -> None:
        check_positive_int(self.patience, "patience", where="EarlyStopping")
        if self.monitor not in ("val_loss", "loss"):
            what = f"Invalid monitor {self.monitor!r}"
            raise ConfigError(what, where="EarlyStopping", expected='"val_loss" or "loss"', argument="monitor")


Callback = EarlyStopping | Callable[[EpochRecord], Any]
"""What `fit` takes as a callback: a function returns True to end training."""


def split_callbacks(
    callbacks: Sequence[Callback], has_validation: bool
) -> tuple[EarlyStopping | None, list[Callable[[EpochRecord], Any]]]:
    """Separate early stopping from functions.

    Args:
        callbacks: Functions of an `EpochRecord` and at most one `EarlyStopping`.
        has_validation: Whether there is validation data.

    Returns:
        The `EarlyStopping`, or None; the functions.

    Raises:
        ConfigError: Another object, or `EarlyStopping` on "val_loss" without validation data.

    >>> split_callbacks([EarlyStopping("loss"), len], has_validation=False)[1]
    [<built-in function len>]
    """
    stopping = [callback for callback in callbacks if isinstance(callback, EarlyStopping)]
    functions = [callback for callback in callbacks if not isinstance(callback, EarlyStopping)]
    if len(stopping) > 1:
        raise ConfigError("Invalid callbacks", got=f"{len(stopping)} EarlyStopping", expected="at most one")
    for function in functions:
        if not callable(function) or isinstance(function, type):
            expected = "EarlyStopping(...) or a function of an EpochRecord"
            raise ConfigError(f"Invalid callback {function!r}", expected=expected, argument="callbacks")
    if stopping and stopping[0].monitor == "val_loss" and not has_validation:
        raise ConfigError(
            "EarlyStopping monitors val_loss, but there is no validation data",
            fix='Pass validation_data or validation_split to fit, or use EarlyStopping(monitor="loss").',
        )
    return (stopping[0] if stopping else None), functions
