"""The state of a training run as data for files, so that it goes on later with the same bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.nn.training import TrainingState

__all__ = ["flatten", "join_arrays", "split_arrays", "state_from_data", "state_to_data"]

Arrays = dict[str, npt.NDArray[Any]]


def state_to_data(state: TrainingState) -> tuple[dict[str, Any], Arrays]:
    """Return counts, and the arrays of the optimizer by name.

    >>> state_to_data(TrainingState({"m": np.zeros(1)}, epoch=2, step=8))
    ({'epoch': 2, 'step': 8, 'batch': 0}, {'m': array([0.])})
    """
    return {"epoch": state.epoch, "step": state.step, "batch": state.batch}, flatten(state.optimizer_state)


def state_from_data(counts: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], state: TrainingState) -> None:
    """Set a state to what `state_to_data` has returned.

    Args:
        counts: The counts.
        arrays: The arrays of the optimizer by name.
        state: A new state of the same optimizer and network, changed in place.

    Raises:
        ValueError: Arrays of another optimizer or network.

    >>> state = TrainingState({"m": np.zeros(1)})
    >>> state_from_data({"epoch": 2, "step": 8}, {"m": np.ones(1)}, state)
    >>> state.step, state.optimizer_state["m"].tolist()
    (8, [1.0])
    """
    present = flatten(state.optimizer_state)
    if {name: a.shape for name, a in present.items()} != {name: a.shape for name, a in arrays.items()}:
        raise ValueError("the state of the optimizer does not fit")
    for name, array in present.items():
        array[...] = arrays[name]
    state.epoch, state.step, state.batch = int(counts["epoch"]), int(counts["step"]), int(counts.get("batch", 0))


def flatten(nested: Any, prefix: str = "") -> Arrays:
    """Return the arrays of nested tuples and dicts by their paths.

    >>> flatten(({"m": np.zeros(1)}, {}))
    {'0.m': array([0.])}
    """
    if isinstance(nested, np.ndarray):
        return {prefix.removesuffix("."): nested}
    items = nested.items() if isinstance(nested, Mapping) else enumerate(nested)
    return {path: a for key, value in items for path, a in flatten(value, f"{prefix}{key}.").items()}


def split_arrays(state: Mapping[str, Any], prefix: str) -> tuple[dict[str, Any], Arrays]:
    """Separate a dict into data for JSON, and arrays whose names get a prefix.

    >>> split_arrays({"wait": 2, "best": np.float64(0.5), "w": np.zeros(1)}, "a.")
    ({'wait': 2, 'best': 0.5}, {'a.w': array([0.])})
    """
    arrays = {prefix + name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    return {name: _plain(value) for name, value in state.items() if prefix + name not in arrays}, arrays


def join_arrays(data: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> dict[str, Any]:
    """Return the dict that `split_arrays` has separated.

    >>> join_arrays({"wait": 2}, {"a.w": np.zeros(1), "b.w": np.ones(1)}, "a.")
    {'wait': 2, 'w': array([0.])}
    """
    return dict(data) | {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}


def _plain(value: Any) -> Any:
    """Return numbers of NumPy as numbers of Python, also inside lists and dicts."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
