"""Weights alone, in every layout of Keras."""

from __future__ import annotations

import numpy as np
import pytest
from keras_file_cases import GOLDEN, numbers

from gatecast.errors import FormatError
from gatecast.layers import LSTM, Dense, Dropout, Input
from gatecast.models import Sequential

h5py = pytest.importorskip("h5py")


def stack(units=3):
    """The model of the golden file lstm_stack."""
    return Sequential([Input((6, 2)), LSTM(4, return_sequences=True), Dropout(0.2), LSTM(units), Dense(1)])


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5", ".keras"])
def test_weights_are_those_of_keras(suffix):
    model = stack()
    model.load_weights(GOLDEN / f"lstm_stack{suffix}")
    x, expected = numbers("lstm_stack")
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5", ".keras"])
def test_weights_of_other_layers_are_refused_and_change_nothing(suffix):
    for model, text in ((stack(5), "do not fit"), (Sequential([Input((6, 2)), Dense(1), Dense(2)]), "weights of")):
        before = model.weights.vector.copy()
        with pytest.raises(FormatError, match=text):
            model.load_weights(GOLDEN / f"lstm_stack{suffix}")
        np.testing.assert_array_equal(model.weights.vector, before)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    path = tmp_path / "a.weights.h5"
    path.write_bytes((GOLDEN / "lstm_stack.weights.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        file["layers/dense/vars/1"][0] = np.nan
    with pytest.raises(FormatError, match="not finite"):
        stack().load_weights(path)
