"""Layers that read features before time: those of (time, features) with swapped axes. Keras' numbers: golden cases."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_runs import LIMIT, run, session_of

from gatecast.errors import ConfigError
from gatecast.layers import (
    AveragePooling1D,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Input,
    MaxPooling1D,
    Permute,
)
from gatecast.models import Sequential, load_model
from gatecast.testing import LAYER_CHECKS, check_layer

F, T = 3, 8

FIRST = {"data_format": "channels_first"}

CASES = {
    "conv": lambda **kwargs: Conv1D(4, 3, **kwargs),
    "conv_causal": lambda **kwargs: Conv1D(4, 3, padding="causal", dilation_rate=2, activation="relu", **kwargs),
    "conv_same": lambda **kwargs: Conv1D(4, 3, 2, "same", activation="gelu", **kwargs),
    "max": lambda **kwargs: MaxPooling1D(2, **kwargs),
    "average": lambda **kwargs: AveragePooling1D(3, 2, "same", **kwargs),
    "global_average": lambda **kwargs: GlobalAveragePooling1D(keepdims=True, **kwargs),
    "global_max": lambda **kwargs: GlobalMaxPooling1D(keepdims=True, **kwargs),
}

every_case = pytest.mark.parametrize("make", CASES.values(), ids=CASES)


@every_case
def test_layer_with_features_first_keeps_its_contract(make):
    # Its second axis is time, which may have any length; masks are of the first axis.
    others = {"refusals", "masked_padding", "batch_independence"}
    check_layer(make(**FIRST), (F, T), checks=set(LAYER_CHECKS) - others)


@every_case
def test_layer_with_features_first_trains_as_between_two_permutations(make, rng):
    x = rng.normal(size=(20, F, T)).astype(np.float32)
    first = Sequential([Input((F, T)), make(**FIRST), Flatten("channels_first"), Dense(1)], seed=1)
    last = Sequential([Input((F, T)), Permute((2, 1)), make(), Flatten(), Dense(1)], seed=1)
    last.set_weights(first.get_weights())
    for model in (first, last):
        model.compile("sgd", "mse")
        model.fit(x, x.mean(axis=(1, 2)), epochs=2, batch_size=20, shuffle=False, verbose=0)
    np.testing.assert_array_equal(first.predict(x), last.predict(x))


@every_case
def test_layer_with_features_first_is_saved_and_exported(make, rng, tmp_path):
    x = rng.normal(size=(5, F, T)).astype(np.float32)
    model = Sequential([Input((F, T)), make(**FIRST), Flatten("channels_first")])
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(load_model(tmp_path / "m.safetensors").predict(x), model.predict(x))
    model.to_onnx(tmp_path / "m.onnx")
    np.testing.assert_allclose(run(session_of(tmp_path / "m.onnx"), x=x)["y"], model.predict(x), rtol=LIMIT, atol=LIMIT)


@pytest.mark.parametrize("make", [*CASES.values(), Flatten])
def test_unknown_data_format_is_refused(make):
    with pytest.raises(ConfigError, match=r"Invalid data_format.*'channel_last'.*'channels_first'"):
        make(data_format="channel_last")


def test_what_features_first_cannot_read_is_refused_with_advice(rng):
    with pytest.raises(ConfigError, match=r"Unknown number of features.*the number of steps stands last"):
        Conv1D(4, 3, **FIRST).output_shape((None, T))
    with pytest.raises(ConfigError, match=r"Flatten swaps two axes.*put Permute before"):
        Flatten(**FIRST).output_shape((4, F, T))
    model = Sequential([Input((F, T)), GlobalAveragePooling1D(**FIRST)])
    with pytest.raises(ConfigError, match=r"mask is of steps.*Permute\(\(2, 1\)\)"):
        model.predict(rng.normal(size=(2, F, T)), mask=np.ones((2, F), bool))
