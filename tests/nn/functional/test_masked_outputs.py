"""Steps that a Masking layer skips count neither in the loss nor in metrics of sequence outputs: numbers of Keras."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from keras_mask_cases import CASES, run
from onnx_runs import LIMIT, session_of
from onnx_runs import run as run_onnx
from tolerances import rounding

import gatecast
from gatecast.layers import LSTM, Add, Dense, Dropout, Input, Masking
from gatecast.models import Model, Sequential

RECORDS = json.loads((Path(__file__).parents[1] / "golden" / "keras_masked_outputs.json").read_text())["cases"]


@pytest.mark.parametrize(("name", "weights"), CASES)
def test_losses_metrics_and_an_epoch_equal_those_of_keras(name, weights):
    expected, found = RECORDS[f"{name}-{weights}"], run(gatecast, name, weights)
    assert found["history"] == pytest.approx(expected["history"], rel=rounding(1000))
    assert found["evaluated"] == pytest.approx(expected["evaluated"], rel=rounding(1000))
    assert found["weights"] == pytest.approx(expected["weights"], rel=rounding(1000))


def samples(rng):
    """Return sequences that begin with up to three masked steps, and targets of their steps."""
    x = rng.normal(size=(20, 6, 1)).astype(np.float32)
    for i in range(20):
        x[i, : i % 4] = 0
    return x, rng.normal(size=(20, 6, 1)).astype(np.float32)


def test_sequential_model_leaves_masked_steps_out_whatever_their_targets(rng):
    x, y = samples(rng)
    other = np.where((x == 0), y + 100, y)
    weights = []
    for target in (y, other):
        model = Sequential([Input((6, 1)), Masking(), LSTM(4, return_sequences=True), Dense(1)], seed=1)
        model.compile("sgd", "mse", metrics=["mae"])
        history = model.fit(x, target, batch_size=7, verbose=0).history
        weights.append((model.weights.vector.tolist(), history))
    assert weights[0] == weights[1]


def test_masking_behind_another_layer_masks_by_what_it_reads(rng):
    x, y = samples(rng)
    plain = Sequential([Input((6, 1)), Masking(), LSTM(4, return_sequences=True), Dense(1)], seed=1)
    behind = Sequential([Input((6, 1)), Dropout(0.0), Masking(), LSTM(4, return_sequences=True), Dense(1)], seed=1)
    i = Input((6, 1))
    graph = Model(i, Dense(1)(LSTM(4, return_sequences=True)(Masking()(Add()([i, Dropout(0.0)(i)])))), seed=1)
    for model in (plain, behind, graph):
        model.set_weights(plain.get_weights())
        model.compile("sgd", "mse")
    losses = [model.evaluate(inputs, y, verbose=0) for model, inputs in ((plain, x), (behind, x), (graph, x / 2))]
    assert losses == pytest.approx([losses[0]] * 3, rel=rounding(100))


def test_batch_without_an_unmasked_step_changes_nothing(rng):
    x, y = samples(rng)
    model = Sequential([Input((6, 1)), Masking(), LSTM(4, return_sequences=True), Dense(1)], seed=1)
    model.compile("sgd", "mse")
    before = model.weights.vector.copy()
    model.fit(0 * x, y, verbose=0)
    np.testing.assert_array_equal(model.weights.vector, before)


def test_merged_masks_are_those_of_the_exported_graph(rng, tmp_path):
    x, _ = samples(rng)
    i = Input((6, 1), name="x")
    h = LSTM(3, return_sequences=True)(Masking()(i))
    model = Model(i, Dense(1)(LSTM(2)(Add()([h, Dense(3)(i)]))), seed=1)
    model.to_onnx(tmp_path / "m.onnx")
    (y,) = run_onnx(session_of(tmp_path / "m.onnx"), x=x).values()
    np.testing.assert_allclose(y, model.predict(x), rtol=LIMIT, atol=LIMIT)
