"""Which categories of many get an indicator: the most frequent ones, whatever the order of rows."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast.data.categories import MAX_CATEGORIES, order_categories
from gatecast.data.panel import from_values
from gatecast.data.reader import read

N = 2 * MAX_CATEGORIES
NAMES = [f"c{k:03d}" for k in range(N)]


def frequent_last(rng):
    """Rows of N categories, of which the later half of the alphabet occurs three times as often."""
    rows = np.array(NAMES + 2 * NAMES[MAX_CATEGORIES:], object)
    return rng.permutation(rows)


@pytest.mark.parametrize("n", [1, 2, MAX_CATEGORIES])
def test_few_categories_are_in_the_order_of_the_alphabet(n):
    assert order_categories({name: n - k for k, name in enumerate(NAMES[n - 1 :: -1])}) == tuple(NAMES[:n])


def test_of_many_categories_the_most_frequent_come_first_and_the_alphabet_decides_ties():
    assert order_categories(dict.fromkeys(reversed(NAMES), 1)) == tuple(NAMES)
    counts = {name: 1 + (k >= MAX_CATEGORIES) for k, name in enumerate(NAMES)}
    assert order_categories(counts) == (*NAMES[MAX_CATEGORIES:], *NAMES[:MAX_CATEGORIES])


@pytest.mark.parametrize("role", ["hist_exog", "futr_exog"])
def test_read_orders_categories_by_the_rows_that_have_them(rng, role):
    column = frequent_last(rng)
    table = {"ds": np.arange(len(column)), "y": np.arange(len(column)) * 1.0, "c": column}
    panel, _ = read(table, target_col="y", **{role: "c"})
    assert panel.categories["c"] == (*NAMES[MAX_CATEGORIES:], *NAMES[:MAX_CATEGORIES])
    codes = getattr(panel, role)["c"].astype(int)
    assert [panel.categories["c"][code] for code in codes] == column.tolist()


def test_categories_before_a_cutoff_are_ordered_by_the_rows_before_it(rng):
    early = rng.permutation(np.concatenate([np.arange(N), np.arange(MAX_CATEGORIES)]))
    late = np.repeat(np.arange(MAX_CATEGORIES, N), 5)
    panel = from_values(np.ones(len(early) + len(late)))
    column = np.concatenate([early, late]) * 1.0
    panel = replace(panel, futr_exog={"c": column}, categories={"c": tuple(NAMES)})
    assert panel.categories_before(len(late))["c"] == tuple(NAMES)
    whole = panel.categories_before(0)
    assert whole["c"] == (*NAMES[MAX_CATEGORIES:], *NAMES[:MAX_CATEGORIES])
    reordered = panel.restrict_categories(whole).futr_exog["c"]
    assert [whole["c"][int(code)] for code in reordered] == [NAMES[int(code)] for code in column]
