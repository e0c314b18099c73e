"""What is known at a cutoff: nothing that came later, but the columns that are known ahead."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast.data.panel import Hierarchy, from_values
from gatecast.data.panel_builder import build_panel
from gatecast.data.panel_update import match_series
from gatecast.forecasting.context import PanelContext


@pytest.fixture
def exogenous():
    rng = np.random.default_rng(0)
    return replace(
        PanelContext.from_values(rng.normal(size=(3, 12))),
        futr_exog=rng.normal(size=(3, 14, 2)),
        hist_exog=rng.normal(size=(3, 12, 1)),
        stat_exog=rng.normal(size=(3, 2)),
    )


def test_drop_last_drops_values_and_historic_columns_not_future_ones(exogenous):
    past = exogenous.drop_last(5)
    np.testing.assert_array_equal(past.values, exogenous.values[:, :7])
    np.testing.assert_array_equal(past.hist_exog, exogenous.hist_exog[:, :7])
    np.testing.assert_array_equal(past.futr_exog, exogenous.futr_exog)
    assert past.end.tolist() == [-5, -5, -5]


def test_rolling_origins_is_drop_last_at_each_origin_with_the_future_columns_of_the_horizon(exogenous):
    past, came = exogenous.rolling_origins(np.array([6, 2]), 4)
    for c, back in enumerate((6, 2)):
        rows = past.take(slice(3 * c, 3 * c + 3))
        hidden = exogenous.drop_last(back)
        np.testing.assert_array_equal(rows.values[:, back:], hidden.values)
        np.testing.assert_array_equal(rows.hist_exog[:, back:], hidden.hist_exog)
        assert np.isnan(rows.values[:, :back]).all()
        assert np.isnan(rows.hist_exog[:, :back]).all()
        assert rows.end.tolist() == [-back] * 3
        np.testing.assert_array_equal(rows.futr_exog[:, back:], exogenous.futr_exog[:, : 12 - back + 4])
        np.testing.assert_array_equal(rows.stat_exog, exogenous.stat_exog)
    np.testing.assert_array_equal(came[:3], exogenous.values[:, 6:10])
    np.testing.assert_array_equal(came[3:, :2], exogenous.values[:, 10:])
    assert np.isnan(came[3:, 2:]).all()


def test_append_moves_every_column(exogenous):
    more = np.ones((3, 2))
    later = exogenous.append(more)
    np.testing.assert_array_equal(later.values, np.concatenate([exogenous.values[:, 2:], more], axis=1))
    np.testing.assert_array_equal(later.hist_exog[:, :10], exogenous.hist_exog[:, 2:])
    assert np.isnan(later.hist_exog[:, 10:]).all()
    np.testing.assert_array_equal(later.futr_exog, exogenous.futr_exog[:, 2:])
    assert later.end.tolist() == [2, 2, 2]
    short = PanelContext.from_values(np.array([[1.0, 2.0]])).append(np.array([[3.0, 4.0, 5.0]]))
    assert short.values.tolist() == [[4.0, 5.0]]
    longer = exogenous.append(more, max_length=13)
    np.testing.assert_array_equal(longer.values, np.concatenate([exogenous.values[:, 1:], more], axis=1))
    np.testing.assert_array_equal(longer.futr_exog, exogenous.futr_exog[:, 1:])
    assert longer.hist_exog.shape[1] == 13


def test_keep_last_keeps_the_newest_columns(exogenous):
    part = exogenous.keep_last(4)
    np.testing.assert_array_equal(part.values, exogenous.values[:, -4:])
    np.testing.assert_array_equal(part.futr_exog, exogenous.futr_exog[:, 8:])
    np.testing.assert_array_equal(part.hist_exog, exogenous.hist_exog[:, -4:])


def test_from_panel_turns_categories_into_columns_of_0_and_1():
    panel = replace(
        from_values([1.0, 2.0, 3.0]),
        futr_exog={"day": np.array([0.0, np.nan, 1.0])},
        categories={"day": ("holiday", "plain")},
    )
    known = PanelContext.from_panel(panel, {"day": np.array([[0.0, np.nan]])}).futr_exog[0]
    np.testing.assert_array_equal(known, [[1, 0], [0, 0], [0, 1], [1, 0], [0, 0]])


def test_indicators_are_0_where_a_cell_is_empty_and_nan_where_there_is_none():
    """A series that begins later has no cells before; a total is of no category alone."""
    panel, _ = build_panel([1, 2, 3, 3], [1.0, 2, 3, 4], ["a", "a", "a", "b"])
    column, nan = np.array([0.0, np.nan, 0, np.nan]), np.nan
    columns = {"hist_exog": {"day": column}, "futr_exog": {"sale": column}, "stat_exog": {"kind": np.array([0, nan])}}
    panel = replace(panel, **columns, categories={name: ("x",) for name in ("day", "sale", "kind")})
    context = PanelContext.from_panel(panel)
    for part in (context.hist_exog, context.futr_exog):
        np.testing.assert_array_equal(part[..., 0], [[1, 0, 1], [nan, nan, 0]])
    assert context.stat_exog.tolist() == [[1.0], [0.0]]
    total = PanelContext.from_panel(replace(panel, hierarchy=Hierarchy(((),), np.array([[0]]))))
    np.testing.assert_array_equal(total.futr_exog[..., 0], [[nan, nan, nan], [nan, nan, 0]])
    np.testing.assert_array_equal(total.stat_exog, [[nan], [0]])


def test_series_are_found_again_by_name_and_time():
    old, _ = build_panel([1, 2, 3, 1, 2], [1.0, 2, 3, 4, 5], ["a", "a", "a", "b", "b"])
    new, _ = build_panel([3, 4, 5, 1, 2], [9.0, 8, 7, 6, 5], ["b", "b", "b", "c", "c"])
    series, later = match_series(new, old)
    assert series.tolist() == [1, -1]
    assert later.tolist() == [3, 0]
    history = PanelContext.from_panel(new, fitted_on=old)
    assert history.series.tolist() == [1, -1]
    assert history.end.tolist() == [3, 0]


def test_calendar_follows_the_end_of_every_row():
    days = from_values(np.arange(400.0), start="2023-02-01", freq="D")
    context = PanelContext.from_panel(days)
    last = days.times(0)[-1].astype("M8[D]")
    assert context.calendar.last.tolist() == [last]
    assert context.drop_last(9).calendar.last == last - 9
    assert context.keep_last(50).calendar.last == last
    assert context.append(np.zeros((1, 4))).calendar.last == last + 4
    past, _ = context.rolling_origins(np.array([30, 2]), 3)
    assert past.calendar.last.tolist() == [last - 30, last - 2]
    assert past.take([1]).calendar.last.tolist() == [last - 2]
    assert past.batches(1)[0].calendar.last.tolist() == [last - 30]
    assert context.season_calendar(365) is context.calendar
    assert context.season_calendar(7) is None


def test_calendar_is_of_daily_and_weekly_series_alone():
    months = from_values(np.arange(400.0), start="2023-02-01", freq="MS")
    for context in (PanelContext.from_panel(months), PanelContext.from_values(np.ones((2, 30)))):
        assert context.calendar is None
        assert context.season_calendar(365) is None
        assert context.drop_last(1).take([0]).append(np.ones((1, 2))).calendar is None


def test_the_place_in_a_season_is_that_of_the_time_and_not_of_the_row(rng):
    """Series that end in other months have the same month at the same place, at earlier and later origins too."""
    months = np.array(["2021-03", "2022-11"], "M8[M]")
    lengths = [30, 41]
    times = np.concatenate([last - np.arange(n)[::-1] for last, n in zip(months, lengths, strict=True)])
    panel, _ = build_panel(times.astype("M8[D]"), rng.normal(size=71), np.repeat(["a", "b"], lengths))
    context = PanelContext.from_panel(panel)
    first = panel.start[0].astype("M8[M]")

    def months_of(context, ends):
        places = context.season_places(12, np.arange(-5, 3))
        expected = (ends[:, None] + 1 + np.arange(-5, 3) - first).astype(int) % 12
        np.testing.assert_array_equal(places, expected)

    months_of(context, months)
    months_of(context.drop_last(7), months - 7)
    months_of(context.append(np.ones((2, 4))), months + 4)
    past, _ = context.rolling_origins(np.array([9, 2]), 3)
    months_of(past, np.concatenate([months - 9, months - 2]))
    months_of(context.take([1]), months[1:])
    later = panel.take(np.array([1]))
    months_of(PanelContext.from_panel(later, fitted_on=panel), months[1:])


def test_the_place_in_a_year_of_days_is_that_of_the_date():
    panel, _ = build_panel(np.arange("2023-01-01", "2024-03-02", dtype="M8[D]"), np.ones(426))
    places = PanelContext.from_panel(panel).season_places(365, np.array([-2, -1, 0]))
    assert places.tolist() == [[58, 59, 60]]
