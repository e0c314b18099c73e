"""Synthetic series in bulk, for pretraining: families of random processes, a mix of them, and augmentations.

No value comes from a real series. Every family is a seeded function that makes many series at once and draws its own
parameters; its docstring has the equation and the source. `gatecast.data.synthetic` has single series with parameters
that the caller chooses, for tests and examples.

>>> batch = draw("lf", 3, 48, seed=1)
>>> batch.values.shape, batch.season.shape
((3, 48), (3,))
"""

from __future__ import annotations

from gatecast.data.synth.augment import augment
from gatecast.data.synth.batch import SynthBatch, draw
from gatecast.data.synth.registry import FAMILIES, Family, Kind, families

__all__ = ["FAMILIES", "Family", "Kind", "SynthBatch", "augment", "draw", "families"]
