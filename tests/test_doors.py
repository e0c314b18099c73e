"""The public modules that Keras scripts import re-export what they promise."""

from __future__ import annotations

from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["callbacks", "layers", "losses", "models", "optim"])
def test_every_public_name_exists(name):
    module = import_module(f"gatecast.{name}")
    assert all(hasattr(module, public) for public in module.__all__)
    assert sorted(module.__all__) == sorted(set(module.__all__))
