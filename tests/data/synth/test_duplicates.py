"""No synthetic series is a copy of a real one that the package carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gatecast import datasets
from gatecast.data.synth import draw

ROOT = Path(__file__).resolve().parents[3]
LENGTHS = {"lf": 60, "hf": 168}


def standardised(y):
    """Rows of mean 0 and unit length; constant rows become 0."""
    z = y - y.mean(axis=-1, keepdims=True)
    size = np.sqrt((z**2).sum(axis=-1, keepdims=True))
    return z / np.where(size > 1e-6 * np.abs(y).max(axis=-1, keepdims=True) + 1e-12, size, np.inf)


def real_series():
    """Series of the data sets and the examples, by name."""
    series = {name: datasets._load(name, "dict")["y"] for name in datasets.available()}
    for path in sorted((ROOT / "examples").glob("*.csv")):
        series[path.stem] = np.genfromtxt(path, delimiter=",", usecols=1)
    return {name: y[np.isfinite(y)] for name, y in series.items()}


def largest_correlation(y, values):
    """The largest correlation, of either sign, of any synthetic series with any stretch of a real one."""
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(y, dtype=np.float64), values.shape[1])
    return np.abs(standardised(windows) @ standardised(values).T).max()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lf", "hf"])
def test_no_synthetic_series_correlates_with_a_real_one(kind):
    values = draw(kind, 4000, LENGTHS[kind], 0).values.astype(np.float64)
    found = {name: largest_correlation(y, values) for name, y in real_series().items() if len(y) >= LENGTHS[kind]}
    assert found
    assert {name: value for name, value in found.items() if value > 0.99} == {}


def test_a_copy_is_found():
    y = datasets.air_passengers("dict")["y"]
    copies = 3 * y[None, 20:80] + 7
    assert largest_correlation(y, copies) > 0.999
    assert largest_correlation(y, draw("lf", 1, 60, 0).values.astype(np.float64)) < 0.99
