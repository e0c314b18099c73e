"""Measure forecasts of many series: time, processor time and memory by stage, and what a cluster adds.

usage: scale.py [--series N] [--model lstm|pretrained] [--what parts|at-once|ray|spark] [--order sorted|mixed|files]
    [--folder DIR]

Series of 100 months with a season and a random walk, in one Parquet file, or whole in ten files. The forecaster is
fitted on 1,000 of them beforehand, one member. Each run is a process of its own; processor time is that of the process
and of its children, and for an engine that of all processes that it has started: first for a few series, then for all.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LENGTH, H = 100, 12
CHUNK, N_FILES = 20_000, 10


def make(path: Path, n_series: int, order: str) -> None:
    """Write the series, sorted by id and time or in no order."""
    import duckdb

    parts = path.parent / f"{path.stem}-chunks"
    parts.mkdir()
    months = (np.datetime64("2010-01", "M") + np.arange(LENGTH).astype("m8[M]")).astype("M8[us]")
    season = 10 * np.sin(np.arange(LENGTH) * np.pi / 6)
    for start in range(0, n_series, CHUNK):
        n = min(CHUNK, n_series - start)
        y = 100 + np.cumsum(np.random.default_rng(start).normal(size=(n, LENGTH)), axis=1) + season
        columns = {
            "unique_id": np.repeat(np.arange(start, start + n), LENGTH),
            "ds": np.tile(months, n),
            "y": y.ravel(),
        }
        with duckdb.connect() as connection:
            connection.register("columns", columns)
            connection.execute(f"COPY columns TO '{parts}/{start:09}.parquet' (FORMAT parquet)")
    if order == "files":
        path.mkdir()
        with duckdb.connect() as connection:
            for k in range(N_FILES):
                chosen = f"FROM '{parts}/*.parquet' WHERE unique_id * {N_FILES} // {n_series} = {k} ORDER BY ALL"
                connection.execute(f"COPY ({chosen}) TO '{path}/{k}.parquet' (FORMAT parquet)")
        return shutil.rmtree(parts)
    how = "ORDER BY unique_id, ds" if order == "sorted" else "ORDER BY hash(unique_id, ds)"
    with duckdb.connect(config={"memory_limit": "1GB", "temp_directory": str(path.parent / "spill")}) as connection:
        connection.execute(f"COPY (SELECT * FROM '{parts}/*.parquet' {how}) TO '{path}' (FORMAT parquet)")
    return shutil.rmtree(parts)


def processor_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def family_seconds() -> dict[str, float]:
    """Processor time of this process with the workers that compute, and of what an engine runs besides."""
    ticks, parents, used = os.sysconf("SC_CLK_TCK"), {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, fields = (folder / "cmdline").read_bytes(), (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        computes = name.startswith(b"ray::") or b"pyspark" in name or b"java" in name or int(folder.name) == os.getpid()
        parents[int(folder.name)] = int(fields[1])
        used[int(folder.name)] = (computes, sum(map(int, fields[11:15])) / ticks)
    family = {os.getpid()}
    while added := {process for process, parent in parents.items() if parent in family} - family:
        family |= added
    totals = {True: 0.0, False: 0.0}
    for process in family & used.keys():
        computes, seconds = used[process]
        totals[computes] += seconds
    return {"workers": totals[True], "services": totals[False]}


def measured(forecaster, first, everything, write) -> dict[str, float]:
    """Forecast a few series, which starts the processes of the engine, then all."""
    start, used = time.perf_counter(), family_seconds()
    write(forecaster.predict(first), "first")
    warm, used_warm = time.perf_counter(), family_seconds()
    write(forecaster.predict(everything), "forecasts")
    end, used_end = time.perf_counter(), family_seconds()
    return {
        "start": warm - start,
        "start workers": used_warm["workers"] - used["workers"],
        "engine": end - warm,
        "engine workers": used_end["workers"] - used_warm["workers"],
        "engine services": used_end["services"] - used_warm["services"],
    }


def fit(path: Path, model: str):
    """Return a forecaster that was fitted on 1,000 series."""
    from gatecast import Forecaster, TrainingConfig

    settings = {} if model == "pretrained" else {"training": TrainingConfig(n_members=1, max_steps=50)}
    return Forecaster(H, model=model, **settings).fit(path, sample=1_000, evaluate=False)


def run_parts(forecaster, path: Path, folder: Path) -> dict[str, float]:
    """Forecast in parts, with the seconds until the first part is begun."""
    from gatecast.pipeline import stored_forecast

    begun: list[tuple[float, float]] = []
    forecast_all = stored_forecast._forecast_all

    def timed(*args):
        begun.append((time.perf_counter(), processor_seconds()))
        forecast_all(*args)

    stored_forecast._forecast_all = timed
    start, used = time.perf_counter(), processor_seconds()
    forecaster.predict(path, folder=folder / "forecasts", progress=False)
    reading = {"prepare": begun[0][0] - start, "prepare processor": begun[0][1] - used}
    return reading | {"parts": time.perf_counter() - begun[0][0], "parts processor": processor_seconds() - begun[0][1]}


def run_at_once(forecaster, path: Path, folder: Path) -> dict[str, float]:
    """Forecast everything at once, and write it."""
    from gatecast.data.reader import write

    write(forecaster.predict(path, output="dict"), folder / "forecast.parquet")
    return {}


def run_ray(forecaster, path: Path, folder: Path) -> dict[str, float]:
    """Forecast a Ray dataset on this machine."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    dataset = ray.data.read_parquet(str(path))
    sample = dataset.limit(LENGTH * 100)
    return measured(forecaster, sample, dataset, lambda made, name: made.write_parquet(str(folder / name)))


def run_spark(forecaster, path: Path, folder: Path) -> dict[str, float]:
    """Forecast a Spark table on this machine."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.memory", "3g")
    spark = builder.config("spark.log.level", "ERROR").getOrCreate()
    frame = spark.read.parquet(str(path))
    sample = frame.limit(LENGTH * 100)
    return measured(forecaster, sample, frame, lambda made, name: made.write.parquet(str(folder / name)))


RUNS = {"parts": run_parts, "at-once": run_at_once, "ray": run_ray, "spark": run_spark}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--what", choices=RUNS, default="parts")
    parser.add_argument("--order", choices=("sorted", "mixed", "files"), default="sorted")
    parser.add_argument("--folder", type=Path, help="keeps the file of the series between runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cache = options.folder or Path(scratch)
        path = cache / f"series-{options.series}-{options.order}.parquet"
        if not path.exists():
            make(path, options.series, options.order)
        forecaster = fit(path, options.model)
        peak_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        start, used = time.perf_counter(), processor_seconds()
        stages = RUNS[options.what](forecaster, path, Path(scratch))
        total = {"seconds": time.perf_counter() - start, "processor": processor_seconds() - used}
        memory = {"peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, "before": peak_before}
        figures = {name: round(value, 2) for name, value in (total | stages | memory).items()}
        figures["load"] = round(os.getloadavg()[0], 1)
        print(json.dumps({"series": options.series, "model": options.model, "what": options.what} | figures))


if __name__ == "__main__":
    main()
