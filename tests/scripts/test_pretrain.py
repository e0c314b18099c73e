"""scripts/pretrain.py: a run that is stopped and continued has the bits of one that is not."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from pretraining import hf_series, lf_series  # noqa: E402
from pretraining.bank import Ahead, Bank, BankSizes, Pool, hidden_runs  # noqa: E402
from pretraining.carry_over import NEW_LOGIT, carry_over  # noqa: E402
from pretraining.gates import made_gates, tail_gate  # noqa: E402
from pretraining.networks import RECIPES  # noqa: E402
from pretraining.run import Limits, Log, Outputs, train  # noqa: E402
from pretraining.state import PEAK, WARM_UP_STEPS, RunState  # noqa: E402
from pretraining.tables import Errors, anchor_errors, errors, lane_losses, tail_table  # noqa: E402
from pretraining.tails import Tail, load_hf_tails, load_lf_tails  # noqa: E402

from gatecast._utils import safefile  # noqa: E402
from gatecast.forecasting.pretrained.head import LEVELS, head_backward, split_outputs  # noqa: E402
from gatecast.forecasting.pretrained.kinds import HF, LF  # noqa: E402
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network  # noqa: E402
from gatecast.forecasting.pretrained.released import load_released  # noqa: E402
from gatecast.forecasting.pretrained.training import forecast_batch  # noqa: E402
from gatecast.nn.network import forward  # noqa: E402

SIZES = BankSizes(batch=16, piece=32, alive=2, steps_per_piece=3)
KINDS = pytest.mark.parametrize("kind", [LF, HF], ids=["lf", "hf"])


def new_run(kind=LF, seed=0):
    """Return a run of a small network."""
    return RunState.new(PretrainedConfig(units=4, n_layers=1, kind=kind), seed, SIZES.batch, SIZES.piece)


def make_low(count, seed):
    """Return random walks; some begin late."""
    rng = np.random.default_rng(seed)
    values = np.exp(rng.normal(0, 0.1, (count, lf_series.LENGTH)).cumsum(axis=1)).astype(np.float32)
    values[: count // 2, :-50] = np.nan
    season, family = rng.choice([1, 4], count), rng.integers(0, 2, count)
    return SimpleNamespace(values=values, season=season, long_season=0 * season, family=family)


def make_high(count, seed):
    """Return hours with a daily wave; some begin late."""
    rng = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * np.arange(900) / 24)
    values = (wave + rng.normal(0, 0.1, (count, 900)).cumsum(axis=1)).astype(np.float32)
    values[: count // 2, :300] = np.nan
    season, family = rng.choice([7, 24], count), rng.integers(0, 2, count)
    return SimpleNamespace(values=values, season=season, long_season=7 * season, family=family)


def bank_of(kind=LF, seed=0):
    """Return a bank of few series."""
    make, draw = (make_low, lf_series.draw_sample) if kind is LF else (make_high, hf_series.draw_sample)
    return Bank(make, draw, seed, SIZES)


def run_until(run, step, folder):
    """Train up to a step, and return the state file."""
    path = folder / "run.state"
    outputs = Outputs(path, Log(folder / "log"), ("one", "two"), list)
    assert train(run, bank_of(run.config.kind, run.seed), outputs, Limits(last_step=step), lambda: False)
    return path


def bits(path):
    """Return the arrays of a state file as bytes, and what does not depend on the clock."""
    settings, arrays = safefile.read(path, "pretraining")
    return {name: array.tobytes() for name, array in arrays.items()}, settings["step"], settings["tokens"]


@pytest.mark.slow
@KINDS
def test_train_stopped_and_continued_has_the_bits_of_a_whole_run(tmp_path, kind):
    (one := tmp_path / "one").mkdir()
    (two := tmp_path / "two").mkdir()
    whole = bits(run_until(new_run(kind, 3), 9, one))
    part = run_until(new_run(kind, 3), 4, two)
    assert bits(run_until(RunState.load(part), 9, two)) == whole


@pytest.mark.slow
@KINDS
def test_pretrain_sigterm_saves_the_state_and_the_next_call_goes_on(tmp_path, kind):
    command = [sys.executable, str(SCRIPTS / "pretrain.py"), "--network", kind.name, "--state", str(tmp_path)]
    command += ["--data", str(tmp_path)]
    sizes = ["--units", "4", "--layers", "1", "--batch", "16", "--piece", "64"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen([*command, *sizes], stdout=subprocess.PIPE, text=True, env=environment)
    for line in process.stdout:
        if "tails" in line:
            break
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert "saved" in process.communicate(timeout=100)[0]
    assert process.returncode == 0
    step = RunState.load(tmp_path / f"{kind.name}.state").step
    output = subprocess.run([*command, "--steps", str(step + 1)], capture_output=True, text=True, check=True).stdout
    assert f"{kind.name} from step {step}: 4 units, 1 layers" in output
    assert RunState.load(tmp_path / f"{kind.name}.state").batch == 16


@pytest.mark.slow
def test_finish_lets_the_rate_fall_and_releases_the_average(tmp_path):
    run = new_run()
    run_until(run, 3, tmp_path)
    run.finish_from, run.finish_steps = 3, 4
    rates = [run.learning_rate(step) / run.learning_rate(step - 1) for step in (5, 6, 7)]
    assert max(rates) < 1.25
    assert run.learning_rate(8) == 0
    run.release(tmp_path / "lf.safetensors")
    settings, arrays = safefile.read(tmp_path / "lf.safetensors", "pretrained")
    assert arrays["weights"].dtype == np.float16
    assert arrays["weights"] == pytest.approx(run.optimizer.average, rel=1e-3, abs=1e-6)
    assert settings["steps"] == 3
    assert settings["network"]["inputs"][23] == "value"


@pytest.mark.slow
def test_run_from_released_weights_begins_with_them_and_sees_other_series(tmp_path):
    first = new_run(seed=4)
    run_until(first, 3, tmp_path)
    first.release(tmp_path / "lf.safetensors")
    run = RunState.from_released(tmp_path / "lf.safetensors", LF, None, SIZES.batch, SIZES.piece)
    assert (run.seed, run.step, run.config) == (5, 0, first.config)
    assert run.weights.vector == pytest.approx(first.optimizer.average, rel=1e-3, abs=1e-6)
    assert run.averaged().vector.tobytes() == run.weights.vector.tobytes()
    batches = [bank_of(seed=seed).sample(1).batch.y for seed in (first.seed, run.seed)]
    assert batches[0].shape != batches[1].shape or not np.isin(batches[0], batches[1]).all()
    again = RunState.load(run_until(run, 2, tmp_path))
    again.release(tmp_path / "second.safetensors")
    card = load_released(tmp_path / "second.safetensors").card
    digest = hashlib.sha256((tmp_path / "lf.safetensors").read_bytes()).hexdigest()
    assert [(one["seed"], one["steps"], one["sha256"]) for one in card["earlier"]] == [(4, 3, digest)]
    third = RunState.from_released(tmp_path / "second.safetensors", LF, None, SIZES.batch, SIZES.piece)
    assert [one["seed"] for one in third.earlier] == [4, 5]
    assert third.seed == 6


@pytest.mark.slow
def test_run_from_released_weights_with_a_seed_of_before_is_refused(tmp_path):
    first = new_run(seed=4)
    run_until(first, 2, tmp_path)
    first.release(tmp_path / "lf.safetensors")
    with pytest.raises(ValueError, match="seed 4 was used by an earlier run"):
        RunState.from_released(tmp_path / "lf.safetensors", LF, 4, SIZES.batch, SIZES.piece)


def test_released_mean_of_states_is_that_of_their_averages(tmp_path):
    first, paths = new_run(seed=4), [tmp_path / "a.state", tmp_path / "b.state"]
    for path, step in zip(paths, (2, 3), strict=True):
        run_until(first, step, tmp_path)
        first.save(path)
    command = [sys.executable, str(SCRIPTS / "pretrain.py"), "--network", "lf", "--state", str(tmp_path), "--release"]
    subprocess.run([*command, "--mean-of", *map(str, paths)], check=True)
    released = load_released(tmp_path / "lf.safetensors")
    expected = np.mean([RunState.load(path).averaged().vector for path in paths], axis=0)
    assert released.weights.vector == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert released.card["mean_of_steps"] == [2, 3]
    assert released.card["steps"] == 3


@pytest.mark.parametrize("option", ["--release", "--finish", "--gates"])
def test_a_folder_without_a_state_is_refused(option, tmp_path):
    """A mistyped folder would give an untrained network as the released file."""
    command = [sys.executable, str(SCRIPTS / "pretrain.py"), "--state", str(tmp_path / "typo"), option]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode != 0
    assert "no state in" in process.stderr
    assert not (tmp_path / "typo").exists()


def test_mean_of_states_of_several_runs_is_refused(tmp_path):
    paths = [tmp_path / "a.state", tmp_path / "b.state"]
    for path, seed in zip(paths, (4, 5), strict=True):
        new_run(seed=seed).save(path)
    with pytest.raises(ValueError, match="runs that began with the same released weights"):
        RunState.mean_of(paths)


def test_mean_of_a_state_that_is_given_twice_is_refused(tmp_path):
    new_run(seed=4).save(tmp_path / "a.state")
    with pytest.raises(ValueError, match="a state is given twice"):
        RunState.mean_of([tmp_path / "a.state"] * 2)


@pytest.mark.slow
def test_mean_of_states_of_runs_from_the_same_released_weights_names_both(tmp_path):
    first = new_run(seed=4)
    run_until(first, 1, tmp_path)
    first.release(tmp_path / "lf.safetensors")
    paths = []
    for seed, steps in ((5, (1, 2)), (6, (3,))):
        run = RunState.from_released(tmp_path / "lf.safetensors", LF, seed, SIZES.batch, SIZES.piece)
        for step in steps:
            run_until(run, step, tmp_path)
            paths.append(tmp_path / f"{seed}.{step}.state")
            run.save(paths[-1])
    mean = RunState.mean_of(paths)
    mean.release(tmp_path / "mean.safetensors")
    card = load_released(tmp_path / "mean.safetensors").card
    expected = np.mean([RunState.load(path).averaged().vector for path in paths], axis=0)
    assert mean.averaged().vector == pytest.approx(expected, rel=1e-6)
    assert (card["seed"], card["steps"], card["mean_of_steps"]) == (6, 3, [3])
    assert [(run["seed"], run["steps"], run["mean_of_steps"]) for run in card["averaged_with"]] == [(5, 2, [1, 2])]
    assert RunState.from_released(tmp_path / "mean.safetensors", LF, None, SIZES.batch, SIZES.piece).seed == 7
    with pytest.raises(ValueError, match="seed 5 was used"):
        RunState.from_released(tmp_path / "mean.safetensors", LF, 5, SIZES.batch, SIZES.piece)


@KINDS
def test_carry_over_to_more_inputs_and_simple_forecasts_keeps_the_forecasts(kind):
    run, batch = new_run(kind), bank_of(kind).sample(1).batch
    rng = np.random.default_rng(0)
    run.weights.vector[:] = rng.normal(0, 0.1, run.weights.vector.size)
    n_dropped, fewer = 2, kind.head._replace(anchors=kind.head.anchors - 2)
    names = [name for name in kind.inputs if name not in kind.inputs[5:7]]
    smaller = replace(kind, inputs=tuple(names), anchors=kind.anchors[:-n_dropped], head=fewer)
    _, before = make_network(PretrainedConfig(4, 1, kind=smaller))
    before.vector[:] = rng.normal(0, 0.1, before.vector.size)
    settings = PretrainedConfig(4, 1, kind=smaller).to_settings()
    carry_over(settings, before.vector, run.weights, kind)
    first, last = run.weights.views[0], run.weights.views[-1]
    assert (first["W"][5:7] == 0).all()
    kept = np.ascontiguousarray(np.delete(batch.x, [5, 6], axis=2))
    outputs, _ = forward(run.network, run.weights, batch.x, save_for_backward=False)
    small_network, _ = make_network(PretrainedConfig(4, 1, kind=smaller), None)
    expected, _ = forward(small_network, before, kept, save_for_backward=False)
    raw, slopes, logits = split_outputs(outputs, kind.head)
    raw_before, slopes_before, logits_before = split_outputs(expected, fewer)
    np.testing.assert_allclose(raw, raw_before, atol=1e-5)
    np.testing.assert_allclose(slopes, slopes_before, atol=1e-5)
    np.testing.assert_allclose(logits[:, :, :, :-n_dropped], logits_before, atol=1e-5)
    assert (logits[:, :, :, -n_dropped:] == NEW_LOGIT).all()
    assert last["W"].any()


@KINDS
@pytest.mark.parametrize("layer_norm", [False, True])
def test_carry_over_to_more_units_keeps_the_forecasts(kind, layer_norm):
    """Nothing reads new units; with layer_norm, twice as many have the same means and variances if each has a twin."""
    batch, rng = bank_of(kind).sample(1).batch, np.random.default_rng(0)
    small, large = (make_network(PretrainedConfig(units, 2, layer_norm, kind)) for units in (4, 8))
    for weights in (small[1], large[1]):
        weights.vector[:] = rng.normal(0, 0.3, weights.vector.size)
    settings = PretrainedConfig(4, 2, layer_norm, kind).to_settings()
    carry_over(settings, small[1].vector, large[1], kind, seed=seed_of_twins(4))
    before, after = (forward(*network, batch.x, save_for_backward=False)[0] for network in (small, large))
    np.testing.assert_allclose(after, before, atol=2e-4)
    assert large[1].views[1]["Wx"][:4].all()
    assert not large[1].views[1]["Wx"][4:].any()


def seed_of_twins(n_units):
    """Return a seed by which every unit has one twin in the first two layers."""
    for seed in range(10**5):
        rng = np.random.default_rng(seed)
        if all(len(set(rng.integers(0, n_units, n_units).tolist())) == n_units for _ in range(3)):
            return seed
    raise AssertionError("no such seed")


def test_carry_over_to_fewer_units_is_refused():
    run, larger = new_run(), PretrainedConfig(units=8, n_layers=1)
    _, weights = make_network(larger)
    with pytest.raises(ValueError, match="do not fit a network of 4 units"):
        carry_over(larger.to_settings(), weights.vector, run.weights, LF)


def test_carry_over_of_inputs_that_are_no_more_is_refused():
    run = new_run()
    settings = run.config.to_settings() | {"inputs": ["moon", *LF.inputs]}
    with pytest.raises(ValueError, match=r"no longer has: \['moon'\]"):
        carry_over(settings, run.weights.vector, run.weights, LF)


def test_carry_over_of_weights_that_do_not_fit_is_refused():
    run = new_run()
    with pytest.raises(ValueError, match="do not fit a network of 4 units"):
        carry_over(run.config.to_settings(), run.weights.vector[:-1], run.weights, LF)


def test_batches_made_ahead_are_those_of_the_bank():
    ahead, bank = Ahead(bank_of(HF, 1)), bank_of(HF, 1)
    for step in (1, 2, 5, 6):
        assert ahead.sample(step).batch.x.tobytes() == bank.sample(step).batch.x.tobytes()
    ahead.close()


def test_learning_rate_warms_up_and_stays():
    run = new_run()
    assert run.learning_rate(WARM_UP_STEPS // 2) == PEAK / 2
    assert run.learning_rate(WARM_UP_STEPS) == run.learning_rate(10**6) == PEAK


@KINDS
def test_bank_sample_is_a_function_of_the_step(kind):
    bank, other = bank_of(kind, 1), bank_of(kind, 1)
    samples = [bank.sample(step) for step in range(1, 8)]
    again = other.sample(7)
    assert again.batch.x.tobytes() == samples[-1].batch.x.tobytes()
    assert again.family.tolist() == samples[-1].family.tolist()
    assert samples[0].batch.x.shape[0] == 1


def test_hidden_runs_leave_half_of_the_series_and_the_first_values():
    hidden = hidden_runs(np.random.default_rng(0), 400, 60, 48)
    assert 0.4 < hidden.any(axis=1).mean() < 0.6
    assert not hidden[:, :4].any()


def test_make_series_are_on_the_clock_of_the_network():
    made = hf_series.make_series(60, seed=3)
    assert made.season.max() == 64
    assert set((made.long_season / made.season).tolist()) & {0.0, 7.0}
    low = lf_series.make_series(30, seed=3)
    assert low.values.shape == (30, lf_series.LENGTH)


@KINDS
def test_lane_losses_sum_to_the_loss_of_training(kind):
    batch, run = bank_of(kind).sample(1).batch, new_run(kind)
    head = forecast_batch(run.network, run.weights, run.shape, batch)
    loss, weight = lane_losses(head, batch)
    expected, _ = head_backward(head, batch.anchors, batch.y, batch.weight)
    assert loss.shape == (16, kind.head.groups)
    assert loss.sum() / weight.sum() == pytest.approx(expected, rel=1e-5)


def test_anchor_errors_of_fresh_weights_are_those_of_the_mean():
    batch, run = bank_of().sample(1).batch, new_run()
    total = anchor_errors(forecast_batch(run.network, run.weights, run.shape, batch), batch)
    assert total.shape == (16, 2 + LF.head.anchors)
    assert total[:, 0] == pytest.approx(total[:, 1], rel=1e-5)


def test_errors_of_a_perfect_forecast_are_zero():
    tail = Tail("a", np.arange(1.0, 9)[None], np.array([[9.0, 10.0]]), 1)
    q = np.repeat(tail.future[..., None], len(LEVELS), axis=2)
    assert errors(tail, q) == (0, 0, 1)


@pytest.mark.parametrize("load", [load_lf_tails, load_hf_tails])
def test_load_tails_without_data_says_what_is_left_out(tmp_path, capsys, load):
    assert load(tmp_path) == []
    assert ".parquet in the folder of data, left out" in capsys.readouterr().out


@KINDS
def test_tail_table_compares_with_the_reference(kind):
    y = 10 + np.sin(np.arange(300) * 2 * np.pi / 12)[None]
    tail, recipe = Tail("waves", y[:, :-12], y[:, -12:], 12), RECIPES[kind.name]
    run, (name, reference) = new_run(kind), recipe.reference
    expected = errors(tail, reference(tail))
    lines = tail_table(lambda t: recipe.predict(run.network, run.weights, t), [tail], {"waves": expected}, name)
    assert len(lines) == 3
    assert lines[1].startswith("waves")
    assert name in lines[2]


@KINDS
def test_made_gates_name_every_gate(kind):
    run = new_run(kind)
    passed, lines = made_gates(run, bank_of(kind), ("one", "two"), n_batches=1)
    assert not passed
    assert lines[1].startswith("FAILS: loss 0.0 % below that of the mean of the anchors")
    assert [line.split(": ")[1].split(",")[0] for line in lines[2:4]] == ["one", "two"]


def test_tail_gate_holds_or_fails():
    tail = Tail("a", np.arange(1.0, 9)[None], np.array([[9.0, 10.0]]), 1)
    q = np.repeat(tail.future[..., None] + 1, len(LEVELS), axis=2)
    assert tail_gate(lambda _: q, tail, Errors(1, 1, 1), 1.0) == (
        True,
        "holds: a tails, MASE / that of the reference 1.000, at most 1.0",
    )
    assert tail_gate(lambda _: q, tail, Errors(1, 0.5, 1), 1.0)[1].startswith("FAILS")


@pytest.mark.slow
def test_train_on_a_full_disk_goes_on_and_keeps_the_state_before(tmp_path, monkeypatch):
    run = new_run()
    path = run_until(run, 2, tmp_path)
    before = path.read_bytes()

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("gatecast._utils.atomic._force_to_disk", refuse)
        patch.setattr("pretraining.run.SAVE_SECONDS", 0.0)
        outputs = Outputs(path, Log(tmp_path / "log"), ("one", "two"), list)
        assert not train(run, bank_of(), outputs, Limits(last_step=4), lambda: False)
    assert run.step == 4
    assert path.read_bytes() == before
    assert (tmp_path / "log").read_text().count("is not saved: Cannot write the file") == 3
    resumed = RunState.load(path)
    assert resumed.step == 2
    assert bits(run_until(run, 4, tmp_path)) == bits(run_until(resumed, 4, tmp_path))


@pytest.mark.slow
def test_days_have_years_and_counts_of_days_stay_counts():
    made = hf_series.make_series(1024, seed=3)
    ours = made.family == len(hf_series.NAMES) - 1
    weeks = ours & (made.season == 7)
    assert 0.1 < (made.long_season[weeks] == 365).mean() < 0.4
    assert not (made.long_season[made.season == 5] == 365).any()
    rng = np.random.default_rng(0)
    values = np.stack([rng.poisson(5, 730), 20 + rng.normal(size=730)]).astype(np.float32)
    counts, rest = hf_series._with_year(values, np.array([True, True]), rng)
    assert (counts == np.rint(counts)).all()
    halves = rest[:365].mean(), rest[365:].mean()
    assert halves[0] == pytest.approx(halves[1], rel=0.02)
    of_year = np.abs(np.fft.rfft(rest - rest.mean()))
    assert of_year.argmax() == 2
    same = hf_series._with_year(values, np.zeros(2, bool), rng)
    np.testing.assert_array_equal(same, values)


def test_half_of_the_days_of_high_frequency_are_series_of_low_frequency():
    made = hf_series.make_series(192, seed=3)
    ours = made.family == len(hf_series.NAMES) - 1
    days = np.isin(made.season, (5, 7))
    assert set(made.season[ours].tolist()) == {5, 7}
    assert 0.3 < ours.sum() / days.sum() < 0.7
    known = np.isfinite(made.values[ours]).sum(axis=1)
    assert known.min() > 100
    assert np.isfinite(made.values[ours][:, -1]).mean() > 0.5
    assert (np.nanmin(made.values[ours], axis=1) >= 0).all()
    sample = hf_series.draw_sample(np.random.default_rng(0), Pool.of(made), 32)
    assert np.isfinite(sample.batch.x).all()
    again = hf_series.make_series(192, seed=3)
    assert again.values.tobytes() == made.values.tobytes()
