"""Validation of inputs, targets, weights and masks: they become finite float32 arrays, or raise an error.

Shapes: N samples, T time, F features, M outputs, Q predictions per target value.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, Float32Array
from gatecast._utils.validation import check_fraction
from gatecast.errors import ConfigError, DataError
from gatecast.nn.layers import Shape
from gatecast.nn.losses import Loss
from gatecast.nn.memory_limits import check_allocation

__all__ = [
    "TrainingData",
    "ValueWeights",
    "sample_shape",
    "split_validation",
    "validate_array",
    "validate_inputs",
    "validate_training_data",
    "validate_validation_data",
    "weighted",
]


class ValueWeights(NamedTuple):
    """Valid weights of the values of a target, as models with several outputs make them."""

    rows: Float32Array
    """(N, 1, M)."""


class TrainingData(NamedTuple):
    """Arrays to train or evaluate a network on; float32 and finite."""

    x: Float32Array
    """(N, T, F); T = 1 if the network's input has no time axis."""
    y: Float32Array
    """(N, T or 1, M / Q)."""
    weight: Float32Array | None = None
    """(N, T or 1) by step, or (N, T or 1, M / Q) by value; not negative. None: all 1."""
    mask: BoolArray | None = None
    """(N, T); False where a step is skipped. None: no step is skipped."""


def validate_training_data(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    weight: npt.ArrayLike | ValueWeights | None,
    shapes: tuple[Shape, Shape],
    loss: Loss,
    name: str = "",
    mask: npt.ArrayLike | None = None,
) -> TrainingData:
    """Validate inputs, targets, weights and mask for a network and a loss.

    Args:
        x: (N, T, F), or (N, F) for a network without time axis; finite where the mask is True.
        y: (N, M), (N,) if M = 1, (N, T, M), or (N, T) if M = 1; finite where the weight is not 0.
        weight: (N,) or (N, T), finite and not negative; None: all 1. A skipped step gets weight 0.
        shapes: Input and output shape of the network.
        loss: The loss; its `width` is the number of predictions per target value.
        name: Prefix of the names of the arrays in messages.
        mask: (N, T) bool, False where a step is skipped; None: no step is skipped.

    Raises:
        DataError: A shape that does not fit, NaN or infinity.

    >>> from gatecast.nn.losses import MeanSquaredError
    >>> samples = validate_training_data([[[1]], [[2]]], [3, 4], None, ((1, 1), (1,)), MeanSquaredError())
    >>> samples.x.shape, samples.y.shape
    ((2, 1, 1), (2, 1, 1))
    """
    x, mask = validate_inputs(x, shapes[0], f"{name}x", mask, f"{name}mask")
    # An output shape with an open number of steps has those of x.
    n_steps = (shapes[1][0] or x.shape[1]) if len(shapes[1]) > 1 else None
    valid_weight = None if weight is None else _validate_weight(weight, len(x), n_steps, f"{name}sample_weight")
    if mask is not None and n_steps == x.shape[1]:
        valid_weight = np.float32(mask) if valid_weight is None else valid_weight * mask
        if not valid_weight.any():
            what = f"{name}mask and {name}sample_weight exclude every target"
            raise DataError(what, expected="at least one step with a weight above 0")
    width = shapes[1][-1] or 1
    if width % loss.width:
        raise DataError(
            "The outputs of the network do not fit the loss",
            got=f"{width} outputs",
            expected=f"a multiple of {loss.width}, the number of predictions of {loss} per target value",
        )
    rest = tuple(size or 1 for size in shapes[1][1:-1])  # steps that are sequences
    targets = _validate_targets(y, (len(x), n_steps, *rest, width // loss.width), valid_weight, f"{name}y")
    return TrainingData(x, targets, valid_weight, mask)


def validate_validation_data(
    samples: TrainingData, fraction: float, data: Any, shapes: tuple[Shape, Shape], loss: Loss
) -> tuple[TrainingData, TrainingData | None]:
    """Return training and validation data, from the arguments of `fit`.

    Args:
        samples: All samples passed for training.
        fraction: `validation_split`, the fraction of the samples to validate on; 0 for none.
        data: `validation_data`: (x, y), (x, y, sample_weight) or (x, y, sample_weight, mask), each as for
            `validate_training_data`; or None.
        shapes: Input and output shape of the network.
        loss: The loss.

    Returns:
        Training data, and validation data or None.

    Raises:
        ConfigError: Both arguments, or another object than such a tuple.
        DataError: Arrays that do not fit, or a fraction that leaves one part empty.

    >>> from gatecast.nn.losses import MeanSquaredError
    >>> x = np.zeros((5, 1, 1), np.float32)
    >>> data, shapes = (x, x[:, 0]), ((1, 1), (1,))
    >>> _, validation = validate_validation_data(TrainingData(x, x), 0, data, shapes, MeanSquaredError())
    >>> len(validation.x)
    5
    """
    if data is None:
        fraction = check_fraction(fraction, "validation_split")
        return split_validation(samples, fraction) if fraction else (samples, None)
    if fraction:
        raise ConfigError("validation_split and validation_data exclude each other", fix="Pass one of them.")
    if not (isinstance(data, tuple | list) and len(data) in (2, 3, 4)):
        expected = "(x, y), (x, y, sample_weight) or (x, y, sample_weight, mask)"
        what = f"Invalid validation_data of type {type(data).__name__}"
        raise ConfigError(what, expected=expected, argument="validation_data")
    x, y, weight, mask = (*data, None, None)[:4]
    return samples, validate_training_data(x, y, weight, shapes, loss, "validation ", mask)


def validate_array(value: Any, name: str) -> Float32Array:
    """Return an array-like as float32.

    Args:
        value: An array, a column of a table, nested lists.
        name: Its name in messages.

    Raises:
        DataError: Values that are not numbers, lists of different lengths, or more than fits into memory.

    >>> validate_array([1, 2], "x").dtype
    dtype('float32')
    """
    try:
        array = np.asarray(value)
        if array.dtype.kind in "OSU":
            array = array.astype(np.float64)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"values of type {array.dtype}")
    except (TypeError, ValueError, OverflowError) as error:
        fix = "Convert text and dates to numbers, and give all samples the same shape."
        if _is_ragged(value):
            fix = (
                "The samples differ in length: pad them with gatecast.preprocessing.sequence.pad_sequences, and pass "
                "mask=, which is False at padding."
            )
        raise DataError(f"{name} is not an array of numbers", got=str(error), expected="numbers", fix=fix) from error
    # A broadcast array may have any size; only its copy needs memory.
    check_allocation(4 * array.size, f"{name} of shape {array.shape}")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, np.float32) if array.ndim else array.astype(np.float32)


def validate_inputs(
    x: npt.ArrayLike, in_shape: Shape, name: str = "x", mask: npt.ArrayLike | None = None, mask_name: str = "mask"
) -> tuple[Float32Array, BoolArray | None]:
    """Validate inputs and their mask for the input shape of a network.

    Args:
        x: (N, T, F), or (N, F) for a network without time axis; finite where the mask is True.
        in_shape: (T, F) or (F,); T may be None.
        name: Name of x in messages.
        mask: (N, T) bool, False where a step is skipped; None: no step is skipped.
        mask_name: Name of the mask in messages.

    Returns:
        x (N, T, F) float32, with T = 1 without time axis and 0 in skipped steps; the mask (N, T), or None.

    Raises:
        DataError: A shape that does not fit, NaN or infinity.

    >>> x, mask = validate_inputs([[[1.0], [np.nan]]], (None, 1), mask=[[True, False]])
    >>> x.ravel().tolist(), mask.tolist()
    ([1.0, 0.0], [[True, False]])
    """
    rows = validate_array(x, name)
    expected = "(" + ", ".join(["samples", *("any" if s is None else str(s) for s in in_shape)]) + ")"
    if rows.ndim != len(in_shape) + 1:
        fix = "For one feature over time use x[..., None]; cut a long series into windows first."
        raise DataError(f"{name} has the wrong number of axes", got=str(rows.shape), expected=expected, fix=fix)
    if len(rows) == 0:
        raise DataError(f"{name} is empty", got=str(rows.shape), expected="at least one sample")
    if rows.shape[-1] != in_shape[-1]:
        fix = f"Build the network with Input({(*in_shape[:-1], rows.shape[-1])}), or change x."
        raise DataError(f"{name} has the wrong number of features", got=str(rows.shape), expected=expected, fix=fix)
    if len(in_shape) == 3 and rows.shape[2:] != in_shape[1:]:
        fix = f"Build the network with Input({rows.shape[1:]}), or change x."
        raise DataError(f"{name} has the wrong size of a step", got=str(rows.shape), expected=expected, fix=fix)
    rows = rows.reshape(*rows.shape[:2], -1) if len(in_shape) == 3 else rows  # as the network packs it
    if 0 in rows.shape:
        raise DataError(f"{name} has no steps", got=str(rows.shape), expected="at least one step per sample")
    if in_shape[0] not in (None, rows.shape[1]):
        fix = f"Cut windows of that length, or build the network for any length: Input((None, {in_shape[-1]}))."
        raise DataError(f"{name} has the wrong number of steps", got=str(rows.shape), expected=expected, fix=fix)
    valid_mask = None if mask is None else _validate_mask(mask, rows.shape[:2] if rows.ndim == 3 else None, mask_name)
    if valid_mask is not None:
        rows = np.where(valid_mask[:, :, None], rows, np.float32(0))
    _check_finite(rows, name, ("sample", "time", "feature") if rows.ndim == 3 else ("sample", "feature"))
    return (rows if rows.ndim == 3 else rows[:, None, :]), valid_mask


def sample_shape(x: Float32Array) -> Shape:
    """Return the shape of a sample, with the number of steps left open.

    Args:
        x: (N, T, F) or (N, F).

    Raises:
        DataError: Another number of axes, or no features.

    >>> sample_shape(np.zeros((5, 4, 3), np.float32))
    (None, 3)
    """
    if x.ndim not in (2, 3, 4):
        expected = "(samples, time, features), or (samples, features)"
        raise DataError("x has the wrong number of axes", got=str(x.shape), expected=expected)
    if x.shape[-1] == 0:
        raise DataError("x has no features", got=str(x.shape), expected="at least one")
    return (None, *x.shape[2:]) if x.ndim > 2 else (x.shape[1],)


def split_validation(samples: TrainingData, fraction: float) -> tuple[TrainingData, TrainingData]:
    """Split off the last samples for validation, without shuffling.

    Args:
        samples: At least two.
        fraction: Fraction of the samples to validate on, between 0 and 1.

    Raises:
        DataError: Too few samples for both parts, or a part without a weight above 0.

    >>> first, last = split_validation(TrainingData(np.zeros((10, 1, 1)), np.zeros((10, 1, 1))), 0.2)
    >>> len(first.x), len(last.x)
    (8, 2)
    """
    n_samples = len(samples.x)
    n_training = int(n_samples * (1 - fraction))
    if not 0 < n_training < n_samples:
        raise DataError(
            "validation_split leaves one part without samples",
            got=f"{n_samples} samples and a fraction of {fraction}",
            expected="at least one sample in each part",
        )
    parts = _take(samples, slice(None, n_training)), _take(samples, slice(n_training, None))
    if not all(part.weight is None or part.weight.any() for part in parts):
        raise DataError("validation_split leaves one part without weight", expected="weights above 0 in each part")
    return parts


def weighted(samples: TrainingData, weight: npt.NDArray[np.float32]) -> TrainingData:
    """Return samples whose weights are multiplied.

    Args:
        samples: N samples.
        weight: (N,) factors.

    Raises:
        DataError: No weight above 0 is left.

    >>> samples = TrainingData(np.zeros((2, 1, 1), np.float32), np.zeros((2, 1, 1), np.float32))
    >>> weighted(samples, np.float32([1, 3])).weight.tolist()
    [[1.0], [3.0]]
    """
    before = np.ones(samples.y.shape[:2], np.float32) if samples.weight is None else samples.weight
    weights = before * weight.reshape(-1, *(1,) * (before.ndim - 1))
    if not weights.any():
        expected = "a weight above 0 of a class among the samples"
        raise DataError("class_weight excludes every sample", expected=expected)
    return samples._replace(weight=weights)


def _take(samples: TrainingData, rows: slice) -> TrainingData:
    """Return some of the samples."""
    x, y, weight, mask = samples
    return TrainingData(
        x[rows], y[rows], None if weight is None else weight[rows], None if mask is None else mask[rows]
    )


def _is_ragged(value: Any) -> bool:
    """Return whether a value is a list of sequences of different lengths."""
    if not isinstance(value, list | tuple | np.ndarray) or (isinstance(value, np.ndarray) and value.dtype != object):
        return False
    return len({len(item) for item in value if hasattr(item, "__len__") and not isinstance(item, str)}) > 1


def _validate_mask(mask: npt.ArrayLike, shape: tuple[int, ...] | None, name: str) -> BoolArray:
    """Return a mask as (N, T) bool."""
    if shape is None:
        fix = "Leave it out: without a time axis there are no steps to skip."
        raise DataError(f"{name} does not fit the network", got="a mask of steps", expected="none", fix=fix)
    rows = validate_array(mask, name)
    if rows.shape != shape:
        raise DataError(f"{name} has the wrong shape", got=str(rows.shape), expected=str(shape))
    valid: BoolArray = rows == 1
    if not (valid | (rows == 0)).all():
        got = f"a value of {rows[~(valid | (rows == 0))][0]}"
        raise DataError(f"{name} is not a mask", got=got, expected="True for steps that count, False for others")
    return valid


def _validate_targets(
    y: npt.ArrayLike, sizes: tuple[int | None, ...], weight: Float32Array | None, name: str
) -> Float32Array:
    """Return targets as the network packs them, 0 where the weight is 0.

    `sizes` are N, T or None, M / Q; where steps are sequences N, T, S, M / Q.
    """
    rows = validate_array(y, name)
    n_samples, n_steps, width = sizes[0], sizes[1], sizes[-1]
    shape = tuple(size for size in sizes if size is not None)
    if rows.ndim and len(rows) != n_samples:
        got, expected = f"{n_samples} and {len(rows)}", "one target per sample"
        raise DataError(f"x and {name} differ in length", got=got, expected=expected, fix="Cut both in the same way.")
    if width == 1 and rows.shape == shape[:-1]:
        rows = rows[..., None]
    elif rows.shape == (*shape, 1):
        rows = rows[..., 0]  # as Keras does
    if rows.shape != shape:
        allowed = f"{shape}" + (f" or {shape[:-1]}" if width == 1 else "")
        fix = "With return_sequences=True the last recurrent layer has an output per step, otherwise one per sample."
        if shape[:-1] in (rows.shape, rows.shape[:-1]):
            n = rows.shape[-1] if rows.ndim == len(shape) else 1
            fix = f"Give the last layer as many units as {name} has values, Dense({n}), or change {name}."
        raise DataError(f"{name} does not fit the network's output", got=str(rows.shape), expected=allowed, fix=fix)
    rows = rows.reshape(len(rows), n_steps or 1, -1)
    if weight is not None and not weight.all():
        # Metrics that ignore the weights need the values; those that are unknown may be anything.
        by_value = weight if weight.ndim == 3 else weight[:, :, None]
        rows = np.where((by_value == 0) & ~np.isfinite(rows), np.float32(0), rows)
    _check_finite(rows, name, ("sample", "time", "output"))
    return rows


def _validate_weight(
    weight: npt.ArrayLike | ValueWeights, n_samples: int, n_steps: int | None, name: str
) -> Float32Array:
    """Return weights as (N, T or 1), from (N,) or (N, T); those of values as they are."""
    if isinstance(weight, ValueWeights):
        if len(weight.rows) != n_samples:
            expected = f"{n_samples} weights, as x has samples"
            raise DataError(f"{name} has the wrong length", got=str(len(weight.rows)), expected=expected)
        return weight.rows
    rows = validate_array(weight, name)
    shape = (n_samples, n_steps or 1)
    if rows.shape == (n_samples,):
        rows = np.repeat(rows[:, None], shape[1], axis=1)
    if rows.shape != shape:
        expected = f"({n_samples},)" + ("" if n_steps is None else f" or {shape}")
        raise DataError(f"{name} has the wrong shape", got=str(rows.shape), expected=expected)
    _check_finite(rows, name, ("sample", "time"))
    if rows.min() < 0 or not rows.any():
        got = "a negative weight" if rows.min() < 0 else "zeros only"
        raise DataError(f"Invalid {name}", got=got, expected="non-negative numbers, at least one above 0")
    return rows


def _check_finite(rows: Float32Array, name: str, axes: tuple[str, ...]) -> None:
    """Raise an error that locates the first NaN or infinity."""
    finite = np.isfinite(rows)
    if finite.all():
        return
    first = np.argwhere(~finite)[0]
    fix = "Fill or drop them, or scale values beyond 3e38."
    if name.endswith("y"):
        fix += " A target with sample_weight 0 may be NaN."
    raise DataError(
        f"{name} has {finite.size - int(finite.sum())} values that are not finite",
        where="first at " + ", ".join(f"{axis} {k}" for axis, k in zip(axes, first, strict=True)),
        got=str(rows[tuple(first)]),
        expected="finite numbers",
        fix=fix,
    )
