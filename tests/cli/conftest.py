"""A forecast made of plain numbers, tiny tables, and fitted forecasters that all tests of the command line share."""

import shutil

import numpy as np
import pytest

from gatecast.cli.forecast_view import ForecastTable, ForecastView
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.forecaster import Forecaster
from gatecast.results import Evaluation, Score

SEASON, TEST = 12, 24
QUICK = {"network": NetworkConfig(units=4, n_layers=1), "training": TrainingConfig(n_members=1, max_steps=5)}
"""Settings of a fit that takes no time."""
QUICK_OPTIONS = ["--model", "lstm", "--units", "4", "--n-layers", "1", "--n-members", "1", "--max-steps", "5"]
"""The same as options."""


@pytest.fixture(scope="session")
def quick():
    """Options of a fit that takes no time."""
    return tuple(QUICK_OPTIONS)


def monthly(n, seed=0):
    """Months and values with a trend and a season."""
    t = np.arange(n)
    months = np.datetime_as_string((np.datetime64("2015-01") + t).astype("datetime64[D]"))
    values = 50 + 0.3 * t + 8 * np.sin(2 * np.pi * t / 12) + np.random.default_rng(seed).normal(0, 1, n)
    return months.tolist(), np.round(values, 3).tolist()


def write_table(path, **columns):
    """Write columns to a CSV file."""
    rows = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="session")
def tables(tmp_path_factory):
    """Folder with sales.csv (a series), shops.csv (two), old.csv (both but the last 6 rows), prices.csv, future.csv."""
    folder = tmp_path_factory.mktemp("tables")
    months, sales = monthly(60)
    write_table(folder / "sales.csv", month=months, sold=sales)
    both = [(shop, *row) for shop, seed in (("north", 1), ("south", 2)) for row in zip(*monthly(60, seed), strict=True)]
    for name, rows in (("shops", both), ("old", [row for k, row in enumerate(both) if k % 60 < 54])):
        shop, month, sold = zip(*rows, strict=True)
        write_table(folder / f"{name}.csv", shop=shop, month=month, sold=sold)
    price = np.round(5 + np.random.default_rng(3).random(66), 2)
    months, sales = monthly(66)
    sales = np.round(np.array(sales) - 3 * price, 2)
    write_table(folder / "prices.csv", month=months[:60], sold=sales[:60], price=price[:60])
    write_table(folder / "future.csv", month=months[60:], price=price[60:])
    return folder


@pytest.fixture(scope="session")
def model_files(tables, tmp_path_factory):
    """Folder with {sales,shops,old,prices}.gatecast, each fitted to the table of its name."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("sales", "shops", "old", "prices"):
        data = DataConfig(futr_exog="price") if name == "prices" else DataConfig()
        forecaster = Forecaster(3, model="lstm", data=data, target_col="sold", **QUICK)
        forecaster.fit(tables / f"{name}.csv").save(folder / f"{name}.gatecast")
    return folder


@pytest.fixture
def workdir(tables, model_files, tmp_path, monkeypatch):
    """The current folder: a copy of all tables and models."""
    for folder in (tables, model_files):
        for path in folder.iterdir():
            shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _columns(values, levels):
    spread = 5.0 + np.arange(len(values))
    columns = {"LSTM": values}
    for width, level in enumerate(levels, 1):
        columns |= {f"LSTM-lo-{level:g}": values - width * spread, f"LSTM-hi-{level:g}": values + width * spread}
    return columns


@pytest.fixture
def make_view():
    """Ten years of months with a trend and a season; the forecast continues both."""

    def make(h=12, levels=(80, 95), target="Passengers", evaluated=True, dated=True, n=120):
        t = np.arange(n + h)
        y = 200.0 + t + 40 * np.sin(2 * np.pi * t / SEASON)
        months = np.datetime64("1951-01") + t
        times = months.astype("datetime64[us]") if dated else t
        past = slice(n - TEST, n)
        forecast = ForecastTable(
            {"unique_id": np.array(["series"] * h, object), "ds": times[n:], **_columns(y[n:], levels)},
            id_col="unique_id",
            time_col="ds",
            target_col=target,
            model="LSTM",
            levels=levels,
        )
        scores = (
            Score("LSTM", 4.0, 5.0, 0.5, 50.0, dict.fromkeys(levels, 87.5)),
            Score("SeasonalNaive", 8.0, 10.0, 1.0, 0.0, {}),
        )
        table = {"ds": times[past], "y": y[past], **_columns(y[past] + 1, levels), "SeasonalNaive": y[past] - 8}
        evaluation = Evaluation(
            times[n - TEST - 1],
            (n - 2 * TEST, TEST, TEST),
            SEASON,
            h,
            scores,
            table,
            "On the last 24 months the LSTM's error is 50 % smaller than seasonal naive's.",
        )
        return ForecastView(
            file="air.csv",
            unique_id="series",
            freq="MS" if dated else "1",
            times=times[:n],
            values=y[:n],
            season_length=SEASON,
            forecast=forecast,
            evaluation=evaluation if evaluated else None,
            baseline_values=y[n - SEASON : n][np.arange(h) % SEASON],
            notes=("time column: 'ds', target: 'y'.", "one finding"),
            seed=0,
            seconds=1.25,
        )

    return make
