"""Contract of a layer as a check: what networks, training, streaming and files rely on, whatever a layer computes.

Shapes: a batch of B sequences is [B, T, F] with T steps and F features; T is 1 where a shape has no time axis. Batches
come in two sizes, because a small batch is packed with one sequence per block, a larger one with 16 and padding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels import runtime
from gatecast.kernels.packing import Array, Params, pack, pack_mask, unpack
from gatecast.nn.checkpoint import layer_from_config, layer_to_config
from gatecast.nn.layers import LAYERS, CallContext, Layer, State, StatefulLayer
from gatecast.nn.layers.base import forward_from
from gatecast.testing.tolerances import EPS32, close, difference, rounding, step

__all__ = ["LAYER_CHECKS", "check_layer", "random_params"]

SMALL_BATCH, LARGE_BATCH = 3, 19
"""Batch sizes: one sequence per block, and one full block of 16 with another one that is padded."""


def check_layer(
    layer: Layer,
    input_shape: Sequence[int] = (5, 3),
    *,
    params: Params | None = None,
    codes: Mapping[int, int] = MappingProxyType({}),
    batch_exact: bool = True,
    has_stabilizer: bool = False,
    checks: Collection[str] | None = None,
    seed: int = 0,
) -> None:
    """Check that a layer keeps the contract of `Layer`.

    `LAYER_CHECKS` lists the checks: shapes and types, gradients against difference quotients, padding and masks,
    independence of sequences in a batch, the state handed from piece to piece, the same bits for the same call and for
    any number of threads, refused inputs, initial parameters, weights and configuration going out and coming back.

    Args:
        layer: Layer to check.
        input_shape: Shape of a sample, (T, F) or (F,). A few steps and features are enough.
        params: Parameters to check at; None draws random ones. Pass your own if the layer has kinks near those.
        codes: Features that hold integer codes, and how many codes there are: ``{1: 7}`` for a day of the week.
        batch_exact: Whether a sequence must have the same bits alone and in a batch. Set it to False if the layer sums
            in an order that depends on the batch; rounding errors are then allowed.
        has_stabilizer: Whether the last array of the state cancels out of the outputs, as in an sLSTM. Only h of the
            final state is then differentiated, and the stabilizer must have no gradient.
        checks: Names in `LAYER_CHECKS`; None runs all of them.
        seed: Seed of the random inputs.

    Raises:
        AssertionError: If a check fails. The message names every check that failed, with the reason.

    Example:
        >>> from gatecast.layers import Dropout
        >>> check_layer(Dropout(0.4))

        A layer of your own, with an error in its backward pass:

        >>> class Doubled(Dropout):
        ...     def forward(self, params, x, context):
        ...         y, state, cache = super().forward(params, x, context)
        ...         return 2 * y, state, cache
        >>> check_layer(Doubled(0.0), checks=["gradients"])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        AssertionError: Doubled(0.0) breaks the contract of a layer:
        - gradients: gradient of x, batch of 3: off by ..., allowed ...
    """
    shape = tuple(input_shape)
    drawn = random_params(layer, shape, np.random.default_rng(seed)) if params is None else params
    subject = _Subject(layer, shape, drawn, codes, batch_exact, has_stabilizer, seed)
    errors = {name: _run_check(name, subject) for name in (LAYER_CHECKS if checks is None else checks)}
    failures = {name: error for name, error in errors.items() if error is not None}
    if failures:
        lines = [f"- {name}: {_describe(error)}" for name, error in failures.items()]
        head = f"{layer!r} breaks the contract of a layer:"
        raise AssertionError("\n".join([head, *lines])) from next(iter(failures.values()))


def random_params(layer: Layer, input_shape: Sequence[int], rng: np.random.Generator) -> Params:
    """Draw parameters of a layer that are all different from zero.

    Args:
        layer: Any layer.
        input_shape: Shape of a sample.
        rng: Source of the random numbers.

    Returns:
        Normal parameters with standard deviation 0.5; those whose name ends in "variance" are positive.

    Example:
        >>> from gatecast.layers import Dense
        >>> params = random_params(Dense(2), (3,), np.random.default_rng(0))
        >>> params["W"].shape, bool(params["b"].all())
        ((3, 2), True)
    """
    initial = layer.init(rng, tuple(input_shape))
    params = {name: _normal(rng, *p.shape) / np.float32(2) for name, p in initial.items()}
    for name, p in params.items():
        if name.endswith("variance"):
            p[...] = np.abs(p) + np.float32(0.5)
    return params


class _Subject(NamedTuple):
    """A layer under test, with its inputs."""

    layer: Layer
    in_shape: tuple[int, ...]
    params: Params
    codes: Mapping[int, int]
    batch_exact: bool
    has_stabilizer: bool
    seed: int

    @property
    def in_sequence(self) -> bool:
        """Whether the input has a time axis."""
        return len(self.in_shape) == 2

    @property
    def takes_any_length(self) -> bool:
        """Whether sequences may have any length."""
        try:
            return self.in_sequence and bool(self.layer.output_shape((None, *self.in_shape[1:])))
        except ConfigError:
            return False

    @property
    def keeps_steps(self) -> bool:
        """Whether the output of a sequence of any length has no time axis, or the same steps with their mask."""
        if not self.takes_any_length or not self.out_sequence:
            return self.takes_any_length
        x = np.zeros((1, self.n_steps, self.in_shape[-1] or 1, 1), np.float32)
        mask = self.layer.output_mask(x, np.ones((1, self.n_steps, 1), np.float32))
        return mask is not None and self.layer.output_shape(self.in_shape)[0] == self.n_steps

    @property
    def out_sequence(self) -> bool:
        """Whether the output has a time axis."""
        return len(self.layer.output_shape(self.in_shape)) == 2

    @property
    def n_steps(self) -> int:
        """Number of time steps, 1 without a time axis."""
        return self.in_shape[0] if self.in_sequence else 1

    @property
    def depth(self) -> float:
        """Relative tolerance of values that pass through all steps of the layer."""
        widest = max([8, *(max(p.shape) // 4 for p in self.params.values())])
        return rounding(8 * self.n_steps * (self.in_shape[-1] + widest))

    def rng(self) -> np.random.Generator:
        """Return the random numbers of a check."""
        return np.random.default_rng([self.seed, 1])

    def inputs(self, rng: np.random.Generator, n_sequences: int) -> Array:
        """Draw inputs, [B, T, F]; codes are integers."""
        x = _normal(rng, n_sequences, self.n_steps, self.in_shape[-1])
        for feature, n_codes in self.codes.items():
            x[:, :, feature] = rng.integers(0, n_codes, x.shape[:2])
        return x

    def run(
        self, x: Array, context: CallContext, state: State | None = None, params: Params | None = None
    ) -> tuple[Array, State | None, Array, Any]:
        """Run the layer: unpacked output, state, packed output and cache."""
        y, last, cache = forward_from(self.layer, self.params if params is None else params, pack(x), context, state)
        return unpack(y, len(x)), last, y, cache

    def is_noisy(self, x: Array) -> bool:
        """Return whether passes in training are random."""
        a, b = (self.run(x, _training(len(x))._replace(key=key))[0] for key in (1, 2))
        return bool((a != b).any())


def _check_shapes(subject: _Subject) -> None:
    """Shapes and types of outputs and gradients are those that `output_shape` and the parameters announce."""
    layer, params = subject.layer, subject.params
    rng = subject.rng()
    for n in (SMALL_BATCH, LARGE_BATCH):
        x = pack(subject.inputs(rng, n))
        initial = layer.init(rng, subject.in_shape)
        y, _, cache = layer.forward(initial, x, _training(n))
        announced = layer.output_shape(subject.in_shape)
        expected = (len(x), *(announced if len(announced) == 2 else (1, *announced)), x.shape[3])
        _expect(y.shape == expected, f"output {y.shape}, announced {expected}")
        dx, dinitial, grads = layer.backward(initial, cache, np.ones_like(y), True)
        _expect(dinitial is None, "a gradient of the state, though the pass began from the zero state")
        _expect(dx is not None and dx.shape == x.shape, "the gradient of x is not shaped like x")
        for name, array in (("output", y), ("gradient of x", dx)):
            valid = array is not None and array.dtype == np.float32 and array.flags.c_contiguous
            _expect(valid, f"the {name} is not float32 and C-contiguous")
        shapes = {name: p.shape for name, p in initial.items()}
        _expect(set(shapes) == set(layer.param_names), f"parameters {sorted(shapes)}, but names {layer.param_names}")
        _expect({name: g.shape for name, g in grads.items()} == shapes, "gradients are not shaped like the parameters")
        skipped = layer.backward(initial, cache, np.ones_like(y), False)[0]
        _expect(skipped is None or not params, "a gradient of x, though it is not needed")
    if subject.takes_any_length:
        any_length = layer.output_shape((None, *subject.in_shape[1:]))
        _expect(any_length[-1] == announced[-1], f"{any_length} for a sequence of any length, but {announced}")


def _check_gradients(subject: _Subject) -> None:
    """Gradients of the input and of all parameters are difference quotients, noise included."""
    rng, params = subject.rng(), subject.params
    h = np.float32(step(EPS32))
    for n in (SMALL_BATCH, LARGE_BATCH):
        x = subject.inputs(rng, n)
        y, _, _, cache = subject.run(x, _training(n))
        dy = _normal(rng, *y.shape)
        dx, _, grads = subject.layer.backward(params, cache, pack(dy), True)
        arrays = params | {"x": x}
        gradients = grads | {"x": unpack(_given(dx), n)}

        def loss(moved: Params, n: int = n, dy: Array = dy) -> float:
            y = subject.run(moved["x"], _training(n), params={name: moved[name] for name in params})[0]
            return float((y.astype(np.float64) * dy).sum())

        for name, array in arrays.items():
            direction = _normal(rng, *array.shape) / np.float32(np.sqrt(array.size))
            if name == "x":
                direction[:, :, list(subject.codes)] = 0
            above, below = (loss(arrays | {name: array + sign * h * direction}) for sign in (1, -1))
            slope = (gradients[name].astype(np.float64) * direction).sum()
            with _named(f"gradient of {name}, batch of {n}"):
                close((above - below) / (2 * float(h)), slope, difference(EPS32), scale=_sum_scale([dy]))


def _check_state_gradients(subject: _Subject) -> None:
    """Gradients of the initial state are difference quotients, for gradients of outputs and of the final state."""
    layer, params, n = subject.layer, subject.params, LARGE_BATCH
    rng = subject.rng()
    _, state, _, _ = subject.run(subject.inputs(rng, n), CallContext())
    if not (isinstance(layer, StatefulLayer) and layer.supports_streaming and any(True for _ in _leaves(state))):
        return
    x = pack(subject.inputs(rng, n))
    y, last, cache = layer.forward(params, x, _training(n), state=state)
    dlast = [
        _normal(rng, *s.shape) * np.float32(k == 0 or not subject.has_stabilizer) for k, s in enumerate(_leaves(last))
    ]
    for d in dlast:
        d.reshape(2, -1, 16)[1, :, n % 16 :] = 0
    dy = pack(_normal(rng, *unpack(y, n).shape))
    _, dinitial, _ = layer.backward(params, cache, dy, False, dstate=_rebuild(last, iter(dlast)))

    def loss(moved: list[Array]) -> float:
        y, last, _ = layer.forward(params, x, _training(n), state=_rebuild(state, iter(moved)))
        pairs = zip([y, *_leaves(last)], [dy, *dlast], strict=True)
        return sum(float((a.astype(np.float64) * d).sum()) for a, d in pairs)

    initial, gradients = list(_leaves(state)), list(_leaves(dinitial))
    _expect([d.shape for d in gradients] == [s.shape for s in initial], "gradients are not shaped like the state")
    scale, h = _sum_scale([dy, *dlast]), np.float32(step(EPS32))
    for k, s in enumerate(initial):
        if subject.has_stabilizer and k == len(initial) - 1:
            _expect(not gradients[k].any(), "the stabilizer has a gradient")
            continue
        direction = _normal(rng, *s.shape) / np.float32(np.sqrt(s.size))
        above, below = (
            loss([a + sign * h * direction if j == k else a for j, a in enumerate(initial)]) for sign in (1, -1)
        )
        slope = float((gradients[k].astype(np.float64) * direction).sum())
        with _named(f"gradient of array {k} of the state"):
            close((above - below) / (2 * float(h)), slope, difference(EPS32), scale=scale)


def _check_same_bits(subject: _Subject) -> None:
    """The same call gives the same bits for any number of threads, and changes none of its arguments."""
    layer, params, n = subject.layer, subject.params, LARGE_BATCH
    x = pack(subject.inputs(subject.rng(), n))
    before = {name: p.copy() for name, p in params.items()} | {"x": x.copy()}
    n_threads, runs = runtime.get_num_threads(), []
    try:
        for threads in (1, 1, 2, 3):
            runtime.set_num_threads(threads)
            y, state, cache = layer.forward(params, x, _training(n))
            dy = np.ones_like(y)
            for _ in range(2):  # a cache may be used more than once
                dx, _, grads = layer.backward(params, cache, dy, True)
            _expect(bool((dy == 1).all()), "the backward pass changes dy")
            buffers = layer.update_buffers(params, cache)
            runs.append([y.copy(), *_leaves(state), _given(dx).copy(), *grads.values(), *buffers.values()])
    finally:
        runtime.set_num_threads(n_threads)
    for arrays, threads in zip(runs[1:], (1, 2, 3), strict=True):
        for a, b in zip(runs[0], arrays, strict=True):
            _expect_equal(a, b, f"a second pass, with {threads} threads")
    for name, array in (params | {"x": x}).items():
        _expect_equal(array, before[name], f"{name} after the passes")


def _check_padding_lanes(subject: _Subject) -> None:
    """Padding lanes change neither outputs nor gradients nor buffers."""
    layer, params, n = subject.layer, subject.params, LARGE_BATCH
    x = pack(subject.inputs(subject.rng(), n))
    poisoned = x.copy()
    poisoned[-1, ..., n % 16 :] = 1e3
    for feature, n_codes in subject.codes.items():
        poisoned[-1, :, feature, n % 16 :] = n_codes - 1
    results = []
    for values in (x, poisoned):
        y, _, cache = layer.forward(params, values, _training(n))
        dx, _, grads = layer.backward(params, cache, pack(np.ones(unpack(y, n).shape)), True)
        buffers = layer.update_buffers(params, cache)
        results.append([unpack(y, n), unpack(_given(dx), n), *grads.values(), *buffers.values()])
    for a, b in zip(*results, strict=True):
        _expect_equal(a, b, "other numbers in the padding lanes")


def _check_masked_padding(subject: _Subject) -> None:
    """Masked steps behind the last one change neither outputs nor gradients nor buffers."""
    if not subject.keeps_steps:
        return
    layer, params, T = subject.layer, subject.params, subject.n_steps
    rng, timed = subject.rng(), subject.out_sequence
    for n in (SMALL_BATCH, LARGE_BATCH):
        x = subject.inputs(rng, n)
        mask = pack_mask(np.arange(T + 3) < np.full((n, 1), T))
        context = CallContext(n_sequences=n) if subject.is_noisy(x) else _training(n)
        dy, results = None, []
        for mask_used, n_padding, value in ((None, 0, 0), (mask, 3, 0), (mask, 3, 4)):
            y, _, _, cache = subject.run(_pad(x, n_padding, value), context._replace(mask=mask_used))
            dy = pack(_normal(rng, *y.shape)) if dy is None else dy
            zeros = np.zeros((len(dy), n_padding, *dy.shape[2:]), np.float32)
            dx, _, grads = layer.backward(params, cache, np.concatenate([dy, zeros], axis=1) if timed else dy, True)
            _expect(not _given(dx)[:, T:].any(), "a masked step has a gradient")
            buffers = layer.update_buffers(params, cache)
            outputs = [y[:, :T] if timed else y, unpack(_given(dx)[:, :T], n)]
            results.append([*outputs, *grads.values(), *buffers.values()])
        for plain, padded, poisoned in zip(*results, strict=True):
            _expect_equal(padded, poisoned, f"other numbers in masked steps, batch of {n}")
            scale = float(np.sqrt(n * T)) + float(np.abs(plain).max())
            with _named(f"masked steps behind the end, batch of {n}"):
                close(padded, plain, subject.depth, scale=scale)


def _check_batch_independence(subject: _Subject) -> None:
    """The output of a sequence depends neither on its batch nor on the length of other sequences."""
    rng, n, T = subject.rng(), LARGE_BATCH, subject.n_steps
    x, relative = subject.inputs(rng, n), 0.0 if subject.batch_exact else subject.depth
    together = subject.run(x, CallContext())[0]
    lengths = rng.integers(1, T + 1, n)
    mask = pack_mask(np.arange(T) < lengths[:, None]) if subject.keeps_steps else None
    ragged = subject.run(x, CallContext(mask=mask))[0]
    for s in (slice(0, 1), slice(7, 8), slice(16, 19), slice(2, 18)):
        with _named(f"sequences {s.start} to {s.stop - 1} alone"):
            close(subject.run(x[s], CallContext())[0], together[s], relative)
        length = lengths[s][0]
        if mask is not None and s.stop - s.start == 1:
            alone = subject.run(x[s, :length], CallContext())[0]
            with _named(f"sequence {s.start}, of length {length}, alone"):
                close(alone, ragged[s, :length] if subject.out_sequence else ragged[s], relative)


def _check_streaming(subject: _Subject) -> None:
    """A sequence in pieces, with the state handed over, has the bits of one run, wherever it is cut."""
    if not (subject.in_sequence and subject.layer.supports_streaming):
        return
    T = subject.n_steps
    inner = range(1, T)
    every_cut = [*((cut,) for cut in inner), tuple(inner), tuple(range(2, T - 1))]
    context = CallContext(save_for_backward=False)
    for n in (1, LARGE_BATCH):
        x = subject.inputs(subject.rng(), n)
        y, end, _, _ = subject.run(x, context)
        for cuts in every_cut:
            state, pieces = None, []
            for piece in np.split(x, cuts, axis=1):
                out, state, _, _ = subject.run(piece, context, state)
                pieces.append(out)
            case = f"cut at {cuts}, batch of {n}"
            joined = np.concatenate(pieces, axis=1) if subject.out_sequence else pieces[-1]
            _expect_equal(joined, y, f"outputs, {case}")
            for a, b in zip(_leaves(state), _leaves(end), strict=True):
                _expect_equal(a, b, f"state, {case}")


def _check_prediction(subject: _Subject) -> None:
    """Without a backward pass to follow, outputs and state are the same, and there is no cache."""
    layer, params = subject.layer, subject.params
    x = pack(subject.inputs(subject.rng(), LARGE_BATCH))
    y, state, _ = layer.forward(params, x, CallContext())
    plain, plain_state, cache = layer.forward(params, x, CallContext(save_for_backward=False))
    for a, b in zip([y, *_leaves(state)], [plain, *_leaves(plain_state)], strict=True):
        _expect_equal(a, b, "outputs and state with and without save_for_backward")
    _expect(cache is None, "a cache, though no backward pass follows")


def _check_refusals(subject: _Subject) -> None:
    """Wrong types and shapes raise a TypeError or ValueError."""
    layer, params = subject.layer, subject.params
    x = pack(subject.inputs(subject.rng(), LARGE_BATCH))
    wrong = [x.astype(np.float64), x.astype(np.int64), x[0], x[:, :0].copy()]
    if layer.param_names and (subject.in_sequence or not subject.codes):  # codes without time: any number of them
        wrong.append(np.ascontiguousarray(x[:, :, :-1]))
    for values in wrong:
        _expect_refused(partial(layer.forward, params, values, CallContext()), f"x {values.dtype} {values.shape}")
    _, state, _ = layer.forward(params, x, CallContext())
    if isinstance(layer, StatefulLayer) and any(True for _ in _leaves(state)):
        other = _rebuild(state, iter([s[:, :-1] for s in _leaves(state)]))
        _expect_refused(partial(layer.forward, params, x, CallContext(), state=other), "a state with one unit less")


def _check_initial_params(subject: _Subject) -> None:
    """Initial parameters are float32 and depend on the random generator alone."""
    rngs = (np.random.default_rng(seed) for seed in (1, 1, 2))
    a, b, other = (subject.layer.init(rng, subject.in_shape) for rng in rngs)
    for name, p in a.items():
        _expect_equal(p, b[name], f"{name} drawn twice from the same seed")
        _expect(p.dtype == np.float32, f"{name} is {p.dtype}")
    constant = all(p.ndim == 1 for p in a.values())
    _expect(constant or any((p != other[name]).any() for name, p in a.items()), "the same matrices for any seed")


def _check_weights(subject: _Subject) -> None:
    """`from_keras_weights` inverts `to_keras_weights`, which copies."""
    layer, params = subject.layer, subject.params
    weights = layer.to_keras_weights(params)
    _expect(len(weights) == len(layer.param_names), f"{len(weights)} weights for {layer.param_names}")
    back = layer.from_keras_weights(weights)
    _expect(set(back) == set(params), f"{sorted(back)} come back for {sorted(params)}")
    for name, p in params.items():
        _expect_equal(back[name], p, f"{name} after get_weights and set_weights")
        _expect(not any(np.shares_memory(w, p) for w in weights), f"the weights share memory with {name}")


def _check_config(subject: _Subject) -> None:
    """A layer is data: equal, hashable and frozen, and it survives the way through JSON."""
    layer: Any = subject.layer
    kind: Any = type(layer)
    settings = {field.name: getattr(layer, field.name) for field in fields(layer)}
    again = kind(**settings)
    _expect(again == layer and hash(again) == hash(layer), "not equal to a layer with the same settings")
    _expect(kind(**settings | {"input_shape": [4, 2]}) != layer, "equal to a layer with another input_shape")
    try:
        layer.input_shape = (1, 1)
    except AttributeError:
        pass
    else:
        raise AssertionError("its settings can be changed")
    table = {**LAYERS, kind.__name__: kind}
    config = json.loads(json.dumps(layer_to_config(layer, table)))
    _expect(layer_from_config(config, table) == layer, "another layer comes back from its configuration")


LAYER_CHECKS: Mapping[str, Callable[[_Subject], None]] = {
    "shapes": _check_shapes,
    "gradients": _check_gradients,
    "state_gradients": _check_state_gradients,
    "same_bits": _check_same_bits,
    "padding_lanes": _check_padding_lanes,
    "masked_padding": _check_masked_padding,
    "batch_independence": _check_batch_independence,
    "streaming": _check_streaming,
    "prediction": _check_prediction,
    "refusals": _check_refusals,
    "initial_params": _check_initial_params,
    "weights": _check_weights,
    "config": _check_config,
}
"""Checks of `check_layer` by name."""


@contextmanager
def _named(case: str) -> Iterator[None]:
    """Put the name of a case in front of the message of an AssertionError."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{case}: {error}") from error


def _run_check(name: str, subject: _Subject) -> Exception | None:
    """Run a check and return its error, if any."""
    try:
        LAYER_CHECKS[name](subject)
    except Exception as error:
        return error
    return None


def _describe(error: Exception) -> str:
    """Return the message of an error, with its type unless it is an AssertionError."""
    kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
    return f"{kind}{str(error).strip()}"


def _expect(condition: bool, message: str) -> None:
    """Raise an AssertionError with a message unless a condition holds."""
    if not condition:
        raise AssertionError(message)


def _expect_equal(actual: Array, expected: Array, case: str) -> None:
    """Raise an AssertionError unless two arrays are equal."""
    if actual.shape != expected.shape or not np.array_equal(actual, expected, equal_nan=True):
        raise AssertionError(f"not the same numbers: {case}")


def _expect_refused(call: Callable[[], object], case: str) -> None:
    """Raise an AssertionError unless a call raises a TypeError or ValueError."""
    try:
        call()
    except (TypeError, ValueError):
        return
    raise AssertionError(f"not refused: {case}")


def _given(gradient: Array | None) -> Array:
    """Return a gradient of the input, which must not be missing."""
    if gradient is None:
        raise AssertionError("no gradient of x")
    return gradient


def _training(n_sequences: int) -> CallContext:
    """Return the settings of a pass in training."""
    return CallContext(training=True, key=7, n_sequences=n_sequences)


def _normal(rng: np.random.Generator, *shape: int) -> Array:
    """Draw normal numbers, float32."""
    return rng.normal(size=shape).astype(np.float32)


def _sum_scale(arrays: Sequence[Array]) -> float:
    """Return the size of a sum of terms with independent errors; 4 allows for curvature above that of a sine."""
    return 4 * float(np.sqrt(sum(np.square(a, dtype=np.float64).sum() for a in arrays)))


def _pad(x: Array, n_steps: int, value: float) -> Array:
    """Return x with more steps behind its end; codes stay codes."""
    return np.concatenate([x, np.full((len(x), n_steps, x.shape[2]), value, np.float32)], axis=1)


def _leaves(state: State | None) -> Iterator[Array]:
    """Yield the arrays of a state, however nested."""
    for item in state or ():
        if isinstance(item, tuple):
            yield from _leaves(item)
        elif item is not None:
            yield item


def _rebuild(state: State | None, arrays: Iterator[Array]) -> State | None:
    """Return a state of the same structure with other arrays."""
    if state is None:
        return None
    return tuple(_rebuild(item, arrays) if item is None or isinstance(item, tuple) else next(arrays) for item in state)
