"""Conv1D: a convolution over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gatecast._utils.validation import check_flag, check_positive_int
from gatecast.errors import ConfigError
from gatecast.kernels import convolution as kernels
from gatecast.kernels.convolution import Windows
from gatecast.kernels.packing import Array, Params
from gatecast.nn.constraints import Constraint
from gatecast.nn.initializers import Initializer
from gatecast.nn.layers.activated import ActivatedLayer
from gatecast.nn.layers.base import BackwardResult, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_choice, check_input
from gatecast.nn.layers.data_format import DataFormat
from gatecast.nn.layers.functions import activate, activate_backward
from gatecast.nn.layers.shapes import Shape, feature_count
from gatecast.nn.regularizers import Regularizer

__all__ = ["Conv1D", "single_size", "window_positions"]


def single_size(value: Any, name: str, layer: str) -> int:
    """Return a size that may be written as a tuple of one number.

    Args:
        value: Such as 3 or (3,).
        name: Name of the argument.
        layer: Layer that the error names.

    Raises:
        ConfigError: If it is not a positive integer.

    >>> single_size((3,), "kernel_size", "Conv1D")
    3
    """
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1:
        value = value[0]
    return check_positive_int(value, name, where=layer)


def window_positions(n_steps: int, size: int, stride: int, padding: str) -> Windows:
    """Return where the windows over a sequence lie.

    Args:
        n_steps: Steps of the sequence.
        size: Steps of a window, gaps of a dilated one included.
        stride: Steps between the beginnings of two windows.
        padding: ``"valid"``: only windows inside of the sequence; ``"same"``: one for each step (or each `stride`
            steps), with the steps that are missing shared between both ends; ``"causal"``: windows that end with the
            step.

    Returns:
        The windows; no outputs if the sequence is too short for one.

    >>> window_positions(5, 3, 1, "same"), window_positions(5, 3, 2, "valid").outputs
    (Windows(size=3, stride=1, before=1, outputs=5), 2)
    """
    stride = min(stride, max(n_steps, 1))  # beyond the sequence there is one window, however large it is
    if padding == "same":
        outputs = -(-n_steps // stride)
        before = max((outputs - 1) * stride + size - n_steps, 0) // 2
        return Windows(size, stride, before, outputs)
    before = size - 1 if padding == "causal" else 0
    return Windows(size, stride, before, max((n_steps + before - size) // stride + 1, 0))


@dataclass(frozen=True, repr=False)
class Conv1D(DataFormat, ActivatedLayer):
    """Convolution over time, ``y[t] = activation(b + sum_k x[t s + k d - p] W[k])`` with stride s and dilation d.

    Steps outside of the sequence are zeros. How far a window begins before its step, p, is a matter of `padding`. Masks
    end here, as in Keras: steps that they leave out are read as they are.

    Args:
        filters: Number of outputs M, at least 1.
        kernel_size: Number of steps that a window reads.
        strides: Steps between two windows.
        padding: ``"valid"``: only windows inside of the sequence, T - kernel_size + 1 of them; ``"same"``: T, with
            the step in the middle of its window; ``"causal"``: T, with the step at the end, so that no output sees
            a later step.
        data_format: None or ``"channels_last"``: (time, features); ``"channels_first"``: (features, time), of a known
            number of steps.
        dilation_rate: Steps between two that a window reads; above 1 only with strides 1.
        groups: Only 1.
        activation: None for linear; ``"relu"``, or another name in `gatecast.activations`.
        use_bias: Whether there is a bias b.
        kernel_initializer: Initial values of W, (kernel_size, F, M).
        bias_initializer: Initial values of b.
        kernel_regularizer: Penalty on W that is added to the loss.
        bias_regularizer: Penalty on b.
        activity_regularizer: Not available; None.
        kernel_constraint: Projection of W after every update.
        bias_constraint: Projection of b.

    Raises:
        ConfigError: If a size is below 1, a name is unknown, or strides and dilation are both above 1.

    Example:
        >>> Conv1D(64, 3, activation="relu").output_shape((24, 1)), Conv1D(8, 3, padding="causal").output_shape((24, 1))
        ((22, 64), (24, 8))

    Source: Waibel et al. 1989; van den Oord et al. 2016 (causal and dilated).
    """

    filters: int
    kernel_size: int
    strides: int = 1
    padding: Literal["valid", "same", "causal"] = "valid"
    data_format: str | None = None
    dilation_rate: int = 1
    groups: int = 1
    activation: str | None = None
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None
    activity_regularizer: None = None
    kernel_constraint: str | Constraint | None = None
    bias_constraint: str | Constraint | None = None

    def __post_init__(self) -> None:
        self._check_base()
        self._check_weight_settings()
        store = object.__setattr__
        for name in ("filters", "kernel_size", "strides", "dilation_rate", "groups"):
            store(self, name, single_size(getattr(self, name), name, "Conv1D"))
        store(self, "use_bias", check_flag(self.use_bias, "use_bias", where="Conv1D"))
        store(self, "padding", self.padding.lower() if isinstance(self.padding, str) else self.padding)
        check_choice(self.padding, ("valid", "same", "causal"), "Conv1D", "padding")
        self._set_activation()
        if self.groups != 1:
            fix = "Use one Conv1D for each group of features and Concatenate."
            raise ConfigError("Conv1D has no groups here", got=f"groups={self.groups}", fix=fix)
        if self.strides > 1 and self.dilation_rate > 1:
            got = f"strides={self.strides}, dilation_rate={self.dilation_rate}"
            raise ConfigError("Invalid combination of strides and dilation_rate", got=got, expected="one of them 1")

    @property
    def param_names(self) -> tuple[str, ...]:
        """Kernel W and bias b."""
        return ("W", "b") if self.use_bias else ("W",)

    @property
    def supports_streaming(self) -> bool:
        """Always False: a window reads several steps."""
        return False

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return (T', M) for (T, F), or (M, T') for (F, T)."""
        self._check_axes(in_shape)
        n_steps = self._time_first(in_shape)[0]
        return self._time_first((None if n_steps is None else self._windows(n_steps).outputs, self.filters))

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw W and b as the initializers say: by default as Keras does."""
        shape = (self.kernel_size, feature_count(self._time_first(in_shape)), self.filters)
        params = {"W": self._draw(rng, "W", shape, "glorot_uniform")}
        return params | ({"b": self._draw(rng, "b", (self.filters,), "zeros")} if self.use_bias else {})

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y [nb, T', M, L] for x [nb, T, F, L]."""
        x = check_input(self, self._swapped(check_input(self, x)), params["W"].shape[1])
        with_bias = self._with_bias(params, (self.filters,))
        z = kernels.convolution(with_bias, x, self._windows(x.shape[1]), self._fused, self.dilation_rate)
        # A softmax is over the last axis, whichever that is.
        y = self._swapped(z) if self._is_fused else activate(self._swapped(z), self._activation)
        return y, None, (x, z, y) if context.save_for_backward else None

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients of x, W and b."""
        x, z, y = cache
        dy = np.zeros_like(y) if dy is None else dy
        if not self._is_fused:
            dy = activate_backward(self._swapped(z), y, dy, self._activation)
        dy = self._swapped(dy)
        windows = self._windows(x.shape[1])
        dx, grads = kernels.convolution_backward(
            params, x, dy, z, windows, self._fused, self.dilation_rate, need_dx=need_dx
        )
        if not self.use_bias:
            del grads["b"]
        return self._swapped(dx), None, grads

    @property
    def passes_masks(self) -> bool:
        """Always False: an output reads several steps."""
        return False

    def output_mask(self, _x: Array, _mask: Array | None, /) -> Array | None:
        """Return None: as in Keras, masks end here, and steps that they leave out are read as they are."""
        return None

    def _windows(self, n_steps: int) -> Windows:
        """Return the windows over a sequence."""
        size = (self.kernel_size - 1) * self.dilation_rate + 1
        windows = window_positions(n_steps, size, self.strides, self.padding)
        if windows.outputs < 1:
            fix = 'Use longer windows of the series, or padding="causal".'
            raise ConfigError(
                "The sequence is too short",
                where=repr(self),
                got=f"{n_steps} steps",
                expected=f"{size} or more",
                fix=fix,
            )
        return windows
