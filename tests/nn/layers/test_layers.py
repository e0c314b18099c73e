"""Every layer keeps the contract. A new layer needs an entry in `layer_examples` and nothing else here."""

from __future__ import annotations

import numpy as np
from layer_examples import EXAMPLES, every_layer, parameters

from gatecast.layers import LAYERS
from gatecast.nn import checkpoint
from gatecast.nn.network import build, initial_weights
from gatecast.testing import check_layer


def test_examples_cover_every_layer():
    assert EXAMPLES.keys() == LAYERS.keys()


@every_layer
def test_layer_keeps_its_contract(example):
    text = repr(example.layer)
    check_layer(
        example.layer,
        example.in_shape,
        params=parameters(example.layer, np.random.default_rng(20240229), example.in_shape),
        codes=example.codes,
        # NumPy adds the features of a step in another order for other lanes.
        batch_exact="Normalization" not in text and "RMSNorm" not in text,
        has_stabilizer="SLSTM" in text,
    )


@every_layer
def test_network_read_from_file_equals_the_written_one(example, tmp_path):
    network = build([example.layer], example.in_shape)
    weights = initial_weights(network, 3)
    checkpoint.write_network(tmp_path / "m", network, weights, 3, {}, {})
    again, loaded, seed, _, arrays = checkpoint.read_network(tmp_path / "m")
    assert (again, seed, arrays) == (network, 3, {})
    np.testing.assert_array_equal(loaded.vector, weights.vector)


@every_layer
def test_layer_has_the_same_shapes_where_no_weights_are_drawn(example):
    network = build([example.layer], example.in_shape)
    drawn, undrawn = initial_weights(network, 3), initial_weights(network, None)
    shapes = [{name: view.shape for name, view in weights.views[0].items()} for weights in (drawn, undrawn)]
    assert shapes[0] == shapes[1]
