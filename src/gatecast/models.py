"""`Sequential` and `Model`, as in Keras: `from gatecast.models import Sequential`."""

from gatecast.nn.functional.model import Model, load_model
from gatecast.nn.sequential import Sequential

__all__ = ["Model", "Sequential", "load_model"]
