"""Callbacks, as in Keras: what `fit` calls on its way."""

from gatecast.nn.callbacks.backup import BackupAndRestore
from gatecast.nn.callbacks.base import Callback, CallbackList, as_callbacks
from gatecast.nn.callbacks.checkpoints import ModelCheckpoint
from gatecast.nn.callbacks.history import History
from gatecast.nn.callbacks.learning_rates import LearningRateScheduler, ReduceLROnPlateau
from gatecast.nn.callbacks.logs import CSVLogger, LambdaCallback, TerminateOnNaN
from gatecast.nn.callbacks.monitor import EarlyStopping, MonitorCallback

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
    "as_callbacks",
]
