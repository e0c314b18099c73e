"""The main job, from a table to a forecast: honest, leak-proof, reproducible, and kind about bad input."""

import numpy as np
import pytest

from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.data import synthetic
from gatecast.errors import ConfigError, DataError, NotFittedError
from gatecast.forecaster import Forecaster


def monthly(values):
    return {"ds": np.datetime64("2000-01", "M") + np.arange(len(values)), "y": values}


@pytest.fixture(scope="module")
def sales():
    return synthetic.trend_season(np.random.default_rng(3), 132)


@pytest.fixture(scope="module")
def fitted(sales):
    return Forecaster(h=12).fit(monthly(sales))


def test_a_trending_seasonal_series_is_forecast_better_than_by_seasonal_naive(fitted):
    model, _, _, naive, *_ = fitted.evaluation_.scores
    names = [score.model for score in fitted.evaluation_.scores]
    assert names == ["Ensemble", "LSTM", "DOT", "SeasonalNaive", "Naive", "Drift", "Mean"]
    assert model.mase < 0.6 * naive.mase
    assert model.skill == pytest.approx(100 * (1 - model.mae / naive.mae))
    assert "smaller than seasonal naive's (season 12)" in fitted.evaluation_.verdict


def test_the_forecast_goes_on_where_the_series_ends(fitted, sales):
    table = fitted.predict().table
    assert list(table) == ["ds", "Ensemble", "Ensemble-lo-80", "Ensemble-hi-80", "Ensemble-lo-95", "Ensemble-hi-95"]
    assert np.array_equal(table["ds"].astype("M8[M]"), np.datetime64("2011-01", "M") + np.arange(12))
    # Neither flat nor a copy of the last value: it grows and has the season's shape.
    assert np.corrcoef(table["Ensemble"], sales[-12:])[0, 1] > 0.9
    assert table["Ensemble"].mean() > sales[-12:].mean()


def test_intervals_are_nested_around_the_forecast(fitted):
    t = fitted.predict().table
    for low, high in (
        ("Ensemble-lo-95", "Ensemble-lo-80"),
        ("Ensemble-lo-80", "Ensemble"),
        ("Ensemble", "Ensemble-hi-80"),
        ("Ensemble-hi-80", "Ensemble-hi-95"),
    ):
        assert (t[low] <= t[high]).all()
    assert (t["Ensemble-lo-95"] > 0).all()


def test_the_parts_add_up_and_the_test_part_is_in_the_table(fitted, sales):
    evaluation = fitted.evaluation_
    assert evaluation.sizes == (108, 12, 12)
    assert evaluation.cutoff.astype("M8[M]") == np.datetime64("2009-12", "M")
    assert np.array_equal(evaluation.table["y"], sales[120:])
    mae = np.abs(evaluation.table["Ensemble"] - sales[120:]).mean()
    assert evaluation.scores[0].mae == pytest.approx(mae)


def test_the_test_part_never_leaks_into_what_is_said_about_it(fitted, sales):
    poisoned = sales.copy()
    poisoned[120:] = np.linspace(1e4, 2e5, 12)
    other = Forecaster(h=12).fit(monthly(poisoned))
    assert other.model_weights_ == fitted.model_weights_
    assert other.season_length_ == fitted.season_length_
    for name in ("Ensemble", "Ensemble-lo-80", "Ensemble-hi-95", "SeasonalNaive"):
        assert other.evaluation_.table[name].tobytes() == fitted.evaluation_.table[name].tobytes(), name


def test_same_seed_same_bits_and_another_seed_other_bits(fitted, sales):
    again, other = Forecaster(h=12).fit(monthly(sales)), Forecaster(h=12, seed=5).fit(monthly(sales))
    said = [f.predict().table["Ensemble"].tobytes() for f in (fitted, again, other)]
    assert said[0] == said[1] != said[2]


def test_scaling_the_series_scales_the_forecast(fitted, sales):
    bigger = Forecaster(h=12).fit(monthly(sales * 1024))
    np.testing.assert_allclose(bigger.predict().table["Ensemble"], fitted.predict().table["Ensemble"] * 1024, rtol=1e-4)


def test_negative_series_may_go_below_zero_and_others_may_not(rng):
    falling = np.linspace(100, 2, 80) + rng.normal(0, 0.5, 80)
    falling = np.maximum(falling, 0.1)
    down = Forecaster(h=8).fit(monthly(falling)).predict().table
    assert all((down[name] >= 0).all() for name in down if name.startswith("Ensemble"))
    below = Forecaster(h=8).fit(monthly(falling - 60)).predict().table
    assert (below["Ensemble"] < 0).all()


def test_missing_values_are_neither_learnt_from_nor_scored(sales):
    holes = sales.copy()
    holes[[30, 31, 60, 125]] = np.nan
    fitted = Forecaster(h=12).fit(monthly(holes))
    assert np.isfinite(fitted.predict().table["Ensemble"]).all()
    assert np.isfinite(fitted.evaluation_.scores[0].mae)
    assert fitted.evaluation_.scores[0].mase < fitted.evaluation_.scores[-2].mase


def test_a_random_walk_is_not_claimed_to_be_beaten(rng):
    fitted = Forecaster(h=8).fit(monthly(100 + synthetic.random_walk(rng, 160)))
    assert fitted.evaluation_.scores[0].skill < 40
    assert fitted.season_length_ == 1


def test_progress_runs_from_0_to_1(sales):
    seen = []
    Forecaster(h=12).fit(monthly(sales), progress=seen.append)
    done = [one.done for one in seen]
    assert done == sorted(done)
    assert 0 < done[0] < 0.1
    assert done[-1] == 1.0
    assert all(np.isfinite(one.loss) for one in seen)


def test_without_evaluation_the_forecast_is_the_same(fitted, sales):
    quick = Forecaster(h=12).fit(monthly(sales), evaluate=False)
    assert quick.evaluation_ is None
    assert quick.predict().table["Ensemble"].tobytes() == fitted.predict().table["Ensemble"].tobytes()


@pytest.mark.parametrize(("model", "name"), [("lstm-peephole", "LSTM-peephole"), ("slstm", "sLSTM")])
def test_the_other_cells_are_models_and_come_back_from_a_file(model, name, sales, tmp_path):
    network, training = NetworkConfig(units=8, dropout=0.2), TrainingConfig(n_members=1, max_steps=5)
    fitted = Forecaster(h=3, model=model, network=network, training=training).fit(monthly(sales), evaluate=False)
    said = fitted.predict()
    assert list(said.table)[1] == name
    fitted.save(tmp_path / "kept")
    again = Forecaster.load(tmp_path / "kept")
    assert again.network == network
    assert again.predict().table[name].tobytes() == said.table[name].tobytes()


def test_dropout_is_a_share():
    with pytest.raises(ConfigError, match="Invalid NetworkConfig's dropout 1: expected a number from 0"):
        NetworkConfig(dropout=1)


def test_any_level(sales):
    table = Forecaster(h=6, level=[99, 50]).fit(monthly(sales)).predict().table
    assert [name for name in table if "lo" in name] == ["Ensemble-lo-50", "Ensemble-lo-99"]
    assert (table["Ensemble-hi-99"] > table["Ensemble-hi-50"]).all()


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"h": 0}, "Invalid h 0: expected a positive integer"),
        ({"h": 2.5}, "Invalid h 2.5"),
        ({"h": True}, "Invalid h True"),
        ({"season": -1}, "Invalid season -1"),
        ({"input_size": 0}, "Invalid input_size 0"),
        (
            {"level": [0]},
            "Invalid level 0: expected a percentage from 1 to less than 100",
        ),
        ({"level": [80, 80]}, "Invalid level [80, 80]: expected different percentages"),
        ({"level": ["95"]}, "Invalid level '95'"),
        ({"level": "80,95"}, "Invalid level '80,95'"),
        ({"level": [0.8]}, "Invalid level 0.8"),
        ({"seed": -1}, "Invalid seed -1"),
    ],
)
def test_impossible_settings_are_refused(kwargs, text):
    with pytest.raises(ConfigError) as caught:
        Forecaster(**kwargs)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("level", "columns"), [(90, ["Ensemble", "Ensemble-lo-90", "Ensemble-hi-90"]), (None, ["Ensemble"])]
)
def test_one_level_or_none(level, columns, sales):
    table = Forecaster(h=12, level=level).fit(monthly(sales), evaluate=False).predict().table
    assert list(table)[1:] == columns


def test_rows_without_a_value_at_the_ends_are_left_out_and_said(fitted, sales):
    padded = np.concatenate([np.full(3, np.nan), sales, np.full(5, np.nan)])
    other = Forecaster(h=12).fit(monthly(padded))
    assert other.data_notes_[-2:] == [
        "the first 3 rows have no value and are left out.",
        "the last 5 rows have no value and are left out.",
    ]
    assert other.predict().table["Ensemble"].tobytes() == fitted.predict().table["Ensemble"].tobytes()
    assert other.predict().table["ds"][0].astype("M8[M]") == np.datetime64("2011-04", "M")


def test_a_gap_over_the_whole_validation_part_is_refused(sales):
    holes = sales.copy()
    holes[108:120] = np.nan
    with pytest.raises(DataError, match=r"the validation part has next to no values \(rows 109 to 120"):
        Forecaster(h=12).fit(monthly(holes))


def test_a_mostly_missing_series_is_forecast(rng, sales):
    holes = np.where(rng.random(len(sales)) < 0.6, np.nan, sales)
    assert np.isfinite(Forecaster(h=12).fit(monthly(holes)).predict().table["Ensemble"]).all()


@pytest.mark.parametrize(("name", "most"), [("season", 66), ("input_size", 107)])
def test_settings_longer_than_the_series_are_refused(name, most, sales):
    with pytest.raises(ConfigError) as caught:
        Forecaster(h=12, **{name: 1000}).fit(monthly(sales))
    assert str(caught.value) == (
        f"{name} is too long for this series: got 1000, expected at most {most}, of its 132 rows. "
        f"Leave {name} out to have it chosen, or give more rows."
    )


def test_a_long_horizon_keeps_the_season_and_says_what_is_left_to_learn_from(sales):
    fitted = Forecaster(h=55).fit(monthly(sales))
    assert fitted.season_length_ == 12
    assert fitted.data_notes_[-1].startswith("only 22 rows come before the parts for validation and test, 55 each")


def test_a_constant_series_is_forecast_as_the_constant_and_said():
    fitted = Forecaster(h=2).fit(monthly(np.full(50, 7.0)))
    np.testing.assert_allclose(fitted.predict().table["Ensemble"], 7.0, rtol=1e-2)
    assert "the series does not vary: its forecast is the constant." in fitted.data_notes_


def test_predict_before_fit():
    with pytest.raises(NotFittedError, match=r"Call fit\(source\) first"):
        Forecaster().predict()
