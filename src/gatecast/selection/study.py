"""A search that is kept: Optuna's study in an SQLite file or in memory, opened, checked, gone on with.

Only this file knows Optuna. Each draw has a seed of its own, made of the search's seed and of how many trials there
are: a search that was interrupted goes on as if it had not been.
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
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError
from gatecast.selection.search_space import NAMES, Axis, Choice, Space, contains

if TYPE_CHECKING:
    import optuna

__all__ = ["Search", "open_search", "require_optuna"]

NAME = "gatecast"
"""Of the study in its file, and of its notes."""

STARTUP = 5
"""Trials before the sampler learns from them, and that are complete before any is cut short.

They are the default and its neighbours, which keep about half of its settings: networks drawn altogether at random are
far worse than it, and teach little about what is near.
"""

TOP = 0.25
"""Importance: which settings brought a trial among this share of the best."""

ENOUGH = 8
"""Complete trials that importance needs: two of them are then among the best."""

SQLITE = b"SQLite format 3\x00"


def require_optuna() -> None:
    """Say how to get Optuna, and what to do without it.

    Raises:
        ConfigError: It is not installed.
    """
    if find_spec("optuna") is None:
        raise ConfigError(
            "tuning needs optuna, which is not installed",
            fix='Install it: pip install "gatecast[tune]". Or try three sizes by hand: '
            'Forecaster(model="lstm", network=NetworkConfig(units=...)).fit(...).evaluation_ for 16, 32 and 64 units.',
        )


class Search:
    """A study and its space; trials are begun, reported and told one after another.

    Args:
        study: Of Optuna.
        space: What may be chosen.
        default: All settings of the default; it is the first trial.
        seed: Of the draws.
    """

    def __init__(self, study: optuna.Study, space: Space, default: Mapping[str, Any], seed: int) -> None:
        self.study, self.space, self.default, self.seed = study, space, dict(default), seed

    @property
    def done(self) -> int:
        """Trials that came to an end, cut short or not."""
        return len(self._finished())

    def begin(self) -> tuple[optuna.Trial, dict[str, Any]]:
        """The next trial, and what is chosen; nothing for the default."""
        from optuna.samplers import TPESampler

        count, first = self.done, not any(_default(one) for one in self._finished())
        rng = np.random.default_rng([self.seed, count])
        self.study.sampler = TPESampler(seed=int(rng.integers(2**32)), n_startup_trials=STARTUP)
        kept = {name: self.default[name] for name, axis in self.space.items() if contains(axis, self.default[name])}
        inside = list(kept)
        if first:
            self.study.enqueue_trial(kept)
        elif count < STARTUP:
            self.study.enqueue_trial({name: value for name, value in kept.items() if rng.random() < 0.5})
        trial = self.study.ask()
        # Where the default lies outside the space, the sampler learns nothing about that setting from it.
        chosen = {name: _suggest(trial, name, self.space[name]) for name in (inside if first else self.space)}
        whole = self.default if first else {**self.default, **chosen}
        trial.set_user_attr(NAME, json.dumps({"default": first, "settings": whole}))
        return trial, {} if first else chosen

    def report(self, trial: optuna.Trial, error: float, step: int) -> bool:
        """Take down the error so far; whether the trial is to be cut short."""
        trial.report(error, step)
        return trial.should_prune()

    def end(self, trial: optuna.Trial, error: float | None, seconds: float) -> None:
        """A trial is over, with an error if it went to the end."""
        from optuna.trial import TrialState

        trial.set_user_attr("seconds", seconds)
        if error is None or not np.isfinite(error):
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, error)

    def give_up(self, trial: optuna.Trial) -> None:
        """A trial was interrupted: it does not count."""
        from optuna.trial import TrialState

        self.study.tell(trial, state=TrialState.FAIL)

    def table(self) -> dict[str, npt.NDArray[Any]]:
        """A row a trial that came to an end: number, value (NaN if cut short), state, settings, seconds."""
        rows = self._finished()
        notes = [json.loads(one.user_attrs[NAME])["settings"] for one in rows]
        complete = [one.state.name == "COMPLETE" for one in rows]
        return {
            "number": np.arange(len(rows)),
            "value": np.array([one.value if whole else np.nan for one, whole in zip(rows, complete, strict=True)]),
            "state": np.array(["complete" if whole else "pruned" for whole in complete], object),
            **{name: np.array([note[name] for note in notes]) for name in NAMES},
            "seconds": np.array([one.user_attrs["seconds"] for one in rows], float),
        }

    def best(self) -> tuple[int, dict[str, Any], float, float]:
        """Row of the best trial, what it chose (nothing: the default), its error, and the default's."""
        rows = self._finished()
        errors = np.array([one.value if one.state.name == "COMPLETE" else np.inf for one in rows], float)
        base = next(k for k, one in enumerate(rows) if _default(one))
        # Of trials as good the default wins: argmin takes the first.
        k = base if errors[base] <= errors.min() else int(errors.argmin())
        return k, {} if k == base else dict(rows[k].params), float(errors[k]), float(errors[base])

    def importance(self) -> dict[str, float]:
        """Share of each setting in what makes a trial one of the best, largest first; empty of too few trials.

        Source: Watanabe, Bansal & Hutter 2023 (PED-ANOVA).
        """
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        wide = [name for name, axis in self.space.items() if not _single(axis)]
        complete = [one for one in self._finished() if one.state.name == "COMPLETE"]
        if len(complete) < ENOUGH or not wide:
            return {}
        with warnings.catch_warnings():
            # It warns where several trials are as good as the last of the best: the shares are then of more trials.
            warnings.simplefilter("ignore")
            found = get_param_importances(
                self.study, evaluator=PedAnovaImportanceEvaluator(target_quantile=TOP), params=wide
            )
        return {name: float(share) for name, share in found.items()}

    def _finished(self) -> list[optuna.trial.FrozenTrial]:
        """Trials that came to an end, in their order."""
        from optuna.trial import TrialState

        return self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


@contextmanager
def open_search(
    path: str | os.PathLike[str] | None, facts: Mapping[str, Any], space: Space, default: Mapping[str, Any], seed: int
) -> Iterator[Search]:
    """A search in a file, which is made or gone on with, or in memory; closed at the end.

    Args:
        path: Of the SQLite file; None: in memory.
        facts: What the search is about, by name; a file whose search is about something else is refused.
        space: What may be chosen.
        default: All settings of the default.
        seed: Of the draws.

    Raises:
        ConfigError: optuna is not installed, the file is another one, or its search is about other data or settings.
    """
    require_optuna()
    target = None if path is None else _checked(path)
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = None
    try:
        if target is not None:
            storage = _storage(target)
        pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP)
        study = optuna.create_study(storage=storage, study_name=NAME, pruner=pruner, load_if_exists=True)
        _compare(
            study,
            {name: json.dumps(fact, sort_keys=True, default=methodcaller("item")) for name, fact in facts.items()},
            target,
        )
        _clear(study)
        yield Search(study, space, default, seed)
    finally:
        optuna.logging.set_verbosity(before)
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()


def _storage(target: Path) -> Any:
    """The file as Optuna reads it."""
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError

    try:
        # Braces in a name would be filled in.
        return RDBStorage("sqlite:///" + str(target.resolve()).replace("{", "{{").replace("}", "}}"))
    except (SQLAlchemyError, RuntimeError) as error:
        raise ConfigError(
            "the study cannot be opened",
            where=str(target),
            got=str(error).splitlines()[0],
            fix="Give the name of a new file.",
        ) from None


def _checked(path: str | os.PathLike[str]) -> Path:
    """The path of a file that is a study, or is yet to be one."""
    target = Path(path)
    fix = "Give the name of a new file, or of one that tune has made."
    if target.is_dir() or not target.resolve().parent.is_dir():
        what = "is a directory" if target.is_dir() else "lies in a folder that does not exist"
        raise ConfigError(f"the study {what}", where=str(target), expected="the name of a file", fix=fix)
    if not target.exists() or target.stat().st_size == 0:
        return target
    with target.open("rb") as file:
        known = file.read(len(SQLITE)) == SQLITE
    if known:
        try:
            with closing(sqlite3.connect(target)) as there:
                known = there.execute("SELECT 1 FROM sqlite_master WHERE name = 'studies'").fetchone() is not None
        except sqlite3.DatabaseError:
            known = False
    if not known:
        raise ConfigError("the study's file holds something else", where=str(target), expected="a study", fix=fix)
    return target


def _compare(study: optuna.Study, facts: Mapping[str, str], target: Path | None) -> None:
    """Take down what a new search is about; refuse one that was about something else."""
    known = study.user_attrs.get(NAME)
    if known is None:
        study.set_user_attr(NAME, dict(facts))
        return
    for name in facts:
        if known.get(name) != facts[name]:
            data = name == "data"
            raise ConfigError(
                f"the study was made with other {'data' if data else 'settings'}",
                where=str(target),
                got="" if data else f"{name} {facts[name]}",
                expected="" if data else f"{name} {known.get(name)}",
                fix="Give the name of a new file, or what the study was made with.",
            )


def _clear(study: optuna.Study) -> None:
    """Trials that a search left behind when it was killed do not count."""
    from optuna.trial import TrialState

    for left in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(left.number, state=TrialState.FAIL)
    while study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.tell(study.ask(), state=TrialState.FAIL)


def _default(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether it is that of the default setting."""
    return bool(json.loads(trial.user_attrs[NAME])["default"])


def _single(axis: Axis) -> bool:
    """Whether there is nothing to choose."""
    return len(axis.options) == 1 if isinstance(axis, Choice) else axis.low == axis.high


def _suggest(trial: optuna.Trial, name: str, axis: Axis) -> Any:
    """A value of an axis."""
    if isinstance(axis, Choice):
        return trial.suggest_categorical(name, axis.options)
    if axis.whole:
        return trial.suggest_int(name, int(axis.low), int(axis.high), log=axis.log)
    return trial.suggest_float(name, float(axis.low), float(axis.high), log=axis.log)
