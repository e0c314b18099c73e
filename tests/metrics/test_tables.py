"""Scores of cross-validation tables and their leaderboard, for tables of every kind."""

import numpy as np
import pytest

from gatecast import metrics
from gatecast.errors import ConfigError, DataError
from gatecast.metrics.tables import cross_validation_columns, evaluate, leaderboard, to_columns

H, T = 3, 20


def make_tables(n_series=2, cutoffs=(10, 14)):
    """Return series, and forecasts from some cutoffs with intervals of 80 % of the first model."""
    rng = np.random.default_rng(0)
    ids = np.array([f"s{k}" for k in range(n_series)])
    train = {
        "shop": np.repeat(ids, T),
        "day": np.tile(np.arange(1, T + 1), n_series),
        "sold": rng.normal(10, 3, n_series * T).round(2),
    }
    rows = [(s, c, c + k) for c in cutoffs for s in range(n_series) for k in range(1, H + 1)]
    values = np.array([train["sold"][s * T + t - 1] for s, _, t in rows])
    forecast = values + rng.normal(0, 1, len(rows))
    folds = {
        "shop": ids[[s for s, _, _ in rows]],
        "day": np.array([t for _, _, t in rows]),
        "cutoff": np.array([c for _, c, _ in rows]),
        "sold": values,
        "LSTM": forecast,
        "LSTM-lo-80": forecast - 1.3,
        "LSTM-hi-80": forecast + 1.3,
        "Naive": values + 2.0,
    }
    return train, folds


def score(function, folds, shop, cutoff, *columns, **options):
    """Apply a metric to the rows of one series at one cutoff."""
    rows = (folds["shop"] == shop) & (folds["cutoff"] == cutoff)
    return function(*(folds[name][rows] for name in columns), **options)


def test_evaluate_has_a_row_for_each_metric_series_and_cutoff():
    _, folds = make_tables()
    table = evaluate(folds, ["mae", metrics.rmse, "smape", "mape"])
    assert list(table) == ["shop", "cutoff", "metric", "LSTM", "Naive"]
    assert table["metric"].tolist() == ["mae"] * 4 + ["rmse"] * 4 + ["smape"] * 4 + ["mape"] * 4
    for k in range(16):
        function = getattr(metrics, table["metric"][k])
        expected = score(function, folds, table["shop"][k], table["cutoff"][k], "sold", "LSTM")
        assert table["LSTM"][k] == expected
    assert table["Naive"][:4] == pytest.approx(2.0)


def test_evaluate_scales_by_the_values_up_to_each_cutoff():
    train, folds = make_tables()
    shuffled = np.random.default_rng(1).permutation(len(train["day"]))
    table = evaluate(
        folds, ["mase", "rmsse"], train_df={name: column[shuffled] for name, column in train.items()}, season_length=2
    )
    for k in range(8):
        shop, cutoff = table["shop"][k], table["cutoff"][k]
        past = train["sold"][(train["shop"] == shop) & (train["day"] <= cutoff)]
        function = getattr(metrics, table["metric"][k])
        assert table["LSTM"][k] == pytest.approx(
            score(function, folds, shop, cutoff, "sold", "LSTM", y_train=past, season_length=2)
        )
    later = train | {"sold": np.where(train["day"] > 14, 1e9, train["sold"])}
    again = evaluate(folds, ["mase", "rmsse"], train_df=later, season_length=2)
    assert again["LSTM"].tolist() == table["LSTM"].tolist()


def test_evaluate_interval_and_quantile_metrics():
    train, folds = make_tables()
    table = evaluate(folds, ["coverage", "msis", "crps", "wql", "pinball"], train_df=train)
    assert list(dict.fromkeys(table["metric"])) == ["coverage_level80", "msis_level80", "crps", "wql", "pinball"]
    rows = (folds["shop"] == "s0") & (folds["cutoff"] == 10)
    y, f, low, high = (folds[name][rows] for name in ("sold", "LSTM", "LSTM-lo-80", "LSTM-hi-80"))
    past = train["sold"][:10]
    expected = [
        metrics.coverage(y, low, high),
        metrics.msis(y, low, high, past, 1, 80),
        *(
            getattr(metrics, name)(y, np.stack([low, f, high], 1), [0.1, 0.5, 0.9])
            for name in ("crps", "wql", "pinball")
        ),
    ]
    first = (table["shop"] == "s0") & (table["cutoff"] == 10)
    assert table["LSTM"][first] == pytest.approx(expected)
    assert np.isnan(table["Naive"].astype(float)).all()
    with pytest.raises(ConfigError, match="level"):
        evaluate(folds, "coverage", level=95)


def test_evaluate_aggregates_over_series_and_cutoffs():
    _, folds = make_tables()
    each = evaluate(folds, ["mae", "rmse"])
    for agg_fn in ("mean", "median"):
        table = evaluate(folds, ["mae", "rmse"], agg_fn=agg_fn)
        assert list(table) == ["metric", "LSTM", "Naive"]
        assert table["LSTM"] == pytest.approx([getattr(np, agg_fn)(part) for part in np.split(each["LSTM"], 2)])


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_evaluate_and_leaderboard_return_the_kind_that_came_in(library):
    module = pytest.importorskip(library)
    make = getattr(module, "DataFrame", None) or module.table
    train, folds = make_tables()
    days = {name: np.datetime64("2020-01-01") + folds[name] for name in ("day", "cutoff")}
    dated, dated_train = folds | days, train | {"day": np.datetime64("2020-01-01") + train["day"]}
    frames = [make({name: column.tolist() for name, column in table.items()}) for table in (dated, dated_train)]
    for function, settings in ((evaluate, {"metrics": ["mae", "mase"]}), (leaderboard, {})):
        expected = function(folds, train_df=train, **settings)
        table = function(frames[0], train_df=frames[1], **settings)
        assert type(table) is type(frames[0])
        columns = to_columns(table)
        assert list(columns) == list(expected)
        for name in ("LSTM", "mae", "mase", "mean_rank"):
            if name in expected:
                np.testing.assert_allclose(columns[name], expected[name])


def test_evaluate_one_series_without_id():
    _, folds = make_tables(1)
    del folds["shop"]
    table = evaluate(folds, "mae")
    assert list(table) == ["cutoff", "metric", "LSTM", "Naive"]
    assert table["cutoff"].tolist() == [10, 14]


def test_evaluate_missing_values_do_not_count():
    _, folds = make_tables()
    folds["sold"][0] = np.nan
    expected = metrics.mae(folds["sold"][1:3], folds["LSTM"][1:3])
    assert evaluate(folds, "mae")["LSTM"][0] == expected
    folds["LSTM"][1] = np.nan
    assert np.isnan(evaluate(folds, "mae")["LSTM"][0])


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        ({"metrics": "mea"}, ["mea", "mae"]),
        ({"metrics": "mase"}, ["train_df", "mase"]),
        ({"models": ["Arima"]}, ["Arima", "LSTM, Naive"]),
        ({"target_col": "price"}, ["price", "sold"]),
        ({"agg_fn": "max"}, ["max", "mean or median"]),
        ({"metrics": "mase", "train_df": {"day": [1], "sold": [1.0]}}, ["shop", "train_df"]),
    ],
)
def test_evaluate_invalid_argument_raises(settings, facts):
    _, folds = make_tables()
    with pytest.raises(ConfigError) as caught:
        evaluate(folds, **settings)
    for fact in facts:
        assert fact in str(caught.value)


def test_leaderboard_puts_the_smallest_error_first():
    train, folds = make_tables()
    table = leaderboard(folds)
    assert list(table) == ["model", "mae", "mean_rank"]
    assert table["model"].tolist() == ["LSTM", "Naive"]
    each = evaluate(folds, "mae")
    assert table["mae"] == pytest.approx([each[name].mean() for name in ("LSTM", "Naive")])
    assert table["mean_rank"].sum() == 3
    scaled = leaderboard(folds, train_df=train, season_length=1)
    assert list(scaled) == ["model", "mase", "mae", "mean_rank"]
    assert (np.diff(scaled["mase"]) >= 0).all()


def test_leaderboard_shares_ranks_and_puts_missing_forecasts_last():
    _, folds = make_tables()
    folds["Copy"], folds["None"] = folds["Naive"], np.where(folds["shop"] == "s0", np.nan, folds["sold"])
    table = leaderboard(folds)
    rank = dict(zip(table["model"].tolist(), table["mean_rank"].tolist(), strict=True))
    assert rank["Copy"] == rank["Naive"]
    assert table["model"][-1] == "None"
    assert np.isnan(table["mae"][-1])


def test_cross_validation_columns_finds_every_role():
    names = ["id", "ds", "cutoff", "y", "A", "A-lo-80", "A-hi-80", "A-lo-97.5", "A-hi-97.5", "B-lo-1"]
    roles = cross_validation_columns(dict.fromkeys(names))
    assert roles == ("id", "ds", "cutoff", "y", ("A", "B-lo-1"), (80.0, 97.5))
    assert cross_validation_columns(dict.fromkeys(["ds", "y", "A"]), "y")[:4] == (None, "ds", None, "y")
    for columns in (["ds", "y", "A"], ["ds", "cutoff"]):
        with pytest.raises(ConfigError, match="target_col"):
            cross_validation_columns(dict.fromkeys(columns))
    with pytest.raises(ConfigError, match="no forecasts"):
        cross_validation_columns(dict.fromkeys(["ds", "cutoff", "y"]))


def test_to_columns_invalid_table_raises():
    with pytest.raises(DataError, match="int"):
        to_columns(3)
    with pytest.raises(DataError, match="differ in length"):
        to_columns({"a": [1], "b": [1, 2]})


def test_metrics_evaluate_a_cross_validation_of_a_forecaster():
    from panel_cases import ragged_panel

    from gatecast.forecaster import Forecaster

    source = ragged_panel([40, 50, 60])
    folds = Forecaster(4, model=["drift", "mean"], season_length=12).cross_validation(source, n_windows=2)
    board = metrics.leaderboard(folds, train_df=source, season_length=12)
    assert sorted(board["model"].tolist()) == ["Drift", "Ensemble", "Mean", "Naive", "SeasonalNaive"]
    scores = metrics.evaluate(folds, ["mase", "coverage"], train_df=source, season_length=12)
    assert len(scores["metric"]) == 3 * 2 * 3
    assert np.isfinite(scores["Ensemble"]).all()


def test_evaluate_keeps_series_and_cutoffs_in_the_order_in_which_they_begin():
    order = [5, 0, 3, 1, 4, 2]
    table = {
        "a": np.array(["y", "x", "x", "y", "x", "y"])[order],
        "b": np.array([1, 1, 2, 1, 2, 1])[order],
        "ds": np.array([5, 5, 5, 6, 6, 7])[order],
        "cutoff": np.array([4, 4, 4, 4, 4, 4])[order],
        "y": np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])[order],
        "M": np.zeros(6),
    }
    scores = evaluate(table, "mae")
    rows = zip(scores["a"].tolist(), scores["b"].tolist(), scores["M"].tolist(), strict=True)
    assert list(rows) == [("y", 1, pytest.approx(11 / 3)), ("x", 1, 2.0), ("x", 2, 4.0)]


def test_evaluate_quantiles_of_several_levels_and_of_one_side():
    table = {"ds": [1, 2], "y": [5.0, 1.0], "M": [3.0, 3.0], "M-lo-50": [2.0, 2.0], "M-hi-50": [4.0, 4.0]}
    table |= {"M-lo-90": [0.0, 0.0], "M-hi-90": [7.0, 6.0], "N": [4.0, 2.0], "N-lo-90": [3.0, 0.0]}
    scores = evaluate(table, ["pinball", "coverage", "msis"], target_col="y", train_df={"ds": [0, -1], "y": [1.0, 4.0]})
    y = np.array(table["y"])
    all_five = np.stack([table[f"M{side}"] for side in ("-lo-90", "-lo-50", "", "-hi-50", "-hi-90")], axis=1)
    two = np.stack([table["N-lo-90"], table["N"]], axis=1)
    assert scores["metric"].tolist() == [
        "pinball",
        "coverage_level50",
        "coverage_level90",
        "msis_level50",
        "msis_level90",
    ]
    expected = [
        metrics.pinball(y, all_five, [0.05, 0.25, 0.5, 0.75, 0.95]),
        0.0,
        100.0,
        metrics.msis(y, [2, 2], [4, 4], [4, 1], 1, 50),
        metrics.msis(y, [0, 0], [7, 6], [4, 1], 1, 90),
    ]
    np.testing.assert_allclose(scores["M"], expected)
    np.testing.assert_allclose(scores["N"], [metrics.pinball(y, two, [0.05, 0.5]), *[np.nan] * 4])
    only = evaluate(table, ["pinball", "coverage"], target_col="y", level=90)
    assert only["metric"].tolist() == ["pinball", "coverage_level90"]
    three = np.stack([table[f"M{side}"] for side in ("-lo-90", "", "-hi-90")], axis=1)
    assert only["M"][0] == metrics.pinball(y, three, [0.05, 0.5, 0.95])


def test_evaluate_without_cutoffs_scales_by_the_values_before_the_first_forecast():
    table = {"id": ["a", "a", "b"], "ds": [5, 6, 4], "y": [1.0, 2.0, 3.0], "M": [2.0, 4.0, 7.0]}
    train = {"id": list("aaaabbb"), "ds": [6, 5, 2, 1, 3, 1, 4], "y": [99.0, 50.0, 5.0, 2.0, 9.0, 7.0, 55.0]}
    assert evaluate(table, "mase", target_col="y", train_df=train)["M"].tolist() == [1.5 / 3, 4.0 / 2]
    stranger = table | {"id": ["a", "a", "c"]}
    np.testing.assert_array_equal(evaluate(stranger, "mase", target_col="y", train_df=train)["M"], [0.5, np.nan])


def test_evaluate_without_times_takes_all_training_values():
    table = {"y": [1.0, 2.0], "M": [2.0, 4.0]}
    assert evaluate(table, "mase", target_col="y", train_df={"y": [1.0, 4.0, 6.0]})["M"].tolist() == [1.5 / 2.5]


def test_evaluate_aggregates_what_any_model_forecasts():
    table = {"id": list("abc"), "ds": [1, 1, 1], "y": [1.0, 2.0, np.nan], "M": [2.0, 5.0, 3.0], "N": [1.0, np.nan, 9.0]}
    mean = evaluate(table, "mae", target_col="y", agg_fn="mean")
    assert mean["M"].tolist() == [2.0]
    assert np.isnan(mean["N"]).all()
    nothing = evaluate({"ds": [1], "y": [np.nan], "M": [2.0]}, ["mae", "rmse"], target_col="y", agg_fn="median")
    assert nothing["metric"].tolist() == ["mae", "rmse"]
    assert np.isnan(nothing["M"]).all()


def test_evaluate_of_no_rows_has_none():
    table = evaluate({"ds": np.empty(0), "y": np.empty(0), "M": np.empty(0)}, "mae", target_col="y")
    assert [len(column) for column in table.values()] == [0, 0]


def test_leaderboard_ranks_with_shared_places():
    table = {"id": list("abc"), "ds": [1] * 3, "y": [0.0] * 3}
    table |= {"P": [1.0, 3.0, 2.0], "Q": [1.0, 1.0, 5.0], "R": [2.0, 1.0, np.nan]}
    board = leaderboard(table, target_col="y")
    assert board["model"].tolist() == ["P", "Q", "R"]
    np.testing.assert_array_equal(board["mae"], [2.0, 7 / 3, np.nan])
    # Ranks 1.5 1.5 3; 3 1.5 1.5; 1 2 3.
    np.testing.assert_allclose(board["mean_rank"], [5.5 / 3, 5 / 3, 7.5 / 3])
    empty = leaderboard({"ds": [1], "y": [np.nan], "P": [1.0], "Q": [1.0]}, target_col="y")
    assert np.isnan(empty["mae"]).all()
    assert np.isnan(empty["mean_rank"]).all()


def test_leaderboard_orders_equal_errors_by_rank():
    table = {"id": list("abc"), "ds": [1] * 3, "y": [0.0] * 3, "P": [3.0, 3.0, 0.0], "Q": [2.0, 2.0, 2.0]}
    board = leaderboard(table, target_col="y")
    assert board["mae"].tolist() == [2.0, 2.0]
    assert board["model"].tolist() == ["Q", "P"]


def test_cross_validation_columns_of_several_keys_and_levels():
    names = [
        "shop",
        "item",
        "ds",
        "cutoff",
        "y",
        "A",
        "A-lo-80",
        "A-hi-80",
        "A-lo-97.5",
        "A-hi-97.5",
        "A-lo-x",
        "A-lo-1.2.3",
    ]
    roles = cross_validation_columns(dict.fromkeys(names), level=[97.5, 60])
    assert roles == (("shop", "item"), "ds", "cutoff", "y", ("A", "A-lo-x", "A-lo-1.2.3"), (97.5,))
    assert roles.id_cols == ("shop", "item")
    assert cross_validation_columns(dict.fromkeys(["y", "A"]), "y")[:4] == (None, None, None, "y")
    assert cross_validation_columns(dict.fromkeys(["y", "A"]), "y").id_cols == ()
    assert cross_validation_columns(dict.fromkeys(["ds", "y", "cutoff", "A"]), "y").models == ("A",)
    with pytest.raises(ConfigError, match="Unknown target_col 'z'"):
        cross_validation_columns(dict.fromkeys(["y", "A"]), "z")


def test_to_columns_names_the_lengths():
    with pytest.raises(DataError, match="got 'a' 1, 'b' 2"):
        to_columns({"a": [1], "b": [1, 2]})
    assert to_columns({}) == {}


def test_leaderboard_with_training_values_ranks_by_scaled_errors():
    table = {"id": ["a", "b"], "ds": [3, 3], "y": [0.0, 0.0], "P": [50.0, 2.0], "Q": [100.0, 0.5]}
    train = {"id": list("aabb"), "ds": [1, 2, 1, 2], "y": [0.0, 100.0, 0.0, 1.0]}
    board = leaderboard(table, target_col="y", train_df=train)
    assert board["model"].tolist() == ["Q", "P"]
    assert board["mase"].tolist() == [0.75, 1.25]
    assert board["mae"].tolist() == [50.25, 26.0]
    assert leaderboard(table, target_col="y")["model"].tolist() == ["P", "Q"]


def test_evaluate_compares_times_that_are_text_as_they_are():
    table = {"ds": ["d"], "cutoff": ["c"], "y": [1.0], "M": [3.0]}
    train = {"ds": ["a", "b", "c", "c1"], "y": [1.0, 2.0, 5.0, 99.0]}
    assert evaluate(table, "mase", train_df=train)["M"].tolist() == [1.0]


def test_leaderboard_ranks_series_that_have_a_scale():
    table = {"id": list("abc"), "ds": [3] * 3, "y": [0.0] * 3, "P": [50.0, 2.0, 1.0], "Q": [100.0, 0.5, 9.0]}
    train = {"id": list("aabbcc"), "ds": [1, 2] * 3, "y": [0.0, 100.0, 0.0, 1.0, 5.0, 5.0]}
    assert leaderboard(table, target_col="y", train_df=train)["mean_rank"].tolist() == [1.5, 1.5]
    assert leaderboard(table, target_col="y")["mean_rank"].tolist() == [pytest.approx(4 / 3), pytest.approx(5 / 3)]


@pytest.mark.parametrize(("n_series", "n_cutoffs"), [(5, 2), (2, 5), (7, 3), (4, 4)])
def test_evaluate_tells_every_series_and_cutoff_apart(n_series, n_cutoffs):
    cutoffs = tuple(range(8, 8 + n_cutoffs))
    _, folds = make_tables(n_series, cutoffs)
    table = evaluate(folds, "mae")
    assert sorted(zip(table["shop"], table["cutoff"], strict=True)) == [
        (f"s{s}", cutoff) for s in range(n_series) for cutoff in cutoffs
    ]
    for shop, cutoff, error in zip(table["shop"], table["cutoff"], table["LSTM"], strict=True):
        assert error == score(metrics.mae, folds, shop, cutoff, "sold", "LSTM")
