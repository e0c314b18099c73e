"""Directions of optimizers that adapt to the size of past gradients: Adam, Nadam, RMSprop and Adagrad.

Notation: g gradient, m and v moments, n parameters.
"""

from __future__ import annotations

import math

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast._utils.validation import check_fraction, check_non_negative, check_positive
from gatecast.kernels import native
from gatecast.nn.optim.base import Init, Update, transformation, zeros

__all__ = ["scale_by_adam", "scale_by_nadam", "scale_by_rms", "scale_by_rss"]


@transformation
def scale_by_adam(
    beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7, epsilon_hat: bool = False
) -> tuple[Init, Update]:
    """Return the direction of Adam: ``g = m' / (sqrt(v') + epsilon)``.

    ``m = beta_1 m + (1 - beta_1) g`` and ``v = beta_2 v + (1 - beta_2) g^2``; ``m' = m / (1 - beta_1^step)`` and
    ``v' = v / (1 - beta_2^step)`` correct the start at zero.

    Args:
        beta_1: Decay of m, in [0, 1).
        beta_2: Decay of v, in [0, 1).
        epsilon: Added to the root, above 0.
        epsilon_hat: Whether it is added to ``sqrt(v)`` before the correction, as in Keras: a larger epsilon at first.

    Source: Kingma & Ba 2015, algorithm 1; section 2 for `epsilon_hat`.

    >>> state = scale_by_adam().init(1)
    >>> g = np.array([4.0], np.float32)
    >>> scale_by_adam().update(g, state, np.zeros(1, np.float32), 1).round(4).tolist()
    [1.0]
    """
    beta_1 = check_fraction(beta_1, "beta_1", where="scale_by_adam")
    beta_2 = check_fraction(beta_2, "beta_2", where="scale_by_adam")
    epsilon = check_positive(epsilon, "epsilon", where="scale_by_adam")

    def update(
        g: Float32Array,
        state: dict[str, Float32Array],
        params: Float32Array,  # noqa: ARG001
        step: int,
    ) -> Float32Array:
        added = epsilon / math.sqrt(1 - beta_2**step) if epsilon_hat else epsilon
        native.adam(state["m"], state["v"], g, beta_1, beta_2, added, step)
        return g

    return zeros("m", "v"), update


@transformation
def scale_by_nadam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> tuple[Init, Update]:
    """Return the direction of Nadam, Adam with Nesterov's momentum: ``g = m' / (sqrt(v') + epsilon)``.

    With ``u[t] = beta_1 (1 - 0.96^t / 2)`` and U[t] the product of u[1] to u[t],
    ``m' = u[t + 1] m / (1 - U[t + 1]) + (1 - u[t]) g / (1 - U[t])``; m, v and v' as in `scale_by_adam`.

    Args:
        beta_1: Decay of m, in [0, 1).
        beta_2: Decay of v, in [0, 1).
        epsilon: Added to the root, above 0.

    Source: Dozat 2016, as in Keras.

    >>> transform = scale_by_nadam()
    >>> g = np.array([4.0], np.float32)
    >>> round(float(transform.update(g, transform.init(1), np.zeros(1, np.float32), 1)[0]), 4)
    1.0628
    """
    beta_1 = check_fraction(beta_1, "beta_1", where="scale_by_nadam")
    beta_2 = check_fraction(beta_2, "beta_2", where="scale_by_nadam")
    epsilon = check_positive(epsilon, "epsilon", where="scale_by_nadam")

    def init(n: int) -> dict[str, Float32Array]:
        return {"m": np.zeros(n, np.float32), "v": np.zeros(n, np.float32), "product": np.ones(1, np.float32)}

    def update(
        g: Float32Array,
        state: dict[str, Float32Array],
        params: Float32Array,  # noqa: ARG001
        step: int,
    ) -> Float32Array:
        m, v, product = state["m"], state["v"], state["product"]
        this, following = (beta_1 * (1 - 0.5 * 0.96**t) for t in (step, step + 1))
        product *= np.float32(this)
        m += np.float32(1 - beta_1) * (g - m)
        v += np.float32(1 - beta_2) * (g * g - v)
        so_far = float(product[0])
        g *= np.float32((1 - this) / (1 - so_far))
        g += np.float32(following / (1 - so_far * following)) * m
        g /= np.sqrt(v / np.float32(1 - beta_2**step)) + np.float32(epsilon)
        return g

    return init, update


@transformation
def scale_by_rms(rho: float = 0.9, epsilon: float = 1e-7) -> tuple[Init, Update]:
    """Divide by a moving root mean square: ``v = rho v + (1 - rho) g^2``, ``g = g / sqrt(v + epsilon)``.

    Args:
        rho: Decay of v, in [0, 1).
        epsilon: Added under the root, as in Keras; above 0.

    Source: Tieleman & Hinton 2012.

    >>> transform = scale_by_rms(rho=0.75, epsilon=1e-12)
    >>> transform.update(np.array([4.0], np.float32), transform.init(1), np.zeros(1), 1).round(3).tolist()
    [2.0]
    """
    rho = check_fraction(rho, "rho", where="scale_by_rms")
    epsilon = check_positive(epsilon, "epsilon", where="scale_by_rms")

    def update(
        g: Float32Array,
        state: dict[str, Float32Array],
        params: Float32Array,  # noqa: ARG001
        step: int,  # noqa: ARG001
    ) -> Float32Array:
        v = state["v"]
        v *= rho
        v += (1 - rho) * g * g
        g /= np.sqrt(v + np.float32(epsilon))
        return g

    return zeros("v"), update


@transformation
def scale_by_rss(initial_accumulator_value: float = 0.1, epsilon: float = 1e-7) -> tuple[Init, Update]:
    """Divide by the root of the sum of squares: ``v = v + g^2``, ``g = g / sqrt(v + epsilon)``; Adagrad.

    Args:
        initial_accumulator_value: v before the first update, at least 0.
        epsilon: Added under the root, as in Keras; above 0.

    Source: Duchi, Hazan & Singer 2011.

    >>> transform = scale_by_rss(initial_accumulator_value=9.0, epsilon=1e-12)
    >>> round(float(transform.update(np.array([4.0], np.float32), transform.init(1), np.zeros(1), 1)[0]), 3)
    0.8
    """
    initial_accumulator_value = check_non_negative(
        initial_accumulator_value, "initial_accumulator_value", where="scale_by_rss"
    )
    epsilon = check_positive(epsilon, "epsilon", where="scale_by_rss")

    def init(n: int) -> dict[str, Float32Array]:
        return {"v": np.full(n, initial_accumulator_value, np.float32)}

    def update(
        g: Float32Array,
        state: dict[str, Float32Array],
        params: Float32Array,  # noqa: ARG001
        step: int,  # noqa: ARG001
    ) -> Float32Array:
        v = state["v"]
        v += g * g
        g /= np.sqrt(v + np.float32(epsilon))
        return g

    return init, update
