"""Epochs of `fit`: what they report, and the weights that they leave, however they end.

Letters: N samples, T time, F features, M outputs.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.callbacks import Callback, EarlyStopping, LambdaCallback
from gatecast.errors import ConfigError
from gatecast.kernels import native, runtime
from gatecast.kernels.training_stack import TrainingStack
from gatecast.layers import LSTM, BatchNormalization, Dense, Dropout, Input, LayerNormalization
from gatecast.models import Sequential
from gatecast.nn import sources
from gatecast.nn.batching import make_batches
from gatecast.nn.gradients import Differentiator
from gatecast.optim import chain, ema, ema_params, scale_by_adam, scale_by_learning_rate
from gatecast.optimizers import SGD, Adam
from gatecast.optimizers.schedules import CosineDecay

STACK = (LSTM(5, return_sequences=True), Dropout(0.2), LSTM(5), Dense(1))
PLAIN = (LSTM(5), Dense(1))


def task(rng, count=50, T=4):
    """Sequences and their means."""
    x = rng.normal(size=(count, T, 1)).astype(np.float32)
    return x, x.mean(axis=(1, 2))


def make(layers=STACK, seed=0, optimizer=None, T=4, **compiled):
    """A compiled model."""
    # Models that are made of the same layers share their weights.
    model = Sequential([Input((T, 1)), *(replace(layer) for layer in layers)], seed=seed)
    model.compile(Adam(0.01) if optimizer is None else optimizer, compiled.pop("loss", "mse"), **compiled)
    return model


def run(x, y, epochs=3, seed=0, optimizer=None, layers=STACK, **settings):
    """Return weights and history of a training run."""
    model = make(layers, seed, optimizer)
    history = model.fit(x, y, epochs=epochs, **settings)
    return model.weights.vector, history.history


class Snapshots(Callback):
    """Keeps the weights after every epoch."""

    def on_train_begin(self, logs=None):  # noqa: ARG002
        self.vectors, self.logs = [self.model.weights.vector.copy()], []

    def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002
        self.vectors.append(self.model.weights.vector.copy())
        self.logs.append(dict(logs))


# What is reported


def test_logs_say_what_happened(rng):
    x, y = task(rng)
    held_out = task(rng, 20)
    model = make(optimizer=Adam(CosineDecay(0.01, 6)))
    seen = []

    def compare(epoch, logs):
        seen.append(epoch)
        assert logs["val_loss"] == model.evaluate(*held_out)
        assert model.optimizer.learning_rate == CosineDecay(0.01, 6)(2 * (epoch + 1))

    history = model.fit(x, y, epochs=3, validation_data=held_out, callbacks=[LambdaCallback(on_epoch_end=compare)])
    assert seen == history.epoch == [0, 1, 2]
    assert history.params == {"verbose": 1, "epochs": 3, "steps": 2}
    assert list(history.history) == ["loss", "val_loss"]


def test_the_loss_of_an_epoch_is_the_mean_before_each_update(rng):
    x, y = task(rng, 20)
    model = make(PLAIN)
    before = model.evaluate(x, y)
    close(model.fit(x, y, batch_size=20).history["loss"][0], before, rounding(100))


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not(rng):
    x, y = task(rng)
    (one, records), (two, again) = run(x, y, seed=1), run(x, y, seed=1)
    np.testing.assert_array_equal(one, two)
    assert records == again
    assert (run(x, y, seed=2)[0] != one).any()


def test_bits_do_not_depend_on_threads_callbacks_or_metrics_of_the_standard_loss(rng, threads):
    x, y = task(rng, 200)
    results = []
    for count in (1, 2, 3):
        runtime.set_num_threads(count)
        results.append(run(x, y, batch_size=64)[0])
    model = make(metrics=["mae"])
    seen = []
    note = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, logs["mae"])))
    model.fit(x, y, epochs=3, batch_size=64, callbacks=[note])
    assert [batch for batch, _ in seen] == [0, 1, 2, 3] * 3
    for result in (*results[1:], model.weights.vector):
        np.testing.assert_array_equal(results[0], result)


def test_metrics_of_training_do_not_leave_block_order_for_a_squared_error(rng, monkeypatch):
    calls, step = [], TrainingStack.step
    monkeypatch.setattr(TrainingStack, "step", lambda *args, **kw: calls.append(1) or step(*args, **kw))
    x, y = task(rng, 64)
    make(metrics=["mae"]).fit(x, y)
    assert len(calls) == 2


@pytest.mark.parametrize("layers", [PLAIN, (LSTM(4, return_sequences=True), Dense(1)), (LSTM(4), Dense(2))], ids=str)
@pytest.mark.parametrize("loss", ["mse", "mae", "log_cosh"])
def test_metrics_of_an_epoch_are_those_of_the_outputs_before_each_update(loss, layers, rng):
    x = rng.normal(size=(50, 4, 1)).astype(np.float32)
    model = make(layers, optimizer=SGD(0.0), loss=loss, metrics=["mae", "mse"])
    shape = model.predict(x).shape
    y = rng.normal(size=shape)
    history = model.fit(x, y, batch_size=32).history
    error = model.predict(x) - y
    close(history["mae"][0], np.abs(error).mean(), rounding(100))
    close(history["mse"][0], np.square(error).mean(), rounding(100))


def test_metrics_have_their_names_in_history_and_evaluate(rng):
    x, y = task(rng)

    def worst(y_true, y_pred):
        return np.abs(y_true - y_pred).max(axis=-1)

    model = make(metrics=["mae", "root_mean_squared_error", worst])
    history = model.fit(x, y, validation_split=0.2)
    names = ["loss", "mae", "root_mean_squared_error", "worst"]
    assert list(history.history) == [*names, *(f"val_{name}" for name in names)]
    assert model.metrics_names == names
    values = model.evaluate(x[40:], y[40:])
    assert values == [history.history[f"val_{name}"][0] for name in names]
    assert model.evaluate(x[40:], y[40:], return_dict=True) == dict(zip(names, values, strict=True))
    close(values[2], np.sqrt(values[0]), rounding(10))


def test_weighted_metrics_use_the_weights_of_samples_and_metrics_do_not(rng):
    x, y = task(rng)
    weight = rng.integers(0, 3, 50).astype(float)
    model = make(metrics=["mae"], weighted_metrics=["mse"])
    error = model.predict(x)[:, 0] - y
    _, mae, mse = model.evaluate(x, y, sample_weight=weight)
    close(mae, np.abs(error).mean(), rounding(100))
    close(mse, (weight * error**2).sum() / weight.sum(), rounding(100))
    model = make(PLAIN, optimizer=SGD(0.0), metrics=["mae"], weighted_metrics=["mse"])
    error = model.predict(x)[:, 0] - y
    history = model.fit(x, y, sample_weight=weight, batch_size=32).history
    close(history["mae"][0], np.abs(error).mean(), rounding(100))
    close(history["mse"][0], (weight * error**2).sum() / weight.sum(), rounding(100))


def test_skipped_steps_count_in_no_metric(rng):
    x = rng.normal(size=(20, 4, 1))
    mask = np.ones((20, 4), bool)
    mask[:, 2:] = rng.random((20, 2)) < 0.5
    model = make((LSTM(3, return_sequences=True), Dense(1)), metrics=["mae"])
    y = np.where(mask, rng.normal(size=(20, 4)), np.nan)
    error = (model.predict(x, mask=mask)[..., 0] - y)[mask]
    loss, mae = model.evaluate(x, y, mask=mask)
    close(loss, np.square(error).mean(), rounding(100))
    close(mae, np.abs(error).mean(), rounding(100))


# Weights of samples, masks


def test_a_weight_scales_a_loss_as_in_keras(rng):
    x, y = task(rng, 12)
    weight = np.array([1, 2, 0, 3, 1, 1, 0, 2, 1, 1, 1, 3], np.float32)
    twice = np.repeat(np.arange(12), weight.astype(int))
    # 16 samples count as such, or as weights of 12: the mean differs by this factor.
    weighted, records = run(x, y, 1, optimizer=SGD(0.3), layers=PLAIN, sample_weight=weight)
    repeated, records_ = run(x[twice], y[twice], 1, optimizer=SGD(0.3 * 16 / 12), layers=PLAIN)
    close(weighted, repeated, rounding(200))
    close(records["loss"][0], records_["loss"][0] * 16 / 12, rounding(200))


def test_class_weights_are_weights_of_samples(rng):
    x, y = task(rng)
    labels = (y > 0).astype(int)
    one, _ = run(x, labels, layers=PLAIN, class_weight={0: 1.0, 1: 3.0})
    two, _ = run(x, labels, layers=PLAIN, sample_weight=np.where(labels, 3.0, 1.0))
    np.testing.assert_array_equal(one, two)


def test_weights_by_step_pick_steps(rng):
    x = rng.normal(size=(50, 4, 1)).astype(np.float32)
    running = np.cumsum(x[..., 0], axis=1)
    weight = np.zeros((50, 4), np.float32)
    weight[:, -1] = 4  # a quarter of the targets
    layers = (LSTM(5, return_sequences=True), Dense(1))
    stepwise, records = run(x, running, layers=layers, sample_weight=weight)
    last, records_ = run(x, running[:, -1], layers=PLAIN)
    close(stepwise, last, rounding(500))
    close(records["loss"][-1], records_["loss"][-1], rounding(500))


def test_skipped_steps_do_not_teach(rng):
    x, y = task(rng)
    mask = np.ones((50, 4), bool)
    mask[:, :2] = False
    poisoned = x.copy()
    poisoned[:, :2] = 1e3
    masked, _ = run(poisoned, y, layers=PLAIN, mask=mask)
    model = make(PLAIN, T=None)
    model.fit(x[:, 2:], y, epochs=3)
    close(masked, model.weights.vector, rounding(500))


# The order of samples, and what is dropped


def test_without_shuffling_the_order_is_kept_and_with_it_every_epoch_has_its_own(rng, monkeypatch):
    x, y = task(rng, 40)
    orders = []
    monkeypatch.setattr(
        sources, "make_batches", lambda s, order, size: orders.append(order.tolist()) or make_batches(s, order, size)
    )
    run(x, y, epochs=2, shuffle=False)
    assert orders == [list(range(40))] * 2
    run(x, y, epochs=2)
    assert sorted(orders[2]) == sorted(orders[3]) == list(range(40))
    assert orders[2] != orders[3] != orders[0]


def test_every_update_drops_other_values(rng, monkeypatch):
    keys, step = [], TrainingStack.step
    monkeypatch.setattr(TrainingStack, "step", lambda *args, **kw: keys.append(kw["keys"]) or step(*args, **kw))
    run(*task(rng), epochs=3, layers=(Dropout(0.2), LSTM(5), Dropout(0.2), Dense(1)))
    assert len(keys) == 3 * 2
    assert len({key[k] for key in keys for k in (0, 2)}) == 2 * 3 * 2


def test_every_update_drops_other_values_layer_by_layer(rng, monkeypatch):
    keys, dropout = [], native.dropout
    monkeypatch.setattr(native, "dropout", lambda x, rate, key: keys.append(key) or dropout(x, rate, key))
    run(*task(rng), epochs=3, layers=(Dropout(0.2), LSTM(5), LayerNormalization(), Dropout(0.2), Dense(1)))
    assert len(keys) == 3 * 3 * 2  # the first layer has no backward pass
    assert len(set(keys)) == 2 * 3 * 2


# How it ends


def hopeless(rng):
    """Noise to learn by heart, and other noise to judge by: validation soon gets worse."""
    x, y = rng.normal(size=(40, 4, 1)), rng.normal(size=40)
    return (x[:20], y[:20]), (x[20:], y[20:])


@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping_stops_after_its_patience_and_goes_back_to_the_best(restore, rng):
    samples, held_out = hopeless(rng)
    model = make((LSTM(20), Dense(1)), optimizer=Adam(0.05))
    stopping, snapshots = EarlyStopping(patience=4, restore_best_weights=restore), Snapshots()
    history = model.fit(*samples, epochs=200, validation_data=held_out, callbacks=[stopping, snapshots])
    losses = history.history["val_loss"]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 4 < 200
    assert stopping.best_epoch == best
    np.testing.assert_array_equal(model.weights.vector, snapshots.vectors[best + 1 if restore else -1])


@pytest.mark.parametrize("restore", [True, False])
def test_an_interrupt_leaves_the_best_or_newest_weights(restore, rng):
    samples, held_out = hopeless(rng)
    model = make((LSTM(20), Dense(1)), optimizer=Adam(0.05))
    snapshots = Snapshots()

    def interrupt(epoch, logs):
        if epoch == 30:
            raise KeyboardInterrupt

    stopping = EarlyStopping(patience=99, restore_best_weights=restore)
    callbacks = [stopping, snapshots, LambdaCallback(on_epoch_end=interrupt)]
    with pytest.raises(KeyboardInterrupt):
        model.fit(*samples, epochs=200, validation_data=held_out, callbacks=callbacks)
    losses = [logs["val_loss"] for logs in snapshots.logs]
    np.testing.assert_array_equal(
        model.weights.vector, snapshots.vectors[int(np.argmin(losses)) + 1 if restore else -1]
    )


def test_an_interrupt_in_the_middle_of_an_epoch_leaves_finite_weights_and_a_model_that_goes_on(rng, monkeypatch):
    x, y = task(rng, 200)
    model, differentiate, calls = make(), Differentiator.__call__, []
    start = model.weights.vector.copy()

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return differentiate(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Differentiator, "__call__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y)
    assert np.isfinite(model.weights.vector).all()
    assert (model.weights.vector != start).any()
    seen = []
    model.fit(x, y, callbacks=[LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, *logs)))])
    assert seen == [(k, "loss") for k in range(7)]  # a full epoch


def test_a_callback_may_stop_after_a_batch_or_an_epoch(rng):
    x, y = task(rng, 200)
    for hook, expected in (("on_train_batch_end", [0]), ("on_epoch_end", [0])):
        model = make()

        def stop(*_, model=model):
            model.stop_training = True

        assert model.fit(x, y, epochs=9, callbacks=[LambdaCallback(**{hook: stop})]).epoch == expected
    assert model.fit(x, y, epochs=2).epoch == [0, 1]  # the next call begins anew


@pytest.mark.parametrize("rate", [1e3, 1e30])
def test_a_training_that_runs_away_says_where_and_leaves_the_last_good_weights(rate, rng):
    model, snapshots = make(PLAIN, optimizer=SGD(rate)), Snapshots()
    with pytest.raises(ConfigError) as caught:
        model.fit(*task(rng), epochs=50, callbacks=[snapshots])
    text = str(caught.value)
    assert re.match(r"Training diverged: the (loss|weights) became .* at update \d+\. Lower the learning rate", text)
    np.testing.assert_array_equal(model.weights.vector, snapshots.vectors[-1])
    assert np.isfinite(model.weights.vector).all()


def test_after_running_away_a_training_can_go_on(rng):
    model = make(PLAIN, optimizer=SGD(lambda step: 1e38 if step < 2 else 0.01, momentum=0.9))
    with pytest.raises(ConfigError, match="Training diverged"):
        model.fit(*task(rng), epochs=3)
    model._training_state.step = 3
    assert np.isfinite(model.fit(*task(rng), epochs=3).history["loss"][-1])


def averaging(learning_rate):
    """Adam whose weights are averaged."""
    return chain(scale_by_adam(), scale_by_learning_rate(learning_rate), ema(0.9))


def test_running_away_leaves_averaged_weights_and_the_optimiser_as_they_were(rng):
    optimizer = chain(scale_by_learning_rate(lambda step: 1e38 if step == 18 else 0.05), ema(0.9))
    model, snapshots = make(PLAIN, optimizer=optimizer), Snapshots()
    with pytest.raises(ConfigError, match="Training diverged"):
        model.fit(*task(rng), epochs=50, callbacks=[snapshots])
    np.testing.assert_array_equal(model.weights.vector, snapshots.vectors[-1])
    assert model.weights.vector.any()
    assert model._training_state.step == 18


def test_averaging_does_not_disturb_the_path(rng):
    x, y = task(rng)
    held_out = task(rng, 20)
    _, plain = run(x, y, validation_data=held_out, optimizer=chain(scale_by_adam(), scale_by_learning_rate(0.01)))
    _, averaged = run(x, y, validation_data=held_out, optimizer=averaging(0.01))
    assert averaged["loss"] == plain["loss"]
    assert averaged["val_loss"] != plain["val_loss"]


def test_averaged_weights_are_judged_and_kept(rng):
    x, y = task(rng)
    held_out = task(rng, 20)
    optimizer = averaging(0.01)
    model = make(optimizer=optimizer)
    history = model.fit(x, y, epochs=3, validation_data=held_out)
    np.testing.assert_array_equal(model.weights.vector, ema_params(optimizer, model._training_state.optimizer_state))
    assert history.history["val_loss"][-1] == model.evaluate(*held_out)


# Single batches


def test_train_on_batch_is_an_epoch_of_one_batch(rng):
    x, y = task(rng, 20)
    one, two = make(metrics=["mae"]), make(metrics=["mae"])
    for _ in range(3):
        values = one.train_on_batch(x, y)
        history = two.fit(x, y, batch_size=20, shuffle=False)
        assert values == [history.history["loss"][0], history.history["mae"][0]]
    np.testing.assert_array_equal(one.weights.vector, two.weights.vector)
    assert one.test_on_batch(x, y) == two.evaluate(x, y)
    np.testing.assert_array_equal(one.predict_on_batch(x), two.predict(x))
    assert set(one.train_on_batch(x, y, return_dict=True)) == {"loss", "mae"}


def test_moving_averages_are_updated(rng):
    x, y = task(rng)
    model = make((LSTM(3), BatchNormalization(), Dense(1)), metrics=["mae"])
    model.fit(x, y)
    assert model.weights.views[1]["moving_mean"].any()


def test_methods_of_keras_2_say_what_to_write(rng):
    model = make()
    with pytest.raises(AttributeError, match=r"Write fit\(generator, steps_per_epoch="):
        getattr(model, "fit_generator")  # noqa: B009
    with pytest.raises(AttributeError, match=r"has no attribute 'fitt'"):
        getattr(model, "fitt")  # noqa: B009
    assert not hasattr(model, "predict_classes")
