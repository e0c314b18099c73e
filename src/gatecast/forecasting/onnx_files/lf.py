"""The pretrained network of low frequency as operators: `pretrained.lf`, where all is explained.

A series that the network has read goes on from the state that it carries; others are read anew, as in
`pretrained.lf.streaming`. Both are in one graph if states are inputs: what it costs to read all values is only spent
where a series needs it.

Shapes: B series, T steps, h steps ahead, K steps of a block, Q levels.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from gatecast.forecasting.onnx_files.lf_autoregression import GraphAutoregression
from gatecast.forecasting.onnx_files.lf_features import GraphFeatures, GraphScale, GraphScaled, graph_features
from gatecast.forecasting.onnx_files.series import GraphForecast, SeriesInput
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.lf.features import BLOCK, HEAD
from gatecast.forecasting.pretrained.lf.predict import MAX_BLOCKS, MAX_LENGTH, WIDTH_STEP, blocks_read
from gatecast.forecasting.pretrained.lf.scaling import MOSTLY_ZERO_SHARE, ZERO_SHARE
from gatecast.forecasting.pretrained.lf.statistics import DAMPING, damped_steps
from gatecast.forecasting.pretrained.lf.streaming import MAX_CARRIED
from gatecast.forecasting.pretrained.model import FittedPretrained, at_levels
from gatecast.nn.layers import QuantileHead
from gatecast.nn.model_layers import layer_names
from gatecast.nn.network import split_network
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Body, Value
from gatecast.nn.onnx_files.conversion import Call, CarriedStates
from gatecast.nn.onnx_files.layers import convert_layer, convert_stack

__all__ = ["lf_forecast"]

States = tuple[Value, ...]

N_LEVELS = len(LEVELS)

MAX_ORIGIN = MAX_LENGTH + MAX_CARRIED + (MAX_BLOCKS - 1) * BLOCK
"""Steps, at most, from which a block is forecast."""


def lf_forecast(model: FittedPretrained, series: SeriesInput, m: int) -> GraphForecast:
    """Return the quantiles of the steps after the end of each series.

    Args:
        model: Has the network.
        series: The series; with `carries_state`, states are inputs and outputs.
        m: Season length; 1 for none.
    """
    memory = _Carried.of(model, series) if series.carries_state else None
    T = MAX_LENGTH + (MAX_CARRIED if memory else 0)
    n_more = (blocks_read(model.task.horizon) - 1) * BLOCK
    values = series.newest(T)
    length = _history_length(op.slice_of(values, 1, -MAX_LENGTH), MAX_LENGTH)
    goes_on = None
    if memory is not None:
        goes_on = memory.goes_on(values, T)
        length = op.where(goes_on, memory.length + 1, length)
    y = _aligned_left(values, length, T, n_more)
    scale = GraphScale.of(y, T + n_more)
    scaled = scale.transform(y, T + n_more)
    features = graph_features(scaled, T + n_more, m)
    network = _Network(model, series)
    end = op.maximum(length - 1, 0)
    output, states = _read(network, features.inputs, end, memory, goes_on)
    outputs = [output]
    if n_more:
        steps = op.expand_dims(end, 1) + np.arange(1, n_more + 1)
        following, _ = network.body(_rows(features.inputs, steps), states)
        outputs += [op.take(following, k * BLOCK - 1, 1) for k in range(1, n_more // BLOCK + 1)]
    blocks = [_adjusted_block(network.head(part), features, end + k * BLOCK, m) for k, part in enumerate(outputs)]
    z = _join_blocks(blocks, features, end, model.task.horizon, m)
    if memory is not None and goes_on is not None:
        memory.keep(series, length, goes_on, states)
    quantiles = _supported(scaled, end, scale.inverse(z))
    return GraphForecast(quantiles @ at_levels(np.eye(N_LEVELS), model.task.quantiles), length.equals(0))


def _history_length(values: Value, n_columns: int) -> Value:
    """Return the columns from the first value on, [B] int64."""
    first = op.reduce_min(op.where(op.is_finite(values), np.arange(float(n_columns))[None], float(n_columns)), 1)
    return op.cast(n_columns - first, np.int64)


def _aligned_left(values: Value, length: Value, T: int, n_more: int) -> Value:
    """Return series that begin at step 0, with missing values behind their ends, [B, T + n_more]."""
    steps, n = np.arange(T + n_more)[None], op.expand_dims(length, 1)
    column = op.minimum(T - n + steps, T - 1)
    return op.where(n > steps, op.take_along_axis(values, column, 1), np.nan)


def _rows(x: Value, steps: Value) -> Value:
    """Return what stands at some steps of each series, [B, K, F] of [B, T, F]."""
    shape = op.concatenate([op.size_of(steps, 0), op.size_of(steps, 1), op.size_of(x, 2)], 0)
    index = x.builder.op("Expand", op.expand_dims(steps, 2), shape)
    return op.take_along_axis(x, index, 1)


def _at(x: Value, step: Value) -> Value:
    """Return what stands at one step of each series, [B, 1] of [B, T]."""
    return op.take_along_axis(x, op.expand_dims(step, 1), 1)


class _Network:
    """The layers of the network in a graph."""

    def __init__(self, model: FittedPretrained, series: SeriesInput) -> None:
        body, self._head = split_network(*model.low, 1)
        self._layers, self._params, self._builder = body[0].layers, body[1].views, series.builder
        self._shape = body[0].shapes[0]

    def body(self, x: Value, states: States | None, mask: Value | None = None) -> tuple[Value, States]:
        """Run the layers before the last one over [B, T, F], from states."""
        rest, shape = list(states or ()), self._shape
        after: list[Value] = []
        for layer, params in zip(self._layers, self._params, strict=True):
            inner = getattr(layer, "layer", None)
            initial = None
            if inner is not None and states is not None:
                initial, rest = tuple(rest[: len(inner.states)]), rest[len(inner.states) :]
            last = _LastStates(self._builder)
            call = Call("body", shape, last, mask, initial)
            converted, _ = convert_layer(layer, params, x, call)
            x, shape = converted.y, layer.output_shape(shape)
            after.extend(last.state)
        return x, tuple(after)

    def head(self, hidden: Value) -> Value:
        """Run the last layer over [B, F]."""
        network, weights = self._head
        call = Call("head", network.shapes[0][1:], CarriedStates(self._builder))
        return convert_stack(network.layers, weights.views, layer_names(network.layers), hidden, call)

    @property
    def n_hidden(self) -> int:
        """Features that the last layer reads."""
        return int(self._head[0].shapes[0][-1] or 0)

    @property
    def state_names(self) -> list[tuple[str, int]]:
        """Names and sizes of the arrays of the states."""
        recurrent = [layer.layer for layer in self._layers if hasattr(layer, "layer")]
        names = zip(layer_names(recurrent), recurrent, strict=True)
        return [
            (f"{name}.{array}", size)
            for name, layer in names
            for array, size in zip(layer.states, layer.state_sizes, strict=True)
        ]


class _LastStates(CarriedStates):
    """Remembers the state after a layer."""

    state: States = ()

    def end(self, _name: str, state: States) -> None:
        """Remember the state."""
        self.state = state


class _Carried(NamedTuple):
    """What a series carries from run to run."""

    length: Value
    """Values that the network has read, [B] int64; 0 at first."""
    limit: Value
    """Values that it may have read before it reads the newest anew, [B] int64."""
    states: States
    names: Sequence[tuple[str, int]]

    @classmethod
    def of(cls, model: FittedPretrained, series: SeriesInput) -> _Carried:
        """Add the inputs."""
        names = _Network(model, series).state_names
        length, limit = (series.builder.input(name, np.int64, ("batch",)) for name in ("length", "limit"))
        states = tuple(series.builder.input(name, np.float32, ("batch", size)) for name, size in names)
        return cls(length, limit, states, names)

    def goes_on(self, values: Value, T: int) -> Value:
        """Return which series go on from the carried state, [B] bool."""
        n = op.expand_dims(self.length + 1, 1)
        is_read = n >= np.arange(T, 0, -1)[None]
        negative = op.reduce_max(op.cast(is_read & (values < 0), np.float64), 1) > 0
        return (self.length > 0) & (self.length < self.limit) & ~negative

    def keep(self, series: SeriesInput, length: Value, goes_on: Value, states: States) -> None:
        """Add the outputs."""
        builder = series.builder
        rows = op.cumsum(op.full(length, [], 1, np.int64), 0) - 1
        first = builder.op("Mod", rows, MAX_CARRIED) + (MAX_LENGTH + 1)
        anew = op.where(self.limit.equals(0), first, MAX_LENGTH + MAX_CARRIED)
        builder.output("length.next", length, ("batch",))
        builder.output("limit.next", op.where(goes_on, self.limit, anew), ("batch",))
        for (name, size), state in zip(self.names, states, strict=True):
            builder.output(f"{name}.next", state, ("batch", size))


def _read(
    network: _Network, inputs: Value, end: Value, memory: _Carried | None, goes_on: Value | None
) -> tuple[Value, States]:
    """Return the output at the end of each series, [B, F], and the states there."""
    if memory is None or goes_on is None:
        return _read_all(network, inputs, end, MAX_LENGTH)
    builder = inputs.builder
    step, after = network.body(_rows(inputs, op.expand_dims(end, 1)), memory.states)
    one = (op.take(step, 0, 1), *after)
    sizes = (network.n_hidden, *(size for _, size in network.state_names))
    with builder.body() as anew:
        # Those that are read anew have at most MAX_LENGTH values.
        output, states = _read_all(network, inputs, op.minimum(end, MAX_LENGTH - 1), MAX_LENGTH)
        keep = op.expand_dims(goes_on, 1)
        for new, old, size in zip((output, *states), one, sizes, strict=True):
            builder.body_output(op.where(keep, old, new), (size,))
    with builder.body() as onward:
        for old, size in zip(one, sizes, strict=True):
            builder.body_output(old, (size,))
    some_anew = op.squeeze(op.reduce_min(op.cast(goes_on, np.float64), 0, keepdims=True) < 0.5, 0)
    chosen = _choose(some_anew, anew, onward, len(one))
    return chosen[0], tuple(chosen[1:])


def _choose(condition: Value, then: Body, otherwise: Body, n_outputs: int) -> list[Value]:
    """Return the outputs of one of two graphs."""
    return condition.builder.ops("If", n_outputs, condition, dtype=np.float32, then_branch=then, else_branch=otherwise)


def _read_all(network: _Network, inputs: Value, end: Value, T: int) -> tuple[Value, States]:
    """Run the network over all values of each series."""
    mask = op.expand_dims(end, 1) >= np.arange(T)[None]
    every, states = network.body(op.slice_of(inputs, 1, 0, T), None, mask)
    return op.squeeze(_rows(every, op.expand_dims(end, 1)), 1), states


def _adjusted_block(outputs: Value, features: GraphFeatures, step: Value, m: int) -> Value:
    """Return the quantiles of a block on the scale of the features, without the season, [B, K, Q] float64.

    Args:
        outputs: Of the network, [B, n_outputs].
        features: At all steps.
        step: Where the block begins, [B] int64.
        m: Season length.
    """
    builder = outputs.builder
    level, unit = (op.expand_dims(_at(part, step), 2) for part in (features.level, features.unit))
    anchors = _anchors(features, step, m)
    logits = op.reshape(op.slice_of(outputs, 1, HEAD.n_quantiles), (0, HEAD.groups, HEAD.anchors))
    weights = builder.op("Softmax", logits, axis=2)
    size = BLOCK // HEAD.groups
    of_step = op.take(weights, np.arange(BLOCK) // size, 1)
    parts = [op.take(of_step, i, 2) * op.cast(anchor, np.float32) for i, anchor in enumerate(anchors, 1)]
    center = op.expand_dims(reduce(operator.add, parts), 2)
    raw = op.reshape(op.slice_of(outputs, 1, 0, HEAD.n_quantiles), (0, BLOCK, N_LEVELS))
    call = Call("quantiles", (BLOCK, N_LEVELS), CarriedStates(builder))
    q = op.cast(convert_layer(QuantileHead(N_LEVELS), {}, raw, call)[0].y + center, np.float64)
    return level + unit * q


def _first_index(features: GraphFeatures, step: Value, m: int) -> Value:
    """Return where the seasonal indices begin that are known at some steps, int64 of the shape of the steps."""
    return op.take(step.builder.constant(features.indices.block(np.arange(MAX_ORIGIN)) * m), step, 0)


def _join_blocks(blocks: Sequence[Value], features: GraphFeatures, end: Value, h: int, m: int) -> Value:
    """Return the quantiles of h steps on the scale of the features, with the season, [B, h, Q]."""
    z = op.slice_of(op.concatenate(blocks, 1), 1, 0, h)
    if h > len(blocks) * BLOCK:
        z = op.concatenate([z, _later_steps(z, h)], 1)
    j = np.arange(h)
    known_at = op.expand_dims(end, 1) + BLOCK * np.minimum(j // BLOCK, MAX_BLOCKS - 1)
    phase = end.builder.op("Mod", op.expand_dims(end, 1) + (j + 1), m)
    index = op.take_along_axis(features.indices.values, _first_index(features, known_at, m) + phase, 1)
    return z + op.expand_dims(index, 2)


def _later_steps(z: Value, h: int) -> Value:
    """Return quantiles of the steps after two blocks, [B, h - 2 K, Q]."""
    half, n = BLOCK // 2, MAX_BLOCKS * BLOCK
    median = op.take(z, [LEVELS.index(0.5)], 2)
    before, newest = op.slice_of(median, 1, BLOCK - half, BLOCK), op.slice_of(median, 1, n - half, n)
    change = (op.reduce_mean(newest, 1, keepdims=True) - op.reduce_mean(before, 1, keepdims=True)) / BLOCK
    width = op.reduce_mean(op.slice_of(z, 1, n - half, n) - newest, 1, keepdims=True)
    steps = np.arange(n + 1.0, h + 1)[None, :, None]
    return op.take(median, [n - 1], 1) + change * damped_steps(steps - n) + width * np.sqrt(steps / WIDTH_STEP)


def _anchors(features: GraphFeatures, step: Value, m: int) -> list[Value]:
    """Return the simple forecasts but the first, less the level, in units, [B, K] each.

    Args:
        features: At all steps.
        step: Where the block begins, [B] int64.
        m: Season length.
    """
    builder = step.builder
    names = ("level", "unit", "drift", "slope", "recent", "mean", "line", "line_slope", "offset", "last")
    at = {name: _at(getattr(features, name), step) for name in names}
    gap = op.cast(op.expand_dims(step, 1), np.float64) - at["last"]
    following_steps = gap + np.arange(1.0, BLOCK + 1)
    damped = (1 - op.exp(following_steps * math.log(DAMPING))) * (DAMPING / (1 - DAMPING))
    # The newest cycle, at the phases of the block.
    source = at["last"] + following_steps - m * builder.op("Ceil", following_steps / m)
    holder = op.cast(op.take_along_axis(features.last, op.cast(op.maximum(source, 0), np.int64), 1), np.int64)
    first_index = _first_index(features, op.expand_dims(step, 1), m)
    index = op.take_along_axis(features.indices.values, first_index + builder.op("Mod", holder, m), 1)
    value = op.take_along_axis(features.z, holder, 1) - index
    cycle = op.where(source < 0, 0, (value - at["level"]) / at["unit"])
    flat = 0 * following_steps
    trends = [at["drift"] * following_steps, at["slope"] * damped]
    line = at["line"] + at["line_slope"] * following_steps
    fitted = GraphAutoregression.from_flat([_at(part, step) for part in features.autoregression.flat()])
    autoregression = fitted.forecast_behind(gap, BLOCK) + at["offset"]
    return [*trends, at["recent"] + flat, at["mean"] + flat, line, cycle, autoregression]


def _supported(scaled: GraphScaled, end: Value, values: Value) -> Value:
    """Return values that each series may take, [B, h, Q]: 0 where they are near to it, whole numbers of counts."""
    floor = op.expand_dims(_at(scaled.floor, end), 2)
    mostly, is_count = (_at(op.cast(part, np.float64), end) > 0.5 for part in (scaled.is_mostly_zero, scaled.is_count))
    limit = floor * op.where(op.expand_dims(mostly, 2), 2.0**MOSTLY_ZERO_SHARE, np.array([[[2.0**ZERO_SHARE]]]))
    values = op.where((values < limit) & (floor > 0), 0, values)
    return op.where(op.expand_dims(is_count, 2), values.builder.op("Round", values), values)
