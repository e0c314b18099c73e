"""A network that goes along with its series: the state is carried, and a step costs a step.

Letters: B series, T time, F features, M outputs, nb blocks of L lanes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError, DataError, FormatError, NotFittedError
from gatecast.kernels.packing import Array, pack, pack_mask, padded_lanes, unpack_state
from gatecast.nn import checkpoint
from gatecast.nn.inputs import validate_inputs
from gatecast.nn.layers import CallContext, Dropout, Layer, StatefulLayer
from gatecast.nn.network import Network, Weights

__all__ = ["Stream"]

CHUNK_STEPS = 2**15
"""Series times steps that `warm` takes at once: memory does not grow with the past."""


class Stream:
    """The state of a network that has seen B series so far; made by `Sequential.stream`.

    ``warm(a)`` and then ``step(b)`` gives what `predict` gives for a and b in one, bit for bit. The weights are
    those of the model at every call. A state is never written: copies share it.

    Args:
        network: Layers and shapes; the input must have a time axis. Its length is not looked at: any will do.
        weights: Their parameters.
        batch: B, the number of series that go side by side.

    Raises:
        ConfigError: A layer that must see the whole sequence, a network without time axis, or a batch below 1.

    >>> from gatecast.nn.layers import LSTM, Dense
    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([LSTM(8), Dense(1)], (None, 1))
    >>> stream = Stream(network, initial_weights(network, seed=0))
    >>> past = np.sin(np.arange(40.0))[None, :, None]
    >>> stream.warm(past[:, :-1]).shape
    (1, 1)
    >>> y, whole = stream.step(past[:, -1]), Stream(network, initial_weights(network, seed=0)).warm(past)
    >>> bool(y == whole)
    True
    """

    def __init__(self, network: Network, weights: Weights, batch: int = 1) -> None:
        self.batch = check_positive_int(batch, "batch")
        _require_streams(network)
        self._network, self._weights = network, weights
        self._features = network.shapes[0][-1]
        self._lanes = padded_lanes(self.batch)
        self._state: list[Any] = [None] * len(network.layers)
        self._started = False
        context = CallContext(save_for_backward=False, n_sequences=self.batch)
        # Bound once: a step of a small network takes as long as looking these up again.
        self._calls: list[tuple[int, Callable[..., Any], bool, Any, CallContext]] = [
            (k, layer.forward, isinstance(layer, StatefulLayer), weights.views[k], context)
            for k, layer in enumerate(network.layers)
            if not isinstance(layer, Dropout)
        ]

    def warm(self, x: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> Array:
        """Go on by several steps.

        Args:
            x: (B, T, F), any T; finite where the mask is True.
            mask: (B, T) bool, False where a step of a series is to be skipped; None: none is.

        Returns:
            The newest output, (B, M) float32.

        Raises:
            DataError: An array that does not fit or holds NaN or infinity.
        """
        rows, keep = validate_inputs(x, (None, self._features), mask=mask)
        if len(rows) != self.batch:
            fix = f"Make the stream for so many series: model.stream({len(rows)})."
            raise DataError("x has the wrong number of series", got=str(rows.shape), expected=self._told(3), fix=fix)
        state = self._state
        steps = max(1, CHUNK_STEPS // self.batch)
        for start in range(0, rows.shape[1], steps):
            part = slice(start, start + steps)
            packed = None if keep is None else pack_mask(keep[:, part], self._lanes)
            y, state = self._run(pack(rows[:, part], self._lanes), state, packed)
        self._state, self._started = state, True
        return self._newest(y)

    def step(self, x_new: npt.ArrayLike) -> Array:
        """Go on by one step.

        Args:
            x_new: (B, F), finite.

        Returns:
            The newest output, (B, M) float32.

        Raises:
            NotFittedError: `warm` was not called, nor a state loaded.
            DataError: An array that does not fit or holds NaN or infinity.
        """
        if not self._started:
            raise NotFittedError(
                "the stream has not seen anything yet",
                fix="Begin with warm(x), x of shape (series, time, features); a single step will do.",
            )
        rows = np.asarray(x_new)
        if rows.dtype == np.float64:
            with np.errstate(over="ignore"):
                rows = rows.astype(np.float32)
        if rows.dtype != np.float32 or rows.shape != (self.batch, self._features) or not np.isfinite(rows).all():
            rows = self._read_row(np.asarray(x_new))
        packed = rows[:, None, :, None] if self._lanes == 1 else pack(rows[:, None], self._lanes)
        y, self._state = self._run(np.ascontiguousarray(packed), self._state, None)
        return self._newest(y)

    @property
    def state(self) -> tuple[Any, ...]:
        """Copies of what every layer carries, (B, H) for each array of a layer, h first; None where it is nothing."""
        return tuple(_mapped(tree, self._unpacked) for tree in self._state)

    def copy(self) -> Stream:
        """A stream of its own that goes on from here."""
        other = Stream(self._network, self._weights, self.batch)
        other._state, other._started = list(self._state), self._started
        return other

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to one safetensors file; the weights stay where `Sequential.save` put them.

        Args:
            path: Where; an existing file is replaced.

        Raises:
            NotFittedError: The stream has not seen anything yet.
            ConfigError: The file cannot be written.
        """
        if not self._started:
            raise NotFittedError("the stream has not seen anything yet", fix="Call warm before save.")
        arrays: dict[str, Array] = {}
        tree = [_described(state, f"{k}", arrays) for k, state in enumerate(self._state)]
        checkpoint.write(path, "stream", {"batch": self.batch, "model": self._digest(), "state": tree}, arrays)

    def load(self, path: str | os.PathLike[str]) -> Stream:
        """Go on from the state that `save` wrote, for the same model and number of series.

        Args:
            path: The file.

        Returns:
            This stream.

        Raises:
            FormatError: No such file, one that is truncated, altered or foreign, or one of another model or batch.
        """
        settings, arrays = checkpoint.read(path, "stream")
        if settings.get("batch") != self.batch:
            raise FormatError(
                "the file holds another number of series",
                where=str(path),
                got=settings.get("batch"),
                expected=self.batch,
                fix="Make a stream for so many: model.stream(batch).",
            )
        if settings.get("model") != self._digest():
            raise FormatError(
                "the file holds the state of another model",
                where=str(path),
                expected="one saved with these layers and weights",
                fix="Warm the stream on the past of the series.",
            )
        try:
            state = [_built(tree, arrays) for tree in settings["state"]]
            x = pack(np.zeros((self.batch, 1, self._features or 1), np.float32), self._lanes)
            found, own = (
                _mapped(tuple(s), np.shape) for s in (state, self._run(x, [None] * len(self._state), None)[1])
            )
            if found != own:
                raise ValueError(f"arrays of shapes {found} instead of {own}")
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError("the file describes no stream", where=str(path), got=str(error)) from error
        self._state, self._started = state, True
        return self

    def _run(self, x: Array, old: Sequence[Any], mask: Array | None) -> tuple[Array, list[Any]]:
        """Outputs and new state; the old one is left as it was."""
        state = list(old)
        with np.errstate(over="ignore", invalid="ignore"):
            for k, forward, stateful, params, context in self._calls:
                if mask is not None and len(self._network.shapes[k]) == 2:
                    context = context._replace(mask=mask)
                if stateful:
                    x, state[k], _ = forward(params, x, context, state=state[k])
                else:
                    x, _, _ = forward(params, x, context)
        return x, state

    def _newest(self, y: Array) -> Array:
        """(nb, T, M, L) -> (B, M) of the last step; a copy, since the state may be the same memory."""
        last = y[:, -1]
        return np.array(last[:, :, 0] if self._lanes == 1 else unpack_state(last, self.batch))

    def _read_row(self, rows: npt.NDArray[Any]) -> Array:
        """(B, F) float32 and finite, or an error that says why not."""
        if rows.shape != (self.batch, self._features):
            fix = (
                "Several steps at once are for warm." if rows.ndim == 3 else "One step of one series is [[value, ...]]."
            )
            raise DataError("x_new has the wrong shape", got=str(rows.shape), expected=self._told(2), fix=fix)
        return validate_inputs(rows, (self._features,), "x_new")[0][:, 0]

    def _told(self, axes: int) -> str:
        """The shape of x for people."""
        return f"({self.batch}, {'any, ' if axes == 3 else ''}{self._features})"

    def _unpacked(self, leaf: Array) -> Array:
        """(nb, H, L) -> (B, H)."""
        return np.array(unpack_state(leaf, self.batch))

    def _digest(self) -> str:
        """What tells this model from others."""
        digest = hashlib.sha256(json.dumps([str(layer) for layer in self._network.layers]).encode())
        digest.update(self._weights.vector.data)
        return digest.hexdigest()


def _require_streams(network: Network) -> None:
    """Refuse a network that cannot go step by step."""
    if len(network.shapes[0]) != 2:
        raise ConfigError(
            "a stream needs a network over time",
            got=f"an input of shape {network.shapes[0]}",
            expected="(time, features)",
            fix="Use predict: without a time axis there is nothing to carry.",
        )
    for layer in network.layers:
        if not layer.supports_streaming:
            raise ConfigError(
                "a layer of this network cannot go step by step",
                got=_name(layer),
                expected="layers that look back only",
                fix="Use predict on whole windows: what this layer says of a step depends on later ones.",
            )


def _name(layer: Layer) -> str:
    """A layer for people."""
    return str(layer)


def _mapped(tree: Any, function: Callable[[Array], Any]) -> Any:
    """A function of every array of a state."""
    if tree is None:
        return None
    return tuple(_mapped(branch, function) for branch in tree) if isinstance(tree, tuple) else function(tree)


def _described(tree: Any, name: str, arrays: dict[str, Array]) -> Any:
    """A state as JSON: names of arrays, which are put under them."""
    if tree is None:
        return None
    if isinstance(tree, tuple):
        return [_described(branch, f"{name}.{k}", arrays) for k, branch in enumerate(tree)]
    arrays[name] = tree
    return name


def _built(tree: Any, arrays: dict[str, Array]) -> Any:
    """The inverse of `_described`."""
    if tree is None:
        return None
    return tuple(_built(branch, arrays) for branch in tree) if isinstance(tree, list) else arrays[tree]
