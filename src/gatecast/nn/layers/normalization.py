"""Normalization layers: over the features of a step, or over the steps of a batch.

Shapes: x and y are packed, [nb, T, F, L]. Notation: u is the normalized x, before scale and offset. Arguments,
defaults and the order of the weights are Keras'. ``docs/equations.md`` derives each backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_flag, check_fraction, check_positive
from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import BackwardResult, BaseLayer, CallContext, ForwardResult
from gatecast.nn.layers.checks import check_input, check_plain_steps
from gatecast.nn.layers.shapes import Shape, feature_count

__all__ = ["BatchNormalization", "LayerNormalization", "RMSNorm"]


class _Normalization(BaseLayer):
    """Checks and initial values that the three layers share."""

    axis: int = -1
    epsilon: float
    center: bool = True
    scale: bool = True

    def _validate(self) -> None:
        """Check the arguments that all of them have."""
        object.__setattr__(self, "epsilon", check_positive(self.epsilon, "epsilon", where=type(self).__name__))
        self._check_base()
        if self.axis != -1:
            fix = "Leave axis out: features are the last axis."
            raise ConfigError("Invalid axis", where=type(self).__name__, got=repr(self.axis), expected="-1", fix=fix)

        for flag in ("center", "scale"):
            object.__setattr__(self, flag, check_flag(getattr(self, flag), flag, where=type(self).__name__))

    def _trained_names(self) -> tuple[str, ...]:
        """Return the names of scale and offset, as far as there are any."""
        return (("gamma",) if self.scale else ()) + (("beta",) if self.center else ())

    def _affine(self, params: Params, x: Array) -> tuple[Array, Array]:
        """Return scale and offset, [F, 1]; 1 and 0 where the layer has none."""
        F = x.shape[2]
        gamma = params["gamma"] if self.scale else np.ones(F, np.float32)
        beta = params["beta"] if self.center else np.zeros(F, np.float32)
        return gamma[:, None], beta[:, None]

    def _affine_gradients(self, dy: Array, u: Array) -> Params:
        """Return the gradients of scale and offset."""
        grads = {"gamma": _total(dy * u), "beta": _total(dy)}
        return {name: grads[name] for name in self._trained_names()}

    def init(self, _rng: np.random.Generator, in_shape: Shape) -> Params:
        """Return scales and variances of one, offsets and means of zero."""
        check_plain_steps(self, in_shape)
        ones = ("gamma", "moving_variance")
        return {n: np.full(feature_count(in_shape), float(n in ones), np.float32) for n in self.param_names}


@dataclass(frozen=True, repr=False)
class LayerNormalization(_Normalization):
    """Normalization of each step over its features, ``y = gamma * (x - mean(x)) / sqrt(var(x) + epsilon) + beta``.

    Args:
        axis: Axis of the features; only -1.
        epsilon: Number added to the variance, above 0.
        center: Whether there is an offset beta.
        scale: Whether there is a scale gamma.

    Raises:
        ConfigError: If epsilon is not above 0.

    Example:
        >>> LayerNormalization().output_shape((24, 50))
        (24, 50)

    Source: Ba, Kiros & Hinton 2016.
    """

    axis: int = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    def __post_init__(self) -> None:
        self._validate()

    @property
    def param_names(self) -> tuple[str, ...]:
        """Scale gamma and offset beta."""
        return self._trained_names()

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y, shaped like x."""
        gamma, beta = self._affine(params, check_input(self, x, _n_features(params)))
        u = x - _mean(x)
        scale = 1 / np.sqrt(_mean(u * u) + np.float32(self.epsilon))
        u *= scale
        return gamma * u + beta, None, (u, scale) if context.save_for_backward else None

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients of x, gamma and beta."""
        u, scale = cache
        dy = np.zeros_like(u) if dy is None else dy
        grads = self._affine_gradients(dy, u)
        if not need_dx:
            return None, None, grads
        du = dy * self._affine(params, u)[0]
        return scale * (du - _mean(du) - u * _mean(du * u)), None, grads


@dataclass(frozen=True, repr=False)
class RMSNorm(_Normalization):
    """Normalization of each step by its root mean square, ``y = gamma * x / sqrt(mean(x^2) + epsilon)``.

    Args:
        epsilon: Number added to the mean square, above 0.

    Raises:
        ConfigError: If epsilon is not above 0.

    Example:
        >>> RMSNorm().output_shape((24, 50))
        (24, 50)

    Source: Zhang & Sennrich 2019.
    """

    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        self._validate()

    @property
    def param_names(self) -> tuple[str, ...]:
        """Scale gamma."""
        return ("gamma",)

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y, shaped like x."""
        gamma = params["gamma"][:, None]
        scale = 1 / np.sqrt(_mean(check_input(self, x, len(gamma)) * x) + np.float32(self.epsilon))
        u = x * scale
        return gamma * u, None, (u, scale) if context.save_for_backward else None

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients of x and gamma."""
        u, scale = cache
        dy = np.zeros_like(u) if dy is None else dy
        grads = {"gamma": _total(dy * u)}
        if not need_dx:
            return None, None, grads
        du = dy * params["gamma"][:, None]
        return scale * (du - u * _mean(du * u)), None, grads


@dataclass(frozen=True, repr=False)
class BatchNormalization(_Normalization):
    """Normalization of each feature over the batch, ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``.

    In training, mean and variance are those of the batch, over its sequences and the steps that are not masked.
    Outside training they are moving averages: ``moving = momentum * moving + (1 - momentum) * batch`` at every update.

    Args:
        axis: Axis of the features; only -1.
        momentum: Weight of the old moving averages in an update, from 0 to less than 1.
        epsilon: Number added to the variance, above 0.
        center: Whether there is an offset beta.
        scale: Whether there is a scale gamma.

    Raises:
        ConfigError: If momentum is outside [0, 1), or epsilon is not above 0.

    Example:
        >>> sorted(BatchNormalization().init(np.random.default_rng(0), (24, 2)))
        ['beta', 'gamma', 'moving_mean', 'moving_variance']

    Source: Ioffe & Szegedy 2015.
    """

    axis: int = -1
    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    def __post_init__(self) -> None:
        self._validate()
        object.__setattr__(self, "momentum", check_fraction(self.momentum, "momentum", where="BatchNormalization"))

    @property
    def param_names(self) -> tuple[str, ...]:
        """Scale, offset, and the moving mean and variance, which no gradient trains."""
        return (*self._trained_names(), "moving_mean", "moving_variance")

    def forward(self, params: Params, x: Array, context: CallContext) -> ForwardResult:
        """Compute y, shaped like x."""
        mean, variance = (params[name][:, None] for name in ("moving_mean", "moving_variance"))
        gamma, beta = self._affine(params, check_input(self, x, len(mean)))
        weights, buffers = None, {}
        if context.training and self.trainable:  # a frozen layer keeps its averages, as in Keras
            weights = _valid_steps(x.shape, context)
            n_steps = float(weights.sum(dtype=np.float64))
            mean, variance = _moments(x, weights, max(n_steps, 1.0))
            buffers = self._update_averages(params, mean, variance) if n_steps else {}
            weights /= max(n_steps, 1.0)
        scale = 1 / np.sqrt(variance + np.float32(self.epsilon))
        u = (x - mean) * scale
        return gamma * u + beta, None, (u, scale, weights, buffers) if context.save_for_backward else None

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool) -> BackwardResult:
        """Compute the gradients of x, gamma and beta; those of the moving averages are zero."""
        u, scale, weights, _ = cache
        dy = np.zeros_like(u) if dy is None else dy
        grads = self._affine_gradients(dy, u)
        grads |= {name: np.zeros_like(params[name]) for name in ("moving_mean", "moving_variance")}
        if not need_dx:
            return None, None, grads
        gamma, _ = self._affine(params, u)
        dx = dy * gamma
        if weights is not None:
            # Every step moves mean and variance by its weight in them.
            through_mean, through_variance = gamma * _total(dy)[:, None], gamma * _total(dy * u)[:, None]
            dx -= weights * (through_mean + u * through_variance)
        return scale * dx, None, grads

    def update_buffers(self, _params: Params, cache: Any) -> Params:
        """Return the moving mean and variance after a training pass."""
        buffers: Params = cache[3] if cache is not None else {}
        return buffers

    def _update_averages(self, params: Params, mean: Array, variance: Array) -> Params:
        """Return the moving averages after one more batch."""
        momentum = np.float32(self.momentum)
        batch = {"moving_mean": mean[:, 0], "moving_variance": variance[:, 0]}
        return {name: momentum * params[name] + (1 - momentum) * value for name, value in batch.items()}


def _n_features(params: Params) -> int | None:
    """Return the number of features that the parameters are for; None if there are none."""
    return next((len(p) for p in params.values()), None)


def _mean(x: Array) -> Array:
    """Return the mean over the features, [nb, T, 1, L]."""
    mean: Array = x.mean(axis=2, keepdims=True)
    return mean


def _total(x: Array) -> Array:
    """Return the sum over everything but the features, [F], added up in float64."""
    total: npt.NDArray[np.float64] = x.sum(axis=(0, 1, 3), dtype=np.float64)
    return total.astype(np.float32)


def _moments(x: Array, valid: Array, n_steps: float) -> tuple[Array, Array]:
    """Return mean and variance of each feature, [F, 1], over the valid steps."""
    mean = (_total(x * valid) / np.float32(n_steps))[:, None]
    deviation = (x - mean) * valid
    return mean, (_total(deviation * deviation) / np.float32(n_steps))[:, None]


def _valid_steps(shape: tuple[int, ...], context: CallContext) -> Array:
    """Return 1 at the steps that are neither padding lanes nor masked, else 0; [nb, T, 1, L]."""
    nb, T, _, L = shape
    valid = np.ones((nb, T, 1, L), np.float32)
    if context.n_sequences is not None:
        valid *= (np.arange(nb * L) < context.n_sequences).reshape(nb, 1, 1, L)
    if context.mask is not None:
        valid *= context.mask[:, :, None]
    return valid
