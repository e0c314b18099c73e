"""What all tests share: explicit random numbers, and examples that are the same in every run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

from gatecast.kernels import runtime

settings.register_profile("gatecast", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("gatecast")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the test that compiles the kernels: at the end it would keep one process busy alone."""
    items.sort(key=lambda item: "test_extend.py" not in item.nodeid)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same for every test."""
    return np.random.default_rng(20240229)


@pytest.fixture
def threads() -> Iterator[None]:
    """Put the number of threads back after a test that changes it."""
    before = runtime.get_num_threads()
    yield
    runtime.set_num_threads(before)
