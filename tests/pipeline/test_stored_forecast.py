"""Forecasts of Parquet files in parts: the bits of one predict of everything, whatever the order of the rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import duckdb
import numpy as np
import pytest
from many_series import assert_same_bits, joined, many_series, rows_where, shuffled

from gatecast import Forecaster
from gatecast.config import DataConfig, TrainingConfig
from gatecast.data.reader import write
from gatecast.errors import ConfigError, DataError, GatecastError

H = 6


@pytest.fixture(scope="module")
def series():
    return many_series(120, seed=1)


@pytest.fixture(scope="module")
def fitted():
    """A small LSTM that has seen other series."""
    quick = TrainingConfig(n_members=1, max_steps=10)
    return Forecaster(H, model="lstm", training=quick).fit(many_series(30, seed=2, prefix="t"), evaluate=False)


@pytest.fixture(scope="module")
def naive():
    return Forecaster(H, model="seasonal-naive", level=80).fit(many_series(10, seed=2, prefix="t"), evaluate=False)


def read_all(stored):
    """Return the forecasts of a folder."""
    files = [str(file) for file in stored.files]
    return duckdb.execute("SELECT * FROM read_parquet(?)", [files]).fetchnumpy()


def store(forecaster, table, tmp_path, **arguments):
    """Forecast a table by way of a file."""
    source = tmp_path / "series.parquet"
    write(table, source)
    arguments = {"partition_size": 7, "progress": False} | arguments
    return forecaster.predict(source, folder=tmp_path / "out", **arguments)


@pytest.mark.slow
@pytest.mark.parametrize("order", [lambda table: table, shuffled])
def test_parts_of_a_network_have_the_bits_of_one_predict_of_all(fitted, series, tmp_path, order):
    stored = store(fitted, order(series), tmp_path)
    assert len(stored.files) == -(-120 // 7)
    assert_same_bits(read_all(stored), fitted.predict(series, output="dict"))


@pytest.mark.slow
@pytest.mark.parametrize("partition_size", [1, 7])
def test_parts_of_the_pretrained_network_have_the_bits_of_one_predict_of_all(tmp_path, partition_size):
    few = many_series(45, seed=1, longest=140)
    forecaster = Forecaster(H, model="pretrained").fit(many_series(12, seed=2, prefix="t"), evaluate=False)
    stored = store(forecaster, few, tmp_path, partition_size=partition_size)
    assert_same_bits(read_all(stored), forecaster.predict(few, output="dict"))


@pytest.mark.parametrize("model", ["naive", "dot", "mean", "drift", "seasonal-naive"])
def test_files_of_one_series_have_the_bits_of_one_predict(tmp_path, model):
    table = many_series(1, seed=4)
    forecaster = Forecaster(H, model=model).fit(many_series(12, seed=2, prefix="t"), evaluate=False)
    assert_same_bits(read_all(store(forecaster, table, tmp_path)), forecaster.predict(table, output="dict"))


def test_parts_of_one_series_each_have_the_bits_of_all(naive, series, tmp_path):
    few = rows_where(series, series["unique_id"] < "s0009")
    stored = store(naive, few, tmp_path, partition_size=1)
    assert len(stored.files) == 9
    assert_same_bits(read_all(stored), naive.predict(few, output="dict"))


def test_series_that_go_on_with_those_of_fit_are_as_wide_as_their_history(tmp_path):
    table = many_series(8, seed=5, shortest=60)
    late = table["ds"] > np.datetime64("2014-01-01")
    forecaster = Forecaster(H, model="mean").fit(rows_where(table, ~late), evaluate=False)
    new = rows_where(table, late)
    stored = store(forecaster, new, tmp_path, partition_size=2)
    assert_same_bits(read_all(stored), forecaster.predict(new, output="dict"))


def test_rows_of_the_future_end_all_parts_at_the_last_value_of_all(naive, tmp_path):
    table = many_series(6, seed=3)
    last = table["ds"].max()
    ids = np.unique(table["unique_id"].astype(str))
    future = {
        "unique_id": np.repeat(ids, 2).astype(object),
        "ds": np.tile(np.array([last + np.timedelta64(31, "D"), last + np.timedelta64(62, "D")]).astype("M8[M]"), 6),
        "y": np.full(12, np.nan),
    }
    future["ds"] = future["ds"].astype("M8[us]")
    both = joined(table, future)
    stored = store(naive, both, tmp_path, partition_size=2)
    assert_same_bits(read_all(stored), naive.predict(both, output="dict"))


def test_codes_of_missing_values_are_those_of_all_parts(naive, tmp_path):
    table = many_series(9, seed=4)
    table["y"][np.flatnonzero(table["unique_id"] == "s0003")[3]] = -9999.0
    table["y"][np.flatnonzero(table["unique_id"] == "s0007")[4]] = -9999.0
    stored = store(naive, table, tmp_path, partition_size=2)
    expected = naive.predict(table, output="dict")
    assert np.nanmin(expected["SeasonalNaive-lo-80"]) > -5000
    assert_same_bits(read_all(stored), expected)


def test_several_id_columns_are_divided_by_all_of_them(tmp_path):
    table = many_series(12, seed=6)
    number = np.array([int(name[1:]) for name in table["unique_id"]])
    table = {
        "store": number // 4,
        "item": np.array([f"i/{k}" for k in number % 4], object),
        "ds": table["ds"],
        "y": table["y"],
    }
    forecaster = Forecaster(H, model="naive", id_col=["store", "item"]).fit(table, evaluate=False)
    got = read_all(store(forecaster, shuffled(table), tmp_path, partition_size=3))
    expected = forecaster.predict(table, output="dict")
    assert len(got["Naive"]) == len(expected["Naive"])
    order, wanted = (np.lexsort((t["ds"], t["item"].astype(str), t["store"])) for t in (got, expected))
    for name in expected:
        np.testing.assert_array_equal(got[name][order].astype(expected[name].dtype), expected[name][wanted])


def test_ids_of_unsigned_integers_have_their_type_in_every_part(tmp_path):
    ids = np.repeat(np.array([3, 5, 2**63 + 1, 2**64 - 1], np.uint64), 30)
    table = {"unique_id": ids, "ds": np.tile(np.arange(30), 4), "y": np.arange(120.0)}
    forecaster = Forecaster(H, model="naive").fit(table, evaluate=False)
    stored = store(forecaster, table, tmp_path, partition_size=2)
    assert len(stored.files) == 2
    for file in stored.files:
        column = duckdb.execute("SELECT unique_id FROM read_parquet(?)", [str(file)]).fetchnumpy()["unique_id"]
        assert column.dtype == np.uint64
        assert np.isin(column, ids).all()


def test_exogenous_columns_and_their_future_are_read_from_the_files(tmp_path):
    n, length = 6, 40
    t = np.arange(length + 3)
    table = {
        "unique_id": np.repeat([f"s{k}" for k in range(n)], length + 3).astype(object),
        "ds": np.tile(t, n),
        "y": np.where(np.tile(t, n) < length, np.tile(5.0 + t % 4, n), np.nan),
        "price": np.random.default_rng(0).normal(size=n * (length + 3)),
    }
    forecaster = Forecaster(3, model="ar", futr_exog="price").fit(table, evaluate=False)
    stored = store(forecaster, table, tmp_path, partition_size=6)
    assert_same_bits(read_all(stored), forecaster.predict(table, output="dict"))
    assert any("ar" in note for note in stored.findings)


def test_finished_parts_are_not_done_again(naive, series, tmp_path, monkeypatch):
    whole = store(naive, series, tmp_path)
    expected = [file.read_bytes() for file in whole.files]
    for k in (3, 5):
        whole.files[k].unlink()
    untouched = [file.stat().st_mtime_ns for file in whole.files if file.exists()]
    again = naive.predict(tmp_path / "series.parquet", folder=tmp_path / "out", partition_size=7, progress=False)
    assert again.n_found == len(whole.files) - 2
    assert [file.read_bytes() for file in again.files] == expected
    kept = [file.stat().st_mtime_ns for k, file in enumerate(again.files) if k not in (3, 5)]
    assert kept == untouched
    assert sorted(os.listdir(tmp_path / "out")) == sorted(["_forecast.json", *(file.name for file in whole.files)])


KILLED = """
import os, signal, sys
from gatecast import Forecaster
from gatecast.pipeline import stored_forecast
real, written = stored_forecast.write, []
def write(columns, path):
    if len(written) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    written.append(real(columns, path))
stored_forecast.write = write
Forecaster.load(sys.argv[1]).predict(sys.argv[2], folder=sys.argv[3], partition_size=7)
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_bits_of_an_undisturbed_one(naive, series, tmp_path):
    undisturbed = store(naive, shuffled(series), tmp_path)
    expected = [file.read_bytes() for file in undisturbed.files]
    model, source, folder = tmp_path / "m.gatecast", tmp_path / "series.parquet", tmp_path / "killed"
    naive.save(model)
    environment = {**os.environ, "GATECAST_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", KILLED, model, source, folder], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert 0 < len(list(folder.glob("part-*.parquet"))) < len(expected)
    resumed = Forecaster.load(model).predict(source, folder=folder, partition_size=7, progress=False)
    assert 0 < resumed.n_found < len(expected)
    assert [file.read_bytes() for file in resumed.files] == expected
    assert not [name for name in os.listdir(folder) if name.startswith(".") or name == "_work"]


def test_progress_reports_series_rate_and_time_left(naive, series, tmp_path):
    reports = []
    store(naive, series, tmp_path, progress=reports.append)
    assert reports[-1].n_done == reports[-1].n_series == 120
    assert all(report.rate > 0 for report in reports)
    assert reports[-1].seconds_left == 0
    assert "of 120 series" in str(reports[0])


def test_models_that_need_no_training_learn_from_a_sample_of_the_files(series, tmp_path):
    forecaster = Forecaster(H, model="naive", level=80)
    stored = store(forecaster, series, tmp_path)
    assert stored.n_series == 120
    expected = Forecaster(H, model="naive", level=80).fit(series).predict(output="dict")
    assert_same_bits(read_all(stored), expected)


def test_a_folder_of_another_forecast_is_refused(naive, series, tmp_path):
    store(naive, series, tmp_path)
    for arguments in ({"h": 3}, {"level": 90}, {"partition_size": 8}):
        with pytest.raises(ConfigError, match="holds another forecast"):
            store(naive, series, tmp_path, **arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: {**t, "unique_id": t["unique_id"][::-1]}, "Two rows|Duplicate|time"),
        (lambda t: {"ds": t["ds"], "y": t["y"]}, "no column 'unique_id'"),
        (lambda t: {name: column[:0] for name, column in t.items()}, "no rows|no column|type"),
        (lambda t: {**t, "y": np.array(["a"] * len(t["y"]), object)}, "type that cannot be read"),
        (lambda t: {**t, "y": np.full(len(t["y"]), np.nan)}, "No series has a value"),
        (
            lambda t: {**t, "unique_id": np.where(np.arange(len(t["y"])) == 5, None, t["unique_id"])},
            "1 row without a value",
        ),
    ],
)
def test_data_that_cannot_be_used_are_refused_in_a_sentence(naive, tmp_path, change, message):
    with pytest.raises(GatecastError, match=message):
        store(naive, change(many_series(8, seed=8)), tmp_path)


def test_duplicate_times_in_different_files_are_refused(naive, tmp_path):
    table = many_series(8, seed=8)
    (tmp_path / "in").mkdir()
    write(table, tmp_path / "in" / "a.parquet")
    write(rows_where(table, table["unique_id"] == "s0005"), tmp_path / "in" / "b.parquet")
    with pytest.raises(DataError, match="s0005"):
        naive.predict(tmp_path / "in", folder=tmp_path / "out", partition_size=2, progress=False)


def test_files_of_a_folder_with_different_schemas_are_refused(naive, tmp_path):
    table = many_series(8, seed=8)
    (tmp_path / "in").mkdir()
    write(table, tmp_path / "in" / "a.parquet")
    write({**table, "ds": np.arange(len(table["y"]))}, tmp_path / "in" / "b.parquet")
    with pytest.raises(DataError, match=r"different schemas.*b\.parquet.*'ds'"):
        naive.predict(tmp_path / "in", folder=tmp_path / "out", progress=False)


def test_what_cannot_be_divided_is_refused(naive, series, tmp_path):
    with pytest.raises(ConfigError, match="from Parquet files alone"):
        naive.predict(series, folder=tmp_path / "out")
    with pytest.raises(ConfigError, match="takes no futr_df"):
        store(naive, series, tmp_path, futr_df={"ds": [1]})
    single = Forecaster(H, model="naive").fit({"ds": np.arange(30), "y": np.arange(30.0)}, evaluate=False)
    with pytest.raises(ConfigError, match="without an id column"):
        store(single, series, tmp_path)
    table = {**series, "region": np.where(series["unique_id"] < "s0050", "a", "b").astype(object)}
    totals = Forecaster(H, model="naive", hierarchy=True, id_col=["region", "unique_id"])
    with pytest.raises(ConfigError, match="Totals cannot be forecast in parts"):
        store(totals.fit(table, evaluate=False), table, tmp_path)


def test_folders_that_hold_something_else_are_refused(naive, series, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(ConfigError, match=r"mine\.txt"):
        store(naive, series, tmp_path)
    with pytest.raises(ConfigError, match="does not exist"):
        naive.predict(tmp_path / "series.parquet", folder=tmp_path / "no" / "out")
    (tmp_path / "in").mkdir()
    write(series, tmp_path / "in" / "a.parquet")
    with pytest.raises(ConfigError, match="among the series"):
        naive.predict(tmp_path / "in", folder=tmp_path / "in")


def test_missing_codes_that_are_kept_stay_values(tmp_path):
    table = many_series(6, seed=9)
    table["y"][5] = table["y"][9] = -9999.0
    forecaster = Forecaster(H, model="mean", data=DataConfig(missing_codes=False))
    forecaster.fit(many_series(6, seed=2, prefix="t"), evaluate=False)
    assert_same_bits(read_all(store(forecaster, table, tmp_path)), forecaster.predict(table, output="dict"))
