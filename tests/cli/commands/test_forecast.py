"""`gatecast forecast` from the file to the forecast, with training; the series are tiny."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from gatecast.cli.main import main
from gatecast.cli.output_files import TABLE_SUFFIXES

ORDER = ["Ensemble-lo-95", "Ensemble-lo-80", "Ensemble", "Ensemble-hi-80", "Ensemble-hi-95"]
COLUMNS = ["Ensemble", "Ensemble-lo-80", "Ensemble-hi-80", "Ensemble-lo-95", "Ensemble-hi-95"]
H = 6


def write(path, n=72, header="month,sales\n", factor=1.0):
    """Monthly sales with a trend and a season, always positive."""
    t = np.arange(n)
    values = factor * (20 + 0.3 * t + 8 * np.sin(2 * np.pi * t / 12) + np.random.default_rng(7).normal(0, 1, n))
    months = np.datetime_as_string((np.datetime64("2010-01") + t).astype("datetime64[D]"))
    path.write_text(header + "".join(f"{month},{value:.3f}\n" for month, value in zip(months, values, strict=True)))
    return values


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of the real program with all outputs, and what it said."""
    folder = tmp_path_factory.mktemp("run")
    write(folder / "sales.csv")
    words = ["forecast", "sales.csv", "-h", str(H), "--out", "a.csv", "--report", "a.html", "--json"]
    command = [sys.executable, "-m", "gatecast", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    (folder / "said").write_text(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture
def told(folder):
    return json.loads((folder / "said").read_text(), parse_constant=pytest.fail)


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_json_is_all_there_is_on_standard_output(told):
    assert list(told) == [
        "schema_version",
        "data",
        "model",
        "evaluation",
        "forecast",
        "files",
        "settings",
        "seconds",
    ]
    assert told["data"]["time_col"] == "month"
    assert told["data"]["target_col"] == "sales"
    assert told["data"]["frequency"] == "MS"
    assert (told["data"]["rows"], told["data"]["missing"]) == (72, 0)
    assert told["model"] == {"name": "Ensemble", "horizon": H, "levels": [80, 95]}
    assert told["files"] == ["a.csv", "a.html"]
    assert told["settings"]["seed"] == 0


def test_scores_stand_beside_seasonal_naive(told):
    evaluation = told["evaluation"]
    assert [score["model"] for score in evaluation["scores"]] == [
        *("Ensemble", "LSTM", "DOT"),
        *("SeasonalNaive", "Naive", "Drift", "Mean"),
    ]
    assert sum(evaluation["rows"].values()) == 72
    lstm, _, _, naive, *_ = evaluation["scores"]
    assert lstm["skill"] == pytest.approx(100 * (1 - lstm["mae"] / naive["mae"]))
    assert set(lstm["coverage"]) == {"80", "95"}
    assert lstm["rmse"] >= lstm["mae"] > 0
    assert evaluation["verdict"].endswith(".")


def test_the_forecast_goes_on_where_the_data_end(told):
    rows = told["forecast"]
    assert [row["month"] for row in rows] == [f"2016-{month:02d}-01" for month in range(1, H + 1)]
    for row in rows:
        assert (
            row["Ensemble-lo-95"]
            <= row["Ensemble-lo-80"]
            <= row["Ensemble"]
            <= row["Ensemble-hi-80"]
            <= row["Ensemble-hi-95"]
        )


def test_positive_data_have_positive_forecasts(told):
    assert all(row[name] > 0 for row in told["forecast"] for name in COLUMNS)


def test_the_forecast_is_neither_flat_nor_the_last_value(told):
    values = [row["Ensemble"] for row in told["forecast"]]
    assert np.ptp(values) > 1


def test_file_and_document_agree(folder, told):
    rows = read(folder / "a.csv")
    assert list(rows[0]) == ["month", *COLUMNS]
    for row, said in zip(rows, told["forecast"], strict=True):
        assert row["month"] == said["month"]
        assert [float(row[name]) for name in COLUMNS] == [said[name] for name in COLUMNS]


def test_nothing_else_is_left_behind(folder):
    assert sorted(os.listdir(folder)) == ["a.csv", "a.html", "said", "sales.csv"]


def test_the_page_carries_the_verdict(folder, told):
    text = (folder / "a.html").read_text("utf-8")
    assert told["evaluation"]["verdict"].replace("'", "&#x27;") in text


def test_same_seed_same_bytes_and_the_forecast_is_the_same_in_every_format(folder, told, tmp_path, capsys):
    for suffix in TABLE_SUFFIXES:
        out = tmp_path / f"b{suffix}"
        assert main(["forecast", str(folder / "sales.csv"), "-h", str(H), "--out", str(out), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert (tmp_path / "b.csv").read_bytes() == (folder / "a.csv").read_bytes()
    said = [{name: row[name] for name in ("month", *COLUMNS)} for row in told["forecast"]]
    assert json.loads((tmp_path / "b.json").read_text()) == said
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(tmp_path / "b.parquet").to_pydict()
    assert table["Ensemble"] == [row["Ensemble"] for row in said]
    assert [f"{time:%Y-%m-%d}" for time in table["month"]] == [row["month"] for row in said]


def test_another_seed_another_forecast(folder, told, tmp_path):
    out = tmp_path / "b.csv"
    assert main(["forecast", str(folder / "sales.csv"), "-h", str(H), "--seed", "1", "--out", str(out), "-q"]) == 0
    assert float(read(out)[0]["Ensemble"]) != told["forecast"][0]["Ensemble"]


def test_report_of_a_file_without_header(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    values = write(tmp_path / "sales.csv", header="")
    assert main(["forecast", str(tmp_path / "sales.csv"), "-h", "3", "--level", "90"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for part in (
        "no header",
        f"{len(values)} points from 2010-01-01 to 2015-12-01",
        " rows to train, ",
        "MAE",
        "MASE",
        "in 90 %",
        "90 % interval",
        "2016-01-01",
        "2016-03-01",
        " s\n",
    ):
        assert part in out
    assert "\x1b" not in out
    assert sorted(os.listdir(tmp_path)) == ["sales.csv"]


def test_columns_are_found_by_name(tmp_path, capsys):
    write(tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    wide = ["other," + lines[0], *(f"{place}," + line for place, line in enumerate(lines[1:]))]
    (tmp_path / "a.csv").write_text("\n".join(wide) + "\n")
    words = [
        "--time-col",
        "month",
        "--target-col",
        "sales",
        "--freq",
        "MS",
        "--season",
        "12",
        "-h",
        "2",
        "--json",
    ]
    assert main(["forecast", str(tmp_path / "a.csv"), *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["data"]["time_col"], told["data"]["target_col"]) == ("month", "sales")
    assert told["data"]["season"] in (1, 12)
    assert told["settings"]["options"]["season"] == 12
    assert len(told["forecast"]) == 2


def test_a_failure_while_writing_leaves_nothing(folder, tmp_path, monkeypatch, capsys):
    def fail(*_, **__):
        raise OSError(28, "No space left on device", "a.html")

    monkeypatch.setattr("gatecast.reporting.html_report.report", fail)
    out, page = tmp_path / "a.csv", tmp_path / "a.html"
    words = ["-h", "2", "--out", str(out), "--report", str(page)]
    assert main(["forecast", str(folder / "sales.csv"), *words]) == 2
    assert capsys.readouterr().err == f"error: --report cannot be written ({page}): got No space left on device.\n"
    assert os.listdir(tmp_path) == []
