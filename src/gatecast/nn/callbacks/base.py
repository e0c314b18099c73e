"""The base of callbacks, as in Keras, and a list of them that is called as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gatecast.errors import ConfigError

__all__ = ["Callback", "CallbackList", "as_callbacks"]

Logs = Mapping[str, Any] | None

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


class Callback:
    """What `fit`, `evaluate` and `predict` call on their way. Derive from it and override what you need.

    `model` is the model and `params` a dict with "epochs", "steps" and "verbose", both set before anything is called.
    `model.stop_training = True` ends the training after the batch or epoch.

    >>> class Best(Callback):
    ...     def on_train_begin(self, logs=None):
    ...         self.loss = float("inf")
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         self.loss = min(self.loss, logs["loss"])
    >>> best = Best()
    >>> best.on_train_begin()
    >>> best.on_epoch_end(0, {"loss": 0.5})
    >>> best.loss
    0.5
    """

    model: Any = None
    params: Mapping[str, Any] | None = None
    needs_batches: bool | None = None
    """Whether the methods of batches must be called; None: if one of them is overridden. Not in Keras."""

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Keep the settings of the call."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Keep the model."""
        self.model = model

    def on_train_begin(self, logs: Logs = None) -> None:
        """Called before the first epoch."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Called after the last epoch, with its logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Called before an epoch; the first is 0, or `initial_epoch`."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after an epoch, with its loss and metrics, those of the validation data as "val_..."."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before an update; the first of an epoch is 0."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after an update, with loss and metrics of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called by `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called by `on_train_batch_end`."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Called before an evaluation, also that of the validation data."""

    def on_test_end(self, logs: Logs = None) -> None:
        """Called after an evaluation, with loss and metrics."""

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """For scripts written for Keras: evaluations are not split here."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """For scripts written for Keras: evaluations are not split here."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Called before a prediction."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """Called after a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """For scripts written for Keras: predictions are not split here."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """For scripts written for Keras: predictions are not split here."""

    def on_interrupt(self) -> None:
        """Called instead of `on_train_end` when an exception, such as Ctrl-C, ends the training; not in Keras."""

    def get_state(self) -> dict[str, Any]:
        """Return what this callback needs to go on after a restart: numbers, text, lists, arrays; not in Keras."""
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from `get_state`; not in Keras."""


class CallbackList:
    """Callbacks that are called as one, in order.

    Args:
        callbacks: The callbacks.
        model: Their model.
        params: Settings of the call.
    """

    def __init__(self, callbacks: Iterable[Callback], model: Any, params: Mapping[str, Any]) -> None:
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)
            if hasattr(callback, "set_callbacks"):
                callback.set_callbacks(self.callbacks)
        self.sees_batches = any(_needs_batches(callback) for callback in self.callbacks)
        self._begun: list[Callback] = []

    def __iter__(self) -> Iterator[Callback]:
        return iter(self.callbacks)

    def call(self, hook: str, *args: Any) -> None:
        """Call a method of every callback that has it; of an interrupt only those whose training has begun."""
        for callback in list(self._begun) if hook == "on_interrupt" else self.callbacks:
            if hook == "on_train_begin":
                self._begun.append(callback)
            method = getattr(callback, hook, None)
            if method is not None:
                method(*args)


def as_callbacks(callbacks: Any) -> list[Callback]:
    """Return callbacks as a list.

    Args:
        callbacks: A callback, several, or None.

    Raises:
        ConfigError: Another object.

    >>> as_callbacks(None)
    []
    """
    given = [] if callbacks is None else list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    for callback in given:
        if isinstance(callback, type) or not (hasattr(callback, "set_model") and hasattr(callback, "on_epoch_end")):
            name = getattr(callback, "__name__", "function")
            fix = f"Write {name}()." if isinstance(callback, type) else ""
            fix = fix or ("Write LambdaCallback(on_epoch_end=lambda epoch, logs: ...)." if callable(callback) else "")
            expected = "callbacks of gatecast.callbacks, such as EarlyStopping(patience=5)"
            raise ConfigError(f"Invalid callback {callback!r}", expected=expected, fix=fix, argument="callbacks")
    return given


def _needs_batches(callback: Callback) -> bool:
    """Return whether the methods of batches must be called."""
    stated: bool | None = getattr(callback, "needs_batches", None)
    if stated is not None:
        return stated
    hooks = ((hook, getattr(type(callback), hook, None)) for hook in _BATCH_HOOKS)
    return any(hook in vars(callback) or method is not getattr(Callback, hook) for hook, method in hooks)
