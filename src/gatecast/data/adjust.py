"""What is taken off a series before a network reads it, and put back onto what the network says.

Letters: n points, m season, h horizon.

Two things: a transform that makes the size of the movements independent of the level, and fixed seasonal profiles.
Both are worked out from the values given, so whoever passes the training part alone learns nothing of the future,
and both are plain values that can be stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.season import moving_mean

__all__ = ["Adjustment", "adjust", "fit_adjustment", "restore"]

Floats = npt.NDArray[np.float64]
Transform = Literal["log", "sqrt", "none"]

EXPONENT = {"log": 0.0, "sqrt": 0.5, "none": 1.0}

MINIMUM_GAIN = 0.05
"""Share of the variance around the trend that a profile must explain in cycles that it was not made from."""

FAR_BELOW = 10.0
"""A later value may lie so many times below the lowest one seen; a 0 would be a logarithm without bounds."""

SMOOTHING = (0.0, 0.02, 0.04, 0.08, 0.16)
"""Widths of the smoothing of a profile that are tried, as shares of the season."""


class Adjustment(NamedTuple):
    """State of an adjustment."""

    transform: Transform
    profiles: tuple[tuple[float, ...], ...]
    """For each season taken off, one entry a phase; phase 0 is that of index 0."""
    floor: float
    """Below this no forecast goes: 0 for series that were never negative, else -inf."""
    lowest: float
    """Lowest value seen; what comes far below it later is cut before a logarithm is taken."""


def fit_adjustment(values: npt.ArrayLike, seasons: Sequence[int] = ()) -> Adjustment:
    """Choose the transform, then a profile for each season, shortest first, on what the others leave.

    Args:
        values: (n,), NaN where missing.
        seasons: Periods m; one is dropped where its profile does not help in cycles that it was not made from.

    >>> t = np.arange(96)
    >>> state = fit_adjustment(np.exp(0.02 * t) * (2 + np.sin(t * np.pi / 6)), seasons=[12])
    >>> state.transform, [len(profile) for profile in state.profiles], state.floor
    ('log', [12], 0.0)
    """
    x = np.asarray(values, np.float64)
    transform = _choose_transform(x, max(seasons, default=1))
    z, profiles = _raise(x, transform, float(np.nanmin(x))), []
    for m in sorted(seasons):
        if profile := _profile(z, m):
            profiles.append(profile)
            z = z - np.resize(profile, len(z))
    lowest = float(np.nanmin(x))
    return Adjustment(transform, tuple(profiles), 0.0 if lowest >= 0 else -np.inf, lowest)


def adjust(state: Adjustment, values: npt.ArrayLike) -> Floats:
    """``raise(values) - profile[index mod m]``, for every profile.

    Args:
        state: As given by `fit_adjustment`.
        values: (n,) from index 0 on, NaN where missing. Where a logarithm or root was chosen, what lies below the
            range of the training part is cut: to a tenth of the lowest value seen, or to 0.

    Returns:
        (n,).

    >>> adjust(Adjustment("log", ((0.0, 1.0),), 0.0, 1.0), [1.0, np.e]).tolist()
    [0.0, 0.0]
    """
    z = _raise(np.asarray(values, np.float64), state.transform, state.lowest)
    return z - _profile_sum(state, 0, len(z))


def restore(state: Adjustment, adjusted: npt.ArrayLike, start: int) -> Floats:
    """The inverse of `adjust`, not below the floor.

    Args:
        state: As given by `fit_adjustment`.
        adjusted: (h, ...) from index `start` on.
        start: Index of the first row.

    >>> restore(Adjustment("log", ((0.0, 1.0),), 0.0, 1.0), np.array([[0.0], [0.0]]), start=1).round(3).tolist()
    [[2.718], [1.0]]
    """
    z = np.asarray(adjusted, np.float64)
    profile = _profile_sum(state, start, len(z)).reshape(-1, *[1] * (z.ndim - 1))
    return np.maximum(_lower(z + profile, state.transform), state.floor)


def _profile_sum(state: Adjustment, start: int, count: int) -> Floats:
    """All profiles together at `count` indices from `start` on."""
    at = start + np.arange(count)
    total = np.zeros(count)
    for profile in state.profiles:
        total += np.asarray(profile)[at % len(profile)]
    return total


def _raise(x: Floats, transform: Transform, lowest: float) -> Floats:
    """log, square root or nothing."""
    if transform == "log":
        x = np.log(np.maximum(x, lowest / FAR_BELOW))
    elif transform == "sqrt":
        x = np.sqrt(np.maximum(x, 0))
    return x


def _lower(z: Floats, transform: Transform) -> Floats:
    """exp, square or nothing."""
    if transform == "log":
        z = np.exp(z)
    elif transform == "sqrt":
        z = np.square(np.maximum(z, 0))
    return z


def _choose_transform(x: Floats, season: int) -> Transform:
    """Guerrero's choice (1993) among log, root and nothing: the steadiest ratio of spread to a power of the mean."""
    if np.nanmin(x) < 0:
        return "none"
    seen = x[np.isfinite(x)]
    length = season if 4 <= season <= len(seen) // 4 else max(4, len(seen) // 24)
    blocks = seen[: len(seen) // length * length].reshape(-1, length)
    mean, spread = blocks.mean(axis=1), blocks.std(axis=1)
    if len(blocks) < 3 or not (mean > 0).all() or not (spread > 0).any():
        return "none"
    choices: tuple[Transform, ...] = ("log", "sqrt", "none") if seen.min() > 0 else ("sqrt", "none")
    return min(choices, key=lambda transform: _variation(spread / mean ** (1 - EXPONENT[transform])))


def _variation(x: Floats) -> float:
    """Coefficient of variation."""
    return float(x.std() / x.mean())


def _profile(z: Floats, m: int) -> tuple[float, ...]:
    """Mean deviation from the trend at each phase, as smooth as serves cycles left out; empty if it serves none."""
    cycles = _cycles(z, m)
    if cycles is None:
        return ()
    widths = sorted({int(share * m / 2) * 2 + 1 for share in SMOOTHING})
    errors = [_error_left_out(cycles, width) for width in widths]
    if min(errors) > 1 - MINIMUM_GAIN:
        return ()
    profile = _smooth(np.nanmean(cycles, axis=0), widths[int(np.argmin(errors))])
    return tuple(float(p) for p in profile - profile.mean())


def _cycles(z: Floats, m: int) -> Floats | None:
    """Deviations from the centred moving mean, (cycles, m), NaN where unknown; None if a phase is seen only once."""
    if m < 2 or len(z) < 3 * m:
        return None
    deviation = z - moving_mean(z, m)
    rows = np.full((-(-len(z) // m), m), np.nan)
    rows.ravel()[: len(z)] = deviation
    return rows if (np.isfinite(rows).sum(axis=0) >= 2).all() else None


def _error_left_out(cycles: Floats, width: int) -> float:
    """Mean square of what the profile of the other cycles leaves of each cycle, relative to no profile at all."""
    seen = np.isfinite(cycles)
    values = np.where(seen, cycles, 0)
    others = np.maximum(seen.sum(axis=0) - seen, 1)
    left = sum(
        np.sum((row - _smooth((values.sum(axis=0) - row) / count, width))[here] ** 2)
        for row, count, here in zip(values, others, seen, strict=True)
    )
    return float(left / max(np.sum(values**2), np.finfo(np.float64).tiny))


def _smooth(profile: Floats, width: int) -> Floats:
    """Circular Hann smoothing; width 1 is none."""
    weights = np.hanning(width + 2)[1:-1]
    padded = np.concatenate([profile[-(width // 2) :] if width > 1 else profile[:0], profile, profile[: width // 2]])
    return np.convolve(padded, weights / weights.sum(), "valid")
