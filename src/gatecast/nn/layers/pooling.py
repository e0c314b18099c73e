"""Pooling over time: of windows, and of the whole sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from gatecast._utils.validation import check_flag
from gatecast.errors import ConfigError
from gatecast.kernels import convolution as kernels
from gatecast.kernels.convolution import Windows
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_choice, check_input
from gatecast.nn.layers.convolution import single_size, window_positions
from gatecast.nn.layers.data_format import DataFormat
from gatecast.nn.layers.shapes import Shape

__all__ = ["AveragePooling1D", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "MaxPooling1D"]


class _OverTime(DataFormat, BaseLayer):
    """A layer that makes other steps out of steps."""

    @property
    def supports_streaming(self) -> bool:
        """Always False: an output needs several steps."""
        return False

    def output_mask(self, _x: Array, _mask: Array | None, /) -> Array | None:
        """Return None: steps have changed."""
        return None


@dataclass(frozen=True, repr=False)
class _Pooling(_OverTime):
    """Pooling of windows; masks are ignored, as in Keras."""

    pool_size: int = 2
    strides: int | None = None
    padding: Literal["valid", "same"] = "valid"
    data_format: str | None = None
    _maximum: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check_base()
        name = type(self).__name__
        object.__setattr__(self, "pool_size", single_size(self.pool_size, "pool_size", name))
        if self.strides is not None:
            object.__setattr__(self, "strides", single_size(self.strides, "strides", name))
        object.__setattr__(self, "padding", self.padding.lower() if isinstance(self.padding, str) else self.padding)
        check_choice(self.padding, ("valid", "same"), name, "padding")

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (T', F) for (T, F), or (F, T') for (F, T)."""
        self._check_axes(in_shape)
        n_steps, F = self._time_first(in_shape)
        return self._time_first((None if n_steps is None else self._windows(n_steps).outputs, F))

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y [nb, T', F, L] for x [nb, T, F, L]."""
        x = self._swapped(check_input(self, x))
        y = kernels.pooling(x, self._windows(x.shape[1]), maximum=self._maximum)
        return self._swapped(y), None, x if context.save_for_backward else None

    def backward(self, _params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradient of x; that of a maximum goes to the first step that has it."""
        if not need_dx or dy is None:
            return None, None, {}
        windows = self._windows(cache.shape[1])
        dx = kernels.pooling_backward(cache, self._swapped(dy), windows, maximum=self._maximum)
        return self._swapped(dx), None, {}

    def _windows(self, n_steps: int) -> Windows:
        """Return the windows over a sequence."""
        windows = window_positions(n_steps, self.pool_size, self.strides or self.pool_size, self.padding)
        if windows.outputs < 1:
            fix = 'Use longer windows of the series, or padding="same".'
            raise ConfigError(
                "The sequence is too short",
                where=repr(self),
                got=f"{n_steps} steps",
                expected=f"{self.pool_size} or more",
                fix=fix,
            )
        return windows


@dataclass(frozen=True, repr=False)
class MaxPooling1D(_Pooling):
    """Maximum of every feature over windows of time.

    Args:
        pool_size: Steps of a window.
        strides: Steps between two windows; None: `pool_size`.
        padding: ``"valid"``: only windows inside of the sequence; ``"same"``: one for every `strides` steps.
        data_format: None or ``"channels_last"``: (time, features); ``"channels_first"``: (features, time).

    Raises:
        ConfigError: If a size is below 1 or the padding is unknown.

    Example:
        >>> MaxPooling1D(2).output_shape((24, 50))
        (12, 50)
    """


@dataclass(frozen=True, repr=False)
class AveragePooling1D(_Pooling):
    """Mean of every feature over windows of time; steps outside of the sequence do not count.

    Args:
        pool_size: Steps of a window.
        strides: Steps between two windows; None: `pool_size`.
        padding: ``"valid"``: only windows inside of the sequence; ``"same"``: one for every `strides` steps.
        data_format: None or ``"channels_last"``: (time, features); ``"channels_first"``: (features, time).

    Raises:
        ConfigError: If a size is below 1 or the padding is unknown.

    Example:
        >>> AveragePooling1D(2, padding="same").output_shape((25, 50))
        (13, 50)
    """

    _maximum: ClassVar[bool] = False


@dataclass(frozen=True, repr=False)
class _GlobalPooling(_OverTime):
    """Pooling of the whole sequence."""

    data_format: str | None = None
    keepdims: bool = False

    def __post_init__(self) -> None:
        self._check_base()
        object.__setattr__(self, "keepdims", check_flag(self.keepdims, "keepdims", where=type(self).__name__))

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (F,) for (T, F), or (1, F) with `keepdims`; (F, 1) where features come first."""
        self._check_axes(in_shape)
        F = self._time_first(in_shape)[1]
        return self._time_first((1, F)) if self.keepdims else (F,)

    def _of_steps(self, y: Any) -> Any:
        """Return an output, or its gradient, in the order of the axes of the other: one step is swapped if it stays."""
        return self._swapped(y) if self.keepdims else y


@dataclass(frozen=True, repr=False)
class GlobalAveragePooling1D(_GlobalPooling):
    """Mean of every feature over the steps that are not masked.

    Args:
        data_format: None or ``"channels_last"``: (time, features); ``"channels_first"``: (features, time).
        keepdims: Whether the output has a time axis, of one step.

    Example:
        >>> GlobalAveragePooling1D().output_shape((24, 50))
        (50,)

    Source: Lin, Chen & Yan 2014.
    """

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y [nb, 1, F, L]."""
        x = self._swapped(check_input(self, x))
        if context.mask is not None and self._features_first:
            fix = "Leave data_format out, and put Permute((2, 1)) before the layers that mask."
            raise ConfigError("A mask is of steps, which do not come first here", where=repr(self), fix=fix)
        if context.mask is None:
            share = np.full((1, x.shape[1], 1, 1), 1 / x.shape[1], np.float32)
        else:
            n_steps = np.maximum(context.mask.sum(axis=1, keepdims=True), 1)
            share = (context.mask / n_steps)[:, :, None]
        y = (x * share).sum(axis=1, keepdims=True)
        return self._of_steps(y), None, (share, x.shape) if context.save_for_backward else None

    def backward(self, _params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Share the gradient out to the steps."""
        share, shape = cache
        if not need_dx or dy is None:
            return None, None, {}
        dx = np.ascontiguousarray(np.broadcast_to(self._of_steps(dy) * share, shape))
        return self._swapped(dx), None, {}


@dataclass(frozen=True, repr=False)
class GlobalMaxPooling1D(_GlobalPooling):
    """Maximum of every feature over the steps that are not masked.

    Args:
        data_format: None or ``"channels_last"``: (time, features); ``"channels_first"``: (features, time).
        keepdims: Whether the output has a time axis, of one step.

    Example:
        >>> GlobalMaxPooling1D().output_shape((24, 50))
        (50,)
    """

    def forward(self, _params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y [nb, 1, F, L]."""
        x = self._swapped(check_input(self, x))
        mask = None if self._features_first else context.mask
        values = x if mask is None else np.where(mask[:, :, None] != 0, x, np.float32(-np.inf))
        y = values.max(axis=1, keepdims=True)
        if mask is not None:
            y = np.where(np.isneginf(y), np.float32(0), y)  # a sequence without steps
        return self._of_steps(y), None, (values, y) if context.save_for_backward else None

    def backward(self, _params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Share the gradient out among the steps that have the maximum."""
        values, y = cache
        if not need_dx or dy is None:
            return None, None, {}
        has_maximum = (values == y).astype(np.float32)
        share = has_maximum / np.maximum(has_maximum.sum(axis=1, keepdims=True), 1)
        return self._swapped(self._of_steps(dy) * share), None, {}
