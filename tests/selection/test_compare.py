"""Models side by side: the folds of a backtest, fair sizes, and a recommendation that says no more than is known."""

import numpy as np
import pytest

import gatecast.pipeline.read
from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.data.reader import read
from gatecast.errors import ConfigError, DataError
from gatecast.evaluation.significance import compare_all
from gatecast.forecaster import Forecaster
from gatecast.forecasting import presets
from gatecast.plotting.charts import BASELINES
from gatecast.selection.charts import comparison_chart
from gatecast.selection.compare import compare
from gatecast.selection.ranking import ModelFolds, rank_models, row_errors
from gatecast.selection.recommendation import Recommendation, describe, join_names, recommend

QUICK = TrainingConfig(n_members=1, max_steps=5)
MONTHS = np.arange("2018-01", "2021-01", dtype="M8[M]").astype("M8[D]")


def panel(S, T=36, seed=0):
    """Months with a season and noise."""
    rng, t = np.random.default_rng(seed), np.arange(T)
    y = 100 + 10 * np.sin(t * np.pi / 6) + rng.normal(0, 3, (S, T)) + 20 * np.arange(S)[:, None]
    return {"shop": np.repeat([f"s{k}" for k in range(S)], T), "ds": np.tile(MONTHS[:T], S), "y": y.ravel()}


@pytest.fixture(scope="module")
def found():
    """Two cells on seven shops, two cutoffs."""
    return compare(panel(7), 4, models=["lstm", "rnn"], n_windows=2, season_length=12, training=QUICK)


@pytest.mark.slow
def test_a_row_a_model_the_best_first(found):
    scores = found.scores
    assert sorted(scores["model"].tolist()) == ["Drift", "Mean", "Naive", "SeasonalNaive", "lstm", "rnn"]
    assert scores["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert (np.diff(scores["mase"]) >= 0).all()
    names = {baseline.column: baseline.name for baseline in presets.BASELINES}
    best = scores["model"][0]
    assert (found.best, found.h, found.season_length) == (names.get(best, best), 4, 12)
    assert list(scores) == [
        "model",
        "rank",
        "mae",
        "rmse",
        "mase",
        "skill",
        "coverage_80",
        "coverage_95",
        "p_value",
        "p_best",
        "seconds",
        "parameters",
        "networks",
    ]
    naive = scores["model"] == "SeasonalNaive"
    assert scores["skill"][naive].item() == 0
    assert scores["skill"] == pytest.approx(100 * (1 - scores["mase"] / scores["mase"][naive]))
    simple = np.isin(scores["model"], list(BASELINES))
    for name in ("coverage_80", "p_value", "seconds"):
        assert np.isfinite(scores[name]).tolist() == (~simple).tolist(), name
    assert (scores["parameters"][simple] == 0).all()
    assert np.isnan(scores["p_best"]).tolist() == [True] + [False] * 5


def test_the_folds_are_those_of_a_backtest(found):
    source = panel(7)
    config = NetworkConfig(units=found.matched_units["rnn"])
    folds = Forecaster(4, model="rnn", season_length=12, network=config, training=QUICK).cross_validation(
        source, n_windows=2
    )
    columns = folds
    for model, column in (("rnn", "RNN"), ("SeasonalNaive", "SeasonalNaive")):
        own = found.fold_scores["model"] == model
        off = np.abs(columns["y"] - columns[column]).reshape(-1, 4).mean(axis=1)
        assert found.fold_scores["mae"][own] == pytest.approx(off)
        assert found.fold_scores["id"][own].tolist() == columns["shop"][::4].tolist()
        cutoffs = columns["cutoff"][::4].astype("M8[us]")
        assert found.fold_scores["cutoff"][own].tolist() == cutoffs.tolist()
        row = found.scores["model"] == model
        assert found.scores["mae"][row].item() == pytest.approx(off.mean())
    lo, hi = columns["RNN-lo-80"], columns["RNN-hi-80"]
    inside = 100 * ((lo <= columns["y"]) & (columns["y"] <= hi)).mean()
    assert found.scores["coverage_80"][found.scores["model"] == "rnn"].item() == pytest.approx(inside)
    assert len(found.fold_scores["id"]) == 6 * 7 * 2


@pytest.mark.slow
def test_what_comes_after_a_cutoff_changes_no_error_before_it(found):
    later = panel(7)
    times = later["ds"]
    later["y"] = np.where(times > np.datetime64("2020-08-01"), later["y"] * 3 + 1000, later["y"])
    other = compare(later, 4, models=["lstm", "rnn"], n_windows=2, season_length=12, training=QUICK)
    early = found.fold_scores["cutoff"] == np.datetime64("2020-04-01")
    assert early.sum() == 6 * 7
    order = [
        np.lexsort((one.fold_scores["id"], one.fold_scores["model"], one.fold_scores["cutoff"]))
        for one in (found, other)
    ]
    mine, others = (one.fold_scores["mase"][place][: 6 * 7] for one, place in zip((found, other), order, strict=True))
    assert mine.tolist() == others.tolist()


def test_a_scaled_error_is_in_units_of_what_was_known(found):
    y = panel(7)["y"].reshape(7, 36)
    for cutoff, back in ((np.datetime64("2020-04-01"), 8), (np.datetime64("2020-08-01"), 4)):
        past = y[:, :-back]
        unit = np.abs(past[:, 12:] - past[:, :-12]).mean(axis=1)
        own = (found.fold_scores["cutoff"] == cutoff) & (found.fold_scores["model"] == "Naive")
        assert found.fold_scores["mase"][own] == pytest.approx(found.fold_scores["mae"][own] / unit)


def test_series_are_the_pairs_where_there_are_enough(found):
    def errors(model):
        own = found.fold_scores["model"] == model
        return np.array(
            [found.fold_scores["mase"][own & (found.fold_scores["id"] == f"s{k}")].mean() for k in range(7)]
        )

    names = found.scores["model"].tolist()
    simple = next(k for k, name in enumerate(names) if name in BASELINES)
    wanted = compare_all([errors(name) for name in names])
    for k, name in enumerate(names):
        if name not in BASELINES:
            assert found.scores["p_value"][k] == pytest.approx(wanted[k, simple])
    assert found.scores["p_best"][1:] == pytest.approx(wanted[0, 1:])


def test_every_cutoff_is_a_pair_where_series_are_few():
    few = compare(panel(2), 4, models="rnn", n_windows=2, season_length=12, training=QUICK)
    mase = {name: few.fold_scores["mase"][few.fold_scores["model"] == name] for name in few.scores["model"].tolist()}
    names = few.scores["model"].tolist()
    simple = next(k for k, name in enumerate(names) if name in BASELINES)
    wanted = compare_all([mase[name] for name in names])[names.index("rnn"), simple]
    assert few.scores["p_value"][few.scores["model"] == "rnn"].item() == pytest.approx(wanted)
    assert len(mase["rnn"]) == 4


def test_cells_get_the_same_number_of_parameters(found):
    parameters = dict(zip(found.scores["model"].tolist(), found.scores["parameters"].tolist(), strict=True))
    assert parameters["rnn"] == pytest.approx(parameters["lstm"], rel=0.03)
    assert found.matched_units["rnn"] > found.matched_units["lstm"]
    assert found.size_note.startswith("Each cell has as many units as make about 18,000 parameters a network")


def test_units_that_are_fixed_stay():
    fixed = NetworkConfig(units=4)
    one = compare(panel(1), 4, models=["gru", "lstm"], n_windows=1, season_length=12, network=fixed, training=QUICK)
    assert one.matched_units == {"gru": 4, "lstm": 4}
    assert one.size_note == "Every recurrent layer has 4 units, as requested."


@pytest.mark.slow
def test_a_single_series_and_a_model_that_has_no_cell():
    told = []
    source = {name: column for name, column in panel(1).items() if name != "shop"}
    one = compare(
        source, 3, models=["es-lstm", "es-lstm"], n_windows=2, training=QUICK, level=None, progress=told.append
    )
    assert one.scores["model"].tolist().count("es-lstm") == 1
    assert (one.matched_units, one.size_note) == ({}, "")
    assert not [name for name in one.scores if name.startswith("coverage")]
    assert {step.stage for step in told} == {"es-lstm, cutoff 1 of 2", "es-lstm, cutoff 2 of 2"}
    assert all(0 < step.fraction <= 1 for step in told)
    assert "2 pairs of errors" in one.recommendation or one.recommendation.startswith("Take ")


def test_the_table_is_read_once(monkeypatch):
    calls = []

    def counted(*given, **named):
        calls.append(given)
        return read(*given, **named)

    monkeypatch.setattr(gatecast.pipeline.read, "read", counted)
    compare(panel(1), 3, models=["lstm", "rnn"], n_windows=1, training=QUICK)
    assert len(calls) == 1


def test_series_that_begin_late_are_missing_in_early_folds():
    source = panel(3)
    kept = ~((source["shop"] == "s2") & (np.tile(np.arange(36), 3) < 30))
    source = {name: column[kept] for name, column in source.items()}
    one = compare(source, 4, models="rnn", n_windows=2, season_length=12, training=QUICK)
    own = one.fold_scores["model"] == "rnn"
    pairs = list(
        zip(one.fold_scores["id"][own].tolist(), one.fold_scores["cutoff"][own].astype("M8[M]").tolist(), strict=True)
    )
    assert [name for name, _ in pairs] == ["s0", "s1", "s0", "s1", "s2"]
    # A series without a change over a season has no scaled error; the others' are not touched by it.
    assert np.isnan(one.fold_scores["mase"][own]).tolist() == [False, False, False, False, True]
    assert np.isfinite(one.scores["mase"]).all()


def test_the_chart_has_a_bar_for_each_model(found):
    chart = comparison_chart(found)
    (bars,) = chart.marks
    assert bars.labels[0] == BASELINES.get(found.scores["model"][0], found.best)
    assert bars.values.tolist() == found.scores["mase"].tolist()
    assert chart.title == "MASE of each model, 4 steps ahead"
    assert chart.note == found.recommendation


def table(errors, p_value, p_best=None, seconds=None, measure="mase"):
    """Scores of models and of the last value, the best first."""
    names = list(errors)
    other = "mae" if measure == "mase" else "mase"
    return {
        "model": np.array(names),
        measure: np.array(list(errors.values())),
        other: np.full(len(names), np.nan),
        "p_value": np.array([p_value.get(name, np.nan) for name in names]),
        "p_best": np.array([(p_best or {}).get(name, np.nan) for name in names]),
        "seconds": np.array([(seconds or {}).get(name, np.nan) for name in names]),
    }


def test_a_clear_winner_is_recommended_and_who_is_as_good_and_faster():
    scores = table(
        {"auto": 0.5, "lstm": 0.51, "gru": 0.52, "rnn": 0.7, "SeasonalNaive": 1.0},
        {"auto": 0.0004, "lstm": 0.001, "gru": 0.001, "rnn": 0.01},
        {"lstm": 0.5, "gru": 0.2, "rnn": 0.01, "SeasonalNaive": 0.001},
        {"auto": 30.0, "lstm": 9.0, "gru": 4.0, "rnn": 2.0},
    )
    assert describe(recommend(scores, n_series=50, n_cutoffs=3)) == (
        "Take auto: its MASE, 0.500, is 50 % below that of seasonal naive (1.000), the best simple forecast "
        "(p < 0.001). lstm and gru are not significantly worse. gru, the fastest of them, takes 4.0 s, auto 30 s."
    )


def test_one_that_is_as_good():
    scores = table(
        {"auto": 50.0, "lstm": 51.0, "Mean": 100.0},
        {"auto": 0.03, "lstm": 0.04},
        {"lstm": 0.5, "Mean": 0.03},
        {"auto": 30.0, "lstm": 9.0},
        measure="mae",
    )
    assert describe(recommend(scores, n_series=1, n_cutoffs=12)) == (
        "Take auto: its MAE, 50, is 50 % below that of the mean (100), the best simple forecast (p = 0.03). lstm is "
        "not significantly worse. It takes 9.0 s, auto 30 s. "
        "Errors of one series at several cutoffs are alike, so this is less sure than the test says."
    )


def test_a_difference_that_may_be_chance_is_called_so():
    scores = table({"lstm": 0.8, "gru": 0.9, "Naive": 1.0}, {"lstm": 0.3, "gru": 0.5})
    said = (
        "lstm has the smallest error: its MASE, 0.800, is 20 % below that of the last value (1.000). But such a "
        "difference may be chance (p = 0.3): nothing here beats the last value beyond doubt."
    )
    assert describe(recommend(scores, n_series=50, n_cutoffs=3)) == said
    assert describe(recommend(scores, n_series=1, n_cutoffs=7)) == said
    assert describe(recommend(scores, n_series=1, n_cutoffs=3)) == (
        f"{said} With 3 pairs of errors no difference can be significant, however clear it is: 6 are needed, "
        "of more cutoffs or series."
    )
    assert describe(recommend(scores, n_series=6, n_cutoffs=9)) == said


def test_a_simple_forecast_that_is_best_is_recommended():
    scores = table({"SeasonalNaive": 0.7, "lstm": 0.75, "rnn": 0.9, "Naive": 1.0}, {"lstm": 0.3, "rnn": 0.1})
    assert describe(recommend(scores, n_series=50, n_cutoffs=3)) == (
        "Take seasonal naive: no model has a smaller error. Its MASE is 0.700; that of lstm, the best of the models, "
        "0.750."
    )


def test_a_line_without_errors_needs_no_model():
    line = {"ds": MONTHS, "y": np.arange(36.0)}
    found = compare(line, 3, models="rnn", n_windows=2, season_length=1, training=QUICK)
    assert (found.scores["model"][0], found.best) == ("Drift", "drift")
    assert found.recommendation.startswith("Take drift: no model has a smaller error.")


def test_compare_simple_forecasts_as_models_have_intervals_and_one_row():
    comparison = compare(panel(7), 4, models=["naive", "lstm", "mean"], n_windows=2, season_length=12, training=QUICK)
    scores = comparison.scores
    assert sorted(scores["model"].tolist()) == ["Drift", "Mean", "Naive", "SeasonalNaive", "lstm"]
    with_intervals = scores["model"][np.isfinite(scores["coverage_80"])].tolist()
    assert sorted(with_intervals) == ["Mean", "Naive", "lstm"]
    assert np.isfinite(scores["p_value"]).tolist() == (scores["model"] == "lstm").tolist()
    Forecaster(4, model=comparison.best)


def test_compare_simple_forecasts_alone_recommends_one():
    comparison = compare(panel(7), 4, models=["naive", "drift"], n_windows=2, season_length=12)
    assert comparison.advice.kind == "baselines_only"
    assert comparison.recommendation.startswith("Take ")
    assert comparison.best in ("naive", "seasonal-naive", "drift", "mean")


def test_comparison_repr_is_short_and_html_is_a_table(found):
    assert repr(found).startswith("Comparison(best=")
    assert len(repr(found)) < 150
    html = found._repr_html_()
    assert html.count("<tr>") == 7
    assert "lstm" in html


def test_recommend_states_facts():
    scores = table(
        {"auto": 0.5, "lstm": 0.51, "Naive": 1.0},
        {"auto": 0.01, "lstm": 0.02},
        {"lstm": 0.5},
        {"auto": 30.0, "lstm": 9.0},
    )
    advice = recommend(scores, n_series=50, n_cutoffs=3)
    assert advice == Recommendation(
        "model", "auto", "Naive", "mase", 0.5, 1.0, 0.01, ("lstm",), "lstm", (30.0, 9.0), 50, 50, 6
    )
    assert join_names(["a"]) == "a"


def folds(name, predicted, actual, baselines):
    """Forecasts of a model."""
    return ModelFolds(name, predicted, baselines, {}, actual, np.arange(len(actual)), 1.0, 9, 1)


def test_rank_models_counts_the_baseline_where_a_model_refuses_the_hard_series():
    rng = np.random.default_rng(0)
    actual, past = rng.normal(0, 1, (9, 4)), rng.normal(0, 1, (9, 30))
    actual[5:] *= 9
    baselines = {"Naive": np.full((9, 4), 0.5)}
    refusing = 0.9 * actual
    refusing[5:] = np.nan
    models = [folds("refusing", refusing, actual, baselines), folds("full", 0.5 * actual, actual, baselines)]
    scores = rank_models(models, past, np.arange(9), 1)
    assert scores["model"].tolist() == ["full", "refusing", "Naive"]
    assert scores["missing"].tolist() == [0, 16, 0]
    refused, naive = row_errors(models, past, ["refusing", "Naive"], 1)
    assert refused[5:].tolist() == naive[5:].tolist()
    assert "missing" not in rank_models(models[1:], past, np.arange(9), 1)


@pytest.mark.parametrize(
    ("settings", "kind", "facts"),
    [
        ({"models": ["lstm", "arima"]}, ConfigError, ["arima", "auto", "es-lstm"]),
        ({"models": []}, ConfigError, ["model", "[]"]),
        ({"n_windows": 0}, ConfigError, ["n_windows", "0"]),
        ({"h": -1}, ConfigError, ["h", "-1"]),
        ({"seed": -1}, ConfigError, ["seed", "-1"]),
        ({"training": {"steps": 3}}, ConfigError, ["training", "{'steps': 3}", "TrainingConfig"]),
        ({"n_windows": 9}, DataError, ["9 windows", "36 rows", "37", "fewer windows"]),
        ({"target_col": "sold"}, ConfigError, ["sold"]),
    ],
)
def test_compare_invalid_argument_raises(settings, kind, facts):
    with pytest.raises(kind) as caught:
        compare(panel(2), **({"h": 4, "models": ["rnn"]} | settings))
    for fact in facts:
        assert fact in str(caught.value)
