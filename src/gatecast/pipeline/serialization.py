"""A fitted forecaster as one file: safetensors with a header of JSON. Loading never executes anything.

The panel goes along, so that a forecaster that was loaded can predict.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from gatecast._utils import safefile
from gatecast.data.frequency import parse
from gatecast.data.panel import ColumnNames, Panel
from gatecast.errors import ConfigError, FormatError
from gatecast.evaluation.backtest import test_table
from gatecast.evaluation.calibration import Bounds, ConformalCalibrator
from gatecast.forecasting.ensemble import Learned
from gatecast.forecasting.es_rnn import model as es_lstm
from gatecast.forecasting.exogenous_regression import ExogenousRegression
from gatecast.forecasting.panel_rnn import model as panel_lstm
from gatecast.forecasting.presets import Recipe
from gatecast.forecasting.sequential_model import model as own_network
from gatecast.forecasting.voices import Classical, Hybrids, Networks, Own, Theta, Voice
from gatecast.nn.network import Network, Weights
from gatecast.pipeline.fit import FittedState
from gatecast.results import Evaluation, Score

__all__ = ["read", "write"]

KIND = "forecaster"
ROLES = ("futr_exog", "hist_exog", "stat_exog")

Arrays = dict[str, Any]


def write(path: str | os.PathLike[str], settings: Mapping[str, Any], trained: FittedState) -> None:
    """Write a file, whole or not at all.

    Args:
        path: Where.
        settings: The forecaster's own, as plain values.
        trained: What it has learnt, with the series.

    Raises:
        ConfigError: The file cannot be written there, or names of series that JSON cannot say.
    """
    about, arrays = _panel_out(trained.panel)
    learnt, weights = _learned_out(trained.learned)
    calibration = trained.calibrator
    header = {
        "forecaster": dict(settings),
        "panel": about,
        "learned": learnt,
        "calibration": {
            "name": calibration.name,
            "quantiles": calibration.quantiles,
            "weights": calibration.weights,
            "levels": list(calibration.width_factors),
            "bounds": calibration.bounds._asdict(),
            "error_autocorrelation": calibration.error_autocorrelation,
            "measured": calibration.measured,
        },
        "trained": {
            "h": trained.h,
            "season": trained.season_length,
            "findings": trained.notes,
            "curve": trained.training_history,
            "seconds": trained.seconds,
        },
    }
    if trained.evaluation is not None:
        header["evaluation"], scored = _evaluation_out(trained.evaluation, trained.panel)
        arrays |= scored
    factors = np.stack(list(calibration.width_factors.values()))
    safefile.write(path, KIND, header, arrays | weights | {"factors": factors})


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], FittedState]:
    """Read a file.

    Returns:
        The forecaster's settings, and what it has learnt.

    Raises:
        FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
    """
    header, read_arrays = safefile.read(path, KIND)
    arrays: Arrays = dict(read_arrays)
    try:
        told, more = header["calibration"], header["trained"]
        calibration = ConformalCalibrator(
            told["name"],
            tuple(told["quantiles"]),
            told["weights"],
            dict(zip(told["levels"], arrays["factors"], strict=True)),
            Bounds(**told["bounds"]),
            told["error_autocorrelation"],
            told["measured"],
        )
        learned, panel = _learned_in(header["learned"], arrays), _panel_in(header["panel"], arrays)
        evaluation = _evaluation_in(header["evaluation"], arrays, panel) if "evaluation" in header else None
        trained = FittedState(
            panel,
            more["h"],
            more["season"],
            more["findings"],
            learned,
            calibration,
            evaluation,
            more["curve"],
            more["seconds"],
        )
        return header["forecaster"], trained
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(
            "the file does not describe a forecaster",
            where=str(path),
            got=f"{type(error).__name__}: {error}",
            fix="Save the forecaster again.",
        ) from error


def _panel_out(panel: Panel) -> tuple[dict[str, Any], Arrays]:
    """A panel as JSON and arrays."""
    ids = [name.item() if isinstance(name, np.generic) else name for name in panel.ids.tolist()]
    if not all(isinstance(name, str | int | float) for name in ids):
        raise ConfigError("series of these names cannot be saved", got=repr(ids[0]), expected="text or numbers")
    about = {
        "ids": ids,
        "freq": str(panel.freq),
        "names": asdict(panel.columns),
        "dated": panel.start.dtype.kind == "M",
        "clock": panel.utc_offset_minutes,
        "categories": {name: list(words) for name, words in panel.categories.items()},
        "columns": {role: list(getattr(panel, role)) for role in ROLES},
    }
    arrays = {"values": panel.values, "indptr": panel.indptr, "start": panel.start.astype(np.int64)}
    columns = {f"{role}.{k}": column for role in ROLES for k, column in enumerate(getattr(panel, role).values())}
    return about, arrays | columns


def _panel_in(about: Mapping[str, Any], arrays: Arrays) -> Panel:
    """A panel from JSON and arrays."""
    ids = np.asarray(about["ids"])
    start = arrays["start"].astype("M8[us]") if about["dated"] else arrays["start"]
    columns = {role: {name: arrays[f"{role}.{k}"] for k, name in enumerate(about["columns"][role])} for role in ROLES}
    return Panel(
        arrays["values"],
        arrays["indptr"],
        ids if ids.dtype.kind in "iu" else ids.astype(object),
        start,
        parse(about["freq"]),
        ColumnNames(**about["names"]),
        **columns,
        utc_offset_minutes=about["clock"],
        categories={name: tuple(words) for name, words in about["categories"].items()},
    )


def _evaluation_out(evaluation: Evaluation, panel: Panel) -> tuple[dict[str, Any], Arrays]:
    """Scores and the models' columns of the test part; the others are those of the panel."""
    own = [name for name in evaluation.table if name not in test_table(panel, evaluation.split_sizes[2])[1]]
    scores = [asdict(score) | {"coverage": list(score.coverage.items())} for score in evaluation.scores]
    about = {
        "sizes": evaluation.split_sizes,
        "season": evaluation.season,
        "horizon": evaluation.horizon,
        "scores": scores,
        "verdict": evaluation.verdict,
        "columns": own,
    }
    return about, {f"evaluation.{k}": evaluation.table[name] for k, name in enumerate(own)}


def _evaluation_in(about: Mapping[str, Any], arrays: Arrays, panel: Panel) -> Evaluation:
    """Scores and test part."""
    cutoff, table = test_table(panel, about["sizes"][2])
    table |= {name: arrays[f"evaluation.{k}"] for k, name in enumerate(about["columns"])}
    scores = tuple(Score(**{**told, "coverage": dict(told["coverage"])}) for told in about["scores"])
    return Evaluation(cutoff, tuple(about["sizes"]), about["season"], about["horizon"], scores, table, about["verdict"])


def _learned_out(learned: Learned) -> tuple[dict[str, Any], Arrays]:
    """Models as JSON and arrays."""
    recipe = learned.recipe
    about: dict[str, Any] = {
        "h": learned.h,
        "m": learned.m,
        "probabilities": learned.probabilities,
        "season": recipe.season,
        "members": [asdict(one) for one in recipe.members],
        "hybrids": [asdict(one) for one in recipe.hybrids],
        "theta": recipe.theta,
        "classical": recipe.classical,
        "networks": [],
        "smoothed": [],
        "own": [],
    }
    arrays: Arrays = {f"effects.{role}": getattr(learned.effects, role) for role in ROLES}
    for voice in learned.voices:
        if isinstance(voice, Networks):
            about["networks"] = [asdict(member.settings) for member in voice.members]
            arrays |= {f"member.{k}": member.weights.vector for k, member in enumerate(voice.members)}
        elif isinstance(voice, Own):
            about["own"] = [own_network.to_state(member) for member in voice.members]
            arrays |= {f"own.{k}": member.weights.vector for k, member in enumerate(voice.members)}
        elif isinstance(voice, Hybrids):
            about["smoothed"] = [asdict(member.settings) for member in voice.members]
            for k, hybrid in enumerate(voice.members):
                arrays |= {f"hybrid.{k}": hybrid.weights.vector, f"smoothing.{k}": hybrid.parameters}
                arrays[f"end.{k}"] = hybrid.end
    return about, arrays


def _learned_in(about: Mapping[str, Any], arrays: Arrays) -> Learned:
    """Models from JSON and arrays."""
    h, m, probabilities = about["h"], about["m"], tuple(about["probabilities"])
    members, hybrids = map(_network_settings, about["members"]), map(_hybrid_settings, about["hybrids"])
    beside = tuple(about["classical"])
    own = tuple(own_network.from_state(told, arrays[f"own.{k}"]) for k, told in enumerate(about["own"]))
    recipe = Recipe(
        tuple(members),
        about["season"],
        tuple(hybrids),
        about["theta"],
        beside,
        tuple(one.settings for one in own),
        own_network.to_sequential(own[0]) if own else None,
    )
    voices: list[Voice] = []
    if about["networks"]:
        trained = []
        for k, told in enumerate(about["networks"]):
            settings = _network_settings(told)
            network, weights = _filled(panel_lstm.make_network(h, settings), arrays[f"member.{k}"])
            trained.append(panel_lstm.Fitted(network, weights, settings, h))
        voices.append(Networks(tuple(trained), recipe.season))
    if about["smoothed"]:
        smoothed = []
        for k, told in enumerate(about["smoothed"]):
            settled = _hybrid_settings(told)
            network, weights = _filled(es_lstm.make_network(h, settled), arrays[f"hybrid.{k}"])
            smoothed.append(
                es_lstm.Fitted(network, weights, settled, h, m, arrays[f"smoothing.{k}"], arrays[f"end.{k}"])
            )
        voices.append(Hybrids(tuple(smoothed)))
    if own:
        voices.append(Own(own, recipe.season))
    if recipe.theta:
        voices.append(Theta(h, m, probabilities))
    voices += [Classical(h, m, probabilities, name) for name in beside]
    effects = ExogenousRegression(*(arrays[f"effects.{role}"] for role in ROLES))
    return Learned(tuple(voices), effects, recipe, h, m, probabilities)


def _network_settings(told: Mapping[str, Any]) -> panel_lstm.PanelRNNSettings:
    """Settings of a panel network."""
    return panel_lstm.PanelRNNSettings(**{**told, "quantiles": tuple(told["quantiles"])})


def _hybrid_settings(told: Mapping[str, Any]) -> es_lstm.ESRNNSettings:
    """Settings of a hybrid."""
    tuples = {name: tuple(told[name]) for name in ("quantiles", "dilations")}
    return es_lstm.ESRNNSettings(**{**told, **tuples})


def _filled(fresh: tuple[Network, Weights], vector: Any) -> tuple[Network, Weights]:
    """A network with the weights that were kept."""
    network, weights = fresh
    if weights.vector.shape != vector.shape:
        raise ValueError(f"{vector.size} weights for a network of {weights.vector.size}")
    weights.vector[:] = vector
    return network, weights
