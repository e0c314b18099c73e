"""`gatecast forecast` from the file to the forecast."""

import csv
import json
import os
from itertools import pairwise

import numpy as np
import pytest

from gatecast.cli.main import main
from gatecast.cli.output_files import TABLE_SUFFIXES

COLUMNS = ["LSTM", "LSTM-lo-80", "LSTM-hi-80", "LSTM-lo-95", "LSTM-hi-95"]
H = 6


@pytest.fixture
def forecast(workdir, quick, capsys):
    """Run the command and return its document."""

    def run(*args):
        assert main(["forecast", *args, *quick, "--json"]) == 0
        return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)

    return run


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_forecast_document_holds_data_model_and_settings(forecast):
    document = forecast("sales.csv", "-h", str(H))
    assert document["data"]["time_col"] == "month"
    assert document["data"]["target_col"] == "sold"
    assert document["data"]["frequency"] == "MS"
    assert (document["data"]["rows"], document["data"]["missing"]) == (60, 0)
    assert document["model"] == {"name": "LSTM", "horizon": H, "levels": [80, 95]}
    assert document["settings"]["options"]["max_steps"] == 5


@pytest.mark.parametrize(
    ("times", "labels"),
    [
        (range(1990, 2020), ["1990", "2020", "2022"]),
        ([100 * (2018 + k // 12) + k % 12 + 1 for k in range(30)], ["201801", "202007", "202009"]),
        (range(20240102, 20240132), ["20240102", "20240201", "20240203"]),
        (range(1_700_000_000, 1_700_000_000 + 30 * 3600, 3600), ["1700000000", "1700108000", "1700115200"]),
        (range(5, 35), ["5", "35", "37"]),
        ([f"{1990 + k}-01-01" for k in range(30)], ["1990-01-01", "2020-01-01", "2022-01-01"]),
    ],
    ids=["years", "months", "days", "seconds", "steps", "ISO 8601"],
)
def test_forecast_writes_times_everywhere_as_the_file_does(times, labels, workdir, capsys):
    rows = "".join(f"{time},{k % 7 + k}\n" for k, time in enumerate(times))
    (workdir / "numbers.csv").write_text("when,sold\n" + rows, encoding="utf-8")
    command = ["forecast", "numbers.csv", "--model", "naive", "-h", "3"]
    assert main([*command, "--plot", "chart.svg", "--report", "report.html", "--out", "out.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    below_the_chart = next(line for axis, line in pairwise(lines) if axis.lstrip().startswith(("└", "+")))
    assert below_the_chart.split()[-1] == labels[2]
    assert [row["when"] for row in read(workdir / "out.csv")][::2] == labels[1:]
    assert (workdir / "chart.svg").stat().st_size > 0
    assert main([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [str(time) for time in (document["data"]["start"], document["forecast"][0]["when"])] == labels[:2]


def test_forecast_scores_the_model_next_to_the_baselines(forecast):
    evaluation = forecast("sales.csv", "-h", str(H))["evaluation"]
    assert [score["model"] for score in evaluation["scores"]] == ["LSTM", "SeasonalNaive", "Naive", "Drift", "Mean"]
    assert sum(evaluation["rows"].values()) == 60
    lstm, naive, *_ = evaluation["scores"]
    assert lstm["skill"] == pytest.approx(100 * (1 - lstm["mae"] / naive["mae"]))
    assert set(lstm["coverage"]) == {"80", "95"}
    assert lstm["rmse"] >= lstm["mae"] > 0


def test_forecast_continues_after_the_end_with_nested_intervals(forecast):
    rows = forecast("sales.csv", "-n", str(H))["forecast"]
    assert [row["month"] for row in rows] == [f"2020-{month:02d}-01" for month in range(1, H + 1)]
    for row in rows:
        order = [row[name] for name in ("LSTM-lo-95", "LSTM-lo-80", "LSTM", "LSTM-hi-80", "LSTM-hi-95")]
        assert order == sorted(order)
        # The data are positive, and so are forecasts.
        assert order[0] > 0
    assert np.ptp([row["LSTM"] for row in rows]) > 0
    assert "SeasonalNaive" in rows[0]


@pytest.mark.slow
def test_forecast_files_agree_with_the_document_in_every_format(forecast, workdir, quick, capsys):
    before = set(os.listdir(workdir))
    document = forecast("sales.csv", "-h", str(H), "--out", "a.csv")
    assert document["files"] == ["a.csv"]
    rows = read("a.csv")
    assert list(rows[0]) == ["month", *COLUMNS]
    expected = [{name: row[name] for name in ("month", *COLUMNS)} for row in document["forecast"]]
    assert [{**row, **{name: float(row[name]) for name in COLUMNS}} for row in rows] == expected
    for suffix in TABLE_SUFFIXES:
        assert main(["forecast", "sales.csv", "-h", str(H), "--out", f"b{suffix}", "--quiet", *quick]) == 0
    assert capsys.readouterr() == ("", "")
    assert (workdir / "b.csv").read_bytes() == (workdir / "a.csv").read_bytes()
    assert json.loads((workdir / "b.json").read_text()) == expected
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(workdir / "b.parquet").to_pydict()
    assert table["LSTM"] == [row["LSTM"] for row in expected]
    assert set(os.listdir(workdir)) - before == {"a.csv", "b.csv", "b.json", "b.parquet"}


@pytest.mark.slow
def test_forecast_of_several_series_writes_all_of_them(forecast, workdir):
    document = forecast("shops.csv", "-n", "3", "--plot", "a.svg")
    assert document["data"]["series"] == 2
    assert [row["shop"] for row in document["forecast"]] == ["north"] * 3 + ["south"] * 3
    assert (workdir / "a.svg").read_text().startswith("<?xml")


def test_forecast_with_another_seed_is_another_forecast(forecast):
    first, second = (forecast("sales.csv", "-n", "2", "--seed", seed)["forecast"] for seed in ("0", "1"))
    assert first[0]["LSTM"] != second[0]["LSTM"]


def test_forecast_of_counts_is_whole_and_within_its_bounds(forecast, workdir):
    lines = (workdir / "sales.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    (workdir / "counts.csv").write_text("month,n\n" + "".join(f"{m},{round(float(y))}\n" for m, y in rows))
    rows = forecast("counts.csv", "-n", "3", "--integer", "--upper-bound", "80")["forecast"]
    values = [row[name] for row in rows for name in COLUMNS]
    assert all(value == round(value) and value <= 80 for value in values)


def test_forecast_takes_columns_by_name(forecast, workdir):
    lines = (workdir / "sales.csv").read_text().splitlines()
    wide = ["other," + lines[0], *(f"{k}," + line for k, line in enumerate(lines[1:]))]
    (workdir / "wide.csv").write_text("\n".join(wide) + "\n")
    options = "--time-col month --target-col sold --freq MS --season-length 12 -h 2"
    document = forecast("wide.csv", *options.split())
    assert (document["data"]["time_col"], document["data"]["target_col"]) == ("month", "sold")
    assert document["settings"]["options"]["season"] == document["settings"]["options"]["season_length"] == 12
    assert len(document["forecast"]) == 2


def test_forecast_report_of_a_file_without_header(workdir, quick, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    lines = (workdir / "sales.csv").read_text().splitlines()
    (workdir / "bare.csv").write_text("\n".join(lines[1:]) + "\n")
    assert main(["forecast", "bare.csv", "-h", "3", "--level", "90", *quick]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for part in (
        "no header",
        "60 points",
        " rows to train, ",
        "MASE",
        "in 90 %",
        "90 % interval",
        "2020-03-01",
        " s\n",
    ):
        assert part in out
    assert "\x1b" not in out


@pytest.mark.slow
def test_forecast_with_future_columns_equals_train_and_predict(forecast, workdir, quick):
    columns = ["--target-col", "sold", "--futr-exog", "price", "-n", "3"]
    forecast("prices.csv", *columns, "--futr-df", "future.csv", "--out", "f.csv")
    assert main(["train", "prices.csv", *columns, "--out", "p.gatecast", *quick]) == 0
    assert main(["predict", "p.gatecast", "--futr-df", "future.csv", "--out", "g.csv"]) == 0
    assert (workdir / "f.csv").read_text() == (workdir / "g.csv").read_text()


@pytest.mark.filterwarnings("error")
def test_forecast_notes_series_of_the_future_table_that_the_data_do_not_have(forecast, workdir):
    rows = (workdir / "prices.csv").read_text().splitlines()
    future = (workdir / "future.csv").read_text().splitlines()
    (workdir / "a.csv").write_text("\n".join([f"shop,{rows[0]}", *(f"a,{row}" for row in rows[1:])]) + "\n")
    ahead = [f"{shop},{row}" for shop in ("a", "zz") for row in future[1:]]
    (workdir / "b.csv").write_text("\n".join([f"shop,{future[0]}", *ahead]) + "\n")
    options = ["--id-col", "shop", "--target-col", "sold", "--futr-exog", "price", "-n", "3", "--futr-df", "b.csv"]
    (note,) = [note for note in forecast("a.csv", *options)["findings"] if "'zz'" in note]
    assert note == "future table b.csv: it has series that the data do not have, which are not used: 'zz'."


def test_forecast_of_unknown_columns_is_refused(workdir, quick, capsys):
    options = ["--target-col", "sold", "--futr-exog", "cost", "--futr-df", "future.csv"]
    assert main(["forecast", "prices.csv", *options, *quick]) == 2
    assert "'cost'" in capsys.readouterr().err


@pytest.mark.slow
def test_forecast_takes_patterns_and_queries(forecast, workdir):
    (workdir / "more.csv").write_text((workdir / "sales.csv").read_text())
    assert forecast("[ms][oa][rl]e*.csv", "--target-col", "sold", "-n", "2")["data"]["series"] == 2
    assert forecast(f"SELECT month, sold FROM '{workdir / 'sales.csv'}'", "-n", "2")["data"]["rows"] == 60


def test_forecast_has_a_page_with_its_verdict(forecast, workdir):
    pytest.importorskip("plotly")
    document = forecast("sales.csv", "-n", "3", "--report", "a.html")
    assert document["files"] == ["a.html"]
    assert document["evaluation"]["verdict"].replace("'", "&#x27;") in (workdir / "a.html").read_text("utf-8")


def test_forecast_that_cannot_be_written_leaves_nothing(workdir, quick, capsys, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device", "a.html")

    monkeypatch.setattr("gatecast.report", fail, raising=False)
    before = sorted(os.listdir(workdir))
    assert main(["forecast", "sales.csv", "-n", "2", "--out", "a.csv", "--report", "a.html", *quick]) == 2
    assert capsys.readouterr().err == "error: cannot write --report (a.html): got No space left on device.\n"
    assert sorted(os.listdir(workdir)) == before


@pytest.mark.slow
def test_forecast_of_a_file_with_rows_ahead_needs_no_futr_df(workdir, capsys):
    rows = [*(workdir / "prices.csv").read_text().splitlines(), *(workdir / "future.csv").read_text().splitlines()[1:]]
    ahead = [f"{month},,{price}" for month, price in (row.split(",") for row in rows[61:])]
    (workdir / "all.csv").write_text("\n".join([*rows[:61], *ahead]) + "\n")
    options = ["--futr-exog", "price", "--target-col", "sold", "--model", "dot"]
    assert main(["forecast", "all.csv", *options, "--out", "a.csv"]) == 0
    assert main(["forecast", "prices.csv", *options, "-h", "6", "--futr-df", "future.csv", "--out", "b.csv"]) == 0
    assert (workdir / "a.csv").read_text() == (workdir / "b.csv").read_text()
    assert "'price' is known for 6 steps ahead" in " ".join(capsys.readouterr().out.split())
