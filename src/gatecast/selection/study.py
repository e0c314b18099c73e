"""Optuna's study in an SQLite file or in memory: opened, checked, continued.

Only this file knows Optuna. Each draw has its own seed, made of the seed of the search and the number of trials: a
search that was interrupted continues as if it had not been.
"""

from __future__ import annotations

import json
import os
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from importlib.util import find_spec
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.atomic import replacing
from gatecast.errors import ConfigError
from gatecast.selection.search_space import NAMES, Axis, Choice, Space, contains

if TYPE_CHECKING:
    import optuna

__all__ = ["BestTrial", "Search", "open_search", "require_optuna"]

STUDY_NAME = "gatecast"
"""Name of the study in its file, and of its attributes."""

N_STARTUP_TRIALS = 5
"""Trials before the sampler uses them, and that are complete before any is pruned.

They are the default and its neighbors, which keep about half of its settings: networks drawn entirely at random are far
worse, and tell little about what is near.
"""

TOP_SHARE = 0.25
"""Importance of a setting: how much it matters for being among this share of the trials."""

MIN_COMPLETE_TRIALS = 8
"""Complete trials that importance needs: two of them are then among the best."""

SQLITE_HEADER = b"SQLite format 3\x00"


def require_optuna() -> None:
    """Refuse to search without Optuna; the message says how to install it, and what to do without it.

    Raises:
        ConfigError: Optuna is not installed.
    """
    if find_spec("optuna") is None:
        raise ConfigError(
            "optuna is not installed, and tune needs it",
            fix='Install it: pip install "gatecast[tune]". Or try three sizes by hand: '
            'Forecaster(model="lstm", network=NetworkConfig(units=...)).fit(...).evaluation_ for 16, 32 and 64 units.',
        )


class BestTrial(NamedTuple):
    """The trial with the smallest error.

    Args:
        row: Its row in the table.
        chosen: What it chose; empty for the default.
        error: Its error.
        default_error: Error of the default.
    """

    row: int
    chosen: dict[str, Any]
    error: float
    default_error: float


class Search:
    """A study and its search space; trials begin, report and end one after another.

    Args:
        study: Optuna's study.
        space: Ranges of the settings.
        default: All settings of the default; it is the first trial.
        seed: Seed of the draws.
    """

    def __init__(self, study: optuna.Study, space: Space, default: Mapping[str, Any], seed: int) -> None:
        self.study, self.space, self.default, self.seed = study, space, dict(default), seed

    @property
    def n_done(self) -> int:
        """Number of trials that ended, complete or pruned."""
        return len(self._finished())

    def begin(self) -> tuple[optuna.Trial, dict[str, Any]]:
        """Begin the next trial; return it and what it chooses, nothing for the default."""
        from optuna.samplers import TPESampler

        n_done, is_default = self.n_done, not any(_is_default(trial) for trial in self._finished())
        rng = np.random.default_rng([self.seed, n_done])
        self.study.sampler = TPESampler(seed=int(rng.integers(2**32)), n_startup_trials=N_STARTUP_TRIALS)
        inside = {name: self.default[name] for name, axis in self.space.items() if contains(axis, self.default[name])}
        if is_default:
            self.study.enqueue_trial(inside)
        elif n_done < N_STARTUP_TRIALS:
            self.study.enqueue_trial({name: value for name, value in inside.items() if rng.random() < 0.5})
        trial = self.study.ask()
        # Where the default lies outside the space, the sampler does not use it for that setting.
        names = list(inside if is_default else self.space)
        chosen = {name: _suggest(trial, name, self.space[name]) for name in names}
        settings = self.default if is_default else {**self.default, **chosen}
        trial.set_user_attr(STUDY_NAME, json.dumps({"default": is_default, "settings": settings}))
        return trial, {} if is_default else chosen

    def report(self, trial: optuna.Trial, error: float, step: int) -> bool:
        """Record the error so far; return whether the trial should be pruned."""
        trial.report(error, step)
        return trial.should_prune()

    def end(self, trial: optuna.Trial, error: float | None, seconds: float) -> None:
        """End a trial: complete with its error, or pruned without one."""
        from optuna.trial import TrialState

        trial.set_user_attr("seconds", seconds)
        if error is None or not np.isfinite(error):
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, error)

    def discard(self, trial: optuna.Trial) -> None:
        """Discard a trial that was interrupted: it does not count."""
        from optuna.trial import TrialState

        self.study.tell(trial, state=TrialState.FAIL)

    def table(self) -> dict[str, npt.NDArray[Any]]:
        """Return a row for each ended trial: number, value (NaN if pruned), state, settings, seconds."""
        trials = self._finished()
        settings = [json.loads(trial.user_attrs[STUDY_NAME])["settings"] for trial in trials]
        complete = [_is_complete(trial) for trial in trials]
        values = [trial.value if done else np.nan for trial, done in zip(trials, complete, strict=True)]
        return {
            "number": np.arange(len(trials)),
            "value": np.array(values),
            "state": np.array(["complete" if done else "pruned" for done in complete], object),
            **{name: np.array([values[name] for values in settings]) for name in NAMES},
            "seconds": np.array([trial.user_attrs["seconds"] for trial in trials], float),
        }

    def best(self) -> BestTrial:
        """Return the trial with the smallest error; of equal ones the default."""
        trials = self._finished()
        errors = np.array([trial.value if _is_complete(trial) else np.inf for trial in trials], float)
        default = next(k for k, trial in enumerate(trials) if _is_default(trial))
        row = default if errors[default] <= errors.min() else int(errors.argmin())
        chosen = {} if row == default else dict(trials[row].params)
        return BestTrial(row, chosen, float(errors[row]), float(errors[default]))

    def importance(self) -> dict[str, float]:
        """Return the share of each setting in what makes a trial one of the best, largest first; {} for few trials.

        Source: Watanabe, Bansal & Hutter 2023 (PED-ANOVA).
        """
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        searched = [name for name, axis in self.space.items() if not _is_single(axis)]
        n_complete = sum(_is_complete(trial) for trial in self._finished())
        if n_complete < MIN_COMPLETE_TRIALS or not searched:
            return {}
        with warnings.catch_warnings():
            # It warns where several trials tie with the last of the best: the shares are then of more trials.
            warnings.simplefilter("ignore")
            evaluator = PedAnovaImportanceEvaluator(target_quantile=TOP_SHARE)
            shares = get_param_importances(self.study, evaluator=evaluator, params=searched)
        return {name: float(share) for name, share in shares.items()}

    def _finished(self) -> list[optuna.trial.FrozenTrial]:
        """Return the trials that ended, in order."""
        from optuna.trial import TrialState

        return self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


@contextmanager
def open_search(
    path: str | os.PathLike[str] | None, facts: Mapping[str, Any], space: Space, default: Mapping[str, Any], seed: int
) -> Iterator[Search]:
    """Open a search in a file, a new or an existing one, or in memory; close it at the end.

    Args:
        path: The SQLite file; None: in memory.
        facts: What the search is about, by name; a file with another search is refused.
        space: Ranges of the settings.
        default: All settings of the default.
        seed: Seed of the draws.

    Raises:
        ConfigError: optuna is not installed, the file is no study, its search is about other data or settings, or it
            cannot be written.
    """
    require_optuna()
    target = None if path is None else _check_path(path)
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = None
    try:
        if target is not None:
            storage = _storage(target)
        pruner = optuna.pruners.MedianPruner(n_startup_trials=N_STARTUP_TRIALS)
        study = optuna.create_study(storage=storage, study_name=STUDY_NAME, pruner=pruner, load_if_exists=True)
        texts = {name: json.dumps(fact, sort_keys=True, default=methodcaller("item")) for name, fact in facts.items()}
        _check_facts(study, texts, target)
        _discard_interrupted(study)
        yield Search(study, space, default, seed)
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as error:
        raise ConfigError(
            "The study cannot be written",
            where=str(target),
            got=_reason(error),
            fix="Free some space on its disk, or name a file elsewhere: the same call then goes on.",
        ) from error
    finally:
        optuna.logging.set_verbosity(verbosity)
        if storage is not None:
            _close(storage)


def _storage(target: Path) -> Any:
    """Open the file as storage of Optuna."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if not target.exists() or target.stat().st_size == 0:
            # A file that was half made when its process was killed would be none that can be opened.
            with replacing([target]) as (draft,):
                _close(_open(draft))
        return _open(target)
    except (SQLAlchemyError, RuntimeError, OSError) as error:
        raise ConfigError(
            "The study cannot be opened",
            where=str(target),
            got=_reason(error),
            fix="Name a new file.",
        ) from None


def _open(path: Path) -> Any:
    """Return a file as storage of Optuna; its tables are made if there are none."""
    from optuna.storages import RDBStorage

    # Braces in a name would be taken as placeholders.
    return RDBStorage("sqlite:///" + str(path.resolve()).replace("{", "{{").replace("}", "}}"))


def _close(storage: Any) -> None:
    """Close the file of a storage."""
    storage.remove_session()
    storage.engine.dispose()


def _reason(error: BaseException) -> str:
    """Return in a line what the database said: it is the cause of what its layers say."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).splitlines()[0]


def _check_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a study, or of a file that does not exist yet."""
    target = Path(path)
    fix = "Name a new file, or one that tune has written."
    if os.path.isdir(target) or not os.path.isdir(os.path.dirname(os.path.realpath(target))):
        problem = "it is a directory" if os.path.isdir(target) else "its folder does not exist"
        raise ConfigError(f"Invalid study {str(target)!r}: {problem}", fix=fix, argument="study")
    if not os.path.exists(target) or target.stat().st_size == 0:
        return target
    with target.open("rb") as file:
        is_study = file.read(len(SQLITE_HEADER)) == SQLITE_HEADER
    if is_study:
        try:
            with closing(sqlite3.connect(target)) as database:
                query = "SELECT 1 FROM sqlite_master WHERE name = 'studies'"
                is_study = database.execute(query).fetchone() is not None
        except sqlite3.DatabaseError:
            is_study = False
    if not is_study:
        raise ConfigError(f"Invalid study {str(target)!r}: the file is not a study", fix=fix, argument="study")
    return target


def _check_facts(study: optuna.Study, facts: Mapping[str, str], target: Path | None) -> None:
    """Record what a new search is about; refuse a search about something else."""
    known = study.user_attrs.get(STUDY_NAME)
    if known is None:
        study.set_user_attr(STUDY_NAME, dict(facts))
        return
    for name in facts:
        if known.get(name) != facts[name]:
            is_data = name == "data"
            raise ConfigError(
                f"The study was made with other {'data' if is_data else 'settings'}",
                where=str(target),
                got="" if is_data else f"{name} {facts[name]}",
                expected="" if is_data else f"{name} {known.get(name)}",
                fix="Name a new file, or use the data and settings that the study was made with.",
                argument="study",
            )


def _discard_interrupted(study: optuna.Study) -> None:
    """Discard trials that a killed search left behind."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    while study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.tell(study.ask(), state=TrialState.FAIL)


def _is_default(trial: optuna.trial.FrozenTrial) -> bool:
    """Return whether a trial is that of the default settings."""
    return bool(json.loads(trial.user_attrs[STUDY_NAME])["default"])


def _is_complete(trial: optuna.trial.FrozenTrial) -> bool:
    """Return whether a trial was not pruned."""
    return trial.state.name == "COMPLETE"


def _is_single(axis: Axis) -> bool:
    """Return whether an axis has only one value."""
    return len(axis.options) == 1 if isinstance(axis, Choice) else axis.low == axis.high


def _suggest(trial: optuna.Trial, name: str, axis: Axis) -> Any:
    """Draw a value of an axis."""
    if isinstance(axis, Choice):
        return trial.suggest_categorical(name, axis.options)
    if axis.integer:
        return trial.suggest_int(name, int(axis.low), int(axis.high), log=axis.log)
    return trial.suggest_float(name, float(axis.low), float(axis.high), log=axis.log)
