"""docs/from-pytorch.md lists every name of PyTorch with a way here, and the ways exist."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from tolerances import close, rounding

from gatecast.layers import LSTM, Dense, Input
from gatecast.models import Sequential

PAGE = (Path(__file__).parents[2] / "docs" / "from-pytorch.md").read_text(encoding="utf-8")
TORCH = json.loads((Path(__file__).parent / "golden" / "torch_names.json").read_text(encoding="utf-8"))
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("module", [name for name in TORCH if name != "about"])
def test_the_page_lists_every_name_of_a_module(module):
    listed = {part for row in ROWS for code in re.findall(r"`([^`]+)`", row[0]) for part in re.split(r"[^\w]+", code)}
    assert [name for name in TORCH[module] if name not in listed] == []


def test_every_row_says_what_to_write():
    assert all(len(row) >= 2 and row[1] for row in ROWS)


def test_names_that_the_page_advises_exist():
    public = [import_module(f"gatecast.{name}") for name in ("layers", "losses", "optimizers", "optimizers.schedules")]
    public += [import_module(f"gatecast.{name}") for name in ("callbacks", "models", "initializers", "regularizers")]
    for path in re.findall(r"`(gatecast(?:\.\w+)+)", PAGE):
        owner, _, attribute = path.rpartition(".")
        assert hasattr(import_module(owner), attribute), path
    for row in ROWS:
        for name in re.findall(r"`([A-Z]\w+)", row[1]):
            assert name == "DataLoader" or any(hasattr(module, name) for module in public), name


class Tensor:
    """A tensor of PyTorch, as far as batches need it."""

    def __init__(self, array):
        self.array, self.ndim = array, array.ndim

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.array


class Loader:
    """A data loader: lists of tensors, a length, and no index."""

    def __init__(self, x, y):
        self.rows = [[Tensor(x[k : k + 8]), Tensor(y[k : k + 8])] for k in range(0, len(x), 8)]

    def __len__(self):
        return len(self.rows)

    def __iter__(self):
        return iter(self.rows)


def test_a_data_loader_trains_validates_and_predicts_as_arrays(rng):
    x, y = rng.normal(size=(24, 4, 1)).astype(np.float32), rng.normal(size=(24, 1)).astype(np.float32)
    models = [Sequential([Input((4, 1)), LSTM(3), Dense(1)], seed=1) for _ in "ab"]
    for model in models:
        model.compile("adam", "mse")
    loader = Loader(x, y)
    one = models[0].fit(loader, epochs=2, validation_data=Loader(x, y)).history
    two = models[1].fit(x, y, epochs=2, batch_size=8, shuffle=False, validation_data=(x, y)).history
    close(one["loss"] + one["val_loss"], two["loss"] + two["val_loss"], rounding(100))
    close(models[0].predict(loader), models[1].predict(x), rounding(100))
