"""Diagnoses where they are known: drawn curves, and networks that are trained."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gatecast as gc
from gatecast.errors import ConfigError, DataError
from gatecast.evaluation.learning_curves import (
    REMEDIES,
    TEMPLATES,
    Diagnosis,
    describe,
    diagnose,
)
from gatecast.layers import LSTM, Dense, Dropout, Input


def history(validation, training, untrained=(), scale=1.0):
    """As a Forecaster keeps it."""
    at = 10 * np.arange(1, len(validation) + 1)
    return {
        "step": list(range(1, int(at[-1]) + 1)),
        "loss": [scale] * int(at[-1]),
        "validation_step": at.tolist(),
        "validation": list(scale * np.array(validation, float)),
        "training": list(scale * np.array(training, float)),
        "untrained": list(scale * np.array(untrained, float)),
    }


FALLS = 2 * 0.7 ** np.arange(10)
RISES = np.array([1.8, 1.5, 1.2, 1.0, 1.1, 1.2, 1.3, 1.4, 1.45, 1.5])


def test_diagnose_validation_error_that_rises_for_good_is_overfitting():
    diagnosis = diagnose(history(RISES, FALLS, (2, 2)), units=32, weights=9000, values=120)
    assert (diagnosis.kind, diagnosis.overfits, diagnosis.onset_step) == ("overfitting", True, 40)
    assert diagnosis.suggestions == {"max_steps": 40, "units": 16, "dropout": 0.2}
    assert diagnosis.generalization_gap == pytest.approx(1 - FALLS[-1] / 1.5)
    assert diagnosis.reason == "rises"
    assert (
        diagnosis.facts.items() >= {"onset": 40, "last": 100, "remedy": "units", "weights": 9000, "values": 120}.items()
    )
    assert diagnosis.facts["rise"] == pytest.approx(0.32, abs=0.005)
    assert set(diagnosis.curves) == {
        "step",
        "loss",
        "validation_step",
        "validation",
        "training",
        "loss_smooth",
        "validation_smooth",
    }
    assert {len(diagnosis.curves[name]) for name in ("step", "loss", "loss_smooth")} == {100}
    assert diagnosis.curves["validation"].tolist() == RISES.tolist()


@pytest.mark.parametrize(
    ("facts", "remedy", "changes"),
    [
        ({}, "dropout", {"max_steps": 40, "dropout": 0.2}),
        ({"units": 32, "weights": 50, "values": 120}, "dropout", {"max_steps": 40, "dropout": 0.2}),
        ({"dropout": 0.3}, "data", {"max_steps": 40}),
        ({"units": 4, "weights": 500, "values": 120, "dropout": 0.3}, "data", {"max_steps": 40}),
    ],
)
def test_diagnose_does_not_suggest_what_is_in_use(facts, remedy, changes):
    diagnosis = diagnose(history(RISES, FALLS, (2, 2)), **facts)
    assert diagnosis.facts["remedy"] == remedy
    assert diagnosis.suggestions == changes


def test_diagnose_training_that_stopped_in_time_is_a_good_fit():
    diagnosis = diagnose(history(RISES, FALLS, (2, 2)), stopped=40)
    assert (diagnosis.kind, diagnosis.overfits, diagnosis.onset_step, diagnosis.suggestions) == (
        "good_fit",
        False,
        40,
        {},
    )
    assert (diagnosis.reason, diagnosis.facts["stopped"]) == ("stopped", 40)
    assert diagnose(history(RISES, FALLS, (2, 2)), stopped=90).overfits


def test_diagnose_training_error_that_falls_alone_is_memorization():
    diagnosis = diagnose(history([1.0, 1.02, 0.99, 1.0, 1.01, 0.99, 1.0, 1.0, 1.01, 1.0], FALLS / 2, (1, 1)))
    assert (diagnosis.kind, diagnosis.onset_step, diagnosis.suggestions) == (
        "overfitting",
        None,
        {"max_steps": 25, "dropout": 0.2},
    )
    assert diagnosis.reason == "memorizes"
    assert diagnosis.facts["fall"] == pytest.approx(0.96, abs=0.005)
    assert diagnose(history(1 + np.arange(10) / 9, FALLS / 2, (1, 1))).onset_step == 1


def test_diagnose_validation_error_that_still_falls_is_underfitting():
    falls = np.linspace(1.9, 1.0, 10)
    diagnosis = diagnose(history(falls, falls, (2, 2)))
    assert (diagnosis.kind, diagnosis.overfits, diagnosis.onset_step, diagnosis.suggestions) == (
        "underfitting",
        False,
        None,
        {"max_steps": 400},
    )
    assert diagnosis.generalization_gap == pytest.approx(0)
    assert diagnosis.reason == "falls_fast"
    slower = 0.5 + 2 / (1 + np.arange(10))
    slow = diagnose(history(slower, slower))
    assert (slow.kind, slow.reason, slow.suggestions) == ("underfitting", "falls", {"max_steps": 200})
    assert slow.facts["fall"] == pytest.approx(0.08, abs=0.005)


def test_diagnose_memorization_at_the_end_is_no_underfitting():
    falls = 0.5 + 2 / (1 + np.arange(10))
    assert diagnose(history(falls, falls * np.linspace(1, 0.4, 10))).kind == "good_fit"


def test_diagnose_counts_work_in_learning_rate():
    work = np.cumsum(np.repeat([1, 1, 1, 1, 1, 1, 0.5, 0.2, 0.05, 0.01], 10))
    falls = 2 - work[9::10] / work[-1]
    fading = [1, 1, 1, 1, 1, 1, 0.5, 0.2, 0.05, 0.01]
    assert diagnose(history(falls, falls, (2, 2))).kind == "good_fit"
    assert diagnose(history(falls, falls, (2, 2)), rate=lambda step: fading[step // 10]).kind == "underfitting"


def test_diagnose_level_errors_are_a_good_fit():
    level = 1 + 2.0 ** -np.arange(10)
    diagnosis = diagnose(history(level, 0.95 * level, (2, 2)))
    assert (diagnosis.kind, diagnosis.onset_step, diagnosis.suggestions) == ("good_fit", None, {})
    assert diagnosis.reason == "level"
    wide = diagnose(history(level, level * np.linspace(1, 0.5, 10), (2, 2)))
    assert wide.kind == "good_fit"
    assert (wide.reason, wide.facts["remedy"]) == ("gap", "dropout")
    assert wide.generalization_gap == pytest.approx(0.5, abs=0.01)


def test_diagnose_harder_validation_values_are_no_gap():
    level = 1 + 2.0 ** -np.arange(10)
    assert diagnose(history(3 * level, level, (6, 2))).generalization_gap == pytest.approx(0)
    assert diagnose(history(3 * level, level)).generalization_gap == pytest.approx(
        0
    )  # nothing from before: the first look counts


def test_diagnose_two_errors_that_rise_are_unstable_training():
    diagnosis = diagnose(history(RISES, RISES, (2, 2)))
    assert (diagnosis.kind, diagnosis.overfits, diagnosis.onset_step) == ("inconclusive", False, None)
    assert diagnosis.reason == "unstable"


@pytest.mark.parametrize(
    ("curves", "reason"),
    [
        (history([1.0], [1.0], (2, 2)), "too_few"),
        (history([1.0, 0.9], [1, 1], (2, 2)), "too_few"),
        (history([np.nan] * 10, [1] * 10), "not_finite"),
        (history([1, 1, 1, np.inf], [1] * 4), "not_finite"),
        (history([0.0] * 10, [0.0] * 10, (0, 0)), "zero"),
        (history([1.0] * 10, [np.nan] * 10), "no_training"),
        ({"loss": [1.0, 0.5, 0.4]}, "no_validation"),
        ({"step": [], "loss": [], "validation_step": [], "validation": []}, "no_validation"),
    ],
)
def test_diagnose_without_enough_errors_is_inconclusive(curves, reason):
    diagnosis = diagnose(curves)
    assert (diagnosis.kind, diagnosis.overfits, diagnosis.onset_step) == ("inconclusive", False, None)
    assert (diagnosis.reason, diagnosis.suggestions) == (reason, {})
    assert diagnosis.sentence.startswith("Inconclusive: ")


def test_diagnose_constant_errors_are_inconclusive():
    diagnosis = diagnose(history([1.0] * 10, [1.0] * 10, (1, 1)))
    assert (diagnosis.kind, diagnosis.suggestions) == ("inconclusive", {"max_steps": 200})
    assert diagnosis.reason == "learns_nothing"


def test_diagnose_leaves_out_measurements_that_failed():
    holes = RISES.copy()
    holes[[1, 5]] = np.nan, np.inf
    assert diagnose(history(holes, FALLS, (2, 2))).onset_step == 40


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([RISES, FALLS, 1 + FALLS, np.ones(10)]),
    st.sampled_from([FALLS, 1 + FALLS, np.ones(10)]),
    st.floats(1e-4, 1e4),
    st.booleans(),
)
def test_diagnose_does_not_depend_on_the_unit_of_the_error(new, old, scale, before):
    one, other = (diagnose(history(new, old, (2, 2) if before else (), scale=s)) for s in (1.0, scale))
    assert (one.kind, one.onset_step, one.suggestions, one.sentence) == (
        other.kind,
        other.onset_step,
        other.suggestions,
        other.sentence,
    )
    np.testing.assert_allclose(one.generalization_gap, other.generalization_gap, atol=1e-9)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.floats(0.15, 1), st.floats(0, 0.01), st.integers(0, 1000))
def test_diagnose_finds_a_drawn_onset_in_ten_measurements(onset, height, shaking, seed):
    at, rng = np.arange(10), np.random.default_rng(seed)
    new = 1 + np.exp(-1.5 * at) + height * np.maximum(at - onset, 0) / (9 - onset)
    diagnosis = diagnose(history(new + shaking * rng.normal(size=10), FALLS, (4, 4)))
    assert diagnosis.kind == "overfitting"
    assert diagnosis.onset_step is not None
    assert abs(diagnosis.onset_step - 10 * (onset + 1)) <= 20


def test_diagnose_epochs_compares_errors_of_the_same_moment():
    epochs = np.arange(1.0, 31.0)
    mean = 3 - 0.1 * (epochs - 0.5)  # over an epoch that falls by 0.1
    end = 3 - 0.1 * epochs
    diagnosis = diagnose({"loss": mean.tolist(), "val_loss": end.tolist()})
    np.testing.assert_allclose(diagnosis.curves["training"][:-1], end[:-1])
    assert diagnosis.kind == "underfitting"
    assert diagnosis.suggestions == {"epochs": 120}
    given = diagnose({"loss": mean.tolist(), "val_loss": end.tolist(), "training": (0.8 * end).tolist()})
    np.testing.assert_allclose(given.curves["training"], 0.8 * end)


def test_diagnose_invalid_history_raises():
    with pytest.raises(ConfigError, match=r"mae.*loss.*training_history_.*history\.history"):
        diagnose({"mae": [1.0]})
    with pytest.raises(
        DataError,
        match=r"differ in length \(validation\): got \(2,\), expected \(3,\)",
    ):
        diagnose({"step": [1], "loss": [1], "validation_step": [1, 2, 3], "validation": [1, 2], "training": [1, 2, 3]})


def windows(y, width=12):
    cut = np.lib.stride_tricks.sliding_window_view(y, width + 1)
    return cut[:, :-1, None], cut[:, -1]


def article(series, units, epochs, dropout=0.0):
    """The article's task: the value after a window, by an LSTM and a Dense, mean squared error and Adam."""
    cut = 3 * len(series) // 4
    z = (series - series[:cut].mean()) / series[:cut].std()
    model = gc.Sequential([Input((12, 1)), LSTM(units), Dropout(dropout), Dense(1)])
    model.compile(loss="mean_squared_error", optimizer="adam")
    model.fit(*windows(z[:cut]), epochs=epochs, verbose=0, validation_data=windows(z[cut - 12 :]))
    facts = {"units": units, "dropout": dropout, "weights": model.count_params(), "values": cut}
    return diagnose(model.history.history, **facts), model.history.history["val_loss"][-1]


def autoregression(n, seed=0):
    y, noise = np.zeros(n), np.random.default_rng(seed).normal(size=n)
    for t in range(2, n):
        y[t] = 1.2 * y[t - 1] - 0.6 * y[t - 2] + noise[t]
    return y


@pytest.mark.slow
def test_diagnose_trained_lstm_overfits_and_the_suggestions_help():
    series = autoregression(120, seed=1)
    diagnosis, before = article(series, 48, 200)
    assert (diagnosis.kind, diagnosis.overfits) == ("overfitting", True)
    assert diagnosis.suggestions.keys() == {"epochs", "units", "dropout"}
    assert article(series, 48, diagnosis.suggestions["epochs"])[1] < 0.7 * before
    assert article(series, diagnosis.suggestions["units"], 200)[1] < 0.9 * before
    assert article(series, 48, 200, diagnosis.suggestions["dropout"])[1] < before


@pytest.mark.slow
def test_diagnose_trained_lstm_underfits_then_fits_well():
    wave = np.sin(np.arange(600) * np.pi / 12) + 0.05 * np.random.default_rng(0).normal(size=600)
    diagnosis, before = article(wave, 16, 6)
    assert diagnosis.kind == "underfitting"
    _, after = article(wave, 16, diagnosis.suggestions["epochs"])
    assert after < 0.9 * before
    enough, error = article(wave, 16, 100)
    assert enough.kind == "good_fit"
    assert error < after


def test_describe_has_a_sentence_for_every_reason():
    facts = {"unit": "step", "onset": 40, "last": 100, "rise": 0.32, "fall": 0.08, "steps": 200, "stopped": 30}
    facts |= {"times": "2 times", "weights": 9000, "values": 120}
    for reason in TEMPLATES:
        for remedy in REMEDIES:
            text = describe(Diagnosis("good_fit", reason, None, 0.5, {}, {}, facts | {"remedy": remedy}))
            assert text.endswith(".")
            assert "{" not in text
    rises = describe(Diagnosis("overfitting", "rises", 40, 0.5, {}, {}, facts | {"remedy": "units"}))
    assert rises == (
        "It overfits from step 40 of 100 on, as the validation error rises by 32 % from there while the training error "
        "falls: stop there, or use fewer units, as 9,000 weights are trained on 120 values."
    )
