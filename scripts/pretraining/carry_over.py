"""Weights of a released network in a network that has more units, reads more inputs or weighs more simple forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast.forecasting.pretrained.kinds import NetworkKind
from gatecast.nn.network import Weights

NEW_LOGIT = -3.0
"""Logit of a simple forecast that the released network did not have: the others keep most of their weight at first."""

Layer = Mapping[str, Float32Array]


def carry_over(
    settings: Mapping[str, Any], vector: Float32Array, weights: Weights, kind: NetworkKind, seed: int = 0
) -> None:
    """Fill a network with released weights: inputs by their names, simple forecasts by their order, units in front.

    New inputs have weights of 0, and nothing reads new units (Chen, Goodfellow & Shlens 2016, Net2Net: a wider network
    that computes the same); they read what old ones do, chosen at random, so that the means and variances of layer_norm
    hardly change. So the network forecasts at first nearly what the released one does, but for the shares that new
    simple forecasts take. New simple forecasts come last in the kind: files do not name them.

    Args:
        settings: What the released file says of its network.
        vector: Its weights.
        weights: Of the new network, changed in place; as many layers, at least as many units.
        kind: Of the new network.
        seed: Of the choice of old units.

    Raises:
        ValueError: The released network has inputs or simple forecasts that the new one has not, or more units.
    """
    if missing := [name for name in settings["inputs"] if name not in kind.inputs]:
        raise ValueError(f"inputs that the network no longer has: {missing}")
    first, *bodies, last = _split(settings, vector, weights, kind)
    rng = np.random.default_rng(seed)
    n_units = len(weights.views[-1]["W"])
    rows = [kind.inputs.index(name) for name in settings["inputs"]]
    for name, array in _widen_outputs(first, n_units, rng).items():
        weights.views[0][name][:] = 0.0
        weights.views[0][name][rows if name == "W" else ...] = array
    for view, body in zip(weights.views[1:-1], bodies, strict=True):
        for name, array in _widen_outputs(body, n_units, rng).items():
            view[name][:] = 0.0
            view[name][: len(array)] = array
    _fill_head(last, weights.views[-1], kind)


def _split(
    settings: Mapping[str, Any], vector: Float32Array, weights: Weights, kind: NetworkKind
) -> list[dict[str, Float32Array]]:
    """Return the arrays of the released layers, whose sizes follow from those of the new ones.

    Raises:
        ValueError: Their number does not fit.
    """
    n_inputs, n_units, head = len(settings["inputs"]), settings["units"], kind.head
    new_units = len(weights.views[-1]["W"])
    shapes: list[dict[str, tuple[int, ...]]] = [{"W": (n_inputs, n_units), "b": (n_units,)}]
    shapes += [
        {name: tuple(size * n_units // new_units for size in array.shape) for name, array in view.items()}
        for view in weights.views[1:-1]
    ]
    n_before = sum(int(np.prod(shape)) for layer in shapes for shape in layer.values())
    n_outputs, rest = divmod(len(vector) - n_before, n_units + 1)
    n_anchors, rest_of_logits = divmod(n_outputs - head.n_quantiles - head.n_slopes, head.groups)
    if rest or rest_of_logits or not 0 < n_anchors <= head.anchors or n_units > new_units:
        raise ValueError(
            f"{len(vector)} weights do not fit a network of {new_units} units and {head.anchors} simple forecasts"
        )
    shapes.append({"W": (n_units, n_outputs), "b": (n_outputs,)})
    layers, start = [], 0
    for layer in shapes:
        arrays = {}
        for name, shape in layer.items():
            arrays[name] = vector[start : start + int(np.prod(shape))].reshape(shape)
            start += arrays[name].size
        layers.append(arrays)
    return layers


def _widen_outputs(layer: Layer, n_units: int, rng: np.random.Generator) -> dict[str, Float32Array]:
    """Return a layer of n_units whose new units read what old ones read; the same rows.

    The units of each gate lie together: axes are (rows, gates, units) or (gates, units).
    """
    n_gates = 1 if "W" in layer else 4  # input, forget, cell, output
    old = len(layer["b"]) // n_gates
    units = np.r_[np.arange(old), rng.integers(0, old, n_units - old)]
    wide = {}
    for name, array in layer.items():
        gates = array.reshape(*array.shape[:-1], n_gates, old)
        wide[name] = gates[..., units].reshape(*array.shape[:-1], -1)
    return wide


def _fill_head(old: Layer, new: Layer, kind: NetworkKind) -> None:
    """Fill the head's layer: rows of old units, quantiles, slopes, and the logits of each group of steps."""
    head = kind.head
    n_kept = head.n_quantiles + head.n_slopes
    n_anchors = (len(old["b"]) - n_kept) // head.groups
    for name, new_logit in (("W", 0.0), ("b", NEW_LOGIT)):
        array = old[name]
        logits = np.full((*array.shape[:-1], head.groups, head.anchors), new_logit, np.float32)
        logits[..., :n_anchors] = array[..., n_kept:].reshape(*array.shape[:-1], head.groups, n_anchors)
        new[name][:] = 0.0
        of_old = new[name][: len(array)] if array.ndim == 2 else new[name]
        of_old[..., :n_kept] = array[..., :n_kept]
        of_old[..., n_kept:] = logits.reshape(*array.shape[:-1], -1)
