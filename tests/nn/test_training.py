"""Training: the stream says what happened, and the weights are what it says, however it ends.

Letters: N samples, T time, F features, M outputs.
"""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.errors import ConfigError
from gatecast.kernels.packing import unpack
from gatecast.layers import LSTM, Dense, Dropout
from gatecast.losses import MeanSquaredError
from gatecast.nn import batching as batches_module
from gatecast.nn.batching import inference_batch_size, make_batches
from gatecast.nn.inputs import TrainingData
from gatecast.nn.network import build, initial_weights
from gatecast.nn.training import (
    BestWeights,
    StepRecord,
    TrainingState,
    ValidationErrors,
    default_optimizer,
    evaluate,
    predict,
    train_steps,
    with_validation,
)
from gatecast.optim import (
    chain,
    clip_by_global_norm,
    one_cycle,
    scale_by_adam,
    scale_by_learning_rate,
)

MSE = MeanSquaredError()


def task(rng, count=50, T=4, weight=None, sequences=False):
    """Predict the mean of a sequence, or its running mean."""
    x = rng.normal(size=(count, T, 1)).astype(np.float32)
    y = (np.cumsum(x, axis=1) / np.arange(1, T + 1)[:, None]).astype(np.float32)
    return TrainingData(x, y if sequences else y[:, -1:], weight)


STACK = (LSTM(5, return_sequences=True), Dropout(0.2), LSTM(5), Dense(1))


def fresh(layers=STACK, seed=0, T=4):
    """A network and its initial weights."""
    network = build(layers, (T, 1))
    return network, initial_weights(network, seed)


def adam(learning_rate=0.001):
    """Return Adam as a chain."""
    return chain(scale_by_adam(), scale_by_learning_rate(learning_rate))


# Batches


@pytest.mark.parametrize("batch_size", [1, 7, 16, 32, 33, 100])
@pytest.mark.parametrize("chunk", [1, 300, 2**20])
def test_batches_hold_every_sample_once_and_in_order(batch_size, chunk, rng, monkeypatch):
    monkeypatch.setattr(batches_module, "CHUNK_VALUES", chunk)
    weight = rng.random((53, 1)).astype(np.float32)
    mask = rng.random((53, 4)) < 0.5
    samples = task(rng, 53, weight=weight)._replace(mask=mask)
    order = rng.permutation(53)
    seen = {name: [] for name in ("x", "y", "weight", "mask")}
    left = 53
    for batch in make_batches(samples, order, batch_size):
        count = min(batch_size, left)
        left -= count
        assert all(a.flags.c_contiguous for a in batch[:4])
        assert batch.x.shape[0] == batch.y.shape[0] == batch.weight.shape[0] == -(-count // 16)
        close(batch.total, batch.weight.sum(dtype=float), rounding(1))
        assert not unpack(batch.weight, 16 * len(batch.x))[count:].any()
        arrays = {"x": batch.x, "y": batch.y, "weight": batch.weight, "mask": batch.mask[:, :, None]}
        for name, packed in arrays.items():
            seen[name].append(unpack(packed, count))
    assert left == 0
    expected = {"x": samples.x, "y": samples.y, "weight": weight[:, :, None], "mask": mask[:, :, None]}
    for name, array in expected.items():
        np.testing.assert_array_equal(np.concatenate(seen[name]), array[order])


@pytest.mark.parametrize("steps", [1, 24, 1000, 10**7])
def test_inference_batch_sizees_are_whole_blocks(steps):
    assert inference_batch_size(steps) % 16 == 0
    assert 16 <= inference_batch_size(steps) <= 4096


# Passes without gradients


def test_evaluating_and_predicting_do_not_depend_on_the_batch_size(rng):
    weight = rng.random((70, 1)).astype(np.float32)
    samples = task(rng, 70, weight=weight)
    network, weights = fresh()
    whole, loss = predict(network, weights, samples.x), evaluate(network, weights, samples, MSE)
    for size in (1, 16, 33, 70):
        close(predict(network, weights, samples.x, batch_size=size), whole, rounding(20))
        close(evaluate(network, weights, samples, MSE, size), loss, rounding(100))
    expected = ((whole - samples.y[:, 0]) ** 2 * weight).sum() / weight.sum()
    close(loss, expected, rounding(100))


# Steps


def step_batches(rng, count=6):
    """Batches of 16 samples."""
    samples = task(rng, 16 * count)
    return list(make_batches(samples, np.arange(16 * count), 16))


def test_train_steps_an_empty_batch_is_counted_without_update_or_record(rng):
    network, weights = fresh()
    first, second, third = step_batches(rng, 3)
    second = second._replace(total=0.0)
    records = list(train_steps(network, weights, [first, second, third], MSE, adam(0.01), seed=0))
    assert [record.number for record in records] == [1, 3]
    network, again = fresh()
    state = TrainingState(adam(0.01).init(again.vector.size))
    list(train_steps(network, again, [first], MSE, adam(0.01), seed=0, state=state))
    state.step += 1
    list(train_steps(network, again, [third], MSE, adam(0.01), seed=0, state=state))
    np.testing.assert_array_equal(weights.vector, again.vector)


def test_train_steps_takes_a_batch_after_the_update_before_it(rng):
    network, weights = fresh()
    vectors = []

    def batches():
        for batch in step_batches(rng, 3):
            vectors.append(weights.vector.copy())
            yield batch

    for number, record in enumerate(train_steps(network, weights, batches(), MSE, adam(0.01), seed=0), 1):
        assert record.number == number == len(vectors)
        assert (weights.vector != vectors[-1]).any()


def test_train_steps_on_gradient_gets_gradients_before_the_update_and_changes_no_bit(rng):
    batches = [batch._replace(source=k) for k, batch in enumerate(step_batches(rng))]
    seen = []

    def on_gradient(gradients, batch, number):
        seen.append((batch.source, number, weights.vector.copy()))
        assert gradients.inputs.shape == batch.x.shape
        assert gradients.outputs.shape == batch.y.shape
        assert gradients.inputs.any()

    network, plain = fresh()
    list(train_steps(network, plain, batches, MSE, adam(0.01), seed=0))
    network, weights = fresh()
    start = weights.vector.copy()
    list(train_steps(network, weights, batches, MSE, adam(0.01), seed=0, on_gradient=on_gradient))
    assert [pair[:2] for pair in seen] == [(k, k + 1) for k in range(6)]
    np.testing.assert_array_equal(seen[0][2], start)
    np.testing.assert_array_equal(weights.vector, plain.vector)


@pytest.mark.parametrize(("what", "value"), [("loss", np.nan), ("loss", np.inf), ("weights", 1e38)])
def test_train_steps_names_the_update_at_which_it_diverges(what, value, rng):
    network, weights = fresh((LSTM(5), Dense(1)))
    batches = step_batches(rng, 3)
    if what == "loss":
        batches[1] = batches[1]._replace(y=np.full_like(batches[1].y, value))
        text, optimizer = f"the loss became {value} at update 2", adam()
    else:
        text, optimizer = (
            "the weights became infinite or nan at update 2",
            scale_by_learning_rate(lambda step: 1e39 if step else 0.1),
        )
    with pytest.raises(ConfigError, match=f"^Training diverged: {text}. Lower the learning rate"):
        list(train_steps(network, weights, batches, MSE, optimizer, seed=0))


def test_default_optimizer_is_clipped_adam_over_one_cycle():
    expected = chain(clip_by_global_norm(0.5), scale_by_adam(), scale_by_learning_rate(one_cycle(0.01, 100)))
    assert default_optimizer(0.01, 100, clip=0.5) == expected


def test_with_validation_measures_before_the_first_step_and_after_those_asked_for():
    calls, steps = [], []

    def run_steps():
        for number in range(1, 6):
            steps.append(number)
            yield StepRecord(number, 1.0 / number)

    def monitor():
        calls.append(len(steps))
        return ValidationErrors(10.0 - len(steps), 1.0)

    records = list(with_validation(run_steps(), monitor, {2, 5}))
    assert calls == [0, 2, 5]
    assert [record.number for record in records] == list(range(6))
    np.testing.assert_array_equal([r.validation for r in records], [10, np.nan, 8, np.nan, np.nan, 5])
    assert [r.loss for r in records[1:]] == [1.0 / k for k in range(1, 6)]


@pytest.mark.parametrize(("min_improvement", "restored"), [(0.0, True), (0.4, True), (0.6, False)])
def test_best_weights_come_back_if_they_are_better_by_the_share_asked_for(min_improvement, restored):
    _, weights = fresh()
    errors = iter([9.0, 4.0, 2.0, 3.0, 4.0])  # the first is that of the initial weights

    def run_steps():
        for number in range(1, 5):
            weights.vector[:] = number
            yield StepRecord(number, 0.0)

    best = BestWeights(weights)
    monitored = with_validation(run_steps(), lambda: ValidationErrors(next(errors), 0.0), range(9), keep_best=best)
    assert len(list(monitored)) == 5
    assert best.restore(min_improvement) == restored
    assert best.number == 2
    assert (weights.vector == (2 if restored else 4)).all()


def test_best_weights_without_a_finite_error_leave_the_weights(rng):
    _, weights = fresh()
    best = BestWeights(weights, 7)
    assert not best.update(1, np.nan)
    assert not best.restore()
    assert best.number == 7
