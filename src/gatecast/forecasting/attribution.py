"""A network's forecast of one series as a function of what it is read from, with its gradient.

Shapes: T columns, n columns known beyond the end, P points, N variables, F future, G historic, E static columns.

The variables of a network are::

    z        what it reads of the series: less the last value, in units of the mean change
    columns  known at every step, historic ones, static ones, in standard deviations
    shares   slope times column of the step that is forecast, of each future column: what the regression adds

All are 0 for a series that stays at its last level, with columns at their mean. Seasonal indices, scale and last value,
and where the level lies in the range of the series, are held fixed: they say how a series is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.scaling import SeriesScaler
from gatecast.kernels.packing import Array, pack, unpack
from gatecast.nn.inspection.attributions import ValueAndGrad, vjp_through
from gatecast.nn.network import Network, Weights, forward

__all__ = [
    "AttributionBins",
    "AttributionTarget",
    "DifferentiablePath",
    "Readout",
    "differentiable_path",
    "make_bins",
    "unit_of_series",
]


InputGradient = Callable[[FloatArray, FloatArray], list[FloatArray]]
"""Gradients of the inputs [P, n_origins, .] and of the level [P] -> those of each kind of variables, [P, .]."""

Inputs = Callable[[list[FloatArray]], tuple[Array, FloatArray, InputGradient]]
"""Variables by kind -> what a network reads [P, n_origins, .], the level that it starts from [P], and the gradient."""

Unit = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray, FloatArray]]
"""Of [P] numbers in units of the mean change and [P] effects: values, and their gradients with respect to both."""


class AttributionBins(NamedTuple):
    """Numbers of what variables are summed into. A column of categories is one column here: c future ones, g, e."""

    past: IntArray
    """Values of the series, [T]."""
    futr_exog: IntArray
    """Future columns, [T + n, c]."""
    hist_exog: IntArray
    """Historic columns, [T, g]."""
    stat_exog: IntArray
    """Static columns, [e]."""
    effects: IntArray
    """What the regression adds, [c]."""
    groups: tuple[IntArray, IntArray, IntArray]
    """Which column each one that is read belongs to, [F], [G] and [E]."""

    @property
    def total(self) -> int:
        """Number of bins."""
        return sum(part.size for part in self[:5])


class AttributionTarget(NamedTuple):
    """Which number of a forecast is explained, and what the regression does to it."""

    step: int
    """From 0."""
    quantile: int
    """From 0."""
    shares: FloatArray
    """Slope times column, of that step, [F]."""
    positive: bool
    """Whether they are the logarithms of factors; if not, they are added in units of `unit`."""
    unit: float
    season: float = 1.0
    """Factor of the season that the panel shows."""


class DifferentiablePath(NamedTuple):
    """From a flat series to one as it is."""

    value: Callable[[FloatArray], FloatArray]
    """Variables [P, N] -> forecasts [P]."""
    value_and_grad: ValueAndGrad
    """The same, and the gradients."""
    actual: FloatArray
    """Variables as they are, [1, N]; a flat series has 0."""
    bins: IntArray
    """What each is summed into, [N]."""


class Readout(NamedTuple):
    """The number that is explained as a weighted sum of what the network puts out, and a constant."""

    weights: FloatArray
    constant: float = 0.0


def make_bins(
    T: int, n: int, groups: tuple[IntArray, IntArray, IntArray], counts: tuple[int, int, int]
) -> AttributionBins:
    """Number the bins.

    Args:
        T: Columns of the context.
        n: Columns known beyond them.
        groups: Which future, historic and static column each one that is read belongs to, [F], [G] and [E].
        counts: Number of columns of each kind: c, g and e.

    Example:
        >>> bins = make_bins(2, 1, (np.array([0, 0]), np.array([0]), np.array([], int)), (1, 1, 0))
        >>> bins.past.tolist(), bins.futr_exog.tolist(), bins.hist_exog.tolist(), bins.effects.tolist(), bins.total
        ([0, 1], [[2], [3], [4]], [[5], [6]], [7], 8)
    """
    c, g, e = counts
    shapes = ((T,), (T + n, c), (T, g), (e,), (c,))
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
    parts = [np.arange(ends[k], ends[k + 1]).reshape(shape) for k, shape in enumerate(shapes)]
    return AttributionBins(parts[0], parts[1], parts[2], parts[3], parts[4], groups)


def differentiable_path(
    network: Network,
    weights: Weights,
    inputs: Inputs,
    readout: Readout,
    unit: Unit,
    variables: list[tuple[FloatArray, IntArray]],
) -> DifferentiablePath:
    """Return one number of a forecast as a function of its variables.

    Args:
        network: Layers.
        weights: Their parameters.
        inputs: From variables to what the network reads.
        readout: From what it puts out at its last origin to the number.
        unit: From units of the mean change to the unit of the series.
        variables: Values and bins of each kind of variables; the shares of the regression come last.
    """
    ends = np.cumsum([len(values) for values, _ in variables])[:-1].tolist()

    def value(points: FloatArray) -> FloatArray:
        """Values at points."""
        *read, shares = np.split(points, ends, axis=1)
        x, level, _ = inputs(read)
        out, _ = forward(network, weights, pack(x), save_for_backward=False, n_sequences=len(x))
        last = unpack(out[:, -1:], len(x))[:, 0].astype(np.float64)
        return unit(last @ readout.weights + readout.constant + level, shares.sum(axis=1))[0]

    def value_and_grad(points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values and gradients at points."""
        *read, shares = np.split(points, ends, axis=1)
        x, level, gradient = inputs(read)
        slopes: list[FloatArray] = []

        def head(out: FloatArray) -> tuple[FloatArray, FloatArray]:
            """From what the network puts out, at its last origin, to the unit of the series."""
            z = out[:, -1] @ readout.weights + readout.constant + level
            values, dz, dshift = unit(z, shares.sum(axis=1))
            slopes[:] = dz, dshift
            dout = np.zeros(out.shape)
            dout[:, -1] = dz[:, None] * readout.weights
            return values, dout

        values, dx = vjp_through(network, weights, x, head)
        dz, dshift = slopes
        return values, np.concatenate([*gradient(dx, dz), np.repeat(dshift[:, None], shares.shape[1], axis=1)], axis=1)

    actual = np.concatenate([values for values, _ in variables])[None]
    return DifferentiablePath(value, value_and_grad, actual, np.concatenate([bins for _, bins in variables]))


def unit_of_series(scale: float, last: float, scaler: SeriesScaler, target: AttributionTarget) -> Unit:
    """Return the way back to the unit of the series.

    Args:
        scale: Mean change.
        last: What was subtracted.
        scaler: Of the series.
        target: Which number.
    """
    at_step = scaler.at_step(target.step)

    def unit(z: FloatArray, shift: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values, and their gradients with respect to both, [P]."""
        transformed = z * scale + last
        value = at_step.inverse_transform(transformed[None])[0]
        slope = scale * (value if scaler.positive[0] else np.cosh(np.clip(transformed, -700, 700)) * scaler.unit[0])
        if not target.positive:
            return value + target.unit * shift, slope, np.full(len(z), target.unit)
        factor = target.season * np.exp(shift)
        return value * factor, slope * factor, value * factor

    return unit
