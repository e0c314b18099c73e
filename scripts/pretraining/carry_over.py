"""Weights of a released network in a network that reads more inputs or weighs more simple forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast.forecasting.pretrained.kinds import NetworkKind
from gatecast.nn.network import Weights

NEW_LOGIT = -3.0
"""Logit of a simple forecast that the released network did not have: the others keep most of their weight at first."""


def carry_over(settings: Mapping[str, Any], vector: Float32Array, weights: Weights, kind: NetworkKind) -> None:
    """Fill a network with released weights: inputs by their names, simple forecasts by their order.

    New inputs have weights of 0, so the network forecasts at first what the released one does, but for the shares that
    new simple forecasts take. These come last in the kind: files do not name them.

    Args:
        settings: What the released file says of its network.
        vector: Its weights.
        weights: Of the new network, changed in place; as many units and layers.
        kind: Of the new network.

    Raises:
        ValueError: The released network has inputs or simple forecasts that the new one has not.
    """
    names, head = list(settings["inputs"]), kind.head
    if missing := [name for name in names if name not in kind.inputs]:
        raise ValueError(f"inputs that the network no longer has: {missing}")
    first, last = weights.views[0], weights.views[-1]
    units, n_bodies = len(last["W"]), sum(a.size for view in weights.views[1:-1] for a in view.values())
    n_first = (len(names) + 1) * units
    n_outputs, rest = divmod(len(vector) - n_first - n_bodies, units + 1)
    n_logits = n_outputs - head.n_quantiles - head.n_slopes
    n_anchors, rest_of_logits = divmod(n_logits, head.groups)
    if rest or rest_of_logits or not 0 < n_anchors <= head.anchors:
        raise ValueError(f"{len(vector)} weights do not fit a network of {units} units and {head.anchors} anchors")
    rows = vector[: n_first - units].reshape(len(names), units)
    first["W"][:] = 0.0
    first["W"][[kind.inputs.index(name) for name in names]] = rows
    first["b"][:] = vector[n_first - units : n_first]
    start = first["W"].size + first["b"].size
    weights.vector[start : start + n_bodies] = vector[n_first : n_first + n_bodies]
    of_head = vector[n_first + n_bodies :].reshape(units + 1, n_outputs)
    for name, old, new_logit in (("W", of_head[:-1], 0.0), ("b", of_head[-1], NEW_LOGIT)):
        n_kept = n_outputs - n_logits
        last[name][..., :n_kept] = old[..., :n_kept]
        logits = np.full((*old.shape[:-1], head.groups, head.anchors), new_logit, np.float32)
        logits[..., :n_anchors] = old[..., n_kept:].reshape(*old.shape[:-1], head.groups, n_anchors)
        last[name][..., n_kept:] = logits.reshape(*old.shape[:-1], -1)
