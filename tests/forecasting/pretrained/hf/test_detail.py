"""What averages leave out of values is put back."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.hf.clock import average_steps
from gatecast.forecasting.pretrained.hf.detail import Detail, measure_detail


@pytest.mark.parametrize(("m", "r"), [(96, 1.5), (365, 365 / 64), (128, 2.0)])
def test_measure_detail_finds_the_course_of_a_cycle(m, r):
    cycle = np.random.default_rng(0).normal(size=m)
    y = np.tile(cycle, 8)[None]
    bins = average_steps(y, r, 999)
    detail = measure_detail(y, bins, r, m)
    assert detail.scatter[0] < 0.7
    assert np.corrcoef(detail.course[0], cycle)[0, 1] > 0.7


def test_measure_detail_of_noise_is_nearly_flat_and_as_wide_as_the_noise():
    y = np.random.default_rng(0).normal(size=(20, 365 * 6))
    detail = measure_detail(y, average_steps(y, 365 / 64, 999), 365 / 64, 365)
    assert np.abs(detail.course).mean() < 0.1
    assert detail.scatter.mean() == pytest.approx(0.9, abs=0.1)


@pytest.mark.parametrize("n", [5, 70, 200])
def test_measure_detail_of_short_or_missing_values_is_finite(n):
    y = np.random.default_rng(0).normal(size=(3, n))
    y[0, -50:], y[1] = np.nan, np.nan
    detail = measure_detail(y, average_steps(y, 1.5, 999), 1.5, 96)
    assert np.isfinite(detail.course).all()
    assert np.isfinite(detail.scatter).all()


@pytest.mark.parametrize("n", [70, 130, 192, 200, 300, 383])
def test_measure_detail_does_not_depend_on_the_steps_before_a_series(n):
    y = np.random.default_rng(0).normal(size=(3, n)) + np.sin(np.arange(n))
    y[1, : n // 3] = np.nan
    details = []
    for n_empty in (0, 1, 40, 500):
        wide = np.pad(y, ((0, 0), (n_empty, 0)), constant_values=np.nan)
        details.append(measure_detail(wide, average_steps(wide, 1.5, 999), 1.5, 96))
    for detail in details[1:]:
        np.testing.assert_array_equal(detail.course, details[0].course)
        np.testing.assert_array_equal(detail.scatter, details[0].scatter)


@pytest.mark.parametrize("n_empty", [0, 500])
def test_measure_detail_of_a_single_cycle_is_flat(n_empty):
    y = np.pad(np.random.default_rng(0).normal(size=(1, 96)), ((0, 0), (n_empty, 0)), constant_values=np.nan)
    assert not measure_detail(y, average_steps(y, 1.5, 999), 1.5, 96).course.any()


def test_add_to_keeps_the_order_and_widens():
    q = np.sort(np.random.default_rng(0).normal(size=(2, 5, len(LEVELS))), axis=2)
    wide = Detail(np.zeros((2, 4)), np.array([0.0, 3.0])).add_to(q)
    assert (np.diff(wide, axis=2) >= 0).all()
    np.testing.assert_allclose(wide[0], q[0])
    assert (wide[1, :, -1] - wide[1, :, 0] > q[1, :, -1] - q[1, :, 0]).all()
