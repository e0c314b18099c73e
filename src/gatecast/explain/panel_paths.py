"""A network's forecast of one series as a function of what it is read from, with its gradient.

Letters: T columns, n columns known beyond the end, P points, N variables, O origins, w values in a window, F known, G
historic, E static columns; K steps that are learnt, h horizon, Q quantiles.

The variables of a network are::

    z        what it reads of the series: less the newest value, in units of the mean change
    columns  known at every step, historic ones, static ones, in standard deviations
    shares   slope times column of the step that is forecast, of each known column: what the regression adds

All are 0 for a series that stays at its newest level, with columns at their mean. Seasonal indices, unit and newest
value, and where the level lies in the range of the series, are held fixed: they say how a series is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn import model as panel_lstm
from gatecast.forecasting.panel_rnn.model import CONTEXT_SEASONS, steps_ahead
from gatecast.forecasting.panel_rnn.windows import ScaledSeries, inputs, inputs_backward, scale_series
from gatecast.forecasting.scaling import SeriesScaler, fit_scaler, inverse_transform
from gatecast.forecasting.sequential_model import model as own_network
from gatecast.forecasting.sequential_model.model import MARGIN
from gatecast.forecasting.sequential_model.windows import CLIP, scale_values, windows_at
from gatecast.kernels.packing import Array, pack, unpack
from gatecast.nn.inspection.attributions import ValueAndGrad, vjp_through
from gatecast.nn.network import forward

__all__ = ["AttributionBins", "AttributionTarget", "DifferentiablePath", "differentiable_path", "make_cells", "reach"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Fitted = panel_lstm.Fitted | own_network.Fitted
Back = Callable[[Floats, Floats], list[Floats]]
"""Gradients of what a network reads (P, O, .) and of the level (P,) -> those of each kind of variables, (P, .)."""

Reads = Callable[[list[Floats]], tuple[Array, Floats, Back]]
"""Variables by kind -> what a network reads (P, O, .), the level that it starts from (P,), and the way back."""


Unit = Callable[[Floats, Floats], tuple[Floats, Floats, Floats]]
"""Of (P,) numbers in units of the mean change and (P,) effects: values, and their gradients with respect to both."""


class AttributionBins(NamedTuple):
    """Numbers of what variables are summed into. Words of a column are one column here: c known ones, g, e."""

    past: Integers
    """(T,) values of the series."""
    known: Integers
    """(T + n, c) known columns."""
    historic: Integers
    """(T, g)."""
    static: Integers
    """(e,)."""
    effects: Integers
    """(c,) what the regression adds."""
    owners: tuple[Integers, Integers, Integers]
    """(F,), (G,) and (E,): which column each one that is read belongs to."""

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(part.size for part in self[:5])


class AttributionTarget(NamedTuple):
    """Which number of a forecast is explained, and what the regression does to it."""

    step: int
    """From 0."""
    quantile: int
    """From 0."""
    shares: Floats
    """(F,) slope times column, of that step."""
    positive: bool
    """Whether they are the logarithms of factors; if not, they are added in units of `unit`."""
    unit: float


class DifferentiablePath(NamedTuple):
    """From a flat series to one as it is."""

    say: Callable[[Floats], Floats]
    """(P, N) variables -> (P,) forecasts."""
    graded: ValueAndGrad
    """The same, and the gradients."""
    actual: Floats
    """(1, N) variables as they are; a flat series has 0."""
    cell: Integers
    """(N,) what each is summed into."""


def make_cells(
    T: int, n: int, owners: tuple[Integers, Integers, Integers], counts: tuple[int, int, int]
) -> AttributionBins:
    """Number the cells.

    Args:
        T: Columns of the history.
        n: Columns known beyond them.
        owners: (F,), (G,) and (E,), which known, historic and static column each one that is read belongs to.
        counts: c, g and e.

    >>> cells = make_cells(2, 1, (np.array([0, 0]), np.array([0]), np.array([], int)), (1, 1, 0))
    >>> cells.past.tolist(), cells.futr_exog.tolist(), cells.hist_exog.tolist(), cells.effects.tolist(), cells.total
    ([0, 1], [[2], [3], [4]], [[5], [6]], [7], 8)
    """
    c, g, e = counts
    shapes = ((T,), (T + n, c), (T, g), (e,), (c,))
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
    parts = [np.arange(ends[k], ends[k + 1]).reshape(shape) for k, shape in enumerate(shapes)]
    return AttributionBins(parts[0], parts[1], parts[2], parts[3], parts[4], owners)


def reach(fitted: Fitted, m: int) -> int:
    """The newest columns of a series that a network is given, those that seasonal indices are made from included."""
    settings = fitted.settings
    if isinstance(fitted, panel_lstm.Fitted):
        return fitted.settings.n_origins * fitted.settings.stride + settings.input_size + CONTEXT_SEASONS * m
    return settings.input_size + max(CONTEXT_SEASONS * m, MARGIN)


def differentiable_path(
    fitted: Fitted, history: PanelContext, m: int, asked: AttributionTarget, cells: AttributionBins
) -> DifferentiablePath:
    """What a network says of one step of one series, as a function of what it reads.

    Args:
        fitted: A trained network.
        history: One series, prepared, with the columns that `cells` has.
        m: Season whose indices are taken out first.
        asked: Which number.
        cells: Of the history.
    """
    part, w = history.keep_last(reach(fitted, m)), fitted.settings.input_size
    frame, T = fit_scaler(part.values, m), part.values.shape[1]
    if isinstance(fitted, panel_lstm.Fitted):
        rows, step = scale_series(part, frame, fitted.settings), fitted.settings.stride
        first = T - 1 - step * (min(fitted.settings.n_origins, (T - 1) // step + 1) - 1)
    else:
        rows, first = scale_values(part.values, frame, w), T - 1
    # A missing value is read as the last one before it, steps before the series as its first value.
    source = np.maximum.accumulate(np.where(rows.observed[0, w - 1 :] > 0, np.arange(T), rows.first[0]))
    at, skipped = source[np.maximum(np.arange(first - w + 1, T), 0)], history.values.shape[1] - T
    own = replace(
        part, values=part.values[:, first:], futr_exog=part.futr_exog[:, first:], hist_exog=part.hist_exog[:, first:]
    )
    rows = rows._replace(z=rows.z[:, first:], observed=rows.observed[:, first:], context=own)
    parts, cell = [rows.z[0].astype(np.float64)], [cells.past[skipped + at]]
    if isinstance(fitted, panel_lstm.Fitted):
        since, (known, historic, static) = skipped + first, cells.owners
        parts += [own.futr_exog.ravel(), own.hist_exog.ravel(), own.stat_exog.ravel()]
        cell += [cells.known[since:, known].ravel(), cells.historic[since:, historic].ravel(), cells.static[static]]
        reads = _panel_reads(fitted, rows)
    else:
        reads = _own_reads(fitted, rows)
    parts, cell = [*parts, asked.shares], [*cell, cells.effects[cells.owners[0]]]
    say, graded = _functions(fitted, reads, _unit(rows, frame, asked), asked, [len(one) for one in parts])
    return DifferentiablePath(say, graded, np.concatenate(parts)[None], np.concatenate(cell))


def _functions(
    fitted: Fitted, reads: Reads, unit: Unit, asked: AttributionTarget, sizes: list[int]
) -> tuple[Callable[[Floats], Floats], ValueAndGrad]:
    """The number asked for, without and with its gradient."""
    share, constant = _head(fitted, asked)
    ends = np.cumsum(sizes)[:-1].tolist()

    def say(points: Floats) -> Floats:
        """Values at points."""
        *variables, shares = np.split(points, ends, axis=1)
        x, level, _ = reads(variables)
        out, _ = forward(fitted.network, fitted.weights, pack(x), save_for_backward=False, n_sequences=len(x))
        newest = unpack(out[:, -1:], len(x))[:, 0].astype(np.float64)
        return unit(newest @ share + constant + level, shares.sum(axis=1))[0]

    def graded(points: Floats) -> tuple[Floats, Floats]:
        """Values and gradients at points."""
        *variables, shares = np.split(points, ends, axis=1)
        x, level, back = reads(variables)
        slopes: list[Floats] = []

        def behind(out: Floats) -> tuple[Floats, Floats]:
            """From what the network says, at its last origin, to the unit of the series."""
            value, dz, dshift = unit(out[:, -1] @ share + constant + level, shares.sum(axis=1))
            slopes[:] = dz, dshift
            dout = np.zeros(out.shape)
            dout[:, -1] = dz[:, None] * share
            return value, dout

        values, dx = vjp_through(fitted.network, fitted.weights, x, behind)
        dz, dshift = slopes
        return values, np.concatenate([*back(dx, dz), np.repeat(dshift[:, None], shares.shape[1], axis=1)], axis=1)

    return say, graded


def _head(fitted: Fitted, asked: AttributionTarget) -> tuple[Floats, float]:
    """The number asked for as a sum over what the network says, in units of the mean change, and a constant."""
    Q, h = len(fitted.settings.quantiles), fitted.horizon
    if isinstance(fitted, panel_lstm.Fitted):
        ahead = steps_ahead(h)
        share = np.zeros((len(ahead), Q))
        share[:, asked.quantile] = [np.interp(asked.step + 1, ahead, one) for one in np.eye(len(ahead))]
        return share.ravel(), 0.0
    learnt = min(asked.step, fitted.trained_steps - 1)
    if fitted.quantile_offsets is not None:
        return np.eye(h)[learnt], float(fitted.quantile_offsets[asked.step, asked.quantile])
    share, wider = np.zeros((h, Q)), np.sqrt((asked.step + 1) / (learnt + 1))
    share[learnt, Q // 2] = 1 - wider
    share[learnt, asked.quantile] += wider
    return share.ravel(), 0.0


def _unit(rows: ScaledSeries, frame: SeriesScaler, asked: AttributionTarget) -> Unit:
    """The way back to the unit of the series."""
    size, newest, m = float(rows.scale[0]), float(rows.last[0]), frame.seasonal.shape[1]
    here = frame._replace(seasonal=frame.seasonal[:, [asked.step % m]])

    def unit(z: Floats, shift: Floats) -> tuple[Floats, Floats, Floats]:
        """(P,) values, and their gradients with respect to both."""
        whole = z * size + newest
        value = inverse_transform(here, whole[None])[0]
        slope = size * (value if frame.positive[0] else np.cosh(np.clip(whole, -700, 700)) * frame.unit[0])
        if not asked.positive:
            return value + asked.unit * shift, slope, np.full(len(z), asked.unit)
        factor = np.exp(shift)
        return value * factor, slope * factor, value * factor

    return unit


def _panel_reads(fitted: panel_lstm.Fitted, rows: ScaledSeries) -> Reads:
    """What a panel network reads; the rows begin at its first origin."""
    settings, ahead, own = fitted.settings, steps_ahead(fitted.horizon), rows.context
    origins = np.arange(0, own.values.shape[1], settings.stride)

    def reads(variables: list[Floats]) -> tuple[Array, Floats, Back]:
        """Windows and columns at every origin."""
        z, known, historic, static = variables
        P, which = len(z), np.arange(len(z))[:, None]
        shapes = [(P, *part.shape[1:]) for part in (own.futr_exog, own.hist_exog)]
        there = replace(
            own, futr_exog=known.reshape(shapes[0]), hist_exog=historic.reshape(shapes[1]), stat_exog=static
        )
        fixed = {name: np.repeat(getattr(rows, name), P, axis=0) for name in ("observed", "size", "centre", "spread")}
        lanes = rows._replace(z=z.astype(np.float32), context=there, **fixed)
        x, level = inputs(lanes, which, origins[None], ahead, settings)

        def back(dx: Floats, dlevel: Floats) -> list[Floats]:
            """The way back."""
            levels = np.zeros(level.shape)
            levels[:, -1] = dlevel
            return [part.reshape(P, -1) for part in inputs_backward(lanes, origins, ahead, settings, dx, levels)]

        return x, level[:, -1].astype(np.float64), back

    return reads


def _own_reads(fitted: own_network.Fitted, rows: ScaledSeries) -> Reads:
    """What a network of the user's own reads: one window, less its last value; it starts from the newest value."""
    w, shape = fitted.settings.input_size, fitted.network.shapes[0]
    flat = len(shape) == 1
    features = ((shape[0] or w) // w if flat else shape[1]) or 1

    def reads(variables: list[Floats]) -> tuple[Array, Floats, Back]:
        """The window."""
        z = variables[0]
        P = len(z)
        lanes = rows._replace(z=z.astype(np.float32), observed=np.repeat(rows.observed, P, axis=0))
        x = windows_at(lanes, np.arange(P), np.zeros(P, np.int64), w, features, flat=flat)

        def back(dx: Floats, dlevel: Floats) -> list[Floats]:
            """The way back."""
            dwindow = (dx[:, 0, :w] if flat else dx[..., 0]) * (np.abs(z - z[:, -1:]) < CLIP)
            dwindow[:, -1] += dlevel - dwindow.sum(axis=1)
            return [dwindow]

        return x, z[:, -1], back

    return reads
