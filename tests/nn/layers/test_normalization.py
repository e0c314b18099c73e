"""Normalization over features and over batches equals its definition in float64; moving averages move."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, T, normal, parameters
from tolerances import close, rounding

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.layers import BatchNormalization, CallContext, Dense, LayerNormalization, RMSNorm
from gatecast.losses import MeanSquaredError
from gatecast.nn.batching import make_batches
from gatecast.nn.inputs import TrainingData
from gatecast.nn.network import TrainingPass, build, forward, initial_weights, update_buffers
from gatecast.nn.training import predict, train_steps
from gatecast.optimizers import AdamW

B = 19
every_count = pytest.mark.parametrize("count", [2, B])


@every_count
@pytest.mark.parametrize("steps", [1, T])
def test_layer_normalization_equals_its_definition(steps, count, rng):
    layer, x = LayerNormalization(0.01), 3 * normal(rng, count, steps, F) + 5
    params = parameters(layer, rng)
    y, _, _ = layer.forward(params, pack(x), CallContext())
    wide = x.astype(np.float64)
    u = (wide - wide.mean(2, keepdims=True)) / np.sqrt(wide.var(2, keepdims=True) + 0.01)
    close(unpack(y, count), params["gamma"] * u + params["beta"], rounding(8 * F), scale=20.0)


@every_count
def test_rms_norm_equals_its_definition(count, rng):
    layer, x = RMSNorm(0.01), 3 * normal(rng, count, T, F)
    params = parameters(layer, rng)
    y, _, _ = layer.forward(params, pack(x), CallContext())
    wide = x.astype(np.float64)
    close(unpack(y, count), params["gamma"] * wide / np.sqrt((wide**2).mean(2, keepdims=True) + 0.01), rounding(8 * F))


@every_count
@pytest.mark.parametrize("masked", [False, True])
def test_batch_normalization_equals_its_definition_over_valid_steps(masked, count, rng):
    layer, x = BatchNormalization(momentum=0.9, epsilon=0.01), 3 * normal(rng, count, T, F) + 5
    params = parameters(layer, rng)
    used = rng.random((count, T)) < 0.6 if masked else np.ones((count, T), bool)
    packed = pack(x)
    packed.reshape(-1, T, F, packed.shape[3])[-1, ..., (count % 16 or 16) :] = 1e4  # padding lanes are not valid
    context = CallContext(True, n_sequences=count, mask=pack_mask(used) if masked else None)
    y, _, cache = layer.forward(params, packed, context)
    valid = x[used].astype(np.float64)
    mean, variance = valid.mean(0), valid.var(0)
    expected = params["gamma"] * (x - mean) / np.sqrt(variance + 0.01) + params["beta"]
    close(unpack(y, count), expected, rounding(count * T), scale=20.0)
    buffers = layer.update_buffers(params, cache)
    close(buffers["moving_mean"], 0.9 * params["moving_mean"] + 0.1 * mean, rounding(count * T), scale=20.0)
    close(buffers["moving_variance"], 0.9 * params["moving_variance"] + 0.1 * variance, rounding(count * T), scale=20.0)


@every_count
def test_batch_normalization_outside_training_uses_moving_averages(count, rng):
    layer, x = BatchNormalization(epsilon=0.01), normal(rng, count, T, F)
    params = parameters(layer, rng)
    y, _, cache = layer.forward(params, pack(x), CallContext())
    expected = (
        params["gamma"] * (x - params["moving_mean"]) / np.sqrt(params["moving_variance"] + 0.01) + params["beta"]
    )
    close(unpack(y, count), expected, rounding(20), scale=20.0)
    assert layer.update_buffers(params, cache) == {}
    dx, _, _ = layer.backward(params, cache, np.ones_like(y), True)
    close(dx[0, 0, :, 0], params["gamma"] / np.sqrt(params["moving_variance"] + 0.01), rounding(10))


def test_fully_masked_batch_leaves_moving_averages_unchanged(rng):
    layer, x = BatchNormalization(), pack(normal(rng, B, T, F))
    params = parameters(layer, rng)
    y, _, cache = layer.forward(params, x, CallContext(True, mask=np.zeros((2, T, 16), np.float32)))
    assert np.isfinite(y).all()
    assert layer.update_buffers(params, cache) == {}


def test_param_names_follow_keras_order():
    assert LayerNormalization().param_names == ("gamma", "beta")
    assert BatchNormalization().param_names == ("gamma", "beta", "moving_mean", "moving_variance")
    start = BatchNormalization().init(np.random.default_rng(0), (T, F))
    assert [float(start[name].sum()) for name in BatchNormalization().param_names] == [F, 0, 0, F]
    assert LayerNormalization(1e-3) == LayerNormalization()
    assert (BatchNormalization().momentum, BatchNormalization().epsilon) == (0.99, 1e-3)


def test_training_updates_moving_averages_for_any_optimizer_and_batch_size(rng):
    network = build([BatchNormalization(momentum=0.5), Dense(1)], (F,))
    weights = initial_weights(network, 0)
    x = 2 * normal(rng, 21, 1, F) + 1
    samples = TrainingData(x, normal(rng, 21, 1, 1))
    batches, optimizer = make_batches(samples, np.arange(21), 18), AdamW(0.01, 0.1).transformation()
    list(train_steps(network, weights, batches, MeanSquaredError(), optimizer, seed=0))
    mean, variance = np.zeros(F), np.ones(F)
    for batch in (x[:18, 0], x[18:, 0]):  # the second batch has three sequences
        mean, variance = 0.5 * mean + 0.5 * batch.mean(0), 0.5 * variance + 0.5 * batch.var(0)
    close(weights.views[0]["moving_mean"], mean, rounding(100))
    close(weights.views[0]["moving_variance"], variance, rounding(100))
    close(predict(network, weights, x[:1]), predict(network, weights, x)[:1], rounding(20))


def test_update_buffers_reaches_every_layer(rng):
    network = build([Dense(F), BatchNormalization(0.0)], (F,))
    weights = initial_weights(network, 0)
    y, caches = forward(network, weights, pack(normal(rng, B, 1, F)), training=TrainingPass(0, 0), n_sequences=B)
    update_buffers(network, weights, caches)
    assert y.shape == (2, 1, F, 16)
    assert weights.views[1]["moving_mean"].any()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LayerNormalization(0), r"Invalid epsilon 0 \(LayerNormalization"),
        (lambda: RMSNorm(-1), r"Invalid epsilon -1 \(RMSNorm"),
        (lambda: BatchNormalization(momentum=1), r"Invalid momentum 1 \(BatchNormalization"),
    ],
)
def test_normalization_with_impossible_settings_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
