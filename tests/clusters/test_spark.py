"""Spark tables: the bits of one machine, tasks that fail, and data that cannot be used."""

from __future__ import annotations

import numpy as np
import pytest
from many_series import assert_same_bits

from gatecast import Forecaster
from gatecast.errors import DataError


def frame(spark, table, n_partitions=4):
    """Return a table in partitions; the rows of a series are in several."""
    return spark.createDataFrame(table).repartition(n_partitions)


def columns_of(table):
    """Return a pandas table as columns of numpy."""
    return {name: np.asarray(table[name]) for name in table}


def test_predict_of_a_spark_table_has_the_bits_of_one_machine(spark, fitted, series):
    forecast = fitted.predict(frame(spark, series), partition_size=10)
    assert forecast.schema["ds"].dataType.simpleString() == "timestamp"
    assert_same_bits(columns_of(forecast.toPandas()), columns_of(fitted.predict(series)))


def test_predict_keeps_dates_and_integers(spark, series, pd):
    table = series.assign(unique_id=series["unique_id"].str[1:].astype(int), ds=series["ds"].dt.date)
    naive = Forecaster(6, model="naive").fit(series.assign(unique_id=table["unique_id"]), evaluate=False)
    got = naive.predict(frame(spark, table), partition_size=20)
    assert [field.dataType.simpleString() for field in got.schema][:2] == ["bigint", "date"]
    expected = naive.predict(series.assign(unique_id=table["unique_id"]))
    got = got.toPandas()
    assert_same_bits(columns_of(got.assign(ds=pd.to_datetime(got["ds"]).astype("M8[us]"))), columns_of(expected))


def test_fit_on_a_spark_table_is_the_fit_on_the_same_sample_of_a_table(spark, series):
    one = Forecaster(6, model="dot").fit(frame(spark, series), evaluate=False, sample=12)
    other = Forecaster(6, model="dot").fit(series, evaluate=False, sample=12)
    assert one.panel_.ids.tolist() == other.panel_.ids.tolist()
    assert any(note.startswith("learned from 12 of the series") for note in one.findings_)
    assert_same_bits(one.predict(output="dict"), other.predict(output="dict"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="unique_id"), "no column 'unique_id'"),
        (lambda t: t.assign(y="a"), "holds no numbers"),
        (lambda t: t.assign(unique_id=t["unique_id"].where(t.index != 5)), "row without a value in 'unique_id'"),
    ],
)
def test_data_that_cannot_be_used_are_refused_in_a_sentence(spark, naive, series, change, message):
    with pytest.raises(DataError, match=message) as caught:
        naive.predict(frame(spark, change(series)), partition_size=20)
    assert "\n" not in str(caught.value)


def test_duplicate_times_in_different_partitions_are_refused(spark, naive, series):
    doubled = frame(spark, series).union(frame(spark, series[series["unique_id"] == "s0007"]))
    with pytest.raises(DataError, match=r"Duplicate time.*s0007"):
        naive.predict(doubled, partition_size=20)


def test_a_table_without_rows_is_refused(spark, naive, series):
    with pytest.raises(DataError, match="no rows"):
        naive.predict(frame(spark, series).limit(0))


def test_partitions_without_rows_change_nothing(spark, naive, series):
    few = series[series["unique_id"] == "s0001"]
    got = naive.predict(frame(spark, few, 7)).toPandas()
    expected = naive.predict(series)
    assert_same_bits(columns_of(got), columns_of(expected[expected["unique_id"] == "s0001"]))
