"""Metrics that accumulate over batches, under their names in Keras: for `Sequential.compile(metrics=...)`.

Shapes: N samples, T time, M outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from gatecast._utils.keywords import CheckedKeywords
from gatecast._utils.validation import check_flag, check_fraction, check_positive
from gatecast.errors import ConfigError, DataError
from gatecast.metrics import functions
from gatecast.metrics.functions import align
from gatecast.metrics.variables import MetricVariable

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CosineSimilarity",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "R2Score",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "Sum",
]


_NUMBERS = {"zeros": 0.0, "zero": 0.0, "Zeros": 0.0, "ones": 1.0, "one": 1.0, "Ones": 1.0}
"""What initializers of sums stand for."""


class _StartsReset(CheckedKeywords):
    """Class of metrics: those whose sums are made behind `Metric.__init__` are reset when they are complete."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Make a metric; a mistake in its `reset_state` is raised here, and not by the first `fit`."""
        metric = super().__call__(*args, **kwargs)
        if vars(metric).pop("_is_incomplete", False):
            metric.reset_state()
        return metric


class Metric(metaclass=_StartsReset):
    """A metric of batches. To write one, derive from it and define `update_state`, `result` and `reset_state`.

    Args:
        name: Its name in the history; None: that of the class, in lower case.
        dtype: For scripts written for Keras; sums are in float64.

    >>> metric = MeanAbsoluteError()
    >>> metric.update_state([1.0, 2.0], [1.0, 4.0])
    >>> metric.update_state([1.0], [1.0])
    >>> round(metric.result(), 4), metric.name
    (0.6667, 'mean_absolute_error')
    """

    default_name: ClassVar[str] = ""
    direction: ClassVar[str | None] = None
    """"down" if less is better, "up" if more is; None: unknown. Callbacks with mode="auto" read it."""

    reads_masks: ClassVar[bool] = False
    """Whether steps that layers mask do not count, as in means of functions of Keras."""

    settings: ClassVar[tuple[str, ...]] = ()
    """Names of the arguments beyond `name` and `dtype` that are attributes, for `get_config`."""

    def __init__(self, name: str | None = None, dtype: object = None) -> None:
        self.name, self.dtype = name or self.default_name or type(self).__name__.lower(), dtype
        # What a user's class resets may be made behind this call, as in Keras.
        try:
            self.reset_state()
        except AttributeError:
            vars(self)["_is_incomplete"] = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(self, y_true, y_pred, ...)")

    def result(self) -> float:
        """Return the value over all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} must define result(self)")

    def reset_state(self) -> None:
        """Forget all batches: sums that `add_weight` has made are what they were, also those of metrics within."""
        for variable in self._own_variables:
            variable.assign(variable.initial)
        for metric in self._inner_metrics().values():
            metric.reset_state()

    @property
    def variables(self) -> list[MetricVariable]:
        """What `add_weight` has made, also that of metrics that are attributes."""
        return [*self._own_variables, *(v for metric in self._inner_metrics().values() for v in metric.variables)]

    @property
    def _own_variables(self) -> list[MetricVariable]:
        """What `add_weight` has made, wherever a class keeps it; there before `__init__`, which it may precede."""
        variables: list[MetricVariable] = vars(self).setdefault("_variables", [])
        return variables

    def _inner_metrics(self) -> dict[str, Metric]:
        """Metrics that are attributes, by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Metric)}

    def add_weight(
        self,
        *args: Any,
        shape: Any = (),
        initializer: Any = "zeros",
        dtype: object = None,  # noqa: ARG002
        name: str | None = None,
    ) -> MetricVariable:
        """Return a sum with `assign`, `assign_add` and arithmetic, as in Keras; plain attributes do as well.

        Args:
            *args: Shape, initializer, dtype and name in this order, or the name first, as in Keras 2.
            shape: Its shape.
            initializer: Values at the start: a name, an initializer, or a number.
            dtype: For scripts written for Keras; sums are in float64.
            name: Its name.

        Raises:
            ConfigError: An unknown initializer.

        >>> Metric().add_weight(name="total", initializer="zeros")
        <MetricVariable total 0.0>
        """
        if args and isinstance(args[0], str):
            name, args = args[0], args[1:]
        shape = args[0] if args else shape
        initializer = args[1] if len(args) > 1 else initializer
        sizes = (int(shape),) if np.ndim(shape) == 0 else tuple(shape)
        value = _NUMBERS.get(initializer, initializer) if isinstance(initializer, str) else initializer
        if isinstance(value, type):
            value = value()
        if isinstance(value, str):
            fix = "Write a number, or 'zeros' or 'ones'."
            raise ConfigError(f"Unknown initializer {value!r}", where="add_weight", fix=fix, argument="initializer")
        variable = MetricVariable(value(sizes) if callable(value) else np.full(sizes, value), name or "")
        self._own_variables.append(variable)
        return variable

    add_variable = add_weight

    def get_config(self) -> dict[str, Any]:
        """Return the arguments by name.

        >>> BinaryAccuracy("sure", threshold=0.9).get_config()
        {'name': 'sure', 'dtype': None, 'threshold': 0.9}
        """
        return {name: getattr(self, name) for name in ("name", "dtype", *self.settings)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Metric:
        """Return a metric from `get_config`."""
        metric: Metric = cls(**config)
        return metric

    def get_state(self) -> dict[str, Any]:
        """Return the sums so far: `variables`, and attributes that are numbers or arrays; not in Keras."""
        numbers = {name: value for name, value in vars(self).items() if isinstance(value, int | float | np.ndarray)}
        state = {name: value for name, value in numbers.items() if name not in self.settings}
        state |= {f"variables.{k}": variable.value for k, variable in enumerate(self._own_variables)}
        for outer, metric in self._inner_metrics().items():
            state |= {f"{outer}.{name}": value for name, value in metric.get_state().items()}
        return state

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from `get_state`."""
        inner = self._inner_metrics()
        for name, value in state.items():
            before, _, after = name.partition(".")
            if before in inner:
                inner[before].set_state({after: value})
            elif after:
                variable = self._own_variables[int(after)]
                variable.assign(np.reshape(value, variable.shape))
            else:
                vars(self)[name] = value

    def __call__(self, *args: Any, **kwargs: Any) -> float:
        """Add a batch, and return the value over all of them."""
        self.update_state(*args, **kwargs)
        return self.result()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class Sum(Metric):
    """Weighted sum of values.

    >>> Sum()([1.0, 2.0])
    3.0
    """

    default_name = "sum"

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Add values."""
        values, weight = np.asarray(values, np.float64), 1.0 if sample_weight is None else np.asarray(sample_weight)
        self.total += float((values * weight).sum())

    def result(self) -> float:
        """Return the sum."""
        return self.total

    def reset_state(self) -> None:
        """Forget all values."""
        self.total = 0.0


class _Average(Metric):
    """A weighted mean of values; 0 of none, as in Keras."""

    def _add(self, values: npt.NDArray[Any], sample_weight: Any) -> None:
        """Add values with a weight each, or one for several of them."""
        values = values.astype(np.float64)
        if sample_weight is None:
            self.total += float(values.sum())
            self.count += values.size
            return
        weight = np.asarray(sample_weight, np.float64)
        if weight.ndim > values.ndim and weight.shape[-1] == 1:
            weight = weight[..., 0]
        try:
            weight = np.broadcast_to(weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim)), values.shape)
        except ValueError:
            got, expected = f"{np.shape(sample_weight)} for values {values.shape}", "a weight for each of them"
            raise DataError("sample_weight does not fit", where=self.name, got=got, expected=expected) from None
        self.total += float((values * weight).sum())
        self.count += float(weight.sum())

    def result(self) -> float:
        """Return the mean."""
        return self.total / self.count if self.count else 0.0

    def reset_state(self) -> None:
        """Forget all batches."""
        self.total, self.count = 0.0, 0.0


class Mean(_Average):
    """Weighted mean of values; 0 of none.

    >>> Mean()([1.0, 2.0], sample_weight=[1.0, 3.0])
    1.75
    """

    default_name = "mean"

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Add values."""
        self._add(np.asarray(values, np.float64), sample_weight)


class MeanMetricWrapper(_Average):
    """Mean of a function of targets and predictions.

    Args:
        fn: Function of (y_true, y_pred); returns a value per sample, per step, or one for the batch.
        name: Its name in the history; None: that of the function.
        dtype: For scripts written for Keras.
        **kwargs: Passed to the function.

    >>> MeanMetricWrapper(lambda y_true, y_pred: abs(y_true - y_pred), name="error")(np.ones(2), np.full(2, 3.0))
    2.0
    """

    reads_masks = True

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: object = None, **kwargs: Any) -> None:
        super().__init__(name or getattr(fn, "__name__", type(fn).__name__), dtype)
        self._fn, self._kwargs = fn, kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        values = np.asarray(self._fn(y_true, y_pred, **self._kwargs), np.float64)
        if sample_weight is not None and values.ndim == 0:
            sample_weight = np.mean(sample_weight)
        self._add(values, sample_weight)


class _FunctionMean(_Average):
    """The mean of one of the functions of `gatecast.metrics.functions`."""

    direction: ClassVar[str | None] = "down"
    reads_masks = True
    function: ClassVar[Callable[..., Any]]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: (N, M), (N, T, M), or without the last axis if M = 1.
            y_pred: The same.
            sample_weight: (N,), or (N, T) with a time axis; None: all 1.
        """
        options = {name: getattr(self, name) for name in self.settings}
        self._add(np.asarray(type(self).function(y_true, y_pred, **options), np.float64), sample_weight)


class MeanSquaredError(_FunctionMean):
    """Mean of ``(p - y)^2``.

    >>> MeanSquaredError()([1.0, 2.0], [1.0, 4.0])
    2.0
    """

    default_name, function = "mean_squared_error", staticmethod(functions.mean_squared_error)


class RootMeanSquaredError(_FunctionMean):
    """Root of the mean of ``(p - y)^2`` over all batches.

    >>> RootMeanSquaredError()([1.0, 2.0], [1.0 + 2**0.5, 2.0 + 2**0.5]).__round__(6)
    1.414214
    """

    default_name, function = "root_mean_squared_error", staticmethod(functions.mean_squared_error)
    reads_masks = False

    def result(self) -> float:
        """Return the root of the mean."""
        return float(np.sqrt(super().result()))


class MeanAbsoluteError(_FunctionMean):
    """Mean of ``|p - y|``.

    >>> MeanAbsoluteError()([1.0, 2.0], [1.0, 4.0])
    1.0
    """

    default_name, function = "mean_absolute_error", staticmethod(functions.mean_absolute_error)


class MeanAbsolutePercentageError(_FunctionMean):
    """Mean of ``100 |p - y| / max(|y|, 1e-7)``.

    >>> MeanAbsolutePercentageError()([2.0], [3.0])
    50.0
    """

    default_name = "mean_absolute_percentage_error"
    function = staticmethod(functions.mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(_FunctionMean):
    """Mean of ``(log(1 + p) - log(1 + y))^2``.

    >>> round(MeanSquaredLogarithmicError()([0.0], [1.0]), 4)
    0.4805
    """

    default_name = "mean_squared_logarithmic_error"
    function = staticmethod(functions.mean_squared_logarithmic_error)


class LogCoshError(_FunctionMean):
    """Mean of ``log(cosh(p - y))``.

    >>> round(LogCoshError()([0.0], [100.0]), 4)
    99.3069
    """

    default_name, function = "logcosh", staticmethod(functions.log_cosh)


class CosineSimilarity(_FunctionMean):
    """Mean cosine of the angle between outputs and targets.

    Args:
        name: Its name in the history.
        dtype: For scripts written for Keras.
        axis: The axis along which the angle is taken.

    >>> CosineSimilarity()([[0.0, 1.0]], [[0.0, 2.0]])
    1.0
    """

    default_name, function, direction = "cosine_similarity", staticmethod(functions.cosine_similarity), "up"
    settings = ("axis",)

    def __init__(self, name: str | None = None, dtype: object = None, axis: int = -1) -> None:
        super().__init__(name, dtype)
        self.axis = _check_axis(axis, "CosineSimilarity")


class BinaryCrossentropy(_FunctionMean):
    """Mean of ``-y log(p) - (1 - y) log(1 - p)``.

    Args:
        name: Its name in the history.
        dtype: For scripts written for Keras.
        from_logits: Whether the predictions are logits x, with ``p = sigmoid(x)``.
        label_smoothing: Moves the labels towards 0.5: ``y (1 - s) + s / 2``.

    >>> round(BinaryCrossentropy()([1.0], [0.5]), 4)
    0.6931
    """

    default_name, function = "binary_crossentropy", staticmethod(functions.binary_crossentropy)
    settings = ("from_logits", "label_smoothing")

    def __init__(
        self,
        name: str | None = None,
        dtype: object = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = check_flag(from_logits, "from_logits", where="BinaryCrossentropy")
        self.label_smoothing = check_fraction(label_smoothing, "label_smoothing", where="BinaryCrossentropy")


class CategoricalCrossentropy(_FunctionMean):
    """Mean of ``-sum(y log(p))``.

    Args:
        name: Its name in the history.
        dtype: For scripts written for Keras.
        from_logits: Whether the predictions are logits x, with ``p = softmax(x)``.
        label_smoothing: Moves the labels towards 1 / M: ``y (1 - s) + s / M``.
        axis: The axis of the classes.

    >>> round(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 4)
    0.6931
    """

    default_name, function = "categorical_crossentropy", staticmethod(functions.categorical_crossentropy)
    settings = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        name: str | None = None,
        dtype: object = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = check_flag(from_logits, "from_logits", where="CategoricalCrossentropy")
        self.label_smoothing = check_fraction(label_smoothing, "label_smoothing", where="CategoricalCrossentropy")
        self.axis = _check_axis(axis, "CategoricalCrossentropy")


class Accuracy(_FunctionMean):
    """Share of predictions that equal the target.

    >>> Accuracy()([1.0, 2.0], [1.0, 3.0])
    0.5
    """

    default_name, direction = "accuracy", "up"

    @staticmethod
    def function(y_true: Any, y_pred: Any) -> Any:
        """Return the share by sample."""
        true, pred = align(y_true, y_pred)
        return (true == pred).mean(axis=-1)


class BinaryAccuracy(_Average):
    """Share of labels 0 and 1 that are right.

    Args:
        name: Its name in the history.
        dtype: For scripts written for Keras.
        threshold: Predictions above it count as 1; between 0 and 1.

    Raises:
        ConfigError: Another threshold.

    >>> BinaryAccuracy()([1.0, 0.0], [0.7, 0.6])
    0.5
    """

    default_name, direction = "binary_accuracy", "up"
    settings = ("threshold",)
    reads_masks = True

    def __init__(self, name: str | None = None, dtype: object = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype)
        if check_positive(threshold, "threshold", where="BinaryAccuracy") >= 1:
            expected = "a number between 0 and 1"
            what = f"Invalid threshold {threshold!r}"
            raise ConfigError(what, where="BinaryAccuracy", expected=expected, argument="threshold")
        self.threshold = float(threshold)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        true, pred = align(y_true, y_pred)
        self._add((true == (pred > self.threshold)).mean(axis=-1), sample_weight)


class CategoricalAccuracy(_FunctionMean):
    """Share of samples whose largest output is the class of a one-hot target.

    >>> CategoricalAccuracy()([[0.0, 1.0]], [[0.3, 0.7]])
    1.0
    """

    default_name, direction = "categorical_accuracy", "up"

    @staticmethod
    def function(y_true: Any, y_pred: Any) -> Any:
        """Return 1 for each sample that is right."""
        true, pred = align(y_true, y_pred)
        return true.argmax(axis=-1) == pred.argmax(axis=-1)


class SparseCategoricalAccuracy(_FunctionMean):
    """Share of samples whose largest output is the class that the target numbers.

    >>> SparseCategoricalAccuracy()([1], [[0.3, 0.7]])
    1.0
    """

    default_name, direction = "sparse_categorical_accuracy", "up"

    @staticmethod
    def function(y_true: Any, y_pred: Any) -> Any:
        """Return 1 for each sample that is right."""
        true, pred = np.asarray(y_true), np.asarray(y_pred)
        return (true[..., 0] if true.ndim == pred.ndim else true) == pred.argmax(axis=-1)


class R2Score(Metric):
    """Coefficient of determination, ``1 - sum((p - y)^2) / sum((y - mean(y))^2)``, averaged over outputs.

    Args:
        class_aggregation: "uniform_average" over outputs, "variance_weighted_average", or None for all of them.
        num_regressors: Number of regressors for the adjusted score; only 0.
        name: Its name in the history.
        dtype: For scripts written for Keras.

    >>> round(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]), 4)
    0.5714
    """

    default_name, direction = "r2_score", "up"
    settings = ("class_aggregation",)
    sums: npt.NDArray[np.float64]
    """Sums of y, y^2 and (p - y)^2 by output, (3, M)."""

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
        dtype: object = None,
    ) -> None:
        if class_aggregation not in ("uniform_average", "variance_weighted_average", None) or num_regressors:
            raise ConfigError(
                "Invalid class_aggregation or num_regressors",
                where="R2Score",
                expected='"uniform_average", "variance_weighted_average" or None, and num_regressors=0',
            )
        super().__init__(name, dtype)
        self.class_aggregation = class_aggregation

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch, (N, M)."""
        true, pred = (a.reshape(-1, a.shape[-1]).astype(np.float64) for a in align(y_true, y_pred))
        weight = np.ones(len(true)) if sample_weight is None else np.asarray(sample_weight, np.float64).ravel()
        weight = np.repeat(weight, len(true) // len(weight))[:, None]
        self.weight += float(weight.sum())
        self.sums = self.sums + np.stack(
            [(weight * a).sum(axis=0) for a in (true, np.square(true), np.square(true - pred))]
        )

    def result(self) -> Any:
        """Return the score; that of an output without variance is 0, as in Keras."""
        total, squares, residuals = self.sums
        if not self.weight:
            return 0.0
        spread = squares - total * total / self.weight
        with np.errstate(divide="ignore", invalid="ignore"):
            raw = 1 - residuals / spread
        scores = np.where(np.isfinite(raw), raw, 0.0)
        if self.class_aggregation is None:
            return scores
        if self.class_aggregation == "variance_weighted_average":
            return float((spread * scores).sum() / spread.sum())
        return float(scores.mean())

    def reset_state(self) -> None:
        """Forget all batches."""
        self.weight, self.sums = 0.0, np.zeros((3, 1))


def _check_axis(axis: Any, where: str) -> int:
    """Return an axis of targets and predictions."""
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        raise ConfigError(f"Invalid axis {axis!r}", where=where, expected="an integer such as -1", argument="axis")
    return int(axis)
