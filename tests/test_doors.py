"""The public modules re-export what they promise, and promise what they re-export."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import pytest

import gatecast

DOORS = [
    *("activations", "backend", "callbacks", "constraints", "initializers", "layers", "losses", "metrics", "models"),
    *(
        "optim",
        "optimizers",
        "optimizers.schedules",
        "preprocessing",
        "preprocessing.sequence",
        "regularizers",
        "utils",
    ),
]
HELPERS = {"missing_name", "annotations", "Callable", "NamedTuple"}
"""What modules import for themselves."""


@pytest.mark.parametrize("name", DOORS)
def test_every_public_name_exists(name):
    module = import_module(f"gatecast.{name}")
    assert all(hasattr(module, public) for public in module.__all__)
    assert sorted(module.__all__) == sorted(set(module.__all__))


@pytest.mark.parametrize("name", DOORS)
def test_every_name_that_a_public_module_has_is_public(name):
    """A name is in `__all__`, or in that of the module that documents it, as `losses.log_cosh` is in `metrics`."""
    module = import_module(f"gatecast.{name}")
    others = [import_module(f"gatecast.{other}") for other in DOORS if other != name]
    elsewhere = {public: getattr(other, public) for other in others for public in other.__all__}
    names = {n: value for n, value in vars(module).items() if not n.startswith("_") and n not in module.__all__}
    hidden = [n for n, value in names.items() if not isinstance(value, ModuleType) and n not in HELPERS]
    assert [n for n in hidden if elsewhere.get(n) is not names[n]] == []


@pytest.mark.parametrize("name", DOORS)
def test_star_imports_and_dir_have_the_public_names(name):
    namespace: dict[str, object] = {}
    exec(f"from gatecast.{name} import *", namespace)
    public = set(import_module(f"gatecast.{name}").__all__)
    assert public <= set(namespace)
    assert public <= set(dir(import_module(f"gatecast.{name}")))


@pytest.mark.parametrize(
    "name", [*DOORS, "config", "data", "datasets", "errors", "forecasting", "kernels", "sklearn", "testing"]
)
def test_every_public_module_is_an_attribute_of_the_package(name):
    module = gatecast
    for part in name.split("."):
        module = getattr(module, part)
    assert module is import_module(f"gatecast.{name}")
