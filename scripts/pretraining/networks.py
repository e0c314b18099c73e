"""What differs between the runs of the networks: made series, batches, tails, and what they are compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gatecast.data.synth import FAMILIES
from gatecast.forecasting.pretrained.hf.predict import predict_quantiles as predict_hf
from gatecast.forecasting.pretrained.kinds import HF, LF, NetworkKind
from gatecast.forecasting.pretrained.lf.predict import predict_quantiles as predict_lf
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
from gatecast.nn.network import Network, Weights
from pretraining import hf_series, lf_series
from pretraining.bank import BankSizes, DrawSample, Make
from pretraining.tables import Array, Forecast, dot_forecast
from pretraining.tails import Tail, load_hf_tails, load_lf_tails


@dataclass(frozen=True)
class Recipe:
    """How a kind of network is trained and measured.

    Args:
        kind: Inputs and head.
        make: Made series.
        draw: Batches of them.
        sizes: How many series, by default.
        predict: Forecasts of a network from the tails.
        tails: Reads tails from a folder.
        reference: Name and forecast of what errors are compared with.
        names: Families in the order of their numbers.
        gate: Set and largest ratio to the reference's MASE that has to hold after an hour.
    """

    kind: NetworkKind
    make: Make
    draw: DrawSample
    sizes: BankSizes
    predict: Callable[[Network, Weights, Tail], Array]
    tails: Callable[[Path], list[Tail]]
    reference: tuple[str, Forecast]
    names: tuple[str, ...]
    gate: tuple[str, float]


def _predict_lf(network: Network, weights: Weights, tail: Tail) -> Array:
    """Return quantiles of the low-frequency network."""
    return np.asarray(predict_lf(network, weights, tail.past, tail.future.shape[1], tail.m))


def _predict_hf(network: Network, weights: Weights, tail: Tail) -> Array:
    """Return quantiles of the high-frequency network."""
    return np.asarray(predict_hf(network, weights, tail.past, tail.future.shape[1], tail.m, tail.long))


def _copies(tail: Tail) -> Array:
    """Return the forecast before training: copies of cycles, weighted by their past errors."""
    return _predict_hf(*make_network(PretrainedConfig(units=4, n_layers=1, kind=HF)), tail)


RECIPES = {
    "lf": Recipe(
        LF,
        lf_series.make_series,
        lf_series.draw_sample,
        BankSizes(),
        _predict_lf,
        load_lf_tails,
        ("DOT", dot_forecast),
        FAMILIES["lf"],
        ("monthly", 1.03),
    ),
    "hf": Recipe(
        HF,
        hf_series.make_series,
        hf_series.draw_sample,
        BankSizes(batch=64, piece=1024, alive=4, steps_per_piece=128),
        _predict_hf,
        load_hf_tails,
        ("copies", _copies),
        hf_series.NAMES,
        ("M4 hourly", 1.0),
    ),
}
