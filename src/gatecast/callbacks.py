"""Callbacks of `Sequential.fit`, as in Keras: `from gatecast.callbacks import EarlyStopping`."""

from gatecast.nn.callbacks import Callback, EarlyStopping, EpochRecord, History

__all__ = ["Callback", "EarlyStopping", "EpochRecord", "History"]
