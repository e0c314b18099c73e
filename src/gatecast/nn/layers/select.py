"""Select: a choice of the features, and the last step of each sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_input
from gatecast.nn.layers.shapes import Shape, feature_count

__all__ = ["Select", "last_step", "last_step_backward"]


@dataclass(frozen=True, repr=False)
class Select(BaseLayer):
    """A choice of the features, at every step or at the last step alone.

    With `Concatenate` it leads inputs past other layers.

    Args:
        features: Indices of the features, from 0, in the order of the output.
        last: Whether to return the last step that is not masked alone: (F',) for (T, F).

    Raises:
        ConfigError: If there are no features, one is repeated, or the input does not have one of them.

    Example:
        >>> Select((0, 2)).output_shape((24, 3)), Select((1,), last=True).output_shape((24, 3))
        ((24, 2), (1,))
    """

    features: tuple[int, ...]
    last: bool = False

    def __post_init__(self) -> None:
        self._check_base()
        indices = tuple(self.features) if isinstance(self.features, Sequence) else ()
        valid = all(isinstance(k, int | np.integer) and not isinstance(k, bool) and k >= 0 for k in indices)
        if not indices or not valid or len(set(indices)) < len(indices):
            expected = "a tuple of different indices from 0, such as (0, 2)"
            raise ConfigError("Invalid features", where="Select", got=repr(self.features), expected=expected)
        object.__setattr__(self, "features", tuple(int(k) for k in indices))

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (T, F') for (T, F), or (F',) with `last`."""
        n_features = feature_count(in_shape)
        if max(self.features) >= n_features:
            raise ConfigError(
                "Invalid features",
                where="Select",
                got=f"index {max(self.features)} for an input of {n_features} features",
                expected=f"indices from 0 to {n_features - 1}",
            )
        if self.last and len(in_shape) != 2:
            raise ConfigError(
                "Invalid input shape",
                where="Select(..., last=True)",
                got=str(in_shape),
                expected="(time, features)",
                fix="Leave out last=True: the input has no time axis.",
            )
        return (len(self.features),) if self.last else (*in_shape[:-1], len(self.features))

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y [nb, T or 1, F', L] for x [nb, T, F, L]."""
        if check_input(self, x).shape[2] <= max(self.features):
            check_input(self, x, max(self.features) + 1)
        y, steps = last_step(x, context.mask) if self.last else (x, None)
        y = y[:, :, list(self.features)]
        return np.ascontiguousarray(y), None, (x.shape, steps) if context.save_for_backward else None

    def backward(self, _params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Put dy where the features come from, and zero elsewhere."""
        if not need_dx:
            return None, None, {}
        (nb, T, F, L), steps = cache
        dx = np.zeros((nb, 1 if self.last else T, F, L), np.float32)
        if dy is not None:
            dx[:, :, list(self.features)] = dy
        return (last_step_backward(dx, steps, T) if self.last else dx), None, {}


def last_step(x: Array, mask: Array | None) -> tuple[Array, Array | None]:
    """Return the last step of each sequence that is not masked.

    Args:
        x: Packed array, [nb, T, F, L].
        mask: Steps to use, [nb, T, L] of 0 and 1; None uses every step. A sequence with no step left yields its last.

    Returns:
        The values, [nb, 1, F, L], and the indices of the steps, [nb, 1, 1, L], or None without a mask.

    Example:
        >>> x = np.arange(3, dtype=np.float32).reshape(1, 3, 1, 1)
        >>> last_step(x, np.float32([[[1], [1], [0]]]))[0].item()
        1.0
    """
    if mask is None:
        return x[:, -1:], None
    steps = mask.shape[1] - 1 - np.argmax(mask[:, ::-1] > 0, axis=1)[:, None, None]
    return np.take_along_axis(x, steps, axis=1), steps


def last_step_backward(dlast: Array, steps: Array | None, n_steps: int) -> Array:
    """Compute the gradient of x through `last_step`.

    Args:
        dlast: Gradient of the values, [nb, 1, F, L].
        steps: Indices, as returned by `last_step`.
        n_steps: Number of steps T of x.

    Returns:
        The gradient of x, [nb, T, F, L].

    Example:
        >>> last_step_backward(np.ones((1, 1, 1, 1), np.float32), None, 3).ravel().tolist()
        [0.0, 0.0, 1.0]
    """
    nb, _, F, L = dlast.shape
    dx = np.zeros((nb, n_steps, F, L), np.float32)
    if steps is None:
        dx[:, -1:] = dlast
    else:
        np.put_along_axis(dx, np.broadcast_to(steps, dlast.shape), dlast, axis=1)
    return dx
