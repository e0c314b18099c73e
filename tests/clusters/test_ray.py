"""Ray datasets: the bits of one machine, workers that die, and data that cannot be used."""

from __future__ import annotations

import os
import signal
import sys
from itertools import pairwise

import numpy as np
import pytest
from many_series import assert_same_bits

from gatecast import Forecaster
from gatecast.errors import DataError


def dataset(ray, table, n_blocks=4):
    """Return a table in blocks; the rows of a series are in several."""
    edges = np.linspace(0, len(table), n_blocks + 1).astype(int)
    return ray.data.from_pandas([table.iloc[a:b] for a, b in pairwise(edges)])


def columns_of(table):
    """Return a pandas table as columns of numpy."""
    return {name: np.asarray(table[name]) for name in table}


def test_predict_of_a_dataset_has_the_bits_of_one_machine(ray, fitted, series):
    forecast = fitted.predict(dataset(ray, series), partition_size=10)
    assert isinstance(forecast, ray.data.Dataset)
    assert_same_bits(columns_of(forecast.to_pandas()), columns_of(fitted.predict(series)))


def test_fit_on_a_dataset_is_the_fit_on_the_same_sample_of_a_table(ray, series):
    one = Forecaster(6, model="dot").fit(dataset(ray, series), evaluate=False, sample=12)
    other = Forecaster(6, model="dot").fit(series, evaluate=False, sample=12)
    assert one.panel_.ids.tolist() == other.panel_.ids.tolist()
    assert any(note.startswith("learned from 12 of the series") for note in one.findings_)
    assert_same_bits(one.predict(output="dict"), other.predict(output="dict"))


class Dying:
    """A task whose process is killed in the middle of its work, once."""

    def __init__(self, task, folder):
        self.task, self.folder = task, folder

    def __call__(self, table):
        if os.path.exists(f"{self.folder}/done") and not os.path.exists(f"{self.folder}/killed"):
            with open(f"{self.folder}/killed", "w") as file:
                file.write(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        made = self.task(table)
        with open(f"{self.folder}/done", "w"):
            return made


def test_a_killed_process_is_replaced_and_no_series_is_lost_or_doubled(ray, fitted, series, tmp_path, monkeypatch):
    from gatecast.distributed import ray_engine

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    folder, mapped = str(tmp_path), ray_engine.RayParts.map

    def dying(self, task, columns):
        return mapped(self, Dying(task, folder), columns)

    monkeypatch.setattr(ray_engine.RayParts, "map", dying)
    got = fitted.predict(dataset(ray, series), partition_size=6).to_pandas()
    assert (tmp_path / "killed").exists()
    assert len(got) == 60 * 6
    assert_same_bits(columns_of(got), columns_of(fitted.predict(series)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="unique_id"), "no column 'unique_id'"),
        (lambda t: t.assign(unique_id=t["unique_id"].where(t.index != 5)), "1 row without a value in 'unique_id'"),
    ],
)
def test_data_that_cannot_be_used_are_refused_in_a_sentence(ray, naive, series, change, message):
    with pytest.raises(DataError, match=message) as caught:
        naive.predict(dataset(ray, change(series)), partition_size=20)
    assert "\n" not in str(caught.value)


def test_duplicate_times_in_different_blocks_are_refused(ray, naive, series):
    doubled = dataset(ray, series).union(dataset(ray, series[series["unique_id"] == "s0007"], 1))
    with pytest.raises(DataError, match=r"Duplicate time.*s0007"):
        naive.predict(doubled, partition_size=20)


def test_blocks_with_different_schemas_are_refused(ray, naive, series):
    other = series.assign(unique_id="x" + series["unique_id"], ds=np.arange(len(series)))
    mixed = ray.data.from_pandas([series, other])
    with pytest.raises(DataError, match=r"schema|type"):
        naive.predict(mixed, partition_size=20)


def test_blocks_without_rows_change_nothing(ray, naive, series):
    with_empty = ray.data.from_pandas([series.iloc[:0], series, series.iloc[:0]])
    got = naive.predict(with_empty, partition_size=20).to_pandas()
    assert_same_bits(columns_of(got), columns_of(naive.predict(series)))
