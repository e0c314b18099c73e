"""`gatecast report`: a kept forecaster as one page."""

import numpy as np
import pytest

from gatecast.cli.main import main
from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.forecaster import Forecaster

pytest.importorskip("plotly")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A forecaster of two short series in a file."""
    path = tmp_path_factory.mktemp("report") / "a.gatecast"
    t = np.arange(60)
    table = {"id": np.repeat(["north", "<south>"], 60), "t": np.tile(t, 2), "y": np.tile(20 + np.sin(t / 2), 2)}
    small = {"network": NetworkConfig(units=4, n_layers=1), "training": TrainingConfig(n_members=1, max_steps=5)}
    Forecaster(6, model="lstm", season_length=12, **small).fit(table).save(path)
    return path


def test_a_page(kept, tmp_path, capsys):
    out = tmp_path / "a.html"
    assert main(["report", str(kept), "--out", str(out), "--id", "<south>"]) == 0
    assert capsys.readouterr().out == f"written: {out}\n"
    text = out.read_text("utf-8")
    assert "<h1>y: 6 steps ahead, 2 series</h1>" in text
    assert '"names":["north","\\u003csouth>"]' in text
    assert '"selected first":[1,0]' in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--id", "east"],
            "unknown series: got 'east', expected one of 2 names, for example north, <south>",
        ),
        (["--out", "a.png"], "--out has an unknown file type (a.png): got '.png', expected .html. Write --out a.html."),
        (["none.csv"], "there is no such file (none.csv)"),
    ],
)
def test_what_cannot_be(kept, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(kept), *words]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_sent_to_the_command_that_takes_one(tmp_path, capsys):
    table = tmp_path / "sales.csv"
    table.write_text("t,y\n1,2\n")
    assert main(["report", str(table)]) == 2
    told = capsys.readouterr().err
    assert "FORECASTER is a table" in told
    assert f"Write gatecast forecast {table} --report report.html." in told
