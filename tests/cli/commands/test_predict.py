"""`gatecast predict`."""

import csv
import json

import pytest

from gatecast.cli.main import main


def test_predict_prints_a_header_above_its_rows(workdir, capsys):
    assert main(["predict", "shops.gatecast", "--level", "90"]) == 0
    findings, table = capsys.readouterr().out.split("\n\n")
    assert findings.startswith("data: id column: 'shop', time column: 'month', target: 'sold', ")
    header, *rows = table.splitlines()
    assert header.split() == ["shop", "month", "LSTM", "LSTM-lo-90", "LSTM-hi-90"]
    assert [row.split()[:2] for row in rows[::3]] == [["north", "2020-01-01"], ["south", "2020-01-01"]]


def test_predict_writes_any_horizon(workdir, capsys):
    assert main(["predict", "shops.gatecast", "--out", "f.csv", "-h", "5", "--level", "90"]) == 0
    assert capsys.readouterr().out.split("\n\n")[1] == "written: f.csv\n"
    with open("f.csv") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["shop", "month", "LSTM", "LSTM-lo-90", "LSTM-hi-90"]
    assert [row["month"] for row in rows[:5]] == [f"2020-0{k}-01" for k in range(1, 6)]
    assert len(rows) == 10


def test_predict_from_a_file_equals_the_series_of_the_training(workdir, capsys):
    documents = []
    for args in ([], ["shops.csv"]):
        assert main(["predict", "shops.gatecast", *args, "--json"]) == 0
        documents.append(json.loads(capsys.readouterr().out)["forecast"])
    assert documents[0] == documents[1]


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["sales.csv"], 2, "invalid MODEL (sales.csv): got a table"),
        (["absent.gatecast"], 2, "MODEL not found (absent.gatecast)"),
        (["shops.gatecast", "-h", "-1"], 2, "invalid --horizon '-1'"),
        (["shops.gatecast", "--out", "shops.csv", "shops.csv"], 2, "--out would overwrite the input"),
        (["shops.gatecast", "--futr-df", "shops.csv", "--out", "shops.csv"], 2, "--out would overwrite the input"),
        (["shops.gatecast", "s*.csv", "--out", "shops.csv"], 2, "--out would overwrite the input"),
        (["shops.gatecast", "FROM 'shops.csv'", "--out", "shops.csv"], 2, "--out would overwrite the input"),
        (["prices.gatecast"], 2, "missing --futr-df: expected a table with 'price'"),
        (["broken.gatecast"], 1, ""),
    ],
)
def test_predict_refuses_what_cannot_be(workdir, capsys, args, code, text):
    (workdir / "broken.gatecast").write_text("no model")
    assert main(["predict", *args]) == code
    out, err = capsys.readouterr()
    assert err.startswith(f"error: {text}")
    assert err.count("\n") == 1
    assert out == ""


def test_predict_into_a_folder_goes_on_where_it_was(workdir, capsys):
    from many_series import many_series

    from gatecast.data.reader import write

    write(many_series(20, seed=1), "series.parquet")
    command = ["predict", "naive", "series.parquet", "--folder", "out", "--partition-size", "6", "-h", "3"]
    assert main(command) == 0
    assert "written: out, 20 series in 4 files (" in capsys.readouterr().out
    (workdir / "out" / "part-00002.parquet").unlink()
    assert main([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["file"] == "out"
    assert document["parts"] | {"seconds": 0} == {"series": 20, "files": 4, "files_of_an_earlier_run": 3, "seconds": 0}
    assert (workdir / "out" / "part-00002.parquet").exists()


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["shops.gatecast", "--folder", "out"], "missing FILE"),
        (["shops.gatecast", "shops.csv", "--folder", "out"], "invalid FILE (shops.csv): got no Parquet file"),
        (["shops.gatecast", "no.parquet", "--folder", "out"], "FILE not found (no.parquet)"),
        (["shops.gatecast", "s.parquet", "--partition-size", "6"], "--partition-size needs --folder"),
        (["shops.gatecast", "s.parquet", "--folder", "out", "--out", "f.csv"], "--folder takes neither"),
        (["lstm", "s.parquet", "--folder", "out"], "invalid MODEL (lstm): got the name of a model"),
    ],
)
def test_predict_into_a_folder_refuses_what_cannot_be(workdir, capsys, args, text):
    (workdir / "s.parquet").write_bytes(b"")
    assert main(["predict", *args]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: {text}")
    assert err.count("\n") == 1


def test_train_on_a_folder_learns_from_a_sample(workdir, capsys):
    from many_series import many_series

    from gatecast.data.reader import write

    (workdir / "in").mkdir()
    write(many_series(30, seed=1), "in/series.parquet")
    assert main(["train", "in", "--out", "m.gatecast", "--model", "naive", "--sample", "8"]) == 0
    assert "learned from 8 of 30 series, drawn by a hash of their ids and the seed 0" in capsys.readouterr().out
