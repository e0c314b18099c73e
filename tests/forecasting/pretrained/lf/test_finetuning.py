"""Fine-tuning: what the network learns from, what decides, and that the same seed gives the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast import Forecaster
from gatecast.config import TrainingConfig
from gatecast.errors import ConfigError, NotFittedError
from gatecast.forecasting.pretrained import finetuning
from gatecast.forecasting.pretrained.finetuning import fine_tune
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.kinds import LF
from gatecast.forecasting.pretrained.lf.batches import make_batch
from gatecast.forecasting.pretrained.lf.finetuning import LowSeries, _held_back, _loss_by_series
from gatecast.forecasting.pretrained.model import Pretrained
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
from gatecast.forecasting.pretrained.training import forecast_batch
from gatecast.kernels import runtime
from gatecast.reporting.sections.reproducibility import constructor_call

H = 4


@pytest.fixture(scope="module")
def model():
    return make_network(PretrainedConfig(units=8, n_layers=1))


@pytest.fixture
def quick(monkeypatch):
    """Let a fresh network learn within a few updates."""
    monkeypatch.setattr(finetuning, "LEARNING_RATE", 0.01)


def alternating(n=24, T=60, seed=0):
    """Return series that go up and down by turns: no simple forecast knows, a network learns it at once."""
    rng = np.random.default_rng(seed)
    y = np.exp(4 + 0.2 * (-1.0) ** np.arange(T) + rng.normal(0, 0.02, (n, T)))
    y[np.arange(T) < rng.integers(0, 20, n)[:, None]] = np.nan
    return y


def histories(y, h=H):
    return LowSeries(y, np.ones(len(y), int), h)


def test_a_pattern_of_the_series_is_learnt(model, quick):
    network, weights = model
    start, y, steps = weights.vector.copy(), alternating(), []
    tuned = fine_tune(network, weights, histories(y), max_steps=20, on_step=steps.append)
    assert tuned.vector is not None
    assert "the tuned weights are used" in tuned.finding
    assert (weights.vector == start).all()
    measured = [step.validation for step in steps if np.isfinite(step.validation)]
    assert len(measured) == len(steps) // finetuning.MEASURE_EVERY
    assert measured[-1] < measured[0]


@pytest.mark.parametrize("max_steps", [1, 10, 13])
def test_max_steps_bounds_the_updates_and_the_last_is_measured(model, max_steps):
    steps, y = [], alternating()
    fine_tune(*model, histories(y), max_steps=max_steps, on_step=steps.append)
    assert len(steps) == max_steps
    assert np.isfinite(steps[-1].validation)
    assert steps[-1].fraction == 1


def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads(model, quick):
    y, before = alternating(40), runtime.get_num_threads()
    vectors = []
    try:
        for threads, seed in ((1, 0), (2, 0), (1, 1)):
            runtime.set_num_threads(threads)
            vectors.append(fine_tune(*model, histories(y), max_steps=20, seed=seed).vector)
    finally:
        runtime.set_num_threads(before)
    assert vectors[0].tobytes() == vectors[1].tobytes()
    assert vectors[0].tobytes() != vectors[2].tobytes()


def test_updates_read_nothing_of_what_is_held_back():
    y = alternating()
    changed = y.copy()
    changed[:, -H:] *= 7
    rows = np.arange(8)
    a, b = (histories(each).batch(rows, np.random.default_rng(0)) for each in (y, changed))
    for one, other in zip((*a.anchors[:1], a.x, a.y, a.weight), (*b.anchors[:1], b.x, b.y, b.weight), strict=True):
        assert one.tobytes() == other.tobytes()


def test_updates_count_the_next_h_steps_alone():
    batch = histories(alternating()).batch(np.arange(8), np.random.default_rng(0))
    assert batch.weight[:, :, :H].any()
    assert not batch.weight[:, :, H:].any()


def test_long_series_are_learnt_from_random_stretches():
    y = np.exp(np.random.default_rng(0).normal(0, 0.1, (3, 400)).cumsum(axis=1))
    rng = np.random.default_rng(0)
    batches = [histories(y).batch(np.arange(3), rng) for _ in range(2)]
    assert batches[0].x.shape[1] == 160
    assert batches[0].x.tobytes() != batches[1].x.tobytes()


def test_errors_are_those_of_the_last_values_alone(model):
    """The loss of each series, against its definition, target by target."""
    y = alternating(5)
    batch = _held_back(histories(y), np.arange(5))
    head = forecast_batch(*model, LF.head, batch)
    losses = _loss_by_series(head.quantiles, batch.y - head.center, batch)
    assert len(losses) == 5
    length = histories(y).length[batch.order]
    for lane in range(5):
        q = head.quantiles[0, :, :, lane].reshape(len(head.quantiles[0]), -1, len(LEVELS))
        expected = []
        for origin in range(length[lane] - H - 1, length[lane] - 1):
            for j in range(1, length[lane] - origin):
                error = batch.y[0, origin, j - 1, lane] - head.center[0, origin, j - 1, lane] - q[origin, j - 1]
                expected.append(np.mean([max(p * e, (p - 1) * e) for p, e in zip(LEVELS, error, strict=True)]))
        assert losses[lane] == pytest.approx(np.mean(expected), rel=1e-4)


def test_held_back_values_are_forecast_from_what_precedes_each_origin():
    y = alternating(5)
    changed = y.copy()
    changed[:, -1] *= 7
    a, b = (_held_back(histories(each), np.arange(5)) for each in (y, changed))
    reads_newest = histories(y).length[a.order] - 1
    for lane, newest in enumerate(reads_newest):
        assert a.x[0, :newest, :, lane].tobytes() == b.x[0, :newest, :, lane].tobytes()
    assert make_batch(y[:, -20:], np.ones(5, int), 20).x.shape == (1, 20, len(LF.inputs), 16)


@pytest.mark.parametrize(
    ("y", "h", "words"),
    [
        (alternating(3), 4, "3 of 3 series are long enough, 16 are needed"),
        (alternating(20, 8)[:, :8], 4, "series are long enough"),
        (alternating(20), 30, "30 steps is longer than the 24"),
        (np.full((20, 30), np.nan), 4, "0 of 20 series"),
    ],
)
def test_too_little_to_learn_from_is_said(model, y, h, words):
    tuned = fine_tune(*model, histories(y, h))
    assert tuned.vector is None
    assert words in tuned.finding
    assert tuned.finding.endswith("the released weights are used.")


def table(n=20, T=40, seed=0):
    y = alternating(n, T, seed)
    ids, months = np.arange(n).repeat(T), np.tile(np.datetime64("2015-01") + np.arange(T), n)
    return {"unique_id": ids, "ds": months, "y": np.nan_to_num(y, nan=50.0).ravel()}


@pytest.fixture(scope="module")
def fitted():
    settings = {"model": "pretrained", "season_length": 1, "id_col": "unique_id"}
    return Forecaster(H, **settings, training=TrainingConfig(max_steps=20)).fit(table(), finetune=True)


@pytest.mark.slow
def test_fit_says_what_fine_tuning_did(fitted):
    assert any("fine-tuning lowered the error" in finding for finding in fitted.findings_)
    assert fitted.evaluation_.findings == tuple(fitted.findings_)
    released = Forecaster(H, model="pretrained", season_length=1).fit(table())
    assert not any("fine-tuning" in finding for finding in released.findings_)
    mine, theirs = fitted.evaluation_.scores[0], released.evaluation_.scores[0]
    assert mine.mae < theirs.mae
    assert not np.allclose(fitted.predict()["Pretrained"], released.predict()["Pretrained"])


@pytest.mark.slow
def test_what_did_not_help_is_not_tried_again(monkeypatch):
    calls = []

    def fine_tune(*arguments, **_):
        calls.append(arguments)
        return finetuning.FineTuned(None, "fine-tuning did not help.")

    monkeypatch.setattr(finetuning, "fine_tune", fine_tune)
    forecaster = Forecaster(H, model="pretrained", season_length=1).fit(table(), finetune=True)
    assert len(calls) == 1
    assert forecaster.findings_[-1] == "fine-tuning did not help."
    released = Forecaster(H, model="pretrained", season_length=1).fit(table())
    for name, column in forecaster.predict().items():
        assert column.tobytes() == released.predict()[name].tobytes()


@pytest.mark.slow
def test_max_steps_of_the_training_config_bounds_fine_tuning(fitted):
    config = fitted.state_.ensemble.configs[0]
    assert (config.finetune, config.max_steps) == (True, 20)
    assert 1 <= len(fitted.training_history_["loss"]) <= 20


def test_max_steps_of_fine_tuning_is_positive():
    with pytest.raises(ConfigError, match="max_steps"):
        Pretrained(finetune=True, max_steps=0)


@pytest.mark.slow
def test_tuned_weights_are_saved(fitted, tmp_path):
    fitted.save(tmp_path / "tuned.gatecast")
    loaded = Forecaster.load(tmp_path / "tuned.gatecast")
    assert loaded.predict()["Pretrained"].tobytes() == fitted.predict()["Pretrained"].tobytes()
    assert loaded.findings_ == fitted.findings_
    vector = loaded.state_.ensemble.models[0].tuned["lf"]
    assert vector.dtype == np.float32
    stream, again = fitted.stream(), loaded.stream()
    y = np.full(20, 55.0)
    assert stream.step(y).forecast["Pretrained"].tobytes() == again.step(y).forecast["Pretrained"].tobytes()


@pytest.mark.slow
def test_update_keeps_tuned_weights(fitted, tmp_path):
    fitted.save(tmp_path / "a")
    forecaster = Forecaster.load(tmp_path / "a")
    before = forecaster.state_.ensemble.models[0].tuned["lf"]
    rows = {"unique_id": np.arange(20), "ds": np.full(20, np.datetime64("2018-05")), "y": np.full(20, 60.0)}
    after = forecaster.update(rows).state_.ensemble.models[0]
    assert (after.tuned["lf"] == before).all()


@pytest.mark.slow
def test_values_that_tuned_weights_have_seen_are_no_evidence(fitted):
    assert fitted.state_.ensemble.refitting() is None
    with pytest.raises(ConfigError, match="No model can judge values that it was fitted on"):
        fitted.anomalies()


def test_fine_tuning_needs_a_model_that_was_trained_before():
    for model in ("dot", ["dot", "naive"]):
        with pytest.raises(ConfigError, match="no model is pretrained"):
            Forecaster(H, model=model).fit(table(), finetune=True)
    with pytest.raises(ConfigError, match="Invalid finetune"):
        TrainingConfig(finetune=1)


def test_predict_without_fit_does_not_fine_tune():
    with pytest.raises(NotFittedError):
        Forecaster(H, model="pretrained", training=TrainingConfig(finetune=True)).predict(table())
    with pytest.raises(NotFittedError):
        Forecaster(H, model=Pretrained(finetune=True)).predict(table())


@pytest.mark.slow
def test_the_report_shows_the_call_that_fine_tunes(fitted):
    assert constructor_call(fitted).endswith(".fit(data, finetune=True)")
