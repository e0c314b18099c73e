"""The released weights that come with the package, read once when a forecast needs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gatecast._utils import safefile
from gatecast.errors import FormatError
from gatecast.forecasting.pretrained.kinds import KINDS
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
from gatecast.nn.network import Network, Weights

__all__ = ["WEIGHTS", "Released", "is_available", "load_released", "why_unavailable"]

WEIGHTS = {kind: Path(__file__).parent / "weights" / f"{kind}.safetensors" for kind in KINDS}
"""Files of the networks by kind: float16, with a digest over weights and settings."""

INSTALL_AGAIN = "Install gatecast again: pip install --force-reinstall gatecast."


@dataclass(frozen=True)
class Released:
    """A pretrained network.

    Args:
        network: Its layers.
        weights: Its parameters.
        card: What it was trained on, for how long, from which seed.
    """

    network: Network
    weights: Weights
    card: dict[str, Any]


@cache
def load_released(path: Path) -> Released:
    """Return a pretrained network.

    Args:
        path: A file that `scripts/pretrain.py` has written, with `--finish` or `--release`.

    Raises:
        FormatError: The file is missing, altered, or was made for other inputs than this version computes.

    Example:
        >>> released = load_released(WEIGHTS["lf"])
        >>> released.weights.vector.size, released.card["seed"]
        (448208, 4)
    """
    try:
        settings, arrays = safefile.read(path, "pretrained")
    except FormatError as error:
        raise FormatError(
            f"The pretrained weights cannot be used: {error.what[:1].lower()}{error.what[1:]}",
            where=str(path),
            fix=INSTALL_AGAIN,
        ) from error
    try:
        config = PretrainedConfig.from_settings(settings["network"])
        is_current = config.to_settings() == settings["network"]
        network, weights = make_network(config, seed=None)
        vector = np.asarray(arrays["weights"])
        is_current &= vector.shape == weights.vector.shape
    except (AttributeError, KeyError, TypeError, ValueError):
        is_current = False
    if not is_current:
        raise FormatError(
            "The pretrained weights belong to another version of gatecast",
            where=str(path),
            fix=INSTALL_AGAIN,
        )
    weights.vector[:] = vector
    card = {name: value for name, value in settings.items() if name != "network"}
    return Released(network, weights, card)


def why_unavailable() -> str:
    """Return why the pretrained networks cannot be used; "" if they can."""
    try:
        for path in WEIGHTS.values():
            load_released(path)
    except FormatError as error:
        return str(error)
    return ""


def is_available() -> bool:
    """Return whether the pretrained networks can be used."""
    return not why_unavailable()
