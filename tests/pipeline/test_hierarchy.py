"""Totals that add up: in forecasts, intervals' medians, every sample path, saved files, new rows and backtests."""

from __future__ import annotations

import numpy as np
import pytest

import gatecast as gc
from gatecast.errors import ConfigError, DataError

N, H = 48, 4


def table_of(n=N, seed=0, scale=1.0, shift=40.0):
    """Three stores with two items each, monthly."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 3, n)
    y = shift + scale * (common + rng.normal(0, 2, (6, n)))
    return {
        "store": np.repeat(["north", "south", "west"], 2 * n),
        "item": np.tile(np.repeat(["pen", "ink"], n), 3),
        "ds": np.tile(np.arange("2020-01", np.datetime64("2020-01") + n, dtype="M8[M]").astype("M8[D]"), 6),
        "y": y.ravel(),
    }


def forecaster(**settings):
    defaults = {"model": "dot", "season_length": 1, "id_col": ["store", "item"], "hierarchy": True}
    return gc.Forecaster(H, **{**defaults, **settings})


def assert_adds_up(table, column):
    """All rows of the totals are the sums of the rows of the same time, cutoff and path."""
    rest = [table[name].astype(str) for name in ("ds", "cutoff", "path") if name in table]
    rows = list(zip(table["store"], table["item"], *rest, strict=True))
    sums = {}
    for (store, item, *key), value in zip(rows, table[column], strict=True):
        if item != "total":
            for level in ((store, "total", *key), ("total", "total", *key)):
                sums[level] = sums.get(level, 0.0) + value
    totals = {row: value for row, value in zip(rows, table[column], strict=True) if row[1] == "total"}
    assert totals.keys() == sums.keys()
    assert max(abs(totals[row] - sums[row]) for row in sums) < 1e-9


@pytest.fixture(scope="module")
def fitted():
    return forecaster().fit(table_of())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["mint", "wls-struct", "bottom-up"])
def test_forecasts_and_paths_of_every_method_add_up(method):
    model = forecaster(reconciliation=method).fit(table_of(), evaluate=False)
    assert_adds_up(model.predict(), model.model_name_)
    assert_adds_up(model.predict(h=2 * H + 1), model.model_name_)
    assert_adds_up(model.simulate(7), model.model_name_)


@pytest.mark.slow
def test_forecasts_come_with_the_key_columns_and_nested_intervals(fitted):
    table = fitted.predict()
    assert list(table)[:3] == ["store", "item", "ds"]
    assert table["store"][:1].tolist() == table["item"][:1].tolist() == ["total"]
    assert len(table["ds"]) == (1 + 3 + 6) * H
    name = fitted.model_name_
    lo95, lo80, hi80, hi95 = (table[f"{name}-{side}"] for side in ("lo-95", "lo-80", "hi-80", "hi-95"))
    assert (lo95 <= lo80).all()
    assert (lo80 <= table[name]).all()
    assert (table[name] <= hi80).all()
    assert (hi80 <= hi95).all()
    assert any(note.startswith("totals: total (1), store (3)") for note in fitted.data_notes_)


@pytest.mark.slow
def test_a_loaded_forecaster_says_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "model.gatecast")
    loaded = gc.load(tmp_path / "model.gatecast")
    assert loaded.hierarchy is True
    for name, column in fitted.predict().items():
        np.testing.assert_array_equal(loaded.predict()[name], column)
    assert_adds_up(loaded.simulate(3), loaded.model_name_)


@pytest.mark.slow
def test_new_rows_of_one_series_give_totals_of_all(fitted):
    months = np.array(["2024-01-01", "2024-02-01"], "M8[D]")
    new = {"store": ["north"] * 2, "item": ["pen"] * 2, "ds": months, "y": [44.0, 41.0]}
    table = fitted.predict(new)
    assert table["ds"].min() == np.datetime64("2024-03-01")
    assert len(table["ds"]) == 10 * H
    assert_adds_up(table, fitted.model_name_)


@pytest.mark.slow
def test_other_series_have_totals_of_their_own(fitted):
    other = table_of(seed=5)
    other["store"] = np.char.add("new ", other["store"])
    table = fitted.predict(other)
    assert table["store"][0] == "total"
    assert_adds_up(table, fitted.model_name_)


@pytest.mark.slow
def test_update_keeps_the_totals():
    model = forecaster().fit(table_of(), evaluate=False)
    longer = table_of(N + 1)
    newest = longer["ds"] == longer["ds"].max()
    model.update({name: column[newest] for name, column in longer.items()})
    assert_adds_up(model.predict(), model.model_name_)


def test_update_with_a_new_store_has_its_totals(tmp_path):
    table = table_of()
    last = table["store"] == np.unique(table["store"])[-1]
    model = forecaster().fit({name: column[~last] for name, column in table.items()}, evaluate=False)
    before = model.state_.calibrator.reconciler.errors
    model.update({name: column[last] for name, column in table.items()})
    after = model.state_.calibrator.reconciler.errors
    assert after.shape == (len(before), len(model.panel_))
    assert np.isnan(after).all(axis=0).sum() == len(model.panel_) - before.shape[1]
    assert_adds_up(model.predict(), model.model_name_)
    model.save(tmp_path / "stores.gatecast")
    assert_adds_up(gc.load(tmp_path / "stores.gatecast").predict(), model.model_name_)


def with_new_store(n_rows):
    """The table, and a large store of which the newest rows alone are known."""
    table, rng = table_of(), np.random.default_rng(1)
    ds = np.unique(table["ds"])[N - n_rows :]
    new = {"store": ["new"], "item": ["pen"], "ds": ds, "y": 300 + rng.normal(0, 3, n_rows)}
    return {
        name: np.concatenate([column, np.resize(np.asarray(new[name], column.dtype), n_rows)])
        for name, column in table.items()
    }


def widths(model):
    """Widths of the intervals of the stores that have always been there, and of the total."""
    forecast, column = model.predict(), model.model_name_
    width = forecast[f"{column}-hi-80"] - forecast[f"{column}-lo-80"]
    is_old = (forecast["store"] != "new") & (forecast["item"] != "total")
    return width[is_old], width[forecast["store"] == "total"]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["mint", "bottom-up"])
@pytest.mark.parametrize("n_rows", [1, H, 2 * H])
def test_a_series_that_begins_late_leaves_the_intervals_of_others_as_wide(n_rows, method):
    without = widths(forecaster(reconciliation=method).fit(table_of()))
    joined = widths(forecaster(reconciliation=method).fit(with_new_store(n_rows)))
    for before, now in zip(without, joined, strict=True):
        assert now.mean() < 2 * before.mean()


@pytest.mark.slow
@pytest.mark.parametrize("refit", [True, False])
def test_backtests_add_up_in_forecasts_and_actual_values(refit):
    table = forecaster().cross_validation(table_of(), n_windows=2, refit=refit)
    assert_adds_up(table, "DynamicOptimizedTheta")
    assert_adds_up(table, "y")


@pytest.mark.slow
def test_no_forecast_is_negative_where_no_value_is():
    table = table_of(shift=0.5, scale=0.5)
    table["y"] = np.maximum(table["y"], 0)
    model = forecaster().fit(table)
    said = model.predict()
    assert min(column.min() for name, column in said.items() if name.startswith("Dyn")) >= 0
    assert model.simulate(20)[model.model_name_].min() >= 0
    assert_adds_up(said, model.model_name_)


@pytest.mark.slow
def test_bounds_hold_for_series_and_not_for_totals():
    data = gc.config.DataConfig(lower_bound=10, upper_bound=60)
    said = forecaster(data=data).fit(table_of()).predict()
    is_total = said["item"] == "total"
    for name in ("DynamicOptimizedTheta", "DynamicOptimizedTheta-hi-95"):
        assert said[name][~is_total].max() <= 60
        assert said[name][is_total].min() > 60


def test_integers_with_totals_are_refused():
    with pytest.raises(ConfigError, match="Invalid integer=True: rounded forecasts"):
        forecaster(data=gc.config.DataConfig(integer=True))


def test_data_with_totals_are_refused():
    table = table_of()
    table["store"] = np.where(table["store"] == "west", "Total", table["store"])
    with pytest.raises(DataError, match="The data hold totals already"):
        forecaster().fit(table)


def test_a_key_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match="Unknown column 'region' in hierarchy"):
        forecaster(hierarchy=["region"]).fit(table_of())


@pytest.mark.slow
def test_several_targets_have_totals_each():
    table = {**table_of(), "z": 7 * np.ones(6 * N)}
    said = forecaster(target_col=["y", "z"]).fit(table, evaluate=False).predict()
    is_total = (said["store"] == "total") & (said["variable"] == "z")
    assert said["DynamicOptimizedTheta"][is_total] == pytest.approx(42.0)


@pytest.mark.slow
def test_prices_of_totals_are_means_of_those_known_ahead():
    table = {**table_of(), "price": np.tile(np.linspace(1, 2, N), 6)}
    model = forecaster(futr_exog="price").fit(table, evaluate=False)
    future = table_of(N + H)
    ahead = np.tile(np.arange(N + H) >= N, 6)
    futr_df = {name: future[name][ahead] for name in ("store", "item", "ds")} | {"price": np.full(6 * H, 2.0)}
    assert_adds_up(model.predict(futr_df=futr_df), model.model_name_)


@pytest.mark.parametrize(
    ("method", "when", "is_kept"),
    [
        ("mint", " before reconciliation", True),
        ("wls-struct", " before reconciliation", False),
        ("bottom-up", "", True),
    ],
)
def test_a_note_on_a_constant_says_whether_its_forecast_is_reconciled(method, when, is_kept):
    table = table_of()
    flat = (table["store"] == "west") & (table["item"] == "ink")
    table["y"][flat] = 30.0
    model = forecaster(reconciliation=method).fit(table)
    assert f"series 'west/ink' does not vary: its forecast{when} is the constant." in model.findings_
    forecast = model.predict()
    of_flat = (forecast["store"] == "west") & (forecast["item"] == "ink")
    assert np.allclose(forecast[model.model_name_][of_flat], 30.0, atol=1e-6) == is_kept
    components = model.predict_components()
    before = components[model.model_name_][(components["store"] == "west") & (components["item"] == "ink")]
    np.testing.assert_allclose(before, 30.0)
