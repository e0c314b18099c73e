"""The search over settings: it goes on where it stopped, cuts short, and never sees the test part."""

import sqlite3
import subprocess
import sys

import numpy as np
import pytest

import gatecast.selection.tune as tuning
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError, DataError
from gatecast.forecasting.base import Overrides, PanelSummary, Task
from gatecast.selection import study
from gatecast.selection.search_space import NAMES, Choice, Range, defaults, make_space
from gatecast.selection.study import N_STARTUP_TRIALS, open_search
from gatecast.selection.tune import tune

pytest.importorskip("optuna")

H = 4
QUICK = TrainingConfig(max_steps=2, n_members=1)
SMALL = {"units": (4, 8), "n_layers": [1], "input_size": (4, 8), "cell": ["lstm", "gru"]}


def series(n=60, seed=0):
    """A wave with noise."""
    t = np.arange(n)
    return {"t": t, "y": 20 + 5 * np.sin(t * np.pi / 6) + np.random.default_rng(seed).normal(0, 0.5, n)}


def quick(source=None, **changed):
    """A search that takes no time."""
    words = {"n_trials": 3, "n_windows": 1, "training": QUICK, "search_space": SMALL, "season_length": 12}
    return tune(series() if source is None else source, H, **words | changed)


def same(one, other):
    """Whether two searches tried the same and found the same."""
    return all(one.trials[name].tolist() == other.trials[name].tolist() for name in ("value", "state", *NAMES))


def test_the_answer_is_the_best_trial_and_never_worse_than_the_default():
    told = []
    tuned = quick(progress=told.append)
    assert list(tuned.trials) == ["number", "value", "state", *NAMES, "seconds"]
    assert tuned.trials["number"].tolist() == [0, 1, 2]
    first = {name: tuned.trials[name][0] for name in NAMES}
    base = defaults(PanelSummary(np.array([52])), Task(H, 12), Overrides(training=QUICK))
    assert first == base
    value = tuned.trials["value"]
    assert tuned.validation == {"default": value[0], "tuned": value.min()}
    assert tuned.best == {name: tuned.trials[name][value.argmin()] for name in NAMES}
    assert all(type(one) in (int, float, str) for one in tuned.best.values())
    assert tuned.sentence == f"{tuned.validation_summary} {tuned.test_summary}"
    assert tuned.test["tuned"] == tuned.forecaster.evaluation_.scores[0].mase
    assert (len(tuned.forecaster.panel_.values), tuned.forecaster.h_) == (60, H)
    assert len(tuned.forecaster.predict()["t"]) == H
    assert (tuned.study, tuned.importance) == (None, {})
    assert [one.stage for one in told[:3]] == ["trial 1 of 3", "trial 2 of 3", "trial 3 of 3"]
    for row in range(1, 3):
        assert 4 <= tuned.trials["units"][row] <= 8
        assert tuned.trials["cell"][row] in ("lstm", "gru")


@pytest.mark.slow
def test_the_forecaster_is_the_one_with_these_settings():
    tuned = quick(search_space={"units": [4], "cell": "gru", "n_layers": 1, "dropout": 0.1}, n_trials=2)
    made = tuned.forecaster
    chosen = tuned.best["cell"] == "gru"
    assert made.model == tuned.best["cell"]
    assert (made.network.units, made.network.dropout) == ((4, 0.1) if chosen else (None, None))
    again = type(made)(H, model=made.model, network=made.network, training=made.training, season_length=12).fit(
        series()
    )
    assert np.array_equal(again.predict()[made.model_name_], made.predict()[made.model_name_])


@pytest.mark.slow
def test_no_trial_sees_the_test_part():
    clean, poisoned = series(), series()
    poisoned["y"][-H:] = [1e6, -1e6, 3e5, 0]
    one, other = quick(clean, n_windows=2), quick(poisoned, n_windows=2)
    assert same(one, other)
    assert one.test["default"] != other.test["default"]
    poisoned["y"][-H - 1] = 1e6
    assert not same(one, quick(poisoned, n_windows=2))


@pytest.mark.slow
def test_no_series_of_several_shows_its_test_part():
    t = np.arange(40)
    table = {"id": np.repeat(["a", "b", "c"], 40), "t": np.tile(t, 3), "y": 9 + np.sin(np.arange(120) / 2) + 0.1}
    poisoned = {**table, "y": np.where(np.tile(t, 3) >= 36, 1e5 + np.arange(120), table["y"])}
    one, other = quick(table, season_length=None), quick(poisoned, season_length=None)
    assert same(one, other)
    assert len(one.forecaster.predict()["t"]) == 3 * H


@pytest.mark.slow
@pytest.mark.parametrize("role", ["hist_exog", "futr_exog"])
def test_no_trial_learns_which_words_and_numbers_come_in_the_test_part(role):
    table = series() | {"day": np.tile(["Mo", "Tu", "We"], 20).astype(object), "price": np.arange(60.0) % 7}
    later = {name: column.copy() for name, column in table.items()}
    # A word that sorts before the others, so that each of them would be numbered otherwise.
    later["day"][-H:], later["price"][-H:], later["y"][-H:] = "Fr", 1e6, -1e6
    words = {"target_col": "y", "data": DataConfig(**{role: ["day", "price"]}), "n_windows": 2}
    one, other = quick(table, **words), quick(later, **words)
    assert same(one, other)
    assert other.forecaster.panel_.categories == {"day": ("Fr", "Mo", "Tu", "We")}
    # In what every fold learns from it is seen.
    later["day"][20] = "Fr"
    assert not same(one, quick(later, **words))


@pytest.mark.slow
def test_a_seed_gives_the_same_trials_and_another_gives_others():
    one = quick()
    assert same(one, quick())
    assert not same(one, quick(seed=1))


@pytest.mark.slow
def test_a_study_goes_on_as_if_it_had_not_stopped(tmp_path):
    path = tmp_path / "a {b}.db"
    whole = quick(n_trials=7)
    assert len(quick(n_trials=2, study=path).trials["number"]) == 2

    calls = []

    def stop(progress):
        """Ctrl-C in the middle of the fourth trial."""
        calls.append(progress.stage)
        if progress.stage == "trial 4 of 7":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quick(n_trials=7, study=path, progress=stop)
    assert calls == ["trial 3 of 7", "trial 4 of 7"]
    resumed = quick(n_trials=7, study=path)
    assert same(whole, resumed)
    assert resumed.study == str(path)
    done = quick(n_trials=7, study=path)
    assert done.trials["seconds"].tolist() == resumed.trials["seconds"].tolist()


def test_a_trial_that_falls_behind_is_cut_short(monkeypatch):
    """Errors that are made up: the first trials have 1 on both folds, the last one 5 on the first."""
    asked = []

    def errors(plan, asked_for):
        """What the folds say."""
        bad = len(asked) == N_STARTUP_TRIALS + 1
        asked.append([])
        for k in range(2):
            asked[-1].append(k)
            yield 5.0 if bad else 1.0, 0.0

    monkeypatch.setattr(tuning, "_window_errors", errors)
    tuned = quick(n_windows=2, n_trials=N_STARTUP_TRIALS + 2)
    assert asked == [[0, 1]] * (N_STARTUP_TRIALS + 1) + [[0]]
    assert tuned.trials["state"].tolist() == ["complete"] * (N_STARTUP_TRIALS + 1) + ["pruned"]
    assert np.isnan(tuned.trials["value"][-1])
    assert tuned.validation == {"default": 1.0, "tuned": 1.0}
    assert tuned.validation_summary.startswith(
        "None of 7 trials is better on 2 windows than the default setting, lstm, 32 units,"
    )
    assert tuned.test_summary.startswith("On the newest rows, which no trial saw, its MASE is ")


@pytest.mark.slow
def test_importance_finds_the_setting_that_matters(monkeypatch):
    """Errors that are made up of the rate alone."""

    def errors(plan, config):
        """The smaller the rate, the better."""
        yield 1.0 + abs(np.log((config.training.learning_rate or 3e-3) / 1e-3)), 0.0

    monkeypatch.setattr(tuning, "_window_errors", errors)
    tuned = quick(n_trials=25, search_space={**SMALL, "dropout": [0.0, 0.1], "learning_rate": (1e-4, 1e-1)})
    assert next(iter(tuned.importance)) == "learning_rate"
    assert sum(tuned.importance.values()) == pytest.approx(1)
    assert set(tuned.importance) == {"cell", "units", "input_size", "dropout", "learning_rate"}
    gained = 100 * (1 - tuned.validation["tuned"] / tuned.validation["default"])
    assert gained > 20
    assert f"has a {gained:.1f} % smaller error than the default setting on 1 window: MASE" in tuned.validation_summary
    if tuned.test["tuned"] >= tuned.test["default"]:
        assert tuned.test_summary.endswith("the default setting may do as well.")


def test_time_runs_out_after_the_default(monkeypatch):
    monkeypatch.setattr(tuning, "_window_errors", lambda *_: iter([(1.0, 0.0)]))
    tuned = quick(timeout=1e-9)
    assert len(tuned.trials["number"]) == 1
    assert tuned.validation_summary.startswith(
        "Only the default setting, lstm, 32 units, 2 layers, input size 12, dropout 0,"
    )
    assert tuned.validation_summary.endswith(" was tried on 1 window: its MASE is 1.")


def test_values_that_never_change_are_measured_without_their_changes():
    constant = {"t": np.arange(60), "y": np.full(60, 5.0)}
    tuned = quick(constant, n_trials=1)
    assert tuned.measure == "MAE"
    assert tuned.validation["tuned"] == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_optuna_is_not_imported_before_it_is_needed():
    code = "import sys, gatecast.selection.tune; print('optuna' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_optuna_is_quiet_and_as_loud_as_before_afterwards():
    import optuna

    before = optuna.logging.get_verbosity()
    with open_search(None, {"data": "x"}, {"cell": Choice(("lstm",))}, {"cell": "lstm"}, 0):
        assert optuna.logging.get_verbosity() == optuna.logging.ERROR
    assert optuna.logging.get_verbosity() == before


@pytest.mark.slow
def test_a_study_is_about_one_thing(tmp_path):
    path = tmp_path / "a.db"
    quick(n_trials=1, study=path)
    with pytest.raises(ConfigError, match=r"made with other data \(.*a\.db\)\. Name a new file"):
        quick(series(seed=1), n_trials=1, study=path)
    with pytest.raises(ConfigError, match=r"made with other settings \(.*\): got n_windows 2, expected n_windows 1\."):
        quick(n_trials=1, study=path, n_windows=2)
    with pytest.raises(ConfigError, match=r"other settings .*: got search_space .*, expected search_space"):
        quick(n_trials=1, study=path, search_space={"units": (4, 9)})
    with pytest.raises(ConfigError, match="got seed 3, expected seed 0"):
        quick(n_trials=1, study=path, seed=3)


def test_a_study_is_not_written_into_another_file(tmp_path):
    text, other = tmp_path / "a.csv", tmp_path / "b.db"
    text.write_text("t,y\n1,2\n")
    with sqlite3.connect(other) as there:
        there.execute("CREATE TABLE sales (y)")
    there.close()
    for path in (text, other):
        before = path.read_bytes()
        with pytest.raises(ConfigError, match="the file is not a study"):
            quick(study=path)
        assert path.read_bytes() == before
    with pytest.raises(ConfigError, match="it is a directory"):
        quick(study=tmp_path)
    with pytest.raises(ConfigError, match="its folder does not exist"):
        quick(study=tmp_path / "none" / "a.db")


def test_without_optuna_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setattr(study, "find_spec", lambda _: None)
    with pytest.raises(ConfigError) as caught:
        quick()
    for fact in ('pip install "gatecast[tune]"', "network=NetworkConfig(units=...)", "16, 32 and 64 units"):
        assert fact in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"n_trials": 0}, "n_trials 0"),
        ({"n_windows": 1.5}, "n_windows 1.5"),
        ({"timeout": -1}, "timeout -1"),
        ({"seed": -1}, "seed -1"),
        ({"search_space": ["units"]}, "search_space ['units']: expected a dict of names and ranges"),
        ({"search_space": {"unit": 3}}, "Unknown setting 'unit' in search_space: expected one of cell, units"),
        ({"search_space": {"units": (9, 3)}}, "units cannot be (9, 3): expected (low, high). Write (3, 9)."),
        ({"search_space": {"units": (1, 2, 3)}}, "Write a list of options: [1, 2, 3]."),
        ({"search_space": {"units": []}}, "units cannot be []"),
        ({"search_space": {"units": [2.5]}}, "units cannot be 2.5: expected a positive integer"),
        ({"search_space": {"units": True}}, "units cannot be True: expected a positive integer"),
        ({"search_space": {"learning_rate": (0, 1)}}, "learning_rate cannot be 0: expected a number above 0"),
        ({"search_space": {"dropout": 1}}, "dropout cannot be 1: expected a number from 0 to less than 1"),
        ({"search_space": {"cell": ["lstm", "es-lstm"]}}, "cell cannot be 'es-lstm': expected one of lstm"),
        ({"search_space": {"cell": [["lstm"]]}}, "cell cannot be ['lstm']: expected one of lstm"),
        ({"search_space": {"input_size": (4, 48)}}, "input_size cannot be 48: expected an integer from 1 to 43"),
        ({"search_space": {"n_members": 2}}, "n_members is fixed to 1: got n_members: 2. Leave n_members out"),
        ({"network": 3}, "network 3: expected a NetworkConfig"),
    ],
)
def test_what_cannot_be_searched(changed, said):
    with pytest.raises(ConfigError) as caught:
        quick(**changed)
    assert said in str(caught.value)


def test_rows_without_a_value_at_the_end_are_left_out_and_said_to_be():
    gap = series()
    gap["y"][-2:] = np.nan
    tuned = quick(gap, n_trials=1)
    assert len(tuned.forecaster.panel_.values) == 58
    assert "the last 2 rows have no value and are left out." in tuned.forecaster.data_notes_


@pytest.mark.slow
def test_numbers_of_numpy_and_columns_beside_the_series(tmp_path):
    table = series() | {"price": np.tile([1.0, 2.0, 3.0], 20)}
    words = {
        "data": DataConfig(futr_exog="price", lower_bound=np.float64(0)),
        "network": NetworkConfig(units=np.int64(4)),
    }
    words |= {
        "search_space": {"n_layers": np.arange(1, 3).tolist()},
        "n_trials": 2,
        "target_col": "y",
        "study": tmp_path / "a.db",
    }
    tuned = quick(table, **words)
    assert tuned.trials["units"].tolist() == [4, 4]
    assert tuned.best["units"] == 4
    # The same numbers as Python's own are the same settings; another price is other data.
    assert len(quick(table, **words | {"network": NetworkConfig(units=4)}).trials["value"]) == 2
    with pytest.raises(ConfigError, match="made with other data"):
        quick(table | {"price": np.ones(60)}, **words)


def test_series_that_are_too_short():
    with pytest.raises(DataError) as caught:
        quick(series(27))
    for fact in (
        "too short to tune",
        "27 rows for 4 steps and 1 window",
        "at least 28 rows: 4 to test, 4 for the windows",
    ):
        assert fact in str(caught.value)
    assert len(quick(series(28), n_trials=1, season_length=None, search_space={"units": 4}).trials["value"]) == 1
    table = {"id": np.repeat(["a", "b"], 15), "t": np.tile(np.arange(15), 2), "y": np.arange(30.0)}
    with pytest.raises(DataError, match=r"too short to tune: got 15 rows .* a quarter of the series"):
        quick(table, season_length=None)


def test_the_usual_space_holds_the_default_and_leaves_out_what_is_fixed():
    default = defaults(PanelSummary(np.array([144])), Task(12, 12), Overrides())
    space = make_space(default, 40, NetworkConfig(), TrainingConfig())
    assert tuple(space) == NAMES
    assert space["units"] == Range(8, 64, integer=True, log=True)
    assert space["input_size"] == Range(4, 24, integer=True, log=False)
    assert make_space(default, 9, NetworkConfig(), TrainingConfig())["input_size"].high == 9
    fixed = make_space(default, 40, NetworkConfig(units=8, dropout=0.0), TrainingConfig(learning_rate=0.01))
    assert tuple(fixed) == ("cell", "n_layers", "input_size", "n_members")
    assert make_space(default, 40, NetworkConfig(), TrainingConfig(), {"units": np.array([8, 16])[1]})[
        "units"
    ] == Choice((16,))


@pytest.mark.slow
def test_a_chart_of_the_trials(tmp_path):
    pytest.importorskip("matplotlib")
    quick().plot(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_tune_result_repr_is_short_and_html_is_a_table():
    result = quick(n_trials=1)
    assert repr(result).startswith("TuneResult(1 trial, best: lstm, 32 units")
    assert result._repr_html_().count("<tr>") == 1 + len(NAMES)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_study_on_a_full_disk_is_refused_in_a_sentence_and_goes_on_later(tmp_path):
    import resource

    path, before = tmp_path / "a.db", resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(progress):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))

    try:
        with pytest.raises(ConfigError, match=r"study cannot be written.*the same call then goes on"):
            quick(study=path, n_trials=3, progress=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    resumed, undisturbed = quick(study=path, n_trials=3), quick(n_trials=3)
    assert resumed.trials["value"].tolist() == undisturbed.trials["value"].tolist()


def test_a_study_that_was_half_made_by_a_killed_process_does_not_stop_the_next_one(tmp_path, monkeypatch):
    path = tmp_path / "a.db"

    def kill(storage):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(study, "_close", kill)
        with pytest.raises(KeyboardInterrupt):
            quick(study=path)
    assert not path.exists()
    assert len(quick(study=path, n_trials=1).trials["number"]) == 1
