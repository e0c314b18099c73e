"""Draw a batch of synthetic series from the mix of a kind."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast._utils.validation import MAX_STEPS, check_positive_int
from gatecast.data.synth.registry import Family, Kind, families
from gatecast.data.synth.seasons import draw_long_seasons, draw_seasons
from gatecast.errors import ConfigError

__all__ = ["BLOCK", "SynthBatch", "check_seeds", "draw"]

BLOCK: dict[Kind, int] = {"lf": 4096, "hf": 1024}
"""Series that are made together: many share the cost of a step in time, too many fill the memory."""

MAX_SERIES = 10_000_000
"""Series of a batch at most: more fit into no memory."""


@dataclass(frozen=True)
class SynthBatch:
    """Synthetic series, each with its season and its family.

    Args:
        values: The series; (count, length).
        season: Season length of each series; 1 means none; (count,).
        family: Index of the family of each series in `FAMILIES[kind]`; (count,).
        long_season: A second, longer season of each series; 0 means none, as always at low frequency; (count,).
    """

    values: Float32Array
    season: IntArray
    family: IntArray
    long_season: IntArray


def draw(
    kind: Kind,
    count: int,
    length: int,
    seed: int | Sequence[int],
    *,
    season: int | None = None,
    shares: Mapping[str, float] | None = None,
) -> SynthBatch:
    """Draw series from the mix of a kind.

    More than `BLOCK[kind]` series are the blocks `draw(kind, BLOCK[kind], length, (*seed, 0))`, `(*seed, 1)` and so
    on, one after the other: the order of making does not matter, and a long draw can be made in pieces.

    Args:
        kind: "lf" for yearly to weekly series, "hf" for daily series to minutes.
        count: Number of series.
        length: Values of each series.
        seed: A seed or a sequence of seeds, as `numpy.random.SeedSequence` takes them; the same seed gives the same
            bits.
        season: Season length of all series; by default drawn from the mix of frequencies.
        shares: Weights of groups or families; those without one are left out. By default the shares of the registry.

    Returns:
        The series, without NaN and infinite values, with an arbitrary scale, in random order of families.

    Raises:
        ConfigError: An unknown kind, a count, length or season below 1 or too large for any memory, a negative seed, or
            shares of unknown groups.

    Example:
        >>> one, two = draw("lf", 4, 60, (7, 0)), draw("lf", 4, 60, (7, 0))
        >>> bool((one.values == two.values).all())
        True
        >>> draw("lf", 2, 60, 7, season=12, shares={"exponential smoothing": 1}).season.tolist()
        [12, 12]
    """
    members = _check_kind(kind)
    weights = _weights(members, shares)
    check_positive_int(count, "count", where="draw", maximum=MAX_SERIES)
    check_positive_int(length, "length", where="draw", maximum=MAX_STEPS)
    if season is not None:
        check_positive_int(season, "season", where="draw", maximum=MAX_STEPS)
    seeds = check_seeds(seed)
    block = BLOCK[kind]
    if count <= block:
        return _draw_block(kind, count, length, seeds, season, weights)
    sizes = [min(block, count - start) for start in range(0, count, block)]
    drawn = [_draw_block(kind, size, length, (*seeds, i), season, weights) for i, size in enumerate(sizes)]
    return SynthBatch(*(np.concatenate([getattr(part, name) for part in drawn]) for name in _FIELDS))


_FIELDS = ("values", "season", "family", "long_season")


def _check_kind(kind: Kind) -> tuple[Family, ...]:
    """The families of a kind that exists."""
    try:
        return families(kind)
    except (KeyError, TypeError):
        raise ConfigError(f"Unknown kind {kind!r}", expected="'lf' or 'hf'", argument="kind") from None


def check_seeds(seed: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds as a tuple of integers.

    Args:
        seed: An integer or a sequence of integers.

    Raises:
        ConfigError: Anything else, or a negative integer.

    >>> check_seeds(3), check_seeds([1, 2])
    ((3,), (1, 2))
    """
    try:
        numbers = tuple(map(operator.index, seed if isinstance(seed, Sequence | np.ndarray) else (seed,)))
    except TypeError:
        numbers = ()
    if not numbers or min(numbers) < 0:
        raise ConfigError(f"Invalid seed {seed!r}", expected="integers of at least 0", argument="seed")
    return numbers


def _weights(members: tuple[Family, ...], shares: Mapping[str, float] | None) -> FloatArray:
    """Probability of each family; the weight of a group goes to its families by their shares."""
    weights = np.array([family.share for family in members])
    if shares is None:
        return np.asarray(weights / weights.sum())
    groups = {family.group for family in members}
    unknown = set(shares) - groups - {family.name for family in members}
    if unknown or any(not 0 <= weight < np.inf for weight in shares.values()) or not any(shares.values()):
        raise ConfigError(
            "Invalid shares",
            got=", ".join(map(repr, sorted(unknown))) or "weights that are negative or all 0",
            expected=f"weights of {', '.join(sorted(groups))}, or of single families",
            argument="shares",
        )
    for i, family in enumerate(members):
        total = sum(other.share for other in members if other.group == family.group)
        weights[i] = shares.get(family.name, shares.get(family.group, 0.0) * family.share / total)
    return np.asarray(weights / weights.sum())


def _draw_block(
    kind: Kind, count: int, length: int, seeds: tuple[int, ...], season: int | None, weights: FloatArray
) -> SynthBatch:
    """At most a block of series; every family makes its series at once, from a random stream of its own."""
    root = np.random.SeedSequence(seeds, spawn_key=({"lf": 1, "hf": 2}[kind],))
    members = families(kind)
    chooser, *streams = (np.random.default_rng(child) for child in root.spawn(len(members) + 1))
    family = chooser.choice(len(members), size=count, p=weights)
    seasons = draw_seasons(chooser, kind, count) if season is None else np.full(count, season, np.int64)
    long_season = draw_long_seasons(chooser, kind, seasons)
    values = np.empty((count, length), np.float32)
    for i in np.unique(family):
        rows = np.flatnonzero(family == i)
        arguments = (seasons[rows],) if kind == "lf" else (seasons[rows], long_season[rows])
        values[rows] = members[i].make(streams[i], len(rows), length, *arguments)
    return SynthBatch(values, seasons, family.astype(np.int64), long_season)
