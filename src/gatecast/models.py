"""`Sequential` and `Model`, as in Keras: `from gatecast.models import Sequential`."""

from gatecast._utils.keras_names import missing_name
from gatecast.nn.cloning import clone_model
from gatecast.nn.functional.model import Model
from gatecast.nn.loading import load_model
from gatecast.nn.sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load_model"]


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, __all__)
