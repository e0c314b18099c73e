"""A signal from outside during training: what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from gatecast.models import Sequential

TRAINING = """
import sys
import numpy as np
from gatecast.layers import LSTM, Dense, Input
from gatecast.callbacks import Callback, EarlyStopping
from gatecast.models import Sequential
from gatecast.optimizers import Adam

rng = np.random.default_rng(0)
x, y = rng.normal(size=(60, 8, 1)), rng.normal(size=60)
model = Sequential([Input((8, 1)), LSTM(40), Dense(1)])
model.compile(loss="mse", optimizer=Adam(0.02))


class Tell(Callback):
    def on_epoch_end(self, epoch, logs):
        if epoch == stopping.best_epoch + 30:
            print("go", flush=True)


judges = x[40:], y[40:]
stopping = EarlyStopping(patience=10**6, restore_best_weights=True)
settings = {"callbacks": [stopping, Tell()], "validation_data": judges}
try:
    model.fit(x[:40], y[:40], epochs=10**6, **settings)
except KeyboardInterrupt:
    losses = model.history.history["val_loss"]
    assert min(losses) < losses[-1], "the newest weights are the best: nothing was tested"
    assert model.evaluate(*judges) == min(losses), (model.evaluate(*judges), min(losses))
    assert np.isfinite(model.predict(x)).all()
    model.save(sys.argv[1])
    model.fit(x[:40], y[:40], epochs=2)
    print("usable", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_kill_int_leaves_the_best_weights_and_a_model_that_goes_on(tmp_path):
    command = [sys.executable, "-c", TRAINING, str(tmp_path / "model")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "go\n", process.communicate()
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == ("usable\n", "", 0)
    assert np.isfinite(Sequential.load(tmp_path / "model").predict(np.zeros((1, 8, 1)))).all()
