"""Normalisation: over the features of a step, or over the steps of a batch.

Letters: T time, F features, nb blocks of L lanes; u the normalised x, before gain and offset. Words, defaults and
order of the weights are Keras'. Each backward pass is derived in ``docs/equations.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_fraction, check_positive
from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.base import BaseLayer, CallContext, Shape, State, checked_input, checked_shape, feature_count

__all__ = ["BatchNormalization", "LayerNormalization", "RMSNorm"]


class _Norm(BaseLayer):
    """What the three have in common."""

    epsilon: float

    def _check(self) -> None:
        """Settings that all of them have."""
        name = type(self).__name__
        object.__setattr__(self, "epsilon", check_positive(self.epsilon, f"{name}'s epsilon"))
        object.__setattr__(self, "input_shape", checked_shape(self, self.input_shape))

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:  # noqa: ARG002
        """Gains and variances of one, offsets and means of zero."""
        ones = ("gamma", "moving_variance")
        return {n: np.full(feature_count(in_shape), float(n in ones), np.float32) for n in self.param_names}


@dataclass(frozen=True)
class LayerNormalization(_Norm):
    """Each step over its features: ``y = gamma * (x - mean(x)) / sqrt(var(x) + epsilon) + beta``.

    Args:
        epsilon: Added to the variance.
        input_shape: (T, F) or (F,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: An epsilon that is not above 0.

    >>> LayerNormalization().output_shape((24, 50))
    (24, 50)

    Source: Ba, Kiros & Hinton 2016.
    """

    epsilon: float = 1e-3
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        self._check()

    @property
    def param_names(self) -> tuple[str, ...]:
        """Gain and offset."""
        return ("gamma", "beta")

    def forward(
        self,
        params: Params,
        x: Array,
        context: CallContext,
        state: State | None = None,  # noqa: ARG002
    ) -> tuple[Array, State | None, Any]:
        """Like x."""
        gamma, beta = (params[name][:, None] for name in self.param_names)
        u = checked_input(self, x, len(gamma)) - _mean(x)
        scale = 1 / np.sqrt(_mean(u * u) + np.float32(self.epsilon))
        u *= scale
        return gamma * u + beta, None, (u, scale) if context.save_for_backward else None

    def backward(
        self,
        params: Params,
        cache: Any,
        dy: Array | None,
        need_dx: bool,
        dstate: State | None = None,  # noqa: ARG002
    ) -> tuple[Array | None, State | None, Params]:
        """Gradients of x and of the parameters."""
        u, scale = cache
        dy = np.zeros_like(u) if dy is None else dy
        grads = {"gamma": _total(dy * u), "beta": _total(dy)}
        if not need_dx:
            return None, None, grads
        du = dy * params["gamma"][:, None]
        return scale * (du - _mean(du) - u * _mean(du * u)), None, grads


@dataclass(frozen=True)
class RMSNorm(_Norm):
    """Each step over its features, without a mean: ``y = gamma * x / sqrt(mean(x^2) + epsilon)``.

    Args:
        epsilon: Added to the mean square.
        input_shape: (T, F) or (F,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: An epsilon that is not above 0.

    >>> RMSNorm().output_shape((24, 50))
    (24, 50)

    Source: Zhang & Sennrich 2019.
    """

    epsilon: float = 1e-6
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        self._check()

    @property
    def param_names(self) -> tuple[str, ...]:
        """The gain."""
        return ("gamma",)

    def forward(
        self,
        params: Params,
        x: Array,
        context: CallContext,
        state: State | None = None,  # noqa: ARG002
    ) -> tuple[Array, State | None, Any]:
        """Like x."""
        gamma = params["gamma"][:, None]
        scale = 1 / np.sqrt(_mean(checked_input(self, x, len(gamma)) * x) + np.float32(self.epsilon))
        u = x * scale
        return gamma * u, None, (u, scale) if context.save_for_backward else None

    def backward(
        self,
        params: Params,
        cache: Any,
        dy: Array | None,
        need_dx: bool,
        dstate: State | None = None,  # noqa: ARG002
    ) -> tuple[Array | None, State | None, Params]:
        """Gradients of x and of gamma."""
        u, scale = cache
        dy = np.zeros_like(u) if dy is None else dy
        grads = {"gamma": _total(dy * u)}
        if not need_dx:
            return None, None, grads
        du = dy * params["gamma"][:, None]
        return scale * (du - u * _mean(du * u)), None, grads


@dataclass(frozen=True)
class BatchNormalization(_Norm):
    """Each feature over the batch: ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``.

    In training, mean and variance are those of the batch, over real sequences and steps that are not masked; outside
    training, moving ones: ``moving = momentum * moving + (1 - momentum) * batch`` at every update.

    Args:
        momentum: Share of the old moving values that an update keeps.
        epsilon: Added to the variance.
        input_shape: (T, F) or (F,) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A momentum outside [0, 1) or an epsilon that is not above 0.

    >>> sorted(BatchNormalization().init(np.random.default_rng(0), (24, 2)))
    ['beta', 'gamma', 'moving_mean', 'moving_variance']

    Source: Ioffe & Szegedy 2015.
    """

    momentum: float = 0.99
    epsilon: float = 1e-3
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        self._check()
        object.__setattr__(self, "momentum", check_fraction(self.momentum, "BatchNormalization's momentum"))

    @property
    def param_names(self) -> tuple[str, ...]:
        """Gain, offset, and what training does not train by gradients."""
        return ("gamma", "beta", "moving_mean", "moving_variance")

    def forward(
        self,
        params: Params,
        x: Array,
        context: CallContext,
        state: State | None = None,  # noqa: ARG002
    ) -> tuple[Array, State | None, Any]:
        """Like x."""
        gamma, beta, mean, variance = (params[name][:, None] for name in self.param_names)
        checked_input(self, x, len(gamma))
        real, moved = None, {}
        if context.training:
            real = _real(x.shape, context)
            n = float(real.sum(dtype=np.float64))
            mean, variance = _moments(x, real, max(n, 1.0))
            moved = self._moved(params, mean, variance) if n else {}
            real /= max(n, 1.0)
        scale = 1 / np.sqrt(variance + np.float32(self.epsilon))
        u = (x - mean) * scale
        return gamma * u + beta, None, (u, scale, real, moved) if context.save_for_backward else None

    def backward(
        self,
        params: Params,
        cache: Any,
        dy: Array | None,
        need_dx: bool,
        dstate: State | None = None,  # noqa: ARG002
    ) -> tuple[Array | None, State | None, Params]:
        """Gradients of x and of gamma and beta; the moving values have none."""
        u, scale, real, _ = cache
        dy = np.zeros_like(u) if dy is None else dy
        grads = {"gamma": _total(dy * u), "beta": _total(dy)}
        grads |= {name: np.zeros_like(params[name]) for name in self.param_names[2:]}
        if not need_dx:
            return None, None, grads
        dx = dy * params["gamma"][:, None]
        if real is not None:
            # Every step that was counted moves mean and variance by its share of them.
            through_mean, through_variance = ((params["gamma"] * grads[n])[:, None] for n in ("beta", "gamma"))
            dx -= real * (through_mean + u * through_variance)
        return scale * dx, None, grads

    def update_buffers(self, params: Params, cache: Any) -> Params:  # noqa: ARG002
        """The moving mean and variance after a training pass."""
        moved: Params = cache[3] if cache is not None else {}
        return moved

    def _moved(self, params: Params, mean: Array, variance: Array) -> Params:
        """The moving values one batch on."""
        keep = np.float32(self.momentum)
        new = {"moving_mean": mean[:, 0], "moving_variance": variance[:, 0]}
        return {name: keep * params[name] + (1 - keep) * value for name, value in new.items()}


def _mean(x: Array) -> Array:
    """Mean over the features: (nb, T, 1, L)."""
    mean: Array = x.mean(axis=2, keepdims=True)
    return mean


def _total(x: Array) -> Array:
    """Sum over everything but the features: (F,)."""
    total: npt.NDArray[np.float64] = x.sum(axis=(0, 1, 3), dtype=np.float64)
    return total.astype(np.float32)


def _moments(x: Array, real: Array, n: float) -> tuple[Array, Array]:
    """Mean and variance of each feature, (F, 1), over the n steps of real sequences that count."""
    mean = (_total(x * real) / np.float32(n))[:, None]
    d = (x - mean) * real
    return mean, (_total(d * d) / np.float32(n))[:, None]


def _real(shape: tuple[int, ...], context: CallContext) -> Array:
    """(nb, T, 1, L): 1 at steps of real sequences that count, else 0."""
    nb, T, _, L = shape
    real = np.ones((nb, T, 1, L), np.float32)
    if context.n_sequences is not None:
        real *= (np.arange(nb * L) < context.n_sequences).reshape(nb, 1, 1, L)
    if context.mask is not None:
        real *= context.mask[:, :, None]
    return real
