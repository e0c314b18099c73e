"""Trainings in a checkpoint: a snapshot now and then, and the end; what is loaded reports its updates again.

A snapshot has all that an update changes, and the number of updates: the batches of the rest are drawn anew from the
beginning, so that the generators stand where they stood.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from gatecast._utils.checkpoint import BEGUN, Place, current_place, within
from gatecast.errors import GatecastError
from gatecast.forecasting.base import StepCallback
from gatecast.nn.network import Weights
from gatecast.nn.resume import flatten, join_arrays, split_arrays
from gatecast.nn.training import BestWeights, StepRecord, TrainingState

__all__ = ["TrainingParts", "TrainingStore", "train_once"]

LABEL = "training"

RECORD = ("number", "loss", "validation", "training", "weight", "member", "fraction")
"""Numbers of a `StepRecord`."""

Arrays = dict[str, npt.NDArray[Any]]
Trained = TypeVar("Trained")


@dataclass
class TrainingParts:
    """All that the updates of a training change.

    Args:
        weights: The parameters.
        state: Optimizer and position.
        best: The best weights so far, if they matter.
        tables: Further arrays that are changed in place, by name.
        get_rest: Returns what else there is: plain data and arrays by name.
        set_rest: Takes it back.
    """

    weights: Weights
    state: TrainingState
    best: BestWeights | None = None
    tables: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    get_rest: Callable[[], dict[str, Any]] = dict
    set_rest: Callable[[Mapping[str, Any]], object] = dict

    def in_place(self) -> Arrays:
        """Return the arrays that are written over when a snapshot is loaded."""
        optimizer = {f"optimizer.{name}": array for name, array in flatten(self.state.optimizer_state).items()}
        return {"weights": self.weights.vector, **optimizer, **{f"table.{n}": a for n, a in self.tables.items()}}

    def to_data(self) -> tuple[dict[str, Any], Arrays]:
        """Return settings and arrays of a snapshot."""
        rest, arrays = split_arrays(self.get_rest(), "rest.")
        arrays |= self.in_place()
        if self.best is not None:
            arrays["best"] = np.array([self.best.number, self.best.error, self.best.last_error])
            if self.best.vector is not None:
                arrays["best.vector"] = self.best.vector
        return {"step": self.state.step, "rest": rest}, arrays

    def from_data(self, settings: Mapping[str, Any], arrays: Arrays) -> None:
        """Set all parts to those of a snapshot.

        Raises:
            ValueError: A snapshot of something else; then nothing has changed.
        """
        present = self.in_place()
        same = all(name in arrays and arrays[name].shape == a.shape for name, a in present.items())
        best_fits = self.best is None or ("best" in arrays and arrays["best"].shape == (3,))
        if not (same and best_fits and type(settings.get("step")) is int and isinstance(settings.get("rest"), dict)):
            raise ValueError("it does not fit the network")
        for name, array in present.items():
            array[...] = arrays[name]
        if self.best is not None:
            number, self.best.error, self.best.last_error = arrays["best"].tolist()
            self.best.number, self.best.vector = int(number), arrays.get("best.vector")
        self.set_rest(join_arrays(settings["rest"], arrays, "rest."))
        self.state.step = settings["step"]


class TrainingStore:
    """Snapshots of one training.

    Args:
        place: Of the training.
        parts: What it changes.
        n_steps: Updates in all.
    """

    def __init__(self, place: Place, parts: TrainingParts, n_steps: int) -> None:
        # What it begins with is part of its name.
        self.place = place.deeper(LABEL, n_steps, parts.weights.vector)
        self.parts, self.n_steps, self.records = parts, n_steps, list[StepRecord]()
        self._seconds = place.checkpoint.snapshot_seconds
        self._due = time.monotonic() + self._seconds

    @classmethod
    def at_current_place(cls, parts: TrainingParts, n_steps: int) -> TrainingStore | None:
        """Return the store of the training that runs here; None without a checkpoint."""
        place = current_place()
        return None if place is None else cls(place, parts, n_steps)

    def restore(self) -> bool:
        """Set the parts to the end of the training, or to its newest snapshot; return whether it has ended."""
        for label in (LABEL, BEGUN):
            stored = self.place.read(label)
            if stored is None:
                continue
            settings, arrays = stored
            try:
                records = _records_from(arrays.pop("records"))
                self.parts.from_data(settings, arrays)
            except (KeyError, TypeError, ValueError) as error:
                self.place.discard(label, error)
                continue
            self.records = records
            return label == LABEL
        return False

    def add(self, record: StepRecord) -> None:
        """Note an update; write a snapshot if it is time."""
        self.records.append(record)
        if time.monotonic() >= self._due and record.number < self.n_steps:
            self.place.snapshot(*self._data())
            self._due = time.monotonic() + self._seconds

    def finish(self) -> None:
        """Write the end of the training."""
        self.place.finish(LABEL, *self._data())

    def _data(self) -> tuple[dict[str, Any], Arrays]:
        """Return settings and arrays."""
        settings, arrays = self.parts.to_data()
        return settings, arrays | {"records": _records_to(self.records)}


def train_once(
    train: Callable[[StepCallback | None], Trained],
    on_step: StepCallback | None,
    to_data: Callable[[Trained], tuple[dict[str, Any], Mapping[str, npt.NDArray[Any]]]],
    from_data: Callable[[Mapping[str, Any], Arrays], Trained],
) -> Trained:
    """Train, or load what an interrupted run has trained: for short trainings, and those of other packages.

    Args:
        train: Trains with a callback.
        on_step: Is called after every update.
        to_data: Returns settings and arrays of what was trained.
        from_data: Returns what was trained.
    """
    with within(LABEL):
        place = current_place()
        if place is None:
            return train(on_step)
        stored = place.read(LABEL)
        if stored is not None:
            settings, arrays = stored
            try:
                records = _records_from(arrays.pop("records")) if "records" in arrays else []
                trained = from_data(settings, arrays)
            except Exception as error:
                place.discard(LABEL, error)
            else:
                for record in records if on_step is not None else ():
                    on_step(record)  # type: ignore[misc]
                return trained
        records = []

        def note(record: StepRecord) -> None:
            """Note an update, and report it."""
            records.append(record)
            if on_step is not None:
                on_step(record)

        trained = train(note)
        try:
            data, tables = to_data(trained)
        except GatecastError:
            # What cannot be saved is trained again.
            return trained
        place.finish(LABEL, data, {**tables, **({"records": _records_to(records)} if records else {})})
        return trained


def _records_to(records: list[StepRecord]) -> npt.NDArray[np.float64]:
    """Return records as an array, [n, 7]."""
    return np.array([[getattr(record, name) for name in RECORD] for record in records], np.float64).reshape(-1, 7)


def _records_from(array: npt.NDArray[Any]) -> list[StepRecord]:
    """Return records from an array.

    Raises:
        ValueError: Another array.
    """
    if array.ndim != 2 or array.shape[1] != len(RECORD):
        raise ValueError("its records are incomplete")
    rows = [dict(zip(RECORD, row, strict=True)) for row in array.tolist()]
    return [StepRecord(**row | {name: int(row[name]) for name in ("number", "member")}) for row in rows]
