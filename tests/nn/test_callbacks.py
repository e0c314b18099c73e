"""Records of epochs, early stopping and the functions that `fit` calls."""

from __future__ import annotations

import pytest

from gatecast.callbacks import EarlyStopping, EpochRecord, History
from gatecast.errors import ConfigError
from gatecast.nn.callbacks import split_callbacks


def record(epoch, best_epoch=0, val_loss=None):
    return EpochRecord(epoch, 2 * epoch + 2, 1.0 / (epoch + 1), val_loss, 0.1, 0.001, epoch == best_epoch, best_epoch)


def test_early_stopping_with_an_unknown_loss_or_patience_names_the_argument():
    with pytest.raises(
        ConfigError, match=r"Invalid monitor 'accuracy' \(EarlyStopping\): expected \"val_loss"
    ) as caught:
        EarlyStopping(monitor="accuracy")
    assert caught.value.argument == "monitor"
    with pytest.raises(ConfigError, match=r"Invalid patience 0 \(EarlyStopping\)"):
        EarlyStopping(patience=0)


def test_history_counts_epochs_from_the_first_one_of_its_call():
    history = History()
    for epoch in (5, 6, 7):
        history.append(record(epoch, best_epoch=6, val_loss=float(epoch)))
    assert history.epoch == [0, 1, 2]
    assert history.best_epoch == 1
    assert history.history == {"loss": [1 / 6, 1 / 7, 1 / 8], "val_loss": [5.0, 6.0, 7.0]}
    assert [r.epoch for r in history.records] == [5, 6, 7]


def test_history_without_validation_data_has_no_val_loss():
    history = History()
    history.append(record(0))
    assert list(history.history) == ["loss"]


def test_split_callbacks_separates_early_stopping_from_functions():
    stopping = EarlyStopping()
    assert split_callbacks([print, stopping, len], has_validation=True) == (stopping, [print, len])
    assert split_callbacks([], has_validation=False) == (None, [])


@pytest.mark.parametrize(
    ("callbacks", "text"),
    [
        ([EarlyStopping("loss"), EarlyStopping("loss")], "at most one"),
        ([3], "Invalid callback 3"),
        ([EarlyStopping], "Invalid callback"),
        ([EarlyStopping()], "there is no validation data"),
    ],
)
def test_split_callbacks_refuses_what_fit_cannot_use(callbacks, text):
    with pytest.raises(ConfigError, match=text):
        split_callbacks(callbacks, has_validation=False)
