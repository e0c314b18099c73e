"""Callbacks, where Keras has them."""

from gatecast.nn.sequential import EarlyStopping

__all__ = ["EarlyStopping"]
