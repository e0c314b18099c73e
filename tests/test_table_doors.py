"""One rule at every door: what holds for a dict of columns holds for tables of libraries, files and commands."""

from __future__ import annotations

import csv
import json
from datetime import date, datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from doors import DOORS, csv_text, open_door, to_lists

from gatecast.cli.main import main
from gatecast.errors import ConfigError, DataError
from gatecast.forecaster import Forecaster

DAYS = [f"2024-01-{day:02d}" for day in range(1, 31)]
NAIVE = {"model": "naive", "level": None}
DOT = {"model": "dot", "level": None, "season_length": 1}


@pytest.fixture(params=DOORS)
def door(request, tmp_path):
    """Opens columns as one kind of source."""
    return lambda columns, name="table": open_door(request.param, columns, tmp_path, name)


def panel_of(n_series, **columns):
    """Rows of one series, or of series 7 and 8 one after the other."""
    table = {name: column * n_series for name, column in columns.items()}
    return table if n_series == 1 else {"shop": [7] * 30 + [8] * 30, **table}


def fit(source, n_series=1, **settings):
    """Fit without scoring."""
    id_col = "shop" if n_series > 1 else None
    return Forecaster(3, id_col=id_col, target_col="y", **settings).fit(source, evaluate=False)


# Ids.


@pytest.mark.parametrize("ids", [["a"] * 15 + [None] * 15, [1.0] * 15 + [np.nan] * 15, [None] * 30])
@pytest.mark.parametrize("method", ["fit", "predict", "evaluate", "update"])
def test_missing_ids_are_refused(door, ids, method):
    good = {"shop": ["a"] * 30, "ds": DAYS, "y": [float(k) for k in range(30)]}
    forecaster = fit(good, 2, **NAIVE)
    with pytest.raises(DataError, match=r"Missing series id \(row.*column 'shop'\)"):
        getattr(forecaster, method)(door(good | {"shop": ids}))


@pytest.mark.parametrize(("ids", "text"), [([7, 8], ["7", "8"]), (["b", "a"], None), (["007", "8"], None)])
def test_ids_come_back_as_they_came(door, ids, text, request):
    table = {"shop": [ids[0]] * 15 + [ids[1]] * 15, "ds": DAYS[:15] * 2, "y": [float(k) for k in range(30)]}
    forecast = to_lists(fit(door(table), 2, **NAIVE).predict())
    is_text = "csv" in request.node.callspec.id
    assert forecast["shop"] == [name for name in (text if is_text and text else ids) for _ in range(3)]


@pytest.mark.slow
def test_several_id_columns_come_back_as_columns(door, request):
    keys = {"store": [1] * 20 + [2] * 20, "item": (["a"] * 10 + ["b/c"] * 10) * 2}
    table = {
        **keys,
        "ds": DAYS[:10] * 4,
        "y": [float(k) for k in range(40)],
        "price": [float(k % 2) for k in range(40)],
    }
    settings = {"id_col": ["store", "item"], "target_col": "y", "futr_exog": "price", **NAIVE}
    forecaster = Forecaster(1, **settings).fit(door(table), evaluate=False)
    future = {"store": [2, 2, 1, 1], "item": ["b/c", "a", "b/c", "a"], "ds": [DAYS[10]] * 4, "price": [1.0] * 4}
    forecast = to_lists(forecaster.predict(futr_df=door(future, "future")))
    stores = ["1", "1", "2", "2"] if "csv" in request.node.callspec.id else [1, 1, 2, 2]
    assert forecast == {
        "store": stores,
        "item": ["a", "b/c"] * 2,
        "ds": [DAYS[10]] * 4,
        "Naive": [9.0, 19.0, 29.0, 39.0],
    }
    folds = to_lists(forecaster.cross_validation(door(table)))
    assert list(folds)[:5] == ["store", "item", "ds", "cutoff", "y"]
    for name in ("store", "item"):
        part = {column: values for column, values in future.items() if column != name}
        with pytest.raises(ConfigError, match=rf"all id columns, 'store', 'item', .*: '{name}' is missing"):
            forecaster.predict(futr_df=door(part, "part"))
    same_for_all = {"ds": [DAYS[10]], "price": [1.0]}
    assert to_lists(forecaster.predict(futr_df=door(same_for_all, "all")))["Naive"] == forecast["Naive"]


def test_future_of_a_table_with_ids_and_several_targets_has_the_ids_alone(door):
    table = {
        "store": ["n"] * 10 + ["s"] * 10,
        "ds": DAYS[:10] * 2,
        "a": [float(k) for k in range(20)],
        "b": [float(k * k % 7) for k in range(20)],
        "price": [float(k % 3) for k in range(20)],
    }
    settings = {"id_col": "store", "target_col": ["a", "b"], "futr_exog": "price", **NAIVE}
    forecaster = Forecaster(1, **settings).fit(door(table), evaluate=False)
    future = {"store": ["s", "n"], "ds": [DAYS[10]] * 2, "price": [1.0, 2.0]}
    assert len(to_lists(forecaster.predict(futr_df=door(future, "future")))["ds"]) == 4


# Rows ahead.


@pytest.mark.parametrize("n_series", [1, 2])
def test_rows_without_a_target_are_the_known_future(door, n_series):
    promo = [float(k % 3 == 0) for k in range(30)]
    sales = [10.0 + k % 5 + 4 * promo[k] for k in range(27)]
    table = panel_of(n_series, ds=DAYS, y=[*sales, None, None, None], promo=promo)
    forecaster = fit(door(table), n_series, futr_exog="promo", **DOT)
    forecast = to_lists(forecaster.predict())
    assert forecast["ds"] == DAYS[27:] * n_series
    assert "their column 'promo' is known for 3 steps ahead." in forecaster.findings_
    future = {"ds": DAYS[27:], "promo": promo[27:]}
    column = forecaster.model_name_
    assert to_lists(forecaster.predict(futr_df=door(future, "future")))[column] == forecast[column]
    past = panel_of(1, ds=DAYS[:27], y=sales, promo=promo[:27])
    other = fit(past, futr_exog="promo", **DOT).predict(futr_df=future)[column]
    assert forecast[column] == pytest.approx(other.tolist() * n_series)


@pytest.mark.parametrize("n_series", [1, 2])
def test_known_past_is_joined_by_every_method(door, n_series):
    sales = [10.0 + k % 7 for k in range(30)]
    table = panel_of(n_series, ds=DAYS, y=sales)
    rows = [k for k in range(30 * n_series) if k % 30 < 24]
    late = [k for k in range(30 * n_series) if k % 30 >= 24]
    past, later = ({name: [column[k] for k in part] for name, column in table.items()} for part in (rows, late))
    forecaster = fit(door(past), n_series, model="seasonal-naive", level=None, season_length=7)
    predicted = to_lists(forecaster.predict(door(later, "later")))
    # Six new days are less than a season: its first day is in the learned past.
    assert predicted["SeasonalNaive"] == sales[23:26] * n_series
    assert forecaster.evaluate(door(later, "later")).split_sizes == (24, 0, 6)
    updated = forecaster.update(door(later, "later"))
    assert to_lists(updated.predict())["SeasonalNaive"] == predicted["SeasonalNaive"]


# Truth values.


SPELLINGS = {
    "booleans": [True, False],
    "ones": [1, 0],
    "decimals": [1.0, 0.0],
    "words": ["yes", "no"],
    "letters": ["T", "F"],
    "text": ["true", "false"],
    "digits": ["1", "0"],
}


@pytest.mark.slow
@pytest.mark.parametrize("n_series", [1, 2])
@pytest.mark.parametrize("fitted_on", SPELLINGS)
def test_truth_values_may_be_spelled_in_any_way(door, fitted_on, n_series):
    promo = [k % 3 != 0 for k in range(33)]
    sales = [10.0 + k % 5 + 4 * promo[k] for k in range(30)]
    yes, no = SPELLINGS[fitted_on]
    table = panel_of(n_series, ds=DAYS, y=sales, promo=[yes if is_on else no for is_on in promo[:30]])
    forecaster = fit(door(table), n_series, futr_exog="promo", **DOT)
    expected = None
    for yes, no in SPELLINGS.values():
        days = ["2024-01-31", "2024-02-01", "2024-02-02"]
        future = {"ds": days, "promo": [yes if is_on else no for is_on in promo[30:]]}
        forecast = to_lists(forecaster.predict(futr_df=door(future, "future")))[forecaster.model_name_]
        expected = expected or forecast
        assert forecast == expected
    assert expected[0] < expected[1] - 2
    yes, no = SPELLINGS["ones" if fitted_on == "words" else "words"]
    past = panel_of(n_series, ds=DAYS, y=sales, promo=[yes if is_on else no for is_on in promo[:30]])
    assert to_lists(forecaster.predict(door(past, "past"), futr_df=future))[forecaster.model_name_] == expected


@pytest.mark.parametrize("fitted_on", ["booleans", "words", "ones"])
def test_truth_values_that_are_missing_or_none_are_refused(door, fitted_on):
    yes, no = SPELLINGS[fitted_on]
    table = {"ds": DAYS, "y": [float(k) for k in range(30)], "promo": [no if k % 3 else yes for k in range(30)]}
    forecaster = fit(door(table), futr_exog="promo", **NAIVE)
    days = ["2024-01-31", "2024-02-01", "2024-02-02"]
    with pytest.raises(DataError, match=r"Missing values in futr_df .*column 'promo'\): got no .* for 2024-02-01"):
        forecaster.predict(futr_df=door({"ds": days, "promo": [yes, None, no]}, "future"))
    with pytest.raises(DataError, match=r"future table.*column 'promo'"):
        forecaster.predict(futr_df=door({"ds": days, "promo": ["fair", "ball", "fair"]}, "future"))


# Times.


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("make", ["pandas", "polars", "arrow", "file of pandas", "file of polars"])
def test_zones_of_tables_come_back(zone, make, tmp_path):
    hours = pd.date_range("2024-02-28", periods=24 * 30, freq="h", tz=zone)
    frame = pd.DataFrame({"ds": hours, "y": np.tile(np.arange(24.0), 30)})
    path = tmp_path / "a.parquet"
    if make == "file of pandas":
        frame.to_parquet(path)
    elif make == "file of polars":
        pl.from_pandas(frame).write_parquet(path)
    makers = {"pandas": pd.DataFrame, "polars": pl.from_pandas, "arrow": pa.Table.from_pandas}
    source = makers[make](frame) if make in makers else path
    times = Forecaster(72, **NAIVE).fit(source, evaluate=False).predict()["ds"]
    expected = pd.date_range(hours[-1], periods=73, freq="h")[1:]
    assert [pd.Timestamp(str(time)).isoformat() for time in times] == [time.isoformat() for time in expected]


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
@pytest.mark.parametrize(
    ("start", "zone", "freq", "last"),
    [
        # An offset that never changes stays, also where a place would change its clocks.
        ("2024-03-01T00:00:00+01:00", None, "h", "2024-03-31T23:00:00+01:00"),
        ("2024-01-01T00:00:00+05:30", None, "D", "2024-01-31T00:00:00+05:30"),
        ("2024-01-01T00:00:00+00:00", None, "D", "2024-01-31T00:00:00Z"),
        # Offsets that change with the clocks of a place go on with them: here on 10 March and on 3 November.
        ("2024-03-01T00:00:00-05:00", "America/New_York", "h", "2024-11-03T23:00:00-05:00"),
    ],
)
@pytest.mark.slow
def test_offsets_of_text_come_back_in_every_file(tmp_path, capsys, kind, start, zone, freq, last):
    first, end = pd.Timestamp(start), pd.Timestamp(last)
    if zone is not None:
        first, end = first.tz_convert(zone), end.tz_convert(zone)
    times = pd.date_range(first, end, freq=freq)
    n_steps = 40 if freq == "h" else 3
    past = times[:-n_steps]
    lines = [f"{time.isoformat()},{k % 24}" for k, time in enumerate(past)]
    (tmp_path / "a.csv").write_text("\n".join(["time,load", *lines]) + "\n")
    out = tmp_path / f"out.{kind}"
    args = ["forecast", str(tmp_path / "a.csv"), "-n", str(n_steps), "--model", "naive", "--out", str(out), "--json"]
    assert main(args) == 0
    document = json.loads(capsys.readouterr().out)
    expected = [time.isoformat().replace("+00:00", "Z") for time in times[-n_steps:]]
    assert expected[-1] == last
    assert [row["time"] for row in document["forecast"]] == expected
    assert document["data"]["end"] == past[-1].isoformat().replace("+00:00", "Z")
    if kind == "csv":
        with out.open() as file:
            written = [row["time"] for row in csv.DictReader(file)]
    elif kind == "json":
        written = [row["time"] for row in json.loads(out.read_text())]
    else:
        column = pq.read_table(out)["time"]
        assert column.type.tz == "UTC"
        written = [pd.Timestamp(time).tz_convert("UTC") for time in column.to_pylist()]
        expected = [time.tz_convert("UTC") for time in times[-n_steps:]]
    assert written == expected


@pytest.fixture
def zoned(tmp_path):
    """A file of hours with a column of zones that changes with the clocks."""
    local = pd.date_range("2024-03-20", "2024-04-05 22:00", freq="h", tz="Europe/Berlin")
    lines = [f"{time:%Y-%m-%d %H:%M},{time.tzname()},{k % 24}" for k, time in enumerate(local)]
    path = tmp_path / "zoned.csv"
    path.write_text("\n".join(["ts,tz,load", *lines]) + "\n")
    return str(path)


@pytest.mark.parametrize("quiet", [True, False])
def test_forecast_prints_times_of_the_clock_with_their_offsets(zoned, capsys, quiet):
    assert main(["forecast", zoned, "-n", "3", "--model", "naive", *(["--quiet"] if quiet else [])]) == 0
    printed = capsys.readouterr().out
    shown = [line.split("  ")[0] for line in map(str.strip, printed.splitlines()) if line.strip().startswith("2024")]
    expected = ["2024-04-05 23:00+02:00", "2024-04-06 00:00+02:00", "2024-04-06 01:00+02:00"]
    assert shown[-3:] == expected
    if not quiet:
        assert "from 2024-03-20 00:00+01:00 to 2024-04-05 22:00+02:00." in " ".join(printed.split())
        assert f"{expected[-1]}\n" in printed.partition("history")[0]


def test_inspect_shows_times_of_the_clock_with_their_offsets(zoned, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert main(["inspect", zoned, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    ends = ["2024-03-20 00:00+01:00", "2024-04-05 22:00+02:00"]
    assert f"from {' to '.join(ends)}." in printed
    assert " ".join(ends) in " ".join(printed.split())
    with out.open() as file:
        assert [[row["first"], row["last"]] for row in csv.DictReader(file)] == [ends]


def test_cutoff_of_a_document_has_its_offset(zoned, capsys):
    assert main(["forecast", zoned, "-n", "3", "--model", "naive", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["evaluation"]["cutoff"].endswith("+02:00")


def test_dates_and_times_come_back_in_their_types():
    dates = [date(2024, 1, day) for day in range(1, 31)]
    values = [float(k) for k in range(30)]
    for make, kind in ((pd.DataFrame, date), (pl.DataFrame, date), (pa.table, date)):
        forecast = fit(make({"ds": dates, "y": values}), **NAIVE).predict()
        assert (
            all(type(time) is kind for time in forecast["ds"].to_pylist())
            if make is pa.table
            else all(isinstance(time, kind) and not isinstance(time, datetime) for time in forecast["ds"].to_list())
        )


@pytest.mark.parametrize(
    "times", [list(range(1994, 2024)), [float(k) for k in range(1, 31)], [202101 + k for k in range(12)]]
)
def test_integer_times_come_back(door, times, request):
    forecast = to_lists(fit(door({"t": times, "y": [float(k % 4) for k in range(len(times))]}), **NAIVE).predict())
    step = [202201, 202202, 202203] if len(times) == 12 else [times[-1] + k for k in (1, 2, 3)]
    assert forecast["t"] == step


# Commands.


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_commands_follow_the_same_rules(tmp_path, capsys, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    promo = ["yes" if k % 3 == 0 else "no" for k in range(33)]
    days = [*DAYS, "2024-01-31", "2024-02-01", "2024-02-02"]
    table = {
        "store": [1] * 30 + [2] * 30,
        "item": ["a"] * 30 + ["b"] * 30,
        "ds": DAYS * 2,
        "y": [10.0 + k % 5 + 4 * (promo[k % 30] == "yes") for k in range(60)],
        "promo": promo[:30] * 2,
    }
    open_door(kind, table, tmp_path, "past")
    (tmp_path / "future.csv").write_text(csv_text({"Date": days[30:], "Promo": [1, 0, 0]}))
    options = ["--id-col", "store,item", "--futr-exog", "promo", "--target-col", "y", "--model", "dot", "-n", "3"]
    assert main(["train", f"past.{kind}", *options, "--out", "m.gatecast"]) == 0
    capsys.readouterr()
    assert main(["predict", "m.gatecast", "--futr-df", "future.csv", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [(str(row["store"]), row["item"], row["ds"]) for row in document["forecast"]] == [
        (store, item, day) for store, item in (("1", "a"), ("2", "b")) for day in days[30:]
    ]
    assert "future table future.csv: column 'Promo' is read as 'promo'." in document["findings"]
    source = pd.DataFrame(table)
    settings = {"id_col": ["store", "item"], "futr_exog": "promo", "target_col": "y", "model": "dot"}
    fitted = Forecaster(3, **settings).fit(source)
    expected = fitted.predict(futr_df={"ds": days[30:], "promo": [True, False, False]})
    column = fitted.model_name_
    assert [row[column] for row in document["forecast"]] == expected[column].tolist()
    (tmp_path / "part.csv").write_text(csv_text({"store": [1, 2], "ds": [days[30]] * 2, "promo": [1, 1]}))
    assert main(["predict", "m.gatecast", "--futr-df", "part.csv"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: missing column in --futr-df (future table part.csv): got the columns")
    assert "'item' is missing" in error
