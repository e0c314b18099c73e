"""The progress of `fit`: a line that is rewritten on a terminal, a line per epoch if asked for, silence elsewhere."""

from __future__ import annotations

import io

import numpy as np
import pytest

from gatecast.layers import Dense, Input
from gatecast.models import Sequential
from gatecast.nn.progress_bar import ProgbarLogger, format_epoch


class Terminal(io.StringIO):
    def isatty(self):
        return True


def show(out, verbose, **options):
    """Show two epochs of two updates."""
    bar = ProgbarLogger(out, **options)
    bar.set_params({"verbose": verbose, "epochs": 2, "steps": 2})
    for epoch, logs in enumerate([{"loss": 12345.678}, {"loss": 0.5, "val_loss": 0.25}]):
        bar.on_epoch_begin(epoch)
        for batch in range(2):
            bar.on_train_batch_end(batch, logs)
        bar.on_epoch_end(epoch, logs)
    bar.on_train_end()
    return bar


def test_a_terminal_sees_one_line_rewritten():
    out = Terminal()
    assert show(out, 1).needs_batches
    *_, first, second = out.getvalue().rstrip("\n").split("\r")
    assert out.getvalue().count("\n") == 1
    assert second.startswith("Epoch 2/2 - 2/2 - 0s - ")
    assert second.rstrip().endswith("loss: 0.5000 - val_loss: 0.2500")
    assert len(first) <= len(second)


def test_a_line_per_epoch_is_that_of_keras():
    out = io.StringIO()
    assert not show(out, 2).needs_batches
    lines = out.getvalue().splitlines()
    assert lines[::2] == ["Epoch 1/2", "Epoch 2/2"]
    assert lines[1].startswith("2/2 - 0s - ")
    assert lines[3].endswith("/step - loss: 0.5000 - val_loss: 0.2500")


def test_elsewhere_nothing_is_shown_unless_asked_for():
    out = io.StringIO()
    show(out, 1)
    assert not out.getvalue()
    assert not show(out, 1, is_asked=True).needs_batches
    assert out.getvalue().splitlines()[::2] == ["Epoch 1/2", "Epoch 2/2"]
    terminal = Terminal()
    show(terminal, 1, is_asked=True)
    assert terminal.getvalue().count("\n") == 1


def test_fit_in_a_pipe_writes_a_line_per_epoch_if_asked(capsys):
    model = Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 1)), np.ones(4), epochs=2)
    assert not capsys.readouterr().out
    model.fit(np.ones((4, 1)), np.ones(4), epochs=2, verbose=1)
    assert capsys.readouterr().out.splitlines()[::2] == ["Epoch 1/2", "Epoch 2/2"]
    model.summary(line_length=80)
    assert "Dense" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("logs", "steps", "seconds", "text"),
    [
        ({"loss": 0.00012345}, None, 3.4, "3s - loss: 1.2345e-04"),
        ({"loss": float("nan")}, 2, 3.0, "2/2 - 3s - 2s/step - loss: nan"),
        ({"loss": 0.0}, 100, 1.0, "100/100 - 1s - 10ms/step - loss: 0.0000"),
    ],
)
def test_numbers_are_written_as_by_keras(logs, steps, seconds, text):
    assert format_epoch(logs, steps, seconds) == text
