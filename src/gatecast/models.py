"""`Sequential`, as in Keras: `from gatecast.models import Sequential`."""

from gatecast.nn.sequential import Sequential, load_model

__all__ = ["Sequential", "load_model"]
