"""What the high-frequency network reads at every token, and what it is to forecast from there.

Nothing is transformed but by a shift and a scale. All statistics are running ones. Differences are in units of the
series: the error that simple forecasts have had so far, weighted as `past_errors` does.

Shapes: T steps, n series of one pair of seasons, N tokens of p values, J = 8 p steps of a block, A simple forecasts.
Time comes first. Steps before the first token are history that the copies alone read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import accumulate
from gatecast._utils.typing import BoolArray, Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.head import HeadShape
from gatecast.forecasting.pretrained.hf.clock import MAX_STEPS, TOKENS, overlaps
from gatecast.forecasting.pretrained.hf.copies import ANCHOR_NAMES, copies
from gatecast.forecasting.pretrained.hf.history import History
from gatecast.forecasting.pretrained.hf.past_errors import QUARTERS, BlockErrors, past_errors
from gatecast.forecasting.pretrained.soft_limit import soft_limit

__all__ = ["ANCHOR_NAMES", "HEAD", "INPUT_NAMES", "MAX_TARGET", "N_INPUTS", "TokenFeatures", "make_features"]

HEAD = HeadShape(
    tokens=TOKENS, slots=MAX_STEPS // TOKENS, groups=QUARTERS, anchors=len(ANCHOR_NAMES), first_spread=1.2, growth=0.1
)
"""A cycle; tokens of fewer than eight values fill their first slots."""

PARTS = 4
"""Equal parts of a token, whose means are inputs."""

MAX_TARGET = 100.0
"""Targets and simple forecasts are clipped at so many units."""

MIN_UNITS = 0.02
"""Sizes are at least so many units before their logarithm is taken."""

AHEAD = ("last cycle", "cycle shape less last cycle", "week shape less cycle shape", "last week shape less week shape")

INPUT_NAMES = (
    *(f"token less level {k}" for k in range(PARTS)),
    *(f"token less mean of two cycles {k}" for k in range(PARTS)),
    *(f"token less last week {k}" for k in range(PARTS)),
    "newest error of two cycles",
    *(f"{name}, token {k}" for name in AHEAD for k in range(TOKENS)),
    "last value",
    "mean cycle less cycle shape",
    "mean week less week shape",
    "last value less its shape",
    *(f"shape of all cycles less cycle shape, token {k}" for k in range(TOKENS)),
    *(f"mean of all weeks less mean of all cycles, token {k}" for k in range(TOKENS)),
    "mean less shape of all cycles",
    "last value with shape of all cycles less that shape",
    "line less level, first token",
    "line less level, last token",
    "deviation from mean of all weeks",
    "persistence of a token",
    "newest error of a token ahead",
    "newest error of a cycle ahead",
    "newest error of a block",
    *(f"log error of {name}" for name in ANCHOR_NAMES),
    "log error",
    *(f"newest log error of {name}" for name in ANCHOR_NAMES),
    "newest log error",
    "log cycles",
    "log season length",
    "log values of a token",
    "log ratio of seasons",
    "log longer cycles",
    "share observed",
    "log gap",
    "log newest unit",
    "log spread",
    "autocorrelation",
    "autocorrelation of tokens",
    "change of level over a token",
    "change of level over a cycle",
    "change of level over two cycles",
    "change of level over a week",
    "share at the minimum",
    "share at the maximum",
    "share unchanged",
    "level less minimum",
    "maximum less level",
)
"""Inputs in order; weights belong to these. A "week" is the longer season."""

N_INPUTS = len(INPUT_NAMES)


class TokenFeatures(NamedTuple):
    """Inputs of the network, and what turns its outputs into forecasts."""

    inputs: Float32Array
    """(N, N_INPUTS, n)."""
    anchors: Float32Array
    """(A, N, J, n): simple forecasts less the level, in units."""
    level: FloatArray
    """(N, n), in the units of the series."""
    unit: FloatArray
    """(N, n): what everything is in units of, in the units of the series."""
    size: FloatArray
    """(N, n): this unit in mean absolute changes over the season."""
    prior: Float32Array
    """(N, G, A, n): logits of the simple forecasts by quarter of a block, from their past errors."""
    targets: Float32Array
    """(N, J, n): what follows less the level, in units, clipped; 0 where it is not known."""
    known: BoolArray
    """(N, J, n)."""
    errors: BlockErrors
    """Of the simple forecasts."""

    def since(self, token: int) -> TokenFeatures:
        """Return the features from a token on."""
        return TokenFeatures(
            inputs=self.inputs[token:],
            anchors=self.anchors[:, token:],
            level=self.level[token:],
            unit=self.unit[token:],
            size=self.size[token:],
            prior=self.prior[token:],
            targets=self.targets[token:],
            known=self.known[token:],
            errors=self.errors.since(token),
        )


def make_features(
    history: History,
    n_before: int,
    n_tokens: int,
    p: int,
    truth: FloatArray | None = None,
    before: BlockErrors | None = None,
) -> TokenFeatures:
    """Compute the features at the ends of tokens.

    Args:
        history: Of series with at least ``n_before + n_tokens p`` steps.
        n_before: Steps before the first token.
        n_tokens: Tokens N.
        p: Values of a token.
        truth: Values that targets are made of, (T', n) with NaN where missing; None: those of the history.
        before: Errors of the tokens before the first one; None: there are none. With them, the features of the first
            cycle are not those that it has in a pass from the beginning.

    Example:
        >>> from gatecast.forecasting.pretrained.hf.history import read_history
        >>> y = np.tile(np.sin(np.arange(24) / 4), 9)[:, None]
        >>> features = make_features(read_history(y, 24, 168), 24, 64, 3)
        >>> features.inputs.shape, features.anchors.shape, features.targets.shape
        ((64, 128, 1), (16, 64, 24, 1), (64, 24, 1))
    """
    origins = n_before + p * np.arange(1, n_tokens + 1) - 1
    level, unit = history.level[origins], history.unit[origins]
    simple = copies(history, origins, TOKENS * p)
    simple /= unit.astype(np.float32)[:, None]
    np.clip(simple, -MAX_TARGET, MAX_TARGET, out=simple)
    seen, seen_known = _targets(history, history.by_season, history.observed, origins, p)
    # Of the first cycle there is no copy: what was forecast in it says nothing of later.
    began = origins[:, None] + 1 - history.first >= history.m
    past = past_errors(simple, seen, seen_known & began[:, None], before)
    size = past.size.astype(np.float32)
    simple /= size[:, None]
    inputs = np.zeros((n_tokens, N_INPUTS, history.level.shape[1]), np.float32)
    columns = [
        *_token_values(history, origins, p, unit * past.size),
        *_look_ahead(simple, p),
        history.persistence[origins] ** p,
        *(soft_limit(column / past.size) for column in past.newest),
        *past.inputs,
        *_statistics(history, origins, p, unit),
    ]
    for k, column in enumerate(columns):
        inputs[:, k] = column
    if truth is not None:
        seen, seen_known = _targets(history, np.nan_to_num(truth) - history.origin, np.isfinite(truth), origins, p)
    seen /= size[:, None]
    return TokenFeatures(
        inputs=inputs,
        anchors=simple,
        level=level + history.origin,
        unit=unit * past.size,
        size=past.size,
        prior=past.logits,
        targets=seen,
        known=seen_known,
        errors=past.blocks,
    )


def _targets(
    history: History, z: FloatArray, observed: BoolArray, origins: IntArray, p: int
) -> tuple[Float32Array, BoolArray]:
    """Return what follows origins less the level, in units, (N, J, n), and whether it is known."""
    step = origins[:, None] + np.arange(1, TOKENS * p + 1)
    inside = np.minimum(step, len(z) - 1)
    known = observed[inside] & (step < len(z))[:, :, None]
    value = (z[inside] - history.level[origins][:, None]) / history.unit[origins][:, None]
    return np.where(known, np.clip(value, -MAX_TARGET, MAX_TARGET), 0.0).astype(np.float32), known


def _token_values(history: History, origins: IntArray, p: int, unit: FloatArray) -> list[FloatArray]:
    """Return the parts of tokens, less the level and less copies, (N, n) each; 0 where nothing was observed."""
    h, m = history, history.m
    step = origins[:, None] - np.arange(p)[::-1]
    observed = h.observed[step]
    x, before, twice = h.by_season[step], h.by_season[np.maximum(step - m, 0)], h.by_season[np.maximum(step - 2 * m, 0)]
    has_one, has_two = ((step - k * m)[:, :, None] >= h.first for k in (1, 2))
    change = np.where(has_two, x - 0.5 * (before + twice), x - before) * has_one
    rows = [x - h.level[origins][:, None], change]
    if h.long:
        has_long = (step - h.long)[:, :, None] >= h.first
        rows.append((x - h.by_long[np.maximum(step - h.long, 0)]) * has_long)
    else:
        rows.append(np.zeros_like(x))
    weights = overlaps(PARTS, p)
    share = np.einsum("kp,Npn->kNn", weights, observed)
    share = np.where(share > 1e-9, share, np.inf)
    means = [np.einsum("kp,Npn->kNn", weights, row * observed) / share for row in rows]
    parts = [soft_limit(mean / unit) for row in means for mean in row]
    newest = change[:, -1] * observed[:, -1] / unit
    return [*parts, soft_limit(newest)]


def _look_ahead(simple: Float32Array, p: int) -> list[FloatArray]:
    """Return what simple forecasts say of the next tokens, relative to each other, (N, n) each."""
    A, N, _, n = simple.shape
    tokens: dict[str, Float32Array] = dict(
        zip(ANCHOR_NAMES, simple.reshape(A, N, TOKENS, p, n).mean(axis=3), strict=True)
    )

    def less(name: str, other: str) -> Float32Array:
        """Return a simple forecast less another, (N, TOKENS, n)."""
        return tokens[name] - tokens[other]

    by_token = [
        tokens["last cycle"],
        less("cycle shape", "last cycle"),
        less("week shape", "cycle shape"),
        less("last week shape", "week shape"),
    ]
    of_recent = [
        tokens["last value"][:, 0],
        less("mean cycle", "cycle shape").mean(axis=1),
        less("mean week", "week shape").mean(axis=1),
        less("last value with shape", "week shape")[:, 0],
    ]
    of_all = [less("shape of all cycles", "cycle shape"), less("mean of all weeks", "mean of all cycles")]
    on_a_line = less("shape of all cycles on a line", "shape of all cycles")
    of_ends = [
        less("mean of all cycles", "shape of all cycles")[:, 0],
        less("last value with shape of all cycles", "shape of all cycles")[:, 0],
        on_a_line[:, 0],
        on_a_line[:, -1],
        less("regression to mean of all weeks", "mean of all weeks")[:, 0],
    ]
    columns = [
        *(one[:, k] for one in by_token for k in range(TOKENS)),
        *of_recent,
        *(one[:, k] for one in of_all for k in range(TOKENS)),
        *of_ends,
    ]
    return [soft_limit(column) for column in columns]


def _statistics(h: History, origins: IntArray, p: int, unit: FloatArray) -> list[FloatArray]:
    """Return lengths, gaps, variation, autocorrelations and extremes, (N, n) or (N, 1) each."""
    N, m = len(origins), h.m
    since = np.maximum(origins[:, None] + 1 - h.first, 0) / m
    long = np.full((N, 1), np.log2(h.long / m) / 4 if h.long else -0.5)
    observed = h.observed[origins[:, None] - np.arange(p)].mean(axis=1)
    steps = np.arange(len(h.level))[:, None]
    newest = accumulate(np.maximum, np.where(h.observed, steps, -1))[origins]
    gap = np.log1p(np.minimum(origins[:, None] - np.maximum(newest, 0), 64 * p) / p) / 2
    return [
        np.log1p(since) / 2,
        np.full((N, 1), np.log2(m) / 6),
        np.full((N, 1), np.log2(p) / 3),
        long,
        np.log1p(since * m / h.long) if h.long else np.zeros((N, 1)),
        observed,
        gap,
        np.log((cycle_mean(h.size, h.compared, 2 * m)[origins] + MIN_UNITS * unit) / unit),
        np.log(h.spread[origins] / unit + MIN_UNITS),
        *_autocorrelations(h, origins, p),
        *_level_changes(h, origins, p, unit),
        *_extremes(h, origins, unit),
    ]


def cycle_mean(x: FloatArray, weight: FloatArray, k: int) -> FloatArray:
    """Return the mean of the newest k values of a sum with weights of 0 and 1, (T, n); 0 without any."""
    total, count = (accumulate(np.add, a) for a in (x, weight))
    newest, known = total.copy(), count.copy()
    newest[k:] -= total[:-k]
    known[k:] -= count[:-k]
    return np.asarray(np.maximum(newest, 0.0) / np.maximum(known, 1.0))


def _autocorrelations(h: History, origins: IntArray, p: int) -> list[FloatArray]:
    """Return autocorrelations of the changes over the season, at lags of a step and of a token, (N, n) each."""
    m, x = h.m, np.zeros_like(h.level)
    x[m:] = (h.by_season[m:] - h.by_season[:-m]) * h.compared[m:] / h.unit[m:]
    x = soft_limit(x)
    squares = accumulate(np.add, x * x)[origins] + 1.0
    out = []
    for lag in (1, p):
        product = np.zeros_like(x)
        product[lag:] = x[lag:] * x[:-lag]
        out.append(accumulate(np.add, product)[origins] / squares)
    return out


def _level_changes(h: History, origins: IntArray, p: int, unit: FloatArray) -> list[FloatArray]:
    """Return how the level has changed, in units, (N, n) each; 0 where the series had not begun then."""
    lags = (p, h.m, 2 * h.m, h.long)
    out = []
    for lag in lags:
        step = origins - lag
        known = (step[:, None] >= h.first) & (lag > 0)
        out.append(soft_limit((h.level[origins] - h.level[np.maximum(step, 0)]) * known / unit))
    return out


def _extremes(h: History, origins: IntArray, unit: FloatArray) -> list[FloatArray]:
    """Return how often values were the least, the largest, or the one before, and how far the level is, (N, n) each."""
    x, o = h.by_season, h.observed
    low = accumulate(np.minimum, np.where(o, x, np.inf))
    high = accumulate(np.maximum, np.where(o, x, -np.inf))
    count = np.maximum(accumulate(np.add, o, np.float64), 1.0)[origins]
    same = np.zeros_like(o)
    same[1:] = (x[1:] == x[:-1]) & o[1:] & (np.arange(1, len(x))[:, None] > h.first)
    shares = [accumulate(np.add, a & o, np.float64)[origins] / count for a in (x <= low, x >= high, same)]
    level, began = h.level[origins], np.isfinite(low[origins])
    below = np.where(began, level - np.where(began, low[origins], 0.0), 0.0)
    above = np.where(began, np.where(began, high[origins], 0.0) - level, 0.0)
    return [*shares, soft_limit(below / unit), soft_limit(above / unit)]
