"""A forecaster written to a file and read again is the same forecaster; damaged files are refused."""

import pickle

import numpy as np
import pytest
from panel_cases import N_MONTHS, QUICK, SHOP_COLUMNS, monthly, only_sales, rows_after

import gatecast as gc
from gatecast._utils import safefile
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.data.frequency import parse
from gatecast.errors import FormatError, NotFittedError
from gatecast.forecaster import Forecaster
from gatecast.layers import GRU, Dense

H = 6


def saved(forecaster, path):
    """Save a forecaster and load it again."""
    forecaster.save(path / "saved.gatecast")
    return gc.load(path / "saved.gatecast")


def assert_same_table(one, other):
    """Compare two tables to the bit."""
    assert list(one) == list(other)
    for name, column in one.items():
        np.testing.assert_array_equal(column, other[name])


def test_read_restores_forecasts_settings_and_evaluation(fitted_panel, panel_table, tmp_path):
    loaded = saved(fitted_panel, tmp_path)
    for h in (4, 8):
        assert_same_table(loaded.predict(h=h, level=[70]), fitted_panel.predict(h=h, level=[70]))
    assert loaded.predict(panel_table)["Ensemble"].tobytes() == fitted_panel.predict()["Ensemble"].tobytes()
    assert (loaded.h, loaded.model, loaded.season_length_) == (4, "auto", 12)
    assert loaded.model_weights_ == fitted_panel.model_weights_
    assert loaded.get_params() == fitted_panel.get_params()
    ours, theirs = loaded.evaluation_, fitted_panel.evaluation_
    assert ours.scores == theirs.scores
    assert (ours.cutoff, ours.split_sizes, ours.verdict) == (theirs.cutoff, theirs.split_sizes, theirs.verdict)
    assert_same_table(ours.table, theirs.table)


def test_read_restores_exogenous_columns_and_categories(fitted_with_promo, shops, tmp_path):
    loaded, future = saved(fitted_with_promo, tmp_path), rows_after(shops, N_MONTHS - H)
    assert_same_table(loaded.predict(futr_df=future), fitted_with_promo.predict(futr_df=future))
    assert loaded.data == fitted_with_promo.data
    assert loaded.training_history_ == fitted_with_promo.training_history_


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "column"),
    [("es-lstm", "ES-LSTM"), ("gru", "GRU"), ("lstm-peephole", "LSTM-peephole"), ("slstm", "sLSTM")],
)
def test_read_restores_every_network(past_shops, tmp_path, model, column):
    table = only_sales(past_shops)
    network, training = NetworkConfig(units=8, dropout=0.2), TrainingConfig(n_members=2, max_steps=20)
    forecaster = Forecaster(H, model=model, **SHOP_COLUMNS, network=network, training=training)
    forecaster.fit(table, evaluate=False)
    assert forecaster.model_name_ == column
    forecast = forecaster.predict(h=2 * H + 1)
    assert forecast[column].shape == (20 * 13,)
    np.testing.assert_array_equal(forecaster.predict(table, h=2 * H + 1)[column], forecast[column])
    loaded = saved(forecaster, tmp_path)
    assert loaded.network == network
    assert_same_table(loaded.predict(h=2 * H + 1), forecast)
    insample = forecaster.predict_insample()
    assert_same_table(loaded.predict_insample(), insample)
    if model in ("es-lstm", "gru"):
        error = np.abs(insample[column] - insample["sales"]).reshape(20, -1)[:, 2:]
        assert error.mean() < 0.9 * np.abs(np.diff(insample["sales"].reshape(20, -1), axis=1)).mean()


def test_read_restores_a_users_network(past_shops, tmp_path):
    network = gc.Sequential([GRU(8), Dense(H)])
    forecaster = Forecaster(H, model=network, **SHOP_COLUMNS, training=TrainingConfig(max_steps=20))
    forecaster.fit(only_sales(past_shops), evaluate=False)
    loaded = saved(forecaster, tmp_path)
    assert_same_table(loaded.predict(), forecaster.predict())
    assert isinstance(loaded.model, gc.Sequential)


def test_read_single_named_series_restores_its_test_table(tmp_path):
    table = {"shop": np.full(60, "north"), "day": np.arange(60), "sold": 10 + np.sin(np.arange(60.0))}
    forecaster = Forecaster(5, training=TrainingConfig(n_members=1, max_steps=3)).fit(table)
    test_rows = saved(forecaster, tmp_path).evaluation_.table
    assert list(test_rows) == list(forecaster.evaluation_.table)
    assert "shop" not in test_rows
    np.testing.assert_array_equal(test_rows["sold"], table["sold"][-len(test_rows["sold"]) :])


def test_read_panel_of_mostly_short_series_restores_its_evaluation(tmp_path):
    """Half of the series are shorter than what is held back: no row of a typical one is left to train on."""
    lengths = [20, 1, 2, 3]
    y = 50 + np.sin(np.arange(sum(lengths)))
    ids = np.repeat(["a", "b", "c", "d"], lengths)
    table = {"shop": ids, "day": np.concatenate([np.arange(n) for n in lengths]), "sold": y}
    forecaster = Forecaster(6, model="dot").fit(table)
    assert forecaster.evaluation_.split_sizes == (0, 6, 6)
    assert forecaster.data_notes_[-1].startswith("half of the series or more have no row before the validation and")
    loaded = saved(forecaster, tmp_path)
    assert loaded.evaluation_.split_sizes == (0, 6, 6)
    assert loaded.evaluation_.cutoff == forecaster.evaluation_.cutoff
    assert_same_table(loaded.predict(), forecaster.predict())
    scored = loaded.evaluate(table, n_rows=15)
    assert scored.split_sizes == (0, 0, 15)


def test_read_without_evaluation_has_none(sales, tmp_path):
    forecaster = Forecaster(12, **QUICK).fit(monthly(sales), evaluate=False)
    assert saved(forecaster, tmp_path).evaluation_ is None


@pytest.mark.parametrize("make", [saved, lambda forecaster, _: pickle.loads(pickle.dumps(forecaster))])
def test_read_of_what_predict_fitted_fits_the_next_table_anew(tmp_path, make):
    one, other = ({"ds": np.arange(40), "y": level + np.arange(40.0)} for level in (0.0, 1000.0))
    forecaster = Forecaster(3, model="dot")
    forecaster.predict(one)
    restored = make(forecaster, tmp_path)
    assert_same_table(restored.predict(), forecaster.predict())
    assert_same_table(restored.predict(other), Forecaster(3, model="dot").predict(other))
    assert_same_table(make(restored, tmp_path).predict(one), Forecaster(3, model="dot").predict(one))


def test_read_restores_ids_that_int64_does_not_hold(tmp_path):
    ids = np.array([2**63 + 1, 2**64 - 1, 5], np.uint64)
    table = {"unique_id": np.repeat(ids, 20), "ds": np.tile(np.arange(20), 3), "y": np.arange(60.0)}
    forecaster = Forecaster(2, model="naive").fit(table, evaluate=False)
    loaded = saved(forecaster, tmp_path)
    assert_same_table(loaded.predict(), forecaster.predict())
    assert_same_table(loaded.update(table).predict(table), forecaster.predict())
    assert loaded.predict()["unique_id"].tolist() == np.repeat(ids, 2).tolist()
    assert loaded.stream().ids == ids.tolist()


@pytest.mark.parametrize("damage", ["truncated", "altered", "foreign", "absent"])
def test_read_damaged_file_raises(fitted_panel, tmp_path, damage):
    path = tmp_path / "a.gatecast"
    fitted_panel.save(path)
    data = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "altered":
        data[-5] ^= 1
        path.write_bytes(data)
    elif damage == "foreign":
        path.write_bytes(b"unique_id,ds,y\n" * 40)
    else:
        path.unlink()
    with pytest.raises(FormatError, match=r"a\.gatecast"):
        Forecaster.load(path)


def test_read_other_weights_raises(fitted_shops, tmp_path):
    fitted_shops.save(tmp_path / "a")
    header, arrays = safefile.read(tmp_path / "a", "forecaster")
    name = next(name for name in arrays if name.endswith("weights"))
    safefile.write(tmp_path / "b", "forecaster", header, dict(arrays) | {name: np.zeros(5, np.float32)})
    with pytest.raises(FormatError, match=r"weights, the file has 5"):
        gc.load(tmp_path / "b")


def test_write_unfitted_forecaster_raises(tmp_path):
    with pytest.raises(NotFittedError, match="not fitted"):
        Forecaster(H).save(tmp_path / "a")


@pytest.mark.parametrize(
    "settings",
    [
        {"h": np.int64(3)},
        {"season_length": np.int64(4), "seed": np.int64(3)},
        {"level": np.array([80, 90])},
        {"freq": parse("MS")},
        {"target_col": np.array(["y"])},
        {"data": DataConfig(lower_bound=np.float32(0), keep_last=np.True_)},
        {"data": DataConfig(missing_codes=(np.int64(-9), np.float64(5)))},
        {"network": NetworkConfig(units=np.int64(4), dropout=np.float64(0.1))},
        {"training": TrainingConfig(n_members=np.int64(1), max_steps=np.int64(2), learning_rate=np.float32(0.01))},
    ],
    ids=lambda settings: " ".join(settings),
)
def test_write_settings_of_other_types_than_those_of_python_are_saved(settings, tmp_path):
    """What was trained with them is not lost when it is saved."""
    months = np.arange("2020-01", "2023-05", dtype="M8[M]")
    forecaster = Forecaster(**{"h": 3, "model": "naive"} | settings)
    forecaster.fit({"ds": months, "y": 100 + np.sin(np.arange(40.0))}, evaluate=False, progress=False)
    assert_same_table(saved(forecaster, tmp_path).predict(), forecaster.predict())


@pytest.mark.parametrize("start", [np.int64(2**60), np.int64(-(2**61)), np.datetime64("20000-01-01", "D")])
def test_read_times_far_away_are_those_that_were_saved(start, tmp_path):
    """What a table may have, its file may have too."""
    table = {"ds": start + 1 + np.arange(40), "y": 100 + np.sin(np.arange(40.0))}
    freq = "D" if table["ds"].dtype.kind == "M" else 1
    forecaster = Forecaster(3, model="naive", freq=freq, time_col="ds").fit(table, evaluate=False, progress=False)
    assert forecaster.predict()["ds"][0] > table["ds"][-1]
    assert_same_table(saved(forecaster, tmp_path).predict(), forecaster.predict())
