"""The families of synthetic series, with the group, the share and the source of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gatecast._utils.typing import FloatArray
from gatecast.data.synth.hf import HF_FAMILIES
from gatecast.data.synth.lf import LF_FAMILIES

__all__ = ["FAMILIES", "Family", "Kind", "families"]

Kind: TypeAlias = Literal["lf", "hf"]
"""Low frequency: yearly to weekly; high frequency: daily to minutes."""


@dataclass(frozen=True)
class Family:
    """A kind of random process.

    Args:
        name: Name of the family.
        group: Group whose families share their weight equally in ablations.
        share: Share of the series of a mix; the shares of a kind sum to 1.
        make: The function that makes the series: `(rng, count, length, season)`, for high frequency also the longer
            season; it returns (count, length).
    """

    name: str
    group: str
    share: float
    make: Callable[..., FloatArray]

    @property
    def source(self) -> str:
        """The reference of the process, from the docstring of its function."""
        text = " ".join((self.make.__doc__ or "").split())
        return text.partition("Source: ")[2].rstrip(".")


def _register(table: Mapping[str, Mapping[str, tuple[float, Callable[..., FloatArray]]]]) -> tuple[Family, ...]:
    """The families of a kind, from a table of its groups."""
    return tuple(
        Family(name, group, share, make) for group, members in table.items() for name, (share, make) in members.items()
    )


_REGISTRY: dict[Kind, tuple[Family, ...]] = {"lf": _register(LF_FAMILIES), "hf": _register(HF_FAMILIES)}

FAMILIES: dict[Kind, tuple[str, ...]] = {
    kind: tuple(family.name for family in all_) for kind, all_ in _REGISTRY.items()
}
"""Names of the families of each kind, in the order of `SynthBatch.family`."""


def families(kind: Kind) -> tuple[Family, ...]:
    """Return the families of a kind, in the order of `FAMILIES`.

    Args:
        kind: "lf" or "hf".

    >>> families("lf")[0].name
    'exponential smoothing'
    """
    return _REGISTRY[kind]
