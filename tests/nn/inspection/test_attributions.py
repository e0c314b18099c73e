"""Attributions of any network: the float64 reference, the sum, and the axioms they must keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layer_examples import ALL, F, T, parameters, sample

from gatecast.errors import ConfigError, DataError
from gatecast.kernels import reference
from gatecast.kernels.packing import pack
from gatecast.layers import GRU, LSTM, SLSTM, Dense, Embedding, SimpleRNN
from gatecast.nn.inspection.attributions import gradients, integrate_path, integrated_gradients, occlude_path, occlusion
from gatecast.nn.network import Network, build, initial_weights
from gatecast.nn.training import predict

CELLS = {
    "lstm": LSTM(4),
    "peephole": LSTM(4, peephole="diagonal"),
    "gru": GRU(4),
    "rnn": SimpleRNN(4),
    "slstm": SLSTM(4),
}


def made(layers, shape=(T, F), seed=0):
    """A network with weights that are large enough to bend."""
    network = build(layers, shape)
    weights = initial_weights(network, seed)
    weights.vector[:] = np.random.default_rng(seed).normal(size=weights.vector.size) * 0.7
    return network, weights


def lstm(weights, x):
    """LSTM(4), Dense(2) in float64: the outputs, and the gradient of the second one."""
    recurrent, dense = (dict(views) for views in weights.views)
    y, _, cache = reference.forward("lstm", recurrent, x)
    dy = np.zeros(y.shape)
    dy[:, -1] = dense["W"][:, 1]
    return y[:, -1] @ dense["W"] + dense["b"], reference.backward("lstm", recurrent, cache, dy)[0]


def test_gradients_through_the_recurrence_are_those_of_the_reference_and_of_differences(rng):
    network, weights = made([LSTM(4), Dense(2)])
    x = rng.normal(size=(7, T, F))
    found = gradients(network, weights, x, 1)
    np.testing.assert_allclose(found, lstm(weights, x)[1], atol=2e-6)
    for t, f in ((0, 1), (2, 0), (T - 1, 2)):
        step = np.zeros((T, F))
        step[t, f] = 1e-5
        slope = (lstm(weights, x + step)[0] - lstm(weights, x - step)[0])[:, 1] / 2e-5
        np.testing.assert_allclose(found[:, t, f], slope, atol=2e-6)


@pytest.mark.parametrize("example", ALL, ids=[f"{e.layer!r}-{len(e.in_shape)}" for e in ALL])
def test_gradients_of_every_layer_are_those_of_differences(example, rng):
    network = build([example.layer], example.in_shape)
    weights = initial_weights(network, 0)
    for name, value in parameters(example.layer, rng, example.in_shape).items():
        weights.views[0][name][...] = value
    x = sample(example, rng, 3).astype(np.float64)
    way = rng.normal(size=x.shape)
    if "Embedding" in repr(example.layer):
        way[..., list(example.codes)] = 0.0
    # Away from the kink of a rectifier, whose sides have different slopes.
    step = 2e-3
    said = [predict(network, weights, np.float32(x + sign * step * way)) for sign in (1, -1)]
    slope = (said[0] - said[1]).reshape(3, -1, said[0].shape[-1])[:, -1, 0] / (2 * step)
    flat = len(example.in_shape) == 1
    found = gradients(network, weights, x[:, 0] if flat else x)
    np.testing.assert_allclose((found.reshape(x.shape) * way).sum(axis=(1, 2)), slope, atol=5e-3, rtol=5e-3)


@pytest.mark.parametrize("cell", CELLS)
def test_integrated_gradients_sum_to_the_difference_from_the_baseline(cell, rng):
    network, weights = made([CELLS[cell], Dense(3)])
    x, base = rng.normal(size=(2, 9, T, F))
    found = integrated_gradients(network, weights, x, 2, baseline=base)
    np.testing.assert_allclose(found.output, predict(network, weights, np.float32(x))[:, 2], atol=1e-6)
    np.testing.assert_allclose(found.baseline, predict(network, weights, np.float32(base))[:, 2], atol=1e-6)
    np.testing.assert_allclose(
        found.output - found.baseline - found.values.sum(axis=(1, 2)), found.completeness_error, atol=1e-12
    )
    assert np.abs(found.completeness_error).max() < 1e-5
    assert np.abs(found.values).sum() > 5
    # A coarse sum misses what the points are for.
    coarse = integrated_gradients(network, weights, x, 2, baseline=base, points=1)
    assert np.abs(coarse.completeness_error).max() > 1e-3


def test_of_a_linear_network_all_methods_say_weight_times_distance(rng):
    network, weights = made([Dense(2)], (F,))
    x, base = rng.normal(size=(2, 20, F))
    W = weights.views[0]["W"].astype(np.float64)
    np.testing.assert_allclose(gradients(network, weights, x, 1), np.tile(W[:, 1], (20, 1)), atol=1e-6)
    for found in (
        integrated_gradients(network, weights, x, 1, baseline=base, points=1),
        occlusion(network, weights, x, 1, baseline=base),
    ):
        np.testing.assert_allclose(found.values, W[:, 1] * (x - base), atol=2e-6)
        np.testing.assert_allclose(found.completeness_error, 0, atol=2e-6)


@pytest.mark.parametrize("method", [integrated_gradients, occlusion])
def test_what_is_as_in_the_baseline_and_what_is_not_read_gets_nothing(method, rng):
    network, weights = made([LSTM(4), Dense(1)])
    weights.views[0]["Wx"][2] = 0.0
    x = rng.normal(size=(5, T, F))
    x[..., 1] = 0.3
    found = method(network, weights, x, baseline=[0.0, 0.3, 0.0]).values
    assert (found[..., 1:] == 0).all()
    assert np.abs(found[..., 0]).min() > 0


def test_inputs_that_are_read_alike_get_alike(rng):
    network, weights = made([GRU(4), Dense(1)])
    weights.views[0]["Wx"][1] = weights.views[0]["Wx"][0]
    x = rng.normal(size=(5, T, F))
    x[..., 1] = x[..., 0]
    found = integrated_gradients(network, weights, x).values
    np.testing.assert_allclose(found[..., 0], found[..., 1], atol=1e-6)


def test_hidden_steps_and_features_are_those_that_are_replaced(rng):
    network, weights = made([LSTM(4), Dense(1)])
    x = rng.normal(size=(2, T, F))
    without = np.repeat(np.float32(x)[:1], 2, axis=0)
    without[0, 3] = 0.5
    without[1, :, 2] = 0.5
    left = predict(network, weights, np.float32(x))[0] - predict(network, weights, without)[:, 0]
    steps = occlusion(network, weights, x, by="step", baseline=0.5).values
    features = occlusion(network, weights, x, by="feature", baseline=0.5).values
    assert steps.shape == (2, T)
    assert features.shape == (2, F)
    np.testing.assert_allclose([steps[0, 3], features[0, 2]], left, atol=1e-6)


def test_packed_samples_and_another_step_of_a_sequence(rng):
    network, weights = made([LSTM(4, return_sequences=True), Dense(2)])
    x = rng.normal(size=(6, T, F))
    third = gradients(network, weights, x, 1, step=2)
    np.testing.assert_array_equal(gradients(network, weights, pack(x), 1, step=2, count=6), third)
    assert (third[:, 3:] == 0).all()
    assert (third[:, 2] != 0).all()
    assert gradients(network, weights, pack(x), 1).shape == (16, T, F)
    flat, own = made([Dense(2)], (F,))
    assert gradients(flat, own, pack(x[:, :1]), count=6).shape == (6, F)


def test_codes_have_no_gradient_and_need_the_same_codes_as_baseline():
    network, weights = made([Embedding(7, 2), LSTM(3), Dense(1)], (T, 1))
    x = np.arange(T)[None, :, None]
    assert (gradients(network, weights, x) == 0).all()
    assert integrated_gradients(network, weights, x, baseline=x).completeness_error == 0
    assert np.abs(occlusion(network, weights, x).values[0, 1:]).min() > 0
    with pytest.raises(DataError, match=r"code \(Embedding\)"):
        integrated_gradients(network, weights, x)


@given(st.integers(1, 5), st.integers(1, 40), st.integers(1, 9))
def test_how_many_go_batch_size_changes_nothing(points, batch_size, count):
    x, base = np.random.default_rng(count).normal(size=(2, count, 4))
    sizes = []

    def graded(rows):
        """A sum of products."""
        sizes.append(len(rows))
        return (rows[:, 0] * rows[:, 1] ** 2), np.stack(
            [rows[:, 1] ** 2, 2 * rows[:, 0] * rows[:, 1], *rows[:, 2:].T * 0], 1
        )

    found = integrate_path(graded, x, base, points, batch_size=batch_size)
    np.testing.assert_allclose(found, integrate_path(graded, x, base, points, batch_size=10**6), atol=1e-12)
    assert max(sizes[:-1]) <= batch_size
    if points > 1:
        np.testing.assert_allclose(found.sum(axis=1), graded(x)[0] - graded(base)[0], atol=1e-9)
    cell, say = np.array([0, 1, 1, 2]), lambda rows: graded(rows)[0]
    np.testing.assert_array_equal(
        occlude_path(say, x, base, cell, batch_size=batch_size), occlude_path(say, x, base, cell)
    )


def test_bad_input_says_what_is_wrong(rng):
    network, weights = made([LSTM(4, return_sequences=True), Dense(2)])
    x = rng.normal(size=(3, T, F))
    with pytest.raises(ConfigError, match="Invalid output 2: expected an integer from 0 to 1"):
        gradients(network, weights, x, 2)
    with pytest.raises(ConfigError, match=f"Invalid step {T}: expected an integer from -{T} to {T - 1}"):
        integrated_gradients(network, weights, x, step=T)
    with pytest.raises(ConfigError, match="Invalid by 'time': expected 'step' or 'feature' or 'both'"):
        occlusion(network, weights, x, by="time")
    with pytest.raises(ConfigError, match="Invalid points 0"):
        integrated_gradients(network, weights, x, points=0)
    with pytest.raises(ConfigError, match=r"The model has no layers\. Add some"):
        gradients(Network((), ((T, F),)), weights, x)
    with pytest.raises(DataError, match="x has the wrong number of axes"):
        gradients(network, weights, x[0])
    with pytest.raises(DataError, match="x has the wrong number of features"):
        gradients(network, weights, x[..., :2])
    with pytest.raises(DataError, match="x has 1 values that are not finite"):
        gradients(network, weights, np.where(np.arange(3 * T * F).reshape(x.shape) == 4, np.nan, x))
    with pytest.raises(DataError, match=r"The baseline does not fit x: got \(2,\), expected \(3, 5, 3\), or a number"):
        integrated_gradients(network, weights, x, baseline=[1.0, 2.0])
    with pytest.raises(DataError, match="The baseline is not finite"):
        occlusion(network, weights, x, baseline=np.nan)
