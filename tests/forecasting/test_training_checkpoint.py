"""Trainings in a checkpoint: interrupted anywhere and begun again, a model has the bits of an undisturbed training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from gatecast._utils.checkpoint import Checkpoint, keeping, working_on
from gatecast.forecasting.base import ModelState, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import fit_models
from gatecast.forecasting.es_rnn.model import ESRNNConfig
from gatecast.forecasting.median import MedianOf
from gatecast.forecasting.monitoring import ValidationMonitor, make_monitor_data
from gatecast.forecasting.panel_effects import PanelEffects
from gatecast.forecasting.panel_rnn.model import GRUConfig, LSTMConfig, SLSTMConfig
from gatecast.forecasting.pretrained.model import Pretrained
from gatecast.forecasting.segrnn.model import SegRNNConfig
from gatecast.forecasting.sequential_model.model import SequentialConfig
from gatecast.layers import GRU, Dense, QuantileHead
from gatecast.models import Sequential
from gatecast.nn.training import StepRecord
from gatecast.optim import chain, ema, scale_by_adam, scale_by_learning_rate

N_STEPS = 12
TASK = Task(4, season_length=4)


def network(*layers, **compiled):
    """Return a user's network, compiled if there are settings for it."""
    model = Sequential([GRU(3, dropout=0.2), *layers])
    if compiled:
        model.compile(**compiled)
    return model


def sequential(model):
    return SequentialConfig(model, 6, season_length=4, max_steps=N_STEPS, batch_size=16)


AVERAGED = chain(scale_by_adam(), scale_by_learning_rate(0.01), ema(0.9))
SMALL = {"units": 4, "n_layers": 1, "max_steps": N_STEPS, "n_origins": 8}
CONFIGS = {
    "lstm": LSTMConfig(5, dropout=0.3, season_length=4, min_improvement=0.0, **SMALL),
    "gru": GRUConfig(5, **SMALL),
    "slstm": SLSTMConfig(5, **SMALL),
    "es-lstm": ESRNNConfig(5, units=4, dilations=(1, 2), max_steps=N_STEPS, n_origins=8, dropout=0.2),
    "segrnn": SegRNNConfig(8, segment_length=4, units=4, max_steps=N_STEPS, dropout=0.2),
    "points": sequential(network(Dense(4))),
    "compiled": sequential(
        network(Dense(4), loss="mse", optimizer=chain(scale_by_adam(), scale_by_learning_rate(0.01), ema(0.9)))
    ),
    "quantiles": sequential(network(Dense(20), QuantileHead(5))),
}


@pytest.fixture(scope="module")
def context():
    t, rng = np.arange(44.0), np.random.default_rng(5)
    values = 20 + 4 * np.sin(t * np.pi / 2) + np.cumsum(rng.normal(size=(20, 44)), axis=1)
    values[3, :20] = np.nan
    values[5, 30] = np.nan
    return PanelContext.from_values(values)


@pytest.fixture(scope="module")
def monitor(context):
    past, actual = context.rolling_origins(np.array([4]), 4)
    data = make_monitor_data(past, actual, context.drop_last(4), 40, 1)
    return ValidationMonitor(PanelEffects.fit(context, 4, 1), data)


class Interruption(Exception):  # noqa: N818 - it is no error
    """What interrupts a training."""


class Reader(list):
    """Collects records, and interrupts before it takes one."""

    def __init__(self, stop=None):
        super().__init__()
        self.stop = stop

    def __call__(self, record):
        if self.stop is not None and record.number >= self.stop:
            raise Interruption
        self.append(record)


def bits(model):
    """Return all that a fitted model holds."""
    state = model.to_state()
    return dict(state.settings), {name: (a.dtype, a.shape, a.tobytes()) for name, a in state.arrays.items()}


def fit(config, context, folder, monitor=None, stop=None):
    """Fit in a checkpoint with a snapshot after every update; return the bits and the records."""
    reader = Reader(stop)
    units = None if folder is None else Checkpoint(folder)
    if units is not None:
        units.snapshot_seconds = 0.0
    with keeping(units), working_on("test"):
        model = config.fit(context, TASK, monitor=monitor, on_step=reader)
    return bits(model), [str(record) for record in reader]


def fit_in_vain(config, context, folder, monitor=None):
    """Fit, and interrupt the work before it is done."""
    with keeping(folder), working_on("test"):
        config.fit(context, TASK, monitor=monitor)
        raise Interruption


# The held-out values of a point network are trained on from step 10 of 12 on.
@pytest.mark.parametrize("stops", [(1,), (11,), (12,), (3, 6, 6, 10)], ids=str)
@pytest.mark.parametrize("name", CONFIGS)
def test_training_that_was_interrupted_has_the_bits_of_an_undisturbed_one(context, monitor, tmp_path, name, stops):
    config = CONFIGS[name]
    for stop in stops:
        with pytest.raises(Interruption):
            fit(config, context, tmp_path, monitor, stop)
    assert len(list(tmp_path.glob("*.begun.gatecast"))) == 1
    assert fit(config, context, tmp_path, monitor) == fit(config, context, None, monitor)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_members_side_by_side_have_the_bits_of_an_undisturbed_training(context, monitor, tmp_path):
    config = MedianOf((CONFIGS["lstm"],) * 3, alternatives=True)

    def outcome(folder, stop=None):
        settings, records = fit(config, context, folder, monitor, stop)
        # Records of members come in any order.
        return settings, sorted(record.partition("fraction")[0] for record in records)

    for stop in (4, 9, N_STEPS):
        with pytest.raises(Interruption):
            outcome(tmp_path, stop)
    assert outcome(tmp_path) == outcome(None)


def test_finished_training_makes_no_update_again(context, monitor, tmp_path, monkeypatch):
    expected = fit(CONFIGS["lstm"], context, None, monitor)
    with pytest.raises(Interruption):
        fit_in_vain(CONFIGS["lstm"], context, tmp_path, monitor)
    monkeypatch.setattr("gatecast.forecasting.network_training.train_steps", None)
    assert fit(CONFIGS["lstm"], context, tmp_path, monitor) == expected


@pytest.mark.parametrize("change", ["records", "weights", "best", "optimizer.1.m"])
def test_snapshot_with_arrays_of_another_shape_is_not_used(context, monitor, tmp_path, change):
    from gatecast._utils import safefile

    with pytest.raises(Interruption):
        fit(CONFIGS["lstm"], context, tmp_path, monitor, 5)
    (path,) = tmp_path.iterdir()
    settings, arrays = safefile.read(path, "checkpoint")
    safefile.write(path, "checkpoint", settings, arrays | {change: np.zeros((2, 2, 2), np.float32)})
    with pytest.warns(UserWarning, match="is not used"):
        again = fit(CONFIGS["lstm"], context, tmp_path, monitor)
    assert again == fit(CONFIGS["lstm"], context, None, monitor)


@dataclass(frozen=True)
class Foreign:
    """A model of another package, with a training of its own."""

    name: ClassVar[str] = "foreign"
    column: ClassVar[str] = "Foreign"
    family: ClassVar[str] = "statistical"
    trainings: ClassVar[list[int]] = []

    max_steps: int = 3

    def fit(self, context, task, *, init=None, monitor=None, on_step=None):  # noqa: ARG002 - of the protocol
        self.trainings.append(1)
        for k in range(self.max_steps):
            if on_step is not None:
                on_step(StepRecord(k + 1, 0.5 / (k + 1)))
        return FittedForeign(self, np.nanmean(context.values, axis=1))

    @classmethod
    def from_state(cls, state, task):  # noqa: ARG003 - of the protocol
        return FittedForeign(cls(**state.settings), state.arrays["mean"])


@dataclass(frozen=True)
class FittedForeign:
    config: Foreign
    mean: np.ndarray

    def to_state(self):
        return ModelState({"max_steps": self.config.max_steps}, {"mean": self.mean})


def test_model_of_another_package_is_loaded_with_its_records(context, tmp_path):
    def fit_one(folder, *, is_interrupted=False):
        reader = Reader()
        with keeping(folder), working_on("test"):
            models = fit_models([Foreign()], context, TASK, on_step=lambda *step: reader(step[-1])).models
            if is_interrupted:
                raise Interruption
        return bits(models[0]), [str(record) for record in reader]

    Foreign.trainings.clear()
    with pytest.raises(Interruption):
        fit_one(tmp_path, is_interrupted=True)
    resumed = fit_one(tmp_path)
    assert len(Foreign.trainings) == 1
    assert resumed == fit_one(None)


@pytest.mark.slow
def test_fine_tuning_is_loaded_with_its_records(tmp_path):
    t, rng = np.arange(60.0), np.random.default_rng(0)
    context = PanelContext.from_values(50 + 5 * np.sin(t / 2) + rng.normal(size=(18, 60)))
    config = Pretrained(finetune=True, max_steps=2)
    expected = fit(config, context, None)
    with pytest.raises(Interruption):
        fit_in_vain(config, context, tmp_path)
    assert len(list(tmp_path.glob("*.training.gatecast"))) == 1
    assert fit(config, context, tmp_path) == expected
