"""Convolutions and pooling equal their definition in float64, for random shapes, at every instruction-set level."""

from __future__ import annotations

import numpy as np
import pytest
from cell_cases import named
from tolerances import close, rounding

from gatecast.kernels import convolution as kernels
from gatecast.kernels.convolution import Windows
from gatecast.kernels.packing import pack, unpack
from gatecast.nn.layers.convolution import window_positions


def random_shape(rng):
    """Draw sizes: batch, steps, features, outputs, width, stride, dilation, padding."""
    B, F, M = int(rng.choice([2, 5, 19])), int(rng.integers(1, 20)), int(rng.integers(1, 40))
    width, T = int(rng.integers(1, 6)), int(rng.integers(1, 90))
    stride, dilation = (int(rng.integers(1, 5)), 1) if rng.random() < 0.5 else (1, int(rng.integers(1, 5)))
    padding = str(rng.choice(["valid", "same", "causal"]))
    size = (width - 1) * dilation + 1
    T = max(T, size) if padding == "valid" else T
    return B, T, F, M, width, dilation, window_positions(T, size, stride, padding)


def window_steps(windows, width, dilation, T):
    """Yield, for every window, its steps inside of the sequence and which taps read them."""
    for t in range(windows.outputs):
        steps = t * windows.stride - windows.before + dilation * np.arange(width)
        taps = np.flatnonzero((steps >= 0) & (steps < T))
        yield t, steps[taps], taps


@pytest.mark.usefixtures("every_isa")
@pytest.mark.parametrize("seed", range(12))
def test_convolution_and_its_gradients_equal_the_definition(seed):
    rng = np.random.default_rng(seed)
    B, T, F, M, width, dilation, windows = random_shape(rng)
    x, W = rng.normal(size=(B, T, F)).astype("f"), rng.normal(size=(width, F, M)).astype("f")
    b, dy = rng.normal(size=M).astype("f"), rng.normal(size=(B, windows.outputs, M)).astype("f")
    y, dx, dW = np.zeros(dy.shape), np.zeros(x.shape), np.zeros(W.shape)
    for t, steps, taps in window_steps(windows, width, dilation, T):
        y[:, t] = np.einsum("bkf,kfm->bm", x[:, steps], W[taps].astype(np.float64)) + b
        dx[:, steps] += np.einsum("bm,kfm->bkf", dy[:, t], W[taps].astype(np.float64))
        dW[taps] += np.einsum("bkf,bm->kfm", x[:, steps].astype(np.float64), dy[:, t])
    params, packed = {"W": W, "b": b}, pack(x)
    with named((B, T, F, M, width, dilation, windows)):
        out = kernels.convolution(params, packed, windows, dilation=dilation)
        close(unpack(out, B), y, rounding(width * F), scale=float(np.abs(y).max()))
        got, grads = kernels.convolution_backward(params, packed, pack(dy), out, windows, dilation=dilation)
        close(unpack(got, B), dx, rounding(width * M), scale=float(np.abs(dx).max()))
        close(grads["W"], dW, rounding(B * T), scale=float(np.abs(dW).max()) + B)
        close(grads["b"], dy.sum(axis=(0, 1)), rounding(B * T), scale=float(np.sqrt(B * T)))
        alone, _ = kernels.convolution_backward(
            params, packed, pack(dy), out, windows, dilation=dilation, need_dx=False
        )
        assert alone is None


@pytest.mark.usefixtures("every_isa")
@pytest.mark.parametrize("maximum", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_pooling_and_its_gradient_equal_the_definition(seed, maximum):
    rng = np.random.default_rng([seed, 1])
    B, T, F, _, width, _, _ = random_shape(rng)
    windows = window_positions(T, width, int(rng.integers(1, 5)), "same" if seed % 2 or width > T else "valid")
    x, dy = rng.normal(size=(B, T, F)).astype("f"), rng.normal(size=(B, windows.outputs, F)).astype("f")
    y, dx = np.zeros(dy.shape), np.zeros(x.shape)
    for t, steps, _ in window_steps(windows, width, 1, T):
        part = x[:, steps].astype(np.float64)
        y[:, t] = part.max(axis=1) if maximum else part.mean(axis=1)
        share = (part == y[:, t, None]) if maximum else np.full(part.shape, 1 / len(steps))
        dx[:, steps] += share * dy[:, t, None]
    with named((B, T, F, width, windows)):
        close(unpack(kernels.pooling(pack(x), windows, maximum=maximum), B), y, rounding(width), scale=5.0)
        got = kernels.pooling_backward(pack(x), pack(dy), windows, maximum=maximum)
        close(unpack(got, B), dx, rounding(4 * width), scale=10.0)


@pytest.mark.usefixtures("every_isa")
@pytest.mark.parametrize("lanes", [1, 16])
def test_maximum_of_a_window_with_nan_is_nan_wherever_it_stands(lanes):
    nan = np.nan
    x = np.array([nan, 1, 2, 3, nan, 1, 4, 5, nan, nan, nan, 0], np.float32)[None, :, None, None]
    x, windows = np.ascontiguousarray(np.broadcast_to(x, (1, 12, 1, lanes))), Windows(3, 3, outputs=4)
    y = kernels.pooling(x, windows, maximum=True)
    np.testing.assert_array_equal(y[0, :, 0, 0], [nan, nan, nan, nan])  # as max_pool1d of PyTorch
    np.testing.assert_array_equal(kernels.pooling(x[:, 5:8], Windows(3, 3), maximum=True).ravel(), [5] * lanes)
    dx = kernels.pooling_backward(x, np.ones_like(y), windows, maximum=True)
    np.testing.assert_array_equal(dx[0, :, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0])


def test_scratch_of_a_convolution_has_room_for_the_windows_there_are():
    # With room for 32 windows this far apart it would be 140 GB for each thread.
    x, params = np.ones((2, 8, 64, 16), np.float32), {"W": np.ones((3, 64, 1), np.float32), "b": np.zeros(1, "f")}
    windows = Windows(3, 2**20, outputs=1)
    y = kernels.convolution(params, x, windows)
    dx, _ = kernels.convolution_backward(params, x, np.ones_like(y), y, windows)
    assert (y == 192).all()
    assert dx[:, :3].all()
    assert not dx[:, 3:].any()


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_strides_beyond_the_sequence_leave_one_window(padding):
    far, near = window_positions(8, 3, 10**12, padding), window_positions(8, 3, 8, padding)
    assert far == near
    assert far.outputs == 1


def test_the_first_of_equal_maxima_gets_the_gradient():
    x = np.zeros((1, 4, 1, 1), np.float32)
    dx = kernels.pooling_backward(x, np.ones((1, 2, 1, 1), np.float32), Windows(2, 2, outputs=2), maximum=True)
    assert dx.ravel().tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    "windows",
    [Windows(2, 0, outputs=2), Windows(2, 1, before=2, outputs=2), Windows(2, 1, outputs=0), Windows(2, 3, outputs=9)],
)
def test_windows_outside_of_the_sequence_raise_value_error(windows):
    x, W = np.zeros((1, 4, 1, 1), np.float32), np.zeros((2, 1, 1), np.float32)
    with pytest.raises(ValueError, match="window"):
        kernels.convolution({"W": W, "b": np.zeros(1, np.float32)}, x, windows)
    with pytest.raises(ValueError, match="window"):
        kernels.pooling(x, windows, maximum=True)
