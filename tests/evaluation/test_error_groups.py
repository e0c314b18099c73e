from dataclasses import replace

import numpy as np
import pytest
from chart_cases import make_forecast

from gatecast.evaluation.breakdown import errors_by_series
from gatecast.evaluation.error_groups import RowErrors, group_errors, row_errors, series_groups, thirds


def make_rows(error, baseline, actual=None, unit=None):
    """Return errors of a series a row."""
    n = len(error)
    actual = np.full(n, 10.0) if actual is None else np.asarray(actual, float)
    unit = np.ones(n) if unit is None else np.asarray(unit, float)
    return RowErrors(
        np.asarray(error, float), np.asarray(baseline, float), actual, unit, np.arange(n), np.zeros(n, int)
    )


def test_errors_of_single_series_as_groups_equal_those_of_the_breakdown():
    past = make_forecast(names=("a", "b", "c")).past
    rows = row_errors(past.panel, past.evaluation)
    groups, expected = group_errors(rows, rows.series, 3), errors_by_series(past.panel, past.evaluation)
    np.testing.assert_allclose(groups.mae, expected.mae)
    np.testing.assert_allclose(groups.mase, expected.mase)
    np.testing.assert_allclose(groups.skill, expected.skill)
    # Forecasts of series k are too high by k + 1.
    assert (groups.bias > 0).all()


def test_steps_ahead_are_those_of_the_windows():
    past = make_forecast(h=12, test=24).past
    assert row_errors(past.panel, past.evaluation).step.tolist() == [*range(12), *range(12)]


def test_steps_ahead_of_a_short_series_end_with_the_others():
    past = make_forecast(h=12, test=24).past
    table = {name: column[5:] for name, column in past.evaluation.table.items()}
    panel = replace(past.panel, values=past.panel.values[-19:], indptr=np.array([0, 19]))
    rows = row_errors(panel, replace(past.evaluation, table=table))
    assert rows.step.tolist() == [*range(5, 12), *range(12)]


def test_group_errors_ignore_unknown_values_and_rows_of_no_group():
    rows = make_rows([1, np.nan, 3, 100], [2, 2, 6, 1])
    errors = group_errors(rows, np.array([0, 0, 0, -1]), 2)
    assert errors.n.tolist() == [2, 0]
    assert errors.mae[0] == 2.0
    assert errors.skill[0] == 50.0
    assert np.isnan(errors.mae[1])


def test_group_errors_of_constant_series_compare_in_units_of_the_target():
    errors = group_errors(make_rows([1, 1], [4, 4], unit=[np.nan, 0]), np.zeros(2, int), 1)
    assert np.isnan(errors.mase[0])
    assert errors.skill[0] == 75.0


def test_group_errors_of_series_of_different_size_weigh_them_alike():
    errors = group_errors(make_rows([1, 1000], [2, 1000], unit=[1, 1000]), np.zeros(2, int), 1)
    assert errors.skill[0] == pytest.approx(100 * (1 - 2 / 3))


def test_thirds_of_equal_values_are_one_group():
    assert set(thirds(np.ones(9)).tolist()) == {0}
    assert thirds(np.full(2, np.nan)).tolist() == [-1, -1]
    assert np.bincount(thirds(np.arange(9.0))).tolist() == [3, 3, 3]


def test_series_groups_are_id_columns_and_static_columns_that_group():
    panel = make_forecast(names=tuple(f"s{k}" for k in range(6))).past.panel
    panel = replace(
        panel,
        keys={"shop": np.array(list("aaabbb"), object), "item": np.array(list("123456"), object)},
        stat_exog={
            "kind": np.array([0.0, 1, 0, 1, np.nan, 1]),
            "one": np.ones(6),
            "area": np.arange(6.0),
            "floor": np.array([1.0, 1, 2, 2, 3, 3]),
        },
        categories={"kind": ("food", "toys")},
    )
    groups = series_groups(panel)
    assert {name: names for name, (names, _) in groups.items()} == {
        "shop": ["a", "b"],
        "kind": ["food", "toys"],
        "floor": ["1", "2", "3"],
    }
    assert groups["kind"][1].tolist() == [0, 1, 0, 1, -1, 1]
