"""`gatecast report`."""

import pytest

from gatecast.cli.main import main

pytest.importorskip("plotly")


def test_report_writes_a_page_about_a_forecaster(workdir, capsys):
    assert main(["report", "shops.gatecast", "--out", "a.html", "--id", "south"]) == 0
    findings, written = capsys.readouterr().out.split("\n\n")
    assert findings.startswith("data: id column: 'shop', time column: 'month', target: 'sold', ")
    assert written == "written: a.html\n"
    text = (workdir / "a.html").read_text("utf-8")
    assert "<h1>sold: 3 steps ahead, 2 series</h1>" in text
    assert '"selected first":[1,0]' in text


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["shops.gatecast", "--id", "east"], "'east'"),
        (
            ["shops.gatecast", "--out", "a.png"],
            "invalid --out (a.png): got '.png', expected .html. Write --out a.html.",
        ),
        (["shops.gatecast", "none.csv"], "FILE not found (none.csv)"),
        (["sales.csv"], "Write gatecast forecast sales.csv --report report.html."),
    ],
)
def test_report_refuses_what_cannot_be(workdir, capsys, args, text):
    before = sorted(workdir.iterdir())
    assert main(["report", *args]) == 2
    assert text in capsys.readouterr().err
    assert sorted(workdir.iterdir()) == before
