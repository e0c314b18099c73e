"""Fine-tuning of the network of days and hours: what it learns from, what is held back, and what a forecaster keeps."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast import Forecaster
from gatecast.forecasting.pretrained import finetuning
from gatecast.forecasting.pretrained.finetuning import fine_tune
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.hf import finetuning as hf_finetuning
from gatecast.forecasting.pretrained.hf.finetuning import HighSeries
from gatecast.forecasting.pretrained.hf.predict import predict_quantiles
from gatecast.forecasting.pretrained.kinds import HF
from gatecast.forecasting.pretrained.model import Pretrained
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
from gatecast.kernels import runtime

H = 24
PAIR = (24, 168)


@pytest.fixture(scope="module")
def model():
    return make_network(PretrainedConfig(units=8, n_layers=1, kind=HF))


@pytest.fixture
def quick(monkeypatch):
    """Let a fresh network learn within a few updates."""
    monkeypatch.setattr(finetuning, "LEARNING_RATE", 0.01)


def alternating(n=18, days=24, seed=0, m=24):
    """Return series whose days are high and low by turns, which no copy of a day or a week knows."""
    rng = np.random.default_rng(seed)
    T = days * m
    y = 20 + 5 * np.sin(2 * np.pi * np.arange(T) / m) + 4 * (-1.0) ** (np.arange(T) // m) + rng.normal(0, 0.3, (n, T))
    y[np.arange(T) < rng.integers(0, 3 * m, n)[:, None]] = np.nan
    return y


def pairs(n, pair=PAIR):
    return np.array([pair] * n)


def test_a_pattern_of_the_series_is_learnt(model, quick):
    network, weights = model
    start, y, steps = weights.vector.copy(), alternating(), []
    tuned = fine_tune(network, weights, HighSeries(y, pairs(len(y)), H), max_steps=20, on_step=steps.append)
    assert tuned.vector is not None
    assert "the tuned weights are used" in tuned.finding
    assert (weights.vector == start).all()
    measured = [step.validation for step in steps if np.isfinite(step.validation)]
    assert len(measured) == 2
    assert measured[-1] < measured[0]


def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads(model, quick):
    y, before = alternating(), runtime.get_num_threads()
    vectors = []
    try:
        for threads, seed in ((1, 0), (2, 0), (1, 1)):
            runtime.set_num_threads(threads)
            vectors.append(fine_tune(*model, HighSeries(y, pairs(len(y)), H), max_steps=10, seed=seed).vector)
    finally:
        runtime.set_num_threads(before)
    assert vectors[0].tobytes() == vectors[1].tobytes()
    assert vectors[0].tobytes() != vectors[2].tobytes()


@pytest.mark.parametrize(("m", "long", "h"), [(24, 168, 48), (7, 0, 14), (96, 672, 30)])
def test_updates_read_nothing_of_what_is_held_back(m, long, h):
    y = alternating(3, 40, m=m)
    changed = y.copy()
    changed[:, -h:] *= 7
    a, b = (
        HighSeries(each, pairs(3, (m, long)), h).batch(np.arange(3), np.random.default_rng(0)) for each in (y, changed)
    )
    for one, other in zip((a.anchors[0], a.x, a.y, a.weight), (b.anchors[0], b.x, b.y, b.weight), strict=True):
        assert one.tobytes() == other.tobytes()


def test_batches_are_random_stretches_that_may_end_without_values():
    series, rng = HighSeries(alternating(8, 40), pairs(8), 3 * H), np.random.default_rng(0)
    batches = [series.batch(np.arange(8), rng) for _ in range(2)]
    assert batches[0].x.shape[1] == 128
    assert batches[0].x.tobytes() != batches[1].x.tobytes()
    observed = batches[0].x[0, -1, HF.inputs.index("share observed"), :8]
    assert set(observed.tolist()) == {0.0, 1.0}
    one_block = HighSeries(alternating(8, 40), pairs(8), H).batch(np.arange(8), rng)
    assert (one_block.x[0, -1, HF.inputs.index("share observed"), :8] == 1).all()


def test_errors_are_those_of_the_forecasts_of_what_is_held_back(model):
    y = alternating(5)
    errors = HighSeries(y, pairs(5), H).errors(*model)
    q = predict_quantiles(*model, y[:, :-H], H, *PAIR)
    for k in range(5):
        past = y[k, :-H]
        unit = np.nanmean(np.abs(past[24:] - past[:-24]))
        distance = y[k, -H:, None] - q[k]
        loss = np.maximum(np.array(LEVELS) * distance, (np.array(LEVELS) - 1) * distance).mean()
        assert errors[k] == pytest.approx(loss / unit)


def test_series_of_many_seasons_are_measured_evenly(model, monkeypatch):
    """Every second series, whichever seasons it has: no pair of seasons counts for more."""
    monkeypatch.setattr(hf_finetuning, "MAX_MEASURED", 4)
    y, seasons = alternating(8, 40), np.array([PAIR, (12, 84), (8, 56), PAIR, PAIR, (8, 56), (12, 84), PAIR])
    few = HighSeries(y, seasons, H).errors(*model)
    monkeypatch.setattr(hf_finetuning, "MAX_MEASURED", 128)
    everything = HighSeries(y, seasons, H).errors(*model)
    assert few.tolist() == pytest.approx(everything[::2].tolist(), rel=1e-6)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (alternating(3), "3 of 3 series are long enough, 16 are needed"),
        (alternating(20, 4), "0 of 20 series are long enough"),
        (np.full((20, 900), np.nan), "0 of 20 series"),
        (np.where(np.arange(24 * 24) < 23 * 24, alternating(20), np.nan), "0 of 20 series"),
    ],
)
def test_too_little_to_learn_from_is_said(model, y, words):
    tuned = fine_tune(*model, HighSeries(y, pairs(len(y)), H))
    assert tuned.vector is None
    assert words in tuned.finding
    assert tuned.finding.endswith("the released weights are used.")


def table(n=18, days=24):
    y = alternating(n, days)
    T = y.shape[1]
    hours = np.tile(np.datetime64("2024-01-01T00") + np.arange(T), n)
    return {"unique_id": np.arange(n).repeat(T), "ds": hours, "y": np.nan_to_num(y, nan=20.0).ravel()}


@pytest.mark.slow
def test_a_forecaster_keeps_and_saves_tuned_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(finetuning, "LEARNING_RATE", 2e-3)
    model = Pretrained(finetune=True, max_steps=20)
    tuned = Forecaster(H, model=model, season_length=24, id_col="unique_id").fit(table())
    assert any("fine-tuning lowered the error" in finding for finding in tuned.findings_)
    released = Forecaster(H, model="pretrained", season_length=24).fit(table())
    assert tuned.evaluation_.scores[0].mae < released.evaluation_.scores[0].mae
    fitted = tuned.state_.ensemble.models[0]
    assert set(fitted.tuned) == {"hf"}
    assert not fitted.refits_to_series
    tuned.save(tmp_path / "hours.gatecast")
    loaded = Forecaster.load(tmp_path / "hours.gatecast")
    assert loaded.predict()["Pretrained"].tobytes() == tuned.predict()["Pretrained"].tobytes()
    weights = [each.simple_forecast_weights()["mean week"] for each in (tuned, loaded, released)]
    assert weights[0].tobytes() == weights[1].tobytes() != weights[2].tobytes()


@pytest.mark.slow
def test_networks_of_one_panel_are_tuned_each_on_its_series(monkeypatch):
    """Of series of less than two days, the network of low frequency learns; a finding names each."""
    both = table(18, 24)
    short = {"unique_id": 100 + np.arange(18).repeat(40), "ds": np.tile(both["ds"][:40], 18), "y": both["y"][: 18 * 40]}
    joined = {name: np.concatenate([both[name], short[name]]) for name in both}
    model = Pretrained(finetune=True, max_steps=10)
    findings = Forecaster(4, model=model, season_length=24, id_col="unique_id").fit(joined).findings_
    assert [name for name in ("low frequency", "high frequency") if any(f.startswith(name) for f in findings)] == [
        "low frequency",
        "high frequency",
    ]
