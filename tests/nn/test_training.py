"""Training: the stream says what happened, and the weights are what it says, however it ends.

Letters: N samples, T time, F features, M outputs.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.errors import ConfigError
from gatecast.kernels import native
from gatecast.kernels.packing import unpack
from gatecast.kernels.training_stack import TrainingStack
from gatecast.layers import LSTM, Dense, Dropout, LayerNormalization
from gatecast.losses import MeanSquaredError
from gatecast.nn import batching as batches_module
from gatecast.nn.batching import inference_batch_size, make_batches
from gatecast.nn.callbacks import EarlyStopping
from gatecast.nn.gradients import Differentiator
from gatecast.nn.inputs import TrainingData
from gatecast.nn.network import build, initial_weights
from gatecast.nn.training import (
    BestWeights,
    EpochSettings,
    StepRecord,
    TrainingState,
    ValidationErrors,
    default_optimizer,
    evaluate,
    predict,
    train_epochs,
    train_steps,
    with_validation,
)
from gatecast.optim import (
    SGD,
    Adam,
    chain,
    clip_by_global_norm,
    cosine,
    ema,
    ema_params,
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


def run(samples, epochs=3, seed=0, optimizer=None, layers=STACK, validation=None, **settings):
    """Return weights and records of a training run."""
    network, weights = fresh(layers, seed)
    settings = EpochSettings(epochs, seed=seed, **settings)
    records = list(
        train_epochs(network, weights, samples, MSE, optimizer or Adam(0.01), settings, validation=validation)
    )
    return weights.vector, records


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


# The stream


def test_a_record_says_what_happened(rng):
    samples, validation = task(rng), task(rng, 20)
    network, weights = fresh()
    optimizer = Adam(cosine(0.01, 6))
    stream = train_epochs(
        network, weights, samples, MSE, optimizer, EpochSettings(epochs=3, batch_size=32, seed=0), validation=validation
    )
    for epoch, record in enumerate(stream):
        assert (record.epoch, record.step) == (epoch, 2 * (epoch + 1))
        assert record.val_loss == evaluate(network, weights, validation, MSE)
        assert record.learning_rate == cosine(0.01, 6)(record.step)
        assert record.seconds > 0
    assert epoch == 2


def test_the_loss_of_an_epoch_is_the_mean_before_each_update(rng):
    samples = task(rng, 20)
    network, weights = fresh((LSTM(5), Dense(1)))
    before = evaluate(network, weights, samples, MSE)
    (record,) = train_epochs(network, weights, samples, MSE, Adam(), EpochSettings(epochs=1, batch_size=20))
    close(record.loss, before, rounding(100))


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not(rng):
    samples = task(rng)
    one, records = run(samples, seed=1)
    two, again = run(samples, seed=1)
    np.testing.assert_array_equal(one, two)
    assert [r.loss for r in records] == [r.loss for r in again]
    assert (run(samples, seed=2)[0] != one).any()


def test_bits_do_not_depend_on_threads(rng, threads):
    samples = task(rng, 200)
    results = []
    for count in (1, 2, 3):
        native.set_num_threads(count)
        results.append(run(samples, batch_size=64)[0])
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_two_calls_are_as_good_as_one(rng):
    samples = task(rng)
    whole, records = run(samples, epochs=5)
    network, weights = fresh()
    state = TrainingState(Adam(0.01).init(weights.vector.size))
    parts = [
        record
        for epochs in (2, 3)
        for record in train_epochs(
            network, weights, samples, MSE, Adam(0.01), EpochSettings(epochs=epochs), state=state
        )
    ]
    np.testing.assert_array_equal(weights.vector, whole)
    assert [(r.epoch, r.step, r.loss) for r in parts] == [(r.epoch, r.step, r.loss) for r in records]


def test_without_shuffling_the_order_is_kept_and_with_it_every_epoch_has_its_own(rng, monkeypatch):
    samples, orders = task(rng, 40), []
    monkeypatch.setattr(
        "gatecast.nn.training.make_batches", lambda s, order, size: orders.append(order) or make_batches(s, order, size)
    )
    run(samples, epochs=2, shuffle=False)
    assert [order.tolist() for order in orders] == [list(range(40))] * 2
    run(samples, epochs=2)
    assert sorted(orders[2]) == sorted(orders[3]) == list(range(40))
    assert orders[2].tolist() != orders[3].tolist() != orders[0].tolist()


# Weights of samples, masks


def test_a_weight_of_two_is_the_sample_twice_and_zero_is_none(rng):
    samples = task(rng, 12)
    w = np.array([1, 2, 0, 3, 1, 1, 0, 2, 1, 1, 1, 3], np.float32)
    twice = np.repeat(np.arange(12), w.astype(int))
    settings = {"optimizer": SGD(0.5), "layers": (LSTM(5), Dense(1)), "batch_size": 64, "epochs": 1}
    weighted, records = run(samples._replace(weight=w[:, None]), **settings)
    repeated, records_ = run(TrainingData(samples.x[twice], samples.y[twice]), **settings)
    close(weighted, repeated, rounding(200))
    close(records[0].loss, records_[0].loss, rounding(200))


def test_weights_by_step_pick_steps(rng):
    samples, layers = task(rng, sequences=True), (LSTM(5, return_sequences=True), Dense(1))
    weight = np.zeros((50, 4), np.float32)
    weight[:, -1] = 1
    stepwise, records = run(samples._replace(weight=weight), layers=layers)
    last, records_ = run(TrainingData(samples.x, samples.y[:, -1:]), layers=(LSTM(5), Dense(1)))
    close(stepwise, last, rounding(500))
    close(records[-1].loss, records_[-1].loss, rounding(500))


def test_a_batch_without_weight_makes_no_update(rng):
    weight = np.ones((50, 1), np.float32)
    weight[:32] = 0
    _, records = run(task(rng, weight=weight), epochs=1, shuffle=False)
    assert records[0].step == 1


def test_skipped_steps_do_not_teach(rng):
    samples = task(rng)
    mask = np.ones((50, 4), bool)
    mask[:, :2] = False
    poisoned = samples.x.copy()
    poisoned[:, :2] = 1e3
    masked, _ = run(samples._replace(x=poisoned, mask=mask), layers=(LSTM(5), Dense(1)))
    shorter, _ = run(samples._replace(x=np.ascontiguousarray(samples.x[:, 2:])), layers=(LSTM(5), Dense(1)))
    close(masked, shorter, rounding(500))
    network, weights = fresh((LSTM(5), Dense(1)))
    close(
        predict(network, weights, poisoned, mask),
        predict(network, weights, np.ascontiguousarray(samples.x[:, 2:])),
        rounding(20),
    )


def test_weights_by_value_pick_values(rng):
    samples, layers = task(rng), (LSTM(5), Dense(1))
    two = samples._replace(y=np.repeat(samples.y, 2, axis=2) * np.float32([1, 99]))
    weight = np.zeros((50, 1, 2), np.float32)
    weight[..., 0] = 1
    network, weights = fresh((LSTM(5), Dense(2)))
    single_network, single = fresh(layers)
    for name, value in weights.views[1].items():
        single.views[1][name][...] = value[..., :1]
    *_, record = train_epochs(network, weights, two._replace(weight=weight), MSE, Adam(0.01), EpochSettings(epochs=3))
    *_, expected = train_epochs(single_network, single, samples, MSE, Adam(0.01), EpochSettings(epochs=3))
    close(record.loss, expected.loss, rounding(500))
    close(weights.views[1]["W"][:, :1], single.views[1]["W"], rounding(500))


# How it ends


def hopeless(rng):
    """Noise to learn by heart, and other noise to judge by: validation soon gets worse."""
    x, y = (rng.normal(size=(40, *shape)).astype(np.float32) for shape in ((4, 1), (1, 1)))
    return TrainingData(x[:20], y[:20]), TrainingData(x[20:], y[20:])


@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping_stops_after_its_patience_and_goes_back_to_the_best(restore, rng):
    samples, validation = hopeless(rng)
    network, weights = fresh((LSTM(20), Dense(1)))
    stopping = EarlyStopping(patience=4, restore_best_weights=restore)
    snapshots, records = [], []
    for record in train_epochs(
        network,
        weights,
        samples,
        MSE,
        Adam(0.05),
        EpochSettings(epochs=200, early_stopping=stopping),
        validation=validation,
    ):
        records.append(record)
        snapshots.append(weights.vector.copy())
    losses = [r.val_loss for r in records]
    best = int(np.argmin(losses))
    assert len(records) == best + 1 + 4 < 200
    assert records[-1].best_epoch == best
    assert [r.improved for r in records] == [x == min(losses[: k + 1]) for k, x in enumerate(losses)]
    np.testing.assert_array_equal(weights.vector, snapshots[best if restore else -1])


def test_min_delta_is_what_an_improvement_must_be(rng):
    samples = task(rng)
    _, records = run(samples, epochs=50, early_stopping=EarlyStopping("loss", patience=3, min_delta=1e9))
    assert len(records) == 4
    assert [r.best_epoch for r in records] == [0] * 4


@pytest.mark.parametrize("stopping", [None, EarlyStopping(patience=50)])
def test_an_interrupt_leaves_the_best_or_newest_weights(stopping, rng):
    samples, validation = hopeless(rng)
    network, weights = fresh((LSTM(20), Dense(1)))
    stream = train_epochs(
        network,
        weights,
        samples,
        MSE,
        Adam(0.05),
        EpochSettings(epochs=200, early_stopping=stopping),
        validation=validation,
    )
    snapshots, losses = [], []
    for record in stream:
        snapshots.append(weights.vector.copy())
        losses.append(record.val_loss)
        if record.epoch == 30:
            with pytest.raises(KeyboardInterrupt):
                stream.throw(KeyboardInterrupt)
            break
    expected = snapshots[-1] if stopping is None else snapshots[int(np.argmin(losses))]
    np.testing.assert_array_equal(weights.vector, expected)


def test_an_interrupt_in_the_middle_of_an_epoch_leaves_finite_weights(rng, monkeypatch):
    samples = task(rng, 200)
    network, weights = fresh()
    start, differentiate, calls = weights.vector.copy(), Differentiator.__call__, []

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return differentiate(*args, **kwargs)

    monkeypatch.setattr(Differentiator, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(train_epochs(network, weights, samples, MSE, Adam(), EpochSettings(epochs=1)))
    assert np.isfinite(weights.vector).all()
    assert (weights.vector != start).any()


def test_a_reader_may_stop_whenever_it_likes(rng):
    network, weights = fresh()
    stream = train_epochs(network, weights, task(rng), MSE, Adam(), EpochSettings(epochs=100))
    next(stream)
    kept = weights.vector.copy()
    stream.close()
    np.testing.assert_array_equal(weights.vector, kept)


@pytest.mark.parametrize("rate", [1e3, 1e30])
def test_a_training_that_runs_away_says_where_and_leaves_the_last_good_weights(rate, rng):
    samples = task(rng)
    network, weights = fresh((LSTM(5), Dense(1)))
    snapshots = [weights.vector.copy()]
    stream = train_epochs(network, weights, samples, MSE, SGD(rate), EpochSettings(epochs=50))
    with pytest.raises(ConfigError) as caught:
        snapshots.extend(weights.vector.copy() for _ in stream)
    text = str(caught.value)
    assert re.match(r"Training diverged: the (loss|weights) became .* at update \d+\. Lower the learning rate", text)
    np.testing.assert_array_equal(weights.vector, snapshots[-1])
    assert np.isfinite(weights.vector).all()


def test_a_last_update_that_breaks_the_weights_is_noticed(rng):
    network, weights = fresh((LSTM(5), Dense(1)))
    kept = weights.vector.copy()
    with pytest.raises(ConfigError, match="the weights became infinite or nan at update 1"):
        list(train_epochs(network, weights, task(rng), MSE, SGD(1e39), EpochSettings(epochs=1, batch_size=64)))
    np.testing.assert_array_equal(weights.vector, kept)


def test_after_running_away_a_training_can_go_on(rng):
    samples, optimizer = task(rng), SGD(lambda step: 1e38 if step < 3 else 0.01, momentum=0.9)
    network, weights = fresh((LSTM(5), Dense(1)))
    state = TrainingState(optimizer.init(weights.vector.size))
    with pytest.raises(ConfigError, match="Training diverged"):
        list(train_epochs(network, weights, samples, MSE, optimizer, EpochSettings(epochs=3), state=state))
    state.step = 3
    *_, last = train_epochs(network, weights, samples, MSE, optimizer, EpochSettings(epochs=3), state=state)
    assert np.isfinite(last.loss)


def test_running_away_leaves_averaged_weights_and_the_optimiser_as_they_were(rng):
    samples = task(rng)
    optimizer = chain(scale_by_learning_rate(lambda step: 1e38 if step == 19 else 0.05), ema(0.9))
    network, weights = fresh((LSTM(5), Dense(1)))
    state, averages = TrainingState(optimizer.init(weights.vector.size)), []
    stream = train_epochs(network, weights, samples, MSE, optimizer, EpochSettings(epochs=50), state=state)
    with pytest.raises(ConfigError, match="Training diverged"):
        averages.extend(ema_params(optimizer, state.optimizer_state).copy() for _ in stream)
    np.testing.assert_array_equal(weights.vector, averages[-1])
    assert weights.vector.any()
    assert state.step == 18


def test_averaging_does_not_disturb_the_path(rng):
    samples, validation = task(rng), task(rng, 20)
    _, plain = run(samples, validation=validation)
    _, averaging = run(samples, validation=validation, optimizer=chain(Adam(0.01), ema(0.9)))
    assert [r.loss for r in averaging] == [r.loss for r in plain]
    assert [r.val_loss for r in averaging] != [r.val_loss for r in plain]


def test_every_update_drops_other_values(rng, monkeypatch):
    keys, step = [], TrainingStack.step
    monkeypatch.setattr(TrainingStack, "step", lambda *args, **kw: keys.append(kw["keys"]) or step(*args, **kw))
    run(task(rng), epochs=3, layers=(Dropout(0.2), LSTM(5), Dropout(0.2), Dense(1)))
    updates = 3 * 2
    assert len(keys) == updates
    assert len({key[k] for key in keys for k in (0, 2)}) == 2 * updates


def test_every_update_drops_other_values_layer_by_layer(rng, monkeypatch):
    keys, dropout = [], native.dropout
    monkeypatch.setattr(native, "dropout", lambda x, rate, key: keys.append(key) or dropout(x, rate, key))
    run(task(rng), epochs=3, layers=(Dropout(0.2), LSTM(5), LayerNormalization(), Dropout(0.2), Dense(1)))
    updates = 3 * 2
    assert len(keys) == 3 * updates  # the first layer has no backward pass
    assert len(set(keys)) == 2 * updates


def test_averaged_weights_are_judged_and_kept(rng):
    samples, validation = task(rng), task(rng, 20)
    network, weights = fresh()
    optimizer = chain(Adam(0.01), ema(0.9))
    state = TrainingState(optimizer.init(weights.vector.size))
    *_, last = train_epochs(
        network, weights, samples, MSE, optimizer, EpochSettings(epochs=3), validation=validation, state=state
    )
    np.testing.assert_array_equal(weights.vector, ema_params(optimizer, state.optimizer_state))
    assert last.val_loss == evaluate(network, weights, validation, MSE)


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
    records = list(train_steps(network, weights, [first, second, third], MSE, Adam(0.01), seed=0))
    assert [record.number for record in records] == [1, 3]
    network, again = fresh()
    state = TrainingState(Adam(0.01).init(again.vector.size))
    list(train_steps(network, again, [first], MSE, Adam(0.01), seed=0, state=state))
    state.step += 1
    list(train_steps(network, again, [third], MSE, Adam(0.01), seed=0, state=state))
    np.testing.assert_array_equal(weights.vector, again.vector)


def test_train_steps_takes_a_batch_after_the_update_before_it(rng):
    network, weights = fresh()
    vectors = []

    def batches():
        for batch in step_batches(rng, 3):
            vectors.append(weights.vector.copy())
            yield batch

    for number, record in enumerate(train_steps(network, weights, batches(), MSE, Adam(0.01), seed=0), 1):
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
    list(train_steps(network, plain, batches, MSE, Adam(0.01), seed=0))
    network, weights = fresh()
    start = weights.vector.copy()
    list(train_steps(network, weights, batches, MSE, Adam(0.01), seed=0, on_gradient=on_gradient))
    assert [pair[:2] for pair in seen] == [(k, k + 1) for k in range(6)]
    np.testing.assert_array_equal(seen[0][2], start)
    np.testing.assert_array_equal(weights.vector, plain.vector)


@pytest.mark.parametrize(("what", "value"), [("loss", np.nan), ("loss", np.inf), ("weights", 1e38)])
def test_train_steps_names_the_update_at_which_it_diverges(what, value, rng):
    network, weights = fresh((LSTM(5), Dense(1)))
    batches = step_batches(rng, 3)
    if what == "loss":
        batches[1] = batches[1]._replace(y=np.full_like(batches[1].y, value))
        text, optimizer = f"the loss became {value} at update 2", Adam()
    else:
        text, optimizer = "the weights became infinite or nan at update 2", SGD(lambda step: 1e39 if step == 2 else 0.1)
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
