"""The contract of a forecasting model as a check: what every model must do, proved for one config.

Shapes: n_series rows, T columns of the past, horizon steps, Q quantiles.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import is_dataclass, replace
from typing import Any, get_args

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.errors import ConfigError
from gatecast.forecasting.base import (
    QUANTILES,
    CarriesState,
    Family,
    ForecastModel,
    ModelState,
    Overrides,
    PanelSummary,
    PredictsInsample,
    Task,
)
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.registry import REQUIRED

__all__ = ["check_model"]


N_COLUMNS = 48
"""Columns of the panel that models are fitted on."""

EMPTY, SINGLE, CONSTANT = 0, 1, 2
"""Rows of the panel: a series without a value, one of a single value, one that does not vary."""

N_UNUSUAL = 3
"""Rows before the first ordinary series."""

POISON = 1e6
"""What values are replaced by that a model must not see."""

RTOL = 1e-4
"""Relative difference of two forecasts that only the order of float32 sums tells apart."""


def check_model(
    config: Any,
    *,
    horizons: Sequence[int] = (1, 6, 60),
    season_length: int = 4,
    quantiles: tuple[float, ...] = QUANTILES,
    min_values: int = 1,
) -> None:
    """Check that a model config keeps the contract of `ModelConfig` and `ForecastModel`.

    It is fitted several times on a panel of twelve short series, with gaps and exogenous columns, and has to

    - forecast ``[n_series, horizon, Q]``, with quantiles that do not cross, for every horizon;
    - return NaN for a series without a value, and finite quantiles for every other one;
    - forecast from a context of any length, of one column too, and whatever padding stands in front;
    - ignore the future: nonsense in place of the values after the forecast origin, or in place of the values of other
      series, changes no bit of a forecast;
    - give the same bits for the same seed, and each time it forecasts;
    - forecast a series alike wherever it stands in the panel, and alone;
    - come back from its state with the same bits, after its settings were written as JSON;
    - continue from a fitted model, and leave the context as it was;
    - forecast in a step as from all values, if it carries its state.

    Args:
        config: The config to check. Give a network small settings: it is fitted about ten times.
        horizons: Horizons to check; a model with a fixed horizon passes that one alone.
        season_length: Steps in the season of the panel.
        quantiles: Levels of the quantiles, 0.5 in the middle.
        min_values: Values that a series needs before the model forecasts it. Above 1, series of fewer values and series
            that do not vary may have no forecast: then NaN throughout.

    Raises:
        AssertionError: The model breaks a rule; the message names the model, the rule, and what came out.

    Example:
        >>> from dataclasses import dataclass
        >>> from typing import ClassVar
        >>> from gatecast.forecasting.base import LocalModel
        >>> @dataclass(frozen=True)
        ... class Average(LocalModel):
        ...     name: ClassVar[str] = "average"
        ...     column: ClassVar[str] = "Average"
        ...     def forecast(self, values, task):
        ...         known = np.isfinite(values)
        ...         n = known.sum(axis=1)
        ...         mean = np.where(n > 0, np.where(known, values, 0).sum(axis=1) / np.maximum(n, 1), np.nan)
        ...         point = np.repeat(mean[:, None], task.horizon, axis=1)
        ...         return self.normal_quantiles(point, np.ones_like(point), task.quantiles)
        >>> check_model(Average())
    """
    _check_config(config)
    for horizon in horizons:
        _Check(config, Task(horizon, season_length, quantiles), min_values).run()


def _check_config(config: Any) -> None:
    """Check the attributes and the defaults of a config."""
    name = repr(getattr(config, "name", config))
    missing = [part for part in REQUIRED if not hasattr(config, part)]
    _require(not missing, name, f"misses {', '.join(missing)}")
    frozen = is_dataclass(config) and not isinstance(config, type) and config.__dataclass_params__.frozen  # type: ignore[attr-defined]
    _require(frozen, name, "is not an instance of a frozen dataclass")
    for attribute in ("name", "column"):
        value = getattr(config, attribute)
        _require(isinstance(value, str) and bool(value), name, f"has the {attribute} {value!r}, expected text")
    _require(config.family in get_args(Family), name, f"has the unknown family {config.family!r}")
    try:
        default = type(config).default_for(PanelSummary(np.full(12, N_COLUMNS)), Task(6, 4), Overrides())
    except ConfigError:  # a model that needs an argument or an extra says so
        return
    _require(hasattr(default, "fit"), name, f"default_for returns {default!r}, expected a config")


class _Check:
    """The checks of one config at one horizon."""

    def __init__(self, config: Any, task: Task, min_values: int) -> None:
        self.config, self.task, self.min_values = config, task, min_values
        full = _panel(task)
        self.context = full.drop_last(task.horizon)
        self.model: ForecastModel = self.fit(self.context)
        self.quantiles = self.predict(self.model, self.context)
        self.poisoned = _poison_future(full, task.horizon)

    def run(self) -> None:
        """Run all checks."""
        self.check_config_of_model()
        self.check_missing_values(self.context, self.quantiles)
        self.check_reproducible()
        self.check_no_look_ahead()
        self.check_other_series()
        self.check_order()
        self.check_lengths()
        self.check_state()
        self.check_continued()
        self.check_insample()
        self.check_steps()

    def fit(self, context: PanelContext, **options: Any) -> Any:
        """Fit the config, and check that the context is left alone."""
        before = _bytes(context)
        model = self.config.fit(context, self.task, **options)
        self.require(_bytes(context) == before, "fit writes to the arrays of its context")
        return model

    def predict(self, model: ForecastModel, context: PanelContext) -> FloatArray:
        """Forecast, and check shape, type and order of the quantiles."""
        before = _bytes(context)
        quantiles = model.predict_quantiles(context)
        self.require(_bytes(context) == before, "predict_quantiles writes to the arrays of its context")
        expected = (len(context), self.task.horizon, len(self.task.quantiles))
        shape = getattr(quantiles, "shape", type(quantiles).__name__)
        self.require(shape == expected, f"returned shape {shape}, expected {expected}")
        self.require(quantiles.dtype.kind == "f", f"returned {quantiles.dtype}, expected real numbers")
        self.require(not (np.diff(quantiles, axis=-1) < 0).any(), "returned quantiles that cross")
        return quantiles

    def require(self, condition: Any, message: str) -> None:
        """Raise an error that names the model and the horizon unless a condition holds."""
        _require(condition, repr(self.config.name), f"{message} (horizon {self.task.horizon})")

    def check_config_of_model(self) -> None:
        """The fitted model knows the config that it came from."""
        name = getattr(getattr(self.model, "config", None), "name", None)
        self.require(name == self.config.name, f"is fitted with config.name {name!r}")

    def check_missing_values(self, context: PanelContext, quantiles: FloatArray) -> None:
        """A series without a value has no forecast; all others have one."""
        observed, finite = np.isfinite(context.values), np.isfinite(quantiles)
        n_values = observed.sum(axis=1)
        has_forecast, has_none = finite.all(axis=(1, 2)), ~finite.any(axis=(1, 2))
        self.require(np.isnan(quantiles[n_values == 0]).all(), "forecasts a series without a value, expected NaN")
        self.require((has_forecast | has_none).all(), "returned a forecast that is finite in part")
        needed = n_values >= self.min_values
        if self.min_values > 1:
            low, high = (np.where(observed, context.values, end) for end in (np.inf, -np.inf))
            needed &= high.max(axis=1) > low.min(axis=1)
        without = np.flatnonzero(needed & ~has_forecast).tolist()
        sizes = n_values[without].tolist()
        self.require(not without, f"has no finite forecast of series {without}, of {sizes} values")

    def check_reproducible(self) -> None:
        """The same seed gives the same bits, and so does the same model."""
        again = self.predict(self.model, self.context)
        self.require(_same(again, self.quantiles), "gives other bits when it forecasts a second time")
        refitted = self.predict(self.fit(self.context), self.context)
        self.require(_same(refitted, self.quantiles), "gives other bits when it is fitted again with the same seed")

    def check_no_look_ahead(self) -> None:
        """Nonsense after the forecast origin changes no bit."""
        past = self.poisoned.drop_last(self.task.horizon)
        quantiles = self.predict(self.fit(past), past)
        self.require(_same(quantiles, self.quantiles), "reads values after the forecast origin")

    def check_other_series(self) -> None:
        """Nonsense in the other rows, later rows of the same series among them, changes no bit of a forecast."""
        offsets = np.array([self.task.horizon, 0])
        rows, _ = self.poisoned.rolling_origins(offsets, self.task.horizon)
        clean, _ = _panel(self.task).rolling_origins(offsets, self.task.horizon)
        n = len(self.context)
        quantiles, expected = self.predict(self.model, rows)[:n], self.predict(self.model, clean)[:n]
        self.require(_same(quantiles, expected), "lets the forecast of a series depend on the values of other series")

    def check_order(self) -> None:
        """A series is forecast alike in another order, and alone."""
        order = np.random.default_rng(0).permutation(len(self.context))
        shuffled = self.predict(self.model, self.context.take(order))
        self.require(_close(shuffled, self.quantiles[order]), "depends on the order of the series")
        for row in range(N_UNUSUAL, len(self.context), 4):
            alone = self.predict(self.model, self.context.take([row]))
            self.require(_close(alone, self.quantiles[[row]]), "forecasts a series otherwise when it stands alone")

    def check_lengths(self) -> None:
        """Contexts of any length are forecast; columns without a value in front change nothing."""
        for length in (1, 2, 5, 13):
            context = self.context.keep_last(length)
            self.check_missing_values(context, self.predict(self.model, context))
        padded = self.predict(self.model, _pad(self.context, 9))
        self.require(_close(padded, self.quantiles), "depends on empty columns before the series")

    def check_state(self) -> None:
        """A model comes back from its state, written as JSON and arrays, to the bit."""
        state = self.model.to_state()
        try:
            settings = json.loads(json.dumps(dict(state.settings), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise AssertionError(f"Model {self.config.name!r} has a state that is not JSON: {error}") from error
        kinds = {name: array.dtype.kind for name, array in state.arrays.items()}
        self.require(set(kinds.values()) <= set("biuf"), f"has arrays in its state that are not numbers: {kinds}")
        arrays = {name: array.copy() for name, array in state.arrays.items()}
        restored = type(self.config).from_state(ModelState(settings, arrays), self.task)
        self.require(
            _same(self.predict(restored, self.context), self.quantiles), "gives other bits when restored from its state"
        )

    def check_continued(self) -> None:
        """A model can be fitted from where another one ended."""
        continued = self.predict(self.fit(self.context, init=self.model), self.context)
        self.check_missing_values(self.context, continued)

    def check_insample(self) -> None:
        """In-sample forecasts, where a model has them, are one number for each value but the first."""
        if not isinstance(self.model, PredictsInsample):
            return
        try:
            predicted = self.model.predict_insample(self.context)
        except ConfigError:  # a median of members that have none
            return
        shape, expected = predicted.shape, self.context.values.shape
        self.require(shape == expected, f"returned in-sample forecasts of shape {shape}, expected {expected}")
        self.require(np.isnan(predicted[:, 0]).all(), "has an in-sample forecast of the first value")

    def check_steps(self) -> None:
        """Where a model carries its state, the forecast of a step is that of all values, and the state stays."""
        if not isinstance(self.model, CarriesState):
            return
        _, state = self.model.step_quantiles(self.context.drop_last(1), None)
        before = {name: array.tobytes() for name, array in state.items()}
        quantiles, _ = self.model.step_quantiles(self.context, state)
        self.require(_same(quantiles, self.quantiles), "forecasts otherwise in a step than from all values")
        after = {name: array.tobytes() for name, array in state.items()}
        self.require(after == before, "writes to the state that a step begins with")


def _require(condition: Any, name: str, message: str) -> None:
    """Raise an error that names the model unless a condition holds."""
    if not condition:
        raise AssertionError(f"Model {name} {message}")


def _panel(task: Task) -> PanelContext:
    """Return twelve series with gaps and exogenous columns, `horizon` columns longer than what models are fitted on."""
    rng = np.random.default_rng(20240229)
    n_series, T = 12, N_COLUMNS + task.horizon
    season = np.sin(2 * np.pi * np.arange(T) / max(task.season_length, 2))
    level = rng.uniform(20, 200, (n_series, 1))
    values = level * (1 + 0.2 * season + 0.002 * np.arange(T) + 0.05 * rng.normal(size=(n_series, T)))
    values[N_UNUSUAL + 1] -= values[N_UNUSUAL + 1].mean()  # of both signs
    values[N_UNUSUAL + 2, : N_COLUMNS - 20] = np.nan  # a shorter one
    values[N_UNUSUAL + 3, 17:20] = np.nan  # a gap
    values[N_UNUSUAL + 4, N_COLUMNS - 1] = np.nan  # its newest value is missing
    values[EMPTY] = np.nan
    values[SINGLE, : N_COLUMNS - 1] = np.nan
    values[CONSTANT] = 7.0
    return replace(
        PanelContext.from_values(values),
        futr_exog=rng.normal(size=(n_series, T, 2)),
        hist_exog=rng.normal(size=(n_series, T, 1)),
        stat_exog=rng.normal(size=(n_series, 1)),
    )


def _poison_future(full: PanelContext, horizon: int) -> PanelContext:
    """Return the panel with nonsense in place of its last `horizon` values and historic columns."""
    values, hist_exog = full.values.copy(), full.hist_exog.copy()
    values[:, -horizon:] = np.where(np.isfinite(values[:, -horizon:]), POISON, np.nan)
    hist_exog[:, -horizon:] = POISON
    return replace(full, values=values, hist_exog=hist_exog)


def _pad(context: PanelContext, n: int) -> PanelContext:
    """Return a context with `n` columns before it that hold nothing."""

    def pad(array: FloatArray, value: float) -> FloatArray:
        """Pad the time axis."""
        return np.pad(array, [(0, 0), (n, 0), *[(0, 0)] * (array.ndim - 2)], constant_values=value)

    return replace(
        context,
        values=pad(context.values, np.nan),
        futr_exog=pad(context.futr_exog, 0.0),
        hist_exog=pad(context.hist_exog, 0.0),
    )


def _bytes(context: PanelContext) -> list[bytes]:
    """Return what the arrays of a context hold."""
    arrays = (context.values, context.series, context.end, context.futr_exog, context.hist_exog, context.stat_exog)
    return [array.tobytes() for array in arrays]


def _same(a: FloatArray, b: FloatArray) -> bool:
    """Return whether two forecasts are the same bits."""
    return a.tobytes() == b.tobytes()


def _close(a: FloatArray, b: FloatArray) -> bool:
    """Return whether two forecasts differ by no more than rounding does."""
    scale = np.abs(np.nan_to_num(b)).max(axis=(1, 2), keepdims=True, initial=0.0)
    return bool((np.isnan(a) == np.isnan(b)).all() and (np.abs(np.nan_to_num(a - b)) <= RTOL * (scale + 1e-9)).all())
