"""What tells the pretrained networks apart: what they read, and what they forecast from an origin.

Layers, head, training and files are the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatecast.forecasting.pretrained.head import HeadShape
from gatecast.forecasting.pretrained.hf import features as hf
from gatecast.forecasting.pretrained.lf import features as lf

__all__ = ["HF", "KINDS", "LF", "NetworkKind"]


@dataclass(frozen=True)
class NetworkKind:
    """A pretrained network, but for its sizes and weights.

    Args:
        name: "lf" or "hf", low or high frequency.
        inputs: Names of its inputs, to which weights belong.
        anchors: Names of its simple forecasts.
        head: Sizes of its head.
    """

    name: str
    inputs: tuple[str, ...]
    anchors: tuple[str, ...]
    head: HeadShape


LF = NetworkKind("lf", lf.INPUT_NAMES, lf.ANCHOR_NAMES, lf.HEAD)
"""Yearly to weekly series, seasons up to 52 steps."""

HF = NetworkKind("hf", hf.INPUT_NAMES, hf.ANCHOR_NAMES, hf.HEAD)
"""Daily series to minutes, seasons from 5 steps on."""

KINDS = {kind.name: kind for kind in (LF, HF)}
