"""Forecaster: accuracy of the full models, settings, tables of any kind, charts, simple forecasts as models."""

import copy
import inspect
import pickle
from importlib.util import find_spec

import numpy as np
import pytest
from panel_cases import QUICK, monthly, ragged_panel

import gatecast as gc
import gatecast.layers
from gatecast import config as config_module
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.data import synthetic
from gatecast.data.sources import dataframes
from gatecast.errors import ConfigError, NotFittedError
from gatecast.forecaster import Forecaster
from gatecast.forecasting.baselines import baseline_forecasts
from gatecast.forecasting.panel_rnn.model import LSTMConfig
from gatecast.pipeline import arguments
from gatecast.pipeline.arguments import OTHER_NAMES, WITHOUT_EFFECT


@pytest.fixture(scope="module")
def sales():
    """Values of one series with trend and season."""
    return synthetic.trend_season(np.random.default_rng(3), 132)


@pytest.fixture(scope="module")
def fitted(sales):
    """Fitted on this series; tests only read it."""
    return Forecaster(12, **QUICK).fit(monthly(sales))


@pytest.mark.slow
def test_forecaster_seasonal_series_beats_seasonal_naive(sales):
    forecaster = Forecaster(h=12).fit(monthly(sales))
    names = [score.model for score in forecaster.evaluation_.scores]
    seasonal = ["Autoregression", "SeasonalCopy", "SeasonalAverage"]
    smoothing, simple = ["DynamicOptimizedTheta", "LocalGlobalTrend"], ["SeasonalNaive", "Naive", "Drift", "Mean"]
    assert names == ["Ensemble", "LSTM", "Pretrained", *smoothing, *seasonal, *simple]
    model, naive = forecaster.evaluation_.scores[0], forecaster.evaluation_.scores[names.index("SeasonalNaive")]
    assert model.mase < 0.6 * naive.mase
    assert model.skill == pytest.approx(100 * (1 - model.mae / naive.mae))
    assert "smaller than seasonal naive's (season 12)" in forecaster.evaluation_.verdict
    # Neither flat nor a copy of the last value: the forecast grows and has the season's shape.
    forecast = forecaster.predict()["Ensemble"]
    assert np.corrcoef(forecast, sales[-12:])[0, 1] > 0.9
    assert forecast.mean() > sales[-12:].mean()


def intermittent_panel(n_series=30, n_days=140, n_ahead=14):
    """Days of demand, most of them without any; the mean of the days that follow."""
    rng = np.random.default_rng(0)
    share = rng.uniform(0.1, 0.5, (n_series, 1))
    demand = (rng.random((n_series, n_days)) < share) * np.ceil(rng.gamma(1.5, 2.0, (n_series, n_days)))
    days = np.datetime64("2024-01-01") + np.arange(n_days)
    ids = np.repeat([f"s{k}" for k in range(n_series)], n_days)
    expected = float(demand.mean()) * n_series * n_ahead
    return {"unique_id": ids, "ds": np.tile(days, n_series), "y": demand.ravel()}, expected


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dot", "lstm"])
def test_forecaster_point_mean_sums_to_expected_demand_with_the_same_intervals(model, tmp_path):
    table, expected = intermittent_panel()
    settings = {"h": 14, "model": model, "training": QUICK["training"]}
    medians, means = (Forecaster(point=point, **settings).fit(table) for point in ("median", "mean"))
    forecast, usual = means.predict(), medians.predict()
    name = means.model_name_
    assert forecast[name].sum() == pytest.approx(expected, rel=0.15)
    assert [column for column in forecast if (forecast[column] != usual[column]).any()] == [name]
    assert means.predict_components()[name].tolist() == forecast[name].tolist()
    assert means.evaluation_.scores[0].measure == "rmsse"
    assert means.evaluation_.table[name].mean() > medians.evaluation_.table[name].mean()
    means.save(tmp_path / "means.gatecast")
    loaded = gc.load(tmp_path / "means.gatecast")
    assert (loaded.point, loaded.get_params()["point"]) == ("mean", "mean")
    assert loaded.predict()[name].tobytes() == forecast[name].tobytes()
    assert means.simulate(3)[name].tobytes() == medians.simulate(3)[name].tobytes()


def test_forecaster_point_mean_is_the_column_of_cross_validation():
    table, _ = intermittent_panel(6, 80)
    medians, means = (
        Forecaster(7, model="dot", point=point).cross_validation(table, n_windows=2) for point in ("median", "mean")
    )
    assert means["DynamicOptimizedTheta"].mean() > medians["DynamicOptimizedTheta"].mean()
    assert means["DynamicOptimizedTheta-hi-80"].tolist() == medians["DynamicOptimizedTheta-hi-80"].tolist()


@pytest.mark.slow
def test_forecaster_random_walk_claims_no_skill(rng):
    forecaster = Forecaster(h=8).fit(monthly(100 + synthetic.random_walk(rng, 160)))
    assert forecaster.evaluation_.scores[0].skill < 40
    assert forecaster.season_length_ == 1


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        ({"h": 0}, ["h", "0"]),
        ({"h": 2.5}, ["h", "2.5"]),
        ({"h": True}, ["h", "True"]),
        ({"season_length": -1}, ["season_length", "-1"]),
        ({"input_size": 0}, ["input_size", "0"]),
        ({"level": [0]}, ["level", "0", "from 1", "below 100|less than 100"]),
        ({"level": [80, 80]}, ["level", "80"]),
        ({"level": ["95"]}, ["level", "'95'"]),
        ({"level": "80,95"}, ["level", "'80,95'"]),
        ({"level": [0.8]}, ["level", "0.8"]),
        ({"point": "mode"}, ["point", "'mode'", "'median' or 'mean'"]),
        ({"point": None}, ["point", "None"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"model": "arima"}, ["model", "'arima'", "auto", "lstm"]),
    ],
)
def test_forecaster_invalid_setting_raises(settings, facts):
    with pytest.raises(ConfigError) as caught:
        Forecaster(**settings)
    for fact in facts:
        assert any(option in str(caught.value) for option in fact.split("|")), fact


def test_forecaster_without_intervals_has_one_column(sales):
    table = Forecaster(h=12, level=None, **QUICK).fit(monthly(sales), evaluate=False).predict()
    assert list(table)[1:] == ["Ensemble"]


def test_forecaster_predict_before_fit_raises():
    with pytest.raises(NotFittedError, match=r"Call fit\(source\) first"):
        Forecaster().predict()


SETTINGS = {
    "h": 6,
    "model": ["lstm", "dot"],
    "level": [80],
    "point": "mean",
    "season_length": 12,
    "freq": "MS",
    "input_size": 10,
    "seed": 3,
    "futr_exog": "price",
    "hist_exog": ["visits"],
    "stat_exog": ("shop",),
    "id_col": "id",
    "time_col": "ds",
    "target_col": "y",
    "hierarchy": False,
    "reconciliation": "mint",
    "network": NetworkConfig(units=4),
    "training": TrainingConfig(max_steps=5),
    "data": DataConfig(lower_bound=0),
}


def test_forecaster_get_params_returns_the_arguments():
    params = Forecaster(**SETTINGS).get_params()
    assert params == SETTINGS
    assert all(params[name] is value for name, value in SETTINGS.items())


def test_forecaster_settings_are_attributes_as_they_are_used():
    forecaster = Forecaster(**SETTINGS)
    assert (forecaster.h, forecaster.level, forecaster.input_size) == (6, (80,), 10)
    assert forecaster.network == NetworkConfig(units=4, input_size=10)
    assert (forecaster.futr_exog, forecaster.hist_exog, forecaster.stat_exog) == (("price",), ("visits",), ("shop",))
    assert forecaster.data == DataConfig(("price",), ("visits",), ("shop",), lower_bound=0)
    assert set(SETTINGS) <= set(dir(forecaster))
    with pytest.raises(AttributeError, match="seed"):
        _ = forecaster.random_state


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"futr_exog": 5}, "Invalid futr_exog 5: expected the name of a column, or a list of names"),
        ({"level": True}, "Invalid level True"),
        ({"level": [99.9999999]}, "percentages that differ in six digits"),
        ({"level": [99.99999, 99.999991]}, "percentages that differ in six digits"),
    ],
)
def test_invalid_settings_are_named(settings, message):
    with pytest.raises(ConfigError) as error:
        Forecaster(6, **settings)
    assert message in str(error.value)
    with pytest.raises(ConfigError, match="Invalid TrainingConfig's learning_rate 0"):
        TrainingConfig(learning_rate=0)


@pytest.mark.parametrize("freq", [0, ""])
def test_invalid_frequencies_are_refused(freq):
    with pytest.raises(ConfigError):
        Forecaster(6, model="dot", freq=freq).fit({"ds": np.arange(40), "y": np.arange(40.0)})


def test_flags_of_fit_and_ids_of_the_evaluation_are_checked(sales):
    with pytest.raises(ConfigError, match="Invalid evaluate 'x'"):
        Forecaster(6, model="naive").fit(monthly(sales), evaluate="x")
    rows = {"unique_id": np.repeat(["a", "b"], 40), "ds": np.tile(np.arange(40), 2), "y": np.arange(80.0)}
    evaluation = Forecaster(3, model="naive").fit(rows).evaluation_
    with pytest.raises(ConfigError, match="Unknown series 'zz'"):
        evaluation.series("zz")


def test_a_simple_forecast_without_errors_but_of_rounding_is_exact():
    y = 0.1 * np.arange(60) + 0.3
    verdict = Forecaster(6, model="mean").fit({"ds": np.arange(60), "y": y}).evaluation_.verdict
    assert "makes no error at all" in verdict


def test_attributes_that_are_settings_are_not_assigned():
    forecaster = Forecaster(6, model="naive")
    with pytest.raises(AttributeError, match=r"set_params\(h=3\)"):
        forecaster.h = 3
    assert forecaster.set_params(h=3).h == 3


def test_settings_are_changed_by_set_params_alone():
    forecaster = Forecaster(4, model="dot")
    with pytest.raises(AttributeError):
        forecaster.config = forecaster.config
    forecaster.set_params(level=(50,))
    forecast = forecaster.fit({"ds": np.arange("2015-01", "2020-01", dtype="M8[M]"), "y": np.arange(60.0) % 7})
    assert list(forecast.predict())[2:] == ["DynamicOptimizedTheta-lo-50", "DynamicOptimizedTheta-hi-50"]


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_forecast_the_same_and_are_fitted_anew_by_themselves(make):
    months = np.arange("2015-01", "2020-01", dtype="M8[M]")
    first = Forecaster(4, model="dot").fit({"ds": months, "y": 100.0 + np.arange(60) % 12})
    before, again = first.predict(), make(first)
    np.testing.assert_array_equal(again.predict()["DynamicOptimizedTheta"], before["DynamicOptimizedTheta"])
    again.fit({"ds": months[:48], "y": 5.0 + np.arange(48)})
    assert (len(again.panel_.values), len(first.panel_.values)) == (48, 60)
    np.testing.assert_array_equal(first.predict()["DynamicOptimizedTheta"], before["DynamicOptimizedTheta"])
    again.set_params(h=2)
    assert (again.h, first.h) == (2, 4)


def test_forecaster_clone_has_equal_settings_and_no_fitted_state(fitted):
    base = pytest.importorskip("sklearn.base")
    network = gc.Sequential([gc.layers.LSTM(2), gc.layers.Dense(6)])
    for forecaster in (fitted, Forecaster(**SETTINGS), Forecaster(6, model=network)):
        copy = base.clone(forecaster)
        assert copy.state_ is None
        if forecaster.model is not network:
            assert copy.get_params() == forecaster.get_params()


def test_forecaster_set_params_changes_settings_and_drops_the_fitted_state(sales):
    forecaster = Forecaster(3, model="naive").fit(monthly(sales))
    assert forecaster.set_params(h=5) is forecaster
    assert (forecaster.h, forecaster.model, forecaster.state_) == (5, "naive", None)
    field = "It is a field of gatecast.DataConfig: "
    for params, fact in (({"horizon": 4}, "In gatecast it is h"), ({"keep_last": True}, field), ({"h": -1}, "h -1")):
        with pytest.raises(ConfigError, match=fact):
            forecaster.set_params(**params)
    assert forecaster.h == 5


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"futr_exog": "a", "data": DataConfig(futr_exog="b")}, "futr_exog"),
        ({"input_size": 3, "network": NetworkConfig(input_size=4)}, "input_size"),
    ],
)
def test_forecaster_setting_given_twice_raises(settings, name):
    with pytest.raises(ConfigError, match="twice") as caught:
        Forecaster(**settings)
    assert caught.value.argument == name


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_forecaster_name_of_another_tool_raises_with_ours(name):
    with pytest.raises(ConfigError) as caught:
        Forecaster(**{name: 3})
    assert caught.value.argument == name
    assert f"In gatecast it is {OTHER_NAMES[name]}." in str(caught.value)
    # What the message names exists.
    ours = OTHER_NAMES[name].split("=")[0].split(",")[0]
    arguments = {*inspect.signature(Forecaster).parameters, *inspect.signature(Forecaster.simulate).parameters}
    assert ours in arguments
    if "(" in OTHER_NAMES[name] and "Config" in OTHER_NAMES[name]:
        record, field = OTHER_NAMES[name].split("=", 1)[1].rstrip(")").removesuffix("=...").split("(")
        assert field in getattr(gc, record).__dataclass_fields__


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_forecaster_name_without_counterpart_raises_with_the_reason(name):
    with pytest.raises(ConfigError, match="Leave it out") as caught:
        Forecaster(**{name: "cpu"})
    assert WITHOUT_EFFECT[name] in str(caught.value)


def test_forecaster_unknown_argument_raises():
    with pytest.raises(ConfigError, match=r"Unknown argument 'colour'.*help\(gatecast\.Forecaster\)"):
        Forecaster(colour="red")


def test_forecaster_repr_shows_changed_settings_and_what_was_fitted(fitted):
    assert repr(Forecaster()) == "Forecaster()"
    assert repr(Forecaster(6, model=["lstm", "dot"], network=NetworkConfig(units=4))) == (
        "Forecaster(h=6, model=['lstm', 'dot'], network=NetworkConfig(units=4))"
    )
    network = gc.Sequential([gc.layers.LSTM(2), gc.layers.Dense(6)])
    assert repr(Forecaster(model=network)) == "Forecaster(model=Sequential(2 layers))"
    assert repr(fitted).endswith("# fitted on 132 values")
    html = fitted._repr_html_()
    assert html.startswith("<table>")
    for fact in ("fitted", "132 values", "NetworkConfig(units=8)", fitted.evaluation_.verdict.split("'")[0]):
        assert fact in html
    assert "not fitted" in Forecaster()._repr_html_()


def kind(table):
    """Library of a table."""
    return type(table).__module__.split(".")[0]


def make_table(library, columns):
    """Return columns as a table of a library."""
    module = pytest.importorskip(library)
    return dict(columns) if library == "builtins" else (getattr(module, "DataFrame", None) or module.table)(columns)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "builtins"])
def test_forecaster_tables_are_of_the_kind_that_came_in_also_after_load(library, tmp_path):
    columns = {name: list(column) for name, column in ragged_panel([40] * 3).items()}
    columns["ds"] = [day.astype(object) for day in columns["ds"]]
    source = make_table(library, columns)
    forecaster = Forecaster(4, model="dot").fit(source)
    forecaster.save(tmp_path / "a")
    folds = forecaster.cross_validation(source)
    for each in (forecaster, gc.load(tmp_path / "a")):
        tables = [each.predict(), each.simulate(2), each.predict_components(), each.predict(source), folds]
        assert {kind(table) for table in tables} == {library}
    values = np.asarray(forecaster.predict()["DynamicOptimizedTheta"])
    np.testing.assert_array_equal(values, forecaster.predict(output="dict")["DynamicOptimizedTheta"])


@pytest.mark.parametrize("output", ["pandas", "polars", "pyarrow", "arrow", "dict"])
def test_forecaster_output_overrides_the_kind(fitted, output):
    library = {"arrow": "pyarrow", "dict": "builtins"}.get(output, output)
    pytest.importorskip(library)
    assert kind(fitted.predict(output=output)) == library
    assert kind(fitted.simulate(2, output=output)) == library
    assert kind(fitted.predict_components(output=output)) == library
    assert kind(fitted.predict_insample(output=output)) == library


def test_forecaster_unknown_output_raises(fitted):
    for output in ("numpy", 3):
        with pytest.raises(ConfigError, match="pandas, polars, pyarrow or dict") as caught:
            fitted.predict(output=output)
        assert caught.value.argument == "output"


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ((), "pandas"),
        (("pandas",), "polars"),
        (("pandas", "polars"), "pyarrow"),
        (("pandas", "polars", "pyarrow"), "builtins"),
    ],
)
def test_forecaster_file_gives_a_table_of_an_installed_library(missing, expected, tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("ds,y\n" + "\n".join(f"2020-01-{day:02d},{day % 7}" for day in range(1, 31)))
    forecaster = Forecaster(4, model="naive").fit(path)
    forecaster.save(tmp_path / "a.gatecast")
    for library in ("pandas", "polars", "pyarrow"):
        if library not in missing:
            pytest.importorskip(library)
    for module in (arguments, dataframes):
        monkeypatch.setattr(module, "find_spec", lambda name: None if name in missing else find_spec(name))
    for each in (forecaster, gc.load(tmp_path / "a.gatecast")):
        assert kind(each.predict()) == expected
    if "pandas" in missing:
        with pytest.raises(ConfigError, match="pip install pandas"):
            forecaster.predict(output="pandas")


@pytest.mark.slow
def test_forecaster_plot_draws_every_table(fitted, sales, tmp_path):
    pytest.importorskip("matplotlib")
    tables = {"forecast": None, "same": fitted.predict(), "pandas": fitted.predict(output="pandas")}
    tables |= {"paths": fitted.simulate(3), "folds": Forecaster(12, model="naive").cross_validation(monthly(sales))}
    for name, table in tables.items():
        path = tmp_path / f"{name}.png"
        assert fitted.plot(table, path=path) is None
        assert path.read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "forecast.png").read_bytes() == (tmp_path / "pandas.png").read_bytes()
    # A cross-validation needs no fit.
    Forecaster().plot(tables["folds"], path=tmp_path / "unfitted.png")
    with pytest.raises(NotFittedError):
        Forecaster().plot()


@pytest.mark.slow
def test_forecaster_plot_reads_years_in_its_own_tables_as_dates(tmp_path):
    pytest.importorskip("matplotlib")
    years = {"year": np.arange(1990, 2020), "y": np.arange(30.0) % 7}
    forecaster = Forecaster(4, model="naive").fit(years)
    axes = forecaster.plot(forecaster.predict()).axes[0]
    first, last = (np.datetime64(0, "D") + int(end) for end in axes.get_xlim())
    assert np.datetime64("1985") < first < np.datetime64("1992")
    assert np.datetime64("2022") < last < np.datetime64("2027")
    for name, table in {"without": None, "with": forecaster.predict()}.items():
        forecaster.plot(table, path=tmp_path / f"{name}.png")
    assert (tmp_path / "without.png").read_bytes() == (tmp_path / "with.png").read_bytes()


def test_forecaster_plot_draws_the_chosen_series(tmp_path):
    pytest.importorskip("matplotlib")
    forecaster = Forecaster(4, model="naive").fit(ragged_panel([40] * 3))
    axes = forecaster.plot(id="s01").axes[0]
    expected = forecaster.predict()["Naive"][4:8]
    assert any(np.array_equal(line.get_ydata()[-4:], expected) for line in axes.lines)
    with pytest.raises(ConfigError, match="s99"):
        forecaster.plot(id="s99")


@pytest.mark.slow
def test_forecaster_list_of_models_numbers_equal_columns(sales):
    network = gc.Sequential([gc.layers.LSTM(2), gc.layers.Dense(6)])
    config = LSTMConfig(input_size=8, units=4, max_steps=5)
    training = TrainingConfig(n_members=1, max_steps=5)
    models = ["dot", config, "lstm", network, "naive", "dot"]
    forecaster = Forecaster(6, model=models, training=training, network=NetworkConfig(units=4)).fit(monthly(sales))
    columns = ["DynamicOptimizedTheta", "LSTM", "LSTM-2", "Sequential", "Naive", "DynamicOptimizedTheta-2"]
    assert list(forecaster.model_weights_) == columns
    assert list(forecaster.predict_components())[1:] == ["Ensemble", *columns]
    names = [score.model for score in forecaster.evaluation_.scores]
    assert names == ["Ensemble", *columns, "SeasonalNaive", "Drift", "Mean"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "column"),
    [
        ("naive", "Naive"),
        ("seasonal-naive", "SeasonalNaive"),
        ("drift", "Drift"),
        ("mean", "Mean"),
        ("dot", "DynamicOptimizedTheta"),
    ],
)
def test_forecaster_simple_forecast_is_a_model(model, column, sales, tmp_path):
    forecaster = Forecaster(12, model=model).fit(monthly(sales))
    forecast = forecaster.predict(h=20)
    assert list(forecast)[1:] == [f"{column}{bound}" for bound in ("", "-lo-80", "-hi-80", "-lo-95", "-hi-95")]
    for low, high in (("-lo-95", "-lo-80"), ("-lo-80", ""), ("", "-hi-80"), ("-hi-80", "-hi-95")):
        assert (forecast[f"{column}{low}"] <= forecast[f"{column}{high}"]).all()
    assert (forecast[f"{column}-hi-80"] > forecast[column]).all()
    baseline = baseline_forecasts(sales[None], 12, 12).get(column)
    if baseline is not None:
        np.testing.assert_allclose(forecast[column][:12], baseline[0])
    forecaster.save(tmp_path / "a")
    loaded = gc.load(tmp_path / "a")
    assert loaded.model == model
    for name, values in forecast.items():
        np.testing.assert_array_equal(loaded.predict(h=20)[name], values)
    scores = forecaster.evaluation_.scores
    assert [score.model for score in scores].count(column) == 1
    assert scores[0].model == column
    assert np.isfinite(scores[0].mase)
    if model == "seasonal-naive":
        assert scores[0].skill == 0
    assert forecaster.evaluation_.verdict.startswith("On the last 12 rows")
    assert "network" not in forecaster.evaluation_.verdict
    with pytest.raises(ConfigError, match="in-sample"):
        forecaster.predict_insample()


@pytest.mark.parametrize("model", ["naive", "seasonal-naive", "drift", "mean", "dot"])
@pytest.mark.parametrize("lengths", [[1, 40], [40], [2]])
def test_forecaster_simple_forecast_of_shortest_and_constant_series(model, lengths):
    table = ragged_panel(lengths)
    table["y"] = np.full(sum(lengths), 7.0)
    forecaster = Forecaster(3, model=model).fit(table)
    forecast = forecaster.predict(level=80)
    column = forecaster.model_name_
    np.testing.assert_allclose(forecast[column], 7.0)
    for bound in ("lo", "hi"):
        np.testing.assert_allclose(forecast[f"{column}-{bound}-80"], 7.0, atol=1e-6)


@pytest.mark.parametrize("name", ["NetworkConfig", "TrainingConfig", "DataConfig", "ForecasterConfig"])
def test_configs_are_exported(name):
    assert name in gc.__all__
    assert getattr(gc, name) is getattr(config_module, name)


@pytest.mark.slow
def test_forecaster_several_id_columns_are_in_every_table_also_after_load_and_update(tmp_path):
    days = np.arange(40)
    pairs = [(store, item) for store in (1, 2) for item in ("x", "y")]
    rows = {
        "day": np.tile(days, 4),
        "store": np.repeat([store for store, _ in pairs], 40),
        "item": np.repeat([item for _, item in pairs], 40),
        "y": np.tile(np.sin(days), 4) + np.repeat(np.arange(4.0), 40),
    }
    settings = {"model": "dot", "h": 3, "id_col": ["store", "item"], "season_length": 1}
    fitted = Forecaster(**settings).fit(rows)
    fitted.save(tmp_path / "m.gatecast")
    loaded = gc.load(tmp_path / "m.gatecast")
    loaded.update({name: column + 40 if name == "day" else column for name, column in rows.items()})
    windows = fitted.cross_validation(rows)
    tables = [fitted.predict(), fitted.simulate(2), windows, loaded.predict(), fitted.evaluate(rows).table]
    tables += [fitted.predict(rows), gc.metrics.evaluate(windows, ["mae", "mase"], train_df=rows)]
    for table in tables:
        assert list(table)[:2] == ["store", "item"]
        assert list(dict.fromkeys(zip(table["store"].tolist(), table["item"].tolist(), strict=True))) == pairs
    assert loaded.predict()["day"][0] == 80
    assert loaded.config.id_col == ("store", "item")
    for name in ("2/x", "2,x", (2, "x")):
        assert fitted._session.forecast().chart(name).title.startswith("y of 2/x")
    with pytest.raises(ConfigError, match="Unknown series"):
        fitted._session.forecast().chart("3/x")


@pytest.mark.parametrize("name", ["h", "season_length", "input_size"])
@pytest.mark.parametrize("value", [1_000_001, 10**30])
def test_more_steps_than_a_million_are_a_slip_and_refused_before_any_memory_is_asked_for(name, value):
    with pytest.raises(ConfigError, match=rf"Invalid {name} {value}: expected an integer from 1 to 1,000,000"):
        Forecaster(**{"h": 3, "model": "naive", name: value}).fit({"y": np.arange(30.0) % 7})
