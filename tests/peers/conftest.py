"""Tests that ask PyTorch, Keras and statsforecast: run by `make test-peers`, where a missing peer is an error."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# A user's own keras.json must not decide, and none is written into the home directory.
KERAS_HOME = tempfile.TemporaryDirectory(prefix="keras-")
os.environ |= {"KERAS_BACKEND": "torch", "KERAS_HOME": KERAS_HOME.name}


def pytest_configure(config: pytest.Config) -> None:
    """Warnings stay errors, but for those that the peers give about themselves."""
    for module in ("torch", "keras"):
        config.addinivalue_line("filterwarnings", f"ignore:::{module}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here carries the marker `peers`."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.peers)
