"""The door of a network: what the caller has becomes checked float32 arrays, or an error that says why not.

Letters: N samples, T time, F features, M outputs, Q predictions a target value. Inside there is no NaN.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_fraction
from gatecast.errors import ConfigError, DataError
from gatecast.kernels.packing import Array
from gatecast.nn.layers import Shape
from gatecast.nn.losses import Loss
from gatecast.nn.memory_limits import check_allocation

__all__ = [
    "Mask",
    "TrainingData",
    "sample_shape",
    "split",
    "validate_array",
    "validate_inputs",
    "validate_training_data",
    "validate_validation_data",
]

Mask = npt.NDArray[np.bool_]


class TrainingData(NamedTuple):
    """What a network learns from; every array float32 and finite."""

    x: Array
    """(N, T, F); T = 1 if the network's input has no time axis."""
    y: Array
    """(N, T or 1, M / Q)."""
    weight: Array | None = None
    """(N, T or 1), or (N, T or 1, M / Q) for a weight of each value; not negative. None: all 1."""
    mask: Mask | None = None
    """(N, T); False where a step is to be skipped."""


def validate_training_data(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    weight: npt.ArrayLike | None,
    shapes: tuple[Shape, Shape],
    loss: Loss,
    name: str = "",
    mask: npt.ArrayLike | None = None,
) -> TrainingData:
    """Check inputs, targets, weights and mask against a network and a loss.

    Args:
        x: (N, T, F), or (N, F) for a network without time axis; finite where the mask is True.
        y: (N, M), (N,) if M = 1, (N, T, M), or (N, T) if M = 1; finite where the weight is not 0.
        weight: (N,) or (N, T) or None; finite and not negative. A skipped step has weight 0.
        shapes: Of the network's input and output.
        loss: How many predictions stand for a target value.
        name: Put before the names of the arrays in messages.
        mask: (N, T) bool, False where a step is to be skipped; None: none is.

    Raises:
        DataError: A shape that does not fit, or numbers that cannot be used.

    >>> from gatecast.nn.losses import MeanSquaredError
    >>> samples = validate_training_data([[[1]], [[2]]], [3, 4], None, ((1, 1), (1,)), MeanSquaredError())
    >>> samples.x.shape, samples.y.shape
    ((2, 1, 1), (2, 1, 1))
    """
    x, mask = validate_inputs(x, shapes[0], f"{name}x", mask, f"{name}mask")
    steps = x.shape[1] if len(shapes[1]) == 2 else None
    read_weight = None if weight is None else _read_weight(weight, len(x), steps, f"{name}sample_weight")
    if mask is not None and steps is not None:
        read_weight = np.float32(mask) if read_weight is None else read_weight * mask
        if not read_weight.any():
            expected = "at least one step with a weight above 0"
            raise DataError(f"{name}mask and {name}sample_weight leave nothing to learn from", expected=expected)
    width = shapes[1][-1] or 1
    if width % loss.width:
        raise DataError(
            "the network's outputs do not fit the loss",
            got=f"{width} outputs",
            expected=f"a multiple of {loss.width}, the predictions that {loss} makes for a target value",
        )
    targets = _read_targets(y, len(x), steps, width // loss.width, read_weight, f"{name}y")
    return TrainingData(x, targets, read_weight, mask)


def validate_validation_data(
    samples: TrainingData, share: float, data: Any, shapes: tuple[Shape, Shape], loss: Loss
) -> tuple[TrainingData, TrainingData | None]:
    """What to learn from and what to judge by, as `fit` is told.

    Args:
        samples: All that there are to learn from.
        share: Of them that goes to validation.
        data: (x, y), (x, y, sample_weight) or (x, y, sample_weight, mask), each as for `read_samples`; or None.
        shapes: Of the network's input and output.
        loss: As for `read_samples`.

    Raises:
        ConfigError: Both were given, or something else than such a tuple.
        DataError: Arrays that do not fit, or a share that leaves one part empty.

    >>> from gatecast.nn.losses import MeanSquaredError
    >>> x = np.zeros((5, 1, 1), np.float32)
    >>> _, judges = validate_validation_data(TrainingData(x, x), 0, (x, x[:, 0]), ((1, 1), (1,)), MeanSquaredError())
    >>> len(judges.x)
    5
    """
    if data is None:
        return split(samples, check_fraction(share, "validation_split")) if share else (samples, None)
    if share:
        raise ConfigError("validation_split and validation_data exclude each other", fix="Give one of them.")
    if not (isinstance(data, tuple | list) and len(data) in (2, 3, 4)):
        expected = "(x, y), (x, y, sample_weight) or (x, y, sample_weight, mask)"
        raise ConfigError("validation_data is not a pair", got=type(data).__name__, expected=expected)
    x, y, weight, mask = (*data, None, None)[:4]
    return samples, validate_training_data(x, y, weight, shapes, loss, "validation ", mask)


def validate_array(value: Any, name: str) -> Array:
    """Any array-like as float32.

    Args:
        value: An array, a table column, nested lists.
        name: What messages call it.

    Raises:
        DataError: Something that is not made of numbers, lists of different lengths, or more than fits into memory.

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
        fix = "Turn text and dates into numbers first; all samples need the same shape."
        raise DataError(f"{name} is not an array of numbers", got=str(error), expected="numbers", fix=fix) from error
    # A broadcast array may claim any size; only a copy takes it from the machine.
    check_allocation(4 * array.size, f"{name} of shape {array.shape}")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, np.float32) if array.ndim else array.astype(np.float32)


def validate_inputs(
    x: npt.ArrayLike, in_shape: Shape, name: str = "x", mask: npt.ArrayLike | None = None, mask_name: str = "mask"
) -> tuple[Array, Mask | None]:
    """Check inputs, and which of their steps count, against the shape that a network takes.

    Args:
        x: (N, T, F), or (N, F) for a network without time axis; finite where the mask is True.
        in_shape: (T, F) or (F,); T may be None.
        name: What messages call it.
        mask: (N, T) bool, False where a step is to be skipped; None: none is.
        mask_name: What messages call the mask.

    Returns:
        x (N, T, F) float32, T = 1 without time axis, 0 in steps that are skipped; and the mask (N, T) or None.

    Raises:
        DataError: A shape that does not fit, or numbers that cannot be used.

    >>> x, mask = validate_inputs([[[1.0], [np.nan]]], (None, 1), mask=[[True, False]])
    >>> x.ravel().tolist(), mask.tolist()
    ([1.0, 0.0], [[True, False]])
    """
    rows = validate_array(x, name)
    expected = "(" + ", ".join(["samples", *("any" if s is None else str(s) for s in in_shape)]) + ")"
    if rows.ndim != len(in_shape) + 1:
        fix = "One feature over time is x[..., None]; one long series must be cut into windows first."
        raise DataError(f"{name} has the wrong number of axes", got=str(rows.shape), expected=expected, fix=fix)
    if len(rows) == 0:
        raise DataError(f"{name} is empty", got=str(rows.shape), expected="at least one sample")
    if rows.shape[-1] != in_shape[-1]:
        fix = f"Build the network with Input({(*in_shape[:-1], rows.shape[-1])}), or change x."
        raise DataError(f"{name} has the wrong number of features", got=str(rows.shape), expected=expected, fix=fix)
    if 0 in rows.shape:
        raise DataError(f"{name} has no steps", got=str(rows.shape), expected="at least one step a sample")
    if in_shape[0] not in (None, rows.shape[1]):
        fix = f"Cut windows of that length, or build the network for any: Input((None, {in_shape[-1]}))."
        raise DataError(f"{name} has the wrong number of steps", got=str(rows.shape), expected=expected, fix=fix)
    read = None if mask is None else _read_mask(mask, rows.shape[:2] if rows.ndim == 3 else None, mask_name)
    if read is not None:
        rows = np.where(read[:, :, None], rows, np.float32(0))
    _require_finite(rows, name, ("sample", "time", "feature") if rows.ndim == 3 else ("sample", "feature"))
    return (rows if rows.ndim == 3 else rows[:, None, :]), read


def sample_shape(x: Array) -> Shape:
    """The shape of one of the samples, for any number of steps.

    Args:
        x: (N, T, F) or (N, F).

    Raises:
        DataError: Another number of axes, or no features.

    >>> sample_shape(np.zeros((5, 4, 3), np.float32))
    (None, 3)
    """
    if x.ndim not in (2, 3):
        expected = "(samples, time, features), or (samples, features)"
        raise DataError("x has the wrong number of axes", got=str(x.shape), expected=expected)
    if x.shape[-1] == 0:
        raise DataError("x has no features", got=str(x.shape), expected="at least one")
    return (None, x.shape[2]) if x.ndim == 3 else (x.shape[1],)


def split(samples: TrainingData, share: float) -> tuple[TrainingData, TrainingData]:
    """Set the last samples aside for validation, in the order given: nothing is shuffled before.

    Args:
        samples: At least two.
        share: Of the samples that go to validation, between 0 and 1.

    Raises:
        DataError: Too few samples for both parts, or a part with zero weights only.

    >>> first, last = split(TrainingData(np.zeros((10, 1, 1)), np.zeros((10, 1, 1))), 0.2)
    >>> len(first.x), len(last.x)
    (8, 2)
    """
    count = len(samples.x)
    kept = int(count * (1 - share))
    if not 0 < kept < count:
        raise DataError(
            "validation_split leaves one part without samples",
            got=f"{count} samples and a share of {share}",
            expected="at least one sample on either side",
        )
    parts = _cut(samples, slice(None, kept)), _cut(samples, slice(kept, None))
    if not all(part.weight is None or part.weight.any() for part in parts):
        raise DataError("validation_split leaves one part without weight", expected="weights above 0 on either side")
    return parts


def _cut(samples: TrainingData, part: slice) -> TrainingData:
    """Some of the samples."""
    x, y, weight, mask = samples
    return TrainingData(
        x[part], y[part], None if weight is None else weight[part], None if mask is None else mask[part]
    )


def _read_mask(mask: npt.ArrayLike, shape: tuple[int, ...] | None, name: str) -> Mask:
    """(N, T) bool."""
    if shape is None:
        fix = "Leave it out: without a time axis there are no steps to skip."
        raise DataError(f"{name} does not fit the network", got="a mask of steps", expected="none", fix=fix)
    rows = validate_array(mask, name)
    if rows.shape != shape:
        raise DataError(f"{name} has the wrong shape", got=str(rows.shape), expected=str(shape))
    read: Mask = rows == 1
    if not (read | (rows == 0)).all():
        got = f"a value of {rows[~(read | (rows == 0))][0]}"
        raise DataError(f"{name} is not a mask", got=got, expected="True for steps that count, False for others")
    return read


def _read_targets(
    y: npt.ArrayLike, count: int, steps: int | None, width: int, weight: Array | None, name: str
) -> Array:
    """(N, T or 1, width) from the shapes that are allowed for y; zero where the weight is zero."""
    rows = validate_array(y, name)
    shape = (count, width) if steps is None else (count, steps, width)
    if rows.ndim and len(rows) != count:
        fix = "Every sample needs its target: cut both at the same place."
        raise DataError(
            f"x and {name} differ in length", got=f"{count} and {len(rows)}", expected="one y an x", fix=fix
        )
    if width == 1 and rows.shape == shape[:-1]:
        rows = rows[..., None]
    if rows.shape != shape:
        allowed = f"{shape}" + (f" or {shape[:-1]}" if width == 1 else "")
        fix = "With return_sequences=True the last recurrent layer gives a value a step, else one a sample."
        raise DataError(f"{name} does not fit the network's output", got=str(rows.shape), expected=allowed, fix=fix)
    rows = rows.reshape(count, 1 if steps is None else steps, width)
    if weight is not None and not weight.all():
        rows = np.where(weight[:, :, None] == 0, np.float32(0), rows)
    _require_finite(rows, name, ("sample", "time", "output"))
    return rows


def _read_weight(weight: npt.ArrayLike, count: int, steps: int | None, name: str) -> Array:
    """(N, T or 1) from (N,) or (N, T)."""
    rows = validate_array(weight, name)
    wide = (count, 1 if steps is None else steps)
    if rows.shape == (count,):
        rows = np.repeat(rows[:, None], wide[1], axis=1)
    if rows.shape != wide:
        expected = f"({count},)" + ("" if steps is None else f" or {wide}")
        raise DataError(f"{name} has the wrong shape", got=str(rows.shape), expected=expected)
    _require_finite(rows, name, ("sample", "time"))
    if rows.min() < 0 or not rows.any():
        got = "a negative weight" if rows.min() < 0 else "zeros only"
        raise DataError(f"{name} cannot be weights", got=got, expected="numbers from 0 up, some of them above 0")
    return rows


def _require_finite(rows: Array, name: str, axes: tuple[str, ...]) -> None:
    """Refuse NaN and infinity, and say where the first one is."""
    finite = np.isfinite(rows)
    if finite.all():
        return
    first = np.argwhere(~finite)[0]
    fix = "Fill or drop them, or scale values beyond 3e38."
    if name.endswith("y"):
        fix += " A target with sample_weight 0 is not looked at."
    raise DataError(
        f"{name} has {finite.size - int(finite.sum())} values that are not finite",
        where="the first in " + ", ".join(f"{axis} {k}" for axis, k in zip(axes, first, strict=True)),
        got=str(rows[tuple(first)]),
        expected="finite numbers",
        fix=fix,
    )
