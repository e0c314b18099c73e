"""Sentences about results: each is filled from the facts of the result alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gatecast.explain.describe import describe_explanation, describe_importance
from gatecast.explain.forecast_attribution import Explanation
from gatecast.explain.permutation_importance import Importance

TABLE = {
    "time": np.array([1, 2, 2, 3]),
    "feature": np.array(["y", "y", "price", "price"], object),
    "lag": np.array([2, 1, 1, 0]),
    "role": np.array(["value", "value", "known", "effect"], object),
    "value": np.ones(4),
    "attribution": np.array([-3.0, 0.0, 0.5, 1.0]),
}
EXPLANATION = Explanation("a", "integrated", 1, 0.5, 3, 8.5, 10.0, 0.0, 2e-4, TABLE, "LSTM")
IMPORTANCE = Importance(
    1.0,
    {
        "column": np.array(["price", "day"], object),
        "increase": np.array([12.0, 0.5]),
        "low": np.array([8.0, -0.5]),
        "high": np.array([15.0, 1.5]),
    },
    4,
    5,
)


def test_describe_explanation_names_the_largest_contributions_and_how_well_they_add_up():
    assert EXPLANATION.sentence == describe_explanation(EXPLANATION)
    assert EXPLANATION.sentence == (
        "For 3, step 1, the LSTM networks forecast 8.5 (median); for a series that stayed at its newest level they "
        "would forecast 10, a difference of -1.5. The largest contributions: lag 2 (-3), column price (+1.5). All "
        "contributions add up to the difference, within 0.02 % of their size."
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"model": "Sequential"}, "your own networks forecast 8.5"),
        ({"quantile": 0.9}, "forecast 8.5 (0.9 quantile)"),
        ({"method": "occlusion"}, "All contributions together are -1.5: with this method they need not add up."),
        ({"weight": 0.25}, "These networks have a weight of 25% in the forecast; the other models are not explained."),
        ({"table": TABLE | {"attribution": np.zeros(4)}}, "None of their inputs matters."),
    ],
)
def test_describe_explanation_follows_the_facts(changes, text):
    assert text in replace(EXPLANATION, **changes).sentence


def test_describe_importance_names_columns_that_matter_and_those_that_do_not():
    assert IMPORTANCE.sentence == describe_importance(IMPORTANCE)
    assert IMPORTANCE.sentence == (
        "Over 4 past cutoffs, with models that were fitted before the first, each column shuffled 5 times: the mean "
        "absolute error grows without price by 12 % (8 to 15 %). No clear difference: day."
    )


def test_describe_importance_without_a_column_that_matters():
    idle = replace(IMPORTANCE, table=IMPORTANCE.table | {"low": np.array([-1.0, -0.5])})
    assert idle.sentence.endswith("times: no column is needed.")


@pytest.mark.parametrize("result", [EXPLANATION, IMPORTANCE])
def test_to_frame_returns_the_table_in_the_kind_that_was_passed_in(result):
    frame = replace(result, kind="pandas").to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame) == list(result.table)
    assert result.to_frame() is result.table or list(result.to_frame()) == list(result.table)
