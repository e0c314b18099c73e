"""Forecasts from past cutoffs, and scores of fitted models on rows that came later."""

from dataclasses import replace

import numpy as np
import pytest
from panel_cases import N_MONTHS, QUICK, SHOP_COLUMNS, monthly, only_sales, ragged_panel, rows, rows_after

from gatecast.config import DataConfig, TrainingConfig
from gatecast.data.hierarchy import add_totals
from gatecast.data.panel import from_values
from gatecast.data.reader import read
from gatecast.errors import DataError
from gatecast.forecaster import Forecaster
from gatecast.forecasting.context import PanelContext
from gatecast.pipeline import cross_validation as cv
from gatecast.pipeline.cross_validation import cross_validate, cutoff_offsets, iter_windows, longer_than, score_new_rows
from gatecast.pipeline.progress import Progress
from gatecast.selection.compare import compare

H = 4


def test_cutoff_offsets_run_from_the_earliest_cutoff():
    panel = from_values(np.arange(20.0))
    assert cutoff_offsets(panel, 4, 2, None) == [8, 4]
    assert cutoff_offsets(panel, 4, 3, 1) == [6, 5, 4]
    with pytest.raises(DataError, match="5 windows"):
        cutoff_offsets(panel, 4, 5, None)


def test_cutoff_offsets_of_more_windows_than_memory_are_refused_at_once():
    panel = from_values(np.arange(24.0))
    with pytest.raises(DataError, match=r"too short for 10{30} windows: got 24 rows at most"):
        cutoff_offsets(panel, 4, 10**30, 1)


@pytest.mark.slow
def test_longer_than_takes_series_with_two_values_before_the_cutoff(fitted_panel):
    panel = fitted_panel.panel_
    assert (longer_than(panel, 15).lengths > 16).all()
    assert len(longer_than(panel, 15)) == (panel.lengths > 16).sum()


SHORT = {"a": 24, "b": 24, "d": 13, "c": 5, "e": 5}
"""Rows of series; of the last three, not all cutoffs have two rows before them."""


def table_of_short_series():
    ids = np.repeat(np.array(list(SHORT), object), list(SHORT.values()))
    times = np.concatenate([np.arange(24 - n, 24) for n in SHORT.values()])
    return {"unique_id": ids, "ds": times, "y": np.arange(float(len(times)))}


def cross_validation_findings(table, **settings):
    forecaster = Forecaster(6, model="naive", **settings)
    forecaster.cross_validation(table, n_windows=2)
    return forecaster.findings_


def compare_findings(table, **settings):
    return compare(table, 6, models="naive", n_windows=2, **settings).findings


@pytest.mark.parametrize("findings_of", [cross_validation_findings, compare_findings])
def test_series_that_cutoffs_leave_out_are_noted(findings_of):
    assert list(findings_of(table_of_short_series())[-2:]) == [
        "2 of 5 series have fewer than 2 rows before every cutoff and are left out: 'c', 'e'.",
        "1 of 5 series has fewer than 2 rows before the first cutoff and is forecast from later ones alone: 'd'.",
    ]
    findings = findings_of({name: column[:48] for name, column in table_of_short_series().items()})
    assert not any("cutoff" in finding for finding in findings)


def test_totals_of_series_that_cutoffs_leave_out_are_noted():
    findings = cross_validation_findings(table_of_short_series(), hierarchy=True)
    assert findings[-1] == "At each cutoff, totals are the sums of the series that have a forecast from there."


@pytest.mark.slow
def test_cross_validation_uses_nothing_after_a_cutoff(panel_table):
    forecaster = Forecaster(H, **QUICK)
    folds = forecaster.cross_validation(panel_table, n_windows=2, step_size=3)
    assert list(folds)[:5] == ["unique_id", "ds", "cutoff", "y", "Ensemble"]
    assert {"LSTM", "DynamicOptimizedTheta", "SeasonalNaive", "Naive"} <= set(folds)
    assert (folds["ds"] > folds["cutoff"]).all()
    poisoned = {name: column.copy() for name, column in panel_table.items()}
    for name in np.unique(panel_table["unique_id"]):
        poisoned["y"][np.flatnonzero(panel_table["unique_id"] == name)[-H:]] = 1e6
    other = forecaster.cross_validation(poisoned, n_windows=2, step_size=3)
    for name in ("Ensemble", "Ensemble-lo-95", "LSTM", "SeasonalNaive"):
        assert folds[name].tobytes() == other[name].tobytes(), name
    values = panel_table["y"][panel_table["unique_id"] == "s05"]
    actual = folds["y"][folds["unique_id"] == "s05"]
    np.testing.assert_array_equal(actual[-H:], values[-H:])
    np.testing.assert_array_equal(actual[:H], values[-H - 3 : -3])


@pytest.mark.slow
def test_cross_validation_reads_future_columns_but_not_past_ones_after_a_cutoff(shops):
    data = DataConfig(futr_exog="promo", hist_exog="visitors")
    forecaster = Forecaster(6, data=data, **SHOP_COLUMNS, **QUICK)
    poisoned = {name: column.copy() for name, column in shops.items()}
    after = np.tile(np.arange(N_MONTHS) >= N_MONTHS - 6, 20)
    poisoned["sales"][after], poisoned["visitors"][after] = 1e6, -1e6
    clean, other = (forecaster.cross_validation(table)["Ensemble"] for table in (shops, poisoned))
    np.testing.assert_array_equal(clean, other)
    poisoned["promo"][after] = 5.0
    assert (forecaster.cross_validation(poisoned)["Ensemble"] != clean).any()


@pytest.mark.slow
def test_cross_validation_without_refit_fits_at_the_first_cutoff(panel_table):
    once = Forecaster(H, **QUICK).cross_validation(panel_table, n_windows=2, refit=False)
    again = Forecaster(H, **QUICK).cross_validation(panel_table, n_windows=2)
    series = once["unique_id"] == "s05"
    first = series & (once["cutoff"] == once["cutoff"][series].min())
    np.testing.assert_array_equal(once["Ensemble"][first], again["Ensemble"][first])
    assert (once["Ensemble"] != again["Ensemble"]).any()


def test_cross_validation_series_too_short_raises(panel_table):
    with pytest.raises(DataError, match="too short for 50 windows"):
        Forecaster(H, **QUICK).cross_validation(panel_table, n_windows=50)


def test_cross_validation_keeps_the_season_of_the_first_cutoff():
    # In this noise a season is found at some cutoffs and not at others.
    rng, t = np.random.default_rng(18), np.arange(60)
    times = np.arange("2015-01", "2020-01", dtype="M8[M]").astype("M8[D]")
    source = {"ds": times, "y": 10 + np.sin(t * np.pi / 6) + rng.normal(0, 1.3, 60)}
    forecaster = Forecaster(3, model="rnn", training=TrainingConfig(n_members=1, max_steps=2))
    seasons = [
        forecaster.fit({name: column[: 60 - offset] for name, column in source.items()}, evaluate=False).season_length_
        for offset in (12, 9, 6, 3)
    ]
    assert len(set(seasons)) == 2
    folds = forecaster.cross_validation(source, n_windows=4)
    reference = next(name for name in folds if name in ("SeasonalNaive", "Naive"))
    assert (reference == "SeasonalNaive") == (seasons[0] > 1)
    assert np.isfinite(folds["Naive"]).all()


def test_rolling_origins_hide_later_values(rng):
    values = rng.normal(size=(3, 20))
    past, actual = PanelContext.from_values(values).rolling_origins(np.array([8, 4]), 4)
    np.testing.assert_array_equal(past.values[:3, 8:], values[:, :12])
    np.testing.assert_array_equal(past.values[3:, 4:], values[:, :16])
    np.testing.assert_array_equal(actual, np.concatenate([values[:, 12:16], values[:, 16:]]))


def test_categories_before_the_last_values_leaves_later_ones_out():
    categories = {"day": ("Fr", "Mo", "Tu"), "kind": ("a", "b")}
    day = np.array([1.0, np.nan, 2.0, 0.0])
    panel = from_values(np.arange(4.0))
    panel = replace(panel, hist_exog={"day": day}, stat_exog={"kind": np.ones(1)}, categories=categories)
    known = panel.categories_before(1)
    assert known == {"day": ("Mo", "Tu"), "kind": ("a", "b")}
    np.testing.assert_array_equal(panel.restrict_categories(known).hist_exog["day"], [0.0, np.nan, 1.0, np.nan])
    assert panel.restrict_categories(panel.categories_before(0)) is panel


@pytest.mark.slow
@pytest.mark.parametrize("role", ["hist_exog", "futr_exog"])
def test_categories_after_a_cutoff_are_unknown_before_it(role):
    rng, n = np.random.default_rng(0), 72
    table = {"t": np.arange(n), "y": 10 + np.sin(np.arange(n)) + rng.normal(0, 0.1, n)}
    day = np.tile(["Mo", "Tu", "We"], n // 3).astype(object)
    later = day.copy()
    # A category that sorts before the others, so that each of them would be numbered otherwise.
    later[-3:] = "Fr"
    settings = {"model": "lstm", "target_col": "y", role: "day", "season_length": 1}
    settings["training"] = TrainingConfig(n_members=1, max_steps=8)
    tables = [table | {"day": column} for column in (day, later)]
    before, after = (Forecaster(4, **settings).fit(source) for source in tables)
    assert after.panel_.categories == {"day": ("Fr", "Mo", "Tu", "We")}
    assert before.training_history_["loss"] == after.training_history_["loss"]
    if role == "hist_exog":  # future columns are known for the steps ahead, categories included
        assert before.training_history_ == after.training_history_
        first, second = (forecaster.evaluation_.table["LSTM"][:4] for forecaster in (before, after))
        assert first.tobytes() == second.tobytes()
    for refit in (True, False):
        folds = [Forecaster(4, **settings).cross_validation(source, n_windows=3, refit=refit) for source in tables]
        earlier = folds[0]["cutoff"] < folds[0]["cutoff"].max()
        assert folds[0]["LSTM"][earlier].tobytes() == folds[1]["LSTM"][earlier].tobytes()


def test_score_new_rows_scores_what_predict_returned(fitted_shops, past_shops, shops):
    forecast = fitted_shops.predict()
    new = rows_after(shops, N_MONTHS - 6)
    evaluation = fitted_shops.evaluate(shops)
    assert evaluation.split_sizes == (N_MONTHS - 6, 0, 6)
    assert evaluation.scores[0].mae == pytest.approx(np.abs(forecast["Ensemble"] - new["sales"]).mean())
    assert "fitted on" not in evaluation.verdict
    assert fitted_shops.evaluate(only_sales(new)).scores == evaluation.scores
    assert "6 of these rows" in fitted_shops.evaluate(past_shops).verdict


def test_score_new_rows_of_some_series_scores_these(fitted_shops, shops):
    two = only_sales({name: column[:12] for name, column in rows_after(shops, N_MONTHS - 6).items()})
    assert set(fitted_shops.evaluate(two).table["shop"]) == {"shop 0", "shop 1"}


def test_score_new_rows_too_few_rows_raises(fitted_shops, shops):
    with pytest.raises(DataError, match="70"):
        fitted_shops.evaluate(shops, n_rows=70)


def test_score_new_rows_of_another_panel_scores_one_horizon(fitted_shops, shops):
    other = rows(only_sales(shops), shops["shop"] == "shop 3") | {"shop": np.full(N_MONTHS, "unseen")}
    assert fitted_shops.evaluate(other).split_sizes == (N_MONTHS - 6, 0, 6)


@pytest.mark.parametrize(
    ("n", "h", "n_windows", "step_size", "offsets"),
    [(10, 4, 2, None, [8, 4]), (6, 4, 1, 9, [4]), (8, 2, 3, 2, [6, 4, 2])],
)
def test_cutoff_offsets_leave_two_values_before_the_first(n, h, n_windows, step_size, offsets):
    assert cutoff_offsets(from_values(np.arange(float(n))), h, n_windows, step_size) == offsets
    with pytest.raises(DataError, match=f"too short for {n_windows} windows") as caught:
        cutoff_offsets(from_values(np.arange(n - 1.0)), h, n_windows, step_size)
    assert f"{n - 1} rows at most, expected more than {offsets[0] + 1}" in str(caught.value)


def mean_forecasts(**options):
    """Windows of the means of two series, of 20 and 9 rows."""
    y = np.random.default_rng(0).normal(size=29)
    table = {"id": ["a"] * 20 + ["b"] * 9, "ds": [*range(20), *range(11, 20)], "y": y}
    return table, Forecaster(2, model="mean", season_length=1).cross_validation(
        table, n_windows=3, step_size=3, **options
    )


def test_cross_validation_fits_series_with_two_values_before_a_cutoff():
    table, folds = mean_forecasts()
    a, b = table["y"][:20], table["y"][20:]
    expected = []
    for offset in (8, 5, 2):
        for s in [a, b] if offset < 8 else [a]:
            actual = s[len(s) - offset :][:2]
            expected += [(y, s[: len(s) - offset].mean()) for y in actual]
    np.testing.assert_allclose(np.stack([folds["y"], folds["Mean"]], axis=1), expected)
    assert folds["cutoff"].tolist() == [11] * 2 + [14] * 4 + [17] * 4
    assert folds["ds"].tolist() == [12, 13, *2 * [15, 16], *2 * [18, 19]]
    assert folds["id"].tolist() == ["a"] * 2 + ["a", "a", "b", "b"] * 2


def test_cross_validation_without_refit_forecasts_later_windows_from_their_values():
    """Simple models have nothing to fit: only the intervals are those of the first cutoff."""
    _, again = mean_forecasts()
    _, once = mean_forecasts(refit=False)
    np.testing.assert_array_equal(once["Mean"], again["Mean"])
    np.testing.assert_array_equal(once["Mean-hi-95"][:2], again["Mean-hi-95"][:2])
    assert (once["Mean-hi-95"][2:] != again["Mean-hi-95"][2:]).all()


def test_iter_windows_without_a_horizon_take_the_default():
    panel = read(monthly(100 + np.random.default_rng(0).normal(size=60)))[0]
    config = replace(Forecaster(3, model="mean").config, h=None)
    windows = list(iter_windows(panel, config, 2, None, refit=True))
    assert [len(window.table["y"]) for window in windows] == [12, 12]
    assert [(window.name, window.season_length, window.n_networks, window.n_parameters) for window in windows] == [
        ("Mean", 1, 0, 0)
    ] * 2
    table, name = cross_validate(panel, config, 2, None, refit=False)
    assert name == "Mean"
    assert len(table["y"]) == 24
    assert len(cross_validate(panel, config, 1, None, refit=True)[0]["y"]) == 12


def test_longer_than_sums_the_series_that_are_left():
    panel = add_totals(
        read(
            {"id": ["a"] * 6 + ["b"] * 5 + ["c"] * 6, "ds": [*range(6), *range(1, 6), *range(6)], "y": np.arange(17.0)}
        )[0],
        True,
        [],
    )
    assert longer_than(panel, 3).ids.tolist() == ["total", "a", "b", "c"]
    fewer = longer_than(panel, 4)
    assert fewer.ids.tolist() == ["total", "a", "c"]
    assert fewer.series(0).tolist() == [11.0, 13.0, 15.0, 17.0, 19.0, 21.0]
    base = read(
        {"id": ["a"] * 6 + ["b"] * 5 + ["c"] * 6, "ds": [*range(6), *range(5), *range(6)], "y": np.arange(17.0)}
    )[0]
    assert longer_than(base, 3).ids.tolist() == ["a", "b", "c"]
    assert longer_than(base, 4).ids.tolist() == ["a", "c"]
    assert longer_than(base, 5).ids.tolist() == []


def test_progress_is_that_of_all_cutoffs():
    reports, done = [], []
    report = cv._window_reporter(reports.append, done, 4)
    report(Progress("training", 0.5, 2.0))
    done += [None, None]
    report(Progress("training", 1.0, None))
    assert reports == [Progress("cutoff 1 of 4", 0.125, 2.0), Progress("cutoff 3 of 4", 0.75, None)]


@pytest.fixture(scope="module")
def naive():
    return Forecaster(3, model="naive", season_length=1).fit(ragged_panel([30, 20, 24]), evaluate=False)


@pytest.mark.parametrize(("n_rows", "n_test", "n_seen"), [(None, 4, 0), (2, 2, 0), (4, 4, 0), (7, 7, 3)])
def test_score_new_rows_scores_the_rows_after_fitting(naive, n_rows, n_test, n_seen):
    state = naive.state_
    panel = read(ragged_panel([34, 24, 28]))[0]
    evaluation = score_new_rows(state, panel, n_rows, (80.0,))
    assert evaluation.split_sizes == (28 - n_test, 0, n_test)
    seen = f"The models were fitted on {n_seen} of these rows"
    assert (seen in evaluation.verdict) == (n_seen > 0)
    assert ("fitted on" in evaluation.verdict) == (n_seen > 0)


@pytest.mark.parametrize(("n_gap", "sentence"), [(0, ""), (5, "Of these 7 rows, those with a value are scored: 2.")])
def test_score_new_rows_after_a_gap_says_how_many_have_a_value(n_gap, sentence):
    forecaster = Forecaster(3, model="naive").fit({"ds": np.arange(20), "y": np.arange(20.0)}, evaluate=False)
    evaluation = forecaster.evaluate({"ds": np.arange(20, 22) + n_gap, "y": [1.0, 2.0]})
    assert ("those with a value" in evaluation.verdict) == (n_gap > 0)
    assert evaluation.verdict.endswith(sentence)
    gap = f"{n_gap} times between the known rows and the new ones have no value."
    assert (gap in evaluation.findings) == (n_gap > 0)


def test_score_new_rows_of_the_first_series_alone_scores_its_new_rows(naive):
    table = ragged_panel([34])
    panel = read({"unique_id": table["unique_id"], "ds": table["ds"], "y": table["y"]}, id_col="unique_id")[0]
    assert score_new_rows(naive.state_, panel, None, (80.0,)).split_sizes == (30, 0, 4)


def test_score_new_rows_of_strangers_scores_a_horizon(naive):
    table = ragged_panel([14, 12])
    strangers = read(table | {"unique_id": np.char.add("new ", table["unique_id"])})[0]
    evaluation = score_new_rows(naive.state_, strangers, None, (80.0,))
    assert evaluation.split_sizes == (10, 0, 3)
    assert "fitted on" not in score_new_rows(naive.state_, strangers, 9, (80.0,)).verdict
    assert score_new_rows(naive.state_, strangers, 13, (80.0,)).split_sizes == (0, 0, 13)
    with pytest.raises(DataError, match="too short to forecast their last 14 rows") as caught:
        score_new_rows(naive.state_, strangers, 14, (80.0,))
    assert "14 rows at most, expected more than 14" in str(caught.value)


def test_score_new_rows_of_what_was_fitted_says_so(naive):
    evaluation = score_new_rows(naive.state_, naive.state_.panel, None, (80.0,))
    assert evaluation.split_sizes == (21, 0, 3)
    assert "The models were fitted on 3 of these rows: errors to come are larger." in evaluation.verdict


def test_each_window_is_fitted_as_fit_would_at_its_cutoff():
    """The season of the first cutoff is that of seasonal naive, and no setting of the models."""
    rng = np.random.default_rng(3)
    hours = np.arange(24 * 7 * 6)
    load = (
        (3 + np.sin(hours * np.pi / 12))
        * np.where(hours // 24 % 7 < 5, 1.0, 0.5)
        * np.exp(0.05 * rng.normal(size=1008))
    )
    rows = {"ds": np.datetime64("2024-01-01T00", "h") + hours, "y": load}
    folds = Forecaster(24, model="double-seasonal").cross_validation(rows, n_windows=3, output="dict")
    for k, end in enumerate((-72, -48, -24)):
        past = {name: column[:end] for name, column in rows.items()}
        fitted = Forecaster(24, model="double-seasonal").fit(past, evaluate=False)
        np.testing.assert_array_equal(
            folds["DoubleSeasonal"][24 * k : 24 * (k + 1)], fitted.predict(output="dict")["DoubleSeasonal"]
        )


def test_weights_and_intervals_of_a_window_are_those_of_a_fit_that_is_not_scored():
    lengths, models = [40, 30, 50], ["dot", "drift"]
    rows = ragged_panel(lengths)
    n_after = np.concatenate([np.arange(n)[::-1] for n in lengths])
    folds = Forecaster(H, model=models).cross_validation(rows, n_windows=2, output="dict")
    for k, offset in enumerate((2 * H, H)):
        past = {name: column[n_after >= offset] for name, column in rows.items()}
        forecast = Forecaster(H, model=models).fit(past, evaluate=False).predict(output="dict")
        for name, column in forecast.items():
            np.testing.assert_array_equal(folds[name][3 * H * k : 3 * H * (k + 1)], column)
