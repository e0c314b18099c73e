"""Streams: a network that runs step by step and carries its state, so that a new step costs one step.

Shapes: B series, T time, F features, M outputs, nb blocks of L lanes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils import safefile
from gatecast._utils.typing import Float32Array
from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError, DataError, FormatError, NotFittedError
from gatecast.kernels.packing import pack, pack_mask, padded_lanes, unpack_state
from gatecast.nn.inputs import validate_inputs
from gatecast.nn.layers import CallContext, Dropout, Layer, StatefulLayer
from gatecast.nn.network import Network, Weights

__all__ = ["Stream"]

CHUNK_STEPS = 2**15
"""Series times steps that `warm` runs at a time, so that memory does not grow with the length of the past."""


class Stream:
    """The state of a network after the steps of B series so far; made by `Sequential.stream`.

    ``warm(a)`` and then ``step(b)`` returns the bits that `predict` returns for a and b together. Every call uses the
    current weights of the model. A state is never changed in place, so that copies can share it.

    Args:
        network: Layers and shapes. The input must have a time axis; its length is ignored.
        weights: The parameters.
        batch: B, the number of series that run side by side.

    Raises:
        ConfigError: A layer that needs the full sequence, a network without time axis, or a batch below 1.

    >>> from gatecast.nn.layers import LSTM, Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([LSTM(8), Dense(1)], (None, 1))
    >>> stream = Stream(network, initial_weights(network, seed=0))
    >>> past = np.sin(np.arange(40.0))[None, :, None]
    >>> stream.warm(past[:, :-1]).shape
    (1, 1)
    >>> y, expected = stream.step(past[:, -1]), Stream(network, initial_weights(network, seed=0)).warm(past)
    >>> bool(y == expected)
    True
    """

    def __init__(self, network: Network, weights: Weights, batch: int = 1) -> None:
        self.batch = check_positive_int(batch, "batch")
        _check_streaming(network)
        self._network, self._weights = network, weights
        self._features = network.shapes[0][-1]
        self._lanes = padded_lanes(self.batch)
        self._state: list[Any] = [None] * len(network.layers)
        self._started = False
        context = CallContext(save_for_backward=False, n_sequences=self.batch)
        # Bound once: a step of a small network takes as long as looking these up again.
        self._calls: list[tuple[int, Callable[..., Any], bool, Any, CallContext]] = [
            (k, _without_memory(layer).forward, isinstance(layer, StatefulLayer), weights.views[k], context)
            for k, layer in enumerate(network.layers)
            if not isinstance(layer, Dropout)
        ]

    def warm(self, x: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> Float32Array:
        """Run several steps.

        Args:
            x: (B, T, F), any T; finite where the mask is True.
            mask: (B, T) bool, False where a step of a series is skipped; None: no step is skipped.

        Returns:
            The output of the last step, (B, M) float32.

        Raises:
            DataError: Arrays that do not fit the model, or contain NaN or infinity.
        """
        rows, valid_mask = validate_inputs(x, (None, self._features), mask=mask)
        if len(rows) != self.batch:
            fix = f"Make a stream for this number of series: model.stream({len(rows)})."
            expected = f"({self.batch}, any, {self._features})"
            raise DataError("x has the wrong number of series", got=str(rows.shape), expected=expected, fix=fix)
        state = self._state
        chunk_steps = max(1, CHUNK_STEPS // self.batch)
        for start in range(0, rows.shape[1], chunk_steps):
            steps = slice(start, start + chunk_steps)
            packed_mask = None if valid_mask is None else pack_mask(valid_mask[:, steps], self._lanes)
            y, state = self._run(pack(rows[:, steps], self._lanes), state, packed_mask)
        self._state, self._started = state, True
        return self._last_output(y)

    def step(self, x_new: npt.ArrayLike) -> Float32Array:
        """Run one step.

        Args:
            x_new: (B, F), finite.

        Returns:
            The output of the step, (B, M) float32.

        Raises:
            NotFittedError: No call of `warm` or `load` before.
            DataError: Arrays that do not fit the model, or contain NaN or infinity.
        """
        if not self._started:
            fix = "Begin with warm(x), x of shape (series, time, features); one step is enough."
            raise NotFittedError("The stream has no state yet", fix=fix)
        rows = np.asarray(x_new)
        if rows.dtype == np.float64:
            with np.errstate(over="ignore"):
                rows = rows.astype(np.float32)
        if rows.dtype != np.float32 or rows.shape != (self.batch, self._features) or not np.isfinite(rows).all():
            rows = self._validate_step(np.asarray(x_new))
        packed = rows[:, None, :, None] if self._lanes == 1 else pack(rows[:, None], self._lanes)
        y, self._state = self._run(np.ascontiguousarray(packed), self._state, None)
        return self._last_output(y)

    @property
    def state(self) -> tuple[Any, ...]:
        """Copies of the states of all layers: arrays (B, H), h first; None for a layer without state."""
        return tuple(_map_state(state, self._unpack) for state in self._state)

    def copy(self) -> Stream:
        """Return an independent stream that continues from the current state."""
        other = Stream(self._network, self._weights, self.batch)
        other._state, other._started = list(self._state), self._started
        return other

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the state to a safetensors file; save the weights with `Sequential.save`.

        Args:
            path: The file; an existing one is replaced.

        Raises:
            NotFittedError: No call of `warm` or `load` before.
            ConfigError: The file cannot be written.
        """
        if not self._started:
            raise NotFittedError("The stream has no state yet", fix="Call warm before save.")
        arrays: dict[str, Float32Array] = {}
        names = [_state_to_names(state, f"{k}", arrays) for k, state in enumerate(self._state)]
        safefile.write(path, "stream", {"batch": self.batch, "model": self._digest(), "state": names}, arrays)

    def load(self, path: str | os.PathLike[str]) -> Stream:
        """Continue from a state that `save` has written, for the same model and number of series.

        Args:
            path: The file.

        Returns:
            This stream.

        Raises:
            FormatError: A missing, truncated, altered or foreign file, or one of another model or batch.
        """
        settings, arrays = safefile.read(path, "stream")
        if settings.get("batch") != self.batch:
            raise FormatError(
                "The file has the state of another number of series",
                where=str(path),
                got=settings.get("batch"),
                expected=self.batch,
                fix=f"Make a stream for this number: model.stream({settings.get('batch')}).",
            )
        if settings.get("model") != self._digest():
            raise FormatError(
                "The file has the state of another model",
                where=str(path),
                expected="a state saved with these layers and weights",
                fix="Run warm on the past of the series.",
            )
        try:
            state = [_state_from_names(names, arrays) for names in settings["state"]]
            x = pack(np.zeros((self.batch, 1, self._features or 1), np.float32), self._lanes)
            _, fresh = self._run(x, [None] * len(self._state), None)
            shapes, expected_shapes = (_map_state(tuple(states), np.shape) for states in (state, fresh))
            if shapes != expected_shapes:
                raise ValueError(f"arrays of shapes {shapes} instead of {expected_shapes}")
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError("The file does not describe a stream", where=str(path), got=str(error)) from error
        self._state, self._started = state, True
        return self

    def _run(
        self, x: Float32Array, old_state: Sequence[Any], mask: Float32Array | None
    ) -> tuple[Float32Array, list[Any]]:
        """Return outputs and the new state, without changing the old one."""
        state = list(old_state)
        with np.errstate(over="ignore", invalid="ignore"):
            for k, forward, stateful, params, context in self._calls:
                if mask is not None and len(self._network.shapes[k]) == 2:
                    context = context._replace(mask=mask)
                if stateful:
                    x, state[k], _ = forward(params, x, context, state=state[k])
                else:
                    x, _, _ = forward(params, x, context)
        return x, state

    def _last_output(self, y: Float32Array) -> Float32Array:
        """Return the last step of (nb, T, M, L) as (B, M): a copy, since the state may share the memory."""
        last = y[:, -1]
        return np.array(last[:, :, 0] if self._lanes == 1 else unpack_state(last, self.batch))

    def _validate_step(self, rows: npt.NDArray[Any]) -> Float32Array:
        """Return a step as (B, F) float32, or raise an error."""
        if rows.shape != (self.batch, self._features):
            fix = "Pass several steps to warm." if rows.ndim == 3 else "One step of one series is [[value, ...]]."
            expected = f"({self.batch}, {self._features})"
            raise DataError("x_new has the wrong shape", got=str(rows.shape), expected=expected, fix=fix)
        return validate_inputs(rows, (self._features,), "x_new")[0][:, 0]

    def _unpack(self, array: Float32Array) -> Float32Array:
        """Return an array (nb, H, L) of a state as (B, H)."""
        return np.array(unpack_state(array, self.batch))

    def _digest(self) -> str:
        """Return a digest of layers and weights, to identify the model."""
        digest = hashlib.sha256(json.dumps([str(layer) for layer in self._network.layers]).encode())
        digest.update(self._weights.vector.data)
        return digest.hexdigest()


def _without_memory(layer: Layer) -> Layer:
    """Return a layer that keeps no state of its own between passes: the stream hands it on, as every stream its own."""
    stateful: Any = layer
    return replace(stateful, stateful=False) if getattr(layer, "stateful", False) else layer


def _check_streaming(network: Network) -> None:
    """Raise an error if a network cannot run step by step."""
    if len(network.shapes[0]) != 2:
        raise ConfigError(
            "A stream needs a network with a time axis",
            got=f"an input of shape {network.shapes[0]}",
            expected="(time, features)",
            fix="Use predict: without a time axis there is no state to carry.",
        )
    for layer in network.layers:
        if not layer.supports_streaming:
            raise ConfigError(
                "A layer of the network cannot run step by step",
                got=str(layer),
                expected="layers whose output depends on the past only",
                fix="Use predict on full windows.",
            )


def _map_state(state: Any, function: Callable[[Float32Array], Any]) -> Any:
    """Apply a function to every array of a state."""
    if state is None:
        return None
    return tuple(_map_state(item, function) for item in state) if isinstance(state, tuple) else function(state)


def _state_to_names(state: Any, name: str, arrays: dict[str, Float32Array]) -> Any:
    """Return a state as nested lists of names, and put its arrays under these names."""
    if state is None:
        return None
    if isinstance(state, tuple):
        return [_state_to_names(item, f"{name}.{k}", arrays) for k, item in enumerate(state)]
    arrays[name] = state
    return name


def _state_from_names(names: Any, arrays: dict[str, Float32Array]) -> Any:
    """Return the state that `_state_to_names` has described."""
    if names is None:
        return None
    return tuple(_state_from_names(item, arrays) for item in names) if isinstance(names, list) else arrays[names]
