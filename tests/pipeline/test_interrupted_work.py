"""Interrupted work goes on: fit, cross-validation, comparison and search end with the bits of an undisturbed run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from panel_cases import QUICK

from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError
from gatecast.forecaster import Forecaster
from gatecast.layers import Dense
from gatecast.models import Sequential
from gatecast.pipeline import cross_validation, units
from gatecast.selection.compare import compare
from gatecast.selection.tune import tune

SMALL = {
    "network": NetworkConfig(units=4, n_layers=1, dropout=0.2),
    "training": TrainingConfig(n_members=2, max_steps=10),
}


@pytest.fixture(scope="module")
def table():
    """Return six monthly series of five years, one of which begins later."""
    n, rng = 60, np.random.default_rng(1)
    months = (np.datetime64("2018-01") + np.arange(n)).astype("M8[us]")
    values = 50 + 5 * np.sin(np.arange(n) * np.pi / 6) + rng.normal(size=(6, n))
    ids = np.repeat(["a", "b", "c", "d", "e", "f"], n).astype(object)
    table = {"shop": ids, "month": np.tile(months, 6), "sales": values.ravel()}
    return {name: np.delete(column, slice(0, 8)) for name, column in table.items()}


class Interruption(Exception):  # noqa: N818 - it is no error
    """What interrupts the work."""


class Stop:
    """Progress that interrupts when a share of a stage is done."""

    def __init__(self, share, stage=""):
        self.share, self.stage = share, stage

    def __call__(self, progress):
        if progress.stage.startswith(self.stage) and progress.fraction >= self.share:
            raise Interruption


def plain(value):
    """Return a result as plain data whose equality is that of bits; seconds are those of a run."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.tolist() if value.dtype.hasobject else value.tobytes()
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if name not in ("seconds", "fastest")}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else repr(value)


def fit_lstm(table, checkpoint, progress):
    forecaster = Forecaster(6, model="lstm", **SMALL).fit(table, checkpoint=checkpoint, progress=progress)
    return forecaster.predict(), forecaster.training_history_, forecaster.evaluation_.table, forecaster.findings_


def fit_several(table, checkpoint, progress):
    network = Sequential([Dense(5, activation="relu"), Dense(6)])
    training = TrainingConfig(n_members=1, max_steps=10)
    forecaster = Forecaster(6, model=["lstm", network, "dot", "es-lstm"], training=training)
    forecaster.fit(table, checkpoint=checkpoint, progress=progress)
    return forecaster.predict(), forecaster.training_history_, forecaster.model_weights_


def update(table, checkpoint, progress):
    is_new = table["month"] >= np.datetime64("2022-06")
    past, new = ({name: column[rows] for name, column in table.items()} for rows in (~is_new, is_new))
    training = TrainingConfig(n_members=2, max_steps=30)
    forecaster = Forecaster(6, model=["lstm", "es-lstm"], training=training).fit(past, evaluate=False, progress=False)
    forecaster.update(new, checkpoint=checkpoint, progress=progress)
    return forecaster.predict(), forecaster.training_history_


def cross_validate(table, checkpoint, progress):
    forecaster = Forecaster(6, model="lstm", **SMALL)
    return forecaster.cross_validation(table, n_windows=3, checkpoint=checkpoint, progress=progress)


def cross_validate_once(table, checkpoint, progress):
    forecaster = Forecaster(6, model="lstm", **SMALL)
    return forecaster.cross_validation(table, n_windows=3, refit=False, checkpoint=checkpoint, progress=progress)


def compare_two(table, checkpoint, progress):
    result = compare(table, 6, models=["lstm", "gru"], n_windows=2, checkpoint=checkpoint, progress=progress, **SMALL)
    return result.scores, result.fold_scores, result.best, result.advice


def search(table, checkpoint, progress):
    space = {"units": (3, 6), "cell": ["lstm", "gru"]}
    training = TrainingConfig(n_members=1, max_steps=10)
    result = tune(table, 6, n_trials=3, search_space=space, training=training, checkpoint=checkpoint, progress=progress)
    return result.trials, result.best, result.validation, result.test, result.forecaster.predict()


STOPS = [Stop(0.15), Stop(0.5), Stop(0.8), Stop(0.97)]
WORKS = {
    fit_lstm: STOPS,
    fit_several: STOPS,
    update: STOPS,
    cross_validate: STOPS,
    cross_validate_once: STOPS,
    compare_two: STOPS,
    search: [Stop(0.3), Stop(0.7), Stop(0.2, "measuring"), Stop(0.4, "training")],
}


@pytest.mark.slow
@pytest.mark.parametrize("work", WORKS)
def test_interrupted_work_ends_with_the_bits_of_an_undisturbed_run(table, tmp_path, monkeypatch, work):
    monkeypatch.setenv("GATECAST_CHECKPOINT_EVERY", "0")
    expected = plain(work(table, None, False))
    for stop in WORKS[work]:
        with pytest.raises(Interruption):
            work(table, tmp_path, stop)
    assert list(tmp_path.iterdir())
    assert plain(work(table, tmp_path, False)) == expected
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_finished_windows_are_not_done_again(table, tmp_path, monkeypatch):
    expected, fits = plain(cross_validate(table, None, False)), []

    def count(*arguments, **options):
        fits.append(1)
        return fit(*arguments, **options)

    fit = cross_validation.fit
    monkeypatch.setattr(cross_validation, "fit", count)
    with pytest.raises(Interruption):
        cross_validate(table, tmp_path, Stop(0.8))
    assert len(fits) == 3
    # Trainings of finished windows are not needed any more.
    assert len(list(tmp_path.glob("*.window.gatecast"))) == 2
    assert {path.name.count("-") for path in tmp_path.glob("*.window.gatecast")} == {1}
    fits.clear()
    assert plain(cross_validate(table, tmp_path, False)) == expected
    assert len(fits) == 1


def test_the_one_fit_of_all_windows_is_not_done_again(table, tmp_path, monkeypatch):
    expected, forecasts = plain(cross_validate_once(table, None, False)), []

    def interrupt(*arguments):
        forecasts.append(1)
        if len(forecasts) == 2:
            raise Interruption
        return forecast_window(*arguments)

    forecast_window = cross_validation.forecast_window
    monkeypatch.setattr(cross_validation, "forecast_window", interrupt)
    with pytest.raises(Interruption):
        cross_validate_once(table, tmp_path, False)
    monkeypatch.setattr("gatecast.forecasting.network_training.train_steps", None)
    assert plain(cross_validate_once(table, tmp_path, False)) == expected
    # One window was forecast twice, of which the first time was interrupted.
    assert len(forecasts) == 4


@pytest.mark.slow
def test_trials_of_a_study_are_not_done_again(table, tmp_path):
    options = {"n_windows": 1, "search_space": {"units": (3, 6)}, "training": TrainingConfig(n_members=1, max_steps=10)}
    study, folder = tmp_path / "s.db", tmp_path / "units"
    with pytest.raises(Interruption):
        tune(table, 6, n_trials=2, study=study, checkpoint=folder, progress=Stop(0.2, "measuring"), **options)
    resumed = tune(table, 6, n_trials=2, study=study, checkpoint=folder, progress=False, **options)
    undisturbed = tune(table, 6, n_trials=2, progress=False, **options)
    assert plain(resumed.trials) == plain(undisturbed.trials)
    assert plain(resumed.forecaster.predict()) == plain(undisturbed.forecaster.predict())


@pytest.mark.slow
def test_other_data_and_other_settings_begin_anew(table, tmp_path):
    def fit(seed, data, stop):
        return Forecaster(6, model="lstm", seed=seed, **QUICK).fit(data, checkpoint=tmp_path, progress=stop)

    changed = table | {"sales": table["sales"].copy()}
    changed["sales"][5] += 1e-9
    with pytest.raises(Interruption):
        fit(0, table, Stop(0.7))
    n_files = len(list(tmp_path.iterdir()))
    assert n_files
    for seed, data in ((1, table), (0, changed)):
        resumed = fit(seed, data, False).predict()
        expected = Forecaster(6, model="lstm", seed=seed, **QUICK).fit(data).predict()
        assert plain(resumed) == plain(expected)
    assert len(list(tmp_path.iterdir())) == n_files


def test_forecasts_that_took_long_are_not_made_again(table, tmp_path, monkeypatch):
    monkeypatch.setattr(units, "MIN_SECONDS", 0.0)
    made = []

    def count(*arguments):
        made.append(1)
        if len(made) == 3:
            raise Interruption
        return forecast_past(*arguments)

    forecast_past = units.forecast_past
    expected = Forecaster(6, model="dot").fit(table).predict()
    monkeypatch.setattr(units, "forecast_past", count)
    with pytest.raises(Interruption):
        Forecaster(6, model="dot").fit(table, checkpoint=tmp_path)
    assert len(list(tmp_path.glob("*.forecasts.gatecast"))) == 2
    assert plain(Forecaster(6, model="dot").fit(table, checkpoint=tmp_path).predict()) == plain(expected)
    assert len(made) == 4


def test_checkpoint_that_is_a_file_is_refused_before_any_work(table, tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(ConfigError, match="Invalid checkpoint"):
        Forecaster(6).fit(table, checkpoint=tmp_path / "f")
