"""MinLSTM and MinGRU have gates that read the input alone."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, T, normal, parameters

from gatecast.kernels.packing import pack
from gatecast.layers import CallContext, MinGRU, MinLSTM


@pytest.mark.parametrize("kind", [MinGRU, MinLSTM])
def test_gates_do_not_depend_on_earlier_steps(kind, rng):
    layer, x = kind(4, return_sequences=True), normal(rng, 19, T, F)
    params = parameters(layer, rng)
    other = x.copy()
    other[:, 0] += 1
    caches = [layer.forward(params, pack(values), CallContext())[2][0] for values in (x, other)]
    for gate in ("z",) if kind is MinGRU else ("i", "f"):
        a, b = (cache.saved_rows(gate) for cache in caches)
        np.testing.assert_array_equal(a[:, 1:], b[:, 1:])
        assert (a[:, 0] != b[:, 0]).any()
    assert "Wh" not in params
