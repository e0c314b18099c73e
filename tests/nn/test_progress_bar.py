"""The progress line: one on a terminal, none elsewhere unless asked for."""

from __future__ import annotations

import io

import pytest

from gatecast.nn.callbacks import EpochRecord
from gatecast.nn.progress_bar import show_progress

RECORDS = [
    EpochRecord(0, 5, 0.5, None, 0.1, 0.001, True, 0),
    EpochRecord(1, 10, 12345.678, 0.25, 0.25, 0.001, False, 0),
]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_one_line_rewritten():
    out = Terminal()
    assert list(show_progress(RECORDS, 2, verbose=1, out=out)) == RECORDS
    first, second = out.getvalue().strip("\r\n").split("\r")
    assert first == "epoch 1/2  loss 0.5  0.1 s"
    assert second == "epoch 2/2  loss 1.235e+04  val_loss 0.25  best epoch 1  0.25 s"
    assert out.getvalue().count("\n") == 1


def test_a_shorter_line_wipes_out_the_longer_one_before():
    out = Terminal()
    list(show_progress(RECORDS[::-1], 2, verbose=1, out=out))
    first, second = out.getvalue().strip("\r\n").split("\r")
    assert len(second) == len(first)


@pytest.mark.parametrize(
    ("verbose", "out", "lines"),
    [(0, Terminal(), 0), (0, io.StringIO(), 0), (1, io.StringIO(), 0), (2, io.StringIO(), 2)],
)
def test_elsewhere_nothing_is_shown_unless_asked_for(verbose, out, lines):
    assert list(show_progress(RECORDS, 2, verbose, out)) == RECORDS
    assert len(out.getvalue().splitlines()) == lines
