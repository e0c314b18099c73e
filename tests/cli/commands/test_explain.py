"""`gatecast explain`."""

import json

import pytest

from gatecast.cli.main import main


def test_explain_prints_attributions_and_memory(workdir, capsys):
    assert main(["explain", "shops.gatecast", "--id", "south", "--step", "3"]) == 0
    out = capsys.readouterr().out
    assert "step 3" in out
    header = next(line for line in out.splitlines() if line.startswith("time"))
    assert header.split() == ["time", "lag", "what", "role", "value", "adds"]
    assert "half-life  longest" in out


def test_explain_as_json_has_attributions_that_add_up(workdir, capsys):
    assert main(["explain", "shops.gatecast", "--json", "--quantile", "0.9"]) == 0
    document = json.loads(capsys.readouterr().out)
    total = sum(row["attribution"] for row in document["attributions"])
    assert total + document["gap"] == pytest.approx(document["forecast"] - document["baseline"], abs=1e-6)
    assert (document["id"], document["quantile"], document["method"]) == ("north", 0.9, "integrated")
    assert {row["layer"] for row in document["memory"]["units"]} == {"lstm_1"}


def test_explain_fits_a_table_first_and_writes_gates(workdir, quick, capsys):
    assert main(["explain", "shops.csv", "-h", "3", *quick, "--model", "gru", "--gates", "gates.csv"]) == 0
    assert (workdir / "gates.csv").read_text().startswith("shop,month,value,layer,unit,")
    assert "written: gates.csv" in capsys.readouterr().out


def test_explain_has_a_page(workdir):
    pytest.importorskip("plotly")
    assert main(["explain", "shops.gatecast", "--report", "page.html"]) == 0
    assert 'id="attribution' in (workdir / "page.html").read_text()


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--step", "4"], "4"),
        (["--step", "two"], "invalid --step 'two'"),
        (["--quantile", "0.4"], "0.4"),
        (["--quantile", "x"], "invalid --quantile 'x'"),
        (["--method", "guess"], "'guess'"),
        (["--id", "west"], "'west'"),
        (["--gates", "gates.xls"], "invalid --gates (gates.xls)"),
        (["--report", "page.pdf"], "invalid --report (page.pdf)"),
    ],
)
def test_explain_refuses_what_cannot_be(workdir, args, text, capsys):
    assert main(["explain", "shops.gatecast", *args]) == 2
    assert text in capsys.readouterr().err


def test_explain_a_model_that_cannot_be_explained_is_refused(workdir, quick, capsys):
    assert main(["explain", "sales.csv", "-h", "3", *quick, "--model", "es-lstm"]) == 2
    assert "ES-LSTM" in capsys.readouterr().err
