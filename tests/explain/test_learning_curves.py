"""Diagnoses of networks that are really trained: what they say is so, and what they suggest helps."""

import numpy as np
import pytest

import gatecast as gc
from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError
from gatecast.explain.learning_curves import _steps, diagnose_fit
from gatecast.forecasting.pretrained.model import Pretrained

H = 3


def panel(kind, S, T, seed):
    rng = np.random.default_rng(seed)
    at, noise = np.arange(T), rng.normal(size=(S, T))
    if kind == "memory":
        y = noise
        for t in range(1, T):
            y[:, t] += 0.6 * y[:, t - 1]
    elif kind == "waves":
        y = 10 * np.sin(at * np.pi / 3 + rng.uniform(0, 6.3, (S, 1))) + 0.8 * noise
    else:
        y = noise if kind == "noise" else 0 * noise
    months = (np.datetime64("2010-01", "M") + at).astype("M8[D]")
    return {"unique_id": np.repeat(np.arange(S), T), "ds": np.tile(months, S), "y": (100 + y).ravel()}


def trained(table, units, max_steps, dropout=None, rate=1e-2):
    forecaster = gc.Forecaster(
        H,
        model="lstm",
        season_length=1,
        network=NetworkConfig(units=units, n_layers=1, dropout=dropout),
        training=TrainingConfig(n_members=1, max_steps=max_steps, learning_rate=rate),
    )
    return forecaster.fit(table, evaluate=False)


def diagnosed(table, **how):
    """Return the diagnosis, and the last validation error."""
    forecaster = trained(table, **how)
    return diagnose_fit(forecaster.state_), forecaster.training_history_["validation"][-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("S", "T", "steps", "seed", "better"),
    [(20, 30, 100, 2, {"max_steps": 0.9, "dropout": 0.9}), (1, 60, 150, 6, {"max_steps": 0.8})],
)
def test_diagnose_fit_large_network_on_noisy_series_overfits_and_the_suggestions_help(S, T, steps, seed, better):
    table, how = panel("memory", S, T, seed), {"units": 40, "max_steps": steps}
    diagnosis, before = diagnosed(table, **how)
    assert (diagnosis.kind, diagnosis.overfits) == ("overfitting", True)
    assert diagnosis.generalization_gap > 0.3
    assert set(diagnosis.suggestions) >= set(better)
    for name, share in better.items():
        assert diagnosed(table, **(how | {name: diagnosis.suggestions[name]}))[1] < share * before, name


@pytest.mark.slow
def test_diagnose_fit_too_few_steps_underfit_and_more_help():
    table, how = panel("waves", 20, 60, 0), {"units": 16, "max_steps": 10}
    diagnosis, before = diagnosed(table, **how)
    assert (diagnosis.kind, diagnosis.onset_step) == ("underfitting", None)
    assert diagnosed(table, **(how | diagnosis.suggestions))[1] < 0.8 * before


@pytest.mark.slow
def test_diagnose_fit_clean_data_is_a_good_fit():
    diagnosis, error = diagnosed(panel("waves", 40, 60, 0), units=16, max_steps=150)
    assert (diagnosis.kind, diagnosis.suggestions) == ("good_fit", {})
    assert abs(diagnosis.generalization_gap) < 0.1
    assert error < 0.2


@pytest.mark.slow
def test_diagnose_fit_pure_noise_is_memorized():
    diagnosis, _ = diagnosed(panel("noise", 20, 30, 2), units=40, max_steps=300, rate=2e-2)
    assert diagnosis.overfits
    assert diagnosis.generalization_gap > 0.5


def test_diagnose_fit_constant_series_is_inconclusive():
    diagnosis, _ = diagnosed(panel("constant", 3, 40, 0), units=6, max_steps=20)
    assert (diagnosis.kind, diagnosis.overfits, diagnosis.onset_step, diagnosis.suggestions) == (
        "inconclusive",
        False,
        None,
        {},
    )
    assert diagnosis.reason == "constant"


@pytest.mark.slow
def test_diagnose_fit_is_the_same_after_save_and_load(tmp_path):
    table = panel("memory", 1, 60, 1)
    forecaster = gc.Forecaster(H, model="lstm", season_length=1).fit(table, evaluate=False)
    diagnosis = diagnose_fit(forecaster.state_)
    forecaster.save(tmp_path / "one")
    again = diagnose_fit(gc.load(tmp_path / "one").state_)
    assert (again.kind, again.sentence, again.generalization_gap) == (
        diagnosis.kind,
        diagnosis.sentence,
        diagnosis.generalization_gap,
    )


def test_diagnose_fit_without_validation_errors_is_inconclusive():
    short = gc.Forecaster(H, model="lstm", season_length=1, **{"training": TrainingConfig(n_members=1, max_steps=10)})
    diagnosis = diagnose_fit(short.fit(panel("memory", 1, 12, 0)).state_)
    assert diagnosis.reason == "no_validation"
    updated = trained(panel("memory", 3, 40, 0), 6, 20).update(panel("memory", 3, 40, 1))
    assert diagnose_fit(updated.state_).kind == "inconclusive"


def test_diagnose_fit_model_without_networks_raises():
    with pytest.raises(ConfigError, match="network"):
        diagnose_fit(gc.Forecaster(H, model="naive").fit(panel("memory", 1, 40, 0)).state_)


def test_updates_are_those_of_networks_that_were_trained_here():
    configs = trained(panel("noise", 4, 40, 0), 2, 7).state_.ensemble.configs
    assert _steps([*configs, Pretrained(), Pretrained(finetune=True, max_steps=3)]) == [7]
