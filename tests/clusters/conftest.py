"""Local clusters, which start once, and what the tests of all engines forecast."""

from __future__ import annotations

import os
import sys

import pytest
from many_series import many_series, shuffled

from gatecast import Forecaster
from gatecast.config import TrainingConfig

H = 6


def pytest_collection_modifyitems(items):
    """Warnings of engines are not ours; all of these tests start processes."""
    for item in items:
        if "tests/clusters" in item.nodeid:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@pytest.fixture(scope="session")
def pd():
    return pytest.importorskip("pandas")


@pytest.fixture(scope="session")
def series(pd):
    """A pandas table of ragged series in no order."""
    return pd.DataFrame(shuffled(many_series(60, seed=1))).astype({"unique_id": str})


@pytest.fixture(scope="session")
def fitted():
    """A small LSTM that has seen other series."""
    quick = TrainingConfig(n_members=1, max_steps=5)
    return Forecaster(H, model="lstm", training=quick).fit(many_series(20, seed=2, prefix="t"), evaluate=False)


@pytest.fixture(scope="session")
def naive():
    return Forecaster(H, model="naive", level=80).fit(many_series(20, seed=2, prefix="t"), evaluate=False)


@pytest.fixture(scope="session")
def ray():
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=200_000_000,
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}},
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield ray
    ray.shutdown()


@pytest.fixture(scope="session")
def spark():
    sql = pytest.importorskip("pyspark.sql")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.session.timeZone": "America/New_York",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.log.level": "OFF",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()
