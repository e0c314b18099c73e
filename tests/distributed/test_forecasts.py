"""Forecasts and fits of divided data sets, on an engine that does everything in this process."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pyarrow as pa
import pytest
from many_series import assert_same_bits, many_series, rows_where, shuffled

from gatecast import Forecaster
from gatecast.config import TrainingConfig
from gatecast.data.sources.arrow_tables import divide_rows, join_tables
from gatecast.distributed import forecasts
from gatecast.distributed.engine import Engine, engine_of
from gatecast.distributed.spark_engine import SparkEngine
from gatecast.distributed.worker_errors import plain_errors
from gatecast.errors import ConfigError, DataError
from gatecast.pipeline.sampling import id_hash

H = 6


class LocalEngine:
    """Batches in a list. What is sent to a worker is pickled, as elsewhere."""

    def __init__(self, batches):
        self.batches, self.n_shuffles = batches, 0

    def names(self):
        return tuple(self.batches[0].column_names)

    def count_rows(self):
        return sum(batch.num_rows for batch in self.batches)

    def collect(self, task):
        return [pickle.loads(pickle.dumps(task))(batch) for batch in self.batches]

    def as_they_are(self, prepare):
        task = pickle.loads(pickle.dumps(prepare))
        return LocalParts([part for batch in self.batches for part in task(batch)])

    def by_id(self, ids, n_parts, prepare):
        self.n_shuffles += 1
        pieces = [divide_rows(batch, ids, n_parts) for batch in self.batches]
        parts = [[piece[k] for piece in pieces if k in piece] for k in range(n_parts)]
        task = pickle.loads(pickle.dumps(prepare))
        return LocalParts([task(join_tables(tables)) for tables in parts if tables])


class LocalParts:
    """Parts in a list, with what is known of them."""

    def __init__(self, parts):
        self.parts = parts

    def facts(self):
        return [facts for facts, _ in self.parts]

    def with_part(self, part):
        return LocalParts([*self.parts, part])

    def release(self):
        self.parts = None

    def map(self, task, columns):
        task = pickle.loads(pickle.dumps(task))
        made = [task(part) for _, part in self.parts]
        assert all(table.column_names == list(columns) for table in made)
        return pa.concat_tables(made)


def engine(table, n_batches=4):
    """Return a table in batches; the rows of a series are in several."""
    whole = pa.table({name: column.tolist() if column.dtype == object else column for name, column in table.items()})
    size = -(-len(whole) // n_batches) or 1
    return LocalEngine([whole.slice(start, size) for start in range(0, max(len(whole), 1), size)])


def columns_of(table):
    return {name: np.asarray(table.column(name)) for name in table.column_names}


@pytest.fixture(scope="module")
def series():
    return shuffled(many_series(60, seed=1))


@pytest.fixture(scope="module")
def naive():
    return Forecaster(H, model="naive", level=80).fit(many_series(10, seed=2, prefix="t"), evaluate=False)


def test_local_engine_is_one():
    assert isinstance(LocalEngine([]), Engine)
    assert engine_of({"y": [1.0]}) is None
    assert engine_of("sales.parquet") is None


@pytest.mark.parametrize("size", [7, 1000])
def test_blocks_of_whole_series_are_parts_without_a_shuffle(naive, series, size, monkeypatch):
    names = np.unique(series["unique_id"].astype(str))
    blocks = [rows_where(series, np.isin(series["unique_id"].astype(str), some)) for some in np.array_split(names, 3)]
    divided = LocalEngine([engine(block, 1).batches[0] for block in blocks])
    counted = []
    known = forecasts._known
    monkeypatch.setattr(forecasts, "_known", lambda parts: counted.append(len(parts.parts)) or known(parts))
    got = columns_of(naive.predict(divided, partition_size=size))
    assert_same_bits(got, naive.predict(series, output="dict"))
    assert divided.n_shuffles == 0
    # Of each block of 20 series, the parts of 7 at most, and what is at its edges.
    assert counted == [3 * (-(-18 // size) + 1)]


@pytest.mark.parametrize(("n_batches", "n_shuffles"), [(1, 0), (2, 0), (30, 1), (400, 1)])
def test_series_at_the_edges_of_blocks_are_put_together(naive, n_batches, n_shuffles):
    rows = many_series(60, seed=1)
    divided = engine(rows, n_batches)
    got = columns_of(naive.predict(divided, partition_size=10))
    assert_same_bits(got, naive.predict(rows, output="dict"))
    assert divided.n_shuffles == n_shuffles


def test_blocks_of_few_series_send_no_rows_to_the_process_that_calls(naive, monkeypatch):
    rows, sent = many_series(60, seed=1), []
    known = forecasts._known
    monkeypatch.setattr(forecasts, "_known", lambda parts: sent.append(known(parts)) or sent[-1])
    divided = engine(rows, 30)
    naive.predict(divided, partition_size=10)
    assert all(part.edge is None and part.facts is None for part in sent[0])
    assert divided.n_shuffles == 1


def test_parts_are_released_after_an_error(naive, series, monkeypatch):
    released = []
    monkeypatch.setattr(LocalParts, "release", lambda self: released.append(self))
    monkeypatch.setattr(forecasts, "panel_facts", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        naive.predict(engine(series), partition_size=20)
    assert len(released) == 2  # What is shuffled after all, and what the error leaves.


def test_series_in_several_blocks_are_shuffled_once(naive, series):
    divided = engine(series, 3)
    got = columns_of(naive.predict(divided, partition_size=10))
    assert_same_bits(got, naive.predict(series, output="dict"))
    assert divided.n_shuffles == 1


@pytest.mark.slow
def test_predict_of_a_network_has_the_bits_of_one_machine(series):
    quick = TrainingConfig(n_members=1, max_steps=5)
    fitted = Forecaster(H, model="lstm", training=quick).fit(many_series(20, seed=2, prefix="t"), evaluate=False)
    got = fitted.predict(engine(series), partition_size=10)
    assert_same_bits(columns_of(got), fitted.predict(series, output="dict"))


@pytest.mark.parametrize("partition_size", [1, 7, 1000])
def test_predict_has_the_bits_of_one_machine_whatever_the_parts(naive, series, partition_size):
    got = naive.predict(engine(series), partition_size=partition_size)
    assert_same_bits(columns_of(got), naive.predict(series, output="dict"))


def test_predict_goes_on_with_the_rows_of_fit():
    table = many_series(8, seed=5, shortest=60)
    late = table["ds"] > np.datetime64("2014-01-01")
    forecaster = Forecaster(H, model="mean").fit(rows_where(table, ~late), evaluate=False)
    new = rows_where(table, late)
    got = forecaster.predict(engine(new), partition_size=2)
    assert_same_bits(columns_of(got), forecaster.predict(new, output="dict"))


@pytest.mark.parametrize(
    "kind", [pa.date32(), pa.timestamp("ms"), pa.timestamp("us", "UTC"), pa.timestamp("us", "America/New_York")]
)
def test_predict_returns_times_in_the_type_of_the_source(naive, kind):
    table = many_series(6, seed=3)
    source = engine(table, 1).batches[0]
    times = source.column("ds")
    zone = getattr(kind, "tz", None)
    cast = pa.compute.assume_timezone(times, zone) if zone else times.cast(kind)
    got = naive.predict(LocalEngine([source.set_column(1, "ds", cast)]), partition_size=2)
    assert got.schema.field("ds").type == kind
    local = pa.compute.local_timestamp(got.column("ds")) if zone else got.column("ds").cast(pa.timestamp("us"))
    expected = naive.predict(table, output="dict")
    assert_same_bits(columns_of(got.set_column(1, "ds", local)), expected)


def test_predict_of_several_id_columns_keeps_their_types(series):
    number = np.array([int(name[1:]) for name in series["unique_id"]])
    item = np.array([f"i/{k}" for k in number % 6], object)
    table = {"store": number // 6, "item": item, "ds": series["ds"], "y": series["y"]}
    forecaster = Forecaster(H, model="naive", id_col=["store", "item"]).fit(table, evaluate=False)
    got = columns_of(forecaster.predict(engine(table), partition_size=10))
    expected = forecaster.predict(table, output="dict")
    assert got["store"].dtype == np.int64
    order, wanted = (np.lexsort((t["ds"], t["item"].astype(str), t["store"])) for t in (got, expected))
    for name in expected:
        np.testing.assert_array_equal(got[name][order].astype(expected[name].dtype), expected[name][wanted])


def test_codes_of_missing_values_are_those_of_all_parts(naive):
    table = many_series(9, seed=4)
    for name in ("s0003", "s0007"):
        table["y"][np.flatnonzero(table["unique_id"] == name)[3]] = -9999.0
    got = naive.predict(engine(table), partition_size=2)
    assert_same_bits(columns_of(got), naive.predict(table, output="dict"))


@pytest.mark.parametrize("seed", [0, 3])
def test_fit_learns_from_the_series_that_one_machine_draws(series, seed):
    one = Forecaster(H, model="dot", seed=seed).fit(engine(series), evaluate=False, sample=12)
    other = Forecaster(H, model="dot", seed=seed).fit(series, evaluate=False, sample=12)
    ids = np.unique(series["unique_id"].astype(str)).tolist()
    assert one.panel_.ids.tolist() == sorted(sorted(ids, key=lambda name: id_hash(name, seed))[:12])
    assert_same_bits(one.predict(output="dict"), other.predict(output="dict"))
    assert f"learned from 12 of the series, drawn by a hash of their ids and the seed {seed}" in " ".join(one.findings_)


def test_fit_on_few_series_learns_from_all(series):
    forecaster = Forecaster(H, model="mean").fit(engine(series), evaluate=False)
    assert len(forecaster.panel_) == 60
    assert not any("learned from" in note for note in forecaster.findings_)


def test_models_that_need_no_training_forecast_without_fit(series):
    got = Forecaster(H, model="naive").predict(engine(series), partition_size=20)
    assert_same_bits(columns_of(got), Forecaster(H, model="naive").predict(series, output="dict"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: {"ds": t["ds"], "y": t["y"]}, "no column 'unique_id'"),
        (lambda t: {name: column[:0] for name, column in t.items()}, "no rows"),
        (lambda t: {**t, "y": np.full(len(t["y"]), np.nan)}, "No series has a value"),
        (lambda t: {**t, "y": np.full(len(t["y"]), "a", object)}, "holds no numbers"),
        (
            lambda t: {**t, "unique_id": np.where(t["ds"] == t["ds"].max(), None, t["unique_id"])},
            "without a value in 'unique_id'",
        ),
        (lambda t: {name: np.concatenate([column, column[:1]]) for name, column in t.items()}, "Duplicate time"),
    ],
)
def test_data_that_cannot_be_used_are_refused_in_a_sentence(naive, series, change, message):
    with pytest.raises(DataError, match=message) as caught:
        naive.predict(engine(change(series)), partition_size=20)
    assert "\n" not in str(caught.value)


def test_parts_with_different_schemas_are_refused(naive, series):
    first, *others = engine(series).batches
    for name, kind, message in (("ds", pa.date32(), "different schemas"), ("y", pa.float32(), "different schemas")):
        k = first.column_names.index(name)
        changed = first.set_column(k, name, first.column(k).cast(kind))
        with pytest.raises(DataError, match=message):
            naive.predict(LocalEngine([changed, *others]), partition_size=20)
    with pytest.raises(DataError, match="no column 'y'"):
        naive.predict(LocalEngine([*others, first.drop_columns(["y"])]), partition_size=20)


def test_batches_without_rows_change_nothing(naive, series):
    batches = engine(series).batches
    got = naive.predict(LocalEngine([batches[0].slice(0, 0), *batches]), partition_size=20)
    assert_same_bits(columns_of(got), naive.predict(series, output="dict"))


def test_arguments_that_a_data_set_does_not_have_are_refused(naive, series, tmp_path):
    for name, value in {"futr_df": series, "folder": tmp_path, "output": "pandas"}.items():
        with pytest.raises(ConfigError, match=f"takes no {name}"):
            naive.predict(engine(series), **{name: value})
    with pytest.raises(ConfigError, match="partition_size"):
        naive.predict(engine(series), partition_size=0)
    with pytest.raises(ConfigError, match="one target column"):
        Forecaster(H, model="naive", target_col="*").fit(engine(series))


def test_an_engine_without_arrow_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pyarrow is not installed. Run: pip install 'gatecast\[spark\]'"):
        SparkEngine(None)


def test_errors_of_workers_are_raised_as_they_are():
    with pytest.raises(ConfigError, match=r"^Invalid h 0\.$"), plain_errors("Install it."):
        raise RuntimeError("UDF failed\n  File x\ngatecast.errors.ConfigError: Invalid h 0.\n at java")
    with (
        pytest.raises(ConfigError, match=r"^gatecast is not installed on the workers\. Install it\.$"),
        plain_errors("Install it."),
    ):
        raise RuntimeError("ModuleNotFoundError: No module named 'gatecast'")
    with pytest.raises(RuntimeError, match="anything else"), plain_errors(""):
        raise RuntimeError("anything else")
