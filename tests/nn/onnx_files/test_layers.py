"""Every layer as operators of ONNX, run by onnxruntime: the numbers of the kernels.

A new layer needs an entry in `layer_examples` and one in `CONVERTERS`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from layer_examples import ALL, EXAMPLES, T, every_layer, parameters, sample
from onnx_runs import LIMIT, run, session_of

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.layers import LAYERS, LSTM, Dense, Input, TimeDistributed
from gatecast.models import Sequential
from gatecast.nn.layers.base import BaseLayer
from gatecast.nn.network import build, forward, initial_weights
from gatecast.nn.onnx_files.layers import CONVERTERS
from gatecast.nn.onnx_files.models import Names, write_network
from gatecast.nn.streaming import Stream

NEW_OPSET = 21
"""Reductions have their axes as inputs from 18 on."""

TIMED = [example for example in ALL if len(example.in_shape) == 2]

STREAMED = [example for example in TIMED if example.layer.supports_streaming]

FIRST_OF_EACH = [examples[0] for examples in EXAMPLES.values()]


def exported(example, path, opset=17, **options):
    """Write a network of one layer with random parameters; return it and what runs the file."""
    network = build([example.layer], example.in_shape)
    weights = initial_weights(network, 3)
    for name, value in parameters(example.layer, np.random.default_rng(20240229), example.in_shape).items():
        weights.views[0][name][...] = value
    names = Names("network", {"x": example.in_shape}, ["y"], ["layer"])
    write_network(path, network, weights, names, opset=opset, **{"state": False, "mask": False} | options)
    return network, weights, session_of(path)


def kernels(network, weights, x, mask=None):
    """Return the outputs of the kernels for samples."""
    rows = x if x.ndim > 2 else x[:, None]
    packed = pack(rows)
    y, _ = forward(network, weights, packed, None if mask is None else pack_mask(mask, packed.shape[3]))
    return unpack(y, len(x)).reshape(len(x), *network.shapes[-1])


def test_converters_cover_every_layer():
    assert CONVERTERS.keys() == LAYERS.keys()


@every_layer
def test_layer_in_onnxruntime_equals_the_kernels(example, tmp_path):
    _, weights, session = exported(example, tmp_path / "x.onnx")
    rng = np.random.default_rng(1)
    any_length = session.get_inputs()[0].shape[1] == "time"
    for n, steps in ((1, T), (3, T), (19, T), (3, 4), (2, 11)):
        if steps != T and not any_length:
            continue
        x = sample(example, rng, n, steps)
        x = x if len(example.in_shape) == 2 else x[:, 0]
        of_length = build([example.layer], x.shape[1:])
        y = run(session, x=x)["y"]
        np.testing.assert_allclose(y, kernels(of_length, weights, x), rtol=LIMIT, atol=LIMIT)


@pytest.mark.parametrize("example", TIMED, ids=repr)
def test_layer_with_masked_steps_equals_the_kernels(example, tmp_path):
    network, weights, session = exported(example, tmp_path / "x.onnx", mask=True)
    rng = np.random.default_rng(2)
    for n in (3, 19):
        x = sample(example, rng, n)
        mask = rng.random(x.shape[:2]) < 0.6
        mask[0], mask[1] = True, False
        expected = kernels(network, weights, np.where(mask[..., None], x, 0), mask)
        np.testing.assert_allclose(
            run(session, x=x * mask[..., None], mask=mask)["y"], expected, rtol=LIMIT, atol=LIMIT
        )


@pytest.mark.parametrize("example", STREAMED, ids=repr)
def test_layer_in_pieces_equals_a_stream(example, tmp_path):
    _, weights, session = exported(example, tmp_path / "x.onnx", state=True)
    network = build([example.layer], (None, *example.in_shape[1:]))
    stream, x = Stream(network, weights, 3), sample(example, np.random.default_rng(3), 3, 9)
    shapes = {port.name: port.shape for port in session.get_inputs() if port.name != "x"}
    state = {name: np.zeros((3, shape[1]), np.float32) for name, shape in shapes.items()}
    for first, stop in ((0, 4), (4, 5), (5, 9)):
        outputs = run(session, x=x[:, first:stop], **state)
        y = outputs.pop("y")
        expected = stream.warm(x[:, first:stop])
        np.testing.assert_allclose(y[:, -1] if y.ndim == 3 else y, expected, rtol=LIMIT, atol=LIMIT)
        state = {name.removesuffix(".next"): value for name, value in outputs.items()}
    assert state.keys() == shapes.keys()


@pytest.mark.parametrize("example", FIRST_OF_EACH, ids=repr)
def test_layer_with_newer_operators_equals_the_kernels(example, tmp_path):
    network, weights, session = exported(example, tmp_path / "x.onnx", opset=NEW_OPSET)
    x = sample(example, np.random.default_rng(1), 3)
    x = x if len(example.in_shape) == 2 else x[:, 0]
    np.testing.assert_allclose(run(session, x=x)["y"], kernels(network, weights, x), rtol=LIMIT, atol=LIMIT)


@dataclass(frozen=True, repr=False)
class Doubled(BaseLayer):
    """A layer of the user's own."""

    def forward(self, _params, x, _context):
        return 2 * x, None, None


@pytest.mark.parametrize("layer", [Doubled(), TimeDistributed(Doubled())], ids=repr)
def test_layer_of_the_users_own_is_refused_with_advice(layer, tmp_path):
    model = Sequential([Input((5, 2)), layer])
    with pytest.raises(ConfigError, match=r"cannot be exported to ONNX.*Doubled.*Replace it"):
        model.to_onnx(tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_subclass_of_a_layer_that_computes_something_else_is_refused(tmp_path):
    class Shifted(Dense):
        def forward(self, params, x, context):
            y, state, cache = super().forward(params, x, context)
            return y + 1, state, cache

    with pytest.raises(ConfigError, match="cannot be exported"):
        Sequential([Input((2,)), Shifted(1)]).to_onnx(tmp_path / "x.onnx")


def test_masked_step_may_hold_anything(tmp_path):
    model = Sequential([Input((None, 1)), LSTM(3)])
    model.to_onnx(tmp_path / "x.onnx", mask=True)
    x, mask = np.ones((1, 4, 1), np.float32), np.array([[True, False, True, True]])
    expected = model.predict(x, mask=mask)
    x[0, 1] = np.nan
    np.testing.assert_allclose(run(session_of(tmp_path / "x.onnx"), x=x, mask=mask)["y"], expected, atol=LIMIT)
