"""`gatecast export`."""

import numpy as np
import pytest
from onnx_runs import assert_close, run, session_of

from gatecast.cli.main import main
from gatecast.forecaster import Forecaster


def test_export_writes_a_file_that_forecasts_as_predict(workdir, capsys):
    assert main(["export", "sales.gatecast", "--out", "sales.onnx", "--level", "90", "--opset", "18"]) == 0
    assert capsys.readouterr().out == "written: sales.onnx\n"
    forecaster = Forecaster.load("sales.gatecast")
    expected = forecaster.predict(level=90, output="dict")
    outputs = run(session_of(workdir / "sales.onnx"), values=forecaster.panel_.values[None])
    for name in ("LSTM", "LSTM-lo-90", "LSTM-hi-90"):
        assert_close(outputs[name], np.asarray(expected[name])[None])


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["sales.gatecast", "--out", "a.html"], "invalid --out (a.html): got '.html', expected .onnx"),
        (["none.gatecast"], "MODEL not found (none.gatecast)"),
        (["sales.gatecast", "--opset", "16"], "invalid --opset: got 16, expected 17 or newer"),
        (["sales.gatecast", "--opset", "x"], "expected a whole number of at least 1"),
        (["sales.gatecast", "--state"], "reads the past anew at every step. Leave --state out"),
        (["sales.gatecast", "--model", "gru"], "has no --model 'gru'. Available: lstm."),
    ],
)
def test_export_refuses_what_cannot_be(workdir, capsys, args, text):
    before = sorted(workdir.iterdir())
    assert main(["export", *args]) == 2
    assert text.lower() in capsys.readouterr().err.lower()
    assert sorted(workdir.iterdir()) == before
