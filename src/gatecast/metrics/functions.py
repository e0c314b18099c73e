"""Errors of predictions by sample, under their names in Keras: the mean over the last axis.

Unlike `mae` and its like, which take a series with gaps, these take what a network predicts, and NaN stays NaN.

Shapes: N samples, T time, M outputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.errors import DataError

__all__ = [
    "align",
    "binary_crossentropy",
    "categorical_crossentropy",
    "cosine_similarity",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
]

Values = npt.NDArray[np.floating[Any]]

EPSILON = 1e-7
"""The smallest divisor, and the distance of probabilities from 0 and 1, as in Keras."""


def align(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Values, Values]:
    """Return targets and predictions as floats of one shape, with an axis of outputs.

    Args:
        y_true: (N, ..., M), or (N, ...) if M = 1.
        y_pred: (N, ..., M), or (N, ...) if M = 1.

    Raises:
        DataError: Shapes that do not fit.

    >>> true, pred = align([1.0, 2.0], [[1.5], [2.0]])
    >>> true.shape, pred.shape
    ((2, 1), (2, 1))
    """
    true, pred = _floats(y_true), _floats(y_pred)
    if (pred.ndim == true.ndim + 1 and pred.shape[-1] == 1) or true.ndim == pred.ndim == 1:
        true = true[..., None]
    if true.ndim == pred.ndim + 1 and true.shape[-1] == 1:
        pred = pred[..., None]
    if true.shape != pred.shape:
        raise DataError("y_true and y_pred do not fit", got=f"{true.shape} and {pred.shape}", expected="the same shape")
    return true, pred


def mean_squared_error(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Values:
    """Return ``(p - y)^2`` by sample.

    Shapes and errors are those of `align`; the result has shape (N, ...). NaN stays NaN.

    >>> mean_squared_error([[0.0, 1.0]], [[2.0, 1.0]]).tolist()
    [2.0]
    """
    true, pred = align(y_true, y_pred)
    return _mean(np.square(pred - true))


def mean_absolute_error(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Values:
    """Return ``|p - y|`` by sample.

    Shapes and errors are those of `align`; the result has shape (N, ...). NaN stays NaN.

    >>> mean_absolute_error([[0.0, 1.0]], [[2.0, 1.0]]).tolist()
    [1.0]
    """
    true, pred = align(y_true, y_pred)
    return _mean(np.abs(pred - true))


def mean_absolute_percentage_error(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Values:
    """Return ``100 |p - y| / max(|y|, 1e-7)`` by sample.

    Shapes and errors are those of `align`; the result has shape (N, ...). NaN stays NaN.

    >>> mean_absolute_percentage_error([[2.0]], [[3.0]]).tolist()
    [50.0]
    """
    true, pred = align(y_true, y_pred)
    return _mean(100 * np.abs(pred - true) / np.maximum(np.abs(true), EPSILON))


def mean_squared_logarithmic_error(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Values:
    """Return ``(log(1 + p) - log(1 + y))^2`` by sample, values below 1e-7 counted as 1e-7.

    Shapes and errors are those of `align`; the result has shape (N, ...). NaN stays NaN.

    >>> mean_squared_logarithmic_error([[0.0]], [[1.0]]).round(4).tolist()
    [0.4805]
    """
    true, pred = align(y_true, y_pred)
    return _mean(np.square(np.log1p(np.maximum(pred, EPSILON)) - np.log1p(np.maximum(true, EPSILON))))


def log_cosh(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Values:
    """Return ``log(cosh(p - y))`` by sample.

    Shapes and errors are those of `align`; the result has shape (N, ...). NaN stays NaN.

    >>> log_cosh([[0.0]], [[100.0]]).round(4).tolist()
    [99.3069]
    """
    true, pred = align(y_true, y_pred)
    size = np.abs(pred - true)
    return _mean(size + np.log1p(np.exp(-2 * size)) - np.log(2.0))


def cosine_similarity(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, axis: int = -1) -> Values:
    """Return the cosine of the angle between outputs and targets along an axis; 0 for zeros.

    Shapes and errors are those of `align`; the result has shape (N, ...). NaN stays NaN.

    >>> cosine_similarity([[0.0, 1.0]], [[0.0, 2.0]]).tolist()
    [1.0]
    """
    true, pred = align(y_true, y_pred)
    units = [a / np.maximum(np.sqrt(np.square(a).sum(axis=axis, keepdims=True)), 1e-12) for a in (true, pred)]
    product: Values = (units[0] * units[1]).sum(axis=axis)
    return product


def binary_crossentropy(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, from_logits: bool = False, label_smoothing: float = 0.0
) -> Values:
    """Return ``-y log(p) - (1 - y) log(1 - p)`` by sample.

    Shapes and errors are those of `align`; the result has shape (N, ...). NaN stays NaN.

    Args:
        y_true: (N, ..., M), or (N, ...) if M = 1.
        y_pred: The same; probabilities p, or logits x with ``p = sigmoid(x)``.
        from_logits: Whether the predictions are logits.
        label_smoothing: Moves the labels towards 0.5: ``y (1 - s) + s / 2``.

    >>> binary_crossentropy([[1.0]], [[0.5]]).round(4).tolist()
    [0.6931]
    """
    true, pred = align(y_true, y_pred)
    true = true * (1 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        return _mean(np.maximum(pred, 0) - pred * true + np.log1p(np.exp(-np.abs(pred))))
    p = np.clip(pred, EPSILON, 1 - EPSILON)
    return _mean(-true * np.log(p) - (1 - true) * np.log(1 - p))


def categorical_crossentropy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Values:
    """Return ``-sum(y log(p))`` by sample, p scaled to the sum 1.

    Shapes and errors are those of `align`; the result has shape (N, ...). NaN stays NaN.

    Args:
        y_true: (N, ..., M), one-hot.
        y_pred: The same; probabilities p, or logits x with ``p = softmax(x)``.
        from_logits: Whether the predictions are logits.
        label_smoothing: Moves the labels towards 1 / M: ``y (1 - s) + s / M``.
        axis: The axis of the classes.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).round(4).tolist()
    [0.6931]
    """
    true, pred = align(y_true, y_pred)
    true = true * (1 - label_smoothing) + label_smoothing / true.shape[axis]
    if from_logits:
        shifted = pred - pred.max(axis=axis, keepdims=True)
        log = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    else:
        log = np.log(np.clip(pred / pred.sum(axis=axis, keepdims=True), EPSILON, 1 - EPSILON))
    total: Values = -(true * log).sum(axis=axis)
    return total


def _mean(values: Values) -> Values:
    """Return the mean over the last axis."""
    mean: Values = values.mean(axis=-1)
    return mean


def _floats(values: npt.ArrayLike) -> Values:
    """Return an array of floats."""
    array = np.asarray(values)
    return array if array.dtype.kind == "f" else array.astype(np.float32)
