"""check_model finds every way in which a model can break its contract."""

from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np
import pytest

from gatecast.forecasting.base import FittedLocalModel, LocalModel, ModelState
from gatecast.forecasting.scaling import forward_fill
from gatecast.testing import check_model


@dataclass(frozen=True)
class Last(LocalModel):
    """The last value, a good model."""

    name: ClassVar[str] = "last"
    column: ClassVar[str] = "Last"

    def forecast(self, values, task):
        last = np.where(np.isfinite(values).any(axis=1), forward_fill(values)[:, -1], np.nan)
        point = np.repeat(last[:, None], task.horizon, axis=1)
        return self.normal_quantiles(point, np.ones_like(point), task.quantiles)


@dataclass(frozen=True)
class Transposed(Last):
    def forecast(self, values, task):
        return super().forecast(values, task).swapaxes(1, 2)


@dataclass(frozen=True)
class Crossing(Last):
    def forecast(self, values, task):
        return super().forecast(values, task)[..., ::-1]


@dataclass(frozen=True)
class Complex(Last):
    def forecast(self, values, task):
        return super().forecast(values, task) + 0j


@dataclass(frozen=True)
class Bold(Last):
    def forecast(self, values, task):
        return np.nan_to_num(super().forecast(values, task))


@dataclass(frozen=True)
class Shy(Last):
    def forecast(self, values, task):
        quantiles = super().forecast(values, task)
        quantiles[np.isfinite(values).sum(axis=1) < 10] = np.nan
        return quantiles


@dataclass(frozen=True)
class Partial(Last):
    def forecast(self, values, task):
        quantiles = super().forecast(values, task)
        quantiles[1, 0] = np.nan
        return quantiles


@dataclass(frozen=True)
class Writing(Last):
    def forecast(self, values, task):
        values[np.isnan(values)] = 0.0
        return super().forecast(values, task)


@dataclass(frozen=True)
class Pooling(Last):
    def forecast(self, values, task):
        return super().forecast(values, task) + np.nanmean(values)


@dataclass(frozen=True)
class Ordered(Last):
    def forecast(self, values, task):
        return super().forecast(values, task) + np.arange(len(values))[:, None, None]


@dataclass(frozen=True)
class Counting(Last):
    def forecast(self, values, task):
        return super().forecast(values, task) + values.shape[1]


@dataclass(frozen=True)
class Random(Last):
    def forecast(self, values, task):
        return super().forecast(values, task) + np.random.default_rng().normal()


@dataclass(frozen=True)
class Peeking(Last):
    """Reads the array that a view is cut from."""

    def fit(self, context, task, **_):
        future = context.values if context.values.base is None else context.values.base
        return FittedLocalModel(replace(self, offset=float(np.nanmean(future))), task)

    offset: float = 0.0

    def forecast(self, values, task):
        return super().forecast(values, task) + self.offset


@dataclass(frozen=True)
class Forgetful(Peeking):
    """Its state misses a field."""

    def fit(self, context, task, **_):
        return FittedForgetful(replace(self, offset=float(np.nanmean(context.values))), task)


class FittedForgetful(FittedLocalModel):
    def to_state(self):
        return ModelState()


@dataclass(frozen=True)
class Unwritable(Last):
    def fit(self, _, task, **__):
        return FittedUnwritable(self, task)


class FittedUnwritable(FittedLocalModel):
    def to_state(self):
        return ModelState({"values": np.ones(2), **{item.name: 0 for item in fields(self.config)}})


@dataclass(frozen=True)
class Insample(Last):
    def fit(self, _, task, **__):
        return FittedInsample(self, task)


class FittedInsample(FittedLocalModel):
    def predict_insample(self, context):
        return context.values


@dataclass(frozen=True)
class Stale(Last):
    """Its steps forecast what it forecast before."""

    def fit(self, _, task, **__):
        return FittedStale(self, task)


class FittedStale(FittedLocalModel):
    def step_quantiles(self, context, state):
        quantiles = self.predict_quantiles(context) if state is None else state["quantiles"]
        return quantiles, {"quantiles": quantiles}


class Plain:
    """No dataclass."""

    name, column, family = "plain", "Plain", "statistical"
    default_for = fit = from_state = None


BROKEN = {
    Transposed: r"'last' returned shape \(12, 5, 6\), expected \(12, 6, 5\) \(horizon 6\)",
    Crossing: "quantiles that cross",
    Complex: "returned complex128, expected real numbers",
    Bold: "forecasts a series without a value, expected NaN",
    Shy: r"no finite forecast of series \[1\], of \[1\] values",
    Partial: "finite in part",
    Writing: "predict_quantiles writes to the arrays",
    Pooling: "depend on the values of other series",
    Ordered: "depends on the order of the series",
    Counting: "empty columns before the series",
    Random: "other bits when it forecasts a second time",
    Peeking: "reads values after the forecast origin",
    Forgetful: "other bits when restored from its state",
    Unwritable: "state that is not JSON",
    Insample: "in-sample forecast of the first value",
    Stale: "forecasts otherwise in a step than from all values",
}


def test_check_model_accepts_a_good_model():
    check_model(Last())


@pytest.mark.parametrize("model", BROKEN, ids=lambda model: model.__name__)
def test_check_model_finds_what_is_broken(model):
    with pytest.raises(AssertionError, match=BROKEN[model]):
        check_model(model(), horizons=(6,))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Plain(), "Model 'plain' is not an instance of a frozen dataclass"),
        (Last, "Model 'last' is not an instance of a frozen dataclass"),
        (object(), "misses name, column, family, default_for, fit, from_state"),
    ],
)
def test_check_model_refuses_what_is_no_config(config, message):
    with pytest.raises(AssertionError, match=message):
        check_model(config)


def test_check_model_with_min_values_allows_short_and_constant_series_without_a_forecast():
    check_model(Shy(), horizons=(6,), min_values=10)
