"""Initial values of weights, under the names of Keras.

An initializer is a frozen record that draws an array of a shape; layers take one, its class, or its name. As in Keras a
kernel of shape (..., F, M) has ``fan_in`` F and ``fan_out`` M, each times the sizes before them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np

from gatecast._utils.keywords import CheckedKeywords
from gatecast._utils.validation import check_finite, check_non_negative, check_non_negative_int, check_positive
from gatecast.errors import ConfigError
from gatecast.kernels.packing import Array
from gatecast.nn.named import find_by_name, nearest, snake_case
from gatecast.nn.random import ZeroGenerator

__all__ = [
    "INITIALIZERS",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "get",
    "glorot_uniform",
    "orthogonal",
]

TRUNCATED_STDDEV = 0.87962566103423978
"""Standard deviation of a standard normal distribution truncated to [-2, 2]."""


def glorot_uniform(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Draw a matrix uniformly within sqrt(6 / (rows + columns)) of zero.

    Args:
        rng: Source of the random numbers.
        rows: Number of inputs.
        columns: Number of outputs.

    Returns:
        A float32 matrix, [rows, columns].

    Example:
        >>> bool(np.abs(glorot_uniform(np.random.default_rng(0), 3, 3)).max() <= 1)
        True

    Source: Glorot & Bengio 2010.
    """
    limit = np.sqrt(6.0 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def orthogonal(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Draw a matrix with orthonormal rows, or orthonormal columns if it has more rows than columns.

    Args:
        rng: Source of the random numbers; a `ZeroGenerator` gives zeros.
        rows: Number of inputs.
        columns: Number of outputs.

    Returns:
        A float32 matrix, [rows, columns].

    Example:
        >>> W = orthogonal(np.random.default_rng(0), 2, 4)
        >>> bool(np.allclose(W @ W.T, np.eye(2), atol=1e-6))
        True

    Source: Saxe, McClelland & Ganguli 2014.
    """
    normal = rng.standard_normal((max(rows, columns), min(rows, columns)))
    if isinstance(rng, ZeroGenerator):
        return np.zeros((rows, columns), np.float32)
    q, r = np.linalg.qr(normal)
    # Without the signs q would not be uniform over the orthogonal matrices (Mezzadri 2007).
    q = q * np.sign(np.diag(r))
    return np.ascontiguousarray(q.T if rows <= columns else q, np.float32)


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": ("fan_in", "fan_out", "fan_avg"),
    "distribution": ("truncated_normal", "untruncated_normal", "uniform"),
}
"""Settings that are names."""


class Initializer(metaclass=CheckedKeywords):
    """Base class of initializers.

    Raises:
        ConfigError: A setting that is no number, or no known name.
    """

    seed: int | None
    n_axes: ClassVar[tuple[float, float]] = (0, math.inf)
    """Smallest and largest number of axes of the arrays that it can draw."""

    def __post_init__(self) -> None:
        """Check the settings of an initializer that is a dataclass."""
        where = type(self).__name__
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.name in _CHOICES:
                _check_choice(value, field.name, where)
            elif field.name != "seed":
                check = {"stddev": check_non_negative, "scale": check_positive}.get(field.name, check_finite)
                check(value, field.name, where=where)
            elif value is not None:
                check_non_negative_int(value, "seed", where=where)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw an array, float32.

        Args:
            rng: Source of the random numbers; an initializer with a seed of its own ignores it.
            shape: Shape of the array.
        """
        seed = getattr(self, "seed", None)
        values = self._values(rng if seed is None else np.random.default_rng(seed), shape)
        return np.ascontiguousarray(values, np.float32)

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:  # noqa: ARG002
        """Draw an array as Keras does: with the seed of the initializer."""
        return self.draw(np.random.default_rng(getattr(self, "seed", None)), tuple(shape))

    def _values(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draw the values."""
        raise NotImplementedError


@dataclass(frozen=True)
class Zeros(Initializer):
    """Zeros."""

    def _values(self, _rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return np.zeros(shape)


@dataclass(frozen=True)
class Ones(Initializer):
    """Ones."""

    def _values(self, _rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return np.ones(shape)


@dataclass(frozen=True)
class Constant(Initializer):
    """One number everywhere."""

    value: float = 0.0

    def _values(self, _rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return np.full(shape, self.value)


@dataclass(frozen=True)
class Identity(Initializer):
    """The identity matrix, times `gain`."""

    n_axes: ClassVar[tuple[float, float]] = (2, 2)

    gain: float = 1.0

    def _values(self, _rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return self.gain * np.eye(shape[0], shape[-1])


@dataclass(frozen=True)
class RandomNormal(Initializer):
    """Normal numbers."""

    mean: float = 0.0
    stddev: float = 0.05
    seed: int | None = None

    def _values(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return rng.normal(self.mean, self.stddev, shape)


@dataclass(frozen=True)
class TruncatedNormal(Initializer):
    """Normal numbers; those more than two standard deviations from the mean are drawn again."""

    mean: float = 0.0
    stddev: float = 0.05
    seed: int | None = None

    def _values(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return self.mean + self.stddev * _truncated_normal(rng, shape)


@dataclass(frozen=True)
class RandomUniform(Initializer):
    """Numbers between two bounds."""

    minval: float = -0.05
    maxval: float = 0.05
    seed: int | None = None

    def _values(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return rng.uniform(self.minval, self.maxval, shape)


@dataclass(frozen=True)
class VarianceScaling(Initializer):
    """Numbers of variance ``scale / n``, where n is the fan that `mode` names.

    Args:
        scale: Factor of the variance.
        mode: ``"fan_in"``, ``"fan_out"``, or ``"fan_avg"`` for their mean.
        distribution: ``"truncated_normal"``, ``"untruncated_normal"`` or ``"uniform"``.
        seed: Seed of its own; None: the model's.

    Source: Keras.
    """

    scale: float = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    distribution: Literal["truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal"
    seed: int | None = None

    def _values(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return _scaled(rng, shape, self.scale, self.mode, self.distribution)


@dataclass(frozen=True)
class _Scaled(Initializer):
    """`VarianceScaling` under a name of its own."""

    seed: int | None = None
    _scaling: ClassVar[tuple[float, str, str]] = (1.0, "fan_avg", "uniform")

    def _values(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return _scaled(rng, shape, *self._scaling)


@dataclass(frozen=True)
class GlorotUniform(_Scaled):
    """Uniform numbers of variance ``2 / (fan_in + fan_out)`` (Glorot & Bengio 2010)."""

    def _values(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        if len(shape) == 2:
            return glorot_uniform(rng, *shape)
        return super()._values(rng, shape)


@dataclass(frozen=True)
class GlorotNormal(_Scaled):
    """Truncated normal numbers of variance ``2 / (fan_in + fan_out)`` (Glorot & Bengio 2010)."""

    _scaling: ClassVar[tuple[float, str, str]] = (1.0, "fan_avg", "truncated_normal")


@dataclass(frozen=True)
class HeNormal(_Scaled):
    """Truncated normal numbers of variance ``2 / fan_in`` (He et al. 2015)."""

    _scaling: ClassVar[tuple[float, str, str]] = (2.0, "fan_in", "truncated_normal")


@dataclass(frozen=True)
class HeUniform(_Scaled):
    """Uniform numbers of variance ``2 / fan_in`` (He et al. 2015)."""

    _scaling: ClassVar[tuple[float, str, str]] = (2.0, "fan_in", "uniform")


@dataclass(frozen=True)
class LecunNormal(_Scaled):
    """Truncated normal numbers of variance ``1 / fan_in`` (LeCun et al. 1998)."""

    _scaling: ClassVar[tuple[float, str, str]] = (1.0, "fan_in", "truncated_normal")


@dataclass(frozen=True)
class LecunUniform(_Scaled):
    """Uniform numbers of variance ``1 / fan_in`` (LeCun et al. 1998)."""

    _scaling: ClassVar[tuple[float, str, str]] = (1.0, "fan_in", "uniform")


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """A matrix with orthonormal rows or columns, times `gain` (Saxe, McClelland & Ganguli 2014)."""

    n_axes: ClassVar[tuple[float, float]] = (2, math.inf)
    gain: float = 1.0
    seed: int | None = None

    def _values(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        matrix = orthogonal(rng, int(np.prod(shape[:-1])), shape[-1]).reshape(shape)
        return matrix if self.gain == 1.0 else np.float32(self.gain) * matrix


INITIALIZERS: Mapping[str, Any] = {
    kind.__name__: kind
    for kind in (
        Zeros,
        Ones,
        Constant,
        Identity,
        RandomNormal,
        TruncatedNormal,
        RandomUniform,
        VarianceScaling,
        GlorotUniform,
        GlorotNormal,
        HeNormal,
        HeUniform,
        LecunNormal,
        LecunUniform,
        Orthogonal,
    )
}
"""Every initializer by its name."""

_SHORT_NAMES = {"normal": "random_normal", "uniform": "random_uniform", "zero": "zeros", "one": "ones"}
"""Names of Keras for the same."""


def get(initializer: Any, argument: str = "initializer", where: str = "") -> Initializer:
    """Return an initializer from its name, its class, or itself.

    Args:
        initializer: Such as ``"he_normal"``, ``"HeNormal"``, ``HeNormal`` or ``HeNormal(seed=1)``.
        argument: Name of the argument that errors name.
        where: Layer that errors name.

    Raises:
        ConfigError: Anything else.

    >>> get("he_normal"), get(Zeros)
    (HeNormal(seed=None), Zeros())
    """
    names = {snake_case(name): kind for name, kind in INITIALIZERS.items()}
    initializer = _SHORT_NAMES.get(initializer, initializer) if isinstance(initializer, str) else initializer
    record: Initializer = find_by_name(initializer, Initializer, names, argument, where)
    return record


def _check_choice(value: Any, name: str, where: str) -> None:
    """Raise an error unless a setting is one of its names."""
    if value not in _CHOICES[name]:
        expected, fix = f"one of {', '.join(map(repr, _CHOICES[name]))}", nearest(value, _CHOICES[name])
        raise ConfigError(f"Invalid {name} {value!r}", where=where, expected=expected, fix=fix, argument=name)


def _truncated_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw standard normal numbers within [-2, 2]."""
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return values


def _scaled(rng: np.random.Generator, shape: tuple[int, ...], scale: float, mode: str, distribution: str) -> Any:
    """Draw numbers of a variance that depends on the shape."""
    field = int(np.prod(shape[:-2]))
    fan_in, fan_out = (shape[0], shape[0]) if len(shape) == 1 else (field * shape[-2], field * shape[-1])
    n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    variance = scale / max(1.0, n)
    if distribution == "uniform":
        limit = np.sqrt(3 * variance)
        return rng.uniform(-limit, limit, shape)
    if distribution == "untruncated_normal":
        return rng.normal(0, np.sqrt(variance), shape)
    return np.sqrt(variance) / TRUNCATED_STDDEV * _truncated_normal(rng, shape)
