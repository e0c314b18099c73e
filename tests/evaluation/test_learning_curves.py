"""What learning curves are said to show, where it is known: drawn curves, and networks that are really trained."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gatecast as gc
from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError, DataError
from gatecast.evaluation.learning_curves import diagnose
from gatecast.explain.learning_curves import diagnose_fit
from gatecast.layers import LSTM, Dense, Dropout, Input

H = 3


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


def test_an_error_that_rises_for_good_is_overfitting_from_its_minimum_on():
    advice = diagnose(history(RISES, FALLS, (2, 2)), units=32, weights=9000, values=120)
    assert (advice.kind, advice.overfits, advice.onset_step) == ("overfits", True, 40)
    assert advice.suggestions == {"steps": 40, "units": 16, "dropout": 0.2}
    assert advice.generalization_gap == pytest.approx(1 - FALLS[-1] / 1.5)
    assert advice.sentence == (
        "It overfits from step 40 of 100 on, as the error on new values rises by 32 % from there while that on learnt "
        "values falls: stop there, or use fewer units, as 9,000 weights learn from 120 values."
    )
    assert set(advice.curves) == {
        "step",
        "loss",
        "validation_step",
        "validation",
        "training",
        "loss_smooth",
        "validation_smooth",
    }
    assert {len(advice.curves[name]) for name in ("step", "loss", "loss_smooth")} == {100}
    assert advice.curves["validation"].tolist() == RISES.tolist()


@pytest.mark.parametrize(
    ("facts", "last", "changes"),
    [
        ({}, "or use dropout.", {"steps": 40, "dropout": 0.2}),
        ({"units": 32, "weights": 50, "values": 120}, "or use dropout.", {"steps": 40, "dropout": 0.2}),
        ({"dropout": 0.3}, "or give it more data.", {"steps": 40}),
        ({"units": 4, "weights": 500, "values": 120, "dropout": 0.3}, "or give it more data.", {"steps": 40}),
    ],
)
def test_what_is_there_already_is_not_advised_again(facts, last, changes):
    advice = diagnose(history(RISES, FALLS, (2, 2)), **facts)
    assert advice.sentence.endswith(last)
    assert advice.suggestions == changes


def test_a_training_that_was_stopped_in_time_is_sound():
    advice = diagnose(history(RISES, FALLS, (2, 2)), stopped=40)
    assert (advice.kind, advice.overfits, advice.onset_step, advice.suggestions) == ("sound", False, 40, {})
    assert advice.sentence == (
        "It was stopped in time, at step 40, as the error on new values rises by 32 % from step 40 of 100 on: there is "
        "nothing to do."
    )
    assert diagnose(history(RISES, FALLS, (2, 2)), stopped=90).overfits


def test_what_was_learnt_by_heart_alone_does_not_carry_over():
    advice = diagnose(history([1.0, 1.02, 0.99, 1.0, 1.01, 0.99, 1.0, 1.0, 1.01, 1.0], FALLS / 2, (1, 1)))
    assert (advice.kind, advice.onset_step, advice.suggestions) == ("overfits", None, {"steps": 25, "dropout": 0.2})
    assert advice.sentence == (
        "What it learns does not carry over, as the error on new values never got much smaller than at first, while "
        "that on learnt ones fell by 96 %: prefer a simple forecast, or take fewer steps, say 25, or use dropout."
    )
    assert diagnose(history(1 + np.arange(10) / 9, FALLS / 2, (1, 1))).onset_step == 1


def test_an_error_that_still_falls_is_underfitting():
    falls = np.linspace(1.9, 1.0, 10)
    advice = diagnose(history(falls, falls, (2, 2)))
    assert (advice.kind, advice.overfits, advice.onset_step, advice.suggestions) == (
        "underfits",
        False,
        None,
        {"steps": 400},
    )
    assert advice.generalization_gap == pytest.approx(0)
    assert advice.sentence == (
        "It underfits, as the error on new values was still falling at the end, as fast as before: give it more steps, "
        "say 400."
    )
    slower = 0.5 + 2 / (1 + np.arange(10))
    assert "by 8 % in the last quarter: give it more steps, say 200." in diagnose(history(slower, slower)).sentence


def test_what_is_still_learnt_by_heart_is_no_reason_for_more_steps():
    falls = 0.5 + 2 / (1 + np.arange(10))
    assert diagnose(history(falls, falls * np.linspace(1, 0.4, 10))).kind == "sound"


def test_a_rate_that_fades_away_does_not_make_a_training_look_finished():
    work = np.cumsum(np.repeat([1, 1, 1, 1, 1, 1, 0.5, 0.2, 0.05, 0.01], 10))
    falls = 2 - work[9::10] / work[-1]
    fading = [1, 1, 1, 1, 1, 1, 0.5, 0.2, 0.05, 0.01]
    assert diagnose(history(falls, falls, (2, 2))).kind == "sound"
    assert diagnose(history(falls, falls, (2, 2)), rate=lambda step: fading[(step - 1) // 10]).kind == "underfits"


def test_a_level_error_beside_one_like_it_is_sound():
    level = 1 + 2.0 ** -np.arange(10)
    advice = diagnose(history(level, 0.95 * level, (2, 2)))
    assert (advice.kind, advice.onset_step, advice.suggestions) == ("sound", None, {})
    assert advice.sentence == (
        "It is sound, as the error on new values has levelled off and is not much larger than that on learnt ones: "
        "there is nothing to do."
    )
    wide = diagnose(history(level, level * np.linspace(1, 0.5, 10), (2, 2)))
    assert wide.kind == "sound"
    assert wide.sentence == (
        "It is sound, as the error on new values does not rise, but 50 % of it is not there on learnt values: to "
        "narrow this gap, use dropout."
    )


def test_harder_values_are_no_gap():
    level = 1 + 2.0 ** -np.arange(10)
    assert diagnose(history(3 * level, level, (6, 2))).generalization_gap == pytest.approx(0)
    assert diagnose(history(3 * level, level)).generalization_gap == pytest.approx(
        0
    )  # nothing from before: the first look counts


def test_two_errors_that_rise_are_no_overfitting():
    advice = diagnose(history(RISES, RISES, (2, 2)))
    assert (advice.kind, advice.overfits, advice.onset_step) == ("unknown", False, None)
    assert advice.sentence == (
        "It is not stable, as the error on new values rises by 32 % from step 40 of 100 on, and that on learnt values "
        "too: lower the learning rate."
    )


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (history([1.0], [1.0], (2, 2)), "the error on new values was looked at 1 time only: give it more steps"),
        (history([1.0, 0.9], [1, 1], (2, 2)), "the error on new values was looked at 2 times only: give it more steps"),
        (history([np.nan] * 10, [1] * 10), "the error on new values is not a number at the last step: check the data"),
        (
            history([1, 1, 1, np.inf], [1] * 4),
            "is not a number at the last step: check the data, or lower the learning",
        ),
        (history([0.0] * 10, [0.0] * 10, (0, 0)), "the error on new values is 0: there is nothing to do"),
        (history([1.0] * 10, [np.nan] * 10), "the error on learnt values is not known: give it more rows"),
        ({"loss": [1.0, 0.5, 0.4]}, "no error on new values was looked at: give it more rows, or validation data"),
        ({"step": [], "loss": [], "validation_step": [], "validation": []}, "no error on new values was looked at"),
    ],
)
def test_where_nothing_can_be_said_it_says_why(given, why):
    advice = diagnose(given)
    assert (advice.kind, advice.overfits, advice.onset_step, advice.suggestions) == ("unknown", False, None, {})
    assert advice.sentence.startswith("Nothing can be said, as ")
    assert why in advice.sentence


def test_nothing_learnt_is_not_called_sound():
    advice = diagnose(history([1.0] * 10, [1.0] * 10, (1, 1)))
    assert (advice.kind, advice.suggestions) == ("unknown", {"steps": 200})
    assert (
        "neither the error on new values nor that on learnt ones fell: give it more steps, say 200" in advice.sentence
    )


def test_looks_that_failed_on_the_way_are_left_out():
    holes = RISES.copy()
    holes[[1, 5]] = np.nan, np.inf
    assert diagnose(history(holes, FALLS, (2, 2))).onset_step == 40


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([RISES, FALLS, 1 + FALLS, np.ones(10)]),
    st.sampled_from([FALLS, 1 + FALLS, np.ones(10)]),
    st.floats(1e-4, 1e4),
    st.booleans(),
)
def test_the_unit_of_the_error_changes_nothing(new, old, scale, before):
    one, other = (diagnose(history(new, old, (2, 2) if before else (), scale=s)) for s in (1.0, scale))
    assert (one.kind, one.onset_step, one.suggestions, one.sentence) == (
        other.kind,
        other.onset_step,
        other.suggestions,
        other.sentence,
    )
    np.testing.assert_allclose(one.generalization_gap, other.generalization_gap, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.floats(0.15, 1), st.floats(0, 0.01), st.integers(0, 1000))
def test_a_drawn_onset_is_found_in_ten_looks(onset, height, shaking, seed):
    at, rng = np.arange(10), np.random.default_rng(seed)
    new = 1 + np.exp(-1.5 * at) + height * np.maximum(at - onset, 0) / (9 - onset)
    advice = diagnose(history(new + shaking * rng.normal(size=10), FALLS, (4, 4)))
    assert advice.kind == "overfits"
    assert advice.onset_step is not None
    assert abs(advice.onset_step - 10 * (onset + 1)) <= 20


def test_epochs_are_judged_by_errors_of_the_same_moment():
    epochs = np.arange(1.0, 31.0)
    mean = 3 - 0.1 * (epochs - 0.5)  # over an epoch that falls by 0.1
    end = 3 - 0.1 * epochs
    advice = diagnose({"loss": mean.tolist(), "val_loss": end.tolist()})
    np.testing.assert_allclose(advice.curves["training"][:-1], end[:-1])
    assert advice.kind == "underfits"
    assert advice.suggestions == {"epochs": 120}
    given = diagnose({"loss": mean.tolist(), "val_loss": end.tolist(), "training": (0.8 * end).tolist()})
    np.testing.assert_allclose(given.curves["training"], 0.8 * end)


def test_a_history_that_is_none_is_refused():
    with pytest.raises(ConfigError, match=r"mae.*loss.*training_history_.*history\.history"):
        diagnose({"mae": [1.0]})
    with pytest.raises(
        DataError,
        match=r"the lists of a history are of different lengths \(validation\): got \(2,\), expected \(3,\)",
    ):
        diagnose({"step": [1], "loss": [1], "validation_step": [1, 2, 3], "validation": [1, 2], "training": [1, 2, 3]})


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


def trained(table, units, steps, dropout=None, rate=1e-2):
    forecaster = gc.Forecaster(
        H,
        model="lstm",
        season_length=1,
        network=NetworkConfig(units=units, n_layers=1, dropout=dropout),
        training=TrainingConfig(n_members=1, max_steps=steps, learning_rate=rate),
    )
    return forecaster.fit(table, evaluate=False)


def judged(table, **how):
    """The advice, and the error on new values at the end."""
    forecaster = trained(table, **how)
    return diagnose_fit(forecaster.state_), forecaster.training_history_["validation"][-1]


@pytest.mark.parametrize(
    ("S", "T", "steps", "seed", "better"),
    [(20, 30, 100, 2, {"steps": 0.9, "dropout": 0.9}), (1, 60, 150, 2, {"steps": 0.8, "units": 0.95})],
)
def test_large_networks_overfit_short_noisy_series_and_the_advice_helps(S, T, steps, seed, better):
    table, how = panel("memory", S, T, seed), {"units": 40, "steps": steps}
    advice, before = judged(table, **how)
    assert (advice.kind, advice.overfits) == ("overfits", True)
    assert advice.generalization_gap > 0.3
    assert set(advice.suggestions) >= set(better)
    for name, share in better.items():
        assert judged(table, **(how | {name: advice.suggestions[name]}))[1] < share * before, name


def test_far_too_few_steps_underfit_and_more_help():
    table, how = panel("waves", 20, 60, 0), {"units": 16, "steps": 10}
    advice, before = judged(table, **how)
    assert (advice.kind, advice.onset_step) == ("underfits", None)
    assert judged(table, **(how | advice.suggestions))[1] < 0.8 * before


def test_plenty_of_clean_data_is_learnt_soundly():
    advice, error = judged(panel("waves", 40, 60, 0), units=16, steps=150)
    assert (advice.kind, advice.suggestions) == ("sound", {})
    assert abs(advice.generalization_gap) < 0.1
    assert error < 0.2


def test_pure_noise_is_learnt_by_heart():
    advice, _ = judged(panel("noise", 20, 30, 2), units=40, steps=300, rate=2e-2)
    assert advice.overfits
    assert advice.generalization_gap > 0.5


def test_a_constant_series_shows_nothing():
    advice, _ = judged(panel("constant", 3, 40, 0), units=6, steps=20)
    assert (advice.kind, advice.overfits, advice.onset_step, advice.suggestions) == ("unknown", False, None, {})
    assert advice.sentence == "Nothing can be said, as no series varies."


def test_a_file_keeps_what_the_advice_needs(tmp_path):
    table = panel("memory", 1, 60, 1)
    forecaster = gc.Forecaster(H, model="lstm", season_length=1).fit(table, evaluate=False)
    advice = diagnose_fit(forecaster.state_)
    forecaster.save(tmp_path / "one")
    again = diagnose_fit(gc.load(tmp_path / "one").state_)
    assert (again.kind, again.sentence, again.generalization_gap) == (
        advice.kind,
        advice.sentence,
        advice.generalization_gap,
    )


def test_too_short_series_and_models_without_a_network():
    short = gc.Forecaster(H, model="lstm", season_length=1, **{"training": TrainingConfig(n_members=1, max_steps=10)})
    advice = diagnose_fit(short.fit(panel("memory", 1, 12, 0)).state_)
    assert "no error on new values was looked at" in advice.sentence
    updated = trained(panel("memory", 3, 40, 0), 6, 20).update(panel("memory", 3, 40, 1))
    assert diagnose_fit(updated.state_).kind == "unknown"


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


def test_an_lstm_on_the_task_of_the_article_overfits_and_the_advice_helps():
    series = autoregression(120, seed=1)
    advice, before = article(series, 48, 200)
    assert (advice.kind, advice.overfits) == ("overfits", True)
    assert advice.suggestions.keys() == {"epochs", "units", "dropout"}
    assert article(series, 48, advice.suggestions["epochs"])[1] < 0.7 * before
    assert article(series, advice.suggestions["units"], 200)[1] < 0.9 * before
    assert article(series, 48, 200, advice.suggestions["dropout"])[1] < before


def test_an_lstm_on_the_task_of_the_article_underfits_and_is_sound():
    wave = np.sin(np.arange(600) * np.pi / 12) + 0.05 * np.random.default_rng(0).normal(size=600)
    advice, before = article(wave, 16, 6)
    assert advice.kind == "underfits"
    _, after = article(wave, 16, advice.suggestions["epochs"])
    assert after < 0.9 * before
    enough, error = article(wave, 16, 100)
    assert enough.kind == "sound"
    assert error < after
