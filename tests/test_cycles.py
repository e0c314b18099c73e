"""What forecasts leave behind is freed at once: nothing waits until Python looks for cycles of references.

A server takes steps for months; what it leaves to the collector of cycles is memory that grows until that one comes.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from types import FunctionType, MethodType

import numpy as np
import pytest

from gatecast import Forecaster, NetworkConfig, TrainingConfig
from gatecast.forecasting import statsforecast_models
from gatecast.forecasting.registry import available_models

MODELS = [name for name in available_models() if name not in ("ets", "ces") or statsforecast_models.available()]


@contextmanager
def no_cycles():
    """Fail if objects of gatecast, its functions or arrays were left to the collector of cycles."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.garbage.clear()
    try:
        yield
        gc.collect()
        left = sorted({_name(each) for each in gc.garbage if _name(each).startswith("gatecast.")})
        assert left == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def _name(thing):
    """Return the name of a function, or of the class of another object."""
    # Objects of other libraries may raise anything where they are asked for a name.
    named = thing if isinstance(thing, type | FunctionType | MethodType) else type(thing)
    return f"{named.__module__}.{named.__qualname__}"


def past():
    """Return five years of months."""
    months = np.arange(60)
    y = 100 + 10 * np.sin(months * np.pi / 6) + np.random.default_rng(0).normal(size=60)
    return {"ds": np.datetime64("2018-01") + months.astype("m8[M]"), "y": y}


def test_a_cycle_is_noticed():
    def leave():
        def inner():
            return inner

        inner.__module__ = "gatecast.example"

    with pytest.raises(AssertionError, match=r"gatecast\.example"), no_cycles():
        leave()


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_forecasts_and_steps_leave_no_cycles(name):
    settings = {"network": NetworkConfig(units=4, n_layers=1), "training": TrainingConfig(n_members=1, max_steps=3)}
    forecaster = Forecaster(3, model=name, season_length=12, **settings).fit(past())
    stream = forecaster.stream()
    forecaster.predict()
    stream.step(100.0)
    with no_cycles():
        forecaster.predict()
        forecaster.predict(past())
        stream.step(101.0)
        stream.copy().step(102.0)
