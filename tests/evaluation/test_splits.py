"""How series are cut in time order into training, validation and test part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import parse
from gatecast.errors import DataError
from gatecast.evaluation.splits import Split, check_split, default_horizon, split_panel, split_series


@given(n=st.integers(1, 5000), h=st.integers(1, 500))
def test_split_series_covers_the_series_in_full_horizons_or_raises(n, h):
    if n < 2 * h + 12:
        with pytest.raises(DataError, match="too short for a horizon"):
            split_series(n, h)
        return
    parts = split_series(n, h)
    assert sum(parts) == n
    assert parts.validation == parts.test
    assert parts.test % h == 0
    assert parts.train >= 12


def test_split_series_too_short_states_the_longest_horizon():
    with pytest.raises(DataError) as caught:
        split_series(30, 24)
    expected = "30 rows, expected at least 60: 24 to test, 24 to validate, 12 to train. Use a horizon of at most 9"
    assert expected in str(caught.value)
    with pytest.raises(DataError, match=r"12 to train\. Provide more rows\."):
        split_series(12, 1)


@pytest.mark.parametrize(
    ("freq", "n", "h"),
    [
        ("MS", 144, 24),
        ("QS", 80, 8),
        ("D", 3650, 14),
        ("h", 9000, 48),
        ("30min", 4032, 96),
        ("YS", 289, 6),
        ("MS", 40, 8),
    ],
)
def test_default_horizon_by_frequency_and_length(freq, n, h):
    assert default_horizon(parse(freq), n) == h


@pytest.mark.parametrize(
    ("gap", "name"), [(slice(0, 95), "training"), (slice(96, 120), "validation"), (slice(120, 144), "test")]
)
def test_check_split_empty_part_raises_with_its_name(gap, name):
    values = np.arange(144.0)
    values[gap] = np.nan
    with pytest.raises(DataError, match=f"{name} part has too few values") as caught:
        check_split(values, split_series(144, 24))
    assert "Use another horizon" in str(caught.value)


@pytest.mark.parametrize(
    ("lengths", "h", "split"),
    [
        ([144], 24, (96, 24, 24)),
        ([9], 6, None),
        ([60] * 1000, 12, (36, 12, 12)),
        ([20] * 3 + [9] * 10, 8, None),
    ],
)
def test_split_panel_holds_back_ends_where_enough_series_are_long_enough(lengths, h, split):
    assert split_panel(np.array(lengths), h) == (None if split is None else Split(*split))


def test_split_panel_of_few_series_validates_several_horizons():
    train, validation, test = split_panel(np.full(4, 400), 12)
    assert (validation % 12, test) == (0, 12)
    assert validation > 12
    assert train + validation + test == 400


def test_split_series_of_a_long_series_holds_back_256_horizons_at_most():
    assert split_series(1_000_000, 1) == Split(999_488, 256, 256)
    assert split_series(100_000, 24) == Split(100_000 - 2 * 24 * 256, 24 * 256, 24 * 256)


@pytest.mark.parametrize(
    ("n", "h", "test"),
    [
        (14, 1, 1),
        (59, 2, 4),
        (60, 2, 6),
        (100, 10, 10),
        (199, 10, 10),
        (200, 10, 20),
        (25600, 10, 2560),
        (40000, 10, 2560),
    ],
)
def test_split_series_holds_back_full_horizons_of_about_a_tenth(n, h, test):
    assert split_series(n, h) == (n - 2 * test, test, test)


@pytest.mark.parametrize(
    ("n", "h", "advice"), [(14, 2, "a horizon of at most 1, or provide more rows"), (13, 1, "Provide more rows.")]
)
def test_split_series_advises_a_horizon_only_where_there_is_one(n, h, advice):
    with pytest.raises(DataError, match=advice) as caught:
        split_series(n, h)
    assert f"expected at least {2 * h + 12}: {h} to test, {h} to validate, 12 to train" in str(caught.value)


@pytest.mark.parametrize(
    ("lengths", "h", "split"),
    [
        ([13], 1, None),
        ([14], 1, (12, 1, 1)),
        # A quarter of the series, and at least one, has to be three horizons long.
        ([18] * 2 + [17] * 6, 6, (5, 6, 6)),
        ([18] + [17] * 6, 6, (5, 6, 6)),
        ([18] + [17] * 7, 6, None),
        ([18, 17], 6, (5, 6, 6)),
        ([17, 17], 6, None),
        # 32 horizons of all series together, as far as a tenth of a series goes.
        ([400] * 8, 10, (350, 40, 10)),
        ([400] * 9, 10, (350, 40, 10)),
        ([400] * 11, 10, (360, 30, 10)),
        ([400] * 31, 10, (370, 20, 10)),
        ([400] * 32, 10, (380, 10, 10)),
        ([400] * 2, 10, (350, 40, 10)),
        ([200] * 2, 10, (170, 20, 10)),
    ],
)
def test_split_panel_validates_as_many_horizons_as_give_enough_errors(lengths, h, split):
    assert split_panel(np.array(lengths), h) == split


@pytest.mark.parametrize(("n_known", "is_enough"), [(8, True), (7, False)])
def test_check_split_training_part_needs_eight_values(n_known, is_enough):
    values = np.arange(60.0)
    values[n_known:30] = np.nan
    if is_enough:
        check_split(values, Split(30, 15, 15))
    else:
        with pytest.raises(DataError, match="rows 1 to 30 of the series") as caught:
            check_split(values, Split(30, 15, 15))
        assert "7 observed of 30, expected at least 8" in str(caught.value)


@pytest.mark.parametrize(("first", "name"), [(30, "validation"), (45, "test")])
def test_check_split_other_parts_need_one_value(first, name):
    values = np.arange(60.0)
    values[first : first + 14] = np.nan
    check_split(values, Split(30, 15, 15))
    values[first + 14] = np.nan
    with pytest.raises(DataError, match=f"The {name} part has too few values") as caught:
        check_split(values, Split(30, 15, 15))
    assert f"rows {first + 1} to {first + 15} of the series" in str(caught.value)
    assert "0 observed of 15, expected at least 1" in str(caught.value)


@pytest.mark.parametrize(("n", "h"), [(1, 1), (4, 1), (9, 1), (10, 2), (29, 5), (30, 6), (1000, 6)])
def test_default_horizon_of_years_is_a_fifth_of_few_rows(n, h):
    assert default_horizon(parse("YS"), n) == h


@given(lengths=st.lists(st.integers(1, 200), min_size=1, max_size=8), h=st.integers(1, 40))
def test_split_panel_parts_are_never_negative(lengths, h):
    split = split_panel(np.array(lengths), h)
    if split is not None:
        assert min(split) >= 0
        assert split.train == max(0, int(np.median(lengths)) - split.validation - split.test)
