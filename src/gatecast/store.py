"""A fitted forecaster as one file: safetensors with a header of JSON. Loading never executes anything.

The panel goes along, so that a forecaster that was loaded can predict.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from gatecast import checkpoint
from gatecast.calibration import Calibration
from gatecast.data.frequency import parse
from gatecast.data.panel import Names, Panel
from gatecast.ensemble import Learned
from gatecast.errors import ConfigError, FormatError
from gatecast.network import Weights, like
from gatecast.panel_lstm import Fitted, Settings, make_network
from gatecast.recipes import Recipe

__all__ = ["Stored", "read", "write"]

KIND = "forecaster"


class Stored(NamedTuple):
    """What a file holds.

    Args:
        settings: The forecaster's own, as plain values.
        panel: The series.
        learned: The networks.
        calibration: Weights and factors.
    """

    settings: dict[str, Any]
    panel: Panel
    learned: Learned
    calibration: Calibration


def write(path: str | os.PathLike[str], stored: Stored) -> None:
    """Write a file, whole or not at all.

    Raises:
        ConfigError: The file cannot be written there, or names of series that JSON cannot say.
    """
    panel, learned, calibration = stored.panel, stored.learned, stored.calibration
    ids = [name.item() if isinstance(name, np.generic) else name for name in panel.ids.tolist()]
    if not all(isinstance(name, str | int | float) for name in ids):
        raise ConfigError("series of these names cannot be saved", got=repr(ids[0]), expected="text or numbers")
    header = {
        "forecaster": stored.settings,
        "panel": {
            "ids": ids, "freq": str(panel.freq), "names": asdict(panel.names), "dated": panel.start.dtype.kind == "M",
        },
        "learned": {
            "name": learned.name, "h": learned.h, "m": learned.m, "with_theta": learned.with_theta,
            "season": learned.recipe.season, "members": [asdict(member.settings) for member in learned.members],
        },
        "calibration": {
            "name": calibration.name, "probabilities": calibration.probabilities, "weights": calibration.weights,
            "levels": list(calibration.factors),
        },
    }  # fmt: skip
    arrays: dict[str, Any] = {f"member.{k}": member.weights.vector for k, member in enumerate(learned.members)}
    arrays |= {"values": panel.values, "indptr": panel.indptr, "start": panel.start.astype(np.int64)}
    arrays["factors"] = np.stack(list(calibration.factors.values()))
    checkpoint.write(path, KIND, header, arrays)


def read(path: str | os.PathLike[str]) -> Stored:
    """Read a file.

    Raises:
        FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
    """
    header, read_arrays = checkpoint.read(path, KIND)
    arrays: dict[str, Any] = dict(read_arrays)
    try:
        about, learnt, told = header["panel"], header["learned"], header["calibration"]
        ids = np.asarray(about["ids"])
        start = arrays["start"].astype("M8[us]") if about["dated"] else arrays["start"]
        panel = Panel(
            arrays["values"], arrays["indptr"], ids if ids.dtype.kind in "iu" else ids.astype(object), start,
            parse(about["freq"]), Names(**about["names"]),
        )  # fmt: skip
        settings = [Settings(**{**one, "probabilities": tuple(one["probabilities"])}) for one in learnt["members"]]
        members = tuple(_member(one, learnt["h"], arrays[f"member.{k}"]) for k, one in enumerate(settings))
        probabilities = tuple(told["probabilities"])
        recipe = Recipe(tuple(settings), learnt["season"])
        learned = Learned(
            members, learnt["name"], recipe, learnt["h"], learnt["m"], probabilities, learnt["with_theta"]
        )
        factors = dict(zip(told["levels"], arrays["factors"], strict=True))
        return Stored(
            header["forecaster"], panel, learned, Calibration(told["name"], probabilities, told["weights"], factors)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(
            "the file does not describe a forecaster", where=str(path), got=f"{type(error).__name__}: {error}",
            fix="Save the forecaster again.",
        ) from error  # fmt: skip


def _member(settings: Settings, h: int, vector: Any) -> Fitted:
    """A network with the weights that were kept."""
    network, weights = make_network(h, settings)
    filled: Weights = like(weights)
    if filled.vector.shape != vector.shape:
        raise ValueError(f"{vector.size} weights for a network of {filled.vector.size}")
    filled.vector[:] = vector
    return Fitted(network, filled, settings, h)
