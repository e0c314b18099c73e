"""Queries that mend a table are advised where they work."""

from __future__ import annotations

import re
import subprocess

import numpy as np
import pandas as pd
import pytest

from gatecast.cli.option_names import with_options
from gatecast.data.reader import read
from gatecast.errors import DataError

DAYS = pd.date_range("2024-01-01", periods=30)


def advised(path, **arguments):
    """The query in the message as a shell would pass it on, and what follows it."""
    with pytest.raises(DataError) as caught:
        read(path, **arguments)
    assert "\n" not in str(caught.value)
    message = with_options(str(caught.value), {})
    match = re.search(r"run gatecast forecast (\"(?:[^\"\\]|\\.)*\")([^\".]*)\.", message)
    return (
        None if match is None else (subprocess.check_output(["sh", "-c", f"printf %s {match[1]}"], text=True), match[2])
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("names", [("day", "n"), ("the day", "sold $"), ("group", 'a "b"'), ("Zeit", "Wert`x`")])
def test_rows_of_one_time_are_summed(tmp_path, monkeypatch, suffix, names):
    monkeypatch.chdir(tmp_path)
    time, target = names
    orders = pd.DataFrame({time: np.repeat(DAYS.strftime("%Y-%m-%d"), 3), "customer": range(90), target: range(90)})
    path = f"it's.{suffix}"
    if suffix == "csv":
        orders.to_csv(path, index=False)
    elif suffix == "parquet":
        orders.to_parquet(path)
    else:
        orders.to_json(path, orient="records", lines=True)
    query, rest = advised(path, time_col=time, target_col=target)
    panel, _ = read(query) if not rest else read(query, time_col=time, target_col=target)
    assert panel.values.tolist() == [float(9 * k + 3) for k in range(30)]
    assert panel.columns.target == target


def test_rows_of_one_time_are_summed_by_series(tmp_path):
    rows = [(shop, day, 1.5) for shop in (7, 8) for day in DAYS for _ in range(2)]
    pd.DataFrame(rows, columns=["shop", "day", "sold"]).to_csv(tmp_path / "a.csv", index=False)
    query, rest = advised(tmp_path / "a.csv", id_col="shop", target_col="sold")
    assert query == f"SELECT shop, day, sum(sold) AS sold FROM '{tmp_path / 'a.csv'}' GROUP BY shop, day"
    panel, _ = read(query, **({"id_col": "shop", "target_col": "sold"} if rest else {}))
    assert panel.ids.tolist() == [7, 8]
    assert set(panel.values.tolist()) == {3.0}


def test_events_are_summed_by_a_unit_of_time(tmp_path):
    rng = np.random.default_rng(0)
    times = np.datetime64("2024-01-01", "s") + np.sort(rng.integers(0, 60 * 86_400, 400))
    pd.DataFrame({"at": times, "amount": 2.0}).to_csv(tmp_path / "a.csv", index=False)
    query, rest = advised(tmp_path / "a.csv")
    assert rest == ""
    panel, _ = read(query)
    assert (str(panel.freq), panel.values.sum()) == ("D", 800.0)


def test_series_of_different_frequencies_are_filtered(tmp_path):
    months, quarters = pd.date_range("2015-01-01", periods=60, freq="MS"), pd.date_range("2015", periods=20, freq="QS")
    rows = [("sales", t, k) for k, t in enumerate(months)] + [("it's", t, k) for k, t in enumerate(quarters)]
    pd.DataFrame(rows, columns=["kind", "t", "y"]).to_csv(tmp_path / "a.csv", index=False)
    query, rest = advised(tmp_path / "a.csv")
    assert (query, rest) == (f"SELECT * FROM '{tmp_path / 'a.csv'}' WHERE kind = 'sales'", "")
    assert len(read(query)[0].values) == 60


@pytest.mark.parametrize(
    "text",
    [
        # DuckDB reads no numbers in this notation, nor a table below a title.
        "day;n\n" + "".join(f"{day:%d.%m.%Y};1.234,{k}{j}\n" for k, day in enumerate(DAYS[:20]) for j in (1, 2)),
        "A report\n\nday,n\n" + "".join(f"{day:%Y-%m-%d},1k\n" for day in DAYS for _ in range(2)),
    ],
)
def test_query_that_would_not_work_is_not_advised(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    assert advised(tmp_path / "a.csv") is None


def test_table_without_a_file_gets_no_query():
    with pytest.raises(DataError, match="Duplicate time") as caught:
        read({"ds": ["2024-01-01", "2024-01-01", "2024-01-02"], "y": [1, 2, 3]})
    assert "SELECT" not in str(caught.value)


YEARS = {year: pd.date_range(f"{year}-01-01", periods=12, freq="MS") for year in (2022, 2020, 2021)}


def write_years(folder, years, **columns):
    for year, months in years.items():
        pd.DataFrame({"month": months, "sold": range(year, year + len(months)), **columns}).to_csv(
            folder / f"{year}.csv", index=False
        )
    return str(folder / "*.csv")


def advice_on_files(notes):
    return [note for note in notes if note.startswith("Each file is a series of its own")]


def test_files_that_are_parts_of_one_series_are_joined_by_a_query(tmp_path):
    folder = tmp_path / "it's"
    folder.mkdir()
    (note,) = advice_on_files(read(write_years(folder, YEARS))[1])
    assert "though each begins where another ends" in note
    query = re.search(r'call fit\("(.*)"\)\.$', note)[1]
    panel, notes = read(query)
    assert (len(panel), len(panel.values)) == (1, 36)
    assert panel.values[[0, 12, 24]].tolist() == [2020, 2021, 2022]
    assert not advice_on_files(notes)


@pytest.mark.parametrize(
    ("years", "columns"),
    [
        ({2020: YEARS[2020], 2022: YEARS[2022]}, {}),
        ({2020: YEARS[2020], 2021: YEARS[2020]}, {}),
        ({2020: YEARS[2020], 2021: YEARS[2021][:6], 2022: YEARS[2022]}, {}),
        (YEARS, {"shop": "north"}),
    ],
)
def test_files_that_do_not_follow_one_another_are_series(tmp_path, years, columns):
    arguments = {"id_col": "shop"} if columns else {}
    assert not advice_on_files(read(write_years(tmp_path, years, **columns), **arguments)[1])


@pytest.mark.parametrize("shops", [[""], ["a", "b"]])
def test_of_equal_rows_one_is_kept(tmp_path, shops):
    rows = [(shop, f"{day:%Y-%m-%d}", k % 7) for shop in shops for k, day in enumerate(DAYS)]
    columns = ["shop", "day", "n"]
    table = pd.DataFrame([*rows, rows[5], *rows[8:12]], columns=columns)
    table = table if len(shops) > 1 else table.drop(columns="shop")
    table.to_csv(tmp_path / "a.csv", index=False)
    query, rest = advised(tmp_path / "a.csv")
    assert (query, rest) == (f"SELECT DISTINCT * FROM '{tmp_path / 'a.csv'}'", "")
    assert read(query)[0].values.tolist() == [n for _, _, n in rows]


def test_equal_rows_that_count_events_are_summed(tmp_path):
    pd.DataFrame({"day": np.repeat(DAYS, 3), "n": 1}).to_csv(tmp_path / "a.csv", index=False)
    query, _ = advised(tmp_path / "a.csv")
    assert set(read(query)[0].values.tolist()) == {3.0}


@pytest.mark.parametrize(("name", "n"), [("Week", 52), ("Month", 12)])
def test_parts_of_a_year_that_repeat_have_no_year(tmp_path, name, n):
    y = np.arange(2.0 * n + 3)
    pd.DataFrame({name: np.arange(len(y)) % n + 1, "n": y}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=f"Numbers of {'weeks' if n == 52 else 'months'} repeat in every year"):
        read(tmp_path / "a.csv")
    query, _ = advised(tmp_path / "a.csv")
    assert read(query)[0].values.tolist() == y.tolist()


def test_rows_of_customers_that_come_and_go_are_summed_over_all(tmp_path):
    rng = np.random.default_rng(0)
    orders = pd.DataFrame({"day": np.sort(rng.choice(DAYS, 400)), "n": rng.integers(1, 90, 400)})
    orders["customer"] = rng.integers(1, 300, 400)
    orders.to_csv(tmp_path / "a.csv", index=False)
    query = f"SELECT day, sum(n) AS n FROM '{tmp_path / 'a.csv'}' GROUP BY day"
    with pytest.raises(DataError, match=re.escape(f"To sum them over all of 'customer', call fit(\"{query}\")")):
        read(tmp_path / "a.csv")
    assert read(query)[0].values.sum() == orders["n"].sum()


@pytest.mark.parametrize(("freq", "unit", "n"), [("QS", "quarter", 20), ("YS", "year", 5), ("W", "week", 0)])
def test_rows_are_summed_by_the_declared_frequency(tmp_path, freq, unit, n):
    times = pd.date_range("2019-01-01", periods=60, freq="MS") if n else pd.date_range("2019-01-07", periods=70)
    pd.DataFrame({"t": times, "n": np.arange(len(times))}).to_csv(tmp_path / "a.csv", index=False)
    query, rest = advised(tmp_path / "a.csv", freq=freq)
    assert query.startswith(f"SELECT date_trunc('{unit}', t) AS t, sum(n) AS n FROM ")
    assert rest == " with the same options"
    panel, _ = read(query, freq=freq)
    assert (len(panel.values), panel.values.sum()) == (n or 10, np.arange(len(times)).sum())
