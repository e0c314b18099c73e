"""Tests of forecasts in batches: the same bits on any number of threads, errors and contexts of threads."""

import threading

import numpy as np
import pytest

from gatecast.forecasting.autoregression import Autoregression
from gatecast.forecasting.base import Task
from gatecast.forecasting.batches import batches_by_length, forecast_batches
from gatecast.forecasting.local_global_trend import LocalGlobalTrend
from gatecast.forecasting.theta import DynamicOptimizedTheta
from gatecast.kernels.runtime import get_num_threads, set_num_threads

TASK = Task(horizon=3, quantiles=(0.1, 0.5, 0.9), season_length=4)


@pytest.fixture(params=[1, 2])
def n_threads(request):
    """Set the number of threads, and set it back."""
    before = get_num_threads()
    set_num_threads(request.param)
    yield request.param
    set_num_threads(before)


def ragged(rng, n=40, T=60):
    """Return walks of different lengths, one of them empty."""
    values = 50 + rng.normal(size=(n, T)).cumsum(axis=1)
    values[np.arange(T) < rng.integers(0, T - 8, n)[:, None]] = np.nan
    values[7] = np.nan
    return values


@pytest.mark.parametrize("model", [Autoregression(), DynamicOptimizedTheta(), LocalGlobalTrend()])
def test_forecast_of_many_batches_has_the_same_bits_on_any_number_of_threads(model, rng, monkeypatch):
    for module, name in (
        ("autoregression", "BATCH_NUMBERS"),
        ("theta", "BATCH_SERIES"),
        ("local_global_trend", "BATCH_SERIES"),
    ):
        monkeypatch.setattr(f"gatecast.forecasting.{module}.{name}", 3)
    values, before, forecasts = ragged(rng), get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            forecasts.append(model.forecast(values, TASK))
    finally:
        set_num_threads(before)
    assert np.isnan(forecasts[0][7]).all()
    assert np.isfinite(np.delete(forecasts[0], 7, axis=0)).all()
    assert len({forecast.tobytes() for forecast in forecasts}) == 1


def test_forecast_batches_puts_the_rows_where_they_belong(n_threads, rng):
    values = ragged(rng)
    last = forecast_batches(batches_by_length(values, 3), lambda _, batch: batch[:, -1:, None], (len(values), 1, 1))
    np.testing.assert_array_equal(last[:, 0, 0], values[:, -1])


def test_forecast_batches_uses_as_many_threads_as_the_kernels(n_threads):
    together = threading.Barrier(n_threads, timeout=20)

    def forecast(rows, batch):
        together.wait()  # Passes only if as many batches are under way at a time.
        return batch[:, -1:, None]

    batches = batches_by_length(np.arange(8.0)[:, None], 2)
    assert forecast_batches(batches, forecast, (8, 1, 1)).ravel().tolist() == list(range(8))


def test_forecast_batches_raises_what_a_batch_raised(n_threads):
    def forecast(rows, batch):
        if 3 in rows:
            raise ZeroDivisionError("batch of row 3")
        return batch[:, -1:, None]

    with pytest.raises(ZeroDivisionError, match="row 3"):
        forecast_batches(batches_by_length(np.arange(6.0)[:, None], 2), forecast, (6, 1, 1))


def test_forecast_batches_keeps_how_numpy_treats_errors(n_threads):
    batches = batches_by_length(np.zeros((6, 1)), 2)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        forecast_batches(batches, lambda _, batch: 1.0 / batch[:, :, None], (6, 1, 1))
    with np.errstate(divide="ignore"):
        assert np.isinf(forecast_batches(batches, lambda _, batch: 1.0 / batch[:, :, None], (6, 1, 1))).all()


def test_forecast_batches_without_a_row_is_missing(n_threads):
    batches = batches_by_length(np.full((2, 3), np.nan), 2)
    assert np.isnan(forecast_batches(batches, lambda _, batch: batch[:, -1:, None], (2, 1, 1))).all()
